//! What a terminal keeps of what it is given.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use greengate::{
    clock::Timestamp,
    decision::{Basis, Detail},
    revocation::{Edition, FileError, IntakeError, read_folder},
    store::{InstallError, Store},
    trust::TrustFiles,
};
use tempfile::{TempDir, tempdir};

use crate::{
    beijing,
    common::{NOW, at, basis, code, judge, policy, usual_files},
    forge, list, new_file, spread, told, write_change,
};

/// A terminal, and a folder that it is given lists in.
struct Terminal {
    state: TempDir,
    given: TempDir,
}

impl Terminal {
    fn new() -> Self {
        Self { state: tempdir().unwrap(), given: tempdir().unwrap() }
    }

    fn give(&self, version: u64, entries: &BTreeSet<u64>) -> Edition {
        let path = self.given.path().join(beijing().file_name());
        fs::remove_file(&path).ok();
        list(version, entries, new_file(&path)).edition()
    }

    fn give_change(&self, before: (u64, &BTreeSet<u64>), after: (u64, &BTreeSet<u64>)) -> Edition {
        let name = beijing().delta_name(before.0, after.0);
        write_change(&self.given.path().join(name), before, after)
    }

    fn take(&self) {
        for entry in fs::read_dir(self.given.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    fn import_of(&self, files: &TrustFiles) -> Result<(), InstallError> {
        let mut store = Store::open(self.state.path()).unwrap();
        store.install_from(files, self.given.path(), at(NOW))?;
        store.sweep()
    }

    fn import(&self) -> Result<(), InstallError> {
        self.import_of(&usual_files())
    }

    fn basis(&self) -> Basis {
        Store::open(self.state.path()).unwrap().load_basis().unwrap()
    }

    /// What it goes by.
    fn editions(&self) -> Vec<(Edition, Option<u64>)> {
        self.basis().revocations.lists().collect()
    }

    /// The files that it keeps.
    fn kept(&self) -> Vec<PathBuf> {
        let mut kept: Vec<_> = fs::read_dir(self.state.path().join("revocations"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some())
            .collect();
        kept.sort();
        kept
    }
}

#[test]
fn a_terminal_keeps_the_newest_of_each_list() {
    let terminal = Terminal::new();
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [], "nothing was given");

    let (first, second, third) = (spread(100), spread(150), spread(30));
    let one = terminal.give(1, &first);
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [(one, Some(100))]);
    let running = terminal.basis();

    // Both changes are worked in, and the one that led to the first is passed over.
    terminal.take();
    let two = terminal.give_change((1, &first), (2, &second));
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [(two, Some(150))]);
    let three = terminal.give_change((2, &second), (3, &third));
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [(three, Some(30))]);
    assert_eq!(running.revocations.verify().count(), 0, "whoever has one open is not disturbed");
    assert_eq!(terminal.kept().len(), 2, "nor is it swept");
    drop(running);
    Store::open(terminal.state.path()).unwrap().sweep().unwrap();
    assert_eq!(terminal.kept().len(), 1, "nobody has the older ones any more");

    // Another terminal gets there in one step, by a list and the changes behind it.
    let late = Terminal::new();
    let five = spread(200);
    late.give(1, &first);
    late.give_change((1, &first), (2, &second));
    late.give_change((2, &second), (5, &five));
    late.import().unwrap();
    assert_eq!(late.editions()[0].0.version, 5);
    let folder = read_folder(late.given.path()).unwrap();
    assert_eq!(folder, late.basis().revocations, "as does whoever judges by the folder");
}

#[test]
fn what_is_refused_changes_nothing() {
    let (first, second) = (spread(100), spread(150));
    let cases: [(&str, fn(&Terminal, &BTreeSet<u64>, &BTreeSet<u64>), fn(&IntakeError) -> bool);
        7] = [
        (
            "an older one",
            |terminal, first, _| {
                terminal.give(6, first);
            },
            |error| matches!(error, IntakeError::LowerVersion { version: 6, accepted: 7, .. }),
        ),
        (
            "another of the same version",
            |terminal, _, second| {
                terminal.give(7, second);
            },
            |error| matches!(error, IntakeError::SameVersion { version: 7, .. }),
        ),
        (
            "a change to what is not there",
            |terminal, first, second| {
                terminal.give_change((8, first), (9, second));
            },
            |error| matches!(error, IntakeError::Gap { from: 8, .. }),
        ),
        (
            "a change of something else",
            |terminal, first, second| {
                terminal.give_change((7, second), (8, first));
            },
            |error| matches!(error, IntakeError::File { error: FileError::DoesNotFit, .. }),
        ),
        (
            "a damaged one",
            |terminal, _, second| {
                terminal.give(8, second);
                let path = terminal.given.path().join(beijing().file_name());
                let mut bytes = fs::read(&path).unwrap();
                bytes[700] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            |error| matches!(error, IntakeError::File { error: FileError::Damaged, .. }),
        ),
        (
            "one that lies about its order",
            |terminal, _, second| {
                terminal.give(8, second);
                let path = terminal.given.path().join(beijing().file_name());
                let mut bytes = fs::read(&path).unwrap();
                forge(&mut bytes, 2, 0, &[0; 8]);
                fs::write(path, bytes).unwrap();
            },
            |error| matches!(error, IntakeError::File { error: FileError::Unsorted, .. }),
        ),
        (
            "one under another's name",
            |terminal, _, second| {
                terminal.give(8, second);
                let [from, to] = ["11-202111", "31-202111"]
                    .map(|name| terminal.given.path().join(format!("revocations-{name}.bin")));
                fs::rename(from, to).unwrap();
            },
            |error| matches!(error, IntakeError::File { error: FileError::Misnamed, .. }),
        ),
    ];
    for (name, give, expected) in cases {
        let terminal = Terminal::new();
        terminal.give(7, &first);
        terminal.import().unwrap();
        let before = terminal.editions();
        terminal.take();
        give(&terminal, &first, &second);
        // A newer policy comes with it, and is not taken up either.
        let mut newer = usual_files();
        let mut changed = policy();
        changed["version"] = 6.into();
        newer.policy = Some(changed.to_string().into_bytes());
        match terminal.import_of(&newer) {
            Err(InstallError::Intake(error)) => assert!(expected(&error), "{name}: {error}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(terminal.editions(), before, "{name}");
        assert_eq!(terminal.basis().trust, basis(&usual_files()).trust, "{name}");
        // What was left behind does not stand in the way of what is good.
        terminal.take();
        terminal.give(8, &second);
        terminal.import_of(&newer).unwrap();
        assert_eq!(terminal.editions()[0].0.version, 8, "{name}");
        assert_eq!(terminal.kept().len(), 1, "{name}");
    }
}

#[test]
fn nobody_passes_by_a_list_that_cannot_be_read() {
    let spoil: [(&str, fn(&Path)); 4] = [
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("cut short", |path| {
            File::options().write(true).open(path).unwrap().set_len(1_000).unwrap();
        }),
        ("another list", |path| {
            fs::remove_file(path).unwrap();
            drop(list(7, &spread(99), new_file(path)));
        }),
    ];
    for (name, spoil) in spoil {
        let terminal = Terminal::new();
        let edition = terminal.give(7, &spread(100));
        terminal.import().unwrap();
        let of = |terminal: &Terminal| {
            let revocations = terminal.basis().revocations;
            let basis = Basis { revocations, ..basis(&usual_files()) };
            judge(&code(|_| {}), &basis, at(NOW))
        };
        assert_eq!(told(&of(&terminal)), ("pass", None), "{name}");
        let other = |terminal: &Terminal| {
            let revocations = terminal.basis().revocations;
            let basis = Basis { revocations, ..basis(&usual_files()) };
            judge(
                &code(|claims| claims.issuer = greengate::issuer::IssuerId::NATIONAL),
                &basis,
                at(NOW),
            )
        };
        let [path] = terminal.kept().try_into().unwrap();
        spoil(&path);
        let decision = of(&terminal);
        assert_eq!(told(&decision), ("refer", Some("E73")), "{name}");
        assert_eq!(decision.detail(), Some(&Detail::Revocations(beijing())), "{name}");
        assert_eq!(told(&other(&terminal)), ("pass", None), "another issuer's: {name}");
        assert_eq!(terminal.editions(), [(edition, None)], "{name}");
        assert_eq!(terminal.basis().revocations.verify().count(), 1, "{name}");
        // The same list again makes it good.
        terminal.import().unwrap();
        assert_eq!(terminal.editions(), [(edition, Some(100))], "{name}");
        assert_eq!(told(&of(&terminal)), ("pass", None), "{name}");
    }
}
#[test]
fn months_gone_by_are_forgotten_once_later_lists_are_published() {
    let terminal = Terminal::new();
    terminal.give(7, &spread(100));
    terminal.import().unwrap();
    let published = |version: u64, instant: &str| {
        let mut later = policy();
        later["version"] = version.into();
        later["issued"] = instant.into();
        TrustFiles { policy: Some(later.to_string().into_bytes()), ..usual_files() }
    };
    terminal.import_of(&published(6, "2021-12-01T23:59:59Z")).unwrap();
    assert_eq!(terminal.editions().len(), 1, "a clock may be behind");
    terminal.import_of(&published(7, "2021-12-02T00:00:00Z")).unwrap();
    assert_eq!(terminal.editions(), [], "and is not taken in again");
    assert_eq!(terminal.kept(), Vec::<PathBuf>::new());
}

#[test]
fn imports_at_the_same_time_end_with_the_newest() {
    let state = tempdir().unwrap();
    Store::open(state.path()).unwrap();
    let import = |version: u64| {
        let given = tempdir().unwrap();
        let path = given.path().join(beijing().file_name());
        list(version, &spread(version * 100), new_file(&path));
        let mut store = Store::open(state.path()).unwrap();
        match store.install_from(&usual_files(), given.path(), at(NOW)) {
            Ok(()) | Err(InstallError::Intake(IntakeError::LowerVersion { .. })) => {}
            Err(error) => panic!("{version}: {error}"),
        }
    };
    thread::scope(|scope| {
        for version in [3, 1, 4, 2, 6, 5] {
            scope.spawn(move || import(version));
        }
    });
    let revocations = Store::open(state.path()).unwrap().load_basis().unwrap().revocations;
    let lists: Vec<_> = revocations.lists().map(|(list, count)| (list.version, count)).collect();
    assert_eq!(lists, [(6, Some(600))]);
    assert_eq!(revocations.verify().count(), 0);
}

#[test]
fn an_import_that_is_killed_leaves_the_list_before_or_the_one_after() {
    let terminal = Terminal::new();
    for (kind, bytes) in usual_files().present() {
        fs::write(terminal.given.path().join(kind.file_name()), bytes).unwrap();
    }
    let entries = spread(50_000);
    let import = || {
        let mut import = Command::new(env!("CARGO_BIN_EXE_greengate"));
        import.arg("--state").arg(terminal.state.path()).args(["trust", "import"]);
        import.arg(terminal.given.path()).stdout(Stdio::null()).spawn().unwrap()
    };
    terminal.give(1, &entries);
    assert!(import().wait().unwrap().success());
    terminal.give(2, &entries);
    let started = Instant::now();
    assert!(import().wait().unwrap().success());
    let whole = started.elapsed();
    let mut accepted = 2;
    // Up to half as long again as it takes.
    for round in 1..=30 {
        let version = u64::from(round) + 2;
        terminal.give(version, &entries);
        let mut import = import();
        thread::sleep(whole * round / 20);
        import.kill().unwrap();
        let done = import.wait().unwrap().success();
        let revocations = terminal.basis().revocations;
        assert_eq!(revocations.verify().count(), 0, "round {round}");
        let (edition, _) = revocations.lists().next().unwrap();
        assert!([accepted, version].contains(&edition.version), "round {round}: {edition:?}");
        assert!(!done || edition.version == version, "round {round}: what was said is so");
        accepted = edition.version;
    }
    terminal.give(99, &entries);
    terminal.import().unwrap();
    assert_eq!(terminal.kept().len(), 1, "what was left behind is swept");
}

#[test]
fn a_store_in_memory_has_no_place_for_lists() {
    let mut store = Store::in_memory().unwrap();
    let now: Timestamp = at(NOW);
    let refused = store.install_from(&usual_files(), tempdir().unwrap().path(), now);
    assert!(matches!(refused, Err(InstallError::Intake(IntakeError::NoFolder))));
    store.install(&usual_files(), now).unwrap();
}
