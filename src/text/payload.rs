//! What user data is for, when it is not for reading, and the strings in it that a subscriber may get to see.

/// What user data carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// A text for the subscriber.
    #[default]
    Text,
    /// Octets for a machine that nothing names.
    Binary,
    /// A WAP push: service indication, service loading, provisioning, MMS notification (WAP-235, WAP-230-WSP).
    WapPush,
    /// A business card.
    VCard,
    /// An appointment.
    VCalendar,
    /// For the SIM: an over-the-air command (3GPP TS 31.115, 3GPP TS 23.040 §9.2.3.9 "(U)SIM Data download").
    Sim,
    /// For another application, by its port (3GPP TS 23.040 §9.2.3.24.3, .4).
    Ports,
}

impl Payload {
    /// Every one.
    pub const ALL: &[Self] =
        &[Self::Text, Self::Binary, Self::WapPush, Self::VCard, Self::VCalendar, Self::Sim, Self::Ports];

    /// Their words in YAML and journal.
    pub const NAMES: &[&str] = &["text", "binary", "wap_push", "vcard", "vcalendar", "sim", "ports"];

    /// The word in YAML and journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::WapPush => "wap_push",
            Self::VCard => "vcard",
            Self::VCalendar => "vcalendar",
            Self::Sim => "sim",
            Self::Ports => "ports",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|payload| payload.name() == name)
    }

    /// What a destination port is for. 226 and 228 are the smart messaging ports of old, the others are WAP's.
    pub(super) fn of_port(port: u16) -> Self {
        match port {
            2948 | 2949 | 9200..=9203 => Self::WapPush,
            226 | 9204 | 9206 => Self::VCard,
            228 | 9205 | 9207 => Self::VCalendar,
            _ => Self::Ports,
        }
    }

    /// What a text is by its first line.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        if begins("BEGIN:VCARD") {
            Some(Self::VCard)
        } else if begins("BEGIN:VCALENDAR") {
            Some(Self::VCalendar)
        } else {
            None
        }
    }
}

/// PDU types of connectionless WSP: push and confirmed push (WAP-230-WSP §8.2.4, table 34).
const PUSH: [u8; 2] = [0x06, 0x07];

/// A push's content type and its body (WAP-230-WSP §8.2.4.1); none for what is no push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Push<'a> {
    content: Content,
    body: &'a [u8],
}

/// What the body of a push is, as far as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// A compiled service indication: its attributes start with these codes (WAP-167).
    ServiceIndication,
    /// A compiled service loading (WAP-168).
    ServiceLoading,
    /// Another one, compiled or not.
    Other,
}

fn push(octets: &[u8]) -> Option<Push<'_>> {
    let [_, kind, rest @ ..] = octets else { return None };
    if !PUSH.contains(kind) {
        return None;
    }
    let (length, rest) = uintvar(rest)?;
    let (headers, body) = rest.split_at_checked(length)?;
    let content = match content_type(headers)? {
        0x2e => Content::ServiceIndication,
        0x30 => Content::ServiceLoading,
        _ => Content::Other,
    };
    Some(Push { content, body })
}

/// The number of a content type in the WSP registry, 0 for one that is written out; none for what is none.
fn content_type(headers: &[u8]) -> Option<u8> {
    match headers {
        [short @ 0x80..=0xff, ..] => Some(short & 0x7f),
        [length @ 1..=30, rest @ ..] if usize::from(*length) <= rest.len() => match rest {
            [short @ 0x80..=0xff, ..] => Some(short & 0x7f),
            [first, ..] if first.is_ascii_lowercase() => Some(0),
            _ => None,
        },
        [first, ..] if first.is_ascii_lowercase() => Some(0),
        _ => None,
    }
}

/// A number in groups of seven bits (WAP-230-WSP §8.1.2).
fn uintvar(octets: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0usize;
    for (at, octet) in octets.iter().enumerate().take(3) {
        value = value << 7 | usize::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            return octets.get(at + 1..).map(|rest| (value, rest));
        }
    }
    None
}

/// Whether octets are a push, by themselves: what a text could also begin with does not count.
pub(super) fn is_push(octets: &[u8]) -> bool {
    let Some(Push { body: [_, ..], .. }) = push(octets) else { return false };
    match octets {
        [_, 0x06, _, 0xad..=0xb6 | 0xbe, ..] | [_, 0x06, _, 1..=30, 0xad..=0xb6 | 0xbe, ..] => true,
        [_, 0x06, _, rest @ ..] => rest.starts_with(b"application/") || rest.starts_with(b"text/"),
        _ => false,
    }
}

/// Appends the strings of a push, each on its line: the links of a service indication or loading put together from
/// their tokens, and everything else that is written out. False for what is no push.
pub(super) fn strings(octets: &[u8], out: &mut String) -> bool {
    let Some(Push { content, body }) = push(octets) else { return false };
    let start = out.len();
    if !wbxml(content, body, out) {
        out.truncate(start);
        written_out(body, out);
    }
    if out.len() > start && out.ends_with('\n') {
        out.pop();
    }
    true
}

/// Reads a WBXML document (WAP-192): version, public id, charset, string table, then tokens, of which only strings and
/// the beginnings of links matter here. False for what is none.
fn wbxml(content: Content, body: &[u8], out: &mut String) -> bool {
    let head = || {
        let [1..=4, rest @ ..] = body else { return None };
        let (public_id, rest) = uintvar(rest)?;
        // A public id of 0 is written out in the string table.
        let rest = if public_id == 0 { uintvar(rest)?.1 } else { rest };
        let (_, rest) = uintvar(rest)?;
        let (length, rest) = uintvar(rest)?;
        rest.split_at_checked(length)
    };
    let Some((table, mut rest)) = head() else { return false };
    let mut in_attributes = false;
    // A string of the table can be named as often as there are tokens: a text is no longer than its tokens all told.
    let end = out.len() + LINK_OCTETS_MAX * body.len();
    while let [token, after @ ..] = rest
        && out.len() < end
    {
        rest = after;
        match *token {
            // SWITCH_PAGE.
            0x00 => rest = after.get(1..).unwrap_or_default(),
            // END, of attributes first.
            0x01 => {
                in_attributes = false;
                line(out);
            }
            // ENTITY: one character.
            0x02 => {
                let Some((code, after)) = uintvar(after) else { break };
                out.extend(u32::try_from(code).ok().and_then(char::from_u32));
                rest = after;
            }
            // STR_I: a string up to its NUL.
            0x03 => rest = inline(after, out),
            // STR_T: a string of the table.
            0x83 => {
                let Some((at, after)) = uintvar(after) else { break };
                inline(table.get(at..).unwrap_or_default(), out);
                rest = after;
            }
            // OPAQUE: dates.
            0xc3 => {
                let Some((length, after)) = uintvar(after) else { break };
                rest = after.get(length..).unwrap_or_default();
            }
            attribute if in_attributes => match link_token(content, attribute) {
                Some(Token::Start(text)) => {
                    line(out);
                    out.push_str(text);
                }
                Some(Token::Value(text)) => out.push_str(text),
                None => line(out),
            },
            tag => {
                in_attributes = tag & 0x80 != 0;
                line(out);
            }
        }
    }
    true
}

/// The longest that one token says: `https://www.`, on a line.
const LINK_OCTETS_MAX: usize = 13;

enum Token {
    /// An attribute begins.
    Start(&'static str),
    /// A piece of its value.
    Value(&'static str),
}

/// Attribute tokens of links (WAP-167 §9.3.2, WAP-168 §9.3.2).
fn link_token(content: Content, token: u8) -> Option<Token> {
    let first = match content {
        Content::ServiceIndication => 0x0b,
        Content::ServiceLoading => 0x08,
        Content::Other => return None,
    };
    Some(match token {
        0x85 => Token::Value(".com/"),
        0x86 => Token::Value(".edu/"),
        0x87 => Token::Value(".net/"),
        0x88 => Token::Value(".org/"),
        start => Token::Start(match start.checked_sub(first)? {
            0 => "",
            1 => "http://",
            2 => "http://www.",
            3 => "https://",
            4 => "https://www.",
            _ => return None,
        }),
    })
}

fn line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Appends a string that ends with a NUL, and answers what follows it.
fn inline<'a>(octets: &'a [u8], out: &mut String) -> &'a [u8] {
    let end = octets.iter().position(|b| *b == 0).unwrap_or(octets.len());
    let (text, rest) = octets.split_at(end);
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|b| char::from(*b)));
    }
    rest.get(1..).unwrap_or_default()
}

/// Appends runs of four and more printable octets, each on its line.
pub(super) fn written_out(octets: &[u8], out: &mut String) {
    for run in octets.split(|b| !(0x20..0x7f).contains(b)).filter(|run| run.len() >= 4) {
        line(out);
        out.push_str(std::str::from_utf8(run).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> String {
        let mut out = String::new();
        strings(octets, &mut out);
        out
    }

    /// A service indication, put together by hand from WAP-167.
    fn indication() -> Vec<u8> {
        let mut octets = vec![0x01, 0x06, 0x01, 0xae, 0x02, 0x05, 0x6a, 0x00, 0x45, 0xc6, 0x0d, 0x03];
        octets.extend(b"kbank-verify\0\x85\x03login\0");
        octets.extend([0x0a, 0xc3, 0x04, 0x20, 0x26, 0x01, 0x02, 0x01, 0x03]);
        octets.extend(b"Your account is locked\0\x01\x01");
        octets
    }

    #[test]
    fn a_service_indication_shows_its_link_and_its_words() {
        let octets = indication();
        assert!(is_push(&octets));
        assert_eq!(read(&octets), "http://www.kbank-verify.com/login\nYour account is locked");
    }

    #[test]
    fn a_service_loading_shows_its_link() {
        let mut octets = vec![0x0a, 0x06, 0x04, 0x03, 0xb0, 0x81, 0xea, 0x02, 0x06, 0x6a, 0x00, 0x85, 0x0b, 0x03];
        octets.extend(b"evil.example/\0\x02\x61\x01");
        assert_eq!(read(&octets), "https://evil.example/a", "its last letter is an entity");
    }

    #[test]
    fn strings_of_other_pushes_are_found_where_they_are_written_out() {
        let mut octets = vec![0x01, 0x06, 0x01, 0xbe, 0x8c, 0x82, 0x98];
        octets.extend(b"tid\0\x8d\x90\x83http://mms.example/x\0");
        assert_eq!(read(&octets), "http://mms.example/x");
        assert!(!strings(&[1, 2, 3], &mut String::new()));
    }

    #[test]
    fn every_payload_has_its_word() {
        assert_eq!(Payload::ALL.iter().map(|p| p.name()).collect::<Vec<_>>(), Payload::NAMES);
        assert!(Payload::ALL.iter().all(|p| Payload::from_name(p.name()) == Some(*p)));
    }

    #[test]
    fn what_is_no_push_is_none() {
        assert!(!is_push(b"hello there"));
        assert!(!is_push(&[1, 6, 9, 0xae]));
        assert!(!is_push(&[]));
    }

    #[test]
    fn a_string_that_is_named_again_and_again_does_not_flood() {
        let mut octets = vec![0x01, 0x06, 0x01, 0xae, 0x02, 0x05, 0x6a, 100];
        octets.extend([b'x'; 100]);
        octets.extend([0x83, 0].repeat(5_000));
        assert!(read(&octets).len() <= (LINK_OCTETS_MAX + 1) * octets.len());
    }

    #[test]
    fn no_cut_of_a_push_is_more_than_its_octets() {
        let octets = indication();
        for end in 0..octets.len() {
            for start in 0..end {
                assert!(read(&octets[start..end]).len() <= 12 * (end - start));
            }
        }
    }
}
