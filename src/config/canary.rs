//! `canary:`: how a new policy is tried on a share of the sessions before it is in force for all.

use std::fmt;
use std::time::Duration;

use super::decode::{Decoder, duration};
use super::keys;
use super::tree::Node;

/// A share, in millionths: `2.5%` is 25,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u32);

impl Share {
    /// Everything.
    pub const ALL: Self = Self(1_000_000);

    /// Reads a share with its unit: `10%`, `0.5%`; at most four decimals.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.strip_suffix('%').map(|t| t.split_once('.').unwrap_or((t, "")))?;
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || decimals.len() > 4 || !all_digits(whole) || !all_digits(decimals) {
            return None;
        }
        let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
        let share = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(decimals).map(Self)?;
        (share <= Self::ALL).then_some(share)
    }

    /// Whether `part` of `all` is more than this share, strictly.
    #[must_use]
    pub fn is_exceeded_by(self, part: u64, all: u64) -> bool {
        u128::from(part) * u128::from(Self::ALL.0) > u128::from(self.0) * u128::from(all)
    }

    /// Whether `part` of `all` is less than this share, strictly.
    #[must_use]
    pub fn is_above(self, part: u64, all: u64) -> bool {
        u128::from(part) * u128::from(Self::ALL.0) < u128::from(self.0) * u128::from(all)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:04}", self.0 % 10_000);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{}{point}{decimals}%", self.0 / 10_000)
    }
}

/// How a policy is tried. The shares are of the messages that it has judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanarySettings {
    /// The share of sessions that it judges.
    pub share: Share,
    /// How long it is tried before all sessions get it.
    pub for_: Duration,
    /// Messages that it must have judged before it is rolled back or taken for all.
    pub after: u64,
    /// It is rolled back when it blocks a larger share.
    pub block_above: Option<Share>,
    /// Or a smaller one.
    pub block_below: Option<Share>,
    /// It is rolled back when it tags a larger share.
    pub tag_above: Option<Share>,
    /// Or a smaller one.
    pub tag_below: Option<Share>,
}

/// Messages that say something, unless the operator says how many.
const AFTER: u64 = 100;

/// The keys of `canary:`, which are the options of `tapis reload` and the parameters of the API as well.
pub const CANARY_KEYS: [&str; 7] = ["share", "for", "after", "block_above", "block_below", "tag_above", "tag_below"];

impl CanarySettings {
    /// Reads them from words; what is not said is as in `base`.
    ///
    /// # Errors
    /// What is wrong, naming the key.
    pub fn of_words<'w>(base: Option<Self>, word: impl Fn(&str) -> Option<&'w str>) -> Result<Self, String> {
        let share = |key: &str| match word(key) {
            None => Ok(None),
            Some(text) => Share::parse(text).map(Some).ok_or_else(|| {
                format!("`{key}` must be a share, not `{text}`: write it with its unit, as 10% or 0.5%")
            }),
        };
        let time = match word("for") {
            None => None,
            Some(text) => Some(
                duration(text)
                    .ok_or_else(|| format!("`for` must be a duration, not `{text}`: write it as 10s, 5m, 24h"))?,
            ),
        };
        let after = match word("after") {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| format!("`after` must be a number of messages, not `{text}`"))?)
            }
        };
        let settings = Self {
            share: share("share")?
                .or(base.map(|b| b.share))
                .ok_or("a canary needs a `share` of the sessions, as 10%")?,
            for_: time.or(base.map(|b| b.for_)).ok_or("a canary needs to know `for` how long, as 10m")?,
            after: after.or(base.map(|b| b.after)).unwrap_or(AFTER).max(1),
            block_above: share("block_above")?.or(base.and_then(|b| b.block_above)),
            block_below: share("block_below")?.or(base.and_then(|b| b.block_below)),
            tag_above: share("tag_above")?.or(base.and_then(|b| b.tag_above)),
            tag_below: share("tag_below")?.or(base.and_then(|b| b.tag_below)),
        };
        let bounds = [settings.block_above, settings.block_below, settings.tag_above, settings.tag_below];
        if bounds.iter().all(Option::is_none) {
            return Err(
                "a canary without bounds is never rolled back: write `block_above` or `tag_above`, as 2%".into()
            );
        }
        Ok(settings)
    }

    /// The bound that these counts leave; none while they are within, or say too little.
    #[must_use]
    pub fn left(&self, messages: u64, tagged: u64, blocked: u64) -> Option<String> {
        if messages < self.after {
            return None;
        }
        let above = |bound: Option<Share>, part: u64| bound.filter(|b| b.is_exceeded_by(part, messages));
        let below = |bound: Option<Share>, part: u64| bound.filter(|b| b.is_above(part, messages));
        let told = |what: &str, part: u64, bound: Share| format!("{part} of {messages} messages {what} {bound}");
        None.or_else(|| above(self.block_above, blocked).map(|b| told("are blocked, above", blocked, b)))
            .or_else(|| below(self.block_below, blocked).map(|b| told("are blocked, below", blocked, b)))
            .or_else(|| above(self.tag_above, tagged).map(|b| told("are tagged, above", tagged, b)))
            .or_else(|| below(self.tag_below, tagged).map(|b| told("are tagged, below", tagged, b)))
    }
}

impl Decoder<'_> {
    pub(super) fn canary(&mut self, node: &Node) -> Option<CanarySettings> {
        if node.text() == Some("off") {
            return None;
        }
        let fields = self.section(node, &keys::CANARY)?;
        let mut words = Vec::new();
        for key in CANARY_KEYS {
            let text = fields.get(key).and_then(|n| self.text(n, &format!("`{key}`")));
            words.extend(text.map(|t| (key, t)));
        }
        let word = |key: &str| words.iter().find(|(k, _)| *k == key).map(|(_, t)| t.value.as_str());
        match CanarySettings::of_words(None, word) {
            Ok(settings) => Some(settings),
            Err(why) => {
                let named = words.iter().find(|(key, _)| why.starts_with(&format!("`{key}`"))).map(|(_, t)| &t.place);
                self.diagnostics.error(named.unwrap_or(fields.place), "canary", why);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_its_unit() {
        assert_eq!((Share::parse("10%"), Share::parse("0.25%")), (Some(Share(100_000)), Some(Share(2_500))));
        assert_eq!(
            (Share::parse("10"), Share::parse("101%"), Share::parse("%"), Share::parse("-1%")),
            (None, None, None, None)
        );
        assert_eq!((Share(100_000).to_string(), Share(2_500).to_string()), ("10%".into(), "0.25%".into()));
    }

    #[test]
    fn bounds_are_strict_and_need_enough_messages() {
        let words = |key: &str| match key {
            "share" => Some("10%"),
            "for" => Some("5m"),
            "block_above" => Some("2%"),
            "tag_below" => Some("1%"),
            _ => None,
        };
        let canary = CanarySettings::of_words(None, words).unwrap();
        assert_eq!(canary.left(99, 0, 99), None);
        assert_eq!(canary.left(100, 1, 2), None);
        assert_eq!(canary.left(100, 1, 3).unwrap(), "3 of 100 messages are blocked, above 2%");
        assert_eq!(canary.left(1_000, 9, 20).unwrap(), "9 of 1000 messages are tagged, below 1%");
    }

    #[test]
    fn what_a_canary_needs_is_told() {
        let of = |words: &[(&str, &'static str)]| {
            let words: Vec<_> = words.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
            CanarySettings::of_words(None, |key| words.iter().find(|(k, _)| k == key).map(|(_, v)| *v))
        };
        assert!(of(&[("share", "10%"), ("for", "5m")]).unwrap_err().contains("never rolled back"));
        assert!(of(&[("for", "5m"), ("tag_above", "1%")]).unwrap_err().contains("`share`"));
        assert!(of(&[("share", "1"), ("for", "5m"), ("tag_above", "1%")]).unwrap_err().contains("`share` must be"));
    }
}
