//! Whatever is presented, parsing ends, and what was written is read again.

#![allow(
    clippy::similar_names,
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use chrono::{NaiveDate, TimeDelta};
use common::{at, key, text, text_of};
use greengate::{
    clock::Timestamp,
    credential::{
        self, Binding, Claims, CodeId, Credential, DocumentMatch, HolderName, IdTail, Kind, Nat,
        NatOutcome, NatResult, NatSource, Relation, Travel, TravelLevel, Vaccination, Visit, write,
    },
    issuer::IssuerId,
    key_ring::KeyRing,
    policy::Policy,
    recognition::Recognition,
    risk_area::RiskAreas,
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest},
    sample::select,
};

/// A whole minute before the code was issued.
fn before(issued: Timestamp) -> impl Strategy<Value = Timestamp> + Clone {
    (0_i64..60_000).prop_map(move |minutes| {
        let minute = issued.timestamp().div_euclid(60) - minutes;
        Timestamp::from_timestamp(minute * 60, 0).unwrap()
    })
}

fn nat(issued: Timestamp) -> impl Strategy<Value = Nat> {
    let known =
        (select(vec![NatResult::Negative, NatResult::Positive]), before(issued), before(issued));
    let known = known.prop_map(|(result, reported, uploaded)| NatOutcome::Known {
        result,
        reported,
        uploaded,
    });
    let outcome = prop_oneof![Just(NatOutcome::Pending), known];
    (select(vec![NatSource::National, NatSource::Municipal]), before(issued), outcome)
        .prop_map(|(source, sampled, outcome)| Nat { source, sampled, outcome })
}

fn travel(issued: Timestamp) -> impl Strategy<Value = Travel> {
    let levels = [TravelLevel::None, TravelLevel::Medium, TravelLevel::High, TravelLevel::Unknown];
    let today = greengate::clock::shanghai_date(issued);
    let visit = (100_000_u32..1_000_000, 0_i64..400)
        .prop_map(move |(area, days)| Visit { area, last_day: today - TimeDelta::days(days) });
    (select(levels.to_vec()), before(issued), vec(visit, 0..=Travel::MAX_VISITS))
        .prop_map(|(level, as_of, visits)| Travel { level, as_of, visits })
}

fn code_id() -> impl Strategy<Value = CodeId> {
    vec(any::<u8>(), 8..=16).prop_map(|bytes| CodeId::new(bytes).unwrap())
}

fn binding() -> impl Strategy<Value = Binding> {
    let relations = [Relation::Child, Relation::Parent, Relation::Spouse, Relation::Other];
    (select(relations.to_vec()), code_id())
        .prop_map(|(relation, guardian)| Binding { relation, guardian })
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let province = || select(vec![11_u16, 31, 44, 65, 82]).prop_map(IssuerId::new);
    let issued = (1_500_000_000_i64..2_000_000_000)
        .prop_map(|seconds| Timestamp::from_timestamp(seconds, 0).unwrap());
    issued.prop_flat_map(move |issued| {
        let who = (
            province(),
            1_i64..5_000_000,
            code_id(),
            any::<u64>(),
            select(vec![Kind::Phone, Kind::Paper]),
            vec(any::<char>(), 1..=32).prop_map(String::from_iter),
            vec(any::<char>(), 4).prop_map(String::from_iter),
        );
        let what = (
            option::of((any::<u64>(), any::<[u8; 8]>())),
            option::of(nat(issued)),
            option::of((any::<u64>(), 0_i64..40_000)),
            option::of(travel(issued)),
            option::of(province()),
            option::of(binding()),
            option::of(province()),
        );
        (who, what).prop_map(move |(who, what)| {
            let (issuer, lifetime, code_id, status, kind, name, id_tail) = who;
            let (document_match, nat, vaccination, travel, commuter, binding, origin) = what;
            Claims {
                issuer: if origin.is_some() { IssuerId::NATIONAL } else { issuer },
                expires: issued + TimeDelta::seconds(lifetime),
                issued,
                code_id,
                status,
                kind,
                name: HolderName::new(name).unwrap(),
                id_tail: IdTail::new(id_tail).unwrap(),
                document_match: document_match
                    .map(|(epoch, digest)| DocumentMatch { epoch, digest }),
                nat,
                vaccination: vaccination.map(|(doses, day)| Vaccination {
                    doses,
                    day: NaiveDate::default() + TimeDelta::days(day),
                }),
                travel,
                commuter,
                binding,
                origin,
            }
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(claims in any_claims()) {
        let issuer = claims.issuer.number();
        let ring = common::key_ring(&[(issuer, vec![common::key_entry(&key(1), "active")])]);
        let ring = ring.to_string().replace("2021-01-01T00:00:00Z", "2001-01-01T00:00:00Z");
        let ring = KeyRing::parse(ring.as_bytes()).unwrap();
        let text = write(&claims, &key(1)).unwrap();
        let verified = credential::verify(Credential::parse(&text).unwrap(), &ring).unwrap();
        prop_assert_eq!(verified.claims(), &claims);
    }

    #[test]
    fn no_text_makes_parsing_panic(written in ".{0,900}") {
        Credential::parse(&text(&written)).err();
        Credential::parse(&text(&format!("JKM1:{written}"))).err();
    }

    #[test]
    fn no_bytes_make_parsing_panic(bytes in vec(any::<u8>(), 0..520)) {
        Credential::parse(&text_of(&bytes)).err();
    }

    #[test]
    fn no_changed_bytes_make_parsing_panic(
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = common::envelope(&common::code(|_| {}));
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        Credential::parse(&text_of(&bytes)).err();
    }

    #[test]
    fn no_bytes_make_a_list_panic(bytes in vec(any::<u8>(), 0..200)) {
        KeyRing::parse(&bytes).err();
        Recognition::parse(&bytes).err();
        RiskAreas::parse(&bytes).err();
        Policy::parse(&bytes).err();
    }
}

#[test]
fn a_deep_nest_is_refused_and_not_descended() {
    let nest = vec![0x81; 512];
    assert_eq!(
        Credential::parse(&text_of(&nest)).err(),
        Some(credential::ParseError::NotCoseSign1)
    );
    let json = "[".repeat(100_000);
    assert!(Policy::parse(json.as_bytes()).is_err());
    let _ = at;
}
