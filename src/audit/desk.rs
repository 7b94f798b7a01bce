//! What staff do, as it is kept: by their staff number, and of the people only keyed digests.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Link;
use crate::{
    credential::CodeDigest,
    decision::{Reason, Verdict},
    language::Words,
    place::Place,
};

/// The number by which a member of staff is known: 1 to 12 ASCII letters and digits, letters as
/// capitals. It is no name, and records keep it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaffNumber(String);

impl StaffNumber {
    /// The most characters.
    pub const MAX_CHARS: usize = 12;

    /// The number's characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StaffNumber {
    type Err = NotAStaffNumber;

    fn from_str(text: &str) -> Result<Self, NotAStaffNumber> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_ascii_uppercase())) } else { Err(NotAStaffNumber) }
    }
}

impl TryFrom<String> for StaffNumber {
    type Error = NotAStaffNumber;

    fn try_from(text: String) -> Result<Self, NotAStaffNumber> {
        text.parse()
    }
}

impl From<StaffNumber> for String {
    fn from(number: StaffNumber) -> Self {
        number.0
    }
}

impl fmt::Display for StaffNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A text that is no staff number.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a staff number has 1 to {} letters and digits", StaffNumber::MAX_CHARS)]
pub struct NotAStaffNumber;

/// One thing that staff did, or tried to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeskAct {
    /// A document was compared with a code.
    IdChecked {
        /// Who compared.
        by: Checker,
        /// What came of it.
        outcome: IdOutcome,
        /// The code.
        code: Option<CodeDigest>,
    },
    /// The screen was locked, by its operator or because nobody touched it.
    Locked,
    /// Somebody was looked up.
    LookedUp {
        /// Who agreed to it, and how.
        consent: Consent,
        /// The document.
        document: CodeDigest,
        /// Whether there was a code for it.
        found: Found,
    },
    /// The list of operators was changed.
    OperatorChanged {
        /// In what way.
        change: OperatorChange,
        /// Whose entry.
        operator: StaffNumber,
    },
    /// A person was let pass against what the terminal advised.
    Overridden {
        /// What it advised.
        from: Verdict,
        /// Why it did.
        was: Option<Reason>,
        /// Why the person passed all the same.
        reason: OverrideReason,
        /// The second person, who has agreed.
        second: Option<StaffNumber>,
        /// The code, or what else was known of the person.
        digest: Option<CodeDigest>,
    },
    /// Somebody was registered by hand: sealed, so that this is the digest of what nobody here reads.
    Registered {
        /// The SHA-256 of the sealed registration.
        sealed: Link,
    },
    /// A shift's report was made.
    ShiftClosed {
        /// The SHA-256 of the report, as it was signed.
        report: Link,
    },
    /// An operator came on duty.
    SignedIn,
    /// The operator on duty left.
    SignedOut,
    /// The operator on duty came back to a locked screen.
    Unlocked,
    /// An operator's PIN was mistaken.
    WrongPin {
        /// How often in a row by now.
        failed: u32,
    },
}

impl DeskAct {
    /// The name of a look-up.
    pub const LOOK_UP: &'static str = "look_up";

    /// The name of an override.
    pub const OVERRIDE: &'static str = "override";

    /// The name of a comparison with a document.
    pub const ID_CHECK: &'static str = "id_check";

    /// The name of a registration by hand.
    pub const REGISTERED: &'static str = "registered";

    /// The name of an operator's coming on duty.
    pub const SIGNED_IN: &'static str = "signed_in";

    /// The name of a mistaken PIN.
    pub const WRONG_PIN: &'static str = "wrong_pin";

    /// The name that records use.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::IdChecked { .. } => Self::ID_CHECK,
            Self::Locked => "locked",
            Self::LookedUp { .. } => Self::LOOK_UP,
            Self::OperatorChanged { .. } => "operator",
            Self::Overridden { .. } => Self::OVERRIDE,
            Self::Registered { .. } => Self::REGISTERED,
            Self::ShiftClosed { .. } => "shift_closed",
            Self::SignedIn => Self::SIGNED_IN,
            Self::SignedOut => "signed_out",
            Self::Unlocked => "unlocked",
            Self::WrongPin { .. } => Self::WRONG_PIN,
        }
    }

    /// What there is to say of it: codes, parted by spaces, in the order of the variant's fields.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::IdChecked { by, outcome, .. } => {
                Some(format!("{} {}", by.code(), outcome.code()))
            }
            Self::LookedUp { consent: Consent { by, how }, found, .. } => {
                Some(format!("{} {} {}", by.code(), how.code(), found.code()))
            }
            Self::OperatorChanged { change, operator } => {
                Some(format!("{} {operator}", change.code()))
            }
            Self::Overridden { from, reason, second, .. } => {
                let second = second.as_ref().map_or("-", StaffNumber::as_str);
                Some(format!("{from} pass {} {second}", reason.code()))
            }
            Self::Registered { sealed: link } | Self::ShiftClosed { report: link } => {
                Some(link.to_string())
            }
            Self::WrongPin { failed } => Some(failed.to_string()),
            Self::Locked | Self::SignedIn | Self::SignedOut | Self::Unlocked => None,
        }
    }

    /// The reason of the decision that it concerns.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Overridden { was, .. } => *was,
            _ => None,
        }
    }

    /// The keyed digest of whom it concerns.
    #[must_use]
    pub fn digest(&self) -> Option<CodeDigest> {
        match self {
            Self::IdChecked { code, .. } => *code,
            Self::LookedUp { document, .. } => Some(*document),
            Self::Overridden { digest, .. } => *digest,
            _ => None,
        }
    }
}

/// That a person agreed to be looked up. Source: REQUIREMENTS, R16.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Consent {
    /// Who agreed.
    pub by: ConsentBy,
    /// How.
    pub how: ConsentHow,
}

/// Who agreed to a look-up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConsentBy {
    /// The person.
    Holder,
    /// Who is responsible for a minor, or for somebody who cannot say so.
    Guardian,
}

/// How somebody agreed to a look-up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConsentHow {
    /// In words.
    Spoken,
    /// On paper, which stays at the desk.
    Signed,
}

/// Whether a look-up found a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// There was one.
    Found,
    /// There was none.
    NotFound,
}

/// Who compared a document with a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checker {
    /// The terminal, by the number.
    Machine,
    /// Staff, by name, end of the number, and face.
    Staff,
}

/// What came of comparing a document with a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdOutcome {
    /// It is the holder's.
    Match,
    /// It is another person's.
    NoMatch,
    /// Its end is the holder's, and staff have still to look.
    TailOnly,
}

/// What was done to the list of operators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OperatorChange {
    /// Somebody is an operator from now on.
    Added,
    /// Somebody is none any more.
    Removed,
    /// An operator has a new PIN, and may try it at once.
    Reset,
}

/// The names and words of small enums: code, Chinese, English.
macro_rules! named {
    ($type:ident { $($variant:ident: $code:literal, $zh:literal, $en:literal;)* }) => {
        impl $type {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name that records use. Never reused.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// In words.
            #[must_use]
            pub fn words(self) -> Words {
                let (zh, en) = match self { $(Self::$variant => ($zh, $en)),* };
                Words::new(zh, en)
            }
        }
    };
}

named!(ConsentBy {
    Holder: "holder", "本人同意", "The holder agrees";
    Guardian: "guardian", "监护人同意", "The guardian agrees";
});

named!(ConsentHow {
    Spoken: "spoken", "口头", "Spoken";
    Signed: "signed", "签字", "Signed";
});

named!(Found {
    Found: "found", "查到", "Found";
    NotFound: "not_found", "未查到", "Not found";
});

named!(Checker {
    Machine: "machine", "机器比对", "By machine";
    Staff: "staff", "人工比对", "By staff";
});

named!(IdOutcome {
    Match: "match", "证件相符", "The document matches";
    NoMatch: "no_match", "证件不符", "The document does not match";
    TailOnly: "tail_only", "末四位相符：请核对姓名和相貌",
        "The last four characters agree: compare name and face";
});

named!(OperatorChange {
    Added: "added", "新增", "Added";
    Removed: "removed", "删除", "Removed";
    Reset: "reset", "重设口令", "PIN set anew";
});

/// Why a person passes against what the terminal advised.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideReason {
    /// A paper certificate of a negative test was seen. Source: REQUIREMENTS, R3.
    PaperNatCertificate,
    /// A supervisor has compared the document with the person.
    DocumentCompared,
    /// The issuer or the authority has confirmed the person's status.
    IssuerConfirmed,
    /// The person needs help at once.
    MedicalEmergency,
    /// The person is at work that cannot wait: police, fire, rescue.
    PublicDuty,
    /// The terminal, not the person, is at fault.
    TechnicalFault,
    /// A minor, whose guardian passes too.
    MinorWithGuardian,
    /// Who commands here has ordered it.
    Ordered,
}

named!(OverrideReason {
    PaperNatCertificate: "paper_nat_certificate", "已验纸质核酸证明",
        "Paper NAT certificate seen";
    DocumentCompared: "document_compared", "主管已核对证件",
        "Supervisor compared it";
    IssuerConfirmed: "issuer_confirmed", "已向签发机关核实", "Issuer confirmed it";
    MedicalEmergency: "medical_emergency", "紧急就医", "Medical emergency";
    PublicDuty: "public_duty", "执行紧急公务", "Urgent public duty";
    TechnicalFault: "technical_fault", "设备故障", "Technical fault";
    MinorWithGuardian: "minor_with_guardian", "未成年人随监护人通行",
        "Minor with guardian";
    Ordered: "ordered", "现场指挥决定", "Ordered by who commands here";
});

impl OverrideReason {
    /// Whether it answers a decision of this reason at this place. All do but the paper certificate,
    /// which stands for a test and counts at the two kinds of checkpoint; against a positive test
    /// it is no answer.
    #[must_use]
    pub fn answers(self, was: Option<Reason>, place: Option<Place>) -> bool {
        match self {
            Self::PaperNatCertificate => {
                let at_checkpoint =
                    matches!(place, Some(Place::RailCheckpoint | Place::HighwayCheckpoint));
                let wants_test = matches!(
                    was,
                    Some(
                        Reason::NatMissing
                            | Reason::NatPending
                            | Reason::NatTooOld
                            | Reason::NotCommuter
                    )
                );
                at_checkpoint && wants_test
            }
            _ => true,
        }
    }
}

impl FromStr for OverrideReason {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code).ok_or(UnknownReason)
    }
}

/// A name that is no reason of an override.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a reason to override a decision")]
pub struct UnknownReason;
