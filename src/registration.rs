//! Registrations by hand: sealed for the authority, and never read again where they were made.
//!
//! Who has neither a code nor is in the extract is written down: name, document if there is one, why
//! there is no code, and who answers for a minor. That is the one record with people's data in it. It
//! is sealed at once to the authority's public key with HPKE ([RFC 9180]: X25519, HKDF-SHA-256,
//! ChaCha20-Poly1305, base mode), and the terminal has no key that opens it. All have one size, so
//! that not even the length of a name is told.
//!
//! [RFC 9180]: https://www.rfc-editor.org/rfc/rfc9180

use std::fmt;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    audit::StaffNumber,
    clock::Timestamp,
    id_document::{DocumentKind, DocumentNumber, NumberText},
    language::Words,
};

/// Bytes of a sealed registration, each.
pub const SEALED_BYTES: usize = MAGIC.len() + ENCAPSULATED + PADDED + TAG;

/// The folder that takes sealed registrations to the authority, on a stick or at a web server.
pub const FOLDER: &str = "registrations";

/// The name of a sealed registration's file at a web server: the SHA-256 of what is in it, by which
/// the terminal's records know it too. It tells nothing of who or where, and no two are alike, since
/// each is sealed under a key of its own. Nothing if it has not the form of one.
#[must_use]
pub fn file_name(sealed: &[u8]) -> Option<String> {
    let is_sealed = sealed.len() == SEALED_BYTES && sealed.starts_with(MAGIC);
    let hex = |digest: [u8; 32]| digest.map(|byte| format!("{byte:02x}")).concat();
    is_sealed.then(|| format!("{}.sealed", hex(Sha256::digest(sealed).into())))
}

/// How a sealed registration begins: the form, and its version.
const MAGIC: &[u8; 8] = b"GGREG-1\n";

/// Bytes of an X25519 public key.
const ENCAPSULATED: usize = 32;

/// Bytes of what is sealed, padded: two names of 64 characters of 4 bytes each, as JSON would escape
/// none of them, and the rest with room to spare.
const PADDED: usize = 1_536;

/// Bytes of a Poly1305 tag.
const TAG: usize = 16;

/// The most characters of a name; 64 hold the longest of REQUIREMENTS, section 4.
const MAX_NAME: usize = 64;

/// The most characters of the terminal's name or the gate's that are kept.
const MAX_PLACE: usize = 64;

/// Somebody who was registered by hand. Its debugging form shows nobody.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Who it is.
    pub person: Person,
    /// Why there is no code.
    pub reason: RegistrationReason,
    /// Who answers for the person.
    pub guardian: Option<Person>,
    /// Who registered.
    pub staff: StaffNumber,
    /// What the authority calls the terminal, if it has said so.
    pub terminal: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A person by name, and by document if there is one.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    name: PersonName,
    document: Option<PersonDocument>,
}

impl Person {
    /// A person of this name, with a document if there is one.
    #[must_use]
    pub fn new(name: PersonName, document: Option<PersonDocument>) -> Self {
        Self { name, document }
    }

    /// The name, whole.
    #[must_use]
    pub fn name(&self) -> &PersonName {
        &self.name
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Option<&PersonDocument> {
        self.document.as_ref()
    }
}

/// A name of 1 to 64 characters, none of which steers a screen. It is wiped when it is dropped.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct PersonName(Zeroizing<String>);

impl PersonName {
    /// A name, if it can be one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim();
        let fits = (1..=MAX_NAME).contains(&name.chars().count())
            && !name.chars().any(|character| character.is_control() || "\"\\".contains(character));
        fits.then(|| Self(Zeroizing::new(name.to_owned())))
    }

    /// The name, for the authority that opens a registration: never for a log or an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, &'static str> {
        Self::new(&Zeroizing::new(name)).ok_or("not a name")
    }
}

impl Serialize for PersonName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

/// The kind and number of a document.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PersonDocument {
    /// The kind.
    pub kind: DocumentKind,
    /// The number.
    #[serde(deserialize_with = "read_number", serialize_with = "write_number")]
    pub number: NumberText,
}

impl PersonDocument {
    /// The document whose number was typed, or read from its card.
    #[must_use]
    pub fn of(number: &DocumentNumber) -> Self {
        Self { kind: number.kind(), number: number.text().clone() }
    }
}

fn read_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NumberText, D::Error> {
    let number = Zeroizing::new(String::deserialize(deserializer)?);
    NumberText::new(&number).ok_or_else(|| de::Error::custom("not a document's number"))
}

fn write_number<S: Serializer>(number: &NumberText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(number.expose())
}

/// Why somebody is registered by hand.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationReason {
    /// The person has no phone that shows a code.
    NoPhone,
    /// The person has no document with them, or has none.
    NoDocument,
    /// A minor without a document, registered by a parent.
    Minor,
    /// The extract has nobody of this number.
    NotFound,
    /// The phone, the network, or the terminal fails.
    Technical,
}

impl RegistrationReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::NoPhone, Self::NoDocument, Self::Minor, Self::NotFound, Self::Technical];

    /// The name that registrations use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPhone => "no_phone",
            Self::NoDocument => "no_document",
            Self::Minor => "minor",
            Self::NotFound => "not_found",
            Self::Technical => "technical",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> Words {
        let (zh, en) = match self {
            Self::NoPhone => ("没有智能手机", "No smart phone"),
            Self::NoDocument => ("未带证件或没有证件", "No identity document"),
            Self::Minor => ("未成年人，由监护人登记", "Minor, registered by the guardian"),
            Self::NotFound => ("本机数据中查无此人", "Not in this terminal's data"),
            Self::Technical => ("手机、网络或设备故障", "Phone, network, or terminal fails"),
        };
        Words::new(zh, en)
    }
}

impl Registration {
    /// Seals the registration for who has the private part of `key`.
    ///
    /// # Errors
    ///
    /// [`SealError::TooLong`].
    pub fn seal(&self, key: &SealingKey) -> Result<Vec<u8>, SealError> {
        if self.terminal.as_ref().is_some_and(|name| name.chars().count() > MAX_PLACE) {
            return Err(SealError::TooLong);
        }
        // Written where it is sealed, so that no copy is left behind.
        let mut padded = Zeroizing::new(vec![b' '; PADDED]);
        serde_json::to_writer(padded.as_mut_slice(), self).map_err(|_| SealError::TooLong)?;
        let public = PublicKey::from_bytes(&key.0).map_err(|_| SealError::Key)?;
        let (encapsulated, sealed) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Scheme>(
            &OpModeS::Base,
            &public,
            MAGIC,
            &padded,
            &[],
        )
        .map_err(|_| SealError::Key)?;
        Ok([MAGIC.as_slice(), &encapsulated.to_bytes(), &sealed].concat())
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Registration({}, ..)", self.reason.code())
    }
}

type Scheme = X25519HkdfSha256;
type PublicKey = <Scheme as Kem>::PublicKey;
type PrivateKey = <Scheme as Kem>::PrivateKey;

/// The authority's public key for registrations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SealingKey([u8; ENCAPSULATED]);

impl SealingKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; ENCAPSULATED]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; ENCAPSULATED] {
        &self.0
    }
}

/// The authority's private key for registrations. It is never shown.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct OpeningKey([u8; ENCAPSULATED]);

impl OpeningKey {
    /// The key with these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; ENCAPSULATED]) -> Self {
        Self(bytes)
    }

    /// The public part.
    ///
    /// # Errors
    ///
    /// [`OpenError::Key`] if it is no key.
    pub fn sealing_key(&self) -> Result<SealingKey, OpenError> {
        let public = Scheme::sk_to_pk(&self.private()?);
        let bytes = public.to_bytes();
        Ok(SealingKey(bytes.as_slice().try_into().map_err(|_| OpenError::Key)?))
    }

    /// Opens a registration that was sealed for this key.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(&self, sealed: &[u8]) -> Result<Registration, OpenError> {
        if sealed.len() != SEALED_BYTES {
            return Err(OpenError::Form);
        }
        let rest = sealed.strip_prefix(MAGIC).ok_or(OpenError::Form)?;
        let (encapsulated, sealed) = rest.split_at(ENCAPSULATED);
        let encapsulated = <Scheme as Kem>::EncappedKey::from_bytes(encapsulated);
        let padded = single_shot_open::<ChaCha20Poly1305, HkdfSha256, Scheme>(
            &OpModeR::Base,
            &self.private()?,
            &encapsulated.map_err(|_| OpenError::Form)?,
            MAGIC,
            sealed,
            &[],
        );
        let padded = Zeroizing::new(padded.map_err(|_| OpenError::Sealed)?);
        serde_json::from_slice(&padded).map_err(|_| OpenError::Content)
    }

    fn private(&self) -> Result<PrivateKey, OpenError> {
        PrivateKey::from_bytes(&self.0).map_err(|_| OpenError::Key)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OpeningKey(..)")
    }
}

/// A registration cannot be sealed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SealError {
    /// The authority's key is none.
    #[error("the authority's sealing key cannot be used [G01]")]
    Key,

    /// It is longer than one may be.
    #[error("the registration is too long [G02]")]
    TooLong,
}

/// A sealed registration cannot be opened.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OpenError {
    /// It was sealed for this key, and is no registration.
    #[error("what was sealed is no registration [G11]")]
    Content,

    /// It has not the form of one.
    #[error("not a sealed registration [G12]")]
    Form,

    /// The private key is none.
    #[error("the private key cannot be used [G13]")]
    Key,

    /// It was sealed for another key, or was changed.
    #[error("sealed for another key, or changed since [G14]")]
    Sealed,
}
