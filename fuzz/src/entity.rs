//! Links, phone numbers, handles, amounts and codes: where they stand in a text, and that they stand there.

use std::ops::Range;

use tapis::limits::{ENTITIES_MAX, TEXT_CHARACTERS_MAX};
use tapis::text::number::Country;
use tapis::text::{ReadContext, Reading};

/// The input is a text, behind two letters for the country that it is read in; what is no UTF-8 in it is replaced.
pub fn run(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let home = text.get(..2).and_then(Country::parse);
    let mut reading = Reading::default();
    for home in [None, home.or(Country::parse("SG"))] {
        reading.read_text(&text, &ReadContext { home, ..ReadContext::default() });
        is_sound(&reading);
    }
}

/// Everything that a reading says of its text is true of it.
pub fn is_sound(reading: &Reading) {
    let text = reading.text();
    assert!(text.chars().count() <= TEXT_CHARACTERS_MAX);
    let (start, end) = (reading.written(0..reading.folded().len()), text.len());
    assert!(start.end <= end);
    stand_in(text, reading.links().iter().map(|l| l.written.clone()));
    stand_in(text, reading.phones().iter().map(|p| p.written.clone()));
    stand_in(text, reading.handles().iter().map(|h| h.written.clone()));
    stand_in(text, reading.amounts().iter().map(|a| a.written.clone()));
    stand_in(text, reading.codes().iter().map(|c| c.written.clone()));
    for link in reading.links() {
        let (host, domain) = (reading.link_host(link), reading.link_domain(link));
        assert!(!host.is_empty() && !domain.is_empty() && host.ends_with(domain), "{host:?} in {domain:?}");
        assert!(!host.contains(char::is_whitespace) && !host.starts_with('.') && !host.ends_with('.'), "{host:?}");
    }
    for handle in reading.handles() {
        assert!(!reading.handle_id(handle).is_empty());
    }
    let [from, to] = reading.characters(0..end);
    assert_eq!([from, to], [0, text.chars().count()]);
}

/// Ranges of characters of the text, in its order, without overlap.
fn stand_in(text: &str, all: impl Iterator<Item = Range<usize>>) {
    let mut before = 0;
    let mut count = 0;
    for range in all {
        assert!(range.start >= before && range.start < range.end, "{range:?} behind {before}");
        assert!(text.get(range.clone()).is_some_and(|t| !t.is_empty()), "{range:?}");
        before = range.end;
        count += 1;
    }
    assert!(count <= ENTITIES_MAX);
}
