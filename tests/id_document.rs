//! Numbers of identity documents: what is one, what is not, and that none gets out.

#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

use std::{collections::BTreeSet, fmt::Write};

use chrono::NaiveDate;
use greengate::{
    credential::IdTail,
    id_document::{
        DocumentKind::{
            self, CitizenId, ForeignPermanentResident, HkMacaoResidencePermit, HkMacaoTravelPermit,
            Passport, TaiwanResidencePermit, TaiwanTravelPermit,
        },
        DocumentNumber, MAX_TYPED, Mrz, MrzError, MrzField,
        Notice::{
            self, DoubtfulCheckDigit, PerhapsPassport, UnknownArea, UnknownCountry, Unverified15,
        },
        NumberError::{
            self, Beginning, BirthDate, BirthInFuture, BirthTooEarly, Character, CheckCharacter,
            Empty, Length, NoDigit, NotADigit, NotALetter, OtherKind, TooLong, UnknownKind,
        },
        Typed,
    },
    presentation::id_document as words,
};
use proptest::{
    prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest},
    sample::Index,
};
use serde_json::Value;

fn today() -> NaiveDate {
    "2021-11-20".parse().unwrap()
}

fn parse(text: &str) -> Result<DocumentNumber, NumberError> {
    DocumentNumber::parse(text, today())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Lines of a file of cases.
fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/documents/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_number_is_of_the_kind_that_its_form_says() {
    type Row = (&'static str, &'static str, DocumentKind, &'static str, &'static [Notice]);
    let rows: &[Row] = &[
        ("citizen", "11010519491231002X", CitizenId, "11010519491231002X", &[]),
        ("citizen of 1880", "440524188001010014", CitizenId, "440524188001010014", &[]),
        ("check character X", "34052419800101001X", CitizenId, "34052419800101001X", &[]),
        ("leap day", "110101200002290018", CitizenId, "110101200002290018", &[]),
        ("small x", "11010519491231002x", CitizenId, "11010519491231002X", &[]),
        (
            "full width",
            "１１０１０５１９４９１２３１００２Ｘ",
            CitizenId,
            "11010519491231002X",
            &[],
        ),
        ("full width, small", "11010519491231002ｘ", CitizenId, "11010519491231002X", &[]),
        ("Roman ten", "11010519491231002Ⅹ", CitizenId, "11010519491231002X", &[]),
        ("spaces", " 110105 1949\u{3000}1231\u{A0}002X\r\n", CitizenId, "11010519491231002X", &[]),
        ("hyphens", "110105-1949‐1231—002−X", CitizenId, "11010519491231002X", &[]),
        (
            "no width",
            "\u{202D}110105\u{200B}19491231002X\u{202C}",
            CitizenId,
            "11010519491231002X",
            &[],
        ),
        ("old", "110105491231002", CitizenId, "11010519491231002X", &[Unverified15]),
        ("old, parted", "110105-491231-002", CitizenId, "11010519491231002X", &[Unverified15]),
        ("no such area", "16010519900101001X", CitizenId, "16010519900101001X", &[UnknownArea]),
        ("Hong Kong", "810000199001010019", HkMacaoResidencePermit, "810000199001010019", &[]),
        ("Macao", "820000199001010029", HkMacaoResidencePermit, "820000199001010029", &[]),
        ("Taiwan", "830000199201300022", TaiwanResidencePermit, "830000199201300022", &[]),
        ("Hong Kong, travel", "H12345678", HkMacaoTravelPermit, "H12345678", &[PerhapsPassport]),
        ("Macao, travel", "m 1234 5678", HkMacaoTravelPermit, "M12345678", &[PerhapsPassport]),
        ("Hong Kong, old", "H1234567890", HkMacaoTravelPermit, "H1234567890", &[]),
        ("Taiwan, travel", "12345678", TaiwanTravelPermit, "12345678", &[PerhapsPassport]),
        ("2017", "KAZ110090123105", ForeignPermanentResident, "KAZ110090123105", &[]),
        (
            "2017, the example",
            "CHE110085062501",
            ForeignPermanentResident,
            "CHE110085062501",
            &[DoubtfulCheckDigit],
        ),
        ("2023", "932682198501010017", ForeignPermanentResident, "932682198501010017", &[]),
        (
            "2023, no such places",
            "999999199012310022",
            ForeignPermanentResident,
            "999999199012310022",
            &[UnknownArea, UnknownCountry],
        ),
        ("passport", "E12345678", Passport, "E12345678", &[]),
        ("passport, two letters", "ea1234567", Passport, "EA1234567", &[]),
        ("passport, digits", "141234567", Passport, "141234567", &[]),
        ("passport, shortest", "A1234", Passport, "A1234", &[]),
        ("specimen", "L898902C3", Passport, "L898902C3", &[]),
    ];
    for (name, text, kind, normal, notices) in rows {
        let number = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = (number.kind(), number.text().expose(), number.notices());
        assert_eq!(found, (*kind, *normal, *notices), "{name}");
        assert_eq!(DocumentNumber::parse_as(*kind, text, today()), Ok(number), "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_number_is_said() {
    let rows = [
        ("month 13", "11010519491331002X", BirthDate),
        ("another day", "11010519491213002X", CheckCharacter),
        ("1900 was no leap year", "110101190002290011", BirthDate),
        ("30 February", "110101200002300018", BirthDate),
        ("tomorrow", "110105202111210012", BirthInFuture),
        ("next century", "110105210001010018", BirthInFuture),
        ("1799", "110105179912310018", BirthTooEarly),
        ("old, 29 February 1949", "110105490229002", BirthDate),
        ("old, a foreigner's beginning", "990105491231002", Beginning),
        ("17 of 18", "11010519491231002", Length { characters: 17 }),
        ("19", "11010519491231002XX", Length { characters: 19 }),
        ("X within", "1101051949123X0022", NotADigit { position: 14 }),
        ("Y at the end", "11010519491231002Y", NotADigit { position: 18 }),
        ("O for 0", "11O105 19491231002X", NotADigit { position: 3 }),
        ("a star", "11010519491231002*", Character { position: 18 }),
        ("another script's digits", "١١٠١٠٥", Character { position: 1 }),
        ("a control", "110105\u{1b}[2J", Character { position: 7 }),
        ("NUL", "1101\0", Character { position: 5 }),
        ("nothing", "", Empty),
        ("spaces alone", " \u{3000}-", Empty),
        ("too few for anything", "1234", Length { characters: 4 }),
        ("H and 9 digits", "H123456789", Length { characters: 10 }),
        ("K and 10 digits", "K1234567890", Beginning),
        ("letters alone", "ABCDEF", NoDigit),
        ("2017, month 13", "CHE110085132501", BirthDate),
        ("2017, two letters", "CH1110085062501", NotALetter { position: 3 }),
        ("2023, check", "932682198501010018", CheckCharacter),
        ("2023, month 13", "932682198513010017", BirthDate),
    ];
    for (name, text, error) in rows {
        assert_eq!(parse(text), Err(error), "{name}");
    }
    assert_eq!(parse(&" ".repeat(MAX_TYPED)), Err(Empty));
    assert_eq!(parse(&" ".repeat(MAX_TYPED + 1)), Err(TooLong));
    assert_eq!(parse(&"9".repeat(4_296)), Err(TooLong));
}

#[test]
fn a_number_is_not_taken_for_another_kind_than_it_is_told() {
    let rows = [
        (CitizenId, "810000199001010019", OtherKind { kind: HkMacaoResidencePermit }),
        (CitizenId, "830000199201300022", OtherKind { kind: TaiwanResidencePermit }),
        (CitizenId, "932682198501010017", OtherKind { kind: ForeignPermanentResident }),
        (CitizenId, "H12345678", OtherKind { kind: HkMacaoTravelPermit }),
        (CitizenId, "E12345678", Length { characters: 9 }),
        (HkMacaoResidencePermit, "11010519491231002X", OtherKind { kind: CitizenId }),
        (HkMacaoResidencePermit, "11010519491231003X", Beginning),
        (TaiwanResidencePermit, "810000199001010019", OtherKind { kind: HkMacaoResidencePermit }),
        (HkMacaoTravelPermit, "12345678", OtherKind { kind: TaiwanTravelPermit }),
        (HkMacaoTravelPermit, "K12345678", Beginning),
        (TaiwanTravelPermit, "1234567", Length { characters: 7 }),
        (TaiwanTravelPermit, "1234567A", NotADigit { position: 8 }),
        (ForeignPermanentResident, "110105491231002", OtherKind { kind: CitizenId }),
        (Passport, "11010519491231002X", OtherKind { kind: CitizenId }),
        (Passport, "A123456789", Length { characters: 10 }),
        (Passport, "A12", Length { characters: 3 }),
    ];
    for (kind, text, error) in rows {
        assert_eq!(DocumentNumber::parse_as(kind, text, today()), Err(error), "{kind:?} {text}");
    }
    for text in ["H12345678", "12345678"] {
        let passport = DocumentNumber::parse_as(Passport, text, today()).unwrap();
        assert_eq!((passport.kind(), passport.notices()), (Passport, &[][..]), "{text}");
    }
}

#[test]
fn a_birth_date_is_the_numbers_where_it_has_one() {
    let rows = [
        ("citizen", "11010519491231002X", Some("1949-12-31")),
        ("old", "110105491231002", Some("1949-12-31")),
        ("permit", "830000199201300022", Some("1992-01-30")),
        ("2023", "932682198501010017", Some("1985-01-01")),
        ("2017", "CHE110085062501", Some("1985-06-25")),
        ("2017, either century", "FRA110019062501", Some("2019-06-25")),
        ("2017, a leap day of 2000", "FRA110000022901", Some("2000-02-29")),
        ("2017, today", "FRA110021112001", Some("2021-11-20")),
        ("2017, tomorrow a hundred years ago", "FRA110021112101", Some("1921-11-21")),
        ("travel permit", "H12345678", None),
        ("passport", "E12345678", None),
    ];
    for (name, text, born) in rows {
        assert_eq!(parse(text).unwrap().born(), born.map(day), "{name}");
    }
    let (born_today, number) = (day("1949-12-31"), "11010519491231002X");
    assert_eq!(DocumentNumber::parse(number, born_today).unwrap().born(), Some(born_today));
    let before = born_today.pred_opt().unwrap();
    assert_eq!(DocumentNumber::parse(number, before), Err(BirthInFuture));
}

#[test]
fn several_hundred_numbers_come_out_as_an_independent_program_has_them() {
    let cases = cases("numbers.jsonl");
    assert!(cases.len() > 700);
    let mut wrong = String::new();
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let read = match case["as"].as_str() {
            None => parse(text),
            Some(kind) => DocumentNumber::parse_as(kind.parse().unwrap(), text, today()),
        };
        let expected = &case["expect"];
        let agrees = match &read {
            Err(_) => expected.is_null(),
            Ok(number) => {
                let born = number.born().map(|day| day.to_string());
                let mut notices: Vec<_> = number.notices().iter().map(|one| one.code()).collect();
                notices.sort_unstable();
                let mut listed: Vec<_> = expected["notices"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                listed.sort_unstable();
                expected["kind"].as_str() == Some(number.kind().code())
                    && expected["number"].as_str() == Some(number.text().expose())
                    && expected["born"].as_str() == born.as_deref()
                    && notices == listed
            }
        };
        if !agrees {
            let found = read.map(|number| (number.kind(), number.text().expose().to_owned()));
            writeln!(wrong, "{case}: {found:?}").unwrap();
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn zones_come_out_as_an_independent_program_has_them() {
    let cases = cases("zones.jsonl");
    assert!(cases.len() > 200);
    let mut wrong = String::new();
    for case in cases {
        let read = Mrz::parse(case["text"].as_str().unwrap(), today());
        let expected = &case["expect"];
        let agrees = match &read {
            Err(_) => expected.is_null(),
            Ok(mrz) => {
                let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
                expected["kind"].as_str() == mrz.kind().map(DocumentKind::code)
                    && expected["number"].as_str() == Some(mrz.number().expose())
                    && expected["born"].as_str() == day(mrz.born()).as_deref()
                    && expected["expires"].as_str() == day(mrz.expires()).as_deref()
            }
        };
        if !agrees {
            writeln!(wrong, "{case}: {read:?}").unwrap();
        }
    }
    assert_eq!(wrong, "");
}

const PASSPORT: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
                        L898902C36UTO7408122F1204159ZE184226B<<<<<10";

#[test]
fn what_is_wrong_with_a_zone_is_said() {
    let check = |field| MrzError::CheckDigit { field };
    let at = |line, column| MrzError::Character { line, column };
    let rows = [
        ("number", "L898902C3", "L898902C4", check(MrzField::Number)),
        ("birth", "7408122", "7408132", check(MrzField::Birth)),
        ("expiry", "1204159", "1204158", check(MrzField::Expiry)),
        ("optional data", "ZE184226B", "ZE184226C", check(MrzField::Optional)),
        ("all of them", "<<10", "<<11", check(MrzField::Composite)),
        ("a letter in a date", "7408122", "74O8122", at(2, 16)),
        ("sex", "F12", "Q12", at(2, 21)),
        ("a foreign character", "ANNA", "ANNÄ", at(1, 19)),
        ("visa", "P<UTO", "V<UTO", MrzError::Document { lines: 2 }),
        ("one missing", "<<10", "<10", MrzError::Lines),
        (
            "no such birth",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "L898902C36UTO7413128F1204159ZE184226B<<<<<10",
            MrzError::BirthDate { error: BirthDate },
        ),
    ];
    for (name, from, to, error) in rows {
        assert_eq!(Mrz::parse(&PASSPORT.replace(from, to), today()), Err(error), "{name}");
    }
    assert_eq!(Mrz::parse(&"<".repeat(4_296), today()), Err(MrzError::Lines));
    assert_eq!(Mrz::parse("", today()), Err(MrzError::Lines));
}

#[test]
fn a_zone_gives_the_number_of_its_kind() {
    let card = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<";
    let passport = Mrz::parse(PASSPORT, today()).unwrap();
    assert_eq!(
        passport.document(today()),
        DocumentNumber::parse_as(Passport, "L898902C3", today())
    );
    assert_eq!(
        (passport.born(), passport.expires()),
        (Some(day("1974-08-12")), Some(day("2012-04-15")))
    );
    let card = Mrz::parse(card, today()).unwrap();
    assert_eq!(card.document(today()), Err(UnknownKind));
    assert_eq!(card.number().expose(), "D23145890");
}

#[test]
fn a_number_is_watched_while_it_is_typed() {
    let incomplete = |typed, of| format!("{typed} of {of}");
    let wrong = |position, error: NumberError| format!("{position}: {}", error.code());
    let complete = |kind: DocumentKind| kind.code().to_owned();
    let rows = [
        (Some(CitizenId), "", incomplete(0, 18)),
        (Some(CitizenId), "1", incomplete(1, 18)),
        (Some(CitizenId), "110105 1949", incomplete(10, 18)),
        (Some(CitizenId), "9", wrong(1, OtherKind { kind: ForeignPermanentResident })),
        (Some(CitizenId), "81000", incomplete(5, 18)),
        (Some(CitizenId), "810000", wrong(6, OtherKind { kind: HkMacaoResidencePermit })),
        (Some(CitizenId), "11A", wrong(3, NotADigit { position: 3 })),
        (Some(CitizenId), "11010517", incomplete(8, 15)),
        (Some(CitizenId), "110105174", wrong(9, BirthDate)),
        (Some(CitizenId), "1101052022", wrong(10, BirthInFuture)),
        (Some(CitizenId), "11010519491", incomplete(11, 18)),
        (Some(CitizenId), "110105194913", wrong(12, BirthDate)),
        (Some(CitizenId), "11010519490230", wrong(13, BirthDate)),
        (Some(CitizenId), "11010520211121", wrong(14, BirthInFuture)),
        (Some(CitizenId), "110105-19491231-00", incomplete(16, 18)),
        (Some(CitizenId), "11010519491231002", incomplete(17, 18)),
        (Some(CitizenId), "11010519491231002X", complete(CitizenId)),
        (Some(CitizenId), "110105194912310021", wrong(18, CheckCharacter)),
        (Some(CitizenId), "11010519491231002XX", wrong(19, Length { characters: 19 })),
        (Some(CitizenId), "11010519491231002X!", wrong(19, Character { position: 19 })),
        (Some(CitizenId), "1101!", wrong(5, Character { position: 5 })),
        (Some(CitizenId), "110105194913!", wrong(12, BirthDate)),
        (Some(CitizenId), "110105491231002", complete(CitizenId)),
        (Some(CitizenId), "110105200505310", "citizen_id or 18".to_owned()),
        (Some(HkMacaoTravelPermit), "H1234567", incomplete(8, 9)),
        (Some(HkMacaoTravelPermit), "H12345678", "hk_macao_travel_permit or 11".to_owned()),
        (Some(HkMacaoTravelPermit), "H123456789", incomplete(10, 11)),
        (Some(HkMacaoTravelPermit), "H1234567890", complete(HkMacaoTravelPermit)),
        (Some(HkMacaoTravelPermit), "K", wrong(1, Beginning)),
        (Some(TaiwanTravelPermit), "1234567", incomplete(7, 8)),
        (Some(TaiwanTravelPermit), "12345678", complete(TaiwanTravelPermit)),
        (Some(TaiwanTravelPermit), "123456789", wrong(9, Length { characters: 9 })),
        (Some(ForeignPermanentResident), "CHE1100850625", incomplete(13, 15)),
        (Some(ForeignPermanentResident), "CHE110085062501", complete(ForeignPermanentResident)),
        (Some(ForeignPermanentResident), "1", wrong(1, Beginning)),
        (Some(Passport), "E123", incomplete(4, 9)),
        (Some(Passport), "E1234", "passport or 9".to_owned()),
        (Some(Passport), "E12345678", complete(Passport)),
        (Some(Passport), "ABCDEFGHI", wrong(9, NoDigit)),
        (None, "1101", incomplete(4, 18)),
        (None, "11010519", "taiwan_travel_permit or 18".to_owned()),
        (None, "1101051949", incomplete(10, 18)),
        (None, "11010519491231002X", complete(CitizenId)),
        (None, "810000", "passport or 18".to_owned()),
    ];
    for (kind, text, state) in rows {
        let found = match Typed::so_far(text, kind, today()) {
            Typed::Complete { number, or_of: None } => complete(number.kind()),
            Typed::Complete { number, or_of: Some(of) } => {
                format!("{} or {of}", number.kind().code())
            }
            Typed::Incomplete { typed, of } => incomplete(typed, of),
            Typed::Wrong { position, error } => wrong(position, error),
        };
        assert_eq!(found, state, "{kind:?} {text:?}");
    }
}

#[test]
fn no_more_of_a_number_is_shown_than_its_end() {
    let number = parse("11010519491231002X").unwrap();
    assert_eq!(number.masked(), "**************002X");
    assert_eq!(IdTail::of(number.text()), IdTail::new("002X").unwrap());
    assert_eq!(format!("{number:?}"), "DocumentNumber(CitizenId, 18 characters)");
    assert_eq!(format!("{:?}", number.text()), "NumberText(..)");
    let mrz = format!("{:?}", Mrz::parse(PASSPORT, today()).unwrap());
    assert!(!mrz.contains("L898") && mrz.contains("NumberText(..)"), "{mrz}");
    let typed = Typed::so_far("11010519491231002X", None, today());
    assert!(!format!("{typed:?}").contains("1949"));
    assert_eq!(parse("H12345678").unwrap().masked(), "*****5678");
    assert_eq!(parse("A1234").unwrap().masked(), "*1234");
}

#[test]
fn each_complaint_has_a_code_of_its_own_and_words() {
    let kind = CitizenId;
    let errors = [
        Beginning,
        BirthDate,
        BirthInFuture,
        BirthTooEarly,
        Character { position: 3 },
        CheckCharacter,
        Empty,
        Length { characters: 3 },
        NoDigit,
        NotADigit { position: 3 },
        NotALetter { position: 3 },
        OtherKind { kind },
        TooLong,
        UnknownKind,
    ];
    let zones = [
        MrzError::BirthDate { error: BirthDate },
        MrzError::Character { line: 1, column: 2 },
        MrzError::CheckDigit { field: MrzField::Number },
        MrzError::Document { lines: 2 },
        MrzError::Expiry,
        MrzError::Lines,
        MrzError::Number,
    ];
    let notices = [DoubtfulCheckDigit, PerhapsPassport, UnknownArea, UnknownCountry, Unverified15];
    let codes: BTreeSet<_> = (errors.iter().map(|error| error.code()))
        .chain(zones.iter().map(|error| error.code()))
        .chain(notices.iter().map(|notice| notice.code()))
        .collect();
    // A zone's birth date is a number's: their codes are the same.
    assert_eq!(codes.len(), errors.len() + zones.len() + notices.len() - 1);
    let said = errors.map(words::number_error).into_iter();
    let said = said.chain(zones.map(words::mrz_error)).chain(notices.map(words::notice));
    let texts: Vec<_> = said.flat_map(|words| [words.zh, words.en]).collect();
    assert!(texts.iter().all(|text| !text.is_empty()));
    assert_eq!(
        CheckCharacter.to_string(),
        "the last character does not fit the others: one of them is wrong"
    );
    assert_eq!(NotADigit { position: 3 }.to_string(), "character 3 must be a digit");
    assert_eq!(words::number_error(NotADigit { position: 3 }).zh, "第 3 位应为数字");
    let typed = words::typed(&Typed::so_far("1101", Some(CitizenId), today()));
    assert_eq!(
        (typed.zh.as_str(), typed.en.as_str()),
        ("已输入 4 位，共 18 位", "4 of 18 characters")
    );
}

#[test]
fn kinds_have_the_bytes_of_the_document_match() {
    let bytes = DocumentKind::ALL.map(DocumentKind::type_byte);
    assert_eq!(bytes, [1, 2, 2, 3, 3, 4, 5]);
}

/// A number of 18 characters whose check character is right, of any place, day, and sequence.
fn eighteen() -> impl Strategy<Value = String> {
    let area = ("[1-8][0-9]{5}|9[0-9]{5}|8[123]0000", 0_i64..44_000, 0_u16..1_000);
    area.prop_map(|(area, days, sequence)| {
        let day = day("1901-01-01") + chrono::TimeDelta::days(days);
        let body = format!("{area}{}{sequence:03}", day.format("%Y%m%d"));
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let digits = body.chars().map(|digit| digit.to_digit(10).unwrap());
        let sum: u32 = digits.zip(weights).map(|(digit, weight)| digit * weight).sum();
        let check = "10X98765432".chars().nth(usize::try_from(sum % 11).unwrap()).unwrap();
        format!("{body}{check}")
    })
}

/// Text of the characters that matter, and others.
fn near_numbers() -> impl Strategy<Value = String> {
    "[0-9XxHMA-Z０-９ \\-—<\n*é中\u{200B}]{0,100}"
}

proptest! {
    #[test]
    fn whatever_is_typed_reading_ends(text in any::<String>()) {
        for kind in DocumentKind::ALL {
            DocumentNumber::parse_as(kind, &text, today()).ok();
            let _ = Typed::so_far(&text, Some(kind), today());
        }
        parse(&text).ok();
        let _ = Typed::so_far(&text, None, today());
        Mrz::parse(&text, today()).ok();
    }

    #[test]
    fn whatever_is_typed_watching_and_reading_agree(text in near_numbers()) {
        for kind in DocumentKind::ALL.map(Some).into_iter().chain([None]) {
            let read = match kind {
                Some(kind) => DocumentNumber::parse_as(kind, &text, today()),
                None => parse(&text),
            };
            match Typed::so_far(&text, kind, today()) {
                Typed::Complete { number, .. } => prop_assert_eq!(read, Ok(number)),
                Typed::Incomplete { .. } | Typed::Wrong { .. } => prop_assert!(read.is_err()),
            }
        }
        Mrz::parse(&text, today()).ok();
    }

    #[test]
    fn a_normal_form_is_read_as_itself(
        text in "[A-Z]{0,3}[0-9]{4,15}|[0-9]{6}(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-2][0-9]{4}[0-9X]",
    ) {
        if let Ok(number) = parse(&text) {
            let again = parse(number.text().expose()).unwrap();
            prop_assert_eq!(again.born(), number.born());
            prop_assert_eq!(again, number);
        }
    }

    #[test]
    fn a_sound_number_is_read_and_nothing_wrong_is_seen_on_the_way(
        number in eighteen(), until in any::<Index>(),
    ) {
        let read = parse(&number).unwrap();
        prop_assert_eq!(read.text().expose(), &number);
        let typed = &number[..until.index(18)];
        let state = Typed::so_far(typed, Some(read.kind()), today());
        let fine = matches!(
            state,
            Typed::Incomplete { .. } | Typed::Complete { or_of: Some(18), .. }
        );
        prop_assert!(fine, "{typed} {state:?}");
    }

    #[test]
    fn each_changed_and_each_exchanged_character_is_seen(number in eighteen()) {
        let number = number.into_bytes();
        let refused = |changed: &[u8]| parse(str::from_utf8(changed).unwrap()).is_err();
        for at in 0..18 {
            for to in *b"0123456789X" {
                let mut changed = number.clone();
                changed[at] = to;
                prop_assert!(changed == number || refused(&changed), "{changed:?}");
            }
            let mut changed = number.clone();
            changed.swap(at, (at + 1).min(17));
            prop_assert!(changed == number || refused(&changed), "{changed:?}");
        }
    }

    #[test]
    fn no_complaint_holds_what_was_typed(number in eighteen(), at in any::<Index>()) {
        let mut changed = number.clone().into_bytes();
        let at = at.index(17);
        changed[at] = if changed[at] == b'9' { b'0' } else { changed[at] + 1 };
        let changed = String::from_utf8(changed).unwrap();
        let error = parse(&changed).unwrap_err();
        let said = format!("{error} {error:?} {:?}", words::number_error(error));
        for part in [&changed[..6], &changed[6..14], &changed[14..]] {
            prop_assert!(!said.contains(part), "{said}");
        }
    }
}
