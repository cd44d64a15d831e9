//! Sockets for the simulated SMSC and ESMEs of [`crate::sim`].

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::Clock;
use crate::sim::corpus::Letter;
use crate::sim::esme::{Esme, Report};
use crate::sim::smsc::{Centre, Connection};
use crate::wire::command::{CommandId, RegisteredDelivery};

const READ_OCTETS: usize = 64 * 1024;

/// An SMSC that listens.
#[derive(Clone, Debug)]
pub struct Smsc {
    centre: Arc<Mutex<Centre>>,
    /// Something was left for somebody.
    left: Arc<Notify>,
    clock: Clock,
}

impl Smsc {
    /// An SMSC that behaves like this.
    #[must_use]
    pub fn new(centre: Centre) -> Self {
        Self { centre: Arc::new(Mutex::new(centre)), left: Arc::default(), clock: Clock::start() }
    }

    /// Looks into it.
    pub fn with<T>(&self, look: impl FnOnce(&mut Centre) -> T) -> T {
        look(&mut self.centre.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves a subscriber's message for an account.
    pub fn leave(&self, account: &str, letter: &Letter) {
        self.with(|centre| centre.leave(account, &letter.sm(RegisteredDelivery(0))));
        self.left.notify_waiters();
    }

    /// Serves until it is aborted.
    pub async fn serve(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(self.clone().connection(stream));
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn connection(self, mut stream: TcpStream) -> io::Result<()> {
        let mut connection = Connection::default();
        let (mut octets, mut out) = (vec![0; READ_OCTETS], Vec::new());
        while !connection.closed {
            let mut left = pin!(self.left.notified());
            // From here on nothing that is left can be missed.
            left.as_mut().enable();
            self.with(|centre| connection.fetch(centre, &mut out));
            stream.write_all(&out).await?;
            out.clear();
            tokio::select! {
                read = stream.read(&mut octets) => match read? {
                    0 => break,
                    n => {
                        let now = self.clock.now();
                        let told = self.with(|centre| {
                            connection.handle_bytes(centre, octets.get(..n).unwrap_or_default(), now, &mut out);
                            connection.account().is_some_and(|account| centre.has_left(account))
                        });
                        if told {
                            self.left.notify_waiters();
                        }
                    }
                },
                () = left => {}
            }
        }
        stream.write_all(&out).await?;
        stream.shutdown().await
    }
}

/// How one ESME loads an SMSC.
#[derive(Clone, Debug)]
pub struct Load {
    /// `host:port`.
    pub connect: String,
    /// Its account.
    pub system_id: String,
    /// How it binds.
    pub bind: CommandId,
    /// Submits outstanding at a time.
    pub window: usize,
    /// Messages to submit; without an end when none.
    pub messages: Option<u64>,
    /// Messages a second; as fast as they are answered when none.
    pub rate: Option<f64>,
    /// Which letter is the first.
    pub first: usize,
    /// What it asks receipts for.
    pub registered_delivery: RegisteredDelivery,
    /// It stays this long after its last answer, for what may still come.
    pub stay: Duration,
}

/// Time for a peer to answer a bind or an unbind.
const PATIENCE: Duration = Duration::from_secs(10);

/// Binds, submits letters round and round, and unbinds.
///
/// # Errors
/// When it cannot connect, or the connection breaks.
pub async fn esme(load: Load, letters: Arc<[Letter]>) -> io::Result<Report> {
    let stream = TcpStream::connect(&load.connect).await?;
    stream.set_nodelay(true)?;
    let mut drive = Drive { esme: Esme::new(&load.system_id, load.window), stream, out: Vec::new(), written: 0 };
    drive.esme.bind(load.bind, &mut drive.out);
    let patience = Instant::now() + PATIENCE;
    while !drive.esme.report.bound && !drive.esme.finished {
        if !drive.step(Some(patience)).await? {
            return Ok(drive.esme.report);
        }
    }
    let (mut sent, mut at) = (0, load.first);
    let mut next = Instant::now();
    while !drive.esme.finished {
        let more = load.messages.is_none_or(|n| sent < n) && !letters.is_empty();
        if !more && drive.esme.outstanding() == 0 {
            break;
        }
        let mut wait = None;
        while more && drive.esme.may_submit() && drive.out.len() < READ_OCTETS && load.messages.is_none_or(|n| sent < n)
        {
            if let Some(rate) = load.rate {
                if Instant::now() < next {
                    wait = Some(next);
                    break;
                }
                next += Duration::from_secs_f64(1.0 / rate.max(0.001));
            }
            if let Some(letter) = letters.get(at % letters.len()) {
                drive.esme.submit(&letter.sm(load.registered_delivery), &mut drive.out);
            }
            sent += 1;
            at += 1;
        }
        drive.step(wait).await?;
    }
    let until = Instant::now() + load.stay;
    while !drive.esme.finished && Instant::now() < until {
        drive.step(Some(until)).await?;
    }
    if !drive.esme.finished {
        drive.esme.unbind(&mut drive.out);
    }
    let patience = Instant::now() + PATIENCE;
    while !drive.esme.finished && Instant::now() < patience {
        drive.step(Some(patience)).await?;
    }
    let _ = timeout(PATIENCE, drive.stream.shutdown()).await;
    Ok(drive.esme.report)
}

struct Drive {
    esme: Esme,
    stream: TcpStream,
    out: Vec<u8>,
    written: usize,
}

impl Drive {
    /// Reads or writes once; whether it did before `until`.
    async fn step(&mut self, until: Option<Instant>) -> io::Result<bool> {
        let writes = self.written < self.out.len();
        let interest = if writes { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let ready = match until {
            Some(until) => tokio::select! {
                ready = self.stream.ready(interest) => ready?,
                () = sleep_until(until) => return Ok(false),
            },
            None => self.stream.ready(interest).await?,
        };
        if ready.is_writable() && writes {
            match self.stream.try_write(self.out.get(self.written..).unwrap_or_default()) {
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
            if self.written == self.out.len() {
                self.out.clear();
                self.written = 0;
            }
        }
        if ready.is_readable() {
            let mut octets = [0; 16 * 1024];
            match self.stream.try_read(&mut octets) {
                Ok(0) => self.esme.finished = true,
                Ok(n) => self.esme.handle_bytes(octets.get(..n).unwrap_or_default(), &mut self.out),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }
}
