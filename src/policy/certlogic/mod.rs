//! `CertLogic`: the language that a policy's rules are in.
//!
//! The EU's rule language of the digital COVID certificate, a small part of `JsonLogic` with
//! date-times added. An [`Expression`] is JSON; evaluated on data, which is JSON too, it comes to a
//! [`Value`]. All 19 operations of the [specification], version 1.3.3, are here and no other:
//!
//! | operations | operands | come to |
//! | --- | --- | --- |
//! | `var` | a path | what the data hold there, else null |
//! | `if` | guard, then, else | one of the two, and only that one is evaluated |
//! | `and` | two or more | the first falsy one, else the last; none behind it is evaluated |
//! | `!` | one | whether it is falsy |
//! | `===`, `in` | two | whether they are the same; whether the second, an array, holds the first |
//! | `+` | two integers | their sum |
//! | `<`, `>`, `<=`, `>=` | two or three integers | whether each stands so to the next |
//! | `after`, `before`, `not-after`, `not-before` | two or three date-times | the same |
//! | `plusTime` | text, integer, unit | the date-time in the text, moved |
//! | `dccDateOfBirth` | text | the last day that a date of birth can mean |
//! | `reduce` | array, lambda, initial | the array folded from the left |
//! | `extractFromUVCI` | text or null, integer | a fragment of a certificate identifier |
//!
//! False, null, zero, and whatever is empty are falsy; a date-time is neither falsy nor truthy;
//! all else is truthy. Nothing is converted: `{"<": ["1", 2]}` is an error and not true.
//!
//! Where the specification is silent the reference implementation, `certlogic-js` 1.2.2, is
//! followed, but for what in it is an accident of JavaScript:
//!
//! - a text in the form of a date that names no day, such as `2021-02-30`, is an error;
//! - so is a sum or a date-time beyond its range, where JavaScript loses digits or says "invalid";
//! - only objects have members and only arrays have items, the length of a text is not to be had,
//!   and in an array `5x` is not item 5;
//! - a date-time is never `===` to anything.
//!
//! Parsing and evaluating end, whatever they are given: each expression is bounded in nodes and
//! depth, each evaluation in steps. Nothing here does I/O or asks the time.
//!
//! ```
//! use greengate::policy::certlogic::{Expression, ParseError};
//! use serde_json::json;
//!
//! let fresh = Expression::parse(&json!({"<": [{"var": "payload.nat.age_days"}, 3]}))?;
//! assert_eq!(fresh.is_true(&json!({"payload": {"nat": {"age_days": 2}}})), Ok(true));
//! assert!(fresh.is_true(&json!({"payload": {"nat": null}})).is_err());
//! # Ok::<(), ParseError>(())
//! ```
//!
//! [specification]: https://github.com/ehn-dcc-development/eu-dcc-business-rules/tree/main/certlogic/specification

mod evaluate;
mod time;
mod types;

use std::{collections::BTreeSet, fmt::Display, ops::RangeBounds, slice};

use serde_json::{Map, Number, Value as Json};
use thiserror::Error;

pub use evaluate::{EvalError, MAX_NESTING, MAX_STEPS, Nest, Value};
use time::Unit;
pub use types::{Misuse, Misused, Types};

/// How deep operations may stand in each other.
///
/// An operation is two levels of JSON, and `serde_json` reads no more than 128. The deepest of the
/// EU's published rules has 8.
pub const MAX_DEPTH: usize = 64;

/// The greatest integer, and in the negative the smallest: 2⁵³ - 1.
///
/// Source: RFC 8259, section 6; beyond it JSON's readers need not agree which integer is meant.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The most nodes that an expression may have: literals, arrays, and operations.
///
/// The longest of the EU's published rules has 42; a rule that lists every county has 2,900.
pub const MAX_NODES: usize = 4_096;

/// An expression that is well formed: every operation known, with operands of the right number.
///
/// Whether the operands come to the right types is known only when it is evaluated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expression(Node);

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// The first [`Flaw`] in reading order, and where it is.
    pub fn parse(value: &Json) -> Result<Self, ParseError> {
        Reader { depth: 0, nodes: 0 }.node(value).map(Self)
    }

    /// Evaluates it on `data`.
    ///
    /// # Errors
    ///
    /// [`EvalError`], the first in the order of evaluation.
    pub fn evaluate<'a>(&'a self, data: &'a Json) -> Result<Value<'a>, EvalError> {
        evaluate::evaluate(&self.0, data)
    }

    /// Evaluates it on `data` as a rule, which is met or not.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate), and [`EvalError::NotBoolean`] if it comes to anything but
    /// `true` or `false`, be it truthy or falsy.
    pub fn is_true(&self, data: &Json) -> Result<bool, EvalError> {
        match self.evaluate(data)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(EvalError::NotBoolean),
        }
    }

    /// The paths that it may read from its data.
    ///
    /// Those in the lambda of a `reduce` are not among them: they lead into what the lambda is
    /// given.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&str> {
        let mut paths = BTreeSet::new();
        self.0.gather_paths(&mut paths);
        paths
    }
}

/// One part of an expression.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Node {
    And(Vec<Self>),
    Array(Vec<Self>),
    Bool(bool),
    Compare(Comparison, Vec<Self>),
    DccDateOfBirth(Box<Self>),
    ExtractFromUvci(Box<Self>, i64),
    If(Box<[Self; 3]>),
    In(Box<[Self; 2]>),
    Integer(i64),
    Not(Box<Self>),
    Plus(Box<[Self; 2]>),
    PlusTime(Box<Self>, i64, Unit),
    Reduce(Box<[Self; 3]>),
    Same(Box<[Self; 2]>),
    Text(String),
    Var(String),
}

impl Node {
    fn gather_paths<'a>(&'a self, paths: &mut BTreeSet<&'a str>) {
        let parts = match self {
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) => return,
            Self::Var(path) => {
                paths.insert(path);
                return;
            }
            Self::And(parts) | Self::Array(parts) | Self::Compare(_, parts) => parts,
            Self::DccDateOfBirth(part)
            | Self::ExtractFromUvci(part, _)
            | Self::Not(part)
            | Self::PlusTime(part, _, _) => slice::from_ref(&**part),
            Self::In(parts) | Self::Plus(parts) | Self::Same(parts) => &parts[..],
            Self::If(parts) => &parts[..],
            Self::Reduce(parts) => {
                let [operand, _lambda, initial] = &**parts;
                operand.gather_paths(paths);
                return initial.gather_paths(paths);
            }
        };
        for part in parts {
            part.gather_paths(paths);
        }
    }
}

/// A comparison of neighbours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Comparison {
    name: &'static str,
    of: Comparable,
    relation: Relation,
}

impl Comparison {
    fn named(name: &str) -> Option<Self> {
        use Comparable::{DateTimes, Integers};
        use Relation::{Above, AtLeast, AtMost, Below};

        let (name, of, relation) = match name {
            "<" => ("<", Integers, Below),
            "<=" => ("<=", Integers, AtMost),
            ">" => (">", Integers, Above),
            ">=" => (">=", Integers, AtLeast),
            "after" => ("after", DateTimes, Above),
            "before" => ("before", DateTimes, Below),
            "not-after" => ("not-after", DateTimes, AtMost),
            "not-before" => ("not-before", DateTimes, AtLeast),
            _ => return None,
        };
        Some(Self { name, of, relation })
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Comparable {
    DateTimes,
    Integers,
}

/// How the one stands to the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    Above,
    AtLeast,
    AtMost,
    Below,
}

/// Reads an expression and keeps count.
struct Reader {
    depth: usize,
    nodes: usize,
}

impl Reader {
    fn node(&mut self, value: &Json) -> Result<Node, ParseError> {
        self.depth += 1;
        self.nodes += 1;
        if self.depth > MAX_DEPTH {
            return Err(Flaw::TooDeep.into());
        }
        if self.nodes > MAX_NODES {
            return Err(Flaw::TooLong.into());
        }
        let node = match value {
            Json::Null => return Err(Flaw::Null.into()),
            Json::Bool(truth) => Node::Bool(*truth),
            Json::Number(number) => Node::Integer(integer(number).ok_or(Flaw::Number)?),
            Json::String(text) => Node::Text(text.clone()),
            Json::Array(items) => Node::Array(self.nodes(items)?),
            Json::Object(members) => self.operation(members)?,
        };
        self.depth -= 1;
        Ok(node)
    }

    fn operation(&mut self, members: &Map<String, Json>) -> Result<Node, ParseError> {
        let mut entries = members.iter();
        let (Some((name, operands)), None) = (entries.next(), entries.next()) else {
            return Err(Flaw::Members { found: members.len() }.into());
        };
        if name == "var" {
            return path(operands).map(Node::Var).ok_or(Flaw::Path.into());
        }
        let Json::Array(given) = operands else {
            return Err(Flaw::Operands.into());
        };
        Ok(match name.as_str() {
            "!" => Node::Not(self.one("!", given)?),
            "+" => Node::Plus(self.two("+", given)?),
            "===" => Node::Same(self.two("===", given)?),
            "and" => Node::And(self.some("and", given, 2..)?),
            "dccDateOfBirth" => Node::DccDateOfBirth(self.one("dccDateOfBirth", given)?),
            "extractFromUVCI" => {
                let [text, index] = exactly("extractFromUVCI", given)?;
                let text = self.operand("extractFromUVCI", 0, text)?;
                let index = literal_integer("extractFromUVCI", 1, index)?;
                Node::ExtractFromUvci(Box::new(text), index)
            }
            "if" => Node::If(self.three("if", given)?),
            "in" => Node::In(self.two("in", given)?),
            "plusTime" => {
                let [text, amount, unit] = exactly("plusTime", given)?;
                let text = self.operand("plusTime", 0, text)?;
                let amount = literal_integer("plusTime", 1, amount)?;
                let unit = unit.as_str().and_then(Unit::named);
                let unit = unit.ok_or_else(|| Flaw::NotUnit.at("plusTime", 2))?;
                Node::PlusTime(Box::new(text), amount, unit)
            }
            "reduce" => Node::Reduce(self.three("reduce", given)?),
            name => {
                let comparison = Comparison::named(name).ok_or(Flaw::UnknownOperation)?;
                Node::Compare(comparison, self.some(comparison.name, given, 2..=3)?)
            }
        })
    }

    fn one(&mut self, operation: &'static str, given: &[Json]) -> Result<Box<Node>, ParseError> {
        let [operand] = exactly(operation, given)?;
        Ok(Box::new(self.operand(operation, 0, operand)?))
    }

    fn two(
        &mut self,
        operation: &'static str,
        given: &[Json],
    ) -> Result<Box<[Node; 2]>, ParseError> {
        let [first, second] = exactly(operation, given)?;
        Ok(Box::new([self.operand(operation, 0, first)?, self.operand(operation, 1, second)?]))
    }

    fn three(
        &mut self,
        operation: &'static str,
        given: &[Json],
    ) -> Result<Box<[Node; 3]>, ParseError> {
        let [first, second, third] = exactly(operation, given)?;
        Ok(Box::new([
            self.operand(operation, 0, first)?,
            self.operand(operation, 1, second)?,
            self.operand(operation, 2, third)?,
        ]))
    }

    fn some(
        &mut self,
        operation: &'static str,
        given: &[Json],
        takes: impl RangeBounds<usize>,
    ) -> Result<Vec<Node>, ParseError> {
        if !takes.contains(&given.len()) {
            return Err(Flaw::Count { operation, found: given.len() }.into());
        }
        self.nodes(given).map_err(|error| error.within(operation))
    }

    fn nodes(&mut self, values: &[Json]) -> Result<Vec<Node>, ParseError> {
        let each = values.iter().enumerate();
        each.map(|(index, value)| self.node(value).map_err(|error| error.within(index))).collect()
    }

    fn operand(
        &mut self,
        operation: &'static str,
        index: usize,
        value: &Json,
    ) -> Result<Node, ParseError> {
        self.node(value).map_err(|error| error.within(index).within(operation))
    }
}

/// All operands, if they are as many as the operation takes.
fn exactly<'j, const TAKES: usize>(
    operation: &'static str,
    given: &'j [Json],
) -> Result<&'j [Json; TAKES], Flaw> {
    given.try_into().map_err(|_| Flaw::Count { operation, found: given.len() })
}

/// An operand that must be written as an integer.
fn literal_integer(operation: &'static str, index: usize, value: &Json) -> Result<i64, ParseError> {
    let integer = if let Json::Number(number) = value { integer(number) } else { None };
    integer.ok_or_else(|| Flaw::NotInteger.at(operation, index))
}

/// The integer that a number is, however it is written: `42.0` is 42, as it is in JavaScript.
fn integer(number: &Number) -> Option<i64> {
    let whole = || number.to_string().strip_suffix(".0")?.parse().ok();
    let integer = number.as_i64().or_else(whole)?;
    (integer.unsigned_abs() <= MAX_INTEGER).then_some(integer)
}

/// A path: empty, or fragments between full stops, of which none is empty.
fn path(value: &Json) -> Option<String> {
    let path = value.as_str()?;
    let fine = path.is_empty() || path.split('.').all(|fragment| !fragment.is_empty());
    fine.then(|| path.to_owned())
}

/// A JSON value is no expression.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("at \"{at}\": {flaw}")]
pub struct ParseError {
    /// Where in it, as a JSON Pointer (RFC 6901): `/if/1/and/0`, and empty for the whole.
    pub at: String,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl ParseError {
    fn within(self, place: impl Display) -> Self {
        Self { at: format!("/{place}{}", self.at), ..self }
    }
}

impl From<Flaw> for ParseError {
    fn from(flaw: Flaw) -> Self {
        Self { at: String::new(), flaw }
    }
}

/// What is wrong with an expression.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// The operation takes another number of operands.
    #[error("wrong number of operands for \"{operation}\": {found}")]
    Count {
        /// The operation.
        operation: &'static str,
        /// How many it is given.
        found: usize,
    },

    /// An object stands for one operation and has one member.
    #[error("an object of {found} members is no operation")]
    Members {
        /// How many it has.
        found: usize,
    },

    /// This operand must be written as an integer.
    #[error("not an integer of at most 53 bits")]
    NotInteger,

    /// This operand must be written as `year`, `month`, `day`, or `hour`.
    #[error("not a unit of time")]
    NotUnit,

    /// There is no null in the language, only in data.
    #[error("null cannot be written")]
    Null,

    /// A number is a fraction or too great.
    #[error("a number that is not an integer of at most 53 bits")]
    Number,

    /// Operands stand in an array.
    #[error("the operands are not in an array")]
    Operands,

    /// A path is text, and none of its fragments is empty.
    #[error("not a path")]
    Path,

    /// Operations stand in each other more than [`MAX_DEPTH`] deep.
    #[error("more than {MAX_DEPTH} levels")]
    TooDeep,

    /// There are more than [`MAX_NODES`] nodes.
    #[error("more than {MAX_NODES} nodes")]
    TooLong,

    /// The language has no such operation.
    #[error("unknown operation")]
    UnknownOperation,
}

impl Flaw {
    fn at(self, operation: &'static str, operand: usize) -> ParseError {
        ParseError::from(self).within(operand).within(operation)
    }
}
