//! What is too large to be done in one go beside a lane.
//!
//! Work that takes long yields to everything else. Large files need more: a lane has each record on
//! the disk before it shows the verdict, and that waits for whatever the file system has to do
//! before: a hundred megabytes on their way to the disk, or the space of a large file that is given
//! back. So both are done in pieces, each brought to its end before the next, and then the disk is
//! left to others for a while.

use std::{
    borrow::Borrow,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    thread,
    time::Instant,
};

/// How much work yields to everything else. Source: nice(1), where 19 is the most.
const NICE: i32 = 19;

/// How many bytes may be on their way to the disk at once.
const UNSYNCED: u64 = 256 << 10;

/// How many bytes are given back at once. Where a disk is told what is free (`mount -o discard`), a
/// record waits for that: for 2.3 ms after 64 KB as after 512, 3 ms after 1 MB, 44 ms after 25.
const GIVEN_BACK: u64 = 1 << 20;

/// In what a file system counts the space of a file. Source: stat(2).
const BLOCK: u64 = 512;

/// How many times as long as a piece takes nothing more is given back: less than one record in a
/// hundred meets one.
const REST: u32 = 150;

/// What ends the name of a file that is being removed. Whoever finds one goes on with it.
const REMOVED: &str = ".removed";

/// Does what takes long, at the lowest priority.
pub(crate) fn yielding<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            // It is this thread's alone; if it cannot be had, the work is done all the same.
            rustix::process::nice(NICE).ok();
            work()
        });
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Writes a file in pieces. What it is given last is not synced.
#[derive(Debug)]
pub(crate) struct Writer<F> {
    file: F,
    unsynced: u64,
}

impl<F: Borrow<File>> Writer<F> {
    /// Writes to `file`, from where it is on.
    pub(crate) fn new(file: F) -> Self {
        Self { file, unsynced: 0 }
    }
}

impl<F: Borrow<File>> Write for Writer<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.borrow();
        let written = file.write(bytes)?;
        self.unsynced += u64::try_from(written).unwrap_or(u64::MAX);
        if self.unsynced >= UNSYNCED {
            then_rest(1, || file.sync_data())?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.borrow().flush()
    }
}

/// Says of a file that was just opened that it is in use until it is closed.
///
/// # Errors
///
/// [`io::ErrorKind::NotFound`] if it is being removed.
pub(crate) fn hold(file: &File) -> io::Result<()> {
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::NotFound.into()),
        // Where files cannot be locked they are not on a terminal's disk.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Removes a file in pieces, unless somebody holds it, and says whether it is gone. If it has another
/// name, it keeps that and all that is in it. Its name is free at once.
///
/// # Errors
///
/// Those of the file system; what is left is no longer the file it was, and has another name.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    let file = OpenOptions::new().write(true).open(path)?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Ok(false);
    }
    let metadata = file.metadata()?;
    let mut length = metadata.len();
    // What was never written takes no space.
    let taken = metadata.blocks().saturating_mul(BLOCK);
    if length.min(taken) <= GIVEN_BACK || metadata.nlink() > 1 {
        fs::remove_file(path)?;
        return Ok(true);
    }
    let mut name = path.as_os_str().to_owned();
    if !name.as_encoded_bytes().ends_with(REMOVED.as_bytes()) {
        name.push(REMOVED);
        fs::rename(path, &name)?;
    }
    while length > GIVEN_BACK {
        length -= GIVEN_BACK;
        then_rest(REST, || {
            file.set_len(length)?;
            file.sync_data()
        })?;
    }
    fs::remove_file(name)?;
    Ok(true)
}

/// Removes a folder and the files in it, if it is there.
///
/// # Errors
///
/// Those of the file system; what is left over is removed the next time.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    let removed = fs::read_dir(path).and_then(|entries| {
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                remove(&entry.path())?;
            }
        }
        fs::remove_dir_all(path)
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Does a piece of work, and rests so many times as long as it took.
fn then_rest<T>(times: u32, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    thread::sleep(started.elapsed() * times);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of so many bytes, none of them a hole.
    fn filled(path: &Path, length: u64) {
        fs::write(path, vec![b'x'; length.try_into().unwrap()]).unwrap();
    }

    #[test]
    fn what_is_written_in_pieces_is_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..UNSYNCED * 2 + 3).map(|number| number.to_le_bytes()[0]).collect();
        let file = File::create(&path).unwrap();
        let mut out = Writer::new(&file);
        for part in bytes.chunks(10_007) {
            out.write_all(part).unwrap();
        }
        assert!(fs::read(path).unwrap() == bytes);
    }

    #[test]
    fn a_file_is_removed_once_nobody_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 1, GIVEN_BACK, GIVEN_BACK + 1, 3 * GIVEN_BACK] {
            let path = folder.path().join(length.to_string());
            filled(&path, length);
            let readers = [File::open(&path).unwrap(), File::open(&path).unwrap()];
            for reader in readers {
                hold(&reader).unwrap();
                assert!(!remove(&path).unwrap(), "{length}");
                assert_eq!(fs::metadata(&path).unwrap().len(), length);
            }
            assert!(remove(&path).unwrap(), "{length}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{length}");
            assert_eq!(remove(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn a_removal_that_was_broken_off_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.removed");
        filled(&path, 3 * GIVEN_BACK);
        assert!(remove(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_with_another_name_loses_only_the_one() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        filled(&one, 3 * GIVEN_BACK);
        fs::hard_link(&one, &other).unwrap();
        assert!(remove(&one).unwrap());
        assert!(!one.exists());
        assert_eq!(fs::metadata(&other).unwrap().len(), 3 * GIVEN_BACK);
    }

    #[test]
    fn a_file_that_is_being_removed_cannot_be_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let removing = File::create(&path).unwrap();
        removing.lock().unwrap();
        let reader = File::open(&path).unwrap();
        assert_eq!(hold(&reader).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
