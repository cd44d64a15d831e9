//! What a box adds to the time from a message to its answer, at a rate that none of them is busy with: messages are sent
//! when they are due, whether others are answered or not.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::boxes::{Middle, Ports};
use crate::peers::{Session, Smsc};
use crate::work::Work;
use crate::{SESSIONS, median};

/// Messages a second, over all sessions.
const RATE: u32 = 5_000;
const RUN: Duration = Duration::from_secs(2);
/// Messages that are sent before one is counted: a box that has just started does much for the first time.
const FIRST: usize = 2_500;
/// Messages that may be on their way in one session.
const SLOTS: usize = 4_096;

/// Microseconds at the median and at the 99th percentile.
#[derive(Clone, Copy)]
struct Took {
    p50: f64,
    p99: f64,
}

pub fn table(all: &[Middle], work: &Work, smsc: &Smsc, rounds: usize, tapis: &str) {
    let all: Vec<&Middle> = all.iter().filter(|one| one.tls.is_none()).collect();
    let mut direct = Vec::new();
    let mut runs: Vec<Vec<Took>> = vec![Vec::new(); all.len()];
    for round in 0..=rounds {
        let without = open_loop(smsc.port, work);
        for (one, runs) in all.iter().zip(&mut runs) {
            let ports = Ports::of(one, smsc);
            let _running = one.start(ports, tapis);
            let with = open_loop(ports.listen, work);
            if round > 0 {
                runs.push(Took { p50: with.p50 - without.p50, p99: with.p99 - without.p99 });
            }
        }
        if round > 0 {
            direct.push(without);
        }
    }
    println!("\nadded to a message and its answer, {RATE} messages a second, open loop");
    println!("{:<54}{:>10}{:>22}{:>12}{:>22}", "", "p50 µs", "lowest–highest", "p99 µs", "lowest–highest");
    row("(without a box, the whole)", &direct);
    all.iter().zip(&runs).for_each(|(one, runs)| row(&one.name, runs));
}

fn row(name: &str, runs: &[Took]) {
    let spread = |of: fn(&Took) -> f64| {
        let all = runs.iter().map(of);
        format!("{:.0}–{:.0}", all.clone().fold(f64::MAX, f64::min), all.fold(f64::MIN, f64::max))
    };
    println!(
        "{name:<54}{:>10.0}{:>22}{:>12.0}{:>22}",
        median(runs.iter().map(|r| r.p50)),
        spread(|r| r.p50),
        median(runs.iter().map(|r| r.p99)),
        spread(|r| r.p99)
    );
}

/// One run; each session has a reader, and one thread sends for all.
fn open_loop(port: u16, work: &Work) -> Took {
    let mut sessions: Vec<Session> =
        (0..SESSIONS).map(|n| Session::bind(port, None, &format!("esme-{n}"), SLOTS)).collect();
    let start = Instant::now();
    let sent: Vec<Vec<AtomicU64>> = (0..SESSIONS).map(|_| (0..SLOTS).map(|_| AtomicU64::new(0)).collect()).collect();
    let count = (FIRST + usize::try_from(RATE).unwrap() * RUN.as_secs() as usize) / SESSIONS;
    let mut all: Vec<u64> = thread::scope(|scope| {
        let readers: Vec<_> = sessions
            .iter()
            .zip(&sent)
            .map(|(session, sent)| {
                let stream = session.stream.again();
                scope.spawn(move || answers(stream, sent, count, start))
            })
            .collect();
        let gap = Duration::from_secs(1) / RATE;
        let mut due = Instant::now();
        for n in 0..count * SESSIONS {
            due += gap;
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            let (nth, session) = (n % SESSIONS, &mut sessions[n % SESSIONS]);
            let number = session.esme.submit_encoded(&work.submits[n % work.submits.len()], &mut session.out);
            let now = u64::try_from(start.elapsed().as_nanos()).unwrap();
            sent[nth][number as usize % SLOTS].store(now, Ordering::SeqCst);
            session.stream.write_all(&session.out).unwrap();
            session.out.clear();
        }
        readers.into_iter().flat_map(|reader| reader.join().unwrap().split_off(FIRST / SESSIONS)).collect()
    });
    all.sort_unstable();
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    Took { p50: at(0.5), p99: at(0.99) }
}

/// Reads answers, and says how long each took in nanoseconds.
fn answers(mut stream: std::net::TcpStream, sent: &[AtomicU64], count: usize, start: Instant) -> Vec<u64> {
    let mut all = Vec::with_capacity(count);
    let (mut octets, mut kept) = (vec![0; 64 * 1024], Vec::new());
    while all.len() < count {
        let n = stream.read(&mut octets).expect("an answer within 20 s");
        let now = u64::try_from(start.elapsed().as_nanos()).unwrap();
        assert!(n > 0, "the box has closed the connection");
        kept.extend_from_slice(&octets[..n]);
        let mut at = 0;
        while let Some(header) = kept.get(at..at + 16) {
            let field = |n: usize| u32::from_be_bytes(header[n..n + 4].try_into().unwrap()) as usize;
            if kept.len() < at + field(0) {
                break;
            }
            all.push(now.saturating_sub(sent[field(12) % SLOTS].load(Ordering::SeqCst)));
            at += field(0);
        }
        kept.drain(..at);
    }
    all
}
