//! Writing an extract.
//!
//! Codes come one after the other, in any order and as many as there are, and the rows are to stand
//! in the order of their indices, all as long as the longest. So each goes, encrypted under a key
//! that is in memory alone, into one of 256 unnamed files by the first byte of its index, and from
//! there, a file at a time, sorted and sealed into the extract. Memory does not grow with people.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use chacha20poly1305::{AeadInOut, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::{
    EpochKey, LIFE, MAX_ROWS, RosterError, Stretching,
    file::{HEADER, Header, cipher, envelope_of, put_row, put_sealed, record_length},
    file_name,
    key::{Deriver, Index, RowKey, terminal_digest},
};
use crate::{clock::Timestamp, id_document::DocumentNumber, symbol::SymbolText};

/// People that go from hand to hand at once: a third of a second's work if they are stretched.
const BATCH: usize = 16;

/// The most threads that seal.
const MAX_THREADS: usize = 8;

/// By the first byte of an index.
const BUCKETS: usize = 256;

/// An extract hides how many people it has up to a sixteenth of them, and at least so many.
const MIN_STEP: u64 = 1024;

/// What an extract is to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'plan> {
    /// The terminal that it is for.
    pub terminal: &'plan str,
    /// Which epoch it is.
    pub epoch: u64,
    /// The instant that its data are of, in whole seconds.
    pub dated: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// What is done to numbers.
    pub stretching: Stretching,
}

/// Writes an extract to an empty file and syncs it, and says how many codes it has. `scratch` is the
/// folder for files without a name; `sealed` is told how many rows are written, and of how many.
///
/// The key must be new: no two extracts may have one.
///
/// # Errors
///
/// What `people` give for errors; [`RosterError::Twice`] if a number comes twice;
/// [`RosterError::Record`] for a text that is no health code; [`RosterError::Io`].
pub fn build<E: From<RosterError>>(
    file: &File,
    scratch: &Path,
    plan: Plan<'_>,
    key: &EpochKey,
    people: impl IntoIterator<Item = Result<(DocumentNumber, SymbolText), E>>,
    sealed: &mut dyn FnMut(u64, u64),
) -> Result<u64, E> {
    let Plan { terminal, epoch, dated, expires, stretching } = plan;
    if file_name(terminal).is_none() {
        return Err(RosterError::TerminalName.into());
    }
    if dated >= expires || expires - dated > LIFE {
        return Err(RosterError::Dates.into());
    }
    let spill = Spill::new(scratch)?;
    let people = spill.fill(people, key, stretching)?;
    let header = Header {
        terminal: terminal_digest(terminal),
        epoch,
        dated,
        expires,
        stretching,
        record: record_length(spill.longest.load(Ordering::Relaxed)),
        rows: padded(people),
        nonce: random()?,
    };
    spill.pad(header.rows - people)?;
    let bytes = header.to_bytes(|checked| key.check(checked));
    let finished = (|| {
        spill.seal(file, &header, &bytes, sealed)?;
        file.write_all_at(&bytes, 0)?;
        Ok(file.sync_all()?)
    })();
    finished.map_err(|error: RosterError| E::from(error))?;
    Ok(people)
}

/// How many rows there are for so many people: one more at least, up to the next multiple.
fn padded(people: u64) -> u64 {
    let step = (people.next_power_of_two() / 16).max(MIN_STEP);
    (people + 1).next_multiple_of(step)
}

/// What waits to be sorted. Nothing of it has a name in any folder.
struct Spill {
    cipher: XChaCha20Poly1305,
    next: AtomicU64,
    longest: AtomicUsize,
    buckets: [Mutex<Bucket>; BUCKETS],
}

/// What begins with one byte.
struct Bucket {
    file: BufWriter<File>,
    rows: u64,
}

/// One row before it is sealed: its key and the envelope, encrypted, or nothing.
struct Waiting<'bytes> {
    index: Index,
    number: u64,
    hidden: &'bytes [u8],
}

impl Spill {
    fn new(scratch: &Path) -> Result<Self, RosterError> {
        let bucket = || {
            let file = BufWriter::with_capacity(1 << 14, tempfile::tempfile_in(scratch)?);
            Ok(Mutex::new(Bucket { file, rows: 0 }))
        };
        let buckets: Vec<_> = (0..BUCKETS).map(|_| bucket()).collect::<Result<_, RosterError>>()?;
        let Ok(buckets) = buckets.try_into() else { unreachable!("as many as were asked for") };
        Ok(Self {
            cipher: cipher(&Zeroizing::new(random()?)),
            next: AtomicU64::new(0),
            longest: AtomicUsize::new(0),
            buckets,
        })
    }

    /// Takes in everybody, by as many threads as there are cores, and says how many those are.
    fn fill<E: From<RosterError>>(
        &self,
        people: impl IntoIterator<Item = Result<(DocumentNumber, SymbolText), E>>,
        key: &EpochKey,
        stretching: Stretching,
    ) -> Result<u64, E> {
        let (send, receive) = sync_channel(4);
        let (receive, failed) = (Mutex::new(receive), AtomicBool::new(false));
        thread::scope(|scope| {
            let work = || self.take_in(&receive, &failed, key, stretching);
            let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
            let fed = feed(people, &send, &failed);
            drop(send);
            for worker in workers {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            fed
        })
    }

    /// Takes in what comes, until nothing more does.
    fn take_in(
        &self,
        receive: &Mutex<Receiver<Batch>>,
        failed: &AtomicBool,
        key: &EpochKey,
        stretching: Stretching,
    ) -> Result<(), RosterError> {
        let mut deriver = Deriver::new(key, stretching);
        loop {
            // A statement of its own, so that the others need not wait for the work.
            let batch = locked(receive).recv();
            let Ok(batch) = batch else { break };
            let taken = match &mut deriver {
                // Whoever sends must not find the channel full for good.
                Err(_) => continue,
                Ok(deriver) => batch.iter().try_for_each(|(number, text)| {
                    let envelope = Zeroizing::new(envelope_of(text)?);
                    self.longest.fetch_max(envelope.len(), Ordering::Relaxed);
                    self.put(&deriver.row(number)?, &envelope)
                }),
            };
            if let Err(error) = taken {
                failed.store(true, Ordering::Relaxed);
                deriver = Err(error);
            }
        }
        deriver.map(drop)
    }

    fn put(&self, row: &RowKey, envelope: &[u8]) -> Result<(), RosterError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut hidden = Zeroizing::new(Vec::with_capacity(row.key.len() + envelope.len() + 16));
        hidden.extend_from_slice(row.key.as_slice());
        hidden.extend_from_slice(envelope);
        let encrypted =
            self.cipher.encrypt_in_place(&nonce(number).into(), &row.index, &mut *hidden);
        encrypted.map_err(|_| RosterError::Record)?;
        self.put_waiting(&Waiting { index: row.index, number, hidden: &hidden })
    }

    /// Puts in so many rows that are nobody's.
    fn pad(&self, count: u64) -> Result<(), RosterError> {
        (0..count).try_for_each(|_| {
            self.put_waiting(&Waiting { index: random()?, number: 0, hidden: &[] })
        })
    }

    fn put_waiting(
        &self,
        Waiting { index, number, hidden }: &Waiting<'_>,
    ) -> Result<(), RosterError> {
        let mut bucket = locked(&self.buckets[usize::from(index[0])]);
        bucket.rows += 1;
        let length = u16::try_from(hidden.len()).map_err(|_| RosterError::Record)?;
        bucket.file.write_all(index)?;
        bucket.file.write_all(&number.to_be_bytes())?;
        bucket.file.write_all(&length.to_be_bytes())?;
        Ok(bucket.file.write_all(hidden)?)
    }

    /// Writes the rows behind the header's place, a few buckets at a time.
    fn seal(
        &self,
        file: &File,
        header: &Header,
        bytes: &[u8; HEADER],
        sealed: &mut dyn FnMut(u64, u64),
    ) -> Result<(), RosterError> {
        let mut out = file;
        out.seek(SeekFrom::Start(128))?;
        let mut done = 0;
        for buckets in self.buckets.chunks(threads()) {
            let rows: Vec<_> = thread::scope(|scope| {
                let mut workers = Vec::with_capacity(buckets.len());
                for bucket in buckets {
                    let first = done;
                    done += locked(bucket).rows;
                    workers
                        .push(scope.spawn(move || self.seal_bucket(bucket, header, bytes, first)));
                }
                let join = |worker: thread::ScopedJoinHandle<'_, _>| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                workers.into_iter().map(join).collect::<Result<_, RosterError>>()
            })?;
            for rows in rows {
                out.write_all(&rows)?;
            }
            sealed(done, header.rows);
        }
        Ok(())
    }

    /// The rows of one bucket in their order, the first of which has this number.
    fn seal_bucket(
        &self,
        bucket: &Mutex<Bucket>,
        header: &Header,
        bytes: &[u8; HEADER],
        first: u64,
    ) -> Result<Vec<u8>, RosterError> {
        let mut bucket = locked(bucket);
        bucket.file.flush()?;
        let mut spilt = Vec::new();
        let mut file = bucket.file.get_ref();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut spilt)?;
        let mut waiting = waiting(&spilt);
        waiting.sort_unstable_by_key(|row| row.index);
        if !waiting.is_sorted_by(|one, other| one.index < other.index) {
            return Err(RosterError::Twice);
        }
        let mut out = Vec::with_capacity(waiting.len() * header.row());
        for (number, row) in (first..).zip(waiting) {
            if row.hidden.is_empty() {
                let mut sealed = vec![0; header.record + 16];
                getrandom::fill(&mut sealed).map_err(|_| RosterError::Random)?;
                put_sealed(&mut out, number, row.index, &sealed);
                continue;
            }
            let mut shown = Zeroizing::new(row.hidden.to_vec());
            self.cipher
                .decrypt_in_place(&nonce(row.number).into(), &row.index, &mut *shown)
                .map_err(|_| RosterError::Damaged)?;
            let (key, envelope) = shown.split_first_chunk().ok_or(RosterError::Damaged)?;
            let key = RowKey { index: row.index, key: Zeroizing::new(*key) };
            put_row(&mut out, (header, bytes), number, &key, envelope)?;
        }
        Ok(out)
    }
}

type Batch = Vec<(DocumentNumber, SymbolText)>;

/// Hands everybody to who waits for them, and says how many those were.
fn feed<E: From<RosterError>>(
    people: impl IntoIterator<Item = Result<(DocumentNumber, SymbolText), E>>,
    send: &SyncSender<Batch>,
    failed: &AtomicBool,
) -> Result<u64, E> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut count = 0;
    for person in people {
        batch.push(person?);
        count += 1;
        // Room for the rows that are nobody's.
        if count >= MAX_ROWS / 2 {
            return Err(RosterError::TooMany.into());
        }
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            // Why it failed is told by who did.
            if failed.load(Ordering::Relaxed) || send.send(full).is_err() {
                return Ok(count);
            }
        }
    }
    send.send(batch).ok();
    Ok(count)
}

/// What is in a bucket's file.
fn waiting(mut bytes: &[u8]) -> Vec<Waiting<'_>> {
    let mut all = Vec::new();
    while let Some((index, rest)) = bytes.split_first_chunk::<16>()
        && let Some((number, rest)) = rest.split_first_chunk::<8>()
        && let Some((length, rest)) = rest.split_first_chunk::<2>()
        && let Some((hidden, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into())
    {
        all.push(Waiting { index: *index, number: u64::from_be_bytes(*number), hidden });
        bytes = rest;
    }
    all
}

/// Nobody leaves a lock behind in the middle of a change: a panic ends the whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS))
}

/// The nonce of a row that waits: each has another number.
fn nonce(number: u64) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[16..].copy_from_slice(&number.to_be_bytes());
    nonce
}

fn random<const N: usize>() -> Result<[u8; N], RosterError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| RosterError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_people_there_are_is_hidden() {
        let cases = [
            (0, 1024),
            (1, 1024),
            (1023, 1024),
            (1024, 2048),
            (16_384, 17_408),
            (200_000, 212_992),
            (1_000_000, 1_048_576),
        ];
        for (people, rows) in cases {
            assert_eq!(padded(people), rows, "{people}");
        }
    }
}
