//! Names in chat applications: where a scam goes on out of sight.
//!
//! A name is looked for where a sign or a digit stands (`@`, `:`, `_`, a number to call); what it belongs to stands right
//! before it, with at most a few words between: `add me on Telegram: @agent99`.

use std::ops::Range;
use std::sync::LazyLock;

use super::belief::is_quantity;
use super::marks::{Marks, Needles};
use super::number::{Country, Number};
use super::words::Words;
use super::{Link, Phone, Taken, phone};
use crate::limits::ENTITIES_MAX;
use crate::text::fold::READING;

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

impl App {
    /// Every application, with its word in YAML.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Whatsapp, "whatsapp"),
        (Self::Telegram, "telegram"),
        (Self::Line, "line"),
        (Self::Zalo, "zalo"),
        (Self::Viber, "viber"),
        (Self::Wechat, "wechat"),
        (Self::Messenger, "messenger"),
        (Self::Signal, "signal"),
        (Self::Instagram, "instagram"),
        (Self::Facebook, "facebook"),
    ];

    /// The word in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(app, _)| *app == self).map_or("?", |(_, name)| name)
    }

    /// The application of a word in YAML.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(app, _)| *app)
    }
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Octets of the text, from the application's word on.
    pub written: Range<usize>,
    /// The application.
    pub app: App,
    /// The number, when the name is one.
    pub number: Option<Number>,
    /// In the names of the text.
    pub(super) id: Range<usize>,
}

/// What a word before a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The application; whether the word has no other meaning.
    App(App, bool),
    /// Goes between an application and a name.
    Between,
    /// Between them too, and says that a name follows: `id`.
    Names,
    /// `add`: in Thailand it is LINE that one adds.
    Add,
}

static WORDS: LazyLock<Words<Word>> = LazyLock::new(|| {
    use App::{Facebook, Instagram, Line, Messenger, Signal, Telegram, Viber, Wechat, Whatsapp, Zalo};
    Words::by_last(&[
        (Word::App(Whatsapp, true), "whatsapp|whats app|whatapp|whatsap|watsapp|wasap|wassap|whatsup|วอทส์แอป|วอตส์แอป"),
        (Word::App(Whatsapp, false), "wa|w.a|ws|wapp"),
        (Word::App(Telegram, true), "telegram|telegrm|telegran|เทเลแกรม|เทเล|纸飞机|电报"),
        (Word::App(Telegram, false), "tele|tg"),
        (Word::App(Line, true), "ไลน์|ไลน|แอดไลน์|แอดไลน|line id|id line|l!ne|iine"),
        (Word::App(Line, false), "line|lines"),
        (Word::App(Zalo, true), "zalo|zl|za lo"),
        (Word::App(Viber, true), "viber"),
        (Word::App(Wechat, true), "wechat|we chat|weixin|微信|微信号|薇信|威信|徽信|vx|v信|加v|加微"),
        (Word::App(Messenger, false), "messenger"),
        (Word::App(Signal, false), "signal"),
        (Word::App(Instagram, true), "instagram|insta"),
        (Word::App(Instagram, false), "ig"),
        (Word::App(Facebook, true), "facebook"),
        (Word::App(Facebook, false), "fb"),
        (
            Word::Between,
            "number|no|no.|num|nombor|nomor|nomer|số|so|me|us|at|on|via|to|the|our|my|now|hub|hubungi|chat|\
             official|oa|channel|group|grup|nhóm|nhom|admin|account|acc|is|ini|kami|saya|support|agent|คือ|ที่|\
             加|请加|加我|联系|客服|是",
        ),
        (Word::Names, "id|i.d|ids|username|user|handle|name|nick|ไอดี|ไอดี้|号|號|账号|id:"),
        (Word::Add, "แอด|แอ๊ด|แอดมา|ทัก|add"),
    ])
});

/// Words between an application and a name.
const BETWEEN_MAX: usize = 4;

/// Applications whose names follow without a sign.
static BEYOND_ASCII: LazyLock<Needles> = LazyLock::new(|| Needles::new("ไลน์|微信|薇信|加v|加微"));

/// What finding handles is lent.
pub(super) struct Search<'a> {
    pub(super) text: &'a str,
    pub(super) home: Option<Country>,
    pub(super) links: &'a [Link],
    pub(super) phones: &'a [Phone],
    /// Where links are.
    pub(super) taken: &'a Taken,
    /// Gets the names.
    pub(super) names: &'a mut String,
    pub(super) handles: &'a mut Vec<Handle>,
}

impl Search<'_> {
    /// Finds all handles, in their order.
    pub(super) fn run(mut self, marks: &Marks) {
        let (links, phones) = (self.links, self.phones);
        links.iter().for_each(|link| self.link(link));
        phones.iter().for_each(|phone| self.phone(phone));
        for &at in &marks.signs {
            match self.text.as_bytes().get(at) {
                Some(b'@') => self.at_sign(at),
                Some(b':' | b'=') => self.name_at(at + 1),
                Some(b'_') => self.token(at),
                _ => {}
            }
        }
        for run in &marks.runs {
            let beside = |at: Option<usize>| at.and_then(|at| self.text.as_bytes().get(at)).is_some_and(|b| is_id(*b));
            if run.len() >= 6 || beside(run.start.checked_sub(1)) || beside(Some(run.end)) {
                self.token(run.start);
            }
        }
        for (_, end) in BEYOND_ASCII.each(self.text, marks) {
            self.name_at(end);
        }
        self.handles.sort_by_key(|h| (h.written.start, h.id.start));
        self.handles.dedup_by(|later, earlier| later.written.start < earlier.written.end);
    }

    fn add(&mut self, written: Range<usize>, app: App, name: &str, number: Option<Number>) {
        let known = self.handles.iter().any(|h| super::overlaps(&h.written, &written));
        if !known && self.handles.len() < ENTITIES_MAX {
            let id = self.names.len()..self.names.len() + name.len();
            self.names.push_str(name);
            self.handles.push(Handle { written, app, number, id });
        }
    }

    /// A link that opens an application.
    fn link(&mut self, link: &Link) {
        let host = self.names.get(link.host.clone()).unwrap_or_default();
        if host == "v.whatsapp.com" {
            // Where WhatsApp verifies a number of its own user.
            return;
        }
        let Some((_, app)) = HOSTS.at_end(host) else { return };
        let text = self.text;
        let tail = text.get(link.tail.clone()).unwrap_or_default();
        let phone = ["phone=", "#p/", "number="]
            .iter()
            .find_map(|key| tail.find(key).and_then(|at| tail.get(at + key.len()..)));
        let segments = || tail.trim_start_matches('/').split(['/', '?', '#', '&']);
        let name = match phone {
            Some(phone) => phone.trim_start_matches("%2b"),
            None => segments()
                .find(|s| !s.is_empty() && !LEADS.contains(s))
                .unwrap_or_default()
                .trim_start_matches(['~', '@', '+']),
        };
        let name = name.trim_start_matches("%40").split(['&', '?']).next().unwrap_or_default();
        if name.is_empty() {
            return;
        }
        let number =
            phone::number_of(name, self.home).filter(|_| name.bytes().all(|b| b.is_ascii_digit() || b == b'+'));
        self.add(link.written.clone(), app, name, number);
    }

    /// A number to call, with an application before it.
    fn phone(&mut self, phone: &Phone) {
        if let Some(found) = self.app_before(phone.written.start) {
            let name = self.text.get(phone.written.clone()).unwrap_or_default();
            self.add(found.start..phone.written.end, found.app, name, Some(phone.number));
        }
    }

    /// `@name`.
    fn at_sign(&mut self, at: usize) {
        let text = self.text;
        let mail = text.as_bytes().get(..at).and_then(<[u8]>::last).is_some_and(u8::is_ascii_alphanumeric);
        let name = text.get(at + 1..).map(id_of).unwrap_or_default();
        if mail || name.len() < 2 || self.taken.holds(at + 1) {
            return;
        }
        if let Some(found) = self.app_before(at).or_else(|| self.added(at)) {
            self.add(found.start..at + 1 + name.len(), found.app, name, None);
        }
    }

    /// `แอด @name`.
    fn added(&self, at: usize) -> Option<Found> {
        let near = trim_signs(self.text.get(..at)?);
        match WORDS.at_end(near)? {
            (len, Word::Add) if !near.is_ascii() && !near.ends_with("add") => {
                Some(Found { start: near.len() - len, len, app: App::Line, sure: true, named: true })
            }
            _ => None,
        }
    }

    /// A name that begins at `at`, spaces and signs skipped.
    fn name_at(&mut self, at: usize) {
        let text = self.text;
        if self.app_before(at).is_none() {
            return;
        }
        let start = at + signs_len(text.get(at..).unwrap_or_default());
        let near = text.get(start..).unwrap_or_default();
        // `id : …`, `号…` stand between; the app is looked for before the name itself.
        let word = ["id", "ไอดี", "号", "號"]
            .iter()
            .find(|w| near.starts_with(**w) && !near.as_bytes().get(w.len()).is_some_and(u8::is_ascii_alphanumeric));
        if let Some(word) = word {
            let at = start + word.len();
            self.name(at + signs_len(text.get(at..).unwrap_or_default()));
        } else {
            self.name(start);
        }
    }

    /// The name that the digit or `_` at `at` is in.
    fn token(&mut self, at: usize) {
        let octets = self.text.as_bytes();
        let back =
            octets.get(..at).unwrap_or_default().iter().rev().take(NAME_OCTETS_MAX).take_while(|b| is_id(**b)).count();
        if back < NAME_OCTETS_MAX {
            self.name(at - back);
        }
    }

    fn name(&mut self, start: usize) {
        let text = self.text;
        let Some(found) = self.app_before(start) else { return };
        let name = text.get(start..).map(id_of).unwrap_or_default();
        let letters = name.bytes().any(|b| b.is_ascii_alphabetic());
        let marked = name.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.'));
        if name.len() < if letters { 4 } else { 6 } || self.taken.holds(start) || is_quantity(name) {
            return;
        }
        let gap = text.get(found.end()..start).unwrap_or_default();
        let colon = gap.contains([':', '=']);
        let ends =
            text.get(start + name.len()..).is_some_and(|t| t.is_empty() || t.starts_with(['\n', char::from(READING)]));
        let unspaced = found.sure && text.get(found.start..found.end()).is_some_and(|w| !w.is_ascii());
        let believed = if letters && marked {
            found.sure || found.named || colon
        } else if letters {
            found.named || unspaced || (colon && found.sure && ends && name.len() >= 5)
        } else {
            found.named || (colon && found.sure) || unspaced
        };
        if believed {
            let number = (!letters && name.len() >= 8).then(|| phone::number_of(name, self.home)).flatten();
            self.add(found.start..start + name.len(), found.app, name, number);
        }
    }

    /// The application that stands before `at`.
    fn app_before(&self, at: usize) -> Option<Found> {
        let mut near = trim_signs(self.text.get(..at)?);
        let mut named = false;
        for _ in 0..=BETWEEN_MAX {
            let (len, word) = WORDS.at_end(near)?;
            let start = near.len() - len;
            match word {
                Word::App(app, sure) => {
                    let before = trim_signs(near.get(..start)?);
                    named |= matches!(WORDS.at_end(before), Some((_, Word::Names | Word::Add)));
                    return Some(Found { start, len, app, sure, named });
                }
                Word::Names => named = true,
                Word::Between | Word::Add => {}
            }
            near = trim_signs(near.get(..start)?);
        }
        None
    }
}

/// An application's word.
struct Found {
    start: usize,
    len: usize,
    app: App,
    /// The word has no other meaning.
    sure: bool,
    /// A word says that a name follows.
    named: bool,
}

impl Found {
    fn end(&self) -> usize {
        self.start + self.len
    }
}

/// Octets of a name.
const NAME_OCTETS_MAX: usize = 32;

fn is_id(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'.' | b'-')
}

/// The name that `text` begins with.
fn id_of(text: &str) -> &str {
    let len = text.bytes().take(NAME_OCTETS_MAX + 1).take_while(|b| is_id(*b)).count();
    if len > NAME_OCTETS_MAX {
        return "";
    }
    text.get(..len).unwrap_or_default().trim_end_matches(['.', '-'])
}

/// Octets of spaces and signs that may stand before a name.
fn signs_len(text: &str) -> usize {
    text.bytes().take(4).take_while(|b| matches!(b, b' ' | b':' | b'=' | b'-' | b'(' | b'"' | b'\'' | b'~')).count()
}

/// Without the spaces and signs that part an application from a name.
fn trim_signs(text: &str) -> &str {
    let octets = text
        .bytes()
        .rev()
        .take(5)
        .take_while(|b| {
            matches!(
                b,
                b' ' | b':' | b'=' | b'-' | b'(' | b'@' | b'"' | b'+' | b'~' | b',' | b'.' | b'\n' | b'/' | b'#'
            )
        })
        .count();
    text.get(..text.len() - octets).unwrap_or_default()
}

/// Hosts that open an application.
static HOSTS: LazyLock<Words<App>> = LazyLock::new(|| {
    Words::by_last(&[
        (App::Whatsapp, "wa.me|wa.link|whatsapp.com"),
        (App::Telegram, "t.me|telegram.me|telegram.dog"),
        (App::Line, "line.me|lin.ee"),
        (App::Zalo, "zalo.me"),
        (App::Viber, "viber.com"),
        (App::Wechat, "wechat.com|weixin.qq.com"),
        (App::Messenger, "m.me"),
        (App::Signal, "signal.me|signal.group"),
        (App::Instagram, "instagram.com|ig.me"),
        (App::Facebook, "facebook.com|fb.com|fb.me"),
    ])
});

/// Parts of a path that come before a name.
const LEADS: &[&str] = &[
    "r",
    "ti",
    "p",
    "g",
    "g2",
    "s",
    "m",
    "u",
    "c",
    "send",
    "joinchat",
    "channel",
    "groups",
    "pages",
    "profile.php",
    "share",
    "invite",
    "message",
    "oa",
    "d",
    "l",
    "dl",
];
