//! Long lists read before it is known what is written of them. The policy before knows which files have long lists and of
//! which kind: those that have changed can be read while the YAML is, if there are hands for both. What turns out to be
//! another list, or to be edited, is read again in its turn, so that nothing else changes.

use std::collections::HashMap;
use std::sync::Arc;

use super::entries::{is_plain, list_digest};
use super::{Entries, Kept, ListFiles};
use crate::config::spec::ListKind;
use crate::rules::Ruleset;
use crate::rules::list::Listed;
use crate::rules::reading::{self, Reading};

/// Entries of a list that is long.
pub(super) const LONG: usize = 10_000;

/// A file of a long list: what names it, its name, and the kind of the list.
pub(crate) type LongFile = (String, String, ListKind);

/// Long lists that have changed, read before the YAML that names them is understood.
#[derive(Debug, Default)]
pub struct Ahead {
    pub(super) lists: HashMap<[u8; 32], Entries>,
    pub(super) file_digests: HashMap<(String, String), [u8; 32]>,
}

impl Ahead {
    /// Reads the long lists of the rules before that have changed since.
    #[must_use]
    pub fn read(before: &Ruleset, files: &ListFiles) -> Self {
        let mut this = Self::default();
        for (named_in, name, kind) in &before.long_files {
            let file = files.iter().find(|file| file.named_in == *named_in && file.name == *name);
            let Some(text) = file.and_then(|file| file.text.as_deref().ok()) else { continue };
            let digest = blake3::hash(text.as_bytes()).into();
            this.file_digests.insert((named_in.clone(), name.clone()), digest);
            let digest = list_digest(*kind, &[], &[], Some(digest));
            if before.kept.contains_key(&digest) || this.lists.contains_key(&digest) || !is_plain(text) {
                continue;
            }
            let entries = match kind {
                ListKind::Domains => list(text, digest).map(Entries::Domains),
                ListKind::Senders => list(text, digest).map(Entries::Senders),
                ListKind::Numbers => list(text, digest).map(Entries::Numbers),
                ListKind::Hashes => list(text, digest).map(Entries::Hashes),
                ListKind::Words | ListKind::Addresses | ListKind::Dates => None,
            };
            this.lists.extend(entries.map(|entries| (digest, entries)));
        }
        this
    }
}

/// A list of one entry a line; none where something is no entry, which is told when the list is read again.
fn list<L: Listed>(text: &str, digest: [u8; 32]) -> Option<Kept<L>> {
    let mut reading = Reading::with_capacity(reading::count(text));
    if !reading.lines::<L>(text, &std::collections::HashSet::new()).is_empty() {
        return None;
    }
    let (list, names, count) = reading.list();
    Some(Kept { list: Arc::new(list), names: Arc::new(names), count, digest })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::compile;
    use super::*;
    use crate::config;
    use crate::config::diagnostic::Diagnostics;
    use crate::config::source::{ListFile, Source, Sources};
    use crate::time::Timestamp;

    const KINDS: [&str; 4] = ["domains", "senders", "numbers", "hashes"];

    fn entry(kind: &str, n: usize) -> String {
        match kind {
            "domains" => format!("shop{n}.example"),
            "senders" => format!("Shop {n}"),
            "numbers" => format!("+65 {n:05}"),
            _ => format!("{n:016X}"),
        }
    }

    fn sources(kind: &str, text: String) -> Sources {
        let rules = format!("lists:\n  all: {{ {kind}: {{ file: all.txt }} }}\n");
        let rules = vec![Source { name: "rules.yaml".into(), text: rules }];
        let lists = vec![ListFile { named_in: "rules.yaml".into(), name: "all.txt".into(), text: Ok(text) }];
        Sources { rules, lists, ..Sources::default() }
    }

    /// The rules, and what was told of them.
    fn compiled(sources: &Sources, before: Option<&Ruleset>, ahead: Ahead) -> (Ruleset, String) {
        let mut diagnostics = Diagnostics::default();
        let (_, spec) = config::read(sources, &mut diagnostics);
        let rules = compile(&spec, &sources.lists, (before, ahead), &mut diagnostics);
        (rules, format!("{:?}", diagnostics.sorted()))
    }

    fn holds(rules: &Ruleset, asked: &str, now: Timestamp) -> bool {
        match rules.kept.values().next().expect("there is one list") {
            Entries::Domains(kept) => kept.list.contains(asked, now),
            Entries::Senders(kept) => kept.list.contains(asked, now),
            Entries::Numbers(kept) => {
                kept.list.has_prefix_of_digits(asked.trim_start_matches('+').replace(' ', "").as_str(), now)
            }
            Entries::Hashes(kept) => kept.list.contains(&asked.to_ascii_lowercase(), now),
            other => unreachable!("{other:?}"),
        }
    }

    /// A line goes, comes, stands there twice, changes its place, or says nothing.
    fn edited(kind: &str, lines: &mut Vec<String>, (what, at, n): (u8, usize, usize)) {
        let at = at % lines.len();
        match what {
            0 => _ = lines.remove(at),
            1 => lines.insert(at, entry(kind, n)),
            2 => lines.insert(at, lines[n % lines.len()].clone()),
            3 => lines.swap(at, n % (LONG / 2)),
            4 => lines.insert(at, format!("# {n}")),
            5 => lines[at] = format!("  {}\t", lines[at]),
            6 => lines.insert(at, String::new()),
            7 => lines[at].push('\r'),
            8 => lines[at] = format!("{}\r{}", lines[at], entry(kind, n)),
            _ => lines[at] = format!("no, entry {n}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

        /// However a long list was changed, read beside the YAML or not: the rules are those that are compiled for the first
        /// time, and what is told of them is the same.
        #[test]
        fn a_changed_list_is_as_if_it_were_read_for_the_first_time(
            kind in prop::sample::select(&KINDS[..]),
            edits in prop::collection::vec((0..9_u8, any::<usize>(), 0..3 * LONG), 0..60),
            bad in prop::collection::vec((Just(9_u8), any::<usize>(), 0..LONG), 0..2),
            (windows, ended, dated) in (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)),
        ) {
            let mut lines: Vec<String> = (0..LONG).map(|n| entry(kind, n)).collect();
            let (before, _) = compiled(&sources(kind, lines.join("\n")), None, Ahead::default());
            edits.iter().chain(&bad).for_each(|edit| edited(kind, &mut lines, *edit));
            if dated {
                lines.iter_mut().step_by(7).for_each(|line| line.push_str(",2026-06-01"));
                lines.insert(0, "value,expires".into());
            }
            let mut text = lines.join(if windows { "\r\n" } else { "\n" });
            if ended {
                text.push('\n');
            }
            let changed = sources(kind, text);
            let ahead = Ahead::read(&before, &changed.lists);
            let has_bad = !bad.is_empty() && kind != "senders";
            let is_read = !dated && !has_bad && before.file_digests != ahead.file_digests;
            prop_assert_eq!(ahead.lists.len(), usize::from(is_read));
            let (first, told) = compiled(&changed, None, Ahead::default());
            for ahead in [Ahead::default(), ahead] {
                let (rules, told_now) = compiled(&changed, Some(&before), ahead);
                prop_assert_eq!(&told_now, &told);
                prop_assert_eq!(&rules.list_entries, &first.list_entries);
                prop_assert_eq!(&rules.file_digests, &first.file_digests);
                prop_assert_eq!(&rules.long_files, &first.long_files);
                for now in [Timestamp(0), Timestamp(u64::MAX - 1)] {
                    let asked = (0..3 * LONG).step_by(11).map(|n| entry(kind, n)).chain(edits.iter().map(|e| entry(kind, e.2)));
                    for asked in asked {
                        prop_assert_eq!(holds(&rules, &asked, now), holds(&first, &asked, now), "{}", asked);
                    }
                }
            }
        }
    }
}
