//! A list's file: written once, read where it lies.
//!
//! # The form
//!
//! Numbers have their highest byte first. The file is a row of blocks of 512 bytes:
//!
//! | bytes of a block | |
//! | --- | --- |
//! | 0..504 | the body |
//! | 504..508 | the block's number, from 0 |
//! | 508..512 | CRC-32 (IEEE) of the 508 bytes before |
//!
//! Block 0 has the header for a body, each other one 63 entries of 8 bytes; what is left of a body
//! is zero. Entries rise from the first to the last, and none stands twice.
//!
//! | bytes of the header | |
//! | --- | --- |
//! | 0..8 | `GGREVOK1` |
//! | 8..10 | the issuer |
//! | 10..12 | zero |
//! | 12..16 | the month, as 202111 |
//! | 16..24 | the version |
//! | 24..32 | how many entries |
//! | 32..64 | SHA-256 of all entries and then bytes 0..32 of the header |
//!
//! # How it is searched
//!
//! Prefixes of digests are spread evenly, so where one must stand can be calculated: of ten million
//! entries two or three blocks are read, and the page cache has them. A file that is not spread so
//! is searched by halves after a few steps.
//!
//! The file is read by position and not mapped. A mapped file that has been cut short kills the
//! process that looks; here that is an error, as is a block that does not bear its own check, so a
//! disk that forgets does not let anybody pass. Whoever replaces a file renames another over it:
//! one that is open stays as it was.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Edition, ListId, Month, Prefix};
use crate::{bulk, issuer::IssuerId};

/// The most entries of one list: 2 GB. More than twice the codes that could be valid at once in the
/// largest province, each holder having one.
pub const MAX_ENTRIES: u64 = 1 << 28;

const MAGIC: [u8; 8] = *b"GGREVOK1";
const BLOCK: usize = 512;
const BODY: usize = 504;
const HEADER: usize = 64;

/// The part of the header that the digest is of, beside the entries.
const HEADER_DIGESTED: usize = 32;

/// Entries in a block.
const PER_BLOCK: u64 = 63;

/// Blocks that are read at once, where all are read.
const BLOCKS_AT_ONCE: u64 = 128;

/// Steps by calculation, before a search goes on by halves. Evenly spread entries need four.
const CALCULATED_STEPS: u32 = 8;

/// An open file of one list.
#[derive(Debug)]
pub struct RevocationFile {
    file: File,
    edition: Edition,
    count: u64,
}

impl RevocationFile {
    /// Opens the file of `list` at `path`. Its header and its length are checked, its entries when
    /// they are looked at.
    ///
    /// # Errors
    ///
    /// [`FileError`]
    pub fn open(path: &Path, list: ListId) -> Result<Self, FileError> {
        Self::of(open_regular(path)?, list)
    }

    /// The list in an open file.
    pub(super) fn of(file: File, list: ListId) -> Result<Self, FileError> {
        let length = file.metadata()?.len();
        if length < block_offset(1) {
            return Err(FileError::Length);
        }
        let mut block = [0; BLOCK];
        file.read_exact_at(&mut block, 0)?;
        if !block.starts_with(&MAGIC) {
            return Err(FileError::Foreign);
        }
        let body = checked_body(&block, 0)?;
        let mut fields = Fields(body);
        let magic = fields.take();
        let found = fields.list();
        let (version, count, digest) = (fields.u64(), fields.u64(), fields.take());
        let (padded, rest) = (body[10..12] == [0; 2], &body[HEADER..]);
        if magic != MAGIC || !padded || rest.iter().any(|byte| *byte != 0) {
            return Err(FileError::Foreign);
        }
        if found != Some(list) {
            return Err(FileError::Misnamed);
        }
        if count > MAX_ENTRIES {
            return Err(FileError::TooMany);
        }
        if length != block_offset(1 + count.div_ceil(PER_BLOCK)) {
            return Err(FileError::Length);
        }
        Ok(Self { file, edition: Edition { list, version, digest }, count })
    }

    /// Writes a list to an empty file, and syncs it.
    ///
    /// # Errors
    ///
    /// [`FileError::Unsorted`] if the entries do not rise, and what they give for errors.
    pub fn write(
        file: File,
        list: ListId,
        version: u64,
        entries: impl IntoIterator<Item = Result<Prefix, FileError>>,
    ) -> Result<Self, FileError> {
        let mut digest = Sha256::new();
        (&file).seek(SeekFrom::Start(block_offset(1)))?;
        let mut out = BufWriter::with_capacity(1 << 16, bulk::Writer::new(&file));
        let (mut body, mut number, mut count, mut before) = (Vec::with_capacity(BODY), 0, 0, None);
        for entry in entries {
            let entry = entry?;
            if before.is_some_and(|before| before >= entry) {
                return Err(FileError::Unsorted);
            }
            if count == MAX_ENTRIES {
                return Err(FileError::TooMany);
            }
            (before, count) = (Some(entry), count + 1);
            body.extend_from_slice(&entry.to_bytes());
            if body.len() == BODY {
                number += 1;
                digest.update(&body);
                out.write_all(&checked_block(&body, number))?;
                body.clear();
            }
        }
        if !body.is_empty() {
            digest.update(&body);
            out.write_all(&checked_block(&body, number + 1))?;
        }
        out.flush()?;
        drop(out);

        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&list_bytes(list));
        header.extend_from_slice(&version.to_be_bytes());
        header.extend_from_slice(&count.to_be_bytes());
        let digest: [u8; 32] = digest.chain_update(&header).finalize().into();
        header.extend_from_slice(&digest);
        file.write_all_at(&checked_block(&header, 0), 0)?;
        file.sync_all()?;
        Ok(Self { file, edition: Edition { list, version, digest }, count })
    }

    /// Which version of which list it is.
    #[must_use]
    pub fn edition(&self) -> Edition {
        self.edition
    }

    /// How many entries it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the list has this entry.
    ///
    /// # Errors
    ///
    /// [`FileError`] if what would tell cannot be read, or cannot be right.
    pub fn contains(&self, entry: Prefix) -> Result<bool, FileError> {
        // The blocks it may stand in, and what entries in them lie between.
        let (mut low, mut high) = (1, self.blocks_end());
        let (mut floor, mut ceiling) = (Prefix(0), Prefix(u64::MAX));
        let mut steps = 0;
        while low < high {
            let number = if steps < CALCULATED_STEPS {
                low + share(entry, floor, ceiling, high - low)
            } else {
                low + (high - low) / 2
            };
            steps += 1;
            let mut block = [0; BLOCK];
            self.file.read_exact_at(&mut block, block_offset(number))?;
            let body = checked_body(&block, number)?;
            let entries = self.entries_of(body, number);
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
                return Err(FileError::Unsorted);
            };
            let (first, last) = (Prefix::from_bytes(*first), Prefix::from_bytes(*last));
            if first < floor || last > ceiling || !entries.is_sorted() {
                return Err(FileError::Unsorted);
            }
            if entry < first {
                (high, ceiling) = (number, first);
            } else if entry > last {
                (low, floor) = (number + 1, last);
            } else {
                return Ok(entries.binary_search(&entry.to_bytes()).is_ok());
            }
        }
        Ok(false)
    }

    /// Reads the file from end to end, and checks all that can be checked.
    ///
    /// # Errors
    ///
    /// [`FileError`]
    pub fn verify(&self) -> Result<(), FileError> {
        let mut digest = Sha256::new();
        let mut last = None;
        let mut next = 1;
        while next < self.blocks_end() {
            next = self.read_blocks(next, |entries| {
                let rises = entries.is_sorted_by(|one, other| one < other);
                if !rises || last.is_some_and(|last| Some(&last) >= entries.first()) {
                    return Err(FileError::Unsorted);
                }
                last = entries.last().copied();
                digest.update(entries.as_flattened());
                Ok(())
            })?;
        }
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, 0)?;
        digest.update(&header[..HEADER_DIGESTED]);
        let digest: [u8; 32] = digest.finalize().into();
        if digest != self.edition.digest || header[HEADER_DIGESTED..] != digest {
            return Err(FileError::Damaged);
        }
        Ok(())
    }

    /// Each entry, in their order, a few pages at a time.
    pub fn entries(&self) -> impl Iterator<Item = Result<Prefix, FileError>> {
        let mut next = 1;
        chunked(move |chunk| {
            next = self.read_blocks(next, |entries| {
                chunk.extend(entries.iter().copied().map(Prefix::from_bytes));
                Ok(())
            })?;
            Ok(())
        })
    }

    /// Reads some blocks from the one with the number `first` on, shows the entries of each, and
    /// says which block comes next.
    fn read_blocks(
        &self,
        first: u64,
        mut show: impl FnMut(&[[u8; Prefix::LEN]]) -> Result<(), FileError>,
    ) -> Result<u64, FileError> {
        let end = self.blocks_end().min(first + BLOCKS_AT_ONCE);
        let mut bytes = vec![0; usize::try_from(end - first).unwrap_or(0) * BLOCK];
        self.file.read_exact_at(&mut bytes, block_offset(first))?;
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        for (number, block) in (first..).zip(blocks) {
            let body = checked_body(block, number)?;
            let entries = self.entries_of(body, number);
            if body[entries.as_flattened().len()..].iter().any(|byte| *byte != 0) {
                return Err(FileError::Damaged);
            }
            show(entries)?;
        }
        Ok(end)
    }

    /// The number behind that of the last block.
    fn blocks_end(&self) -> u64 {
        1 + self.count.div_ceil(PER_BLOCK)
    }

    /// Copies the file to an empty one, and syncs that.
    pub(super) fn copy(&self, out: &File) -> Result<(), FileError> {
        // Nobody has read it but by position, so that it is at its beginning.
        let mut content = (&self.file).take(block_offset(self.blocks_end()));
        io::copy(&mut content, &mut bulk::Writer::new(out))?;
        Ok(out.sync_all()?)
    }

    /// The entries in the body of the block with this number.
    fn entries_of<'body>(
        &self,
        body: &'body [u8; BODY],
        number: u64,
    ) -> &'body [[u8; Prefix::LEN]] {
        let before = (number - 1) * PER_BLOCK;
        let count = self.count.saturating_sub(before).min(PER_BLOCK);
        let (entries, _) = body.as_chunks();
        &entries[..usize::try_from(count).unwrap_or(0)]
    }
}

/// Opens a file that is one, and not a pipe that nobody writes to. As long as it is open, nobody
/// sweeps it.
pub(super) fn open_regular(path: &Path) -> Result<File, FileError> {
    if !path.metadata()?.is_file() {
        return Err(FileError::Foreign);
    }
    let file = File::open(path)?;
    bulk::hold(&file)?;
    Ok(file)
}

/// The entries that `fill` gives, chunk by chunk, until it gives none or an error.
pub(super) fn chunked<'a>(
    mut fill: impl FnMut(&mut Vec<Prefix>) -> Result<(), FileError> + 'a,
) -> impl Iterator<Item = Result<Prefix, FileError>> + 'a {
    let mut chunk = Vec::new().into_iter();
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        if chunk.as_slice().is_empty() {
            let mut next = Vec::new();
            if let Err(error) = fill(&mut next) {
                failed = true;
                return Some(Err(error));
            }
            chunk = next.into_iter();
        }
        chunk.next().map(Ok)
    })
}

/// Bytes 8..16 of a header.
pub(super) fn list_bytes(list: ListId) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..2].copy_from_slice(&list.issuer.number().to_be_bytes());
    bytes[4..].copy_from_slice(&list.month.number().to_be_bytes());
    bytes
}

/// The fields of a header, one after the other.
pub(super) struct Fields<'header>(pub(super) &'header [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().expect("a header is read whole");
        self.0 = rest;
        *field
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    /// As [`list_bytes`] writes it.
    pub(super) fn list(&mut self) -> Option<ListId> {
        let issuer = IssuerId::new(u16::from_be_bytes(self.take()));
        let padding: [u8; 2] = self.take();
        let month = Month::from_number(u32::from_be_bytes(self.take()))?;
        (padding == [0; 2]).then_some(ListId { issuer, month })
    }
}

/// Where a block begins.
fn block_offset(number: u64) -> u64 {
    number.saturating_mul(512)
}

/// A block around a body, which is filled up with zeros.
fn checked_block(body: &[u8], number: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..body.len()].copy_from_slice(body);
    block[BODY..BODY + 4].copy_from_slice(&number_bytes(number));
    let check = crc32fast::hash(&block[..BODY + 4]);
    block[BODY + 4..].copy_from_slice(&check.to_be_bytes());
    block
}

/// The body of the block with this number, if it is that block and as it was written.
fn checked_body(block: &[u8; BLOCK], number: u64) -> Result<&[u8; BODY], FileError> {
    let check = crc32fast::hash(&block[..BODY + 4]).to_be_bytes();
    if block[BODY..BODY + 4] != number_bytes(number) || block[BODY + 4..] != check {
        return Err(FileError::Damaged);
    }
    block.first_chunk().ok_or(FileError::Damaged)
}

/// [`MAX_ENTRIES`] have far fewer blocks than four bytes can count.
fn number_bytes(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

/// How far into so many blocks an entry stands, if entries are spread evenly in between.
fn share(entry: Prefix, floor: Prefix, ceiling: Prefix, blocks: u64) -> u64 {
    let into = u128::from(entry.0.saturating_sub(floor.0)) * u128::from(blocks);
    let share = into / (u128::from(ceiling.0.saturating_sub(floor.0)) + 1);
    u64::try_from(share).unwrap_or(0).min(blocks - 1)
}

/// A file of revocations cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is no longer what was written.
    #[error("it is damaged")]
    Damaged,

    /// It changes another list, or another version.
    #[error("it changes another list than the one at hand")]
    DoesNotFit,

    /// It is no file of this kind.
    #[error("it is no list of revocations")]
    Foreign,

    /// It cannot be read or written.
    #[error("it cannot be read or written: {0}")]
    Io(#[from] io::Error),

    /// It is longer or shorter than it says.
    #[error("it is longer or shorter than it says")]
    Length,

    /// It was accepted, and is not there or not the same.
    #[error("it is missing, or another than was accepted")]
    Missing,

    /// It holds another list than its name says.
    #[error("it holds another list than its name says")]
    Misnamed,

    /// It has more entries than a list may have.
    #[error("it has more than {MAX_ENTRIES} entries")]
    TooMany,

    /// Its entries are out of order, or one stands twice.
    #[error("its entries are out of order")]
    Unsorted,
}
