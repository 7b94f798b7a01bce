//! Which codes were let pass a short while ago.
//!
//! A code on a screenshot looks as good as the one it was taken of. What gives it away is that it
//! was here before. Only keyed digests are remembered, and no longer than the policy's window.

use std::collections::HashMap;

use crate::{
    clock::Timestamp,
    credential::{CodeDigest, DigestKey, VerifiedCredential},
};

/// The codes that were let pass a short while ago, each by its digest. It belongs to a lane.
#[derive(Clone, Debug)]
pub struct History {
    key: DigestKey,
    shown: HashMap<CodeDigest, Shown>,
}

/// When and where a code was let pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown {
    /// When.
    pub at: Timestamp,
    /// At which gate, if that is known.
    pub gate: Option<String>,
}

impl History {
    /// A history that knows nothing yet, of digests under `key`.
    #[must_use]
    pub fn new(key: DigestKey) -> Self {
        Self { key, shown: HashMap::new() }
    }

    /// The history of a terminal that has let nobody pass, for a question that is no event.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(DigestKey::new([0; 32]))
    }

    /// Remembers that a code was let pass; of two times the later.
    pub fn remember(&mut self, digest: CodeDigest, shown: Shown) {
        match self.shown.get(&digest) {
            Some(known) if known.at >= shown.at => {}
            _ => {
                self.shown.insert(digest, shown);
            }
        }
    }

    /// Forgets what was let pass before `instant`.
    pub fn forget_before(&mut self, instant: Timestamp) {
        self.shown.retain(|_, shown| shown.at >= instant);
    }

    /// When and where the code was let pass last.
    #[must_use]
    pub fn last_shown(&self, credential: &VerifiedCredential) -> Option<&Shown> {
        if self.shown.is_empty() {
            return None;
        }
        self.shown.get(&self.key.of(credential))
    }
}
