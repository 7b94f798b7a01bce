//! The capturing process: opens a camera and writes its pictures to an output until it fails.
//!
//! It is a process of its own because nothing less can be stopped: waiting for a picture has no
//! timeout, a signal leaves the stream unusable, and after an unplug the dead descriptor is handed
//! out again for as long as anything in the process holds it (nokhwa 0.10.11 on V4L2). So it gives
//! up at the first failure, and the terminal starts the next one. It ends with its parent, even
//! while it waits for a picture.
//!
//! Luma is taken as the camera gives it, without a way through colour. A picture that cannot be
//! read is left out; only when none come for a while does the parent call that a fault.

use std::io::{self, Read, Write};
use std::path::Path;
use std::{fs, panic, process, thread};

use greengate::frame::{MAX_PIXELS, MAX_SIDE};
use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};
use thiserror::Error;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::CameraFault;
use super::stream::{self, Picture};

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

/// Captures from `camera` to `out` until the camera fails or whoever reads is gone.
///
/// `camera` is a device path (also a link, as in `/dev/v4l/by-id`) or a part of the camera's name,
/// in capitals or not; without it the first device that can be captured from is taken. `parent` is
/// an input that ends when the parent does: **the process then exits**, from wherever it is.
pub(crate) fn run(
    camera: Option<&str>,
    parent: impl Read + Send + 'static,
    out: &mut impl Write,
) -> Result<(), CaptureError> {
    end_with(parent)?;
    let (mut camera, node) = open(camera)?;
    loop {
        let format = camera.camera_format();
        // Not `frame`, which copies the whole buffer, and that is longer than the picture.
        let bytes = camera.frame_raw().map_err(|source| CaptureError::Failed { node, source })?;
        let Some(picture) = picture(&bytes, format) else { continue };
        if stream::write(&picture, out).is_err() {
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

/// Opens the camera meant by `wanted`, and gives the number of its device.
///
/// If several are meant, the first that opens; if none does, the first one's reason.
fn open(wanted: Option<&str>) -> Result<(Camera, u32), CaptureError> {
    let mut first = None;
    for node in nodes(wanted, Path::new(DEVICES)) {
        match open_node(node) {
            Ok(camera) => return Ok((camera, node)),
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
    let mut camera = attempt().or_else(|_| attempt())?;
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

/// The picture in a camera's buffer, or nothing if there is none.
fn picture(bytes: &[u8], format: CameraFormat) -> Option<Picture> {
    match format.format() {
        FrameFormat::MJPEG => from_mjpeg(bytes),
        FrameFormat::YUYV => from_yuyv(bytes, format.width(), format.height()),
        FrameFormat::GRAY | FrameFormat::NV12 | FrameFormat::RAWBGR | FrameFormat::RAWRGB => None,
    }
}

/// The luma of a YUYV picture: every second byte. What lies behind the picture is left.
fn from_yuyv(bytes: &[u8], width: u32, height: u32) -> Option<Picture> {
    let pixels = usize::try_from(width.checked_mul(height)?).ok()?;
    let (pairs, _) = bytes.as_chunks();
    let luma = pairs.get(..pixels)?.iter().map(|[luma, _chroma]| *luma).collect();
    Some(Picture { luma, width, height })
}

/// The luma of a motion JPEG picture, which may lack what makes it a JPEG file.
fn from_mjpeg(bytes: &[u8]) -> Option<Picture> {
    // A decoder's panic must cost this picture and no other.
    let decoded = |bytes: &[u8]| panic::catch_unwind(|| from_jpeg(bytes)).ok().flatten();
    decoded(bytes).or_else(|| decoded(&with_usual_tables(bytes)?))
}

/// The luma of a JPEG picture. What lies behind the picture, the end of an older one, is left.
fn from_jpeg(bytes: &[u8]) -> Option<Picture> {
    let side = usize::try_from(MAX_SIDE).ok()?;
    let options = DecoderOptions::default()
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let pixels = width.checked_mul(height).filter(|pixels| *pixels <= MAX_PIXELS)?;
    let luma = decoder.decode().ok()?;
    (u32::try_from(luma.len()) == Ok(pixels)).then_some(Picture { luma, width, height })
}

/// The picture marked as one that leaves out the usual Huffman tables, as many cameras' do.
///
/// The mark is the application segment `AVI1` behind the start of the image; with it the decoder
/// fills in the tables of ISO/IEC 10918-1, annex K.
fn with_usual_tables(bytes: &[u8]) -> Option<Vec<u8>> {
    const START: [u8; 2] = [0xff, 0xd8];
    const MARK: &[u8] = b"\xff\xe0\x00\x07AVI1\0";

    let rest = bytes.strip_prefix(&START)?;
    Some([&START, MARK, rest].concat())
}

/// Whether a device failed to open for having no format that is read.
fn has_nothing_to_read(error: &NokhwaError) -> bool {
    matches!(error, NokhwaError::GetPropertyError { property, .. } if property == "CameraFormat")
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
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    use proptest::prelude::*;

    use super::*;

    /// Grey stripes 16 pixels wide, dark first, which JPEG at full quality keeps exactly enough.
    fn stripes(width: u32, height: u32) -> Vec<u8> {
        let row = (0..width).map(|x| if x / 16 % 2 == 0 { 40 } else { 200 });
        (0..height).flat_map(|_| row.clone()).collect()
    }

    fn jpeg(luma: &[u8], width: u32, height: u32) -> Vec<u8> {
        let rgb: Vec<u8> = luma.iter().flat_map(|luma| [*luma; 3]).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 100)
            .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    /// Takes every Huffman table out, as many cameras do.
    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let (mut kept, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
        while rest[1] != 0xda {
            let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            let (segment, behind) = rest.split_at(length);
            if segment[1] != 0xc4 {
                kept.extend(segment);
            }
            rest = behind;
        }
        kept.extend(rest);
        kept
    }

    fn assert_is_stripes(picture: Option<Picture>, width: u32, height: u32, name: &str) {
        let picture = picture.expect(name);
        assert_eq!((picture.width, picture.height), (width, height), "{name}");
        for (got, drawn) in picture.luma.iter().zip(stripes(width, height)) {
            assert!(got.abs_diff(drawn) <= 3, "{name}: {got} for {drawn}");
        }
    }

    #[test]
    fn luma_of_yuyv_is_every_second_byte() {
        let picture =
            |luma: &[u8], width, height| Some(Picture { luma: luma.to_vec(), width, height });
        let buffer = [1, 9, 2, 9, 3, 9, 4, 9];
        let cases = [
            ("even", 8, 2, 2, picture(&[1, 2, 3, 4], 2, 2)),
            ("odd width", 6, 3, 1, picture(&[1, 2, 3], 3, 1)),
            ("odd tail", 5, 2, 1, picture(&[1, 2], 2, 1)),
            ("long tail", 8, 1, 1, picture(&[1], 1, 1)),
            ("a byte short", 3, 2, 1, None),
            ("empty", 0, 1, 1, None),
            ("overflow", 8, u32::MAX, 2, None),
        ];
        for (name, length, width, height, expected) in cases {
            assert_eq!(from_yuyv(&buffer[..length], width, height), expected, "{name}");
        }
    }

    #[test]
    fn luma_of_jpeg_is_read_whatever_lies_behind() {
        let whole = jpeg(&stripes(64, 48), 64, 48);
        let other = jpeg(&stripes(80, 40), 80, 40);
        let cases = [
            ("alone", whole.clone()),
            ("zeros behind", [whole.as_slice(), &[0; 500]].concat()),
            ("another behind", [whole.as_slice(), &other[90..]].concat()),
            ("without tables", without_tables(&whole)),
            ("without tables, zeros behind", [without_tables(&whole), vec![0; 500]].concat()),
        ];
        for (name, bytes) in cases {
            assert_is_stripes(from_mjpeg(&bytes), 64, 48, name);
        }
    }

    #[test]
    fn what_is_no_jpeg_is_left_out() {
        let whole = jpeg(&stripes(64, 48), 64, 48);
        let cases = [
            ("empty", vec![]),
            ("zeros", vec![0; 4_096]),
            ("only a start", vec![0xff, 0xd8]),
            ("no start", whole[2..].to_vec()),
            ("a start and zeros", [&[0xff, 0xd8], [0; 64].as_slice()].concat()),
        ];
        for (name, bytes) in cases {
            assert_eq!(from_mjpeg(&bytes), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_jpeg_never_panics(
            cut in 0usize..4_000,
            damage in proptest::collection::vec((0usize..4_000, any::<u8>()), 0..20),
        ) {
            let mut bytes = jpeg(&stripes(64, 48), 64, 48);
            for (place, value) in damage {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = value;
                }
            }
            bytes.truncate(cut);
            if let Some(Picture { luma, width, height }) = from_mjpeg(&bytes) {
                prop_assert_eq!(u32::try_from(luma.len()), Ok(width * height));
            }
        }
    }

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
