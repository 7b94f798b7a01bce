//! Scanners that pretend to be keyboards, and serial ones on a real driver.
//!
//! The first need `/dev/uinput`, the others the machine that `tests/camera/run` starts: there the kernel's
//! own drivers see a USB device, which is emulated by the kernel too (`f_hid` and `f_acm` on `dummy_hcd`).
//! Elsewhere they say "skipped" and pass.

use std::{
    env, fs,
    fs::File,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use evdev::{AttributeSet, KeyCode, uinput::VirtualDevice};
use greengate::{
    clock::{self, Timestamp},
    device::scanner::port::PluggedScanner,
};

use crate::{Down, TURNS, Tap, Up, next, words};

/// Whether this is the machine for such tests.
fn is_in_machine() -> bool {
    env::var_os("GREENGATE_CAMERA_VM").is_some()
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

/// A keyboard that the kernel takes for one, where there is `/dev/uinput`.
#[expect(clippy::print_stdout, reason = "whoever reads the output should know")]
fn keyboard(name: &str) -> Option<VirtualDevice> {
    if is_in_machine() {
        for module in ["evdev", "uinput"] {
            run("modprobe", &[module]);
        }
    }
    let keys: AttributeSet<KeyCode> = (1..128).map(KeyCode).collect();
    let built = VirtualDevice::builder().and_then(|it| it.name(name).with_keys(&keys)?.build());
    match built {
        Ok(mut keyboard) => {
            // Its node is made a moment after it is.
            while keyboard.enumerate_dev_nodes_blocking().unwrap().next().is_none() {
                thread::yield_now();
            }
            Some(keyboard)
        }
        Err(error) => {
            println!("skipped: no virtual keyboard: {error}");
            None
        }
    }
}

/// Types a text that has capitals, digits, colons, and ends of lines.
fn type_on(keyboard: &mut VirtualDevice, text: &str) {
    let place = |keys: &str, first: u16, character: char| {
        keys.chars().position(|key| key == character).map(|at| first + u16::try_from(at).unwrap())
    };
    for character in text.chars() {
        let lower = character.to_ascii_lowercase();
        let rows = [("1234567890", 2), ("qwertyuiop", 16), ("asdfghjkl", 30), ("zxcvbnm", 44)];
        let found = rows.iter().find_map(|(keys, first)| place(keys, *first, lower));
        let (code, is_shifted) = match (character, found) {
            ('\r', _) => (28, false),
            (':', _) => (39, true),
            (_, Some(code)) => (code, character.is_uppercase()),
            _ => panic!("no key for {character:?}"),
        };
        let shift = [Down(KeyCode::KEY_LEFTSHIFT)].into_iter().filter(|_| is_shifted);
        let release = [Up(KeyCode::KEY_LEFTSHIFT)].into_iter().filter(|_| is_shifted);
        for key in shift.chain([Tap(KeyCode(code))]).chain(release) {
            let events = key.events().into_iter().filter(|event| event.value < 2);
            let events: Vec<_> = events
                .map(|event| evdev::InputEvent::new(event.kind, event.code, event.value))
                .collect();
            keyboard.emit(&events).unwrap();
        }
    }
}

#[test]
fn a_keyboard_is_taken_away_from_everybody_else() {
    let patience = Duration::from_millis(20);
    let mut now = Timestamp::UNIX_EPOCH;
    let mut scanner = PluggedScanner::at("greengate TEST".to_owned(), patience);
    assert_eq!(next(&mut scanner, &mut now), "scanner_unplugged");
    let Some(mut plugged) = keyboard("Greengate test scanner") else { return };
    let path = plugged.enumerate_dev_nodes_blocking().unwrap().next().unwrap().unwrap();
    let mut bystander = evdev::Device::open(&path).unwrap();
    bystander.set_nonblocking(true).unwrap();

    assert_eq!(next(&mut scanner, &mut now), "ready");
    type_on(&mut plugged, "JKM1:A2\r");
    assert_eq!(next(&mut scanner, &mut now), "<JKM1:A2>");
    let seen = bystander.fetch_events().map(Iterator::count);
    assert_eq!(seen.unwrap_err().kind(), ErrorKind::WouldBlock, "nobody else sees a key of it");

    // Whoever cannot have it alone does not have it.
    let name = path.to_str().unwrap().to_owned();
    let mut other = PluggedScanner::at(name.clone(), patience);
    assert_eq!(next(&mut other, &mut now), "scanner_held");

    // What a hand has typed, and not ended, is no text.
    type_on(&mut plugged, "A");
    assert_eq!(next(&mut scanner, &mut now), format!("nothing within {TURNS} turns"));
    type_on(&mut plugged, "B\r");
    assert_eq!(next(&mut scanner, &mut now), "<B>");

    drop(plugged);
    assert_eq!(next(&mut scanner, &mut now), "scanner_unplugged");
    let Some(mut plugged) = keyboard("Greengate test scanner") else { return };
    assert_eq!(next(&mut scanner, &mut now), "ready");
    type_on(&mut plugged, "C\r");
    assert_eq!(next(&mut scanner, &mut now), "<C>");

    // A key that is held down would never be seen released by who had it before.
    drop(scanner);
    let down = |value| [evdev::InputEvent::new(1, KeyCode::KEY_A.0, value)];
    plugged.emit(&down(1)).unwrap();
    let mut scanner = PluggedScanner::at("greengate TEST".to_owned(), patience);
    assert_eq!(next(&mut scanner, &mut now), "scanner_held");
    plugged.emit(&down(0)).unwrap();
    assert_eq!(next(&mut scanner, &mut now), "ready");
}

/// A USB device that scans: a keyboard and a serial port in one.
struct Gadget {
    folder: PathBuf,
}

/// What a keyboard says of its reports: eight bits for the keys that change others, a byte, and six keys.
/// Source: Device Class Definition for HID 1.11, appendix B.1.
const REPORTS: [u8; 43] = [
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x06, 0x75, 0x08,
    0x15, 0x00, 0x25, 0x65, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xC0,
];

impl Gadget {
    /// Has the kernel make it, where this is the machine for that; it is not plugged in yet.
    #[expect(clippy::print_stdout, reason = "whoever reads the output should know")]
    fn make() -> Option<Self> {
        if !is_in_machine() {
            println!("skipped: no emulated USB devices");
            return None;
        }
        for module in
            ["dummy_hcd", "usb_f_hid", "usb_f_acm", "usbhid", "hid-generic", "cdc-acm", "evdev"]
        {
            run("modprobe", &[module]);
        }
        run("mount", &["-t", "configfs", "none", "/sys/kernel/config"]);
        let folder = PathBuf::from("/sys/kernel/config/usb_gadget/scanner");
        let write = |path: &str, bytes: &[u8]| fs::write(folder.join(path), bytes).unwrap();
        for path in ["strings/0x409", "functions/hid.a", "functions/acm.a", "configs/c.1"] {
            fs::create_dir_all(folder.join(path)).unwrap();
        }
        write("idVendor", b"0x1d6b");
        write("idProduct", b"0x0104");
        write("strings/0x409/manufacturer", b"Greengate");
        write("strings/0x409/product", b"gadget scanner");
        write("functions/hid.a/protocol", b"1");
        write("functions/hid.a/subclass", b"1");
        write("functions/hid.a/report_length", b"8");
        write("functions/hid.a/report_desc", &REPORTS);
        for function in ["hid.a", "acm.a"] {
            let from = folder.join("functions").join(function);
            std::os::unix::fs::symlink(from, folder.join("configs/c.1").join(function)).unwrap();
        }
        Some(Self { folder })
    }

    fn plug(&self) {
        let controller = fs::read_dir("/sys/class/udc").unwrap().next().unwrap().unwrap();
        let name = controller.file_name().into_string().unwrap();
        fs::write(self.folder.join("UDC"), name).unwrap();
    }

    fn unplug(&self) {
        fs::write(self.folder.join("UDC"), "\n").unwrap();
    }
}

/// What a scanner has to say next, by the clock of the machine; nothing if that takes too long. How long
/// it took is said too, for whoever reads the run's output.
#[expect(clippy::print_stdout, reason = "this is what the run is for")]
fn wait(scanner: &mut PluggedScanner) -> String {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(40) {
        if let Some(notice) = scanner.turn(clock::now()) {
            let said = words(&notice);
            let what = said.get(..20).unwrap_or(&said);
            println!("  {what}: {:.2} s", started.elapsed().as_secs_f64());
            return said;
        }
        thread::yield_now();
    }
    "nothing".to_owned()
}

/// Reports of keys that type this text and Enter.
fn reports(text: &str) -> Vec<[u8; 8]> {
    let key = |character: char| -> (u8, u8) {
        let lower = character.to_ascii_lowercase();
        let shift = if character.is_ascii_uppercase() || character == ':' { 0x02 } else { 0 };
        let code = match lower {
            'a'..='z' => u8::try_from(lower).unwrap() - b'a' + 0x04,
            '1'..='9' => u8::try_from(lower).unwrap() - b'1' + 0x1E,
            '0' => 0x27,
            '\r' => 0x28,
            ':' => 0x33,
            _ => panic!("no key for {character:?}"),
        };
        (shift, code)
    };
    let keys = text.chars().chain(['\r']).map(key);
    keys.flat_map(|(shift, code)| [[shift, 0, code, 0, 0, 0, 0, 0], [0; 8]]).collect()
}

/// What comes of a text that is typed by the USB device.
fn type_by_usb(text: &str, scanner: &mut PluggedScanner) -> String {
    let mut keyboard = File::options().write(true).open("/dev/hidg0").unwrap();
    let sent = reports(text);
    let typist = thread::spawn(move || {
        for report in sent {
            keyboard.write_all(&report).unwrap();
        }
    });
    let said = wait(scanner);
    typist.join().unwrap();
    said
}

#[test]
fn usb_scanners_come_and_go_on_the_real_drivers() {
    let Some(gadget) = Gadget::make() else { return };
    let patience = Duration::from_millis(20);
    let mut typing = PluggedScanner::at("gadget scanner".to_owned(), patience);
    let mut serial = PluggedScanner::at("/dev/ttyACM0".to_owned(), patience);
    assert_eq!(wait(&mut typing), "scanner_unplugged");
    assert_eq!(wait(&mut serial), "scanner_unplugged");
    for round in ["1", "2"] {
        gadget.plug();
        assert_eq!(wait(&mut typing), "ready", "{round}");
        assert_eq!(wait(&mut serial), "ready", "{round}");
        let text = format!("JKM1:{}", "SCANNER0123456789".repeat(20));
        // This machine is slow, and may lose keys; but never without a word.
        let mut typed = (0..5).map(|_| type_by_usb(&text, &mut typing));
        let whole = typed.find(|said| !said.contains('\u{1a}'));
        assert_eq!(whole, Some(format!("<{text}>")), "{round}");
        let mut port = File::options().write(true).open("/dev/ttyGS0").unwrap();
        port.write_all(format!("\x02]Q1{text}\x03").as_bytes()).unwrap();
        assert_eq!(wait(&mut serial), format!("<{text}>"), "{round}");
        drop(port);
        gadget.unplug();
        assert_eq!(wait(&mut typing), "scanner_unplugged", "{round}");
        assert_eq!(wait(&mut serial), "scanner_unplugged", "{round}");
    }
    assert!(!Path::new("/dev/ttyACM0").exists());
}
