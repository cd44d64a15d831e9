//! A text as long as a PDU carries is read in a time in proportion to its length, whatever it is made of: no sender may
//! choose a text that holds up everybody else's.
#![allow(clippy::disallowed_methods, reason = "a test of time needs the real clock")]

use std::time::Instant;

use tapis::text::number::Country;
use tapis::text::{ReadContext, Reading};

/// What texts are made of, again and again: beginnings and ends of everything that is looked for in a text.
const ATOMS: &[&str] = &[
    "a",
    "@",
    "a@",
    "@a",
    "a@a.",
    "http://",
    "https//",
    "//",
    "/",
    "1",
    "1 ",
    "12-",
    "1,",
    "1.",
    "+65 ",
    "+",
    "(",
    ")",
    "RM",
    "RM1",
    "$1 ",
    "$",
    "Rp.",
    "5jt ",
    "บาท",
    "1 บาท ",
    "wa ",
    "line id ",
    "id: ",
    "t.me/",
    "a.b.",
    "a.",
    ".",
    ".com",
    "com.",
    "a.com",
    "a.com/",
    "bit . ly ",
    "[.]",
    " dot ",
    "hxxp",
    "xn--",
    "xn--a.",
    "127.",
    "0x1.",
    "0812-3456 ",
    "code is ",
    "otp ",
    "G-",
    "is ",
    "4a",
    "a4",
    "!",
    "a!",
    "'a",
    "-",
    "_",
    "a-",
    "e\u{301}",
    "\u{301}",
    "\u{200b}",
    "\u{202e}",
    "ﬁ",
    "Ａ",
    "𝗔",
    "ก",
    "한",
    "ạ",
    "😀",
    "\n",
    "x\n",
    " , ",
    "?",
    "#",
    ":",
];

#[test]
fn reading_takes_time_in_proportion_to_the_text() {
    const OCTETS: usize = 600;
    const TIMES: usize = 24;
    let mut reading = Reading::default();
    let cx = ReadContext { home: Country::parse("SG"), ..ReadContext::default() };
    // The fastest of three: the machine may have other work.
    let mut time = |text: &str| {
        let once = |reading: &mut Reading| {
            let start = Instant::now();
            reading.read_text(text, &cx);
            start.elapsed().as_secs_f64()
        };
        (0..3).map(|_| once(&mut reading)).fold(f64::INFINITY, f64::min)
    };
    time(&"abc ".repeat(OCTETS * TIMES / 4));
    let mut slow = Vec::new();
    for atom in ATOMS {
        let count = OCTETS / atom.len();
        // In proportion it is 24 times as much, with the square 576 times, and that every time.
        let fits = (0..5).any(|_| time(&atom.repeat(count * TIMES)) <= time(&atom.repeat(count)) * 6.0 * 24.0);
        if !fits {
            slow.push(format!("{atom:?}: {TIMES} times {OCTETS} octets take more than 144 times as long"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
