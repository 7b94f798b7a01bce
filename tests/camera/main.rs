//! The camera module with the kernel's real driver and an emulated USB camera.
//!
//! These tests plug cameras in, so they do something only in the machine that `run`, beside this
//! file, starts; elsewhere they pass at once. They share one port, so they run one at a time.
//! That machine is emulated and slow: what takes a while is given plenty of it.

#[expect(dead_code, reason = "the terminal uses more of it")]
#[path = "../../src/bin/greengate/kiosk/camera/mod.rs"]
mod camera;
mod descriptors;
mod soak;
mod usb;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use camera::setting::{CameraSetting, Level, Turn};
use camera::{Camera, CameraFault, Sight};
use greengate::clock;
use greengate::frame::Frame;
use usb::{Kind, Manner, SEVEN_AND_A_HALF_A_SECOND, Selector, TEN_A_SECOND, UsbCamera};

/// The terminal's program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_greengate");

/// Long enough for a camera to be found and opened on the slow machine.
const EVENTUALLY: Duration = Duration::from_secs(40);

/// The only port.
static PORT: Mutex<()> = Mutex::new(());

/// Whether there is a port to plug cameras into; it is kept until the value is dropped.
fn port() -> Option<MutexGuard<'static, ()>> {
    env::var_os("GREENGATE_CAMERA_VM")?;
    let port = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    for module in ["vhci-hcd", "uvcvideo"] {
        let status = Command::new("modprobe").arg(module).status().expect("the machine has it");
        assert!(status.success(), "{module}");
    }
    Some(port)
}

/// The terminal's camera, chosen by name so that nothing else is taken for it.
fn start() -> Camera {
    start_as(&CameraSetting::default())
}

fn start_as(setting: &CameraSetting) -> Camera {
    let camera = Some("greengate test".to_owned());
    let setting = CameraSetting { camera, ..setting.clone() };
    Camera::start(Path::new(PROGRAM), &setting, clock::now)
}

/// Waits for a sight that `is_it`, and says how long that took.
fn wait_for(camera: &Camera, is_it: impl Fn(&Sight) -> bool) -> (Sight, Duration) {
    let start = Instant::now();
    while start.elapsed() < EVENTUALLY {
        if let Some(sight) = camera.next(Duration::from_secs(1)).filter(|sight| is_it(sight)) {
            return (sight, start.elapsed());
        }
    }
    panic!("nothing of that kind within {EVENTUALLY:?}");
}

fn wait_for_frame(camera: &Camera) -> (Frame, Duration) {
    match wait_for(camera, |sight| matches!(sight, Sight::Frame(_))) {
        (Sight::Frame(frame), time) => (frame, time),
        (Sight::Fault(_), _) => unreachable!("only frames are waited for"),
    }
}

fn wait_for_fault(camera: &Camera, fault: CameraFault) -> Duration {
    wait_for(camera, |sight| *sight == Sight::Fault(fault)).1
}

/// Says what was measured, for whoever reads the run's output.
#[expect(clippy::print_stdout, reason = "this is what the run is for")]
fn note(what: &str, time: Duration) {
    println!("  {what}: {:.2} s", time.as_secs_f64());
}

/// Checks that a picture is the emulated camera's, each pixel within `tolerance`.
fn assert_is_seen(frame: &Frame, tolerance: u8) {
    assert_eq!((frame.width(), frame.height()), (1_280, 720));
    let is_near = |count| {
        let drawn = usb::luma(1_280, 720, count);
        frame.luma().iter().zip(drawn).all(|(got, drawn)| got.abs_diff(drawn) <= tolerance)
    };
    assert!((0..usb::COUNT).any(is_near), "the picture is another");
}

/// How many descriptors this process has open, and how many children, ended ones included.
fn belongings() -> (usize, usize) {
    let count = |folder: &str, is_counted: &dyn Fn(&Path) -> bool| {
        let entries = fs::read_dir(folder).expect("it is always there");
        entries.filter(|entry| entry.as_ref().is_ok_and(|entry| is_counted(&entry.path()))).count()
    };
    // The parent is the second field behind the name, which is in parentheses.
    let parent = |process: &Path| -> Option<u32> {
        let stat = fs::read_to_string(process.join("stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
    };
    let is_child = |process: &Path| parent(process) == Some(std::process::id());
    (count("/proc/self/fd", &|_| true), count("/proc", &is_child))
}

#[test]
fn an_uncompressed_picture_comes_through_to_the_bit() {
    let Some(_port) = port() else { return };
    let _usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let (frame, time) = wait_for_frame(&start());
    note("plugged in, started, first picture", time);
    assert_is_seen(&frame, 0);
}

#[test]
fn a_jpeg_picture_comes_through() {
    let Some(_port) = port() else { return };
    let _usb = UsbCamera::plug_in(Kind::Mjpeg, TEN_A_SECOND).unwrap();
    let (frame, _) = wait_for_frame(&start());
    assert_is_seen(&frame, 24);
}

#[test]
fn the_first_camera_is_found_without_a_name() {
    let Some(_port) = port() else { return };
    let _usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let camera = Camera::start(Path::new(PROGRAM), &CameraSetting::default(), clock::now);
    assert_is_seen(&wait_for_frame(&camera).0, 0);
}

#[test]
fn a_silent_camera_is_a_fault_until_it_gives_pictures_again() {
    let Some(_port) = port() else { return };
    let usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let camera = start();
    wait_for_frame(&camera);
    usb.behave(Manner::Silent);
    // Pictures that were on their way still come.
    let mut last = Instant::now();
    while camera.next(EVENTUALLY) != Some(Sight::Fault(CameraFault::NoFrames)) {
        last = Instant::now();
    }
    let time = last.elapsed();
    note("silent until the fault", time);
    assert!(time < Duration::from_secs(3), "{time:?}");
    usb.behave(Manner::Fine);
    note("pictures again until the first", wait_for_frame(&camera).1);
}

#[test]
fn an_unplugged_camera_is_a_fault_until_it_is_plugged_in_again() {
    let Some(_port) = port() else { return };
    let camera = start();
    wait_for_fault(&camera, CameraFault::NoCamera);
    let mut usb = Some(UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap());
    wait_for_frame(&camera);
    for kind in [Kind::Yuyv, Kind::Mjpeg] {
        drop(usb.take());
        note("unplugged until the fault", wait_for_fault(&camera, CameraFault::NoCamera));
        usb = Some(UsbCamera::plug_in(kind, TEN_A_SECOND).unwrap());
        let (_, time) = wait_for_frame(&camera);
        note("plugged in again until the first picture", time);
        assert!(time < Duration::from_secs(5), "{time:?}");
    }
}

#[test]
fn garbage_costs_only_its_own_picture() {
    let Some(_port) = port() else { return };
    let usb = UsbCamera::plug_in(Kind::Mjpeg, TEN_A_SECOND).unwrap();
    usb.behave(Manner::HalfGarbage);
    let camera = start();
    for _ in 0..4 {
        let (frame, _) = wait_for_frame(&camera);
        assert_is_seen(&frame, 24);
    }
}

#[test]
fn a_picture_that_stands_still_is_a_fault_until_it_moves() {
    let Some(_port) = port() else { return };
    let usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let camera = start();
    wait_for_frame(&camera);
    usb.behave(Manner::Still);
    note("still until the fault", wait_for_fault(&camera, CameraFault::Frozen));
    // While it stands still no picture is believed, however often the camera is opened again.
    assert_eq!(camera.next(Duration::from_secs(8)), None);
    usb.behave(Manner::Fine);
    wait_for_frame(&camera);
}

#[test]
fn a_camera_that_another_program_uses_is_busy() {
    let Some(_port) = port() else { return };
    let _usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let first = start();
    wait_for_frame(&first);
    let second = start();
    wait_for_fault(&second, CameraFault::Busy);
    drop(first);
    wait_for_frame(&second);
}

#[test]
fn a_rate_that_the_library_cannot_start_from_is_set_to_another() {
    let Some(_port) = port() else { return };
    let _usb = UsbCamera::plug_in(Kind::Yuyv, SEVEN_AND_A_HALF_A_SECOND).unwrap();
    assert_is_seen(&wait_for_frame(&start()).0, 0);
}

#[test]
fn a_camera_is_set_as_it_is_to_be_and_else_left_alone() {
    let Some(_port) = port() else { return };
    let usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let fixed = Some(Level::Fixed(90));
    let automatic = Some(Level::Automatic);
    let cases = [
        ("as it is", None, None, [8, 1, 157, 0, 1]),
        ("as told", fixed, fixed, [1, 1, 90, 90, 0]),
        ("as it was", None, None, [1, 1, 90, 90, 0]),
        ("by itself", automatic, automatic, [8, 0, 90, 90, 1]),
    ];
    for (name, exposure, focus, expected) in cases {
        let camera = start_as(&CameraSetting { exposure, focus, ..CameraSetting::default() });
        wait_for_frame(&camera);
        let set = [
            Selector::ExposureMode,
            Selector::ExposurePriority,
            Selector::ExposureTime,
            Selector::Focus,
            Selector::AutoFocus,
        ];
        assert_eq!(set.map(|selector| usb.control(selector)), expected, "{name}");
    }
}

#[test]
fn a_camera_that_hangs_on_its_side_is_seen_upright() {
    let Some(_port) = port() else { return };
    let _usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let camera = start_as(&CameraSetting { rotate: Turn::Quarter, ..CameraSetting::default() });
    let (frame, _) = wait_for_frame(&camera);
    assert_eq!((frame.width(), frame.height()), (720, 1_280));
    // Its stripes stand across now; the corner that changes is at the upper right.
    let drawn = |row: usize| if (row / 16).is_multiple_of(2) { 40 } else { 200 };
    for (row, pixels) in frame.luma().chunks(720).enumerate() {
        assert!(pixels[..700].iter().all(|pixel| *pixel == drawn(row)), "row {row}");
    }
}

#[test]
fn capturing_ends_with_its_parent_though_no_picture_comes() {
    let Some(_port) = port() else { return };
    let usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    usb.behave(Manner::Silent);
    while !Path::new("/dev/video0").exists() {
        thread::yield_now();
    }
    let mut child = Command::new(PROGRAM)
        .args(["capture", "--camera=greengate test"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !usb.is_streaming() {
        assert_eq!(child.try_wait().unwrap(), None);
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn nothing_is_left_behind() {
    let Some(_port) = port() else { return };
    let before = belongings();
    let usb = UsbCamera::plug_in(Kind::Yuyv, TEN_A_SECOND).unwrap();
    let camera = start();
    wait_for_frame(&camera);
    usb.behave(Manner::Silent);
    wait_for_fault(&camera, CameraFault::NoFrames);
    drop(usb);
    wait_for_fault(&camera, CameraFault::NoCamera);
    let start = Instant::now();
    drop(camera);
    note("dropped", start.elapsed());
    assert_eq!(belongings(), before);
}
