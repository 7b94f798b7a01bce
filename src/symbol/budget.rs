//! How much work a frame may make.

/// Work that is left, in looks at a pixel: about a nanosecond each.
///
/// Nothing here reads a clock: each step names its price beforehand, and is not taken if that is
/// more than is left. So the same frame gives the same reading on every machine, and no picture,
/// whatever it shows, holds up a lane.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    /// So many looks.
    pub(super) const fn of(looks: u64) -> Self {
        Self { left: looks }
    }

    /// Looks that are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Pays for a step; none, and nothing is taken, if it costs more than is left.
    #[must_use]
    pub(super) fn take(&mut self, looks: u64) -> Option<()> {
        self.left = self.left.checked_sub(looks)?;
        Some(())
    }

    /// The price of something that is done `times` times.
    pub(super) fn price(times: usize, looks: u64) -> u64 {
        u64::try_from(times).unwrap_or(u64::MAX).saturating_mul(looks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_spent_than_there_is() {
        let mut budget = Budget::of(10);
        let cases =
            [(4, Some(()), 6), (7, None, 6), (6, Some(()), 0), (1, None, 0), (0, Some(()), 0)];
        for (looks, taken, left) in cases {
            assert_eq!((budget.take(looks), budget.left()), (taken, left), "{looks}");
        }
        assert_eq!(Budget::price(usize::MAX, 9), u64::MAX);
    }
}
