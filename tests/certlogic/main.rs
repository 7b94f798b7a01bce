//! The rule language: as its authors publish it, and at its edges.

#![allow(
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod dates;
mod limits;
mod operations;
mod published;

use chrono::SecondsFormat;
use greengate::policy::certlogic::{EvalError, Expression, Value};
use serde_json::{Value as Json, json};

/// A value as JSON; a date-time as text, to the millisecond.
fn to_json(value: &Value<'_>) -> Json {
    match value {
        Value::Array(nest) => nest.values().iter().map(to_json).collect(),
        Value::Bool(truth) => json!(truth),
        Value::Data(data) => (*data).clone(),
        Value::DateTime(time) => json!(time.to_rfc3339_opts(SecondsFormat::Millis, true)),
        Value::Integer(integer) => json!(integer),
        Value::LambdaData(nest) => {
            let [accumulator, current] = nest.values() else {
                panic!("a lambda is given two values");
            };
            json!({"accumulator": to_json(accumulator), "current": to_json(current)})
        }
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
    }
}

/// What an expression that can be parsed comes to.
pub(crate) fn evaluated(name: &str, expression: &Json, data: &Json) -> Result<Json, EvalError> {
    let expression = Expression::parse(expression).expect(name);
    expression.evaluate(data).map(|value| to_json(&value))
}

pub(crate) fn needs(operation: &'static str, needs: &'static str) -> Result<Json, EvalError> {
    Err(EvalError::Operand { operation, needs })
}

pub(crate) fn no_date(operation: &'static str) -> Result<Json, EvalError> {
    Err(EvalError::NoDate { operation })
}
