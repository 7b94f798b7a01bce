//! Guardians and those bound to them.

use greengate::{
    authority::Guardianship,
    credential::{Kind, Relation},
};

use crate::{
    BEIJING, Office,
    common::{NOW, at},
    number, said,
};

#[test]
fn a_binding_joins_one_dependant_to_one_guardian() {
    let mut office = Office::new();
    let bond = |guardian: &str, dependant: &str, consent: &str| Guardianship {
        guardian: number(guardian),
        dependant: number(dependant),
        relation: Relation::Child,
        consent: consent.to_owned(),
    };
    for child in 0..7 {
        let bond = bond("MOTHER", &format!("CHILD{child}"), "form 12");
        office.authority.bind(&bond, at(NOW)).unwrap();
    }
    let chain = "a dependant guards nobody, and a guardian is nobody's dependant";
    let consent = "say where the consent is to be found, in at most 200 characters";
    let cases = [
        ("no consent", bond("MOTHER", "CHILD7", " "), consent),
        ("too many words", bond("MOTHER", "CHILD7", &"字".repeat(201)), consent),
        ("oneself", bond("MOTHER", "mother", "form 12"), "nobody is bound to themselves"),
        (
            "bound already",
            bond("FATHER", "CHILD0", "form 12"),
            "the dependant has a guardian already",
        ),
        ("a dependant as guardian", bond("CHILD0", "CHILD7", "form 12"), chain),
        ("a guardian as dependant", bond("FATHER", "MOTHER", "form 12"), chain),
        ("the eighth", bond("MOTHER", "CHILD7", &"字".repeat(200)), "done"),
        ("the ninth", bond("MOTHER", "CHILD8", "form 12"), "a guardian has at most 8 dependants"),
    ];
    for (case, bond, expected) in cases {
        assert_eq!(said(office.authority.bind(&bond, at(NOW))), expected, "{case}");
    }
    let unbind = |office: &mut Office, who| said(office.authority.unbind(&number(who)));
    assert_eq!(unbind(&mut office, "CHILD7"), "done");
    assert_eq!(unbind(&mut office, "CHILD7"), "the dependant has no guardian");
    assert_eq!(said(office.authority.bind(&bond("MOTHER", "CHILD8", "form 12"), at(NOW))), "done");
}

#[test]
fn a_bound_code_names_the_guardians_newest() {
    let mut office = Office::new();
    let (mother, child) = (number("11010519491231002X"), number("110105201503120016"));
    office.healthy(&mother);
    office.healthy(&child);
    let guardianship = Guardianship {
        guardian: mother.clone(),
        dependant: child.clone(),
        relation: Relation::Child,
        consent: "form 12".to_owned(),
    };
    office.authority.bind(&guardianship, at(NOW)).unwrap();
    let first = "the guardian has no code that is valid: issue the guardian's code first";
    assert_eq!(said(office.claims(&child, NOW)), first);
    office.claims(&mother, "2021-11-19T00:00:00Z").unwrap();
    assert_eq!(said(office.claims(&child, NOW)), first, "expired this instant");
    office.claims(&mother, "2021-11-19T20:00:00Z").unwrap();
    let newest = office.claims(&mother, "2021-11-19T21:00:00Z").unwrap();
    let bound = office.claims(&child, NOW).unwrap().binding.unwrap();
    assert_eq!((bound.relation, &bound.guardian), (Relation::Child, &newest.code_id));

    let text = office.authority.issue_for(&mother, BEIJING, Kind::Phone, at(NOW)).unwrap();
    let converted = office.authority.transcode(&text, at(NOW)).unwrap();
    let converted = office.believed(&converted);
    let bound = office.claims(&child, NOW).unwrap().binding.unwrap();
    assert_eq!(bound.guardian, converted.code_id, "a converted code is its holder's too");
    office.authority.unbind(&child).unwrap();
    assert_eq!(office.claims(&child, NOW).unwrap().binding, None);
}
