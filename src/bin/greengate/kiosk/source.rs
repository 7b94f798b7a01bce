//! Where a kiosk's frames come from: a camera, pictures, or whoever draws them.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use greengate::{
    clock::{self, Timestamp},
    device::pictures::{self, PictureError},
    frame::Frame,
    language::Words,
};

use super::camera::{Camera, Sight};

/// The time between two frames that are not a camera's.
const PACE: Duration = Duration::from_millis(66);

/// How long each picture is shown.
const PICTURE_SHOWN: Duration = Duration::from_secs(4);

/// How long to wait for a camera's frame before time is let pass without one.
const PATIENCE: Duration = Duration::from_millis(100);

/// A source of frames.
pub(crate) enum Source {
    /// A camera.
    Camera(Camera),
    /// Drawn when they are asked for.
    Drawn(Box<dyn FnMut(Timestamp) -> Frame + Send>),
    /// Picture files.
    Pictures(Pictures),
}

/// What a source has.
#[derive(Debug)]
pub(crate) enum Next {
    /// What is wrong, told once.
    Fault(Words),
    /// The newest frame.
    Frame(Frame),
    /// Nothing yet.
    Nothing,
}

/// Picture files, shown one after the other.
#[derive(Debug)]
pub(crate) struct Pictures {
    paths: Vec<PathBuf>,
    started: Instant,
}

impl Source {
    /// The pictures that `path` names.
    pub(crate) fn pictures(path: &Path) -> Result<Self, PictureError> {
        Ok(Self::Pictures(Pictures { paths: pictures::list(path)?, started: Instant::now() }))
    }

    /// Waits a moment for what comes next.
    pub(crate) fn next(&mut self) -> Next {
        match self {
            Self::Camera(camera) => match camera.next(PATIENCE) {
                Some(Sight::Frame(frame)) => Next::Frame(frame),
                Some(Sight::Fault(fault)) => Next::Fault(fault.words()),
                None => Next::Nothing,
            },
            Self::Drawn(draw) => {
                thread::sleep(PACE);
                Next::Frame(draw(clock::now()))
            }
            Self::Pictures(pictures) => {
                thread::sleep(PACE);
                pictures.next()
            }
        }
    }
}

impl Pictures {
    fn next(&self) -> Next {
        let turn = self.started.elapsed().as_millis() / PICTURE_SHOWN.as_millis();
        let index = usize::try_from(turn).unwrap_or(0).checked_rem(self.paths.len());
        let Some(path) = index.and_then(|index| self.paths.get(index)) else {
            return Next::Fault(Words::new("没有图片", "no pictures"));
        };
        match pictures::read(path, clock::now()) {
            Ok(frame) => Next::Frame(frame),
            Err(error) => Next::Fault(Words::new("图片无法读取", error.to_string())),
        }
    }
}
