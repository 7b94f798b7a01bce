//! How far a sync has come, for people and for the program that started it.
//!
//! As a line of text it is `progress DONE TOTAL FILE`, with bytes in decimal digits; so a process
//! that fetches tells the one that waits for it.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError, mpsc::Sender},
};

use thiserror::Error;

/// How far a sync has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress {
    /// The file that is being fetched.
    pub file: String,
    /// Bytes of all files that are here.
    pub done: u64,
    /// Bytes of all files that are to be here. It rises if more turns out to be needed.
    pub total: u64,
}

impl Progress {
    /// How much of it is done, from 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let share = u128::from(self.done) * 100 / u128::from(self.total.max(1));
        u8::try_from(share.min(100)).unwrap_or(100)
    }
}

/// One line, without its end.
impl fmt::Display for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "progress {} {} {}", self.done, self.total, self.file)
    }
}

impl FromStr for Progress {
    type Err = NoProgress;

    /// Reads a line, in the one form in which it is written.
    fn from_str(line: &str) -> Result<Self, NoProgress> {
        let parsed = || {
            let mut words = line.splitn(4, ' ');
            let (word, done, total) = (words.next()?, words.next()?, words.next()?);
            let (done, total, file) = (done.parse().ok()?, total.parse().ok()?, words.next()?);
            (word == "progress").then(|| Self { file: file.to_owned(), done, total })
        };
        parsed().filter(|progress| progress.to_string() == line).ok_or(NoProgress)
    }
}

/// It does not say how far a sync has come.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a line of progress")]
pub struct NoProgress;

/// Counts what is fetched, and tells of each hundredth.
#[derive(Debug)]
pub(super) struct Meter {
    tell: Option<Sender<Progress>>,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    file: String,
    /// Bytes of the files before this one.
    before: u64,
    total: u64,
    told: Option<(String, u8)>,
}

impl Meter {
    /// One that tells somebody, or nobody.
    pub(super) fn new(tell: Option<Sender<Progress>>) -> Self {
        Self { tell, count: Mutex::default() }
    }

    /// So many more bytes are to be fetched.
    pub(super) fn expect(&self, bytes: u64) {
        self.count().total += bytes;
    }

    /// This file is the next.
    pub(super) fn begin(&self, file: &str) {
        file.clone_into(&mut self.count().file);
    }

    /// So many bytes of the file are here.
    pub(super) fn at(&self, bytes: u64) {
        let Some(tell) = &self.tell else { return };
        let mut count = self.count();
        if count.file.is_empty() {
            return;
        }
        let (file, total) = (count.file.clone(), count.total);
        let progress = Progress { file, done: (count.before + bytes).min(total), total };
        let told = Some((progress.file.clone(), progress.percent()));
        if count.told != told {
            count.told = told;
            // Whoever does not listen any more need not be told.
            tell.send(progress).ok();
        }
    }

    /// Nothing more comes of the file, of which so many bytes were expected.
    pub(super) fn end(&self, bytes: u64) {
        self.at(bytes);
        let mut count = self.count();
        count.before += bytes;
        count.file.clear();
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_line_is_read_as_it_was_written(
            file in "[a-z0-9 .-]{0,40}", done in any::<u64>(), total in any::<u64>(),
        ) {
            let progress = Progress { file, done, total };
            prop_assert_eq!(progress.to_string().parse(), Ok(progress.clone()));
            assert!(progress.percent() <= 100);
        }

        #[test]
        fn no_line_is_too_strange(line in "\\PC{0,60}") {
            if let Ok(progress) = line.parse::<Progress>() {
                prop_assert_eq!(progress.to_string(), line);
            }
        }
    }

    #[test]
    fn a_line_has_one_form() {
        let good = "progress 43 100 revocations-11-202111.bin";
        let file = "revocations-11-202111.bin".to_owned();
        let progress = Progress { file, done: 43, total: 100 };
        assert_eq!((good.parse(), progress.percent()), (Ok(progress.clone()), 43));
        for bad in ["", "progress", "progress 1 2", "progress 01 2 a", "progress +1 2 a", "updated"]
        {
            assert_eq!(bad.parse::<Progress>(), Err(NoProgress), "{bad}");
        }
        for (done, total, percent) in [(0, 0, 0), (0, 1, 0), (1, 1, 100), (u64::MAX, 1, 100)] {
            let progress = Progress { done, total, ..progress.clone() };
            assert_eq!(progress.percent(), percent, "{done} of {total}");
        }
    }

    #[test]
    fn each_hundredth_is_told_once() {
        let (tell, told) = mpsc::channel();
        let meter = Meter::new(Some(tell));
        meter.at(7);
        meter.expect(1_000);
        for (file, length) in [("a", 400), ("b", 600)] {
            meter.begin(file);
            for bytes in 0..=length {
                meter.at(bytes);
            }
            meter.end(length);
        }
        drop(meter);
        let told: Vec<_> = told.iter().collect();
        let percents: Vec<_> = told.iter().map(Progress::percent).collect();
        assert_eq!(percents, (0..=40).chain(40..=100).collect::<Vec<_>>());
        assert!(told.iter().all(|progress| progress.total == 1_000));
    }
}
