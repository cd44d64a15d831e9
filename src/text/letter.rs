//! Letters and digits of any script, as the standard library tells them apart, looked up in one step.
//!
//! The library's own tables are searched, for Han over thousands of steps. Here a page of 256 characters is filled from them
//! when a character of it is first asked for.

use std::sync::OnceLock;

/// One bit for each character of a page: whether it is a letter, and whether it is a digit or another number.
#[derive(Debug)]
struct Page {
    letters: [u64; 4],
    numbers: [u64; 4],
}

/// Pages of the Basic Multilingual Plane.
static PAGES: [OnceLock<Page>; 256] = [const { OnceLock::new() }; 256];

impl Page {
    fn of(number: u32) -> Self {
        let mut page = Self { letters: [0; 4], numbers: [0; 4] };
        for low in 0..256 {
            let Some(c) = char::from_u32(number << 8 | low) else { continue };
            let (word, bit) = place(low);
            let set = |words: &mut [u64; 4], is: bool| {
                words.get_mut(word).into_iter().for_each(|w| *w |= u64::from(is) << bit);
            };
            set(&mut page.letters, c.is_alphabetic());
            set(&mut page.numbers, c.is_numeric());
        }
        page
    }
}

fn place(low: u32) -> (usize, u32) {
    (usize::try_from(low >> 6 & 3).unwrap_or(0), low & 63)
}

fn has(words: &[u64; 4], c: u32) -> bool {
    let (word, bit) = place(c);
    words.get(word).is_some_and(|w| w >> bit & 1 == 1)
}

fn page(c: u32) -> Option<&'static Page> {
    let number = c >> 8;
    let slot = usize::try_from(number).ok().and_then(|n| PAGES.get(n))?;
    Some(slot.get_or_init(|| Page::of(number)))
}

/// [`char::is_alphabetic`].
#[must_use]
pub fn is_alphabetic(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    let code = u32::from(c);
    page(code).map_or_else(|| c.is_alphabetic(), |page| has(&page.letters, code))
}

/// [`char::is_alphanumeric`].
#[must_use]
pub fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    let code = u32::from(c);
    page(code).map_or_else(|| c.is_alphanumeric(), |page| has(&page.letters, code) || has(&page.numbers, code))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_character_is_what_the_library_says() {
        for c in '\0'..=char::MAX {
            assert_eq!(super::is_alphabetic(c), c.is_alphabetic(), "{c:?}");
            assert_eq!(super::is_alphanumeric(c), c.is_alphanumeric(), "{c:?}");
        }
    }
}
