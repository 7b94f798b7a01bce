//! The modules of a symbol, read off a picture where three finder patterns show them to be.

use super::finder::Finder;
use super::perspective::{Line, Perspective, Point};
use super::plane::{Plane, index, real};

/// Modules on a side of version 1, and how many more each version has.
///
/// Source: ISO/IEC 18004:2015, section 5.1.
const SMALLEST: usize = 21;
const STEP: usize = 4;
/// The highest version.
const VERSIONS: usize = 40;

/// How well a row of modules must alternate where a timing pattern should be, before what
/// lies beside it is decoded: 1 is perfectly, 0 not at all.
const TIMING: f64 = 0.25;

/// How well modules must look like an alignment pattern.
const ALIGNMENT: f64 = 0.55;

/// Where a symbol lies in a plane.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    perspective: Perspective,
    size: usize,
    pairs: Vec<(Point, Point, f64)>,
    /// How well the modules between the finder patterns alternate.
    pub(super) timing: f64,
    /// How well the finder patterns and the light around them show.
    pub(super) finders: f64,
}

/// A finder pattern, measured.
struct Outline {
    /// Pixels a module towards the right and towards the lower neighbour.
    across: f64,
    down: f64,
    centre: Point,
    /// Its corners from the left upper clockwise, if its sides show.
    corners: Option<[Point; 4]>,
}

impl Grid {
    /// The likeliest grid with these finder patterns: right upper, left upper, left lower.
    pub(super) fn fit(plane: &Plane<'_>, [right, corner, below]: [Finder; 3]) -> Option<Self> {
        let rightwards = right.centre.minus(corner.centre);
        let downwards = below.centre.minus(corner.centre);
        let across = rightwards.times(1.0 / rightwards.length());
        let down = downwards.times(1.0 / downwards.length());
        let outlines = [
            Outline::measure(plane, &corner, across, down)?,
            Outline::measure(plane, &right, across, down)?,
            Outline::measure(plane, &below, across, down)?,
        ];
        let width = rightwards.length() / f64::midpoint(outlines[0].across, outlines[1].across) + 7.0;
        let height = downwards.length() / f64::midpoint(outlines[0].down, outlines[2].down) + 7.0;
        let estimate = f64::midpoint(width, height);
        // What small modules and a strong perspective leave open.
        let reach = 3.0 + estimate * 0.12;
        (0..VERSIONS)
            .map(|version| SMALLEST + STEP * version)
            .filter(|&size| (real(size) - estimate).abs() <= reach)
            .filter_map(|size| Self::of_size(plane, &outlines, size))
            .max_by(|a, b| a.timing.total_cmp(&b.timing))
    }

    fn of_size(plane: &Plane<'_>, outlines: &[Outline; 3], size: usize) -> Option<Self> {
        let far = real(size) - 7.0;
        let offsets = [Point::new(0.0, 0.0), Point::new(far, 0.0), Point::new(0.0, far)];
        let mut pairs = Vec::with_capacity(16);
        for (outline, offset) in outlines.iter().zip(offsets) {
            pairs.push((offset.plus(Point::new(3.5, 3.5)), outline.centre, 4.0));
            if let Some(corners) = outline.corners {
                let sides = [(0.0, 0.0), (7.0, 0.0), (7.0, 7.0), (0.0, 7.0)];
                let places = sides.iter().map(|&(x, y)| offset.plus(Point::new(x, y)));
                pairs.extend(places.zip(corners).map(|(place, corner)| (place, corner, 1.0)));
            }
        }
        if outlines.iter().any(|outline| outline.corners.is_none()) {
            let [corner, right, below] = outlines;
            let opposite = right.centre.plus(below.centre).minus(corner.centre);
            pairs.push((Point::new(far + 3.5, far + 3.5), opposite, 1.0));
        }
        let perspective = Perspective::nearest(&pairs)?;
        let mut grid = Self { perspective, size, pairs, timing: 0.0, finders: 0.0 };
        grid.judge(plane);
        Some(grid)
    }

    /// Measures how well timing and finder patterns show.
    fn judge(&mut self, plane: &Plane<'_>) {
        let mut row = Correlation::default();
        let mut column = Correlation::default();
        for place in 8..self.size - 8 {
            let dark = if place % 2 == 0 { 1.0 } else { 0.0 };
            let along = real(place) + 0.5;
            row.add(-plane.at(self.perspective.map(Point::new(along, 6.5))), dark);
            column.add(-plane.at(self.perspective.map(Point::new(6.5, along))), dark);
        }
        // One of the two may be under a thumb, the other must show.
        let (worse, better) = (row.value().min(column.value()), row.value().max(column.value()));
        self.timing = worse * 0.5 + better * 0.5;
        let far = self.size - 7;
        let mut finders = f64::MAX;
        for (left, top) in [(0, 0), (far, 0), (0, far)] {
            let mut finder = Correlation::default();
            for y in 0..7 {
                for x in 0..7 {
                    let ring = usize::abs_diff(x, 3).max(usize::abs_diff(y, 3));
                    let dark = if ring == 2 { 0.0 } else { 1.0 };
                    let place = Point::new(real(left + x) + 0.5, real(top + y) + 0.5);
                    finder.add(-plane.at(self.perspective.map(place)), dark);
                }
            }
            finders = finders.min(finder.value());
        }
        self.finders = finders;
    }

    /// Whether it is worth being decoded.
    pub(super) fn is_likely(&self) -> bool {
        self.timing >= TIMING
    }

    /// Its corners in pixels, clockwise from the left upper.
    pub(super) fn bounds(&self) -> [Point; 4] {
        let far = real(self.size);
        [(0.0, 0.0), (far, 0.0), (far, far), (0.0, far)]
            .map(|(x, y)| self.perspective.map(Point::new(x, y)))
    }

    /// The brightness of each module, after the alignment patterns have been looked for.
    pub(super) fn sample(mut self, plane: &Plane<'_>) -> Modules {
        let places = alignment_places(self.size);
        if let Some(&last) = places.last() {
            let place = Point::new(last, last);
            let reach = 3 + self.size / 12;
            if let Some(shift) = self.alignment(plane, place, reach) {
                self.pairs.push((place, self.perspective.map(place.plus(shift)), 12.0));
                if let Some(perspective) = Perspective::nearest(&self.pairs) {
                    self.perspective = perspective;
                }
            }
        }
        let shifts = self.shifts(plane, &places);
        let mut values = Vec::with_capacity(self.size * self.size);
        for y in 0..self.size {
            for x in 0..self.size {
                let middle = Point::new(real(x) + 0.5, real(y) + 0.5);
                let middle = middle.plus(between(&places, &shifts, middle));
                let sum: f64 = [(0.0, 0.0), (0.22, 0.0), (-0.22, 0.0), (0.0, 0.22), (0.0, -0.22)]
                    .iter()
                    .map(|&(x, y)| plane.at(self.perspective.map(middle.plus(Point::new(x, y)))))
                    .sum();
                values.push(sum / 5.0);
            }
        }
        Modules { values, size: self.size }
    }

    /// How far each alignment pattern lies from where it should, in modules, row by row.
    fn shifts(&self, plane: &Plane<'_>, places: &[f64]) -> Vec<Point> {
        let last = places.len().saturating_sub(1);
        let mut shifts = Vec::with_capacity(places.len() * places.len());
        for (row, &y) in places.iter().enumerate() {
            for (column, &x) in places.iter().enumerate() {
                let under_finder = (row == 0 && (column == 0 || column == last)) || (row == last && column == 0);
                let shift = if under_finder { None } else { self.alignment(plane, Point::new(x, y), 2) };
                shifts.push(shift.unwrap_or_default());
            }
        }
        shifts
    }

    /// How far the alignment pattern near `place` lies from it, looked for within `reach` modules.
    fn alignment(&self, plane: &Plane<'_>, place: Point, reach: usize) -> Option<Point> {
        let coarse = self.best_alignment(plane, place, reach * 2, 2)?;
        let fine = self.best_alignment(plane, place.plus(coarse), 4, 8)?;
        Some(coarse.plus(fine))
    }

    /// The same with `steps` steps a module, `reach` of them to each side.
    fn best_alignment(&self, plane: &Plane<'_>, place: Point, reach: usize, steps: usize) -> Option<Point> {
        let margin = reach + 2 * steps;
        let side = 2 * margin + 1;
        let step = 1.0 / real(steps);
        let offset = |position: usize| (real(position) - real(margin)) * step;
        let mut patch = Vec::with_capacity(side * side);
        for y in 0..side {
            for x in 0..side {
                let point = place.plus(Point::new(offset(x), offset(y)));
                patch.push(-plane.at(self.perspective.map(point)));
            }
        }
        let mut best = (ALIGNMENT, None);
        for y in 0..=2 * reach {
            for x in 0..=2 * reach {
                let mut match_ = Correlation::default();
                for row in 0..5 {
                    for column in 0..5 {
                        let ring = usize::abs_diff(row, 2).max(usize::abs_diff(column, 2));
                        let dark = if ring == 1 { 0.0 } else { 1.0 };
                        match_.add(patch[(y + row * steps) * side + x + column * steps], dark);
                    }
                }
                let shift = Point::new(offset(x + 2 * steps), offset(y + 2 * steps));
                // Of two equally good the nearer.
                let value = match_.value() - 0.01 * shift.length();
                if value > best.0 {
                    best = (value, Some(shift));
                }
            }
        }
        best.1
    }
}

impl Outline {
    fn measure(plane: &Plane<'_>, finder: &Finder, across: Point, down: Point) -> Option<Self> {
        let centre = finder.centre;
        let level = level(plane, finder, across, down);
        let reach = finder.module * 7.0;
        let span = |along: Point| -> Option<f64> {
            let ahead = outer_edge(plane, centre, along, level, reach)?;
            let behind = outer_edge(plane, centre, along.times(-1.0), level, reach)?;
            Some((ahead + behind) / 7.0)
        };
        let mut outline = Self { across: span(across)?, down: span(down)?, centre, corners: None };
        let (across, down) = (across.times(outline.across), down.times(outline.down));
        outline.corners = corners(plane, centre, across, down, level);
        if let Some([a, b, c, d]) = outline.corners {
            // The middle of a square seen askew is where its diagonals meet.
            if let (Some(first), Some(second)) = (Line::nearest(&[a, c]), Line::nearest(&[b, d])) {
                outline.centre = first.meets(&second).unwrap_or(centre);
            }
        }
        Some(outline)
    }
}

/// The brightness between the dark middle of a finder pattern and the light ring around it.
fn level(plane: &Plane<'_>, finder: &Finder, across: Point, down: Point) -> f64 {
    let dark = plane.at(finder.centre);
    let mut lights = [0.0_f64; 4];
    let ways = [across, across.times(-1.0), down, down.times(-1.0)];
    for (light, way) in lights.iter_mut().zip(ways) {
        for step in 10..28 {
            let distance = finder.module * real(step) * 0.1;
            *light = light.max(plane.at(finder.centre.plus(way.times(distance))));
        }
    }
    lights.sort_by(f64::total_cmp);
    f64::midpoint(dark, f64::midpoint(lights[1], lights[2]))
}

/// How far it is from the middle of a finder pattern to the outside of its dark ring.
fn outer_edge(plane: &Plane<'_>, centre: Point, along: Point, level: f64, reach: f64) -> Option<f64> {
    const STEP: f64 = 0.5;
    let mut edges = 0;
    let mut before = plane.at(centre);
    if before > level {
        return None;
    }
    let mut distance = STEP;
    while distance < reach {
        let value = plane.at(centre.plus(along.times(distance)));
        if (before > level) != (value > level) {
            edges += 1;
            if edges == 3 {
                return Some(distance - STEP * (value - level) / (value - before));
            }
        }
        before = value;
        distance += STEP;
    }
    None
}

/// The corners of a finder pattern, clockwise from the left upper, from lines along its sides.
/// `across` and `down` are one module each.
fn corners(plane: &Plane<'_>, centre: Point, across: Point, down: Point, level: f64) -> Option<[Point; 4]> {
    let side = |out: Point, along: Point| {
        let mut points = Vec::with_capacity(11);
        let step = 0.5 / out.length().max(0.5);
        for place in 0..11 {
            let start = centre.plus(along.times((real(place) - 5.0) * 0.5));
            let mut distance = 2.9;
            let mut before = plane.at(start.plus(out.times(distance)));
            if before > level {
                continue;
            }
            while distance < 4.6 {
                distance += step;
                let value = plane.at(start.plus(out.times(distance)));
                if value > level {
                    let exact = distance - step * (value - level) / (value - before);
                    points.push(start.plus(out.times(exact)));
                    break;
                }
                before = value;
            }
        }
        (points.len() >= 4).then(|| Line::nearest(&points)).flatten()
    };
    let (right, left) = (side(across, down)?, side(across.times(-1.0), down)?);
    let (bottom, top) = (side(down, across)?, side(down.times(-1.0), across)?);
    let corners = [top.meets(&left)?, top.meets(&right)?, bottom.meets(&right)?, bottom.meets(&left)?];
    let expected = [(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)];
    let near = corners.iter().zip(expected).all(|(corner, (x, y))| {
        let off = corner.minus(centre).minus(across.times(x)).minus(down.times(y));
        off.length() < across.length().max(down.length()) * 1.5
    });
    near.then_some(corners)
}

/// The middles of the alignment patterns along a side, with that of the timing pattern first.
///
/// Source: ISO/IEC 18004:2015, annex E.
fn alignment_places(size: usize) -> Vec<f64> {
    let version = (size - SMALLEST) / STEP + 1;
    if version == 1 {
        return Vec::new();
    }
    let count = version / 7 + 2;
    let step = (version * 8 + count * 3 + 5) / (count * 4 - 4) * 2;
    let mut places: Vec<f64> = (0..count - 1).map(|nth| real(size - 7 - nth * step) + 0.5).collect();
    places.push(6.5);
    places.reverse();
    places
}

/// The shift at `point`, between those of the four nearest places.
fn between(places: &[f64], shifts: &[Point], point: Point) -> Point {
    if places.len() < 3 {
        return Point::default();
    }
    let cell = |position: f64| {
        let upper = places[1..places.len() - 1].iter().filter(|&&place| place < position).count();
        let (low, high) = (places[upper], places[upper + 1]);
        (upper, ((position - low) / (high - low)).clamp(0.0, 1.0))
    };
    let ((column, across), (row, down)) = (cell(point.x), cell(point.y));
    let shift = |row: usize, column: usize| shifts[row * places.len() + column];
    let mix = |a: Point, b: Point, part: f64| a.plus(b.minus(a).times(part));
    let above = mix(shift(row, column), shift(row, column + 1), across);
    let below = mix(shift(row + 1, column), shift(row + 1, column + 1), across);
    mix(above, below, down)
}

/// The brightness of each module of a symbol.
#[derive(Clone, Debug)]
pub(super) struct Modules {
    values: Vec<f64>,
    size: usize,
}

impl Modules {
    /// Modules on a side.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Which modules are darker than the mean of those up to `radius` around them.
    pub(super) fn dark(&self, radius: usize) -> Vec<bool> {
        let stride = self.size + 1;
        let mut sums = vec![0.0; stride * stride];
        for y in 0..self.size {
            let mut row = 0.0;
            for x in 0..self.size {
                row += self.values[y * self.size + x];
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
            }
        }
        let mut dark = Vec::with_capacity(self.values.len());
        for y in 0..self.size {
            let (top, bottom) = (y.saturating_sub(radius), (y + radius + 1).min(self.size));
            for x in 0..self.size {
                let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(self.size));
                let sum = sums[bottom * stride + right] + sums[top * stride + left]
                    - sums[top * stride + right]
                    - sums[bottom * stride + left];
                dark.push(self.values[y * self.size + x] * real((bottom - top) * (right - left)) < sum);
            }
        }
        dark
    }

    /// The modules with what a blur carried over from their neighbours taken back.
    pub(super) fn sharpened(&self) -> Self {
        let last = self.size - 1;
        let mut values = Vec::with_capacity(self.values.len());
        for y in 0..self.size {
            for x in 0..self.size {
                let value = |x: usize, y: usize| self.values[y.min(last) * self.size + x.min(last)];
                let around = value(x.saturating_sub(1), y)
                    + value(x + 1, y)
                    + value(x, y.saturating_sub(1))
                    + value(x, y + 1);
                let own = value(x, y);
                values.push(own + (own - around / 4.0));
            }
        }
        Self { values, size: self.size }
    }
}

/// How alike two rows of numbers are: 1 if one is a positive multiple of the other, but for a
/// constant.
#[derive(Clone, Copy, Debug, Default)]
struct Correlation {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Correlation {
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.yy += y * y;
        self.xy += x * y;
    }

    fn value(&self) -> f64 {
        let spread = (self.count * self.xx - self.x * self.x) * (self.count * self.yy - self.y * self.y);
        if spread > f64::EPSILON { (self.count * self.xy - self.x * self.y) / spread.sqrt() } else { 0.0 }
    }
}

/// Whether `point` lies in the four-cornered area, whose corners go clockwise.
pub(super) fn contains(area: &[Point; 4], point: Point) -> bool {
    (0..4).all(|index| {
        let (from, to) = (area[index], area[(index + 1) % 4]);
        to.minus(from).cross(point.minus(from)) >= 0.0
    })
}

/// The smallest upright rectangle around the area, as left, top, right and bottom pixel, with
/// `margin` pixels more on each side.
pub(super) fn surroundings(area: &[Point; 4], margin: f64) -> [usize; 4] {
    let over = |value: fn(&Point) -> f64| {
        let low = area.iter().map(value).fold(f64::MAX, f64::min);
        let high = area.iter().map(value).fold(f64::MIN, f64::max);
        (index(low - margin), index(high + margin))
    };
    let ((left, right), (top, bottom)) = (over(|point| point.x), over(|point| point.y));
    [left, top, right, bottom]
}
