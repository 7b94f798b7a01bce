//! An X server without a screen: what is on it, and who types and points there.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::{TempDir, tempdir};

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_mins(1);

/// A display, which ends with the test.
pub(super) struct Display {
    server: Child,
    name: String,
    /// Where the server keeps its picture.
    folder: TempDir,
}

impl Display {
    /// A display of `size`, if there is an X server for it.
    pub(super) fn open(size: &str) -> Option<Self> {
        let folder = tempdir().unwrap();
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{size}x24"), "-nolisten", "tcp"])
            .arg("-fbdir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        Some(Self { server, name: format!(":{}", number.trim()), folder })
    }

    /// What programs call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is on it now.
    pub(super) fn picture(&self) -> Picture {
        Picture(fs::read(self.folder.path().join("Xvfb_screen0")).unwrap())
    }

    /// What is on it once it is not what it was, and stays so for a moment.
    pub(super) fn changed(&self, before: &Picture) -> Picture {
        let started = Instant::now();
        let mut last = self.picture();
        let mut since = Instant::now();
        loop {
            let now = self.picture();
            if now != last {
                (last, since) = (now, Instant::now());
            } else if last != *before && since.elapsed() >= Duration::from_millis(300) {
                return last;
            }
            assert!(started.elapsed() < PATIENCE, "nothing changes");
        }
    }

    /// Has `xdotool` do something; `false` if it is not there.
    pub(super) fn act(&self, arguments: &[&str]) -> bool {
        let done = Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).output();
        done.is_ok_and(|done| {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            true
        })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// What was on a display, as `xwd` has it: a head of numbers, a table of colours, and rows of pixels.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Picture(Vec<u8>);

impl Picture {
    fn number(&self, index: usize) -> usize {
        let bytes = &self.0[4 * index..4 * index + 4];
        usize::try_from(u32::from_be_bytes(bytes.try_into().unwrap())).unwrap()
    }

    /// The middle of the widest thing painted in a colour: red, green, and blue.
    pub(super) fn middle_of(&self, [red, green, blue]: [u8; 3]) -> (usize, usize) {
        let (width, height, row) = (self.number(4), self.number(5), self.number(12));
        let pixels = &self.0[self.number(0) + 12 * self.number(19)..];
        let painted = |y: usize| {
            let is_painted = move |x: &usize| {
                let at = y * row + 4 * x;
                pixels[at..at + 3] == [blue, green, red]
            };
            (0..width).filter(is_painted).collect::<Vec<_>>()
        };
        let rows: Vec<_> = (0..height).map(painted).collect();
        let widest = rows.iter().map(Vec::len).max().unwrap_or_default();
        let rows: Vec<_> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.is_empty() && row.len() == widest)
            .collect();
        let (top, row) = rows.first().unwrap();
        let (bottom, _) = rows.last().unwrap();
        (row[0].midpoint(row[row.len() - 1]), top.midpoint(*bottom))
    }
}
