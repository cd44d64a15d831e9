//! Many messages through a box with everything on, each to a recipient of its own: what was sent, what arrived and how
//! each was answered are held against each other, message by message.

use std::collections::HashMap;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tapis::sim::corpus::Letter;
use tapis::sim::smsc::body_digest;
use tapis::wire::body::{Body, Parsed, Sm, parse};
use tapis::wire::command::{CommandId, CommandStatus, RegisteredDelivery, Tag};
use tapis::wire::encode as wire;

use crate::boxes::{Middle, Ports};
use crate::peers::write;
use crate::tls::Stream;
use crate::work::Work;
use crate::{PORTION, SESSIONS, WINDOW, thousands};

/// What has reached the SMSC: submit_sm, in no order.
type Arrived = Arc<Mutex<Vec<Vec<u8>>>>;

/// An answer: its status, and the message_id that the SMSC has given.
#[derive(Clone)]
struct Answer {
    status: CommandStatus,
    message_id: Vec<u8>,
}

/// Sends `count` messages through a box, and tells what became of them.
pub fn check(one: &Middle, work: &Work, count: usize, tapis: &str) {
    let arrived = Arrived::default();
    let smsc = listen(&arrived);
    let ports = Ports { listen: crate::boxes::free_port(), smsc };
    let running = one.start(ports, tapis);
    let start = Instant::now();
    let answers: Vec<Vec<Vec<Answer>>> = thread::scope(|scope| {
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|nth| scope.spawn(move || session(ports.listen, nth, (nth..count).step_by(SESSIONS), work)))
            .collect();
        sessions.into_iter().map(|session| session.join().unwrap()).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    drop(running);
    let arrived = std::mem::take(&mut *arrived.lock().unwrap());
    let answered = |n: usize| answers[n % SESSIONS][n / SESSIONS].as_slice();
    println!(
        "{} messages in {seconds:.0} s, each to a recipient of its own; starter rules, reputation, journal",
        thousands(count as f64)
    );
    compare(count, work, answered, &arrived);
}

/// Holds the three against each other.
fn compare<'a>(count: usize, work: &Work, answered: impl Fn(usize) -> &'a [Answer], arrived: &[Vec<u8>]) {
    let mut by_recipient: HashMap<&[u8], Vec<&[u8]>> = HashMap::with_capacity(count);
    for pdu in arrived {
        by_recipient.entry(sm(pdu).destination.address).or_default().push(pdu);
    }
    let (mut passed, mut tagged, mut refused, mut swallowed) = (0, 0, 0, 0);
    let (mut lost, mut twice, mut altered, mut misanswered) = (0, 0, 0, 0);
    for n in 0..count {
        let sent = message(work, n);
        let there = by_recipient.remove(sm(&sent).destination.address).unwrap_or_default();
        let [answer] = answered(n) else {
            misanswered += 1;
            continue;
        };
        match (there.as_slice(), answer.status) {
            ([], CommandStatus::ESME_ROK) if answer.message_id.is_empty() => lost += 1,
            // Accepted by the box itself, under a rule that says so.
            ([], CommandStatus::ESME_ROK) => swallowed += 1,
            ([], _) => refused += 1,
            ([_, _, ..], _) => twice += 1,
            ([pdu], CommandStatus::ESME_ROK) => {
                if answer.message_id != message_id(pdu) {
                    misanswered += 1;
                }
                match (pdu[16..] == sent[16..], is_tagged(&sm(pdu), &sm(&sent))) {
                    (true, _) => passed += 1,
                    (false, true) => tagged += 1,
                    (false, false) => altered += 1,
                }
            }
            ([_], _) => misanswered += 1,
        }
    }
    let invented = by_recipient.len();
    for (what, n) in [("passed as sent", passed), ("tagged", tagged), ("refused", refused), ("swallowed", swallowed)] {
        println!("  {what:<16}{:>12}", thousands(f64::from(n)));
    }
    let wrong = [("lost", lost), ("arrived twice", twice), ("altered", altered), ("misanswered", misanswered)];
    for (what, n) in wrong {
        println!("  {what:<16}{:>12}", thousands(f64::from(n)));
    }
    println!("  {:<16}{:>12}", "invented", thousands(invented as f64));
    assert!(wrong.iter().all(|(_, n)| *n == 0) && invented == 0, "every message as it should be");
}

/// Whether a message is another one and nothing but tagged: another source address, something before its text, a TLV more.
fn is_tagged(arrived: &Sm<'_>, sent: &Sm<'_>) -> bool {
    let payload = |sm: &Sm<'_>| sm.tlvs.message_payload().unwrap_or_default().to_vec();
    let text = |sm: &Sm<'_>| [sm.short_message, &payload(sm)].concat();
    let others = |sm: &Sm<'_>| -> Vec<(Tag, Vec<u8>)> {
        let others = sm.tlvs.iter().filter(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD);
        others.map(|tlv| (tlv.tag, tlv.value.to_vec())).collect()
    };
    let mut same = *arrived;
    (same.source, same.short_message, same.tlvs) = (sent.source, sent.short_message, sent.tlvs);
    same == *sent && text(arrived).ends_with(&text(sent)) && others(arrived).starts_with(&others(sent))
}

/// The nth message as it is sent, under the sequence_number 0.
fn message(work: &Work, n: usize) -> Vec<u8> {
    let letter = &work.letters[n % work.letters.len()];
    let country = letter.to.get(..3).unwrap_or("+65");
    let letter = Letter::new("", &letter.from, &format!("{country}9{n:07}"), &letter.text);
    let mut pdu = Vec::new();
    wire::sm(&mut pdu, CommandId::SUBMIT_SM, 0, &letter.sm(RegisteredDelivery(0)));
    pdu
}

fn sm(pdu: &[u8]) -> Sm<'_> {
    match parse(pdu) {
        Parsed::Understood(_, Body::SubmitSm(sm)) => sm,
        other => panic!("{other:?} is no submit_sm"),
    }
}

fn message_id(pdu: &[u8]) -> Vec<u8> {
    format!("{:016x}", body_digest(pdu)).into_bytes()
}

/// One ESME: sends its messages, a window at a time, and keeps every answer of each.
fn session(port: u16, nth: usize, own: impl Iterator<Item = usize>, work: &Work) -> Vec<Vec<Answer>> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut peer = Peer::new(tcp);
    wire::pdu(&mut peer.out, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
        out.extend_from_slice(format!("esme-{nth}\0secret\0\0\x34\0\0\0").as_bytes());
    });
    let mut answers: Vec<Vec<Answer>> = Vec::new();
    let (mut outstanding, mut bound, mut own) = (0, false, own.peekable());
    while !bound || outstanding > 0 || own.peek().is_some() {
        while bound
            && outstanding < WINDOW
            && let Some(n) = own.next()
        {
            let at = peer.out.len();
            peer.out.extend(message(work, n));
            // The first message has the number 2.
            answers.push(Vec::new());
            let number = u32::try_from(answers.len() + 1).unwrap();
            peer.out[at + 12..at + 16].copy_from_slice(&number.to_be_bytes());
            outstanding += 1;
        }
        peer.exchange(|pdu, _| match parse(pdu) {
            Parsed::Understood(header, Body::MessageIdResp(resp)) => {
                let own = answers.get_mut(header.sequence_number as usize - 2).expect("a number that was sent");
                outstanding -= usize::from(own.is_empty());
                own.push(Answer { status: header.command_status, message_id: resp.message_id.to_vec() });
            }
            Parsed::Understood(_, Body::BindResp(_)) => bound = true,
            other => panic!("what is {other:?}?"),
        });
    }
    answers
}

/// An SMSC that keeps what it gets, and gives each message an id that only it can have.
fn listen(arrived: &Arrived) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, arrived) = (listener.local_addr().unwrap().port(), Arc::clone(arrived));
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let arrived = Arc::clone(&arrived);
            tcp.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut peer = Peer::new(tcp);
                while peer.exchange(|pdu, out| serve(pdu, out, &arrived)) {}
            });
        }
    });
    port
}

fn serve(pdu: &[u8], out: &mut Vec<u8>, arrived: &Arrived) {
    let (header, id) = match parse(pdu) {
        Parsed::Understood(header, Body::Bind(_)) => (header, b"smsc".to_vec()),
        Parsed::Understood(header, Body::SubmitSm(_)) => {
            arrived.lock().unwrap().push(pdu.to_vec());
            (header, message_id(pdu))
        }
        Parsed::Understood(header, Body::HeaderOnly(_)) => (header, Vec::new()),
        other => panic!("what is {other:?}?"),
    };
    let answer = CommandId(header.command_id.0 | 0x8000_0000);
    wire::pdu(out, answer, CommandStatus::ESME_ROK, header.sequence_number, |out| {
        if !id.is_empty() {
            wire::c_octet_string(out, &id);
        }
    });
}

/// A connection that is read PDU by PDU.
struct Peer {
    stream: Stream,
    octets: Vec<u8>,
    kept: Vec<u8>,
    out: Vec<u8>,
}

impl Peer {
    fn new(tcp: TcpStream) -> Self {
        Self { stream: Stream::Plain(tcp), octets: vec![0; 64 * 1024], kept: Vec::new(), out: Vec::new() }
    }

    /// Writes what there is to be written, reads once, and hands over whole PDUs; false when the other side is gone.
    fn exchange(&mut self, mut each: impl FnMut(&[u8], &mut Vec<u8>)) -> bool {
        let is_written = write(&mut self.stream, &self.out, PORTION).is_ok();
        self.out.clear();
        let Ok(n @ 1..) = self.stream.read(&mut self.octets) else { return false };
        self.kept.extend_from_slice(&self.octets[..n]);
        let mut at = 0;
        while let Some(length) = self.kept.get(at..at + 4) {
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            let Some(pdu) = self.kept.get(at..at + length) else { break };
            each(pdu, &mut self.out);
            at += length;
        }
        self.kept.drain(..at);
        is_written
    }
}
