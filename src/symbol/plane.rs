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

    /// Pixels in a row.
    pub(super) fn width(&self) -> usize {
        self.width
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
                let sum = u16::from(above[0]) + u16::from(above[1]) + u16::from(below[0]) + u16::from(below[1]);
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
        let inside = |position: f64, length: usize| (0.0..=real(length)).contains(&position);
        if !inside(point.x, self.width) || !inside(point.y, self.height) {
            return LIGHT;
        }
        let (left, right, across) = neighbours(point.x, self.width);
        let (upper, lower, down) = neighbours(point.y, self.height);
        let value = |x: usize, y: usize| f64::from(self.luma[y * self.width + x]);
        let above = value(left, upper) + (value(right, upper) - value(left, upper)) * across;
        let below = value(left, lower) + (value(right, lower) - value(left, lower)) * across;
        above + (below - above) * down
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

/// The pixels on both sides of `position` on a side of `length` pixels, and how far it is from the
/// first to the second.
fn neighbours(position: f64, length: usize) -> (usize, usize, f64) {
    let last = length.saturating_sub(1);
    // A pixel's value stands for its middle.
    let position = (position - 0.5).clamp(0.0, real(last));
    let first = index(position).min(last);
    (first, (first + 1).min(last), position - real(first))
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
