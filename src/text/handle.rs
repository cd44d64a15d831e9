//! Names in chat applications: where a scam goes on out of sight.

use std::ops::Range;

use super::link::Link;
use super::overlaps;
use crate::limits::ENTITIES_MAX;

/// A chat application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named by its name")]
pub enum App {
    Whatsapp,
    Telegram,
    Line,
    Zalo,
    Viber,
    Wechat,
    Messenger,
    Signal,
    Instagram,
    Facebook,
}

/// Applications with the words that name them in a text.
const APPS: &[(App, &str, &[&str])] = &[
    (App::Whatsapp, "whatsapp", &["whatsapp", "whatapp", "watsapp", "wasap", "whats app", "wa", "ws"]),
    (App::Telegram, "telegram", &["telegram", "telegrm", "tele", "tg", "เทเลแกรม"]),
    (App::Line, "line", &["line", "ไลน์", "ไลน"]),
    (App::Zalo, "zalo", &["zalo"]),
    (App::Viber, "viber", &["viber"]),
    (App::Wechat, "wechat", &["wechat", "weixin", "微信", "vx", "威信", "薇信"]),
    (App::Messenger, "messenger", &["messenger"]),
    (App::Signal, "signal", &["signal"]),
    (App::Instagram, "instagram", &["instagram", "ig"]),
    (App::Facebook, "facebook", &["facebook", "fb"]),
];

impl App {
    /// The word in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        APPS.iter().find(|(app, _, _)| *app == self).map_or("?", |(_, name, _)| name)
    }

    /// The application of a word in YAML.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        APPS.iter().find(|(_, n, _)| *n == name).map(|(app, _, _)| *app)
    }
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Octets of the text, from the application's word on.
    pub written: Range<usize>,
    /// The application.
    pub app: App,
    /// Octets of the name.
    pub id: Range<usize>,
}

/// Words that may stand between an application and a name.
const BETWEEN: &[&str] =
    &["id", "ไอดี", "number", "no", "no.", "nomor", "me", "at", "us", "on", "号", "加", "official", "account"];

pub(super) fn find(text: &str, links: &[Link], handles: &mut Vec<Handle>) {
    handles.clear();
    let mut at = 0;
    while at < text.len() && handles.len() < ENTITIES_MAX {
        let rest = text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        let previous = text.get(..at).and_then(|t| t.chars().next_back());
        let handle = app_at(rest, previous)
            .and_then(|(app, len)| Some((app, name_after(text, at + len)?)))
            .map(|(app, id)| Handle { written: at..id.end, app, id })
            .filter(|h| !links.iter().any(|l| overlaps(&l.written, &h.written)));
        at = match handle {
            Some(handle) => {
                let end = handle.written.end;
                handles.push(handle);
                end
            }
            None => at + c.len_utf8(),
        };
    }
}

fn app_at(rest: &str, previous: Option<char>) -> Option<(App, usize)> {
    if previous.is_some_and(|p| p.is_ascii_alphanumeric() || p == '.' || p == '@') {
        return None;
    }
    APPS.iter().flat_map(|(app, _, words)| words.iter().map(move |w| (*app, *w))).find_map(|(app, word)| {
        let start = rest.get(..word.len())?;
        let next = rest.get(word.len()..)?.chars().next();
        let whole = !word.is_ascii() || !next.is_some_and(|c| c.is_ascii_alphanumeric());
        (start.to_lowercase() == word && whole).then_some((app, word.len()))
    })
}

/// A name behind an application: `@name`, a phone number, or any name behind a colon or `id`.
fn name_after(text: &str, at: usize) -> Option<Range<usize>> {
    let mut from = at;
    let mut named = false;
    for _ in 0..4 {
        let rest = text.get(from..)?;
        let skip = rest.len() - rest.trim_start_matches([' ', ':', '：', '-', '=', '.', '(', '+', '\u{a0}', '#']).len();
        named |= rest.get(..skip).is_some_and(|gap| gap.contains([':', '：', '=']));
        from += skip;
        let rest = text.get(from..)?;
        let word = BETWEEN.iter().find(|w| {
            let same = rest.get(..w.len()).is_some_and(|start| start.to_lowercase() == **w);
            let next = rest.get(w.len()..).and_then(|t| t.chars().next());
            same && (!w.is_ascii() || !next.is_some_and(|c| c.is_ascii_alphanumeric()))
        });
        match word {
            Some(word) => {
                named |= matches!(*word, "id" | "ไอดี" | "号");
                from += word.len();
            }
            None => break,
        }
    }
    let rest = text.get(from..)?;
    if let Some(name) = rest.strip_prefix('@') {
        let len = id_len(name);
        return (len >= 2).then(|| from + 1..from + 1 + len);
    }
    let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-')).count();
    let number = rest.get(..digits)?.trim_end_matches([' ', '-']);
    if number.bytes().filter(u8::is_ascii_digit).count() >= 8 {
        return Some(from..from + number.len());
    }
    let len = id_len(rest);
    (named && len >= 4).then(|| from..from + len)
}

fn id_len(text: &str) -> usize {
    let len = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')).count();
    text.get(..len).map_or(0, |t| t.trim_end_matches(['.', '-']).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, String)> {
        let mut handles = Vec::new();
        find(text, &[], &mut handles);
        handles.iter().map(|h| (h.app.name(), text[h.id.clone()].to_owned())).collect()
    }

    #[test]
    fn names_follow_their_application() {
        assert_eq!(found("แอดไลน์ ID : @job88x"), [("line", "job88x".to_owned())]);
        assert_eq!(found("แอดไลน์ @shopee_th รับข่าวสาร"), [("line", "shopee_th".to_owned())]);
        assert_eq!(found("min4t hub WA 0812-3456-7890"), [("whatsapp", "0812-3456-7890".to_owned())]);
        assert_eq!(found("加微信：abc12345"), [("wechat", "abc12345".to_owned())]);
        assert_eq!(found("Telegram: t_agent99"), [("telegram", "t_agent99".to_owned())]);
        assert_eq!(found("wait in line for me, call me online"), []);
    }
}
