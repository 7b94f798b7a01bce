//! Tests, vaccinations, and journeys in a code.

use chrono::TimeDelta;
use greengate::{
    authority::TravelHistory,
    credential::{Nat, NatOutcome, NatResult, NatSource, Travel, TravelLevel, Vaccination, Visit},
    risk_area::{RiskArea, RiskLevel},
};

use crate::{
    EARLY, Office,
    common::{NOW, at},
    day, number, said,
};

/// A result, sampled, reported, and uploaded at these hours of the 18th.
fn nat(result: NatResult, source: NatSource, [sampled, reported, uploaded]: [i64; 3]) -> Nat {
    let hour = |hour| at("2021-11-18T00:00:00Z") + TimeDelta::hours(hour);
    let outcome = NatOutcome::Known { result, reported: hour(reported), uploaded: hour(uploaded) };
    Nat { source, sampled: hour(sampled), outcome }
}

#[test]
fn of_both_stores_the_result_sampled_last_counts() {
    use NatResult::{Negative, Positive};
    use NatSource::{Municipal, National};
    let pending = |hour| Nat {
        source: National,
        sampled: at("2021-11-18T00:00:00Z") + TimeDelta::hours(hour),
        outcome: NatOutcome::Pending,
    };
    let negative = |source, times| nat(Negative, source, times);
    let positive = |source, times| nat(Positive, source, times);
    let first = negative(National, [1, 2, 3]);
    let cases = [
        ("none", vec![], None),
        ("one", vec![first.clone()], Some(0)),
        (
            "a later positive of the other store",
            vec![first.clone(), positive(Municipal, [2, 3, 4])],
            Some(1),
        ),
        (
            "a later negative",
            vec![positive(Municipal, [1, 3, 4]), negative(National, [2, 3, 4])],
            Some(1),
        ),
        (
            "uploaded later, sampled earlier",
            vec![negative(National, [2, 3, 4]), positive(National, [1, 8, 9])],
            Some(0),
        ),
        (
            "both at one instant",
            vec![positive(National, [1, 2, 3]), negative(Municipal, [1, 8, 9])],
            Some(0),
        ),
        (
            "both at one instant in one store",
            vec![positive(National, [1, 2, 3]), negative(National, [1, 8, 9])],
            Some(0),
        ),
        ("one sample in both stores", vec![first.clone(), negative(Municipal, [1, 2, 4])], Some(1)),
        ("pending after a result", vec![first.clone(), pending(10)], Some(0)),
        ("pending alone", vec![pending(8), pending(10)], Some(1)),
        ("not yet uploaded", vec![first, positive(National, [5, 6, 49])], Some(0)),
        ("uploaded this instant", vec![positive(National, [5, 6, 48])], Some(0)),
        (
            "pending, and not yet uploaded",
            vec![pending(5), positive(National, [5, 6, 49])],
            Some(0),
        ),
        ("not yet sampled", vec![pending(49)], None),
    ];
    let mut office = Office::new();
    for (row, (case, tests, counts)) in cases.into_iter().enumerate() {
        for order in ["as given", "backwards"] {
            let who = number(&format!("ROW{row}{}", order.replace(' ', "")));
            office.healthy(&who);
            let mut given = tests.clone();
            if order == "backwards" {
                given.reverse();
            }
            for nat in &given {
                office.authority.record_nat(&who, nat).unwrap();
            }
            let expected = counts.map(|index| tests[index].clone());
            assert_eq!(office.claims(&who, NOW).unwrap().nat, expected, "{case}, {order}");
        }
    }
    for times in [[2, 1, 3], [1, 3, 2]] {
        let outcome = office.authority.record_nat(&number("ROW1"), &negative(National, times));
        let expected = "a test is sampled first, then reported, then uploaded";
        assert_eq!(said(outcome), expected, "{times:?}");
    }
}

#[test]
fn the_newest_vaccination_counts() {
    let mut office = Office::new();
    let who = number("11010519491231002X");
    office.healthy(&who);
    for (doses, date) in [(2, "2021-09-30"), (1, "2021-08-30"), (3, "2021-11-21")] {
        let vaccination = Vaccination { doses, day: day(date) };
        office.authority.record_vaccination(&who, vaccination).unwrap();
    }
    let counted = office.claims(&who, NOW).unwrap().vaccination;
    assert_eq!(counted, Some(Vaccination { doses: 2, day: day("2021-09-30") }), "none to come");
    for doses in [0, 21, u64::MAX] {
        let vaccination = Vaccination { doses, day: day("2021-09-30") };
        let outcome = office.authority.record_vaccination(&who, vaccination);
        assert_eq!(said(outcome), format!("{doses} is no number of doses: 1 to 20"));
    }
}

#[test]
fn travel_is_seen_with_the_registers_own_risk_areas() {
    let mut office = Office::new();
    let area = |area, level, from| RiskArea { area, level, from: day(from), to: None };
    for area in [
        area(110_106, RiskLevel::Medium, "2021-11-01"),
        area(620_000, RiskLevel::High, "2021-11-10"),
    ] {
        office.authority.add_risk_area(&area).unwrap();
    }
    let visit = |area, date| Visit { area, last_day: day(date) };
    let quiet = visit(130_100, "2021-11-19");
    let known = |visits: &[Visit]| Some(TravelHistory::Known(visits.to_vec()));
    let many: Vec<_> = (1..=9).map(|area| visit(130_100 + area, "2021-11-18")).collect();
    let cases = [
        ("nothing held", None, None),
        ("unknown", Some(TravelHistory::Unknown), Some((TravelLevel::Unknown, vec![]))),
        ("nowhere", known(&[]), Some((TravelLevel::None, vec![]))),
        ("quiet", known(&[quiet]), Some((TravelLevel::None, vec![quiet]))),
        (
            "medium, then the newest",
            known(&[quiet, visit(110_106, "2021-11-06")]),
            Some((TravelLevel::Medium, vec![visit(110_106, "2021-11-06"), quiet])),
        ),
        (
            "high before medium",
            known(&[visit(110_106, "2021-11-18"), visit(620_102, "2021-11-10")]),
            Some((
                TravelLevel::High,
                vec![visit(620_102, "2021-11-10"), visit(110_106, "2021-11-18")],
            )),
        ),
        (
            "before the area was listed",
            known(&[visit(620_102, "2021-11-09")]),
            Some((TravelLevel::None, vec![visit(620_102, "2021-11-09")])),
        ),
        (
            "before the window, and to come",
            known(&[visit(110_106, "2021-11-05"), visit(110_106, "2021-11-21")]),
            Some((TravelLevel::None, vec![])),
        ),
        (
            "more than a code holds",
            known(&[&many[..], &[visit(110_106, "2021-11-06"), quiet]].concat()),
            Some((
                TravelLevel::Medium,
                [&[visit(110_106, "2021-11-06"), quiet], &many[..6]].concat(),
            )),
        ),
    ];
    for (row, (case, history, expected)) in cases.into_iter().enumerate() {
        let who = number(&format!("ROW{row}"));
        office.healthy(&who);
        if let Some(history) = history {
            let unknown = TravelHistory::Unknown;
            office.authority.set_travel(&who, &unknown, at(EARLY)).unwrap();
            office.authority.set_travel(&who, &history, at("2021-11-19T22:30:00Z")).unwrap();
        }
        let as_of = at("2021-11-19T22:30:00Z");
        let expected = expected.map(|(level, visits)| Travel { level, as_of, visits });
        assert_eq!(office.claims(&who, NOW).unwrap().travel, expected, "{case}");
    }
    let who = number("ROW0");
    let refused = [
        ("five digits", vec![visit(11_010, "2021-11-18")], "area 11010 is not of six digits"),
        ("too many", vec![quiet; 337], "more than 336 visits are not held of one person"),
    ];
    for (case, visits, expected) in refused {
        let outcome = office.authority.set_travel(&who, &TravelHistory::Known(visits), at(NOW));
        assert_eq!(said(outcome), expected, "{case}");
    }
}
