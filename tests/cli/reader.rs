//! `greengate reader`, against the emulated reader that the demonstration has.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::tempdir;

use crate::{TERMINAL, run, status, stderr, stdout};

#[test]
fn a_card_is_read_by_the_end_of_its_number() {
    let folder = tempdir().unwrap();
    let link = folder.path().join("reader");
    let link = link.to_str().unwrap();
    let missing = run(TERMINAL, &["reader", link]);
    assert_eq!((status(&missing), stdout(&missing)), (1, String::new()));
    assert!(stderr(&missing).starts_with(&format!("greengate: cannot use {link}: ")));

    let mut emulator = Command::new(TERMINAL)
        .args(["reader", link, "--emulate"])
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
    let usage =
        "put [citizen|hong_kong_macao_taiwan|foreign_2017|foreign_2023], take, unplug, plug";
    assert_eq!(tell("take"), "taken");
    assert_eq!(tell("put a foot down"), usage);
    let nothing = run(TERMINAL, &["reader", link, "--wait", "1"]);
    assert_eq!((status(&nothing), stdout(&nothing)), (1, String::new()));
    assert_eq!(stderr(&nothing), "greengate: no card was put on the reader\n");

    let cards = [
        ("put", "citizen: **************002X, valid 2006.03.01-长期\n"),
        ("put foreign_2017", "foreign_2017: ***********2501, valid 2018.06.01-2028.05.31\n"),
    ];
    for (line, expected) in cards {
        assert_eq!(tell("take"), "taken");
        assert_eq!(tell("unplug"), "unplugged");
        assert_eq!(tell("plug"), "plugged in");
        tell(line);
        let output = run(TERMINAL, &["reader", link]);
        assert_eq!((status(&output), stdout(&output).as_str()), (0, expected), "{line}");
        assert_eq!(stderr(&output), "");
    }
    drop(input);
    assert!(emulator.wait().unwrap().success());
    assert!(!Path::new(link).is_symlink(), "the port goes with the reader");
}

#[test]
fn what_is_in_memory_goes_into_no_core_dump() {
    let folder = tempdir().unwrap();
    // Whether a program that says "ready" and is aborted leaves its memory behind, where it may.
    let dumps = |arguments: &[&str]| {
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$@\"", "sh"])
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_ref().unwrap(), "take").unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
        child.wait().unwrap().core_dumped()
    };
    if !dumps(&["cat"]) {
        println!("skipped: this machine dumps no cores");
        return;
    }
    assert!(!dumps(&[TERMINAL, "reader", "reader", "--emulate"]));
}
