//! Lists and registries: their entries read, and looked up by name.

use super::{Compiler, Entries, Scope, full, texts};
use crate::config::spec::{Field, ListKind, ListSpec, Place, Placed, RegistryEntry};
use crate::rules::list::{Addresses, Domains, Prefixes, Registry, Senders};
use crate::rules::word::Word;

impl Compiler<'_> {
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

    pub(super) fn registries(&mut self) {
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

    pub(super) fn lists(&mut self) {
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

    /// A list by name: in the pack of the place it is named at, then globally.
    pub(super) fn list_of(
        &mut self,
        name: &Placed<String>,
        kinds: &[ListKind],
        pack: Option<&str>,
    ) -> Option<&Entries> {
        let in_pack =
            |p: Option<&str>| self.spec.lists.iter().find(|l| l.name.value == name.value && l.pack.as_deref() == p);
        let file_pack =
            || self.spec.lists.iter().find(|l| l.name.value == name.value && l.name.place.file == name.place.file);
        let Some(spec) = in_pack(pack).or_else(file_pack).or_else(|| in_pack(None)) else {
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
            Entries::Words(_, words) => {
                let mut senders = Senders::default();
                words.iter().for_each(|w| senders.insert(w));
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
