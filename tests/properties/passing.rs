//! What nobody asks anything of passes as if it had been asked: a gate that leaves texts unread where there are no rules
//! sends the same octets both ways as one that reads all, and counts the same messages.

use std::io::IoSlice;
use std::sync::Arc;

use proptest::prelude::*;
use tapis::account::{Memory, SessionId, SmscId};
use tapis::gate::{Context, Event, Gate, Output, Scratch, Settings, Texts};
use tapis::policy::Policy;
use tapis::session::Leg;
use tapis::time::Timestamp;
use tapis::verdict::Action;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, RegisteredDelivery, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::frame::{self, HEADER_OCTETS};
use tapis::wire::tlv::Tlvs;

use super::config;

const START: Timestamp = Timestamp(1_795_492_800_000_000);

/// A request of one of the legs.
#[derive(Clone, Debug)]
struct Request {
    from_smsc: bool,
    data_coding: u8,
    esm_class: u8,
    text: Vec<u8>,
    tlvs: Vec<(u16, Vec<u8>)>,
    /// Octets that are missing at its end.
    cut: usize,
}

fn request() -> impl Strategy<Value = Request> {
    let coding = prop_oneof![4 => Just(0), 2 => Just(8), 1 => any::<u8>()];
    let class = prop_oneof![6 => Just(0), 1 => Just(0x40), 1 => Just(4), 1 => any::<u8>()];
    let text = prop_oneof![
        4 => "[a-zA-Z0-9 .:/]{0,60}".prop_map(String::into_bytes),
        1 => Just(b"id:17 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..254),
        1 => Just(vec![5, 0, 3, 7, 2, 1, b'h', b'i']),
    ];
    let tags = [Tag::MESSAGE_PAYLOAD, Tag::SAR_MSG_REF_NUM, Tag::SAR_TOTAL_SEGMENTS, Tag::SAR_SEGMENT_SEQNUM];
    let tag = prop_oneof![2 => Just(Tag::MESSAGE_PAYLOAD.0), 2 => prop::sample::select(tags.map(|t| t.0).to_vec()), 1 => any::<u16>()];
    let tlvs = prop::collection::vec((tag, prop::collection::vec(any::<u8>(), 0..6)), 0..3);
    let tlvs = prop_oneof![4 => Just(Vec::new()), 1 => tlvs];
    let cut = prop_oneof![9 => Just(0), 1 => 1..8_usize];
    (any::<bool>(), coding, class, text, tlvs, cut).prop_map(|(from_smsc, data_coding, esm_class, text, tlvs, cut)| {
        Request { from_smsc, data_coding, esm_class, text, tlvs, cut }
    })
}

impl Request {
    fn pdu(&self, sequence_number: u32) -> Vec<u8> {
        let mut tlvs = Vec::new();
        self.tlvs.iter().for_each(|(tag, value)| wire::tlv(&mut tlvs, Tag(*tag), value));
        let sm = Sm {
            source: Address::of_writing("+6591234567"),
            destination: Address::of_writing("+6581234567"),
            esm_class: EsmClass(self.esm_class),
            registered_delivery: RegisteredDelivery(1),
            data_coding: DataCoding(self.data_coding),
            short_message: &self.text,
            tlvs: Tlvs::new(&tlvs),
            ..Sm::default()
        };
        let command = if self.from_smsc { CommandId::DELIVER_SM } else { CommandId::SUBMIT_SM };
        let mut pdu = Vec::new();
        wire::sm(&mut pdu, command, sequence_number, &sm);
        pdu.truncate(pdu.len() - self.cut);
        let length = u32::try_from(pdu.len()).unwrap();
        pdu[..4].copy_from_slice(&length.to_be_bytes());
        pdu
    }
}

/// A gate and everything that came out of it.
struct Watched {
    gate: Gate,
    memory: Memory,
    scratch: Scratch,
    policy: Arc<Policy>,
    now: Timestamp,
    sent: [Vec<u8>; 2],
    passed: u64,
    others: u64,
    exceptions: Vec<(&'static str, &'static str)>,
    /// Messages that no decision was told of.
    skipped: u64,
}

impl Watched {
    fn new(texts: Texts, policy: &Arc<Policy>) -> Self {
        let settings = Arc::new(Settings { texts, ..Settings::default() });
        let mut this = Self {
            gate: Gate::new(SessionId(1), settings, None, 7, START),
            memory: Memory::new(1),
            scratch: Scratch::default(),
            policy: Arc::clone(policy),
            now: START,
            sent: [Vec::new(), Vec::new()],
            passed: 0,
            others: 0,
            exceptions: Vec::new(),
            skipped: 0,
        };
        let mut bind = Vec::new();
        wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
            out.extend_from_slice(b"esme\0\0\0\x34\0\0\0");
        });
        this.hand(Leg::Esme, &bind);
        this.answer_all();
        this
    }

    fn hand(&mut self, leg: Leg, octets: &[u8]) {
        self.with(|gate, cx| gate.handle_bytes(cx, leg, octets));
    }

    fn with(&mut self, act: impl FnOnce(&mut Gate, &mut Context<'_>)) {
        let Self { gate, memory, scratch, policy, now, .. } = self;
        let mut cx = Context { now: *now, policy, memory, scratch, journal_full: false };
        act(gate, &mut cx);
        loop {
            let connects = match gate.poll_output(&mut cx) {
                None => break,
                Some(Output::Decision(decision)) => {
                    *(if decision.action() == Action::Pass { &mut self.passed } else { &mut self.others }) += 1;
                    false
                }
                Some(Output::Event(Event::Exception { cause, policy })) => {
                    self.exceptions.push((cause, policy));
                    false
                }
                Some(Output::Connect { .. }) => true,
                Some(Output::Outcome(_) | Output::Event(_) | Output::Wake(_)) => false,
            };
            if connects {
                gate.handle_connected(&mut cx, SmscId(0));
            }
        }
        let skipped = gate.take_passed();
        self.skipped += skipped.esme + skipped.smsc;
        self.passed += skipped.esme + skipped.smsc;
    }

    /// Takes what is sent, and answers it, until nothing is sent any more.
    fn answer_all(&mut self) {
        loop {
            let mut any = false;
            for (n, leg) in [Leg::Esme, Leg::Smsc].into_iter().enumerate() {
                let from = self.sent[n].len();
                loop {
                    let mut slices = [IoSlice::new(&[]); 8];
                    let count = self.gate.transmit(leg, &mut slices);
                    let octets: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                    if octets.is_empty() {
                        break;
                    }
                    self.gate.transmitted(leg, octets.len());
                    self.sent[n].extend(octets);
                }
                let mut answers = Vec::new();
                let mut rest = &self.sent[n][from..];
                while let Some(header) = frame::header(rest) {
                    if !header.command_id.is_response() {
                        let (id, ok) = (header.command_id.response(), CommandStatus::ESME_ROK);
                        wire::response(&mut answers, id, ok, header.sequence_number, Some(b"17"));
                    }
                    rest = rest.get((header.command_length as usize).max(HEADER_OCTETS)..).unwrap_or_default();
                }
                if !answers.is_empty() {
                    any = true;
                    self.hand(leg, &answers);
                }
            }
            if !any {
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn messages_that_nobody_asks_of_pass_as_if_they_were_read(
        requests in prop::collection::vec(request(), 1..20),
        together in 1..8_usize,
    ) {
        let policy = Arc::new(Policy::pass_all());
        let mut all = [Texts::Read, Texts::ReadForRules].map(|texts| Watched::new(texts, &policy));
        for one in &mut all {
            for (n, some) in requests.chunks(together).enumerate() {
                for (leg, from_smsc) in [(Leg::Esme, false), (Leg::Smsc, true)] {
                    let of_leg = some.iter().enumerate().filter(|(_, request)| request.from_smsc == from_smsc);
                    let read: Vec<u8> = of_leg.flat_map(|(m, r)| r.pdu(u32::try_from(n * together + m + 10).unwrap())).collect();
                    one.hand(leg, &read);
                }
                one.answer_all();
            }
            // Parts that wait for others are let go.
            for _ in 0..3 {
                one.now = Timestamp(one.now.0 + 2_000_000);
                one.with(|gate, cx| gate.handle_timeout(cx));
                one.answer_all();
            }
        }
        let [read, unread] = &all;
        prop_assert_eq!(&read.sent, &unread.sent, "octets differ");
        prop_assert_eq!((read.passed, read.others), (unread.passed, unread.others), "counts differ");
        prop_assert_eq!(&read.exceptions, &unread.exceptions);
        prop_assert_eq!(read.skipped, 0, "whoever wants decisions gets all");
        // Behind a part that is held others wait, and are looked at.
        if requests.iter().all(|r| r.esm_class & 0x40 == 0 && r.tlvs.is_empty()) {
            let plain = |r: &&Request| !r.from_smsc && (r.data_coding, r.esm_class, r.cut) == (0, 0, 0);
            let plain = requests.iter().filter(plain).count() as u64;
            prop_assert!(unread.skipped >= plain, "{} of {} are skipped", unread.skipped, plain);
        }
    }
}
