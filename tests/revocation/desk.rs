//! From the desk that revokes a code to the gate that stops it.

use std::{
    cell::RefCell,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Output},
};

use greengate::{
    authority::{Authority, AuthorityError, FullName, Health},
    credential::{CodeId, Credential, Kind, verify},
    id_document::NumberText,
    issuer::IssuerId,
    key_ring::KeyRing,
    revocation::{Revocations, Standing, read_folder},
};
use tempfile::tempdir;

use crate::common::{NOW, at};

const BEIJING: IssuerId = IssuerId::new(11);
const EARLY: &str = "2021-11-01T00:00:00Z";
const NUMBER: &str = "11010519491231002X";

fn number() -> NumberText {
    NumberText::new(NUMBER).unwrap()
}

fn numbered(byte: u8) -> CodeId {
    CodeId::new(vec![byte; 12]).unwrap()
}

fn said<T>(outcome: Result<T, AuthorityError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "done".to_owned())
}

/// What is in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("revocations"));
    names.sort();
    names
}

/// The version of each list.
fn versions(revocations: &Revocations) -> Vec<(String, u64, Option<u64>)> {
    let lists = revocations.lists();
    lists.map(|(list, count)| (list.list.to_string(), list.version, count)).collect()
}

#[test]
fn a_code_is_revoked_for_the_month_in_which_it_expires() {
    let folder = tempdir().unwrap();
    let mut authority = Authority::init(folder.path()).unwrap();
    authority.new_key(BEIJING, at(EARLY)).unwrap();
    authority.declare(&number(), &FullName::new("张三").unwrap(), at(EARLY)).unwrap();
    authority.review(&number(), at(EARLY)).unwrap();
    authority.audit(&number(), Health::Normal, at(EARLY)).unwrap();
    let text = authority.issue_for(&number(), BEIJING, Kind::Phone, at(NOW)).unwrap();
    let ring = KeyRing::parse(&authority.publish(at(NOW)).unwrap().key_ring).unwrap();
    let issued = verify(Credential::parse(&text).unwrap(), &ring).unwrap().claims().clone();

    let (known, later) = (Some(issued.expires), Some(at("2021-12-05T00:00:00Z")));
    let mut revoke =
        |code: &CodeId, expires| said(authority.revoke(BEIJING, code, expires, at(NOW)));
    let cases = [
        (
            "nobody knows when",
            &numbered(1),
            None,
            "the registers do not have this code: say when it expires",
        ),
        (
            "over",
            &numbered(1),
            Some(at(NOW)),
            "the code expired at 2021-11-20 00:00:00 UTC, and is good for nothing anyway",
        ),
        ("another authority's", &numbered(1), later, "done"),
        ("again", &numbered(1), None, "done"),
        (
            "another month",
            &issued.code_id,
            later,
            "the code expires at 2021-11-21 00:00:00 UTC, and not then",
        ),
        ("its own month", &issued.code_id, known, "done"),
    ];
    for (name, code, expires, expected) in cases {
        assert_eq!(revoke(code, expires), expected, "{name}");
    }
    assert_eq!(
        said(authority.reinstate(BEIJING, &numbered(2), at(NOW))),
        "no such code is revoked"
    );
    let stranger = NumberText::new("110105201503120016").unwrap();
    assert_eq!(
        said(authority.revoke_all(&stranger, at(NOW))),
        "this person has no code in the registers that has not expired"
    );
    assert_eq!(said(authority.reinstate_all(&stranger, at(NOW))), "no such code is revoked");

    let out = tempdir().unwrap();
    authority.publish_to(out.path(), at(NOW)).unwrap();
    let lists = read_folder(out.path()).unwrap();
    let standing = |code: &CodeId, expires: &str| lists.standing(BEIJING, code, at(expires));
    assert_eq!(standing(&numbered(1), "2021-12-05T00:00:00Z"), Standing::Listed);
    assert_eq!(standing(&numbered(1), "2021-11-30T00:00:00Z"), Standing::NotListed);
    assert_eq!(standing(&issued.code_id, "2021-11-21T00:00:00Z"), Standing::Listed);
    assert_eq!(authority.reinstate_all(&number(), at(NOW)).unwrap(), 1);
    assert_eq!(authority.revoke_all(&number(), at(NOW)).unwrap(), 1);
    assert_eq!(
        said(authority.revoke_all(&number(), issued.expires)),
        "this person has no code in the registers that has not expired"
    );
}

#[test]
fn a_lists_version_rises_when_it_changes_and_what_changed_stands_beside_it() {
    let folder = tempdir().unwrap();
    let mut authority = Authority::init(folder.path()).unwrap();
    authority.new_key(BEIJING, at(EARLY)).unwrap();
    let expires = Some(at("2021-11-25T00:00:00Z"));
    let out = tempdir().unwrap();
    let path = out.path();
    let base = path.join("revocations-11-202111.bin");
    let november =
        |version, count| vec![("revocations-11-202111".to_owned(), version, Some(count))];

    authority.publish_to(path, at(NOW)).unwrap();
    assert_eq!(names(path), Vec::<String>::new(), "nothing is revoked");
    for byte in 0..100 {
        authority.revoke(BEIJING, &numbered(byte), expires, at(NOW)).unwrap();
    }
    authority.publish_to(path, at(NOW)).unwrap();
    assert_eq!(names(path), ["revocations-11-202111.bin"]);
    assert_eq!(versions(&read_folder(path).unwrap()), november(1, 100));
    let first = fs::read(&base).unwrap();

    authority.revoke(BEIJING, &numbered(0), expires, at(NOW)).unwrap();
    authority.publish_to(path, at(NOW)).unwrap();
    assert_eq!(fs::read(&base).unwrap(), first, "what was revoked stays so");

    authority.revoke(BEIJING, &numbered(100), expires, at(NOW)).unwrap();
    authority.reinstate(BEIJING, &numbered(7), at(NOW)).unwrap();
    authority.publish_to(path, at(NOW)).unwrap();
    let second = read_folder(path).unwrap();
    assert_eq!(versions(&second), november(2, 100));
    authority.reinstate(BEIJING, &numbered(100), at(NOW)).unwrap();
    authority.revoke(BEIJING, &numbered(7), expires, at(NOW)).unwrap();
    authority.publish_to(path, at(NOW)).unwrap();
    assert_eq!(
        names(path),
        [
            "revocations-11-202111-1-2.delta",
            "revocations-11-202111-2-3.delta",
            "revocations-11-202111.bin"
        ]
    );
    let third = read_folder(path).unwrap();
    assert_eq!(versions(&third), november(3, 100));
    let given = |code: &CodeId| third.standing(BEIJING, code, at("2021-11-25T00:00:00Z"));
    assert_eq!(given(&numbered(7)), Standing::Listed);
    assert_eq!(given(&numbered(100)), Standing::NotListed);

    // The first list and both changes are the third list.
    fs::write(&base, first).unwrap();
    assert_eq!(read_folder(path).unwrap(), third);
    let edition = third.lists().next().unwrap().0;
    assert_eq!(read_folder(path).unwrap().lists().next().unwrap().0, edition);

    for byte in 0..100 {
        authority.reinstate(BEIJING, &numbered(byte), at(NOW)).unwrap();
    }
    authority.publish_to(path, at(NOW)).unwrap();
    assert_eq!(versions(&read_folder(path).unwrap()), november(4, 0), "a list of nobody");
    authority.publish_to(path, at("2021-12-02T00:00:00Z")).unwrap();
    assert_eq!(names(path), Vec::<String>::new(), "the month is gone by");
}

#[test]
fn registers_from_before_there_were_revocations_are_brought_up() {
    let folder = tempdir().unwrap();
    drop(Authority::init(folder.path()).unwrap());
    let registers = rusqlite::Connection::open(folder.path().join("authority.db")).unwrap();
    registers
        .execute_batch(
            "DROP TABLE revocation; DROP TABLE revocation_list; DROP TABLE terminal;
             DROP TABLE match_epoch;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(registers);
    for _ in 0..2 {
        let mut authority = Authority::open(folder.path()).unwrap();
        authority.revoke(BEIJING, &numbered(1), Some(at("2021-11-25T00:00:00Z")), at(NOW)).unwrap();
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn told(output: &Output) -> (i32, String) {
    let said = [output.stdout.clone(), output.stderr.clone()].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn a_revoked_code_is_stopped_at_every_terminal_that_has_the_lists() {
    let folder = tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, trust, state) = (inside("authority"), inside("trust"), inside("state"));
    let heard = RefCell::new(String::new());
    let ask = |words: &[&str], flags: &[&str]| {
        let answer = told(&run(
            env!("CARGO_BIN_EXE_greengate-authority"),
            &[words, &[authority.as_str()], flags].concat(),
        ));
        heard.borrow_mut().push_str(&answer.1);
        answer
    };
    let done = |words: &[&str], flags: &[&str]| {
        let (status, said) = ask(words, flags);
        assert_eq!(status, 0, "{words:?} {flags:?}: {said}");
        said
    };
    let terminal = |flags: &[&str]| {
        let program = env!("CARGO_BIN_EXE_greengate");
        told(&run(program, &[&["--state", state.as_str()], flags].concat()))
    };
    let published = "2021-11-19T22:00:00Z";
    let publish = || done(&["trust"], &[&trust, "--at", published]);

    done(&["init"], &[]);
    done(&["key", "new"], &["--issuer", "11", "--at", EARLY]);
    let person = ["--number", NUMBER, "--at", EARLY];
    done(&["person", "declare"], &[&person[..], &["--name", "张三"]].concat());
    done(&["person", "review"], &person);
    done(&["person", "audit"], &[&person[..], &["--health", "normal"]].concat());
    let issue = |name: &str, flags: &[&str]| {
        let out = inside(name);
        let usual = ["--issuer", "11", "--kind", "phone", "--at", published, "--out", &out];
        done(&["issue"], &[&usual[..], flags].concat());
        fs::read_to_string(out).unwrap().trim().to_owned()
    };
    let registered = issue("registered.txt", &["--number", NUMBER]);
    let (lost, expires) = ("07".repeat(12), "2021-11-20T11:00:00Z");
    let by_hand = issue("lost.txt", &["--code-id", &lost, "--expires", expires]);
    let judged = |text: &str| {
        let usual = ["verify", "--at", NOW, "--text", text];
        let by_folder = terminal(&[&usual[..], &["--trust", &trust]].concat());
        assert_eq!(by_folder, terminal(&usual), "by the folder, and by what was imported");
        by_folder
    };
    let import = || {
        let (status, said) = terminal(&["trust", "import", &trust]);
        assert_eq!(status, 0, "{said}");
        said
    };
    let pass = (0, "text: pass\n".to_owned());
    let deny = (10, "text: deny: code was revoked [E24]\n".to_owned());

    assert_eq!(terminal(&["provision", "--place", "rail_checkpoint"]).0, 0);
    publish();
    import();
    assert_eq!([judged(&registered), judged(&by_hand)], [pass.clone(), pass.clone()]);

    let lost_code = ["--issuer", "11", "--code-id", &lost];
    assert_eq!(
        ask(&["revoke"], &lost_code),
        (
            1,
            "greengate-authority: the registers do not have this code: say when it expires\n"
                .to_owned()
        )
    );
    let when = ["--expires", expires, "--at", published];
    assert_eq!(done(&["revoke"], &[&lost_code[..], &when].concat()), "1\n");
    publish();
    let said = import();
    assert!(said.ends_with("revocations-11-202111.bin version 1, 1 code revoked\n"), "{said}");
    assert_eq!([judged(&registered), judged(&by_hand)], [pass.clone(), deny.clone()]);

    assert_eq!(done(&["revoke"], &["--number", NUMBER, "--at", published]), "1\n");
    publish();
    assert_eq!(terminal(&["verify", "--at", NOW, "--text", &registered]), pass, "not yet imported");
    import();
    assert_eq!([judged(&registered), judged(&by_hand)], [deny.clone(), deny.clone()]);
    let explained =
        terminal(&["verify", "--explain", "--trust", &trust, "--at", NOW, "--text", &registered]).1;
    assert!(
        explained.contains("  failed        revocation [E24]: list = 2021-11, version = 2\n"),
        "{explained}"
    );
    let shown = terminal(&["trust", "show", "--json"]).1;
    assert!(
        shown.contains(r#""revocations":[{"count":2,"issuer":11,"month":"2021-11","version":2}]"#),
        "{shown}"
    );

    assert_eq!(done(&["unrevoke"], &["--number", NUMBER, "--at", published]), "1\n");
    publish();
    // By the change alone: the whole list did not fit on the stick.
    let published_list = Path::new(&trust).join("revocations-11-202111.bin");
    let whole = fs::read(&published_list).unwrap();
    fs::remove_file(&published_list).unwrap();
    import();
    fs::write(&published_list, whole).unwrap();
    assert_eq!([judged(&registered), judged(&by_hand)], [pass.clone(), deny]);

    // A bit of it flips on the terminal's disk.
    assert_eq!(terminal(&["trust", "check"]), (0, String::new()));
    let kept = Path::new(&state).join("revocations/revocations-11-202111.3.bin");
    let file = File::options().read(true).write(true).open(kept).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 512).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 512).unwrap();
    let refer = (11, "text: refer: no policy to judge by [E73]\n".to_owned());
    for text in [&registered, &by_hand] {
        assert_eq!(terminal(&["verify", "--at", NOW, "--text", text]), refer);
    }
    assert_eq!(
        terminal(&["trust", "check"]),
        (70, "revocations-11-202111.bin: it is damaged\n".to_owned())
    );
    // The same list once more makes it good.
    import();
    assert_eq!(terminal(&["trust", "check"]), (0, String::new()));
    assert_eq!(terminal(&["verify", "--at", NOW, "--text", &registered]), pass);
    // And one on the stick.
    let mut bytes = fs::read(&published_list).unwrap();
    bytes[513] ^= 1;
    fs::write(&published_list, bytes).unwrap();
    let said = "greengate: revocations-11-202111.bin: it is damaged\n".to_owned();
    let judged = terminal(&["verify", "--trust", &trust, "--at", NOW, "--text", &registered]);
    assert_eq!(judged, (70, said), "no judgement is no pass");

    assert_eq!(ask(&["unrevoke"], &["--number", NUMBER]).0, 1, "nothing of theirs is revoked");
    assert_eq!(ask(&["revoke"], &["--number", "张三"]).0, 2);
    assert_eq!(ask(&["revoke"], &["--issuer", "11"]).0, 2);
    assert_eq!(ask(&["revoke"], &[]).0, 2);
    for personal in [NUMBER, "张三"] {
        assert!(!heard.borrow().contains(personal), "{personal} is nobody's business");
    }
}
