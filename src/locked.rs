//! Memory that keeps a secret: never swapped out, and wiped when it is dropped.

use std::fmt;

use region::LockGuard;
use thiserror::Error;
use zeroize::Zeroize;

/// 32 secret bytes that are alone on a page which is never swapped out, and wiped when they are
/// dropped. They are never shown.
pub struct Locked {
    // Dropped first: the page is to be unlocked while it is there.
    _lock: LockGuard,
    page: Box<Page>,
}

/// As large as a page, so that to unlock one unlocks no other.
#[repr(align(4096))]
struct Page([u8; Locked::LEN]);

impl Locked {
    /// How many bytes.
    pub const LEN: usize = 32;

    /// These bytes. Whoever has `bytes` is to wipe them.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn new(bytes: &[u8; Self::LEN]) -> Result<Self, LockError> {
        Self::filled(|page| page.copy_from_slice(bytes))
    }

    /// The bytes that `fill` writes, which are zeros at first.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn filled(fill: impl FnOnce(&mut [u8; Self::LEN])) -> Result<Self, LockError> {
        let page = Box::new(Page([0; Self::LEN]));
        let lock = region::lock(&raw const *page, size_of::<Page>());
        let mut locked = Self { _lock: lock.map_err(|_| LockError)?, page };
        fill(&mut locked.page.0);
        Ok(locked)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.page.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.page.0.zeroize();
    }
}

impl fmt::Debug for Locked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Locked(..)")
    }
}

/// The system does not keep memory from being swapped out.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the system does not lock the memory that a key is to be in")]
pub struct LockError;
