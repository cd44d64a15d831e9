//! The rates of rules, as memory counts them.

use crate::reputation::{Counted, Kind, Rate};
use crate::rules::{self, Key, Ruleset};

/// In the order of [`Ruleset::rates`].
pub(super) fn rates(rules: &Ruleset) -> Vec<Rate> {
    rules.rates.iter().filter_map(|rate| compile(rate, rules)).collect()
}

/// None of those that the reader of the files refuses: rates that count themselves, per nobody, or over no time.
fn compile(rate: &rules::Rate, rules: &Ruleset) -> Option<Rate> {
    let per: Vec<Kind> = rate.per.iter().map(|key| kind(*key)).collect();
    let counted = match rate.count {
        rules::Counted::Messages => Counted::Messages,
        rules::Counted::Recipients => Counted::Recipients,
        rules::Counted::Senders => Counted::Senders,
        rules::Counted::Domains => Counted::Domains,
    };
    let mut compiled = Rate::new(counted, &per, rate.over).ok()?;
    if let Some(of) = rate.of {
        compiled = compiled.of(&rules.rules.get(usize::try_from(of).ok()?)?.id);
    }
    Some(if rate.passed { compiled.passed_only() } else { compiled })
}

/// What memory calls a key.
pub(crate) fn kind(key: Key) -> Kind {
    match key {
        Key::Sender => Kind::Sender,
        Key::Account => Kind::Account,
        Key::Recipient => Kind::Recipient,
        Key::Domain => Kind::Domain,
        Key::Phone => Kind::Phone,
        Key::Campaign => Kind::Campaign,
        Key::Range => Kind::Range,
    }
}
