//! The ESMEs and the SMSC on both sides of a box: threads that read as much at once as there is, and write a portion of
//! it at a time, as clients and centres do that serve more than one connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tapis::sim::esme::{Esme, Report};
use tapis::sim::smsc::{Behaviour, Centre, Connection};
use tapis::time::Timestamp;
use tapis::wire::command::CommandId;

use crate::tls::{Stream, Tls};
use crate::work::Work;

const READ_OCTETS: usize = 64 * 1024;
/// Of a thread: there may be ten thousand on each side.
const STACK: usize = 256 * 1024;

/// An SMSC that takes everything, with TLS and without, and counts it.
pub struct Smsc {
    pub port: u16,
    pub tls_port: u16,
    messages: Arc<AtomicU64>,
}

impl Smsc {
    pub fn listen(portion: usize, tls: &Arc<Tls>) -> Self {
        let messages = Arc::new(AtomicU64::new(0));
        let listen = |tls: Option<Arc<Tls>>| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let messages = Arc::clone(&messages);
            thread::spawn(move || {
                for tcp in listener.incoming().flatten() {
                    let (messages, tls) = (Arc::clone(&messages), tls.clone());
                    tcp.set_nodelay(true).unwrap();
                    let stream = tls.map_or_else(
                        || Stream::Plain(tcp.try_clone().unwrap()),
                        |tls| tls.server(tcp.try_clone().unwrap()),
                    );
                    let serve = move || serve(stream, &messages, portion);
                    thread::Builder::new().stack_size(STACK).spawn(serve).unwrap();
                }
            });
            port
        };
        Self { port: listen(None), tls_port: listen(Some(Arc::clone(tls))), messages }
    }

    /// Messages that have reached it.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: Stream, messages: &AtomicU64, portion: usize) {
    // Each connection is a centre of its own: they share nothing that would be waited for.
    let mut centre = Centre::new(Behaviour { receipts: false, ..Behaviour::default() });
    let mut connection = Connection::default();
    let (mut octets, mut out) = (vec![0; READ_OCTETS], Vec::new());
    while let Ok(n @ 1..) = stream.read(&mut octets) {
        let before = centre.messages;
        connection.handle_bytes(&mut centre, &octets[..n], Timestamp(0), &mut out);
        messages.fetch_add(centre.messages - before, Ordering::SeqCst);
        if write(&mut stream, &out, portion).is_err() || connection.closed {
            return;
        }
        out.clear();
    }
}

/// Writes PDUs, so many at a time.
pub fn write(stream: &mut Stream, octets: &[u8], portion: usize) -> std::io::Result<()> {
    let (mut from, mut to, mut count) = (0, 0, 0);
    while let Some(length) = octets.get(to..to + 4) {
        to += u32::from_be_bytes(length.try_into().unwrap()) as usize;
        count += 1;
        if count == portion {
            stream.write_all(&octets[from..to])?;
            (from, count) = (to, 0);
        }
    }
    stream.write_all(&octets[from..])
}

/// One ESME and its connection.
pub struct Session {
    pub esme: Esme,
    pub stream: Stream,
    pub out: Vec<u8>,
    octets: Vec<u8>,
}

impl Session {
    /// Connects and binds.
    pub fn bind(port: u16, tls: Option<&Tls>, name: &str, window: usize) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let stream = match tls {
            Some(tls) => tls.client(tcp),
            None => Stream::Plain(tcp),
        };
        let mut session = Self { esme: Esme::new(name, window), stream, out: Vec::new(), octets: vec![0; READ_OCTETS] };
        session.esme.bind(CommandId::BIND_TRANSCEIVER, &mut session.out);
        session.write(1);
        while !session.esme.report.bound {
            session.read();
        }
        session
    }

    pub fn write(&mut self, portion: usize) {
        write(&mut self.stream, &self.out, portion).unwrap();
        self.out.clear();
    }

    /// Reads once; waits for something to read.
    pub fn read(&mut self) {
        let n = self.stream.read(&mut self.octets).expect("an answer within 20 s");
        assert!(n > 0, "the box has closed the connection");
        self.esme.handle_bytes(&self.octets[..n], &mut self.out);
    }

    pub fn unbind(&mut self) {
        self.esme.unbind(&mut self.out);
        self.write(1);
        while !self.esme.finished {
            self.read();
        }
    }
}

/// How a box is loaded.
#[derive(Clone, Copy)]
pub struct Load {
    pub sessions: usize,
    pub window: usize,
}

/// What a load came to.
pub struct Loaded {
    pub report: Report,
    pub seconds: f64,
}

/// Loads a box for a while: every session keeps its window full.
pub fn load(port: u16, tls: Option<&Tls>, work: &Work, length: Duration, portion: usize, load: Load) -> Loaded {
    let together = Barrier::new(load.sessions);
    let one = |n: usize| {
        let mut session = Session::bind(port, tls, &format!("esme-{n}"), load.window);
        together.wait();
        let start = Instant::now();
        session.fill(work, n * work.submits.len() / load.sessions, start + length, portion);
        let seconds = start.elapsed().as_secs_f64();
        session.unbind();
        (session.esme.report, seconds)
    };
    let reports = thread::scope(|scope| {
        let one = &one;
        let spawn = |n| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || one(n)).unwrap();
        let sessions: Vec<_> = (0..load.sessions).map(spawn).collect();
        sessions.into_iter().map(|s| s.join().unwrap()).collect::<Vec<_>>()
    });
    let mut report = Report { bound: true, unbound: true, ..Report::default() };
    let mut longest: f64 = 0.0;
    for (one, seconds) in &reports {
        report.add(one);
        longest = longest.max(*seconds);
    }
    Loaded { report, seconds: longest }
}

impl Session {
    /// Submits until it is time, and waits for the last answers.
    fn fill(&mut self, work: &Work, from: usize, until: Instant, portion: usize) {
        // Each session begins elsewhere, and goes through all.
        let mut at = from;
        loop {
            let more = Instant::now() < until;
            while more && self.esme.may_submit() {
                self.esme.submit_encoded(&work.submits[at], &mut self.out);
                at = (at + 1) % work.submits.len();
            }
            if self.esme.outstanding() == 0 {
                return;
            }
            self.write(portion);
            self.read();
        }
    }
}
