//! What an authority issues, and what is made of it at the gate.

use std::{cell::RefCell, fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    AUTHORITY, TERMINAL,
    common::{NOW, policy},
    lines, run, status, stderr, stdout,
};

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
fn a_look_up_extract_is_made_published_and_opened_by_a_token() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, token) = (path("authority"), path("token.json"));
    let done = |arguments: &[&str]| {
        let output = run(AUTHORITY, arguments);
        assert_eq!(status(&output), 0, "{arguments:?}: {}", stderr(&output));
        output
    };
    done(&["init", &authority, "--demo"]);
    let number = "11010519491231002X";
    let person = ["--number", number, "--at", NOW];
    done(&[&["person", "declare", &authority, "--name", "张三"], &person[..]].concat());
    let put = ["terminal", "put", &authority, "--terminal", "gate-3", "--place", "station"];
    done(&put);

    let extract =
        ["extract", &authority, "--terminal", "gate-3", "--county", "110105", "--at", NOW];
    let output = done(&[&extract[..], &["--days", "2", "--no-stretching"]].concat());
    let epoch = 1_637_366_400;
    assert_eq!(
        stdout(&output),
        format!("epoch {epoch}: 1 codes, 0 left out, until 2021-11-22T00:00:00Z\n")
    );
    assert_eq!(stderr(&output), "1 of 1 people\n1024 of 1024 rows sealed\n");
    let write = ["token", &authority, "--terminal", "gate-3", "--out", &token, "--at", NOW];
    done(&write);
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let written: Value = serde_json::from_slice(&fs::read(&token).unwrap()).unwrap();
    assert_eq!((&written["terminal"], &written["epoch"]), (&json!("gate-3"), &json!(epoch)));
    // What was there is not written over.
    assert_eq!(status(&run(AUTHORITY, &write)), 1);

    let (keys, out) = (path("root-keys"), path("out"));
    done(&["root", "init", &authority, &keys, "--at", NOW]);
    done(&["publish", &authority, &out, "--at", NOW]);
    let mut names = fs::read_dir(path("out/targets")).unwrap().map(|entry| entry.unwrap().path());
    let extract =
        names.find(|path| path.to_str().unwrap().ends_with(".roster-gate-3.bin")).unwrap();
    let roster = greengate::roster::Roster::open(&extract, "gate-3").unwrap();
    let opened = greengate::roster::EpochToken::open(Path::new(&token)).unwrap();
    roster.unlock(&opened).unwrap();

    let wrong = [
        ("no county", vec!["extract", &authority, "--terminal", "gate-3"], 2),
        (
            "five digits",
            vec!["extract", &authority, "--terminal", "gate-3", "--county", "11010"],
            2,
        ),
        ("nobody's", vec!["extract", &authority, "--terminal", "gate-4", "--county", "110105"], 1),
        ("none", vec!["token", &authority, "--terminal", "gate-4", "--out", &out], 1),
    ];
    for (case, arguments, expected) in wrong {
        assert_eq!(status(&run(AUTHORITY, &arguments)), expected, "{case}");
    }
}
