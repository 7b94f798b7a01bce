//! How paper that is not flat bends a grid: by how much each part of it lies from where it should.

use super::perspective::Point;
use super::plane::{index, real};

/// Shifts in modules at the crossings of a coarse grid, between which they run evenly.
#[derive(Clone, Debug)]
pub(super) struct Bend {
    /// Modules from one crossing to the next.
    step: f64,
    /// Crossings on a side.
    count: usize,
    shifts: Vec<Point>,
}

/// The middle of a finder pattern, in modules from the corner: the first crossing.
const FIRST: f64 = 3.5;

/// Modules between crossings.
const APART: f64 = 4.0;

/// Modules around a crossing that are looked at.
const AROUND: usize = 3;

/// Looks in a module, along each side.
const FINE: usize = 4;

impl Bend {
    /// The bend under which the modules of a symbol of that `size` show best. `look` tells how
    /// bright the symbol is at a place in modules.
    pub(super) fn fit(size: usize, look: impl Fn(Point) -> f64) -> Self {
        let span = real(size) - 2.0 * FIRST;
        let parts = index((span / APART).round()).max(1);
        let (step, count) = (span / real(parts), parts + 1);
        let mut bend = Self { step, count, shifts: vec![Point::default(); count * count] };
        let mut order: Vec<(usize, usize)> =
            (0..count).flat_map(|y| (0..count).map(move |x| (x, y))).collect();
        let far = count - 1;
        let nearest = |&(x, y): &(usize, usize)| {
            [(0, 0), (far, 0), (0, far)]
                .into_iter()
                .map(|(a, b)| x.abs_diff(a).pow(2) + y.abs_diff(b).pow(2))
                .min()
        };
        order.sort_by_key(nearest);
        let mut known = vec![false; count * count];
        // The grid is held there.
        order.retain(|place| ![(0, 0), (far, 0), (0, far)].contains(place));
        for place in [0, far, far * count] {
            known[place] = true;
        }
        for &(reach, tick) in &[(2_usize, 1_usize), (2, 1)] {
            for &(x, y) in &order {
                let expected = bend.expected(&known, x, y);
                let best = bend.best(size, &look, (x, y), expected, reach, tick);
                bend.shifts[y * count + x] = best;
                known[y * count + x] = true;
            }
        }
        bend
    }

    /// The shift that those around a crossing let expect there.
    fn expected(&self, known: &[bool], x: usize, y: usize) -> Point {
        let (mut sum, mut weight) = (Point::default(), 0.0);
        for b in y.saturating_sub(1)..(y + 2).min(self.count) {
            for a in x.saturating_sub(1)..(x + 2).min(self.count) {
                if known[b * self.count + a] {
                    let own = if a == x && b == y { 2.0 } else { 1.0 };
                    sum = sum.plus(self.shifts[b * self.count + a].times(own));
                    weight += own;
                }
            }
        }
        if weight > 0.0 { sum.times(1.0 / weight) } else { sum }
    }

    /// The shift near `expected` under which the modules around a crossing show best.
    fn best(
        &self,
        size: usize,
        look: &impl Fn(Point) -> f64,
        (x, y): (usize, usize),
        expected: Point,
        reach: usize,
        tick: usize,
    ) -> Point {
        let at = |place: usize| FIRST + real(place) * self.step;
        // From which module to which.
        let from = |place: usize| index(at(place) - real(AROUND)).min(size - 1);
        let (left, top) = (from(x), from(y));
        let (wide, high) = ((size - left).min(2 * AROUND + 1), (size - top).min(2 * AROUND + 1));
        let margin = reach * tick;
        let (across, down) = (wide * FINE + 2 * margin, high * FINE + 2 * margin);
        let fine = |step: usize| (real(step) - real(margin) + 0.5) / real(FINE);
        let patch: Vec<f64> = (0..across * down)
            .map(|place| {
                let offset = Point::new(fine(place % across), fine(place / across));
                look(Point::new(real(left), real(top)).plus(offset).plus(expected))
            })
            .collect();
        let mean = patch.iter().sum::<f64>() / real(patch.len());
        let mut best = (f64::MIN, expected);
        for v in 0..=2 * reach {
            for u in 0..=2 * reach {
                let mut score = 0.0;
                for row in 0..high {
                    for column in 0..wide {
                        let corner = (v * tick + row * FINE) * across + u * tick + column * FINE;
                        // The four looks around the middle, and those in the corners of it.
                        let inner = [1, 2].map(|b| {
                            patch[corner + b * across + 1] + patch[corner + b * across + 2]
                        });
                        let outer = [0, 3]
                            .map(|b| patch[corner + b * across] + patch[corner + b * across + 3]);
                        let value = (inner[0] + inner[1]) / 4.0;
                        let edge = (outer[0] + outer[1]) / 4.0;
                        score +=
                            (value - mean).abs() + 0.5 * (f64::midpoint(value, edge) - mean).abs();
                    }
                }
                let shift = Point::new(real(u * tick), real(v * tick))
                    .minus(Point::new(real(margin), real(margin)))
                    .times(1.0 / real(FINE));
                let score = score / real(wide * high) * (1.0 - 0.03 * shift.dot(shift));
                if score > best.0 {
                    best = (score, expected.plus(shift));
                }
            }
        }
        best.1
    }

    /// The shift at a place in modules.
    pub(super) fn at(&self, place: Point) -> Point {
        let cell = |position: f64| {
            let position = ((position - FIRST) / self.step).clamp(0.0, real(self.count - 1));
            let low = index(position).min(self.count - 2);
            (low, position - real(low))
        };
        let ((x, across), (y, down)) = (cell(place.x), cell(place.y));
        let between = |a: Point, b: Point, part: f64| a.plus(b.minus(a).times(part));
        let row = |y: usize| {
            let first = y * self.count + x;
            between(self.shifts[first], self.shifts[first + 1], across)
        };
        between(row(y), row(y + 1), down)
    }
}
