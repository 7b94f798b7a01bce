//! Where the columns and rows of a symbol lie whose paper is curved, as its timing patterns show it.
//!
//! Between two finder patterns each module of a timing pattern is of the other colour than the one
//! before, so that its edges are those of the columns, or of the rows. However far they have moved,
//! there are as many.

use super::perspective::Point;
use super::plane::{index, real};

/// How far each column and each row lies from where it should, in modules.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    across: Vec<f64>,
    down: Vec<f64>,
}

/// Looks in a module.
const FINE: usize = 8;

/// Modules to each side whose darkest and lightest looks tell dark from light.
const NEAR: usize = 2;

impl Timing {
    /// That of a symbol of `size` modules a side, if its timing patterns show as many. `look` tells
    /// how bright the symbol is at a place in modules.
    pub(super) fn measured(size: usize, look: impl Fn(Point) -> f64) -> Option<Self> {
        let [across, down] = edges(size, look).map(|edges| {
            let shifts = edges.into_iter().zip(7..).map(|(edge, nth)| edge - real(nth));
            Some(shifts.collect::<Vec<_>>()).filter(|shifts| shifts.len() + BESIDE == size)
        });
        Some(Self { across: across?, down: down? })
    }

    /// How far what should be at `module` lies from it.
    pub(super) fn shift(&self, module: Point) -> Point {
        Point::new(at(&self.across, module.x), at(&self.down, module.y))
    }
}

/// Modules of a side that no edge of a timing pattern stands for.
const BESIDE: usize = 13;

/// Where the edges between columns and those between rows lie, from the first behind a finder pattern
/// to the last before the other.
fn edges(size: usize, look: impl Fn(Point) -> f64) -> [Vec<f64>; 2] {
    // Three looks beside each other, since one may be noise.
    let mean = |looks: [f64; 3]| looks.iter().sum::<f64>() / 3.0;
    let beside = [6.3, 6.5, 6.7];
    [
        edges_along(size, |at| mean(beside.map(|row| look(Point::new(at, row))))),
        edges_along(size, |at| mean(beside.map(|column| look(Point::new(column, at))))),
    ]
}

fn edges_along(size: usize, look: impl Fn(f64) -> f64) -> Vec<f64> {
    // From the middle of one finder pattern's dark side to that of the other's.
    let steps = (size - 7) * FINE;
    let place = |step: usize| 3.5 + real(step) / real(FINE);
    let looks: Vec<f64> = (0..=steps).map(|step| look(place(step))).collect();
    let range = |looks: &[f64]| {
        let darkest = looks.iter().copied().fold(f64::MAX, f64::min);
        (darkest, looks.iter().copied().fold(f64::MIN, f64::max))
    };
    let (darkest, lightest) = range(&looks);
    let contrast = lightest - darkest;
    let above: Vec<f64> = (0..=steps)
        .map(|step| {
            let near = &looks[step.saturating_sub(NEAR * FINE)..=(step + NEAR * FINE).min(steps)];
            let (dark, light) = range(near);
            // Within a finder pattern all is dark.
            let level = if light - dark < contrast / 3.0 {
                f64::midpoint(darkest, lightest)
            } else {
                f64::midpoint(dark, light)
            };
            looks[step] - level
        })
        .collect();
    let edges = above.windows(2).zip(0..).filter(|(pair, _)| (pair[0] > 0.0) != (pair[1] > 0.0));
    edges.map(|(pair, step)| place(step) + pair[0] / (pair[0] - pair[1]) / real(FINE)).collect()
}

/// The shift at a place in modules: between those of two edges, and beyond the first and the last as
/// theirs.
fn at(shifts: &[f64], place: f64) -> f64 {
    let place = (place - 7.0).clamp(0.0, real(shifts.len() - 1));
    let low = index(place).min(shifts.len().saturating_sub(2));
    let high = (low + 1).min(shifts.len() - 1);
    shifts[low] + (shifts[high] - shifts[low]) * (place - real(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A symbol of version 11 that is all timing patterns, whose columns lie where `bend` says.
    fn measured(bend: impl Fn(f64) -> f64) -> Option<Timing> {
        let module = |place: f64| {
            let place = index(place.max(0.0));
            u8::from((7..54).contains(&place) && !place.is_multiple_of(2))
        };
        let look = |at: Point| f64::from(module(if at.y < 7.0 { bend(at.x) } else { at.y }));
        Timing::measured(61, look)
    }

    #[test]
    fn columns_are_found_where_they_lie() {
        // By how much all is moved, and how far it is off in between the finder patterns.
        for (moved, curved) in [(0.0, 0.0), (0.3, 0.0), (0.0, 2.0), (-0.2, 1.0)] {
            let name = format!("moved by {moved}, curved by {curved}");
            let arc = |x: f64| ((x - 7.0) / 47.0 * std::f64::consts::PI).sin();
            let bend = |x: f64| x + moved + curved * arc(x);
            let timing = measured(bend).expect(&name);
            for column in 8..53 {
                let module = real(column) + 0.5;
                let shift = timing.shift(Point::new(module, 30.5));
                let found = bend(module + shift.x);
                assert!((found - module).abs() < 0.2, "{name}: {module} found at {found}");
                assert!(shift.y.abs() < 0.1, "{name}");
            }
        }
    }

    #[test]
    fn what_has_more_edges_or_fewer_is_no_timing_pattern() {
        assert!(measured(|x| x * 1.1).is_none());
        assert!(measured(|x| x * 0.9).is_none());
        assert!(Timing::measured(61, |_| 0.0).is_none());
    }
}
