//! Each operation, and what is none.

use greengate::policy::certlogic::{EvalError, Expression, Flaw, ParseError};
use serde_json::{Value as Json, json};

use crate::{evaluated, needs, no_date};

#[test]
fn each_operation_does_what_the_specification_says() {
    // Errs whatever it is given, to show what is not evaluated.
    let wrong = json!({"+": ["", ""]});
    let wrong_error = needs("+", "integers");
    let time = json!({"plusTime": ["2021-11-20T08:00:00Z", 0, "day"]});
    let data = json!({
        "none": null, "zero": 0, "one": 1, "fraction": 1.5, "vast": 9_007_199_254_740_993_i64,
        "text": "abc", "empty": "", "list": [1, 2, 3], "empties": [[], {}], "object": {"a": 1},
        "nested": [{"a": [10, 20]}], "0": "member nought", "nulls": [null],
        "uvci": "URN:UVCI:01:NL:187/375#B", "day": "2021-11-20",
    });
    let var = |path: &str| json!({"var": path});
    let not_not = |operand: Json| json!({"!": [{"!": [operand]}]});
    let truth = "what is truthy or falsy";

    let cases = [
        ("a literal text", json!("a"), Ok(json!("a"))),
        ("a literal integer", json!(-3), Ok(json!(-3))),
        ("a literal integer with a point", json!(3.0), Ok(json!(3))),
        ("a literal boolean", json!(false), Ok(json!(false))),
        (
            "an array evaluates its items",
            json!([{"+": [1, 1]}, ["a"], []]),
            Ok(json!([2, ["a"], []])),
        ),
        //
        ("var: a member", var("one"), Ok(json!(1))),
        ("var: deeper", var("nested.0.a.1"), Ok(json!(20))),
        ("var: a member that looks like an index", var("0"), Ok(json!("member nought"))),
        ("var: missing", var("two"), Ok(Json::Null)),
        ("var: below what is missing", var("two.three.0"), Ok(Json::Null)),
        ("var: below null", var("none.a"), Ok(Json::Null)),
        ("var: behind the end", var("list.3"), Ok(Json::Null)),
        ("var: before the beginning", var("list.-1"), Ok(Json::Null)),
        ("var: beyond any index", var("list.99999999999999999999"), Ok(Json::Null)),
        ("var: an array has no members", var("list.length"), Ok(Json::Null)),
        ("var: nor are digits before a letter an index", var("list.1x"), Ok(Json::Null)),
        ("var: text has no items", var("text.0"), Ok(Json::Null)),
        ("var: an integer has nothing", var("one.0"), Ok(Json::Null)),
        ("var: a fraction is what it is", var("fraction"), Ok(json!(1.5))),
        ("var: all of the data", json!({"===": [var(""), var("")]}), Ok(json!(true))),
        //
        ("!: false", json!({"!": [false]}), Ok(json!(true))),
        ("!: true", json!({"!": [true]}), Ok(json!(false))),
        ("!: null", json!({"!": [var("none")]}), Ok(json!(true))),
        ("!: missing", json!({"!": [var("two")]}), Ok(json!(true))),
        ("!: zero", json!({"!": [var("zero")]}), Ok(json!(true))),
        ("!: below zero", json!({"!": [-1]}), Ok(json!(false))),
        ("!: a fraction", json!({"!": [var("fraction")]}), Ok(json!(false))),
        ("!: beyond 53 bits", json!({"!": [var("vast")]}), Ok(json!(false))),
        ("!: empty text", json!({"!": [""]}), Ok(json!(true))),
        ("!: text", json!({"!": ["false"]}), Ok(json!(false))),
        ("!: empty array", json!({"!": [[]]}), Ok(json!(true))),
        ("!: empty array in the data", json!({"!": [var("empties.0")]}), Ok(json!(true))),
        ("!: array of falsy", json!({"!": [[false]]}), Ok(json!(false))),
        ("!: array in the data", json!({"!": [var("nulls")]}), Ok(json!(false))),
        ("!: empty object", json!({"!": [var("empties.1")]}), Ok(json!(true))),
        ("!: object", json!({"!": [var("object")]}), Ok(json!(false))),
        ("!: date-time", json!({"!": [time]}), needs("!", truth)),
        ("!: twice asks for presence", not_not(var("day")), Ok(json!(true))),
        //
        ("if: then", json!({"if": [1, "then", wrong]}), Ok(json!("then"))),
        ("if: else", json!({"if": [var("none"), wrong, "else"]}), Ok(json!("else"))),
        (
            "if: chain",
            json!({"if": [0, wrong, {"if": [[], wrong, {"if": ["", wrong, 3]}]}]}),
            Ok(json!(3)),
        ),
        ("if: the guard errs", json!({"if": [wrong, 1, 2]}), wrong_error.clone()),
        ("if: date-time as guard", json!({"if": [time, 1, 2]}), needs("if", truth)),
        //
        ("and: the last", json!({"and": [1, "a", 7]}), Ok(json!(7))),
        ("and: the first falsy", json!({"and": [1, "", wrong]}), Ok(json!(""))),
        ("and: null", json!({"and": [true, var("none"), wrong]}), Ok(Json::Null)),
        ("and: the last is falsy", json!({"and": [1, 0]}), Ok(json!(0))),
        ("and: errs before anything falsy", json!({"and": [wrong, false]}), wrong_error.clone()),
        ("and: date-time in front", json!({"and": [time, true]}), needs("and", truth)),
        ("and: date-time at the end", json!({"and": [true, time]}), needs("and", truth)),
        ("and: date-time behind a falsy", json!({"and": [false, time]}), Ok(json!(false))),
        //
        ("===: text", json!({"===": [var("text"), "abc"]}), Ok(json!(true))),
        ("===: text and integer", json!({"===": ["1", 1]}), Ok(json!(false))),
        ("===: however written", json!({"===": [1.0, var("one")]}), Ok(json!(true))),
        ("===: boolean and integer", json!({"===": [true, 1]}), Ok(json!(false))),
        ("===: nulls", json!({"===": [var("none"), var("two")]}), Ok(json!(true))),
        ("===: null and false", json!({"===": [var("none"), false]}), Ok(json!(false))),
        ("===: fractions", json!({"===": [var("fraction"), var("fraction")]}), Ok(json!(true))),
        ("===: the same array", json!({"===": [var("list"), var("list")]}), Ok(json!(true))),
        ("===: equal arrays", json!({"===": [[], []]}), Ok(json!(false))),
        ("===: an array and a literal", json!({"===": [var("list"), [1, 2, 3]]}), Ok(json!(false))),
        ("===: equal date-times", json!({"===": [time, time]}), Ok(json!(false))),
        //
        ("in: it is", json!({"in": [2, var("list")]}), Ok(json!(true))),
        ("in: it is not", json!({"in": ["2", var("list")]}), Ok(json!(false))),
        ("in: a literal array", json!({"in": ["b", ["a", "b"]]}), Ok(json!(true))),
        ("in: an empty array", json!({"in": [1, []]}), Ok(json!(false))),
        ("in: null among nulls", json!({"in": [var("none"), var("nulls")]}), Ok(json!(true))),
        ("in: the very same", json!({"in": [var("nested.0"), var("nested")]}), Ok(json!(true))),
        ("in: text is no array", json!({"in": ["a", var("text")]}), needs("in", "an array")),
        ("in: nor is null", json!({"in": ["a", var("none")]}), needs("in", "an array")),
        ("in: nor an object", json!({"in": ["a", var("object")]}), needs("in", "an array")),
        //
        ("+: integers", json!({"+": [40, 2]}), Ok(json!(42))),
        ("+: however written", json!({"+": [40.0, -2]}), Ok(json!(38))),
        ("+: texts", json!({"+": ["4", "2"]}), needs("+", "integers")),
        ("+: null", json!({"+": [1, var("none")]}), needs("+", "integers")),
        ("+: fraction", json!({"+": [1, var("fraction")]}), needs("+", "integers")),
        ("+: beyond 53 bits", json!({"+": [1, var("vast")]}), needs("+", "integers")),
        (
            "+: to the limit",
            json!({"+": [9_007_199_254_740_990_i64, 1]}),
            Ok(json!(9_007_199_254_740_991_i64)),
        ),
        ("+: past it", json!({"+": [9_007_199_254_740_991_i64, 1]}), Err(EvalError::Overflow)),
        (
            "+: past it below",
            json!({"+": [-9_007_199_254_740_991_i64, -1]}),
            Err(EvalError::Overflow),
        ),
        //
        ("<: below", json!({"<": [1, 2]}), Ok(json!(true))),
        ("<: same", json!({"<": [2, 2]}), Ok(json!(false))),
        ("<=: same", json!({"<=": [2, 2]}), Ok(json!(true))),
        ("<=: above", json!({"<=": [3, 2]}), Ok(json!(false))),
        (">: above", json!({">": [3, 2]}), Ok(json!(true))),
        (">: same", json!({">": [2, 2]}), Ok(json!(false))),
        (">=: same", json!({">=": [2, 2]}), Ok(json!(true))),
        (">=: below", json!({">=": [1, 2]}), Ok(json!(false))),
        ("<: three", json!({"<": [1, 2, 3]}), Ok(json!(true))),
        ("<: the second pair fails", json!({"<": [1, 3, 2]}), Ok(json!(false))),
        ("<: not the outer pair", json!({"<": [1, 5, 3]}), Ok(json!(false))),
        (">=: three", json!({">=": [3, 3, 1]}), Ok(json!(true))),
        ("<: text", json!({"<": ["1", 2]}), needs("<", "integers")),
        ("<: null", json!({"<": [var("none"), 2]}), needs("<", "integers")),
        ("<: fraction", json!({"<": [var("fraction"), 2]}), needs("<", "integers")),
        ("<: all are looked at", json!({"<": [2, 1, ""]}), needs("<", "integers")),
        (">: date-times", json!({">": [time, time]}), needs(">", "integers")),
        //
        ("after: same", json!({"after": [time, time]}), Ok(json!(false))),
        ("not-after: same", json!({"not-after": [time, time]}), Ok(json!(true))),
        ("not-before: same", json!({"not-before": [time, time, time]}), Ok(json!(true))),
        ("before: same", json!({"before": [time, time]}), Ok(json!(false))),
        ("before: texts", json!({"before": ["2021", "2022"]}), needs("before", "date-times")),
        ("after: integers", json!({"after": [2, 1]}), needs("after", "date-times")),
        //
        (
            "reduce: a sum",
            json!({"reduce": [var("list"), {"+": [var("accumulator"), var("current")]}, 0]}),
            Ok(json!(6)),
        ),
        (
            "reduce: from the left",
            json!({"reduce": [["a", "b"], [var("accumulator"), var("current")], 0]}),
            Ok(json!([[0, "a"], "b"])),
        ),
        ("reduce: nothing", json!({"reduce": [[], wrong, "initial"]}), Ok(json!("initial"))),
        ("reduce: null", json!({"reduce": [var("none"), wrong, "initial"]}), Ok(json!("initial"))),
        (
            "reduce: the lambda sees nothing else",
            json!({"reduce": [[1], var("text"), 0]}),
            Ok(Json::Null),
        ),
        (
            "reduce: what the lambda is given",
            json!({"reduce": [[1], var(""), 0]}),
            Ok(json!({"accumulator": 0, "current": 1})),
        ),
        (
            "reduce: into an item",
            json!({"reduce": [var("nested"), var("current.a.1"), 0]}),
            Ok(json!(20)),
        ),
        (
            "reduce: in a reduce",
            json!({"reduce": [[[1, 2], [3]], {"+": [var("accumulator"), {"reduce": [var("current"), {"+": [var("accumulator"), var("current")]}, 0]}]}, 0]}),
            Ok(json!(6)),
        ),
        (
            "reduce: date-times",
            json!({"reduce": [[time], {"before": [var("current"), var("current")]}, 0]}),
            Ok(json!(false)),
        ),
        ("reduce: text", json!({"reduce": ["abc", 1, 0]}), needs("reduce", "an array or null")),
        (
            "reduce: object",
            json!({"reduce": [var("object"), 1, 0]}),
            needs("reduce", "an array or null"),
        ),
        //
        (
            "extractFromUVCI: the first",
            json!({"extractFromUVCI": [var("uvci"), 0]}),
            Ok(json!("01")),
        ),
        (
            "extractFromUVCI: behind a slash",
            json!({"extractFromUVCI": [var("uvci"), 3]}),
            Ok(json!("375")),
        ),
        ("extractFromUVCI: the last", json!({"extractFromUVCI": [var("uvci"), 4]}), Ok(json!("B"))),
        (
            "extractFromUVCI: behind it",
            json!({"extractFromUVCI": [var("uvci"), 5]}),
            Ok(Json::Null),
        ),
        (
            "extractFromUVCI: before the first",
            json!({"extractFromUVCI": [var("uvci"), -1]}),
            Ok(Json::Null),
        ),
        (
            "extractFromUVCI: the prefix as it stands",
            json!({"extractFromUVCI": ["urn:uvci:01", 0]}),
            Ok(json!("urn")),
        ),
        ("extractFromUVCI: empty", json!({"extractFromUVCI": ["", 0]}), Ok(json!(""))),
        (
            "extractFromUVCI: nothing between",
            json!({"extractFromUVCI": ["a::c/#/f", 4]}),
            Ok(json!("")),
        ),
        ("extractFromUVCI: null", json!({"extractFromUVCI": [var("none"), 0]}), Ok(Json::Null)),
        (
            "extractFromUVCI: integer",
            json!({"extractFromUVCI": [1, 0]}),
            needs("extractFromUVCI", "text or null"),
        ),
        //
        ("plusTime: null", json!({"plusTime": [var("none"), 0, "day"]}), needs("plusTime", "text")),
        ("plusTime: date-time", json!({"plusTime": [time, 0, "day"]}), needs("plusTime", "text")),
        (
            "plusTime: the calendar ends",
            json!({"plusTime": ["2021", 300_000, "year"]}),
            Err(EvalError::Overflow),
        ),
        (
            "plusTime: in hours too",
            json!({"plusTime": ["2021", 9_007_199_254_740_991_i64, "hour"]}),
            Err(EvalError::Overflow),
        ),
        (
            "dccDateOfBirth: null",
            json!({"dccDateOfBirth": [var("none")]}),
            needs("dccDateOfBirth", "text"),
        ),
        ("dccDateOfBirth: empty", json!({"dccDateOfBirth": [""]}), no_date("dccDateOfBirth")),
    ];
    for (name, expression, expected) in cases {
        assert_eq!(evaluated(name, &expression, &data), expected, "{name}");
    }
}

#[test]
fn a_rule_is_true_or_false_and_nothing_between() {
    let cases = [
        ("true", json!(true), Ok(true)),
        ("false", json!(false), Ok(false)),
        ("true in the data", json!({"var": "yes"}), Ok(true)),
        ("truthy", json!(1), Err(EvalError::NotBoolean)),
        ("falsy", json!([]), Err(EvalError::NotBoolean)),
        ("missing", json!({"var": "no"}), Err(EvalError::NotBoolean)),
        ("and of what is not boolean", json!({"and": [true, 1]}), Err(EvalError::NotBoolean)),
        ("an error", json!({"in": [1, 1]}), needs("in", "an array").map(|_| true)),
    ];
    for (name, expression, expected) in cases {
        let expression = Expression::parse(&expression).expect(name);
        assert_eq!(expression.is_true(&json!({"yes": true})), expected, "{name}");
    }
}

#[test]
fn what_is_no_expression_is_refused_where_it_stands() {
    let count = |operation, found| Flaw::Count { operation, found };
    let cases = [
        ("null", json!(null), "", Flaw::Null),
        ("null in an array", json!([1, null]), "/1", Flaw::Null),
        ("a fraction", json!(0.5), "", Flaw::Number),
        ("53 bits are passed", json!(9_007_199_254_740_992_i64), "", Flaw::Number),
        ("and below", json!(-9_007_199_254_740_992_i64), "", Flaw::Number),
        ("and as a fraction", json!(1e300), "", Flaw::Number),
        ("no member", json!({}), "", Flaw::Members { found: 0 }),
        ("two members", json!({"!": [1], "and": [1, 2]}), "", Flaw::Members { found: 2 }),
        ("unknown", json!({"or": [1, 2]}), "", Flaw::UnknownOperation),
        ("another case", json!({"IF": [1, 2, 3]}), "", Flaw::UnknownOperation),
        (
            "unknown, inside",
            json!({"if": [1, {"and": [{"==": [1, 1]}, 2]}, 3]}),
            "/if/1/and/0",
            Flaw::UnknownOperation,
        ),
        ("in an array inside", json!({"in": [1, [0, {"!": [null]}]]}), "/in/1/1/!/0", Flaw::Null),
        ("operand without array", json!({"!": true}), "", Flaw::Operands),
        ("unknown without array", json!({"foo": 1}), "", Flaw::Operands),
        ("!: none", json!({"!": []}), "", count("!", 0)),
        ("!: two", json!({"!": [1, 2]}), "", count("!", 2)),
        ("if: two", json!({"if": [1, 2]}), "", count("if", 2)),
        ("if: four", json!({"if": [1, 2, 3, 4]}), "", count("if", 4)),
        ("and: one", json!({"and": [1]}), "", count("and", 1)),
        ("===: three", json!({"===": [1, 1, 1]}), "", count("===", 3)),
        ("in: one", json!({"in": [1]}), "", count("in", 1)),
        ("+: one", json!({"+": [1]}), "", count("+", 1)),
        ("<: one", json!({"<": [1]}), "", count("<", 1)),
        ("not-after: four", json!({"not-after": [1, 2, 3, 4]}), "", count("not-after", 4)),
        ("reduce: two", json!({"reduce": [[], 1]}), "", count("reduce", 2)),
        ("plusTime: two", json!({"plusTime": ["2021", 1]}), "", count("plusTime", 2)),
        (
            "plusTime: amount is to be literal",
            json!({"plusTime": ["2021", {"var": "n"}, "day"]}),
            "/plusTime/1",
            Flaw::NotInteger,
        ),
        (
            "plusTime: amount is a fraction",
            json!({"plusTime": ["2021", 0.5, "day"]}),
            "/plusTime/1",
            Flaw::NotInteger,
        ),
        ("plusTime: unit", json!({"plusTime": ["2021", 1, "days"]}), "/plusTime/2", Flaw::NotUnit),
        (
            "plusTime: unit is to be literal",
            json!({"plusTime": ["2021", 1, {"var": "u"}]}),
            "/plusTime/2",
            Flaw::NotUnit,
        ),
        ("plusTime: text", json!({"plusTime": [null, 1, "day"]}), "/plusTime/0", Flaw::Null),
        (
            "extractFromUVCI: one",
            json!({"extractFromUVCI": ["a"]}),
            "",
            count("extractFromUVCI", 1),
        ),
        (
            "extractFromUVCI: index",
            json!({"extractFromUVCI": ["a", "0"]}),
            "/extractFromUVCI/1",
            Flaw::NotInteger,
        ),
        (
            "dccDateOfBirth: two",
            json!({"dccDateOfBirth": ["2021", "2022"]}),
            "",
            count("dccDateOfBirth", 2),
        ),
        ("var: an integer", json!({"var": 0}), "", Flaw::Path),
        ("var: an array", json!({"var": ["a"]}), "", Flaw::Path),
        ("var: ends in a full stop", json!({"var": "a."}), "", Flaw::Path),
        ("var: begins with one", json!({"var": ".a"}), "", Flaw::Path),
        ("var: two in a row", json!({"var": "a..b"}), "", Flaw::Path),
        ("var: nothing else", json!({"var": "."}), "", Flaw::Path),
    ];
    for (name, expression, at, flaw) in cases {
        let expected = ParseError { at: at.to_owned(), flaw };
        assert_eq!(Expression::parse(&expression).expect_err(name), expected, "{name}");
    }

    let error = Expression::parse(&json!({"if": [1, {"and": [1]}, 3]})).unwrap_err();
    assert_eq!(error.to_string(), "at \"/if/1\": wrong number of operands for \"and\": 1");
}

#[test]
fn paths_are_those_into_the_data() {
    let paths = |expression: Json| {
        let expression = Expression::parse(&expression).unwrap();
        expression.paths().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(paths(json!(1)), Vec::<String>::new());
    assert_eq!(paths(json!({"var": ""})), [""]);
    let expression = json!({"if": [
        {"!": [{"var": "f"}]},
        [{"dccDateOfBirth": [{"var": "b"}]}, {"extractFromUVCI": [{"var": "c"}, 0]}],
        {"reduce": [{"var": "d"}, {"+": [{"var": "current"}, {"var": "hidden"}]}, {"var": "a"}]},
    ]});
    assert_eq!(paths(expression), ["a", "b", "c", "d", "f"]);
    let expression = json!({"and": [
        {"in": [{"var": "a"}, {"var": "b"}]}, {"===": [{"var": "a"}, {"+": [{"var": "c"}, 1]}]},
        {"after": [{"plusTime": [{"var": "d"}, 0, "day"]}, {"var": "a"}]},
    ]});
    assert_eq!(paths(expression), ["a", "b", "c", "d"]);
}
