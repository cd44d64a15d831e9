//! One session's driver: a gate between two streams. One `handle_*`, all outputs, one write to each leg; and one before the
//! first record, which takes longer than a peer should wait.

use std::cell::RefCell;
use std::collections::HashSet;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio::time::Sleep;

use super::Node;
use super::clock::stopwatch;
use super::journal::Journal;
use super::keeper::Keeper;
use super::metrics::{self, Meters};
use super::stream::Stream;
use crate::account::{SessionId, SmscId};
use crate::audit::shadow::ShadowChanges;
use crate::audit::tally::Tally;
use crate::capture::Tap;
use crate::gate::{Context, Gate, Output, Scratch};
use crate::message::Direction;
use crate::policy;
use crate::session::{Closed, Leg};
use crate::time::Timestamp;

/// Octets read at once.
const READ_OCTETS: usize = 64 * 1024;
/// Counts are handed to the node this often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// A session that waits for nothing looks up this often.
const IDLE: Duration = Duration::from_secs(3600);

/// Room that all sessions of one thread share: between two suspensions only one works.
struct Room {
    gate: Scratch,
    evidence: policy::Scratch,
    octets: Vec<u8>,
}

thread_local! {
    static ROOM: RefCell<Room> =
        RefCell::new(Room { gate: Scratch::timed(stopwatch), evidence: policy::Scratch::default(), octets: Vec::new() });
}

type Connecting = tokio::task::JoinHandle<Option<(Stream, SmscId)>>;

/// See the [module documentation](self).
pub struct Link {
    node: Arc<Node>,
    gate: Gate,
    esme: Option<Stream>,
    smsc: Option<Stream>,
    connecting: Option<Connecting>,
    wake: Arc<Notify>,
    drain: watch::Receiver<bool>,
    told_drain: bool,
    meters: Meters,
    tally: Tally,
    shadow: ShadowChanges,
    /// Decisions whose outcomes are written.
    written: HashSet<u64>,
    flushed: Timestamp,
    state: &'static str,
    gauges: [[f64; 3]; 2],
    /// When the octets that are being worked on were read.
    read_at: Option<Instant>,
    tap: Tap,
    /// Wakes the session when nothing else does. It may be due earlier than needed: moving it costs more.
    alarm: Pin<Box<Sleep>>,
    /// The leg that is looked at first.
    turn: Leg,
    /// There are counts that the node has not got.
    unflushed: bool,
}

enum Ready {
    /// So many octets of a leg are in the room.
    Read(Leg, io::Result<usize>),
    /// There is something to read, and the journal's writer is behind.
    Crowded,
    Write,
    Connected(Option<(Stream, SmscId)>),
    Wake,
    Drain,
    Timeout,
}

impl Link {
    /// A link whose ESME has just connected.
    #[must_use]
    pub fn new(node: Arc<Node>, id: SessionId, esme: Stream, peer: SocketAddr, wake: Arc<Notify>) -> Self {
        let now = node.clock.now();
        let gate = Gate::new(id, Arc::clone(&node.gate), Some(peer.ip()), now.0 ^ id.0, now);
        let drain = node.drain.subscribe();
        let state = gate.state().name();
        metrics::gauge_by("tapis_sessions", "state", state, 1.0);
        Self {
            gate,
            esme: Some(esme),
            smsc: None,
            connecting: None,
            wake,
            drain,
            told_drain: false,
            meters: Meters::new("", "unbound"),
            tally: Tally::default(),
            shadow: ShadowChanges::default(),
            written: HashSet::new(),
            flushed: now,
            state,
            gauges: [[0.0; 3]; 2],
            read_at: None,
            tap: Tap::default(),
            alarm: Box::pin(tokio::time::sleep(IDLE)),
            turn: Leg::Esme,
            unflushed: false,
            node,
        }
    }

    /// Runs until the session is over.
    pub async fn run(mut self) {
        loop {
            self.outputs();
            let blocked = self.write().await;
            if self.gate.is_finished() {
                break;
            }
            self.flush(false);
            match self.ready(blocked).await {
                Ready::Read(leg, read) => self.read(leg, read),
                Ready::Crowded => self.node.journal.room().await,
                Ready::Write => {}
                Ready::Connected(connected) => self.connected(connected),
                Ready::Wake => self.with(|gate, cx| gate.handle_wake(cx)),
                Ready::Drain => {
                    self.told_drain = true;
                    self.with(|gate, cx| gate.handle_drain(cx));
                }
                Ready::Timeout => {
                    let now = self.node.clock.now();
                    if self.gate.poll_timeout().is_some_and(|at| at <= now) {
                        self.with(|gate, cx| gate.handle_timeout(cx));
                    }
                }
            }
        }
    }

    async fn ready(&mut self, blocked: [bool; 2]) -> Ready {
        let flush_at = self.unflushed.then(|| self.flushed + FLUSH_EVERY);
        let deadline = [self.gate.poll_timeout(), flush_at].into_iter().flatten().min();
        let deadline = deadline.map(|at| self.node.clock.instant(at));
        if deadline.is_some_and(|at| at < self.alarm.deadline()) || self.alarm.is_elapsed() {
            let at = deadline.unwrap_or_else(|| self.alarm.deadline() + IDLE);
            self.alarm.as_mut().reset(at);
        }
        let [esme_blocked, smsc_blocked] = blocked;
        self.turn = self.turn.other();
        let (turn, journal) = (self.turn, &self.node.journal);
        let (gate, esme, smsc) = (&self.gate, &mut self.esme, &mut self.smsc);
        let streams = poll_fn(|cx| {
            for leg in [turn, turn.other()] {
                let (stream, blocked) =
                    if leg == Leg::Esme { (&mut *esme, esme_blocked) } else { (&mut *smsc, smsc_blocked) };
                let Some(stream) = stream else { continue };
                if gate.wants_read(leg)
                    && let Poll::Ready(ready) = poll_read(leg, stream, journal, cx)
                {
                    return Poll::Ready(ready);
                }
                if blocked && stream.poll_may_write(cx).is_ready() {
                    return Poll::Ready(Ready::Write);
                }
            }
            Poll::Pending
        });
        let connecting = async |connecting: &mut Option<Connecting>| match connecting {
            Some(task) => task.await.ok().flatten(),
            None => std::future::pending().await,
        };
        tokio::select! {
            ready = streams => ready,
            connected = connecting(&mut self.connecting) => Ready::Connected(connected),
            () = self.wake.notified() => Ready::Wake,
            _ = self.drain.wait_for(|draining| *draining), if !self.told_drain => Ready::Drain,
            () = self.alarm.as_mut() => Ready::Timeout,
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Gate, &mut Context<'_>) -> T) -> T {
        let policy = self.node.policy_of(self.gate.id());
        self.unflushed = true;
        ROOM.with_borrow_mut(|room| {
            let mut cx = Context {
                now: self.node.clock.now(),
                policy: &policy,
                memory: &self.node.memory,
                scratch: &mut room.gate,
                journal_full: self.node.journal.is_full(),
            };
            act(&mut self.gate, &mut cx)
        })
    }

    fn connected(&mut self, connected: Option<(Stream, SmscId)>) {
        self.connecting = None;
        match connected {
            Some((stream, smsc)) => {
                self.smsc = Some(stream);
                self.with(|gate, cx| gate.handle_connected(cx, smsc));
            }
            None => self.with(|gate, cx| gate.handle_connect_failed(cx)),
        }
    }

    /// Takes in what was read.
    #[allow(clippy::disallowed_methods, reason = "how long a message takes is measured here")]
    #[allow(clippy::needless_pass_by_value, reason = "what a read answered, and nobody else wants")]
    fn read(&mut self, leg: Leg, read: io::Result<usize>) {
        let policy = self.node.policy_of(self.gate.id());
        self.unflushed = true;
        let read_at = Instant::now();
        ROOM.with_borrow_mut(|room| {
            let Room { gate: scratch, octets, .. } = room;
            let mut cx = Context {
                now: self.node.clock.at(read_at),
                policy: &policy,
                memory: &self.node.memory,
                scratch,
                journal_full: self.node.journal.is_full(),
            };
            match read {
                Ok(0) => self.gate.handle_closed(&mut cx, leg, Closed::Eof),
                Ok(n) => {
                    self.read_at = Some(read_at);
                    let octets = octets.get(..n).unwrap_or_default();
                    if let Some(capture) = &self.node.capture {
                        let (at, session) = (cx.now, self.gate.id().0);
                        self.tap.read(leg, octets, |account, pdu| {
                            capture.write(at, leg, session, account, pdu.into_owned());
                        });
                    }
                    self.gate.handle_bytes(&mut cx, leg, octets);
                }
                Err(_) => self.gate.handle_closed(&mut cx, leg, Closed::Reset),
            }
        });
    }

    /// Takes everything that the gate has to say. What costs little by itself is done once for all of it: the clock is read
    /// once a message, and not at all where no rule asks for any; counts are handed over at the end.
    #[allow(clippy::disallowed_methods, reason = "how long a verdict takes is measured here")]
    fn outputs(&mut self) {
        let node = Arc::clone(&self.node);
        let policy = node.policy_of(self.gate.id());
        let trial = node.canary.load();
        let mut wakes = Vec::new();
        let is_timed = policy.rules.asks() || node.journal.is_on();
        let start = Instant::now();
        let mut at = start;
        // No peer waits for a record of the first message that is written down. Under a flood all are written together.
        let mut may_write = true;
        ROOM.with_borrow_mut(|room| {
            let Room { gate: scratch, evidence, .. } = room;
            let mut keeper = Keeper {
                node: &node,
                trial: trial.as_deref(),
                meters: &mut self.meters,
                tally: &mut self.tally,
                shadow: &mut self.shadow,
                written: &mut self.written,
                evidence,
            };
            loop {
                let mut cx = Context {
                    now: node.clock.at(at),
                    policy: &policy,
                    memory: &node.memory,
                    scratch,
                    journal_full: node.journal.is_full(),
                };
                let Some(progress) = self.gate.poll_progress(&mut cx) else { break };
                if may_write && progress.is_notable() && node.journal.is_on() {
                    may_write = false;
                    let written_from = Instant::now();
                    write_at_once(&mut self.gate, [&mut self.esme, &mut self.smsc]);
                    // A verdict is not to be charged with it.
                    at += written_from.elapsed();
                }
                match self.gate.tell(&cx, progress) {
                    Output::Connect { account } => {
                        let (node, account) = (Arc::clone(&node), account.to_owned());
                        let connect = async move { node.upstream.connect(&node.memory, &account).await };
                        #[allow(clippy::disallowed_methods, reason = "a task that only connects")]
                        let task = tokio::spawn(connect);
                        self.connecting = Some(task);
                    }
                    Output::Decision(decision) => {
                        let took = is_timed.then(|| {
                            let before = std::mem::replace(&mut at, Instant::now());
                            at.saturating_duration_since(before)
                        });
                        if keeper.decision(&decision, took) {
                            // The next one is not to be charged with writing it down.
                            at = Instant::now();
                        }
                    }
                    Output::Outcome(outcome) => keeper.outcome(&outcome),
                    Output::Event(event) => {
                        keeper.event(event);
                        if let Some(account) = self.gate.account()
                            && !keeper.meters.is_for(account)
                        {
                            keeper.meters.hand_over(None);
                            *keeper.meters = Meters::new(account, &node.accounts.label(account));
                        }
                    }
                    Output::Wake(session) => wakes.push(session),
                }
            }
            keeper.passed(&policy, self.gate.take_passed());
        });
        self.hand_over(start, is_timed);
        wakes.into_iter().for_each(|session| node.wake(session));
        let state = self.gate.state().name();
        if state != self.state {
            metrics::gauge_by("tapis_sessions", "state", self.state, -1.0);
            metrics::gauge_by("tapis_sessions", "state", state, 1.0);
            self.state = state;
        }
    }

    /// Hands over what was counted since `start`; where the clock was not read for each verdict, they took equally long.
    #[allow(clippy::disallowed_methods, reason = "how long a message takes is measured here")]
    fn hand_over(&mut self, start: Instant, is_timed: bool) {
        let all = self.meters.decisions(Direction::Mt) + self.meters.decisions(Direction::Mo);
        if all == 0 {
            return;
        }
        let now = Instant::now();
        if !is_timed {
            let each = now.saturating_duration_since(start) / u32::try_from(all).unwrap_or(u32::MAX);
            for direction in [Direction::Mt, Direction::Mo] {
                let count = self.meters.decisions(direction);
                self.meters.verdicts(direction, each, count);
            }
        }
        self.meters.hand_over(self.read_at.map(|read_at| now.saturating_duration_since(read_at)));
    }

    /// Writes what can be written; answers which legs are blocked.
    async fn write(&mut self) -> [bool; 2] {
        let mut blocked = [false; 2];
        for (leg, blocked) in [Leg::Esme, Leg::Smsc].into_iter().zip(&mut blocked) {
            let stream = match leg {
                Leg::Esme => &mut self.esme,
                Leg::Smsc => &mut self.smsc,
            };
            let Some(stream) = stream else {
                if self.gate.wants_close(leg) {
                    self.gate.write_shut(leg);
                }
                continue;
            };
            match poll_fn(|cx| Poll::Ready(write_out(&mut self.gate, leg, stream, cx))).await {
                Ok(waits) => *blocked = waits,
                Err(_) => {
                    // Its answers may have come before: they are read first.
                    self.with(|gate, cx| gate.handle_closed(cx, leg, Closed::Unwritable));
                    self.outputs();
                    continue;
                }
            }
            if self.gate.wants_close(leg) {
                // Inside TLS the end is said, which a peer that reads nothing never hears.
                let _ = tokio::time::timeout(self.node.settings.timers.linger, stream.end()).await;
                self.gate.write_shut(leg);
                self.outputs();
            }
        }
        blocked
    }

    /// Hands counts to the node.
    fn flush(&mut self, end: bool) {
        let now = self.node.clock.now();
        if !end && (!self.unflushed || now.since(self.flushed) < FLUSH_EVERY) {
            return;
        }
        (self.flushed, self.unflushed) = (now, false);
        if !self.tally.is_empty() {
            self.node.merge(std::mem::take(&mut self.tally));
        }
        if !self.shadow.is_empty() {
            self.node.merge_shadow(std::mem::take(&mut self.shadow));
        }
        metrics::session(&self.gate.counters().take());
        let names = ["tapis_outstanding_requests", "tapis_buffer_bytes", "tapis_held_messages"];
        for (leg, shown) in [Leg::Esme, Leg::Smsc].into_iter().zip(&mut self.gauges) {
            let gate = &self.gate;
            let values = [gate.outstanding(leg), gate.buffered_octets(leg), gate.held(leg)];
            for ((name, value), shown) in names.into_iter().zip(values).zip(shown) {
                let value = if end { 0.0 } else { metrics::count(value) };
                metrics::gauge_by(name, "leg", leg.name(), value - *shown);
                *shown = value;
            }
        }
    }
}

impl Drop for Link {
    /// However it ends, what it counted is not lost.
    fn drop(&mut self) {
        self.flush(true);
        metrics::gauge_by("tapis_sessions", "state", self.state, -1.0);
    }
}

/// Reads into the room of this thread: whoever polls uses what is there before anything else is polled.
fn poll_read(leg: Leg, stream: &mut Stream, journal: &Journal, cx: &mut task::Context<'_>) -> Poll<Ready> {
    if journal.is_crowded() {
        return stream.poll_may_read(cx).map(|()| Ready::Crowded);
    }
    ROOM.with_borrow_mut(|room| {
        room.octets.resize(READ_OCTETS, 0);
        let mut octets = ReadBuf::new(&mut room.octets);
        let read = Pin::new(stream).poll_read(cx, &mut octets);
        read.map(|read| Ready::Read(leg, read.map(|()| octets.filled().len())))
    })
}

/// Writes what can be written now to both legs. What cannot, and what goes wrong, is met again when all is written.
fn write_at_once(gate: &mut Gate, streams: [&mut Option<Stream>; 2]) {
    let mut cx = task::Context::from_waker(task::Waker::noop());
    for (leg, stream) in [Leg::Esme, Leg::Smsc].into_iter().zip(streams) {
        let _ = stream.as_mut().map(|stream| write_out(gate, leg, stream, &mut cx));
    }
}

/// Writes what can be written; whether there is more.
fn write_out(gate: &mut Gate, leg: Leg, stream: &mut Stream, cx: &mut task::Context<'_>) -> io::Result<bool> {
    loop {
        let mut slices = [IoSlice::new(&[]); 64];
        let count = gate.transmit(leg, &mut slices);
        if count == 0 {
            return stream.try_flush(cx).map(|all| !all);
        }
        match stream.try_write(slices.get(..count).unwrap_or_default(), cx)? {
            Some(0) => return Err(io::Error::from(ErrorKind::WriteZero)),
            Some(n) => gate.transmitted(leg, n),
            None => return Ok(true),
        }
    }
}
