//! What a host and an SDT-SAM module say to each other: frames, commands, and answers.
//!
//! A frame is `AA AA AA 96 69`, a length of two bytes (big-endian, of all that follows), a body,
//! and one byte that makes the exclusive or of length and body come out as zero. A host's body is a
//! command and its parameter; a module's is three bytes of status and data. The line is 115,200
//! baud, 8N1.
//!
//! Nothing here does any input or output. Of a body that comes in only the first [`KEPT`] bytes are
//! ever stored: the picture behind the text is summed as it passes by, and is gone. Source: the
//! makers' description of the protocol of `SAM_V` modules; readers are the subject of GA 450.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// The speed at which modules talk unless they were told otherwise.
pub const BAUD_RATE: u32 = 115_200;

/// What a frame begins with: three bytes to find it by, two that say so.
const PREAMBLE: [u8; 5] = [0xAA, 0xAA, 0xAA, 0x96, 0x69];

/// The least that a length can be: a command, its parameter, the sum.
const MIN_LENGTH: u16 = 3;

/// The most that a length can be: the longest answer there is, with a text of 256 bytes, a picture
/// and two fingerprints of 1,024 between them, three lengths, a status, and the sum.
const MAX_LENGTH: u16 = 3 + 3 * 2 + 256 + 1_024 + 1_024 + 1;

/// How many bytes of a body are kept: a status, two lengths, and a text of 256.
pub const KEPT: usize = 3 + 2 * 2 + 256;

/// What a host asks of a module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Start anew, as after switching on.
    Reset,
    /// Say whether you are well.
    Status,
    /// Look for a card.
    Find,
    /// Talk to the card that was found.
    Select,
    /// Read the selected card's text and picture.
    Read,
}

impl Command {
    /// Every command that is used.
    pub const ALL: [Self; 5] = [Self::Reset, Self::Status, Self::Find, Self::Select, Self::Read];

    /// The command and its parameter.
    #[must_use]
    pub fn code(self) -> [u8; 2] {
        match self {
            Self::Reset => [0x10, 0xFF],
            Self::Status => [0x11, 0xFF],
            Self::Find => [0x20, 0x01],
            Self::Select => [0x20, 0x02],
            Self::Read => [0x30, 0x01],
        }
    }

    /// The frame that asks for it.
    #[must_use]
    pub fn frame(self) -> Zeroizing<Vec<u8>> {
        frame(&self.code())
    }

    /// The command in a host's body, if it is one of these.
    #[must_use]
    pub fn parse(body: &Body) -> Option<Self> {
        Self::ALL.into_iter().find(|command| body.bytes() == command.code())
    }
}

/// How a module says that a command went: the third byte of its status.
///
/// The first two are what the card itself answered, and say nothing that the third does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// 90: done.
    Done,
    /// 9F: a card was found.
    Found,
    /// 80: no card was found.
    NoCard,
    /// 81: the card could not be selected.
    NotSelected,
    /// 41: the card could not be read.
    NotRead,
    /// 31: the card did not accept the module.
    ModuleRefused,
    /// 32: the module did not accept the card.
    CardRefused,
    /// 33: what the card holds is not what was signed.
    Altered,
    /// 40: a card of another kind.
    OtherCard,
    /// 47: the card gave no random number.
    NoRandom,
    /// 91: the card has nothing of what was asked for.
    Empty,
    /// 10: a command came with a wrong sum.
    WrongSum,
    /// 11: a command came with a wrong length.
    WrongLength,
    /// 21: a command is not known, or not now.
    WrongCommand,
    /// 60: the module found itself broken, and takes no commands.
    Broken,
    /// 66: the module may not be used.
    Unauthorised,
    /// Any other.
    Other(u8),
}

impl Status {
    /// The byte that says it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::WrongSum => 0x10,
            Self::WrongLength => 0x11,
            Self::WrongCommand => 0x21,
            Self::ModuleRefused => 0x31,
            Self::CardRefused => 0x32,
            Self::Altered => 0x33,
            Self::OtherCard => 0x40,
            Self::NotRead => 0x41,
            Self::NoRandom => 0x47,
            Self::Broken => 0x60,
            Self::Unauthorised => 0x66,
            Self::NoCard => 0x80,
            Self::NotSelected => 0x81,
            Self::Done => 0x90,
            Self::Empty => 0x91,
            Self::Found => 0x9F,
            Self::Other(code) => code,
        }
    }
}

impl From<u8> for Status {
    fn from(code: u8) -> Self {
        match code {
            0x10 => Self::WrongSum,
            0x11 => Self::WrongLength,
            0x21 => Self::WrongCommand,
            0x31 => Self::ModuleRefused,
            0x32 => Self::CardRefused,
            0x33 => Self::Altered,
            0x40 => Self::OtherCard,
            0x41 => Self::NotRead,
            0x47 => Self::NoRandom,
            0x60 => Self::Broken,
            0x66 => Self::Unauthorised,
            0x80 => Self::NoCard,
            0x81 => Self::NotSelected,
            0x90 => Self::Done,
            0x91 => Self::Empty,
            0x9F => Self::Found,
            code => Self::Other(code),
        }
    }
}

/// The byte in hexadecimal, as modules' manuals have it.
impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02X}", self.code())
    }
}

/// What a module answers. Its data is wiped when it is dropped, and its debugging form shows none.
#[derive(Eq, PartialEq)]
pub struct Answer {
    status: Status,
    body: Body,
}

impl Answer {
    /// The answer in a module's body, which has room for a status at least.
    #[must_use]
    pub fn parse(body: Body) -> Option<Self> {
        let status = (*body.bytes().get(2)?).into();
        Some(Self { status, body })
    }

    /// How the command went.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// What comes after the status, as far as it was kept.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.body.bytes().get(3..).unwrap_or_default()
    }

    /// The frame of an answer, for who speaks for a module.
    ///
    /// Data beyond what fits into a frame is left out.
    #[must_use]
    pub fn frame(status: Status, data: &[u8]) -> Zeroizing<Vec<u8>> {
        let fits = usize::from(MAX_LENGTH) - 4;
        let mut body = Zeroizing::new(Vec::with_capacity(3 + fits));
        body.extend_from_slice(&[0, 0, status.code()]);
        body.extend(data.iter().take(fits));
        frame(&body)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Answer({}, {} bytes)", self.status, self.data().len())
    }
}

/// What stands between length and sum, up to [`KEPT`] bytes of it. It is wiped when it is dropped,
/// and its debugging form shows nothing of it.
#[derive(Eq, PartialEq)]
pub struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// The bytes that were kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Body({} bytes)", self.0.len())
    }
}

/// Finds the frames in a stream of bytes, however they are cut, with whatever between them.
///
/// It holds no more than [`KEPT`] bytes, and wipes them.
#[derive(Default)]
pub struct Deframer(Part);

/// Which part of a frame comes next.
enum Part {
    Preamble { seen: usize },
    Length { high: Option<u8> },
    Body { kept: Zeroizing<Vec<u8>>, left: u16, sum: u8 },
}

impl Deframer {
    /// Takes bytes off `bytes` up to the end of a frame, and says what it was; nothing if all are
    /// taken and none has ended.
    ///
    /// After an error the search begins anew behind what was taken.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Option<Result<Body, FrameError>> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if let Some(found) = self.push(byte) {
                return Some(found);
            }
        }
        None
    }

    /// Forgets a frame that has begun.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, byte: u8) -> Option<Result<Body, FrameError>> {
        match &mut self.0 {
            Part::Preamble { seen } => {
                *seen = after_preamble(*seen, byte);
                if *seen == PREAMBLE.len() {
                    self.0 = Part::Length { high: None };
                }
                None
            }
            Part::Length { high: high @ None } => {
                *high = Some(byte);
                None
            }
            Part::Length { high: Some(high) } => {
                let (high, length) = (*high, u16::from_be_bytes([*high, byte]));
                if !(MIN_LENGTH..=MAX_LENGTH).contains(&length) {
                    self.clear();
                    return Some(Err(FrameError::Length { length }));
                }
                let kept = Zeroizing::new(Vec::with_capacity(KEPT));
                self.0 = Part::Body { kept, left: length, sum: high ^ byte };
                None
            }
            Part::Body { kept, left, sum } => {
                *left -= 1;
                *sum ^= byte;
                if *left > 0 {
                    if kept.len() < KEPT {
                        kept.push(byte);
                    }
                    return None;
                }
                let whole = (*sum == 0).then(|| Body(std::mem::take(kept)));
                self.clear();
                Some(whole.ok_or(FrameError::Sum))
            }
        }
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::Preamble { seen: 0 }
    }
}

impl fmt::Debug for Deframer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0 {
            Part::Preamble { .. } => "Deframer(before a frame)",
            Part::Length { .. } | Part::Body { .. } => "Deframer(within a frame)",
        })
    }
}

/// How much of the preamble has been seen after `byte`, if `seen` of it had been before.
fn after_preamble(seen: usize, byte: u8) -> usize {
    match (seen, byte) {
        _ if PREAMBLE.get(seen) == Some(&byte) => seen + 1,
        // Too many AA: the last three may still be the ones.
        (3, 0xAA) => 3,
        (_, 0xAA) => 1,
        _ => 0,
    }
}

/// The frame around a body that is no longer than one can be.
fn frame(body: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = u16::try_from(body.len() + 1).unwrap_or(MAX_LENGTH).to_be_bytes();
    let sum = length.iter().chain(body).fold(0, |sum, byte| sum ^ byte);
    let mut frame = Zeroizing::new(Vec::with_capacity(PREAMBLE.len() + 2 + body.len() + 1));
    frame.extend_from_slice(&PREAMBLE);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(body);
    frame.push(sum);
    frame
}

/// Bytes that began as a frame are none.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// No frame is so long, or so short.
    #[error("no frame has a length of {length}")]
    Length {
        /// The length that was given.
        length: u16,
    },

    /// A byte was changed on the way, or one is missing.
    #[error("the sum of a frame is wrong")]
    Sum,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    }

    /// Everything that is found in `bytes`, given in pieces of `size`.
    fn found(bytes: &[u8], size: usize) -> Vec<Result<Vec<u8>, FrameError>> {
        let mut deframer = Deframer::default();
        let mut found = Vec::new();
        for mut piece in bytes.chunks(size) {
            while let Some(frame) = deframer.take(&mut piece) {
                found.push(frame.map(|body| body.bytes().to_vec()));
            }
            assert!(piece.is_empty());
        }
        found
    }

    #[test]
    fn commands_are_these_bytes() {
        let cases = [
            (Command::Reset, "AA AA AA 96 69  00 03  10 FF  EC"),
            (Command::Status, "AA AA AA 96 69  00 03  11 FF  ED"),
            (Command::Find, "AA AA AA 96 69  00 03  20 01  22"),
            (Command::Select, "AA AA AA 96 69  00 03  20 02  21"),
            (Command::Read, "AA AA AA 96 69  00 03  30 01  32"),
        ];
        for (command, bytes) in cases {
            assert_eq!(*command.frame(), hex(bytes), "{command:?}");
            let body = Deframer::default().take(&mut &hex(bytes)[..]).unwrap().unwrap();
            assert_eq!(Command::parse(&body), Some(command));
        }
    }

    #[test]
    fn answers_are_these_bytes() {
        let cases = [
            (Status::Done, &[][..], "AA AA AA 96 69  00 04  00 00 90  94"),
            (Status::Found, &[0; 4], "AA AA AA 96 69  00 08  00 00 9F  00 00 00 00  97"),
            (Status::NoCard, &[], "AA AA AA 96 69  00 04  00 00 80  84"),
            (Status::Done, &[0; 8], "AA AA AA 96 69  00 0C  00 00 90  00 00 00 00 00 00 00 00  9C"),
            (Status::NotSelected, &[], "AA AA AA 96 69  00 04  00 00 81  85"),
            (Status::NotRead, &[], "AA AA AA 96 69  00 04  00 00 41  45"),
        ];
        for (status, data, bytes) in cases {
            assert_eq!(*Answer::frame(status, data), hex(bytes), "{status}");
            let body = Deframer::default().take(&mut &hex(bytes)[..]).unwrap().unwrap();
            let answer = Answer::parse(body).unwrap();
            assert_eq!((answer.status(), answer.data()), (status, data));
        }
    }

    #[test]
    fn frames_are_found_wherever_they_stand() {
        let no_card = Ok(vec![0, 0, 0x80]);
        let cases: [(&str, &str, &[_]); 13] = [
            ("alone", "AAAAAA9669 0004 000080 84", &[&no_card]),
            ("after garbage", "00 69 96 AA 13 AAAAAA9669 0004 000080 84", &[&no_card]),
            ("after one AA too many", "AA AAAAAA9669 0004 000080 84", &[&no_card]),
            ("after half a preamble", "AAAAAA96 AAAAAA9669 0004 000080 84", &[&no_card]),
            ("after AAAA96", "AAAA9669 AAAAAA9669 0004 000080 84", &[&no_card]),
            ("two", "AAAAAA9669 0004 000080 84 AAAAAA9669 0004 000080 84", &[&no_card, &no_card]),
            ("wrong sum", "AAAAAA9669 0004 000080 85", &[&Err(FrameError::Sum)]),
            (
                "wrong sum, then a good one",
                "AAAAAA9669 0004 000081 84 AAAAAA9669 0004 000080 84",
                &[&Err(FrameError::Sum), &no_card],
            ),
            ("no length", "AAAAAA9669 0000", &[&Err(FrameError::Length { length: 0 })]),
            ("too short", "AAAAAA9669 0002", &[&Err(FrameError::Length { length: 2 })]),
            ("too long", "AAAAAA9669 090B", &[&Err(FrameError::Length { length: 2_315 })]),
            (
                "absurd, then a good one",
                "AAAAAA9669 FFFF AAAAAA9669 0004 000080 84",
                &[&Err(FrameError::Length { length: 65_535 }), &no_card],
            ),
            ("cut", "AAAAAA9669 0004 0000", &[]),
        ];
        for (name, bytes, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|&result| result.clone()).collect();
            for size in 1..8 {
                assert_eq!(found(&hex(bytes), size), expected, "{name}, {size} at a time");
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_the_text() {
        let mut data = vec![7; KEPT - 3];
        data.extend([9; 1_024]);
        let frame = Answer::frame(Status::Done, &data);
        let body = Deframer::default().take(&mut &frame[..]).unwrap().unwrap();
        assert_eq!(body.bytes().len(), KEPT);
        assert!(!body.bytes().contains(&9), "the picture is not kept");
    }

    #[test]
    fn what_was_begun_is_forgotten_when_asked() {
        let mut deframer = Deframer::default();
        let frame = Command::Find.frame();
        assert!(deframer.take(&mut &frame[..9]).is_none());
        deframer.clear();
        assert!(deframer.take(&mut &frame[9..]).is_none());
        assert!(deframer.take(&mut &frame[..]).is_some());
    }

    #[test]
    fn debugging_forms_show_no_data() {
        let frame = Answer::frame(Status::Done, b"secret");
        let mut deframer = Deframer::default();
        assert!(deframer.take(&mut &frame[..12]).is_none());
        assert_eq!(format!("{deframer:?}"), "Deframer(within a frame)");
        let body = deframer.take(&mut &frame[12..]).unwrap().unwrap();
        assert_eq!(format!("{body:?}"), "Body(9 bytes)");
        assert_eq!(format!("{:?}", Answer::parse(body).unwrap()), "Answer(90, 6 bytes)");
    }

    proptest! {
        #[test]
        fn no_stream_panics_or_grows(bytes in prop::collection::vec(any::<u8>(), 0..4_096)) {
            for body in found(&bytes, 64).into_iter().flatten() {
                prop_assert!(body.len() <= KEPT);
            }
        }

        #[test]
        fn every_answer_comes_back(
            garbage in prop::collection::vec(0_u8..0xAA, 0..32),
            code: u8,
            data in prop::collection::vec(any::<u8>(), 0..KEPT - 3),
            size in 1_usize..64,
        ) {
            let status = Status::from(code);
            prop_assert_eq!(status.code(), code);
            let stream = [&garbage[..], &Answer::frame(status, &data)].concat();
            let [Ok(body)] = &found(&stream, size)[..] else { panic!("one frame") };
            prop_assert_eq!(&body[..3], &[0, 0, code]);
            prop_assert_eq!(&body[3..], data);
        }

        #[test]
        fn a_changed_byte_is_seen(at in 7_usize..18, change in 1_u8..) {
            let mut bytes = Answer::frame(Status::Done, b"01234567").to_vec();
            bytes[at] ^= change;
            prop_assert_eq!(found(&bytes, 64), vec![Err(FrameError::Sum)]);
        }
    }
}
