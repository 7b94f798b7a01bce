//! A fence around code that may panic.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a decoder that has used up its work unwinds with: no panic.
#[derive(Debug)]
struct Spent;

/// How often decoders of others panicked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Panics(pub(super) u32);

impl Panics {
    /// What `work` comes to; none if it panics, which is counted, or gives up.
    ///
    /// Nothing that could be left half done may outlive the call. The message, which the program's
    /// panic hook prints, names a line of a decoder's source and nothing of the symbol.
    pub(super) fn caught<T>(&mut self, work: impl FnOnce() -> Option<T>) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result,
            Err(cause) => {
                if !cause.is::<Spent>() {
                    self.0 = self.0.saturating_add(1);
                }
                None
            }
        }
    }
}

/// Ends the work of a decoder that cannot be told to stop. The program's panic hook is not run.
pub(super) fn give_up() -> ! {
    resume_unwind(Box::new(Spent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_counted() {
        let mut panics = Panics::default();
        assert_eq!(panics.caught(|| Some(1)), Some(1));
        assert_eq!(panics.caught(|| -> Option<u8> { give_up() }), None);
        assert_eq!(panics, Panics(0), "who gives up does not panic");
        assert_eq!(panics.caught(|| -> Option<u8> { panic!("as decoders do") }), None);
        assert_eq!(panics, Panics(1));
    }
}
