//! The scanners that are plugged in: a thread for each, and what they have read.
//!
//! A keyboard types faster than anybody looks at frames, and the kernel keeps no more than some ten keys
//! of it, so each scanner has a thread that waits for it. What they read is handed on one by one: a text is
//! dropped if another waits to be taken, and so is one that nobody took for a moment.

use std::{
    io::{self, Write},
    sync::mpsc::{self, Receiver, SyncSender, TrySendError},
    thread,
    time::{Duration, Instant},
};

use greengate::{
    clock,
    device::scanner::{Gone, Notice, port::PluggedScanner},
    symbol::SymbolText,
};

use crate::Failure;

/// For how long a text is for whoever showed its symbol.
const FRESH: Duration = Duration::from_secs(1);

/// How long a turn waits for a scanner.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a thread rests between two turns, of 512 bytes each: no stream costs more than a thousand a
/// second, and no keyboard types so fast that its keys would be lost.
const REST: Duration = Duration::from_millis(1);

/// How long a thread rests while its scanner is not there.
const LONG_REST: Duration = Duration::from_millis(200);

/// What scanners have to say.
pub(crate) struct Scanners {
    news: Receiver<News>,
    scanners: Vec<Known>,
}

/// What is known of a scanner.
struct Known {
    name: String,
    gone: Option<Gone>,
}

/// What one scanner has to say.
struct News {
    of: usize,
    notice: Notice,
    at: Instant,
}

impl Scanners {
    /// Listens to the scanners of these names from now on.
    pub(crate) fn start(names: &[String]) -> Result<Self, Failure> {
        let (sender, news) = mpsc::sync_channel(1);
        for (of, name) in names.iter().enumerate() {
            let scanner = PluggedScanner::at(name.clone(), PATIENCE);
            let sender = sender.clone();
            thread::Builder::new()
                .name("scanner".to_owned())
                .spawn(move || listen(scanner, of, &sender))
                .map_err(Failure::state)?;
        }
        let known = |name: &String| Known { name: name.clone(), gone: None };
        Ok(Self { news, scanners: names.iter().map(known).collect() })
    }

    /// A text that was read a moment ago, if there is one. It does not wait. What became of a scanner is
    /// said to engineers here.
    pub(crate) fn next(&mut self) -> Option<SymbolText> {
        while let Ok(News { of, notice, at }) = self.news.try_recv() {
            match notice {
                Notice::Scanned(text) if at.elapsed() < FRESH => return Some(text),
                Notice::Scanned(_) => {}
                Notice::Gone(gone) => self.note(of, Some(gone)),
                Notice::Ready => self.note(of, None),
            }
        }
        None
    }

    /// Drops what has been read.
    #[cfg(feature = "kiosk")]
    pub(crate) fn forget(&mut self) {
        while self.next().is_some() {}
    }

    /// The first scanner that cannot be used, and why.
    pub(crate) fn trouble(&self) -> Option<(&str, Gone)> {
        self.scanners.iter().find_map(|known| Some((known.name.as_str(), known.gone?)))
    }

    fn note(&mut self, of: usize, gone: Option<Gone>) {
        let Some(known) = self.scanners.get_mut(of) else { return };
        known.gone = gone;
        let name = &known.name;
        // If standard error is gone, the screen still tells.
        match gone {
            Some(gone) => writeln!(io::stderr(), "greengate: {name}: {gone} [{}]", gone.code()),
            None => writeln!(io::stderr(), "greengate: {name}: the scanner is ready"),
        }
        .ok();
    }
}

/// Listens to one scanner until nobody wants to know.
fn listen(mut scanner: PluggedScanner, of: usize, sender: &SyncSender<News>) {
    loop {
        let notice = scanner.turn(clock::now());
        let news = notice.map(|notice| News { of, notice, at: Instant::now() });
        let is_wanted = match news {
            Some(news @ News { notice: Notice::Scanned(_), .. }) => {
                !matches!(sender.try_send(news), Err(TrySendError::Disconnected(_)))
            }
            Some(news) => sender.send(news).is_ok(),
            None => true,
        };
        if !is_wanted {
            return;
        }
        thread::sleep(if scanner.is_open() { REST } else { LONG_REST });
    }
}
