//! Symbols: the texts of the QR symbols in a frame.

use std::fmt;

use thiserror::Error;

use self::finder::Finder;
use self::grid::{Grid, contains};
use self::perspective::Point;
use self::plane::{Plane, real};
use crate::frame::Frame;

mod finder;
mod grid;
mod perspective;
mod plane;
mod rqrr;

/// The longest text in bytes: digits in a symbol of version 40 at level L.
///
/// Source: ISO/IEC 18004:2015, table 7. Other modes hold less: 4 296 alphanumeric characters or
/// 2 953 bytes.
pub const MAX_LEN: usize = 7_089;

/// The text of one symbol, as it stood there.
///
/// It may name a person, so it has no `Display` and its `Debug` shows the length alone.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SymbolText(String);

impl SymbolText {
    /// A text that fits a symbol.
    ///
    /// # Errors
    ///
    /// [`TextError::TooLong`] above [`MAX_LEN`] bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > MAX_LEN {
            return Err(TextError::TooLong { bytes: text.len() });
        }
        Ok(Self(text))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SymbolText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SymbolText({} bytes)", self.0.len())
    }
}

/// What was found in one frame.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reading {
    /// The texts read, each once, in the order in which they were found.
    pub texts: Vec<SymbolText>,
    /// How many symbols were seen, read or not: 0 if there was none, more than `texts` if some
    /// could not be read.
    pub seen: usize,
}

/// How much work a frame is worth.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Effort {
    /// A few cheap attempts: the next frame comes soon.
    #[default]
    Live,
    /// Every attempt there is: this picture is all there will be.
    Thorough,
}

/// Reads the symbols in `frame`.
#[must_use]
pub fn read(frame: &Frame, effort: Effort) -> Reading {
    let mut search = Search::new(effort);
    let Ok(width) = usize::try_from(frame.width()) else {
        return Reading::default();
    };
    let planes = pyramid(Plane::new(frame.luma(), width));
    search.run(&planes);
    if effort == Effort::Thorough && search.read.is_empty() {
        let inverted: Vec<_> = planes.iter().map(Plane::inverted).collect();
        search.run(&inverted);
    }
    search.finish()
}

fn pyramid(full: Plane<'_>) -> Vec<Plane<'_>> {
    let mut planes = vec![full];
    while let Some(last) = planes.last() && last.shorter_side() >= 2 * SHORTEST_SIDE {
        planes.push(last.halved());
    }
    planes
}

const SHORTEST_SIDE: usize = 42;

struct Search {
    effort: Effort,
    fits: usize,
    decodes: usize,
    searches: usize,
    read: Vec<([Point; 4], SymbolText)>,
    unread: Vec<[Point; 4]>,
}

impl Search {
    fn new(effort: Effort) -> Self {
        let (fits, decodes, searches) = match effort {
            Effort::Live => (60, 24, 0),
            Effort::Thorough => (600, 250, 0),
        };
        Self { effort, fits, decodes, searches, read: Vec::new(), unread: Vec::new() }
    }

    fn run(&mut self, planes: &[Plane<'_>]) {
        let (limit, passes): (usize, &[(usize, u8)]) = match self.effort {
            Effort::Live => (1_300_000, &[(12, 8)]),
            Effort::Thorough => (4_500_000, &[(12, 8), (24, 4)]),
        };
        let finest = planes.iter().position(|plane| plane.pixels() <= limit).unwrap_or(planes.len());
        let mut order: Vec<usize> = (finest..planes.len()).collect();
        if order.len() > 1 {
            // Half the size is a quarter of the work and mostly enough.
            order.swap(0, 1);
        }
        for &(radius, margin) in passes {
            for &level in &order {
                self.look(planes, level, radius, margin);
                if self.effort == Effort::Live && !self.read.is_empty() && self.unread.is_empty() {
                    return;
                }
            }
            if !self.read.is_empty() && self.unread.is_empty() {
                return;
            }
        }
    }

    fn look(&mut self, planes: &[Plane<'_>], level: usize, radius: usize, margin: u8) {
        let plane = &planes[level];
        let (most, most_triples) = match self.effort { Effort::Live => (64, 32), Effort::Thorough => (200, 200) };
        let scale = real(1 << level);
        let finders = finder::scan(&plane.darker_than_mean(radius, margin), most);
        let mut grids = Vec::new();
        for triple in finder::triples(&finders, most_triples) {
            let parts = [finders[triple.right], finders[triple.corner], finders[triple.below]];
            if self.knows(parts.map(|finder| finder.centre.times(scale))) || self.fits == 0 {
                continue;
            }
            self.fits -= 1;
            // The plane in which a module is some four pixels.
            let mut target = level;
            let mut factor = 1.0;
            let module = parts.iter().map(|finder| finder.module).fold(f64::MAX, f64::min);
            while target > 0 && module * factor < 3.0 {
                target -= 1;
                factor *= 2.0;
            }
            while target + 1 < planes.len() && module * factor > 9.0 {
                target += 1;
                factor /= 2.0;
            }
            let parts = parts.map(|finder| Finder {
                centre: finder.centre.times(factor),
                module: finder.module * factor,
                rows: finder.rows,
            });
            if let Some(grid) = Grid::fit(&planes[target], parts) {
                grids.push((grid, target, triple));
            }
        }
        grids.sort_by(|a, b| b.0.timing.total_cmp(&a.0.timing));
        for (grid, target, triple) in grids {
            let scale = real(1 << target);
            let parts = [triple.right, triple.corner, triple.below].map(|index| finders[index].centre.times(real(1 << level)));
            if !grid.is_likely() || self.knows(parts) || self.decodes == 0 {
                continue;
            }
            self.decodes -= 1;
            let bounds = grid.bounds().map(|point| point.times(scale));
            let finders_show = grid.finders > 0.5;
            let modules = grid.sample(&planes[target]);
            if let Some(text) = decode(&modules, self.effort) {
                self.unread.retain(|area| !overlap(area, &bounds));
                self.read.push((bounds, text));
            } else if finders_show && !self.unread.iter().any(|area| overlap(area, &bounds)) {
                self.unread.push(bounds);
            }
        }
    }

    fn knows(&self, parts: [Point; 3]) -> bool {
        self.read.iter().any(|(area, _)| parts.iter().any(|&part| contains(area, part)))
    }

    fn finish(self) -> Reading {
        let seen = self.read.len() + self.unread.len();
        let mut texts = Vec::new();
        for (_, text) in self.read {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Reading { texts, seen }
    }
}

fn overlap(a: &[Point; 4], b: &[Point; 4]) -> bool {
    let middle = |area: &[Point; 4]| area.iter().fold(Point::default(), |sum, &point| sum.plus(point)).times(0.25);
    contains(a, middle(b)) || contains(b, middle(a))
}

fn decode(modules: &grid::Modules, effort: Effort) -> Option<SymbolText> {
    let size = modules.size();
    let first = rqrr::decode(&modules.dark(5), size);
    if first.is_some() {
        return first;
    }
    let sharp = modules.sharpened();
    rqrr::decode(&sharp.dark(5), size).or_else(|| {
        if effort == Effort::Live {
            return None;
        }
        rqrr::decode(&modules.dark(2), size).or_else(|| rqrr::decode(&modules.dark(12), size)).or_else(|| rqrr::decode(&sharp.sharpened().dark(6), size))
    })
}

/// A text cannot have come from a symbol.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TextError {
    /// It is longer than any symbol holds.
    #[error("a text of {bytes} bytes is longer than a symbol holds")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
}
