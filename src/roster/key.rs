//! An epoch's key, the file that it comes in, and what is derived from it.

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{RosterError, Stretching, file_name};
use crate::{
    clock::Timestamp,
    credential::{MatchKey, MatchKeys},
    id_document::DocumentNumber,
    locked::Locked,
};

/// The longest that a token counts: a shift, and the one before it that fetched it.
pub const TOKEN_LIFE: TimeDelta = TimeDelta::hours(24);

/// The most bytes of a token's file. One has 300, and 80 more for each match key.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The form of a token's file: the second, which has match keys.
const TOKEN_VERSION: u8 = 2;

/// The most match keys of a token. Of epochs of a week, four can be met by codes that live for two.
pub const MAX_MATCH_KEYS: usize = 8;

/// Argon2id with 19 MiB and t = 2. Source: TRUST, section 3, as OWASP's Password Storage Cheat
/// Sheet has it.
const STRETCH_MEMORY_KIB: u32 = 19 * 1024;
const STRETCH_PASSES: u32 = 2;

/// The key of one extract. It is never shown.
pub struct EpochKey(Locked);

impl EpochKey {
    /// How many bytes.
    pub const LEN: usize = Locked::LEN;

    /// A new key.
    ///
    /// # Errors
    ///
    /// [`RosterError::Random`] and [`RosterError::Memory`].
    pub fn random() -> Result<Self, RosterError> {
        let mut filled = Ok(());
        let secret = Locked::filled(|bytes| filled = getrandom::fill(bytes));
        filled.map_err(|_| RosterError::Random)?;
        Ok(Self(secret?))
    }

    /// The key with these bytes, which must be random.
    ///
    /// # Errors
    ///
    /// [`RosterError::Memory`].
    pub fn new(bytes: &[u8; Self::LEN]) -> Result<Self, RosterError> {
        Ok(Self(Locked::new(bytes)?))
    }

    /// The key as the authority keeps it, in base64.
    ///
    /// # Errors
    ///
    /// [`RosterError::Token`] if it is none, and [`RosterError::Memory`].
    pub fn read(encoded: &[u8]) -> Result<Self, RosterError> {
        Ok(Self(locked(encoded.trim_ascii())?))
    }

    /// The key in base64, for who keeps it: the authority, and a token's file.
    #[must_use]
    pub fn encoded(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.expose()))
    }

    /// HMAC-SHA-256 of `parts`, the first of which says what it is for.
    pub(super) fn derive(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose())
            .expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// What tells that a header was made with this key, and is as it was made.
    pub(super) fn check(&self, header: &[u8]) -> [u8; 16] {
        first_16(&self.derive(&[b"chk", header]))
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EpochKey(..)")
    }
}

/// An epoch's key as it comes to a terminal: whose it is, and until when it counts. The keys by which
/// documents are compared with codes come along, and count as long.
#[derive(Debug)]
pub struct EpochToken {
    terminal: String,
    epoch: u64,
    key: EpochKey,
    match_keys: MatchKeys,
    issued: Timestamp,
    expires: Timestamp,
}

/// What stands in a token's file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TokenFile<'file> {
    version: u8,
    terminal: &'file str,
    epoch: u64,
    /// Borrowed, so that reading leaves no copy of it.
    key: &'file str,
    #[serde(borrow)]
    match_keys: Vec<MatchKeyEntry<'file>>,
    issued: Timestamp,
    expires: Timestamp,
}

/// A match key in a token's file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct MatchKeyEntry<'file> {
    epoch: u64,
    key: &'file str,
}

impl EpochToken {
    /// A token for a terminal.
    ///
    /// # Errors
    ///
    /// [`RosterError::Dates`] beyond [`TOKEN_LIFE`], and [`RosterError::TerminalName`].
    pub fn new(
        terminal: &str,
        epoch: u64,
        key: EpochKey,
        issued: Timestamp,
        expires: Timestamp,
    ) -> Result<Self, RosterError> {
        if file_name(terminal).is_none() {
            return Err(RosterError::TerminalName);
        }
        if issued >= expires || expires - issued > TOKEN_LIFE {
            return Err(RosterError::Dates);
        }
        let match_keys = MatchKeys::NONE;
        Ok(Self { terminal: terminal.to_owned(), epoch, key, match_keys, issued, expires })
    }

    /// With the keys by which documents are compared with codes.
    ///
    /// # Errors
    ///
    /// [`RosterError::MatchKeys`] if they are more than a token can have, or two are of one epoch.
    pub fn with_match_keys(self, keys: Vec<MatchKey>) -> Result<Self, RosterError> {
        let epochs: BTreeSet<_> = keys.iter().map(MatchKey::epoch).collect();
        if keys.len() > MAX_MATCH_KEYS || epochs.len() != keys.len() {
            return Err(RosterError::MatchKeys);
        }
        Ok(Self { match_keys: keys.into_iter().collect(), ..self })
    }

    /// Reads what a token's file holds, strictly. Whoever has `bytes` is to wipe them.
    ///
    /// # Errors
    ///
    /// [`RosterError::Token`], and as [`new`](Self::new).
    pub fn read(bytes: &[u8]) -> Result<Self, RosterError> {
        if bytes.len() > MAX_TOKEN_BYTES {
            return Err(RosterError::Token);
        }
        // serde's own complaint may repeat what it found.
        let file: TokenFile<'_> = serde_json::from_slice(bytes).map_err(|_| RosterError::Token)?;
        if file.version != TOKEN_VERSION {
            return Err(RosterError::Token);
        }
        let key = EpochKey::read(file.key.as_bytes())?;
        let match_keys = file.match_keys.iter();
        let match_keys = match_keys
            .map(|entry| Ok(MatchKey::new(entry.epoch, locked(entry.key.as_bytes())?)))
            .collect::<Result<_, RosterError>>()?;
        Self::new(file.terminal, file.epoch, key, file.issued, file.expires)?
            .with_match_keys(match_keys)
    }

    /// Reads a token's file, and keeps nothing of it but the token.
    ///
    /// # Errors
    ///
    /// [`RosterError::Io`], and as [`read`](Self::read).
    pub fn open(path: &Path) -> Result<Self, RosterError> {
        // As long as it will ever be: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(vec![0; MAX_TOKEN_BYTES + 1]);
        if !path.metadata()?.is_file() {
            return Err(RosterError::Token);
        }
        let mut file = File::open(path)?;
        let mut length = 0;
        while length < bytes.len() {
            match file.read(&mut bytes[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Self::read(&bytes[..length])
    }

    /// The token, if it is of `terminal` and counts at `now`.
    ///
    /// # Errors
    ///
    /// [`RosterError::OtherTerminal`], [`RosterError::NotYet`], and [`RosterError::KeyExpired`].
    pub fn counting(self, terminal: &str, now: Timestamp) -> Result<Self, RosterError> {
        if self.terminal != terminal {
            return Err(RosterError::OtherTerminal);
        }
        self.counts(now)?;
        Ok(self)
    }

    /// That it counts at `now`.
    fn counts(&self, now: Timestamp) -> Result<(), RosterError> {
        let Self { issued, expires, .. } = *self;
        if now < issued {
            return Err(RosterError::NotYet { from: issued });
        }
        if now >= expires {
            return Err(RosterError::KeyExpired { expires });
        }
        Ok(())
    }

    /// What a token's file holds.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let encoded = self.key.encoded();
        let encode = |key: &MatchKey| Zeroizing::new(STANDARD.encode(key.expose()));
        let match_keys: Vec<_> =
            self.match_keys.iter().map(|key| (key.epoch(), encode(key))).collect();
        let file = TokenFile {
            version: TOKEN_VERSION,
            terminal: &self.terminal,
            epoch: self.epoch,
            key: &encoded,
            match_keys: match_keys
                .iter()
                .map(|(epoch, key)| MatchKeyEntry { epoch: *epoch, key })
                .collect(),
            issued: self.issued,
            expires: self.expires,
        };
        json(&file)
    }

    /// The terminal that it is for.
    #[must_use]
    pub fn terminal(&self) -> &str {
        &self.terminal
    }

    /// The epoch of the extract that it opens.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Until when it counts, exclusive.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The keys by which documents are compared with codes, while the token counts.
    #[must_use]
    pub fn match_keys(&self, now: Timestamp) -> Option<&MatchKeys> {
        self.counts(now).is_ok().then_some(&self.match_keys)
    }

    pub(super) fn issued(&self) -> Timestamp {
        self.issued
    }

    pub(super) fn key(&self) -> &EpochKey {
        &self.key
    }
}

/// The 32 bytes that stand in base64, in locked memory.
fn locked(encoded: &[u8]) -> Result<Locked, RosterError> {
    let bytes = STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| RosterError::Token)?;
    Ok(Locked::new(bytes.as_slice().try_into().map_err(|_| RosterError::Token)?)?)
}

/// A token's file, in a buffer that need not grow: one that does leaves copies behind.
fn json(file: &TokenFile<'_>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_TOKEN_BYTES));
    serde_json::to_writer_pretty(&mut *bytes, file).expect("a token has no values that JSON lacks");
    bytes.push(b'\n');
    bytes
}

/// What a row is sorted and found by.
pub(super) type Index = [u8; 16];

/// Where a person's row stands, and what opens it.
pub(super) struct RowKey {
    pub(super) index: Index,
    pub(super) key: Zeroizing<[u8; 32]>,
}

/// Makes [`RowKey`]s, with room to stretch numbers in if they are stretched.
pub(super) struct Deriver<'key> {
    key: &'key EpochKey,
    stretch: Option<Stretch>,
}

impl<'key> Deriver<'key> {
    pub(super) fn new(key: &'key EpochKey, stretching: Stretching) -> Result<Self, RosterError> {
        let stretch = match stretching {
            Stretching::Argon2id => Some(Stretch::new(first_16(&key.derive(&[b"slt"])))?),
            Stretching::None => None,
        };
        Ok(Self { key, stretch })
    }

    /// Index: HMAC(K, "idx" ‖ type ‖ number), of which 16 bytes; key: HMAC(K, "rec" ‖ type ‖ number).
    /// What is stretched stands in the place of type and number.
    pub(super) fn row(&mut self, number: &DocumentNumber) -> Result<RowKey, RosterError> {
        let text = number.text().expose();
        let mut person = Zeroizing::new(Vec::with_capacity(1 + text.len()));
        person.push(number.kind().type_byte());
        person.extend_from_slice(text.as_bytes());
        let stretched;
        let person = match &mut self.stretch {
            Some(stretch) => {
                stretched = stretch.of(&person)?;
                stretched.as_slice()
            }
            None => person.as_slice(),
        };
        let index = first_16(&self.key.derive(&[b"idx", person]));
        Ok(RowKey { index, key: self.key.derive(&[b"rec", person]) })
    }
}

/// Argon2id under a salt that only the key gives.
struct Stretch {
    argon2: Argon2<'static>,
    salt: [u8; 16],
    blocks: Zeroizing<Vec<Block>>,
}

impl Stretch {
    fn new(salt: [u8; 16]) -> Result<Self, RosterError> {
        let params = Params::new(STRETCH_MEMORY_KIB, STRETCH_PASSES, 1, Some(32));
        let params = params.map_err(|_| RosterError::Stretching)?;
        let mut blocks = Zeroizing::new(Vec::new());
        let count = params.block_count();
        blocks.try_reserve_exact(count).map_err(|_| RosterError::Stretching)?;
        blocks.resize(count, Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { argon2, salt, blocks })
    }

    fn of(&mut self, person: &[u8]) -> Result<Zeroizing<[u8; 32]>, RosterError> {
        let mut stretched = Zeroizing::new([0; 32]);
        self.argon2
            .hash_password_into_with_memory(
                person,
                &self.salt,
                stretched.as_mut_slice(),
                self.blocks.as_mut_slice(),
            )
            .map_err(|_| RosterError::Stretching)?;
        Ok(stretched)
    }
}

/// What a header has for a terminal's name.
pub(super) fn terminal_digest(terminal: &str) -> [u8; 16] {
    first_16(&Sha256::digest(terminal).into())
}

fn first_16(digest: &[u8; 32]) -> [u8; 16] {
    *digest.first_chunk().expect("32 bytes begin with 16")
}
