//! From the modules of a symbol to the pixels of a picture.

/// A place in a picture, in pixels from the left upper corner of its left upper pixel; or in a
/// symbol, in modules from its left upper corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Point {
    pub(super) const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }

    pub(super) fn length(self) -> f64 {
        self.x.hypot(self.y)
    }

    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// Positive if `other` lies clockwise of this on a screen.
    pub(super) fn cross(self, other: Self) -> f64 {
        self.x * other.y - self.y * other.x
    }
}

/// A straight line: a point on it and its direction, of length one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    through: Point,
    along: Point,
}

impl Line {
    /// The line nearest to `points`, leaving out the one that lies farthest off if there are many.
    pub(super) fn nearest(points: &[Point]) -> Option<Self> {
        let line = Self::nearest_to_all(points)?;
        let worst = points.iter().map(|&point| line.distance(point)).enumerate();
        let (worst, _) = worst.max_by(|a, b| a.1.total_cmp(&b.1))?;
        if points.len() < 5 {
            return Some(line);
        }
        let others = points.iter().enumerate().filter(|&(index, _)| index != worst);
        Self::nearest_to_all(&others.map(|(_, &point)| point).collect::<Vec<_>>())
    }

    fn nearest_to_all(points: &[Point]) -> Option<Self> {
        if points.len() < 2 {
            return None;
        }
        let share = 1.0 / points.iter().map(|_| 1.0).sum::<f64>();
        let middle =
            points.iter().fold(Point::default(), |sum, &point| sum.plus(point)).times(share);
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for point in points {
            let Point { x, y } = point.minus(middle);
            xx += x * x;
            xy += x * y;
            yy += y * y;
        }
        let angle = (2.0 * xy).atan2(xx - yy) / 2.0;
        Some(Self { through: middle, along: Point::new(angle.cos(), angle.sin()) })
    }

    fn distance(&self, point: Point) -> f64 {
        self.along.cross(point.minus(self.through)).abs()
    }

    /// Where it meets `other`, unless they are nearly parallel.
    pub(super) fn meets(&self, other: &Self) -> Option<Point> {
        let turn = self.along.cross(other.along);
        if turn.abs() < 0.2 {
            return None;
        }
        let ahead = other.through.minus(self.through).cross(other.along) / turn;
        Some(self.through.plus(self.along.times(ahead)))
    }
}

/// A point whose place is known in the symbol and in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pin {
    /// Where it lies in the symbol, in modules.
    pub(super) module: Point,
    /// Where it lies in the picture, in pixels.
    pub(super) pixel: Point,
    /// How much it counts.
    pub(super) weight: f64,
}

/// A plane seen from anywhere: maps modules to pixels.
#[derive(Clone, Debug)]
pub(super) struct Perspective {
    /// What a place is multiplied by for its pixel's `x` and `y`, and the depth that divides them.
    x: [f64; 3],
    y: [f64; 3],
    depth: [f64; 2],
    origin: Point,
}

impl Perspective {
    /// The one that brings the pins' modules nearest to their pixels, by least squares.
    pub(super) fn nearest(pins: &[Pin]) -> Option<Self> {
        let origin = pins.first()?.pixel;
        let modules = pins.iter().map(|pin| pin.module.length()).fold(1.0, f64::max);
        let pixels = pins.iter().map(|pin| pin.pixel.minus(origin).length()).fold(1.0, f64::max);
        let mut rows = [[0.0; 9]; 8];
        for &Pin { module, pixel, weight } in pins {
            let Point { x: u, y: v } = module.times(1.0 / modules);
            let Point { x, y } = pixel.minus(origin).times(1.0 / pixels);
            let equations = [
                [u, v, 1.0, 0.0, 0.0, 0.0, -u * x, -v * x, x],
                [0.0, 0.0, 0.0, u, v, 1.0, -u * y, -v * y, y],
            ];
            for equation in &equations {
                for (row, factor) in rows.iter_mut().zip(equation) {
                    for (sum, term) in row.iter_mut().zip(equation) {
                        *sum += weight * factor * term;
                    }
                }
            }
        }
        // The ninth number of the matrix is one. Modules and pixels were brought near one, so that
        // the equations stay well behaved.
        let [xx, xy, x1, yx, yy, y1, zx, zy] = solve(rows)?;
        Some(Self {
            x: [xx / modules * pixels, xy / modules * pixels, x1 * pixels],
            y: [yx / modules * pixels, yy / modules * pixels, y1 * pixels],
            depth: [zx / modules, zy / modules],
            origin,
        })
    }

    /// Where a point of the symbol lies in the picture.
    pub(super) fn map(&self, module: Point) -> Point {
        let Point { x, y } = module;
        let scale = 1.0 / (self.depth[0] * x + self.depth[1] * y + 1.0);
        let across = self.x[0] * x + self.x[1] * y + self.x[2];
        let down = self.y[0] * x + self.y[1] * y + self.y[2];
        Point::new(across * scale, down * scale).plus(self.origin)
    }
}

/// Solves eight equations, each with its right side last, by elimination.
fn solve(mut rows: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let pivot =
            (column..8).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let pivot = rows[column];
        if pivot[column].is_nan() || pivot[column].abs() < 1e-12 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / pivot[column];
                for (value, above) in row.iter_mut().zip(&pivot) {
                    *value -= factor * above;
                }
            }
        }
    }
    let mut solution = [0.0; 8];
    for (index, (value, row)) in solution.iter_mut().zip(&rows).enumerate() {
        *value = row[8] / row[index];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Point, b: Point) -> bool {
        a.minus(b).length() < 1e-6
    }

    #[test]
    fn a_perspective_is_found_from_what_it_shows() {
        let shown = |Point { x, y }: Point| {
            let depth = 1.0 + 0.002 * x - 0.001 * y;
            Point::new((4.0 * x + y + 300.0) / depth, (5.0 * y - x + 200.0) / depth)
        };
        let places = [(3.5, 3.5), (57.5, 3.5), (3.5, 57.5), (54.5, 54.5), (7.0, 7.0)];
        let pins = places.map(|(x, y)| {
            let module = Point::new(x, y);
            Pin { module, pixel: shown(module), weight: 1.0 }
        });
        let perspective = Perspective::nearest(&pins).unwrap();
        for (x, y) in [(0.0, 0.0), (61.0, 61.0), (30.0, 12.0)] {
            let place = Point::new(x, y);
            assert!(near(perspective.map(place), shown(place)), "{place:?}");
        }
    }

    #[test]
    fn points_that_fix_no_perspective_give_none() {
        let pin = |x: f64, y: f64| {
            let place = Point::new(x, y);
            Pin { module: place, pixel: place, weight: 1.0 }
        };
        let unknown = Pin { pixel: Point::new(f64::NAN, 0.0), ..pin(0.0, 0.0) };
        let cases = [
            ("none", vec![]),
            ("three", vec![pin(0.0, 0.0), pin(9.0, 0.0), pin(0.0, 9.0)]),
            ("in a row", (0..5).map(|place| pin(f64::from(place), 0.0)).collect()),
            ("no number", vec![pin(0.0, 0.0), pin(9.0, 0.0), pin(0.0, 9.0), unknown]),
        ];
        for (name, pins) in cases {
            assert!(Perspective::nearest(&pins).is_none(), "{name}");
        }
    }

    #[test]
    fn a_line_leaves_out_the_point_that_lies_off() {
        let along = |place: i32| Point::new(f64::from(place), 2.0 * f64::from(place));
        let mut points: Vec<Point> = (0..8).map(along).collect();
        points.push(Point::new(3.0, 20.0));
        let line = Line::nearest(&points).unwrap();
        let level = Line::nearest(&[Point::new(0.0, 10.0), Point::new(9.0, 10.0)]).unwrap();
        assert!(near(line.meets(&level).unwrap(), Point::new(5.0, 10.0)));
        assert!(level.meets(&level).is_none(), "parallel");
    }
}
