//! Texts of one making: what is left when everything that changes from message to message is masked.

use crate::text::Reading;

/// Characters of a template that are kept.
const TEMPLATE_CHARACTERS_MAX: usize = 160;

/// What stands in the place of what was masked.
const LINK: &str = "<link>";
const PHONE: &str = "<phone>";
const HANDLE: &str = "<handle>";
const NAME: &str = "<name>";
const NUMBER: char = '#';

/// The template of a text: links, phone numbers and handles by what they are, anything with a digit in it as `#`, words
/// that begin with a capital within a sentence as `<name>`, the rest in small letters.
///
/// Two texts of one template are one campaign, or one service, more often than not; a text that nobody else sends is its
/// own cluster.
#[must_use]
pub fn template(reading: &Reading) -> String {
    let text = reading.shown();
    let links = reading.links().iter().map(|l| (l.written.clone(), LINK));
    let phones = reading.phones().iter().map(|p| (p.written.clone(), PHONE));
    let handles = reading.handles().iter().map(|h| (h.written.clone(), HANDLE));
    let mut masks: Vec<_> = links.chain(phones).chain(handles).collect();
    masks.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut words = Words::default();
    let mut done = 0;
    for (range, mask) in masks {
        if range.start < done {
            continue;
        }
        words.text(text.get(done..range.start).unwrap_or_default());
        words.mask(mask);
        done = range.end;
    }
    words.text(text.get(done..).unwrap_or_default());
    words.template()
}

/// Words of a template, one space between them.
#[derive(Debug, Default)]
struct Words {
    all: Vec<String>,
    /// A sentence has begun: what is a capital now is one of a name.
    within: bool,
}

impl Words {
    fn text(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let mut letters = bare.chars();
            let capital = letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase);
            if bare.chars().any(char::is_numeric) {
                self.push(numbers(word));
            } else if capital && self.within {
                self.push(NAME.to_owned());
            } else {
                self.push(word.to_lowercase());
            }
            self.within = !word.ends_with(['.', '!', '?', ':', '。', '！', '？']);
        }
    }

    fn mask(&mut self, mask: &str) {
        self.push(mask.to_owned());
        self.within = true;
    }

    /// Names of several words are one.
    fn push(&mut self, word: String) {
        if word != NAME || self.all.last().is_none_or(|last| last != NAME) {
            self.all.push(word);
        }
    }

    fn template(&self) -> String {
        self.all.join(" ").chars().take(TEMPLATE_CHARACTERS_MAX).collect()
    }
}

/// A word of any script with each run that holds a digit masked: `S$2,400.00` is `s$#`, a code of letters and digits `#`,
/// and Thai or Chinese around digits stays.
fn numbers(word: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    let end = |run: &mut String, out: &mut String| {
        if run.chars().any(char::is_numeric) {
            let tail = run.len() - run.trim_end_matches(['.', ',', ':', '-', '/']).len();
            if !out.ends_with(NUMBER) {
                out.push(NUMBER);
            }
            out.push_str(run.get(run.len() - tail..).unwrap_or_default());
        } else {
            out.push_str(&run.to_lowercase());
        }
        run.clear();
    };
    for c in word.chars() {
        if c.is_ascii_alphanumeric() || c.is_numeric() || matches!(c, '.' | ',' | ':' | '-' | '/') {
            run.push(c);
        } else {
            end(&mut run, &mut out);
            out.extend(c.to_lowercase());
        }
    }
    end(&mut run, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ReadContext;

    fn of(text: &str) -> String {
        let mut reading = Reading::default();
        reading.read_text(text, &ReadContext::default());
        template(&reading)
    }

    #[test]
    fn what_changes_from_message_to_message_is_masked() {
        let one = of("Dear Tan Wei Ling, parcel SP204418SG is held. Pay S$2.40 at sgpost-update.top/a now");
        let other = of("Dear Siti, parcel SP991100SG is held. Pay S$12.00 at https://sgpost-fee.example/x?y=1 now");
        assert_eq!(one, other);
        assert_eq!(one, "dear <name> parcel # is held. pay s$# at <link> now");
    }

    #[test]
    fn other_words_are_another_template() {
        assert_ne!(of("Your code is 118204."), of("Your bill is 118204."));
        assert_eq!(of("Your code is 118204."), "your code is #.");
        assert_eq!(of("您的验证码是123456，请勿泄露"), of("您的验证码是998877，请勿泄露"));
    }
}
