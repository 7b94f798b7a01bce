//! What a sync brings back that was damaged.

use std::{fs, path::Path};

use greengate::{
    clock,
    store::{Store, StoreError},
    sync::{Synced, sync},
};
use tempfile::tempdir;

use crate::{Publisher, Terminal};

/// The store's own database, by hand.
fn by_hand(state: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(state.join("greengate.db")).unwrap();
    let key = fs::read_to_string(state.join("greengate.key")).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection
}

#[test]
fn lists_that_cannot_be_used_any_more_come_back() {
    let publisher = Publisher::with_lists();
    let past = publisher.fork();
    publisher.publish(2);
    let state = tempdir().unwrap();
    let mut terminal = Terminal::of(Store::open(state.path()).unwrap(), &publisher);
    terminal.takes(&publisher.source());
    let basis = terminal.store.load_basis().unwrap();
    for damaged in ["key-ring.json", "recognition.json", "policy.json"] {
        let changed = by_hand(state.path())
            .execute("UPDATE document SET bytes = X'7B' WHERE file = ?1", [damaged])
            .unwrap();
        assert_eq!(changed, 1, "{damaged}");
        // Nothing is judged by the rest of them.
        let loaded = terminal.store.load_basis();
        assert!(matches!(loaded, Err(StoreError::Trust(_))), "{damaged}: {loaded:?}");
        let floor = terminal.store.trusted().unwrap().unwrap().floor;
        assert!(floor.instant() >= basis.floor.instant(), "{damaged}: it stands without them");
        // What is older does not come in by way of the damage.
        let refused = sync(&mut terminal.store, &past.source(), clock::now()).unwrap_err();
        assert_eq!(refused.code(), "Y21", "{damaged}");
        let synced = sync(&mut terminal.store, &publisher.source(), clock::now()).unwrap();
        assert_eq!(synced, Synced::Updated, "{damaged}");
        assert_eq!(terminal.store.load_basis().unwrap().trust, basis.trust, "{damaged}");
    }
}
