//! A naive reader of rule files: it walks the file as written, one condition at a time, over what is known of a message.
//!
//! It has no automaton, compiles nothing and remembers nothing, so that it can be read beside the language's reference.
//! `None` is *unknown*. What stands in a text (links, numbers, the matching form) it takes from the reading, as the
//! engine does; how texts are read has its own tests.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use regex_automata::meta::Regex;
use serde_json::Value;
use tapis::config::facts::{self, By, FACTS};
use tapis::message::{Message, Party, PartyKind};
use tapis::rules::likeness::is_affix;
use tapis::rules::word::Word;
use tapis::text::{Reading, language, template};
use tapis::time::Timestamp;
use tapis::verdict::Action;

use super::memory::{self, Memory};

type Truth = Option<bool>;

/// A finding: whether the rule acts, and the exemption that silences it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub mode: String,
    pub exempt_by: Option<String>,
}

/// What a message comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub findings: BTreeMap<String, Found>,
    pub score: i64,
    pub action: Action,
}

struct Rule<'a> {
    id: String,
    pack: Option<&'a str>,
    mode: &'static str,
    score: i64,
    action: Action,
    /// The defaults' condition and its own.
    when: Vec<&'a Value>,
    written: &'a Value,
}

pub struct Oracle<'a> {
    files: &'a [Value],
    rules: Vec<Rule<'a>>,
    /// How often each field did not hold, and how often it did.
    seen: RefCell<Seen>,
    /// Patterns and words of this file, kept only because to make them anew for every message takes long.
    patterns: RefCell<BTreeMap<String, Regex>>,
}

/// How often each field of each fact did not hold, and how often it did.
pub type Seen = BTreeMap<String, [usize; 2]>;

const QUIET_TO_LOUD: [&str; 3] = ["off", "shadow", "live"];

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// One text, or a list of them.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        many => many.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    }
}

fn pack_of(file: &Value) -> Option<&str> {
    file.get("pack").and_then(|p| text(p, "id"))
}

fn hundredths(value: &Value) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "scores are small")]
    let hundredths = (value.as_f64().unwrap_or(0.0) * 100.0).round() as i64;
    hundredths
}

fn mode_of(name: Option<&str>) -> usize {
    QUIET_TO_LOUD.iter().position(|m| Some(*m) == name).unwrap_or(2)
}

fn action_of(name: Option<&str>) -> Action {
    Action::ALL.into_iter().find(|a| Some(a.name()) == name).unwrap_or(Action::Pass)
}

fn glob(pattern: &str, id: &str) -> bool {
    let parts: Vec<String> = pattern.split('*').map(escaped).collect();
    Regex::new(&format!("^(?:{})$", parts.join(".*"))).expect("an escaped pattern").is_match(id)
}

fn escaped(part: &str) -> String {
    part.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\{c}") }).collect()
}

fn and(all: impl IntoIterator<Item = Truth>) -> Truth {
    let all: Vec<Truth> = all.into_iter().collect();
    if all.contains(&Some(false)) { Some(false) } else { all.iter().all(Option::is_some).then_some(true) }
}

fn or(all: impl IntoIterator<Item = Truth>) -> Truth {
    and(all.into_iter().map(|t| t.map(|t| !t))).map(|t| !t)
}

/// Midnight at which a day begins, in UTC.
fn day(date: &str) -> Timestamp {
    let midnight: jiff::Timestamp = format!("{date}T00:00:00Z").parse().expect("a date");
    Timestamp(u64::try_from(midnight.as_microsecond()).expect("after 1970"))
}

impl<'a> Oracle<'a> {
    pub fn new(files: &'a [Value]) -> Self {
        let loudest = files.iter().filter_map(|f| text(f, "mode")).map(|m| mode_of(Some(m))).min().unwrap_or(2);
        let mut rules = Vec::new();
        for file in files {
            let (pack, defaults) = (pack_of(file), file.get("defaults").unwrap_or(&Value::Null));
            for written in items(file, "rules") {
                let own = text(written, "id").expect("an id");
                let id = pack.map_or_else(|| own.to_owned(), |pack| format!("{pack}/{own}"));
                let says = |key: &str| {
                    let by_override = |exact: bool| {
                        let overrides = files.iter().filter_map(|f| f.get("overrides")?.as_object()).flatten();
                        overrides
                            .filter(move |(target, _)| target.contains('*') != exact)
                            .find_map(|(target, o)| glob(target, &id).then(|| o.get(key)).flatten())
                    };
                    by_override(true).or_else(|| by_override(false))
                };
                let mode = says("mode").and_then(Value::as_str).or(text(written, "mode"));
                let mode = mode.or(text(defaults, "mode")).or(file.get("pack").and_then(|p| text(p, "mode")));
                let score = says("score").or(written.get("score")).map_or(0, hundredths);
                let action = action_of(says("action").and_then(Value::as_str).or(text(written, "action")));
                let when = defaults.get("when").into_iter().chain(written.get("when")).collect();
                let mode = QUIET_TO_LOUD[mode_of(mode).min(loudest)];
                rules.push(Rule { id, pack, mode, score, action, when, written });
            }
        }
        Self { files, rules, seen: RefCell::default(), patterns: RefCell::default() }
    }

    /// What was asked so far, and what it came to.
    pub fn seen(self) -> Seen {
        self.seen.into_inner()
    }

    fn see(&self, fact: &str, field: &str, truth: Truth) -> Truth {
        if let Some(holds) = truth {
            let mut seen = self.seen.borrow_mut();
            seen.entry(format!("{fact}.{field}")).or_default()[usize::from(holds)] += 1;
        }
        truth
    }

    pub fn judge(&self, message: &Message<'_>) -> Judged {
        let mut findings = BTreeMap::new();
        let codes: Vec<&str> =
            self.files.iter().flat_map(|f| items(f, "report_short_codes")).filter_map(Value::as_str).collect();
        let codes = if codes.is_empty() { vec!["7726"] } else { codes };
        if !codes.contains(&message.recipient.id) {
            for rule in self.rules.iter().filter(|r| self.fires(r, message) == Some(true)) {
                findings.insert(rule.id.clone(), Found { mode: rule.mode.into(), exempt_by: None });
            }
            self.exempt(message, &mut findings);
        }
        let stands_outside = codes.contains(&message.recipient.id);
        let standing = if stands_outside { 0 } else { memory::points(Memory::of(message)) };
        let (score, action) = self.weigh(message, &findings, standing);
        Judged { findings, score, action }
    }

    fn fires(&self, rule: &Rule<'_>, message: &Message<'_>) -> Truth {
        let is_over = text(rule.written, "expires").is_some_and(|date| message.now >= day(date));
        if rule.mode == "off" || is_over {
            return None;
        }
        and(rule.when.iter().map(|when| self.holds(when, rule.pack, message)))
    }

    fn exempt(&self, message: &Message<'_>, findings: &mut BTreeMap<String, Found>) {
        let mut exemptions: Vec<(String, Option<&str>, &Value)> = Vec::new();
        for file in self.files {
            for written in items(file, "exemptions") {
                let own = text(written, "id").expect("an id");
                let id = pack_of(file).map_or_else(|| own.to_owned(), |pack| format!("{pack}/{own}"));
                exemptions.push((id, pack_of(file), written));
            }
        }
        exemptions.sort_by(|a, b| a.0.cmp(&b.0));
        for (id, pack, written) in exemptions {
            let is_over = text(written, "expires").is_some_and(|date| message.now >= day(date));
            if is_over || self.holds(&written["when"], pack, message) != Some(true) {
                continue;
            }
            let silenced: BTreeSet<String> = items(written, "silences")
                .filter_map(Value::as_str)
                .flat_map(|target| self.silenced(target, pack))
                .collect();
            for (_, found) in findings.iter_mut().filter(|(rule, f)| silenced.contains(*rule) && f.exempt_by.is_none())
            {
                found.exempt_by = Some(id.clone());
            }
        }
    }

    fn silenced(&self, target: &str, pack: Option<&str>) -> Vec<String> {
        let is_firm = |rule: &Rule<'_>| rule.written.get("firm") == Some(&Value::Bool(true));
        let all = self.rules.iter();
        let silenced: Vec<&Rule<'_>> = match target.strip_prefix("group:") {
            Some(group) => all.filter(|r| self.group(r) == Some(group) && !is_firm(r)).collect(),
            None if target.contains('*') => all.filter(|r| covers(target, pack, &r.id) && !is_firm(r)).collect(),
            None => self.named(target, pack),
        };
        silenced.into_iter().map(|r| r.id.clone()).collect()
    }

    fn group(&self, rule: &Rule<'a>) -> Option<&'a str> {
        let default =
            || self.files.iter().find(|f| pack_of(f) == rule.pack)?.get("defaults").and_then(|d| text(d, "group"));
        text(rule.written, "group").or_else(default)
    }

    /// The rule of an id: of the pack that asks, else of all.
    fn named(&self, target: &str, pack: Option<&str>) -> Vec<&Rule<'a>> {
        let of = |id: String| self.rules.iter().filter(|r| r.id == id).collect::<Vec<_>>();
        match pack.map(|pack| of(format!("{pack}/{target}"))) {
            Some(own) if !own.is_empty() => own,
            _ => of(target.to_owned()),
        }
    }

    fn weigh(&self, message: &Message<'_>, findings: &BTreeMap<String, Found>, standing: i64) -> (i64, Action) {
        let counts =
            |rule: &&Rule<'_>| findings.get(&rule.id).is_some_and(|f| f.mode == "live" && f.exempt_by.is_none());
        let remaining: Vec<&Rule<'_>> = self.rules.iter().filter(counts).collect();
        let sum =
            |group: Option<&str>| -> i64 { remaining.iter().filter(|r| self.group(r) == group).map(|r| r.score).sum() };
        let groups = self.files.iter().filter_map(|f| f.get("groups")?.as_object()).flatten();
        let score = standing
            + sum(None)
            + groups.map(|(name, group)| sum(Some(name)).min(hundredths(&group["cap"]))).sum::<i64>();
        let mut profiles = self.files.iter().flat_map(|f| items(f, "profiles"));
        let fits = |p: &&Value| p.get("for").is_none_or(|f| text(f, "direction") == Some(message.direction.name()));
        let profile = profiles.find(fits);
        let threshold =
            |key: &str, default: i64| profile.and_then(|p| p.get("thresholds")?.get(key)).map_or(default, hundredths);
        let by_score = match score {
            0 => Action::Pass,
            s if s >= threshold("block", 1000) && !remaining.is_empty() => Action::Block,
            s if s >= threshold("tag", 500) => Action::Tag,
            _ => Action::Pass,
        };
        let strongest = remaining.iter().map(|r| r.action).max().unwrap_or(Action::Pass).max(by_score);
        let most = profile.and_then(|p| text(p, "action_max")).map_or(Action::Block, |a| action_of(Some(a)));
        (score, strongest.min(most))
    }

    fn holds(&self, condition: &Value, pack: Option<&str>, message: &Message<'_>) -> Truth {
        let (key, value) = condition.as_object().and_then(|m| m.iter().next()).expect("a condition");
        let each = |value: &Value| -> Vec<Truth> {
            value.as_array().into_iter().flatten().map(|c| self.holds(c, pack, message)).collect()
        };
        match key.as_str() {
            "all" => and(each(value)),
            "any" => or(each(value)),
            "not" => self.holds(value, pack, message).map(|t| !t),
            "at_least" => {
                let all = each(&value["of"]);
                let count = usize::try_from(value["count"].as_u64().expect("a count")).expect("a small count");
                let held = all.iter().filter(|t| **t == Some(true)).count();
                let unknown = all.iter().filter(|t| t.is_none()).count();
                if held >= count {
                    Some(true)
                } else if held + unknown >= count {
                    None
                } else {
                    Some(false)
                }
            }
            "has" => self.of_things(value.as_str().expect("a thing"), &Value::Null, pack, message),
            "finding" => {
                let target = value.as_str().expect("an id");
                let asked: Vec<&Rule<'_>> = if target.contains('*') {
                    self.rules.iter().filter(|r| covers(target, pack, &r.id)).collect()
                } else {
                    self.named(target, pack)
                };
                or(asked.into_iter().map(|rule| self.fires(rule, message)))
            }
            "rate" => self.rate(value, pack, message),
            thing if facts::THINGS.contains(&thing) => self.of_things(thing, value, pack, message),
            fact => and(fields(value).map(|(field, wanted)| {
                let holds = || self.of_message(fact, field, wanted, value, pack, message);
                if is_known(fact, field) { self.see(fact, field, holds()) } else { None }
            })),
        }
    }

    fn rate(&self, rate: &Value, pack: Option<&str>, message: &Message<'_>) -> Truth {
        let of = text(rate, "of").map(|target| self.named(target, pack));
        let asked = of.as_ref().map(|of| or(of.iter().map(|rule| self.fires(rule, message))));
        let id = of.as_ref().and_then(|of| of.first()).map(|rule| rule.id.as_str());
        let count = Memory::of(message).rate(&memory::told_as_written(rate, id));
        let above = rate["above"].as_u64().expect("a count");
        let truth = and([asked.unwrap_or(Some(true)), count.map(|n| n > above)]);
        for (field, _) in fields(rate) {
            self.see("rate", field, truth);
        }
        truth
    }

    fn of_message(
        &self,
        fact: &str,
        field: &str,
        wanted: &Value,
        fields: &Value,
        pack: Option<&str>,
        m: &Message<'_>,
    ) -> Truth {
        let is = |one: &str| strings(wanted).contains(&one);
        let number = wanted.as_u64().unwrap_or(0);
        let name = wanted.as_str().unwrap_or_default();
        let party = if fact == "recipient" { &m.recipient } else { &m.sender };
        Some(match (fact, field) {
            ("message", "direction") => is(m.direction.name()),
            ("message", "operation") => m.operation.name().is_some_and(is),
            ("message", "data_coding") => u64::from(m.data_coding?.0) == number,
            ("message", "class") => {
                m.data_coding?;
                m.class.map(u64::from) == Some(number)
            }
            ("message", "protocol_id") => u64::from(m.protocol_id?) == number,
            ("message", "parts_above") => u64::from(m.parts) > number,
            ("message", "ports") => m.reading.ports().is_some() == (wanted == true),
            ("message", "port") => m.reading.ports().is_some_and(|(to, _)| u64::from(to) == number),
            ("message", "tlv" | "tlvs") => {
                let tag = |written: &str| match written.strip_prefix("0x") {
                    Some(hex) => u16::from_str_radix(hex, 16).expect("a tag"),
                    None => written.parse().expect("a tag"),
                };
                let wanted: Vec<u16> = strings(wanted).into_iter().map(tag).collect();
                m.vendor_tlvs.iter().any(|t| wanted.contains(&t.0))
            }
            ("message", "payload" | "payloads") => is(m.reading.payload().name()),
            ("message", "anomaly" | "anomalies") => m.reading.anomalies().iter().any(|a| is(a.name())),
            ("account", "id" | "ids") => is(m.account.id),
            ("account", "id_in") => self.is_sender_in(name, pack, m.account.id),
            ("account", "class") => m.account.class.is_some_and(is),
            ("peer", "address_in") => {
                let peer = m.peer?;
                self.list(name, pack).iter().any(|(_, entry)| is_in_network(peer, entry))
            }
            ("sender", "id" | "ids") => strings(wanted).iter().any(|id| id.eq_ignore_ascii_case(m.sender.id)),
            ("sender", "id_in") => self.is_sender_in(name, pack, m.sender.id),
            ("sender", "id_like") => {
                let names = self.sender_ids(name, pack);
                !m.sender.id.is_empty()
                    && !self.is_sender_in(name, pack, m.sender.id)
                    && names.iter().any(|known| reads_like(m.sender.id, known))
            }
            ("sender", "kind") => is(m.sender.kind.name()),
            ("sender", "registered_in") => self.registered(Some(name), pack, m).next().is_some(),
            (_, "country" | "countries") => return is_of_country(party, &strings(wanted)),
            (_, "prefix_in") => return self.has_prefix(name, pack, party),
            ("time", "within") => {
                let (from, to) = name.split_once('-').expect("from-to");
                let now = local(m.delivery, fields).strftime("%H:%M").to_string();
                let now = now.as_str();
                if from < to { from <= now && now < to } else { from <= now || now < to }
            }
            ("time", "days") => is(&local(m.delivery, fields).strftime("%a").to_string().to_lowercase()),
            ("time", "calendar_in") => {
                let day = local(m.delivery, fields).strftime("%Y-%m-%d").to_string();
                self.list(name, pack).iter().any(|(_, entry)| day == *entry || day[5..] == *entry)
            }
            ("time", "zone") | ("text", "except") | ("standing", "of") => true,
            ("standing", _) => Memory::of(m).standing(text(fields, "of").expect("a key"))? < number,
            (key, "age_below") => is_younger(Memory::of(m).age(key, 0), name)?,
            ("text", _) => return self.of_text(field, wanted, fields, pack, m.reading),
            _ => panic!("the oracle does not know `{fact}: {field}`"),
        })
    }

    fn of_text(&self, field: &str, wanted: &Value, fields: &Value, pack: Option<&str>, reading: &Reading) -> Truth {
        if reading.undecodable().is_some() {
            return None;
        }
        let characters = reading.shown().chars().count() as u64;
        Some(match field {
            "words" => strings(wanted).iter().any(|entry| has_word(reading, entry)),
            "word_in" => {
                let list = self.list(wanted.as_str().expect("a list"), pack);
                list.iter().any(|(_, entry)| has_word(reading, entry))
            }
            "regex" => {
                let find = |pattern: &str, form: &str| -> Vec<_> {
                    let mut patterns = self.patterns.borrow_mut();
                    let new = || Regex::new(pattern).expect("a pattern");
                    let regex = patterns.entry(pattern.to_owned()).or_insert_with(new);
                    regex.find_iter(form).map(|m| m.range()).collect()
                };
                let pattern = wanted.as_str().expect("a pattern");
                let stands = |form: &str| {
                    let excepted = text(fields, "except").map(|e| find(e, form)).unwrap_or_default();
                    find(pattern, form).iter().any(|m| !excepted.iter().any(|e| e.start <= m.start && m.end <= e.end))
                };
                std::iter::once(reading.folded()).chain(reading.views().undone()).any(stands)
            }
            "language" | "languages" => strings(wanted).contains(&language::guess(reading.shown())?),
            "hash_in" => {
                let hash = template::hash(reading.folded());
                self.list(wanted.as_str().expect("a list"), pack).iter().any(|(_, entry)| *entry == hash)
            }
            "starts_with" => strings(wanted).iter().any(|start| reading.text().starts_with(start)),
            "length_above" => characters > wanted.as_u64().expect("a count"),
            "obfuscation_above" => f64::from(reading.obfuscation()) > wanted.as_f64().expect("a number"),
            "length_below" => characters < wanted.as_u64().expect("a count"),
            _ => panic!("the oracle does not know `text: {field}`"),
        })
    }

    /// One of the things of this kind has all that is wanted.
    fn of_things(&self, thing: &str, wanted: &Value, pack: Option<&str>, m: &Message<'_>) -> Truth {
        let reading = m.reading;
        if reading.undecodable().is_some() {
            return None;
        }
        let count = match thing {
            "link" => reading.links().len(),
            "phone" => reading.phones().len(),
            "handle" => reading.handles().len(),
            "amount" => reading.amounts().len(),
            _ => reading.codes().len(),
        };
        or((0..count).map(|n| {
            and(fields(wanted).map(|(field, value)| {
                let holds = || self.of_thing(thing, n, field, value, pack, m);
                if is_known(thing, field) { self.see(thing, field, holds()) } else { None }
            }))
        }))
    }

    fn of_thing(
        &self,
        thing: &str,
        n: usize,
        field: &str,
        wanted: &Value,
        pack: Option<&str>,
        m: &Message<'_>,
    ) -> Truth {
        let reading = m.reading;
        let is = |one: &str| strings(wanted).contains(&one);
        let name = wanted.as_str().unwrap_or_default();
        let is_true = wanted == true;
        let host = reading.links().get(n).map_or("", |l| reading.link_host(l));
        let is_at = |entries: Vec<(String, String)>| entries.iter().any(|(_, entry)| is_at_domain(host, entry));
        Some(match (thing, field) {
            ("link", "domain" | "domains") => strings(wanted).iter().any(|entry| is_at_domain(host, entry)),
            ("link", "domain_in") => is_at(self.list(name, pack)),
            ("link", "host_in") => self.list(name, pack).iter().any(|(_, entry)| domain(entry) == host),
            ("link", "domain_not_in") => !is_at(self.list(name, pack)),
            ("link", "domain_like") => {
                let entries = self.list(name, pack);
                let registered = |entry: &str| {
                    let host = domain(entry);
                    let domain = psl::domain_str(&host).unwrap_or(&host);
                    domain.split('.').next().unwrap_or_default().to_owned()
                };
                let labels: Vec<String> = entries.iter().map(|(_, entry)| registered(entry)).collect();
                let mut labels = labels.iter().filter(|label| !is_affix(label));
                !is_at(entries.clone()) && labels.any(|label| is_in_host(reading, n, label))
            }
            ("link", "brand_in") => {
                let list = self.list(name, pack);
                list.iter().any(|(_, entry)| is_in_host(reading, n, entry.trim_end_matches('*')))
            }
            ("link", "age_below") => is_younger(Memory::of(m).age("domain", n), name)?,
            ("link", "kind") => reading.links()[n].kinds().any(|kind| is(kind.name())),
            ("link", "sender_owns") => {
                let mut own = self.registered(None, None, m);
                own.any(|e| items(e, "domains").filter_map(Value::as_str).any(|d| is_at_domain(host, d))) == is_true
            }
            ("phone", _) => {
                let number = reading.phones()[n].number;
                let entries = self.list_if_any(name, pack).unwrap_or_default();
                let entries: Vec<String> = entries.iter().map(|(_, entry)| digits(entry)).collect();
                let is_entry = entries.iter().any(|e| e == number.digits() || e == number.subscriber());
                match field {
                    "in" => is_entry,
                    "not_in" => !is_entry,
                    "prefix_in" => entries.iter().any(|e| number.digits().starts_with(e)),
                    "country" | "countries" => is(number.country()?.as_str()),
                    "sender_owns" => {
                        let mut own = self.registered(None, None, m);
                        let phones =
                            |e: &Value| items(e, "phones").filter_map(Value::as_str).map(digits).collect::<Vec<_>>();
                        let is_number = |p: &String| p == number.digits() || p == number.subscriber();
                        own.any(|e| phones(e).iter().any(is_number)) == is_true
                    }
                    _ => panic!("the oracle does not know `phone: {field}`"),
                }
            }
            ("handle", "app" | "apps") => is(reading.handles()[n].app.name()),
            ("handle", "id_in") => {
                let handle = &reading.handles()[n];
                let number = handle.number.map_or(String::new(), |n| n.digits().to_owned());
                let known: Vec<String> = self
                    .sender_ids(name, pack)
                    .iter()
                    .map(|k| k.trim_start_matches(['@', '+', '~']).to_lowercase())
                    .collect();
                known
                    .iter()
                    .any(|known| *known == reading.handle_id(handle) || (!number.is_empty() && *known == number))
            }
            ("amount", "currency") => {
                strings(wanted).iter().any(|c| c.to_uppercase().as_bytes() == reading.amounts()[n].currency)
            }
            ("amount", "value_above") => i64::try_from(reading.amounts()[n].value).ok()? > hundredths(wanted),
            ("code", "length") => reading.codes()[n].len as u64 == wanted.as_u64()?,
            _ => panic!("the oracle does not know `{thing}: {field}`"),
        })
    }

    /// Entries of a list with its kind: of the pack that asks, else of all.
    fn list_if_any(&self, name: &str, pack: Option<&str>) -> Option<Vec<(String, String)>> {
        let of = |pack: Option<&str>| {
            let list = self.files.iter().filter(|f| pack_of(f) == pack).find_map(|f| f.get("lists")?.get(name))?;
            let (kind, entries) = list.as_object()?.iter().next()?;
            Some(strings(entries).into_iter().map(|e| (kind.clone(), e.to_owned())).collect())
        };
        pack.and_then(|pack| of(Some(pack))).or_else(|| of(None))
    }

    fn list(&self, name: &str, pack: Option<&str>) -> Vec<(String, String)> {
        self.list_if_any(name, pack).unwrap_or_else(|| panic!("no list `{name}`"))
    }

    fn registry(&self, name: &str, pack: Option<&str>) -> Option<&'a Value> {
        let of = |pack: Option<&str>| {
            self.files.iter().filter(|f| pack_of(f) == pack).find_map(|f| f.get("registries")?.get(name))
        };
        pack.and_then(|pack| of(Some(pack))).or_else(|| of(None))
    }

    fn sender_ids(&self, name: &str, pack: Option<&str>) -> Vec<String> {
        match self.registry(name, pack) {
            Some(registry) => {
                items(registry, "entries").filter_map(|e| text(e, "sender")).map(ToOwned::to_owned).collect()
            }
            None => self.list(name, pack).into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    fn is_sender_in(&self, name: &str, pack: Option<&str>, id: &str) -> bool {
        self.sender_ids(name, pack).iter().any(|known| known.to_lowercase() == id.to_lowercase())
    }

    /// Entries of a registry, or of all, that hold for the sender, its account and today.
    fn registered<'m>(
        &'m self,
        name: Option<&str>,
        pack: Option<&str>,
        m: &'m Message<'_>,
    ) -> impl Iterator<Item = &'m Value> {
        let registries: Vec<&Value> = match name {
            Some(name) => self.registry(name, pack).into_iter().collect(),
            None => {
                self.files.iter().filter_map(|f| f.get("registries")?.as_object()).flat_map(|m| m.values()).collect()
            }
        };
        registries.into_iter().flat_map(|r| items(r, "entries")).filter(|e| {
            let accounts: Vec<&str> = items(e, "accounts").filter_map(Value::as_str).collect();
            text(e, "sender").is_some_and(|s| s.to_lowercase() == m.sender.id.to_lowercase())
                && (accounts.is_empty() || accounts.contains(&m.account.id))
                && text(e, "valid_from").is_none_or(|date| m.now >= day(date))
                && text(e, "valid_until").is_none_or(|date| m.now.0 < day(date).0 + 86_400_000_000)
        })
    }

    fn has_prefix(&self, name: &str, pack: Option<&str>, party: &Party<'_>) -> Truth {
        let entries = self.list(name, pack);
        let begins = |number: &str| entries.iter().any(|(_, e)| number.starts_with(&digits(e)));
        match (party.kind, &party.number) {
            (_, Some(number)) => Some(begins(number.digits())),
            (PartyKind::ShortCode, None) => Some(begins(party.id)),
            (PartyKind::Number, None) => None,
            _ => Some(false),
        }
    }
}

fn is_of_country(party: &Party<'_>, countries: &[&str]) -> Truth {
    match (party.kind, party.country()) {
        (_, Some(country)) => Some(countries.contains(&country.as_str())),
        (PartyKind::Number, None) => None,
        _ => Some(false),
    }
}

fn is_younger(age: Option<u64>, than: &str) -> Truth {
    Some(u128::from(age?) < tapis::config::decode::duration(than).expect("a duration").as_micros())
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Whether Tapis can know it from the message alone, or from memory, as the table of facts says.
fn is_known(fact: &str, field: &str) -> bool {
    let fact = FACTS.iter().find(|f| f.name == fact).expect("a fact");
    fact.field(field).expect("a field").by != By::Nobody
}

/// A glob names full ids, and ids within its own pack.
fn covers(target: &str, pack: Option<&str>, id: &str) -> bool {
    let own = pack.and_then(|pack| id.strip_prefix(pack)?.strip_prefix('/'));
    glob(target, id) || own.is_some_and(|own| glob(target, own))
}

fn local(at: Timestamp, fields: &Value) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::from_microsecond(i64::try_from(at.0).expect("a time")).expect("a time");
    jiff::tz::TimeZone::get(text(fields, "zone").unwrap_or("UTC")).expect("a zone").to_datetime(at)
}

/// Whether an entry stands anywhere in a text, each place asked by itself.
fn has_word(reading: &Reading, entry: &str) -> bool {
    let Some(word) = Word::new(entry) else { return false };
    let views = reading.views();
    let (folded, tight) = (views.folded(), views.tight());
    word.forms().iter().any(|(form, forms)| {
        let places = |octets: &[u8]| -> Vec<_> {
            let starts = octets.windows(form.len()).enumerate().filter(|(_, w)| *w == form.as_bytes());
            starts.map(|(at, _)| at..at + form.len()).collect()
        };
        (forms.spelled && places(views.skeleton()).iter().any(|range| word.stands(folded, range)))
            || (forms.tight && places(tight.octets()).iter().any(|range| word.stands_tight(tight, range).is_some()))
    })
}

/// The host of an entry that may be written as a link.
fn domain(entry: &str) -> String {
    let entry = entry.to_lowercase();
    let host = entry.split("://").last().unwrap_or_default();
    host.split('/').next().unwrap_or_default().trim_start_matches("*.").to_owned()
}

fn is_at_domain(host: &str, entry: &str) -> bool {
    let domain = domain(entry);
    host == domain || host.ends_with(&format!(".{domain}"))
}

fn digits(entry: &str) -> String {
    entry.chars().filter(char::is_ascii_digit).collect()
}

fn is_in_network(peer: std::net::IpAddr, entry: &str) -> bool {
    let bits = |a: &str| a.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
    let (network, width) = entry.split_once('/').unwrap_or((entry, "32"));
    let (Some(peer), Some(network)) = (bits(&peer.to_string()), bits(network)) else { return false };
    let width: u32 = width.parse().expect("a width");
    (peer ^ network).leading_zeros() >= width
}

/// What a name looks like at a glance: letters, and digits as the letters that they stand for.
fn glance(name: &str) -> String {
    let pairs = [
        ('0', 'o'),
        ('1', 'l'),
        ('i', 'l'),
        ('2', 'z'),
        ('3', 'e'),
        ('4', 'a'),
        ('5', 's'),
        ('6', 'g'),
        ('9', 'g'),
        ('7', 't'),
        ('8', 'b'),
    ];
    let plain = |c: char| pairs.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, letter)| *letter);
    let mut seen = String::new();
    let mut folded = String::new();
    for c in name.chars() {
        folded.clear();
        tapis::text::fold::fold(&c.to_string(), &mut folded);
        let one = if c.is_ascii() { c.to_ascii_lowercase().to_string() } else { folded.clone() };
        for letter in one.chars().map(plain).filter(|c| c.is_alphanumeric()) {
            match (seen.chars().next_back(), letter) {
                (Some('r'), 'n') => seen.replace_range(seen.len() - 1.., "m"),
                (Some('v'), 'v') => seen.replace_range(seen.len() - 1.., "w"),
                _ => seen.push(letter),
            }
        }
    }
    seen
}

/// The same at a glance, or one slip away when both are long enough.
fn reads_like(name: &str, known: &str) -> bool {
    let (seen, known) = (glance(name), glance(known));
    let counts = (seen.chars().count(), known.chars().count());
    let (shorter, longer) = (counts.0.min(counts.1), counts.0.max(counts.1));
    let same_ends =
        seen.chars().next() == known.chars().next() && seen.chars().next_back() == known.chars().next_back();
    let slip = longer >= 5 && (shorter > 5 || same_ends) && is_one_slip(&seen, &known);
    name.chars().any(char::is_alphabetic) && !seen.is_empty() && (seen == known || slip)
}

/// Whether a label of the link's host has this name in it, as such, with an affix, or at an end when it is long.
fn is_in_host(reading: &Reading, n: usize, known: &str) -> bool {
    let link = &reading.links()[n];
    let host = reading.link_shown(link);
    let suffix = psl::suffix_str(host).unwrap_or_default();
    let front = host[..host.len() - suffix.len()].trim_end_matches('.');
    let is_word = |part: &str| part.chars().any(char::is_alphabetic) && glance(part).chars().count() >= 3;
    let at_an_end = |part: &str| {
        let (part, known) = (glance(part), glance(known));
        known.chars().count() >= 7 && (part.starts_with(&known) || part.ends_with(&known))
    };
    let whole = |part: &str| is_word(part) && (reads_like(part, known) || at_an_end(part));
    let is_part = |part: &str| is_word(part) && glance(part) == glance(known);
    let with_affix = |part: &str| {
        part.char_indices().skip(1).any(|(at, _)| {
            let (front, back) = part.split_at(at);
            let fits = |name: &str, affix: &str| {
                let letter = affix.chars().count() == 1 && affix.chars().all(|c| c.is_ascii_lowercase());
                is_affix(affix) && is_part(name) && (!letter || glance(name).chars().count() > 3)
            };
            fits(front, back) || fits(back, front)
        })
    };
    let in_label = |label: &str| {
        let mut parts = label.split(['-', '_']);
        whole(label) || with_affix(label) || (parts.clone().count() > 1 && parts.any(|p| whole(p) || with_affix(p)))
    };
    !link.is(tapis::text::LinkKind::Ip) && front.rsplit('.').take(8).any(in_label)
}

/// Whether one letter more, less or other, or two swapped, make one of the other.
fn is_one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let without = |all: &[char], n: usize| [&all[..n], &all[n + 1..]].concat();
    let one_more = |long: &[char], short: &[char]| (0..long.len()).any(|n| without(long, n) == short);
    let one_other = a.len() == b.len() && a.iter().zip(&b).filter(|(x, y)| x != y).count() == 1;
    let swapped = a.len() == b.len()
        && (1..a.len()).any(|n| {
            let mut swapped = a.clone();
            swapped.swap(n - 1, n);
            a != b && swapped == b
        });
    one_more(&a, &b) || one_more(&b, &a) || one_other || swapped
}
