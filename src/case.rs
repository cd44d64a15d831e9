//! The `cases:` of rule files: messages that a rule must, or must not, fire on, read and judged like those of the wire.

use crate::config::diagnostic::Diagnostics;
use crate::config::spec::{Action, Case, ExemptionSpec, Spec};
use crate::message::{AccountFacts, Direction, Envelope, Message, ReadAs};
use crate::policy::{Policy, Scratch};
use crate::rules::Truth;
use crate::text::encode;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::body::Sm;
use crate::wire::command::{CommandId, DataCoding, EsmClass, Tag};
use crate::wire::encode as wire;
use crate::wire::field::Address;
use crate::wire::tlv::Tlvs;

/// What running cases came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Cases that hold.
    pub held: usize,
    /// Cases that do not.
    pub failed: usize,
    /// Cases that need memory of earlier messages, which Tapis does not have yet.
    pub skipped: usize,
}

/// A message in the words of a case.
#[derive(Clone, Debug, Default)]
pub struct Sample<'a> {
    /// Source address.
    pub from: &'a str,
    /// Destination address.
    pub to: &'a str,
    /// Text.
    pub text: &'a str,
    /// Account.
    pub account: &'a str,
    /// Whether it is mobile originated.
    pub mo: bool,
    /// Coding; the narrowest when none is named.
    pub data_coding: Option<u8>,
    /// Parts of the whole message.
    pub parts: Option<u8>,
    /// When it is judged.
    pub now: Timestamp,
    /// When it is delivered; `now` when not said.
    pub delivery: Option<Timestamp>,
}

impl Sample<'_> {
    /// Reads it into an envelope, as if it had come as a submit_sm or deliver_sm.
    pub fn read(&self, policy: &Policy, envelope: &mut Envelope) {
        let account = policy.account(self.account);
        let (data_coding, octets) = match self.data_coding {
            Some(coding) => {
                let mut octets = Vec::new();
                let written = encode::encode(self.text, DataCoding(coding), account.alphabet, &mut octets);
                if written.is_ok() { (DataCoding(coding), octets) } else { encode::narrowest(self.text) }
            }
            None => encode::narrowest(self.text),
        };
        let mut tlvs = Vec::new();
        if let Some(parts) = self.parts {
            wire::tlv(&mut tlvs, Tag::SAR_TOTAL_SEGMENTS, &[parts]);
        }
        let long = octets.len() > 254;
        if long {
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &octets);
        }
        let sm = Sm {
            source: Address::of_writing(self.from),
            destination: Address::of_writing(self.to),
            esm_class: EsmClass(0),
            data_coding,
            short_message: if long { &[] } else { &octets },
            tlvs: Tlvs::new(&tlvs),
            ..Sm::default()
        };
        let operation = if self.mo { CommandId::DELIVER_SM } else { CommandId::SUBMIT_SM };
        let alphabet =
            if data_coding.0 == 0 && self.data_coding.is_none() { Default::default() } else { account.alphabet };
        envelope.read_sm(operation, &sm, ReadAs { alphabet, home: account.home, now: self.now });
    }

    /// The message that `envelope` holds after [`Sample::read`].
    #[must_use]
    pub fn message<'e>(&'e self, policy: &'e Policy, envelope: &'e Envelope) -> Message<'e> {
        let account = policy.account(self.account);
        let facts = AccountFacts { id: self.account, class: account.class, home: account.home };
        let direction = if self.mo { Direction::Mo } else { Direction::Mt };
        let message = envelope.message(direction, facts, None, self.now);
        Message { delivery: self.delivery.unwrap_or(self.now), ..message }
    }
}

/// Runs every case of a policy at `now`; a case that does not hold is an error at its place. Of a policy that is not
/// `whole`, because something else is wrong with its sources, only what it has is asked whether it fires.
pub fn run(spec: &Spec, policy: &Policy, whole: bool, now: Timestamp, diagnostics: &mut Diagnostics) -> Outcome {
    let mut outcome = Outcome::default();
    let mut runner = Runner {
        policy,
        whole,
        envelope: Envelope::default(),
        scratch: Scratch::default(),
        verdict: Verdict::default(),
    };
    for rule in &spec.rules {
        let Some((_, compiled)) = policy.rules.rule_of(&rule.id.value) else { continue };
        let needs_memory = compiled.needs_memory;
        for case in &rule.cases {
            if case.needs_memory || (needs_memory && case.fires == Some(true)) {
                outcome.skipped += 1;
                continue;
            }
            let fired = |runner: &mut Runner<'_>, message: &Message<'_>| runner.rule_fires(&rule.id.value, message);
            runner.case(case, &rule.id.value, now, fired, &mut outcome, diagnostics);
        }
    }
    let compiled = |e: &&ExemptionSpec| policy.rules.exemptions.iter().any(|c| *c.id == *e.id.value);
    for exemption in spec.exemptions.iter().filter(compiled) {
        for case in &exemption.cases {
            if case.needs_memory {
                outcome.skipped += 1;
                continue;
            }
            let fired =
                |runner: &mut Runner<'_>, message: &Message<'_>| runner.exemption_holds(&exemption.id.value, message);
            runner.case(case, &exemption.id.value, now, fired, &mut outcome, diagnostics);
        }
    }
    outcome
}

struct Runner<'a> {
    policy: &'a Policy,
    whole: bool,
    envelope: Envelope,
    scratch: Scratch,
    verdict: Verdict,
}

impl Runner<'_> {
    fn rule_fires(&mut self, id: &str, _: &Message<'_>) -> bool {
        let rule = self.policy.rules.rule_of(id).map(|(n, _)| n);
        self.verdict.findings.iter().any(|f| Some(f.rule) == rule)
    }

    fn exemption_holds(&mut self, id: &str, message: &Message<'_>) -> bool {
        let exemption = self.policy.rules.exemptions.iter().find(|e| &*e.id == id);
        exemption.is_some_and(|e| self.policy.rules.exemption_holds(e, message, &mut self.scratch.rules) == Truth::True)
    }

    fn case(
        &mut self,
        case: &Case,
        id: &str,
        now: Timestamp,
        fired: impl Fn(&mut Self, &Message<'_>) -> bool,
        outcome: &mut Outcome,
        diagnostics: &mut Diagnostics,
    ) {
        let moment = |written: &Option<crate::config::decode::Placed<String>>| {
            let at: jiff::Timestamp = written.as_ref()?.value.parse().ok()?;
            u64::try_from(at.as_microsecond()).ok().map(Timestamp)
        };
        let sample = Sample {
            from: &case.from,
            to: &case.to,
            text: &case.text,
            account: &case.account,
            mo: case.mo,
            data_coding: case.data_coding,
            parts: case.parts,
            now: moment(&case.at).unwrap_or(now),
            delivery: moment(&case.schedule),
        };
        let mut envelope = std::mem::take(&mut self.envelope);
        sample.read(self.policy, &mut envelope);
        let message = sample.message(self.policy, &envelope);
        self.policy.judge(&message, &mut self.scratch, &mut self.verdict);
        let fires = fired(self, &message);
        let action = self.verdict.action;
        let wrong_finding = case.fires.is_some_and(|wanted| wanted != fires);
        let wrong_action = self.whole && case.action.is_some_and(|wanted| wanted != action);
        self.envelope = envelope;
        if !wrong_finding && !wrong_action {
            outcome.held += 1;
            return;
        }
        outcome.failed += 1;
        let word = |fires: bool| if fires { "fires" } else { "silent" };
        let message = if wrong_finding {
            format!("case of `{id}` expects {}, and it {}", word(!fires), if fires { "fires" } else { "is silent" })
        } else {
            let wanted = case.action.unwrap_or(Action::Pass).name();
            format!("case of `{id}` expects {wanted}, and the action is {}", action.name())
        };
        let others: Vec<&str> =
            self.verdict.findings.iter().filter_map(|f| self.policy.rules.rule(f)).map(|r| &*r.id).collect();
        let fired =
            if others.is_empty() { "nothing fired".to_owned() } else { format!("fired: {}", others.join(", ")) };
        diagnostics.error(&case.place, "case", message).help(fired);
    }
}
