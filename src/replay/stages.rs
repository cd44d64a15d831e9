//! What each stage of a message's way costs, on traffic that has been.
//!
//! A stage that is timed by itself is slowed by its clock, so *prefixes* of the way are timed, each over a block of messages,
//! and a stage is what its prefix takes more than the one before. Of several rounds the shortest time of each block counts:
//! what else happens on a machine only ever adds.
//!
//! ```text
//!  frame ▸ parse ▸ decode ▸ fold                           octets to matching form
//!  frame ▸ parse ▸ envelope, links, numbers                = entities, on top of fold
//!                    ▸ every rule                          = match
//!                    ▸ every rule ▸ weights                = verdict
//!                    ▸ keys ▸ rules ▸ weights ▸ memory     = reputation
//!  session ▸ all of that ▸ forwarding ▸ the answer         = act
//!  the same ▸ records                                      = journal, what its writer's thread does included
//! ```

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::IoSlice;
use std::sync::Arc;

use super::drive::{Setting, answer};
use super::traffic::{Traffic, renumber};
use crate::account::{Memory, PASSED_MAX, SessionId, SmscId};
use crate::audit::record::{Chain, Recorder};
use crate::gate::memory::{Keys, Recall, observe, with_facts};
use crate::gate::{Gate, Output, Scratch};
use crate::message::{self, AccountFacts, Direction, Envelope, Message, ReadAs};
use crate::policy::{self, Policy};
use crate::reputation::Reputation;
use crate::rules::Facts;
use crate::session::Leg;
use crate::text::fold::Views;
use crate::text::{ReadContext, Reading};
use crate::time::Timestamp;
use crate::verdict::{Action, Verdict};
use crate::wire::body::{self, Body, Parsed, Sm};
use crate::wire::command::{CommandId, CommandStatus};
use crate::wire::encode as wire;
use crate::wire::frame::{self, HEADER_OCTETS};

/// The stages, in the order of the way.
pub const STAGES: [&str; 10] =
    ["frame", "parse", "decode", "fold", "entities", "match", "verdict", "reputation", "act", "journal"];

/// Prefixes of the way: one for each stage.
const PREFIXES: usize = STAGES.len();
/// The prefix that an envelope read from is the first of, and those that a gate goes.
const READ: usize = 4;
const WHOLE: usize = 8;
const WRITTEN: usize = 9;

/// Messages of one block: so many come in a read of a busy peer.
const BLOCK: usize = 64;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Messages of the traffic that were measured: each submit_sm and deliver_sm.
    pub messages: usize,
    /// Requests that are none, and were left out.
    pub left_out: usize,
    /// Of the messages, those that were written to the journal.
    pub written: usize,
    /// Nanoseconds of one message, by stage.
    pub stages: [f64; STAGES.len()],
    /// Nanoseconds of one message and its answer, from octets to octets.
    pub whole: f64,
}

/// How it is measured.
pub struct How<'a> {
    /// Rounds beside the first, which is for caches.
    pub rounds: usize,
    /// Nanoseconds since whenever.
    pub clock: &'a dyn Fn() -> u64,
    /// How records are written.
    pub recorder: &'a Recorder,
    /// Of messages that pass, one in so many is written.
    pub passes_one_in: u64,
}

/// Plays all of the traffic, round by round.
#[must_use]
pub fn profile(traffic: &Traffic, setting: &Setting, how: &How<'_>) -> Profile {
    let (blocks, left_out) = blocks(traffic);
    let messages: usize = blocks.iter().map(|block| block.pdus.len()).sum();
    let mut ways = Ways::new(setting, how);
    let mut least = vec![[u64::MAX; PREFIXES]; blocks.len()];
    for round in 0..=how.rounds {
        for (block, least) in blocks.iter().zip(&mut least) {
            for (prefix, least) in least.iter_mut().enumerate() {
                let start = (how.clock)();
                ways.go(prefix, block);
                let took = (how.clock)().saturating_sub(start);
                if round > 0 || how.rounds == 0 {
                    *least = (*least).min(took);
                }
            }
        }
    }
    let each = |prefix: usize| {
        let sum: u64 = least.iter().filter_map(|block| block.get(prefix)).sum();
        nanos(sum) / nanos(messages.max(1) as u64)
    };
    let mut stages = [0.0; STAGES.len()];
    for (n, stage) in stages.iter_mut().enumerate() {
        let before = n.checked_sub(1).map_or(0.0, each);
        // Of little, noise may leave less than nothing.
        *stage = (each(n) - before).max(0.0);
    }
    let written = ways.written / (how.rounds + 1);
    Profile { messages, left_out, written, stages, whole: each(WRITTEN) }
}

#[allow(clippy::cast_precision_loss, reason = "as precise as a clock is")]
fn nanos(whole: u64) -> f64 {
    whole as f64
}

/// Messages of one account that go one way, as a peer would send them.
struct Block {
    account: String,
    leg: Leg,
    at: Timestamp,
    pdus: Vec<Vec<u8>>,
    read: Vec<u8>,
}

/// The messages of all lanes; and how many requests are none.
fn blocks(traffic: &Traffic) -> (Vec<Block>, usize) {
    let mut of: BTreeMap<(&str, bool), Vec<u32>> = BTreeMap::new();
    let mut left_out = 0;
    for number in traffic.lanes().into_iter().flatten() {
        let Some(request) = traffic.request(number) else { continue };
        match sm(request.pdu) {
            Some(_) => {
                of.entry((traffic.account(number), request.leg == Leg::Esme)).or_default().push(number);
            }
            None => left_out += 1,
        }
    }
    let mut blocks = Vec::new();
    for ((account, is_mt), numbers) in of {
        for some in numbers.chunks(BLOCK) {
            let requests = some.iter().filter_map(|number| traffic.request(*number));
            let at = requests.clone().map(|request| request.at).max().unwrap_or_default();
            let mut pdus: Vec<Vec<u8>> = requests.map(|request| request.pdu.to_vec()).collect();
            (1..).zip(&mut pdus).for_each(|(n, pdu)| renumber(pdu, n));
            let leg = if is_mt { Leg::Esme } else { Leg::Smsc };
            let read = pdus.concat();
            blocks.push(Block { account: account.to_owned(), leg, at, pdus, read });
        }
    }
    (blocks, left_out)
}

/// The body of a submit_sm or deliver_sm.
fn sm(pdu: &[u8]) -> Option<Sm<'_>> {
    match body::parse(pdu) {
        Parsed::Understood(_, Body::SubmitSm(sm) | Body::DeliverSm(sm)) => Some(sm),
        _ => None,
    }
}

/// Everything that the prefixes work in and remember.
struct Ways<'a> {
    setting: &'a Setting,
    how: &'a How<'a>,
    reading: Reading,
    views: Views,
    envelope: Envelope,
    judging: policy::Scratch,
    evidence: policy::Scratch,
    verdict: Verdict,
    keys: Keys,
    memory: Memory,
    /// The gates of each account that only pass on, and those that write as well.
    gates: [Gates; 2],
    chain: Chain,
    journal: Vec<u8>,
    decisions: u64,
    written: usize,
}

#[derive(Default)]
struct Gates {
    memory: Option<Memory>,
    of: BTreeMap<String, Gate>,
    scratch: Scratch,
    octets: Vec<u8>,
    answers: Vec<u8>,
}

fn memory(setting: &Setting) -> Memory {
    Memory::with(0, Reputation::new(setting.reputation, Timestamp(u64::MAX)), PASSED_MAX)
}

impl<'a> Ways<'a> {
    fn new(setting: &'a Setting, how: &'a How<'a>) -> Self {
        let gates = [(); 2].map(|()| Gates { memory: Some(memory(setting)), ..Gates::default() });
        Self {
            setting,
            how,
            reading: Reading::default(),
            views: Views::default(),
            envelope: Envelope::default(),
            judging: policy::Scratch::default(),
            evidence: policy::Scratch::default(),
            verdict: Verdict::default(),
            keys: Keys::default(),
            memory: memory(setting),
            gates,
            chain: Chain::default(),
            journal: Vec::new(),
            decisions: 0,
            written: 0,
        }
    }

    /// Takes a block as far as a prefix goes.
    fn go(&mut self, prefix: usize, block: &Block) {
        match prefix {
            0..READ => block.pdus.iter().for_each(|pdu| self.begin(prefix, pdu, block)),
            READ..WHOLE => block.pdus.iter().for_each(|pdu| self.judge(prefix, pdu, block)),
            _ => self.pass(prefix == WRITTEN, block),
        }
    }

    fn begin(&mut self, prefix: usize, pdu: &[u8], block: &Block) {
        let framed = frame::frame(black_box(pdu), u32::MAX);
        if black_box(framed).is_err() || prefix == 0 {
            return;
        }
        let Some(sm) = black_box(sm(pdu)) else { return };
        if prefix == 1 {
            return;
        }
        let alphabet = self.setting.policy.account(&block.account).alphabet;
        let (texts, count) = message::user_data(sm.short_message, &sm.tlvs, sm.data_coding, sm.esm_class);
        let cx = ReadContext { alphabet, protocol_id: sm.protocol_id, ..ReadContext::default() };
        self.reading.decode(texts.get(..count).unwrap_or_default(), &cx);
        if prefix > 2 {
            self.views.read(self.reading.text());
        }
    }

    fn judge(&mut self, prefix: usize, pdu: &[u8], block: &Block) {
        let _ = black_box(frame::frame(pdu, u32::MAX));
        let Some(sm) = black_box(sm(pdu)) else { return };
        let policy: &Policy = &self.setting.policy;
        let account = policy.account(&block.account);
        let read_as = ReadAs { alphabet: account.alphabet, home: account.home, now: block.at, unasked: false };
        let (operation, direction) = match block.leg {
            Leg::Esme => (CommandId::SUBMIT_SM, Direction::Mt),
            Leg::Smsc => (CommandId::DELIVER_SM, Direction::Mo),
        };
        self.envelope.read_sm(operation, &sm, read_as);
        let facts = AccountFacts { id: &block.account, class: account.class, home: account.home };
        let message = self.envelope.message(direction, facts, None, block.at);
        match prefix {
            READ => _ = black_box(message.recipient.country()),
            5 => policy.rules.evaluate(&message, &Facts::Nothing, &mut self.judging.rules),
            6 => policy.judge(&message, &Facts::Nothing, &mut self.judging, &mut self.verdict),
            _ => remember(&self.memory, policy, &message, (&mut self.keys, &mut self.judging, &mut self.verdict)),
        }
    }

    /// A gate's way, with the answers of the other side.
    fn pass(&mut self, writes: bool, block: &Block) {
        let Self { setting, how, evidence, chain, journal, decisions, written, gates, .. } = self;
        let [plain, writing] = gates;
        let gates = if writes { writing } else { plain };
        journal.clear();
        gates.pass(setting, block, &mut |decision| {
            if !writes {
                return;
            }
            *decisions += 1;
            if decision.action() != Action::Pass || decisions.is_multiple_of(how.passes_one_in.max(1)) {
                *written += 1;
                let body = how.recorder.decision(&decision, Some(1.0), evidence);
                chain.write(how.recorder, "decision", block.at, &body, journal);
            }
        });
        black_box(journal.len());
    }
}

/// What a gate asks of memory, judges, and tells memory.
fn remember(
    memory: &Memory,
    policy: &Policy,
    message: &Message<'_>,
    (keys, judging, verdict): (&mut Keys, &mut policy::Scratch, &mut Verdict),
) {
    keys.read(message, &memory.reputation);
    keys.is_counted = memory.lately().is_retry(message);
    let recall = Recall { reputation: &memory.reputation, policy, message, keys };
    with_facts(recall, |facts| policy.judge(message, facts, judging, verdict));
    observe(&memory.reputation, policy, keys, verdict, message.now);
    match verdict.action {
        Action::Block => memory.lately().refused(message),
        _ => memory.lately().passed(&keys.traits, message.now),
    }
}

impl Gates {
    fn pass(&mut self, setting: &Setting, block: &Block, tell: &mut dyn FnMut(crate::audit::Decision<'_>)) {
        if !self.of.contains_key(&block.account) {
            let id = SessionId(self.of.len() as u64 + 1);
            self.of.insert(block.account.clone(), Gate::new(id, Arc::clone(&setting.gate), None, 0, block.at));
            let mut bind = Vec::new();
            wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
                wire::c_octet_string(out, block.account.as_bytes());
                out.extend_from_slice(b"\0\0\x34\0\0\0");
            });
            self.hand(setting, block, Leg::Esme, &bind, tell);
        }
        self.hand(setting, block, block.leg, &block.read, tell);
    }

    /// Hands one read in, and what is answered to what it makes the gate send, until nothing is sent any more.
    fn hand(
        &mut self,
        setting: &Setting,
        block: &Block,
        leg: Leg,
        read: &[u8],
        tell: &mut dyn FnMut(crate::audit::Decision<'_>),
    ) {
        let Self { memory: Some(memory), of, scratch, octets, answers } = self else { return };
        let Some(gate) = of.get_mut(&block.account) else { return };
        let mut cx = setting.context(memory, scratch, block.at);
        gate.handle_bytes(&mut cx, leg, read);
        loop {
            let mut connects = false;
            while let Some(output) = gate.poll_output(&mut cx) {
                match output {
                    Output::Decision(decision) => tell(decision),
                    Output::Connect { .. } => connects = true,
                    Output::Outcome(_) | Output::Event(_) | Output::Wake(_) => {}
                }
            }
            if connects {
                gate.handle_connected(&mut cx, SmscId(0));
                continue;
            }
            let mut any = false;
            for leg in [Leg::Esme, Leg::Smsc] {
                answers.clear();
                sent(gate, leg, octets, answers);
                if !answers.is_empty() {
                    any = true;
                    gate.handle_bytes(&mut cx, leg, answers);
                }
            }
            if !any {
                return;
            }
        }
    }
}

/// Takes what a gate sends to a leg, and adds what that says to it.
fn sent(gate: &mut Gate, leg: Leg, octets: &mut Vec<u8>, answers: &mut Vec<u8>) {
    octets.clear();
    loop {
        let mut slices = [IoSlice::new(&[]); 16];
        let count = gate.transmit(leg, &mut slices);
        if count == 0 {
            break;
        }
        let before = octets.len();
        slices.iter().take(count).for_each(|slice| octets.extend_from_slice(slice));
        gate.transmitted(leg, octets.len() - before);
    }
    let mut rest = octets.as_slice();
    while let Some(header) = frame::header(rest) {
        let length = usize::try_from(header.command_length).unwrap_or(usize::MAX).max(HEADER_OCTETS);
        answer(header, answers);
        rest = rest.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::config::settings::JournalText;
    use crate::gate::Settings;
    use crate::replay::Defaults;
    use crate::sim::corpus;

    #[test]
    fn every_message_is_measured_and_the_stages_are_the_whole() {
        let mut traffic = Traffic::default();
        let letters: Vec<_> = corpus::demo().into_iter().take(150).collect();
        traffic.add_letters(&letters, &Defaults { at: Timestamp(1_795_492_800_000_000), ..Defaults::default() });
        let setting = Setting::new(Arc::new(Policy::pass_all()), &Settings::default());
        let recorder = Recorder {
            node: "n1".into(),
            boot: "b".into(),
            key: ([0; 32], "day".into()),
            text: JournalText::On,
            smscs: vec!["smsc-1".into()],
        };
        // A clock that goes on by one whenever it is looked at.
        let ticks = Cell::new(0);
        let clock = || {
            ticks.set(ticks.get() + 1);
            ticks.get()
        };
        let how = How { rounds: 2, clock: &clock, recorder: &recorder, passes_one_in: 50 };
        let profile = profile(&traffic, &setting, &how);
        assert_eq!((profile.messages, profile.left_out), (150, 0));
        assert!(profile.written > 0, "one pass in fifty is written");
        let sum: f64 = profile.stages.iter().sum();
        assert!((sum - profile.whole).abs() < 1e-9, "by a clock that ticks evenly no stage is cut at nothing");
    }
}
