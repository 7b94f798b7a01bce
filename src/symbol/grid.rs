//! Where the modules of a symbol lie in a picture, given its three finder patterns.
//!
//! The corners of the finder patterns fix a first perspective, the timing patterns tell how many
//! modules there are, and the alignment patterns correct the perspective: the one farthest out as a
//! whole, the others piece by piece, for paper that is not flat.

use super::bend::Bend;
use super::finder::Finder;
use super::modules::Modules;
use super::outline::Outline;
use super::perspective::{Perspective, Pin, Point};
use super::plane::{Plane, real};
use super::timing::Timing;

/// Modules on a side of version 1, how many more each version has, and how many versions there are.
///
/// Source: ISO/IEC 18004:2015, section 5.1.
const SMALLEST: usize = 21;
const STEP: usize = 4;
const VERSIONS: usize = 40;

/// How well the modules between the finder patterns must alternate for a grid to be decoded.
///
/// One is perfectly, and nothing in particular gives some 0.2. A finger on one of the two timing
/// patterns leaves half.
const TIMING: f64 = 0.25;

/// How well three finder patterns must show for a symbol to have been seen.
///
/// A symbol too blurred to be read shows 0.6 to 0.7; of what is none, few come above 0.5.
const FINDERS: f64 = 0.58;

/// How well modules must look like an alignment pattern to be taken for one.
const ALIGNMENT: f64 = 0.55;

/// Which points of the finder patterns hold the grid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Anchors {
    /// Their corners and their middles: right for what is flat.
    Corners,
    /// Their middles alone: better for what is creased or blurred.
    Middles,
}

/// Where a symbol lies in a plane.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    perspective: Perspective,
    size: usize,
    pins: Vec<Pin>,
    timing: f64,
    finders: f64,
}

impl Grid {
    /// The likeliest grid with these finder patterns: right upper, left upper, left lower.
    pub(super) fn fit(plane: &Plane<'_>, [right, corner, below]: &[Finder; 3]) -> Option<Self> {
        let rightwards = right.centre.minus(corner.centre);
        let downwards = below.centre.minus(corner.centre);
        let across = rightwards.times(1.0 / rightwards.length());
        let down = downwards.times(1.0 / downwards.length());
        let finders = [corner, right, below];
        let mut outlines = finders.map(|finder| Outline::measure(plane, finder, across, down));
        if outlines.iter().any(|outline| outline.corners.is_none())
            && let Some(seen) = askew(&outlines)
        {
            // Seen very much from the side, sides run another way in each corner.
            let places = [(0.0, 0.0), (FAR, 0.0), (0.0, FAR)];
            for ((outline, finder), (x, y)) in outlines.iter_mut().zip(finders).zip(places) {
                let way = |along: Point| {
                    let way = seen.map(Point::new(x, y).plus(along)).minus(finder.centre);
                    way.times(1.0 / way.length())
                };
                let (across, down) = (way(Point::new(1.0, 0.0)), way(Point::new(0.0, 1.0)));
                *outline = Outline::measure(plane, finder, across, down);
            }
        }
        let [corner, right, below] = &outlines;
        let width = rightwards.length() / f64::midpoint(corner.across, right.across) + 7.0;
        let height = downwards.length() / f64::midpoint(corner.down, below.down) + 7.0;
        let estimate = f64::midpoint(width, height);
        // What small modules and a strong perspective leave open.
        let reach = 3.0 + estimate * 0.12;
        let sizes = (0..VERSIONS)
            .map(|version| SMALLEST + STEP * version)
            .filter(|&size| (real(size) - estimate).abs() <= reach);
        let best = |anchors| {
            let grids =
                sizes.clone().filter_map(|size| Self::of_size(plane, &outlines, size, anchors));
            grids.max_by(|a, b| a.evidence().total_cmp(&b.evidence()))
        };
        let grid = best(Anchors::Corners).filter(|grid| grid.evidence() > 1.2);
        grid.or_else(|| best(Anchors::Middles))
    }

    fn of_size(
        plane: &Plane<'_>,
        outlines: &[Outline; 3],
        size: usize,
        anchors: Anchors,
    ) -> Option<Self> {
        let far = real(size) - 7.0;
        let offsets = [Point::new(0.0, 0.0), Point::new(far, 0.0), Point::new(0.0, far)];
        let mut pins = Vec::with_capacity(17);
        for (outline, offset) in outlines.iter().zip(offsets) {
            let middle = offset.plus(Point::new(3.5, 3.5));
            pins.push(Pin { module: middle, pixel: outline.centre, weight: MIDDLE });
            if let (Some(corners), Anchors::Corners) = (outline.corners, anchors) {
                let places = [(0.0, 0.0), (7.0, 0.0), (7.0, 7.0), (0.0, 7.0)];
                pins.extend(places.into_iter().zip(corners).map(|((x, y), pixel)| Pin {
                    module: offset.plus(Point::new(x, y)),
                    pixel,
                    weight: CORNER,
                }));
            }
        }
        if pins.len() < 15 {
            // Too little to tell a perspective by.
            let pixel = fourth(outlines);
            let module = Point::new(far + 3.5, far + 3.5);
            pins.push(Pin { module, pixel, weight: CORNER });
        }
        let perspective = Perspective::nearest(&pins)?;
        let mut grid = Self { perspective, size, pins, timing: 0.0, finders: 0.0 };
        let bounded = grid.bounds().iter().all(|corner| corner.length() < FARTHEST);
        if !bounded {
            return None;
        }
        grid.timing = grid.timing_shown(plane);
        grid.finders = grid.finders_shown(plane);
        Some(grid)
    }

    /// Modules on a side.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// How much speaks for this grid.
    pub(super) fn evidence(&self) -> f64 {
        // That three finder patterns are there is known; whether they belong together is not.
        self.timing + self.finders.min(0.7)
    }

    /// Whether it is worth being decoded.
    pub(super) fn is_likely(&self) -> bool {
        self.timing >= TIMING && self.finders >= FINDERS / 2.0
    }

    /// Whether a symbol was seen here, even if it cannot be read.
    pub(super) fn is_seen(&self) -> bool {
        self.finders >= FINDERS
    }

    /// Its corners in pixels, clockwise from the left upper.
    pub(super) fn bounds(&self) -> [Point; 4] {
        let far = real(self.size);
        [(0.0, 0.0), (far, 0.0), (far, far), (0.0, far)]
            .map(|(x, y)| self.perspective.map(Point::new(x, y)))
    }

    /// How dark the symbol is at a place in modules.
    fn darkness(&self, plane: &Plane<'_>, module: Point) -> f64 {
        -plane.at(self.perspective.map(module))
    }

    /// How well the modules between the finder patterns alternate.
    fn timing_shown(&self, plane: &Plane<'_>) -> f64 {
        let mut row = Likeness::default();
        let mut column = Likeness::default();
        for place in 8..self.size - 8 {
            let dark = place % 2 == 0;
            let along = real(place) + 0.5;
            row.add(self.darkness(plane, Point::new(along, 6.5)), dark);
            column.add(self.darkness(plane, Point::new(6.5, along)), dark);
        }
        f64::midpoint(row.value(), column.value())
    }

    /// How well the worst of the finder patterns shows, with the light modules that part it from
    /// the rest of the symbol.
    fn finders_shown(&self, plane: &Plane<'_>) -> f64 {
        let far = self.size - 7;
        let finder = |(left, top): (usize, usize)| {
            let mut likeness = Likeness::default();
            for (x, y) in square(8) {
                // From the middle of the symbol outwards.
                let x = if left == 0 { x } else { left + x - 1 };
                let y = if top == 0 { y } else { top + y - 1 };
                let ring = ring(x, y, (left + 3, top + 3));
                let module = Point::new(real(x) + 0.5, real(y) + 0.5);
                likeness.add(self.darkness(plane, module), ring < 2 || ring == 3);
            }
            likeness.value()
        };
        [(0, 0), (far, 0), (0, far)].map(finder).into_iter().fold(1.0, f64::min)
    }

    /// How much of the contrast between wide parts is left between single modules: one if all, and
    /// little in what is blurred.
    pub(super) fn sharpness(&self, plane: &Plane<'_>) -> f64 {
        let mean = |places: &mut dyn Iterator<Item = Point>| {
            let looks: Vec<f64> = places.map(|at| -self.darkness(plane, at)).collect();
            looks.iter().sum::<f64>() / real(looks.len().max(1))
        };
        let far = real(self.size) - 7.0;
        let middles = [(3.5, 3.5), (far + 3.5, 3.5), (3.5, far + 3.5)];
        let around = middles.map(|(x, y)| Point::new(x, y));
        let dark = mean(&mut around.into_iter());
        // The quiet zone is the one wide light part there is.
        let beside = [(-1.5, 3.5), (3.5, -1.5), (far + 3.5, -1.5), (-1.5, far + 3.5)];
        let light = mean(&mut beside.into_iter().map(|(x, y)| Point::new(x, y)));
        let timing = |rest: usize| {
            let along = (8..self.size - 8).filter(move |place| place % 2 == rest);
            along.flat_map(|place| {
                let along = real(place) + 0.5;
                [Point::new(along, 6.5), Point::new(6.5, along)]
            })
        };
        let narrow = mean(&mut timing(1)) - mean(&mut timing(0));
        narrow / (light - dark).max(1.0)
    }

    /// The grid held by `anchors` and by the alignment pattern farthest out.
    pub(super) fn aligned(&self, plane: &Plane<'_>, anchors: Anchors) -> Self {
        let Some(&last) = alignment_places(self.size).last() else {
            return self.clone();
        };
        let module = Point::new(last, last);
        // A strong perspective shifts it by a tenth of the symbol.
        let Some(shift) = self.alignment(plane, module, 3 + self.size / 12) else {
            return self.clone();
        };
        let kept = |pin: &&Pin| anchors == Anchors::Corners || pin.weight >= MIDDLE;
        let pixel = self.perspective.map(module.plus(shift));
        let mut pins: Vec<Pin> = self.pins.iter().filter(kept).copied().collect();
        pins.push(Pin { module, pixel, weight: ALIGNED });
        self.pinned(pins)
    }

    fn pinned(&self, pins: Vec<Pin>) -> Self {
        let perspective = Perspective::nearest(&pins).unwrap_or_else(|| self.perspective.clone());
        Self { perspective, pins, ..*self }
    }

    /// The brightness of each module, at its middle alone.
    pub(super) fn glance(&self, plane: &Plane<'_>) -> Modules {
        let values = square(self.size)
            .map(|(x, y)| -self.darkness(plane, Point::new(real(x) + 0.5, real(y) + 0.5)));
        Modules::new(values.collect(), self.size)
    }

    /// The brightness of each module.
    pub(super) fn sample(&self, plane: &Plane<'_>) -> Modules {
        let places = alignment_places(self.size);
        let shifts = self.shifts(plane, &places);
        let mut values = Vec::with_capacity(self.size * self.size);
        for y in 0..self.size {
            for x in 0..self.size {
                let middle = Point::new(real(x) + 0.5, real(y) + 0.5);
                let middle = middle.plus(shift_at(&places, &shifts, middle));
                let look = |(x, y)| self.darkness(plane, middle.plus(Point::new(x, y)));
                values.push(-AROUND.map(look).iter().sum::<f64>());
            }
        }
        Modules::new(values, self.size)
    }

    /// The brightness of each module, where the timing patterns show its column and its row, if they
    /// do.
    pub(super) fn timed(&self, plane: &Plane<'_>) -> Option<Modules> {
        let look = |module: Point| -self.darkness(plane, module);
        let timing = Timing::measured(self.size, look)?;
        let values = square(self.size).map(|(x, y)| {
            let middle = Point::new(real(x) + 0.5, real(y) + 0.5);
            let middle = middle.plus(timing.shift(middle));
            AROUND.map(|(x, y)| look(middle.plus(Point::new(x, y)))).iter().sum()
        });
        Some(Modules::new(values.collect(), self.size))
    }

    /// The brightness of each module, bent as paper may be.
    pub(super) fn bent(&self, plane: &Plane<'_>) -> Modules {
        let places = alignment_places(self.size);
        let shifts = self.shifts(plane, &places);
        let look = |module: Point| {
            let module = module.plus(shift_at(&places, &shifts, module));
            -self.darkness(plane, module)
        };
        let bend = Bend::fit(self.size, look);
        let values = square(self.size).map(|(x, y)| {
            let middle = Point::new(real(x) + 0.5, real(y) + 0.5);
            let middle = middle.plus(bend.at(middle));
            AROUND.map(|(x, y)| look(middle.plus(Point::new(x, y)))).iter().sum()
        });
        Modules::new(values.collect(), self.size)
    }

    /// How far each alignment pattern lies from where it should, in modules, row by row.
    fn shifts(&self, plane: &Plane<'_>, places: &[f64]) -> Vec<Point> {
        let last = places.len().saturating_sub(1);
        let mut shifts = Vec::with_capacity(places.len() * places.len());
        for (row, &y) in places.iter().enumerate() {
            for (column, &x) in places.iter().enumerate() {
                let under_finder = [(0, 0), (0, last), (last, 0)].contains(&(row, column));
                let module = Point::new(x, y);
                let shift = if under_finder { None } else { self.alignment(plane, module, 2) };
                shifts.push(shift.unwrap_or_default());
            }
        }
        shifts
    }

    /// How far the alignment pattern near `module` lies from it, looked for within `reach` modules.
    fn alignment(&self, plane: &Plane<'_>, module: Point, reach: usize) -> Option<Point> {
        let coarse = self.nearest_alignment(plane, module, 2 * reach, 2)?;
        let fine = self.nearest_alignment(plane, module.plus(coarse), 2, 4)?;
        Some(coarse.plus(fine))
    }

    /// The same, looked for in each of `reach` steps to each side, `steps` of which are a module.
    fn nearest_alignment(
        &self,
        plane: &Plane<'_>,
        module: Point,
        reach: usize,
        steps: usize,
    ) -> Option<Point> {
        let margin = reach + 2 * steps;
        let side = 2 * margin + 1;
        let offset = |step: usize| (real(step) - real(margin)) / real(steps);
        let patch: Vec<f64> = (0..side * side)
            .map(|step| module.plus(Point::new(offset(step % side), offset(step / side))))
            .map(|module| self.darkness(plane, module))
            .collect();
        let mut best = (ALIGNMENT, None);
        for (x, y) in square(2 * reach + 1) {
            let mut likeness = Likeness::default();
            for (column, row) in square(5) {
                let value = patch[(y + row * steps) * side + x + column * steps];
                likeness.add(value, ring(column, row, (2, 2)) != 1);
            }
            let shift = Point::new(offset(x + 2 * steps), offset(y + 2 * steps));
            // Of two that look as good, the nearer.
            let value = likeness.value() - 0.01 * shift.length();
            if value > best.0 {
                best = (value, Some(shift));
            }
        }
        best.1
    }
}

/// Where in a module its brightness is sampled, from its middle.
const AROUND: [(f64, f64); 5] = [(0.0, 0.0), (0.22, 0.0), (-0.22, 0.0), (0.0, 0.22), (0.0, -0.22)];

/// Modules between the middles of finder patterns in a symbol of no size in particular.
const FAR: f64 = 50.0;

/// A first perspective of a symbol with these finder patterns, [`FAR`] modules from each other.
fn askew(outlines: &[Outline; 3]) -> Option<Perspective> {
    let [corner, right, below] = outlines;
    let places = [(0.0, 0.0), (FAR, 0.0), (0.0, FAR), (FAR, FAR)];
    let pixels = [corner.centre, right.centre, below.centre, fourth(outlines)];
    let pins = places.into_iter().zip(pixels).map(|((x, y), pixel)| {
        let module = Point::new(x, y);
        Pin { module, pixel, weight: 1.0 }
    });
    Perspective::nearest(&pins.collect::<Vec<_>>())
}

/// Where the middle of a fourth finder pattern would lie.
///
/// Along a line, modules look smaller with the square of their depth: so the modules of the three
/// tell how much farther away the corners are, and that the depth of the fourth.
fn fourth([corner, right, below]: &[Outline; 3]) -> Point {
    let depth = |near: f64, far: f64| (near / far).sqrt().clamp(0.6, 1.6);
    let across = depth(corner.across, right.across);
    let down = depth(corner.down, below.down);
    let sum = right.centre.times(across).plus(below.centre.times(down)).minus(corner.centre);
    sum.times(1.0 / (across + down - 1.0).max(0.3))
}

/// How much the points count that hold a grid: one at a corner of a finder pattern, which noise
/// moves; at its middle; and at an alignment pattern, which alone holds the far end.
const CORNER: f64 = 1.0;
const MIDDLE: f64 = 4.0;
const ALIGNED: f64 = 12.0;

/// No corner of a symbol lies farther from a picture's, in pixels: twice the longest side there is.
const FARTHEST: f64 = 16_384.0;

/// The places of a square, row by row.
fn square(side: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..side).flat_map(move |y| (0..side).map(move |x| (x, y)))
}

/// Which ring around the middle one a module belongs to.
fn ring(x: usize, y: usize, middle: (usize, usize)) -> usize {
    x.abs_diff(middle.0).max(y.abs_diff(middle.1))
}

/// The middles of the alignment patterns along a side, that of the timing pattern first.
///
/// Source: ISO/IEC 18004:2015, annex E; the formula is Nayuki's, and gives its table.
fn alignment_places(size: usize) -> Vec<f64> {
    let version = (size - SMALLEST) / STEP + 1;
    if version == 1 {
        return Vec::new();
    }
    let count = version / 7 + 2;
    let step = (version * 8 + count * 3 + 5) / (count * 4 - 4) * 2;
    let mut places = vec![6.5];
    places.extend((0..count - 1).rev().map(|nth| real(size - 7 - nth * step) + 0.5));
    places
}

/// The shift at `point`, between those of the four alignment patterns around it.
fn shift_at(places: &[f64], shifts: &[Point], point: Point) -> Point {
    let [_, inner @ .., _] = places else {
        return Point::default();
    };
    if inner.is_empty() {
        return Point::default();
    }
    let cell = |position: f64| {
        let low = inner.iter().filter(|&&place| place < position).count();
        let part = (position - places[low]) / (places[low + 1] - places[low]);
        (low, part.clamp(0.0, 1.0))
    };
    let ((column, across), (row, down)) = (cell(point.x), cell(point.y));
    let between = |a: Point, b: Point, part: f64| a.plus(b.minus(a).times(part));
    let in_row = |row: usize| {
        let first = row * places.len() + column;
        between(shifts[first], shifts[first + 1], across)
    };
    between(in_row(row), in_row(row + 1), down)
}

/// How alike darknesses and a pattern are: Pearson's correlation, which neither light nor contrast
/// changes.
#[derive(Clone, Copy, Debug, Default)]
struct Likeness {
    count: f64,
    dark: f64,
    sum: f64,
    squares: f64,
    dark_sum: f64,
}

impl Likeness {
    fn add(&mut self, darkness: f64, dark: bool) {
        self.count += 1.0;
        self.sum += darkness;
        self.squares += darkness * darkness;
        if dark {
            self.dark += 1.0;
            self.dark_sum += darkness;
        }
    }

    /// From -1, the opposite, to 1, the pattern itself; 0 if nothing varies.
    fn value(&self) -> f64 {
        let spread = self.count * self.squares - self.sum * self.sum;
        let pattern = self.count * self.dark - self.dark * self.dark;
        let common = self.count * self.dark_sum - self.sum * self.dark;
        // A spread below this is rounding: brightnesses are steps of one at the least.
        if spread * pattern > 1e-3 { common / (spread * pattern).sqrt() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_patterns_lie_where_the_standard_has_them() {
        let cases: [(usize, &[usize]); 6] = [
            (1, &[]),
            (2, &[6, 18]),
            (7, &[6, 22, 38]),
            (13, &[6, 34, 62]),
            (32, &[6, 34, 60, 86, 112, 138]),
            (40, &[6, 30, 58, 86, 114, 142, 170]),
        ];
        for (version, places) in cases {
            let expected: Vec<f64> = places.iter().map(|&place| real(place) + 0.5).collect();
            assert_eq!(alignment_places(17 + 4 * version), expected, "version {version}");
        }
    }

    #[test]
    fn likeness_ignores_light_and_contrast() {
        let pattern = [true, false, true, true, false];
        let likeness = |values: [f64; 5]| {
            let mut likeness = Likeness::default();
            values.into_iter().zip(pattern).for_each(|(value, dark)| likeness.add(value, dark));
            likeness.value()
        };
        let cases = [
            ("the pattern", [-10.0, -20.0, -10.0, -10.0, -20.0], 1.0),
            ("the opposite", [-90.0, -50.0, -90.0, -90.0, -50.0], -1.0),
            ("nothing", [-50.0; 5], 0.0),
        ];
        for (name, values, expected) in cases {
            assert!((likeness(values) - expected).abs() < 1e-9, "{name}: {}", likeness(values));
        }
    }

    #[test]
    fn shifts_run_evenly_from_one_alignment_pattern_to_the_next() {
        let places = [6.5, 22.5, 38.5];
        let mut shifts = [Point::default(); 9];
        shifts[4] = Point::new(1.0, -1.0);
        let cases = [
            ("at the pattern", (22.5, 22.5), 1.0),
            ("half way", (14.5, 22.5), 0.5),
            ("beyond the last", (44.0, 44.0), 0.0),
        ];
        for (name, (x, y), expected) in cases {
            let shift = shift_at(&places, &shifts, Point::new(x, y));
            assert_eq!(shift, Point::new(expected, -expected), "{name}");
        }
    }
}
