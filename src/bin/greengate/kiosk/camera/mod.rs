//! The camera: pictures as they come, and a fault when they do not.
//!
//! A camera can stop a program for ever, and its library can end one. So nothing here touches a
//! device: a child process, this program started once more, captures and writes what it sees to
//! its standard output ([`capture`]). This side keeps the newest picture, and ends the child and
//! starts another when none came for a while or the child gave up. Nobody who asks for a picture
//! waits longer than he says, whatever the camera does.
//!
//! | what happens | how long until |
//! | --- | --- |
//! | the camera is unplugged | a fault, at once |
//! | no pictures come | a fault, [`PATIENCE`] |
//! | the picture stands still, to the last pixel | a fault, [`STILL`] |
//! | the camera is back | pictures: [`LONGEST_PAUSE`], and what the camera takes to start |
//!
//! When a picture was taken is read from a clock given at the start, as its last byte arrives.

pub(crate) mod capture;
mod controls;
mod device;
mod fault;
mod picture;
pub(crate) mod setting;
mod stream;

pub(crate) use self::fault::CameraFault;
pub(crate) use self::setting::CameraSetting;

use std::io;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use greengate::clock::Timestamp;
use greengate::frame::Frame;

/// How long without a picture is a fault.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many times [`PATIENCE`] a child has until its first picture.
///
/// Opening a camera takes up to a second, and some take two more until they have set their
/// exposure. A child ended too early would never get there.
const PATIENCE_AT_FIRST: u32 = 3;

/// How long the same picture, to the last pixel, is no fault: sensors are never that quiet.
const STILL: Duration = Duration::from_secs(3);

/// How long to wait before the next child, when the one before gave pictures.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);

/// How long to wait before the next child at most; it doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a child that closed its output has to say how it ended.
const ENDING: Duration = Duration::from_millis(500);

/// How long a killed child is waited for. Within a driver even a kill is not heard at once.
const DYING: Duration = Duration::from_secs(1);

/// What can be said of the camera: the newest of the two.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Sight {
    /// Something is wrong with it, until a picture comes. Told once, not again and again.
    Fault(CameraFault),
    /// What it sees.
    Frame(Frame),
}

/// A camera that is captured from, until it is dropped.
///
/// Dropping it ends the child and both threads, and takes two seconds at the very worst.
#[derive(Debug)]
pub(crate) struct Camera {
    newest: Arc<Newest>,
    events: Sender<Event>,
    watch: Option<JoinHandle<()>>,
}

impl Camera {
    /// Starts to capture.
    ///
    /// `program` is this program, which runs [`capture::run`] when it is told `capture` and the
    /// setting.
    pub(crate) fn start(program: &Path, setting: &CameraSetting, clock: fn() -> Timestamp) -> Self {
        let mut command = Command::new(program);
        command.arg("capture").args(setting.arguments());
        Self::watched(command, PATIENCE, clock)
    }

    /// Watches over children started by `command`.
    fn watched(mut command: Command, patience: Duration, clock: fn() -> Timestamp) -> Self {
        // What a child says on standard error is for engineers, and goes where this program's does.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let newest = Arc::new(Newest::default());
        let (events, inbox) = mpsc::channel();
        let watch = Watch {
            command,
            patience,
            clock,
            newest: Arc::clone(&newest),
            events: events.clone(),
            inbox,
            child: 0,
            pause: SHORTEST_PAUSE,
            stillness: Stillness::default(),
            told: None,
        };
        let watch = thread::Builder::new().name("camera".into()).spawn(|| watch.run()).ok();
        if watch.is_none() {
            newest.put(Sight::Fault(CameraFault::Stopped));
        }
        Self { newest, events, watch }
    }

    /// What is new since this was last asked, as soon as there is something; `None` if there is
    /// nothing within `timeout`.
    ///
    /// Of several pictures only the newest is kept, and a fault that has passed is not told.
    pub(crate) fn next(&self, timeout: Duration) -> Option<Sight> {
        self.newest.take(timeout)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        // If nobody receives, there is no thread left to stop.
        self.events.send(Event::Stop).ok();
        if let Some(watch) = self.watch.take() {
            watch.join().ok();
        }
    }
}

/// A place for one sight, in which a newer one replaces an older.
#[derive(Debug, Default)]
struct Newest {
    sight: Mutex<Option<Sight>>,
    changed: Condvar,
}

impl Newest {
    /// Replaces what nobody has taken.
    fn put(&self, sight: Sight) {
        let replaced = self.lock().replace(sight);
        self.changed.notify_one();
        // Freed only now, when nobody waits for the lock.
        drop(replaced);
    }

    /// Takes what there is, waiting up to `timeout` for it.
    fn take(&self, timeout: Duration) -> Option<Sight> {
        let waiting =
            self.changed.wait_timeout_while(self.lock(), timeout, |sight| sight.is_none());
        waiting.unwrap_or_else(PoisonError::into_inner).0.take()
    }

    /// The place itself. Whoever panicked with it in hand left it whole: it is one assignment.
    fn lock(&self) -> MutexGuard<'_, Option<Sight>> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread that watches is told. Children are numbered, since news of one that was ended
/// may come late.
#[derive(Debug)]
enum Event {
    /// A child's output ended, or is not what a child writes.
    Ended { child: u64 },
    /// A child gave a picture.
    Frame { child: u64, frame: Frame },
    /// The camera is no longer wanted.
    Stop,
}

/// The thread that starts children, one at a time, and ends them.
#[derive(Debug)]
struct Watch {
    command: Command,
    patience: Duration,
    clock: fn() -> Timestamp,
    newest: Arc<Newest>,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    /// The child that runs now, or ran last.
    child: u64,
    /// How long to wait before the next child.
    pause: Duration,
    stillness: Stillness,
    /// The fault that was told last, if no picture came since.
    told: Option<CameraFault>,
}

/// Why a child is no longer followed.
enum Ending {
    /// It closed its output.
    ByItself,
    /// It must be ended for this reason.
    Fault(CameraFault),
    /// The camera is no longer wanted.
    Stop,
}

impl Watch {
    /// Keeps a child capturing until the camera is no longer wanted.
    fn run(mut self) {
        while let Some(fault) = self.run_child() {
            self.tell(fault);
            if self.is_stopped_within(self.pause) {
                return;
            }
            self.pause = LONGEST_PAUSE.min(2 * self.pause);
        }
    }

    /// Runs one child from its start to its end, and says what was wrong; `None` if nothing was
    /// and the camera is no longer wanted.
    fn run_child(&mut self) -> Option<CameraFault> {
        self.child += 1;
        let Ok(mut child) = self.command.spawn() else { return Some(CameraFault::Stopped) };
        let ending = match child.stdout.take().map(|output| self.read_apart(output)) {
            Some(Ok(())) => self.follow(),
            Some(Err(_)) | None => Ending::Fault(CameraFault::Stopped),
        };
        match ending {
            Ending::ByItself => Some(CameraFault::told_by(end(child, ENDING))),
            Ending::Fault(fault) => {
                end(child, Duration::ZERO);
                Some(fault)
            }
            Ending::Stop => {
                end(child, Duration::ZERO);
                None
            }
        }
    }

    /// Reads `output` on a thread of its own, since that may take for ever.
    ///
    /// The thread ends with the output, so with the child, and nobody waits for it.
    fn read_apart(&self, mut output: ChildStdout) -> io::Result<()> {
        let (child, clock, events) = (self.child, self.clock, self.events.clone());
        let read = move || {
            while let Ok(Some(frame)) = stream::read(&mut output, clock) {
                if events.send(Event::Frame { child, frame }).is_err() {
                    return;
                }
            }
            events.send(Event::Ended { child }).ok();
        };
        thread::Builder::new().name("pictures".into()).spawn(read).map(drop)
    }

    /// Hands on what the child gives, for as long as it may go on.
    fn follow(&mut self) -> Ending {
        self.stillness.since = None;
        if self.told != Some(CameraFault::Frozen) {
            self.stillness.luma.clear();
        }
        let mut silences_left = PATIENCE_AT_FIRST;
        loop {
            match self.inbox.recv_timeout(self.patience) {
                Ok(Event::Frame { child, frame }) if child == self.child => {
                    let still = self.stillness.lasts(frame.luma(), Instant::now());
                    if still.is_some_and(|still| still > STILL) {
                        return Ending::Fault(CameraFault::Frozen);
                    }
                    silences_left = 1;
                    // A picture that stood still is believed when it moves, not when it is back.
                    if still.is_none() || self.told != Some(CameraFault::Frozen) {
                        self.pause = SHORTEST_PAUSE;
                        self.told = None;
                        self.newest.put(Sight::Frame(frame));
                    }
                }
                Ok(Event::Ended { child }) if child == self.child => return Ending::ByItself,
                Ok(Event::Ended { .. } | Event::Frame { .. }) => {}
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Ending::Stop,
                Err(RecvTimeoutError::Timeout) => {
                    silences_left -= 1;
                    if silences_left == 0 {
                        return Ending::Fault(CameraFault::NoFrames);
                    }
                    // While a camera is opened again, what is known of it is still the case.
                    if self.told.is_none() {
                        self.tell(CameraFault::NoFrames);
                    }
                }
            }
        }
    }

    /// Tells of a fault, unless it was the last thing told.
    fn tell(&mut self, fault: CameraFault) {
        if self.told.replace(fault) != Some(fault) {
            self.newest.put(Sight::Fault(fault));
        }
    }

    /// Waits for `pause`, unless the camera is no longer wanted.
    fn is_stopped_within(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            match self.inbox.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(Event::Ended { .. } | Event::Frame { .. }) => {}
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

/// Takes the exit status of `child`, which has `grace` to end by itself, so that none stays behind.
fn end(mut child: Child, grace: Duration) -> Option<ExitStatus> {
    let status = ended_within(grace, &mut child).or_else(|| {
        child.kill().ok();
        ended_within(DYING, &mut child)
    });
    if status.is_none() {
        // Held by a driver: it is waited for where that holds nobody else.
        let wait = move || child.wait().map(drop).unwrap_or_default();
        thread::Builder::new().name("last wait".into()).spawn(wait).ok();
    }
    status
}

/// The exit status of `child`, if it ends within `time`.
fn ended_within(time: Duration, child: &mut Child) -> Option<ExitStatus> {
    const STEP: Duration = Duration::from_millis(10);

    let start = Instant::now();
    loop {
        let status = child.try_wait().ok().flatten();
        if status.is_some() || start.elapsed() >= time {
            return status;
        }
        thread::sleep(STEP);
    }
}

/// How long a picture has been the same, to the last pixel.
#[derive(Debug, Default)]
struct Stillness {
    luma: Vec<u8>,
    since: Option<Instant>,
}

impl Stillness {
    /// For how long `luma`, seen `now`, has been what was seen; `None` if it is another picture.
    fn lasts(&mut self, luma: &[u8], now: Instant) -> Option<Duration> {
        // Two pictures differ within their first pixels, so this costs one copy.
        if self.luma == luma {
            return Some(now.duration_since(*self.since.get_or_insert(now)));
        }
        self.luma.clear();
        self.luma.extend_from_slice(luma);
        self.since = Some(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Long enough for anything that is bound to come.
    const EVENTUALLY: Duration = Duration::from_mins(1);

    fn at_epoch() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    /// A shell's command that writes one picture, of `luma` and a second dark pixel.
    fn picture(luma: u8) -> String {
        format!(r"printf 'GGF1\2\0\0\0\1\0\0\0\2\0\0\0\{luma:03o}\0'")
    }

    fn frame(luma: u8) -> Frame {
        Frame::new(vec![luma, 0], 2, 1, at_epoch()).unwrap()
    }

    /// A camera whose child is `script`. `exec cat` is how a script goes on without a picture
    /// until it is ended.
    fn camera(script: &str, patience: Duration) -> Camera {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Camera::watched(command, patience, at_epoch)
    }

    fn next(camera: &Camera) -> Sight {
        camera.next(EVENTUALLY).expect("something comes")
    }

    #[test]
    fn the_newest_sight_wins_and_is_taken_once() {
        let newest = Newest::default();
        assert_eq!(newest.take(Duration::ZERO), None);
        newest.put(Sight::Fault(CameraFault::Busy));
        newest.put(Sight::Frame(frame(1)));
        newest.put(Sight::Frame(frame(2)));
        assert_eq!(newest.take(Duration::ZERO), Some(Sight::Frame(frame(2))));
        assert_eq!(newest.take(Duration::ZERO), None);
    }

    #[test]
    fn whoever_waits_is_given_what_comes() {
        let newest = Arc::new(Newest::default());
        let waiting = thread::spawn({
            let newest = Arc::clone(&newest);
            move || newest.take(EVENTUALLY)
        });
        newest.put(Sight::Frame(frame(1)));
        assert_eq!(waiting.join().unwrap(), Some(Sight::Frame(frame(1))));
    }

    #[test]
    fn a_childs_pictures_are_seen() {
        let camera = camera(&format!("{}; exec cat", picture(7)), EVENTUALLY);
        assert_eq!(next(&camera), Sight::Frame(frame(7)));
    }

    #[test]
    fn a_childs_exit_status_names_the_fault() {
        for fault in CameraFault::ALL {
            let camera = camera(&format!("exit {}", fault.status()), EVENTUALLY);
            assert_eq!(next(&camera), Sight::Fault(fault), "{fault:?}");
        }
        let others = [
            ("success", "exit 0"),
            ("wrong usage", "exit 2"),
            ("a panic", "exit 101"),
            ("killed", "kill -9 $$"),
            ("no picture", "echo Opened the camera.; exec cat"),
        ];
        for (name, script) in others {
            let camera = camera(script, EVENTUALLY);
            assert_eq!(next(&camera), Sight::Fault(CameraFault::Stopped), "{name}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_a_fault() {
        let camera =
            Camera::start(Path::new("/nowhere/greengate"), &CameraSetting::default(), at_epoch);
        assert_eq!(next(&camera), Sight::Fault(CameraFault::Stopped));
    }

    #[test]
    fn a_child_that_ended_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("second");
        let script = format!(
            "if [ -e {mark} ]; then {}; exec cat; fi; touch {mark}; {}; exit 10",
            picture(2),
            picture(1),
            mark = mark.display(),
        );
        let camera = camera(&script, EVENTUALLY);
        // The first picture and the fault may be passed before they are asked for.
        while next(&camera) != Sight::Frame(frame(2)) {}
    }

    #[test]
    fn a_silent_child_is_a_fault_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("second");
        let script = format!(
            "if [ -e {mark} ]; then {}; exec cat; fi; touch {mark}; exec cat",
            picture(2),
            mark = mark.display(),
        );
        let camera = camera(&script, Duration::from_millis(200));
        assert_eq!(next(&camera), Sight::Fault(CameraFault::NoFrames));
        while next(&camera) != Sight::Frame(frame(2)) {}
    }

    #[test]
    fn dropping_the_camera_ends_the_child() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // It would not end for its standard input alone.
        let script = format!("echo $$ > {}; {}; exec sleep 600", file.display(), picture(1));
        let camera = camera(&script, EVENTUALLY);
        assert_eq!(next(&camera), Sight::Frame(frame(1)));
        let child = fs::read_to_string(file).unwrap();
        let process = Path::new("/proc").join(child.trim());
        assert!(process.exists());
        drop(camera);
        assert!(!process.exists());
    }

    #[test]
    fn stillness_is_counted_from_the_first_of_equal_pictures() {
        let start = Instant::now();
        let mut stillness = Stillness::default();
        let cases = [
            ("first", 0, [1, 1], None),
            ("the same", 3, [1, 1], Some(3)),
            ("the last pixel differs", 4, [1, 2], None),
            ("the same again", 9, [1, 2], Some(5)),
            ("back to the first", 10, [1, 1], None),
        ];
        for (name, seconds, luma, still) in cases {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(stillness.lasts(&luma, now), still.map(Duration::from_secs), "{name}");
        }
    }

    #[test]
    fn faults_are_told_apart_by_their_status() {
        for fault in CameraFault::ALL {
            let same = CameraFault::ALL.iter().filter(|other| other.status() == fault.status());
            assert_eq!(same.count(), 1, "{fault:?}");
        }
    }
}
