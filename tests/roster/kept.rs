//! Which extract a terminal keeps.

use std::{fs, fs::File, os::unix::fs::FileExt};

use chrono::TimeDelta;
use greengate::roster::{EpochKey, Plan, RosterError, Stretching, build, keep};

use crate::{
    AFTER, Desk, GATE, LAST, citizen, code_of,
    common::{NOW, at},
    paper,
};

/// What is done to a file.
type Harm = fn(&File);

#[test]
fn a_terminal_keeps_the_newest_extract_and_erases_the_rest() {
    let desk = Desk::new(GATE, 1);
    let kept = desk.folder.path().join("state");
    fs::create_dir(&kept).unwrap();
    let arrive = |epoch: u64, person: usize| {
        let dated = at(NOW);
        let expires = dated + TimeDelta::days(7);
        let plan = Plan { terminal: GATE, epoch, dated, expires, stretching: Stretching::None };
        let key = EpochKey::new(&[1; 32]).unwrap();
        let file = File::create(keep::arrival(&kept)).unwrap();
        let number = citizen(person);
        let code = Ok::<_, RosterError>((number.clone(), paper(&number, "张三")));
        build(&file, &kept, plan, &key, [code], &mut |_, _| {}).unwrap();
    };
    let install = |now: &str| keep::install(&keep::arrival(&kept), &kept, GATE, at(now));
    let held = || keep::open(&kept, GATE).unwrap().map(|roster| roster.epoch());
    let names = || {
        let names = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(held(), None);
    arrive(7, 0);
    install(NOW).unwrap();
    let open = keep::open(&kept, GATE).unwrap().unwrap();

    // A newer one takes its place, and who has the old one open can still read it.
    fs::write(kept.join("roster-gate-9.bin"), "of a name before").unwrap();
    fs::write(kept.join("greengate.db"), "another's").unwrap();
    arrive(8, 1);
    let newer = install(NOW).unwrap();
    keep::sweep(&kept, GATE, at(NOW)).unwrap();
    assert_eq!(
        (held(), names()),
        (Some(8), vec!["greengate.db".into(), "roster-gate-3.bin".into()])
    );
    open.verify().unwrap();
    assert!(!newer.is_same_as(&open));

    let refused: [(&str, Harm, u64, &str, &str); 4] = [
        ("an older epoch", |_| {}, 7, NOW, "L10"),
        ("an expired one", |_| {}, 9, AFTER, "L03"),
        ("a damaged one", |file| file.write_all_at(b"damage", 5000).unwrap(), 9, NOW, "L01"),
        ("a short one", |file| file.set_len(4000).unwrap(), 9, NOW, "L07"),
    ];
    for (case, harm, epoch, now, expected) in refused {
        arrive(epoch, 2);
        harm(&File::options().write(true).open(keep::arrival(&kept)).unwrap());
        assert_eq!(code_of(install(now)), expected, "{case}");
        assert_eq!(held(), Some(8), "{case}");
    }
    assert_eq!(code_of(keep::install(&keep::arrival(&kept), &kept, "gate-4", at(NOW))), "L12");

    // The same epoch heals what was damaged.
    fs::write(kept.join("roster-gate-3.bin"), "damaged").unwrap();
    arrive(8, 1);
    install(NOW).unwrap();
    assert_eq!(held(), Some(8));

    // What has expired is erased, and so is what never was installed.
    arrive(9, 3);
    keep::sweep(&kept, GATE, at(LAST)).unwrap();
    assert_eq!(names(), ["greengate.db", "roster-gate-3.bin"]);
    keep::sweep(&kept, GATE, at(AFTER)).unwrap();
    assert_eq!(names(), ["greengate.db"]);
    assert_eq!(held(), None);
}
