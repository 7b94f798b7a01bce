//! Why a symbol that was seen could not be read, as far as the picture shows it.

use super::grid::Grid;
use super::perspective::Point;
use super::plane::Plane;
use super::scene::Area;

/// What whoever holds a symbol may do so that it can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hint {
    /// It is not in focus, or moves: hold it still.
    Blur,
    /// Light is reflected from it: tilt it.
    Glare,
    /// It reaches beyond the picture: hold it farther away.
    TooClose,
    /// There is too little light to tell dark modules from light ones.
    TooDark,
    /// Its modules are too small: hold it nearer.
    TooFar,
}

/// Pixels a module below which symbols are rarely read, whatever else is right.
///
/// Measured on drawn symbols of versions 11 and 13: half of them are read at 1.4, and at 2 all that
/// are sharp; a hand and a lens take the rest.
const SMALL: f64 = 2.5;

/// How much brighter paper must be than ink, of 255.
const CONTRAST: f64 = 24.0;

/// The part of a symbol under glare that no error correction makes up for, with the rest that it
/// has to do.
const GLARE: f64 = 0.04;

/// How much of the contrast of wide dark and light parts is left between single modules in a symbol
/// that is sharp enough to be read.
const SHARPNESS: f64 = 0.45;

/// What the picture of `grid` shows, whose corners lie there in a frame.
pub(super) fn measured(
    grid: &Grid,
    plane: &Plane<'_>,
    corners: &[Point; 4],
    frame: Area,
) -> Option<Hint> {
    let area = Area::around(*corners)?;
    let [a, b, c, d] = *corners;
    let sides = [(a, b), (b, c), (c, d), (d, a)].map(|(from, to)| to.minus(from).length());
    let module = sides.iter().copied().fold(f64::MAX, f64::min) / super::plane::real(grid.size());
    // The middle of the last module must be in the picture.
    let whole = area.widened(-module / 2.0);
    if !frame.has(&whole) {
        return Some(Hint::TooClose);
    }
    if module < SMALL {
        return Some(Hint::TooFar);
    }
    let modules = grid.glance(plane);
    if modules.contrast() < CONTRAST {
        return Some(Hint::TooDark);
    }
    if modules.washed_out() > GLARE {
        return Some(Hint::Glare);
    }
    (grid.sharpness(plane) < SHARPNESS).then_some(Hint::Blur)
}
