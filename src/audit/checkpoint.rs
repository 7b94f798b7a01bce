//! Checkpoints: signed notes of how long the chain is and what it has come to.
//!
//! The form is that of C2SP's [signed note] and [checkpoint]: the log's name, the number of entries,
//! and the last link in base64, a line each; an empty line; the signature's line. What a checkpoint
//! of a Merkle tree has as its root is here the last link of a chain.
//!
//! [signed note]: https://c2sp.org/signed-note
//! [checkpoint]: https://c2sp.org/tlog-checkpoint

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Link;

/// What a signed note calls Ed25519.
const ED25519: u8 = 1;

/// How long the chain was, and what it had come to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The log's name, which is the signer's too.
    pub origin: String,
    /// How many entries there had been.
    pub size: u64,
    /// The link of the last.
    pub link: Link,
}

impl Checkpoint {
    /// The checkpoint as a note that `key` signs.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.to_string();
        let signature = key.sign(text.as_bytes());
        let name = key_name(&self.origin, &key.verifying_key());
        let signature = STANDARD.encode([&name[..], &signature.to_bytes()].concat());
        format!("{text}\n\u{2014} {} {signature}\n", self.origin)
    }

    /// Reads a note and checks that `key` has signed it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Form)?;
        let text = format!("{text}\n");
        let checkpoint: Self = text.parse()?;
        let name = key_name(&checkpoint.origin, key);
        let mark = format!("\u{2014} {} ", checkpoint.origin);
        let is_signed = signatures.lines().any(|line| {
            let signature = line.strip_prefix(&mark).and_then(|line| STANDARD.decode(line).ok());
            let signature = signature
                .as_deref()
                .and_then(|bytes| bytes.strip_prefix(&name))
                .and_then(|bytes| Signature::from_slice(bytes).ok());
            signature
                .is_some_and(|signature| key.verify_strict(text.as_bytes(), &signature).is_ok())
        });
        if is_signed { Ok(checkpoint) } else { Err(CheckpointError::Signature) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, link } = self;
        writeln!(out, "{origin}\n{size}\n{}", STANDARD.encode(link.as_bytes()))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(link), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Form);
        };
        let link = STANDARD.decode(link).ok().and_then(|bytes| bytes.try_into().ok());
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| CheckpointError::Form)?,
            link: Link::new(link.ok_or(CheckpointError::Form)?),
        };
        // One text for one checkpoint: no sign, no leading zero, no other base64.
        if checkpoint.to_string() == text { Ok(checkpoint) } else { Err(CheckpointError::Form) }
    }
}

/// The four bytes by which a signed note names a key.
fn key_name(origin: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut digest = Sha256::new();
    digest.update(origin);
    digest.update([b'\n', ED25519]);
    digest.update(key.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
    [a, b, c, d]
}

/// A note is no checkpoint of this log.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It has not the form of one.
    #[error("not a checkpoint")]
    Form,

    /// This key has not signed it.
    #[error("the checkpoint is not signed by this terminal")]
    Signature,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_opened_by_its_key_alone() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let own = key.verifying_key();
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key();
        let link = Link::new([7; 32]);
        let checkpoint = Checkpoint { origin: "greengate/ab".to_owned(), size: 12, link };
        let note = checkpoint.sign(&key);
        let lines: Vec<_> = note.lines().collect();
        assert_eq!(lines[..4], ["greengate/ab", "12", &STANDARD.encode([7; 32]), ""]);
        assert!(lines[4].starts_with("\u{2014} greengate/ab "), "{note}");
        let open = |note: &str, key: &_| Checkpoint::open(note, key);
        assert_eq!(open(&note, &own), Ok(checkpoint));
        let cases = [
            ("another key", note.clone(), &other, CheckpointError::Signature),
            ("one more", note.replace("\n12\n", "\n13\n"), &own, CheckpointError::Signature),
            ("a leading zero", note.replace("\n12\n", "\n012\n"), &own, CheckpointError::Form),
            ("another log", note.replace("/ab", "/ac"), &own, CheckpointError::Signature),
            (
                "no signature",
                note.split("\u{2014}").next().unwrap().to_owned(),
                &own,
                CheckpointError::Signature,
            ),
            ("nothing", String::new(), &own, CheckpointError::Form),
        ];
        for (name, note, key, error) in cases {
            assert_eq!(open(&note, key), Err(error), "{name}");
        }
    }
}
