//! Grey pictures at several sizes, and which of their pixels are dark.

use std::borrow::Cow;

use super::perspective::Point;

/// The brightness of paper beyond the edge of a picture.
const LIGHT: f64 = 255.0;

/// A grey picture, row by row, at the frame's size or a fraction of it.
#[derive(Clone, Debug)]
pub(super) struct Plane<'a> {
    luma: Cow<'a, [u8]>,
    width: usize,
    height: usize,
}

impl<'a> Plane<'a> {
    /// The plane of `luma`, whose rows have `width` pixels.
    pub(super) fn new(luma: impl Into<Cow<'a, [u8]>>, width: usize) -> Self {
        let luma = luma.into();
        let height = luma.len().checked_div(width).unwrap_or(0);
        Self { luma, width, height }
    }

    /// Pixels in all.
    pub(super) fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// Pixels on the shorter side.
    pub(super) fn shorter_side(&self) -> usize {
        self.width.min(self.height)
    }

    /// The plane at half the size, each pixel the mean of four.
    pub(super) fn halved(&self) -> Plane<'static> {
        let mut luma = Vec::with_capacity(self.pixels() / 4);
        for pair in self.luma.chunks_exact(2 * self.width.max(1)) {
            let (upper, lower) = pair.split_at(self.width);
            luma.extend(upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(|(above, below)| {
                let sum = u16::from(above[0])
                    + u16::from(above[1])
                    + u16::from(below[0])
                    + u16::from(below[1]);
                ((sum + 2) >> 2).to_le_bytes()[0]
            }));
        }
        Plane { luma: luma.into(), width: self.width / 2, height: self.height / 2 }
    }

    /// The plane with light and dark exchanged.
    pub(super) fn inverted(&self) -> Plane<'static> {
        let luma: Vec<u8> = self.luma.iter().map(|&value| 255 - value).collect();
        Plane { luma: luma.into(), ..*self }
    }

    /// The brightness at `point`, between four pixels; beyond the edge all is light.
    pub(super) fn at(&self, point: Point) -> f64 {
        // A pixel's value stands for its middle.
        let (x, y) = (point.x - 0.5, point.y - 0.5);
        let between_pixels = |at: f64, length: usize| at >= 0.0 && at < real(length) - 1.0;
        if between_pixels(x, self.width) && between_pixels(y, self.height) {
            let (left, upper) = (index(x), index(y));
            let above = &self.luma[upper * self.width + left..][..2];
            let below = &self.luma[(upper + 1) * self.width + left..][..2];
            let part = x - real(left);
            let between =
                |pair: &[u8]| f64::from(pair[0]) + (f64::from(pair[1]) - f64::from(pair[0])) * part;
            let (above, below) = (between(above), between(below));
            above + (below - above) * (y - real(upper))
        } else {
            self.at_edge(point)
        }
    }

    /// The brightness of the pixel at `point`, on the edge or beyond.
    fn at_edge(&self, point: Point) -> f64 {
        let (x, y) = (index(point.x), index(point.y));
        let inside = point.x >= 0.0 && point.y >= 0.0 && x < self.width && y < self.height;
        if inside { f64::from(self.luma[y * self.width + x]) } else { LIGHT }
    }

    /// Which pixels are darker than the mean of the square that reaches `radius` pixels around
    /// them, by more than `margin`.
    pub(super) fn darker_than_mean(&self, radius: usize, margin: u8) -> Bitmap {
        let (width, height) = (self.width, self.height);
        let mut dark = Vec::with_capacity(self.pixels());
        // Sums of each column over the rows in the window, and of all columns left of one.
        let mut columns = vec![0_u32; width];
        let mut before = vec![0_u32; width + 1];
        let row = |y: usize| &self.luma[y * width..(y + 1) * width];
        for y in 0..radius.min(height) {
            columns.iter_mut().zip(row(y)).for_each(|(sum, &value)| *sum += u32::from(value));
        }
        for y in 0..height {
            if y + radius < height {
                let entering = columns.iter_mut().zip(row(y + radius));
                entering.for_each(|(sum, &value)| *sum += u32::from(value));
            }
            if y > radius {
                let leaving = columns.iter_mut().zip(row(y - radius - 1));
                leaving.for_each(|(sum, &value)| *sum -= u32::from(value));
            }
            let mut sum = 0;
            for (before, column) in before[1..].iter_mut().zip(&columns) {
                sum += column;
                *before = sum;
            }
            let rows = (y + radius + 1).min(height) - y.saturating_sub(radius);
            let is_dark = |x: usize, value: u8| {
                let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(width));
                let pixels = whole((right - left) * rows);
                (u32::from(value) + u32::from(margin)) * pixels < before[right] - before[left]
            };
            let values = row(y);
            if width > 2 * radius {
                // The window is whole but for the ends of the row.
                let pixels = whole((2 * radius + 1) * rows);
                let ends = before[2 * radius + 1..].iter().zip(&before);
                dark.extend((0..radius).map(|x| is_dark(x, values[x])));
                dark.extend(values[radius..].iter().zip(ends).map(|(&value, (end, start))| {
                    (u32::from(value) + u32::from(margin)) * pixels < end - start
                }));
                dark.extend((width - radius..width).map(|x| is_dark(x, values[x])));
            } else {
                dark.extend(values.iter().enumerate().map(|(x, &value)| is_dark(x, value)));
            }
        }
        Bitmap { dark, width, height }
    }
}

/// Which pixels of a plane are dark.
#[derive(Clone, Debug)]
pub(super) struct Bitmap {
    dark: Vec<bool>,
    width: usize,
    height: usize,
}

impl Bitmap {
    /// Pixels in a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// The pixels of row `y`.
    pub(super) fn row(&self, y: usize) -> &[bool] {
        &self.dark[y * self.width..(y + 1) * self.width]
    }

    /// Whether the pixel is dark.
    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        self.dark[y * self.width + x]
    }
}

/// The whole part of `position`; 0 if it is negative or no number.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the one way from a real number to an index; it truncates and saturates"
)]
pub(super) fn index(position: f64) -> usize {
    position as usize
}

/// `index` as a real number.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no picture has 2^53 pixels"
)]
pub(super) fn real(index: usize) -> f64 {
    index as f64
}

/// A count of pixels in the type of their sums.
fn whole(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_the_mean_of_four() {
        // The odd column and row are left out.
        let plane = Plane::new(vec![0, 4, 9, 8, 12, 9, 7, 7, 7], 3).halved();
        assert_eq!((plane.luma.to_vec(), plane.width, plane.height), (vec![6], 1, 1));
    }

    #[test]
    fn a_place_lies_between_the_middles_of_pixels() {
        let plane = Plane::new(vec![10, 20, 30, 40], 2);
        let cases = [
            ("middle of a pixel", (0.5, 0.5), 10.0),
            ("between two", (1.0, 0.5), 15.0),
            ("between four", (1.0, 1.0), 25.0),
            ("on the edge", (0.2, 0.5), 10.0),
            ("in the last corner", (2.0, 2.0), LIGHT),
            ("beyond", (-0.1, 1.0), LIGHT),
            ("nowhere", (f64::NAN, 1.0), LIGHT),
        ];
        for (name, (x, y), expected) in cases {
            assert!((plane.at(Point::new(x, y)) - expected).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn dark_is_what_is_darker_than_its_surroundings() {
        // Against each pixel compared with its square one by one.
        let (width, height) = (13, 9);
        let luma: Vec<u8> =
            (0..width * height).map(|pixel: usize| (pixel * 89 % 251).to_le_bytes()[0]).collect();
        for radius in [0, 1, 3, 6, 7, 20] {
            let bitmap = Plane::new(luma.as_slice(), width).darker_than_mean(radius, 8);
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let near = |at: usize, length: usize| {
                    at.saturating_sub(radius)..(at + radius + 1).min(length)
                };
                let square = near(y, height)
                    .flat_map(|y| near(x, width).map(move |x| (x, y)))
                    .map(|(x, y)| u32::from(luma[y * width + x]));
                let (sum, count) =
                    square.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
                let dark = (u32::from(luma[y * width + x]) + 8) * count < sum;
                assert_eq!(bitmap.is_dark(x, y), dark, "{x} {y} {radius}");
            }
        }
    }
}
