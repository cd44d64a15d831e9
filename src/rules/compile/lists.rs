//! Lists and registries: their entries read, and looked up by name. A list that is as it was in the policy before is the
//! same list.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Compiler, Entries, Kept, Scope, Words, full, texts};
use crate::config::diagnostic;
use crate::config::spec::{Field, ListKind, ListSpec, Place, Placed, RegistryEntry};
use crate::limits::LIKE_ENTRIES_MAX;
use crate::rules::calendar::Dates;
use crate::rules::likeness::Likeness;
use crate::rules::list::{
    Addresses, Domains, FOR_EVER, Fault, Listed, Names, Prefixes, Reading, Senders, Until, midnight,
};
use crate::rules::registry::Registry;
use crate::rules::word::Word;

/// An entry of a list, inline or from a file.
struct Entry<'e> {
    text: &'e str,
    until: Until,
    place: Where<'e>,
}

/// Where an entry stands: of millions hardly one is asked.
#[derive(Clone, Copy)]
enum Where<'e> {
    Inline(&'e Place),
    Line { file: &'e str, line: usize, written: &'e str },
}

impl Where<'_> {
    /// The place of a value in it.
    fn of(self, value: &str) -> Placed<String> {
        let place = match self {
            Self::Inline(place) => place.clone(),
            Self::Line { file, line, written } => within(&line_place(file, line, written), written, value),
        };
        Placed { value: value.to_owned(), place }
    }
}

fn line_place(file: &str, line: usize, written: &str) -> Place {
    Place { file: file.into(), line: line + 1, column: 1, length: written.chars().count().max(1) }
}

/// Lines that say something, each with its number from 0.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let unix = memchr::memchr(b'\r', text.as_bytes()).is_none().then(|| unix_lines(text));
    let others = unix.is_none().then(|| diagnostic::lines(text));
    let all = unix.into_iter().flatten().chain(others.into_iter().flatten()).enumerate();
    all.filter(|(_, line)| match line.as_bytes().first() {
        Some(b'!'..=b'~') => !line.starts_with('#'),
        _ => !line.trim().is_empty() && !line.trim_start().starts_with('#'),
    })
}

/// Lines of a text that has no carriage returns.
fn unix_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b'\n', text.as_bytes());
        rest = end.and_then(|end| text.get(end + 1..));
        text.get(..end.unwrap_or(text.len()))
    })
}

impl<'a> Compiler<'a> {
    /// The text of a file that a list names.
    fn text(&mut self, file: &Placed<String>) -> Option<&'a str> {
        let found = self.texts.get(&(&*file.place.file, file.value.as_str()));
        match found.map(|f| &f.text) {
            Some(Ok(text)) => return Some(text),
            Some(Err(why)) => self
                .diagnostics
                .error(&file.place, "file", format!("cannot read `{}`: {why}", file.value))
                .help("a file is looked for beside the rule file, in the folder above, and beside tapis.yaml"),
            None => _ = self.diagnostics.error(&file.place, "file", format!("`{}` was not read", file.value)),
        }
        None
    }

    /// Hands on the entries of a list but for those that were removed.
    fn each(&mut self, spec: &'a ListSpec, take: &mut dyn FnMut(&mut Self, Entry<'_>)) {
        let removed: HashSet<String> = spec.removed.iter().map(|r| r.to_ascii_lowercase()).collect();
        if removed.is_empty() {
            return self.every(spec, take);
        }
        self.every(spec, &mut |this, entry| {
            if !removed.contains(&entry.text.trim().to_ascii_lowercase()) {
                take(this, entry);
            }
        });
    }

    /// Hands on the entries of a list: those written in it, and those of its file: one a line, or CSV with the header
    /// `value,expires,note`.
    fn every(&mut self, spec: &'a ListSpec, take: &mut dyn FnMut(&mut Self, Entry<'_>)) {
        for entry in &spec.entries {
            take(self, Entry { text: &entry.value, until: FOR_EVER, place: Where::Inline(&entry.place) });
        }
        let Some(file) = &spec.file else { return };
        let Some(text) = self.text(file) else { return };
        if spec.is_fetched() && spec.entries.is_empty() && lines(text).next().is_none() {
            let message = format!("`{}` was not fetched yet: the list is empty", file.value);
            self.diagnostics.warning(&file.place, "not-fetched", message).help("a running node fetches it");
        }
        let header = lines(text).next().map(|(_, line)| csv(line)).unwrap_or_default();
        if header.len() > 1
            && header.iter().all(|name| ["value", "expires", "note"].contains(&name.as_str()))
            && header.first().is_some_and(|n| n != "value")
            && let Some((first, written)) = lines(text).next()
        {
            // Else the header would be an entry, and every line one with its commas.
            let place = line_place(&file.value, first, written);
            self.diagnostics
                .error(&place, "file", "the first column of a list is `value`")
                .help("begin the file with value,expires,note");
            return;
        }
        if header.first().is_none_or(|first| first != "value") {
            for (line, written) in lines(text) {
                let place = Where::Line { file: &file.value, line, written };
                take(self, Entry { text: written.trim(), until: FOR_EVER, place });
            }
            return;
        }
        let expires = header.iter().position(|name| name == "expires");
        for (line, written) in lines(text).skip(1) {
            let fields = csv(written.trim());
            let field = |at: usize| fields.get(at).filter(|f| !f.is_empty());
            let place = Where::Line { file: &file.value, line, written };
            let until = match expires.and_then(field) {
                None => Some(FOR_EVER),
                Some(date) => {
                    let end = Until::of_utc(date).or_else(|| midnight(date, 0));
                    if end.is_none() {
                        self.bad_entry(Fault::Date, &place.of(date));
                    }
                    end
                }
            };
            if let (Some(value), Some(until)) = (field(0), until) {
                take(self, Entry { text: value, until, place });
            }
        }
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
        let Some(text) = self.text(file) else { return };
        let Some((first, written)) = lines(text).next() else { return };
        let header = csv(written);
        if !header.iter().any(|h| h == "sender") {
            let place = line_place(&file.value, first, written);
            self.diagnostics.error(&place, "file", "a registry's file begins with a header that has `sender`");
            return;
        }
        for (line, written) in lines(text).skip(1) {
            let fields = csv(written);
            let whole = Where::Line { file: &file.value, line, written };
            let placed = |value: &str| whole.of(value);
            let get = |name: &str| {
                let at = header.iter().position(|h| h == name)?;
                fields.get(at).filter(|f| !f.is_empty()).cloned()
            };
            let many = |name: &str| -> Vec<Placed<String>> {
                let field = get(name).unwrap_or_default();
                field.split([';', ' ']).filter(|x| !x.is_empty()).map(placed).collect()
            };
            let Some(sender) = get("sender") else {
                let place = line_place(&file.value, line, written);
                self.diagnostics.error(&place, "missing-key", "an entry of a registry needs `sender`");
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
            let compiled = self.list(spec);
            self.lists.insert(full(spec.pack.as_deref(), &spec.name.value), compiled);
        }
    }

    fn list(&mut self, spec: &'a ListSpec) -> Entries {
        match spec.kind {
            ListKind::Words => {
                let digest = self.digest_of(spec);
                let words = match self.before.and_then(|before| before.kept.get(&digest)) {
                    Some(Entries::Words { words, .. }) => Arc::clone(words),
                    _ => self.words(spec),
                };
                Entries::Words {
                    set: self.builder.words(words.iter().map(|(word, _)| Arc::clone(word))),
                    words,
                    digest,
                }
            }
            ListKind::Domains => Entries::Domains(self.kept(spec, Fault::Domain, |kept| match kept {
                Entries::Domains(list) => Some(list),
                _ => None,
            })),
            ListKind::Senders => Entries::Senders(self.kept(spec, Fault::Domain, |kept| match kept {
                Entries::Senders(list) => Some(list),
                _ => None,
            })),
            ListKind::Numbers => Entries::Numbers(self.kept(spec, Fault::Number, |kept| match kept {
                Entries::Numbers(list) => Some(list),
                _ => None,
            })),
            ListKind::Addresses => {
                let mut addresses = Addresses::default();
                self.each(spec, &mut |this, entry| {
                    if !addresses.insert(entry.text, entry.until) {
                        this.bad_entry(Fault::Address, &entry.place.of(entry.text));
                    }
                });
                Entries::Addresses(Arc::new(addresses))
            }
            ListKind::Hashes => Entries::Hashes(self.kept(spec, Fault::Hash, |kept| match kept {
                Entries::Hashes(list) => Some(list),
                _ => None,
            })),
            ListKind::Dates => {
                let mut dates = Dates::default();
                self.each(spec, &mut |this, entry| {
                    if !dates.insert(entry.text, entry.until) {
                        this.bad_entry(Fault::Date, &entry.place.of(entry.text));
                    }
                });
                Entries::Dates(Arc::new(dates))
            }
        }
    }

    fn words(&mut self, spec: &'a ListSpec) -> Words {
        let mut words = Vec::with_capacity(self.count_of(spec));
        self.each(spec, &mut |this, entry| {
            let Some(word) = this.word_of(entry.text, || entry.place.of(entry.text)) else { return };
            let written = entry.text.trim_end_matches('*').into();
            words.push((Arc::new(word.ending(entry.until)), written));
        });
        Arc::new(words)
    }

    /// A list by its hashes: that of the policy before, if it is the same.
    fn kept<L: Listed>(
        &mut self,
        spec: &'a ListSpec,
        fault: Fault,
        is_so: impl Fn(&Entries) -> Option<&Kept<L>>,
    ) -> Kept<L> {
        let digest = self.digest_of(spec);
        if let Some(kept) = self.before.and_then(|before| is_so(before.kept.get(&digest)?)) {
            return kept.clone();
        }
        let mut reading = Reading::with_capacity(self.count_of(spec));
        self.each(spec, &mut |this, entry| {
            if !reading.insert::<L>(entry.text, entry.until) {
                this.bad_entry(fault, &entry.place.of(entry.text));
            }
        });
        let (list, names, count) = reading.list();
        Kept { list: Arc::new(list), names: Arc::new(names), count, digest }
    }

    /// Names what a list is made of.
    fn digest_of(&mut self, spec: &ListSpec) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(spec.kind.name().as_bytes());
        for entry in &spec.entries {
            hasher.update(b"\0").update(entry.value.as_bytes());
        }
        for entry in &spec.removed {
            hasher.update(b"\0removed\0").update(entry.as_bytes());
        }
        if let Some(file) = &spec.file {
            let found = self.texts.get(&(&*file.place.file, file.value.as_str()));
            let text = found.and_then(|f| f.text.as_deref().ok()).unwrap_or_default();
            let key = (file.place.file.to_string(), file.value.clone());
            let digest = self.file_digests.entry(key).or_insert_with(|| blake3::hash(text.as_bytes()).into());
            hasher.update(b"\0file\0").update(digest);
        }
        hasher.finalize().into()
    }

    /// Entries that a list has at most, or about.
    fn count_of(&self, spec: &ListSpec) -> usize {
        let name = spec.file.as_ref();
        let file = name.and_then(|file| self.texts.get(&(&*file.place.file, file.value.as_str())));
        let lines = file
            .and_then(|f| f.text.as_deref().ok())
            .map_or(0, |text| memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1);
        spec.entries.len() + lines
    }

    pub(super) fn word(&mut self, entry: &Placed<String>) -> Option<Word> {
        self.word_of(&entry.value, || entry.clone())
    }

    fn word_of(&mut self, entry: &str, placed: impl FnOnce() -> Placed<String>) -> Option<Word> {
        let word = Word::new(entry);
        if word.is_none() {
            let message = format!("nothing is left of `{entry}` in the matching form");
            self.diagnostics.error(&placed().place, "empty", message).help("words need letters or digits");
        }
        word
    }

    pub(super) fn list_named(&mut self, field: &Field, kinds: &[ListKind], scope: &Scope<'_>) -> Option<&Entries> {
        self.list_of(texts(field).first()?, kinds, scope.pack)
    }

    fn written(&self, pack: Option<&str>, name: &str) -> Option<&'a ListSpec> {
        self.named.get(&(pack, name)).copied()
    }

    /// A list by name: in the pack that names it, then globally.
    pub(super) fn list_of(
        &mut self,
        name: &Placed<String>,
        kinds: &[ListKind],
        pack: Option<&str>,
    ) -> Option<&Entries> {
        let Some(spec) = self.written(pack, &name.value).or_else(|| self.written(None, &name.value)) else {
            let known: Vec<_> =
                self.spec.lists.iter().filter(|l| kinds.contains(&l.kind)).map(|l| l.name.value.clone()).collect();
            self.unknown_name(name, "list", &known);
            return None;
        };
        self.by_hearsay |= spec.intel.is_some();
        if !kinds.contains(&spec.kind) {
            let wanted: Vec<_> = kinds.iter().map(|k| k.name()).collect();
            let message = format!("list `{}` has {}, not {}", name.value, spec.kind.name(), wanted.join(" or "));
            self.diagnostics.error(&name.place, "list-kind", message);
            return None;
        }
        self.lists.get(&full(spec.pack.as_deref(), &spec.name.value))
    }

    pub(super) fn domains(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Kept<Domains>> {
        match self.list_named(field, &[ListKind::Domains], scope)? {
            Entries::Domains(list) => Some(list.clone()),
            _ => None,
        }
    }

    /// The list that a field names, if it has no more entries than are kept as they are written.
    pub(super) fn few_enough<'f>(&mut self, field: &'f Field, count: usize) -> Option<&'f Placed<String>> {
        let list = texts(field).first()?;
        if count > LIKE_ENTRIES_MAX {
            let what = field.spec.name;
            let message =
                format!("`{}` has {count} entries, and `{what}` compares with {LIKE_ENTRIES_MAX} at most", list.value);
            self.diagnostics
                .error(&list.place, "too-many-entries", message)
                .help("keep what others imitate in a list of its own");
            return None;
        }
        Some(list)
    }

    /// Names whose look others are compared with; for one list and key they are kept once.
    pub(super) fn likeness<'n>(
        &mut self,
        field: &Field,
        scope: &Scope<'_>,
        count: usize,
        names: impl Iterator<Item = (&'n str, Until)>,
    ) -> Option<Arc<Likeness>> {
        let list = self.few_enough(field, count)?;
        let key = (full(scope.pack, &list.value), field.spec.name);
        Some(Arc::clone(self.likenesses.entry(key).or_insert_with(|| Arc::new(Likeness::of(names)))))
    }

    pub(super) fn prefixes(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Arc<Prefixes>> {
        match self.list_named(field, &[ListKind::Numbers], scope)? {
            Entries::Numbers(list) => Some(Arc::clone(&list.list)),
            _ => None,
        }
    }

    /// Sender ids of a list or of a registry.
    pub(super) fn senders(&mut self, field: &Field, scope: &Scope<'_>) -> Option<Kept<Senders>> {
        let name = texts(field).first()?;
        let names: Names = if let Some((_, registry)) =
            self.registries.all.get(self.registry_at(name, scope.pack).unwrap_or(usize::MAX))
        {
            registry.names()
        } else {
            match self.list_named(field, &[ListKind::Senders, ListKind::Words], scope)? {
                Entries::Senders(list) => return Some(list.clone()),
                Entries::Words { words, .. } => {
                    words.iter().map(|(word, written)| (written.clone(), word.until)).collect()
                }
                _ => return None,
            }
        };
        Some(self.sender_names(full(scope.pack, &name.value), &names))
    }

    /// Senders of these names; for one name of a list they are kept once.
    pub(super) fn sender_names(&mut self, key: String, names: &[(Box<str>, Until)]) -> Kept<Senders> {
        let list = self.senders.entry(key).or_insert_with(|| {
            let mut reading = Reading::default();
            names.iter().for_each(|(name, until)| _ = reading.insert::<Senders>(name, *until));
            let (list, names, count) = reading.list();
            Kept { list: Arc::new(list), names: Arc::new(names), count, digest: [0; 32] }
        });
        list.clone()
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
