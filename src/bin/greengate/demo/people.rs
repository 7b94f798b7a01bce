//! The people who come to the demonstration's gate, one for each thing that can happen.
//!
//! Nobody here exists. Each is given a code by the demonstration's authority, or by somebody who
//! is not it.

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use getrandom::{SysRng, rand_core::UnwrapErr};
use greengate::{
    authority::{self, Authority, AuthorityError},
    clock::Timestamp,
    credential::{
        self, Binding, Claims, CodeId, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult,
        NatSource, PREFIX, Relation, Travel, TravelLevel, Vaccination,
    },
    issuer::IssuerId,
    symbol::SymbolText,
};

/// Somebody who comes to the gate.
#[derive(Debug)]
pub(crate) struct Person {
    /// What they are here to show.
    pub(crate) role: &'static str,
    /// What stands in their symbol.
    pub(crate) text: SymbolText,
    /// What they hold it on.
    pub(crate) carrier: Carrier,
}

/// What somebody holds a symbol on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carrier {
    /// A phone.
    Phone,
    /// A sheet of paper.
    Paper,
    /// A sheet of paper that got wet.
    SmearedPaper,
}

/// What one person's code differs in from the usual one.
struct Part {
    role: &'static str,
    issuer: u16,
    name: &'static str,
    id_tail: &'static str,
    change: fn(&mut Claims),
}

/// Those whom a known issuer has given a code.
const HOLDERS: &[Part] = &[
    Part {
        role: "commuter with a green code",
        issuer: 11,
        name: "赵明远",
        id_tail: "1234",
        change: |claims| claims.commuter = Some(IssuerId::new(13)),
    },
    Part {
        role: "national platform code",
        issuer: 156,
        name: "王芳",
        id_tail: "002X",
        change: |_| {},
    },
    Part {
        role: "green code of another province",
        issuer: 65,
        name: "古丽·买买提",
        id_tail: "4415",
        change: |_| {},
    },
    Part {
        role: "converted from another province",
        issuer: 156,
        name: "欧阳文静",
        id_tail: "0829",
        change: |claims| claims.origin = Some(IssuerId::new(42)),
    },
    Part {
        role: "paper code",
        issuer: 31,
        name: "陈桂英",
        id_tail: "3627",
        change: |claims| {
            claims.kind = Kind::Paper;
            issue_earlier(claims, TimeDelta::days(2), TimeDelta::days(14));
        },
    },
    Part {
        role: "dependant with a bound code",
        issuer: 33,
        name: "李小宝",
        id_tail: "0116",
        change: |claims| {
            let guardian = claims.code_id.clone();
            claims.binding = Some(Binding { relation: Relation::Child, guardian });
        },
    },
    Part {
        role: "red code",
        issuer: 42,
        name: "周强",
        id_tail: "7743",
        change: |claims| claims.status = 3,
    },
    Part {
        role: "yellow code",
        issuer: 44,
        name: "吴磊",
        id_tail: "5190",
        change: |claims| claims.status = 2,
    },
    Part {
        role: "declaration under review",
        issuer: 11,
        name: "Maria Gonzalez",
        id_tail: "A61K",
        change: |claims| claims.status = 0,
    },
    Part {
        role: "expired code",
        issuer: 37,
        name: "孙丽",
        id_tail: "2286",
        change: |claims| issue_earlier(claims, TimeDelta::hours(8), TimeDelta::hours(6)),
    },
    Part {
        role: "screenshot of an old code",
        issuer: 32,
        name: "郑浩",
        id_tail: "6609",
        change: |claims| issue_earlier(claims, TimeDelta::days(3), TimeDelta::days(30)),
    },
    Part {
        role: "status that is not mapped",
        issuer: 51,
        name: "何静",
        id_tail: "3308",
        change: |claims| claims.status = 7,
    },
];

/// Everybody who comes, in the order in which they come. Their codes were issued at `now`.
pub(crate) fn everybody(
    authority: &Authority,
    now: Timestamp,
) -> Result<Vec<Person>, AuthorityError> {
    let now = Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now);
    let mut people = Vec::new();
    for part in HOLDERS {
        let mut claims = usual_claims(part, authority::new_code_id()?, now);
        (part.change)(&mut claims);
        let carrier = match claims.kind {
            Kind::Phone => Carrier::Phone,
            Kind::Paper => Carrier::Paper,
        };
        people.push(Person { role: part.role, text: authority.issue(&claims)?, carrier });
    }

    let claims = |part| Ok::<_, AuthorityError>(usual_claims(part, authority::new_code_id()?, now));
    let green = authority.issue(&claims(&HOLDERS[0])?)?;
    let stranger = SigningKey::generate(&mut UnwrapErr(SysRng));
    let unknown = credential::write(&claims(&HOLDERS[1])?, &stranger)?;
    people.extend([
        Person { role: "forged code", text: forged(&green), carrier: Carrier::Phone },
        Person { role: "key that nobody knows", text: unknown, carrier: Carrier::Phone },
        Person { role: "advertisement", text: advertisement(), carrier: Carrier::Paper },
        Person { role: "smeared paper", text: green, carrier: Carrier::SmearedPaper },
    ]);
    Ok(people)
}

/// A green code for a phone, good for a day, with a negative test of the day before yesterday.
fn usual_claims(part: &Part, code_id: CodeId, now: Timestamp) -> Claims {
    let hours_ago = |hours| now - TimeDelta::hours(hours);
    let issued = now - TimeDelta::minutes(2);
    let outcome = NatOutcome::Known {
        result: NatResult::Negative,
        reported: hours_ago(40),
        uploaded: hours_ago(38),
    };
    Claims {
        issuer: IssuerId::new(part.issuer),
        expires: issued + TimeDelta::hours(24),
        issued,
        code_id,
        status: 1,
        kind: Kind::Phone,
        name: HolderName::masked(part.name).expect("the names above have 1 to 32 characters"),
        id_tail: IdTail::new(part.id_tail).expect("the tails above have four characters"),
        document_match: None,
        nat: Some(Nat { source: NatSource::National, sampled: hours_ago(46), outcome }),
        vaccination: Some(Vaccination {
            doses: 2,
            day: greengate::clock::shanghai_date(now - TimeDelta::days(60)),
        }),
        travel: Some(Travel { level: TravelLevel::None, as_of: hours_ago(1), visits: Vec::new() }),
        commuter: None,
        binding: None,
        origin: None,
    }
}

/// Has a code issued so much earlier and good for so long, without what came to be known since.
fn issue_earlier(claims: &mut Claims, earlier: TimeDelta, lifetime: TimeDelta) {
    claims.issued -= earlier;
    claims.expires = claims.issued + lifetime;
    claims.nat = None;
    claims.travel = None;
}

/// A code with another last byte than its issuer signed.
fn forged(text: &SymbolText) -> SymbolText {
    let body = text.as_str().trim_start_matches(PREFIX);
    let mut bytes = base45::decode(body).expect("what the authority wrote is Base45");
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    let forged = format!("{PREFIX}{}", base45::encode(bytes));
    SymbolText::new(forged).expect("it is as long as the one it was made from")
}

fn advertisement() -> SymbolText {
    SymbolText::new("https://example.com/noodles?today=half-price").expect("it fits a symbol")
}
