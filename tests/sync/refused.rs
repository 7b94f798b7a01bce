//! What is refused, and that nothing changes then.

use std::{
    fs,
    io::{self, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    thread,
    time::Duration,
};

use chrono::TimeDelta;
use greengate::{
    authority::repository::Rotation,
    clock::{self, Timestamp},
    store::{InstallError, Store},
    sync::{Source, Synced, Web, sync},
    trust::TrustFiles,
};
use serde_json::Value;

use crate::{
    Publisher, Terminal, canonical, key_files, lists, second_version,
    server::{head, server, well},
    sha256,
};

#[test]
fn a_terminal_without_a_root_takes_nothing_and_one_with_a_root_nothing_unsigned() {
    let publisher = Publisher::with_lists();
    let mut store = Store::in_memory().unwrap();
    let error = sync(&mut store, &publisher.source(), clock::now()).unwrap_err();
    assert_eq!(error.code(), "Y10");
    store.install(&lists(1), clock::now()).unwrap();

    let mut terminal = Terminal::new(&publisher);
    let refused = terminal.store.install(&lists(1), clock::now());
    assert!(matches!(refused, Err(InstallError::Unsigned)), "{refused:?}");
    assert_eq!(terminal.version(), None);
}

#[test]
fn nothing_goes_back() {
    let publisher = Publisher::with_lists();
    let past = publisher.fork();
    publisher.publish(2);
    let mut terminal = Terminal::synced(&publisher);

    let error = terminal.refuses(&past.source());
    assert_eq!(error.code(), "Y21");
    assert_eq!(
        error.to_string(),
        "the timestamp metadata have version 1, and 2 is installed: this copy is older than what \
         the terminal knows; use a newer copy"
    );

    // Whoever has the timestamp's key alone.
    let snapshot_back = past.fork();
    snapshot_back.sign_timestamp();
    snapshot_back.sign_timestamp();
    let error = terminal.refuses(&snapshot_back.source());
    assert_eq!(error.code(), "Y21");
    assert!(
        error.to_string().starts_with("the snapshot metadata have version 1, and 2"),
        "{error}"
    );

    // Whoever has the snapshot's key too.
    let targets_back = publisher.fork();
    fs::copy(past.metadata("1.targets.json"), targets_back.metadata("1.targets.json")).unwrap();
    let targets = fs::read(targets_back.metadata("1.targets.json")).unwrap();
    fs::copy(targets_back.metadata("2.snapshot.json"), targets_back.metadata("3.snapshot.json"))
        .unwrap();
    let snapshot = targets_back.forge("3.snapshot.json", "snapshot", |signed| {
        signed["version"] = 3.into();
        signed["meta"]["targets.json"]["version"] = 1.into();
        signed["meta"]["targets.json"]["length"] = targets.len().into();
        signed["meta"]["targets.json"]["hashes"]["sha256"] = sha256(&targets).into();
    });
    targets_back.forge("timestamp.json", "timestamp", |signed| {
        signed["version"] = 3.into();
        signed["meta"]["snapshot.json"]["version"] = 3.into();
        signed["meta"]["snapshot.json"]["length"] = snapshot.len().into();
        signed["meta"]["snapshot.json"]["hashes"]["sha256"] = sha256(&snapshot).into();
    });
    let error = terminal.refuses(&targets_back.source());
    assert_eq!(error.code(), "Y21");
    assert!(error.to_string().starts_with("the targets metadata have version 1, and 2"), "{error}");

    // Whoever has every key but the root's: the lists have versions and dates of their own.
    let lists_back = publisher.fork();
    lists_back.publish(1);
    let error = terminal.refuses(&lists_back.source());
    assert_eq!(error.code(), "Y41");
    assert_eq!(
        error.to_string(),
        "key-ring.json: version 1 is older than the installed 2; tell the authority; the installed \
         lists stay"
    );
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn one_version_has_one_text() {
    let publisher = Publisher::with_lists();
    let other = publisher.fork();
    publisher.publish(2);
    other.publish(3);
    let mut terminal = Terminal::synced(&publisher);
    let error = terminal.refuses(&other.source());
    assert_eq!(error.code(), "Y28");
}

#[test]
fn what_has_expired_is_refused_by_the_time_of_day_and_by_the_time_that_is_given() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    publisher.publish(2);
    let days = |days| publisher.now + TimeDelta::days(days);
    let cases = [
        ("the last second", days(7) - TimeDelta::seconds(1), None),
        ("the timestamp", days(7), Some("the timestamp metadata expired at ")),
        ("after a year", days(365), Some("the root metadata expired at ")),
        ("after ten years", days(3650), Some("the root metadata expired at ")),
    ];
    for (name, now, refused) in cases.into_iter().rev() {
        if let Some(words) = refused {
            let error = terminal.refuses_at(&publisher.source(), now);
            assert_eq!(error.code(), "Y20", "{name}");
            assert!(error.to_string().starts_with(words), "{name}: {error}");
        } else {
            let synced = sync(&mut terminal.store, &publisher.source(), now).unwrap();
            assert_eq!(synced, Synced::Updated, "{name}");
        }
    }

    // The same by the system's clock: a repository that nobody has signed for eight days.
    let frozen = Publisher::new(clock::now() - TimeDelta::days(8));
    frozen.publish(1);
    let mut terminal = Terminal::new(&frozen);
    for now in [clock::now(), frozen.now] {
        let error = terminal.refuses_at(&frozen.source(), now);
        assert_eq!(error.code(), "Y20");
    }
    // Its own authority makes it good again.
    let frozen = Publisher { now: clock::now(), ..frozen };
    frozen.sign_timestamp();
    terminal.takes(&frozen.source());
}

#[test]
fn a_wrong_clock_fetches_nothing_and_is_no_lasting_harm() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::new(&publisher);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    // Without lists there is no floor, but no clock shows these years.
    for now in ["1970-01-01T00:00:00Z", "2019-12-31T23:59:59Z"] {
        assert_eq!(terminal.refuses_at(&publisher.source(), at(now)).code(), "Y11", "{now}");
    }
    terminal.takes(&publisher.source());
    publisher.publish(2);
    // The lists were issued on 2021-11-19 at 20:00:01.
    let error = terminal.refuses_at(&publisher.source(), at("2021-11-19T19:58:00Z"));
    assert_eq!(error.code(), "Y11");
    assert_eq!(terminal.refuses_at(&publisher.source(), at("2036-01-01T00:00:00Z")).code(), "Y20");
    terminal.takes(&publisher.source());
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn files_of_several_versions_do_not_go_together() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let past = publisher.fork();
    publisher.publish(2);
    let list = |publisher: &Publisher, name: &str| {
        let bytes = fs::read(publisher.metadata(name)).unwrap();
        let targets: Value = serde_json::from_slice(&bytes).unwrap();
        let hash = &targets["signed"]["targets"]["policy.json"]["hashes"]["sha256"];
        publisher.out().join("targets").join(format!("{}.policy.json", hash.as_str().unwrap()))
    };
    let cases = [
        (
            "snapshot",
            past.metadata("1.snapshot.json"),
            publisher.metadata("2.snapshot.json"),
            "Y22",
        ),
        ("targets", past.metadata("1.targets.json"), publisher.metadata("2.targets.json"), "Y22"),
        ("policy", list(&past, "1.targets.json"), list(&publisher, "2.targets.json"), "Y23"),
    ];
    for (name, old, new, code) in cases {
        let kept = fs::read(&new).unwrap();
        fs::copy(&old, &new).unwrap();
        assert_eq!(terminal.refuses(&publisher.source()).code(), code, "{name}");
        fs::write(&new, kept).unwrap();
    }
    // An old timestamp beside new files.
    let kept = fs::read(publisher.metadata("timestamp.json")).unwrap();
    fs::copy(past.metadata("timestamp.json"), publisher.metadata("timestamp.json")).unwrap();
    let again = sync(&mut terminal.store, &publisher.source(), clock::now()).unwrap();
    assert_eq!(again, Synced::NothingNew);
    fs::write(publisher.metadata("timestamp.json"), kept).unwrap();
    terminal.takes(&publisher.source());
}

/// Every file that a sync of the second version reads: what it is called here, where it is, and the
/// codes with which it is refused when it is cut off and when it is longer than it was.
fn files_read(publisher: &Publisher) -> [(&'static str, PathBuf, &'static str, &'static str); 6] {
    [
        ("root", publisher.metadata("2.root.json"), "Y27", "Y24"),
        ("timestamp", publisher.metadata("timestamp.json"), "Y27", "Y24"),
        ("snapshot", publisher.metadata("2.snapshot.json"), "Y22", "Y24"),
        ("targets", publisher.metadata("2.targets.json"), "Y22", "Y24"),
        ("key ring", publisher.list("key-ring.json"), "Y23", "Y24"),
        ("policy", publisher.list("policy.json"), "Y23", "Y24"),
    ]
}

/// Has a terminal of its own sync each file that is read, changed in each of these ways.
fn every_change_is_refused(changes: impl Fn(&[u8], bool) -> Vec<(usize, Vec<u8>)> + Sync) {
    let check = |file: usize| {
        let (publisher, mut terminal) = second_version();
        let (name, path, ..) = files_read(&publisher)[file].clone();
        let whole = fs::read(&path).unwrap();
        let is_metadata = path.starts_with(publisher.out().join("metadata"));
        for (place, changed) in changes(&whole, is_metadata) {
            fs::write(&path, &changed).unwrap();
            let refused = sync(&mut terminal.store, &publisher.source(), clock::now());
            assert!(refused.is_err(), "{name} at {place}");
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(terminal.refuses(&publisher.source()).code(), files_read(&publisher)[file].2);
        fs::write(&path, whole).unwrap();
        assert_eq!(terminal.version(), Some(1), "{name}");
        terminal.takes(&publisher.source());
        assert_eq!(terminal.version(), Some(2), "{name}");
    };
    thread::scope(|scope| {
        for file in 0..6 {
            let check = &check;
            scope.spawn(move || check(file));
        }
    });
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    every_change_is_refused(|whole, is_metadata| {
        let lengths = (0..whole.len()).step_by(if is_metadata { 1 } else { 37 });
        lengths.map(|length| (length, whole[..length].to_vec())).collect()
    });
}

#[test]
fn what_is_altered_anywhere_is_refused() {
    every_change_is_refused(|whole, _| {
        let altered = (0..whole.len()).step_by(11).map(|place| {
            let mut altered = whole.to_vec();
            altered[place] ^= 1;
            (place, altered)
        });
        altered.collect()
    });
}

#[test]
fn what_is_too_long_or_missing_is_refused() {
    let (publisher, mut terminal) = second_version();
    for (name, path, _, code) in files_read(&publisher) {
        let whole = fs::read(&path).unwrap();
        let more = if code == "Y24" { 2 << 20 } else { 1 };
        fs::write(&path, [&whole[..], &vec![b' '; more]].concat()).unwrap();
        assert_eq!(terminal.refuses(&publisher.source()).code(), code, "{name} too long");
        fs::remove_file(&path).unwrap();
        // Without the second root, nobody can know that there is one; but it has no new keys.
        if name != "root" {
            assert_eq!(terminal.refuses(&publisher.source()).code(), "Y30", "{name} missing");
        }
        // Neither is a folder, nor what a link leads to outside.
        fs::create_dir(&path).unwrap();
        if name != "root" {
            assert_eq!(terminal.refuses(&publisher.source()).code(), "Y30", "{name} a folder");
        }
        fs::remove_dir(&path).unwrap();
        fs::write(&path, whole).unwrap();
    }
    terminal.takes(&publisher.source());

    // A byte more than the metadata say is too long too.
    publisher.publish(3);
    let path = publisher.metadata("3.snapshot.json");
    fs::write(&path, [&fs::read(&path).unwrap()[..], b" "].concat()).unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y24");
}

#[test]
fn another_root_is_not_followed() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let stranger = Publisher::with_lists();
    stranger.publish(2);
    let error = terminal.refuses(&stranger.source());
    assert_eq!(error.code(), "Y25");
    stranger.rotate(&[]);
    stranger.publish(3);
    assert_eq!(terminal.refuses(&stranger.source()).code(), "Y25");
    // The stranger's second root in our own repository.
    fs::copy(stranger.metadata("2.root.json"), publisher.metadata("2.root.json")).unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y25");
    assert_eq!(terminal.root(), 1);
}

#[test]
fn one_stolen_root_key_makes_no_root() {
    let publisher = Publisher::with_lists();
    let keys = key_files(&publisher.path("root-keys-1"));
    for keys in [&keys[..1], &[keys[0].clone(), keys[0].clone()]] {
        let rotation = Rotation { sign_with: keys.to_vec(), ..Rotation::default() };
        let refused = publisher.repository().rotate_root(&rotation, publisher.now).unwrap_err();
        assert_eq!(refused.to_string(), "1 of the root's keys are there, 2 must sign");
    }
    publisher.rotate(&[]);
    publisher.publish(2);
    let path = publisher.metadata("2.root.json");
    let mut root: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let signatures = root["signatures"].as_array_mut().unwrap();
    // Two of the old root's, two of its own: without any one of them it is none.
    assert_eq!(signatures.len(), 4);
    let whole = signatures.clone();
    for missing in 0..whole.len() {
        let mut fewer = whole.clone();
        fewer.remove(missing);
        root["signatures"] = fewer.into();
        fs::write(&path, canonical(&root)).unwrap();
        assert_eq!(Terminal::new(&publisher).refuses(&publisher.source()).code(), "Y25");
    }
}

#[test]
fn lists_that_cannot_be_used_are_refused_however_well_signed() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let cases = [
        ("no policy", TrustFiles { policy: None, ..lists(2) }, "Y40"),
        ("garbage", TrustFiles { key_ring: b"{}".to_vec(), ..lists(2) }, "Y41"),
        ("older", lists(0), "Y41"),
    ];
    for (name, files, code) in cases {
        publisher.publish_files(&files);
        assert_eq!(terminal.refuses(&publisher.source()).code(), code, "{name}");
    }
    publisher.publish(2);
    terminal.takes(&publisher.source());
}

#[test]
fn a_download_that_is_cut_off_again_and_again_is_given_up() {
    let (publisher, mut terminal) = second_version();
    for (name, path, ..) in files_read(&publisher) {
        let whole = fs::read(&path).unwrap();
        let cut_name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for length in (0..whole.len()).step_by(211) {
            let (out, cut_name, whole) = (publisher.out(), cut_name.clone(), whole.clone());
            let source = server(Box::new(move |client, path, _| {
                if path.ends_with(&cut_name) {
                    head(client, "200 OK", whole.len())?;
                    return client.write_all(&whole[..length]);
                }
                well(client, &out, path)
            }));
            let error = terminal.refuses(&source);
            assert_eq!(error.code(), "Y31", "{name} cut to {length}: {error}");
        }
    }
}

#[test]
fn a_server_that_is_not_well_is_refused_in_words() {
    let (publisher, mut terminal) = second_version();
    let endless = |client: &mut TcpStream| {
        write!(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        io::copy(&mut io::repeat(b' '), client).map(drop)
    };
    for file in
        ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "policy.json"]
    {
        let out = publisher.out();
        let source = server(Box::new(move |client, path, _| {
            if path.ends_with(file) { endless(client) } else { well(client, &out, path) }
        }));
        assert_eq!(terminal.refuses(&source).code(), "Y24", "{file} has no end");
    }
    let cases = [
        ("404 Not Found", "Y30"),
        ("401 Unauthorized", "Y31"),
        ("500 Internal Server Error", "Y31"),
        ("503 Service Unavailable", "Y31"),
        ("204 No Content", "Y31"),
    ];
    for (status, code) in cases {
        let source = server(Box::new(move |client, _, _| head(client, status, 0)));
        assert_eq!(terminal.refuses(&source).code(), code, "{status}");
    }
    // The page that a hotel shows to everybody.
    let source = server(Box::new(|client, _, _| {
        head(client, "200 OK", 13)?;
        client.write_all(b"<html></html>")
    }));
    assert_eq!(terminal.refuses(&source).code(), "Y27");
    // No HTTP at all.
    let source = server(Box::new(|client, _, _| client.write_all(b"220 smtp ready\r\n")));
    assert_eq!(terminal.refuses(&source).code(), "Y31");
    // Nobody.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let web = Web::new(&format!("http://{address}")).unwrap().with_attempts(2, Duration::ZERO);
    assert_eq!(terminal.refuses(&Source::Web(web)).code(), "Y31");
    assert_eq!(
        Web::new("ftp://example.com").unwrap_err().to_string(),
        "the URL: neither http nor https"
    );
}
