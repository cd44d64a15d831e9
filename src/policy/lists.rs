//! Lists that change while a node runs: those that are fetched, and entries that were added or removed.

use std::time::Duration;

use crate::config::decode::Placed;
use crate::config::diagnostic::{Diagnostics, nearest};
use crate::config::intel::IntelSettings;
use crate::config::source::{ListEdit, Place};
use crate::config::spec::{ListKind, ListSpec, Spec};

/// A list that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its full name.
    pub list: String,
    /// From where.
    pub url: String,
    /// How often.
    pub every: Duration,
    /// What it must hash to.
    pub sha256: Option<String>,
    /// More entries are refused.
    pub entries_max: u64,
}

/// A list of what a feed of other carriers' warnings has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelList {
    /// The name that its entries are read under.
    pub file: String,
    /// The feed.
    pub feed: String,
    /// What its entries are.
    pub kind: ListKind,
    /// Only what is so sure.
    pub confidence_min: u8,
}

pub(super) fn of_intel(spec: &Spec) -> Vec<IntelList> {
    let of = |list: &ListSpec| {
        let intel = list.intel.as_ref()?;
        Some(IntelList {
            file: list.file.as_ref()?.value.clone(),
            feed: intel.feed.value.clone(),
            kind: list.kind,
            confidence_min: intel.confidence_min,
        })
    };
    let mut all: Vec<_> = spec.lists.iter().filter_map(of).collect();
    all.sort_by(|a, b| a.file.cmp(&b.file));
    all.dedup();
    all
}

/// Tells of lists of feeds that `tapis.yaml` has not.
pub(super) fn unknown_feeds(spec: &Spec, intel: &IntelSettings, diagnostics: &mut Diagnostics) {
    for list in spec.lists.iter().filter_map(|list| list.intel.as_ref()) {
        let known = || intel.feeds.iter().map(|feed| feed.id.as_str());
        if known().any(|id| id == list.feed.value) {
            continue;
        }
        let message = format!("there is no feed `{}` in `reputation: intel: feeds`", list.feed.value);
        let help = match nearest(&list.feed.value, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
        };
        diagnostics.error(&list.feed.place, "unknown-name", message).help(help);
    }
}

pub(super) fn feeds(spec: &Spec) -> Vec<Feed> {
    let of = |list: &ListSpec| {
        let feed = list.feed.as_ref()?;
        Some(Feed {
            list: name(list),
            url: list.file.as_ref()?.value.clone(),
            every: feed.every,
            sha256: feed.sha256.clone(),
            entries_max: feed.entries_max,
        })
    };
    spec.lists.iter().filter_map(of).collect()
}

/// Writes what was added and removed at run time into the lists; of one entry the last edit counts.
pub(super) fn edit(spec: &mut Spec, edits: &[ListEdit], diagnostics: &mut Diagnostics) {
    for edit in edits {
        let Some(list) = spec.lists.iter_mut().find(|l| name(l) == edit.list) else {
            let message = format!("an entry of list `{}` was edited at run time, and there is no such list", edit.list);
            diagnostics
                .warning(&Place::start(EDITS), "unknown-name", message)
                .help("the edit counts again when the list is back");
            continue;
        };
        let is_it = |other: &str| other.eq_ignore_ascii_case(&edit.entry);
        list.removed.retain(|r| !is_it(r));
        list.entries.retain(|e| edit.added || !is_it(&e.value));
        if edit.added && !list.entries.iter().any(|e| is_it(&e.value)) {
            list.entries.push(Placed { value: edit.entry.clone(), place: Place::start(EDITS) });
        } else if !edit.added {
            list.removed.push(edit.entry.clone());
        }
    }
}

/// Where edits are kept, for people.
const EDITS: &str = "edits of lists";

pub(super) fn name(list: &ListSpec) -> String {
    match &list.pack {
        Some(pack) => format!("{pack}/{}", list.name.value),
        None => list.name.value.clone(),
    }
}
