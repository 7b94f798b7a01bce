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
        let module = |along: Point| {
            // Along rows and columns a module looks longer the more the pattern is turned.
            let expected = finder.module * along.x.abs().max(along.y.abs());
            let edge = |along| outer_edge(plane, finder, along, level);
            let width = edge(along).zip(edge(along.times(-1.0))).map(|(a, b)| a + b);
            // In a blurred picture the ring may be lost, and what is met next lies farther out.
            let measured = width.map(|width| width / 7.0);
            measured.filter(|module| (0.7..1.4).contains(&(module / expected))).unwrap_or(expected)
        };
        let centre = finder.centre;
        let mut outline =
            Self { centre, across: module(across), down: module(down), corners: None };
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
    let dark = plane.at(finder.centre);
    let mut lights = [across, across.times(-1.0), down, down.times(-1.0)].map(|way| {
        // The ring lies 1.5 to 2.5 modules from the middle.
        let places = (10..28)
            .map(|tenths| finder.centre.plus(way.times(finder.module * real(tenths) * 0.1)));
        places.map(|place| plane.at(place)).fold(0.0, f64::max)
    });
    lights.sort_by(f64::total_cmp);
    // One side may lie in glare and one in shade.
    f64::midpoint(dark, f64::midpoint(lights[1], lights[2]))
}

/// How far it is from a pattern's middle to the outside of its dark ring, its third edge.
fn outer_edge(plane: &Plane<'_>, finder: &Finder, along: Point, level: f64) -> Option<f64> {
    let mut edges = 0;
    let mut distance = 0.0;
    let mut before = plane.at(finder.centre);
    while edges < 3 && distance < finder.module * 7.0 {
        distance += STEP;
        let value = plane.at(finder.centre.plus(along.times(distance)));
        if (before > level) != (value > level) {
            edges += 1;
            if edges == 3 {
                return Some(distance - STEP * (value - level) / (value - before));
            }
        }
        before = value;
    }
    None
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
}
