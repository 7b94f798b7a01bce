//! The people who come to the demonstration's gate, one for each thing that can happen.
//!
//! Nobody here exists. Each is in the registers of the demonstration's authority, and their codes
//! are composed from those; a few come with what no authority would give them.

use chrono::{Days, TimeDelta};
use ed25519_dalek::SigningKey;
use getrandom::{SysRng, rand_core::UnwrapErr};
use greengate::{
    authority::{
        self, Authority, AuthorityError, Enrolment, FullName, Guardianship, Health, TravelHistory,
    },
    clock::{Timestamp, shanghai_date},
    credential::{
        self, Claims, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult, NatSource, PREFIX,
        Relation, Vaccination, Visit,
    },
    id_document::NumberText,
    issuer::IssuerId,
    language::Words,
    place::Place,
    recognition::{Exception, Partner},
    risk_area::{RiskArea, RiskLevel},
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

/// Everybody who comes, and how each gets a code.
#[derive(Debug)]
pub(crate) struct Cast {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    role: &'static str,
    carrier: Carrier,
    code: Code,
}

/// How somebody gets a code.
#[derive(Debug)]
enum Code {
    /// By asking the issuer for it, each time anew.
    Asked { number: NumberText, issuer: IssuerId, kind: Kind },
    /// By having the province's converted, each time anew.
    Converted { number: NumberText, province: IssuerId },
    /// It was made before.
    Kept(SymbolText),
    /// It is a picture of the code of the first who came.
    Screenshot,
    /// It is the first one's code, but for its signature.
    Forged,
}

/// An area of risk that the list has had for a while, and one that came on it today.
const LISTED_AREA: u32 = 420_106;
const NEWLY_LISTED_AREA: u32 = 510_104;

/// A country with an agreement, and one whose agreement is over, by ISO 3166-1.
const KOREA: IssuerId = IssuerId::new(410);
const SINGAPORE: IssuerId = IssuerId::new(702);

impl Cast {
    /// Has everybody entered into the registers of `authority`, as of `now`.
    pub(crate) fn gather(
        authority: &mut Authority,
        now: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let now = Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        let mut casting = Casting { authority, now, members: Vec::new() };
        casting.commuters()?;
        casting.provinces()?;
        casting.travellers()?;
        casting.family()?;
        casting.partners()?;
        casting.others()?;
        Ok(Self { members: casting.members })
    }

    /// Everybody, in the order in which they come, each with a code of `now`.
    pub(crate) fn everybody(
        &self,
        authority: &mut Authority,
        now: Timestamp,
    ) -> Result<Vec<Person>, AuthorityError> {
        let mut people: Vec<Person> = Vec::new();
        for Member { role, carrier, code } in &self.members {
            let text = match code {
                Code::Asked { number, issuer, kind } => {
                    authority.issue_for(number, *issuer, *kind, now)?
                }
                Code::Converted { number, province } => {
                    let local = authority.issue_for(number, *province, Kind::Phone, now)?;
                    authority.transcode(&local, now)?
                }
                Code::Kept(text) => text.clone(),
                Code::Screenshot => {
                    people.first().map_or_else(advertisement, |first| first.text.clone())
                }
                Code::Forged => {
                    people.first().map_or_else(advertisement, |first| forged(&first.text))
                }
            };
            people.push(Person { role, text, carrier: *carrier });
        }
        Ok(people)
    }
}

/// The registers being filled.
struct Casting<'authority> {
    authority: &'authority mut Authority,
    now: Timestamp,
    members: Vec<Member>,
}

impl Casting<'_> {
    /// Somebody whose declaration is audited, and who has a code of `issuer` on a phone.
    fn resident(
        &mut self,
        role: &'static str,
        (number, name): (&str, &str),
        issuer: u16,
    ) -> Result<NumberText, AuthorityError> {
        let number = self.declare(number, name)?;
        self.authority.audit(&number, Health::Normal, self.now)?;
        self.asks(role, &number, IssuerId::new(issuer), Kind::Phone);
        Ok(number)
    }

    fn declare(&mut self, number: &str, name: &str) -> Result<NumberText, AuthorityError> {
        let number = NumberText::new(number).expect("the numbers here are of letters and digits");
        let name = FullName::new(name).expect("the names here have 1 to 32 characters");
        self.authority.declare(&number, &name, self.now)?;
        self.authority.review(&number, self.now)?;
        Ok(number)
    }

    fn asks(&mut self, role: &'static str, number: &NumberText, issuer: IssuerId, kind: Kind) {
        let carrier = match kind {
            Kind::Phone => Carrier::Phone,
            Kind::Paper => Carrier::Paper,
        };
        let code = Code::Asked { number: number.clone(), issuer, kind };
        self.members.push(Member { role, carrier, code });
    }

    fn keeps(&mut self, role: &'static str, text: SymbolText) {
        self.members.push(Member { role, carrier: Carrier::Phone, code: Code::Kept(text) });
    }

    /// A result that came into a database so many days ago.
    fn tested(
        &mut self,
        number: &NumberText,
        days_ago: i64,
        result: NatResult,
    ) -> Result<(), AuthorityError> {
        let uploaded = self.now - TimeDelta::days(days_ago);
        let reported = uploaded - TimeDelta::minutes(40);
        let sampled = uploaded - TimeDelta::hours(9);
        let source = if days_ago % 2 == 0 { NatSource::National } else { NatSource::Municipal };
        let outcome = NatOutcome::Known { result, reported, uploaded };
        self.authority.record_nat(number, &Nat { source, sampled, outcome })
    }

    /// R1 to R4: who lives around the city, and commutes.
    fn commuters(&mut self) -> Result<(), AuthorityError> {
        let today = shanghai_date(self.now);
        let people = [
            (
                "commuter, tested the day before yesterday",
                ("131082197003136760", "赵明远"),
                Some(2),
            ),
            ("commuter who has to be tested again", ("130681195302275580", "魏国栋"), Some(13)),
            ("commuter tested 15 days ago", ("130730195606190696", "韩雪梅"), Some(15)),
            ("commuter who was never tested", ("131081198204020981", "曹志强"), None),
            ("commuter whose test has no result yet", ("130627197707032561", "董丽娟"), None),
            ("commuter whose later test is positive", ("131002195509140707", "冯建军"), Some(5)),
        ];
        let mut numbers = Vec::new();
        for (role, person, tested) in people {
            let number = self.resident(role, person, 11)?;
            let (from, until) = (today - Days::new(90), today + Days::new(90));
            let home = IssuerId::new(13);
            self.authority.enrol_commuter(&number, Enrolment { home, from, until })?;
            if let Some(days_ago) = tested {
                self.tested(&number, days_ago, NatResult::Negative)?;
            }
            numbers.push(number);
        }
        if let [.., pending, positive] = numbers.as_slice() {
            let sampled = self.now - TimeDelta::hours(6);
            let (source, outcome) = (NatSource::Municipal, NatOutcome::Pending);
            self.authority.record_nat(pending, &Nat { source, sampled, outcome })?;
            self.tested(positive, 1, NatResult::Positive)?;
        }
        Ok(())
    }

    /// R5 to R7 and R9 to R11, R13: whose code counts here, and whose does not.
    fn provinces(&mut self) -> Result<(), AuthorityError> {
        let now = self.now;
        self.resident("national platform code", ("110105198602086550", "王芳"), 156)?;
        let name = "古丽·买买提";
        let vaccinated =
            self.resident("green code of another province", ("650102199010026002", name), 65)?;
        let day = shanghai_date(now) - Days::new(60);
        self.authority.record_vaccination(&vaccinated, Vaccination { doses: 2, day })?;
        self.tested(&vaccinated, 2, NatResult::Negative)?;

        let number = self.declare("42010619680705563X", "欧阳文静")?;
        self.authority.audit(&number, Health::Normal, now)?;
        let code = Code::Converted { number, province: IssuerId::new(42) };
        let role = "code converted by the national platform";
        self.members.push(Member { role, carrier: Carrier::Phone, code });

        // A municipal series, signed with a key that was withdrawn once the province had its own.
        let number = self.declare("350203198707022366", "林晓峰")?;
        self.authority.audit(&number, Health::Normal, now)?;
        let fujian = IssuerId::new(35);
        let series = self.authority.new_key(fujian, now - TimeDelta::days(20))?;
        let municipal = self.authority.issue_for(&number, fujian, Kind::Phone, now)?;
        self.authority.withdraw_series(fujian, series)?;
        self.keeps("code of a withdrawn series", municipal);

        let excepted = ("150102195209281469", "斯琴高娃");
        self.resident("province that is not recognised for now", excepted, 15)?;
        let (zh, en) = ("请出示国家平台健康码", "Show the national platform's code");
        self.authority.file_exception(&Exception {
            issuer: IssuerId::new(15),
            places: [Place::HighwayCheckpoint, Place::RailCheckpoint].into(),
            from: now - TimeDelta::days(3),
            to: now + TimeDelta::days(11),
            filed: now - TimeDelta::days(10),
            filing: "备案2021-12号".to_owned(),
            instead: Words::new(zh, en),
        })?;

        let reviewed = self.declare("E61734852", "Maria Gonzalez")?;
        self.asks("declaration under review", &reviewed, IssuerId::new(11), Kind::Phone);
        for (role, person, health, issuer) in [
            ("red code", ("620102199303046052", "周强"), Health::Stop, 62),
            ("yellow code", ("44030519560923074X", "吴秀兰"), Health::Watch, 44),
        ] {
            let number = self.declare(person.0, person.1)?;
            self.authority.audit(&number, health, now)?;
            self.asks(role, &number, IssuerId::new(issuer), Kind::Phone);
        }
        let unmapped = self.by_hand(51, "何静", "3308", |claims| claims.status = 7)?;
        self.keeps("status that is not mapped", unmapped);
        Ok(())
    }

    /// R12: where somebody has been.
    fn travellers(&mut self) -> Result<(), AuthorityError> {
        let now = self.now;
        let today = shanghai_date(now);
        let area = |area, level| RiskArea { area, level, from: today - Days::new(5), to: None };
        let been_to =
            |area| TravelHistory::Known(vec![Visit { area, last_day: today - Days::new(2) }]);
        self.authority.add_risk_area(&area(LISTED_AREA, RiskLevel::Medium))?;
        let number =
            self.resident("has been to an area of risk", ("320102198111184471", "郑浩然"), 32)?;
        self.authority.set_travel(&number, &been_to(LISTED_AREA), now)?;

        // The code is older than the list that has the area.
        let number = self.declare("51010419571010583X", "何美玲")?;
        self.authority.audit(&number, Health::Normal, now)?;
        self.authority.set_travel(&number, &been_to(NEWLY_LISTED_AREA), now)?;
        let chengdu = IssuerId::new(51);
        let older = self.authority.issue_for(&number, chengdu, Kind::Phone, now)?;
        self.authority.add_risk_area(&area(NEWLY_LISTED_AREA, RiskLevel::High))?;
        self.keeps("area that the newest list has", older);

        let unknown =
            self.resident("nobody knows where from", ("370102198601202205", "孙丽华"), 37)?;
        self.authority.set_travel(&unknown, &TravelHistory::Unknown, now)
    }

    /// R14 and R15: a family, and paper.
    fn family(&mut self) -> Result<(), AuthorityError> {
        let mother = self.resident("mother", ("330102197906102641", "李慧敏"), 33)?;
        self.authority.set_travel(&mother, &TravelHistory::Known(Vec::new()), self.now)?;
        let dependants = [
            ("her child, by a bound code", ("330102201403238087", "陈子涵"), Relation::Child),
            ("her father, by a bound code", ("330102196502193175", "李德明"), Relation::Parent),
        ];
        for (role, person, relation) in dependants {
            let dependant = self.resident(role, person, 33)?;
            let consent = "form 2021-0417".to_owned();
            let guardian = mother.clone();
            let guardianship = Guardianship { guardian, dependant, relation, consent };
            self.authority.bind(&guardianship, self.now)?;
        }
        let number = self.declare("31011519990615609X", "陈桂英")?;
        self.authority.audit(&number, Health::Normal, self.now)?;
        self.asks("paper code", &number, IssuerId::new(31), Kind::Paper);
        Ok(())
    }

    /// R21: who comes from abroad.
    fn partners(&mut self) -> Result<(), AuthorityError> {
        let before = self.now - TimeDelta::days(30);
        let countries = [
            (KOREA, ("韩国", "Korea"), "KR", self.now + TimeDelta::days(60)),
            (SINGAPORE, ("新加坡", "Singapore"), "SG", self.now - TimeDelta::days(1)),
        ];
        for (issuer, (zh, en), country, to) in countries {
            self.authority.new_partner_key(issuer, &Words::new(zh, en), before)?;
            self.authority.add_partner(&Partner {
                partner: country.to_owned(),
                agreement: format!("CN-{country} 2021/3"),
                from: before,
                to,
                places: [Place::Airport, Place::HighwayCheckpoint].into(),
            })?;
        }
        self.resident("partner abroad", ("M52710843", "Kim Min-jun"), KOREA.number())?;
        let over = ("K4821907E", "Tan Wei Ling");
        self.resident("partner whose agreement is over", over, SINGAPORE.number())?;
        Ok(())
    }

    /// What no register gives: dates gone by, forgeries, and what is no code.
    fn others(&mut self) -> Result<(), AuthorityError> {
        let now = self.now;
        let expired = self.by_hand(37, "孙倩", "2286", |claims| {
            claims.issued -= TimeDelta::hours(8);
            claims.expires = claims.issued + TimeDelta::hours(6);
        })?;
        self.keeps("expired code", expired);
        let old = self.by_hand(32, "郑浩", "6609", |claims| {
            claims.issued -= TimeDelta::days(3);
            claims.expires = claims.issued + TimeDelta::days(30);
        })?;
        self.keeps("screenshot of an old code", old);
        let role = "screenshot of the first one's code";
        self.members.push(Member { role, carrier: Carrier::Phone, code: Code::Screenshot });
        self.members.push(Member {
            role: "forged code",
            carrier: Carrier::Phone,
            code: Code::Forged,
        });

        let stranger = SigningKey::generate(&mut UnwrapErr(SysRng));
        let unknown = credential::write(&claims(11, "王磊", "117X", now)?, &stranger)?;
        self.keeps("key that nobody knows", unknown);
        let smeared = self.by_hand(12, "刘洋", "8826", |_| {})?;
        for (role, carrier, text) in [
            ("advertisement", Carrier::Paper, advertisement()),
            ("smeared paper", Carrier::SmearedPaper, smeared),
        ] {
            self.members.push(Member { role, carrier, code: Code::Kept(text) });
        }
        Ok(())
    }

    /// A code that says what the registers would not.
    fn by_hand(
        &self,
        issuer: u16,
        name: &str,
        id_tail: &str,
        change: fn(&mut Claims),
    ) -> Result<SymbolText, AuthorityError> {
        let mut claims = claims(issuer, name, id_tail, self.now)?;
        change(&mut claims);
        self.authority.issue(&claims)
    }
}

/// A green code for a phone, and nothing but that.
fn claims(of: u16, name: &str, id_tail: &str, now: Timestamp) -> Result<Claims, AuthorityError> {
    let issued = now - TimeDelta::minutes(2);
    Ok(Claims {
        issuer: IssuerId::new(of),
        expires: issued + authority::lifetime(Kind::Phone),
        issued,
        code_id: authority::new_code_id()?,
        status: 1,
        kind: Kind::Phone,
        name: HolderName::masked(name).expect("the names above have 1 to 32 characters"),
        id_tail: IdTail::new(id_tail).expect("the tails above have four characters"),
        document_match: None,
        nat: None,
        vaccination: None,
        travel: None,
        commuter: None,
        binding: None,
        origin: None,
    })
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
