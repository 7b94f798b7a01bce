//! The modules of one symbol as brightnesses, and which of them are dark.

use super::plane::real;

/// The brightness of each module of a symbol, row by row.
#[derive(Clone, Debug)]
pub(super) struct Modules {
    values: Vec<f64>,
    size: usize,
}

/// How bright a module is under glare: what a camera calls white.
const WHITE: f64 = 240.0;

impl Modules {
    /// `size` rows of `size` values.
    pub(super) fn new(values: Vec<f64>, size: usize) -> Self {
        Self { values, size }
    }

    /// Modules on a side.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Which modules are darker than the mean of those up to `radius` around them.
    ///
    /// Masking leaves about as many dark as light ones in every part of a symbol, so that the mean
    /// lies between the two, in shade as in light.
    pub(super) fn dark(&self, radius: usize) -> Vec<bool> {
        let stride = self.size + 1;
        // The sum of all values above and left of a place.
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
                let area = real((bottom - top) * (right - left));
                dark.push(self.values[y * self.size + x] * area < sum);
            }
        }
        dark
    }

    /// How much brighter the lightest tenth is than the darkest, at the least.
    pub(super) fn contrast(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let tenth = sorted.len() / 10;
        let ends = sorted.get(tenth).zip(sorted.get(sorted.len().saturating_sub(tenth + 1)));
        ends.map_or(0.0, |(dark, light)| light - dark)
    }

    /// Which part of the modules lies in squares of five by five that are all as good as white.
    ///
    /// Masking leaves none of them without a dark module.
    pub(super) fn washed_out(&self) -> f64 {
        const SIDE: usize = 5;
        let white = |x: usize, y: usize| self.values[y * self.size + x] >= WHITE;
        let mut washed = vec![false; self.values.len()];
        for top in 0..self.size.saturating_sub(SIDE - 1) {
            for left in 0..self.size - (SIDE - 1) {
                let places =
                    || (top..top + SIDE).flat_map(|y| (left..left + SIDE).map(move |x| (x, y)));
                if places().all(|(x, y)| white(x, y)) {
                    places().for_each(|(x, y)| washed[y * self.size + x] = true);
                }
            }
        }
        let count = washed.iter().filter(|&&washed| washed).count();
        real(count) / real(self.values.len().max(1))
    }

    /// The modules with what a blur brought over from their neighbours taken back.
    pub(super) fn sharpened(&self) -> Self {
        let last = self.size.saturating_sub(1);
        let value = |x: usize, y: usize| self.values[y.min(last) * self.size + x.min(last)];
        let mut values = Vec::with_capacity(self.values.len());
        for y in 0..self.size {
            for x in 0..self.size {
                let beside = value(x.saturating_sub(1), y) + value(x + 1, y);
                let around = beside + value(x, y.saturating_sub(1)) + value(x, y + 1);
                values.push(2.0 * value(x, y) - around / 4.0);
            }
        }
        Self { values, size: self.size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shade_does_not_darken() {
        // A checkerboard that falls into shade from left to right.
        let values = (0..49).map(|place| {
            let (x, y) = (place % 7, place / 7);
            100.0 - 10.0 * real(x) + if (x + y) % 2 == 0 { 0.0 } else { 30.0 }
        });
        let expected: Vec<bool> = (0..49).map(|place| (place % 7 + place / 7) % 2 == 0).collect();
        let dark = Modules::new(values.collect(), 7).dark(2);
        // At the edges the surroundings lie to one side.
        let inner = |dark: &[bool]| (2..5).map(|y| dark[y * 7 + 2..y * 7 + 5].to_vec()).collect();
        let [dark, expected]: [Vec<Vec<bool>>; 2] = [inner(&dark), inner(&expected)];
        assert_eq!(dark, expected);
    }

    #[test]
    fn sharpening_brings_back_a_light_module_among_dark_ones() {
        // A light module, after a blur that gives half of it to its four neighbours.
        let mut values = vec![0.0; 25];
        for (place, value) in [(12, 50.0), (7, 12.5), (11, 12.5), (13, 12.5), (17, 12.5)] {
            values[place] = value;
        }
        let sharp = Modules::new(values, 5).sharpened();
        assert!(sharp.values[12] > 80.0, "{}", sharp.values[12]);
        assert!(sharp.values[11] < 20.0, "{}", sharp.values[11]);
    }
}
