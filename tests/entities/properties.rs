//! Laws over any text: nothing panics, ranges are whole, and work grows with the text and no faster.

use std::ops::Range;

use proptest::prelude::*;
use tapis::limits::ENTITIES_MAX;
use tapis::text::entity::Entities;
use tapis::text::number::Country;
use tapis::text::{ReadContext, Reading};

fn read(text: &str, home: &str) -> Reading {
    let mut reading = Reading::default();
    reading.read_text(text, &ReadContext { home: Country::parse(home), ..ReadContext::default() });
    reading
}

/// What every list of entities must hold to.
fn holds(reading: &Reading) {
    let lists: [Vec<Range<usize>>; 5] = [
        reading.links().iter().map(|x| x.written.clone()).collect(),
        reading.phones().iter().map(|x| x.written.clone()).collect(),
        reading.handles().iter().map(|x| x.written.clone()).collect(),
        reading.amounts().iter().map(|x| x.written.clone()).collect(),
        reading.codes().iter().map(|x| x.written.clone()).collect(),
    ];
    for list in &lists {
        assert!(list.len() <= ENTITIES_MAX);
        assert!(list.iter().all(|r| !r.is_empty() && reading.text().get(r.clone()).is_some()), "{:?}", reading.text());
        assert!(list.is_sorted_by(|a, b| a.end <= b.start), "{list:?} in {:?}", reading.text());
    }
    for link in reading.links() {
        let (host, domain) = (reading.link_host(link), reading.link_domain(link));
        assert!(host.ends_with(domain) && !domain.is_empty(), "{host} {domain}");
        assert!(host.chars().all(|c| !c.is_ascii_uppercase() && !c.is_whitespace()), "{host:?}");
        assert!(link.kinds().count() >= 1);
    }
    assert!(reading.handles().iter().all(|h| !reading.handle_id(h).is_empty()));
    assert!(reading.codes().iter().all(|c| (4..=8).contains(&c.len)));
}

/// Pieces that entities are made of, and that finders stumble over.
const PIECES: &[&str] = &[
    ".",
    ",",
    " ",
    "\n",
    "-",
    "_",
    "@",
    ":",
    "/",
    "//",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "=",
    "+",
    "%",
    "#",
    "$",
    "\\",
    "'",
    "0",
    "1",
    "42",
    "482913",
    "6591234567",
    "0812",
    "www",
    "http",
    "https",
    "hxxp",
    "com",
    "sg",
    "th",
    "top",
    "xyz",
    "co",
    "in",
    "kbank",
    "dbs",
    "dot",
    "titik",
    "bit.ly",
    "t.me",
    "wa.me",
    "rm",
    "rp",
    "บาท",
    "元",
    "đ",
    "otp",
    "รหัส",
    "验证码",
    "line",
    "ไลน์",
    "微信",
    "wa",
    "zalo",
    "call",
    "โทร",
    "rek",
    "id",
    "o",
    "l",
    "xn--",
    "а",
    "ｋ",
    "。",
    "·",
    "é",
    "ด่วน",
    "中国",
    "\u{200b}",
    "A",
    "K",
    "apk",
    ".apk",
    "%65",
    "[::1]",
    "0x7f",
    "h t t p s",
    "b i t",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in any::<String>(), home in prop::sample::select(vec!["SG", "TH", "CN", "ID", ""])) {
        holds(&read(&text, home));
    }

    #[test]
    fn any_mixture_of_what_entities_are_made_of_is_read(text in pieces(), home in prop::sample::select(vec!["SG", "TH", "CN", "ID", ""])) {
        holds(&read(&text, home));
    }

    #[test]
    fn a_link_is_found_in_any_words_around_it(before in "[a-z ]{0,30}", after in "[a-z ]{0,30}") {
        let text = format!("{before} https://kbnk-th.xyz/a {after}");
        let reading = read(&text, "TH");
        prop_assert!(reading.links().iter().any(|l| reading.link_host(l) == "kbnk-th.xyz"), "{text}");
    }
}

/// Texts that make a careless finder look at everything again and again.
const HOSTILE: &[&str] = &[
    ".",
    "1",
    "w",
    "a.",
    "1.",
    "in.",
    "a-",
    "-\n",
    "@a",
    "a@",
    "1 ",
    "1234567 ",
    "111 ",
    "1.1 ",
    "1,",
    "a,",
    "( ",
    " .",
    " . a",
    "b . ",
    "a dot ",
    "dot com ",
    "com ",
    "http:",
    "http:/",
    "http://",
    "http://a",
    "https://a.co ",
    "://",
    ":",
    "::: ",
    "=",
    "_",
    "x_",
    "wa: ",
    "wa 1234567 ",
    "line: a1b2 ",
    "[.]",
    "a[.]",
    "·",
    "a·b",
    "ไลน์",
    "微信",
    "加v",
    "โทร",
    "otp ",
    "otp 1234 ",
    "1234 ",
    "1234-5678 ",
    "rm1 ",
    "$1",
    "+",
    "+1",
    "(1)",
    "o1",
    "0 ",
    "%",
    "http://%",
    "xn--a.",
    "а.",
    "ก.",
    "中",
    "a.b.c.in/",
    "1.2.3.4 ",
    "call 12345678 rek 12345678 ",
];

#[test]
#[allow(clippy::disallowed_methods, reason = "work is compared by the time it takes, at sizes far apart")]
fn work_grows_with_the_text_and_no_faster() {
    let mut entities = Entities::default();
    let mut time = |text: &str| {
        (0..3)
            .map(|_| {
                let start = std::time::Instant::now();
                entities.find(text, Country::parse("TH"), &|_| false);
                start.elapsed()
            })
            .min()
            .unwrap_or_default()
    };
    for piece in HOSTILE {
        let of = |octets: usize| piece.repeat(octets / piece.len());
        // Sixteen times the text: linear work takes sixteen times as long, quadratic work 256 times, and that every time.
        let fits = (0..3).any(|_| {
            let (small, large) = (time(&of(2 * 1024)), time(&of(32 * 1024)));
            large < small * 64
        });
        assert!(fits, "{piece:?}: 64 KiB take more than 64 times as long as 4 KiB");
        holds(&read(&of(1024), "TH"));
    }
}
