//! A terminal that writes: what the other process does in each of these tests.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use chrono::TimeDelta;
use greengate::{
    audit::AuditRecord,
    decision::Basis,
    issuer::IssuerId,
    revocation::{ListId, Prefix, RevocationFile},
    store::{InstallError, LogState, Store, StoreError},
    symbol::Reading,
    trust::{DocumentKind, Trust, TrustFiles},
};
use tempfile::tempdir;

use crate::common::{NOW, at, basis, code, judge_reading, policy, usual_files};

/// Where the child keeps its state.
const STATE: &str = "GREENGATE_FAULTS_STATE";

/// How often it installs lists before it ends by itself.
const ROUNDS: &str = "GREENGATE_FAULTS_ROUNDS";

/// The usual lists with that version of the policy.
pub(crate) fn lists(version: u64) -> TrustFiles {
    let mut newer = policy();
    newer["version"] = version.into();
    TrustFiles { policy: Some(newer.to_string().into_bytes()), ..usual_files() }
}

/// Installs lists of that version, and one of revocations.
pub(crate) fn install(store: &mut Store, version: u64) -> Result<(), InstallError> {
    let given = tempdir().unwrap();
    let list = ListId::of(IssuerId::new(11), at(NOW));
    let file = File::create_new(given.path().join(list.file_name())).unwrap();
    let entry = Prefix::from_bytes(version.to_be_bytes());
    RevocationFile::write(file, list, version, [Ok(entry)]).unwrap();
    store.install_from(&lists(version), given.path(), at(NOW))
}

/// What a store had come to.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Reached {
    pub(crate) records: u64,
    pub(crate) version: u64,
}

impl Reached {
    /// What the store in `state` has come to, if it is whole: the chain from end to end, the lists,
    /// and the revocations that were accepted with them.
    pub(crate) fn of(state: &Path) -> Result<Self, StoreError> {
        let store = Store::open(state)?;
        let LogState { end: records, .. } = store.verify_log()?;
        let basis = store.load_basis()?;
        let version = version_of(&basis);
        assert!(basis.revocations.verify().next().is_none(), "a list of revocations is damaged");
        let lists: Vec<_> = basis.revocations.lists().map(|(list, _)| list.version).collect();
        assert_eq!(lists, if version == 0 { vec![] } else { vec![version] });
        Ok(Self { records, version })
    }

    /// Counts what the child has said, and tells whether it was an acknowledgement.
    pub(crate) fn heard(&mut self, line: &str) -> bool {
        if let Some(installed) = line.strip_prefix("installed ") {
            self.version = installed.parse().unwrap();
        } else if line != "kept" {
            return false;
        }
        self.records += 1;
        true
    }
}

/// The version of the policy, 0 if there is none.
fn version_of(basis: &Basis) -> u64 {
    let mut versions = basis.trust.iter().flat_map(Trust::versions);
    versions.find(|(kind, ..)| *kind == DocumentKind::Policy).map_or(0, |(_, version, _)| version)
}

/// What the child does: install newer lists, keep three records, and say each time what has been
/// acknowledged, or that it failed.
pub(crate) fn write() {
    let Some(state) = env::var_os(STATE) else { return };
    let rounds = env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok());
    let basis = basis(&usual_files());
    let reading = Reading::of(code(|_| {}));
    let mut store = match Store::open(Path::new(&state)) {
        Ok(store) => store,
        Err(error) => return println!("failed: {error}"),
    };
    let mut version = match store.load_basis() {
        Ok(basis) => version_of(&basis).max(5),
        Err(error) => return println!("failed: {error}"),
    };
    for _ in 0..rounds.unwrap_or(usize::MAX) {
        version += 1;
        match install(&mut store, version) {
            Ok(()) => println!("installed {version}"),
            Err(error) => println!("failed: {error}"),
        }
        for second in 0..3 {
            let now = at(NOW) + TimeDelta::seconds(second);
            let decision = judge_reading(&reading, &basis, now).unwrap();
            let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
            match store.record(&record) {
                Ok(()) => println!("kept"),
                Err(error) => println!("failed: {error}"),
            }
        }
    }
}

/// A child that works on `state`, as often as that or until it is killed, on a disk as
/// [`disk`](crate::disk) makes it.
pub(crate) fn start(state: &Path, rounds: Option<usize>, disk: &[(&str, &str)]) -> Child {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["a_child_that_writes", "--exact", "--nocapture"]).env(STATE, state);
    if let Some(rounds) = rounds {
        child.env(ROUNDS, rounds.to_string());
    }
    if !disk.is_empty() {
        child.env("GREENGATE_DISK", state).envs(disk.iter().copied());
    }
    child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What the child says, line by line.
pub(crate) fn lines(output: ChildStdout) -> impl Iterator<Item = String> {
    BufReader::new(output).lines().map_while(Result::ok)
}

/// Listens until the child has acknowledged that many things, kills it, and counts what it says
/// until that takes hold.
pub(crate) fn kill_after(mut child: Child, acknowledged: usize, reached: &mut Reached) {
    let mut left = acknowledged;
    for line in lines(child.stdout.take().unwrap()) {
        assert!(!line.starts_with("failed"), "{line}");
        if left > 0 && reached.heard(&line) {
            left -= 1;
            if left == 0 {
                child.kill().unwrap();
            }
        } else {
            reached.heard(&line);
        }
    }
    child.wait().unwrap();
}

/// How often what is random is tried: `GREENGATE_FAULTS`, or that.
pub(crate) fn times(usually: usize) -> usize {
    env::var("GREENGATE_FAULTS").ok().and_then(|times| times.parse().ok()).unwrap_or(usually)
}

/// Whether this process is the child.
pub(crate) fn is_child() -> bool {
    env::var_os(STATE).is_some()
}
