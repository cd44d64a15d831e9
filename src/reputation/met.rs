//! Whom a key met: recipients of an account or a sender; senders of what stands in texts. Most keys met few, which lie with
//! them; what is one step away holds more, and reporters.

use std::borrow::Cow;

use super::reporters::Reporters;
use super::spread::{Few, MONTH, REGISTERS, Set, Spread, Waiting};

/// Whom a key met.
#[derive(Debug, PartialEq)]
pub(super) enum Met {
    Few(Few),
    More(Box<More>),
    Many(Many),
}

/// What only keys with much traffic, or with reports, need.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct More {
    pub spread: Spread,
    pub reporters: Reporters,
}

/// So many that they are a sketch: of few keys, which most messages have.
#[derive(Debug, PartialEq)]
pub(super) struct Many {
    far: Box<Far>,
    /// When the current ones began, in seconds.
    begun: u32,
    waiting: Waiting,
    /// Octets that what is far points to.
    farther: u16,
}

/// What is seldom fetched.
#[derive(Debug, PartialEq)]
struct Far {
    registers: [u8; REGISTERS],
    news: bool,
    former: Option<Box<Set>>,
    reporters: Reporters,
}

impl Default for Met {
    fn default() -> Self {
        Self::Few(Few::default())
    }
}

impl Met {
    /// Adds one at `now`, in seconds; one of the few only once they have begun, or if they shall begin.
    #[inline(always)]
    pub fn add(&mut self, member: u64, now: u32, begins: bool) {
        let is_added = match self {
            Self::Few(few) => few.add(member, now, begins),
            Self::Many(many) => many.add(member, now),
            Self::More(more) => {
                more.spread.add(member, now);
                more.spread.registers().is_none()
            }
        };
        if !is_added {
            self.change(now, |more| more.spread.add(member, now));
        }
    }

    /// Changes it in room for all that there may be; afterwards it takes no more than it needs.
    #[cold]
    pub fn change<R>(&mut self, now: u32, change: impl FnOnce(&mut More) -> R) -> R {
        let mut more = match std::mem::take(self) {
            Self::More(more) => more,
            Self::Few(few) => Box::new(More { spread: few.spread(now), ..More::default() }),
            Self::Many(many) => Box::new(many.more()),
        };
        let changed = change(&mut more);
        *self = Self::of(more);
        changed
    }

    /// What takes no more room than it needs.
    pub fn of(more: Box<More>) -> Self {
        if let Some(registers) = more.spread.registers() {
            let registers = *registers;
            let More { spread: Spread { former, begun, news, .. }, reporters } = *more;
            let farther = former.as_ref().map_or(0, |former| size_of::<Set>() + former.octets()) + reporters.octets();
            let farther = u16::try_from(farther).unwrap_or(u16::MAX);
            let far = Box::new(Far { registers, news, former, reporters });
            return Self::Many(Many { far, begun, waiting: Waiting::default(), farther });
        }
        match Few::try_from(&more.spread) {
            Ok(few) if more.reporters.is_empty() => Self::Few(few),
            _ => Self::More(more),
        }
    }

    /// All of it; none where nothing has begun.
    pub fn all(&self) -> Option<Cow<'_, More>> {
        match self {
            Self::Few(few) => few.is_begun().then(|| Cow::Owned(More { spread: few.spread(0), ..More::default() })),
            Self::More(more) => Some(Cow::Borrowed(more)),
            Self::Many(many) => Some(Cow::Owned(many.more())),
        }
    }

    /// How many different ones.
    pub fn count(&self) -> u64 {
        match self {
            Self::Few(few) => few.count(),
            Self::More(more) => more.spread.count(),
            Self::Many(many) => many.more().spread.count(),
        }
    }

    /// What others have not been told of.
    pub fn take_news(&mut self) -> Option<Set> {
        match self {
            Self::Few(few) => few.take_news(),
            Self::More(more) => std::mem::take(&mut more.spread.news).then(|| more.spread.current.clone()),
            Self::Many(many) => {
                many.settle();
                std::mem::take(&mut many.far.news).then(|| Set::Many(Box::new(many.far.registers)))
            }
        }
    }

    /// Who reported it.
    pub fn reporters(&self) -> Option<&Reporters> {
        match self {
            Self::Few(_) => None,
            Self::More(more) => Some(&more.reporters),
            Self::Many(many) => Some(&many.far.reporters),
        }
    }

    /// Octets that it points to.
    #[inline]
    pub fn octets(&self) -> usize {
        match self {
            Self::Few(_) => 0,
            Self::More(more) => size_of::<More>() + more.spread.octets() + more.reporters.octets(),
            Self::Many(many) => size_of::<Far>() + usize::from(many.farther),
        }
    }
}

impl Many {
    /// Adds one; false where a month is over.
    #[inline]
    fn add(&mut self, member: u64, now: u32) -> bool {
        if now.saturating_sub(self.begun) >= MONTH {
            return false;
        }
        if !self.waiting.add(member) {
            self.settle();
            self.waiting.add(member);
        }
        true
    }

    fn settle(&mut self) {
        self.far.news |= self.waiting.settle(&mut self.far.registers);
    }

    /// The same, and nothing waits.
    fn more(&self) -> More {
        let Far { registers, news, former, reporters } = &*self.far;
        let mut registers = Box::new(*registers);
        let news = { self.waiting }.settle(&mut registers) | *news;
        let spread = Spread { current: Set::Many(registers), former: former.clone(), begun: self.begun, news };
        More { spread, reporters: reporters.clone() }
    }
}
