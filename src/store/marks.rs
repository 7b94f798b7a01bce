//! The second place: how far the store had come, in a file of its own.
//!
//! A database that was put back from an old copy, or lost the end of its log, is whole and wrong.
//! It is told by marks that are ahead of it. They are written after the database has acknowledged,
//! so that they are never ahead of one that was only interrupted, and in two places by turns, so
//! that one cut short leaves the other.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{audit::Link, clock::Timestamp};

/// The name of the file in the state folder.
pub(super) const FILE_NAME: &str = "greengate.marks";

/// Bytes of each of the two places: as a disk writes them, at once.
const SLOT: usize = 512;

/// How far a store had come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Marks {
    /// How many records there had been.
    pub(super) records: u64,
    /// The link of the last.
    pub(super) link: Link,
    /// The floor of the clock.
    pub(super) floor: Timestamp,
    /// The versions of the lists, in the order of their kinds; 0 for one that was not there.
    pub(super) versions: Vec<u64>,
}

/// The file of marks.
#[derive(Debug)]
pub(super) struct MarksFile {
    file: File,
    turn: u64,
    marks: Option<Marks>,
}

#[derive(Deserialize, Serialize)]
struct Slot {
    turn: u64,
    records: u64,
    link: String,
    /// In seconds since 1970.
    #[serde(default)]
    floor: i64,
    versions: Vec<u64>,
}

impl MarksFile {
    /// Opens the file in `state`, making it if it is not there.
    pub(super) fn open(state: &Path) -> io::Result<Self> {
        let path = state.join(FILE_NAME);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let mut bytes = [0; 2 * SLOT];
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, u64::try_from(length).unwrap_or(u64::MAX))? {
                0 => break,
                read => length += read,
            }
        }
        let slots = bytes.chunks(SLOT).filter_map(parse);
        let newest = slots.max_by_key(|(turn, _)| *turn);
        let (turn, marks) = newest.map_or((0, None), |(turn, marks)| (turn, Some(marks)));
        Ok(Self { file, turn, marks })
    }

    /// The marks, if there are any that can be read.
    pub(super) fn marks(&self) -> Option<&Marks> {
        self.marks.as_ref()
    }

    /// Writes marks. Unless they are synced they may be lost with the power, and those before are
    /// then still there.
    pub(super) fn write(&mut self, marks: Marks) -> io::Result<()> {
        let turn = self.turn.saturating_add(1);
        let place = (turn % 2) * u64::try_from(SLOT).unwrap_or(0);
        self.file.write_all_at(&render(turn, &marks), place)?;
        (self.turn, self.marks) = (turn, Some(marks));
        Ok(())
    }

    /// Has the disk keep what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

fn render(turn: u64, Marks { records, link, floor, versions }: &Marks) -> Vec<u8> {
    let slot = Slot {
        turn,
        records: *records,
        link: link.to_string(),
        floor: floor.timestamp(),
        versions: versions.clone(),
    };
    let json = serde_json::to_string(&slot).expect("numbers and a text");
    let digest = Link::new(Sha256::digest(&json).into());
    let mut bytes = format!("{json}\n{digest}\n").into_bytes();
    bytes.resize(SLOT, b' ');
    bytes
}

fn parse(bytes: &[u8]) -> Option<(u64, Marks)> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let (json, digest) = (lines.next()?, lines.next()?);
    let expected = Link::new(Sha256::digest(json).into());
    if digest.parse() != Ok(expected) {
        return None;
    }
    let Slot { turn, records, link, floor, versions } = serde_json::from_str(json).ok()?;
    let floor = Timestamp::from_timestamp(floor, 0)?;
    Some((turn, Marks { records, link: link.parse().ok()?, floor, versions }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_marks_that_can_be_read_count() {
        let state = tempfile::tempdir().unwrap();
        let marks = |records| Marks {
            records,
            link: Link::new([7; 32]),
            floor: "2021-11-20T00:00:00Z".parse().unwrap(),
            versions: vec![7, 3, 0, 5],
        };
        let mut file = MarksFile::open(state.path()).unwrap();
        assert_eq!(file.marks(), None);
        for records in 1..=3 {
            file.write(marks(records)).unwrap();
        }
        let kept = || MarksFile::open(state.path()).unwrap().marks().cloned();
        assert_eq!(kept(), Some(marks(3)));
        // The third stands in the second place; whatever byte of it is lost, the second is there.
        let path = state.path().join(FILE_NAME);
        let whole = std::fs::read(&path).unwrap();
        for index in SLOT..SLOT + 200 {
            let mut bytes = whole.clone();
            bytes[index] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(kept(), Some(marks(2)), "byte {index}");
        }
        for length in [0, 1, 100, SLOT - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(kept(), (length > 300).then(|| marks(2)), "{length} bytes");
        }
    }
}
