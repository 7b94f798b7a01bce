//! `greengate demo`: a lane with an authority, people, and a camera of its own.
//!
//! The authority makes its keys anew each time, in a folder that goes when the program does. What
//! it issues and publishes takes the same way as anybody's: the lists are installed in a store, the
//! symbols are drawn into frames, and the lane reads them.

mod camera;
mod people;

use std::io::Write;

use chrono::TimeDelta;
use clap::Args;
use greengate::{
    authority::Authority,
    clock::{self, Timestamp},
    decision::Decision,
    language::Words,
    place::{Gate, Place},
    presentation::Audience,
    store::Store,
};

use self::{
    camera::{DemoCamera, PERSON},
    people::Person,
};
use crate::{
    Failure,
    lane::{Lane, Showing},
};

/// The time between two frames without a window: as good as a camera's 30, and sooner done.
const STEP: TimeDelta = TimeDelta::milliseconds(100);

/// Run a lane with a demonstration's authority, people, and camera.
///
/// Exit status: 0 done, 70 the demonstration could not be set up, 74 the output could not be
/// written.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Without a window: everybody comes once, and each verdict is printed on a line.
    #[arg(long)]
    headless: bool,

    /// Without a window, and also write a picture of each screen into this folder, in both
    /// languages and both shapes.
    #[cfg(feature = "kiosk")]
    #[arg(long, value_name = "DIR")]
    shots: Option<std::path::PathBuf>,

    #[cfg(feature = "kiosk")]
    #[command(flatten)]
    window: crate::kiosk::Window,
}

/// All that a demonstration needs.
struct Stage {
    lane: Lane,
    camera: DemoCamera,
    people: Vec<Person>,
    started: Timestamp,
}

impl Demo {
    #[cfg(feature = "kiosk")]
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let stage = Stage::set(in_memory()?, clock::now())?;
        if let Some(folder) = &self.shots {
            let mut shots = crate::kiosk::shots::Shots::new(folder)?;
            return stage.play(out, |showing, lane, frame| shots.take(showing, lane, frame));
        }
        if self.headless {
            return stage.play(out, |_, _, _| Ok(()));
        }
        let Stage { lane, mut camera, .. } = stage;
        let frames = crate::kiosk::Source::Drawn(Box::new(move |now| camera.frame(now)));
        crate::kiosk::run(|_| lane, frames, &self.window)
    }

    #[cfg(not(feature = "kiosk"))]
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        if !self.headless {
            return Err(Failure::state("this build has no window: use --headless"));
        }
        Stage::set(in_memory()?, clock::now())?.play(out, |_, _, _| Ok(()))
    }
}

impl Stage {
    /// Makes an authority, its lists, and everybody's code, and installs the lists in `store`.
    fn set(mut store: Store, now: Timestamp) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::state)?;
        let before = now - TimeDelta::days(30);
        let mut authority = Authority::init_demo(folder.path(), before).map_err(Failure::state)?;
        let files = authority.publish(now - TimeDelta::hours(3)).map_err(Failure::state)?;
        let people = people::everybody(&authority, now).map_err(Failure::state)?;
        store.install(&files, now).map_err(Failure::state)?;
        let name = Words::new("进京检查站（演示）", "Checkpoint to Beijing (demo)");
        let gate = Gate { place: Place::HighwayCheckpoint, name, gate: "3".to_owned() };
        store.provision(&gate).map_err(Failure::state)?;
        let lane = Lane::open(store, Audience::Staff, now).map_err(Failure::state)?;
        Ok(Self { lane, camera: DemoCamera::new(&people, now), people, started: now })
    }

    /// Lets everybody come once, and prints what the lane says to each.
    fn play(
        mut self,
        out: &mut impl Write,
        mut also: impl FnMut(&Showing, &Lane, &greengate::frame::Frame) -> Result<(), Failure>,
    ) -> Result<u8, Failure> {
        let mut now = self.started;
        for person in &self.people {
            let gone = now + PERSON;
            while now < gone {
                let frame = self.camera.frame(now);
                if let Some(showing) = self.lane.see(&frame) {
                    also(&showing, &self.lane, &frame)?;
                    if let Showing::Result(judged) = &showing {
                        write_line(out, person, &judged.decision)?;
                    }
                }
                now += STEP;
            }
        }
        Ok(0)
    }
}

/// A store that is gone when the demonstration is.
fn in_memory() -> Result<Store, Failure> {
    Store::in_memory().map_err(Failure::state)
}

/// One line for one verdict.
fn write_line(out: &mut impl Write, person: &Person, decision: &Decision) -> Result<(), Failure> {
    write!(out, "{}: {}", person.role, decision.verdict())?;
    match decision.reason() {
        Some(reason) => writeln!(out, ": {reason} [{}]", reason.code())?,
        None => writeln!(out)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the lane shows of the first who comes.
    fn first_shown(stage: &mut Stage) -> Option<Showing> {
        let frames = (0..20).map(|step| stage.started + STEP * step);
        let mut frames = frames.map(|now| stage.camera.frame(now));
        frames.find_map(|frame| stage.lane.see(&frame))
    }

    #[test]
    fn nobody_passes_when_the_record_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::set(Store::open(folder.path()).unwrap(), clock::now()).unwrap();
        let now = stage.started;
        let other = rusqlite::Connection::open(folder.path().join("greengate.db")).unwrap();
        other.execute_batch("ALTER TABLE audit RENAME TO lost").unwrap();
        assert!(matches!(first_shown(&mut stage), Some(Showing::OutOfService)));
        assert!(matches!(stage.lane.refresh(now), Some(Showing::OutOfService)));
        assert_eq!(stage.lane.totals().pass, 0);

        other.execute_batch("ALTER TABLE lost RENAME TO audit").unwrap();
        assert!(matches!(stage.lane.refresh(now), Some(Showing::Camera)));
    }

    #[test]
    fn a_verdict_is_on_the_disk_before_it_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::set(Store::open(folder.path()).unwrap(), clock::now()).unwrap();
        let shown = first_shown(&mut stage);
        assert!(matches!(shown, Some(Showing::Result(..))), "{shown:?}");
        let other = Store::open(folder.path()).unwrap();
        assert_eq!(other.totals(stage.started).unwrap().pass, 1);
    }
}
