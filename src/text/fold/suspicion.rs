//! Whether a text must be read a second time: signs of disguises that only show between characters.
//!
//! While the views are made each visible character leaves one octet, its class; this looks for patterns of classes, over
//! the whole text at once. A false alarm costs a second reading and finds nothing; honest texts raise few.

/// A letter of a script that spaces its words.
pub(super) const LETTER: u8 = 1;
/// A letter of a script that does not.
pub(super) const UNSPACED: u8 = 2;
/// A digit.
pub(super) const DIGIT: u8 = 4;
/// What stands between words.
pub(super) const GAP: u8 = 8;
/// A gap that can be seen.
pub(super) const SIGN: u8 = 16;
/// A sign that stands for a letter at times.
pub(super) const STANDS_FOR: u8 = 32;
/// The same character as the one before it.
pub(super) const SAME: u8 = 64;

const ANY_LETTER: u8 = LETTER | UNSPACED;

/// What a text is suspected of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Suspicion {
    /// Letters and digits stand in one word: `5jt`, `4G`.
    pub mixed: bool,
    /// A digit stands for a letter: `c0de`.
    pub leet: bool,
    /// A sign stands for a letter: `usah@`.
    pub signed: bool,
    /// Punctuation inside a word: `ba,raha`.
    pub tight: bool,
    /// Letters that stand alone, one after the other.
    pub single: bool,
    /// A letter drawn out.
    pub drawn: bool,
    /// A Latin letter among Thai ones.
    pub posing: bool,
}

impl Suspicion {
    /// Looks at the classes of a text, which begin and end with a gap; `lone` is scratch.
    pub(super) fn of(classes: &[u8], lone: &mut Vec<u8>) -> Self {
        let from = |n: usize| classes.get(n..).unwrap_or_default().iter().copied();
        let (mut mixed, mut drawn, mut leet, mut signed, mut tight, mut posing) = (0, 0, 0, 0, 0, 0);
        for (a, b) in from(0).zip(from(1)) {
            mixed |= is(a, LETTER) & is(b, DIGIT) | is(a, DIGIT) & is(b, LETTER);
        }
        for ((a, b), c) in from(0).zip(from(1)).zip(from(2)) {
            drawn |= is(a, ANY_LETTER) & is(b, SAME) & is(c, SAME);
            tight |= is(a, LETTER) & is(b, SIGN) & is(c, LETTER);
            signed |= is(b, STANDS_FOR) & (is(a, LETTER) & is(c, GAP) | is(a, GAP) & is(c, LETTER));
        }
        if mixed != 0 {
            for ((a, b), c) in from(0).zip(from(1)).zip(from(2)) {
                leet |= is(a, LETTER | GAP) & is(b, DIGIT) & is(c, LETTER);
            }
        }
        lone.clear();
        lone.extend(from(0).zip(from(1)).zip(from(2)).map(|((a, b), c)| is(a, GAP) & is(b, ANY_LETTER) & is(c, GAP)));
        let lone_from = |n: usize| lone.get(n..).unwrap_or_default().iter().copied();
        let mut single = 0;
        for (((a, b), c), d) in lone_from(0).zip(lone_from(2)).zip(lone_from(3)).zip(lone_from(4)) {
            single |= a & (b | c | d);
        }
        if classes.iter().any(|c| c & UNSPACED != 0) {
            for ((a, b), c) in from(0).zip(from(1)).zip(from(2)) {
                posing |= is(b, LETTER) & is(a | c, UNSPACED) & is(a & c, UNSPACED | GAP);
                tight |= is(a, UNSPACED) & is(b, STANDS_FOR) & is(c, UNSPACED);
            }
            for (((a, b), c), d) in from(0).zip(from(1)).zip(from(2)).zip(from(3)) {
                tight |= is(a, GAP) & is(b, UNSPACED) & is(c, SIGN) & is(d, UNSPACED);
            }
        }
        Self {
            mixed: mixed != 0,
            leet: leet != 0,
            signed: signed != 0,
            tight: tight != 0,
            single: single != 0 && has_run(lone),
            drawn: drawn != 0,
            posing: posing != 0,
        }
    }

    /// Whether a second reading may differ from the first.
    pub(super) fn any(self) -> bool {
        self.leet | self.signed | self.tight | self.single | self.drawn | self.posing
    }
}

/// One when a class has one of some bits.
fn is(class: u8, bits: u8) -> u8 {
    u8::from(class & bits != 0)
}

/// Whether three letters that stand alone follow each other closely.
fn has_run(lone: &[u8]) -> bool {
    let mut run = 0;
    let mut last = 0;
    for (at, _) in lone.iter().enumerate().filter(|(_, lone)| **lone != 0) {
        run = if run > 0 && at - last <= LONE_GAP_MAX + 1 { run + 1 } else { 1 };
        last = at;
        if run == 3 {
            return true;
        }
    }
    false
}

/// Characters between two letters of a word that is spaced out.
pub(super) const LONE_GAP_MAX: usize = 3;
