//! Whatever is given, parsing and evaluating end.

use greengate::policy::certlogic::{
    EvalError, Expression, Flaw, MAX_DEPTH, MAX_NESTING, MAX_NODES, MAX_STEPS,
};
use proptest::{
    collection::{btree_map, vec},
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    sample::select,
};
use serde_json::{Value as Json, json};

use crate::evaluated;

#[test]
fn limits_hold_to_the_last() {
    let nested = |depth: usize| (1..depth).fold(json!(1), |inner, _| json!({"!": [inner]}));
    assert!(Expression::parse(&nested(MAX_DEPTH)).is_ok());
    let error = Expression::parse(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!((error.at, error.flaw), ("/!/0".repeat(MAX_DEPTH), Flaw::TooDeep));
    let deep = (0..1_000).fold(json!(1), |inner, _| Json::Array(vec![inner]));
    assert_eq!(Expression::parse(&deep).unwrap_err().flaw, Flaw::TooDeep);

    let wide = |nodes: usize| Json::Array(vec![json!(1); nodes - 1]);
    assert!(Expression::parse(&wide(MAX_NODES)).is_ok());
    let error = Expression::parse(&wide(MAX_NODES + 1)).unwrap_err();
    assert_eq!((error.at, error.flaw), (format!("/{}", MAX_NODES - 1), Flaw::TooLong));

    // One step for the operation, one for the item, two for the path, one for each item.
    let data = |items: usize| json!({"items": vec![1; items]});
    let is_in = Expression::parse(&json!({"in": [0, {"var": "items"}]})).unwrap();
    assert_eq!(is_in.is_true(&data(MAX_STEPS - 4)), Ok(false));
    assert_eq!(is_in.is_true(&data(MAX_STEPS - 3)), Err(EvalError::Steps));
    // Arrays in arrays multiply: 64 times 64 lambdas are within bounds, 128 times 128 are not.
    let squared = |items: usize| json!(vec![vec![1; items]; items]);
    let lambda = json!({"reduce": [{"var": "current"}, 1, 1]});
    let all = json!({"reduce": [{"var": ""}, lambda, 1]});
    assert_eq!(evaluated("64 squared", &all, &squared(64)), Ok(json!(1)));
    assert_eq!(evaluated("128 squared", &all, &squared(128)), Err(EvalError::Steps));

    let deeper = |lambda: Json| json!({"reduce": [{"var": "items"}, lambda, 1]});
    let array = deeper(json!([{"var": "accumulator"}]));
    assert!(Expression::parse(&array).unwrap().evaluate(&data(MAX_NESTING - 1)).is_ok());
    assert_eq!(evaluated("array", &array, &data(MAX_NESTING + 1)), Err(EvalError::Nesting));
    let itself = deeper(json!({"var": ""}));
    assert!(Expression::parse(&itself).unwrap().evaluate(&data(MAX_NESTING)).is_ok());
    assert_eq!(evaluated("itself", &itself, &data(MAX_NESTING + 1)), Err(EvalError::Nesting));

    // 2⁶⁰ ones to walk, sixty arrays to hold.
    let twice = deeper(json!([{"var": "accumulator"}, {"var": "accumulator"}]));
    assert!(Expression::parse(&twice).unwrap().evaluate(&data(60)).is_ok());
}

/// JSON of any kind, with the names that the language uses among the keys.
fn any_json() -> impl Strategy<Value = Json> {
    let keys: Vec<_> = "! + < <= === > >= accumulator after and before current dccDateOfBirth \
        extractFromUVCI if in not-after not-before plusTime reduce var x"
        .split(' ')
        .collect();
    let texts: Vec<_> = "x x.0 current accumulator.current day hour month year 2021 2021-11 \
        2020-02-29 2021-11-20T08:09:10.5+8 0000-01-01T00:00:00+23:59"
        .split(' ')
        .collect();
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-3_i64..300_000).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        select(texts).prop_map(Json::from),
        "[0-9TZ:.+é-]{0,12}".prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 48, 4, move |inner| {
        let key = select(keys.clone()).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            btree_map(key.clone(), inner.clone(), 0..3)
                .prop_map(|members| members.into_iter().collect()),
            (key, vec(inner, 1..4)).prop_map(|(key, operands)| json!({key: operands})),
        ]
    })
}

/// JSON that is an expression.
fn any_expression() -> impl Strategy<Value = Json> {
    let paths = ["", "x", "x.0", "0", "1.current", "current", "accumulator", "accumulator.0"];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Json::from),
        (-3_i64..4).prop_map(Json::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,5})?)?"
            .prop_map(Json::from),
        ".{0,8}".prop_map(Json::from),
        select(paths.to_vec()).prop_map(|path| json!({"var": path})),
    ];
    leaf.prop_recursive(6, 64, 4, |inner| {
        let of = |names: &[&'static str]| select(names.to_vec());
        let count = -9_007_199_254_740_991_i64..=9_007_199_254_740_991;
        let amount = prop_oneof![count, -5_000_i64..5_000];
        let comparisons =
            of(&["<", "<=", ">", ">=", "after", "before", "not-after", "not-before", "and"]);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            (of(&["!", "dccDateOfBirth"]), [inner.clone()])
                .prop_map(|(name, operands)| json!({name: operands})),
            (of(&["===", "in", "+"]), [inner.clone(), inner.clone()])
                .prop_map(|(name, operands)| json!({name: operands})),
            (of(&["if", "reduce"]), [inner.clone(), inner.clone(), inner.clone()])
                .prop_map(|(name, operands)| json!({name: operands})),
            (comparisons, vec(inner.clone(), 2..=3))
                .prop_map(|(name, operands)| json!({name: operands})),
            (inner.clone(), amount.clone(), of(&["day", "hour", "month", "year"]))
                .prop_map(|(text, amount, unit)| json!({"plusTime": [text, amount, unit]})),
            (inner, amount).prop_map(|(text, index)| json!({"extractFromUVCI": [text, index]})),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_an_expression_or_refused(value in any_json(), data in any_json()) {
        if let Ok(expression) = Expression::parse(&value) {
            let _ = expression.evaluate(&data);
            let _ = expression.is_true(&data);
            let _ = expression.paths();
        }
    }

    #[test]
    fn any_expression_comes_to_an_end(value in any_expression(), data in any_json()) {
        let expression = Expression::parse(&value).expect("it is built as one");
        let _ = expression.evaluate(&data);
        let _ = expression.is_true(&data);
        let _ = expression.paths();
    }
}
