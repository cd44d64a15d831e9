//! Lists and registries: their entries read, and looked up by name.

use std::sync::Arc;

use super::{Compiler, Entries, Scope, full, texts};
use crate::config::diagnostic;
use crate::config::spec::{Field, ListKind, Place, Placed, RegistryEntry};
use crate::limits::LIKE_ENTRIES_MAX;
use crate::rules::calendar::Dates;
use crate::rules::likeness::Likeness;
use crate::rules::list::{Addresses, Domains, FOR_EVER, Fault, Prefixes, Registry, Senders, Until, midnight};
use crate::rules::word::Word;

/// An entry of a list, inline or from a file.
struct Entry {
    text: Placed<String>,
    until: Until,
}

impl Compiler<'_> {
    /// The lines of a file that a list names: entries with their places.
    fn file(&mut self, file: &Placed<String>) -> Vec<(String, Placed<String>)> {
        let found = self.files.iter().find(|f| f.name == file.value && f.named_in == *file.place.file);
        let text = match found.map(|f| &f.text) {
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                self.diagnostics
                    .error(&file.place, "file", format!("cannot read `{}`: {why}", file.value))
                    .help("a file is looked for beside the rule file, in the folder above, and beside tapis.yaml");
                return Vec::new();
            }
            None => {
                self.diagnostics.error(&file.place, "file", format!("`{}` was not read", file.value));
                return Vec::new();
            }
        };
        let name: std::sync::Arc<str> = file.value.as_str().into();
        let lines = diagnostic::lines(text)
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
        lines
            .map(|(n, line)| {
                let place = Place { file: name.clone(), line: n + 1, column: 1, length: line.chars().count().max(1) };
                (line.to_owned(), Placed { value: line.trim().to_owned(), place })
            })
            .collect()
    }

    /// Entries of a list's file: one a line, or CSV with the header `value,expires,note`.
    fn list_file(&mut self, file: &Placed<String>) -> Vec<Entry> {
        let lines = self.file(file);
        let header = lines.first().map(|(line, _)| csv(line)).unwrap_or_default();
        let names = ["value", "expires", "note"];
        if header.len() > 1
            && header.iter().all(|name| names.contains(&name.as_str()))
            && header.first().is_some_and(|n| n != "value")
        {
            // Else the header would be an entry, and every line one with its commas.
            if let Some((_, first)) = lines.first() {
                self.diagnostics
                    .error(&first.place, "file", "the first column of a list is `value`")
                    .help("begin the file with value,expires,note");
            }
            return Vec::new();
        }
        if header.first().is_none_or(|first| first != "value") {
            return lines.into_iter().map(|(_, text)| Entry { text, until: FOR_EVER }).collect();
        }
        let expires = header.iter().position(|name| name == "expires");
        let mut entries = Vec::with_capacity(lines.len());
        for (written, line) in lines.into_iter().skip(1) {
            let fields = csv(&line.value);
            let field = |at: usize| fields.get(at).filter(|f| !f.is_empty());
            let placed = |value: &String| Placed { value: value.clone(), place: within(&line.place, &written, value) };
            let until = match expires.and_then(field) {
                None => Some(FOR_EVER),
                Some(date) => {
                    let end = midnight(date, 0);
                    if end.is_none() {
                        self.bad_entry(Fault::Date, &placed(date));
                    }
                    end
                }
            };
            if let (Some(value), Some(until)) = (field(0), until) {
                entries.push(Entry { text: placed(value), until });
            }
        }
        entries
    }

    /// Tells that something is no domain, number, address or day.
    pub(super) fn bad_entry(&mut self, fault: Fault, entry: &Placed<String>) {
        let (code, what, help) = match fault {
            Fault::Domain => ("domain", "no domain", "write example.com; it stands for its subdomains too"),
            Fault::Number => {
                ("number", "no number", "write digits from the country's code on: \"+65\", \"+6591234567\"")
            }
            Fault::Address => ("address", "no IP address or network", "write 192.0.2.1 or 192.0.2.0/24"),
            Fault::Date => ("date", "no date", "write 2027-11-30; in a list of dates 11-30 is that day of every year"),
            Fault::Hash => {
                ("hash", "no hash of a text", "16 hexadecimal digits: `template` of a record, or of `tapis explain`")
            }
        };
        self.diagnostics.error(&entry.place, code, format!("`{}` is {what}", entry.value)).help(help);
    }

    pub(super) fn registries(&mut self) {
        for spec in &self.spec.registries {
            let mut registry = Registry::default();
            spec.entries.iter().for_each(|e| self.register(e, &mut registry));
            if let Some(file) = &spec.file {
                self.registry_file(file, &mut registry);
            }
            self.registries.all.push((full(spec.pack.as_deref(), &spec.name.value), registry));
        }
    }

    fn register(&mut self, entry: &RegistryEntry, registry: &mut Registry) {
        for (fault, what) in registry.insert(entry) {
            self.bad_entry(fault, what);
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
        for (line, whole) in lines.iter().skip(1) {
            let fields = csv(line);
            let placed = |value: &str| Placed { value: value.to_owned(), place: within(&whole.place, line, value) };
            let get = |name: &str| {
                let at = header.iter().position(|h| h == name)?;
                fields.get(at).filter(|f| !f.is_empty()).cloned()
            };
            let many = |name: &str| -> Vec<Placed<String>> {
                let field = get(name).unwrap_or_default();
                field.split([';', ' ']).filter(|x| !x.is_empty()).map(placed).collect()
            };
            let Some(sender) = get("sender") else {
                self.diagnostics.error(&whole.place, "missing-key", "an entry of a registry needs `sender`");
                continue;
            };
            let entry = RegistryEntry {
                sender,
                entity: get("entity").unwrap_or_default(),
                accounts: many("accounts").into_iter().map(|a| a.value).collect(),
                domains: many("domains"),
                phones: many("phones"),
                valid_from: get("valid_from").as_deref().map(placed),
                valid_until: get("valid_until").as_deref().map(placed),
            };
            self.register(&entry, registry);
        }
    }

    pub(super) fn lists(&mut self) {
        for spec in &self.spec.lists {
            let written = spec.entries.iter().map(|text| Entry { text: text.clone(), until: FOR_EVER });
            let mut entries: Vec<Entry> = written.collect();
            if let Some(file) = &spec.file {
                entries.extend(self.list_file(file));
                if spec.feed.is_some() && entries.is_empty() {
                    let message = format!("`{}` was not fetched yet: the list is empty", file.value);
                    self.diagnostics.warning(&file.place, "not-fetched", message).help("a running node fetches it");
                }
            }
            entries.retain(|e| !spec.removed.iter().any(|r| r.eq_ignore_ascii_case(e.text.value.trim())));
            let compiled = self.list(spec.kind, &entries);
            self.lists.insert(full(spec.pack.as_deref(), &spec.name.value), compiled);
        }
    }

    fn list(&mut self, kind: ListKind, entries: &[Entry]) -> Entries {
        let mut fill = |fault: Fault, insert: &mut dyn FnMut(&str, Until) -> bool| {
            for entry in entries {
                if !insert(&entry.text.value, entry.until) {
                    self.bad_entry(fault, &entry.text);
                }
            }
        };
        match kind {
            ListKind::Words => {
                let mut words = Vec::with_capacity(entries.len());
                for entry in entries {
                    let written = entry.text.value.trim_end_matches('*').to_owned();
                    words.extend(self.word(&entry.text).map(|word| (Word { until: entry.until, ..word }, written)));
                }
                Entries::Words { set: self.builder.words(words.iter().map(|(word, _)| word.clone())), words }
            }
            ListKind::Domains => {
                let mut domains = Domains::default();
                fill(Fault::Domain, &mut |entry, until| domains.insert(entry, until));
                Entries::Domains(domains)
            }
            ListKind::Senders => {
                let mut senders = Senders::default();
                entries.iter().for_each(|e| senders.insert(&e.text.value, e.until));
                Entries::Senders(senders)
            }
            ListKind::Numbers => {
                let mut prefixes = Prefixes::default();
                fill(Fault::Number, &mut |entry, until| prefixes.insert(entry, until));
                Entries::Numbers(prefixes)
            }
            ListKind::Addresses => {
                let mut addresses = Addresses::default();
                fill(Fault::Address, &mut |entry, until| addresses.insert(entry, until));
                Entries::Addresses(addresses)
            }
            ListKind::Hashes => {
                let mut hashes = Senders::default();
                let is_hash = |entry: &str| entry.len() == 16 && entry.bytes().all(|b| b.is_ascii_hexdigit());
                fill(Fault::Hash, &mut |entry, until| {
                    hashes.insert(entry, until);
                    is_hash(entry)
                });
                Entries::Hashes(hashes)
            }
            ListKind::Dates => {
                let mut dates = Dates::default();
                fill(Fault::Date, &mut |entry, until| dates.insert(entry, until));
                Entries::Dates(dates)
            }
        }
    }

    pub(super) fn word(&mut self, entry: &Placed<String>) -> Option<Word> {
        let word = Word::new(&entry.value);
        if word.is_none() {
            let message = format!("nothing is left of `{}` in the matching form", entry.value);
            self.diagnostics.error(&entry.place, "empty", message).help("words need letters or digits");
        }
        word
    }

    pub(super) fn list_named(&mut self, field: &Field, kinds: &[ListKind], scope: &Scope<'_>) -> Option<&Entries> {
        self.list_of(texts(field).first()?, kinds, scope.pack)
    }

    /// A list by name: in the pack that names it, then globally.
    pub(super) fn list_of(
        &mut self,
        name: &Placed<String>,
        kinds: &[ListKind],
        pack: Option<&str>,
    ) -> Option<&Entries> {
        let of =
            |p: Option<&str>| self.spec.lists.iter().find(|l| l.name.value == name.value && l.pack.as_deref() == p);
        let Some(spec) = of(pack).or_else(|| of(None)) else {
            let known: Vec<_> =
                self.spec.lists.iter().filter(|l| kinds.contains(&l.kind)).map(|l| l.name.value.clone()).collect();
            self.unknown_name(name, "list", &known);
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

    pub(super) fn domains(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Domains> {
        match self.list_named(field, &[ListKind::Domains], scope)? {
            Entries::Domains(list) => Some(list.clone()),
            _ => None,
        }
    }

    /// Names whose look others are compared with.
    pub(super) fn likeness<'n>(
        &mut self,
        field: &Field,
        names: impl Iterator<Item = (&'n str, Until)>,
    ) -> Option<Arc<Likeness>> {
        let names: Vec<_> = names.collect();
        if names.len() > LIKE_ENTRIES_MAX {
            let list = texts(field).first()?;
            let (count, what) = (names.len(), field.spec.name);
            let message =
                format!("`{}` has {count} entries, and `{what}` compares with {LIKE_ENTRIES_MAX} at most", list.value);
            self.diagnostics
                .error(&list.place, "too-many-entries", message)
                .help("keep what others imitate in a list of its own");
            return None;
        }
        Some(Arc::new(Likeness::of(names)))
    }

    pub(super) fn prefixes(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Prefixes> {
        match self.list_named(field, &[ListKind::Numbers], scope)? {
            Entries::Numbers(list) => Some(list.clone()),
            _ => None,
        }
    }

    /// Sender ids of a list or of a registry.
    pub(super) fn senders(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Senders> {
        let name = texts(field).first()?;
        if let Some((_, registry)) = self.registries.all.get(self.registry_at(name, scope.pack).unwrap_or(usize::MAX)) {
            return Some(registry.senders.clone());
        }
        match self.list_named(field, &[ListKind::Senders, ListKind::Words], scope)? {
            Entries::Senders(list) => Some(list.clone()),
            Entries::Words { words, .. } => {
                let mut senders = Senders::default();
                words.iter().for_each(|(word, written)| senders.insert(written, word.until));
                Some(senders)
            }
            _ => None,
        }
    }

    pub(super) fn registry(&mut self, field: &Field, scope: &Scope<'_>) -> Option<usize> {
        let name = texts(field).first()?;
        let at = self.registry_at(name, scope.pack);
        if at.is_none() {
            let known: Vec<_> = self.spec.registries.iter().map(|r| r.name.value.clone()).collect();
            self.unknown_name(name, "registry", &known);
        }
        at
    }

    fn registry_at(&self, name: &Placed<String>, pack: Option<&str>) -> Option<usize> {
        let of = |p: Option<&str>| self.registries.all.iter().position(|(n, _)| *n == full(p, &name.value));
        of(pack).or_else(|| of(None))
    }
}

/// Where a value stands in its line.
fn within(line: &Place, text: &str, value: &str) -> Place {
    let Some((before, _)) = text.split_once(value) else { return line.clone() };
    Place { column: before.chars().count() + 1, length: value.chars().count().max(1), ..line.clone() }
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
