//! Symbols that reach beyond the picture: too little of them is there to be read, and enough to say
//! why.
//!
//! From every finder pattern a timing pattern runs along a side of the symbol, in which each module
//! is another than the one before (ISO/IEC 18004:2015, section 6.3.5), to the next finder pattern.
//! One that runs out of the picture belongs to a symbol that does.

use super::budget::Budget;
use super::finder::Finder;
use super::perspective::Point;
use super::plane::{Bitmap, index, real};

/// How many finder patterns are followed, the surest first.
const MAX_FINDERS: usize = 8;

/// How many modules must follow each other, dark and light, on the way out of the picture. That
/// others do by chance, on one of eight ways, has odds of one in a thousand.
const LEAST: u32 = 13;

/// Pixels a module below which nothing is said: what is small is not too close.
const SMALLEST: f64 = 4.0;

/// How much longer or shorter than it should be a module may look.
const AMISS: f64 = 0.55;

/// Into how many directions it is looked, for each side of a finder pattern: with half a degree
/// amiss, a line stays in its row of modules for more than 40 of them.
const DIRECTIONS: u32 = 360;

/// What a pixel of a way costs, in looks.
const STEP: u64 = 3;

/// From the middle of a finder pattern to the middle of its outer row, and to its edge, in modules.
const TO_ROW: f64 = 3.0;
const TO_EDGE: f64 = 3.5;

/// The most modules of one kind on the way: what is left of the next finder pattern.
const LONGEST: f64 = 7.5;

/// A timing pattern that runs out of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overflow {
    /// The middle of the finder pattern.
    pub(super) from: Point,
    /// Where it leaves the picture.
    pub(super) to: Point,
    /// Pixels a module.
    pub(super) module: f64,
}

/// The first timing pattern that runs from one of `finders` out of `bitmap`.
pub(super) fn find(bitmap: &Bitmap, finders: &[Finder], budget: &mut Budget) -> Option<Overflow> {
    for finder in finders.iter().take(MAX_FINDERS) {
        for degrees in 0..DIRECTIONS {
            let angle = f64::from(degrees).to_radians();
            let (sin, cos) = angle.sin_cos();
            // Rows and columns cross what is turned on a longer way.
            let module = finder.module * sin.abs().max(cos.abs());
            if module < SMALLEST {
                continue;
            }
            let (along, aside) = (Point::new(cos, sin), Point::new(-sin, cos));
            for side in [TO_ROW, -TO_ROW] {
                let from = finder.centre.plus(aside.times(side * module));
                // All of a way that ends where the finder pattern does.
                budget.take(Budget::price(index(LONGEST * module), STEP))?;
                if let Some(to) = follow(bitmap, from, along, module, budget) {
                    return Some(Overflow { from: finder.centre, to, module });
                }
            }
        }
    }
    None
}

/// Where a timing pattern leaves `bitmap` that begins in the outer row of a finder pattern, as seen
/// from the middle of that row.
fn follow(
    bitmap: &Bitmap,
    from: Point,
    along: Point,
    module: f64,
    budget: &mut Budget,
) -> Option<Point> {
    let (mut runs, mut run, mut dark) = (0, 0, true);
    for nth in 0.. {
        let at = from.plus(along.times(real(nth)));
        let (x, y) = (index(at.x), index(at.y));
        if at.x < 0.0 || at.y < 0.0 || x >= bitmap.width() || y >= bitmap.height() {
            return (runs >= LEAST).then_some(at);
        }
        if bitmap.is_dark(x, y) != dark {
            let modules = if runs == 0 { TO_EDGE } else { 1.0 };
            if (real(run) - modules * module).abs() > module * AMISS + 0.5 {
                return None;
            }
            budget.take(Budget::price(run, STEP))?;
            (runs, run, dark) = (runs + 1, 0, !dark);
        }
        run += 1;
        if real(run) > LONGEST * module {
            return None;
        }
    }
    None
}
