//! Finding the device of a camera, and starting it in the format that suits best.

use std::fs;
use std::path::Path;

use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};

use super::capture::CaptureError;
use super::controls;
use super::setting::CameraSetting;

/// The kinds of picture that are read.
///
/// Cameras that give grey alone are not: nokhwa does not know V4L2's name for it.
const READABLE: [FrameFormat; 2] = [FrameFormat::YUYV, FrameFormat::MJPEG];

/// The size asked for: all webcams have it, and a symbol held at arm's length is read in it.
const SIZE: (u32, u32) = (1_280, 720);

/// Pictures a second asked for; more would only be dropped.
const RATE: u32 = 30;

/// The fewest pictures a second at which a symbol that is held up seems to be read at once.
///
/// USB 2 carries uncompressed 1280 by 720 at 9 or 10; cameras that offer it at 5 are read as JPEG.
const LEAST_RATE: u32 = 9;

/// How many formats are tried, best first, before the one that is set is taken as it is.
///
/// Cameras list rates that they then refuse, and nokhwa lists 15 for an interval of 2/15 seconds.
const FORMATS_TRIED: usize = 6;

/// Where Linux lists video devices; each has a file `name`.
const DEVICES: &str = "/sys/class/video4linux";

/// Opens the camera that is meant, starts it as it is to be set, and gives the number of its device.
///
/// If several are meant, the first that opens; if none does, the first one's reason.
pub(super) fn open(setting: &CameraSetting) -> Result<(Camera, u32), CaptureError> {
    let mut first = None;
    for node in nodes(setting.camera.as_deref(), Path::new(DEVICES)) {
        match open_node(node) {
            Ok(camera) => {
                // Once it has started: some cameras forget it at the start.
                controls::set(node, setting);
                return Ok((camera, node));
            }
            // Each camera has a second device for metadata, which has no pictures to give.
            Err(error) if has_nothing_to_read(&error) => {}
            Err(source) => {
                first.get_or_insert(CaptureError::Failed { node, source });
            }
        }
    }
    Err(first.unwrap_or(CaptureError::NoCamera))
}

/// The numbers of the video devices in `devices` that `wanted` means, in rising order.
fn nodes(wanted: Option<&str>, devices: &Path) -> Vec<u32> {
    if let Some(path) = wanted.filter(|wanted| wanted.starts_with('/')) {
        let device = fs::canonicalize(path).ok();
        return device.as_deref().and_then(node_number).into_iter().collect();
    }
    let wanted = wanted.unwrap_or_default().to_lowercase();
    let is_wanted = |device: &Path| {
        let name = fs::read_to_string(device.join("name")).unwrap_or_default();
        name.to_lowercase().contains(&wanted)
    };
    let Ok(entries) = fs::read_dir(devices) else { return Vec::new() };
    let mut nodes: Vec<u32> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|device| node_number(&device).filter(|_| is_wanted(&device)))
        .collect();
    nodes.sort_unstable();
    nodes
}

/// The number in a device's path, `/dev/video4`.
fn node_number(device: &Path) -> Option<u32> {
    device.file_name()?.to_str()?.strip_prefix("video")?.parse().ok()
}

/// Opens a device, sets the best format that it accepts, and starts it.
fn open_node(node: u32) -> Result<Camera, NokhwaError> {
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &READABLE);
    let attempt = || Camera::new(CameraIndex::Index(node), any);
    // Setting the size resets the rate, which nokhwa takes for a refusal; once the size is set, a
    // second attempt sets the rate.
    let again = || {
        // Nor does the library know a rate that is not a whole number.
        controls::set_rate(node, RATE);
        attempt()
    };
    let mut camera = attempt().or_else(|_| attempt()).or_else(|_| again())?;
    let formats = ranked(camera.compatible_camera_formats()?);
    for format in formats.into_iter().take(FORMATS_TRIED) {
        let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(format), &READABLE);
        if camera.set_camera_requset(exact).is_ok() {
            break;
        }
    }
    camera.open_stream()?;
    Ok(camera)
}

/// The formats that are read, best first.
///
/// What is too slow comes last. Then the size nearest to [`SIZE`] counts, then uncompressed before
/// JPEG, then the rate nearest to [`RATE`].
fn ranked(mut formats: Vec<CameraFormat>) -> Vec<CameraFormat> {
    formats.retain(|format| READABLE.contains(&format.format()));
    formats.sort_by_key(|format| {
        let distance = format.width().abs_diff(SIZE.0) + format.height().abs_diff(SIZE.1);
        let rate = format.frame_rate();
        (rate < LEAST_RATE, distance, format.format() != FrameFormat::YUYV, rate.abs_diff(RATE))
    });
    formats.dedup();
    formats
}

/// Whether a device failed to open for having no format that is read.
fn has_nothing_to_read(error: &NokhwaError) -> bool {
    matches!(error, NokhwaError::GetPropertyError { property, .. } if property == "CameraFormat")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_format_is_the_nearest_then_the_plainest() {
        use FrameFormat::{MJPEG, NV12, YUYV};

        let format = |kind, width, height, rate| CameraFormat::new_from(width, height, kind, rate);
        let cases = [
            (
                "plain before JPEG",
                vec![format(MJPEG, 1_280, 720, 30), format(YUYV, 1_280, 720, 10)],
                Some(format(YUYV, 1_280, 720, 10)),
            ),
            (
                "but not when it crawls",
                vec![format(YUYV, 1_280, 720, 5), format(MJPEG, 1_280, 720, 30)],
                Some(format(MJPEG, 1_280, 720, 30)),
            ),
            (
                "size before plainness",
                vec![format(YUYV, 640, 480, 30), format(MJPEG, 1_280, 720, 30)],
                Some(format(MJPEG, 1_280, 720, 30)),
            ),
            (
                "the nearest size",
                vec![
                    format(YUYV, 640, 480, 30),
                    format(YUYV, 1_024, 768, 30),
                    format(YUYV, 1_920, 1_080, 30),
                ],
                Some(format(YUYV, 1_024, 768, 30)),
            ),
            (
                "the nearest rate",
                vec![
                    format(YUYV, 1_280, 720, 60),
                    format(YUYV, 1_280, 720, 25),
                    format(YUYV, 1_280, 720, 15),
                ],
                Some(format(YUYV, 1_280, 720, 25)),
            ),
            (
                "crawling is better than nothing",
                vec![format(YUYV, 1_280, 720, 5)],
                Some(format(YUYV, 1_280, 720, 5)),
            ),
            ("nothing that is read", vec![format(NV12, 1_280, 720, 30)], None),
        ];
        for (name, formats, best) in cases {
            assert_eq!(ranked(formats).first().copied(), best, "{name}");
        }
    }

    #[test]
    fn a_camera_is_meant_by_name_or_path() {
        let folder = tempfile::tempdir().unwrap();
        for (device, name) in [
            ("video10", "Front Camera: Front"),
            ("video2", "HD Pro Webcam C920"),
            ("video3", "HD Pro Webcam C920"),
            ("v4l-subdev0", "Front Camera: Front"),
        ] {
            fs::create_dir(folder.path().join(device)).unwrap();
            fs::write(folder.path().join(device).join("name"), format!("{name}\n")).unwrap();
        }
        let link = folder.path().join("by-id");
        std::os::unix::fs::symlink(folder.path().join("video10"), &link).unwrap();

        let cases = [
            ("any", None, vec![2, 3, 10]),
            ("a part of the name", Some("c920"), vec![2, 3]),
            ("other capitals", Some("FRONT"), vec![10]),
            ("nobody's name", Some("rear"), vec![]),
            ("a link", link.to_str(), vec![10]),
            ("a path that is not there", Some("/nowhere/video2"), vec![]),
            ("a path that is no device", Some("/"), vec![]),
        ];
        for (name, wanted, expected) in cases {
            assert_eq!(nodes(wanted, folder.path()), expected, "{name}");
        }
    }
}
