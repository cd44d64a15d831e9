//! [`Spec`] → [`Ruleset`]: names are looked up, words folded, regexes compiled; every mistake points into the YAML.

use std::collections::HashMap;

use super::condition::{Kind, Node, Test, Thing, Whose};
use super::list::{self, Addresses, Domains, Prefixes, Registry, Senders};
use super::matcher::{Builder, SetId, Word};
use super::{Exemption, Registries, Rule, Ruleset};
use crate::config::decode::Placed;
use crate::config::diagnostic::{Diagnostics, nearest};
use crate::config::facts::{FactSpec, ListKind};
use crate::config::source::{ListFile, Place};
use crate::config::spec::{
    Action, Condition, ConditionKind, ExemptionSpec, Field, FieldValue, ListSpec, Mode, Points, RegistryEntry,
    RuleSpec, Spec,
};
use crate::message::{Direction, PartyKind};
use crate::text::{App, LinkKind};
use crate::wire::command::CommandId;

/// Texts of the files that lists and registries name.
pub type ListFiles = [ListFile];

/// Compiles what was written. Mistakes are told, and what has one is left out, so that all are told at once.
pub fn compile(spec: &Spec, files: &ListFiles, diagnostics: &mut Diagnostics) -> Ruleset {
    let mut compiler = Compiler::new(spec, files, diagnostics);
    compiler.name_twice();
    compiler.registries();
    compiler.lists();
    let rules = compiler.order();
    let mut set = Ruleset { groups: groups(spec), ..Ruleset::default() };
    for rule in rules {
        if let Some(rule) = compiler.rule(rule, &set) {
            set.rules.push(rule);
        }
    }
    for exemption in &spec.exemptions {
        if let Some(exemption) = compiler.exemption(exemption, &set) {
            set.exemptions.push(exemption);
        }
    }
    set.exemptions.sort_by(|a, b| a.id.cmp(&b.id));
    set.list_entries = compiler.list_entries();
    set.registries = compiler.registries;
    set.report_short_codes =
        if spec.report_short_codes.is_empty() { vec!["7726".into()] } else { spec.report_short_codes.clone() };
    match compiler.builder.build() {
        Ok(matcher) => set.matcher = matcher,
        Err(message) => {
            let place = spec.rules.first().map_or_else(|| Place::start("rules"), |r| r.id.place.clone());
            compiler.diagnostics.error(&place, "too-many-words", message);
        }
    }
    set
}

fn groups(spec: &Spec) -> Vec<(Box<str>, Points)> {
    let mut groups: Vec<(Box<str>, Points)> =
        spec.groups.iter().map(|g| (g.name.value.as_str().into(), g.cap)).collect();
    groups.sort();
    groups.dedup_by(|a, b| a.0 == b.0);
    groups
}

enum Entries {
    Words(SetId, Vec<String>),
    Domains(Domains),
    Senders(Senders),
    Numbers(Prefixes),
    Addresses(Addresses),
    Hashes(usize),
}

struct Compiler<'a> {
    spec: &'a Spec,
    files: &'a ListFiles,
    diagnostics: &'a mut Diagnostics,
    builder: Builder,
    lists: HashMap<String, Entries>,
    registries: Registries,
}

/// Where a condition stands, as far as looking up names goes.
struct Scope<'a> {
    pack: Option<&'a str>,
    set: &'a Ruleset,
    id: &'a str,
    mode: Mode,
    negated: bool,
    needs_memory: bool,
    per_account: bool,
}

fn full(pack: Option<&str>, name: &str) -> String {
    pack.map_or_else(|| name.to_owned(), |pack| format!("{pack}/{name}"))
}

/// Whether a glob with `*` covers an id.
pub(crate) fn covers(glob: &str, id: &str) -> bool {
    match glob.split_once('*') {
        None => glob == id,
        Some((start, rest)) => id
            .strip_prefix(start)
            .is_some_and(|tail| (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|t| covers(rest, t)))),
    }
}

impl<'a> Compiler<'a> {
    fn new(spec: &'a Spec, files: &'a ListFiles, diagnostics: &'a mut Diagnostics) -> Self {
        let registries = Registries::default();
        Self { spec, files, diagnostics, builder: Builder::default(), lists: HashMap::new(), registries }
    }

    fn name_twice(&mut self) {
        let spec = self.spec;
        let ids =
            spec.rules.iter().map(|r| ("rule", &r.id)).chain(spec.exemptions.iter().map(|e| ("exemption", &e.id)));
        let mut seen: HashMap<&str, &Place> = HashMap::new();
        for (what, id) in ids {
            match seen.get(id.value.as_str()) {
                Some(first) => {
                    let message = format!("{what} `{}` has the id of another", id.value);
                    self.diagnostics.error(&id.place, "duplicate-id", message).help(format!("the first is at {first}"));
                }
                None => {
                    seen.insert(&id.value, &id.place);
                }
            }
        }
        let lists = spec.lists.iter().map(|l| (full(l.pack.as_deref(), &l.name.value), &l.name.place));
        let registries = spec.registries.iter().map(|r| (full(r.pack.as_deref(), &r.name.value), &r.name.place));
        let mut seen: HashMap<String, &Place> = HashMap::new();
        for (name, place) in lists.chain(registries) {
            if let Some(first) = seen.insert(name.clone(), place) {
                let message = format!("`{name}` is the name of another list or registry");
                self.diagnostics.error(place, "duplicate-id", message).help(format!("the other is at {first}"));
            }
        }
    }

    fn list_entries(&self) -> std::collections::BTreeMap<String, usize> {
        let count = |entries: &Entries| match entries {
            Entries::Words(_, words) => words.len(),
            Entries::Domains(d) => d.count(),
            Entries::Senders(s) => s.count(),
            Entries::Numbers(n) => n.count(),
            Entries::Addresses(a) => a.count(),
            Entries::Hashes(n) => *n,
        };
        let lists = self.lists.iter().map(|(name, entries)| (name.clone(), count(entries)));
        lists.chain(self.registries.all.iter().map(|(name, r)| (name.clone(), r.count()))).collect()
    }

    /// The lines of a file that a list names: entries with their places.
    fn file(&mut self, file: &Placed<String>) -> Vec<(String, Placed<String>)> {
        let found = self.files.iter().find(|f| f.name == file.value && f.named_in == *file.place.file);
        let text = match found.map(|f| &f.text) {
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                self.diagnostics.error(&file.place, "file", format!("cannot read `{}`: {why}", file.value));
                return Vec::new();
            }
            None => {
                self.diagnostics.error(&file.place, "file", format!("`{}` was not read", file.value));
                return Vec::new();
            }
        };
        let name: std::sync::Arc<str> = file.value.as_str().into();
        let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
        lines
            .map(|(n, line)| {
                let place = Place { file: name.clone(), line: n + 1, column: 1, length: line.chars().count().max(1) };
                (line.to_owned(), Placed { value: line.trim().to_owned(), place })
            })
            .collect()
    }

    /// Entries of a list's file: one a line, or CSV with the header `value,expires,note`.
    fn list_file(&mut self, file: &Placed<String>) -> Vec<Placed<String>> {
        let lines = self.file(file);
        let is_csv = lines.first().is_some_and(|(l, _)| l.trim().split(',').next() == Some("value"));
        let skip = usize::from(is_csv);
        lines
            .into_iter()
            .skip(skip)
            .map(|(_, mut entry)| {
                if is_csv {
                    entry.value = csv(&entry.value).into_iter().next().unwrap_or_default();
                }
                entry
            })
            .filter(|e| !e.value.is_empty())
            .collect()
    }

    fn registries(&mut self) {
        for spec in &self.spec.registries {
            let mut registry = Registry::default();
            spec.entries.iter().for_each(|e| registry.insert(e));
            if let Some(file) = &spec.file {
                self.registry_file(file, &mut registry);
            }
            self.registries.all.push((full(spec.pack.as_deref(), &spec.name.value), registry));
        }
    }

    /// CSV with the header `sender,entity,accounts,domains,phones,category,valid_from,valid_until`; several accounts,
    /// domains or phones in one field are parted by spaces or semicolons.
    fn registry_file(&mut self, file: &Placed<String>, registry: &mut Registry) {
        let lines = self.file(file);
        let Some((header, first)) = lines.first() else { return };
        let header = csv(header);
        if !header.iter().any(|h| h == "sender") {
            self.diagnostics.error(&first.place, "file", "a registry's file begins with a header that has `sender`");
            return;
        }
        for (line, _) in lines.iter().skip(1) {
            let fields = csv(line);
            let get = |name: &str| {
                let at = header.iter().position(|h| h == name)?;
                fields.get(at).filter(|f| !f.is_empty()).cloned()
            };
            let many = |name: &str| -> Vec<String> {
                let field = get(name).unwrap_or_default();
                field.split([';', ' ']).filter(|x| !x.is_empty()).map(ToOwned::to_owned).collect()
            };
            registry.insert(&RegistryEntry {
                sender: get("sender").unwrap_or_default(),
                entity: get("entity").unwrap_or_default(),
                accounts: many("accounts"),
                domains: many("domains"),
                phones: many("phones"),
                valid_from: get("valid_from"),
                valid_until: get("valid_until"),
            });
        }
    }

    fn lists(&mut self) {
        for spec in &self.spec.lists {
            let mut entries = spec.entries.clone();
            if let Some(file) = &spec.file {
                entries.extend(self.list_file(file));
            }
            let compiled = self.list(spec, &entries);
            self.lists.insert(full(spec.pack.as_deref(), &spec.name.value), compiled);
        }
    }

    fn list(&mut self, spec: &ListSpec, entries: &[Placed<String>]) -> Entries {
        let texts = || entries.iter().map(|e| e.value.as_str());
        match spec.kind {
            ListKind::Words => {
                let words: Vec<_> = entries.iter().filter_map(|e| self.word(e)).collect();
                let folded = words.iter().map(|w| w.folded.clone()).collect();
                Entries::Words(self.builder.words(words), folded)
            }
            ListKind::Domains => {
                let mut domains = Domains::default();
                texts().for_each(|e| domains.insert(e));
                Entries::Domains(domains)
            }
            ListKind::Senders => {
                let mut senders = Senders::default();
                texts().for_each(|e| senders.insert(e));
                Entries::Senders(senders)
            }
            ListKind::Numbers => {
                let mut prefixes = Prefixes::default();
                texts().for_each(|e| prefixes.insert(e));
                Entries::Numbers(prefixes)
            }
            ListKind::Addresses => {
                let mut addresses = Addresses::default();
                for entry in entries {
                    if !addresses.insert(&entry.value) {
                        let message = format!("`{}` is no IP address or network", entry.value);
                        self.diagnostics
                            .error(&entry.place, "address", message)
                            .help("write 192.0.2.1 or 192.0.2.0/24");
                    }
                }
                Entries::Addresses(addresses)
            }
            ListKind::Hashes => Entries::Hashes(entries.len()),
        }
    }

    fn word(&mut self, entry: &Placed<String>) -> Option<Word> {
        let word = Word::new(&entry.value);
        if word.is_none() {
            let message = format!("nothing is left of `{}` in the matching form", entry.value);
            self.diagnostics.error(&entry.place, "empty", message).help("words need letters or digits");
        }
        word
    }

    /// Rules such that each stands after those whose findings it asks for.
    fn order(&mut self) -> Vec<&'a RuleSpec> {
        let mut left: Vec<&RuleSpec> = self.spec.rules.iter().collect();
        left.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        left.dedup_by(|a, b| a.id.value == b.id.value);
        let mut done: Vec<&RuleSpec> = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let waits = |rule: &RuleSpec, left: &[&RuleSpec]| {
                let mut asked = Vec::new();
                rule.when.iter().for_each(|w| findings(w, &mut asked));
                left.iter().any(|other| asked.iter().any(|a| names(a, rule.pack.as_deref(), &other.id.value)))
            };
            let (later, now): (Vec<&RuleSpec>, Vec<&RuleSpec>) = left.iter().copied().partition(|r| waits(r, &left));
            if now.is_empty() {
                for rule in later {
                    let message = format!("rule `{}` asks for a finding that asks for it", rule.id.value);
                    self.diagnostics.error(&rule.id.place, "cycle", message);
                }
                break;
            }
            done.extend(now);
            left = later;
        }
        done
    }

    fn rule(&mut self, spec: &'a RuleSpec, set: &Ruleset) -> Option<Rule> {
        let (mut score, mut action, mut mode) = (spec.score.unwrap_or_default(), spec.action, spec.mode);
        self.overridden(spec, &mut score, &mut action, &mut mode);
        mode = mode.min(self.spec.mode);
        let mut scope = Scope {
            pack: spec.pack.as_deref(),
            set,
            id: &spec.id.value,
            mode,
            negated: false,
            needs_memory: false,
            per_account: false,
        };
        let group = spec.group.as_ref().and_then(|name| self.group(name, set));
        let tag = spec.tag.as_ref().and_then(|name| self.tag(name, spec.pack.as_deref()));
        let when = self.condition(spec.when.as_ref()?, &mut scope)?;
        let (needs_memory, per_account) = (scope.needs_memory, scope.per_account);
        if let Some(status) = spec.status.filter(|s| s.is_retryable())
            && !per_account
        {
            let message = format!("`{status}` makes ESMEs try again");
            self.diagnostics
                .error(&spec.id.place, "retryable", message)
                .help("only a rule whose rate is per: account may answer with it");
        }
        let mut facts = Vec::new();
        facts_of(spec.when.as_ref()?, &mut facts);
        facts.sort_unstable();
        facts.dedup();
        Some(Rule {
            id: spec.id.value.as_str().into(),
            place: spec.id.place.clone(),
            category: spec.category.as_deref().map(Into::into),
            basis: spec.basis.as_deref().map(Into::into),
            group,
            score,
            action,
            status: spec.status,
            answer: spec.answer,
            tag,
            mode,
            cause: cause(&facts),
            facts,
            digest: digest(&spec.canonical),
            expires: spec.expires.as_ref().and_then(|d| list::midnight(&d.value, 0)),
            needs_memory,
            when,
        })
    }

    fn overridden(&self, spec: &RuleSpec, score: &mut Points, action: &mut Option<Action>, mode: &mut Mode) {
        let mut matching: Vec<_> =
            self.spec.overrides.iter().filter(|o| covers(&o.target.value, &spec.id.value)).collect();
        // A glob first, so that an id has the last word.
        matching.sort_by_key(|o| (!o.target.value.contains('*'), o.target.value.len()));
        for one in matching {
            *score = one.score.unwrap_or(*score);
            *action = one.action.or(*action);
            *mode = one.mode.unwrap_or(*mode);
        }
    }

    fn group(&mut self, name: &Placed<String>, set: &Ruleset) -> Option<usize> {
        let at = set.groups.iter().position(|(g, _)| **g == *name.value);
        if at.is_none() {
            self.unknown_name(name, "group", set.groups.iter().map(|(g, _)| g.to_string()).collect());
        }
        at
    }

    fn tag(&mut self, name: &Placed<String>, pack: Option<&str>) -> Option<usize> {
        let tags = &self.spec.tags;
        let of = |p: Option<&str>| tags.iter().position(|t| t.name.value == name.value && t.pack.as_deref() == p);
        let at = of(pack).or_else(|| of(None));
        if at.is_none() {
            self.unknown_name(name, "tag", tags.iter().map(|t| t.name.value.clone()).collect());
        }
        at
    }

    fn unknown_name(&mut self, name: &Placed<String>, what: &str, known: Vec<String>) {
        let message = format!("there is no {what} `{}`", name.value);
        let near = nearest(&name.value, known.iter().map(String::as_str)).map(ToOwned::to_owned);
        let diagnostic = self.diagnostics.error(&name.place, "unknown-name", message);
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => {}
            None => diagnostic.help(format!("there are {}", known.join(", "))),
        }
    }

    fn exemption(&mut self, spec: &'a ExemptionSpec, set: &Ruleset) -> Option<Exemption> {
        let mut silences = Vec::new();
        for target in &spec.silences {
            let found = self.silenced(target, spec, set);
            if found.is_empty() {
                let known = set.rules.iter().map(|r| r.id.to_string()).collect();
                self.unknown_name(target, "rule", known);
            }
            silences.extend(found);
        }
        silences.sort_unstable();
        silences.dedup();
        let mut scope = Scope {
            pack: spec.pack.as_deref(),
            set,
            id: &spec.id.value,
            mode: Mode::Shadow,
            negated: false,
            needs_memory: false,
            per_account: false,
        };
        Some(Exemption {
            id: spec.id.value.as_str().into(),
            place: spec.id.place.clone(),
            expires: spec.expires.as_ref().and_then(|d| list::midnight(&d.value, 0)),
            silences: silences.into(),
            when: self.condition(spec.when.as_ref()?, &mut scope)?,
        })
    }

    fn silenced(&self, target: &Placed<String>, spec: &ExemptionSpec, set: &Ruleset) -> Vec<u32> {
        let pack = spec.pack.as_deref();
        let group = target.value.strip_prefix("group:");
        let firm = |id: &str| self.spec.rules.iter().any(|r| r.firm && r.id.value == id);
        let matches = |rule: &Rule| match group {
            Some(group) => {
                let own = rule.group.and_then(|g| set.groups.get(g)).is_some_and(|(name, _)| **name == *group);
                own && !firm(&rule.id)
            }
            None if target.value.contains('*') => covers(&target.value, &rule.id) && !firm(&rule.id),
            None => names(&target.value, pack, &rule.id),
        };
        let all = set.rules.iter().enumerate().filter(|(_, r)| matches(r));
        all.filter_map(|(n, _)| u32::try_from(n).ok()).collect()
    }

    fn condition(&mut self, condition: &'a Condition, scope: &mut Scope<'_>) -> Option<Node> {
        let (name, detail, kind): (&'static str, String, Kind) = match &condition.kind {
            ConditionKind::All(all) => ("all", String::new(), Kind::All(self.conditions(all, scope)?)),
            ConditionKind::Any(any) => ("any", String::new(), Kind::Any(self.conditions(any, scope)?)),
            ConditionKind::Not(inner) => {
                if let ConditionKind::Fact { fact, .. } = &inner.kind
                    && fact.name == "text"
                {
                    let message = "the sender can silence this by adding words";
                    self.diagnostics.warning(&condition.place, "not-text", message).help("use `except` beside `regex`");
                }
                scope.negated = !scope.negated;
                let inner = self.condition(inner, scope);
                scope.negated = !scope.negated;
                ("not", String::new(), Kind::Not(Box::new(inner?)))
            }
            ConditionKind::AtLeast { count, of } => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                ("at_least", format!("{count} of"), Kind::AtLeast(count, self.conditions(of, scope)?))
            }
            ConditionKind::Has(fact) => ("has", fact.name.to_owned(), Kind::Thing(thing(fact)?, Box::default())),
            ConditionKind::Finding(id) => ("finding", id.value.clone(), Kind::Finding(self.finding(id, scope)?)),
            ConditionKind::Fact { fact, fields } => {
                let mut tests = Vec::with_capacity(fields.len());
                for field in fields {
                    tests.push(self.field(fact, field, fields, scope));
                }
                // `except` and `zone` belong to their neighbours and are no tests of their own.
                let tests: Option<Vec<Option<Test>>> = tests.into_iter().collect();
                let tests: Box<[Test]> = tests?.into_iter().flatten().collect();
                let kind = match thing(fact) {
                    Some(thing) => Kind::Thing(thing, tests),
                    None => Kind::Fact(tests),
                };
                (fact.name, describe(fields), kind)
            }
        };
        Some(Node { name, detail: detail.into(), kind })
    }

    fn conditions(&mut self, all: &'a [Condition], scope: &mut Scope<'_>) -> Option<Box<[Node]>> {
        let nodes: Vec<_> = all.iter().map(|c| self.condition(c, scope)).collect();
        nodes.into_iter().collect()
    }

    fn finding(&mut self, id: &Placed<String>, scope: &Scope<'_>) -> Option<Box<[u32]>> {
        let glob = id.value.contains('*');
        if glob && scope.negated {
            let message = format!("`{}` under `not` would change with every rule added", id.value);
            self.diagnostics.error(&id.place, "glob", message).help("name each rule");
            return None;
        }
        let rules = &scope.set.rules;
        let found: Vec<_> = rules.iter().enumerate().filter(|(_, r)| names(&id.value, scope.pack, &r.id)).collect();
        let specs = &self.spec.rules;
        if found.is_empty() && !specs.iter().any(|r| names(&id.value, scope.pack, &r.id.value)) {
            self.unknown_name(id, "rule", specs.iter().map(|r| r.id.value.clone()).collect());
            return None;
        }
        if let Some((_, quiet)) = found.iter().find(|(_, r)| r.mode < scope.mode)
            && scope.mode == Mode::Live
        {
            let message = format!("live rule `{}` depends on `{}`, which is not live", scope.id, quiet.id);
            self.diagnostics.error(&id.place, "shadow", message);
        }
        Some(found.into_iter().filter_map(|(n, _)| u32::try_from(n).ok()).collect())
    }

    /// One field as a test: outer none on a mistake, inner none when a neighbour takes it along.
    fn field(
        &mut self,
        fact: &FactSpec,
        field: &'a Field,
        all: &'a [Field],
        scope: &mut Scope<'_>,
    ) -> Option<Option<Test>> {
        if !field.spec.known {
            scope.needs_memory = true;
            scope.per_account |= field.spec.name == "per" && texts(field).iter().any(|t| t.value == "account");
            if field.spec.name == "of" && fact.name == "rate" {
                self.finding(texts(field).first()?, scope)?;
            }
            return Some(Some(Test::Unknown));
        }
        let test = match fact.name {
            "message" => message_test(field),
            "sender" | "recipient" | "account" | "peer" => self.party_test(fact, field, scope),
            "text" => return self.text_test(field, all),
            "time" => return self.time_test(field, all),
            _ => self.thing_test(fact, field, scope),
        };
        test.map(Some)
    }

    fn party_test(&mut self, fact: &FactSpec, field: &Field, scope: &Scope<'_>) -> Option<Test> {
        let strings = || texts(field).iter().map(|t| t.value.clone()).collect();
        let whose = if fact.name == "sender" { Whose::Sender } else { Whose::Recipient };
        Some(match (fact.name, field.spec.name) {
            ("account", "id" | "ids") => Test::Account(strings()),
            ("account", "id_in") => Test::AccountIn(self.senders(field, scope)?),
            ("account", _) => Test::AccountClass(texts(field).first()?.value.clone()),
            ("peer", _) => match self.list_named(field, &[ListKind::Addresses], scope)? {
                Entries::Addresses(list) => Test::PeerIn(list.clone()),
                _ => return None,
            },
            (_, "id" | "ids") => Test::SenderId(strings()),
            (_, "id_in") => Test::SenderIn(self.senders(field, scope)?),
            (_, "id_like") => Test::SenderLike(self.senders(field, scope)?),
            (_, "kind") => Test::SenderKind(match texts(field).first()?.value.as_str() {
                "alphanumeric" => PartyKind::Alphanumeric,
                "number" => PartyKind::Number,
                "short_code" => PartyKind::ShortCode,
                _ => PartyKind::Empty,
            }),
            (_, "registered_in") => Test::Registered(self.registry(field, scope)?),
            (_, "prefix_in") => Test::PrefixIn(whose, self.prefixes(field, scope)?),
            _ => Test::Country(whose, countries(field)),
        })
    }

    fn text_test(&mut self, field: &'a Field, all: &'a [Field]) -> Option<Option<Test>> {
        Some(Some(match (field.spec.name, &field.value) {
            ("words", FieldValue::Texts(entries)) => {
                let words: Vec<_> = entries.iter().filter_map(|e| self.word(e)).collect();
                Test::Words(self.builder.words(words))
            }
            ("word_in", FieldValue::Texts(_)) => {
                let scope = field;
                match self.list_of(texts(scope).first()?, &[ListKind::Words], None)? {
                    Entries::Words(set, _) => Test::Words(*set),
                    _ => return None,
                }
            }
            ("regex", FieldValue::Texts(patterns)) => {
                let pattern = patterns.first()?;
                let except = all.iter().find(|f| f.spec.name == "except").and_then(|f| texts(f).first());
                return self.regex(pattern, except).map(Some);
            }
            ("except", _) => return Some(None),
            ("starts_with", FieldValue::Texts(starts)) => {
                Test::StartsWith(starts.iter().map(|s| s.value.clone()).collect())
            }
            ("length_above", FieldValue::Count(n)) => Test::LengthAbove(*n),
            ("length_below", FieldValue::Count(n)) => Test::LengthBelow(*n),
            _ => return None,
        }))
    }

    fn regex(&mut self, pattern: &Placed<String>, except: Option<&Placed<String>>) -> Option<Test> {
        match self.builder.regex(&pattern.value, except.map(|e| e.value.as_str())) {
            Ok(id) => {
                if self.builder.is_always_run(id) {
                    let message = "no word must be there for this to match, so it is run on every message";
                    self.diagnostics.warning(&pattern.place, "slow-regex", message);
                }
                if [Some(pattern), except].into_iter().flatten().any(|p| has_capital(&p.value)) {
                    let message = "the matching form has no capital letters: this never matches them";
                    self.diagnostics.warning(&pattern.place, "capital", message).help("write small letters");
                }
                Some(Test::Regex(id))
            }
            Err((in_except, bad)) => {
                let text = if in_except { except? } else { pattern };
                let quote = usize::from(text.place.length > text.value.chars().count());
                let place = text.place.shifted(bad.at + quote);
                self.diagnostics.error(&place, "regex", format!("this regex cannot be used: {}", bad.message));
                None
            }
        }
    }

    fn time_test(&mut self, field: &Field, all: &[Field]) -> Option<Option<Test>> {
        let named = all.iter().find(|f| f.spec.name == "zone").and_then(|f| texts(f).first());
        let zone = match named {
            None => jiff::tz::TimeZone::UTC,
            Some(name) => match jiff::tz::TimeZone::get(&name.value) {
                Ok(zone) => zone,
                Err(_) if field.spec.name == "zone" => {
                    let message = format!("there is no time zone `{}`", name.value);
                    self.diagnostics.error(&name.place, "zone", message).help("as in Asia/Ho_Chi_Minh");
                    return None;
                }
                Err(_) => return None,
            },
        };
        Some(Some(match (field.spec.name, &field.value) {
            ("within", FieldValue::Within(from, to)) => Test::Within { from: *from, to: *to, zone },
            ("days", FieldValue::Texts(days)) => {
                let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
                let number =
                    |d: &Placed<String>| names.iter().position(|n| *n == d.value).and_then(|n| i8::try_from(n).ok());
                Test::Days { days: days.iter().filter_map(number).collect(), zone }
            }
            _ => return Some(None),
        }))
    }

    fn thing_test(&mut self, fact: &FactSpec, field: &Field, scope: &Scope<'_>) -> Option<Test> {
        Some(match (fact.name, field.spec.name, &field.value) {
            (_, "sender_owns", FieldValue::Flag(owns)) => Test::SenderOwns(*owns),
            ("link", "domain" | "domains", FieldValue::Texts(names)) => {
                let mut domains = Domains::default();
                names.iter().for_each(|d| domains.insert(&d.value));
                Test::DomainIn(domains, true)
            }
            ("link", "domain_in", _) => Test::DomainIn(self.domains(field, scope)?, true),
            ("link", "domain_not_in", _) => Test::DomainIn(self.domains(field, scope)?, false),
            ("link", "domain_like", _) => Test::DomainLike(self.domains(field, scope)?),
            ("link", "host_in", _) => Test::HostIn(self.domains(field, scope)?),
            ("link", "brand_in", _) => match self.list_named(field, &[ListKind::Words], scope)? {
                Entries::Words(_, words) => Test::BrandIn(words.clone().into()),
                _ => return None,
            },
            ("link", _, _) => Test::LinkKind(link_kind(&texts(field).first()?.value)?),
            ("phone", "in", _) => Test::PhoneIn(self.prefixes(field, scope)?, true),
            ("phone", "not_in", _) => Test::PhoneIn(self.prefixes(field, scope)?, false),
            ("phone", "prefix_in", _) => Test::PrefixIn(Whose::Sender, self.prefixes(field, scope)?),
            ("phone", _, _) => Test::PhoneCountry(countries(field)),
            ("handle", "id_in", _) => Test::HandleIn(self.senders(field, scope)?),
            ("handle", _, _) => Test::App(texts(field).iter().filter_map(|t| App::from_name(&t.value)).collect()),
            ("amount", "currency", _) => Test::Currency(texts(field).first()?.value.to_uppercase()),
            ("amount", _, FieldValue::Number(n)) => Test::ValueAbove(u64::try_from(*n).unwrap_or(0)),
            ("code", _, FieldValue::Count(n)) => Test::CodeLength(*n),
            _ => return None,
        })
    }

    fn list_named(&mut self, field: &Field, kinds: &[ListKind], scope: &Scope<'_>) -> Option<&Entries> {
        self.list_of(texts(field).first()?, kinds, scope.pack)
    }

    /// A list by name: in the pack of the place it is named at, then globally.
    fn list_of(&mut self, name: &Placed<String>, kinds: &[ListKind], pack: Option<&str>) -> Option<&Entries> {
        let in_pack =
            |p: Option<&str>| self.spec.lists.iter().find(|l| l.name.value == name.value && l.pack.as_deref() == p);
        let file_pack =
            || self.spec.lists.iter().find(|l| l.name.value == name.value && l.name.place.file == name.place.file);
        let Some(spec) = in_pack(pack).or_else(file_pack).or_else(|| in_pack(None)) else {
            let known =
                self.spec.lists.iter().filter(|l| kinds.contains(&l.kind)).map(|l| l.name.value.clone()).collect();
            self.unknown_name(name, "list", known);
            return None;
        };
        if !kinds.contains(&spec.kind) {
            let wanted: Vec<_> = kinds.iter().map(|k| k.name()).collect();
            let message = format!("list `{}` has {}, not {}", name.value, spec.kind.name(), wanted.join(" or "));
            self.diagnostics.error(&name.place, "list-kind", message);
            return None;
        }
        self.lists.get(&full(spec.pack.as_deref(), &spec.name.value))
    }

    fn domains(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Domains> {
        match self.list_named(field, &[ListKind::Domains], scope)? {
            Entries::Domains(list) => Some(list.clone()),
            _ => None,
        }
    }

    fn prefixes(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Prefixes> {
        match self.list_named(field, &[ListKind::Numbers], scope)? {
            Entries::Numbers(list) => Some(list.clone()),
            _ => None,
        }
    }

    /// Sender ids of a list or of a registry.
    fn senders(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Senders> {
        let name = texts(field).first()?;
        if let Some((_, registry)) = self.registries.all.get(self.registry_at(name, scope.pack).unwrap_or(usize::MAX)) {
            return Some(registry.senders.clone());
        }
        match self.list_named(field, &[ListKind::Senders, ListKind::Words], scope)? {
            Entries::Senders(list) => Some(list.clone()),
            Entries::Words(_, words) => {
                let mut senders = Senders::default();
                words.iter().for_each(|w| senders.insert(w));
                Some(senders)
            }
            _ => None,
        }
    }

    fn registry(&mut self, field: &Field, scope: &Scope<'_>) -> Option<usize> {
        let name = texts(field).first()?;
        let at = self.registry_at(name, scope.pack);
        if at.is_none() {
            self.unknown_name(name, "registry", self.spec.registries.iter().map(|r| r.name.value.clone()).collect());
        }
        at
    }

    fn registry_at(&self, name: &Placed<String>, pack: Option<&str>) -> Option<usize> {
        let of = |p: Option<&str>| self.registries.all.iter().position(|(n, _)| *n == full(p, &name.value));
        of(pack).or_else(|| of(None))
    }
}

fn texts(field: &Field) -> &[Placed<String>] {
    match &field.value {
        FieldValue::Texts(texts) => texts,
        _ => &[],
    }
}

fn countries(field: &Field) -> Box<[crate::text::number::Country]> {
    match &field.value {
        FieldValue::Countries(countries) => countries.clone().into(),
        _ => Box::default(),
    }
}

fn thing(fact: &FactSpec) -> Option<Thing> {
    Some(match fact.name {
        "link" => Thing::Link,
        "phone" => Thing::Phone,
        "handle" => Thing::Handle,
        "amount" => Thing::Amount,
        "code" => Thing::Code,
        _ => return None,
    })
}

fn message_test(field: &Field) -> Option<Test> {
    Some(match (field.spec.name, &field.value) {
        ("direction", FieldValue::Texts(t)) => {
            Test::Direction(if t.first()?.value == "mo" { Direction::Mo } else { Direction::Mt })
        }
        ("operation", FieldValue::Texts(t)) => Test::Operation(CommandId::from_name(&t.first()?.value)?),
        ("data_coding", FieldValue::Count(n)) => Test::DataCoding(u8::try_from(*n).ok()?),
        ("class", FieldValue::Count(n)) => Test::Class(u8::try_from(*n).ok()?),
        ("parts_above", FieldValue::Count(n)) => Test::PartsAbove(*n),
        ("ports", FieldValue::Flag(has)) => Test::Ports(*has),
        _ => return None,
    })
}

fn link_kind(name: &str) -> Option<LinkKind> {
    [LinkKind::Plain, LinkKind::Ip, LinkKind::Punycode, LinkKind::Apk].into_iter().find(|k| k.name() == name)
}

/// Whether a `finding:` or `silences:` names a rule: by its full id, by its id within the same pack, or by a glob.
fn names(target: &str, pack: Option<&str>, id: &str) -> bool {
    covers(target, id)
        || pack.is_some_and(|p| {
            id.strip_prefix(p).and_then(|r| r.strip_prefix('/')).is_some_and(|own| covers(target, own))
        })
}

fn findings<'s>(condition: &'s Condition, out: &mut Vec<&'s str>) {
    match &condition.kind {
        ConditionKind::All(all) | ConditionKind::Any(all) | ConditionKind::AtLeast { of: all, .. } => {
            all.iter().for_each(|c| findings(c, out));
        }
        ConditionKind::Not(inner) => findings(inner, out),
        ConditionKind::Finding(id) => out.push(&id.value),
        ConditionKind::Has(_) | ConditionKind::Fact { .. } => {}
    }
}

fn facts_of(condition: &Condition, out: &mut Vec<&'static str>) {
    match &condition.kind {
        ConditionKind::All(all) | ConditionKind::Any(all) | ConditionKind::AtLeast { of: all, .. } => {
            all.iter().for_each(|c| facts_of(c, out));
        }
        ConditionKind::Not(inner) => facts_of(inner, out),
        ConditionKind::Finding(_) => {}
        ConditionKind::Has(fact) | ConditionKind::Fact { fact, .. } => out.push(fact.name),
    }
}

/// What a rule rests on, the most telling of its facts first.
fn cause(facts: &[&str]) -> &'static str {
    let has = |names: &[&str]| facts.iter().any(|f| names.contains(f));
    if has(&["rate"]) {
        "volume"
    } else if has(&["standing"]) {
        "reputation"
    } else if has(&["model"]) {
        "model"
    } else if has(&["link", "phone", "handle"]) {
        "link"
    } else if has(&["text", "amount", "code"]) {
        "content"
    } else if has(&["sender", "account", "peer"]) {
        "sender"
    } else {
        "protocol"
    }
}

/// The first 16 hexadecimal digits of BLAKE3.
pub(crate) fn digest(canonical: &str) -> Box<str> {
    blake3::hash(canonical.as_bytes()).to_hex().get(..16).unwrap_or_default().into()
}

fn describe(fields: &[Field]) -> String {
    let value = |field: &Field| match &field.value {
        FieldValue::Texts(t) => match t.as_slice() {
            [one] => one.value.clone(),
            many => format!("[{}]", many.iter().map(|t| t.value.as_str()).collect::<Vec<_>>().join(", ")),
        },
        FieldValue::Countries(c) => c.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>().join(", "),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Count(n) => n.to_string(),
        FieldValue::Number(n) => Points(*n).to_string(),
        FieldValue::Duration(d) => format!("{}s", d.as_secs()),
        FieldValue::Within(a, b) => format!("{:02}:{:02}-{:02}:{:02}", a / 60, a % 60, b / 60, b % 60),
    };
    fields.iter().map(|f| format!("{}: {}", f.spec.name, value(f))).collect::<Vec<_>>().join(", ")
}

/// Whether a pattern asks for a capital letter; classes like `\B` and `\W` are no letters.
fn has_capital(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            if matches!(chars.next(), Some('p' | 'P' | 'x' | 'u')) {
                return false;
            }
        } else if c.is_uppercase() {
            return true;
        }
    }
    false
}

/// The fields of one line of CSV (RFC 4180).
fn csv(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.last_mut().expect("there is always a field");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => last.push(c),
        }
    }
    fields.iter().map(|f| f.trim().to_owned()).collect()
}
