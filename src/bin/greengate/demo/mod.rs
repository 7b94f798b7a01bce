//! `greengate demo`: a lane with an authority, people, and a camera of its own.
//!
//! The authority makes its keys anew each time, in a folder that goes when the program does. What
//! it issues and publishes takes the same way as anybody's: the lists are installed in a store, the
//! symbols are drawn into frames, and the lane reads them.

mod camera;
#[cfg(feature = "kiosk")]
mod desk;
mod people;

use std::io::Write;

use chrono::TimeDelta;
use clap::Args;
use greengate::{
    authority::Authority,
    clock::{self, Timestamp},
    decision::{Decision, Detail},
    frame::Frame,
    language::Words,
    place::{Gate, Place},
    presentation::Audience,
    store::Store,
};
use tempfile::TempDir;

use self::{
    camera::{DemoCamera, PERSON},
    people::{Cast, Person},
};
use crate::{
    Failure,
    lane::{Lane, Showing},
};

/// The time between two frames without a window: as good as a camera's 30, and sooner done.
const STEP: TimeDelta = TimeDelta::milliseconds(200);

/// The policy pack that the demonstration goes by, and its golden cases.
const PACK: &[u8] = include_bytes!("../../../../assets/policy/cn-2021-11.json");
const CASES: &[u8] = include_bytes!("../../../../assets/policy/cn-2021-11.cases.json");

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

    /// The desk of a "no health code" channel instead of a lane, with a reader of cards.
    #[cfg(feature = "kiosk")]
    #[arg(long, conflicts_with_all = ["headless", "shots"])]
    desk: bool,

    #[cfg(feature = "kiosk")]
    #[command(flatten)]
    window: crate::kiosk::Window,

    /// Scanners that read codes too, as of `greengate kiosk`. May be given several times.
    #[cfg(feature = "kiosk")]
    #[arg(long, value_name = "SCANNER", conflicts_with_all = ["headless", "shots"])]
    scanner: Vec<String>,
}

/// All that a demonstration needs.
struct Stage {
    lane: Lane,
    queue: Queue,
    people: Vec<Person>,
    started: Timestamp,
}

/// The people before the camera. When the last has gone the first comes again, with a code made
/// anew, as a phone would.
struct Queue {
    camera: DemoCamera,
    cast: Cast,
    authority: Authority,
    /// Where the authority keeps its registers and keys.
    _folder: TempDir,
}

impl Queue {
    fn frame(&mut self, now: Timestamp) -> Frame {
        if self.camera.is_over(now)
            && let Ok(people) = self.cast.everybody(&mut self.authority, now)
        {
            self.camera = DemoCamera::new(&people, now);
        }
        self.camera.frame(now)
    }
}

impl Demo {
    #[cfg(feature = "kiosk")]
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        use crate::{
            kiosk::{self, Fetching, Source, shots::Shots},
            scanners::Scanners,
        };

        if self.desk {
            let (lane, mut camera, setting) = desk::Desk::set(clock::now())?.with_reader()?;
            let frames = Source::Drawn(Box::new(move |now| camera.frame(now)));
            let scanners = Scanners::start(&self.scanner)?;
            let (fetching, desk) = (Fetching::never(), Some(setting));
            return kiosk::run(|_| lane, frames, scanners, fetching, desk, &self.window);
        }
        let stage = Stage::set(in_memory()?, clock::now())?;
        if let Some(folder) = &self.shots {
            let mut shots = Shots::new(folder)?;
            stage.play(out, |showing, lane, frame| shots.take(showing, lane, frame))?;
            desk::Desk::set(clock::now())?.shoot(&mut shots)?;
            return Ok(0);
        }
        if self.headless {
            return stage.play(out, |_, _, _| Ok(()));
        }
        let Stage { lane, mut queue, .. } = stage;
        let frames = Source::Drawn(Box::new(move |now| queue.frame(now)));
        let scanners = Scanners::start(&self.scanner)?;
        kiosk::run(|_| lane, frames, scanners, Fetching::never(), None, &self.window)
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
        authority.set_policy(PACK, CASES).map_err(Failure::state)?;
        let cast = Cast::gather(&mut authority, now).map_err(Failure::state)?;
        let files = authority.publish(now - TimeDelta::hours(3)).map_err(Failure::state)?;
        let people = cast.everybody(&mut authority, now).map_err(Failure::state)?;
        store.install(&files, now).map_err(Failure::state)?;
        let name = Words::new("进京检查站（演示）", "Checkpoint to Beijing (demo)");
        let gate = Gate { place: Place::HighwayCheckpoint, name, gate: "3".to_owned() };
        store.provision(&gate).map_err(Failure::state)?;
        let lane = Lane::open(store, Audience::Staff, None, now).map_err(Failure::state)?;
        let camera = DemoCamera::new(&people, now);
        let queue = Queue { camera, cast, authority, _folder: folder };
        Ok(Self { lane, queue, people, started: now })
    }

    /// Lets everybody come once, and prints what the lane says to each.
    fn play(
        mut self,
        out: &mut impl Write,
        mut also: impl FnMut(&Showing, &Lane, &Frame) -> Result<(), Failure>,
    ) -> Result<u8, Failure> {
        let mut now = self.started;
        for person in &self.people {
            let gone = now + PERSON;
            while now < gone {
                let frame = self.queue.frame(now);
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
    if let Some(reason) = decision.reason() {
        write!(out, ": {reason} [{}]", reason.code())?;
    }
    match decision.detail() {
        Some(Detail::Rule { id, .. }) => writeln!(out, " by {id}")?,
        _ => writeln!(out)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use greengate::clock::{ClockState, Uptime};

    use super::*;

    /// What the lane shows of the first who comes.
    fn first_shown(stage: &mut Stage) -> Option<Showing> {
        let frames = (0..20).map(|step| stage.started + STEP * step);
        let mut frames = frames.map(|now| stage.queue.frame(now));
        frames.find_map(|frame| stage.lane.see(&frame))
    }

    #[test]
    fn nobody_passes_when_the_record_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::set(Store::open(folder.path()).unwrap(), clock::now()).unwrap();
        let now = stage.started;
        let other = rusqlite::Connection::open(folder.path().join("greengate.db")).unwrap();
        let key = std::fs::read_to_string(folder.path().join("greengate.key")).unwrap();
        other.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
        other.execute_batch("ALTER TABLE audit RENAME TO lost").unwrap();
        assert!(matches!(first_shown(&mut stage), Some(Showing::OutOfService)));
        assert!(matches!(stage.lane.refresh(None, now), Some(Showing::OutOfService)));
        assert_eq!(stage.lane.totals().pass, 0);

        other.execute_batch("ALTER TABLE lost RENAME TO audit").unwrap();
        assert!(matches!(stage.lane.refresh(None, now), Some(Showing::Camera)));
    }

    #[test]
    fn a_wild_clock_locks_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::set(Store::open(folder.path()).unwrap(), clock::now()).unwrap();
        let now = stage.started;
        let up = |seconds| Some(Uptime { boot: "a".to_owned(), seconds });
        assert!(stage.lane.refresh(up(100).as_ref(), now).is_none());
        assert_eq!(stage.lane.clock(), ClockState::Good);
        let years = TimeDelta::days(3_650);
        stage.lane.refresh(up(160).as_ref(), now + years);
        assert_eq!(stage.lane.clock(), ClockState::Unverified);
        // Somebody is judged by the wild clock, and recorded.
        let frames = (0..10).map(|step| stage.queue.frame(now + years + STEP * step));
        let shown: Vec<_> = frames.filter_map(|frame| stage.lane.see(&frame)).collect();
        assert!(matches!(shown.as_slice(), [.., Showing::Result(_)]), "{shown:?}");
        assert_eq!(stage.lane.basis().floor.instant(), now);
        stage.lane.refresh(up(220).as_ref(), now + TimeDelta::minutes(2));
        assert_eq!(stage.lane.clock(), ClockState::Good);
        assert_eq!(stage.lane.basis().floor.instant(), now + TimeDelta::minutes(2));
        let kept = Store::open(folder.path()).unwrap().load_basis().unwrap();
        assert!(kept.floor.instant() <= now + TimeDelta::minutes(2));
        stage.lane.refresh(up(280).as_ref(), now - TimeDelta::hours(1));
        assert_eq!(stage.lane.clock(), ClockState::Behind);
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
