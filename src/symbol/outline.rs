//! A finder pattern measured more closely: how large its modules are, and where its corners lie.

use super::finder::Finder;
use super::perspective::{Line, Point};
use super::plane::{Plane, real};

/// Pixels between two looks along a line.
const STEP: f64 = 0.5;

/// A finder pattern, measured along the sides of its symbol.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    /// Its middle.
    pub(super) centre: Point,
    /// Pixels a module towards the right.
    pub(super) across: f64,
    /// Pixels a module downwards.
    pub(super) down: f64,
    /// Its corners from the left upper clockwise, if its sides show.
    pub(super) corners: Option<[Point; 4]>,
}

impl Outline {
    /// Measures `finder`, whose symbol's sides run along `across` and `down`, both of length one.
    pub(super) fn measure(plane: &Plane<'_>, finder: &Finder, across: Point, down: Point) -> Self {
        let level = level(plane, finder, across, down);
        let module = |along: Point, beside: Point| {
            // Along rows and columns a module looks longer the more the pattern is turned.
            let expected = finder.module * along.x.abs().max(along.y.abs());
            let edges = |along| edges(plane, finder, along, beside, level);
            let Some((before, after)) = edges(along.times(-1.0)).zip(edges(along)) else {
                return expected;
            };
            let module = (before[2] + after[2]) / 7.0;
            // In a blurred picture the ring may be lost, and what is met next lies farther out. Seen
            // very much from the side it is whole, but nowhere near as wide as it is high.
            let is_whole =
                is_proportional(before, after) && (0.4..2.5).contains(&(module / expected));
            if is_whole || (0.7..1.4).contains(&(module / expected)) { module } else { expected }
        };
        let centre = finder.centre;
        let mut outline = Self {
            centre,
            across: module(across, down),
            down: module(down, across),
            corners: None,
        };
        outline.corners =
            corners(plane, centre, across.times(outline.across), down.times(outline.down), level);
        if let Some([a, b, c, d]) = outline.corners {
            // The middle of a square seen askew is where its diagonals meet.
            let diagonals = Line::nearest(&[a, c]).zip(Line::nearest(&[b, d]));
            outline.centre = diagonals.and_then(|(a, b)| a.meets(&b)).unwrap_or(centre);
        }
        outline
    }
}

/// The brightness between a pattern's dark middle and the light ring around it.
fn level(plane: &Plane<'_>, finder: &Finder, across: Point, down: Point) -> f64 {
    let around = [across, across.times(-1.0), down, down.times(-1.0)];
    let dark = around.map(|way| brightness(plane, finder, way, across, 0.5 * finder.module));
    let dark = dark.iter().sum::<f64>() / 4.0;
    let besides = [down, down, across, across];
    let mut lights = [0, 1, 2, 3].map(|nth| {
        // The ring lies 1.5 to 2.5 modules from the middle.
        let places = (10..28).map(|tenths| finder.module * real(tenths) * 0.1);
        let looks = places.map(|far| brightness(plane, finder, around[nth], besides[nth], far));
        looks.fold(0.0, f64::max)
    });
    lights.sort_by(f64::total_cmp);
    // One side may lie in glare and one in shade.
    f64::midpoint(dark, f64::midpoint(lights[1], lights[2]))
}

/// How bright it is so far `along` from a pattern's middle: the mean of three looks `beside` each other,
/// since one pixel may be noise.
fn brightness(plane: &Plane<'_>, finder: &Finder, along: Point, beside: Point, far: f64) -> f64 {
    let middle = finder.centre.plus(along.times(far));
    let aside = beside.times(finder.module * 0.5);
    (plane.at(middle) + plane.at(middle.plus(aside)) + plane.at(middle.minus(aside))) / 3.0
}

/// How far it is from a pattern's middle to the ends of its dark square, of the light ring, and of the
/// dark one.
fn edges(
    plane: &Plane<'_>,
    finder: &Finder,
    along: Point,
    beside: Point,
    level: f64,
) -> Option<[f64; 3]> {
    let mut edges = [0.0; 3];
    let mut count = 0;
    let mut distance = 0.0;
    let mut before = brightness(plane, finder, along, beside, distance);
    while distance < finder.module * 7.0 {
        distance += STEP;
        let value = brightness(plane, finder, along, beside, distance);
        if (before > level) != (value > level) {
            edges[count] = distance - STEP * (value - level) / (value - before);
            count += 1;
            if count == 3 {
                return Some(edges);
            }
        }
        before = value;
    }
    None
}

/// Whether what a line crosses on both sides of a middle is as 1:1:3:1:1, give or take two thirds of
/// a module.
fn is_proportional(before: [f64; 3], after: [f64; 3]) -> bool {
    let module = (before[2] + after[2]) / 7.0;
    let fits = |edges: [f64; 3]| {
        let places = [1.5, 2.5, 3.5].into_iter().zip(edges);
        places.map(|(modules, edge)| (edge - modules * module).abs()).all(|off| off < module * 0.66)
    };
    fits(before) && fits(after)
}

/// The corners of the pattern around `centre`, where lines along its sides meet. `across` and
/// `down` are one module each.
fn corners(
    plane: &Plane<'_>,
    centre: Point,
    across: Point,
    down: Point,
    level: f64,
) -> Option<[Point; 4]> {
    let right = side(plane, centre, across, down, level)?;
    let left = side(plane, centre, across.times(-1.0), down, level)?;
    let bottom = side(plane, centre, down, across, level)?;
    let top = side(plane, centre, down.times(-1.0), across, level)?;
    let found =
        [top.meets(&left)?, top.meets(&right)?, bottom.meets(&right)?, bottom.meets(&left)?];
    let expected = [(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)]
        .map(|(x, y)| centre.plus(across.times(x)).plus(down.times(y)));
    let tolerance = across.length().max(down.length()) * 1.5;
    let near = |(found, expected): (&Point, Point)| found.minus(expected).length() < tolerance;
    found.iter().zip(expected).all(near).then_some(found)
}

/// The side of the pattern that lies `out` of its middle and runs `along`.
fn side(plane: &Plane<'_>, centre: Point, out: Point, along: Point, level: f64) -> Option<Line> {
    let step = STEP / out.length().max(STEP);
    let edge = |start: Point| {
        // From within the dark ring, which lies 2.5 to 3.5 modules out, to beyond it.
        let mut distance = 2.9;
        let mut before = plane.at(start.plus(out.times(distance)));
        if before > level {
            return None;
        }
        while distance < 4.6 {
            distance += step;
            let value = plane.at(start.plus(out.times(distance)));
            if value > level {
                let exact = distance - step * (value - level) / (value - before);
                return Some(start.plus(out.times(exact)));
            }
            before = value;
        }
        None
    };
    let halves = (0..11).map(|place| (real(place) - 5.0) * 0.5);
    let edges: Vec<Point> =
        halves.filter_map(|half| edge(centre.plus(along.times(half)))).collect();
    if edges.len() < 4 { None } else { Line::nearest(&edges) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_a_pattern_are_found_to_a_tenth_of_a_pixel() {
        // A finder pattern of four pixels a module whose corner lies at 20.5 by 20.25.
        let dark = |x: f64, y: f64| {
            let ring = (x / 4.0 - 3.5).abs().max((y / 4.0 - 3.5).abs());
            ring < 1.5 || (2.5..3.5).contains(&ring)
        };
        let luma: Vec<u8> = (0..80 * 80)
            .map(|pixel| {
                let parts = (0..16).filter(|part| {
                    let x = real(pixel % 80) + real(part % 4) * 0.25 + 0.125 - 20.5;
                    let y = real(pixel / 80) + real(part / 4) * 0.25 + 0.125 - 20.25;
                    dark(x, y)
                });
                255 - u8::try_from(parts.count() * 15).unwrap()
            })
            .collect();
        let plane = Plane::new(luma, 80);
        let finder = Finder { centre: Point::new(34.0, 34.0), module: 4.2, rows: 12 };
        let outline = Outline::measure(&plane, &finder, Point::new(1.0, 0.0), Point::new(0.0, 1.0));
        let expected = [(20.5, 20.25), (48.5, 20.25), (48.5, 48.25), (20.5, 48.25)];
        for (found, (x, y)) in outline.corners.unwrap().into_iter().zip(expected) {
            assert!(found.minus(Point::new(x, y)).length() < 0.1, "{found:?}");
        }
        assert!(outline.centre.minus(Point::new(34.5, 34.25)).length() < 0.1);
    }

    #[test]
    fn what_is_seen_from_the_side_is_not_as_wide_as_it_is_high() {
        // Sheared, a module being four pixels along rows and two and a half downwards.
        let (across, down) = (Point::new(4.0, 0.0), Point::new(-2.0, 1.5));
        let middle = Point::new(40.0, 40.0);
        let luma: Vec<u8> = (0..80 * 80)
            .map(|pixel| {
                let at = Point::new(real(pixel % 80) + 0.5, real(pixel / 80) + 0.5).minus(middle);
                let (x, y) = ((at.x + at.y * 4.0 / 3.0) / 4.0, at.y / 1.5);
                let ring = x.abs().max(y.abs());
                let dark = ring < 1.5 || (2.5..3.5).contains(&ring);
                if dark { 20 } else { 220 }
            })
            .collect();
        let plane = Plane::new(luma, 80);
        let finder = Finder { centre: middle, module: 2.75, rows: 10 };
        let unit = |way: Point| way.times(1.0 / way.length());
        let outline = Outline::measure(&plane, &finder, unit(across), unit(down));
        for (name, measured, expected) in
            [("across", outline.across, 4.0), ("down", outline.down, 2.5)]
        {
            assert!((measured - expected).abs() < 0.2, "{name}: {measured}");
        }
    }
}
