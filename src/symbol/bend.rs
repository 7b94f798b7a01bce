//! How paper that is not flat bends a grid: by how much each part of it lies from where it should.
//!
//! The symbol is looked at once, [`FINE`] times a module, and each crossing is moved on those looks: a
//! third of the time of looking again at each place, and a little better on drawn curves.

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

/// Looks in a module, along each side: shifts are found to so many parts of one.
const FINE: usize = 4;

/// Modules beyond the symbol that are looked at too, since it may be bent outwards.
const BEYOND: usize = 4;

/// How far a crossing may lie from where those around it let it be expected, in looks.
const REACH: usize = 2;

/// How often all crossings are moved.
const ROUNDS: usize = 2;

/// How bright a symbol is, [`FINE`] looks a module along each side.
struct Looks {
    values: Vec<f64>,
    side: usize,
}

impl Looks {
    /// The symbol of that `size`, as `look` shows it at a place in modules.
    fn of(modules: usize, look: impl Fn(Point) -> f64) -> Self {
        let side = (modules + 2 * BEYOND) * FINE;
        let place = |step: usize| (real(step) + 0.5) / real(FINE) - real(BEYOND);
        let values = (0..side * side)
            .map(|step| look(Point::new(place(step % side), place(step / side))))
            .collect();
        Self { values, side }
    }

    /// A square of them, whose first stands so many from that of the left upper module; those that
    /// were not looked at are as the nearest.
    fn patch(&self, (left, top): (isize, isize), side: usize) -> Vec<f64> {
        let inside = |from: isize, step: usize| {
            let place = from.saturating_add_unsigned(step + BEYOND * FINE);
            usize::try_from(place).unwrap_or(0).min(self.side - 1)
        };
        let mut patch = Vec::with_capacity(side * side);
        for y in 0..side {
            let row = &self.values[inside(top, y) * self.side..][..self.side];
            patch.extend((0..side).map(|x| row[inside(left, x)]));
        }
        patch
    }
}

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
        let looks = Looks::of(size, look);
        for _ in 0..ROUNDS {
            for &(x, y) in &order {
                let expected = bend.expected(&known, x, y);
                bend.shifts[y * count + x] = bend.best(&looks, (x, y), expected);
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
    fn best(&self, looks: &Looks, (x, y): (usize, usize), expected: Point) -> Point {
        const MODULES: usize = 2 * AROUND + 1;
        const SIDE: usize = MODULES * FINE + 2 * REACH;
        // The first look, in looks from the left upper module, and the shift that this makes of
        // the one expected.
        let first = |place: usize, expected: f64| {
            let module = (FIRST + real(place) * self.step).floor() - real(AROUND);
            let shift = (expected * real(FINE)).round();
            (steps(module * real(FINE) + shift - real(REACH)), shift / real(FINE))
        };
        let ((left, across), (top, down)) = (first(x, expected.x), first(y, expected.y));
        let patch = looks.patch((left, top), SIDE);
        let mean = patch.iter().sum::<f64>() / real(patch.len());
        // How well a module shows whose first look is there: the four looks around its middle, and
        // those in its corners.
        let last = SIDE - FINE + 1;
        let mut shown = vec![0.0; last * last];
        for (row, shown) in shown.chunks_exact_mut(last).enumerate() {
            let rows: [&[f64]; FINE] =
                std::array::from_fn(|nth| &patch[(row + nth) * SIDE..][..SIDE]);
            for (at, shown) in shown.iter_mut().enumerate() {
                let inner = rows[1][at + 1] + rows[1][at + 2] + rows[2][at + 1] + rows[2][at + 2];
                let outer = rows[0][at] + rows[0][at + 3] + rows[3][at] + rows[3][at + 3];
                let (value, edge) = (inner / 4.0, outer / 4.0);
                *shown = (value - mean).abs() + 0.5 * (f64::midpoint(value, edge) - mean).abs();
            }
        }
        let middle = Point::new(real(REACH), real(REACH));
        let mut scores = [[0.0; 2 * REACH + 1]; 2 * REACH + 1];
        let mut best = (REACH, REACH);
        for v in 0..=2 * REACH {
            for u in 0..=2 * REACH {
                let rows = (0..MODULES).map(|row| &shown[(v + row * FINE) * last + u..]);
                let score: f64 =
                    rows.map(|row| row.iter().step_by(FINE).take(MODULES).sum::<f64>()).sum();
                let shift = Point::new(real(u), real(v)).minus(middle).times(1.0 / real(FINE));
                scores[v][u] = score * (1.0 - 0.03 * shift.dot(shift));
                if scores[v][u] > scores[best.1][best.0] {
                    best = (u, v);
                }
            }
        }
        let (u, v) = best;
        let beside = |u: usize| scores[v].get(u).copied();
        let above = |v: usize| scores.get(v).map(|row| row[u]);
        let ticks = Point::new(real(u) + top_of(u, beside), real(v) + top_of(v, above));
        Point::new(across, down).plus(ticks.minus(middle).times(1.0 / real(FINE)))
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

/// How far from the best of three scores the top of the parabola through them lies: half a step at the
/// most, and none at the end.
fn top_of(best: usize, score: impl Fn(usize) -> Option<f64>) -> f64 {
    let three = || Some((score(best.checked_sub(1)?)?, score(best)?, score(best + 1)?));
    let Some((before, top, after)) = three() else { return 0.0 };
    let bow = 2.0 * top - before - after;
    if bow > 0.0 { (after - before) / (2.0 * bow) } else { 0.0 }
}

/// A whole number of looks.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "as beyond as it is far, which is not looked at"
)]
fn steps(looks: f64) -> isize {
    looks as isize
}
