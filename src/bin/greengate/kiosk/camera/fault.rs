//! What is wrong with a camera: for people in words, between processes as an exit status.

use std::process::ExitStatus;

use greengate::language::Words;
use thiserror::Error;

/// What is wrong with the camera.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum CameraFault {
    /// Another program captures from it.
    #[error("camera is in use by another program")]
    Busy,

    /// The system does not let this program open it.
    #[error("camera may not be opened by this program")]
    Denied,

    /// It gives the same picture over and over.
    #[error("camera shows a picture that stands still")]
    Frozen,

    /// There is none, or none of the name that was given, or it was unplugged.
    #[error("no camera is connected")]
    NoCamera,

    /// It is open and gives nothing.
    #[error("camera gives no pictures")]
    NoFrames,

    /// It is set to a rate that the camera library cannot start from; plugging it in again helps,
    /// if another program had set that.
    #[error("camera is set to a rate that is not read, plug it in again")]
    OddRate,

    /// It gives an error.
    #[error("camera does not work")]
    Refused,

    /// The capturing process cannot be started, or ended without a word.
    #[error("capturing stopped")]
    Stopped,
}

impl CameraFault {
    /// Every fault.
    pub(super) const ALL: [Self; 8] = [
        Self::Busy,
        Self::Denied,
        Self::Frozen,
        Self::NoCamera,
        Self::NoFrames,
        Self::OddRate,
        Self::Refused,
        Self::Stopped,
    ];

    /// The exit status by which the capturing process tells of it.
    ///
    /// Clear of 2, which is wrong usage, and 101, which is a panic.
    #[must_use]
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Stopped => 1,
            Self::Busy => 10,
            Self::Denied => 11,
            Self::Frozen => 12,
            Self::NoCamera => 13,
            Self::NoFrames => 14,
            Self::OddRate => 15,
            Self::Refused => 16,
        }
    }

    /// The fault in both languages, for the screen.
    #[must_use]
    pub(crate) fn words(self) -> Words {
        let zh = match self {
            Self::Busy => "摄像头正被其他程序占用",
            Self::Denied => "没有使用摄像头的权限",
            Self::Frozen => "摄像头画面静止不动",
            Self::NoCamera => "未连接摄像头",
            Self::NoFrames => "摄像头没有画面",
            Self::OddRate => "摄像头帧率设置异常，请重新插拔摄像头",
            Self::Refused => "摄像头无法工作",
            Self::Stopped => "图像采集已停止",
        };
        Words::new(zh, self.to_string())
    }

    /// The fault that a capturing process's end tells of.
    pub(super) fn told_by(status: Option<ExitStatus>) -> Self {
        let code = status.and_then(|status| status.code());
        let is_told = |fault: &Self| code == Some(i32::from(fault.status()));
        Self::ALL.into_iter().find(is_told).unwrap_or(Self::Stopped)
    }
}
