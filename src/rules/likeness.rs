//! When one name reads like another: `D8S`, `DB5` and `DBS.` for `DBS` (Unicode UTS #39 skeletons, with digits read as
//! the letters that they stand for).

use unicode_normalization::UnicodeNormalization;

/// What a name looks like at a glance: lower case, without marks and punctuation, look-alike characters made one.
#[must_use]
pub fn skeleton(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    crate::text::fold::fold(name, &mut folded);
    folded.nfkd().filter_map(glance).collect()
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
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 4 {
        return false;
    }
    let short: Vec<char> = short.chars().collect();
    let long: Vec<char> = long.chars().collect();
    let (short, long) = if short.len() <= long.len() { (short, long) } else { (long, short) };
    if short.len() < ONE_OFF_CHARACTERS_MIN || long.len() - short.len() > 1 || short == long {
        return false;
    }
    let same_front = short.iter().zip(&long).take_while(|(x, y)| x == y).count();
    let same_back = short.iter().rev().zip(long.iter().rev()).take_while(|(x, y)| x == y).count();
    if short.len() != long.len() {
        return same_front + same_back >= short.len();
    }
    let differ = short.len() - (same_front + same_back).min(short.len());
    let swapped = differ == 2
        && short.get(same_front) == long.get(same_front + 1)
        && short.get(same_front + 1) == long.get(same_front);
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
