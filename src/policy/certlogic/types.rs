//! What an expression can come to, told without its data.
//!
//! `CertLogic` has no types of its own, so this is not a proof that an evaluation succeeds: a test
//! that is absent makes its age null. It finds what can never succeed, whatever the data hold: text
//! that is compared as a number, a date-time that is asked whether it is true.

use thiserror::Error;

use super::{Comparable, Expression, Node, time};

/// A set of types.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Types(u8);

impl Types {
    /// Null, or what is missing.
    pub const NULL: Self = Self(1);
    /// True or false.
    pub const BOOL: Self = Self(1 << 1);
    /// An integer.
    pub const INTEGER: Self = Self(1 << 2);
    /// Text.
    pub const TEXT: Self = Self(1 << 3);
    /// A date-time.
    pub const DATE_TIME: Self = Self(1 << 4);
    /// An array.
    pub const ARRAY: Self = Self(1 << 5);
    /// An object.
    pub const OBJECT: Self = Self(1 << 6);
    /// Any of them.
    pub const ANY: Self = Self((1 << 7) - 1);

    /// What is truthy or falsy.
    const TRUTH: Self = Self(Self::ANY.0 & !Self::DATE_TIME.0);

    /// The types of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two have a type in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Expression {
    /// What it can come to on data of which `type_of` knows each path.
    ///
    /// # Errors
    ///
    /// [`Misuse`]: a part of it fails on all such data, or reads what is not there.
    pub fn types(&self, type_of: &dyn Fn(&str) -> Option<Types>) -> Result<Types, Misuse> {
        types(&self.0, type_of)
    }
}

/// What an operation works on, and how that is called.
type Needs = (Types, &'static str);

const ANYTHING: Needs = (Types::ANY, "");
const ARRAY: Needs = (Types::ARRAY, "an array");
const INTEGERS: Needs = (Types::INTEGER, "integers");
const TEXT: Needs = (Types::TEXT, "text");
const TRUTH: Needs = (Types::TRUTH, "what is truthy or falsy");

fn types(node: &Node, type_of: &dyn Fn(&str) -> Option<Types>) -> Result<Types, Misuse> {
    let each = |operation: &'static str, parts: &[Node], needs: Needs| {
        let mut union = Types(0);
        for (index, part) in parts.iter().enumerate() {
            union = union.or(operand(operation, index, part, needs, type_of)?);
        }
        Ok(union)
    };
    Ok(match node {
        Node::Bool(_) => Types::BOOL,
        Node::Integer(_) => Types::INTEGER,
        Node::Text(_) => Types::TEXT,
        Node::Var(path) => type_of(path).ok_or_else(|| Misuse::of(Misused::Path))?,
        Node::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                types(part, type_of).map_err(|misuse| misuse.within(index))?;
            }
            Types::ARRAY
        }
        Node::And(parts) => each("and", parts, TRUTH)?,
        Node::Compare(comparison, parts) => {
            let needs = match comparison.of {
                Comparable::DateTimes => (Types::DATE_TIME, "date-times"),
                Comparable::Integers => INTEGERS,
            };
            each(comparison.name, parts, needs)?;
            Types::BOOL
        }
        Node::DccDateOfBirth(part) => {
            operand("dccDateOfBirth", 0, part, TEXT, type_of)?;
            Types::DATE_TIME
        }
        Node::ExtractFromUvci(part, _) => {
            let needs = (Types::TEXT.or(Types::NULL), "text or null");
            operand("extractFromUVCI", 0, part, needs, type_of)?;
            Types::TEXT.or(Types::NULL)
        }
        Node::If(parts) => {
            let [guard, then, otherwise] = &**parts;
            operand("if", 0, guard, TRUTH, type_of)?;
            let then = operand("if", 1, then, ANYTHING, type_of)?;
            then.or(operand("if", 2, otherwise, ANYTHING, type_of)?)
        }
        Node::In(parts) => {
            let [item, array] = &**parts;
            operand("in", 0, item, ANYTHING, type_of)?;
            operand("in", 1, array, ARRAY, type_of)?;
            Types::BOOL
        }
        Node::Not(part) => {
            operand("!", 0, part, TRUTH, type_of)?;
            Types::BOOL
        }
        Node::Plus(parts) => each("+", &parts[..], INTEGERS)?,
        Node::PlusTime(part, ..) => {
            operand("plusTime", 0, part, TEXT, type_of)?;
            if let Node::Text(text) = &**part
                && time::date_or_date_time(text).is_none()
            {
                return Err(Misuse::of(Misused::NoDate).within(0).within("plusTime"));
            }
            Types::DATE_TIME
        }
        Node::Reduce(parts) => {
            let [array, lambda, initial] = &**parts;
            let needs = (Types::ARRAY.or(Types::NULL), "an array or null");
            operand("reduce", 0, array, needs, type_of)?;
            // The lambda reads what it is given, and not the data.
            let lambda = operand("reduce", 1, lambda, ANYTHING, &|_| Some(Types::ANY))?;
            lambda.or(operand("reduce", 2, initial, ANYTHING, type_of)?)
        }
        Node::Same(parts) => {
            each("===", &parts[..], ANYTHING)?;
            Types::BOOL
        }
    })
}

fn operand(
    operation: &'static str,
    index: usize,
    node: &Node,
    (fitting, needs): Needs,
    type_of: &dyn Fn(&str) -> Option<Types>,
) -> Result<Types, Misuse> {
    let found = types(node, type_of).map_err(|misuse| misuse.within(index).within(operation))?;
    if found.meets(fitting) {
        Ok(found)
    } else {
        Err(Misuse::of(Misused::Operand { operation, needs }).within(index).within(operation))
    }
}

/// An expression that is well formed can never be evaluated.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("at \"{at}\": {misused}")]
pub struct Misuse {
    /// Where in it, as a JSON Pointer (RFC 6901).
    pub at: String,
    /// What is wrong there.
    pub misused: Misused,
}

impl Misuse {
    fn of(misused: Misused) -> Self {
        Self { at: String::new(), misused }
    }

    fn within(self, place: impl std::fmt::Display) -> Self {
        Self { at: format!("/{place}{}", self.at), ..self }
    }
}

/// What is wrong with an expression that can never be evaluated.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Misused {
    /// The text is no date.
    #[error("text that is no date")]
    NoDate,

    /// The operand comes to nothing that the operation works on.
    #[error("{operation} needs {needs}")]
    Operand {
        /// The operation.
        operation: &'static str,
        /// What it works on.
        needs: &'static str,
    },

    /// The data hold nothing there.
    #[error("there is nothing at that path")]
    Path,
}
