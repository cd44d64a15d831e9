//! Lists and registries: compiled, and looked up by name. A list that is as it was in the policy before is the
//! same list.

use std::sync::Arc;

use super::ahead::LONG;
use super::entries::{Entry, Where, csv, line_place, lines, list_digest, removed};
use super::{Compiler, Entries, Kept, Scope, Words, full, texts};
use crate::config::spec::{Field, ListKind, ListSpec, Placed, RegistryEntry};
use crate::limits::LIKE_ENTRIES_MAX;
use crate::rules::calendar::Dates;
use crate::rules::likeness::Likeness;
use crate::rules::list::{Addresses, Domains, Fault, Listed, Names, Prefixes, Senders, Until};
use crate::rules::reading::Reading;
use crate::rules::registry::Registry;
use crate::rules::word::Word;

impl<'a> Compiler<'a> {
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
        let before = self.before.and_then(|before| before.kept.get(&digest));
        let known = before.or_else(|| self.ahead.lists.get(&digest)).and_then(is_so).cloned();
        let list = known.unwrap_or_else(|| self.read(spec, fault, digest));
        let is_its_file = spec.entries.is_empty() && spec.removed.is_empty();
        if let Some(file) = spec.file.as_ref().filter(|_| is_its_file && list.count >= LONG) {
            self.long_files.push((file.place.file.to_string(), file.value.clone(), spec.kind));
        }
        list
    }

    fn read<L: Listed>(&mut self, spec: &'a ListSpec, fault: Fault, digest: [u8; 32]) -> Kept<L> {
        let mut reading = Reading::with_capacity(self.count_of(spec));
        let mut insert = |this: &mut Self, entry: Entry<'_>| {
            if !reading.insert::<L>(entry.text, entry.until) {
                this.bad_entry(fault, &entry.place.of(entry.text));
            }
        };
        match self.plain_file(spec) {
            Some((file, text)) => {
                let removed = removed(spec);
                self.each_inline(spec, &removed, &mut insert);
                for (line, written) in reading.lines::<L>(text, &removed) {
                    let place = Where::Line { file, line, written };
                    self.bad_entry(fault, &place.of(written.trim()));
                }
            }
            None => self.each(spec, &mut insert),
        }
        let (list, names, count) = reading.list();
        Kept { list: Arc::new(list), names: Arc::new(names), count, digest }
    }

    /// Names what a list is made of.
    fn digest_of(&mut self, spec: &ListSpec) -> [u8; 32] {
        let file = spec.file.as_ref().map(|file| {
            let found = self.texts.get(&(&*file.place.file, file.value.as_str()));
            let text = found.and_then(|f| f.text.as_deref().ok()).unwrap_or_default();
            let key = (file.place.file.to_string(), file.value.clone());
            *self.file_digests.entry(key).or_insert_with(|| blake3::hash(text.as_bytes()).into())
        });
        list_digest(spec.kind, &spec.entries, &spec.removed, file)
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
