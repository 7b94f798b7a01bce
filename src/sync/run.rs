//! One sync, from what the store trusts to what it has installed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use tough::{
    TargetName,
    schema::{self, Signed, Target},
};

use super::{
    changes,
    landing::Landing,
    progress::{Meter, Progress},
    refusal::{Refusal, SyncError},
    tuf::{Verified, digest_of, is_target, verify_telling},
    web::Source,
};
use crate::{
    bulk,
    clock::Timestamp,
    document::MAX_BYTES,
    revocation::{FileName, ListId},
    roster,
    store::{Store, Trusted, Update, UpdateError},
    trust::{DocumentKind, TrustFiles},
};

/// The most bytes that a list of revocations may have: 2²⁸ entries have 2.2 GB.
const MAX_REVOCATIONS: u64 = 3 << 30;

/// What a sync did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Synced {
    /// The source had nothing that was not installed.
    NothingNew,
    /// Something newer is installed.
    Updated,
}

/// Fetches what `source` has, verifies it, and installs it, all or nothing.
///
/// A large file that is cut off is gone on with by the next sync.
///
/// # Errors
///
/// [`SyncError`], and the lists that served before serve on.
pub fn sync(store: &mut Store, source: &Source, now: Timestamp) -> Result<Synced, SyncError> {
    sync_telling(store, source, |_| {}, now)
}

/// Does as [`sync()`], and tells how far it has come.
///
/// # Errors
///
/// [`SyncError`], and the lists that served before serve on.
pub fn sync_telling(
    store: &mut Store,
    source: &Source,
    mut tell: impl FnMut(&Progress),
    now: Timestamp,
) -> Result<Synced, SyncError> {
    let state = store.revocations_folder().and_then(Path::parent).map(Path::to_path_buf);
    let landing = match &state {
        None => None,
        Some(state) => Some(Landing::open(state, source)?.ok_or(SyncError::Busy)?),
    };
    let trusted = store.trusted()?.ok_or(SyncError::NoRoot)?;
    let terminal = store.terminal()?.filter(|_| state.is_some());
    let extract = terminal.as_deref().and_then(roster::file_name);
    let fetch = |tell| {
        let verified = verify_telling(&trusted, source, Meter::new(Some(tell)), now)?;
        let fetching = Fetching {
            verified,
            trusted: &trusted,
            extract: extract.as_deref(),
            state: state.as_deref(),
            now,
        };
        let fetched = fetching.fetch(landing.as_ref());
        fetched.map_err(|error| fetching.verified.refusal(&trusted, error))
    };
    let (told, progress) = mpsc::channel();
    let fetched = thread::scope(|scope| {
        let fetching = scope.spawn(|| bulk::yielding(|| fetch(told)));
        for progress in progress {
            tell(&progress);
        }
        fetching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    // What it holds open of the lists that are replaced could not be swept.
    drop(trusted);
    match fetched {
        Ok(None) => Ok(Synced::NothingNew),
        Ok(Some(update)) => {
            let brought = landing.as_ref().map(Landing::brought);
            store.update_from(&update, brought.as_deref(), now)?;
            if let (Some(landing), Some(state), Some(terminal)) = (&landing, &state, &terminal) {
                let arrived = landing.extract();
                if arrived.exists() {
                    roster::keep::install(&arrived, state, terminal, now)?;
                }
            }
            Ok(Synced::Updated)
        }
        Err(Refusal { error, newer_root }) => {
            if let Some(root) = newer_root {
                store.raise_root(&root)?;
            }
            Err(*error)
        }
    }
}

/// Removes what syncs have replaced, and the look-up extract if it has expired. This leaves the disk to
/// others most of the time, and is to be done when nobody waits for it.
///
/// # Errors
///
/// [`SyncError`]; what is left over is removed the next time.
pub fn sweep(store: &Store, now: Timestamp) -> Result<(), SyncError> {
    let state = store.revocations_folder().and_then(Path::parent);
    if let Some((state, terminal)) = state.zip(store.terminal()?) {
        bulk::yielding(|| roster::keep::sweep(state, &terminal, now))?;
    }
    store.sweep().map_err(UpdateError::from)?;
    Ok(())
}

/// What is verified, and what was trusted before.
struct Fetching<'sync> {
    verified: Verified,
    trusted: &'sync Trusted,
    /// The name of this terminal's look-up extract, if it can have one.
    extract: Option<&'sync str>,
    /// Where it is kept.
    state: Option<&'sync Path>,
    now: Timestamp,
}

/// A published list of revocations that is not here.
#[derive(Debug)]
struct Wanted<'targets> {
    name: &'targets str,
    list: ListId,
    target: &'targets Target,
    /// The changes that make it of the one that is here, if they are shorter than it.
    changes: Vec<(&'targets str, &'targets Target)>,
}

impl Fetching<'_> {
    /// Brings what is new, if anything is: the lists of revocations to where they land.
    fn fetch(&self, landing: Option<&Landing>) -> Result<Option<Update>, SyncError> {
        let Verified { root, published, lineage, .. } = &self.verified;
        let is_new = self.trusted.root != *root
            || self.trusted.published.as_ref() != Some(published)
            || self.lists_to_bring().next().is_some();
        let wanted = if landing.is_some() { self.wanted(is_new) } else { Vec::new() };
        if !is_new && wanted.is_empty() {
            return Ok(None);
        }
        let meter = self.verified.meter();
        for (_, target) in self.lists_to_bring() {
            meter.expect(target.length);
        }
        for wanted in &wanted {
            let length = |(_, target): &(_, &Target)| target.length;
            let changes = wanted.changes.iter().map(length).sum();
            meter.expect(if wanted.changes.is_empty() { wanted.target.length } else { changes });
        }
        let files = self.lists()?;
        if let Some(landing) = landing {
            let named = |wanted: &Wanted<'_>| digest_of(wanted.target);
            let extract = self.extract.and_then(|name| Some((name, self.verified.target(name)?)));
            let is_kept = |name: &str, target| {
                let kept = self.state.map(|state| File::open(state.join(name)));
                kept.is_some_and(|kept| {
                    kept.and_then(|kept| is_target(kept, target)).unwrap_or(false)
                })
            };
            let extract = extract.filter(|(name, target)| !is_kept(name, target));
            let mut to_land: BTreeSet<_> = wanted.iter().map(named).collect();
            to_land.extend(extract.map(|(_, target)| digest_of(target)));
            landing.keep(&to_land, self.now)?;
            if let Some((name, target)) = extract {
                meter.expect(target.length);
                let (partial, path) = (landing.partial(&digest_of(target)), landing.extract());
                self.verified.fetch(name, target, roster::MAX_BYTES, &partial, &path)?;
            }
            for wanted in &wanted {
                self.bring(wanted, landing)?;
            }
        }
        let (root, published) = (root.clone(), published.clone());
        Ok(Some(Update { root, published, files, lineage: *lineage }))
    }

    /// The lists of revocations that are published and not held. Where something `is_new`, at least
    /// once a day, those that are held are read from end to end for that; where nothing is, those
    /// are wanted that were held and cannot be read any more.
    fn wanted(&self, is_new: bool) -> Vec<Wanted<'_>> {
        let published = self.trusted.published.as_ref();
        let before: Option<Signed<schema::Targets>> =
            published.and_then(|published| serde_json::from_slice(&published.targets.bytes).ok());
        let is_held = |name: &TargetName, list, target: &Target| {
            let known = before.as_ref().and_then(|before| before.signed.targets.get(name));
            let is_same = known.is_some_and(|known| {
                known.length == target.length && known.hashes.sha256 == target.hashes.sha256
            });
            let revocations = &self.trusted.revocations;
            let mut accepted = revocations.lists().map(|(edition, _)| edition.list);
            match revocations.file(list) {
                Some(file) => is_same && (!is_new || file.verify().is_ok()),
                // One that was not accepted is of a month gone by.
                None => !is_new && !accepted.any(|accepted| accepted == list),
            }
        };
        let targets = self.verified.targets();
        let lists = targets.iter().filter_map(|(name, target)| match name.raw().parse() {
            Ok(FileName::List(list)) if !is_held(name, list, target) => {
                let held = self.trusted.revocations.file(list).map(|file| file.edition().version);
                let changes = held.map(|held| changes::between(targets, list, held, target));
                let (name, changes) = (name.raw(), changes.unwrap_or_default());
                Some(Wanted { name, list, target, changes })
            }
            _ => None,
        });
        lists.collect()
    }

    /// Brings one list of revocations to where it lands, by its changes or whole.
    fn bring(&self, wanted: &Wanted<'_>, landing: &Landing) -> Result<(), SyncError> {
        let Wanted { name, target, changes, .. } = wanted;
        let path = landing.brought().join(name);
        if !changes.is_empty() {
            match self.bring_by_changes(wanted, landing, &path) {
                Ok(()) => return Ok(()),
                // Neither would the whole list come, and more of it.
                Err(error @ (SyncError::File { .. } | SyncError::Unreachable { .. })) => {
                    return Err(error);
                }
                Err(_) => self.verified.meter().expect(target.length),
            }
        }
        let partial = landing.partial(&digest_of(target));
        self.verified.fetch(name, target, MAX_REVOCATIONS, &partial, &path)
    }

    /// Works changes into the list that is held. Whatever they say, what comes of it is the list
    /// that is published, or is not taken.
    fn bring_by_changes(
        &self,
        Wanted { name, list, target, changes }: &Wanted<'_>,
        landing: &Landing,
        path: &Path,
    ) -> Result<(), SyncError> {
        let tampered = || SyncError::Tampered { name: (*name).to_owned() };
        let mut fetched: Vec<PathBuf> = Vec::new();
        for (name, change) in changes {
            let path = landing.changes().join(name);
            let partial = path.with_extension("part");
            self.verified.fetch(name, change, target.length, &partial, &path)?;
            fetched.push(path);
        }
        let held = self.trusted.revocations.file(*list).ok_or_else(tampered)?;
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        let is_worked_in = changes::work_in(held, *list, &fetched, file).is_ok();
        if is_worked_in && is_target(File::open(path)?, target)? {
            Ok(())
        } else {
            fs::remove_file(path)?;
            Err(tampered())
        }
    }

    /// The lists that are published and are not here as they should be.
    fn lists_to_bring(&self) -> impl Iterator<Item = (DocumentKind, &Target)> {
        let kept = self.trusted.files.as_ref();
        DocumentKind::ALL.into_iter().filter_map(move |kind| {
            let target = self.verified.target(kind.file_name())?;
            let kept = kept.and_then(|kept| kept.present().find(|(kept, _)| *kept == kind));
            let is_here = kept.is_some_and(|(_, bytes)| is_target(bytes, target).unwrap_or(false));
            (!is_here).then_some((kind, target))
        })
    }

    /// The lists, each from here if it has not changed.
    fn lists(&self) -> Result<TrustFiles, SyncError> {
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let to_bring: Vec<_> = self.lists_to_bring().map(|(kind, _)| kind).collect();
        let list = |kind: DocumentKind| {
            if to_bring.contains(&kind) {
                return self.verified.read(kind.file_name(), limit);
            }
            let kept = self.trusted.files.iter().flat_map(TrustFiles::present);
            let kept =
                kept.filter(|(kept, _)| *kept == kind).map(|(_, bytes)| bytes.to_vec()).next();
            if kept.is_some() && self.verified.target(kind.file_name()).is_none() {
                return Err(SyncError::Incomplete { kind });
            }
            Ok(kept)
        };
        Ok(TrustFiles {
            key_ring: list(DocumentKind::KeyRing)?
                .ok_or(SyncError::Incomplete { kind: DocumentKind::KeyRing })?,
            recognition: list(DocumentKind::Recognition)?,
            risk_areas: list(DocumentKind::RiskAreas)?,
            policy: list(DocumentKind::Policy)?,
        })
    }
}
