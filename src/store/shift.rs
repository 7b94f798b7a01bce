//! Operators, what they did, and whom they registered.

use chrono::TimeDelta;
use rusqlite::{Connection, Row, Transaction, params};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Store, StoreError, Sync, log, write};
use crate::{
    audit::{DeskAct, Entry, Event, Link, OperatorChange, StaffNumber},
    clock::{Timestamp, in_shanghai, shanghai_date},
    registration::SEALED_BYTES,
    shift::{Backoff, Known, Operator, Pin, PinHash, Role, ShiftReport, SignedReport, Span, Tried},
};

/// How long look-ups and overrides are kept. Source: REQUIREMENTS, section 6.
pub const DESK_KEPT: TimeDelta = TimeDelta::days(30);

impl Store {
    /// Every operator, by staff number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be read, [`StoreError::Content`] if they make no sense.
    pub fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT staff, name, role, pin, failed, blocked_until FROM operator ORDER BY staff",
        )?;
        let mut rows = query.query([])?;
        let mut operators = Vec::new();
        while let Some(row) = rows.next()? {
            operators.push(operator(row)?);
        }
        Ok(operators)
    }

    /// The operator of this number, if there is one.
    ///
    /// # Errors
    ///
    /// As [`operators`](Self::operators).
    pub fn operator(&self, number: &StaffNumber) -> Result<Option<Operator>, StoreError> {
        find(&self.connection, number)
    }

    /// Tries an operator's PIN, and keeps what came of it before it says so: a mistake, with the
    /// wait that it costs, or that there is none to wait for any more.
    ///
    /// A number that nobody has is recorded nowhere: somebody may have typed a PIN in its place.
    ///
    /// # Errors
    ///
    /// [`SignInError`].
    pub fn sign_in(
        &mut self,
        number: &StaffNumber,
        pin: &Pin,
        now: Timestamp,
    ) -> Result<Known, SignInError> {
        let operator = self.operator(number)?.ok_or(SignInError::Wrong { until: None })?;
        let had_failed = operator.backoff != Backoff::default();
        match operator.try_pin(pin, now) {
            Tried::Blocked { until } => Err(SignInError::Blocked { until }),
            Tried::Right(known) => {
                if had_failed {
                    set_backoff(&self.connection, number, Backoff::default())?;
                }
                Ok(known)
            }
            Tried::Wrong(backoff) => {
                let act = DeskAct::WrongPin { failed: backoff.failed };
                let event = Event::Desk { by: Some(number.clone()), act };
                self.keep_with(log::entry_of(&event, now), |transaction| {
                    set_backoff(transaction, number, backoff)
                })?;
                Err(SignInError::Wrong { until: backoff.until })
            }
        }
    }

    /// Puts down a new operator. `by` is the maintainer who does so; nobody, where there is no
    /// maintainer yet, and then the first operator is one.
    ///
    /// # Errors
    ///
    /// [`OperatorError`].
    pub fn add_operator(
        &mut self,
        operator: &Operator,
        by: Option<&Known>,
        now: Timestamp,
    ) -> Result<(), OperatorError> {
        if self.operator(&operator.number)?.is_some() {
            return Err(OperatorError::Exists);
        }
        if by.is_none() && operator.role != Role::Maintainer {
            return Err(OperatorError::MaintainerFirst);
        }
        self.change(OperatorChange::Added, &operator.number, by, now, |transaction| {
            let Operator { number, name, role, pin, backoff: Backoff { failed, until } } = operator;
            transaction.execute(
                "INSERT INTO operator (staff, name, role, pin, failed, blocked_until)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    number.as_str(),
                    name,
                    role.code(),
                    pin.as_str(),
                    failed,
                    until.map(|until| until.timestamp())
                ],
            )?;
            Ok(())
        })
    }

    /// Removes an operator, but for the last maintainer.
    ///
    /// # Errors
    ///
    /// [`OperatorError`].
    pub fn remove_operator(
        &mut self,
        number: &StaffNumber,
        by: &Known,
        now: Timestamp,
    ) -> Result<(), OperatorError> {
        let operators = self.operators()?;
        let is_maintainer = |one: &&Operator| one.role == Role::Maintainer;
        let last = operators.iter().filter(is_maintainer).count() == 1;
        match operators.iter().find(|one| one.number == *number) {
            None => Err(OperatorError::Unknown),
            Some(one) if last && one.role == Role::Maintainer => Err(OperatorError::LastMaintainer),
            Some(_) => self.change(OperatorChange::Removed, number, Some(by), now, |transaction| {
                transaction.execute("DELETE FROM operator WHERE staff = ?1", [number.as_str()])?;
                Ok(())
            }),
        }
    }

    /// Gives an operator another PIN, which may be tried at once.
    ///
    /// # Errors
    ///
    /// [`OperatorError`].
    pub fn reset_operator(
        &mut self,
        number: &StaffNumber,
        pin: &PinHash,
        by: &Known,
        now: Timestamp,
    ) -> Result<(), OperatorError> {
        if self.operator(number)?.is_none() {
            return Err(OperatorError::Unknown);
        }
        self.change(OperatorChange::Reset, number, Some(by), now, |transaction| {
            transaction.execute(
                "UPDATE operator SET pin = ?2, failed = 0, blocked_until = NULL WHERE staff = ?1",
                params![number.as_str(), pin.as_str()],
            )?;
            Ok(())
        })
    }

    /// Changes the list of operators and records it, both or neither.
    fn change(
        &mut self,
        change: OperatorChange,
        operator: &StaffNumber,
        by: Option<&Known>,
        now: Timestamp,
        write: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), OperatorError> {
        let is_first = !self.operators()?.iter().any(|one| one.role == Role::Maintainer);
        let may = match by {
            Some(known) => known.operator().role == Role::Maintainer,
            None => is_first,
        };
        if !may {
            return Err(OperatorError::NotMaintainer);
        }
        let act = DeskAct::OperatorChanged { change, operator: operator.clone() };
        let event = Event::Desk { by: by.map(|by| by.operator().number.clone()), act };
        Ok(self.keep_with(log::entry_of(&event, now), write)?)
    }

    /// How many people an operator has looked up on the civil day of `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be counted.
    pub fn look_ups_today(&self, number: &StaffNumber, now: Timestamp) -> Result<u32, StoreError> {
        let midnight = shanghai_date(now).and_time(chrono::NaiveTime::MIN);
        let offset = in_shanghai(now).offset().local_minus_utc();
        let midnight = midnight.and_utc().timestamp() - i64::from(offset);
        let mut query = self.connection.prepare_cached(
            "SELECT count(*) FROM audit
             WHERE event = ?1 AND staff = ?2 AND at >= ?3 AND at < ?3 + 86400",
        )?;
        Ok(query
            .query_row(params![DeskAct::LOOK_UP, number.as_str(), midnight], |row| row.get(0))?)
    }

    /// When an operator, or whoever did last, came on duty, if that is still kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn last_sign_in(
        &self,
        number: Option<&StaffNumber>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT max(at) FROM audit WHERE event = ?1 AND (?2 IS NULL OR staff = ?2)",
        )?;
        let number = number.map(StaffNumber::as_str);
        let at: Option<i64> =
            query.query_row(params![DeskAct::SIGNED_IN, number], |row| row.get(0))?;
        Ok(at.and_then(|at| Timestamp::from_timestamp(at, 0)))
    }

    /// What a span added up to. Decisions are counted while their rows are kept, look-ups and
    /// overrides for [`DESK_KEPT`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read, [`StoreError::Content`] if it makes no sense.
    pub fn shift_report(&self, span: Span) -> Result<ShiftReport, StoreError> {
        let (from, to) = (span.from.timestamp(), span.to.timestamp());
        let mut entries = kept_longer(&self.connection, from, to)?;
        let columns = log::COLUMNS;
        let mut query = self.connection.prepare(&format!(
            "SELECT {columns} FROM audit WHERE at >= ?1 AND at < ?2 ORDER BY id"
        ))?;
        let mut rows = query.query([from, to])?;
        while let Some(row) = rows.next()? {
            entries.push(log::read(row)?.0);
        }
        let gate = self.gate()?.map(|gate| gate.gate);
        Ok(ShiftReport::begin(self.origin(), self.terminal()?, gate, span).counting(entries))
    }

    /// Signs a report with the terminal's key, and records that under who made it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if that cannot be recorded.
    pub fn close_shift(
        &mut self,
        report: ShiftReport,
        by: Option<&StaffNumber>,
        now: Timestamp,
    ) -> Result<SignedReport, StoreError> {
        let signed = report.sign(&self.device_key);
        let act = DeskAct::ShiftClosed { report: signed.digest() };
        self.note(&Event::Desk { by: by.cloned(), act }, now)?;
        Ok(signed)
    }

    /// Keeps a sealed registration, and that `by` made it, both or neither.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written, [`StoreError::Content`] if it is none.
    pub fn keep_registration(
        &mut self,
        sealed: &[u8],
        by: &StaffNumber,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if sealed.len() != SEALED_BYTES {
            return Err(StoreError::Content { what: "registration" });
        }
        let act = DeskAct::Registered { sealed: Link::new(Sha256::digest(sealed).into()) };
        let event = Event::Desk { by: Some(by.clone()), act };
        self.keep_with(log::entry_of(&event, now), |transaction| {
            transaction.execute("INSERT INTO registration (sealed) VALUES (?1)", [sealed])?;
            Ok(())
        })
    }

    /// The sealed registrations that have not been sent, each with a number that none had before.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be read.
    pub fn registrations(&self) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT id, sealed FROM registration ORDER BY id")?;
        let rows =
            query.query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Erases registrations that were sent, up to number `through`: nothing is left of them but that
    /// there were some.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`], and none is erased.
    pub fn erase_registrations(&mut self, through: u64) -> Result<(), StoreError> {
        // What is deleted is overwritten, beside that all of the file is encrypted.
        self.connection.pragma_update(None, "secure_delete", true)?;
        let transaction = write(&mut self.connection)?;
        transaction.execute("DELETE FROM registration WHERE id <= ?1", [through.cast_signed()])?;
        transaction.commit()?;
        self.mark(Sync::Now)
    }
}

/// Puts the look-ups and overrides among the rows up to `last`, which are about to be removed, where
/// they are kept longer.
pub(super) fn keep_longer(transaction: &Transaction<'_>, last: i64) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO desk (id, at, event, gate, reason, staff, digest, clock, detail)
         SELECT id, at, event, gate, reason, staff, digest, clock, detail FROM audit
         WHERE id <= ?1 AND event IN (?2, ?3)",
        params![last, DeskAct::LOOK_UP, DeskAct::OVERRIDE],
    )?;
    Ok(())
}

/// Removes there what is older.
pub(super) fn forget_before(
    transaction: &Transaction<'_>,
    instant: Timestamp,
) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM desk WHERE at < ?1", [instant.timestamp()])?;
    Ok(())
}

/// Those of a span.
fn kept_longer(connection: &Connection, from: i64, to: i64) -> Result<Vec<Entry>, StoreError> {
    let mut query = connection.prepare(
        "SELECT id, at, event, gate, reason, staff, digest, clock, detail FROM desk
         WHERE at >= ?1 AND at < ?2 ORDER BY id",
    )?;
    let rows = query.query_map([from, to], |row| {
        let digest: Option<[u8; 32]> = row.get(6)?;
        Ok(Entry {
            id: row.get::<_, i64>(0)?.cast_unsigned(),
            at: row.get(1)?,
            event: row.get(2)?,
            gate: row.get(3)?,
            verdict: None,
            reason: row.get(4)?,
            kind: None,
            issuer: None,
            policy_version: None,
            staff: row.get(5)?,
            digest: digest.map(|digest| Link::new(digest).to_string()),
            clock: row.get(7)?,
            detail: row.get(8)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn find(connection: &Connection, number: &StaffNumber) -> Result<Option<Operator>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT staff, name, role, pin, failed, blocked_until FROM operator WHERE staff = ?1",
    )?;
    let mut rows = query.query([number.as_str()])?;
    rows.next()?.map(operator).transpose()
}

fn operator(row: &Row<'_>) -> Result<Operator, StoreError> {
    let senseless = || StoreError::Content { what: "operator" };
    let (number, name): (String, Option<String>) = (row.get(0)?, row.get(1)?);
    let (role, pin): (String, String) = (row.get(2)?, row.get(3)?);
    let (failed, until): (u32, Option<i64>) = (row.get(4)?, row.get(5)?);
    let until = until.map(|until| Timestamp::from_timestamp(until, 0).ok_or_else(senseless));
    Ok(Operator {
        number: number.parse().map_err(|_| senseless())?,
        name,
        role: role.parse().map_err(|_| senseless())?,
        pin: PinHash::parse(&pin).map_err(|_| senseless())?,
        backoff: Backoff { failed, until: until.transpose()? },
    })
}

fn set_backoff(
    connection: &Connection,
    number: &StaffNumber,
    Backoff { failed, until }: Backoff,
) -> Result<(), StoreError> {
    // A second begun is a second to wait: rows have whole ones.
    let until =
        until.map(|until| until.timestamp() + i64::from(until.timestamp_subsec_nanos() > 0));
    connection.execute(
        "UPDATE operator SET failed = ?2, blocked_until = ?3 WHERE staff = ?1",
        params![number.as_str(), failed, until],
    )?;
    Ok(())
}

/// The list of operators stays as it is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The number is somebody's.
    #[error("this staff number is taken [S51]")]
    Exists,

    /// Without a maintainer nobody could be added or removed any more.
    #[error("the last maintainer stays: add another first [S52]")]
    LastMaintainer,

    /// There is no maintainer yet.
    #[error("the first operator is a maintainer [S53]")]
    MaintainerFirst,

    /// Who asks is no maintainer.
    #[error("only a maintainer changes the list of operators [S54]")]
    NotMaintainer,

    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// Nobody has this number.
    #[error("nobody has this staff number [S55]")]
    Unknown,
}

/// Somebody is not let in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignInError {
    /// There were too many mistakes.
    #[error("too many mistakes: wait until {until} [S61]")]
    Blocked {
        /// From when on a PIN is tried again.
        until: Timestamp,
    },

    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// Number or PIN is mistaken; which of them, is not said.
    #[error("staff number or PIN is wrong [S62]")]
    Wrong {
        /// From when on another PIN of this operator's is tried.
        until: Option<Timestamp>,
    },
}
