//! What a terminal keeps: where it stands, its lists, and its record.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use chrono::{SecondsFormat, TimeDelta};
use greengate::{clock, sync::Progress};
use tempfile::{TempDir, tempdir};

use crate::{
    AUTHORITY, TERMINAL,
    common::{NOW, code, files, key, key_entry, key_ring, policy, recognition},
    lines, path, run, status, stderr, stdout, trust,
};

#[test]
fn a_terminal_without_lists_passes_nobody() {
    let state = tempdir().unwrap();
    let terminal =
        |arguments: &[&str]| run(TERMINAL, &[&["--state", path(&state)], arguments].concat());
    let show = terminal(&["trust", "show"]);
    assert_eq!(
        String::from_utf8(show.stdout).unwrap(),
        "not provisioned: everybody is referred [E73]\n"
    );
    let green = code(|_| {});
    let output = terminal(&["verify", "--at", NOW, "--text", green.as_str()]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "text: refer: no policy to judge by [E73]\n"
    );

    let trust = trust();
    assert_eq!(status(&terminal(&["trust", "import", path(&trust)])), 0);
    let unplaced = terminal(&["verify", "--at", NOW, "--text", green.as_str()]);
    assert_eq!(status(&unplaced), 11, "no place");
    assert_eq!(status(&terminal(&["provision", "--place", "station", "--gate", "B2"])), 0);
    assert_eq!(status(&terminal(&["verify", "--at", NOW, "--text", green.as_str()])), 0);

    let shown = terminal(&["trust", "show", "--json"]);
    let [shown] = lines(&shown).try_into().unwrap();
    assert_eq!(shown["provisioned"], true);
    assert_eq!(shown["documents"][0]["version"], 7);
    assert_eq!(shown["issuers"][0]["keys"][0]["status"], "active");

    // The present is years after these lists: a real look refuses, and is kept.
    let now = terminal(&["verify", "--text", green.as_str()]);
    assert_eq!(
        String::from_utf8(now.stdout).unwrap(),
        "text: refer: trust data is past its limit [E71]\n"
    );
}

#[test]
fn an_older_list_is_refused_and_a_broken_one() {
    let state = tempdir().unwrap();
    let import = |folder: &TempDir| {
        run(TERMINAL, &["--state", path(&state), "trust", "import", path(folder)])
    };
    let trust = trust();
    assert_eq!(status(&import(&trust)), 0);
    let mut older = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
    older["version"] = 6.into();
    for (kind, bytes) in files(&older, &recognition(), &policy()).present() {
        fs::write(trust.path().join(kind.file_name()), bytes).unwrap();
    }
    let refused = import(&trust);
    assert_eq!(status(&refused), 1);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(said, "greengate: key-ring.json: version 6 is older than the installed 7\n");

    fs::write(trust.path().join("policy.json"), "{\"name\":").unwrap();
    let broken = import(&trust);
    assert_eq!(status(&broken), 1);
    assert!(
        String::from_utf8(broken.stderr)
            .unwrap()
            .starts_with("greengate: policy.json: not well formed")
    );
    let empty = tempdir().unwrap();
    assert_eq!(status(&import(&empty)), 1);
}

#[test]
fn a_code_that_comes_again_is_told_from_one_that_is_new() {
    let folder = tempdir().unwrap();
    let (authority, trust) = (folder.path().join("authority"), folder.path().join("trust"));
    let (authority, trust) = (authority.to_str().unwrap(), trust.to_str().unwrap());
    let state = folder.path().join("state");
    let terminal = |arguments: &[&str]| {
        run(TERMINAL, &[&["--state", state.to_str().unwrap()][..], arguments].concat())
    };
    let out = folder.path().join("code.txt");
    let out = out.to_str().unwrap();
    let issue = ["issue", authority, "--issuer", "11", "--kind", "phone", "--out", out];
    for arguments in [&["init", authority, "--demo"][..], &["trust", authority, trust], &issue] {
        assert_eq!(status(&run(AUTHORITY, arguments)), 0, "{arguments:?}");
    }
    assert_eq!(status(&terminal(&["trust", "import", trust])), 0);
    let place = ["provision", "--place", "park", "--gate", "B2"];
    assert_eq!(status(&terminal(&place)), 0);
    let text = fs::read_to_string(out).unwrap();
    let text = text.trim_end();
    assert_eq!(stdout(&terminal(&["verify", "--text", text])), "text: pass\n");
    let again = terminal(&["verify", "--explain", "--text", text]);
    assert_eq!(status(&again), 11);
    assert!(stdout(&again).starts_with("text: refer: shown here already [E80]\n"));
    assert!(stdout(&again).contains("failed        repeat [E80]: gate = B2, last let pass = "));
    // A question is no event: it neither counts nor is counted.
    assert_eq!(stdout(&terminal(&["verify", "--place", "dock", "--text", text])), "text: pass\n");
}

#[test]
fn the_record_is_checked_handed_out_and_checked_again() {
    let folder = tempdir().unwrap();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let terminal =
        |arguments: &[&str]| run(TERMINAL, &[&["--state", state][..], arguments].concat());
    assert_eq!(status(&terminal(&["provision", "--place", "park", "--gate", "=1"])), 0);
    let trust = trust();
    assert_eq!(status(&terminal(&["trust", "import", path(&trust)])), 0);
    let text = code(|_| {});
    assert_eq!(status(&terminal(&["verify", "--text", text.as_str()])), 11, "lists of 2021");
    let whole = terminal(&["audit", "verify"]);
    assert_eq!(
        (status(&whole), stdout(&whole).as_str()),
        (0, "records 1 to 2 are whole; 0 checkpoints\n")
    );

    let table = stdout(&terminal(&["audit", "export", "--csv"]));
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..5], ["id", "at", "event", "gate", "verdict"]);
    assert_eq!((rows[1][2], rows[1][3]), ("installed", "'=1"), "no formula");
    assert_eq!((rows[2][2], rows[2][4], rows[2][5]), ("scan", "refer", "E71"));

    let export = stdout(&terminal(&["audit", "export", "--json"]));
    let key = stdout(&terminal(&["audit", "key"]));
    let key = key.trim().split(' ').nth(1).unwrap();
    let file = folder.path().join("export.jsonl");
    let check = |bytes: &str| {
        fs::write(&file, bytes).unwrap();
        let file = file.to_str().unwrap();
        let checked = terminal(&["audit", "verify", "--file", file, "--key", key]);
        (status(&checked), stdout(&checked) + &stderr(&checked).replace(file, "FILE"))
    };
    let (exit, said) = check(&export);
    assert_eq!(exit, 0, "{said}");
    assert!(said.starts_with("records 1 to 2 are whole, signed by greengate/"), "{said}");
    let without = |line: usize| {
        let lines = export.lines().enumerate().filter(|(index, _)| *index != line);
        lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
    };
    let cases = [
        (
            "changed",
            export.replace("\"E71\"", "\"E31\""),
            "FILE: record 2 is not what the chain says",
        ),
        ("cut off", without(2), "FILE: the checkpoint is of other records"),
        ("cut out", without(1), "FILE: record 1 is missing"),
        ("no beginning", without(0), "FILE: not an export"),
        ("no end", without(3), "FILE: the end is missing"),
        ("a letter", "dear all".to_owned(), "FILE: not an export"),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(check(&bytes), (1, format!("greengate: {expected}\n")), "{name}");
    }
    // Nothing that is kept or handed out says whose code it was, in the clear or as it was shown.
    let kept = fs::read_dir(state).unwrap();
    let files = kept.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut kept: Vec<_> = files.map(|path| fs::read(path).unwrap()).collect();
    kept.extend([export.into_bytes(), table.into_bytes()]);
    for personal in ["张**", "002X", &text.as_str()[5..40]] {
        for bytes in &kept {
            let found = bytes.windows(personal.len()).any(|window| window == personal.as_bytes());
            assert!(!found, "{personal}");
        }
    }
    // An old copy is not taken for the present, until somebody says why it is.
    let database = Path::new(state).join("greengate.db");
    let old = fs::read(&database).unwrap();
    assert_eq!(status(&terminal(&["verify", "--text", "HELLO"])), 11);
    fs::write(&database, old).unwrap();
    let refused = terminal(&["verify", "--text", "HELLO"]);
    assert_eq!(status(&refused), 70);
    assert!(stderr(&refused).contains("an old copy, or a lost end"), "{}", stderr(&refused));
    assert_eq!(status(&terminal(&["audit", "accept", "--reason", "disk replaced"])), 0);
    assert_eq!(status(&terminal(&["audit", "verify"])), 0);
}

#[test]
fn the_demonstration_shows_each_verdict_for_its_reason() {
    let output = run(TERMINAL, &["demo", "--headless"]);
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "\
commuter, tested the day before yesterday: pass
commuter who has to be tested again: pass
commuter tested 15 days ago: deny: nucleic-acid test too old [E51] by CN-R2-DAYS
commuter who was never tested: deny: no nucleic-acid test [E50] by CN-R2-TEST
commuter whose test has no result yet: refer: nucleic-acid test without a result yet [E54] by CN-R2-RESULT
commuter whose later test is positive: deny: nucleic-acid test positive [E52] by CN-NAT-POSITIVE
national platform code: pass
green code of another province: pass
code converted by the national platform: pass
code of a withdrawn series: refer: code series is withdrawn [E61]
province that is not recognised for now: refer: province is excepted here [E60]
declaration under review: refer: under review [E42]
red code: deny: status is stop [E41]
yellow code: deny: status is watch [E40]
status that is not mapped: refer: unmapped status [E43]
has been to an area of risk: refer: has been to an area of risk [E55] by CN-R12-CARD
area that the newest list has: refer: has been to an area of risk [E55] by CN-R12-LIST
nobody knows where from: pass
mother: pass
her child, by a bound code: check_id: bound code [E02]
her father, by a bound code: check_id: bound code [E02]
paper code: check_id: paper code [E01]
partner abroad: pass
partner whose agreement is over: refer: partner agreement is not in force [E62]
expired code: deny: expired [E31]
screenshot of an old code: deny: too old for its kind [E32]
screenshot of the first one's code: refer: shown here already [E80]
forged code: deny: signature does not match [E20]
key that nobody knows: refer: unknown issuer or key [E21]
advertisement: retry: not a health code [E11]
smeared paper: retry: seen but unreadable [E10]
";
    assert_eq!(said, expected);
}

#[test]
fn what_an_authority_publishes_a_terminal_takes_and_nothing_else() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, out, keys) = (path("authority"), path("out"), path("keys"));
    let (state, root) = (path("state"), path("root.json"));
    let issue = |arguments: &[&str]| run(AUTHORITY, arguments);
    let sync = |source: &[&str]| run(TERMINAL, &[&["--state", &state, "sync"], source].concat());

    assert_eq!(status(&issue(&["init", &authority, "--demo"])), 0);
    let output = issue(&["publish", &authority, &out]);
    assert_eq!(
        (status(&output), stderr(&output)),
        (1, "greengate-authority: there is no root yet: make one with `root init`\n".to_owned())
    );
    assert_eq!(status(&issue(&["root", "init", &authority, &keys])), 0);
    assert_eq!(status(&issue(&["root", "init", &authority, &keys])), 1);
    for entry in fs::read_dir(&keys).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::write(&root, issue(&["root", "show", &authority]).stdout).unwrap();
    assert_eq!(status(&issue(&["publish", &authority, &out, "--with", &root])), 0);

    // Not yet provisioned.
    let output = sync(&["--from", &out]);
    assert_eq!(status(&output), 1);
    assert!(stderr(&output).ends_with("[Y10]\n"), "{}", stderr(&output));
    let provision = ["--state", &state, "provision", "--place", "park", "--root", &root];
    assert_eq!(status(&run(TERMINAL, &provision)), 0);
    assert_eq!(status(&run(TERMINAL, &provision)), 0);

    let output = sync(&["--from", &out]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("updated\nkey-ring.json version 1, issued "));
    assert_eq!(stderr(&output), "");
    assert!(stdout(&sync(&["--from", &out])).starts_with("nothing new\n"));
    let lists = path("lists");
    assert_eq!(status(&issue(&["trust", &authority, &lists])), 0);
    for folder in [&lists, &out] {
        let output = run(TERMINAL, &["--state", &state, "trust", "import", folder]);
        assert_eq!(status(&output), 1);
        assert!(stderr(&output).contains("has a trusted root"), "{}", stderr(&output));
    }

    // A code that is revoked passes until the next sync.
    let code = path("code.txt");
    let expires = clock::now() + TimeDelta::hours(20);
    let expires = expires.to_rfc3339_opts(SecondsFormat::Secs, true);
    let id = ["--issuer", "11", "--code-id", "0011223344556677", "--expires", &expires];
    let by_hand = [&["issue", &authority][..], &id, &["--kind", "phone", "--out", &code]].concat();
    assert_eq!(status(&issue(&by_hand)), 0);
    let text = fs::read_to_string(&code).unwrap();
    let verify = || {
        let output =
            run(TERMINAL, &["--state", &state, "verify", "--place", "park", "--text", text.trim()]);
        stdout(&output)
    };
    assert_eq!(verify(), "text: pass\n");
    let output = issue(&[&["revoke", &authority][..], &id].concat());
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert_eq!(status(&issue(&["publish", &authority, &out])), 0);
    let output = sync(&["--from", &out]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert_eq!(verify(), "text: deny: code was revoked [E24]\n");
    // Without that list nobody of its month passes, until the next sync brings it back.
    let kept = folder.path().join("state/revocations");
    let list = |path: &Path| path.extension().is_some_and(|extension| extension == "bin");
    let paths = || fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path());
    for path in paths().filter(|path| list(path)) {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(verify(), "text: refer: no policy to judge by [E73]\n");
    assert_eq!(status(&issue(&["publish", &authority, &out])), 0);
    assert_eq!(status(&sync(&["--from", &out])), 0);
    assert_eq!(verify(), "text: deny: code was revoked [E24]\n");

    // The next root and the next lists, by wire.
    let files = fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.map(|path| path.to_str().unwrap().to_owned()).collect();
    let rotate = ["root", "rotate", &authority, "--key", &files[0]];
    assert_eq!(status(&issue(&rotate)), 1);
    let output = issue(&[&rotate[..], &["--key", &files[1], "--replace", "timestamp"]].concat());
    assert_eq!(stdout(&output), "root version 2\n", "{}", stderr(&output));
    assert_eq!(status(&issue(&["publish", &authority, &out])), 0);
    let mut server = Command::new(AUTHORITY)
        .args(["serve", &out, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let output = sync(&["--url", url.trim(), "--progress", "--progress-lines"]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    let said = stdout(&output);
    let (progress, rest) = said.split_once("updated\n").unwrap();
    assert!(rest.starts_with("key-ring.json version 5, issued "), "{rest}");
    let progress: Vec<Progress> = progress.lines().map(|line| line.parse().unwrap()).collect();
    let end = progress.last().unwrap();
    assert_eq!(end.done, end.total);
    assert!(progress.iter().all(|progress| progress.total == end.total));
    assert!(stderr(&output).ends_with(" MB, 100%\x1b[K\n"), "{}", stderr(&output));

    // What was published a year ago.
    let long_ago = ["publish", &authority, &out, "--at", "2021-11-20T00:00:00Z"];
    assert_eq!(status(&issue(&long_ago)), 0);
    let output = sync(&["--from", &out]);
    assert_eq!(status(&output), 1);
    assert!(stderr(&output).ends_with("[Y20]\n"), "{}", stderr(&output));
    assert_eq!(status(&issue(&["timestamp", &authority, &out])), 1);
    assert_eq!(status(&sync(&[])), 2);
    assert_eq!(status(&sync(&["--url", "http://a", "--from", "b"])), 2);
}

#[test]
fn a_terminal_stands_where_its_authority_has_said_and_nowhere_else() {
    let root = tempdir().unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let (authority, state, other) = (at("authority"), at("state"), at("other"));
    let done = |program: &str, arguments: &[&str]| {
        let output = run(program, arguments);
        assert_eq!(status(&output), 0, "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let refused = |state: &str, arguments: &[&str]| {
        let output = run(TERMINAL, &[&["--state", state, "provision"], arguments].concat());
        assert_eq!(status(&output), 1, "{arguments:?}");
        stderr(&output)
    };
    for (authority, terminal) in [(&authority, "beijing-west-3"), (&other, "elsewhere")] {
        done(AUTHORITY, &["init", authority, "--demo"]);
        done(AUTHORITY, &["root", "init", authority, &format!("{authority}-keys")]);
        let put = ["terminal", "put", authority, "--terminal", terminal, "--place", "station"];
        done(AUTHORITY, &[&put[..], &["--name-zh", "北京西站", "--gate", "B2"]].concat());
    }
    let bundle = |authority: &str, name: &str, more: &[&str]| {
        let out = at(name);
        let terminal = if authority == other { "elsewhere" } else { "beijing-west-3" };
        let made = ["terminal", "bundle", authority, "--terminal", terminal, "--out", &out];
        done(AUTHORITY, &[&made[..], more].concat());
        out
    };
    let listed = done(AUTHORITY, &["terminal", "list", &authority]);
    assert_eq!(listed, "beijing-west-3\tstation\t北京西站\tRailway station\tB2\n");

    // Before there is a root, its own vouches for a bundle.
    let first = bundle(&authority, "first", &[]);
    let bytes = fs::read(&first).unwrap();
    let altered = String::from_utf8(bytes.clone()).unwrap().replace("\"station\"", "\"park\"");
    fs::write(at("altered"), &altered).unwrap();
    fs::write(at("cut"), &bytes[..bytes.len() - 1]).unwrap();
    let past = bundle(&authority, "past", &["--at", "2021-11-20T08:00:00+08:00"]);
    let future = bundle(&authority, "future", &["--at", "2099-11-20T08:00:00+08:00"]);
    let cases = [
        ("altered", at("altered"), "[Y54]"),
        ("cut off", at("cut"), "[Y52]"),
        ("of long ago", past, "[Y51]"),
        ("of the future", future, "[Y50]"),
    ];
    for (name, path, code) in cases {
        let said = refused(&state, &["--bundle", &path]);
        assert!(said.trim_end().ends_with(code), "{name}: {said}");
    }
    let done_by = |path: &str| done(TERMINAL, &["--state", &state, "provision", "--bundle", path]);
    let said = "beijing-west-3: station, 北京西站 Railway station, gate B2\n";
    assert_eq!(done_by(&first), said);

    // From then on the terminal's own does.
    let said = refused(&state, &["--bundle", &first]);
    assert!(said.trim_end().ends_with("[Y55]"), "a second time: {said}");
    let said = refused(&state, &["--bundle", &bundle(&other, "others", &[])]);
    assert!(said.trim_end().ends_with("[Y53]"), "another authority's: {said}");
    let said = refused(&state, &["--place", "park"]);
    assert!(said.contains("another place comes in a bundle"), "by hand: {said}");
    done_by(&bundle(&authority, "again", &[]));
    let log = done(TERMINAL, &["--state", &state, "audit", "export", "--csv"]);
    let provisioned = log.lines().filter(|line| line.contains(",provisioned,")).count();
    assert_eq!(provisioned, 2, "{log}");

    done(AUTHORITY, &["terminal", "remove", &authority, "--terminal", "beijing-west-3"]);
    let gone = ["terminal", "bundle", &authority, "--terminal", "beijing-west-3", "--out", &first];
    assert_eq!(status(&run(AUTHORITY, &gone)), 1);
}
