//! A USB camera made of two threads, for a machine that has none.
//!
//! It speaks USB/IP over a pair of sockets, one of which is handed to Linux's virtual host
//! controller (`vhci_hcd`). The kernel takes it for a device on a bus and gives it to its own
//! `uvcvideo` driver; from there on everything is real.
//!
//! Standards followed: USB 2.0, chapter 9; USB Video Class 1.0 with payloads in bulk transfers;
//! the kernel's `Documentation/usb/usbip_protocol.rst`.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::descriptors::{configuration, device_descriptor, picture_len, string_descriptor};

/// The name that the camera gives itself.
pub(crate) const NAME: &str = "Greengate Test Camera";

/// The sizes that the camera offers, its default first.
pub(crate) const SIZES: [(u16, u16); 2] = [(320, 240), (1_280, 720)];

/// Ten pictures a second, in units of 100 ns; the emulated machine is busy enough with these.
pub(crate) const TEN_A_SECOND: u32 = 1_000_000;

/// Seven and a half pictures a second, which is not one over a whole number of seconds.
pub(crate) const SEVEN_AND_A_HALF_A_SECOND: u32 = 1_333_333;

/// Bytes in a payload with its header: the most that `uvcvideo` puts into one transfer.
const PAYLOAD_LEN: usize = 16_384;

/// The controller's files.
const CONTROLLER: &str = "/sys/devices/platform/vhci_hcd.0";

/// The controller's port that the camera is plugged into.
const PORT: u32 = 0;

/// The form in which a camera gives its pictures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Motion JPEG.
    Mjpeg,
    /// Luma and chroma in turns.
    Yuyv,
}

/// How many different pictures the camera sees, one after the other. Odd, so that they differ also
/// when every second one is lost.
pub(crate) const COUNT: u32 = 3;

/// What the camera does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manner {
    /// It gives pictures.
    Fine,
    /// Every second picture is zeros.
    HalfGarbage,
    /// It gives nothing.
    Silent,
    /// It gives the same picture over and over.
    Still,
}

/// The picture that the camera sees at its `count`th look: stripes 16 pixels wide, dark first,
/// and in the corner a square that changes.
pub(crate) fn luma(width: u32, height: u32, count: u32) -> Vec<u8> {
    let at = |x: u32, y: u32| match (x < 16 && y < 16, x / 16 % 2) {
        (true, _) => u8::try_from(60 + 60 * (count % COUNT)).expect("at most 180"),
        (false, 0) => 40,
        (false, _) => 200,
    };
    (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect()
}

/// A camera that is plugged in until it is dropped.
pub(crate) struct UsbCamera {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl UsbCamera {
    /// Plugs a camera in, which has one kind of pictures and, unless asked for another, leaves
    /// `interval` between them.
    pub(crate) fn plug_in(kind: Kind, interval: u32) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let device = 0x1_0002;
        let high_speed = 3;
        let socket = theirs.as_raw_fd();
        let line = format!("{PORT} {socket} {device} {high_speed}");
        let mut pictures = Vec::new();
        for (width, height) in SIZES {
            let encode = |count| encoded(kind, width.into(), height.into(), count);
            pictures.push((0..COUNT).map(encode).collect::<io::Result<_>>()?);
        }
        let wire = Wire { socket: ours.try_clone()?, waiting: VecDeque::new(), stream: None };
        let shared = Arc::new(Shared {
            kind,
            interval,
            pictures,
            state: Mutex::new(State {
                wire,
                manner: Manner::Fine,
                gone: false,
                controls: CONTROLS.map(|control| control.usual),
            }),
            changed: Condvar::new(),
        });
        let mut answering =
            Answering { shared: Arc::clone(&shared), requests: ours, probe: [0; 26] };
        answering.reset_probe();
        let looking = Arc::clone(&shared);
        let threads = vec![
            // Either ends with an error once the camera is unplugged.
            thread::spawn(move || answering.run().unwrap_or_default()),
            thread::spawn(move || looking.give_pictures().unwrap_or_default()),
        ];
        attach(&line)?;
        Ok(Self { shared, threads })
    }

    /// Makes the camera behave as told from now on.
    pub(crate) fn behave(&self, manner: Manner) {
        self.shared.lock().manner = manner;
        self.shared.changed.notify_all();
    }

    /// What a control is set to.
    pub(crate) fn control(&self, selector: Selector) -> u32 {
        let index = CONTROLS.iter().position(|control| control.selector == selector);
        self.shared.lock().controls[index.expect("each has one")]
    }

    /// Whether the driver wants pictures.
    pub(crate) fn is_streaming(&self) -> bool {
        self.shared.lock().wire.stream.is_some()
    }
}

/// Hands a socket to the controller, which may still be busy with the camera before.
fn attach(line: &str) -> io::Result<()> {
    let start = Instant::now();
    loop {
        let attached = fs::write(format!("{CONTROLLER}/attach"), line);
        if attached.is_ok() || start.elapsed() > Duration::from_secs(10) {
            return attached;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for UsbCamera {
    fn drop(&mut self) {
        // The controller first: it tells the driver, which then gives up its requests.
        fs::write(format!("{CONTROLLER}/detach"), PORT.to_string()).ok();
        let mut state = self.shared.lock();
        state.gone = true;
        state.wire.socket.shutdown(Shutdown::Both).ok();
        drop(state);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// What both threads know.
struct Shared {
    kind: Kind,
    interval: u32,
    /// By size, what the camera gives at its first looks, which then repeat.
    pictures: Vec<Vec<Vec<u8>>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// What changes.
struct State {
    wire: Wire,
    manner: Manner,
    gone: bool,
    /// What each of [`CONTROLS`] is set to.
    controls: [u32; CONTROLS.len()],
}

/// The way to the controller. A request is taken from those waiting and answered under one lock,
/// since an answer to one that has been withdrawn in between would end the connection.
struct Wire {
    socket: UnixStream,
    /// Requests for picture data, by number and length.
    waiting: VecDeque<(u32, usize)>,
    /// What is streamed, while anything is.
    stream: Option<Stream>,
}

/// A stream that the driver has started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stream {
    /// The size's place in [`SIZES`].
    size: usize,
    interval: u32,
}

impl Wire {
    /// Answers a request: `sent` bytes went through, of which `bytes` come back.
    fn answer(&mut self, number: u32, status: i32, sent: usize, bytes: &[u8]) -> io::Result<()> {
        const ANSWER: u32 = 3;
        let sent = u32::try_from(sent).map_err(io::Error::other)?;
        let words = [ANSWER, number, 0, 0, 0, status.cast_unsigned(), sent, 0, 0, 0, 0, 0];
        self.socket.write_all(words.map(u32::to_be_bytes).as_flattened())?;
        self.socket.write_all(bytes)
    }

    /// Withdraws the request `victim`, and tells `number`, who asked for that, whether it waited.
    fn withdraw(&mut self, victim: u32, number: u32) -> io::Result<()> {
        const WITHDRAWN: u32 = 4;
        const ECONNRESET: i32 = 104;
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != victim);
        let status = if self.waiting.len() < before { -ECONNRESET } else { 0 };
        let words = [WITHDRAWN, number, 0, 0, 0, status.cast_unsigned(), 0, 0, 0, 0, 0, 0];
        self.socket.write_all(words.map(u32::to_be_bytes).as_flattened())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics")
    }

    /// Gives pictures whenever they are streamed.
    fn give_pictures(&self) -> io::Result<()> {
        loop {
            let mut state = self.lock();
            let stream = loop {
                match state.wire.stream {
                    _ if state.gone => return Ok(()),
                    Some(stream) => break stream,
                    None => state = self.changed.wait(state).expect("no thread panics"),
                }
            };
            drop(state);
            self.give_pictures_of(stream)?;
        }
    }

    /// Gives pictures until `stream` is no longer the one that is wanted.
    fn give_pictures_of(&self, stream: Stream) -> io::Result<()> {
        let pictures = &self.pictures[stream.size];
        let pause = Duration::from_nanos(100 * u64::from(stream.interval));
        let mut next = Instant::now();
        for count in 0.. {
            let manner = self.lock().manner;
            let picture =
                &pictures[if manner == Manner::Still { 0 } else { count % pictures.len() }];
            let went_on = match manner {
                Manner::HalfGarbage if count % 2 == 1 => {
                    self.give(&vec![0; picture.len()], count, stream)?
                }
                Manner::Silent => self.lock().wire.stream == Some(stream),
                Manner::Fine | Manner::HalfGarbage | Manner::Still => {
                    self.give(picture, count, stream)?
                }
            };
            if !went_on {
                break;
            }
            next = Instant::now().max(next + pause);
            thread::sleep(next - Instant::now());
        }
        Ok(())
    }

    /// Gives one picture, payload by payload; `false` if the stream ended meanwhile.
    fn give(&self, picture: &[u8], count: usize, stream: Stream) -> io::Result<bool> {
        const HEADER_ENDS: u8 = 0x80;
        const PICTURE_ENDS: u8 = 0x02;
        let turn = u8::from(count % 2 == 1);

        let mut rest = picture;
        while !rest.is_empty() {
            let mut state = self.lock();
            let (number, length) = loop {
                if state.gone || state.wire.stream != Some(stream) {
                    return Ok(false);
                }
                if let Some(request) = state.wire.waiting.pop_front() {
                    break request;
                }
                state = self.changed.wait(state).expect("no thread panics");
            };
            let (part, behind) = rest.split_at(rest.len().min(length.min(PAYLOAD_LEN) - 2));
            let end = if behind.is_empty() { PICTURE_ENDS } else { 0 };
            let payload = [&[2, HEADER_ENDS | end | turn], part].concat();
            state.wire.answer(number, 0, payload.len(), &payload)?;
            rest = behind;
        }
        Ok(true)
    }
}

/// The picture of the `count`th look as the camera gives it.
fn encoded(kind: Kind, width: u32, height: u32, count: u32) -> io::Result<Vec<u8>> {
    let luma = luma(width, height, count);
    match kind {
        Kind::Yuyv => Ok(luma.iter().flat_map(|luma| [*luma, 128]).collect()),
        Kind::Mjpeg => {
            let rgb: Vec<u8> = luma.iter().flat_map(|luma| [*luma; 3]).collect();
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, 90)
                .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
                .map_err(io::Error::other)?;
            Ok(bytes)
        }
    }
}

/// The thread that answers requests.
struct Answering {
    shared: Arc<Shared>,
    requests: UnixStream,
    /// What driver and camera have agreed on: UVC 1.0, table 4-47.
    probe: [u8; 26],
}

impl Answering {
    /// Answers every request until the connection ends.
    fn run(mut self) -> io::Result<()> {
        const SUBMIT: u32 = 1;
        const FROM_CAMERA: u32 = 1;
        loop {
            let mut header = [[0; 4]; 12];
            self.requests.read_exact(header.as_flattened_mut())?;
            let [command, number, _, direction, endpoint, victim, length, ..] =
                header.map(u32::from_be_bytes);
            if command != SUBMIT {
                self.shared.lock().wire.withdraw(victim, number)?;
                continue;
            }
            let length = usize::try_from(length).map_err(io::Error::other)?;
            if endpoint != 0 {
                self.shared.lock().wire.waiting.push_back((number, length));
                self.shared.changed.notify_all();
                continue;
            }
            let [.., setup, setup_rest] = header;
            if direction == FROM_CAMERA {
                let answer = self.answer_to(setup, setup_rest, length);
                let mut state = self.shared.lock();
                match answer {
                    Some(mut bytes) => {
                        bytes.truncate(length);
                        state.wire.answer(number, 0, bytes.len(), &bytes)?;
                    }
                    None => state.wire.answer(number, STALL, 0, &[])?,
                }
            } else {
                let mut bytes = vec![0; length];
                self.requests.read_exact(&mut bytes)?;
                let status = if self.accepts(setup, setup_rest, &bytes) { 0 } else { STALL };
                self.shared.lock().wire.answer(number, status, length, &[])?;
            }
        }
    }

    /// What the camera says when it is asked; `None` for what it does not know.
    fn answer_to(&self, setup: [u8; 4], rest: [u8; 4], length: usize) -> Option<Vec<u8>> {
        const CAMERA_MINIMUM: u8 = 0x82;
        const CAMERA_MAXIMUM: u8 = 0x83;
        const CAMERA_LENGTH: u8 = 0x85;
        const CAMERA_ABILITY: u8 = 0x86;
        match (setup, rest[0]) {
            ([0x80, 6, _, 1], _) => Some(device_descriptor()),
            ([0x80, 6, _, 2], _) => Some(configuration(self.shared.kind, self.shared.interval)),
            ([0x80, 6, index, 3], _) => Some(string_descriptor(index)),
            ([0x80..=0x82, 0, ..], _) => Some(vec![0, 0]),
            ([0x80, 8, ..], _) => Some(vec![1]),
            ([0x81, 10, ..], _) => Some(vec![0]),
            ([0xa1, CAMERA_LENGTH, ..], STREAMING) => Some(vec![26, 0]),
            ([0xa1, CAMERA_ABILITY, ..], STREAMING) => Some(vec![3]),
            ([0xa1, bound, ..], STREAMING) => {
                let mut probe = self.probe;
                let interval = match bound {
                    CAMERA_MINIMUM => TEN_A_SECOND.to_le_bytes(),
                    CAMERA_MAXIMUM => SEVEN_AND_A_HALF_A_SECOND.to_le_bytes(),
                    _ => [probe[4], probe[5], probe[6], probe[7]],
                };
                probe[4..8].copy_from_slice(&interval);
                Some(probe.to_vec())
            }
            ([0xa1, ask, _, selector], CONTROLLING) if rest[1] == LENS => {
                let index = CONTROLS.iter().position(|one| one.selector.number() == selector)?;
                CONTROLS[index].answer(ask, self.shared.lock().controls[index])
            }
            ([0xa1, ..], _) => Some(vec![0; length]),
            _ => None,
        }
    }

    /// Does what the camera is told, if it knows it.
    fn accepts(&mut self, setup: [u8; 4], rest: [u8; 4], bytes: &[u8]) -> bool {
        const COMMIT: u8 = 2;
        match (setup, rest[0]) {
            // The driver stops a stream of bulk transfers by clearing its endpoint.
            ([0x02, 1, ..], _) => self.set_stream(None),
            ([0x00, 5 | 9, ..] | [0x01, 11, ..], _) => {}
            ([0x21, 1, _, selector], STREAMING) => {
                let length = bytes.len().min(self.probe.len());
                self.probe[..length].copy_from_slice(&bytes[..length]);
                self.reset_probe();
                if selector == COMMIT {
                    let [_, _, _, frame, i, n, t, v, ..] = self.probe;
                    let size = usize::from(frame) - 1;
                    let interval = u32::from_le_bytes([i, n, t, v]);
                    self.set_stream(Some(Stream { size, interval }));
                }
            }
            ([0x21, 1, _, selector], CONTROLLING) if rest[1] == LENS && bytes.len() <= 4 => {
                let index = CONTROLS.iter().position(|one| one.selector.number() == selector);
                let Some(index) = index else { return false };
                let mut value = [0; 4];
                value[..bytes.len()].copy_from_slice(bytes);
                self.shared.lock().controls[index] = u32::from_le_bytes(value);
            }
            _ => return false,
        }
        true
    }

    fn set_stream(&self, stream: Option<Stream>) {
        self.shared.lock().wire.stream = stream;
        self.shared.changed.notify_all();
    }

    /// Makes what was asked for something that the camera has.
    fn reset_probe(&mut self) {
        let interval =
            u32::from_le_bytes([self.probe[4], self.probe[5], self.probe[6], self.probe[7]]);
        let nearest = [TEN_A_SECOND, SEVEN_AND_A_HALF_A_SECOND]
            .into_iter()
            .filter(|_| interval != 0)
            .min_by_key(|offered| offered.abs_diff(interval));
        let interval = nearest.unwrap_or(self.shared.interval);
        let frame = self.probe[3].clamp(1, 2);
        let (width, height) = SIZES[usize::from(frame) - 1];
        let payload = u32::try_from(PAYLOAD_LEN).expect("a small number");
        self.probe[2] = 1;
        self.probe[3] = frame;
        self.probe[4..8].copy_from_slice(&interval.to_le_bytes());
        self.probe[18..22].copy_from_slice(&picture_len(width, height).to_le_bytes());
        self.probe[22..26].copy_from_slice(&payload.to_le_bytes());
    }
}

/// The answer to a request that the camera does not know, -EPIPE.
const STALL: i32 = -32;

/// The interface that streams, and the one for controls.
const STREAMING: u8 = 1;
const CONTROLLING: u8 = 0;

/// The unit that has the controls.
pub(crate) const LENS: u8 = 1;

/// What can be controlled: UVC 1.0, table A-12.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Selector {
    ExposureMode = 2,
    ExposurePriority = 3,
    ExposureTime = 4,
    Focus = 6,
    AutoFocus = 8,
}

impl Selector {
    #[expect(clippy::as_conversions, reason = "what the variants are for")]
    fn number(self) -> u8 {
        self as u8
    }
}

/// A control, and what it can be set to: UVC 1.0, section 4.2.2.1.
#[derive(Clone, Copy, Debug)]
struct Control {
    selector: Selector,
    length: usize,
    lowest: u32,
    highest: u32,
    step: u32,
    usual: u32,
}

/// As a webcam has them: exposed as told, 1, or by the camera with its fixed aperture, 8.
const CONTROLS: [Control; 5] = [
    Control {
        selector: Selector::ExposureMode,
        length: 1,
        lowest: 1,
        highest: 8,
        step: 9,
        usual: 8,
    },
    Control {
        selector: Selector::ExposurePriority,
        length: 1,
        lowest: 0,
        highest: 1,
        step: 1,
        usual: 1,
    },
    Control {
        selector: Selector::ExposureTime,
        length: 4,
        lowest: 1,
        highest: 5000,
        step: 1,
        usual: 157,
    },
    Control { selector: Selector::Focus, length: 2, lowest: 0, highest: 250, step: 5, usual: 0 },
    Control { selector: Selector::AutoFocus, length: 1, lowest: 0, highest: 1, step: 1, usual: 1 },
];

impl Control {
    fn answer(&self, ask: u8, now: u32) -> Option<Vec<u8>> {
        let value = match ask {
            0x81 => now,
            0x82 => self.lowest,
            0x83 => self.highest,
            0x84 => self.step,
            0x85 => return Some(u16::try_from(self.length).ok()?.to_le_bytes().to_vec()),
            // It can be asked for, and set.
            0x86 => return Some(vec![3]),
            0x87 => self.usual,
            _ => return None,
        };
        Some(value.to_le_bytes()[..self.length].to_vec())
    }
}
