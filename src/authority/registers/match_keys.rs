//! The match keys: by which a terminal tells from a code whose document it is that lies before it.
//!
//! A key counts for an epoch of a week, so that one that got out tells little, and is kept for as long
//! as a code of its epoch can live. The next is made a day before its time, so that the tokens of that
//! day take it to the terminals.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use rusqlite::params;
use zeroize::Zeroizing;

use super::{Entries, instant};
use crate::{
    authority::{AuthorityError, keys, lifetime},
    clock::Timestamp,
    credential::{Kind, MatchKey},
    locked::Locked,
    roster::{MAX_MATCH_KEYS, RosterError, TOKEN_LIFE},
};

/// How long codes are issued with one key.
const EPOCH: TimeDelta = TimeDelta::days(7);

impl Entries<'_> {
    /// The key for codes that are issued at `now`, made if there is none. Keys are files in `folder`.
    pub(crate) fn match_key(
        &self,
        folder: &Path,
        now: Timestamp,
    ) -> Result<MatchKey, AuthorityError> {
        let begun = self.first(
            "SELECT epoch, since FROM match_epoch WHERE since <= ?1
             ORDER BY since DESC, epoch DESC LIMIT 1",
            [now.timestamp()],
            |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), instant(row, 1)?)),
        )?;
        let counts = |(epoch, since): &(u64, Timestamp)| {
            now < *since + EPOCH && path(folder, *epoch).exists()
        };
        let (epoch, since) = match begun.filter(counts) {
            Some(begun) => begun,
            None => (self.begin_match_epoch(folder, now)?, now),
        };
        let next = since + EPOCH;
        let is_there = self.first(
            "SELECT 1 FROM match_epoch WHERE since > ?1 AND since <= ?2",
            params![now.timestamp(), next.timestamp()],
            |_| Ok(()),
        )?;
        if is_there.is_none() && next - now <= TOKEN_LIFE {
            self.begin_match_epoch(folder, next)?;
        }
        load(folder, epoch)
    }

    /// The keys of the codes that can be met from `now` until before `until`, the newest first, and
    /// no more than a token can have.
    pub(crate) fn match_keys(
        &self,
        folder: &Path,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<MatchKey>, AuthorityError> {
        let epochs = self.all(
            "SELECT epoch FROM match_epoch WHERE since > ?1 AND since < ?2
             ORDER BY since DESC, epoch DESC",
            params![(now - longest()).timestamp(), until.timestamp()],
            |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()),
        )?;
        let there = epochs.into_iter().filter(|epoch| path(folder, *epoch).exists());
        there.take(MAX_MATCH_KEYS).map(|epoch| load(folder, epoch)).collect()
    }

    /// Removes the keys of which no code is valid any more at `now`.
    pub(crate) fn erase_match_keys(
        &self,
        folder: &Path,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let epochs = self.all(
            "SELECT epoch FROM match_epoch WHERE since <= ?1",
            [(now - longest()).timestamp()],
            |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()),
        )?;
        for epoch in epochs {
            let path = path(folder, epoch);
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => {
                    removed.map_err(|source| AuthorityError::File { path, source })?;
                }
            }
        }
        Ok(())
    }

    fn begin_match_epoch(&self, folder: &Path, since: Timestamp) -> Result<u64, AuthorityError> {
        let last = self.first("SELECT coalesce(max(epoch), 0) FROM match_epoch", [], |row| {
            Ok(row.get::<_, i64>(0)?)
        })?;
        let epoch = last.unwrap_or_default().saturating_add(1);
        // One that a command made which was then cut short is as good as any.
        let path = path(folder, epoch.cast_unsigned());
        if !path.exists() {
            keys::make(|_| path)?;
        }
        self.write(
            "INSERT INTO match_epoch (epoch, since) VALUES (?1, ?2)",
            params![epoch, since.timestamp()],
        )?;
        Ok(epoch.cast_unsigned())
    }
}

/// How long after its beginning a code of an epoch can be met.
fn longest() -> TimeDelta {
    EPOCH + lifetime(Kind::Paper)
}

fn load(folder: &Path, epoch: u64) -> Result<MatchKey, AuthorityError> {
    let key = Zeroizing::new(keys::read(&path(folder, epoch))?.to_bytes());
    Ok(MatchKey::new(epoch, Locked::new(&key).map_err(RosterError::from)?))
}

fn path(folder: &Path, epoch: u64) -> PathBuf {
    folder.join(format!("match-{epoch}.key"))
}
