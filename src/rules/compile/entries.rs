//! The entries of lists: those written in them, and those of their files, each with its place.

use std::collections::HashSet;

use super::Compiler;
use crate::config::diagnostic;
use crate::config::spec::{ListKind, ListSpec, Place, Placed};
use crate::rules::list::{FOR_EVER, Fault, Until, midnight};
use crate::rules::reading;

/// An entry of a list, inline or from a file.
pub(super) struct Entry<'e> {
    pub(super) text: &'e str,
    pub(super) until: Until,
    pub(super) place: Where<'e>,
}

/// Where an entry stands: of millions hardly one is asked.
#[derive(Clone, Copy)]
pub(super) enum Where<'e> {
    Inline(&'e Place),
    Line { file: &'e str, line: usize, written: &'e str },
}

impl Where<'_> {
    /// The place of a value in it.
    pub(super) fn of(self, value: &str) -> Placed<String> {
        let place = match self {
            Self::Inline(place) => place.clone(),
            Self::Line { file, line, written } => within(&line_place(file, line, written), written, value),
        };
        Placed { value: value.to_owned(), place }
    }
}

pub(super) fn line_place(file: &str, line: usize, written: &str) -> Place {
    Place { file: file.into(), line: line + 1, column: 1, length: written.chars().count().max(1) }
}

/// Lines that say something, each with its number from 0.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    diagnostic::lines(text).enumerate().filter(|(_, line)| match line.as_bytes().first() {
        Some(b'!'..=b'~') => !line.starts_with('#'),
        _ => !line.trim().is_empty() && !line.trim_start().starts_with('#'),
    })
}

impl<'a> Compiler<'a> {
    /// The text of a file that a list names.
    pub(super) fn text(&mut self, file: &Placed<String>) -> Option<&'a str> {
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
    pub(super) fn each(&mut self, spec: &'a ListSpec, take: &mut dyn FnMut(&mut Self, Entry<'_>)) {
        let removed = removed(spec);
        self.each_inline(spec, &removed, take);
        if removed.is_empty() {
            return self.each_of_file(spec, take);
        }
        self.each_of_file(spec, &mut |this, entry| {
            if !removed.contains(&entry.text.trim().to_ascii_lowercase()) {
                take(this, entry);
            }
        });
    }

    /// Hands on those that are written in it.
    pub(super) fn each_inline(
        &mut self,
        spec: &'a ListSpec,
        removed: &HashSet<String>,
        take: &mut dyn FnMut(&mut Self, Entry<'_>),
    ) {
        for entry in spec.entries.iter().filter(|e| !removed.contains(&e.value.trim().to_ascii_lowercase())) {
            take(self, Entry { text: &entry.value, until: FOR_EVER, place: Where::Inline(&entry.place) });
        }
    }

    /// The file of a list and its text, if it has one entry a line and nothing else.
    pub(super) fn plain_file(&mut self, spec: &'a ListSpec) -> Option<(&'a str, &'a str)> {
        let file = spec.file.as_ref()?;
        let text = self.texts.get(&(&*file.place.file, file.value.as_str()))?.text.as_deref().ok()?;
        is_plain(text).then_some((&file.value, text))
    }

    /// Hands on those of its file: one a line, or CSV with the header `value,expires,note`.
    fn each_of_file(&mut self, spec: &'a ListSpec, take: &mut dyn FnMut(&mut Self, Entry<'_>)) {
        let Some(file) = &spec.file else { return };
        let Some(text) = self.text(file) else { return };
        if spec.is_fetched() && spec.entries.is_empty() && lines(text).next().is_none() {
            let message = format!("`{}` was not fetched yet: the list is empty", file.value);
            self.diagnostics.warning(&file.place, "not-fetched", message).help("a running node fetches it");
        }
        let header = lines(text).next().map(|(_, line)| csv(line)).unwrap_or_default();
        if is_header(&header)
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

    /// Entries that a list has at most, or about.
    pub(super) fn count_of(&self, spec: &ListSpec) -> usize {
        let name = spec.file.as_ref();
        let file = name.and_then(|file| self.texts.get(&(&*file.place.file, file.value.as_str())));
        spec.entries.len() + file.and_then(|f| f.text.as_deref().ok()).map_or(0, reading::count)
    }
}

/// Entries that were taken out of a list, in small letters.
pub(super) fn removed(spec: &ListSpec) -> HashSet<String> {
    spec.removed.iter().map(|entry| entry.to_ascii_lowercase()).collect()
}

/// Whether a file has one entry a line and nothing else.
pub(super) fn is_plain(text: &str) -> bool {
    lines(text).next().is_some_and(|(_, first)| !is_header(&csv(first)))
}

/// Names what a list is made of: its entries, those that were removed, and the digest of its file.
pub(super) fn list_digest(
    kind: ListKind,
    entries: &[Placed<String>],
    removed: &[String],
    file: Option<[u8; 32]>,
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.name().as_bytes());
    for entry in entries {
        hasher.update(b"\0").update(entry.value.as_bytes());
    }
    for entry in removed {
        hasher.update(b"\0removed\0").update(entry.as_bytes());
    }
    if let Some(digest) = file {
        hasher.update(b"\0file\0").update(&digest);
    }
    hasher.finalize().into()
}

/// Whether these are names of columns: `value` alone, or several of `value`, `expires` and `note`.
fn is_header(fields: &[String]) -> bool {
    let is_column = |name: &String| ["value", "expires", "note"].contains(&name.as_str());
    fields.first().is_some_and(|first| first == "value") || (fields.len() > 1 && fields.iter().all(is_column))
}

/// Where a value stands in its line.
fn within(line: &Place, text: &str, value: &str) -> Place {
    let Some((before, _)) = text.split_once(value) else { return line.clone() };
    Place { column: before.chars().count() + 1, length: value.chars().count().max(1), ..line.clone() }
}

/// The fields of one line of CSV (RFC 4180).
pub(super) fn csv(line: &str) -> Vec<String> {
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
