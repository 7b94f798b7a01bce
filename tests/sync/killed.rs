//! A sync that is killed at any instant leaves what served before, or what it has installed.
//!
//! `GREENGATE_FAULTS=200 cargo test --test sync killed` kills as often as that; by itself 20 times.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Instant,
};

use greengate::{
    clock,
    store::Store,
    sync::{Source, Synced, Web, sweep, sync},
};
use tempfile::tempdir;

use crate::{
    copy,
    revocations::{Desk, left_over},
    server::Asked,
};

fn child(state: &Path, url: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_greengate"))
        .arg("--state")
        .arg(state)
        .args(["sync", "--url", url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The versions of the lists and of the list of revocations; all of them can be read.
fn versions(store: &Store) -> (u64, u64) {
    let basis = store.load_basis().unwrap();
    assert_eq!(basis.revocations.verify().count(), 0);
    let (edition, _) = basis.revocations.lists().next().unwrap();
    (basis.trust.unwrap().key_ring.version(), edition.version)
}

#[test]
fn a_sync_that_is_killed_does_no_harm() {
    let times = env::var("GREENGATE_FAULTS").ok().and_then(|times| times.parse().ok());
    let times: u32 = times.unwrap_or(20);
    let (desk, before) = (Desk::new(), tempdir().unwrap());
    desk.publish(1, &[]);
    drop(desk.terminal(before.path()));
    desk.publish(2, &[]);
    let url = Asked::default().address(&desk.publisher.out(), |_| usize::MAX);
    let source = || Source::Web(Web::new(&url).unwrap());

    let state = tempdir().unwrap();
    copy(before.path(), &state.path().join("whole"));
    let started = Instant::now();
    assert!(child(&state.path().join("whole"), &url).wait().unwrap().success());
    let whole = started.elapsed();

    let (mut interrupted, mut resumed) = (0, 0);
    for round in 0..times {
        let state = tempdir().unwrap();
        let state = state.path().join("state");
        copy(before.path(), &state);
        // Twice, so that what one has left over is there for the other to be killed in.
        for part in [round, times - round] {
            let mut child = child(&state, &url);
            let (end, ended) = mpsc::channel::<()>();
            let mut said = child.stdout.take().unwrap();
            let reader = thread::spawn(move || {
                io::copy(&mut said, &mut io::sink()).unwrap();
                drop(end);
            });
            if ended.recv_timeout(whole * part / times) == Err(RecvTimeoutError::Timeout) {
                child.kill().unwrap();
                interrupted += 1;
            }
            child.wait().unwrap();
            reader.join().unwrap();
            let found = versions(&Store::open(&state).unwrap());
            assert!([(1, 1), (2, 2)].contains(&found), "round {round}: {found:?}");
        }
        resumed += left_over(&state).len();
        let mut store = Store::open(&state).unwrap();
        let synced = sync(&mut store, &source(), clock::now());
        let expected = [Synced::Updated, Synced::NothingNew];
        assert!(expected.contains(&synced.unwrap()), "round {round}");
        assert_eq!(versions(&store), (2, 2), "round {round}");
        store.verify_log().unwrap();
        sweep(&store, clock::now()).unwrap();
        assert_eq!(left_over(&state), Vec::<PathBuf>::new(), "round {round}");
        let kept = fs::read_dir(state.join("revocations")).unwrap();
        let kept = kept.filter(|entry| entry.as_ref().unwrap().file_name() != ".lock");
        assert_eq!(kept.count(), 1, "round {round}");
    }
    println!(
        "killed {interrupted} of {} syncs: none did harm, {resumed} files left over",
        2 * times
    );
}
