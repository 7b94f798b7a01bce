//! What a camera can be set to beside its format: exposure, focus, and the rate, as far as it has them.
//!
//! A camera keeps what it was set to until it is unplugged, whoever set it. What was not asked for is
//! left alone.

use std::io::{self, Write};

use v4l::control::{Control, Value};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Fraction};

use super::setting::{CameraSetting, Level};

// The numbers of controls and of their values. Source: Linux, include/uapi/linux/v4l2-controls.h.
const CAMERA_CLASS: u32 = 0x009a_0900;
const EXPOSURE_AUTO: u32 = CAMERA_CLASS + 1;
const EXPOSURE_ABSOLUTE: u32 = CAMERA_CLASS + 2;
const EXPOSURE_AUTO_PRIORITY: u32 = CAMERA_CLASS + 3;
const FOCUS_ABSOLUTE: u32 = CAMERA_CLASS + 10;
const FOCUS_AUTO: u32 = CAMERA_CLASS + 12;

/// What [`EXPOSURE_AUTO`] may be: with a lens whose aperture is fixed, as a webcam's, both of a kind
/// are the same, and it has either.
const EXPOSED_BY_CAMERA: [i64; 2] = [3, 0];
const EXPOSED_AS_TOLD: [i64; 2] = [1, 2];

/// Sets the camera as it is to be set, as far as it can be; what it has not, it says.
pub(super) fn set(node: u32, setting: &CameraSetting) {
    let Some(device) = device(node) else { return };
    if let Some(exposure) = setting.exposure {
        said(node, "exposure", exposed(&device, exposure));
    }
    if let Some(focus) = setting.focus {
        said(node, "focus", focused(&device, focus));
    }
}

/// Sets a rate, whatever the camera then makes of it.
pub(super) fn set_rate(node: u32, rate: u32) {
    let parameters = Parameters::new(Fraction::new(1, rate));
    // If it cannot be set, whoever opens the camera says what is wrong.
    device(node).map(|device| device.set_params(&parameters).ok());
}

fn device(node: u32) -> Option<Device> {
    Device::new(usize::try_from(node).ok()?).ok()
}

fn exposed(device: &Device, exposure: Level) -> io::Result<()> {
    let any = |modes: [i64; 2]| {
        let set = |mode| put(device, EXPOSURE_AUTO, mode);
        set(modes[0]).or_else(|_| set(modes[1]))
    };
    match exposure {
        Level::Automatic => {
            any(EXPOSED_BY_CAMERA)?;
            // Rather dark than fewer pictures a second. Not every camera can do both.
            put(device, EXPOSURE_AUTO_PRIORITY, 0).ok();
            Ok(())
        }
        Level::Fixed(time) => {
            any(EXPOSED_AS_TOLD)?;
            put(device, EXPOSURE_ABSOLUTE, time.into())
        }
    }
}

fn focused(device: &Device, focus: Level) -> io::Result<()> {
    match focus {
        Level::Automatic => put(device, FOCUS_AUTO, 1),
        Level::Fixed(place) => {
            // Some that can be told have no way to find it themselves.
            put(device, FOCUS_AUTO, 0).ok();
            put(device, FOCUS_ABSOLUTE, place.into())
        }
    }
}

fn put(device: &Device, id: u32, value: i64) -> io::Result<()> {
    device.set_control(Control { id, value: Value::Integer(value) })
}

/// Says what could not be set, to whoever reads the log: pictures come all the same.
fn said(node: u32, what: &str, set: io::Result<()>) {
    if let Err(error) = set {
        writeln!(io::stderr(), "greengate: /dev/video{node}: the {what} is not set: {error}").ok();
    }
}
