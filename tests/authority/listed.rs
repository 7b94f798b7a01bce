//! What is published in lists: areas, exceptions, keys, partners, policy.

use chrono::TimeDelta;
use greengate::{
    authority::{Authority, AuthorityError},
    issuer::IssuerId,
    key_ring::{KeyId, KeyStatus},
    language::Words,
    place::Place,
    recognition::{Exception, Partner},
    risk_area::{RiskArea, RiskLevel},
};

use crate::{
    BEIJING, EARLY, Office,
    common::{self, NOW, at},
    day, number, said,
};

#[test]
fn risk_areas_are_listed_lifted_and_published() {
    let mut office = Office::new();
    let area = |area, from, to: Option<&str>| RiskArea {
        area,
        level: RiskLevel::High,
        from: day(from),
        to: to.map(day),
    };
    let listed = area(110_106, "2021-11-10", None);
    let add = |office: &mut Office, area: &RiskArea| said(office.authority.add_risk_area(area));
    let lift =
        |office: &mut Office, area, last| said(office.authority.lift_risk_area(area, day(last)));
    assert_eq!(add(&mut office, &listed), "done");
    let cases = [
        ("five digits", area(11_010, "2021-11-10", None), "area 11010 is not of six digits"),
        (
            "backwards",
            area(110_107, "2021-11-10", Some("2021-11-09")),
            "area 110107 would end before it begins",
        ),
        ("twice", listed.clone(), "area 110106 is listed from this day on already"),
    ];
    for (case, area, expected) in cases {
        assert_eq!(add(&mut office, &area), expected, "{case}");
    }
    assert_eq!(office.risk_areas(), [listed]);
    let unlisted = |area: u32| format!("area {area} is not listed, or has its last day");
    assert_eq!(lift(&mut office, 110_107, "2021-11-12"), unlisted(110_107));
    assert_eq!(lift(&mut office, 110_106, "2021-11-09"), "area 110106 would end before it begins");
    assert_eq!(lift(&mut office, 110_106, "2021-11-12"), "done");
    assert_eq!(lift(&mut office, 110_106, "2021-11-13"), unlisted(110_106));
    assert_eq!(office.risk_areas(), [area(110_106, "2021-11-10", Some("2021-11-12"))]);
}

#[test]
fn an_exception_is_filed_in_advance() {
    type Change = fn(&mut Exception);

    let mut office = Office::new();
    let usual = Exception {
        issuer: IssuerId::new(15),
        places: [Place::RailCheckpoint, Place::Port].into(),
        from: at("2021-11-20T00:00:00Z"),
        to: at("2021-11-21T00:00:00Z"),
        filed: at("2021-11-20T00:00:00Z"),
        filing: "备案2021-12号".to_owned(),
        instead: Words::new("请出示纸质核酸证明", "Show a paper certificate"),
    };
    let cases: [(&str, Change, &str); 9] = [
        (
            "back-dated",
            |exception| exception.filed += TimeDelta::seconds(1),
            "an exception is filed in advance: it cannot begin before it is filed",
        ),
        ("empty", |exception| exception.to = exception.from, "an exception ends after it begins"),
        (
            "no number",
            |exception| exception.filing = " ".into(),
            "an exception is filed under a number",
        ),
        (
            "nothing in Chinese",
            |exception| exception.instead.zh = String::new(),
            "an exception says, in both languages, what is accepted instead",
        ),
        (
            "nothing in English",
            |exception| exception.instead.en = " ".into(),
            "an exception says, in both languages, what is accepted instead",
        ),
        (
            "nowhere",
            |exception| exception.places.clear(),
            "an exception is for one kind of place at least",
        ),
        (
            "the national platform",
            |exception| exception.issuer = IssuerId::NATIONAL,
            "156 is no province of GB/T 2260 that an exception could be for",
        ),
        ("as it should be", |_| {}, "done"),
        ("twice", |_| {}, "an exception is filed as 备案2021-12号 already"),
    ];
    for (case, change, expected) in cases {
        let mut exception = usual.clone();
        change(&mut exception);
        assert_eq!(said(office.authority.file_exception(&exception)), expected, "{case}");
    }
    let published = office.recognition();
    let inner_mongolia = IssuerId::new(15);
    let found = |place, now| published.exception(inner_mongolia, place, at(now)).cloned();
    assert_eq!(found(Place::Port, NOW), Some(usual));
    assert_eq!(found(Place::Port, "2021-11-21T00:00:00Z"), None);
    assert_eq!(found(Place::Park, NOW), None);
}

#[test]
fn a_key_ends_in_one_of_three_ways_and_does_not_come_back() {
    type Act = fn(&mut Authority, KeyId) -> Result<(), AuthorityError>;
    let retire: Act = |office, key| office.retire_key(BEIJING, key, at(NOW));
    let compromise: Act = |office, key| office.compromise_key(BEIJING, key);
    let withdraw: Act = |office, key| office.withdraw_series(BEIJING, key);
    let retired = KeyStatus::Retired { at: at(NOW) };
    let cases: [(&str, &[Act], Act, Result<KeyStatus, &str>); 10] = [
        ("retired", &[], retire, Ok(retired)),
        ("compromised", &[], compromise, Ok(KeyStatus::Compromised)),
        ("withdrawn", &[], withdraw, Ok(KeyStatus::WithdrawnSeries)),
        ("retired twice", &[retire], retire, Err("retired")),
        ("compromised when retired", &[retire], compromise, Ok(KeyStatus::Compromised)),
        ("withdrawn when retired", &[retire], withdraw, Ok(KeyStatus::WithdrawnSeries)),
        ("retired when compromised", &[compromise], retire, Err("compromised")),
        ("withdrawn when compromised", &[compromise], withdraw, Err("compromised")),
        ("retired when withdrawn", &[withdraw], retire, Err("withdrawn_series")),
        ("compromised when withdrawn", &[withdraw], compromise, Ok(KeyStatus::Compromised)),
    ];
    for (case, before, act, expected) in cases {
        let mut office = Office::new();
        let ring = office.ring();
        let (first, _) = ring.issuer(BEIJING).unwrap().keys().next().unwrap();
        let second = office.authority.new_key(BEIJING, at(EARLY)).unwrap();
        for act in before {
            act(&mut office.authority, second).unwrap();
        }
        let outcome = act(&mut office.authority, second);
        match expected {
            Ok(status) => {
                outcome.unwrap();
                let ring = office.ring();
                let keys = ring.issuer(BEIJING).unwrap();
                assert_eq!(keys.key(second).unwrap().status, status, "{case}");
                assert_eq!(keys.key(first).unwrap().status, KeyStatus::Active, "{case}");
                let who = number("11010519491231002X");
                office.healthy(&who);
                assert!(office.claims(&who, NOW).is_ok(), "{case}: the first signs again");
            }
            Err(status) => {
                let expected = format!("key {second} of issuer 11 is {status} already");
                assert_eq!(said(outcome), expected, "{case}");
            }
        }
    }
    let mut office = Office::new();
    let stranger = KeyId::new([1, 2, 3, 4]);
    assert_eq!(said(retire(&mut office.authority, stranger)), "issuer 11 has no key 01020304");
}

#[test]
fn partners_are_none_until_there_is_an_agreement() {
    type Change = fn(&mut Partner);

    let mut office = Office::new();
    assert_eq!(office.recognition().partners(), []);
    let usual = Partner {
        partner: "KR".to_owned(),
        agreement: "中韩2021-3".to_owned(),
        from: at("2021-11-01T00:00:00Z"),
        to: at("2021-12-01T00:00:00Z"),
        places: [Place::Airport].into(),
    };
    let country = "a partner is a country by its two capital letters in ISO 3166-1";
    let overlap = "there is an agreement with KR for some of that time already";
    let cases: [(&str, Change, &str); 8] = [
        ("three letters", |partner| partner.partner = "KOR".into(), country),
        ("small letters", |partner| partner.partner = "kr".into(), country),
        (
            "no agreement",
            |partner| partner.agreement.clear(),
            "a partner counts by an agreement: name it",
        ),
        (
            "nowhere",
            |partner| partner.places.clear(),
            "an agreement is for one kind of place at least",
        ),
        ("empty", |partner| partner.to = partner.from, "an agreement ends after it begins"),
        ("as it should be", |_| {}, "done"),
        ("twice", |_| {}, overlap),
        ("overlapping", |partner| partner.from += TimeDelta::days(29), overlap),
    ];
    for (case, change, expected) in cases {
        let mut partner = usual.clone();
        change(&mut partner);
        assert_eq!(said(office.authority.add_partner(&partner)), expected, "{case}");
    }
    assert_eq!(office.recognition().partners(), std::slice::from_ref(&usual));

    let none = "there is no agreement with this country that could end then";
    let ends = [
        ("nobody", "JP", "2021-11-15T00:00:00Z", none),
        ("before it begins", "KR", "2021-11-01T00:00:00Z", "an agreement ends after it begins"),
        ("when it ends anyway", "KR", "2021-12-01T00:00:00Z", none),
        ("sooner", "KR", "2021-11-15T00:00:00Z", "done"),
    ];
    for (case, partner, to, expected) in ends {
        assert_eq!(said(office.authority.end_partner(partner, at(to))), expected, "{case}");
    }
    let ended = Partner { to: at("2021-11-15T00:00:00Z"), ..usual.clone() };
    assert_eq!(office.recognition().partners(), std::slice::from_ref(&ended));
    let next = Partner { from: ended.to, ..usual };
    office.authority.add_partner(&next).unwrap();
    assert_eq!(office.recognition().partners(), [ended, next]);
}

#[test]
fn a_policy_pack_is_published_byte_for_byte_and_only_rises() {
    let mut office = Office::new();
    let usual = office.authority.publish(at(NOW)).unwrap().policy.unwrap();
    assert!(String::from_utf8(usual).unwrap().contains("GREENGATE-BASE"));
    let dated = |version: u64, issued: &str| {
        let mut policy = common::policy();
        policy["version"] = version.into();
        policy["issued"] = issued.into();
        format!("  {policy}\n").into_bytes()
    };
    let pack = |version| dated(version, NOW);
    let golden = |verdict: &str| {
        let case = serde_json::json!({
            "name": "green", "at": NOW, "places": ["park"], "code": {},
            "expect": {"verdict": verdict},
        });
        serde_json::json!({ "cases": [case] }).to_string()
    };
    let refused = office.authority.set_policy(&pack(4), golden("deny").as_bytes());
    assert_eq!(
        said(refused),
        "1 of the golden cases came out otherwise:\ngreen, at park: expected deny, came out pass"
    );
    let earlier = dated(4, "2021-11-19T23:59:59Z");
    assert_eq!(
        said(office.authority.set_policy(&earlier, golden("pass").as_bytes())),
        "issued at 2021-11-19 23:59:59 UTC, before 2021-11-20 00:00:00 UTC, the date of one that \
         terminals may have"
    );
    let mut other = pack(5);
    other.push(b' ');
    let cases = [
        (
            "the usual policy's version",
            pack(1),
            "version 1 is not higher than 1, which terminals may have",
        ),
        ("higher", pack(5), "done"),
        ("the same again", pack(5), "done"),
        (
            "another of that version",
            other,
            "version 5 is not higher than 5, which terminals may have",
        ),
        ("lower", pack(4), "version 4 is not higher than 5, which terminals may have"),
        (
            "no policy",
            b"[".to_vec(),
            "not a policy: not well formed: EOF while parsing a list at line 1 column 1",
        ),
    ];
    for (case, bytes, expected) in cases {
        assert_eq!(
            said(office.authority.set_policy(&bytes, golden("pass").as_bytes())),
            expected,
            "{case}"
        );
    }
    assert_eq!(office.authority.publish(at(NOW)).unwrap().policy, Some(pack(5)));
}
