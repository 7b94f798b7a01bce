//! Today's key of the look-up extract: from the operator's token, or from the authority over TLS.
//!
//! A file is read at once. The authority is asked on a thread of its own, since the lane must not wait
//! for a network: at sign-in, again when the key is out of date or the extract has another, and now
//! and then after a failure. Whatever comes is in locked memory alone, and gone when the shift ends.

use std::{
    io::ErrorKind,
    path::PathBuf,
    sync::mpsc::{self, Receiver, TryRecvError},
    thread,
};

use chrono::TimeDelta;
use greengate::{
    clock::Timestamp,
    credential::MatchKeys,
    language::Words,
    roster::{EpochToken, Roster, RosterError},
    sync::{TokenError, Web, fetch_token},
};

use super::words::roster_words;

/// How long after the authority was asked in vain it is asked again by itself.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(60);

/// Where today's key comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum TokenSource {
    /// From nowhere: nobody is looked up.
    #[default]
    None,
    /// From a file, such as on the operator's stick.
    File(PathBuf),
    /// From the authority.
    Web(Web),
}

/// Today's key, for as long as somebody is on duty.
#[derive(Debug)]
pub(crate) struct TodaysKey {
    source: TokenSource,
    token: Option<EpochToken>,
    asking: Option<Receiver<Result<EpochToken, TokenError>>>,
    /// Whose key it is to be, and when it was asked for last; nothing if nobody is on duty.
    asked: Option<(String, Timestamp)>,
}

impl TodaysKey {
    /// No key yet.
    pub(crate) fn from(source: TokenSource) -> Self {
        Self { source, token: None, asking: None, asked: None }
    }

    /// Brings the key of `terminal`, as somebody comes on duty.
    pub(crate) fn ask(&mut self, terminal: &str, now: Timestamp) -> Result<(), Words> {
        self.asked = Some((terminal.to_owned(), now));
        match &self.source {
            TokenSource::None => {}
            TokenSource::File(path) => {
                let token = EpochToken::open(path).and_then(|it| it.counting(terminal, now));
                self.token = Some(token.map_err(|error| match error {
                    RosterError::Io(io) if io.kind() == ErrorKind::NotFound => no_key(),
                    error => roster_words(&error),
                })?);
            }
            TokenSource::Web(_) if self.asking.is_some() => {}
            TokenSource::Web(web) => {
                let (web, terminal) = (web.clone(), terminal.to_owned());
                let (told, asking) = mpsc::channel();
                let thread = thread::Builder::new().name("key".to_owned());
                let started = thread.spawn(move || {
                    // If nobody waits for it any more it is wiped at once.
                    told.send(fetch_token(&web, &terminal, now)).ok();
                });
                // Where no thread is left the other end hangs up, which is said.
                drop(started);
                self.asking = Some(asking);
            }
        }
        Ok(())
    }

    /// Takes what has come in the meantime; to be called often. Gives what is to be said of it.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Option<Words> {
        let came = match self.asking.as_ref().map(Receiver::try_recv) {
            Some(Ok(came)) => Some(came),
            Some(Err(TryRecvError::Disconnected)) => {
                let what = "no thread is left".to_owned();
                Some(Err(TokenError::Unreachable { what }))
            }
            Some(Err(TryRecvError::Empty)) => return None,
            None => None,
        };
        match came {
            Some(Ok(token)) => {
                (self.asking, self.token) = (None, Some(token));
                Some(Words::new("已取得今日密钥：可以查询", "The key of today has come"))
            }
            Some(Err(error)) => {
                self.asking = None;
                Some(error.words())
            }
            None => {
                self.ask_again(now);
                None
            }
        }
    }

    /// The key of this extract, if it is here; if it may come, it is asked for.
    pub(crate) fn of(&mut self, roster: &Roster, now: Timestamp) -> Result<&EpochToken, Words> {
        let counts = self.token.as_ref().filter(|token| token.match_keys(now).is_some());
        let (extract, key) = (roster.epoch(), counts.map(EpochToken::epoch));
        let is_new = self.asked.as_ref().is_some_and(|(_, at)| now - *at < ASK_AGAIN);
        if let (TokenSource::Web(_), Some(key), true) = (&self.source, key, is_new)
            && key != extract
        {
            // The authority has not made another yet.
            return Err(roster_words(&RosterError::OtherEpoch { extract, key }));
        }
        if key != Some(extract) {
            self.token = None;
            if let Some((terminal, _)) = self.asked.clone() {
                self.ask(&terminal, now)?;
            }
        }
        let is_coming = self.asking.is_some();
        self.token.as_ref().ok_or_else(|| match (&self.source, is_coming) {
            (TokenSource::Web(_), true) => Words::new(
                "正在取得今日密钥：请稍后再查询",
                "The key of today is on its way: look up again in a moment",
            ),
            _ => no_key(),
        })
    }

    /// The keys by which documents are compared with codes; none without a key that counts.
    pub(crate) fn match_keys(&self, now: Timestamp) -> &MatchKeys {
        static NONE: MatchKeys = MatchKeys::NONE;
        self.token.as_ref().and_then(|token| token.match_keys(now)).unwrap_or(&NONE)
    }

    /// Forgets the key, as nobody is on duty any more.
    pub(crate) fn forget(&mut self) {
        (self.token, self.asking, self.asked) = (None, None, None);
    }

    /// Whether there is a key.
    #[cfg(test)]
    pub(crate) fn is_here(&self) -> bool {
        self.token.is_some()
    }

    /// Asks the authority again, if there is no key that counts and it was asked long enough ago.
    fn ask_again(&mut self, now: Timestamp) {
        let counts = self.token.as_ref().is_some_and(|token| token.match_keys(now).is_some());
        let is_due = |(terminal, at): &(String, Timestamp)| {
            let is_due = !counts && now - *at >= ASK_AGAIN;
            is_due.then(|| terminal.clone())
        };
        if let (TokenSource::Web(_), Some(terminal)) =
            (&self.source, self.asked.as_ref().and_then(is_due))
        {
            self.token = None;
            // To ask the authority fails later, if it does.
            self.ask(&terminal, now).ok();
        }
    }
}

fn no_key() -> Words {
    Words::new(
        "没有今日密钥：请插入操作员 U 盘后重新登录",
        "No key of today: bring the operator's token, and sign in again",
    )
}
