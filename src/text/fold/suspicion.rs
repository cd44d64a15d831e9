//! Whether a text must be read a second time: signs of disguises that only show between characters.
//!
//! While the views are made, each visible character leaves one octet for each of the three places that it can take in a
//! pattern: left, middle, right. An octet has a bit for every pattern in which its character may take that place, so that
//! all patterns are looked for at once, many characters at a time, by two *and*s. A false alarm costs a second reading that
//! finds nothing; honest texts raise few.

/// The patterns, each a bit of the three octets.
///
/// `Rp5`: a digit behind a letter.
const LETTER_DIGIT: u8 = 1;
/// `5jt`: a letter behind a digit.
const DIGIT_LETTER: u8 = 2;
/// `c0d`, ` 1n`: a digit before a letter, where a word begins or goes on.
const LEET: u8 = 4;
/// `a,r`: punctuation between letters.
const TIGHT: u8 = 8;
/// `h@ `: a sign that stands for a letter where a word ends.
const SIGN_ENDS: u8 = 16;
/// ` @g`: one where a word begins.
const SIGN_BEGINS: u8 = 32;
/// `aaa`.
const DRAWN: u8 = 64;
/// ` b `: a letter that stands alone.
const LONE: u8 = 128;

/// What a character is, as far as patterns go: the three octets, left lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Roles(u32);

impl Roles {
    /// A letter of a script that spaces its words.
    pub(super) const LETTER: Self = Self::new(
        LETTER_DIGIT | LEET | TIGHT | SIGN_ENDS | DRAWN,
        DIGIT_LETTER | LONE,
        LETTER_DIGIT | DIGIT_LETTER | LEET | TIGHT | SIGN_BEGINS,
    );
    /// A letter of a script that does not.
    pub(super) const UNSPACED: Self = Self::new(DRAWN, LONE, LETTER_DIGIT | DIGIT_LETTER);
    /// A digit.
    pub(super) const DIGIT: Self = Self::new(DIGIT_LETTER, LETTER_DIGIT | LEET, LETTER_DIGIT | DIGIT_LETTER);
    /// What stands between words.
    pub(super) const GAP: Self = Self::gap(0);
    /// A gap that can be seen.
    pub(super) const SIGN: Self = Self::gap(TIGHT);
    /// A sign that stands for a letter at times.
    pub(super) const STANDS_FOR: Self = Self::gap(TIGHT | SIGN_ENDS | SIGN_BEGINS);
    /// What a character is besides, when it is the same as the one before.
    pub(super) const SAME: Self = Self::new(0, DRAWN, DRAWN);

    const fn new(left: u8, middle: u8, right: u8) -> Self {
        Self(u32::from_le_bytes([left, middle, right, 0]))
    }

    const fn gap(middle: u8) -> Self {
        Self::new(LEET | SIGN_BEGINS | LONE, middle, LETTER_DIGIT | DIGIT_LETTER | SIGN_ENDS | LONE)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn left(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    const fn middle(self) -> u8 {
        self.0.to_le_bytes()[1]
    }
}

/// The roles of all visible characters of a text, between two gaps.
#[derive(Debug, Default)]
pub(super) struct Cast {
    roles: Vec<Roles>,
    /// The patterns that begin at each.
    patterns: Vec<u32>,
    /// Whether a letter of a script is among them that does not space its words.
    unspaced: bool,
}

impl Cast {
    pub(super) fn clear(&mut self) {
        self.roles.clear();
        self.unspaced = false;
    }

    pub(super) fn len(&self) -> usize {
        self.roles.len()
    }

    pub(super) fn push(&mut self, roles: Roles) {
        self.roles.push(roles);
    }

    pub(super) fn push_unspaced(&mut self, roles: Roles) {
        self.unspaced = true;
        self.roles.push(roles);
    }

    fn left(&self, n: usize) -> u8 {
        self.roles.get(n).map_or(Roles::GAP.left(), |roles| roles.left())
    }

    /// Whether a character is a letter or digit of a script that spaces its words, and whether it is a letter.
    pub(super) fn in_word(&self, n: usize) -> (bool, bool) {
        let left = self.left(n);
        (left & (LETTER_DIGIT | DIGIT_LETTER) != 0, left & LETTER_DIGIT != 0)
    }

    /// Whether a character is a letter of any script.
    pub(super) fn is_letter(&self, n: usize) -> bool {
        self.left(n) & DRAWN != 0
    }

    /// Letters and digits.
    pub(super) fn characters(&self) -> usize {
        self.roles.iter().filter(|roles| roles.left() & LONE == 0).count()
    }
}

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
    pub lone: bool,
    /// A letter drawn out.
    pub drawn: bool,
    /// A Latin letter among Thai ones.
    pub posing: bool,
}

/// Characters between two letters of a word that is spaced out.
pub(super) const LONE_GAP_MAX: usize = 3;

/// Letters that stand alone from which on they may be a word.
pub(super) const LONE_MIN: usize = 3;

impl Suspicion {
    /// Looks at the characters of a text.
    pub(super) fn of(cast: &mut Cast) -> Self {
        let from = |n: usize| cast.roles.get(n..).unwrap_or_default().iter().map(|roles| roles.0);
        cast.patterns.clear();
        cast.patterns.extend(from(0).zip(from(1).zip(from(2))).map(|(a, (b, c))| a & b >> 8 & c >> 16));
        let all = cast.patterns.iter().fold(0, |all, here| all | here);
        let has = |bits: u8| all & u32::from(bits) != 0;
        let (sign, posing) = if cast.unspaced { cast.look_unspaced() } else { (false, false) };
        Self {
            mixed: has(LETTER_DIGIT | DIGIT_LETTER),
            leet: has(LEET),
            signed: has(SIGN_ENDS | SIGN_BEGINS),
            tight: has(TIGHT) || sign,
            lone: has(LONE) && cast.has_lone_run(),
            drawn: has(DRAWN),
            posing,
        }
    }

    /// Whether a second reading may differ from the first.
    pub(super) fn any(self) -> bool {
        self.leet | self.signed | self.tight | self.lone | self.drawn | self.posing
    }
}

impl Cast {
    /// Whether letters that stand alone follow each other closely, [`LONE_MIN`] of them.
    fn has_lone_run(&self) -> bool {
        let from = |n: usize| self.patterns.get(n..).unwrap_or_default().iter();
        let mut any = 0;
        for (((a, b), c), d) in from(0).zip(from(2)).zip(from(3)).zip(from(4)) {
            any |= a & (b | c | d);
        }
        let lone = u32::from(LONE);
        if any & lone == 0 {
            return false;
        }
        let (mut run, mut last) = (0, 0);
        for (at, _) in from(0).enumerate().filter(|(_, patterns)| **patterns & lone != 0) {
            run = if run > 0 && at - last <= LONE_GAP_MAX + 1 { run + 1 } else { 1 };
            last = at;
            if run == LONE_MIN {
                return true;
            }
        }
        false
    }

    /// Patterns of scripts that do not space their words: a sign inside a word, and Latin letters among others.
    fn look_unspaced(&self) -> (bool, bool) {
        let unspaced = |n: usize| self.left(n) == Roles::UNSPACED.left();
        let gap = |n: usize| self.left(n) & LONE != 0;
        let letter = |n: usize| self.in_word(n).1;
        let same = |n: usize| self.roles.get(n).is_some_and(|roles| roles.middle() & DRAWN != 0);
        let open = |n: usize| unspaced(n) || gap(n);
        let (mut sign, mut posing) = (false, false);
        for (n, middle) in self.roles.iter().map(|roles| roles.middle()).enumerate().skip(1) {
            if letter(n) && open(n - 1) {
                let after = if letter(n + 1) && same(n + 1) { n + 2 } else { n + 1 };
                posing |= open(after) && (unspaced(n - 1) || unspaced(after));
            } else if middle & TIGHT != 0 && unspaced(n - 1) && unspaced(n + 1) {
                let alone = (n > 1 && gap(n - 2)) || gap(n + 2);
                sign |= alone || middle & SIGN_ENDS != 0;
            }
        }
        (sign, posing)
    }
}
