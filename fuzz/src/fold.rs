//! The matching form: whatever a text is dressed in, every octet of it has a place in the text.

use tapis::text::{ReadContext, Reading, fold};

use super::entity;

/// The input is a text; what is no UTF-8 in it is replaced.
pub fn run(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let mut reading = Reading::default();
    reading.read_text(&text, &ReadContext::default());
    entity::is_sound(&reading);
    let (folded, skeleton) = (reading.folded(), reading.views().skeleton());
    assert_eq!(folded.len(), skeleton.len(), "the skeleton moves places");
    // Every character of the matching form comes from somewhere, in the order of the text.
    let mut before = 0;
    for (at, c) in folded.char_indices() {
        let place = reading.written(at..at + c.len_utf8());
        assert!(place.start >= before && reading.text().get(place.clone()).is_some(), "{place:?} of {text:?}");
        before = place.start;
    }
    // As a rule's entry it folds to the same, but for the space at its end.
    let mut entry = String::new();
    fold::fold(&text, &mut entry);
    if text == reading.text() {
        assert_eq!(entry, folded.trim_end());
    }
}
