//! Private keys, one file each.
//!
//! A file is made readable by its owner alone before anything is in it. What was read or made is
//! wiped from memory when it is no longer used, and is never printed.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{SECRET_KEY_LENGTH, SigningKey};
use zeroize::Zeroizing;

use super::AuthorityError;
use crate::{issuer::IssuerId, key_ring::KeyId};

/// Characters of 32 bytes in base64.
const ENCODED_LENGTH: usize = 44;

/// Makes a key for `issuer` and writes it to a file of its own in `folder`.
pub(super) fn generate(folder: &Path, issuer: IssuerId) -> Result<SigningKey, AuthorityError> {
    make(|key| path(folder, issuer, &KeyId::of(&key.verifying_key()).to_string()))
}

/// Reads the key of `issuer` with the identifier `kid`.
pub(super) fn load(
    folder: &Path,
    issuer: IssuerId,
    kid: &str,
) -> Result<SigningKey, AuthorityError> {
    let path = path(folder, issuer, kid);
    let key = read(&path)?;
    if KeyId::of(&key.verifying_key()).to_string() == kid {
        Ok(key)
    } else {
        Err(AuthorityError::ForeignKey { path })
    }
}

/// Makes a key and writes it to a new file, which `name` names.
pub(super) fn make(
    name: impl FnOnce(&SigningKey) -> PathBuf,
) -> Result<SigningKey, AuthorityError> {
    let mut secret = Zeroizing::new([0; SECRET_KEY_LENGTH]);
    getrandom::fill(secret.as_mut_slice()).map_err(|_| AuthorityError::Random)?;
    let key = SigningKey::from_bytes(&secret);
    let path = name(&key);
    let mut encoded = Zeroizing::new([0; ENCODED_LENGTH]);
    let written = (|| {
        STANDARD.encode_slice(*secret, encoded.as_mut_slice()).map_err(std::io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(encoded.as_slice())?;
        file.sync_all()
    })();
    written.map_err(|source| AuthorityError::File { path, source })?;
    Ok(key)
}

/// Reads the key in a file.
pub(super) fn read(path: &Path) -> Result<SigningKey, AuthorityError> {
    let mut encoded = Zeroizing::new([0; ENCODED_LENGTH]);
    File::open(path)
        .and_then(|mut file| file.read_exact(encoded.as_mut_slice()))
        .map_err(|source| AuthorityError::File { path: path.to_path_buf(), source })?;
    let decoded = STANDARD.decode(encoded.as_slice()).map(Zeroizing::new);
    let secret =
        decoded.ok().and_then(|bytes| bytes.as_slice().try_into().map(Zeroizing::new).ok());
    secret
        .map(|secret: Zeroizing<[u8; SECRET_KEY_LENGTH]>| SigningKey::from_bytes(&secret))
        .ok_or_else(|| AuthorityError::ForeignKey { path: path.to_path_buf() })
}

fn path(folder: &Path, issuer: IssuerId, kid: &str) -> PathBuf {
    folder.join(format!("{issuer}-{kid}.key"))
}
