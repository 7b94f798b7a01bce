//! Look-up extracts: the codes of the people around a terminal, sealed for its desk.
//!
//! An extract has the paper code of everybody whose number is of one of its counties, as the
//! registers have them at the time, and of whoever they handle codes for. Holders of passports and
//! permits have numbers that tell no county; they are in it if that is asked for. Numbers that could
//! be of two kinds of document are found by either. Who is not in it is referred at the desk.
//!
//! The codes are remembered as any others are, so that revoking a person's codes takes in theirs;
//! they expire with the extract.
//!
//! The newest extract of each terminal stands in `extracts/`, to be published with the lists, and its
//! key in `keys/`. A new extract has a new key, and the one before is removed: it opens nothing that
//! is published any more. Both are removed when the extract has expired.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use chrono::TimeDelta;
use tempfile::NamedTempFile;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    Authority, AuthorityError, PersonError,
    compose::{Composer, lifetime},
    registers::{BindingError, Entries},
    whole_seconds,
};
use crate::{
    clock::Timestamp,
    credential::{self, Kind},
    id_document::{DocumentKind, DocumentNumber, Notice, NumberText},
    issuer::IssuerId,
    roster::{self, EpochKey, EpochToken, Plan, Roster, RosterError, Stretching, TOKEN_LIFE},
    symbol::SymbolText,
};

/// The folder of extracts in an authority's folder.
const EXTRACTS: &str = "extracts";

/// People whose codes are made in one transaction: a quarter of a second, in which nobody else's
/// command can be done.
const PAGE: usize = 1000;

/// A county by GB/T 2260: six digits. One that ends in 00 is all of a prefecture, 0000 of a province.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct County(u32);

impl County {
    /// The digits that numbers of its people begin with.
    fn prefix(self) -> String {
        let digits = self.0.to_string();
        let prefix = digits.strip_suffix("0000").or_else(|| digits.strip_suffix("00"));
        prefix.unwrap_or(&digits).to_owned()
    }

    fn province(self) -> IssuerId {
        IssuerId::new(u16::try_from(self.0 / 10_000).unwrap_or_default())
    }
}

impl FromStr for County {
    type Err = ExtractError;

    fn from_str(text: &str) -> Result<Self, ExtractError> {
        let is_six = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        let county = text.parse().ok().filter(|_| is_six).map(Self);
        county.filter(|county| county.province().is_province()).ok_or(ExtractError::County)
    }
}

/// Whether those are in an extract whose numbers tell no county.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WithoutCounty {
    /// They are not: an extract has no more people than it must.
    #[default]
    LeftOut,
    /// They are.
    Included,
}

/// What an extract is to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtractOrder {
    /// The terminal that it is for.
    pub terminal: String,
    /// Whose people are in it.
    pub counties: Vec<County>,
    /// Whether those are in it whose numbers tell no county.
    pub without_county: WithoutCounty,
    /// Who signs the codes; the first county's province if absent.
    pub issuer: Option<IssuerId>,
    /// How many days it counts, 7 at most.
    pub days: u8,
    /// What is done to numbers.
    pub stretching: Stretching,
}

/// How far an extract has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// So many of the people in the registers have been looked at.
    People {
        /// How many.
        done: u64,
        /// Of how many, about.
        of: u64,
    },
    /// So many rows are written.
    Rows {
        /// How many.
        done: u64,
        /// Of how many.
        of: u64,
    },
}

/// An extract that was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extract {
    /// Which epoch it is.
    pub epoch: u64,
    /// How many codes it has; who can be found by two kinds of document has two.
    pub codes: u64,
    /// How many of the people can have no code: their declaration is withdrawn, the guardian has no
    /// code, or the number is none of a document that terminals know.
    pub left_out: u64,
    /// Until when it counts.
    pub expires: Timestamp,
}

impl Authority {
    /// Makes an extract as the registers are at `now`, to be published with the next lists.
    ///
    /// # Errors
    ///
    /// [`TerminalError::Unknown`](super::TerminalError::Unknown); [`ExtractError`];
    /// [`AuthorityError::NoKey`]; [`StatusError`](super::StatusError); [`AuthorityError::Roster`].
    pub fn extract(
        &mut self,
        order: &ExtractOrder,
        progress: &mut dyn FnMut(Progress),
        now: Timestamp,
    ) -> Result<Extract, AuthorityError> {
        let ExtractOrder { terminal, counties, days, stretching, .. } = order;
        let name = roster::file_name(terminal).ok_or(RosterError::TerminalName)?;
        self.terminal(terminal)?;
        let first = counties.first().ok_or(ExtractError::NoCounty)?;
        let issuer = order.issuer.unwrap_or(first.province());
        let dated = whole_seconds(now);
        let expires = dated + TimeDelta::days((*days).into());

        let folder = self.folder.join(EXTRACTS);
        let failed = |source| AuthorityError::File { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let path = folder.join(name);
        let epoch = next_epoch(&path, terminal, dated);
        let plan = Plan { terminal, epoch, dated, expires, stretching: *stretching };

        let key = EpochKey::random()?;
        let file = NamedTempFile::new_in(&folder).map_err(failed)?;
        let progress = RefCell::new(progress);
        let mut people = People::new(self, order, issuer, expires, dated)?;
        let codes = roster::build(
            file.as_file(),
            &folder,
            plan,
            &key,
            std::iter::from_fn(|| people.next(&mut **progress.borrow_mut())),
            &mut |done, of| progress.borrow_mut()(Progress::Rows { done, of }),
        )?;
        let left_out = people.left_out;

        // The key comes first: an extract that nobody can open is worth nothing.
        let kept = key_path(&self.keys_folder(), terminal, epoch);
        write_key(&kept, &key).map_err(|source| AuthorityError::File { path: kept, source })?;
        file.persist(&path).map_err(|failure| failed(failure.error))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        erase_keys(&self.keys_folder(), terminal, Some(epoch))?;
        Ok(Extract { epoch, codes, left_out, expires })
    }

    /// The key of a terminal's newest extract, for whoever is on duty there: it counts for 24 hours,
    /// and no longer than the extract. The match keys come with it of the codes that can be met until
    /// then.
    ///
    /// # Errors
    ///
    /// [`ExtractError::NoExtract`] if there is none that counts.
    pub fn epoch_token(
        &self,
        terminal: &str,
        now: Timestamp,
    ) -> Result<EpochToken, AuthorityError> {
        let now = whole_seconds(now);
        let name = roster::file_name(terminal).ok_or(RosterError::TerminalName)?;
        let roster = match Roster::open(&self.folder.join(EXTRACTS).join(name), terminal) {
            Err(RosterError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ExtractError::NoExtract.into());
            }
            other => other?,
        };
        if now >= roster.expires() {
            return Err(ExtractError::NoExtract.into());
        }
        let path = key_path(&self.keys_folder(), terminal, roster.epoch());
        let key = read_key(&path)?;
        let expires = roster.expires().min(now + TOKEN_LIFE);
        let match_keys = self.registers.entries().match_keys(&self.keys_folder(), now, expires)?;
        let token = EpochToken::new(terminal, roster.epoch(), key, now, expires)?;
        let token = token.with_match_keys(match_keys)?;
        match roster.unlock(&token) {
            Err(RosterError::WrongKey) => return Err(AuthorityError::ForeignKey { path }),
            other => other.map(|_| ())?,
        }
        Ok(token)
    }

    /// The extracts that count at `now`, by the names that they are published under. Those that do
    /// not, or whose terminal is no more, are removed, and so are their keys.
    pub(super) fn extracts(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(String, PathBuf)>, AuthorityError> {
        let folder = self.folder.join(EXTRACTS);
        let failed = |source| AuthorityError::File { path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let terminals = self.terminals()?;
        let mut extracts = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let terminal = name.strip_prefix("roster-").and_then(|rest| rest.strip_suffix(".bin"));
            let Some(terminal) = terminal else { continue };
            let is_known = terminals.iter().any(|(known, _)| known == terminal);
            if is_known && now < Roster::open(&path, terminal)?.expires() {
                extracts.push((name.to_owned(), path));
            } else {
                erase_keys(&self.keys_folder(), terminal, None)?;
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        Ok(extracts)
    }
}

/// A number that is higher than that of the terminal's extract before: usually the present, so that
/// it is higher even if that one is lost.
fn next_epoch(path: &Path, terminal: &str, now: Timestamp) -> u64 {
    let before = Roster::open(path, terminal).map_or(0, |before| before.epoch());
    u64::try_from(now.timestamp()).unwrap_or_default().max(before.saturating_add(1))
}

fn key_path(keys: &Path, terminal: &str, epoch: u64) -> PathBuf {
    keys.join(format!("roster-{terminal}.{epoch}.key"))
}

fn write_key(path: &Path, key: &EpochKey) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key.encoded().as_bytes())?;
    file.sync_all()
}

fn read_key(path: &Path) -> Result<EpochKey, AuthorityError> {
    // 32 bytes in base64.
    let mut encoded = Zeroizing::new([0; 44]);
    let read = File::open(path).and_then(|mut file| file.read_exact(encoded.as_mut_slice()));
    read.map_err(|source| AuthorityError::File { path: path.to_path_buf(), source })?;
    EpochKey::read(encoded.as_slice()).map_err(|error| match error {
        RosterError::Token => AuthorityError::ForeignKey { path: path.to_path_buf() },
        error => error.into(),
    })
}

/// Removes the keys of a terminal's extracts but that of one epoch.
fn erase_keys(keys: &Path, terminal: &str, but: Option<u64>) -> Result<(), AuthorityError> {
    let erased = (|| {
        for entry in fs::read_dir(keys)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let parts = name.strip_prefix("roster-").and_then(|rest| rest.strip_suffix(".key"));
            let Some((of, epoch)) = parts.and_then(|parts| parts.split_once('.')) else { continue };
            if of == terminal && but.is_none_or(|but| epoch != but.to_string()) {
                fs::remove_file(&path)?;
            }
        }
        File::open(keys)?.sync_all()
    })();
    erased.map_err(|source| AuthorityError::File { path: keys.to_path_buf(), source })
}

/// Everybody who is in an extract, a page of the registers at a time.
struct People<'authority> {
    authority: &'authority mut Authority,
    composer: Composer,
    reach: Reach,
    /// What of the registers is still to be looked at: numbers from the one to before the other.
    ranges: Vec<(String, String)>,
    ready: std::vec::IntoIter<(DocumentNumber, SymbolText)>,
    done: u64,
    of: u64,
    left_out: u64,
}

impl<'authority> People<'authority> {
    fn new(
        authority: &'authority mut Authority,
        order: &ExtractOrder,
        issuer: IssuerId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let reach = Reach {
            prefixes: order.counties.iter().map(|county| county.prefix()).collect(),
            without_county: order.without_county,
            now,
        };
        let ranges = reach.ranges();
        let keys = authority.keys_folder();
        let composer =
            authority.registers.change(|entries| Composer::new(entries, &keys, issuer, now));
        let mut composer = composer?;
        composer.expire_by(expires.min(now + lifetime(Kind::Paper)));
        let entries = authority.registers.entries();
        // So that it fails at once, and not with the first person.
        entries.signing_key(&keys, issuer)?;
        let mut of = 0;
        for (from, to) in &ranges {
            of += entries.people_between(from, to)?;
        }
        let ready = Vec::new().into_iter();
        Ok(Self { authority, composer, reach, ranges, ready, done: 0, of, left_out: 0 })
    }

    fn next(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Option<Result<(DocumentNumber, SymbolText), AuthorityError>> {
        loop {
            if let Some(person) = self.ready.next() {
                return Some(Ok(person));
            }
            match self.page() {
                Ok(true) => progress(Progress::People { done: self.done, of: self.of }),
                Ok(false) => return None,
                Err(error) => {
                    self.ranges.clear();
                    return Some(Err(error));
                }
            }
        }
    }

    /// Makes the codes of the next page of people; whether there was one.
    fn page(&mut self) -> Result<bool, AuthorityError> {
        let Some((from, to)) = self.ranges.last_mut() else { return Ok(false) };
        let (composer, reach) = (&self.composer, &self.reach);
        let keys = self.authority.keys_folder();
        let (numbers, made) = self.authority.registers.change(|entries| {
            let numbers = entries.numbers_between(from, to, PAGE)?;
            let key = entries.signing_key(&keys, composer.issuer())?;
            let mut page = Page { entries, composer, reach, key, codes: Vec::new(), left_out: 0 };
            for number in &numbers {
                page.put(number)?;
            }
            Ok((numbers, (page.codes, page.left_out)))
        })?;
        self.done += u64::try_from(numbers.len()).unwrap_or_default();
        match numbers.last().filter(|_| numbers.len() == PAGE) {
            // The next text there is.
            Some(last) => *from = format!("{}\0", last.expose()),
            None => drop(self.ranges.pop()),
        }
        self.ready = made.0.into_iter();
        self.left_out += made.1;
        Ok(true)
    }
}

/// The codes of a page of people.
struct Page<'page> {
    entries: &'page Entries<'page>,
    composer: &'page Composer,
    reach: &'page Reach,
    key: ed25519_dalek::SigningKey,
    codes: Vec<(DocumentNumber, SymbolText)>,
    left_out: u64,
}

impl Page<'_> {
    /// Makes the codes of somebody who may be in the extract, and of whom they handle codes for.
    fn put(&mut self, number: &NumberText) -> Result<(), AuthorityError> {
        let documents = self.reach.documents(number);
        if !self.reach.has(number, &documents) {
            return Ok(());
        }
        if let Some((guardian, _)) = self.entries.guardian(number)?
            && self.has_code(&guardian)?
        {
            // They come with the guardian, whose code theirs names.
            return Ok(());
        }
        if self.put_one(number, documents)? {
            for dependant in self.entries.dependants_of(number)? {
                let documents = self.reach.documents(&dependant);
                self.put_one(&dependant, documents)?;
            }
        }
        Ok(())
    }

    /// Makes somebody's code; whether they can have one.
    fn put_one(
        &mut self,
        number: &NumberText,
        documents: Vec<DocumentNumber>,
    ) -> Result<bool, AuthorityError> {
        if !self.is_asked_for(number, &documents)? {
            self.left_out += 1;
            return Ok(false);
        }
        let claims = match self.composer.claims(self.entries, number, Kind::Paper) {
            Ok(claims) => claims,
            Err(
                AuthorityError::Person(PersonError::NotDeclared | PersonError::Withdrawn)
                | AuthorityError::Binding(BindingError::GuardianHasNoCode),
            ) => {
                self.left_out += 1;
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let text = credential::write(&claims, &self.key)?;
        self.entries.remember_code(&claims, Some(number))?;
        self.codes.extend(documents.into_iter().map(|document| (document, text.clone())));
        Ok(true)
    }

    /// Whether somebody is found under this number: terminals know such a document, and the
    /// registers do not have the same one again under the number of today.
    fn is_asked_for(
        &self,
        number: &NumberText,
        documents: &[DocumentNumber],
    ) -> Result<bool, AuthorityError> {
        let Some(document) = documents.first() else { return Ok(false) };
        Ok(document.text() == number || self.entries.person(document.text())?.is_none())
    }

    /// Whether somebody's code is in the extract.
    fn has_code(&self, number: &NumberText) -> Result<bool, AuthorityError> {
        let person = self.entries.person(number)?;
        let can_have = person.is_some_and(|person| person.status().is_some());
        let documents = self.reach.documents(number);
        let is_in = can_have && self.reach.has(number, &documents);
        Ok(is_in && self.is_asked_for(number, &documents)?)
    }
}

/// Whose numbers are in an extract.
struct Reach {
    prefixes: Vec<String>,
    without_county: WithoutCounty,
    now: Timestamp,
}

impl Reach {
    /// The documents whose number it can be, in the form in which they are looked up; the likeliest
    /// first, and none if terminals know no such document.
    fn documents(&self, number: &NumberText) -> Vec<DocumentNumber> {
        // A day's difference between here and there makes nobody unborn.
        let today = self.now.date_naive() + chrono::Days::new(1);
        let Ok(document) = DocumentNumber::parse(number.expose(), today) else { return Vec::new() };
        let passport = document
            .notices()
            .contains(&Notice::PerhapsPassport)
            .then(|| DocumentNumber::parse_as(DocumentKind::Passport, number.expose(), today).ok());
        [Some(document), passport.flatten()].into_iter().flatten().collect()
    }

    fn has(&self, number: &NumberText, documents: &[DocumentNumber]) -> bool {
        match documents.first().map(DocumentNumber::kind) {
            Some(
                DocumentKind::CitizenId
                | DocumentKind::HkMacaoResidencePermit
                | DocumentKind::TaiwanResidencePermit,
            ) => self.prefixes.iter().any(|prefix| number.expose().starts_with(prefix)),
            _ => self.without_county == WithoutCounty::Included,
        }
    }

    /// What numbers are to be looked at. None is in two ranges.
    fn ranges(&self) -> Vec<(String, String)> {
        // Behind every letter and digit.
        const END: &str = "~";
        if self.without_county == WithoutCounty::Included {
            return vec![(String::new(), END.to_owned())];
        }
        let mut prefixes = self.prefixes.clone();
        prefixes.sort_unstable();
        // One that begins with another comes behind it, and is part of it.
        prefixes.dedup_by(|next, kept| next.starts_with(kept.as_str()));
        let range = |prefix: String| (prefix.clone(), prefix + END);
        prefixes.into_iter().map(range).collect()
    }
}

/// An extract cannot be made, or is not there.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ExtractError {
    /// It is no county.
    #[error("a county has six digits of GB/T 2260, such as 110105, 110100, or 110000")]
    County,

    /// Nobody would be in it.
    #[error("say of which counties")]
    NoCounty,

    /// There is none that counts.
    #[error("there is no extract for this terminal that counts: make one with `extract`")]
    NoExtract,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_county_is_of_a_province_and_may_be_all_of_it() {
        let cases = [
            ("110105", Ok("110105")),
            ("110100", Ok("1101")),
            ("110000", Ok("11")),
            ("810000", Ok("81")),
            ("990000", Err(ExtractError::County)),
            ("11010", Err(ExtractError::County)),
            ("1101050", Err(ExtractError::County)),
            ("+11010", Err(ExtractError::County)),
        ];
        for (text, prefix) in cases {
            let found = text.parse::<County>().map(County::prefix);
            assert_eq!(found, prefix.map(str::to_owned), "{text}");
        }
    }
}
