//! Which hint fits: the one that most frames of the last seconds gave.

use std::collections::VecDeque;

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::symbol::Hint;

/// For how long what a frame showed counts.
///
/// Long enough that a hand that shakes does not change the words, short enough that who follows
/// them sees so.
pub const HINTED_BY: TimeDelta = TimeDelta::seconds(3);

/// The most frames that count: those of [`HINTED_BY`] at 60 a second.
const MAX_FRAMES: usize = 180;

/// What the last frames showed of a symbol that could not be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Hints(VecDeque<(Timestamp, Option<Hint>)>);

impl Hints {
    /// Takes in what one more frame showed.
    pub(super) fn add(&mut self, hint: Option<Hint>, now: Timestamp) {
        self.0.retain(|(seen, _)| now - *seen < HINTED_BY);
        if self.0.len() == MAX_FRAMES {
            self.0.pop_front();
        }
        self.0.push_back((now, hint));
    }

    /// The hint of most frames, of as many the latest; none if more frames gave none.
    pub(super) fn prevailing(&self) -> Option<Hint> {
        let count = |hint| self.0.iter().filter(|(_, other)| *other == hint).count();
        // Of equals the last counts.
        self.0.iter().map(|&(_, hint)| hint).max_by_key(|&hint| count(hint)).flatten()
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Hint::{Blur, Glare, TooFar};

    /// When a frame came, and what it showed.
    type Frame = (i64, Option<Hint>);

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
    }

    #[test]
    fn most_frames_of_the_last_seconds_decide() {
        let cases: [(&str, &[Frame], Option<Hint>); 7] = [
            ("none", &[], None),
            ("one", &[(0, Some(Blur))], Some(Blur)),
            ("most", &[(0, Some(Blur)), (100, Some(TooFar)), (200, Some(Blur))], Some(Blur)),
            ("as many", &[(0, Some(Blur)), (100, Some(TooFar))], Some(TooFar)),
            ("most without", &[(0, Some(Blur)), (100, None), (200, None)], None),
            ("just old enough", &[(0, Some(Glare)), (1, Some(Glare)), (3_000, None)], None),
            ("young enough", &[(1, Some(Glare)), (2, Some(Glare)), (3_000, None)], Some(Glare)),
        ];
        for (name, frames, expected) in cases {
            let mut hints = Hints::default();
            for &(time, hint) in frames {
                hints.add(hint, at(time));
            }
            assert_eq!(hints.prevailing(), expected, "{name}");
        }
    }

    #[test]
    fn no_more_frames_are_kept_than_count() {
        let mut hints = Hints::default();
        for _ in 0..10 * MAX_FRAMES {
            hints.add(None, at(0));
        }
        assert_eq!(hints.0.len(), MAX_FRAMES);
    }
}
