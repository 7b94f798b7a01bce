//! The log: one chained row for each event, counts of what is no longer kept, signed checkpoints.

use std::num::TryFromIntError;

use chrono::{TimeDelta, Timelike};
use rusqlite::{Connection, Row, Transaction, params};

use super::{Store, StoreError, Sync, shift, write};
use crate::{
    audit::{AuditRecord, ChainError, Checkpoint, Entry, Event, Link, StaffNumber, follow},
    clock::{ClockState, Timestamp, in_shanghai},
    credential::{CodeDigest, Kind},
    decision::{History, Reason, Shown, Verdict},
    issuer::IssuerId,
};

/// How long a row is kept. Source: REQUIREMENTS, section 6.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// After how many rows the next one is followed by a checkpoint.
pub const CHECKPOINT_EVERY: u64 = 1_000;

/// What is known of the log's integrity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogState {
    /// The last row that was removed, 0 if none has been.
    pub begin: u64,
    /// The last row there is.
    pub end: u64,
    /// Its link.
    pub link: Link,
    /// How many checkpoints were found to be of this chain.
    pub checkpoints: usize,
}

impl Store {
    /// Keeps `record`. When this returns, it is on the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`], and then the decision must not be shown as a pass.
    pub fn record(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        let AuditRecord { at, verdict, reason, kind, issuer, policy_version, digest, clock, staff } =
            record;
        if *clock == ClockState::Good {
            self.raise_floor(*at);
        }
        self.keep(Entry {
            verdict: Some(verdict.code().to_owned()),
            reason: reason.map(Reason::code).map(str::to_owned),
            kind: kind.map(Kind::code).map(str::to_owned),
            issuer: issuer.map(IssuerId::number),
            policy_version: *policy_version,
            digest: digest.map(|digest| format!("{digest:?}")),
            clock: clock.code().to_owned(),
            staff: staff.as_ref().map(StaffNumber::to_string),
            ..entry(Event::SCAN, *at)
        })
    }

    /// Keeps `event`, which was at `now`. When this returns, it is on the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written.
    pub fn note(&mut self, event: &Event, now: Timestamp) -> Result<(), StoreError> {
        self.keep(entry_of(event, now))
    }

    fn keep(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.keep_with(entry, |_| Ok(()))
    }

    /// Keeps an entry and what `also` writes, both or neither.
    pub(super) fn keep_with(
        &mut self,
        entry: Entry,
        also: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let at = entry.at;
        let transaction = write(&mut self.connection)?;
        let id = append(&transaction, entry)?;
        also(&transaction)?;
        transaction.commit()?;
        self.mark(Sync::Later)?;
        if id.is_multiple_of(CHECKPOINT_EVERY)
            && let Some(at) = Timestamp::from_timestamp(at, 0)
        {
            self.checkpoint(at)?;
        }
        Ok(())
    }

    /// Writes to the disk and changes nothing, to see whether [`record`](Self::record) would.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written.
    pub fn try_writing(&mut self) -> Result<(), StoreError> {
        self.connection.execute("UPDATE terminal SET id = id", [])?;
        Ok(())
    }

    /// How often each verdict was given on the civil day of `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn totals(&self, now: Timestamp) -> Result<Totals, StoreError> {
        let since_midnight = in_shanghai(now).num_seconds_from_midnight();
        let midnight = now - TimeDelta::seconds(since_midnight.into());
        let mut query = self.connection.prepare_cached(
            "SELECT verdict, count(*) FROM audit WHERE at >= ?1 AND at < ?1 + 86400 AND verdict IS NOT NULL GROUP BY 1",
        )?;
        let mut rows = query.query(params![midnight.timestamp()])?;
        let mut totals = Totals::default();
        while let Some(row) = rows.next()? {
            let (verdict, count): (String, u32) = (row.get(0)?, row.get(1)?);
            *totals.of_code(&verdict).ok_or(StoreError::Content { what: "verdict" })? = count;
        }
        Ok(totals)
    }

    /// The codes that were let pass since `since`, at whatever gate.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be read, [`StoreError::Content`] if they make no sense.
    pub fn history(&self, since: Timestamp) -> Result<History, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT digest, at, gate FROM audit
             WHERE at >= ?1 AND verdict IN ('pass', 'check_id') AND digest IS NOT NULL",
        )?;
        let mut rows = query.query(params![since.timestamp()])?;
        let mut history = History::new(self.digest_key.clone());
        while let Some(row) = rows.next()? {
            let (digest, at, gate) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let at = Timestamp::from_timestamp(at, 0);
            let at = at.ok_or(StoreError::Content { what: "instant" })?;
            history.remember(CodeDigest::new(digest), Shown { at, gate });
        }
        Ok(history)
    }

    /// Hands each row and its link to `each`, from the first that is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be read, and the errors of `each`.
    pub fn each_entry<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Entry, Link) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut query = self
            .connection
            .prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY id"))
            .map_err(StoreError::from)?;
        let mut rows = query.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let (entry, link) = read(row)?;
            each(entry, link)?;
        }
        Ok(())
    }

    /// The link behind which the chain begins.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn link_before(&self) -> Result<Link, StoreError> {
        Ok(begin(&self.connection)?.1)
    }

    /// Follows the whole chain, and opens each checkpoint that is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Chain`] names the first row that is not what it was, or a checkpoint that is
    /// not of this chain.
    pub fn verify_log(&self) -> Result<LogState, StoreError> {
        let (begin, link) = begin(&self.connection)?;
        let mut checkpoints = self.checkpoints()?.into_iter().peekable();
        let (mut at, mut opened) = ((begin, link), 0);
        self.each_entry(|entry, link| {
            at = follow(at, [(entry, link)])?;
            while let Some(checkpoint) = checkpoints.next_if(|checkpoint| checkpoint.size <= at.0) {
                // Those of rows that were removed cannot be held against anything.
                if checkpoint.size == at.0 {
                    if checkpoint.link != at.1 {
                        return Err(StoreError::Chain(ChainError::Broken { id: at.0 }));
                    }
                    opened += 1;
                }
            }
            Ok(())
        })?;
        if let Some(checkpoint) = checkpoints.next() {
            return Err(StoreError::Chain(ChainError::Missing { id: checkpoint.size }));
        }
        let (end, link) = at;
        Ok(LogState { begin, end, link, checkpoints: opened })
    }

    /// The checkpoints that are kept, each opened with the terminal's key.
    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let mut query = self.connection.prepare("SELECT note FROM checkpoint ORDER BY size")?;
        let notes = query.query_map([], |row| row.get::<_, String>(0))?;
        notes
            .map(|note| {
                let opened = Checkpoint::open(&note?, &self.device_key.verifying_key());
                opened.map_err(|_| StoreError::Content { what: "checkpoint" })
            })
            .collect()
    }

    /// Signs how long the chain is now, keeps that, and gives the note.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written.
    pub fn checkpoint(&mut self, now: Timestamp) -> Result<String, StoreError> {
        let (size, link) = head(&self.connection)?;
        let note = Checkpoint { origin: self.origin(), size, link }.sign(&self.device_key);
        self.connection.execute(
            "INSERT OR REPLACE INTO checkpoint (size, at, note) VALUES (?1, ?2, ?3)",
            params![size.cast_signed(), now.timestamp(), note],
        )?;
        self.mark(Sync::Now)?;
        Ok(note)
    }

    /// Counts and removes the rows that have been kept for long enough, and says how many.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`], and nothing has changed.
    pub fn prune(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let before = (now - KEPT).timestamp();
        let transaction = write(&mut self.connection)?;
        let (begin, _) = begin(&transaction)?;
        // The chain loses its beginning alone, whatever a wild clock has dated rows to.
        let last: Option<i64> = transaction.query_row(
            "SELECT max(id) FROM audit
             WHERE id < coalesce((SELECT min(id) FROM audit WHERE at >= ?1), 9e18)
             AND id < (SELECT max(id) FROM audit)",
            [before],
            |row| row.get(0),
        )?;
        shift::forget_before(&transaction, now - shift::DESK_KEPT)?;
        let Some(last) = last else {
            transaction.commit()?;
            return Ok(0);
        };
        let link: [u8; 32] =
            transaction
                .query_row("SELECT link FROM audit WHERE id = ?1", [last], |row| row.get(0))?;
        transaction.execute(
            "INSERT INTO hourly (hour, verdict, reason, count)
             SELECT at / 3600, verdict, coalesce(reason, ''), count(*) FROM audit
             WHERE id <= ?1 AND verdict IS NOT NULL GROUP BY 1, 2, 3
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [last],
        )?;
        shift::keep_longer(&transaction, last)?;
        transaction.execute("DELETE FROM audit WHERE id <= ?1", [last])?;
        transaction.execute("DELETE FROM checkpoint WHERE size <= ?1", [last])?;
        transaction.execute("UPDATE audit_begin SET last = ?1, link = ?2", params![last, link])?;
        let through = last.cast_unsigned();
        append(&transaction, entry_of(&Event::Pruned { through, link: Link::new(link) }, now))?;
        transaction.commit()?;
        self.checkpoint(now)?;
        Ok(through - begin)
    }

    /// How many decisions that are no longer kept there were, by hour since 1970, verdict, and
    /// reason, which is empty for a pass.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be read.
    pub fn hourly_counts(&self) -> Result<Vec<(i64, String, String, u64)>, StoreError> {
        let mut query = self.connection.prepare(
            "SELECT hour, verdict, reason, count FROM hourly ORDER BY hour, verdict, reason",
        )?;
        let counts = query.query_map([], |row| {
            let count: i64 = row.get(3)?;
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, count.cast_unsigned()))
        })?;
        Ok(counts.collect::<Result<_, _>>()?)
    }
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Passes.
    pub pass: u32,
    /// Passes with a look at the document.
    pub check_id: u32,
    /// Sent to the desk.
    pub refer: u32,
    /// Not let pass.
    pub deny: u32,
    /// Asked to show it again.
    pub retry: u32,
}

impl Totals {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        if let Some(count) = self.of_code(verdict.code()) {
            *count = count.saturating_add(1);
        }
    }

    fn of_code(&mut self, code: &str) -> Option<&mut u32> {
        match code {
            "pass" => Some(&mut self.pass),
            "check_id" => Some(&mut self.check_id),
            "refer" => Some(&mut self.refer),
            "deny" => Some(&mut self.deny),
            "retry" => Some(&mut self.retry),
            _ => None,
        }
    }
}

pub(super) const COLUMNS: &str =
    "id, at, event, gate, verdict, reason, kind, issuer, policy_version, staff,
    digest, clock, detail, link";

/// An entry of `event` with nothing else in it, and no number yet.
fn entry(event: &str, at: Timestamp) -> Entry {
    Entry {
        id: 0,
        at: at.timestamp(),
        event: event.to_owned(),
        gate: None,
        verdict: None,
        reason: None,
        kind: None,
        issuer: None,
        policy_version: None,
        staff: None,
        digest: None,
        clock: ClockState::Good.code().to_owned(),
        detail: None,
    }
}

/// The entry of an event that is no decision.
pub(super) fn entry_of(event: &Event, now: Timestamp) -> Entry {
    let clock = match event {
        Event::Clock(state) => *state,
        _ => ClockState::Good,
    };
    let clock = clock.code().to_owned();
    let plain = Entry { detail: event.detail(), clock, ..entry(event.code(), now) };
    match event {
        Event::Desk { by, act } => Entry {
            staff: by.as_ref().map(StaffNumber::to_string),
            reason: act.reason().map(Reason::code).map(str::to_owned),
            digest: act.digest().map(|digest| format!("{digest:?}")),
            ..plain
        },
        _ => plain,
    }
}

/// Puts an entry at the end of the chain, with the next number and the gate, and gives the number.
pub(super) fn append(transaction: &Transaction<'_>, mut entry: Entry) -> Result<u64, StoreError> {
    let (last, link) = head(transaction)?;
    entry.id = last + 1;
    entry.gate =
        transaction.prepare_cached("SELECT gate FROM terminal")?.query_row([], |row| row.get(0))?;
    let link = link.next(&entry);
    let digest = entry.digest.as_deref().and_then(|digest| digest.parse::<Link>().ok());
    transaction
        .prepare_cached(&format!(
            "INSERT INTO audit ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        ))?
        .execute(params![
            entry.id.cast_signed(),
            entry.at,
            entry.event,
            entry.gate,
            entry.verdict,
            entry.reason,
            entry.kind,
            entry.issuer,
            entry.policy_version.map(u64::cast_signed),
            entry.staff,
            digest.as_ref().map(Link::as_bytes),
            entry.clock,
            entry.detail,
            link.as_bytes(),
        ])?;
    Ok(entry.id)
}

/// The last number of the chain, and its link.
pub(super) fn head(connection: &Connection) -> Result<(u64, Link), StoreError> {
    let mut query =
        connection.prepare_cached("SELECT id, link FROM audit ORDER BY id DESC LIMIT 1")?;
    let mut rows = query.query([])?;
    match rows.next()? {
        Some(row) => Ok((row.get::<_, i64>(0)?.cast_unsigned(), Link::new(row.get(1)?))),
        None => begin(connection),
    }
}

/// The number behind which the chain begins, and its link.
fn begin(connection: &Connection) -> Result<(u64, Link), StoreError> {
    let mut query = connection.prepare_cached("SELECT last, link FROM audit_begin")?;
    let begin = query
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), Link::new(row.get(1)?))))?;
    Ok(begin)
}

/// The link of entry `id`, if that is still kept.
pub(super) fn link_of(connection: &Connection, id: u64) -> Result<Option<Link>, StoreError> {
    let (first, link) = begin(connection)?;
    if id == first {
        return Ok(Some(link));
    }
    let mut query = connection.prepare_cached("SELECT link FROM audit WHERE id = ?1")?;
    let mut rows = query.query([id.cast_signed()])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?.map(Link::new))
}

pub(super) fn read(row: &Row<'_>) -> Result<(Entry, Link), StoreError> {
    let digest: Option<[u8; 32]> = row.get(10)?;
    let number = |column| -> Result<Option<i64>, rusqlite::Error> { row.get(column) };
    let issuer = number(7)?.map(u16::try_from).transpose();
    let entry = Entry {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        at: row.get(1)?,
        event: row.get(2)?,
        gate: row.get(3)?,
        verdict: row.get(4)?,
        reason: row.get(5)?,
        kind: row.get(6)?,
        issuer: issuer.map_err(|_: TryFromIntError| StoreError::Content { what: "issuer" })?,
        policy_version: number(8)?.map(i64::cast_unsigned),
        staff: row.get(9)?,
        digest: digest.map(|digest| Link::new(digest).to_string()),
        clock: row.get(11)?,
        detail: row.get(12)?,
    };
    Ok((entry, Link::new(row.get(13)?)))
}
