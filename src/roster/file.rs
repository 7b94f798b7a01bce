//! An extract's file: written once, read where it lies.
//!
//! # The form
//!
//! Numbers have their highest byte first; K is the epoch's key, R the length of a record.
//!
//! | bytes of the header | |
//! | --- | --- |
//! | 0..8 | `GGROSTR1` |
//! | 8..24 | SHA-256 of the terminal's name, of which 16 bytes |
//! | 24..32 | the epoch |
//! | 32..40 | the instant that the data are of, in seconds since 1970 |
//! | 40..48 | when the extract expires |
//! | 48 | how numbers are stretched: 0 not, 1 by Argon2id with 19 MiB, two passes, one lane |
//! | 49 | zero |
//! | 50..52 | R, of the longest code |
//! | 52..56 | zero |
//! | 56..64 | how many rows |
//! | 64..88 | a nonce that no other extract has |
//! | 88..104 | HMAC-SHA-256(K, "chk" ‖ bytes 0..88), of which 16 bytes |
//! | 104..124 | zero |
//! | 124..128 | CRC-32 (IEEE) of the bytes before |
//!
//! Behind it stand the rows, which rise by their indices, none of which stands twice:
//!
//! | bytes of a row | |
//! | --- | --- |
//! | 0..16 | the index: HMAC-SHA-256(K, "idx" ‖ type ‖ number), of which 16 bytes |
//! | 16..32+R | the record, sealed: XChaCha20-Poly1305 under HMAC-SHA-256(K, "rec" ‖ type ‖ number) with the header's nonce, bound to header and index |
//! | 32+R..36+R | CRC-32 of the row's number, from 0, in 8 bytes, and then of the bytes before |
//!
//! A record is the length of a code's envelope in two bytes, the envelope, and zeros. Its text is
//! `JKM1:` and the envelope in Base45. Type and number are as in CODE-FORMAT, "document match"; if
//! numbers are stretched, Argon2id of both under the salt HMAC-SHA-256(K, "slt"), of which 16 bytes,
//! stands in their place. Some rows are random from end to end, so that nobody can count people.
//!
//! # How it is searched
//!
//! Indices are spread evenly, so where one must stand can be calculated. The file is read by
//! position and not mapped, for the reasons that the lists of revocations have. The checks that any
//! row bears tell a disk that forgets; against who alters the file on purpose stand the seal, the
//! signed repository, and above all the issuer's signature in the code.

use std::{fmt, fs::File, os::unix::fs::FileExt, path::Path};

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::{
    LIFE, RosterError, Stretching,
    key::{Deriver, EpochToken, Index, RowKey, terminal_digest},
};
use crate::{
    bulk,
    clock::Timestamp,
    credential::{MAX_BYTES as MAX_ENVELOPE, PREFIX},
    id_document::DocumentNumber,
    symbol::SymbolText,
};

/// The most rows: more than the people of two of the largest cities.
pub const MAX_ROWS: u64 = 1 << 26;

/// The most bytes of an extract that a terminal fetches: that of the largest city.
pub const MAX_BYTES: u64 = 8 << 30;

/// The longest record: the longest code there may be, and its length, by sixteens.
const MAX_RECORD: usize = (2 + MAX_ENVELOPE).next_multiple_of(16);

const MAGIC: [u8; 8] = *b"GGROSTR1";
pub(super) const HEADER: usize = 128;

/// The part of a header that its check is of.
const CHECKED: usize = 88;

/// What a row has beside the record: index, tag, and CRC.
const BESIDE_RECORD: usize = 16 + 16 + 4;

/// Rows that are read at once: a page or so.
const GROUP: u64 = 16;

/// Groups that are read at once, where all are read.
const GROUPS_AT_ONCE: u64 = 64;

/// Steps by calculation, before a search goes on by halves. Evenly spread rows need four.
const CALCULATED_STEPS: u32 = 8;

/// What a header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) terminal: [u8; 16],
    pub(super) epoch: u64,
    pub(super) dated: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) stretching: Stretching,
    pub(super) record: usize,
    pub(super) rows: u64,
    pub(super) nonce: [u8; 24],
}

impl Header {
    /// As a file has it, with what `check` says of the part before.
    pub(super) fn to_bytes(self, check: impl FnOnce(&[u8]) -> [u8; 16]) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.terminal);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.dated.timestamp().to_be_bytes());
        bytes.extend_from_slice(&self.expires.timestamp().to_be_bytes());
        let stretching = match self.stretching {
            Stretching::None => 0,
            Stretching::Argon2id => 1,
        };
        bytes.extend_from_slice(&[stretching, 0]);
        bytes.extend_from_slice(&length_bytes(self.record));
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.rows.to_be_bytes());
        bytes.extend_from_slice(&self.nonce);
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        bytes.resize(HEADER - 4, 0);
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_be_bytes());
        bytes.try_into().expect("the fields of a header have 128 bytes")
    }

    fn read(bytes: &[u8; HEADER]) -> Result<Self, RosterError> {
        let mut fields = Fields(bytes);
        if fields.take() != MAGIC {
            return Err(RosterError::Foreign);
        }
        let (body, sum) = bytes.split_at(HEADER - 4);
        if crc32fast::hash(body).to_be_bytes() != sum {
            return Err(RosterError::Damaged);
        }
        let (terminal, epoch) = (fields.take(), u64::from_be_bytes(fields.take()));
        let mut instant = || Timestamp::from_timestamp(i64::from_be_bytes(fields.take()), 0);
        let (dated, expires) = (instant(), instant());
        let stretching = match fields.take() {
            [0, 0] => Stretching::None,
            [1, 0] => Stretching::Argon2id,
            _ => return Err(RosterError::Foreign),
        };
        let record = usize::from(u16::from_be_bytes(fields.take()));
        let padding: [u8; 4] = fields.take();
        let rows = u64::from_be_bytes(fields.take());
        let nonce = fields.take();
        let _check: [u8; 16] = fields.take();
        let rest: [u8; 20] = fields.take();
        let (Some(dated), Some(expires)) = (dated, expires) else {
            return Err(RosterError::Foreign);
        };
        if padding != [0; 4] || rest != [0; 20] || !(1..=MAX_RECORD).contains(&record) {
            return Err(RosterError::Foreign);
        }
        if dated >= expires || expires - dated > LIFE {
            return Err(RosterError::Dates);
        }
        if rows > MAX_ROWS {
            return Err(RosterError::TooMany);
        }
        Ok(Self { terminal, epoch, dated, expires, stretching, record, rows, nonce })
    }

    /// The bytes of one row.
    pub(super) fn row(&self) -> usize {
        self.record + BESIDE_RECORD
    }

    /// Where a row begins.
    fn offset(&self, number: u64) -> u64 {
        let row = u64::try_from(self.row()).unwrap_or(u64::MAX);
        number.saturating_mul(row).saturating_add(128)
    }
}

/// The length of a record or of an envelope in it.
fn length_bytes(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// The fields of a header, one after the other.
struct Fields<'header>(&'header [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().expect("a header is read whole");
        self.0 = rest;
        *field
    }
}

/// An open extract.
pub struct Roster {
    file: File,
    header: Header,
    /// The header as it stands in the file: every row is bound to it.
    bytes: [u8; HEADER],
}

impl Roster {
    /// Opens the extract of `terminal` at `path`. Its header and its length are checked, its rows
    /// when they are looked at.
    ///
    /// # Errors
    ///
    /// [`RosterError::OtherTerminal`], and what is wrong with the file. One that has expired can be
    /// opened, to see since when.
    pub fn open(path: &Path, terminal: &str) -> Result<Self, RosterError> {
        // Not a pipe that nobody writes to.
        if !path.metadata()?.is_file() {
            return Err(RosterError::Foreign);
        }
        let file = File::open(path)?;
        bulk::hold(&file)?;
        Self::of(file, terminal)
    }

    pub(super) fn of(file: File, terminal: &str) -> Result<Self, RosterError> {
        let length = file.metadata()?.len();
        if length < 128 {
            return Err(RosterError::Length);
        }
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0)?;
        let header = Header::read(&bytes)?;
        if header.terminal != terminal_digest(terminal) {
            return Err(RosterError::OtherTerminal);
        }
        if length != header.offset(header.rows) {
            return Err(RosterError::Length);
        }
        Ok(Self { file, header, bytes })
    }

    /// Which epoch it is. A later one has a higher number.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// The instant that its data are of.
    #[must_use]
    pub fn dated(&self) -> Timestamp {
        self.header.dated
    }

    /// Until when it counts, exclusive.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.header.expires
    }

    /// How many rows it has: more than people, nobody can tell by how many.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.header.rows
    }

    /// Whether two open files are the same extract.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    /// The extract with its key.
    ///
    /// # Errors
    ///
    /// [`RosterError::OtherTerminal`], [`RosterError::OtherEpoch`], and [`RosterError::WrongKey`],
    /// which also says that the header is not as it was made.
    pub fn unlock<'roster>(
        &'roster self,
        token: &'roster EpochToken,
    ) -> Result<Unlocked<'roster>, RosterError> {
        if self.header.terminal != terminal_digest(token.terminal()) {
            return Err(RosterError::OtherTerminal);
        }
        let (extract, key) = (self.header.epoch, token.epoch());
        if extract != key {
            return Err(RosterError::OtherEpoch { extract, key });
        }
        let (checked, rest) = self.bytes.split_at(CHECKED);
        if !rest.starts_with(&token.key().check(checked)) {
            return Err(RosterError::WrongKey);
        }
        Ok(Unlocked { roster: self, token })
    }

    /// Reads the file from end to end, and checks all that can be checked without a key.
    ///
    /// # Errors
    ///
    /// [`RosterError`]
    pub fn verify(&self) -> Result<(), RosterError> {
        let mut last: Option<Index> = None;
        let mut next = 0;
        while next < self.header.rows {
            let count = (self.header.rows - next).min(GROUP * GROUPS_AT_ONCE);
            let bytes = self.read(next, count)?;
            let rows = self.rows_in(&bytes);
            let first = rows.first().map(|row| row.index);
            if last.is_some_and(|last| first.is_some_and(|first| last >= first)) {
                return Err(RosterError::Damaged);
            }
            last = rows.last().map(|row| row.index);
            next += count;
        }
        Ok(())
    }

    /// The sealed record under this index.
    fn find(&self, index: Index) -> Result<Option<Vec<u8>>, RosterError> {
        let (mut low, mut high) = (0, self.header.rows.div_ceil(GROUP));
        let (mut floor, mut ceiling) = (Index::default(), [u8::MAX; 16]);
        let mut steps = 0;
        while low < high {
            let number = if steps < CALCULATED_STEPS {
                low + share(index, floor, ceiling, high - low)
            } else {
                low + (high - low) / 2
            };
            steps += 1;
            let begin = number * GROUP;
            let bytes = self.read(begin, (self.header.rows - begin).min(GROUP))?;
            let rows = self.rows_in(&bytes);
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                return Err(RosterError::Damaged);
            };
            if first.index < floor || last.index > ceiling {
                return Err(RosterError::Damaged);
            }
            if index < first.index {
                (high, ceiling) = (number, first.index);
            } else if index > last.index {
                (low, floor) = (number + 1, last.index);
            } else {
                let found = rows.binary_search_by_key(&index, |row| row.index);
                return Ok(found.ok().map(|at| rows[at].sealed.to_vec()));
            }
        }
        Ok(None)
    }

    /// Reads rows, each of which must bear its own check, in their order.
    fn read(&self, first: u64, count: u64) -> Result<Vec<u8>, RosterError> {
        let length = self.header.offset(first + count) - self.header.offset(first);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, self.header.offset(first))?;
        let mut before: Option<&[u8]> = None;
        for (number, row) in (first..).zip(bytes.chunks_exact(self.header.row())) {
            let (body, sum) = row.split_at(row.len() - 4);
            let index = &body[..16];
            let rises = before.is_none_or(|before| before < index);
            if !rises || row_sum(number, body) != sum {
                return Err(RosterError::Damaged);
            }
            before = Some(index);
        }
        Ok(bytes)
    }

    fn rows_in<'bytes>(&self, bytes: &'bytes [u8]) -> Vec<Row<'bytes>> {
        let rows = bytes.chunks_exact(self.header.row());
        rows.filter_map(|row| {
            let (index, rest) = row.split_first_chunk()?;
            Some(Row { index: *index, sealed: rest.get(..rest.len() - 4)? })
        })
        .collect()
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Roster(epoch {}, {} rows)", self.header.epoch, self.header.rows)
    }
}

/// One row as it stands in the file.
struct Row<'bytes> {
    index: Index,
    sealed: &'bytes [u8],
}

/// An extract with the key that opens it.
#[derive(Debug)]
pub struct Unlocked<'roster> {
    roster: &'roster Roster,
    token: &'roster EpochToken,
}

impl Unlocked<'_> {
    /// The code of whose document this is; nothing if the extract does not have them.
    ///
    /// What comes back is a text that nobody has vouched for yet.
    ///
    /// # Errors
    ///
    /// [`RosterError::Expired`], [`RosterError::KeyExpired`], [`RosterError::NotYet`];
    /// [`RosterError::Damaged`] if what would tell is not as it was written.
    pub fn look_up(
        &self,
        number: &DocumentNumber,
        now: Timestamp,
    ) -> Result<Option<SymbolText>, RosterError> {
        let (roster, token) = (self.roster, self.token);
        let from = roster.dated().max(token.issued());
        if now < from {
            return Err(RosterError::NotYet { from });
        }
        if now >= roster.expires() {
            return Err(RosterError::Expired { expires: roster.expires() });
        }
        if now >= token.expires() {
            return Err(RosterError::KeyExpired { expires: token.expires() });
        }
        let row = Deriver::new(token.key(), roster.header.stretching)?.row(number)?;
        let Some(sealed) = roster.find(row.index)? else { return Ok(None) };
        let record = open(&row, &roster.header, &roster.bytes, sealed)?;
        text_of(&record).ok_or(RosterError::Damaged).map(Some)
    }
}

/// What stands in a record.
pub(super) fn envelope_of(text: &SymbolText) -> Result<Vec<u8>, RosterError> {
    let body = text.as_str().strip_prefix(PREFIX).ok_or(RosterError::Record)?;
    let envelope = base45::decode(body).map_err(|_| RosterError::Record)?;
    let fits = (1..=MAX_ENVELOPE).contains(&envelope.len()) && base45::encode(&envelope) == body;
    if fits { Ok(envelope) } else { Err(RosterError::Record) }
}

/// How long a record is that holds an envelope of `longest` bytes, by sixteens.
pub(super) fn record_length(longest: usize) -> usize {
    (2 + longest).next_multiple_of(16)
}

/// Seals an envelope in a record, and puts it behind what is in `out` as a row.
pub(super) fn put_row(
    out: &mut Vec<u8>,
    (header, bytes): (&Header, &[u8; HEADER]),
    number: u64,
    row: &RowKey,
    envelope: &[u8],
) -> Result<(), RosterError> {
    let mut record = Zeroizing::new(Vec::with_capacity(header.record + 16));
    record.extend_from_slice(&length_bytes(envelope.len()));
    record.extend_from_slice(envelope);
    record.resize(header.record, 0);
    let aad = [&bytes[..], &row.index].concat();
    cipher(&row.key)
        .encrypt_in_place(&header.nonce.into(), &aad, &mut *record)
        .map_err(|_| RosterError::Record)?;
    put_sealed(out, number, row.index, &record);
    Ok(())
}

/// Puts a row behind what is in `out` whose record is sealed, or is not one.
pub(super) fn put_sealed(out: &mut Vec<u8>, number: u64, index: Index, sealed: &[u8]) {
    let begin = out.len();
    out.extend_from_slice(&index);
    out.extend_from_slice(sealed);
    let sum = row_sum(number, &out[begin..]);
    out.extend_from_slice(&sum);
}

fn open(
    row: &RowKey,
    header: &Header,
    bytes: &[u8; HEADER],
    sealed: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, RosterError> {
    let mut record = Zeroizing::new(sealed);
    let aad = [&bytes[..], &row.index].concat();
    cipher(&row.key)
        .decrypt_in_place(&header.nonce.into(), &aad, &mut *record)
        .map_err(|_| RosterError::Damaged)?;
    Ok(record)
}

/// The text of the code in a record.
fn text_of(record: &[u8]) -> Option<SymbolText> {
    let (length, rest) = record.split_first_chunk()?;
    let (envelope, padding) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let is_padding = padding.iter().all(|byte| *byte == 0);
    let text = format!("{PREFIX}{}", base45::encode(envelope));
    SymbolText::new(text).ok().filter(|_| is_padding)
}

pub(super) fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key).into())
}

fn row_sum(number: u64, body: &[u8]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number.to_be_bytes());
    sum.update(body);
    sum.finalize().to_be_bytes()
}

/// How far into so many groups a row stands, if rows are spread evenly in between.
fn share(index: Index, floor: Index, ceiling: Index, groups: u64) -> u64 {
    // Half of an index tells more groups apart than there can be.
    let head = |index: Index| u128::from_be_bytes(index) >> 64;
    let (index, floor, ceiling) = (head(index), head(floor), head(ceiling));
    let into = index.saturating_sub(floor) * u128::from(groups);
    let share = into / (ceiling.saturating_sub(floor) + 1);
    u64::try_from(share).unwrap_or(0).min(groups - 1)
}
