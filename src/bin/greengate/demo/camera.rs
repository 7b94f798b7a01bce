//! The demonstration's camera: people hold phones and sheets up to a noisy picture.
//!
//! It draws what a camera at a gate would see, frame by frame, and hands on frames like any other
//! source. All arithmetic is in whole numbers: lengths in sixteenths of a pixel, slopes in 1024ths.

use chrono::TimeDelta;
use greengate::{
    authority::print::{Modules, QUIET_ZONE},
    clock::Timestamp,
    frame::Frame,
};

use super::people::{Carrier, Person};

/// Pixels of a frame, as the cameras at such places have them (REQUIREMENTS, section 8).
const WIDTH: i32 = 1280;
const HEIGHT: i32 = 720;

/// Sixteenths of a pixel.
const SUB: i32 = 16;

/// Pixels from the middle of a sheet beyond which there is nothing of it, however it is tilted.
const REACH: i32 = 370;

/// How long one person takes, in milliseconds: coming, holding still, going, and nobody there.
const COMING: i64 = 600;
const HOLDING: i64 = 2_600;
const GOING: i64 = 500;
const NOBODY: i64 = 1_300;

/// What one person takes from the one before to the one after.
pub(crate) const PERSON: TimeDelta = TimeDelta::milliseconds(COMING + HOLDING + GOING + NOBODY);

/// A row of frames, in which one person comes after the other.
#[derive(Debug)]
pub(crate) struct DemoCamera {
    sheets: Vec<Sheet>,
    room: Vec<u8>,
    noise: Noise,
    started: Timestamp,
}

/// What one person holds up.
#[derive(Debug)]
struct Sheet {
    modules: Modules,
    carrier: Carrier,
    /// Pixels of a module.
    module: i32,
    /// How far it is turned, in 1024ths; 100 are six degrees.
    tilt: i32,
}

impl DemoCamera {
    /// A camera that sees `people` one after the other, from `started` on.
    pub(crate) fn new(people: &[Person], started: Timestamp) -> Self {
        let tilts = [38, -52, 81, -24, 60, -95, 17];
        let sheets = people.iter().zip(tilts.into_iter().cycle());
        let sheets = sheets.filter_map(|(Person { text, carrier, .. }, tilt)| {
            let modules = Modules::of(text)?;
            // About 400 pixels for the symbol, as it is when somebody holds it where they are told.
            let module = 400 / i32::from(modules.side() + 2 * QUIET_ZONE).max(1);
            Some(Sheet { modules, carrier: *carrier, module, tilt })
        });
        Self { sheets: sheets.collect(), room: room(), noise: Noise(0x9E37_79B9), started }
    }

    /// Whether everybody has come and gone.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        let persons = i32::try_from(self.sheets.len()).unwrap_or(i32::MAX);
        now - self.started >= PERSON * persons
    }

    /// What the camera sees at `now`.
    pub(crate) fn frame(&mut self, now: Timestamp) -> Frame {
        let mut luma = self.room.clone();
        let elapsed = (now - self.started).num_milliseconds().max(0);
        let person = elapsed / PERSON.num_milliseconds();
        let within = elapsed % PERSON.num_milliseconds();
        let sheet = usize::try_from(person).ok().and_then(|index| self.sheets.get(index));
        if let (Some(sheet), Some(drop)) = (sheet, height_below(within)) {
            let sway = i32::try_from(within / 40 % 24).unwrap_or(0) - 12;
            sheet.draw(&mut luma, WIDTH / 2 + sway, HEIGHT / 2 + drop);
        }
        for pixel in &mut luma {
            *pixel = pixel.saturating_add_signed(self.noise.next());
        }
        let (width, height) = (WIDTH.unsigned_abs(), HEIGHT.unsigned_abs());
        Frame::new(luma, width, height, now).expect("as many pixels as the sides say")
    }
}

/// How far below its place the sheet is, in pixels, at so many milliseconds into a person's turn;
/// nothing when nobody is there.
fn height_below(within: i64) -> Option<i32> {
    let away = if within < COMING {
        COMING - within
    } else if within < COMING + HOLDING {
        0
    } else if within < COMING + HOLDING + GOING {
        within - COMING - HOLDING
    } else {
        return None;
    };
    i32::try_from(away).ok().map(|away| away * away / 400)
}

impl Sheet {
    /// Draws the sheet with its middle at (`x`, `y`), in pixels.
    fn draw(&self, luma: &mut [u8], middle_x: i32, middle_y: i32) {
        let rows = luma.chunks_exact_mut(usize::try_from(WIDTH).unwrap_or(usize::MAX));
        let near = |x: i32| (x - middle_x).abs() < REACH;
        for (y, row) in (0..HEIGHT).zip(rows).filter(|(y, _)| (y - middle_y).abs() < REACH) {
            for (x, pixel) in (0..WIDTH).zip(row).filter(|(x, _)| near(*x)) {
                // Four samples a pixel, or its edges would be steps.
                let mut sum = 0;
                for (dx, dy) in [(4, 4), (12, 4), (4, 12), (12, 12)] {
                    let right = (x - middle_x) * SUB + dx;
                    let down = (y - middle_y) * SUB + dy;
                    let along = right + down * self.tilt / 1024;
                    let across = down - right * self.tilt / 1024;
                    sum += i32::from(self.shade(along, across).unwrap_or(*pixel));
                }
                *pixel = u8::try_from(sum / 4).unwrap_or(u8::MAX);
            }
        }
    }

    /// How light the sheet is at a place counted from its middle; nothing beside it.
    fn shade(&self, x: i32, y: i32) -> Option<u8> {
        let (half_width, half_height) = match self.carrier {
            Carrier::Phone => (235, 330),
            Carrier::Paper | Carrier::SmearedPaper => (270, 320),
        };
        if x.abs() > half_width * SUB || y.abs() > half_height * SUB {
            return None;
        }
        let (light, dark) = match self.carrier {
            Carrier::Phone if x.abs() > 218 * SUB || y.abs() > 300 * SUB => return Some(26),
            Carrier::Phone => (238, 14),
            Carrier::Paper | Carrier::SmearedPaper => (206, 58),
        };
        let symbol_half = i32::from(self.modules.side()) * self.module * SUB / 2;
        let column = (x + symbol_half).div_euclid(self.module * SUB);
        let row = (y + symbol_half).div_euclid(self.module * SUB);
        let inside = u16::try_from(column).ok().zip(u16::try_from(row).ok());
        if let Some((column, row)) = inside
            && column < self.modules.side()
            && row < self.modules.side()
        {
            if self.carrier == Carrier::SmearedPaper && is_smeared(&self.modules, column, row) {
                return Some(112);
            }
            return Some(if self.modules.is_dark(column, row) { dark } else { light });
        }
        Some(letterhead(x, y, light))
    }
}

/// The lines of text above and below the symbol.
fn letterhead(x: i32, y: i32, light: u8) -> u8 {
    let line = y.abs() / SUB;
    let is_line = (228..240).contains(&line) || (256..264).contains(&line);
    if is_line && x.abs() < 150 * SUB { light - 70 } else { light }
}

/// Whether a wet thumb went over the module: all but the finder patterns, in stripes.
fn is_smeared(modules: &Modules, column: u16, row: u16) -> bool {
    const FINDER: u16 = 9;
    let far = modules.side().saturating_sub(FINDER);
    let in_finder =
        (column < FINDER && (row < FINDER || row >= far)) || (column >= far && row < FINDER);
    !in_finder && (column + 2 * row) % 11 < 6
}

/// The room behind: a wall that is lighter above, and somebody's shoulders.
fn room() -> Vec<u8> {
    let mut luma = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let wall = 118 - y / 14 - (x - WIDTH / 2).abs() / 40;
            let (dx, dy) = (x - WIDTH / 2, y - 300);
            let head = dx * dx + dy * dy * 3 / 4 < 150 * 150;
            let shoulders = y > 430 && dx * dx / 3 + (y - 900) * (y - 900) < 470 * 470;
            let shade = if head {
                82 - dy / 12
            } else if shoulders {
                54
            } else {
                wall
            };
            luma.push(u8::try_from(shade).unwrap_or(0));
        }
    }
    luma
}

/// The noise of a cheap sensor, the same each time. Source: Marsaglia, "Xorshift RNGs", 2003.
#[derive(Debug)]
struct Noise(u32);

impl Noise {
    /// The next deviation, between -6 and 6 and mostly small.
    fn next(&mut self) -> i8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        let [a, b, ..] = self.0.to_le_bytes();
        (a % 7).cast_signed() - 3 + (b % 7).cast_signed() - 3
    }
}
