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
/// Of a thread: an SMSC has one for each connection, and there may be ten thousand.
const STACK: usize = 256 * 1024;
/// Threads that ESMEs share when there are more of them.
const THREADS_MAX: usize = 64;

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
                    let stream = match tls {
                        Some(tls) => tls.server(tcp),
                        None => Stream::Plain(tcp),
                    };
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

/// Loads a box for a while, or several that share the sessions: every session keeps its window full.
pub fn load(ports: &[u16], tls: Option<&Tls>, work: &Work, length: Duration, portion: usize, load: Load) -> Loaded {
    // One after the other: what is measured is not how many can bind at once.
    let bind = |n: usize| Session::bind(ports[n % ports.len()], tls, &format!("esme-{n}"), load.window);
    let mut sessions: Vec<Session> = (0..load.sessions).map(bind).collect();
    let each = load.sessions.div_ceil(THREADS_MAX);
    let together = Barrier::new(load.sessions.div_ceil(each));
    let some = |n: usize, sessions: &mut [Session]| {
        together.wait();
        let start = Instant::now();
        // Each session begins elsewhere, and goes through all.
        let from = |k: usize| (n * each + k) * work.submits.len() / load.sessions;
        let mut at: Vec<usize> = (0..sessions.len()).map(from).collect();
        while fill(sessions, &mut at, work, start + length, portion) {}
        let seconds = start.elapsed().as_secs_f64();
        sessions.iter_mut().for_each(Session::unbind);
        seconds
    };
    let longest = thread::scope(|scope| {
        let some = &some;
        let spawn = |(n, sessions)| {
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || some(n, sessions)).unwrap()
        };
        let threads: Vec<_> = sessions.chunks_mut(each).enumerate().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(0.0, f64::max)
    });
    let mut report = Report { bound: true, unbound: true, ..Report::default() };
    sessions.iter().for_each(|session| report.add(&session.esme.report));
    Loaded { report, seconds: longest }
}

/// Submits until it is time, writes, and reads once where answers are awaited; false when there are none any more.
fn fill(sessions: &mut [Session], at: &mut [usize], work: &Work, until: Instant, portion: usize) -> bool {
    let more = Instant::now() < until;
    for (session, at) in sessions.iter_mut().zip(at) {
        while more && session.esme.may_submit() {
            session.esme.submit_encoded(&work.submits[*at], &mut session.out);
            *at = (*at + 1) % work.submits.len();
        }
        session.write(portion);
    }
    let mut waiting = sessions.iter_mut().filter(|session| session.esme.outstanding() > 0).peekable();
    let is_waiting = waiting.peek().is_some();
    waiting.for_each(Session::read);
    is_waiting
}
