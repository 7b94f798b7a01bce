//! The built programs: standard output and exit status.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use chrono::{SecondsFormat, TimeDelta};
use common::{
    NOW, code, files, key, key_entry, key_ring, policy, recognition, text_of, usual_files,
};
use greengate::{
    clock::{self, Timestamp},
    credential::{Nat, NatOutcome, NatResult, NatSource},
    sync::Progress,
    trust::TrustFiles,
};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const TERMINAL: &str = env!("CARGO_BIN_EXE_greengate");
const AUTHORITY: &str = env!("CARGO_BIN_EXE_greengate-authority");

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A folder with these lists.
fn folder(files: &TrustFiles) -> TempDir {
    let folder = tempdir().unwrap();
    for (kind, bytes) in files.present() {
        fs::write(folder.path().join(kind.file_name()), bytes).unwrap();
    }
    folder
}

/// A folder with the usual lists.
fn trust() -> TempDir {
    folder(&usual_files())
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

fn verify(trust: &TempDir, arguments: &[&str]) -> Output {
    let first = ["verify", "--trust", path(trust), "--at", NOW];
    run(TERMINAL, &[&first[..], arguments].concat())
}

#[test]
fn a_verdict_is_an_exit_status_and_a_line() {
    let trust = trust();
    let codes = [
        (code(|_| {}), 0, "text: pass\n"),
        (code(|claims| claims.status = 3), 10, "text: deny: status is stop [E41]\n"),
        (code(|claims| claims.status = 0), 11, "text: refer: under review [E42]\n"),
        (
            code(|claims| claims.kind = greengate::credential::Kind::Paper),
            12,
            "text: check_id: paper code [E01]\n",
        ),
        (text_of(b"\0"), 13, "text: retry: malformed code [E12]\n"),
    ];
    for (code, expected, line) in codes {
        let output = verify(&trust, &["--text", code.as_str()]);
        assert_eq!(status(&output), expected, "{line}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), line);
    }
}

#[test]
fn json_says_what_scripts_ask_for() {
    let trust = trust();
    let output = verify(&trust, &["--json", "--text", code(|_| {}).as_str()]);
    let [answer] = lines(&output).try_into().unwrap();
    let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["input", "issuer", "kind", "latency_us", "reason", "verdict"]);
    assert_eq!(answer["verdict"], "pass");
    assert_eq!(answer["reason"], Value::Null);
    assert_eq!(answer["issuer"], 11);
    assert_eq!(answer["kind"], "phone");
    assert!(answer["latency_us"].is_u64());
}

#[test]
fn the_worst_picture_is_the_exit_status() {
    let trust = trust();
    let folder = tempdir().unwrap();
    let save = |name: &str, code| {
        let path = folder.path().join(name);
        let modules = greengate::authority::print::Modules::of(&code).unwrap();
        modules.picture().save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let green = save("green.png", code(|_| {}));
    let red = save("red.png", code(|claims| claims.status = 3));
    let review = save("review.png", code(|claims| claims.status = 0));
    let poster = save("poster.png", common::text("https://example.com"));
    let cases: [(&[&String], i32); 5] = [
        (&[&green], 0),
        (&[&green, &poster], 13),
        (&[&poster, &review], 11),
        (&[&red, &review, &poster, &green], 10),
        (&[&green, &green], 0),
    ];
    for (images, expected) in cases {
        let images: Vec<_> = images.iter().map(|image| image.as_str()).collect();
        assert_eq!(status(&verify(&trust, &images)), expected, "{images:?}");
    }
    let missing = verify(&trust, &[&green, "missing.png"]);
    assert_eq!(status(&missing), 1, "no judgement is no pass");

    let output = run(TERMINAL, &["read", "--json", &green, &poster]);
    let [first, second] = lines(&output).try_into().unwrap();
    assert_eq!(first["texts"], json!([code(|_| {}).as_str()]));
    assert_eq!(second["texts"], json!(["https://example.com"]));
    assert_eq!((status(&output), &first["seen"]), (0, &json!(1)));
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let trust = trust();
    let mut child = Command::new(TERMINAL)
        .args(["verify", "--json", "--batch", "-", "--trust", path(&trust)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let green = code(|_| {});
    let green = green.as_str();
    let asked = [
        json!({"id": 1, "text": green, "at": NOW, "place": "park"}).to_string(),
        json!({"id": "again", "text": green, "at": NOW}).to_string(),
        json!({"id": [2], "text": green, "at": "2021-11-20T19:00:00+08:00"}).to_string(),
        "{\"id\": 3, \"text\":".to_owned(),
        String::new(),
        json!({"id": 4, "at": NOW}).to_string(),
        json!({"id": 5, "text": "x", "image": "x"}).to_string(),
        json!({"id": 6, "text": "x", "at": "yesterday"}).to_string(),
        json!({"id": 7, "text": "x", "place": "moon"}).to_string(),
        json!({"id": 8, "image": "missing.png"}).to_string(),
        "[1]".to_owned(),
        json!({"id": 9, "text": "9".repeat(50_000), "at": NOW}).to_string(),
        json!({"text": green, "at": NOW, "expected": "pass"}).to_string(),
    ];
    child.stdin.take().unwrap().write_all(asked.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers = lines(&output);
    let told = |answer: &Value| {
        let told = ["id", "verdict", "reason"].map(|member| answer[member].clone());
        (told, answer.get("error").is_some())
    };
    let answered = |id: Value, verdict: &str, reason: Value| ([id, verdict.into(), reason], false);
    let refused = |id: Value| ([id, Value::Null, Value::Null], true);
    let expected = [
        answered(json!(1), "pass", Value::Null),
        answered(json!("again"), "pass", Value::Null),
        answered(json!([2]), "deny", json!("E31")),
        refused(Value::Null),
        refused(json!(4)),
        refused(json!(5)),
        refused(json!(6)),
        refused(json!(7)),
        refused(json!(8)),
        refused(Value::Null),
        answered(json!(9), "retry", json!("E11")),
        answered(Value::Null, "pass", Value::Null),
    ];
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(status(&output), 0);
}

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
fn an_authoritys_codes_are_believed_by_who_has_its_lists() {
    let folder = tempdir().unwrap();
    let authority = folder.path().join("authority");
    let authority = authority.to_str().unwrap();
    let trust = folder.path().join("trust");
    let trust = trust.to_str().unwrap();
    let done = |arguments: &[&str]| {
        let output = run(AUTHORITY, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(status(&output), 0, "{arguments:?}: {said}");
        output
    };
    let early = "2021-11-01T00:00:00Z";
    done(&["init", authority]);
    let made = done(&["key", "new", authority, "--issuer", "11", "--at", early]);
    let kid = String::from_utf8(made.stdout).unwrap();
    done(&["trust", authority, trust, "--at", "2021-11-19T20:00:00Z"]);

    let key = Path::new(authority).join("keys").join(format!("11-{}.key", kid.trim()));
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&key).unwrap();

    let issue = |file: &str, more: &[&str]| {
        let out = folder.path().join(file).to_str().unwrap().to_owned();
        let first = [
            "issue",
            authority,
            "--issuer",
            "11",
            "--out",
            &out,
            "--issued",
            "2021-11-19T23:00:00Z",
        ];
        let output = done(&[&first[..], more].concat());
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
        out
    };
    let all = [
        "--kind",
        "paper",
        "--name",
        "欧阳娜娜",
        "--id-tail",
        "1234",
        "--commuter",
        "13",
        "--nat",
        "negative",
        "--nat-source",
        "municipal",
        "--nat-sampled",
        "2021-11-18T01:00:00Z",
        "--vaccination",
        "2:2021-09-30",
        "--travel",
        "medium",
        "--visited",
        "110106:2021-11-12",
        "--bound",
        "child:0102030405060708",
    ];
    let cases = [
        ("phone.png", &["--kind", "phone"][..], 0),
        ("paper.png", &["--kind", "paper"], 12),
        ("everything.png", &all, 12),
        ("red.png", &["--kind", "phone", "--status", "3"], 10),
    ];
    for (file, more, expected) in cases {
        let image = issue(file, more);
        let output = run(TERMINAL, &["verify", "--trust", trust, "--at", NOW, &image]);
        assert_eq!(status(&output), expected, "{file}");
    }

    let written = fs::read_to_string(issue("code.txt", &["--kind", "phone"])).unwrap();
    let output =
        run(TERMINAL, &["verify", "--trust", trust, "--at", NOW, "--text", written.trim_end()]);
    assert_eq!(status(&output), 0);
    let svg = fs::read_to_string(issue("sheet.svg", &["--kind", "paper"])).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("mm\""));

    let registers = Path::new(authority).join("authority.db");
    assert_eq!(fs::metadata(&registers).unwrap().permissions().mode() & 0o777, 0o600);
    let registers = fs::read(registers).unwrap();
    let is_secret = |bytes: &[u8]| bytes == secret.trim().as_bytes();
    let found = registers.windows(secret.trim().len()).any(is_secret);
    assert!(!found, "a private key stands in its own file alone");
    let again = run(AUTHORITY, &["init", authority]);
    assert_eq!(status(&again), 1, "an authority is not set up twice");
    let stranger = run(
        AUTHORITY,
        &["issue", authority, "--issuer", "12", "--kind", "phone", "--out", "x.png"],
    );
    assert_eq!(
        String::from_utf8(stranger.stderr).unwrap(),
        "greengate-authority: issuer 12 has no key in use: make one first\n"
    );
}

#[test]
fn what_the_registers_say_is_judged_at_the_gate() {
    let folder = tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, trust) = (inside("authority"), inside("trust"));
    let heard = RefCell::new(String::new());
    let ask = |words: &[&str], flags: &[&str]| {
        let output = run(AUTHORITY, &[words, &[&authority], flags].concat());
        for said in [&output.stdout, &output.stderr] {
            heard.borrow_mut().push_str(std::str::from_utf8(said).unwrap());
        }
        output
    };
    let done = |words: &[&str], flags: &[&str]| {
        let output = ask(words, flags);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(status(&output), 0, "{words:?} {flags:?}: {said}");
    };
    let refused = |words: &[&str], flags: &[&str], usage: bool, expected: &str| {
        let output = ask(words, flags);
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(said.lines().next(), Some(expected), "{words:?}");
        assert_eq!(status(&output), if usage { 2 } else { 1 }, "{words:?}");
    };
    let early = "2021-11-01T00:00:00Z";
    let (commuter, traveller) = ("130102199003074515", "152501198703082225");
    let (mother, child) = ("11010519491231002X", "110105201503120016");

    done(&["init"], &[]);
    for issuer in ["11", "15", "156"] {
        done(&["key", "new"], &["--issuer", issuer, "--at", early]);
    }
    for (number, name) in
        [(commuter, "赵明远"), (traveller, "乌兰其其格"), (mother, "李晓梅"), (child, "李小宝")]
    {
        let number = ["--number", number, "--at", early];
        done(&["person", "declare"], &[&number[..], &["--name", name]].concat());
        done(&["person", "review"], &number);
        done(&["person", "audit"], &[&number[..], &["--health", "normal"]].concat());
    }
    let enrolled = ["--home", "13", "--from", "2021-11-10", "--until", "2021-11-30"];
    done(&["commuter", "enrol"], &[&["--number", commuter][..], &enrolled].concat());
    let sampled = ["--sampled", "2021-11-18T01:00:00Z", "--uploaded", "2021-11-18T09:00:00Z"];
    let test = ["--number", commuter, "--source", "municipal", "--result", "negative"];
    done(&["nat", "add"], &[&test[..], &sampled].concat());
    let doses = ["--number", commuter, "--doses", "2", "--day", "2021-09-30"];
    done(&["vaccination", "add"], &doses);
    let visited = ["--number", commuter, "--visited", "130102:2021-11-19", "--at", early];
    done(&["travel", "set"], &visited);
    let area = ["--area", "620102", "--level", "high", "--from", "2021-11-10"];
    done(&["risk", "add"], &area);
    done(&["risk", "lift"], &["--area", "620102", "--to", "2021-11-19"]);
    let exception = [
        "--issuer",
        "15",
        "--place",
        "rail_checkpoint",
        "--place",
        "station",
        "--from",
        "2021-11-19T00:00:00Z",
        "--to",
        "2021-11-25T00:00:00Z",
        "--filing",
        "备案2021-12号",
        "--instead-zh",
        "请出示国家平台健康码",
        "--instead-en",
        "Show the national code",
    ];
    done(&["exception", "file"], &[&exception[..], &["--at", early]].concat());
    let bond = ["--guardian", mother, "--dependant", child, "--relation", "child"];
    done(&["binding", "add"], &[&bond[..], &["--consent", "form 12"]].concat());
    let statuses = ["--status", "0=review", "--status", "8=normal"];
    done(&["transcoding", "set"], &[&["--issuer", "156"][..], &statuses].concat());
    let korea = ["--country", "KR", "--agreement", "2021-3", "--place", "airport"];
    let dates = ["--from", early, "--to", "2021-12-01T00:00:00Z"];
    done(&["partner", "add"], &[&korea[..], &dates].concat());
    done(&["partner", "end"], &["--country", "KR", "--at", "2021-11-20T00:00:00Z"]);
    let names = ["--name-zh", "韩国", "--name-en", "Korea", "--at", early];
    done(&["partner", "key"], &[&["--issuer", "410"][..], &names].concat());

    let mut pack = policy();
    pack["rules"] = json!([{
        "id": "COMMUTERS", "version": 1, "places": ["rail_checkpoint"],
        "kinds": ["phone"],
        "when": {"and": [
            {"===": [{"var": "payload.issuer"}, 11]}, {"!": [{"var": "payload.bound"}]},
        ]},
        "require": {"!": [{"!": [{"var": "payload.commuter"}]}]},
        "otherwise": {"verdict": "deny", "reason": "E53"},
        "text": {"zh": "通勤", "en": "Commuters alone"},
    }]);
    let pack_file = inside("pack.json");
    fs::write(&pack_file, pack.to_string()).unwrap();
    let cases_file = inside("cases.json");
    let golden = |rule: &str| {
        json!({"cases": [
            {"name": "commuter", "at": NOW, "code": {"commuter": 13}, "expect": {"verdict": "pass"}},
            {
                "name": "no commuter", "at": NOW, "places": ["rail_checkpoint"], "code": {},
                "expect": {"verdict": "deny", "reason": "E53", "rule": rule},
            },
        ]})
        .to_string()
    };
    fs::write(&cases_file, golden("LOCALS")).unwrap();
    let check = ["policy", "check", &pack_file, "--cases", &cases_file];
    let failed = run(AUTHORITY, &check);
    assert_eq!(
        (status(&failed), stdout(&failed), stderr(&failed)),
        (
            1,
            "failed: no commuter, at rail_checkpoint: expected deny E53 LOCALS, came out deny E53 \
             COMMUTERS\n12 golden cases run, 1 failed\n"
                .to_owned(),
            "greengate-authority: 1 of the golden cases came out otherwise\n".to_owned()
        )
    );
    fs::write(&cases_file, golden("COMMUTERS")).unwrap();
    assert_eq!(stdout(&run(AUTHORITY, &check)), "12 golden cases run, 0 failed\n");
    done(&["policy", "set"], &[&pack_file, "--cases", &cases_file]);
    done(&["trust"], &[&trust, "--at", "2021-11-19T20:00:00Z"]);
    assert_eq!(fs::read_to_string(format!("{trust}/policy.json")).unwrap(), pack.to_string());

    let issue = |number: &str, issuer: &str, file: &str| {
        let out = inside(file);
        let flags = ["--number", number, "--issuer", issuer, "--kind", "phone", "--out", &out];
        done(&["issue"], &[&flags[..], &["--at", "2021-11-19T23:00:00Z"]].concat());
        out
    };
    let guardian = issue(mother, "11", "mother.png");
    let local = issue(traveller, "15", "local.png");
    let converted = inside("converted.png");
    let at = ["--at", "2021-11-19T23:30:00Z"];
    done(&["transcode"], &[&["--code", &local, "--out", &converted][..], &at].concat());
    let cases = [
        ("a commuter", issue(commuter, "11", "commuter.png"), 0, Value::Null),
        ("no commuter", guardian, 10, json!("E53")),
        ("an exception", local, 11, json!("E60")),
        ("a bound child", issue(child, "11", "child.png"), 12, json!("E02")),
        ("a converted code", converted, 0, Value::Null),
    ];
    for (case, file, expected, reason) in cases {
        let arguments = ["verify", "--json", "--trust", &trust, "--at", NOW, &file];
        let output = run(TERMINAL, &arguments);
        let [answer] = lines(&output).try_into().unwrap();
        assert_eq!((status(&output), &answer["reason"]), (expected, &reason), "{case}");
    }

    let code = ["--issuer", "11", "--kind", "phone", "--out", "x.png"];
    done(&["person", "withdraw"], &["--number", mother]);
    done(&["commuter", "withdraw"], &["--number", commuter]);
    done(&["binding", "remove"], &["--dependant", child]);
    let number = "greengate-authority: the declaration under this number is withdrawn: no code can \
                  be issued";
    let form = "error: --number <NUMBER>: a document's number has 4 to 32 ASCII letters and digits";
    let refusals: [(&[&str], &[&str], bool, &str); 8] = [
        (&["issue"], &[&["--number", mother][..], &code].concat(), false, number),
        (
            &["issue"],
            &[&["--number", mother, "--name", "李晓梅"][..], &code].concat(),
            true,
            "error: the argument '--number <NUMBER>' cannot be used with '--name <NAME>'",
        ),
        (
            &["person", "declare"],
            &["--number", commuter, "--name", "赵明远"],
            false,
            "greengate-authority: a declaration that is audited cannot be declared again",
        ),
        (
            &["commuter", "expire"],
            &["--number", commuter, "--until", "2021-11-12"],
            false,
            "greengate-authority: nobody is enrolled as a commuter under this number",
        ),
        (
            &["binding", "add"],
            &["--guardian", child, "--dependant", child, "--relation", "other", "--consent", "yes"],
            false,
            "greengate-authority: nobody is bound to themselves",
        ),
        (&["person", "review"], &["--number", &format!("{mother} {child}")], true, form),
        (&["person", "review"], &[mother], true, "error: unexpected argument '...' found"),
        (
            &["person", "declare"],
            &["--number", mother, "--name", &"李晓梅".repeat(11)],
            true,
            "error: --name <NAME>: a name has 1 to 32 characters",
        ),
    ];
    for (words, flags, usage, expected) in refusals {
        refused(words, flags, usage, expected);
    }
    let heard = heard.into_inner();
    for private in [commuter, traveller, mother, child, "赵明远", "乌兰其其格", "李晓梅", "李小宝"]
    {
        assert!(!heard.contains(private), "no name and no number is ever said");
    }
}

#[test]
fn wrong_usage_is_not_a_verdict() {
    let cases: [&[&str]; 5] = [
        &["verify"],
        &["verify", "--text", "a", "b.png"],
        &["verify", "--place", "moon", "--text", "a"],
        &["verify", "--at", "noon", "--text", "a"],
        &["frobnicate"],
    ];
    for arguments in cases {
        assert_eq!(status(&run(TERMINAL, arguments)), 2, "{arguments:?}");
    }
    let nowhere = run(TERMINAL, &["verify", "--trust", "/nowhere", "--text", "a"]);
    assert_eq!(status(&nowhere), 70);
}

/// The 14-day rule, its table, and what the zone of the machine has to do with it: nothing.
#[test]
fn days_change_at_midnight_in_shanghai_whatever_the_zone() {
    // Source: REQUIREMENTS, section 3: the day of the upload, and the first instant of denial.
    let table = [
        ("2021-11-06", "2021-11-21"),
        ("2023-02-15", "2023-03-02"),
        ("2024-02-15", "2024-03-01"),
        ("2024-02-29", "2024-03-15"),
        ("2023-12-25", "2024-01-09"),
    ];
    for (day, denied) in table {
        let midnight: Timestamp = format!("{denied}T00:00:00+08:00").parse().unwrap();
        let mut rules = policy();
        rules["issued"] = (midnight - TimeDelta::hours(3)).to_rfc3339().into();
        rules["rules"] = json!([{
            "id": "CN-R2", "version": 1, "places": ["rail_checkpoint"], "kinds": ["phone"],
            "when": true, "require": {"<=": [0, {"var": "payload.nat.age_days"}, 14]},
            "otherwise": {"verdict": "deny", "reason": "E51"}, "text": {"zh": "-", "en": "-"},
        }]);
        let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
        let trust = folder(&files(&ring, &recognition(), &rules));
        let trust = trust.path().to_str().unwrap();
        let lines = ["00:00:00", "23:59:00"].map(|time| {
            let uploaded: Timestamp = format!("{day}T{time}+08:00").parse().unwrap();
            let code = code(|claims| {
                claims.issued = midnight - TimeDelta::hours(1);
                claims.expires = midnight + TimeDelta::hours(1);
                let outcome =
                    NatOutcome::Known { result: NatResult::Negative, reported: uploaded, uploaded };
                claims.nat = Some(Nat { source: NatSource::National, sampled: uploaded, outcome });
            });
            [-1, 0, 600].map(|second| {
                let at = (midnight + TimeDelta::seconds(second)).to_rfc3339();
                json!({"text": code.as_str(), "at": at, "place": "rail_checkpoint"}).to_string()
            })
        });
        let batch = tempfile::NamedTempFile::new().unwrap();
        fs::write(batch.path(), lines.concat().join("\n")).unwrap();
        let batch = batch.path().to_str().unwrap();
        for zone in [None, Some("UTC"), Some("America/New_York"), Some("Asia/Shanghai")] {
            let mut command = Command::new(TERMINAL);
            command.args(["verify", "--trust", trust, "--batch", batch, "--json"]);
            match zone {
                None => command.env_remove("TZ"),
                Some(zone) => command.env("TZ", zone),
            };
            let answers = self::lines(&command.output().unwrap());
            let verdicts: Vec<_> = answers
                .iter()
                .map(|answer| (answer["verdict"].as_str().unwrap(), answer["reason"].as_str()))
                .collect();
            let (good, late) = (("pass", None), ("deny", Some("E51")));
            assert_eq!(verdicts, [good, late, late, good, late, late], "{day}, {zone:?}");
        }
    }
}

#[test]
fn why_is_said_with_rules_values_and_versions() {
    let mut rules = policy();
    rules["rules"] = json!([{
        "id": "CN-R2", "version": 4, "places": ["rail_checkpoint"], "kinds": ["phone"],
        "when": true, "require": {"!": [{"!": [{"var": "payload.nat"}]}]},
        "otherwise": {"verdict": "deny", "reason": "E50"}, "text": {"zh": "-", "en": "-"},
    }]);
    let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
    let trust = folder(&files(&ring, &recognition(), &rules));
    let trust = trust.path().to_str().unwrap();
    let text = code(|_| {});
    let arguments = ["verify", "--trust", trust, "--at", NOW, "--explain", "--text", text.as_str()];
    let told = run(TERMINAL, &arguments);
    let expected = "\
text: deny: no nucleic-acid test [E50]
  good          clock: floor = 2021-11-19T20:00:00Z, now = 2021-11-20T00:00:00Z
  good          policy: place = rail_checkpoint, policy = TEST 5
  good          trust_age: age = 4 h, check ID after = 48 h, refer after = 168 h
  good          form
  good          key: issuer = 11
  good          signature
  good          retirement
  good          dates: at most = 24 h, expires = 2021-11-20T11:00:00Z, issued = 2021-11-19T23:00:00Z
  good          revocation: list = 2021-11, version = none
  good          recognition
  good          status: means = normal, status = 1
  failed        rule CN-R2 version 4 [E50]: payload.nat = null
  not_reached   repeat
  not_reached   document
  by key-ring.json version 7 of 2021-11-19 20:00:00 UTC
  by recognition.json version 3 of 2021-11-19 20:00:00 UTC
  by policy.json version 5 of 2021-11-19 20:00:00 UTC
";
    assert_eq!((status(&told), stdout(&told).as_str()), (10, expected));
    let told = &lines(&run(TERMINAL, &[&arguments[..], &["--json"]].concat()))[0];
    assert_eq!(told["rule"], json!({"id": "CN-R2", "version": 4}));
    assert_eq!(
        told["explanation"]["checks"][11],
        json!({
            "check": "rule", "rule": {"id": "CN-R2", "version": 4}, "outcome": "failed",
            "reason": "E50", "saw": {"payload.nat": "null"},
        })
    );
    let list = json!({"file": "policy.json", "version": 5, "issued": "2021-11-19T20:00:00Z"});
    assert_eq!(told["explanation"]["trust"][2], list);
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
    let last = progress.last().unwrap();
    assert_eq!(last.done, last.total);
    assert!(progress.iter().all(|progress| progress.total == last.total));
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
