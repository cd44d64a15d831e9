//! When one name reads like another: `D8S`, `DB5` and `DBS.` for `DBS` (Unicode UTS #39 skeletons, with digits read as
//! the letters that they stand for).

use unicode_normalization::UnicodeNormalization;

use crate::text::fold::Folder;

/// Room to look at a name in, reused from name to name.
#[derive(Debug, Default)]
pub struct Room {
    folder: Folder,
    skeleton: String,
}

impl Room {
    /// What a name looks like at a glance: lower case, without marks and punctuation, look-alike characters made one.
    pub fn skeleton(&mut self, name: &str) -> &str {
        self.skeleton.clear();
        self.skeleton.extend(self.folder.fold(name).nfkd().filter_map(glance));
        &self.skeleton
    }
}

/// The same for a name that is looked at once.
#[must_use]
pub fn skeleton(name: &str) -> String {
    Room::default().skeleton(name).to_owned()
}

fn glance(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | 'i' | '|' | '!' => 'l',
        '2' => 'z',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' => 't',
        '8' => 'b',
        c if c.is_alphanumeric() => c,
        _ => return None,
    })
}

/// Characters from which one wrong letter is a disguise and not another name.
const ONE_OFF_CHARACTERS_MIN: usize = 6;

/// Whether two skeletons differ by one insertion, deletion, exchange or swap of neighbours, and are long enough for that
/// to mean something.
#[must_use]
pub fn is_one_off(a: &str, b: &str) -> bool {
    let count = |text: &str| text.chars().count();
    // A character has at most four octets: most names are told apart by their length alone.
    if a.len().abs_diff(b.len()) > 4 || a == b {
        return false;
    }
    let (short, long) = if count(a) <= count(b) { (a, b) } else { (b, a) };
    let (short_count, long_count) = (count(short), count(long));
    if short_count < ONE_OFF_CHARACTERS_MIN || long_count - short_count > 1 {
        return false;
    }
    let same = |(x, y): &(char, char)| x == y;
    let front = short.chars().zip(long.chars()).take_while(same).count();
    let back = short.chars().rev().zip(long.chars().rev()).take_while(same).count();
    if short_count != long_count {
        return front + back >= short_count;
    }
    let differ = short_count - (front + back).min(short_count);
    let at = |text: &str, n| text.chars().nth(n);
    let swapped = differ == 2 && at(short, front) == at(long, front + 1) && at(short, front + 1) == at(long, front);
    differ == 1 || swapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_in_a_long_name_is_a_disguise() {
        assert!(
            is_one_off("slngpost", "slngpots")
                && is_one_off("slngpost", "slngpst")
                && is_one_off("slngpost", "slngbost")
        );
        assert!(!is_one_off("dbs", "dhs") && !is_one_off("slngpost", "slngpost") && !is_one_off("abcdef", "fedcba"));
    }
}
