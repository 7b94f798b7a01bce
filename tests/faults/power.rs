//! The power goes: of what was not synced, nothing is left, or some sectors of it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tempfile::tempdir;

use crate::child::{self, Reached};

/// As much as a disk writes at once.
const SECTOR: usize = 512;

/// What was written and not synced, after the power went.
#[derive(Clone, Copy, Debug)]
enum Unsynced {
    Lost,
    /// Some of its sectors were written.
    Torn,
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn coin(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(2)
    }
}

/// Puts down a folder that was synced whole.
fn put_down(folder: &Path, inside: &str, platter: &Path) {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let (name, found) = (name.to_str().unwrap(), fs::metadata(&path).unwrap());
        let (number, sort) = (found.ino(), if found.is_dir() { "folder" } else { "file" });
        names.push(format!("{number} {sort} {name}\n"));
        if found.is_dir() {
            put_down(&path, &format!("{inside}{name}"), platter);
        } else {
            fs::copy(&path, platter.join(format!("synced-{number}"))).unwrap();
            fs::hard_link(&path, platter.join(format!("kept-{number}"))).unwrap();
        }
    }
    fs::write(platter.join(format!("names-{inside}")), names.concat()).unwrap();
}

/// What the disk holds after the power went.
fn hold(platter: &Path, inside: &str, to: &Path, unsynced: Unsynced, random: &mut Random) {
    // A folder that was never synced has no names.
    let names = fs::read_to_string(platter.join(format!("names-{inside}"))).unwrap_or_default();
    fs::create_dir_all(to).unwrap();
    for line in names.lines() {
        let mut parts = line.splitn(3, ' ');
        let (number, sort, name) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let to = to.join(name);
        if sort == "folder" {
            hold(platter, &format!("{inside}{name}"), &to, unsynced, random);
            continue;
        }
        let read = |sort: &str| fs::read(platter.join(format!("{sort}-{number}")));
        let mut bytes = read("synced").unwrap_or_default();
        if let (Unsynced::Torn, Ok(written)) = (unsynced, read("kept")) {
            if random.coin() {
                bytes.resize(written.len(), 0);
            }
            for (sector, written) in bytes.chunks_mut(SECTOR).zip(written.chunks(SECTOR)) {
                if sector.len() == written.len() && random.coin() {
                    sector.copy_from_slice(written);
                }
            }
        }
        fs::write(to, bytes).unwrap();
    }
}

fn lose_power(unsynced: Unsynced, times: usize) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut reached = Reached::default();
    let mut state: PathBuf = PathBuf::from("0");
    let root = tempdir().unwrap();
    fs::create_dir(root.path().join(&state)).unwrap();
    let mut firsts = 0;
    for round in 0..times {
        let platter = tempdir().unwrap();
        let here = root.path().join(&state);
        put_down(&here, "", platter.path());
        let disk = [("GREENGATE_PLATTER", platter.path().to_str().unwrap())];
        child::kill_after(child::start(&here, None, &disk), 1 + round * 5 % 13, &mut reached);
        state = PathBuf::from((round + 1).to_string());
        let after = root.path().join(&state);
        hold(platter.path(), "", &after, unsynced, &mut random);
        fs::remove_dir_all(&here).unwrap();
        let found = Reached::of(&after);
        let found = found.unwrap_or_else(|error| panic!("{unsynced:?}, round {round}: {error}"));
        assert!(found.records >= reached.records, "{unsynced:?}, {round}: {found:?} {reached:?}");
        assert!(found.version >= reached.version, "{unsynced:?}, {round}: {found:?} {reached:?}");
        reached = found;
        if round % 5 == 4 {
            firsts += 1;
            (state, reached) = (PathBuf::from(format!("new-{round}")), Reached::default());
            fs::create_dir(root.path().join(&state)).unwrap();
        }
    }
    println!("{times} times without power, {firsts} new stores, {unsynced:?}: nothing lost");
}

#[test]
fn what_was_acknowledged_survives_that_the_rest_is_lost() {
    if !child::is_child() {
        lose_power(Unsynced::Lost, child::times(25));
    }
}

#[test]
fn what_was_acknowledged_survives_that_the_rest_is_torn() {
    if !child::is_child() {
        lose_power(Unsynced::Torn, child::times(25));
    }
}

#[test]
fn the_power_may_go_at_any_call_from_the_first_on() {
    if child::is_child() {
        return;
    }
    let step = if child::times(0) >= 200 { 1 } else { 5 };
    let mut random = Random(1);
    let mut runs = 0;
    for call in ["open", "write", "sync", "truncate", "rename"] {
        for first in (1..).step_by(step) {
            let (state, platter, after) =
                (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
            put_down(state.path(), "", platter.path());
            let fault = format!("{call}:0:{first}:once");
            let disk = [
                ("GREENGATE_PLATTER", platter.path().to_str().unwrap()),
                ("GREENGATE_FAULT", fault.as_str()),
            ];
            let mut child = child::start(state.path(), Some(2), &disk);
            let mut reached = Reached::default();
            for line in child::lines(child.stdout.take().unwrap()) {
                reached.heard(&line);
            }
            let was_killed = child.wait().unwrap().code().is_none();
            for unsynced in [Unsynced::Lost, Unsynced::Torn] {
                let after = after.path().join(format!("{unsynced:?}"));
                hold(platter.path(), "", &after, unsynced, &mut random);
                let found = Reached::of(&after);
                let found = found.unwrap_or_else(|error| panic!("{fault}, {unsynced:?}: {error}"));
                assert!(found.records >= reached.records, "{fault}: {found:?} {reached:?}");
                assert!(found.version >= reached.version, "{fault}: {found:?} {reached:?}");
            }
            runs += 1;
            if !was_killed {
                break;
            }
        }
    }
    println!("the power went at {runs} calls: nothing lost");
}
