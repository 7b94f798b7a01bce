//! A shift at the desk, from sign-in to the file on the stick, by keyboard, pointer, and reader.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::{TempDir, tempdir};

use crate::display::Display;

/// Who is on the emulated reader's card, and somebody who is to stay at home.
const GREEN: &str = "11010519491231002X";
const STOP: &str = "110101200002290018";

/// What the usual way on is painted in.
const YELLOW: [u8; 3] = [0xff, 0xd2, 0x1f];

/// The least time between two look-ups. Source: TRUST, section 3.
const LOOK_UP_EVERY: Duration = Duration::from_secs(3);

/// An authority's folder and a terminal's, and the programs at work there.
struct Scene {
    folder: TempDir,
}

impl Scene {
    /// A terminal that took an extract with both people from an authority, and knows its operators.
    fn set() -> Self {
        let scene = Self { folder: tempdir().unwrap() };
        let (office, published) = (scene.path("authority"), scene.path("published"));
        let authority = |arguments: &str| {
            let mut words = arguments.split(' ');
            let verb: Vec<_> = words.by_ref().take_while(|word| *word != "AT").collect();
            let mut command = Command::new(env!("CARGO_BIN_EXE_greengate-authority"));
            succeed(command.args(verb).arg(&office).args(words), "")
        };
        fs::create_dir(scene.path("stick")).unwrap();
        let keys = scene.path("root-keys");
        authority("init AT --demo");
        authority(&format!("root init AT {}", keys.display()));
        authority(
            "terminal put AT --terminal desk-1 --place station --name-zh 北京西站 \
             --name-en Beijing-West --gate B2",
        );
        for (number, name, health) in [(GREEN, "张三", "normal"), (STOP, "刘洋", "stop")] {
            authority(&format!("person declare AT --number {number} --name {name}"));
            authority(&format!("person review AT --number {number}"));
            authority(&format!("person audit AT --number {number} --health {health}"));
        }
        authority("extract AT --terminal desk-1 --county 110000 --no-stretching");
        authority(&format!("publish AT {}", published.display()));
        let (bundle, token) = (scene.path("bundle.json"), scene.path("stick/token.json"));
        authority(&format!("terminal bundle AT --terminal desk-1 --out {}", bundle.display()));
        authority(&format!("token AT --terminal desk-1 --out {}", token.display()));
        scene.terminal(&["provision", "--bundle", bundle.to_str().unwrap()], "");
        scene.terminal(&["sync", "--from", published.to_str().unwrap()], "");
        scene.terminal(&["operator", "add", "1001", "--role", "maintainer"], "246813\n246813\n");
        for (staff, role, pin) in [("2001", "staff", "975310"), ("3001", "supervisor", "864209")] {
            let answers = format!("246813\n{pin}\n{pin}\n");
            scene.terminal(&["operator", "add", staff, "--role", role, "--by", "1001"], &answers);
        }
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the terminal's program to its end, and gives what it printed.
    fn terminal(&self, arguments: &[&str], answers: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_greengate"));
        succeed(command.arg("--state").arg(self.path("state")).args(arguments), answers)
    }

    /// What the log has from the desk, with what it says.
    fn log(&self) -> Vec<(String, String)> {
        let csv = self.terminal(&["audit", "export", "--csv"], "");
        let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let place = |name| head.iter().position(|column| *column == name).unwrap();
        let (event, verdict) = (place("event"), place("verdict"));
        lines.map(|row| (row[event].to_owned(), row[verdict].to_owned())).collect()
    }
}

fn succeed(command: &mut Command, answers: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A reader of cards on a port of its own, and the hand that puts cards on it.
struct Reader {
    _program: Running,
    hand: ChildStdin,
    said: Box<dyn BufRead>,
}

impl Reader {
    fn plug_in(port: &Path) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_greengate"))
            .arg("reader")
            .arg(port)
            .arg("--emulate")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (hand, said) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
        let said = Box::new(BufReader::new(said));
        let mut reader = Self { _program: Running(program), hand, said };
        assert_eq!(reader.say("take"), "taken", "it is there");
        reader
    }

    fn say(&mut self, line: &str) -> String {
        writeln!(self.hand, "{line}").unwrap();
        let mut answer = String::new();
        self.said.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }
}

#[test]
fn a_shift_is_done_by_keyboard_pointer_and_reader() {
    let Some(display) = Display::open("1920x1080") else {
        println!("skipped: Xvfb is not installed");
        return;
    };
    if !display.act(&["version"]) {
        println!("skipped: xdotool is not installed");
        return;
    }
    let scene = Scene::set();
    let mut reader = Reader::plug_in(&scene.path("reader"));
    let dark = display.picture();
    let window = Command::new(env!("CARGO_BIN_EXE_greengate"))
        .arg("--state")
        .arg(scene.path("state"))
        .args(["kiosk", "--desk", "--size", "1920x1080", "--language", "en"])
        .arg("--pictures")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screenshot.png"))
        .arg("--token")
        .arg(scene.path("stick/token.json"))
        .arg("--export")
        .arg(scene.path("stick"))
        .arg("--reader")
        .arg(scene.path("reader"))
        .env("DISPLAY", display.name())
        .spawn()
        .unwrap();
    let _window = Running(window);
    let mut shown = display.changed(&dark);
    display.act(&["search", "--sync", "--name", "Greengate", "windowfocus", "--sync"]);
    let mut press = |keys: &[&str]| {
        display.act(&[&["key", "--delay", "0"], keys].concat());
        shown = display.changed(&shown);
        shown.clone()
    };
    let digits = |text: &'static str| -> Vec<&'static str> {
        (0..text.len()).map(|place| &text[place..=place]).collect()
    };
    let entered = |text| [digits(text), vec!["Return"]].concat();

    press(&entered("2001"));
    let home = press(&entered("975310"));

    // The usual way on by pointer: somebody is looked up. Consent by word, and a card.
    let (x, y) = home.middle_of(YELLOW);
    display.act(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    let consent = display.changed(&home);
    display.act(&["key", "F1"]);
    let document = display.changed(&consent);
    assert_eq!(reader.say("put citizen"), "citizen");
    let verdict = display.changed(&document);
    let looked_up = Instant::now();
    assert_eq!(reader.say("take"), "taken");
    // The document agrees.
    display.act(&["key", "F1"]);
    let mut shown = display.changed(&verdict);
    while looked_up.elapsed() < LOOK_UP_EVERY {
        display.picture();
    }

    let mut press = |keys: &[&str]| {
        display.act(&[&["key", "--delay", "0"], keys].concat());
        shown = display.changed(&shown);
    };
    press(&["F1"]);
    press(&["F1"]);
    press(&entered(STOP));
    // Overridden for the second reason that there is, by a second person.
    press(&["F2"]);
    press(&["F2"]);
    press(&entered("3001"));
    press(&entered("864209"));
    // The shift ends, is written to the stick, and the desk is left.
    press(&["F5"]);
    press(&["F1"]);
    press(&["F3"]);

    let log = scene.log();
    let desk = log.iter().skip_while(|(event, _)| event != "signed_in");
    let desk: Vec<_> = desk.map(|(event, verdict)| (event.as_str(), verdict.as_str())).collect();
    let expected = [
        ("signed_in", ""),
        ("look_up", ""),
        ("scan", "check_id"),
        ("id_check", ""),
        ("look_up", ""),
        ("scan", "deny"),
        ("override", ""),
        ("shift_closed", ""),
        ("signed_out", ""),
    ];
    assert_eq!(desk, expected);
    let stick = fs::read_dir(scene.path("stick")).unwrap().map(|entry| entry.unwrap().path());
    let report = stick.into_iter().find(|path| {
        path.file_name().unwrap().to_string_lossy().starts_with("shift-")
            && path.extension().is_some_and(|form| form == "json")
    });
    let key = scene.terminal(&["audit", "key"], "");
    let key = key.split_whitespace().last().unwrap();
    let report = report.unwrap();
    let printed = scene.terminal(&["shift", "verify", report.to_str().unwrap(), "--key", key], "");
    assert!(printed.contains("2001"), "{printed}");
    for personal in [GREEN, STOP, "张", "刘"] {
        assert!(!printed.contains(personal), "{printed}");
    }
    let mut altered = fs::read_to_string(&report).unwrap();
    assert!(altered.contains("2001"));
    altered = altered.replace("2001", "2002");
    fs::write(&report, altered).unwrap();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_greengate"));
    let verify = verify.args(["shift", "verify"]).arg(&report).args(["--key", key]);
    assert_eq!(verify.output().unwrap().status.code(), Some(1));
}
