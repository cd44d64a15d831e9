//! Plain names of keys that matter, so that lists and exports can say who is meant. Never those of recipients.

use super::key::Kind;
use super::table::Entry;

/// Octets of a name that are kept.
const OCTETS_MAX: usize = 255;

/// A name.
#[derive(Debug, Default)]
pub(super) struct Name {
    pub kind: Option<Kind>,
    pub name: Box<str>,
    /// When it was last said, in seconds.
    pub last: u32,
}

impl Name {
    pub fn set(&mut self, kind: Kind, name: &str, now: u32) {
        (self.kind, self.last) = (Some(kind), now);
        let end = (0..=name.len().min(OCTETS_MAX)).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        let name = name.get(..end).unwrap_or_default();
        if &*self.name != name {
            self.name = name.into();
        }
    }
}

impl Entry for Name {
    type Cx = ();

    /// The one that was not said for longest goes first.
    fn worth(&self, _: u32, (): &()) -> f32 {
        self.last as f32 / 8.0
    }

    fn octets(&self) -> usize {
        self.name.len()
    }
}
