//! Operators, shift reports, and registrations by hand.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use greengate::{
    clock,
    registration::{self, Person, PersonName, Registration, RegistrationReason},
    store::Store,
};
use tempfile::tempdir;

use crate::{AUTHORITY, TERMINAL, common::code, path, run, run_with, status, stderr, stdout};

#[test]
fn operators_are_put_down_with_pins_from_standard_input() {
    let state = tempdir().unwrap();
    let operator = |arguments: &[&str], input: &str| {
        let first = ["--state", path(&state), "operator"];
        run_with(TERMINAL, &[&first[..], arguments].concat(), input)
    };
    let add = |number, role| ["add", number, "--role", role, "--by", "9"];
    let cases: [(&[&str], &str, i32, &str); 12] = [
        (
            &["add", "1001", "--role", "staff"],
            "271828\n",
            1,
            "greengate: the first operator is a maintainer [S53]\n",
        ),
        (
            &["add", "9", "--role", "maintainer"],
            "123456\n",
            1,
            "greengate: this PIN is too easy to guess: no runs, no repetitions, not the staff number [S02]\n",
        ),
        (&["add", "9", "--role", "maintainer", "--name", "王五"], "902817\n", 0, ""),
        (
            &["add", "8", "--role", "maintainer"],
            "902817\n",
            1,
            "greengate: only a maintainer changes the list of operators [S54]\n",
        ),
        (&add("1001", "staff"), "902817\n271828\n", 0, ""),
        (&add("1003", "supervisor"), "902817\n271828\n", 0, ""),
        (
            &add("1003", "staff"),
            "902817\n271828\n",
            1,
            "greengate: this staff number is taken [S51]\n",
        ),
        (
            &add("1004", "staff"),
            "902817\n",
            1,
            "greengate: standard input has no new PIN of 1004\n",
        ),
        (
            &["reset", "1001", "--by", "1003"],
            "271828\n314159\n",
            1,
            "greengate: only a maintainer changes the list of operators [S54]\n",
        ),
        (&["reset", "1001", "--by", "9"], "902817\n314159\n", 0, ""),
        (
            &["remove", "9", "--by", "9"],
            "902817\n",
            1,
            "greengate: the last maintainer stays: add another first [S52]\n",
        ),
        (&["remove", "1003", "--by", "9"], "902817\n", 0, ""),
    ];
    for (arguments, input, expected, said) in cases {
        let output = operator(arguments, input);
        assert_eq!((status(&output), stderr(&output).as_str()), (expected, said), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    let wrong = operator(&["remove", "1001", "--by", "9"], "111222\n");
    assert_eq!(status(&wrong), 1);
    assert_eq!(stderr(&wrong), "greengate: staff number or PIN is wrong [S62]\n");
    let list = operator(&["list"], "");
    assert_eq!(stdout(&list), "1001\tstaff\t0\t\n9\tmaintainer\t1\t王五\n");
    let log = run(TERMINAL, &["--state", path(&state), "audit", "export", "--csv"]);
    for secret in ["902817", "271828", "314159", "王五", "argon2"] {
        assert!(!stdout(&log).contains(secret), "{secret}");
    }
}

#[test]
fn a_shift_is_reported_carried_away_and_checked() {
    let (state, stick) = (tempdir().unwrap(), tempdir().unwrap());
    let terminal =
        |arguments: &[&str]| run(TERMINAL, &[&["--state", path(&state)], arguments].concat());
    let green = code(|_| {});
    assert_eq!(status(&terminal(&["verify", "--text", green.as_str()])), 11);
    let report = terminal(&["shift", "report"]);
    assert_eq!(status(&report), 0, "{}", stderr(&report));
    assert!(
        stdout(&report).contains("\nverdict\trefer\t1\nreason\tE73\t1\n"),
        "{}",
        stdout(&report)
    );
    let export = terminal(&["shift", "export", path(&stick)]);
    let written = stdout(&export);
    let files: Vec<_> = written.lines().collect();
    let [csv, json, svg] = files[..] else { panic!("{written}") };
    let forms = [csv, json, svg].map(|file| file.rsplit('.').next().unwrap());
    assert_eq!(forms, ["csv", "json", "svg"]);
    assert!(fs::read_to_string(csv).unwrap().contains("\nreason,,,E73,,1\n"));
    let key = stdout(&terminal(&["audit", "key"]));
    let key = key.split_whitespace().last().unwrap();
    let verify = |file| run(TERMINAL, &["shift", "verify", file, "--key", key]);
    let good = verify(json);
    assert_eq!(status(&good), 0, "{}", stderr(&good));
    assert!(stdout(&good).contains("\nverdict\trefer\t1\n"), "{}", stdout(&good));
    let forged = fs::read_to_string(json).unwrap().replace("\"count\": 1", "\"count\": 9");
    fs::write(json, forged).unwrap();
    let bad = verify(json);
    assert_eq!(status(&bad), 1);
    let said = format!(
        "greengate: {json}: the report is not signed by this terminal, or was changed [S42]\n"
    );
    assert_eq!(stderr(&bad), said);
    assert_eq!(status(&verify(svg)), 1);
    assert_eq!(status(&terminal(&["audit", "verify"])), 0);
}

#[test]
fn a_registration_goes_to_the_authority_and_is_erased() {
    let folder = tempdir().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, keys, bundle, state) =
        (name("authority"), name("keys"), name("gate-3.json"), name("state"));
    for arguments in [
        &["init", &authority][..],
        &["root", "init", &authority, &keys],
        &["terminal", "put", &authority, "--terminal", "gate-3", "--place", "park"],
        &["terminal", "bundle", &authority, "--terminal", "gate-3", "--out", &bundle],
    ] {
        let output = run(AUTHORITY, arguments);
        assert_eq!(status(&output), 0, "{arguments:?}: {}", stderr(&output));
    }
    let terminal = |arguments: &[&str]| run(TERMINAL, &[&["--state", &state], arguments].concat());
    assert_eq!(status(&terminal(&["provision", "--bundle", &bundle])), 0);
    let mut store = Store::open(folder.path().join("state").as_path()).unwrap();
    assert_eq!(store.terminal().unwrap(), Some("gate-3".to_owned()));
    let registration = Registration {
        person: Person::new(PersonName::new("张小三").unwrap(), None),
        reason: RegistrationReason::NoDocument,
        guardian: None,
        staff: "1001".parse().unwrap(),
        terminal: store.terminal().unwrap(),
        at: "2021-11-20T00:00:00Z".parse().unwrap(),
    };
    let sealed = registration.seal(&store.sealing_key().unwrap().unwrap()).unwrap();
    store.keep_registration(&sealed, &registration.staff, clock::now()).unwrap();
    drop(store);

    assert_eq!(stdout(&terminal(&["registration", "count"])), "1\n");
    let export = terminal(&["registration", "export", &name("stick")]);
    assert_eq!(status(&export), 0, "{}", stderr(&export));
    assert_eq!(stdout(&terminal(&["registration", "count"])), "0\n");
    let file = stdout(&export).trim_end().to_owned();
    let opened = run(AUTHORITY, &["registration", "open", &authority, &file]);
    assert_eq!(
        stdout(&opened),
        "{\"person\":{\"name\":\"张小三\",\"document\":null},\"reason\":\"no_document\",\
         \"guardian\":null,\"staff\":\"1001\",\"terminal\":\"gate-3\",\"at\":\"2021-11-20T00:00:00Z\"}\n"
    );
    // Another authority opens nothing, and one that has no key says so.
    let other = name("other");
    assert_eq!(status(&run(AUTHORITY, &["init", &other])), 0);
    assert_eq!(status(&run(AUTHORITY, &["registration", "open", &other, &file])), 1);
    let key = folder.path().join("other/keys/registration.key");
    fs::write(key, STANDARD.encode([5; 32])).unwrap();
    let refused = run(AUTHORITY, &["registration", "open", &other, &file]);
    assert_eq!(
        stderr(&refused),
        format!("greengate-authority: {file}: sealed for another key, or changed since [G14]\n")
    );
}

#[test]
fn a_stick_brings_the_extract_of_this_terminal_and_takes_registrations_along() {
    let folder = tempdir().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, out, state) = (name("authority"), name("out"), name("state"));
    let done = |program: &str, arguments: &[&str]| {
        let output = run(program, arguments);
        assert_eq!(status(&output), 0, "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    done(AUTHORITY, &["init", &authority, "--demo"]);
    done(AUTHORITY, &["root", "init", &authority, &name("keys")]);
    let county = ["--county", "110105", "--no-stretching"];
    for terminal in ["desk-1", "desk-2"] {
        let put = ["terminal", "put", &authority, "--terminal", terminal, "--place", "station"];
        done(AUTHORITY, &put);
        let extract = ["extract", &authority, "--terminal", terminal];
        done(AUTHORITY, &[&extract[..], &county].concat());
    }
    done(AUTHORITY, &["publish", &authority, &out]);
    let bundle = ["terminal", "bundle", &authority, "--terminal", "desk-1", "--out"];
    done(AUTHORITY, &[&bundle[..], &[&name("bundle.json")]].concat());
    let terminal = |arguments: &[&str]| done(TERMINAL, &[&["--state", &state], arguments].concat());
    terminal(&["provision", "--bundle", &name("bundle.json")]);
    terminal(&["sync", "--from", &out]);
    let kept = || {
        let entries = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("roster"));
        names
    };
    assert_eq!(kept(), ["roster-desk-1.bin"], "its own, and no other");
    let bytes = || fs::read(folder.path().join("state/roster-desk-1.bin")).unwrap();
    let first = bytes();

    // The next one takes its place.
    let extract = ["extract", &authority, "--terminal", "desk-1"];
    done(AUTHORITY, &[&extract[..], &county].concat());
    done(AUTHORITY, &["publish", &authority, &out]);
    let mut store = Store::open(&folder.path().join("state")).unwrap();
    let registration = Registration {
        person: Person::new(PersonName::new("张三").unwrap(), None),
        reason: RegistrationReason::NoDocument,
        guardian: None,
        staff: "2001".parse().unwrap(),
        terminal: None,
        at: clock::now(),
    };
    let sealed = registration.seal(&store.sealing_key().unwrap().unwrap()).unwrap();
    store.keep_registration(&sealed, &registration.staff, clock::now()).unwrap();
    drop(store);
    terminal(&["sync", "--from", &out]);
    assert_eq!(kept(), ["roster-desk-1.bin"]);
    assert_ne!(bytes(), first);
    assert_eq!(terminal(&["registration", "count"]), "0\n");
    let taken = fs::read_dir(folder.path().join("out/registrations")).unwrap();
    let taken: Vec<_> = taken.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(taken, [sealed]);
    // The next one goes by wire: to a server that takes it.
    let mut store = Store::open(&folder.path().join("state")).unwrap();
    let sealed = registration.seal(&store.sealing_key().unwrap().unwrap()).unwrap();
    store.keep_registration(&sealed, &registration.staff, clock::now()).unwrap();
    drop(store);
    let mut server = Command::new(AUTHORITY)
        .args(["serve", &out, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let url = url.trim();
    let state_and = |arguments: &[&str]| run(TERMINAL, &[&["--state", &state], arguments].concat());
    let synced = state_and(&["sync", "--url", url]);
    let again = state_and(&["sync", "--url", url]);
    server.kill().unwrap();
    server.wait().unwrap();
    let first = "nothing new\nregistrations taken along: 1\nkey-ring.json version 2, issued ";
    assert!(stdout(&synced).starts_with(first), "{} {}", stdout(&synced), stderr(&synced));
    assert_eq!(status(&synced), 0);
    assert!(stdout(&again).starts_with("nothing new\nkey-ring.json "), "{}", stdout(&again));
    assert_eq!(terminal(&["registration", "count"]), "0\n");
    let file = format!("{out}/registrations/{}", registration::file_name(&sealed).unwrap());
    let opened = done(AUTHORITY, &["registration", "open", &authority, &file]);
    assert!(opened.starts_with("{\"person\":{\"name\":\"张三\","), "{opened}");

    // What the web server has for each desk.
    let tokens = name("tokens");
    let written = done(AUTHORITY, &["tokens", &authority, &tokens]);
    let desks: Vec<_> = written.lines().map(|line| line.split_once('\t').unwrap().0).collect();
    assert_eq!(desks, ["desk-1", "desk-2"]);
    assert!(folder.path().join("tokens/token-desk-1.json").exists());
}
