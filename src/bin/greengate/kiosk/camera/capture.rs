//! The capturing process: opens a camera and writes its pictures to an output until it fails.
//!
//! It is a process of its own because nothing less can be stopped: waiting for a picture has no
//! timeout, a signal leaves the stream unusable, and after an unplug the dead descriptor is handed
//! out again for as long as anything in the process holds it (nokhwa 0.10.11 on V4L2). So it gives
//! up at the first failure, and the terminal starts the next one. It ends with its parent, even
//! while it waits for a picture.
//!
//! A picture that cannot be read is left out; only when none come for a while does the parent call
//! that a fault.

use std::io::{self, Read, Write};
use std::{process, thread};

use nokhwa::NokhwaError;
use thiserror::Error;

use super::CameraFault;
use super::picture::picture;
use super::setting::CameraSetting;
use super::{device, stream};

/// Captures from a camera to `out` until the camera fails or whoever reads is gone.
///
/// `parent` is an input that ends when the parent does: **the process then exits**, from wherever it
/// is.
pub(crate) fn run(
    setting: &CameraSetting,
    parent: impl Read + Send + 'static,
    out: &mut impl Write,
) -> Result<(), CaptureError> {
    end_with(parent)?;
    let (mut camera, node) = device::open(setting)?;
    loop {
        let format = camera.camera_format();
        // Not `frame`, which copies the whole buffer, and that is longer than the picture.
        let bytes = camera.frame_raw().map_err(|source| CaptureError::Failed { node, source })?;
        let Some(picture) = picture(&bytes, format) else { continue };
        if stream::write(&picture.seen(setting), out).is_err() {
            // Whoever reads is gone, and that is how this is meant to end.
            return Ok(());
        }
    }
}

/// Exits the process as soon as `parent` ends.
///
/// A camera that gives no pictures keeps the main thread for ever, so another one must do this.
fn end_with(mut parent: impl Read + Send + 'static) -> Result<(), CaptureError> {
    let watch = move || {
        io::copy(&mut parent, &mut io::sink()).ok();
        process::exit(0);
    };
    thread::Builder::new().name("parent".into()).spawn(watch).map_err(CaptureError::Watch)?;
    Ok(())
}

/// The system's error number in an error's text, the only place where nokhwa keeps it.
fn os_error(text: &str) -> Option<i32> {
    let (_, number) = text.rsplit_once("(os error ")?;
    number.split_once(')')?.0.parse().ok()
}

/// Why nothing is captured, or no longer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum CaptureError {
    /// The camera does not open, or gives an error instead of a picture.
    #[error("/dev/video{node}: {source}")]
    Failed {
        /// The number of its device.
        node: u32,
        /// What it says.
        source: NokhwaError,
    },

    /// No device is a camera, or none that was asked for.
    #[error("no camera of that name, or none that gives YUYV or MJPEG")]
    NoCamera,

    /// No thread can be had to notice the parent's end.
    #[error("cannot watch for the end of the terminal: {0}")]
    Watch(io::Error),
}

impl CaptureError {
    /// What the terminal is to say; its [`status`](CameraFault::status) is how to exit.
    #[must_use]
    pub(crate) fn fault(&self) -> CameraFault {
        const EPERM: i32 = 1;
        const ENOENT: i32 = 2;
        const ENXIO: i32 = 6;
        const EACCES: i32 = 13;
        const EBUSY: i32 = 16;
        const ENODEV: i32 = 19;

        let source = match self {
            Self::Failed { source, .. } => source.to_string(),
            Self::NoCamera => return CameraFault::NoCamera,
            Self::Watch(_) => return CameraFault::Stopped,
        };
        match os_error(&source) {
            Some(EBUSY) => CameraFault::Busy,
            Some(EACCES | EPERM) => CameraFault::Denied,
            Some(ENODEV | ENOENT | ENXIO) => CameraFault::NoCamera,
            _ if source.contains("not whole number") => CameraFault::OddRate,
            _ => CameraFault::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_the_systems_number() {
        let opening = |error: &str| NokhwaError::OpenStreamError(error.into());
        let cases = [
            (opening("Device or resource busy (os error 16)"), CameraFault::Busy),
            (opening("Permission denied (os error 13)"), CameraFault::Denied),
            (opening("No such device (os error 19)"), CameraFault::NoCamera),
            (opening("Protocol error (os error 71)"), CameraFault::Refused),
            (opening("Rejected"), CameraFault::Refused),
            (opening("(os error "), CameraFault::Refused),
            (
                NokhwaError::GetPropertyError {
                    property: "V4L2 FrameRate".into(),
                    error: "Framerate not whole number: 15 / 2".into(),
                },
                CameraFault::OddRate,
            ),
        ];
        for (source, fault) in cases {
            let name = source.to_string();
            assert_eq!(CaptureError::Failed { node: 0, source }.fault(), fault, "{name}");
        }
    }
}
