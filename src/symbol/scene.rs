//! A frame, or a part of it, at several sizes.

use super::perspective::Point;
use super::plane::{Bitmap, Plane, index, real};

/// The shortest side, in pixels, of a plane worth looking through: version 1 at two pixels a
/// module, or at one and its light margin.
const SHORTEST_SIDE: usize = 42;

/// A frame, or a part of it, and again and again at half the size. What is made of it is made once.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    planes: Vec<Plane<'a>>,
    /// Where in the frame it begins.
    origin: Point,
    frame: Area,
}

/// How dark pixels are told from light ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Threshold {
    /// By the blocks around them: cheap.
    Blocks { margin: u8 },
    /// By the mean of the square that reaches so many pixels around them.
    Mean { radius: usize, margin: u8 },
}

impl Threshold {
    /// What it costs a pixel, in tenths of a look.
    pub(super) fn price(self) -> u64 {
        match self {
            Self::Blocks { .. } => 6,
            Self::Mean { .. } => 20,
        }
    }
}

/// A rectangle in a frame, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) from: Point,
    pub(super) to: Point,
}

impl Area {
    /// The smallest that has all `points`; none if there are none.
    pub(super) fn around(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        points.into_iter().map(|at| Self { from: at, to: at }).reduce(Self::and)
    }

    /// The smallest that has both.
    pub(super) fn and(self, other: Self) -> Self {
        let least = Point::new(self.from.x.min(other.from.x), self.from.y.min(other.from.y));
        let most = Point::new(self.to.x.max(other.to.x), self.to.y.max(other.to.y));
        Self { from: least, to: most }
    }

    /// The area with so much more on each side.
    pub(super) fn widened(self, by: f64) -> Self {
        let by = Point::new(by, by);
        Self { from: self.from.minus(by), to: self.to.plus(by) }
    }

    /// Whether `other` lies within.
    pub(super) fn has(&self, other: &Self) -> bool {
        self.and(*other) == *self
    }

    /// Its longer side.
    pub(super) fn length(&self) -> f64 {
        let Point { x, y } = self.to.minus(self.from);
        x.max(y)
    }
}

impl<'a> Scene<'a> {
    /// The whole of a frame.
    pub(super) fn of(full: Plane<'a>) -> Self {
        let (width, height) = full.sides();
        let frame = Area { from: Point::default(), to: Point::new(real(width), real(height)) };
        Self::at(full, Point::default(), frame)
    }

    fn at(full: Plane<'a>, origin: Point, frame: Area) -> Self {
        let mut planes = vec![full];
        while let Some(last) = planes.last()
            && last.shorter_side() >= 2 * SHORTEST_SIDE
        {
            planes.push(last.halved());
        }
        Self { planes, origin, frame }
    }

    /// The part of it that lies in `area`.
    pub(super) fn cropped(&self, area: Area) -> Scene<'static> {
        let full = &self.planes[0];
        let pixel = |at: Point| (index(at.x), index(at.y));
        let ((left, top), (right, bottom)) =
            (pixel(area.from.minus(self.origin)), pixel(area.to.minus(self.origin)));
        let (plane, (left, top)) = full.cropped((left, top), (right, bottom));
        Scene::at(plane, self.origin.plus(Point::new(real(left), real(top))), self.frame)
    }

    /// The same with light and dark exchanged.
    pub(super) fn inverted(&self) -> Scene<'static> {
        let planes = self.planes.iter().map(Plane::inverted).collect();
        Scene { planes, ..*self }
    }

    /// All that the frame shows.
    pub(super) fn frame(&self) -> Area {
        self.frame
    }

    /// The planes, the largest first.
    pub(super) fn planes(&self) -> &[Plane<'a>] {
        &self.planes
    }

    /// Which pixels of the plane at `level` are dark.
    pub(super) fn bitmap(&self, level: usize, threshold: Threshold) -> Bitmap {
        match threshold {
            Threshold::Blocks { margin } => self.planes[level].darker_than_blocks(margin),
            Threshold::Mean { radius, margin } => {
                self.planes[level].darker_than_mean(radius, margin)
            }
        }
    }

    /// Where in the frame a place in the plane at `level` lies.
    pub(super) fn in_frame(&self, place: Point, level: usize) -> Point {
        place.times(real(1 << level)).plus(self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_part_is_one_in_the_frame() {
        let luma: Vec<u8> = (0..200_u8).cycle().take(400 * 300).collect();
        let whole = Scene::of(Plane::new(luma, 400));
        let area = Area { from: Point::new(96.5, -3.0), to: Point::new(900.0, 200.0) };
        let part = whole.cropped(area);
        let sides: Vec<_> =
            part.planes().iter().map(|plane| (plane.pixels(), plane.shorter_side())).collect();
        assert_eq!(sides, [(304 * 200, 200), (152 * 100, 100), (76 * 50, 50)]);
        assert_eq!(part.in_frame(Point::new(2.0, 3.0), 2), Point::new(104.0, 12.0));
        let again =
            part.cropped(Area { from: Point::new(100.0, 10.0), to: Point::new(200.0, 90.0) });
        assert_eq!(again.in_frame(Point::default(), 0), Point::new(100.0, 10.0));
    }

    #[test]
    fn an_area_has_all_that_it_was_made_of() {
        assert_eq!(Area::around([]), None);
        let area =
            Area::around([(5.0, 1.0), (2.0, 9.0), (3.0, 3.0)].map(|(x, y)| Point::new(x, y)));
        let expected = Area { from: Point::new(1.0, 0.0), to: Point::new(6.0, 10.0) };
        assert_eq!(area.map(|area| area.widened(1.0)), Some(expected));
        assert_eq!(area.map(|area| area.length()), Some(8.0));
    }
}
