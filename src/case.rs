//! The `cases:` of rule files: messages that a rule must, or must not, fire on, read and judged like those of the wire, each
//! in a memory of its own.

mod world;

pub use world::{NOTHING, World};

use crate::config::diagnostic::Diagnostics;
use crate::config::source::Sources;
use crate::config::spec::{Action, Case, CaseMemory, ExemptionSpec, Placed, RuleSpec, Spec};
use crate::message::{AccountFacts, Direction, Envelope, Message, ReadAs};
use crate::policy::{self, Loaded, Policy, Scratch};
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
    /// Optional parameters that it carries.
    pub tlvs: &'a [(Tag, Vec<u8>)],
    /// When it is judged.
    pub now: Timestamp,
    /// When it is delivered; `now` when not said.
    pub delivery: Option<Timestamp>,
    /// What is remembered before it; nothing came before when it is none, and everything has been known for a year.
    pub memory: Option<&'a CaseMemory>,
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
        for (tag, value) in self.tlvs {
            wire::tlv(&mut tlvs, *tag, value);
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
        envelope.read_sm(operation, &sm, ReadAs { alphabet, home: account.home, now: self.now, unasked: false });
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

/// Runs every case of what was loaded at `now`; a case that does not hold is an error at its place.
///
/// Where there are errors already, only what could be compiled is asked, and only whether it fires. The operator may make
/// rules quieter than their author did (by overrides, by the mode of the whole policy, by profiles that a pack does not
/// know), and what has ended says no more: neither makes a case fail. That something is louder than a case expects does.
pub fn run(loaded: &Loaded, sources: &Sources, now: Timestamp, diagnostics: &mut Diagnostics) -> Outcome {
    let (spec, policy) = (&loaded.spec, &loaded.policy);
    let ended: Vec<String> = policy.rules.ended(now).map(|(_, id, _)| format!("`{id}`")).collect();
    for (what, id, place) in policy.rules.ended(now) {
        let message = format!("{what} `{id}` has ended");
        diagnostics.warning(place, "ended", message).help("take it out, or let it expire on a later day");
    }
    let mut scratch = Scratch::default();
    scratch.rules.unsampled = true;
    let mut runner = Runner {
        spec,
        policy,
        sources,
        authored: [None, None],
        whole: !diagnostics.has_errors(),
        now,
        ended: ended.join(", "),
        envelope: Envelope::default(),
        scratch,
        verdict: Verdict::default(),
        outcome: Outcome::default(),
    };
    for rule in &spec.rules {
        runner.rule(rule, diagnostics);
    }
    let compiled = |e: &&ExemptionSpec| policy.rules.exemptions.iter().any(|c| *c.id == *e.id.value);
    for exemption in spec.exemptions.iter().filter(compiled) {
        let of = Of { id: &exemption.id.value, is_rule: false, in_pack: exemption.pack.is_some() };
        for case in &exemption.cases {
            runner.case(case, of, diagnostics);
        }
    }
    runner.outcome
}

struct Runner<'a> {
    spec: &'a Spec,
    policy: &'a Policy,
    sources: &'a Sources,
    /// The policy as its authors wrote it, and as the author of a pack did, once it is asked for.
    authored: [Option<Policy>; 2],
    whole: bool,
    now: Timestamp,
    /// Ids of what has ended.
    ended: String,
    envelope: Envelope,
    scratch: Scratch,
    verdict: Verdict,
    outcome: Outcome,
}

/// Whose case it is.
#[derive(Clone, Copy, Debug)]
struct Of<'a> {
    id: &'a str,
    is_rule: bool,
    in_pack: bool,
}

/// What a case came to.
#[derive(Clone, Copy, Debug)]
struct Came {
    fires: bool,
    action: Action,
}

impl Came {
    fn is_right(self, case: &Case, whole: bool) -> bool {
        case.fires.is_none_or(|wanted| wanted == self.fires)
            && (!whole || case.action.is_none_or(|wanted| wanted == self.action))
    }

    fn is_louder(self, case: &Case) -> bool {
        (self.fires && case.fires == Some(false)) || case.action.is_some_and(|wanted| self.action > wanted)
    }
}

impl Runner<'_> {
    fn rule(&mut self, rule: &RuleSpec, diagnostics: &mut Diagnostics) {
        let Some((_, compiled)) = self.policy.rules.rule_of(&rule.id.value) else { return };
        let of = Of { id: &rule.id.value, is_rule: true, in_pack: rule.pack.is_some() };
        for case in &rule.cases {
            if compiled.facts.contains(&"time") && case.at.is_none() && case.schedule.is_none() {
                let message = format!("case of `{}` comes out as the time of day is", of.id);
                diagnostics.warning(&case.place, "time", message).help("say when: at: \"2026-11-23T22:00+07:00\"");
            }
            self.case(case, of, diagnostics);
        }
    }

    fn case(&mut self, case: &Case, of: Of<'_>, diagnostics: &mut Diagnostics) {
        let moment = |written: &Option<Placed<String>>| {
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
            tlvs: &case.tlvs,
            now: moment(&case.at).unwrap_or(self.now),
            delivery: moment(&case.schedule),
            memory: Some(&case.memory),
        };
        sample.read(self.policy, &mut self.envelope);
        let came = self.came(self.policy, of, &sample);
        if came.is_right(case, self.whole) {
            self.outcome.held += 1;
        } else {
            let found = self.found();
            let quieter = !came.is_louder(case) && self.is_right_as_authored(case, of, &sample);
            if quieter || self.held_once(case, of, &sample, diagnostics) {
                self.outcome.held += 1;
            } else {
                self.outcome.failed += 1;
                diagnostics.error(&case.place, "case", failure(case, of, came)).help(found);
            }
        }
    }

    /// What a policy makes of a case whose message is read.
    fn came(&mut self, policy: &Policy, of: Of<'_>, sample: &Sample<'_>) -> Came {
        let Self { envelope, scratch, verdict, .. } = self;
        let mut world = World::new(sample, policy, envelope);
        let message = sample.message(policy, envelope);
        world.with_facts(policy, &message, |facts| {
            policy.judge(&message, facts, scratch, verdict);
            let fires = if of.is_rule {
                let rule = policy.rules.rule_of(of.id).map(|(n, _)| n);
                verdict.findings.iter().any(|f| Some(f.rule) == rule)
            } else {
                let exemption = policy.rules.exemptions.iter().find(|e| &*e.id == of.id);
                let holds = |e| policy.rules.exemption_holds(e, &message, facts, &mut scratch.rules) == Truth::True;
                exemption.is_some_and(holds)
            };
            Came { fires, action: verdict.action }
        })
    }

    /// Whether a case holds for the policy as it was written, and only the operator makes it quieter.
    fn is_right_as_authored(&mut self, case: &Case, of: Of<'_>, sample: &Sample<'_>) -> bool {
        let [own, pack] = &mut self.authored;
        let authored = if of.in_pack { pack } else { own };
        let policy =
            authored.take().unwrap_or_else(|| policy::as_authored(self.spec, self.sources, of.in_pack, self.policy));
        let is_right = self.came(&policy, of, sample).is_right(case, self.whole);
        let [own, pack] = &mut self.authored;
        *if of.in_pack { pack } else { own } = Some(policy);
        is_right
    }

    /// Whether a case that does not say when held before something ended.
    fn held_once(&mut self, case: &Case, of: Of<'_>, sample: &Sample<'_>, diagnostics: &mut Diagnostics) -> bool {
        if case.at.is_some() || self.ended.is_empty() {
            return false;
        }
        self.scratch.rules.timeless = true;
        let came = self.came(self.policy, of, sample);
        self.scratch.rules.timeless = false;
        let held = came.is_right(case, self.whole);
        if held {
            let message = format!("case of `{}` held until something ended", of.id);
            diagnostics.warning(&case.place, "ended", message).help(format!("what has ended: {}", self.ended));
        }
        held
    }

    /// What was found in the message last judged, for people.
    fn found(&self) -> String {
        let rules = self.verdict.findings.iter().filter_map(|f| self.policy.rules.rule(f));
        let ids: Vec<&str> = rules.map(|r| &*r.id).collect();
        if ids.is_empty() { "nothing fired".into() } else { format!("fired: {}", ids.join(", ")) }
    }
}

fn failure(case: &Case, of: Of<'_>, came: Came) -> String {
    let id = of.id;
    match case.fires.filter(|wanted| *wanted != came.fires) {
        Some(true) => format!("case of `{id}` expects fires, and it is silent"),
        Some(false) => format!("case of `{id}` expects silent, and it fires"),
        None => {
            let wanted = case.action.unwrap_or(Action::Pass).name();
            format!("case of `{id}` expects {wanted}, and the action is {}", came.action.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;
    use crate::rules::Facts;

    #[test]
    fn a_sampled_rule_is_asked_of_one_message_in_so_many_and_its_cases_are_asked_all() {
        let rule = r#"
rules:
  - id: sampled
    action: tag
    sample: 10
    when: { has: link }
    cases:
      - { from: A, to: "+6590000002", text: "see a.com", expect: fires, action: tag }
      - { from: A, to: "+6590000002", text: "see b.com", expect: fires, action: tag }
      - { from: A, to: "+6590000002", text: "see c.com", expect: fires, action: tag }
"#;
        let rules = vec![Source { name: "t.yaml".into(), text: rule.into() }];
        let sources = Sources { rules, ..Sources::default() };
        let (loaded, mut diagnostics) = policy::read(&sources);
        let outcome = run(&loaded, &sources, Timestamp(0), &mut diagnostics);
        assert_eq!((outcome.held, outcome.failed), (3, 0));
        let (mut envelope, mut scratch, mut verdict) = (Envelope::default(), Scratch::default(), Verdict::default());
        let mut tagged = |n: u32| {
            let text = format!("see a{n}.com");
            let sample = Sample { from: "A", to: "+6590000002", text: &text, ..Sample::default() };
            sample.read(&loaded.policy, &mut envelope);
            let message = sample.message(&loaded.policy, &envelope);
            loaded.policy.judge(&message, &Facts::Nothing, &mut scratch, &mut verdict);
            verdict.action == Action::Tag
        };
        let first: Vec<u32> = (0..1_000).filter(|n| tagged(*n)).collect();
        assert!((60..140).contains(&first.len()), "{} of 1000", first.len());
        assert_eq!(first, (0..1_000).filter(|n| tagged(*n)).collect::<Vec<_>>(), "the same message is judged the same");
    }
}
