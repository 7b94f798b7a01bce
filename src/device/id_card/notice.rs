//! What a reader tells the desk.

use thiserror::Error;

use super::{
    card::{Card, CardError},
    protocol::Status,
};

/// Something that the desk should know of.
#[derive(Debug, Eq, PartialEq)]
pub enum Notice {
    /// A card was read, another than the one before.
    Found(Card),
    /// The reader cannot be used.
    Gone(Gone),
    /// The reader can be used.
    Ready,
    /// The card that was read is found no more: it was taken away, or its module lets it sleep.
    Removed,
    /// There is a card, and it was not read: it is to be taken off and put on again.
    Unread(Unread),
}

/// Why a reader cannot be used.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Gone {
    /// The module says that it is not well.
    #[error("the card reader reports fault {0}")]
    Faulty(Status),
    /// The port is there, and nobody answers on it.
    #[error("the card reader does not answer")]
    Silent,
    /// There is no such port, or it may not be used.
    #[error("the card reader is not plugged in")]
    Unplugged,
}

impl Gone {
    /// The name that programs use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Faulty(_) => "reader_faulty",
            Self::Silent => "reader_silent",
            Self::Unplugged => "reader_unplugged",
        }
    }
}

/// Why a card was not read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Unread {
    /// What it holds is no card's.
    #[error(transparent)]
    Card(CardError),
    /// The module's answer came garbled, or not at all.
    #[error("the card was not read to its end")]
    Cut,
    /// The module says why.
    #[error("the card could not be read: status {0}")]
    Status(Status),
}

impl Unread {
    /// The name that programs use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Card(error) => error.code(),
            Self::Cut => "card_cut",
            Self::Status(_) => "card_status",
        }
    }
}
