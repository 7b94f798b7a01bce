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
    /// The middles of the last pixels in a row and a column.
    last: Point,
}

impl<'a> Plane<'a> {
    /// The plane of `luma`, whose rows have `width` pixels.
    pub(super) fn new(luma: impl Into<Cow<'a, [u8]>>, width: usize) -> Self {
        let luma = luma.into();
        let height = luma.len().checked_div(width).unwrap_or(0);
        let last = Point::new(real(width) - 1.0, real(height) - 1.0);
        Self { luma, width, height, last }
    }

    /// Pixels in all.
    pub(super) fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// Pixels in a row, and rows.
    pub(super) fn sides(&self) -> (usize, usize) {
        (self.width, self.height)
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
        Plane::new(luma, self.width / 2)
    }

    /// The part from one place up to another, as far as it lies within, and where it begins. The
    /// part has one pixel at the least.
    pub(super) fn cropped(
        &self,
        (left, top): (usize, usize),
        (right, bottom): (usize, usize),
    ) -> (Plane<'static>, (usize, usize)) {
        let (left, top) =
            (left.min(self.width.saturating_sub(1)), top.min(self.height.saturating_sub(1)));
        let (right, bottom) =
            (right.clamp(left + 1, self.width), bottom.clamp(top + 1, self.height));
        let mut luma = Vec::with_capacity((right - left) * (bottom - top));
        for y in top..bottom {
            luma.extend_from_slice(&self.row(y)[left..right]);
        }
        (Plane::new(luma, right - left), (left, top))
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
        if x >= 0.0 && x < self.last.x && y >= 0.0 && y < self.last.y {
            let (left, upper) = (index(x), index(y));
            let start = upper * self.width + left;
            let four = &self.luma[start..start + self.width + 2];
            let (above, below) = (&four[..2], &four[self.width..]);
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

    /// Which pixels are darker than their surroundings by more than `margin`: the mean of nine blocks
    /// of 8 by 8 pixels, that of the pixel in their middle.
    ///
    /// A tenth of the time of [`Plane::darker_than_mean`], and finder patterns show as well.
    pub(super) fn darker_than_blocks(&self, margin: u8) -> Bitmap {
        let columns = self.width.div_ceil(BLOCK);
        let rows = self.height.div_ceil(BLOCK);
        let means = self.block_means();
        let mut bitmap = Bitmap::new(self.width, self.height);
        let mut levels = vec![0; self.width];
        for row in 0..rows {
            let near = row.saturating_sub(1)..(row + 2).min(rows);
            for (column, level) in levels.chunks_mut(BLOCK).enumerate() {
                let beside = column.saturating_sub(1)..(column + 2).min(columns);
                let count = whole(near.len() * beside.len());
                let sums = near.clone().map(|row| &means[row * columns..][beside.clone()]);
                let sum: u32 = sums.flatten().copied().map(u32::from).sum();
                let mean = (sum / count).to_le_bytes()[0];
                level.fill(mean.saturating_sub(margin));
            }
            for y in row * BLOCK..((row + 1) * BLOCK).min(self.height) {
                bitmap.set_row(y, self.row(y), &levels);
            }
        }
        bitmap
    }

    /// The mean of each block of 8 by 8 pixels, row by row; of fewer at the right and lower edge.
    fn block_means(&self) -> Vec<u8> {
        let mut means = Vec::with_capacity(self.pixels() / BLOCK / BLOCK + 1);
        let mut sums = vec![0_u16; self.width];
        for rows in self.luma.chunks(BLOCK * self.width.max(1)) {
            sums.fill(0);
            for row in rows.chunks_exact(self.width.max(1)) {
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u16::from(value));
            }
            let height = rows.len() / self.width.max(1);
            means.extend(sums.chunks(BLOCK).map(|block| {
                let sum: u32 = block.iter().copied().map(u32::from).sum();
                (sum / whole(block.len() * height)).to_le_bytes()[0]
            }));
        }
        means
    }

    /// Which pixels are darker than the mean of the square that reaches `radius` pixels around
    /// them, by more than `margin`.
    pub(super) fn darker_than_mean(&self, radius: usize, margin: u8) -> Bitmap {
        let (width, height) = (self.width, self.height);
        let mut bitmap = Bitmap::new(width, height);
        // Sums of each column over the rows in the window, and of all columns left of one.
        let mut columns = vec![0_u32; width];
        let mut before = vec![0_u32; width + 1];
        let mut levels = vec![0_u8; width];
        for y in 0..radius.min(height) {
            columns.iter_mut().zip(self.row(y)).for_each(|(sum, &value)| *sum += u32::from(value));
        }
        for y in 0..height {
            if y + radius < height {
                let entering = columns.iter_mut().zip(self.row(y + radius));
                entering.for_each(|(sum, &value)| *sum += u32::from(value));
            }
            if y > radius {
                let leaving = columns.iter_mut().zip(self.row(y - radius - 1));
                leaving.for_each(|(sum, &value)| *sum -= u32::from(value));
            }
            let mut sum = 0;
            for (before, column) in before[1..].iter_mut().zip(&columns) {
                sum += column;
                *before = sum;
            }
            let rows = (y + radius + 1).min(height) - y.saturating_sub(radius);
            // A pixel is darker than the mean if it is below the mean rounded up.
            let level = |sum: u32, pixels: u32| {
                sum.div_ceil(pixels).to_le_bytes()[0].saturating_sub(margin)
            };
            let at_end = |x: usize| {
                let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(width));
                level(before[right] - before[left], whole((right - left) * rows))
            };
            if width > 2 * radius {
                // The window is whole but for the ends of the row.
                let pixels = whole((2 * radius + 1) * rows);
                let inner = levels[radius..width - radius].iter_mut();
                // A division by so many is a multiplication: exact as long as there are no more than
                // 63 by 63.
                let share = (1 << 32) / u64::from(pixels) + 1;
                for (place, (end, start)) in inner.zip(before[2 * radius + 1..].iter().zip(&before))
                {
                    let sum = u64::from(end - start + pixels - 1);
                    *place = ((sum * share) >> 32).to_le_bytes()[0].saturating_sub(margin);
                }
                for x in (0..radius).chain(width - radius..width) {
                    levels[x] = at_end(x);
                }
            } else {
                for (x, place) in levels.iter_mut().enumerate() {
                    *place = at_end(x);
                }
            }
            bitmap.set_row(y, self.row(y), &levels);
        }
        bitmap
    }

    /// The pixels of row `y`.
    fn row(&self, y: usize) -> &[u8] {
        &self.luma[y * self.width..(y + 1) * self.width]
    }
}

/// Pixels on a side of a block that has one mean.
const BLOCK: usize = 8;

/// Which pixels of a plane are dark, 64 to a word, the leftmost in the lowest bit.
#[derive(Clone, Debug)]
pub(super) struct Bitmap {
    words: Vec<u64>,
    /// Words in a row.
    stride: usize,
    width: usize,
    height: usize,
}

impl Bitmap {
    /// A bitmap without a dark pixel.
    fn new(width: usize, height: usize) -> Self {
        let stride = width.div_ceil(64);
        Self { words: vec![0; stride * height], stride, width, height }
    }

    /// Makes those pixels of row `y` dark that are below their level.
    fn set_row(&mut self, y: usize, values: &[u8], levels: &[u8]) {
        let words = &mut self.words[y * self.stride..][..self.stride];
        for (word, (values, levels)) in
            words.iter_mut().zip(values.chunks(64).zip(levels.chunks(64)))
        {
            let mut dark = [0_u8; 64];
            for (dark, (value, level)) in dark.iter_mut().zip(values.iter().zip(levels)) {
                *dark = u8::from(value < level);
            }
            *word = dark.chunks_exact(8).rev().fold(0, |word, eight| {
                let eight = eight.iter().rev().fold(0, |bits, &bit| bits << 8 | u64::from(bit));
                // Brings the lowest bits of eight bytes side by side in the highest one.
                word << 8 | eight.wrapping_mul(0x0102_0408_1020_4080) >> 56
            });
        }
    }

    /// Pixels in a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Where row `y` changes between light and dark, from a light edge to a light edge: the first
    /// dark pixel, the first light one after it, and so on, into `places`.
    pub(super) fn changes(&self, y: usize, places: &mut Vec<usize>) {
        places.clear();
        let mut before = 0;
        for (nth, &word) in self.words[y * self.stride..][..self.stride].iter().enumerate() {
            let mut changed = word ^ (word << 1 | before);
            before = word >> 63;
            while changed != 0 {
                places.push(nth * 64 + bit(changed.trailing_zeros()));
                changed &= changed - 1;
            }
        }
        if places.len() % 2 == 1 {
            places.push(self.width);
        }
    }

    /// How often rows change between light and dark.
    pub(super) fn count_changes(&self) -> u64 {
        let mut before = 0;
        let mut count = 0;
        for &word in &self.words {
            count += u64::from((word ^ (word << 1 | before)).count_ones());
            before = word >> 63;
        }
        count
    }

    /// Whether the pixel is dark.
    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        self.words[y * self.stride + x / 64] >> (x % 64) & 1 == 1
    }
}

/// The place of a bit in a word.
fn bit(place: u32) -> usize {
    usize::try_from(place).unwrap_or_default()
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
