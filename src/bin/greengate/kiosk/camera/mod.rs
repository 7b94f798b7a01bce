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
mod stream;

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use greengate::clock::Timestamp;
use greengate::frame::Frame;
use greengate::language::Words;
use thiserror::Error;

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
    /// `program` is this program, which runs [`capture::run`] when it is told
    /// `capture [--camera CAMERA]`. Which camera is meant by `camera` is said there.
    pub(crate) fn start(program: &Path, camera: Option<&str>, clock: fn() -> Timestamp) -> Self {
        let mut command = Command::new(program);
        command.arg("capture");
        if let Some(camera) = camera {
            // In one argument, so that no name is taken for an option.
            command.arg(format!("--camera={camera}"));
        }
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
            told: None,
            stillness: Stillness::default(),
            child: 0,
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
        let waiting = self.changed.wait_timeout_while(self.lock(), timeout, |sight| sight.is_none());
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

/// How one child's time ended.
enum Outcome {
    /// It must be replaced.
    Fault(CameraFault),
    /// Nothing more is wanted.
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
    told: Option<CameraFault>,
    stillness: Stillness,
    child: u64,
}

impl Watch {
    /// Keeps a child capturing until the camera is no longer wanted.
    fn run(mut self) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            // A child that gave pictures until now may have been cut short by a loose plug; only
            // one that gives none is not to be asked again so soon.
            let (outcome, gave) = self.run_child();
            let Outcome::Fault(fault) = outcome else { return };
            self.tell(fault);
            pause = if gave { SHORTEST_PAUSE } else { LONGEST_PAUSE.min(2 * pause) };
            if self.is_stopped_within(pause) {
                return;
            }
        }
    }

    /// Starts a child, hands on what it gives, and ends it. Also says whether it gave anything.
    fn run_child(&mut self) -> (Outcome, bool) {
        self.child += 1;
        let Ok(mut child) = self.command.spawn() else {
            return (Outcome::Fault(CameraFault::Stopped), false);
        };
        if !self.is_read(&mut child) {
            end(child, Duration::ZERO);
            return (Outcome::Fault(CameraFault::Stopped), false);
        }
        let mut gave = false;
        let mut waits = 0;
        loop {
            match self.inbox.recv_timeout(self.patience) {
                Ok(Event::Frame { child, frame }) if child == self.child => {
                    if self.stillness.lasts(&frame, Instant::now()) > STILL {
                        break end(child_of(child), Duration::ZERO);
                    }
                    gave = true;
                    self.told = None;
                    self.newest.put(Sight::Frame(frame));
                }
                Ok(Event::Ended { child }) if child == self.child => {}
                Ok(Event::Ended { .. } | Event::Frame { .. }) => {}
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => {}
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
