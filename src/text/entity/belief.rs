//! Whether two words with a dot between them are a host, or the end of a sentence and the start of the next.
//!
//! Behind `https://` or `www.` there is nothing to decide. Elsewhere what speaks for a host is added up and must reach
//! [`BELIEVED`]: how seldom its last label is a word of a text, a path behind it, a hyphen or digits among letters
//! before it, a word that leads to a link. What speaks against it: a dot that is none, a capital letter behind the dot.

use std::sync::LazyLock;

use super::host::Dot;
use super::words::{Words, first_octets};

/// Evidence from which a host is believed.
pub(super) const BELIEVED: i32 = 3;

/// A name that may be a host, in small letters and with dots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// All of it.
    pub(super) name: &'a str,
    /// Its public suffix.
    pub(super) suffix: &'a str,
    /// Its labels without the suffix, at least one.
    pub(super) front: &'a str,
    /// The least likely of its dots.
    pub(super) dot: Dot,
    /// Whether a dot of it has a space on either side.
    pub(super) spaced: bool,
    /// The text before it.
    pub(super) before: &'a str,
    /// The text behind it.
    pub(super) behind: &'a str,
    /// Whether the label behind its first dot begins with a capital letter, and the one before ends with a small one.
    pub(super) sentence: bool,
}

impl Candidate<'_> {
    /// Whether it is a host.
    pub(super) fn is_believed(&self) -> bool {
        self.evidence() >= BELIEVED
    }

    fn evidence(&self) -> i32 {
        if self.front == "www" || self.front.is_empty() {
            return 0;
        }
        if self.name.starts_with("www.") || BELIEVED_HOSTS.whole(self.name).is_some() {
            return 4 + self.dots() + i32::from(has_path(self.behind));
        }
        let registrable = self.front.rsplit('.').next().unwrap_or(self.front);
        let rare = rarity(self.suffix);
        let path = has_path(self.behind) || (self.spaced && !self.sentence && has_spaced_path(self.behind));
        let shape = shape(registrable, rare, self.dot);
        let mut sum = rare + self.dots() + shape;
        if path {
            // `1th.me/x`: what a number with its unit looks like says nothing any more.
            sum += if shape < 0 && is_quantity(registrable) { 3 - shape } else { 3 };
        } else if self.sentence && rare < 4 {
            sum -= 3;
        } else if self.behind.starts_with('/') {
            sum += 1;
        }
        if self.front.contains('.') && rare >= 1 && !matches!(self.dot, Dot::Spaced | Dot::Comma) {
            sum += 1;
        }
        if rare < 3 && matches!(self.dot, Dot::Spaced | Dot::Comma) && !path {
            sum -= 1;
        }
        if self.is_led_to() {
            sum += 1;
        }
        sum
    }

    fn dots(&self) -> i32 {
        match self.dot {
            Dot::Plain => 0,
            Dot::Disguised => 2,
            Dot::Spelled => -1,
            Dot::Broken | Dot::Spaced | Dot::Comma => -2,
        }
    }

    /// A word like `visit`, a colon, or a script without spaces stands before it.
    fn is_led_to(&self) -> bool {
        let near = super::words::trim_spaces_end(self.before, 2);
        match near.as_bytes().last() {
            None => false,
            Some(b':' | b'=' | b'>') => true,
            Some(0x80..) => {
                near.chars().next_back().is_some_and(super::host::is_unspaced) || LEADS.at_end(near).is_some()
            }
            Some(_) => LEADS.at_end(near).is_some(),
        }
    }
}

/// [`RARITIES`] in the order of the first octets of each.
static RARITY: LazyLock<Vec<(u64, &str, i32)>> = LazyLock::new(|| {
    let each = |(rarity, suffixes): &(i32, &'static str)| {
        let rarity = *rarity;
        suffixes.split_ascii_whitespace().map(move |suffix| (first_octets(suffix), suffix, rarity))
    };
    let mut all: Vec<_> = RARITIES.iter().flat_map(each).collect();
    all.sort_unstable();
    all
});

/// Suffixes that hardly any sentence begins with.
#[rustfmt::skip]
pub(super) static RARE: LazyLock<Words<()>> = LazyLock::new(|| {
    let rare = RARITIES.iter().filter(|(rarity, _)| *rarity >= 2);
    let each: Vec<_> = rare.flat_map(|(_, suffixes)| suffixes.split_ascii_whitespace().map(|s| ((), s))).collect();
    Words::by_first(&each)
});

/// How seldom a public suffix stands behind a dot by chance: 4 never, 0 every day.
fn rarity(suffix: &str) -> i32 {
    if suffix.contains('.') {
        return 4;
    }
    let key = first_octets(suffix);
    let from = RARITY.partition_point(|(known, _, _)| *known < key);
    let same = RARITY.get(from..).unwrap_or_default().iter().take_while(|(known, _, _)| *known == key);
    match same.into_iter().find(|(_, known, _)| *known == suffix) {
        Some((_, _, rarity)) => *rarity,
        None if suffix.starts_with("xn--") || !suffix.is_ascii() => 4,
        None if suffix.len() == 2 => 1,
        None => 2,
    }
}

/// What the registrable label looks like. Where the dot may end a sentence as well, only digits that are no letters in
/// disguise speak for a host: `9y15. com`, and not `0nly. Jp`.
fn shape(label: &str, rare: i32, dot: Dot) -> i32 {
    let octets = label.as_bytes();
    let digits = octets.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == octets.len() {
        return if rare >= 3 && digits > 1 { 0 } else { i32::try_from(digits.min(3)).unwrap_or(3) - 4 };
    }
    if digits > 0 && is_quantity(label) {
        return if rare == 4 { -1 } else { -2 };
    }
    let long = i32::from(octets.len() >= 4);
    // Hyphens between single letters are no part of a name: `d-o-e-s`.
    let hyphen = label.trim_matches('-').contains('-') && label.split('-').any(|part| part.len() > 1);
    if hyphen && rare < 2 && digits == 0 {
        return long;
    }
    let is_name = match dot {
        Dot::Spaced | Dot::Comma => digits > 1,
        Dot::Spelled => hyphen || digits > 1,
        Dot::Plain | Dot::Disguised | Dot::Broken => hyphen || digits > 0 || !label.is_ascii(),
    };
    long + if is_name { 2 } else { 0 } - i32::from(octets.len() < 3)
}

/// `7days`, `10pm`, `rm500`: a number with its unit.
pub(super) fn is_quantity(label: &str) -> bool {
    let letters_behind = label.trim_start_matches(|c: char| c.is_ascii_digit());
    let letters_before = label.trim_end_matches(|c: char| c.is_ascii_digit());
    (letters_behind.len() < label.len() && UNITS.whole(letters_behind).is_some())
        || (letters_before.len() < label.len() && CURRENCIES.whole(letters_before).is_some())
}

pub(super) fn has_path(behind: &str) -> bool {
    match behind.as_bytes() {
        [b'/', next, ..] => !next.is_ascii_whitespace(),
        [b'/'] => true,
        [b'?' | b'#', next, ..] => next.is_ascii_alphanumeric(),
        [b':', b'0'..=b'9', b'0'..=b'9', rest @ ..] => rest.iter().find(|b| !b.is_ascii_digit()) == Some(&b'/'),
        _ => false,
    }
}

/// A path with spaces around its stroke, as behind a dot with spaces around it: `bit . ly / x`.
fn has_spaced_path(behind: &str) -> bool {
    let path = behind.strip_prefix(' ').and_then(|path| path.strip_prefix('/'));
    path.is_some_and(|path| super::words::trim_spaces_start(path, 1).starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Hosts that everybody knows, however short they are.
#[rustfmt::skip]
pub(super) static BELIEVED_HOSTS: LazyLock<Words<()>> = LazyLock::new(|| {
    Words::by_first(&[(
        (),
        "bit.do|bit.ly|bom.so|buff.ly|chat.whatsapp.com|cutt.ly|fb.com|fb.me|g.co|goo.gl|ig.me|is.gd|lin.ee|line.me|\
         m.me|me.qr|ow.ly|rb.gy|s.id|t.co|t.ly|t.me|tiny.cc|tsel.me|v.gd|wa.link|wa.me|x.co|x.com|zalo.me",
    )])
});

/// Words that lead to a link.
#[rustfmt::skip]
static LEADS: LazyLock<Words<()>> = LazyLock::new(|| {
    Words::by_last(&[(
        (),
        "web|website|site|link|url|visit|click|klik|tap|open|goto|go to|log on to|login|layari|lawati|\
           kunjungi|kunjung|buka|akses|bisita|pindutin|truy cập|truy cap|vào|vao|xem|nhấp|bấm",
    )])
});

#[rustfmt::skip]
static UNITS: LazyLock<Words<()>> = LazyLock::new(|| {
    Words::by_first(&[(
        (),
        "a|am|bulan|d|day|days|g|gb|h|hari|hour|hours|hr|hrs|jt|juta|k|kb|kg|km|lh|m|mb|menit|min|minit|mins|\
         ml|month|months|mth|mths|nd|ngay|nguoi|p|pax|pcs|pm|pt|pts|rb|rd|ribu|sec|secs|sms|st|tahun|th|thang|\
         tr|trieu|week|weeks|wk|wks|x|year|years|yr|yrs",
    )])
});

#[rustfmt::skip]
static CURRENCIES: LazyLock<Words<()>> = LazyLock::new(|| {
    Words::by_first(&[(
        (),
        "idr|inr|myr|n|ngn|p|php|rm|rp|rs|s|sgd|thb|usd|vnd",
    )])
});

/// Suffixes of which more can be said than their length, by how seldom they stand behind a dot by chance. Those of
/// everyday words are left to a path, a hyphen or digits to speak for.
#[rustfmt::skip]
const RARITIES: &[(i32, &str)] = &[
    (4, "biz cfd com cyou icu mobi org sbs xyz"),
    (3, "asia au bn cc cn eu hk io jp kh kr ly net nz pw ru sg tv tw uk vn"),
    (2, "app bio club co fyi gd gg gl gle info lat ph pro shop site store tech th top vip wang wtf xin"),
    (
        1,
        "ac auction bank beauty bet bid blog ca cafe cam ch click cloud de dental domains download foo forum futbol \
         games golf goog host id immo inc ink kim life limo link live ltda market media moda monster mov online page \
         pics poker pub quest reise ren rocks social space sport tk vin wiki win ws zone",
    ),
    (
        0,
        "aaa abc able actor ad agency ai aig am amazon amex android apartments apple art as associates at attorney \
         audible audio author auto autos axa baby baidu band bar bargains bbc bbva bcn be beer best bike bing bingo \
         black bloomberg blue boats book booking bot box broker build builders business buy by cab call camera camp \
         capital car cards care career careers cars case cash casino cat catering center chat cheap church citi city \
         claims cleaning clinic clothing coach codes coffee college community company computer condos consulting \
         contact contractors cooking cool country coupons courses credit cricket cruises dad dance data date dating \
         day deal deals degree delivery dell delta democrat dentist design dhl diamonds diet digital direct directory \
         discount do doctor dog dot drive dtv dvr earth eat education email energy engineer enterprises estate events \
         exchange exposed express fail faith family fan fans farm fashion fast feedback film final finance financial \
         fire fish fit flights florist flowers fly food football ford foundation fox free fun fund furniture gallery \
         game garden gay gift gifts glass global gmail gold google got graphics gratis green grocery group guide \
         guitars guru hair hdfc hdfcbank health healthcare help here holiday honda horse hospital hosting hot hotel \
         hotels house how hr hsbc ibm icbc ice im in industries ing institute insurance insure international \
         investments is ist it itau java jcb jewelry jio jobs joy kia kids kindle kitchen la lamborghini land law \
         lawyer lds lease legal lifestyle lighting like limited lincoln living loan loans locker lol lotto love ltd \
         luxury ma maif makeup man management map marketing markets mba me meet meme memorial men menu microsoft mini \
         mint mit mobile mom money mortgage movie mr mt mtr music my na name navy nba netflix network neustar new \
         news next nexus nfl ng nokia now observer office om one ooo open oracle organic origins pa partners parts \
         party pay pet phone photo photography photos physio pictures pin ping pink pioneer pizza place play plumbing \
         plus pm post press prime productions prof promo properties property protection prudential quebec racing \
         radio read recipes red rehab reliance rent rentals repair report republican rest restaurant review reviews \
         rich room run safe sale salon samsung sap sas save saxo sbi scholarships school science se search seat \
         secure security seek select services seven sex sexy shell shoes show si silk singles sky skype sling smart \
         smile so soccer software solar solutions song sony spa spot stada star storage stream study style supplies \
         supply support surf surgery swiss systems tab talk taobao target tatar tattoo tax taxi tdk team technology \
         tel tennis thd theater theatre tiaa tickets tips tires tjx tmall to today tools total tours town toyota toys \
         trade training travel travelers trust tt tube unicom university uno us vacations ve ventures vet video visa \
         vision vivo vodka volvo vote voting voyage watch watches weather web wedding weibo windows wine woodside \
         work works world wow wtc xbox xxx yahoo yoga you youtube zara zero zip",
    ),
    (-1, "no"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        let count: usize = RARITIES.iter().map(|(_, suffixes)| suffixes.split_ascii_whitespace().count()).sum();
        let mut known: Vec<_> = RARITY.iter().map(|(_, suffix, _)| *suffix).collect();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), count, "no suffix stands twice");
        let stale: Vec<_> = known.into_iter().filter(|s| !super::super::host::is_top(s)).collect();
        assert!(stale.is_empty(), "no suffixes: {stale:?}");
    }
}
