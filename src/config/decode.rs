//! From nodes to values: every mistake is told with its place, and decoding goes on.

use std::time::Duration;

use super::diagnostic::{Diagnostic, Diagnostics, nearest};
use super::keys::Section;
use super::source::Place;
use super::tree::{Node, Value};
use crate::text::number::Country;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

/// Reads values, and collects what is wrong with them.
#[derive(Debug)]
pub struct Decoder<'a> {
    /// What is wrong so far.
    pub diagnostics: &'a mut Diagnostics,
}

/// The keys and values of one map.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'n> {
    /// Where the map stands.
    pub place: &'n Place,
    entries: &'n [(Node, Node)],
}

impl<'n> Fields<'n> {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// All of them.
    #[must_use]
    pub fn entries(&self) -> &'n [(Node, Node)] {
        self.entries
    }
}

impl Decoder<'_> {
    /// The entries of a map with any keys. `what` names it in messages.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        match &node.value {
            Value::Map(entries) => Some(Fields { place: &node.place, entries }),
            _ => {
                self.wrong_shape(node, what, "a map");
                None
            }
        }
    }

    /// The entries of a map with known keys; each unknown one is told.
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            let example = known.first().map_or_else(String::new, |key| format!("write {{ {key}: .. }}; "));
            let help = format!("{example}the keys are {}", known.join(", "));
            self.wrong_shape(node, what, "a map").help(help);
            return None;
        };
        let fields = Fields { place: &node.place, entries };
        for (key, _) in fields.entries {
            let name = key.text().unwrap_or("?");
            if !known.contains(&name) {
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys of {what} are {}", known.join(", ")),
                };
                let message = format!("{what} has no key `{name}`");
                self.diagnostics.error(&key.place, "unknown-key", message).help(help);
            }
        }
        Some(fields)
    }

    /// The entries of a map with the keys of a section; each unknown one is told.
    pub fn section<'n>(&mut self, node: &'n Node, section: &Section) -> Option<Fields<'n>> {
        self.fields(node, section.name, &section.names())
    }

    /// The items of a sequence.
    pub fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.value {
            Value::Sequence(items) => items,
            _ => {
                self.wrong_shape(node, what, "a list");
                &[]
            }
        }
    }

    /// A text.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<Placed<String>> {
        match &node.value {
            Value::Scalar { text, .. } if !text.is_empty() => {
                Some(Placed { value: text.clone(), place: node.place.clone() })
            }
            Value::Scalar { .. } => {
                self.diagnostics.error(&node.place, "empty", format!("{what} is empty"));
                None
            }
            _ => {
                self.wrong_shape(node, what, "a text");
                None
            }
        }
    }

    /// A sequence of texts.
    pub fn texts(&mut self, node: &Node, what: &str) -> Vec<Placed<String>> {
        let items = self.items(node, what);
        if items.is_empty() && matches!(node.value, Value::Sequence(_)) {
            self.diagnostics.error(&node.place, "empty", format!("{what} is an empty list"));
        }
        items.iter().filter_map(|item| self.text(item, &format!("an entry of {what}"))).collect()
    }

    /// One of some words.
    pub fn choice(&mut self, node: &Node, what: &str, words: &[&str]) -> Option<Placed<String>> {
        let text = self.text(node, what)?;
        if words.contains(&text.value.as_str()) {
            return Some(text);
        }
        let help = match nearest(&text.value, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{what} is one of {}", words.join(", ")),
        };
        let message = format!("{what} cannot be `{}`", text.value);
        self.diagnostics.error(&text.place, "unknown-value", message).help(help);
        None
    }

    /// `true` or `false`.
    pub fn flag(&mut self, node: &Node, what: &str) -> Option<bool> {
        match self.text(node, what)?.value.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let message = format!("{what} cannot be `{other}`");
                self.diagnostics.error(&node.place, "wrong-shape", message).help("write true or false");
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn count(&mut self, node: &Node, what: &str, min: u64, max: u64) -> Option<u64> {
        let text = self.text(node, what)?.value;
        match text.parse::<u64>() {
            Ok(n) if (min..=max).contains(&n) => Some(n),
            Ok(_) => {
                let message = format!("{what} cannot be {text}");
                self.diagnostics.error(&node.place, "out-of-range", message).help(format!("from {min} to {max}"));
                None
            }
            Err(_) => {
                let message = format!("{what} must be a whole number, not `{text}`");
                self.diagnostics.error(&node.place, "wrong-shape", message);
                None
            }
        }
    }

    /// A number with at most two decimals, in hundredths, within bounds that are given in whole units.
    pub fn hundredths(&mut self, node: &Node, what: &str, min: i32, max: i32) -> Option<i32> {
        let text = self.text(node, what)?.value;
        let Some(value) = hundredths(&text) else {
            let message = format!("{what} must be a number with at most two decimals, not `{text}`");
            self.diagnostics.error(&node.place, "wrong-shape", message).help("write 6 or 2.5");
            return None;
        };
        if (min * 100..=max * 100).contains(&value) {
            return Some(value);
        }
        let message = format!("{what} cannot be {text}");
        self.diagnostics.error(&node.place, "out-of-range", message).help(format!("from {min} to {max}"));
        None
    }

    /// A duration with its unit: `800ms`, `10s`, `5m`, `24h`, `7d`.
    pub fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?.value;
        let duration = duration(&text);
        if duration.is_none() {
            let message = format!("{what} must be a duration, not `{text}`");
            self.diagnostics
                .error(&node.place, "duration", message)
                .help("write it with its unit: 800ms, 10s, 5m, 24h, 7d");
        }
        duration
    }

    /// A size in octets with its unit: `64KiB`, `1MiB`, `512B`.
    pub fn size(&mut self, node: &Node, what: &str, min: u64, max: u64) -> Option<u64> {
        let text = self.text(node, what)?.value;
        let Some(size) = size(&text) else {
            let message = format!("{what} must be a size, not `{text}`");
            self.diagnostics.error(&node.place, "size", message).help("write it with its unit: 512B, 64KiB, 1MiB");
            return None;
        };
        if (min..=max).contains(&size) {
            return Some(size);
        }
        let message = format!("{what} cannot be {text}");
        self.diagnostics.error(&node.place, "out-of-range", message).help(format!("from {min}B to {max}B"));
        None
    }

    /// A country by its ISO 3166-1 alpha-2 code.
    pub fn country(&mut self, node: &Node, what: &str) -> Option<Country> {
        let text = self.text(node, what)?;
        let country = Country::parse(&text.value);
        if country.is_none() {
            let help = if text.value == "false" || text.value == "no" {
                "Norway is \"NO\", in quotes"
            } else {
                "write its two capital letters (ISO 3166-1): SG, MY, TH"
            };
            let message = format!("{what} cannot be `{}`", text.value);
            self.diagnostics.error(&text.place, "country", message).help(help);
        }
        country
    }

    /// Tells that a map lacks a key.
    pub fn missing(&mut self, place: &Place, what: &str, key: &str) {
        self.diagnostics.error(place, "missing-key", format!("{what} needs `{key}`"));
    }

    fn wrong_shape(&mut self, node: &Node, what: &str, wanted: &str) -> &mut Diagnostic {
        let diagnostic = match node.value {
            Value::Null => self.diagnostics.error(&node.place, "null", format!("{what} has no value")),
            ref other => {
                let message = format!("{what} must be {wanted}, not {}", other.kind());
                self.diagnostics.error(&node.place, "wrong-shape", message)
            }
        };
        match (&node.value, wanted) {
            (Value::Null, "a text") => diagnostic.help("write one; the words ~ and null stand for nothing: quote them"),
            (Value::Scalar { .. }, "a list") => diagnostic.help("put it in brackets: [..]"),
            _ => {}
        }
        diagnostic
    }
}

/// `2`, `2.5` or `2.25` in hundredths.
fn hundredths(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 2 || !all_digits(whole) || !all_digits(decimals) {
        return None;
    }
    let decimals: i32 = format!("{decimals:0<2}").parse().ok()?;
    whole.parse::<i32>().ok()?.checked_mul(100)?.checked_add(decimals).map(|n| sign * n)
}

fn unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

/// A duration with its unit.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = unit(text)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = unit(text)?;
    let octets = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_in_the_value() {
        assert_eq!(duration("800ms"), Some(Duration::from_millis(800)));
        assert_eq!(duration("7d"), Some(Duration::from_secs(7 * 86_400)));
        assert_eq!((duration("7"), duration("h"), duration("1w"), duration("")), (None, None, None, None));
        assert_eq!((size("64KiB"), size("64kb")), (Some(65_536), None));
    }

    #[test]
    fn points_have_two_decimals_at_most() {
        assert_eq!((hundredths("6"), hundredths("2.5"), hundredths("-0.25")), (Some(600), Some(250), Some(-25)));
        assert_eq!((hundredths("1.234"), hundredths("x"), hundredths("")), (None, None, None));
    }
}
