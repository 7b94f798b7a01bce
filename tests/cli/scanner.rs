//! `greengate scanner`, against the emulated scanner that the demonstration has.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::tempdir;

use crate::{
    TERMINAL,
    common::{NOW, code},
    lines, path, run, run_with, status, stderr, stdout, trust,
};

#[test]
fn a_code_is_read_and_judged_as_its_text_is() {
    let folder = tempdir().unwrap();
    let link = folder.path().join("scanner");
    let link = link.to_str().unwrap();
    let missing = run(TERMINAL, &["scanner", link, "--wait", "1"]);
    assert_eq!((status(&missing), stdout(&missing)), (1, String::new()));
    let unplugged = format!("greengate: {link}: the scanner is not plugged in");
    let said = format!("{unplugged} [scanner_unplugged]\n{unplugged}\n");
    assert_eq!(stderr(&missing), said);

    let mut emulator = Command::new(TERMINAL)
        .args(["scanner", link, "--emulate"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = emulator.stdin.take().unwrap();
    let mut done = BufReader::new(emulator.stdout.take().unwrap()).lines();
    let mut tell = |line: &str| {
        writeln!(input, "{line}").unwrap();
        done.next().unwrap().unwrap()
    };
    assert_eq!(tell("beep"), "scan TEXT, send TEXT, unplug, plug");
    let green = code(|_| {});
    let cases = [
        (format!("scan {}", green.as_str()), "pass"),
        (format!("send \\x02]Q2\\\\000026{}\\x03\\r\\n", green.as_str()), "pass"),
        (format!("send {}", &green.as_str()[..100]), "retry"),
        ("send \\x1b[2J\\r".to_owned(), "retry"),
    ];
    // What was scanned before somebody listened is gone.
    assert_eq!(tell("scan early"), "scanned");
    let count = cases.len().to_string();
    let mut reader = Command::new(TERMINAL)
        .args(["scanner", link, "--json", "--count", &count])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(reader.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), format!("greengate: {link}: the scanner is ready"));
    let mut read = BufReader::new(reader.stdout.take().unwrap()).lines();
    let trust = trust();
    for (line, expected) in cases {
        let done = if line.starts_with("scan") { "scanned" } else { "sent" };
        assert_eq!(tell(&line), done);
        let read = read.next().unwrap().unwrap();
        let judge = ["verify", "--trust", path(&trust), "--at", NOW, "--batch", "-", "--json"];
        let judged = run_with(TERMINAL, &judge, &read);
        assert_eq!(lines(&judged)[0]["verdict"], expected, "{line}");
    }
    assert!(reader.wait().unwrap().success());
    drop(input);
    assert!(emulator.wait().unwrap().success());
    assert!(!Path::new(link).is_symlink(), "the port goes with the scanner");
}
