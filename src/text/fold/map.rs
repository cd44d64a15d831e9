//! Where the octets of a view come from.
//!
//! A view is the text in stretches: most are octet for octet, and a step is kept only where a stretch begins. A character
//! that became others is a step of its own, all of whose octets come from where the character stands.

use std::ops::Range;

/// A stretch of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// Where it begins in the view.
    view: u32,
    /// Where it begins in the text.
    text: u32,
    /// Whether one character of the text is all of it.
    whole: bool,
}

/// The stretches of a view, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    steps: Vec<Step>,
}

impl Map {
    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    /// What follows at `view` is the text from `text` on, octet for octet.
    #[inline]
    pub(super) fn run(&mut self, view: usize, text: usize) {
        let step = Step { view: short(view), text: short(text), whole: false };
        match self.steps.last() {
            Some(last) if !last.whole && step.text.wrapping_sub(step.view) == last.text.wrapping_sub(last.view) => {}
            _ => self.steps.push(step),
        }
    }

    /// What follows at `view` is one character of the text, written otherwise.
    #[inline]
    pub(super) fn whole(&mut self, view: usize, text: usize) {
        self.steps.push(Step { view: short(view), text: short(text), whole: true });
    }

    /// Forgets what the view has from an octet on.
    pub(super) fn truncate(&mut self, view: usize) {
        while self.steps.last().is_some_and(|step| step.view >= short(view)) {
            self.steps.pop();
        }
    }

    /// The octet of the text that an octet of the view comes from.
    pub(super) fn place(&self, view: usize) -> Option<usize> {
        let after = self.steps.partition_point(|step| step.view <= short(view));
        let step = self.steps.get(after.checked_sub(1)?)?;
        let within = if step.whole { 0 } else { short(view) - step.view };
        usize::try_from(step.text + within).ok()
    }

    /// The same for octets asked for in their order.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { steps: &self.steps }
    }

    /// The range of the text that a range of the view comes from; empty where the view is.
    pub(super) fn written(&self, text: &str, view: &Range<usize>) -> Range<usize> {
        let start = self.place(view.start).map_or(text.len(), |at| floor(text, at));
        let Some(last) = view.end.checked_sub(1).filter(|last| *last >= view.start).and_then(|last| self.place(last))
        else {
            return start..start;
        };
        start..end_of(text, last).max(start)
    }
}

/// Looks up octets in their order.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    /// The stretch that was asked for last, and those after it.
    steps: &'a [Step],
}

impl Cursor<'_> {
    /// The octet of the text that an octet of the view comes from; the view's octets are asked for from left to right.
    pub(super) fn place(&mut self, view: usize) -> usize {
        while let [_, next, ..] = self.steps
            && next.view <= short(view)
        {
            self.steps = self.steps.get(1..).unwrap_or_default();
        }
        let Some(step) = self.steps.first() else { return 0 };
        let within = if step.whole { 0 } else { short(view).saturating_sub(step.view) };
        usize::try_from(step.text + within).unwrap_or(usize::MAX)
    }
}

impl Cursor<'_> {
    /// Tells another map where a stretch of this view comes from, which stands there at `view`.
    pub(super) fn copy(&mut self, stretch: Range<usize>, view: usize, to: &mut Map) {
        let mut from = stretch.start;
        loop {
            let text = self.place(from);
            let is_whole = self.steps.first().is_some_and(|step| step.whole);
            if is_whole {
                to.whole(view + from - stretch.start, text)
            } else {
                to.run(view + from - stretch.start, text)
            }
            match self.steps.get(1).and_then(|next| usize::try_from(next.view).ok()) {
                Some(next) if next < stretch.end => from = next,
                _ => return,
            }
        }
    }
}

/// The end of the character that an octet belongs to.
pub(super) fn end_of(text: &str, at: usize) -> usize {
    let start = floor(text, at);
    start + text.get(start..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8)
}

/// The start of the character that an octet belongs to.
pub(super) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
