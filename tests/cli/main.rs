//! The built programs: standard output and exit status.

#![allow(
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;

mod desk;
mod issuing;
mod judging;
mod reader;
mod scanner;
mod terminal;

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use common::{NOW, usual_files};
use greengate::trust::TrustFiles;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const TERMINAL: &str = env!("CARGO_BIN_EXE_greengate");
const AUTHORITY: &str = env!("CARGO_BIN_EXE_greengate-authority");

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

/// The same, with lines of standard input.
fn run_with(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has enough of it closes it.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A folder with these lists.
fn folder(files: &TrustFiles) -> TempDir {
    let folder = tempdir().unwrap();
    for (kind, bytes) in files.present() {
        fs::write(folder.path().join(kind.file_name()), bytes).unwrap();
    }
    folder
}

/// A folder with the usual lists.
fn trust() -> TempDir {
    folder(&usual_files())
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

fn verify(trust: &TempDir, arguments: &[&str]) -> Output {
    let first = ["verify", "--trust", path(trust), "--at", NOW];
    run(TERMINAL, &[&first[..], arguments].concat())
}
