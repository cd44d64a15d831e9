//! Links whose letters are parted by spaces: `b i t . l y / x`.

use super::{HOST_OCTETS_MAX, Search, host};

impl Search<'_> {
    /// Letters parted by spaces: `b i t . l y / x`, with its dot at `at` or its first letter there.
    pub(super) fn lettered(&mut self, at: usize) -> bool {
        let octets = self.text.as_bytes();
        let single = |n: usize| {
            let beside = |n: Option<&u8>| n.is_none_or(|b| !is_spaced_out(*b));
            octets.get(n).is_some_and(|b| is_spaced_out(*b))
                && beside(octets.get(n + 1))
                && (n == 0 || beside(octets.get(n - 1)))
        };
        if at < self.spaced {
            return false;
        }
        let mut start = at;
        while start >= self.done + 2
            && at - start < 2 * HOST_OCTETS_MAX
            && octets.get(start - 1) == Some(&b' ')
            && single(start - 2)
        {
            start -= 2;
        }
        let mut end = start;
        while end < start + 2 * HOST_OCTETS_MAX && single(end) && octets.get(end + 1) == Some(&b' ') && single(end + 2)
        {
            end += 2;
        }
        self.spaced = end;
        if end < start + 8 {
            return false;
        }
        // Letters are octets here, with a space between each two.
        let mut room = [0; HOST_OCTETS_MAX + 3];
        let letters = octets.get(start..=end).unwrap_or_default().iter().step_by(2);
        let len = room.iter_mut().zip(letters).map(|(octet, letter)| *octet = *letter).count();
        let squeezed = room.get(..len).and_then(|letters| std::str::from_utf8(letters).ok()).unwrap_or_default();
        let labels = &mut *self.spare;
        let host_at = squeezed.rfind("//").map_or(0, |n| n + 2);
        host::read(squeezed, host_at, false, labels);
        let Some(last) = labels.last().copied().filter(|_| labels.len() >= 2) else { return false };
        if !host::is_top(squeezed.get(last.from..last.to).unwrap_or_default()) {
            return false;
        }
        let from = self.names.len();
        self.names.push_str(squeezed.get(host_at..last.to).unwrap_or_default());
        let name = self.names.get(from..).unwrap_or_default();
        let domain = self.names.len() - psl::domain_str(name).unwrap_or(name).len();
        self.push(start, end + 1, from..self.names.len(), domain, false);
        true
    }
}

fn is_spaced_out(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'/' | b'-' | b':')
}
