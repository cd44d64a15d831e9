//! What a subscriber forwards to a report short code: the text that it was about, and who had sent it.
//!
//! People write such messages by hand, or their handsets do, and each in its own way:
//!
//! ```text
//!  Fwd: TEXT                    FWD from +6591234567: TEXT         "TEXT" from DBS        S +84901234567 TEXT
//!  TEXT ⏎ +6591234567           Sender: DBS ⏎ TEXT                 > TEXT                 +6591234567
//! ```
//!
//! A number within the text is not taken for its sender: it is who it asks to call. The sender stands on a line of its own,
//! behind a word that says what it is, behind the closing quote, or in front with its `+`. A message that is nothing but a
//! sender answers the question of a report centre: whose message was it?

use std::ops::Range;

use super::letter;

/// A forwarded message, by where its parts stand in what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// The text itself; empty when there is only a sender.
    pub text: Range<usize>,
    /// Who sent it, when that is said.
    pub sender: Option<Range<usize>>,
}

/// Words before a forwarded text, longest first where one begins another.
const MARKS: &[&str] = &[
    "forwarded message",
    "forwarded",
    "forward",
    "fwd",
    "fw",
    "phishing",
    "report",
    "spam",
    "scam",
    "ส่งต่อ",
    "chuyen tiep",
];

/// Words before a sender.
const LABELS: &[&str] = &[
    "sender id",
    "sent by",
    "sender",
    "from",
    "pengirim",
    "daripada",
    "dari",
    "จากหมายเลข",
    "จาก",
    "người gửi",
    "nguoi gui",
    "từ",
    "mula kay",
    "galing sa",
];

/// Words before the text where a sender stands in front.
const TEXT_LABELS: &[&str] = &["message", "text", "sms", "msg", "content", "isi", "ข้อความ", "noi dung", "nội dung"];

/// Characters of a name that a sender may have (3GPP TS 23.040 §9.1.2.5).
const NAME_CHARACTERS_MAX: usize = 11;

const QUOTES: &[(char, char)] =
    &[('"', '"'), ('“', '”'), ('”', '”'), ('„', '“'), ('«', '»'), ('\'', '\''), ('‘', '’'), ('「', '」')];

/// Takes a report apart.
#[must_use]
pub fn forwarded(written: &str) -> Forwarded {
    let mut rest = Rest { written, range: 0..written.len() };
    let mut sender = None;
    rest.trim();
    // A mark, a sender and what labels the text may stand in front in any order, each once or more: `Fwd: Fwd from X:`.
    for _ in 0..4 {
        let before = rest.range.clone();
        rest.strip_mark();
        if sender.is_none() {
            sender = rest.strip_sender_in_front();
        }
        if sender.is_some() {
            rest.strip_label(TEXT_LABELS, true);
        }
        if rest.range == before {
            break;
        }
    }
    if sender.is_none() {
        sender = rest.strip_sender_behind();
    }
    rest.unquote(&mut sender);
    Forwarded { text: rest.range, sender }
}

/// What is not understood yet.
struct Rest<'a> {
    written: &'a str,
    range: Range<usize>,
}

impl<'a> Rest<'a> {
    fn text(&self) -> &'a str {
        self.written.get(self.range.clone()).unwrap_or_default()
    }

    fn trim(&mut self) {
        let text = self.text();
        self.range.start += text.len() - text.trim_start().len();
        self.range.end = self.range.start + text.trim().len();
    }

    fn skip(&mut self, octets: usize) {
        self.range.start = (self.range.start + octets).min(self.range.end);
        self.trim();
    }

    fn strip_mark(&mut self) {
        let text = self.text();
        let found = MARKS.iter().find_map(|mark| {
            let behind = text.get(starts_with(text, mark)?..)?;
            let short = ["fwd", "fw"].contains(mark);
            let ends = behind.starts_with([':', '-', '\n', '>', '|']) || (short && behind.starts_with([' ', '.']));
            (ends || labelled(behind.trim_start())).then(|| text.len() - behind.len())
        });
        if let Some(octets) = found {
            self.skip(octets);
            let marks = |c: char| matches!(c, ':' | '-' | '>' | '|' | '.') || c.is_whitespace();
            let text = self.text();
            self.skip(text.len() - text.trim_start_matches(marks).len());
        }
        let text = self.text();
        if let Some(behind) = text.strip_prefix('>') {
            self.skip(text.len() - behind.len());
        }
    }

    /// Strips one of these words, and a colon behind it where there must be one.
    fn strip_label(&mut self, labels: &[&str], colon: bool) -> bool {
        let text = self.text();
        let found = labels.iter().find_map(|label| {
            let behind = text.get(starts_with(text, label)?..)?;
            let apart = behind.trim_start();
            match apart.strip_prefix([':', '=']) {
                Some(value) => Some(text.len() - value.len()),
                None => (!colon && apart.len() < behind.len()).then(|| text.len() - apart.len()),
            }
        });
        found.into_iter().for_each(|octets| self.skip(octets));
        found.is_some()
    }

    /// A sender in front: with its `+`, as many digits as a subscriber's number has, behind a label, or on a line of its
    /// own.
    fn strip_sender_in_front(&mut self) -> Option<Range<usize>> {
        let before = self.range.clone();
        // Vietnam's way: S, for spam, then who sent it.
        let text = self.text();
        if let Some(behind) = text.strip_prefix(['S', 's']).filter(|b| b.starts_with([' ', '(']))
            && number(behind.trim_start_matches([' ', '('])).is_some()
        {
            self.skip(text.len() - behind.trim_start_matches([' ', '(']).len());
        }
        let labelled = self.strip_label(LABELS, false);
        let text = self.text();
        let line = text.lines().next().unwrap_or_default();
        let alone = line.trim_end_matches([':', ' ', ')', ',']);
        let found = match number(text) {
            Some((octets, digits)) => {
                let behind = text.get(octets..).unwrap_or_default();
                let apart = behind.is_empty() || behind.starts_with([' ', '\n', ':', ')', '-', ',', '\t', '\r']);
                let plain = text.starts_with('+') || digits >= 8 || labelled || alone.len() == octets;
                (apart && plain).then_some(octets)
            }
            None if labelled => {
                name(alone).or_else(|| line.split_once(':').and_then(|(named, _)| name(named.trim_end())))
            }
            // A name on the first of several lines, or before a colon that ends the line.
            None => name(alone).filter(|n| *n < text.len() && (alone.len() == line.len() || line.ends_with(':'))),
        };
        let Some(octets) = found else {
            self.range = before;
            return None;
        };
        let sender = self.range.start..self.range.start + octets;
        self.skip(octets);
        let text = self.text();
        self.skip(text.len() - text.trim_start_matches([':', ')', '-', ',', ' ', '\n', '\r', '\t']).len());
        Some(sender)
    }

    /// A sender behind: on the last line, or behind a label at the end.
    fn strip_sender_behind(&mut self) -> Option<Range<usize>> {
        let text = self.text();
        let at = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
        let last = text.rsplit('\n').next().filter(|last| last.len() < text.len()).map(str::trim);
        if let Some(last) = last {
            let mut own = Rest { written: last, range: 0..last.len() };
            own.trim();
            let labelled = own.strip_label(LABELS, false);
            let inner = own.text().trim_matches(['(', ')', '-', '.']);
            let is_number = number(inner).is_some_and(|(octets, _)| octets == inner.len());
            if is_number || (name(inner) == Some(inner.len()) && (labelled || !inner.contains(' '))) {
                let start = self.range.start + at(inner);
                let sender = start..start + inner.len();
                self.range.end = self.range.start + at(last);
                self.trim();
                return Some(sender);
            }
        }
        // Behind a label that is the last but one word: `… from +6591234567`.
        let lower = text.to_ascii_lowercase();
        for label in LABELS {
            let Some(found) = lower.rfind(label).filter(|_| lower.len() == text.len()) else { continue };
            let front = text.get(..found).unwrap_or_default();
            let behind = text.get(found + label.len()..).unwrap_or_default();
            let value = behind.trim_start_matches([' ', ':', '=']).trim_end_matches([' ', ')', '.']);
            let apart =
                front.ends_with([' ', '\n', '(', '"', '”', ',', '.', '-', '\'']) && behind.starts_with([' ', ':', '=']);
            let is_number = number(value).is_some_and(|(octets, _)| octets == value.len());
            let is_name = name(value) == Some(value.len()) && front.trim_end().ends_with(['(', '"', '”', '\'']);
            if apart && (is_number || is_name) {
                let start = self.range.start + at(value);
                let sender = start..start + value.len();
                self.range.end = self.range.start + front.trim_end_matches(['(', ' ', ',', '-']).len();
                self.trim();
                return Some(sender);
            }
        }
        None
    }

    /// Takes quotes off; behind the closing one may stand the sender.
    fn unquote(&mut self, sender: &mut Option<Range<usize>>) {
        let text = self.text();
        let Some(open) = text.chars().next() else { return };
        let Some((_, close)) = QUOTES.iter().find(|(o, _)| *o == open) else { return };
        let inner = text.get(open.len_utf8()..).unwrap_or_default();
        let Some(end) = inner.rfind(*close) else { return };
        let behind = inner.get(end + close.len_utf8()..).unwrap_or_default();
        let value = behind.trim_matches([' ', '\n', '-', '(', ')', ',', ':']);
        let is_sender =
            number(value).is_some_and(|(octets, _)| octets == value.len()) || name(value) == Some(value.len());
        if !value.is_empty() && !is_sender {
            return;
        }
        if is_sender && sender.is_none() {
            let start = self.range.start + (value.as_ptr().addr() - text.as_ptr().addr());
            *sender = Some(start..start + value.len());
        }
        let start = self.range.start + open.len_utf8();
        self.range = start..start + end;
        self.trim();
    }
}

/// How far a text begins with a word, without regard to case.
fn starts_with(text: &str, word: &str) -> Option<usize> {
    let start = text.get(..word.len())?;
    let same = start.eq_ignore_ascii_case(word) || start.to_lowercase() == word;
    let ends = text.get(word.len()..)?.chars().next().is_none_or(|c| !letter::is_alphanumeric(c));
    (same && (ends || !word.is_ascii())).then_some(word.len())
}

/// Whether a text begins with a label of a sender.
fn labelled(text: &str) -> bool {
    LABELS.iter().any(|label| starts_with(text, label).is_some())
}

/// A number at the start: its octets, and its digits.
fn number(text: &str) -> Option<(usize, usize)> {
    let (mut octets, mut digits, mut end) = (0, 0, 0);
    for (n, c) in text.char_indices() {
        match c {
            '+' if n == 0 => {}
            '0'..='9' => {
                digits += 1;
                end = n + 1;
            }
            // What stands between the digits of one number: never two of them.
            ' ' | '-' | '.' if digits > 0 && end == n && octets == n => {}
            _ => break,
        }
        octets = n + c.len_utf8();
    }
    (3..=15).contains(&digits).then_some((end, digits))
}

/// A name that a sender may have, as long as all of the text.
fn name(text: &str) -> Option<usize> {
    let fits = (2..=NAME_CHARACTERS_MAX).contains(&text.chars().count());
    let has_letter = text.chars().any(letter::is_alphabetic);
    let is_name = |c: char| letter::is_alphanumeric(c) || matches!(c, ' ' | '.' | '-' | '_' | '&' | '\'');
    (fits && has_letter && text.chars().all(is_name) && text.trim().len() == text.len()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCAM: &str = "Your parcel is held, pay at sgpost.top or call 81234567";

    fn told(written: &str) -> (&str, Option<&str>) {
        let Forwarded { text, sender } = forwarded(written);
        (written.get(text).unwrap(), sender.map(|s| written.get(s).unwrap()))
    }

    #[test]
    fn a_forwarded_text_is_found_in_whatever_dress() {
        let whole = [
            SCAM.to_owned(),
            format!("FWD: {SCAM}"),
            format!("Fwd {SCAM}"),
            format!("fw: fwd: {SCAM}"),
            format!("Forwarded message:\n{SCAM}"),
            format!("SPAM: {SCAM}"),
            format!("> {SCAM}"),
            format!("\"{SCAM}\""),
            format!("Fwd: “{SCAM}”"),
            format!("ส่งต่อ: {SCAM}"),
        ];
        for written in &whole {
            assert_eq!(told(written), (SCAM, None), "{written}");
        }
    }

    #[test]
    fn who_sent_it_is_found_before_and_behind() {
        for (sender, written) in [
            ("+6591234567", format!("+6591234567 {SCAM}")),
            ("+6591234567", format!("+6591234567: {SCAM}")),
            ("+65 9123 4567", format!("+65 9123 4567\n{SCAM}")),
            ("91234567", format!("Fwd from 91234567: {SCAM}")),
            ("91234567", format!("From: 91234567\n{SCAM}")),
            ("SGPost", format!("Sender: SGPost\nMessage: {SCAM}")),
            ("SGPost", format!("SGPost\n{SCAM}")),
            ("SGPost", format!("SGPost:\n{SCAM}")),
            ("SGPost", format!("Fwd from SGPost: {SCAM}")),
            ("72266", format!("72266\n{SCAM}")),
            ("+84901234567", format!("S +84901234567 {SCAM}")),
            ("+84901234567", format!("S (+84901234567) {SCAM}")),
            ("0901234567", format!("S 0901234567 {SCAM}")),
            ("+6591234567", format!("{SCAM}\n+6591234567")),
            ("+6591234567", format!("{SCAM}\nfrom +6591234567")),
            ("SGPost", format!("{SCAM}\nSGPost")),
            ("SGPost", format!("{SCAM}\nSender: SGPost")),
            ("+6591234567", format!("{SCAM} from +6591234567")),
            ("+6591234567", format!("{SCAM} (from: +6591234567)")),
            ("SGPost", format!("\"{SCAM}\" from SGPost")),
            ("SGPost", format!("\"{SCAM}\" SGPost")),
            ("+6591234567", format!("Fwd: \"{SCAM}\" - +6591234567")),
            ("SGPost", format!("Pengirim: SGPost\n{SCAM}")),
            ("SGPost", format!("{SCAM}\nจาก SGPost")),
        ] {
            assert_eq!(told(&written), (SCAM, Some(sender)), "{written}");
        }
    }

    #[test]
    fn a_number_to_call_is_not_who_sent_it() {
        for text in [
            "Win now! Call 0812345678",
            "4 new offers for you, see win.top",
            "Report to 7726 now",
            "Hi Mum, my new number is 81234567",
            "Fwd is not a mark without anything behind",
            "From today everything is free at win.top",
            "From 24 Dec to 26 Dec all is free",
            "12345 is your code",
        ] {
            assert_eq!(forwarded(text).sender, None, "{text}");
        }
        assert_eq!(told("12345 is your code").0, "12345 is your code");
    }

    #[test]
    fn a_message_that_is_only_a_sender_has_no_text() {
        for (written, sender) in
            [("+6591234567", "+6591234567"), ("9123 4567", "9123 4567"), ("72266", "72266"), ("From: SGPost", "SGPost")]
        {
            assert_eq!(told(written), ("", Some(sender)), "{written}");
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        for written in
            ["", " ", "\n", "\"", "fwd", "fwd:", "S ", "from", "from:", "+", "“", "จาก", "จ", ">", "(from )", "ß\n\n"]
        {
            let Forwarded { text, sender } = forwarded(written);
            assert!(written.get(text).is_some() && sender.is_none_or(|s| written.get(s).is_some()), "{written:?}");
        }
    }
}
