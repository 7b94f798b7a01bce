//! What changes from one version of a list to a later one, and how it is worked in.
//!
//! # The form
//!
//! Numbers have their highest byte first. Behind the header stand the added entries and then the
//! removed ones, 8 bytes each; both rise, and none stands twice.
//!
//! | bytes of the header | |
//! | --- | --- |
//! | 0..8 | `GGREVOD1` |
//! | 8..10 | the issuer |
//! | 10..12 | zero |
//! | 12..16 | the month, as 202111 |
//! | 16..24 | the version it applies to |
//! | 24..32 | the version that comes of it |
//! | 32..40 | how many entries are added |
//! | 40..48 | how many are removed |
//! | 48..80 | the digest in the header of the list that comes of it |
//! | 80..112 | SHA-256 of all entries and then bytes 0..80 of the header |
//!
//! Since the digest of the outcome is known beforehand, what a terminal merges is the very list that
//! was published, or it is refused.

use std::{
    fs::File,
    io::{BufWriter, Write},
    iter::Peekable,
    os::unix::fs::FileExt,
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{
    Edition, ListId, MAX_ENTRIES, Prefix,
    file::{Fields, FileError, RevocationFile, chunked, list_bytes, open_regular},
};

const MAGIC: [u8; 8] = *b"GGREVOD1";
const HEADER: usize = 112;

/// The part of the header that the digest is of, beside the entries.
const HEADER_DIGESTED: usize = 80;

/// Entries that are read at once.
const ENTRIES_AT_ONCE: u64 = 8_192;

/// The entries that a change brings and takes, each in their order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// The entries that are new.
    pub added: Vec<Prefix>,
    /// The entries that are gone.
    pub removed: Vec<Prefix>,
}

/// An open file of one change.
#[derive(Debug)]
pub struct DeltaFile {
    file: File,
    list: ListId,
    from: u64,
    to: u64,
    added: u64,
    removed: u64,
    outcome: [u8; 32],
}

impl DeltaFile {
    /// Opens the file at `path` that changes version `from` of `list` to version `to`, and reads it
    /// from end to end: nothing is worked in that is not whole.
    ///
    /// # Errors
    ///
    /// [`FileError`]
    pub fn open(path: &Path, list: ListId, from: u64, to: u64) -> Result<Self, FileError> {
        let file = open_regular(path)?;
        let length = file.metadata()?.len();
        let mut header = [0; HEADER];
        if length < header_length() {
            return Err(FileError::Length);
        }
        file.read_exact_at(&mut header, 0)?;
        let mut fields = Fields(&header);
        if fields.take() != MAGIC {
            return Err(FileError::Foreign);
        }
        let of = (fields.list(), fields.u64(), fields.u64());
        if of != (Some(list), from, to) {
            return Err(FileError::Misnamed);
        }
        let (added, removed) = (fields.u64(), fields.u64());
        if added > MAX_ENTRIES || removed > MAX_ENTRIES {
            return Err(FileError::TooMany);
        }
        if length != offset(added + removed) {
            return Err(FileError::Length);
        }
        let (outcome, digest) = (fields.take(), fields.take::<32>());
        let delta = Self { file, list, from, to, added, removed, outcome };
        let mut found = Sha256::new();
        for entries in [0..added, added..added + removed] {
            let mut before = None;
            for entry in delta.entries(entries) {
                let entry = entry?;
                if before.is_some_and(|before| before >= entry) {
                    return Err(FileError::Unsorted);
                }
                before = Some(entry);
                found.update(entry.to_bytes());
            }
        }
        let found = found.chain_update(&header[..HEADER_DIGESTED]).finalize();
        if found[..] == digest { Ok(delta) } else { Err(FileError::Damaged) }
    }

    /// Writes the change from version `from` to the list that comes of it, and syncs it.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`]
    pub fn write(
        file: &File,
        from: u64,
        outcome: Edition,
        change: &Change,
    ) -> Result<(), FileError> {
        let count = |entries: &[Prefix]| u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&list_bytes(outcome.list));
        let numbers = [from, outcome.version, count(&change.added), count(&change.removed)];
        for number in numbers {
            header.extend_from_slice(&number.to_be_bytes());
        }
        header.extend_from_slice(&outcome.digest);
        let mut digest = Sha256::new();
        let entries = || change.added.iter().chain(&change.removed).map(|entry| entry.to_bytes());
        for entry in entries() {
            digest.update(entry);
        }
        let digest = digest.chain_update(&header).finalize();
        header.extend_from_slice(&digest);

        let mut out = BufWriter::with_capacity(1 << 16, file);
        out.write_all(&header)?;
        entries().try_for_each(|entry| out.write_all(&entry))?;
        out.flush()?;
        drop(out);
        Ok(file.sync_all()?)
    }

    /// The entries at these places among them all.
    fn entries(
        &self,
        places: std::ops::Range<u64>,
    ) -> impl Iterator<Item = Result<Prefix, FileError>> {
        let mut next = places.start;
        chunked(move |chunk| {
            let count = ENTRIES_AT_ONCE.min(places.end - next);
            let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * Prefix::LEN];
            self.file.read_exact_at(&mut bytes, offset(next))?;
            next += count;
            let (entries, _) = bytes.as_chunks();
            chunk.extend(entries.iter().copied().map(Prefix::from_bytes));
            Ok(())
        })
    }
}

/// Writes what comes of working a change into a list to an empty file.
///
/// All are read side by side from their beginnings, so that memory does not grow with them.
///
/// # Errors
///
/// [`FileError::DoesNotFit`] if the change is for another list, and [`FileError::Damaged`] if what
/// comes of it is not what the change says.
pub fn merge(
    base: &RevocationFile,
    delta: &DeltaFile,
    out: File,
) -> Result<RevocationFile, FileError> {
    merge_all(base, std::slice::from_ref(delta), out)
}

/// Writes what comes of working changes into a list, each into what comes of the one before, to an
/// empty file. What lies between is written nowhere.
///
/// # Errors
///
/// [`FileError::DoesNotFit`] if they do not follow each other from the list on, and
/// [`FileError::Damaged`] if what comes of them is not what the last one says.
pub fn merge_all(
    base: &RevocationFile,
    deltas: &[DeltaFile],
    out: File,
) -> Result<RevocationFile, FileError> {
    let Edition { list, mut version, mut digest } = base.edition();
    let mut entries: Box<dyn Iterator<Item = Read> + '_> = Box::new(base.entries());
    for delta in deltas {
        if (list, version) != (delta.list, delta.from) {
            return Err(FileError::DoesNotFit);
        }
        (version, digest) = (delta.to, delta.outcome);
        entries = Box::new(Merging {
            base: entries.peekable(),
            added: delta.entries(0..delta.added).peekable(),
            removed: delta.entries(delta.added..delta.added + delta.removed).peekable(),
        });
    }
    let merged = RevocationFile::write(out, list, version, entries)?;
    if merged.edition().digest == digest { Ok(merged) } else { Err(FileError::Damaged) }
}

/// The entries of a list with a change worked in.
struct Merging<B: Iterator, A: Iterator, R: Iterator> {
    base: Peekable<B>,
    added: Peekable<A>,
    removed: Peekable<R>,
}

/// An entry, or why there is none.
type Read = Result<Prefix, FileError>;

impl<B, A, R> Iterator for Merging<B, A, R>
where
    B: Iterator<Item = Read>,
    A: Iterator<Item = Read>,
    R: Iterator<Item = Read>,
{
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        self.step().transpose()
    }
}

impl<B, A, R> Merging<B, A, R>
where
    B: Iterator<Item = Read>,
    A: Iterator<Item = Read>,
    R: Iterator<Item = Read>,
{
    fn step(&mut self) -> Result<Option<Prefix>, FileError> {
        loop {
            let old = head(&mut self.base)?;
            let new = head(&mut self.added)?;
            let gone = head(&mut self.removed)?;
            match (old, new) {
                (None, None) if gone.is_none() => return Ok(None),
                (Some(old), new) if new.is_none_or(|new| old < new) => {
                    self.base.next();
                    if gone != Some(old) {
                        return Ok(Some(old));
                    }
                    self.removed.next();
                }
                (old, Some(new)) if old.is_none_or(|old| new < old) => {
                    self.added.next();
                    return Ok(Some(new));
                }
                // What is added is there, or what is removed is not.
                _ => return Err(FileError::DoesNotFit),
            }
        }
    }
}

/// The entry that comes next.
fn head(entries: &mut Peekable<impl Iterator<Item = Read>>) -> Result<Option<Prefix>, FileError> {
    if let Some(Ok(entry)) = entries.peek() { Ok(Some(*entry)) } else { entries.next().transpose() }
}

fn header_length() -> u64 {
    offset(0)
}

/// Where an entry stands.
fn offset(entry: u64) -> u64 {
    entry.saturating_mul(8).saturating_add(112)
}
