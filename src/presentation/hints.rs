//! What to tell whoever holds a symbol that is seen and cannot be read.

use crate::language::Words;
use crate::symbol::Hint;

/// What the holder may do, in words to be read from two metres, and what to heed in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HintWords {
    /// What to do, in a few words.
    pub what: Words,
    /// How.
    pub how: Words,
}

impl HintWords {
    /// The words of `hint`; without one those that help most often.
    #[must_use]
    pub fn of(hint: Option<Hint>) -> Self {
        let (what, how) = match hint {
            None => (
                ("请拿稳不动", "Hold it still"),
                (
                    "距摄像头约一掌，放平，避免反光。",
                    "A hand's width from the camera, flat, and without glare.",
                ),
            ),
            Some(Hint::Blur) => (
                ("请拿稳不动", "Hold it still"),
                (
                    "画面模糊：请停留一秒，仍不行请擦净摄像头。",
                    "The picture is blurred: wait a second, or wipe the camera.",
                ),
            ),
            Some(Hint::Glare) => (
                ("请避开反光", "Tilt it a little"),
                ("有反光：请稍微倾斜手机或纸张。", "Light is reflected from it into the camera."),
            ),
            Some(Hint::TooClose) => (
                ("请拿远一点", "Hold it farther away"),
                ("请完整出示二维码。", "The whole code must be inside the frame."),
            ),
            Some(Hint::TooDark) => (
                ("请调亮屏幕", "Turn the screen brighter"),
                ("纸质码请移到亮处。", "Hold a paper code into the light."),
            ),
            Some(Hint::TooFar) => (
                ("请靠近一点", "Hold it nearer"),
                ("二维码应占满取景框。", "The code should fill the frame."),
            ),
        };
        let words = |(zh, en): (&str, &str)| Words::new(zh, en);
        Self { what: words(what), how: words(how) }
    }
}
