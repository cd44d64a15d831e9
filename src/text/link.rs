//! Links: with a scheme or without, and with the dots that people put to slip past a filter.

use std::ops::Range;

use crate::limits::ENTITIES_MAX;

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A host with a name.
    Plain,
    /// An IP address.
    Ip,
    /// A name with characters beyond ASCII, or in punycode.
    Punycode,
    /// An Android package.
    Apk,
}

impl LinkKind {
    /// The word in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ip => "ip",
            Self::Punycode => "punycode",
            Self::Apk => "apk",
        }
    }
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Octets of the text.
    pub written: Range<usize>,
    /// What it leads to.
    pub kind: LinkKind,
    pub(super) host: Range<usize>,
    pub(super) domain: Range<usize>,
}

/// How two labels are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dot {
    /// A dot.
    Plain,
    /// `[.]`, `(.)`, `。`: a dot that nobody writes by chance.
    Disguised,
    /// ` . `: a dot among spaces.
    Spaced,
    /// A comma.
    Comma,
}

/// Labels of one host.
const LABELS_MAX: usize = 10;

/// Top-level domains that are believed behind a dot which is none: the usual, and those that scams use.
const BELIEVED: &[&str] = &[
    "com", "net", "org", "info", "biz", "top", "xyz", "shop", "site", "online", "club", "vip", "cc", "life", "live",
    "link", "click", "win", "bet", "app", "co", "ly", "pro", "icu", "store", "asia", "sg", "my", "th", "id", "vn",
    "ph", "cn", "hk", "tw", "kh", "la", "mm",
];

/// Domains that are words of everyday sentences: believed only with a path, or when nothing else stands there.
const WORDS: &[&str] = &[
    "now", "today", "call", "date", "here", "me", "it", "is", "in", "to", "at", "so", "no", "be", "my", "am", "pm",
    "by", "as", "do", "id", "us", "help", "free", "ok", "care", "one", "world", "money", "cash", "day", "band", "best",
    "you", "how", "like", "love", "ma", "la", "ai", "pay", "gift", "game", "case", "work", "home", "sa", "na", "ng",
    "ya",
];

struct Host {
    /// Octets of the text.
    end: usize,
    labels: [(usize, usize, Dot); LABELS_MAX],
    count: usize,
}

/// Finds links; hosts are appended to `hosts`.
pub(super) fn find(text: &str, hosts: &mut String, links: &mut Vec<Link>) {
    links.clear();
    let mut at = 0;
    while at < text.len() && links.len() < ENTITIES_MAX {
        let rest = text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        let previous = text.get(..at).and_then(|t| t.chars().next_back());
        let starts = is_label(c) && !previous.is_some_and(|p| is_label(p) || p == '@' || p == '-');
        let link = if starts { link_at(text, at, hosts) } else { None };
        at = match link {
            Some(link) => {
                let end = link.written.end;
                links.push(link);
                end
            }
            None if starts => at + label_len(rest).max(c.len_utf8()),
            None => at + c.len_utf8(),
        };
    }
}

fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric() && !spaceless(c))
}

fn spaceless(c: char) -> bool {
    matches!(u32::from(c), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x9fff
        | 0xac00..=0xd7af | 0x2_0000..=0x3_ffff)
}

fn label_len(text: &str) -> usize {
    text.char_indices().find(|(_, c)| !is_label(*c) && *c != '-' && *c != '_').map_or(text.len(), |(at, _)| at)
}

fn link_at(text: &str, at: usize, hosts: &mut String) -> Option<Link> {
    let rest = text.get(at..)?;
    let scheme = scheme_len(rest);
    let userinfo = if scheme > 0 { userinfo_len(text.get(at + scheme..)?) } else { 0 };
    let host_at = at + scheme + userinfo;
    let host = read_host(text, host_at)?;
    if text.get(host.end..).is_some_and(|t| t.starts_with('@')) {
        return None;
    }
    let count = (2..=host.count).rev().find(|n| believed(text, &host, *n, scheme > 0)).or_else(|| ip(text, &host))?;
    let (_, end, _) = *host.labels.get(count - 1)?;
    let is_ip = ip(text, &host) == Some(count);
    let tail_len = tail(text.get(end..)?);
    let start = hosts.len();
    for (n, (from, to, _)) in host.labels.iter().take(count).enumerate() {
        if n > 0 {
            hosts.push('.');
        }
        hosts.extend(text.get(*from..*to)?.chars().flat_map(char::to_lowercase));
    }
    let name = hosts.get(start..)?;
    let domain = if is_ip { name } else { psl::domain_str(name).unwrap_or(name) };
    let domain_start = start + name.len() - domain.len();
    let path = text.get(end..end + tail_len)?;
    let kind = if is_ip {
        LinkKind::Ip
    } else if path.to_ascii_lowercase().ends_with(".apk") {
        LinkKind::Apk
    } else if !name.is_ascii() || name.split('.').any(|l| l.starts_with("xn--")) {
        LinkKind::Punycode
    } else {
        LinkKind::Plain
    };
    let (host, domain) = (start..hosts.len(), domain_start..hosts.len());
    Some(Link { written: at..end + tail_len, kind, host, domain })
}

/// Octets of `https://` and what people write for it.
fn scheme_len(rest: &str) -> usize {
    let lower: String = rest.chars().take(12).map(|c| c.to_ascii_lowercase()).collect();
    ["https://", "http://", "hxxps://", "hxxp://", "ftp://", "https:/", "http:/", "https//", "http//"]
        .into_iter()
        .find(|s| lower.starts_with(s))
        .map_or(0, str::len)
}

fn userinfo_len(rest: &str) -> usize {
    let authority = rest.split(['/', '?', '#', ' ', '\n']).next().unwrap_or(rest);
    if authority.len() == rest.len() && !rest.contains('@') { 0 } else { authority.rfind('@').map_or(0, |at| at + 1) }
}

/// Labels and dots as far as they go.
fn read_host(text: &str, at: usize) -> Option<Host> {
    let mut host = Host { end: at, labels: [(0, 0, Dot::Plain); LABELS_MAX], count: 0 };
    let mut dot = Dot::Plain;
    let mut from = at;
    while let Some(slot) = host.labels.get_mut(host.count) {
        let len = label_len(text.get(from..)?);
        let len = text.get(from..from + len)?.trim_end_matches(['-', '_']).len();
        if len == 0 {
            break;
        }
        *slot = (from, from + len, dot);
        host.count += 1;
        host.end = from + len;
        let Some((next, width)) = dot_at(text.get(host.end..)?) else { break };
        dot = next;
        from = host.end + width;
    }
    (host.count > 0).then_some(host)
}

/// What joins two labels, and its octets.
fn dot_at(rest: &str) -> Option<(Dot, usize)> {
    for (written, dot) in [
        ("[.]", Dot::Disguised),
        ("(.)", Dot::Disguised),
        ("[dot]", Dot::Disguised),
        ("(dot)", Dot::Disguised),
        ("。", Dot::Disguised),
        ("．", Dot::Disguised),
        ("｡", Dot::Disguised),
        (" . ", Dot::Spaced),
        (" .", Dot::Spaced),
        (".", Dot::Plain),
        (",", Dot::Comma),
    ] {
        if rest.starts_with(written) {
            let next = rest.get(written.len()..)?.chars().next()?;
            return is_label(next).then_some((dot, written.len()));
        }
    }
    None
}

/// Whether the first `count` labels are a host that people can open.
fn believed(text: &str, host: &Host, count: usize, scheme: bool) -> bool {
    let label = |n: usize| host.labels.get(n).and_then(|(from, to, _)| text.get(*from..*to)).unwrap_or_default();
    let top = label(count - 1);
    let lower = top.to_lowercase();
    let end = host.labels.get(count - 1).map_or(0, |l| l.1);
    let after = text.get(end..).and_then(|t| t.chars().next());
    let path = matches!(after, Some('/' | '?' | ':'));
    if !known_suffix(&lower) || after.is_some_and(|c| c == '@' || c == '_') {
        return false;
    }
    if scheme {
        return true;
    }
    let before = label(count - 2);
    let dots = host.labels.iter().take(count).skip(1).map(|(_, _, dot)| *dot);
    let worst = dots.fold(Dot::Plain, |worst, dot| match (worst, dot) {
        (Dot::Comma, _) | (_, Dot::Comma) => Dot::Comma,
        (Dot::Spaced, _) | (_, Dot::Spaced) => Dot::Spaced,
        (Dot::Disguised, _) | (_, Dot::Disguised) => Dot::Disguised,
        _ => Dot::Plain,
    });
    if before.bytes().all(|b| b.is_ascii_digit())
        && !path
        && !["com", "net", "cc", "vip", "top", "xyz"].contains(&&*lower)
    {
        return false;
    }
    let sentence = count == 2 && !path && (WORDS.contains(&&*lower) || starts_a_sentence(before, top));
    match worst {
        Dot::Plain => !sentence,
        Dot::Disguised => true,
        Dot::Spaced => BELIEVED.contains(&&*lower) && (path || !sentence),
        Dot::Comma => {
            BELIEVED.contains(&&*lower) && before.len() >= 3 && !sentence && !before.bytes().all(|b| b.is_ascii_digit())
        }
    }
}

/// `done.Please`: the dot ends a sentence.
fn starts_a_sentence(before: &str, top: &str) -> bool {
    let capital = top.chars().next().is_some_and(char::is_uppercase);
    let small_rest = top.chars().skip(1).all(char::is_lowercase);
    let before_small = before.chars().next_back().is_some_and(char::is_lowercase);
    capital && small_rest && before_small && !["com", "net", "org"].contains(&top.to_lowercase().as_str())
}

fn known_suffix(top: &str) -> bool {
    use psl::Psl;
    top.chars().all(|c| !c.is_ascii_digit())
        && top.chars().count() >= 2
        && psl::List.suffix(top.as_bytes()).is_some_and(|s| s.is_known())
        || top.starts_with("xn--")
}

fn ip(text: &str, host: &Host) -> Option<usize> {
    if host.count < 4 {
        return None;
    }
    let octet = |(from, to, dot): &(usize, usize, Dot)| {
        *dot != Dot::Comma && text.get(*from..*to).is_some_and(|l| l.len() <= 3 && l.parse::<u8>().is_ok())
    };
    host.labels.iter().take(4).all(octet).then_some(4)
}

/// Octets of port, path and query behind a host.
fn tail(rest: &str) -> usize {
    let port = rest.strip_prefix(':').map_or(0, |p| p.bytes().take_while(u8::is_ascii_digit).count());
    let port = if port > 0 { port + 1 } else { 0 };
    let path = rest.get(port..).unwrap_or_default();
    if !path.starts_with(['/', '?', '#']) {
        return port;
    }
    let end = path.char_indices().find(|(_, c)| {
        c.is_whitespace() || matches!(c, '<' | '>' | '"' | '「' | '」' | '，' | '。' | '）') || spaceless(*c)
    });
    let path = path.get(..end.map_or(path.len(), |(at, _)| at)).unwrap_or(path);
    port + path.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '”', '»', ']']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String, &'static str)> {
        let (mut hosts, mut links) = (String::new(), Vec::new());
        find(text, &mut hosts, &mut links);
        links
            .iter()
            .map(|l| (text[l.written.clone()].to_owned(), hosts[l.domain.clone()].to_owned(), l.kind.name()))
            .collect()
    }

    #[test]
    fn links_are_found_however_their_dots_are_written() {
        for (text, written, domain, kind) in [
            ("ยืนยันตัวตน https://kbnk-th.xyz/a", "https://kbnk-th.xyz/a", "kbnk-th.xyz", "plain"),
            ("ยืนยันที่kbnk-th.xyz/aด่วน", "kbnk-th.xyz/a", "kbnk-th.xyz", "plain"),
            ("layari pos-my . top/a", "pos-my . top/a", "pos-my.top", "plain"),
            ("Web: 11y.life", "11y.life", "11y.life", "plain"),
            ("pIay online! pinaswin,com", "pinaswin,com", "pinaswin.com", "plain"),
            ("See www.dbs.com.sg.", "www.dbs.com.sg", "dbs.com.sg", "plain"),
            ("kbank[.]co/login now", "kbank[.]co/login", "kbank.co", "plain"),
            ("http://203.0.113.9:8080/x", "http://203.0.113.9:8080/x", "203.0.113.9", "ip"),
            ("get http://a.top/bank.apk!", "http://a.top/bank.apk", "a.top", "apk"),
            ("xn--dbs-abc.com here", "xn--dbs-abc.com", "xn--dbs-abc.com", "punycode"),
            ("bit.ly/3xYz", "bit.ly/3xYz", "bit.ly", "plain"),
            ("http://dbs.com@evil.top/", "http://dbs.com@evil.top/", "evil.top", "plain"),
        ] {
            assert_eq!(found(text), [(written.to_owned(), domain.to_owned(), kind)], "{text}");
        }
    }

    #[test]
    fn times_amounts_sentences_and_addresses_are_no_links() {
        for text in [
            "10.30am",
            "RM1,250.00 pada 23/11/2026",
            "v1.2.3",
            "mail me@bank.com please",
            "lunch at 12.Then we go",
            "I am done.Please call",
            "OTP 1234.",
            "ok.now",
            "e.g. this",
            "RM0.00 Bungkusan anda ditahan, layari",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
