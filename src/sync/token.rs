//! The key of the desk's look-up extract, from the authority and over TLS.
//!
//! The authority has a token for each terminal and each day. A web server gives it to the terminal
//! that shows the certificate it was given for, and to nobody else. It is held in locked memory from
//! then on, and on no disk.

use thiserror::Error;

use super::web::{ErrandFailure, SettingError, Web};
use crate::{
    clock::Timestamp,
    language::Words,
    roster::{EpochToken, MAX_TOKEN_BYTES, RosterError, token_name},
};

/// Fetches the token of `terminal` that counts at `now` from below the address of `web`, which must
/// be one of TLS: `token-<terminal>.json`.
///
/// It waits for half a minute at most, and tries once.
///
/// # Errors
///
/// [`TokenError`].
pub fn fetch_token(web: &Web, terminal: &str, now: Timestamp) -> Result<EpochToken, TokenError> {
    let name = token_name(terminal).ok_or(RosterError::TerminalName)?;
    let secret = web.secret(&name, MAX_TOKEN_BYTES)?;
    Ok(EpochToken::read(&secret)?.counting(terminal, now)?)
}

/// No token was fetched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// One side's certificate is not believed by the other.
    #[error("no trusted connection to the authority: {what}; check the certificates and the clock")]
    Certificate {
        /// What was said.
        what: String,
    },

    /// There is none for this terminal.
    #[error("the authority has no token for this terminal today: have one made")]
    Missing,

    /// It would go over an open line.
    #[error("a token comes over TLS alone: its address begins with https")]
    NotTls,

    /// The answer is longer than a token.
    #[error("the answer is longer than a token: somebody else answers for the authority")]
    Oversize,

    /// The server does not let this terminal have it.
    #[error(
        "the authority's server refuses this terminal (it answers {status}): check the device \
         certificate"
    )]
    Refused {
        /// What it answers.
        status: u16,
    },

    /// The way to the server cannot be followed.
    #[error("{0}: correct the setting")]
    Setting(#[from] SettingError),

    /// It is none, or not this terminal's, or does not count now.
    #[error(transparent)]
    Token(#[from] RosterError),

    /// The server cannot be reached.
    #[error("the authority cannot be reached: {what}; check the connection")]
    Unreachable {
        /// What happened.
        what: String,
    },
}

impl TokenError {
    /// The stable code of this error; that of [`RosterError`] if the token itself cannot be used.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Y60",
            Self::Certificate { .. } => "Y61",
            Self::Refused { .. } => "Y62",
            Self::Missing => "Y63",
            Self::Oversize => "Y64",
            Self::NotTls => "Y65",
            Self::Setting(_) => "Y66",
            Self::Token(error) => error.code(),
        }
    }

    /// What staff are told: short enough for a line of the desk's screen, with the code.
    #[must_use]
    pub fn words(&self) -> Words {
        let (zh, en) = match self {
            Self::Certificate { .. } => (
                "无法与主管机关建立可信连接：请检查证书和时钟",
                "No trusted connection to the authority: check the certificates and the clock",
            ),
            Self::Missing => (
                "主管机关没有本机的今日密钥",
                "The authority has no key of today for this terminal",
            ),
            Self::NotTls => {
                ("密钥地址必须以 https 开头", "The address of the key must begin with https")
            }
            Self::Oversize => ("收到的不是密钥", "What came is no key"),
            Self::Refused { .. } => (
                "主管机关的服务器拒绝本机：请检查设备证书",
                "The authority's server refuses this terminal: check the device certificate",
            ),
            Self::Setting(_) => {
                ("无法使用密钥地址或证书", "The key's address or a certificate cannot be used")
            }
            Self::Token(_) => ("收到的密钥不可用", "The key that came cannot be used"),
            Self::Unreachable { .. } => {
                ("无法连接主管机关，暂不能查询", "The authority cannot be reached: no look-ups yet")
            }
        };
        let code = self.code();
        Words::new(format!("{zh} [{code}]"), format!("{en} [{code}]"))
    }
}

impl From<ErrandFailure> for TokenError {
    fn from(failure: ErrandFailure) -> Self {
        match failure {
            ErrandFailure::Answer { status: 404 | 410 } => Self::Missing,
            // 400 is what nginx says of a certificate that is missing or not believed.
            ErrandFailure::Answer { status: status @ (400 | 401 | 403) } => {
                Self::Refused { status }
            }
            ErrandFailure::Answer { .. } | ErrandFailure::Unreachable { .. } => {
                Self::Unreachable { what: failure.to_string() }
            }
            ErrandFailure::NotTls => Self::NotTls,
            ErrandFailure::Oversize => Self::Oversize,
            ErrandFailure::Setting(error) => Self::Setting(error),
            ErrandFailure::Tls { what } => Self::Certificate { what },
        }
    }
}
