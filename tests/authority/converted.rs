//! Codes of partners and of provinces, under another issuer's number.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use greengate::{
    credential::{Claims, Kind},
    issuer::IssuerId,
    language::Words,
    recognition::NormalStatus,
};

use crate::{
    BEIJING, EARLY, HEBEI, Office,
    common::{self, NOW, at, code},
    said,
};

#[test]
fn a_test_partner_signs_under_its_countrys_number() {
    let mut office = Office::new();
    let korea = IssuerId::new(410);
    let name = Words::new("韩国（测试）", "Korea (test)");
    let number = |issuer| {
        format!("{issuer} is no number of ISO 3166-1, or an issuer of this country has it")
    };
    let cases = [
        ("a province's", IssuerId::new(12), name.clone(), number(12)),
        ("the national platform's", IssuerId::NATIONAL, name.clone(), number(156)),
        ("none", IssuerId::new(0), name.clone(), number(0)),
        ("four digits", IssuerId::new(1000), name.clone(), number(1000)),
        (
            "no name",
            korea,
            Words::new("韩国", ""),
            "an issuer abroad has a name in both languages".to_owned(),
        ),
    ];
    for (case, issuer, name, expected) in cases {
        let outcome = office.authority.new_partner_key(issuer, &name, at(EARLY));
        assert_eq!(said(outcome), expected, "{case}");
    }
    let key = office.authority.new_partner_key(korea, &name, at(EARLY)).unwrap();
    let mut claims = common::claims();
    claims.issuer = korea;
    let text = office.authority.issue(&claims).unwrap();
    assert_eq!(office.believed(&text), claims);
    let ring = office.ring();
    let issuer = ring.issuer(korea).unwrap();
    assert_eq!(issuer.name(), &name);
    assert!(issuer.key(key).is_some());
    let refused = office.authority.transcode(&text, at(NOW));
    assert_eq!(said(refused), "issuer 410 is no province: only a province's code is converted");
}

#[test]
fn a_provinces_code_is_converted_into_the_national_platforms() {
    type Change = fn(&mut Claims);

    let mut office = Office::new();
    let statuses = [
        (20, NormalStatus::Normal),
        (21, NormalStatus::Watch),
        (22, NormalStatus::Stop),
        (23, NormalStatus::Review),
    ];
    office.authority.set_statuses(IssuerId::NATIONAL, &BTreeMap::from(statuses)).unwrap();
    for (status, national) in [(0, 23), (1, 20), (2, 21), (3, 22)] {
        let original = Claims { status, commuter: Some(HEBEI), ..common::claims() };
        let text = office.authority.issue(&original).unwrap();
        let converted = office.authority.transcode(&text, at(NOW)).unwrap();
        let converted = office.believed(&converted);
        assert_ne!(converted.code_id, original.code_id, "{status}");
        let expected = Claims {
            issuer: IssuerId::NATIONAL,
            issued: at(NOW),
            status: national,
            code_id: converted.code_id.clone(),
            origin: Some(BEIJING),
            ..original
        };
        assert_eq!(converted, expected, "{status}");
    }

    let usual = common::claims();
    let cases: [(&str, Change, &str, &str); 8] = [
        ("last second", |_| {}, "2021-11-20T10:59:59Z", "done"),
        (
            "expired",
            |_| {},
            "2021-11-20T11:00:00Z",
            "the code is valid no longer than to 2021-11-20 11:00:00 UTC",
        ),
        (
            "too old for its kind",
            |claims| claims.expires += TimeDelta::days(30),
            "2021-11-20T23:00:00Z",
            "the code is valid no longer than to 2021-11-20 23:00:00 UTC",
        ),
        (
            "paper lives longer",
            |claims| {
                claims.kind = Kind::Paper;
                claims.expires += TimeDelta::days(30);
            },
            "2021-11-20T23:00:00Z",
            "done",
        ),
        (
            "to come",
            |_| {},
            "2021-11-19T22:59:59Z",
            "the code is issued at 2021-11-19 23:00:00 UTC, which is to come",
        ),
        (
            "unmapped",
            |claims| claims.status = 7,
            NOW,
            "status 7 of issuer 11 has no normal meaning",
        ),
        (
            "national already",
            |claims| claims.issuer = IssuerId::NATIONAL,
            NOW,
            "issuer 156 is no province: only a province's code is converted",
        ),
        (
            "older than its key",
            |claims| claims.issued = at(EARLY) - TimeDelta::seconds(1),
            NOW,
            "the code is not believed: issuer key is not known to this terminal",
        ),
    ];
    for (case, change, now, expected) in cases {
        let mut claims = usual.clone();
        change(&mut claims);
        let text = office.authority.issue(&claims).unwrap();
        assert_eq!(said(office.authority.transcode(&text, at(now))), expected, "{case}");
    }
    let foreign = [
        ("no code", common::text("https://example.com"), "not a code: not a health code"),
        (
            "a stranger's key",
            code(|_| {}),
            "the code is not believed: issuer key is not known to this terminal",
        ),
    ];
    for (case, text, expected) in foreign {
        assert_eq!(said(office.authority.transcode(&text, at(NOW))), expected, "{case}");
    }
    let statuses = BTreeMap::from([(1, NormalStatus::Stop)]);
    office.authority.set_statuses(IssuerId::NATIONAL, &statuses).unwrap();
    let text = office.authority.issue(&usual).unwrap();
    let refused = office.authority.transcode(&text, at(NOW));
    assert_eq!(said(refused), "issuer 156 has no status that means normal");
}
