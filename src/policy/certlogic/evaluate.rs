//! Evaluation: what an expression comes to on data.
//!
//! Values are not copied: they lead into the data and the expression, or share what the evaluation
//! put together. So a step costs the same whatever it moves.

use std::{iter, ptr, rc::Rc};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use thiserror::Error;

use super::{Comparable, Comparison, MAX_INTEGER, Node, Relation, integer, time};

/// How deep arrays may stand in each other that an evaluation puts together.
///
/// Only `reduce` can go deeper than the expression itself. Dropping a value takes stack for each
/// level; 64 are some kilobytes.
pub const MAX_NESTING: usize = 64;

/// The most steps of one evaluation: nodes evaluated, fragments of paths followed, items looked at.
///
/// The longest evaluation among the cases that the EU published takes 95. What 10,000 can do is done
/// in 1 ms.
pub const MAX_STEPS: usize = 10_000;

/// Evaluates `node` on `data`.
pub(super) fn evaluate<'a>(node: &'a Node, data: &'a Json) -> Result<Value<'a>, EvalError> {
    Evaluation { steps: 0 }.value(node, &data.into())
}

/// What an expression comes to.
///
/// There is no `==` here: the language's own, `===`, is narrower, and values that share parts may
/// be far larger to walk than to hold.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// An array of the expression's own making.
    Array(Rc<Nest<'a>>),
    /// True or false.
    Bool(bool),
    /// Something in the data that is none of the rest: an array, an object, or a number that is not
    /// an integer of at most 53 bits.
    Data(&'a Json),
    /// An instant, to the millisecond.
    DateTime(DateTime<Utc>),
    /// An integer of at most 53 bits.
    Integer(i64),
    /// What the lambda of a `reduce` is given as its data: `accumulator` and `current`.
    LambdaData(Rc<Nest<'a>>),
    /// Nothing, or what is missing.
    Null,
    /// Text.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// Whether it is truthy, or falsy; `None` if neither.
    fn truth(&self) -> Option<bool> {
        Some(match self {
            Self::Array(nest) => !nest.values.is_empty(),
            Self::Bool(truth) => *truth,
            Self::Data(Json::Array(items)) => !items.is_empty(),
            Self::Data(Json::Object(members)) => !members.is_empty(),
            // A fraction: zero is an integer.
            Self::Data(_) | Self::LambdaData(_) => true,
            Self::DateTime(_) => return None,
            Self::Integer(integer) => *integer != 0,
            Self::Null => false,
            Self::Text(text) => !text.is_empty(),
        })
    }

    /// Whether both are the same: the same scalar, or the very same array or object.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(one), Self::Array(other))
            | (Self::LambdaData(one), Self::LambdaData(other)) => Rc::ptr_eq(one, other),
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Data(Json::Number(one)), Self::Data(Json::Number(other))) => one == other,
            (Self::Data(one), Self::Data(other)) => ptr::eq(*one, *other),
            (Self::Integer(one), Self::Integer(other)) => one == other,
            (Self::Null, Self::Null) => true,
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => false,
        }
    }

    /// The member or item that a path's fragment names, else null.
    fn part(&self, fragment: &str) -> Self {
        match self {
            Self::Array(nest) => {
                position(fragment).and_then(|index| nest.values.get(index)).cloned()
            }
            Self::Data(Json::Array(items)) => {
                position(fragment).and_then(|index| items.get(index)).map(Self::from)
            }
            Self::Data(Json::Object(members)) => members.get(fragment).map(Self::from),
            Self::LambdaData(nest) => {
                let names = ["accumulator", "current"];
                let found = iter::zip(names, &nest.values).find(|(name, _)| *name == fragment);
                found.map(|(_, value)| value.clone())
            }
            Self::Bool(_)
            | Self::Data(_)
            | Self::DateTime(_)
            | Self::Integer(_)
            | Self::Null
            | Self::Text(_) => None,
        }
        .unwrap_or(Self::Null)
    }

    /// The items of an array.
    fn items(&self) -> Option<impl Iterator<Item = Self>> {
        let (made, found): (&[Self], &'a [Json]) = match self {
            Self::Array(nest) => (&nest.values, &[]),
            Self::Data(Json::Array(items)) => (&[], items),
            _ => return None,
        };
        Some(made.iter().cloned().chain(found.iter().map(Self::from)))
    }

    fn depth(&self) -> usize {
        match self {
            Self::Array(nest) | Self::LambdaData(nest) => nest.depth,
            _ => 0,
        }
    }
}

impl<'a> From<&'a Json> for Value<'a> {
    fn from(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => integer(number).map_or(Self::Data(json), Self::Integer),
            Json::String(text) => Self::Text(text),
            Json::Array(_) | Json::Object(_) => Self::Data(json),
        }
    }
}

/// Values that an evaluation put together, at most [`MAX_NESTING`] deep.
#[derive(Debug)]
pub struct Nest<'a> {
    depth: usize,
    values: Vec<Value<'a>>,
}

impl<'a> Nest<'a> {
    fn new(values: Vec<Value<'a>>) -> Result<Rc<Self>, EvalError> {
        let depth = values.iter().map(Value::depth).max().unwrap_or(0) + 1;
        if depth > MAX_NESTING {
            return Err(EvalError::Nesting);
        }
        Ok(Rc::new(Self { depth, values }))
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[Value<'a>] {
        &self.values
    }
}

/// One evaluation, counting its steps.
struct Evaluation {
    steps: usize,
}

impl Evaluation {
    fn value<'a>(&mut self, node: &'a Node, data: &Value<'a>) -> Result<Value<'a>, EvalError> {
        self.step()?;
        Ok(match node {
            Node::And(operands) => self.and(operands, data)?,
            Node::Array(items) => Value::Array(Nest::new(self.values(items, data)?)?),
            Node::Bool(truth) => Value::Bool(*truth),
            Node::Compare(comparison, operands) => {
                Value::Bool(comparison.holds(&self.values(operands, data)?)?)
            }
            Node::DccDateOfBirth(operand) => {
                Value::DateTime(date_of_birth(&self.value(operand, data)?)?)
            }
            Node::ExtractFromUvci(operand, index) => fragment(&self.value(operand, data)?, *index)?,
            Node::If(parts) => {
                let [guard, then, otherwise] = &**parts;
                let guard = self.value(guard, data)?;
                self.value(if truth("if", &guard)? { then } else { otherwise }, data)?
            }
            Node::In(operands) => {
                let [item, array] = self.pair(operands, data)?;
                Value::Bool(self.is_in(&item, &array)?)
            }
            Node::Integer(integer) => Value::Integer(*integer),
            Node::Not(operand) => Value::Bool(!truth("!", &self.value(operand, data)?)?),
            Node::Plus(operands) => sum(&self.pair(operands, data)?)?,
            Node::PlusTime(operand, amount, unit) => {
                Value::DateTime(plus_time(&self.value(operand, data)?, *amount, *unit)?)
            }
            Node::Reduce(parts) => self.reduce(parts, data)?,
            Node::Same(operands) => {
                let [one, other] = self.pair(operands, data)?;
                Value::Bool(one.is(&other))
            }
            Node::Text(text) => Value::Text(text),
            Node::Var(path) => self.follow(path, data)?,
        })
    }

    fn values<'a>(
        &mut self,
        nodes: &'a [Node],
        data: &Value<'a>,
    ) -> Result<Vec<Value<'a>>, EvalError> {
        nodes.iter().map(|node| self.value(node, data)).collect()
    }

    fn pair<'a>(
        &mut self,
        nodes: &'a [Node; 2],
        data: &Value<'a>,
    ) -> Result<[Value<'a>; 2], EvalError> {
        let [one, other] = nodes;
        Ok([self.value(one, data)?, self.value(other, data)?])
    }

    fn follow<'a>(&mut self, path: &str, data: &Value<'a>) -> Result<Value<'a>, EvalError> {
        let mut value = data.clone();
        if !path.is_empty() {
            for fragment in path.split('.') {
                self.step()?;
                value = value.part(fragment);
            }
        }
        Ok(value)
    }

    fn and<'a>(&mut self, operands: &'a [Node], data: &Value<'a>) -> Result<Value<'a>, EvalError> {
        let mut last = Value::Bool(true);
        for operand in operands {
            last = self.value(operand, data)?;
            if !truth("and", &last)? {
                break;
            }
        }
        Ok(last)
    }

    fn is_in(&mut self, item: &Value<'_>, array: &Value<'_>) -> Result<bool, EvalError> {
        let needs = EvalError::Operand { operation: "in", needs: "an array" };
        for each in array.items().ok_or(needs)? {
            self.step()?;
            if each.is(item) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn reduce<'a>(
        &mut self,
        parts: &'a [Node; 3],
        data: &Value<'a>,
    ) -> Result<Value<'a>, EvalError> {
        let [operand, lambda, initial] = parts;
        let operand = self.value(operand, data)?;
        if let Value::Null = operand {
            return self.value(initial, data);
        }
        let needs = EvalError::Operand { operation: "reduce", needs: "an array or null" };
        let items = operand.items().ok_or(needs)?;
        let mut accumulator = self.value(initial, data)?;
        for current in items {
            let lambda_data = Value::LambdaData(Nest::new(vec![accumulator, current])?);
            accumulator = self.value(lambda, &lambda_data)?;
        }
        Ok(accumulator)
    }

    fn step(&mut self) -> Result<(), EvalError> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(EvalError::Steps) } else { Ok(()) }
    }
}

impl Comparison {
    fn holds(self, operands: &[Value<'_>]) -> Result<bool, EvalError> {
        let needs = match self.of {
            Comparable::DateTimes => "date-times",
            Comparable::Integers => "integers",
        };
        let scale = |operand: &Value<'_>| match (self.of, operand) {
            (Comparable::DateTimes, Value::DateTime(time)) => Ok(time.timestamp_millis()),
            (Comparable::Integers, Value::Integer(integer)) => Ok(*integer),
            _ => Err(EvalError::Operand { operation: self.name, needs }),
        };
        let operands = operands.iter().map(scale).collect::<Result<Vec<_>, _>>()?;
        Ok(operands.is_sorted_by(|one, next| match self.relation {
            Relation::Above => one > next,
            Relation::AtLeast => one >= next,
            Relation::AtMost => one <= next,
            Relation::Below => one < next,
        }))
    }
}

fn truth(operation: &'static str, value: &Value<'_>) -> Result<bool, EvalError> {
    value.truth().ok_or(EvalError::Operand { operation, needs: "what is truthy or falsy" })
}

fn sum<'a>(operands: &[Value<'a>; 2]) -> Result<Value<'a>, EvalError> {
    let [Value::Integer(one), Value::Integer(other)] = operands else {
        return Err(EvalError::Operand { operation: "+", needs: "integers" });
    };
    let sum = one.checked_add(*other).filter(|sum| sum.unsigned_abs() <= MAX_INTEGER);
    sum.map(Value::Integer).ok_or(EvalError::Overflow)
}

fn date_of_birth(operand: &Value<'_>) -> Result<DateTime<Utc>, EvalError> {
    let operation = "dccDateOfBirth";
    let Value::Text(text) = operand else {
        return Err(EvalError::Operand { operation, needs: "text" });
    };
    time::date(text).ok_or(EvalError::NoDate { operation })
}

fn plus_time(
    operand: &Value<'_>,
    amount: i64,
    unit: time::Unit,
) -> Result<DateTime<Utc>, EvalError> {
    let operation = "plusTime";
    let Value::Text(text) = operand else {
        return Err(EvalError::Operand { operation, needs: "text" });
    };
    let time = time::date_or_date_time(text).ok_or(EvalError::NoDate { operation })?;
    time::moved(time, amount, unit).ok_or(EvalError::Overflow)
}

/// One fragment of a certificate identifier, with or without its prefix.
fn fragment<'a>(operand: &Value<'a>, index: i64) -> Result<Value<'a>, EvalError> {
    match operand {
        Value::Null => Ok(Value::Null),
        Value::Text(text) => {
            let fragments = text.strip_prefix("URN:UVCI:").unwrap_or(text).split(['/', '#', ':']);
            let index = usize::try_from(index).ok();
            let found = index.and_then(|index| fragments.into_iter().nth(index));
            Ok(found.map_or(Value::Null, Value::Text))
        }
        _ => Err(EvalError::Operand { operation: "extractFromUVCI", needs: "text or null" }),
    }
}

fn position(fragment: &str) -> Option<usize> {
    fragment.parse().ok()
}

/// An expression cannot be evaluated on its data.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EvalError {
    /// Arrays stand in each other more than [`MAX_NESTING`] deep.
    #[error("arrays more than {MAX_NESTING} deep")]
    Nesting,

    /// Text is in no form of date that the operation reads, or names no day or time.
    #[error("{operation} was given text that is no date")]
    NoDate {
        /// The operation.
        operation: &'static str,
    },

    /// A rule came to something other than true or false.
    #[error("neither true nor false")]
    NotBoolean,

    /// An operand came to something that the operation does not work on.
    #[error("{operation} needs {needs}")]
    Operand {
        /// The operation.
        operation: &'static str,
        /// What it works on.
        needs: &'static str,
    },

    /// A sum or a date-time is beyond its range.
    #[error("beyond the range of integers or of the calendar")]
    Overflow,

    /// It took more than [`MAX_STEPS`] steps.
    #[error("more than {MAX_STEPS} steps")]
    Steps,
}
