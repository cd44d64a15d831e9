//! Rule files: `rules`, `exemptions`, and what they name.

use std::time::Duration;

use super::decode::{Decoder, Fields, Placed};
use super::keys;
use super::spec::{
    Action, AnswerKind, Before, Case, CaseMemory, Condition, ConditionKind, ExemptionSpec, Key, Known, Mode, Points,
    RuleSpec,
};
use super::tree::{Node, Value};
use crate::wire::command::{CommandStatus, Tag};

/// What a rule is about: a closed set.
pub const CATEGORIES: &[&str] = &[
    "bank",
    "wallet",
    "government",
    "tax",
    "utility",
    "telecom",
    "parcel",
    "shopping",
    "job",
    "loan",
    "gambling",
    "investment",
    "prize",
    "romance",
    "family",
    "wrong-number",
    "customer-service",
    "code-theft",
    "malware",
    "extortion",
    "debt-collection",
    "adult",
    "advert",
    "content-ban",
    "sender-id",
    "volume",
    "protocol",
    "other",
];

/// How far apart earlier messages of a case are when it does not say.
const BEFORE_EVERY: Duration = Duration::from_secs(60);

/// Characters of an id, or of each of its two parts.
const ID_CHARACTERS_MAX: usize = 64;

/// `pack:` and `defaults:` of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Pack {
    pub(super) id: Option<String>,
    pub(super) mode: Option<Mode>,
    pub(super) category: Option<String>,
    pub(super) group: Option<Placed<String>>,
    pub(super) when: Option<Condition>,
    pub(super) canonical: String,
}

impl Decoder<'_> {
    pub(super) fn pack(&mut self, root: &Fields<'_>) -> Pack {
        let mut pack = Pack::default();
        if let Some(node) = root.get("pack")
            && let Some(fields) = self.section(node, &keys::PACK)
        {
            match fields.get("id") {
                Some(id) => pack.id = self.id(id, "a pack's id").map(|id| id.value),
                None => self.missing(fields.place, "`pack`", "id"),
            }
            pack.mode = fields.get("mode").and_then(|n| self.mode(n));
            node.canonical(&mut pack.canonical);
        }
        if let Some(node) = root.get("defaults")
            && let Some(fields) = self.section(node, &keys::DEFAULTS)
        {
            pack.category = fields.get("category").and_then(|n| self.category(n));
            pack.group = fields.get("group").and_then(|n| self.text(n, "`group`"));
            pack.mode = fields.get("mode").and_then(|n| self.mode(n)).or(pack.mode);
            pack.when = fields.get("when").and_then(|n| self.condition(n));
            node.canonical(&mut pack.canonical);
        }
        pack
    }

    pub(super) fn rule(&mut self, node: &Node, pack: &Pack) -> Option<RuleSpec> {
        let fields = self.section(node, &keys::RULE)?;
        let id = match fields.get("id") {
            Some(id) => self.id(id, "a rule's id"),
            None => {
                self.missing(&node.place, "a rule", "id");
                None
            }
        };
        let when = match fields.get("when") {
            Some(when) => self.condition(when),
            None => {
                self.missing(&node.place, "a rule", "when");
                None
            }
        };
        let mut canonical = pack.canonical.clone();
        node.canonical(&mut canonical);
        let text = |d: &mut Self, key: &str| fields.get(key).and_then(|n| d.text(n, &format!("`{key}`")));
        let rule = RuleSpec {
            pack: pack.id.clone(),
            about: text(self, "about").map(|t| t.value),
            basis: text(self, "basis").map(|t| t.value),
            group: text(self, "group").or_else(|| pack.group.clone()),
            tag: text(self, "tag"),
            category: fields.get("category").and_then(|n| self.category(n)).or_else(|| pack.category.clone()),
            score: fields.get("score").and_then(|n| self.hundredths(n, "`score`", 0, 20)).map(Points),
            action: fields.get("action").and_then(|n| self.rule_action(n)),
            status: fields.get("status").and_then(|n| self.status(n)),
            answer: fields.get("answer").and_then(|n| self.answer_kind(n)),
            mode: fields.get("mode").and_then(|n| self.mode(n)).or(pack.mode).unwrap_or_default(),
            firm: fields.get("firm").and_then(|n| self.flag(n, "`firm`")).unwrap_or(false),
            expires: fields.get("expires").and_then(|n| self.date(n)),
            sample: fields
                .get("sample")
                .and_then(|n| self.count(n, "`sample`", 1, 1_000_000))
                .and_then(|n| u32::try_from(n).ok()),
            when: and(pack.when.as_ref(), when),
            cases: fields.get("cases").map(|n| self.cases(n)).unwrap_or_default(),
            id: full(pack, id?),
            canonical,
        };
        fields.get("owner").and_then(|n| self.text(n, "`owner`"));
        self.refs(&fields);
        self.rule_advice(node, &fields, &rule);
        Some(rule)
    }

    fn rule_advice(&mut self, node: &Node, fields: &Fields<'_>, rule: &RuleSpec) {
        let id = &rule.id.value;
        if fields.get("score").is_none() && fields.get("action").is_none() {
            self.diagnostics
                .error(&node.place, "missing-key", format!("rule `{id}` needs `score` or `action`"))
                .help("score: 0 names a building block for other rules");
        }
        let has_category = rule.category.is_some() || fields.get("category").is_some();
        let advised =
            [("about", fields.get("about").is_some()), ("category", has_category), ("cases", !rule.cases.is_empty())];
        let lacks: Vec<String> = advised.iter().filter(|(_, has)| !has).map(|(key, _)| format!("`{key}`")).collect();
        if let Some((last, others)) = lacks.split_last() {
            let others = if others.is_empty() { String::new() } else { format!("{} and ", others.join(", ")) };
            let message = format!("rule `{id}` should have {others}{last}");
            self.diagnostics.warning(&rule.id.place, "no-advice", message);
        }
        let only_tags = rule.action == Some(Action::Tag) && rule.score.unwrap_or_default() == Points(0);
        for key in ["status", "answer"] {
            if let Some(node) = fields.get(key).filter(|_| only_tags) {
                let message = format!("rule `{id}` never blocks: its `{key}` is never used");
                self.diagnostics.warning(&node.place, "no-effect", message);
            }
        }
    }

    pub(super) fn exemption(&mut self, node: &Node, pack: &Pack) -> Option<ExemptionSpec> {
        let fields = self.section(node, &keys::EXEMPTION)?;
        for (key, help) in [
            ("id", None),
            ("silences", Some("name the findings that it silences: silences: [rule-id]")),
            ("owner", Some("somebody answers for what it lets through: owner: fraud desk")),
            ("expires", Some("nothing is let through for ever: expires: 2027-11-30")),
            ("when", None),
        ] {
            if fields.get(key).is_none() {
                let message = format!("an exemption needs `{key}`");
                let diagnostic = self.diagnostics.error(&node.place, "missing-key", message);
                help.into_iter().for_each(|h| diagnostic.help(h));
            }
        }
        for key in ["about", "basis"] {
            fields.get(key).and_then(|n| self.text(n, &format!("`{key}`")));
        }
        self.refs(&fields);
        let id = fields.get("id").and_then(|n| self.id(n, "an exemption's id"));
        let when = fields.get("when").and_then(|n| self.condition(n));
        let mut canonical = pack.canonical.clone();
        node.canonical(&mut canonical);
        let exemption = ExemptionSpec {
            pack: pack.id.clone(),
            silences: fields.get("silences").map(|n| self.texts(n, "`silences`")).unwrap_or_default(),
            owner: fields.get("owner").and_then(|n| self.text(n, "`owner`")).map(|t| t.value),
            expires: fields.get("expires").and_then(|n| self.date(n)),
            when,
            cases: fields.get("cases").map(|n| self.cases(n)).unwrap_or_default(),
            id: full(pack, id?),
            canonical,
        };
        if exemption.when.as_ref().is_some_and(only_what_the_sender_writes) {
            let message = format!("exemption `{}` tests only what the sender writes", exemption.id.value);
            self.diagnostics
                .warning(&exemption.id.place, "forgeable", message)
                .help("add something that it cannot choose: account, peer, or sender: { registered_in: .. }");
        }
        Some(exemption)
    }

    /// `refs`: one source, or a list of them.
    fn refs(&mut self, fields: &Fields<'_>) {
        match fields.get("refs") {
            Some(node) if matches!(node.value, Value::Sequence(_)) => drop(self.texts(node, "`refs`")),
            Some(node) => drop(self.text(node, "`refs`")),
            None => {}
        }
    }

    fn cases(&mut self, node: &Node) -> Vec<Case> {
        let items = self.items(node, "`cases`");
        items.iter().filter_map(|item| self.case(item)).collect()
    }

    fn case(&mut self, node: &Node) -> Option<Case> {
        let fields = self.section(node, &keys::CASE)?;
        for key in ["from", "to", "text"] {
            if fields.get(key).is_none() {
                self.missing(&node.place, "a case", key);
            }
        }
        let text = |d: &mut Self, key: &str| fields.get(key).and_then(|n| d.text(n, &format!("`{key}`")));
        // An empty address or text is something to try, when it is meant.
        let maybe_empty = |d: &mut Self, key: &str| match fields.get(key) {
            Some(Node { place, value: Value::Scalar { text, quoted: true, .. } }) if text.is_empty() => {
                Some(Placed { value: String::new(), place: place.clone() })
            }
            node => node.and_then(|n| d.text(n, &format!("`{key}`"))),
        };
        let (from, to, body) = (maybe_empty(self, "from"), maybe_empty(self, "to"), maybe_empty(self, "text"));
        let (account, at, schedule) = (text(self, "account"), text(self, "at"), text(self, "schedule"));
        for moment in [&at, &schedule].into_iter().flatten() {
            if moment.value.parse::<jiff::Timestamp>().is_err() {
                let message = format!("`{}` is no time", moment.value);
                self.diagnostics.error(&moment.place, "time", message).help("write 2026-11-23T22:00+07:00, quoted");
            }
        }
        let expect = fields.get("expect").and_then(|n| self.choice(n, "`expect`", &["fires", "silent"]));
        let direction = fields.get("direction").and_then(|n| self.choice(n, "`direction`", &["mt", "mo"]));
        let action = fields.get("action").and_then(|n| self.choice(n, "`action`", &["pass", "tag", "block"]));
        let octet = |d: &mut Self, key: &str| {
            fields.get(key).and_then(|n| d.count(n, &format!("`{key}`"), 0, 255)).and_then(|n| u8::try_from(n).ok())
        };
        let (data_coding, parts) = (octet(self, "data_coding"), octet(self, "parts"));
        let tlvs = fields.get("tlvs").map(|n| self.case_tlvs(n)).unwrap_or_default();
        let memory = self.case_memory(&fields);
        if expect.is_none() && action.is_none() && fields.get("expect").is_none() && fields.get("action").is_none() {
            self.missing(&node.place, "a case", "expect");
        }
        Some(Case {
            place: node.place.clone(),
            from: from?.value,
            to: to?.value,
            text: body?.value,
            account: account.map(|a| a.value).unwrap_or_default(),
            mo: direction.is_some_and(|d| d.value == "mo"),
            at,
            schedule,
            data_coding,
            parts,
            tlvs,
            memory: memory?,
            fires: expect.map(|e| e.value == "fires"),
            action: action.and_then(|a| Action::ALL.into_iter().find(|x| x.name() == a.value)),
        })
    }

    /// `tlvs` of a case: optional parameters of vendors, by their tags.
    fn case_tlvs(&mut self, node: &Node) -> Vec<(Tag, Vec<u8>)> {
        let Some(fields) = self.map(node, "`tlvs`") else { return Vec::new() };
        let mut tlvs = Vec::new();
        for (key, value) in fields.entries() {
            let tag = self.text(key, "a tag of `tlvs`").and_then(|tag| self.vendor_tag(&tag));
            let value = self.text(value, "a value of `tlvs`");
            tlvs.extend(tag.zip(value).map(|(tag, value)| (tag, value.value.into_bytes())));
        }
        tlvs
    }

    /// `known`, `before` and `standing` of a case: what memory holds before the message. None on a mistake.
    fn case_memory(&mut self, fields: &Fields<'_>) -> Option<CaseMemory> {
        let known = fields.get("known").map_or(Some(Vec::new()), |n| self.known(n));
        let before = fields.get("before").map_or(Some(None), |n| self.before(n).map(Some));
        let standing = fields.get("standing").map_or(Some(Vec::new()), |n| self.standings(n));
        Some(CaseMemory { known: known?, before: before?, standing: standing? })
    }

    fn known(&mut self, node: &Node) -> Option<Vec<(Known, Duration)>> {
        let entries = self.section(node, &keys::KNOWN)?.entries();
        let one = |(what, age): &(Node, Node)| {
            let what = match what.text() {
                Some("table") => Some(Known::Table),
                name => name.and_then(Key::from_name).map(Known::Key),
            };
            let age = self.duration(age, "an age in `known`");
            what.zip(age)
        };
        let all: Vec<_> = entries.iter().map(one).collect();
        all.into_iter().collect()
    }

    fn standings(&mut self, node: &Node) -> Option<Vec<(Key, u8)>> {
        let entries = self.section(node, &keys::STANDING)?.entries();
        let one = |(key, value): &(Node, Node)| {
            let value = self.count(value, "a standing", 0, 100).and_then(|n| u8::try_from(n).ok());
            key.text().and_then(Key::from_name).zip(value)
        };
        let all: Vec<_> = entries.iter().map(one).collect();
        all.into_iter().collect()
    }

    fn before(&mut self, node: &Node) -> Option<Before> {
        let fields = self.section(node, &keys::BEFORE)?;
        let Some(messages) = fields.get("messages") else {
            self.missing(fields.place, "`before`", "messages");
            return None;
        };
        let messages = self.count(messages, "`messages`", 1, 1_000_000);
        let every = fields.get("every").map_or(Some(BEFORE_EVERY), |n| self.duration(n, "`every`"));
        let mut others = |key: &str| match fields.get(key) {
            Some(node) => {
                self.choice(node, &format!("`{key}`"), &["same", "distinct"]).map(|whom| whom.value == "distinct")
            }
            None => Some(false),
        };
        let (to_others, from_others) = (others("recipients"), others("senders"));
        Some(Before { messages: messages?, every: every?, to_others: to_others?, from_others: from_others? })
    }

    pub(super) fn id(&mut self, node: &Node, what: &str) -> Option<Placed<String>> {
        let id = self.text(node, what)?;
        let fine = id.value.len() <= ID_CHARACTERS_MAX
            && id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fine {
            let message = format!("{what} cannot be `{}`", id.value);
            self.diagnostics
                .error(&id.place, "id", message)
                .help(format!("small letters, digits and hyphens, at most {ID_CHARACTERS_MAX}"));
        }
        fine.then_some(id)
    }

    fn category(&mut self, node: &Node) -> Option<String> {
        self.choice(node, "`category`", CATEGORIES).map(|c| c.value)
    }

    pub(super) fn mode(&mut self, node: &Node) -> Option<Mode> {
        Some(match self.choice(node, "`mode`", &["live", "shadow", "off"])?.value.as_str() {
            "live" => Mode::Live,
            "shadow" => Mode::Shadow,
            _ => Mode::Off,
        })
    }

    pub(super) fn rule_action(&mut self, node: &Node) -> Option<Action> {
        if node.text() == Some("pass") {
            self.diagnostics.error(&node.place, "unknown-value", "no rule lets a message pass").help(
                "what must be let through is an exemption: it names the findings it silences, an owner and an expiry",
            );
            return None;
        }
        self.action(node, &["tag", "block"])
    }

    pub(super) fn action(&mut self, node: &Node, words: &[&str]) -> Option<Action> {
        let word = self.choice(node, "`action`", words)?.value;
        Action::ALL.into_iter().find(|a| a.name() == word)
    }

    pub(super) fn answer_kind(&mut self, node: &Node) -> Option<AnswerKind> {
        let word = self.choice(node, "`answer`", &["refuse", "accept"])?.value;
        Some(if word == "refuse" { AnswerKind::Refuse } else { AnswerKind::Accept })
    }

    pub(super) fn status(&mut self, node: &Node) -> Option<CommandStatus> {
        let word = self.choice(node, "`status`", CommandStatus::names())?;
        let status = CommandStatus::from_name(&word.value)?;
        if status == CommandStatus::ESME_ROK {
            self.diagnostics
                .error(&word.place, "unknown-value", "ESME_ROK does not refuse anything")
                .help("to take a message and drop it, write answer: accept");
            return None;
        }
        if status == CommandStatus::ESME_RX_P_APPN {
            self.diagnostics
                .error(&word.place, "unknown-value", "ESME_RX_P_APPN stops everything that waits for the subscriber")
                .help("ESME_RX_R_APPN refuses this one message");
            return None;
        }
        Some(status)
    }

    pub(super) fn date(&mut self, node: &Node) -> Option<Placed<String>> {
        let text = self.text(node, "a date")?;
        if text.value.parse::<jiff::civil::Date>().is_err() {
            let message = format!("`{}` is no date", text.value);
            self.diagnostics.error(&text.place, "date", message).help("write 2027-11-30");
            return None;
        }
        Some(text)
    }
}

fn full(pack: &Pack, id: Placed<String>) -> Placed<String> {
    match &pack.id {
        Some(pack) => Placed { value: format!("{pack}/{}", id.value), place: id.place },
        None => id,
    }
}

fn and(default: Option<&Condition>, own: Option<Condition>) -> Option<Condition> {
    let own = own?;
    Some(match default {
        Some(default) => {
            let place = own.place.clone();
            Condition { place, kind: ConditionKind::All(vec![default.clone(), own]) }
        }
        None => own,
    })
}

/// Whether nothing in a condition is beyond the sender's choice.
fn only_what_the_sender_writes(condition: &Condition) -> bool {
    match &condition.kind {
        ConditionKind::All(all) => all.iter().all(only_what_the_sender_writes),
        ConditionKind::Any(any) => any.iter().any(only_what_the_sender_writes),
        ConditionKind::Not(inner) => only_what_the_sender_writes(inner),
        ConditionKind::AtLeast { of, .. } => of.iter().any(only_what_the_sender_writes),
        ConditionKind::Has(_) | ConditionKind::Finding(_) => true,
        ConditionKind::Fact { fact, fields } => match fact.name {
            "account" | "peer" | "recipient" | "standing" | "rate" | "time" => false,
            "sender" => !fields.iter().any(|f| ["registered_in", "age_below"].contains(&f.spec.name)),
            "message" => !fields.iter().any(|f| f.spec.name == "direction"),
            _ => true,
        },
    }
}
