//! What is published with the language: its suites, and the rules of the member states.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use greengate::policy::certlogic::{Expression, Flaw, ParseError};
use serde_json::{Value as Json, from_str, json};

use crate::evaluated;

fn peer_data(folder: &str) -> Option<PathBuf> {
    let given = env::var_os("GREENGATE_PEER_DATA").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/peer-data");
    let folder = given.unwrap_or_else(beside).join(folder);
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: no peer data");
        None
    }
}

/// Every JSON file in a folder, in the order of their names.
fn files(folder: &Path) -> Vec<(String, Json)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths: BTreeSet<_> =
        entries.filter(|path| path.extension().is_some_and(|is| is == "json")).collect();
    let read = |path: PathBuf| {
        (path.display().to_string(), from_str(&fs::read_to_string(path).unwrap()).unwrap())
    };
    paths.into_iter().map(read).collect()
}

fn folders(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().unwrap()
}

#[test]
fn the_specification_s_test_suite_holds() {
    let Some(folder) = peer_data("certlogic/testSuite") else {
        return;
    };
    let skipped = |value: &Json| value["directive"] == "skip";
    let (mut run, mut passed_over) = (0, 0);
    for (file, suite) in files(&folder) {
        for case in list(&suite["cases"]) {
            for (index, assertion) in list(&case["assertions"]).iter().enumerate() {
                if skipped(&suite) || skipped(case) || skipped(assertion) {
                    passed_over += 1;
                    continue;
                }
                let name = format!("{file}, {}, {index}", case["name"]);
                let expression = assertion.get("certLogicExpression");
                let expression = expression.unwrap_or(&case["certLogicExpression"]);
                let data = &assertion["data"];
                let expected = Ok(assertion["expected"].clone());
                assert_eq!(evaluated(&name, expression, data), expected, "{name}");
                run += 1;
            }
        }
    }
    println!("{run} assertions hold, {passed_over} carry the directive skip");
    assert_eq!((run, passed_over), (218, 14));
}

#[test]
fn the_specification_s_validation_suite_holds() {
    let Some(folder) = peer_data("certlogic/validation-testSuite") else {
        return;
    };
    let mut run = 0;
    for (file, suite) in files(&folder) {
        for (index, case) in list(&suite["cases"]).iter().enumerate() {
            let name = format!("{file}, {index}");
            let expression = &case["certLogicExpression"];
            match list(&case["issues"]) {
                [] => drop(Expression::parse(expression).expect(&name)),
                [first, ..] => {
                    let ParseError { at, flaw } = Expression::parse(expression).expect_err(&name);
                    assert_eq!(expression.pointer(&at), Some(&first["expr"]), "{name}");
                    let message = match flaw {
                        Flaw::Members { .. } => "expression object must have exactly one key",
                        Flaw::Null => "invalid CertLogic expression",
                        Flaw::Number => "is a non-integer number",
                        Flaw::Operands => "operation not of the form",
                        // The suite tells apart what is not text and what is no path.
                        Flaw::Path if expression["var"].is_string() => "data access path",
                        Flaw::Path => "not of the form { \"var\": \"<path>\" }",
                        Flaw::UnknownOperation => "unrecognised operator",
                        flaw => panic!("{name}: {flaw}"),
                    };
                    assert!(first["message"].as_str().unwrap().contains(message), "{name}");
                }
            }
            run += 1;
        }
    }
    println!("{run} cases hold");
    assert_eq!(run, 23);
}

#[test]
fn the_member_states_rules_hold() {
    let Some(folder) = peer_data("dcc-business-rules") else {
        return;
    };
    let (mut rules, mut cases) = (0, 0);
    for country in folders(&folder) {
        for rule in folders(&country).iter().filter(|folder| folder.join("rule.json").is_file()) {
            let name = rule.display().to_string();
            let document: Json =
                from_str(&fs::read_to_string(rule.join("rule.json")).unwrap()).unwrap();
            let expression = Expression::parse(&document["Logic"]).expect(&name);
            let paths = expression.paths();
            let read: BTreeSet<_> =
                paths.iter().filter_map(|path| path.strip_prefix("payload.")).collect();
            let listed = list(&document["AffectedFields"]).iter().filter_map(Json::as_str);
            let listed: BTreeSet<_> = listed.collect();
            assert_eq!(read, listed, "{name}");
            for (file, case) in files(&rule.join("tests")) {
                let data = json!({"payload": case["payload"], "external": case["external"]});
                let expected = Ok(case["expected"].as_bool().unwrap());
                assert_eq!(expression.is_true(&data), expected, "{file}");
                cases += 1;
            }
            rules += 1;
        }
    }
    println!("{rules} rules hold in {cases} cases");
    assert_eq!((rules, cases), (88, 601));
}
