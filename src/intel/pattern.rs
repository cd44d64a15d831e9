//! What an indicator is about, as a STIX pattern (STIX 2.1 §9).
//!
//! | subject | pattern |
//! |---|---|
//! | domain | `[domain-name:value = 'kbnk-th.xyz']` |
//! | number to call, chat handle | `[sms-callback:value = '+85291234567']`, `[sms-callback:value = 'telegram:winner']` |
//! | who sends | `[sms-sender:value = 'infosms']`, a short code or `+` and a number |
//! | masked text | `[sms-template:value = 'your parcel 0 is held …']` |
//!
//! STIX has no observable for the last three: the extension definition that each bundle carries describes them. Read are these
//! and their disjunctions, `[a:value = 'x' OR a:value = 'y']` and `[…] OR […]`. Whatever narrows more, a second condition
//! or an order in time, is not read: to drop it would accuse what the pattern does not.

use std::fmt::Write as _;

use crate::reputation::Kind;
use crate::rules::domain;

/// What somebody warns of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A host, and those below it.
    Domain(String),
    /// `+` and a number to call, or `app:handle`.
    Callback(String),
    /// A name in its matching form, the digits of a short code, or `+` and a number.
    Sender(String),
    /// A text whose numbers, links and handles are masked.
    Template(String),
}

/// The longest octets of a pattern that is read.
const PATTERN_MAX: usize = 16_384;

/// Subjects of one pattern.
const SUBJECTS_MAX: usize = 256;

/// Digits of a sender from which on it may be a subscriber's number: short codes have at most six in practice, and the shortest
/// national numbers seven.
pub const NUMBER_DIGITS_MIN: usize = 7;

impl Subject {
    /// The subject of a name that memory keeps.
    #[must_use]
    pub fn of(kind: Kind, name: &str) -> Option<Self> {
        match kind {
            Kind::Domain => Self::read("domain-name", name).ok(),
            Kind::Phone => Self::read("sms-callback", name).ok(),
            Kind::Sender => Self::read("sms-sender", name.strip_prefix('=').unwrap_or(name)).ok(),
            Kind::Campaign => Self::read("sms-template", name).ok(),
            Kind::Account | Kind::Recipient | Kind::Range => None,
        }
    }

    /// What a value of a type of object is about.
    fn read(object: &str, value: &str) -> Result<Self, String> {
        let fine = |is_fine: bool, what: &str| {
            if is_fine { Ok(value.to_owned()) } else { Err(format!("`{}` is no {what}", short(value))) }
        };
        let is_text = !value.is_empty() && !value.chars().any(char::is_control);
        match object {
            "domain-name" => {
                let host = domain(value).filter(|host| is_text && host.len() <= 253 && host.contains('.'));
                let host = host.ok_or_else(|| format!("`{}` is no domain", short(value)))?;
                let host = host.trim_end_matches('.');
                match psl::domain_str(host) {
                    Some(_) => Ok(Self::Domain(host.to_owned())),
                    None => Err(format!("`{}` is a public suffix: anybody can register below it", short(value))),
                }
            }
            "sms-callback" => {
                let is_handle = value.split_once(':').is_some_and(|(app, id)| !app.is_empty() && !id.is_empty());
                let is_fine = is_text && value.len() <= 128 && (is_number(value) || is_handle);
                fine(is_fine, "number to call").map(Self::Callback)
            }
            "sms-sender" => fine(is_text && value.chars().count() <= 21, "source address").map(Self::Sender),
            "sms-template" => fine(is_text && (12..=2_048).contains(&value.len()), "masked text").map(Self::Template),
            _ => Err(format!("it is about `{}`, of which messages have none", short(object))),
        }
    }

    /// What it is for memory.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Domain(_) => Kind::Domain,
            Self::Callback(_) => Kind::Phone,
            Self::Sender(_) => Kind::Sender,
            Self::Template(_) => Kind::Campaign,
        }
    }

    /// It as it stands in the pattern.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Domain(value) | Self::Callback(value) | Self::Sender(value) | Self::Template(value) => value,
        }
    }

    /// The word for people.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Domain(_) => "domain",
            Self::Callback(_) => "callback",
            Self::Sender(_) => "sender",
            Self::Template(_) => "template",
        }
    }

    /// Whether it is a sender that may be a subscriber.
    #[must_use]
    pub fn may_be_a_subscriber(&self) -> bool {
        let digits = |text: &str| text.chars().filter(|c| c.is_numeric()).count();
        matches!(self, Self::Sender(name) if name.starts_with('+') || digits(name) >= NUMBER_DIGITS_MIN)
    }

    /// As a pattern.
    #[must_use]
    pub fn pattern(&self) -> String {
        let object = match self {
            Self::Domain(_) => "domain-name",
            Self::Callback(_) => "sms-callback",
            Self::Sender(_) => "sms-sender",
            Self::Template(_) => "sms-template",
        };
        let mut out = format!("[{object}:value = '");
        for c in self.value().chars() {
            let _ = if matches!(c, '\'' | '\\') { write!(out, "\\{c}") } else { write!(out, "{c}") };
        }
        out + "']"
    }
}

/// Whether it is `+` and digits as numbers have (ITU-T E.164).
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The beginning of a text, for people.
pub(super) fn short(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let cut: String = text.chars().take(CHARACTERS).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARACTERS).is_some() { cut + "…" } else { cut }
}

/// What a pattern is about: any one of these.
///
/// # Errors
/// What of it is not read.
pub fn subjects(pattern: &str) -> Result<Vec<Subject>, String> {
    if pattern.len() > PATTERN_MAX {
        return Err(format!("its pattern has {} octets, at most {PATTERN_MAX}", pattern.len()));
    }
    let mut reader = Reader { rest: pattern, depth: 0 };
    let mut all = Vec::new();
    loop {
        reader.observation(&mut all)?;
        reader.space();
        if reader.rest.is_empty() {
            return Ok(all);
        }
        if all.len() > SUBJECTS_MAX {
            return Err(format!("its pattern has more than {SUBJECTS_MAX} alternatives"));
        }
        reader.word("OR").map_err(|_| reader.narrower())?;
    }
}

/// Brackets around brackets that are read.
const DEPTH_MAX: usize = 8;

struct Reader<'p> {
    rest: &'p str,
    depth: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None if self.rest.is_empty() => Err(format!("its pattern ends where `{word}` should stand")),
            None => Err(format!("its pattern has `{}` where `{word}` should stand", short(self.rest))),
        }
    }

    /// What stands here narrows the pattern, and is not read.
    fn narrower(&self) -> String {
        if self.rest.is_empty() {
            return "its pattern ends too early".into();
        }
        format!("`{}` makes its pattern narrower than one value", short(self.rest))
    }

    /// `[…]`, or alternatives in parentheses.
    fn observation(&mut self, all: &mut Vec<Subject>) -> Result<(), String> {
        self.space();
        if self.rest.starts_with('(') && self.depth < DEPTH_MAX {
            self.depth += 1;
            self.word("(")?;
            self.observation(all)?;
            self.space();
            while self.rest.starts_with("OR") {
                self.word("OR")?;
                self.observation(all)?;
                self.space();
            }
            self.depth -= 1;
            return self.word(")").map_err(|_| self.narrower());
        }
        self.word("[")?;
        loop {
            self.comparison(all)?;
            self.space();
            if self.rest.starts_with(']') {
                return self.word("]");
            }
            if all.len() > SUBJECTS_MAX {
                return Err(format!("its pattern has more than {SUBJECTS_MAX} alternatives"));
            }
            self.word("OR").map_err(|_| self.narrower())?;
        }
    }

    /// `object:value = 'literal'`.
    fn comparison(&mut self, all: &mut Vec<Subject>) -> Result<(), String> {
        self.space();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(self.rest.len());
        let (object, rest) = self.rest.split_at(end);
        if object.is_empty() {
            return Err(format!("its pattern has `{}` where an object should stand", short(self.rest)));
        }
        self.rest = rest;
        self.word(":value")
            .map_err(|_| format!("it compares another property of `{}` than its value", short(object)))?;
        self.word("=").map_err(|_| format!("it compares `{}` other than by `=`", short(object)))?;
        let value = self.literal()?;
        all.push(Subject::read(object, &value)?);
        Ok(())
    }

    /// `'…'` with `\'` and `\\` in it.
    fn literal(&mut self) -> Result<String, String> {
        self.word("'")?;
        let mut value = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(value);
                }
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                c => value.push(c),
            }
        }
        Err("its pattern has a text without an end".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str) -> Vec<Subject> {
        subjects(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"))
    }

    fn domain(value: &str) -> Subject {
        Subject::Domain(value.to_owned())
    }

    #[test]
    fn a_subject_is_read_as_it_is_written() {
        for (kind, name) in [
            (Kind::Domain, "kbnk-th.xyz"),
            (Kind::Domain, "xn--bnk-0na.co.th"),
            (Kind::Phone, "+85291234567"),
            (Kind::Phone, "telegram:o'brien\\x"),
            (Kind::Sender, "infosms"),
            (Kind::Sender, "=77266"),
            (Kind::Sender, "+85291234567"),
            (Kind::Campaign, "it's 0% \\ of ยืนยัน at @"),
        ] {
            let subject = Subject::of(kind, name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(all(&subject.pattern()), std::slice::from_ref(&subject), "{name}");
            assert_eq!((subject.kind(), subject.value()), (kind, name.trim_start_matches('=')));
        }
    }

    #[test]
    fn alternatives_are_read_and_what_is_narrower_is_not() {
        let two = [domain("a.top"), domain("b.top")];
        for pattern in [
            "[domain-name:value = 'a.top' OR domain-name:value = 'b.top']",
            "[ domain-name:value='A.top' ] OR [domain-name:value = 'b.top']",
            "([domain-name:value = 'a.top'] OR [domain-name:value = 'b.top'])",
        ] {
            assert_eq!(all(pattern), two, "{pattern}");
        }
        for (pattern, why) in [
            ("[domain-name:value = 'a.top' AND url:value = 'http://a.top/x']", "narrower"),
            ("[domain-name:value = 'a.top'] AND [domain-name:value = 'b.top']", "narrower"),
            ("[domain-name:value = 'a.top'] FOLLOWEDBY [domain-name:value = 'b.top']", "narrower"),
            ("[domain-name:value = 'a.top'] REPEATS 5 TIMES WITHIN 60 SECONDS", "narrower"),
            ("[domain-name:value LIKE '%.top']", "other than by `=`"),
            ("[domain-name:value != 'a.top']", "other than by `=`"),
            ("[domain-name:resolves_to_refs[*].value = 'a.top']", "another property"),
            ("[url:value = 'http://a.top/x']", "of which messages have none"),
            ("[domain-name:value = 'a.top", "without an end"),
            ("[domain-name:value = 'a.top'", "ends"),
            ("[domain-name:value = 'co.uk']", "public suffix"),
            ("[domain-name:value = 'com']", "no domain"),
            ("[domain-name:value = '']", "no domain"),
            ("[sms-callback:value = '12']", "no number"),
            ("[sms-template:value = 'hi']", "no masked text"),
            ("", "ends"),
            ("((((((((((((((((", "should stand"),
        ] {
            let told = subjects(pattern).expect_err(pattern);
            assert!(told.contains(why), "{pattern}: {told}");
        }
    }

    #[test]
    fn a_sender_that_may_be_a_subscriber_is_told_apart() {
        for (name, is) in
            [("dbs", false), ("=77266", false), ("+85291234567", true), ("=91234567", true), ("a9123456b7", true)]
        {
            assert_eq!(Subject::of(Kind::Sender, name).map(|s| s.may_be_a_subscriber()), Some(is), "{name}");
        }
        assert!(Subject::of(Kind::Recipient, "+6591234567").is_none());
    }
}
