//! The keys that a scanner presses, as the characters it means.
//!
//! A scanner that pretends to be a keyboard presses the keys of an American one, whatever layout this
//! machine is set to. So a key counts by its place there: events of Linux's input devices go in, bytes
//! of ASCII come out. Shift, Caps Lock, and Ctrl count as on that keyboard, and so does a number typed
//! on the keypad under Alt, by which some scanners send what has no key; of that the numbers of ASCII
//! are known. A character that is not known here comes out as [`SUB`], and so do keys that the kernel
//! had no room for: no text is taken for whole without them. Keys that type nothing, such as the arrows,
//! mean nothing, and what is held down is not repeated.
//!
//! Nothing here does any input or output.

/// Stands for a character that is not known; it is in no credential. Source: ECMA-48, section 8.3.148.
pub const SUB: u8 = 0x1A;

/// One event of an input device. Source: Linux, `input.h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InputEvent {
    /// What kind of event it is.
    pub kind: u16,
    /// Which key, of a key's.
    pub code: u16,
    /// Of a key's: 0 released, 1 pressed, 2 held down.
    pub value: i32,
}

// Source of all numbers: Linux, `input-event-codes.h`.
const KIND_SYNC: u16 = 0;
const KIND_KEY: u16 = 1;
const SYNC_DROPPED: u16 = 3;
const PRESSED: i32 = 1;
const RELEASED: i32 = 0;

/// Keys that stand in a row: the first one's number, what they mean, and what with Shift.
const ROWS: [(u16, &[u8], &[u8]); 10] = [
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (15, b"\tqwertyuiop[]\r", b"\tQWERTYUIOP{}\r"),
    (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (55, b"*", b"*"),
    (57, b" ", b" "),
    (KEYPAD, KEYPAD_KEYS, KEYPAD_KEYS),
    (86, b"\\", b"|"),
    (96, b"\r", b"\r"),
    (98, b"/", b"/"),
];

/// The first key of the keypad.
const KEYPAD: u16 = 71;

/// The keys of the keypad, with Num Lock.
const KEYPAD_KEYS: &[u8] = b"789-456+1230.";

/// What has been pressed and not yet released of the keys that change others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Keys {
    held: u8,
    caps: Caps,
    /// The number that has been typed under Alt.
    number: Option<u16>,
}

/// Whether letters are capitals without Shift.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Caps {
    #[default]
    Unlocked,
    Locked,
}

const SHIFT: u8 = 0b0000_0011;
const CTRL: u8 = 0b0000_1100;
const ALT: u8 = 0b0011_0000;
const META: u8 = 0b1100_0000;

impl Keys {
    /// Takes an event, and gives the character that it means, if it means one.
    ///
    /// If events were lost, that is [`SUB`].
    #[must_use]
    pub fn on(&mut self, event: InputEvent) -> Option<u8> {
        match event {
            InputEvent { kind: KIND_SYNC, code: SYNC_DROPPED, .. } => {
                *self = Self::default();
                Some(SUB)
            }
            InputEvent { kind: KIND_KEY, code, value: PRESSED } => self.press(code),
            InputEvent { kind: KIND_KEY, code, value: RELEASED } => self.release(code),
            _ => None,
        }
    }

    fn press(&mut self, code: u16) -> Option<u8> {
        if let Some(modifier) = modifier(code) {
            self.held |= modifier;
            return None;
        }
        if code == 58 {
            self.caps = match self.caps {
                Caps::Locked => Caps::Unlocked,
                Caps::Unlocked => Caps::Locked,
            };
            return None;
        }
        let shift = self.held & SHIFT != 0;
        let character = character(code, shift, self.caps);
        if self.held & ALT != 0 {
            let digit = character.filter(|_| code >= KEYPAD).filter(u8::is_ascii_digit);
            let Some(digit) = digit else { return character.map(|_| SUB) };
            let number = self.number.unwrap_or_default().saturating_mul(10);
            self.number = Some(number.saturating_add(u16::from(digit - b'0')));
            return None;
        }
        let character = character?;
        Some(match self.held & (CTRL | META) {
            0 => character,
            held if held & META == 0 => control(character),
            _ => SUB,
        })
    }

    fn release(&mut self, code: u16) -> Option<u8> {
        self.held &= !modifier(code)?;
        if self.held & ALT != 0 {
            return None;
        }
        let number = self.number.take()?;
        Some(u8::try_from(number).ok().filter(u8::is_ascii).unwrap_or(SUB))
    }
}

/// The bit of a key that changes what others mean.
fn modifier(code: u16) -> Option<u8> {
    Some(match code {
        42 => 0b0000_0001,  // left Shift
        54 => 0b0000_0010,  // right Shift
        29 => 0b0000_0100,  // left Ctrl
        97 => 0b0000_1000,  // right Ctrl
        56 => 0b0001_0000,  // left Alt
        100 => 0b0010_0000, // right Alt
        125 => 0b0100_0000, // left Meta
        126 => 0b1000_0000, // right Meta
        _ => return None,
    })
}

/// What a key means.
fn character(code: u16, shift: bool, caps: Caps) -> Option<u8> {
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let place = usize::from(code.checked_sub(*first)?);
        let plain = *plain.get(place)?;
        let is_shifted = shift != (caps == Caps::Locked && plain.is_ascii_alphabetic());
        if is_shifted { shifted.get(place).copied() } else { Some(plain) }
    })
}

/// What a key means with Ctrl.
fn control(character: u8) -> u8 {
    match character.to_ascii_uppercase() {
        character @ b'@'..=b'_' => character & 0x1F,
        b'\r' => b'\r',
        _ => SUB,
    }
}
