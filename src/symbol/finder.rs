//! Finder patterns, and which three of them may be the corners of one symbol.
//!
//! A finder pattern is a dark square of three modules in a light ring in a dark ring: every line
//! through its middle crosses dark, light, dark, light, dark in the proportion 1:1:3:1:1
//! (ISO/IEC 18004:2015, section 6.3.3).

use super::budget::Budget;
use super::perspective::Point;
use super::plane::{Bitmap, real};

/// The most patterns kept of one bitmap while it is looked through.
///
/// A sheet of 140 symbols has 420; a poster of nothing else could have many thousands.
const MAX_PATTERNS: usize = 2_048;

/// How many of the patterns last found a row's candidate is compared with, lest it be found again:
/// more than stand side by side on a sheet of symbols.
const MAX_IN_ROW: usize = 64;

/// What a change between light and dark in a row costs, in looks; and a place at which a row runs
/// as 1:1:3:1:1, from which columns and a diagonal are walked.
const CHANGE: u64 = 5;
const CROSSING: u64 = 500;

/// The most neighbours with which a pattern is tried as a corner.
const MAX_NEIGHBOURS: usize = 20;

/// A finder pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finder {
    /// Its middle, in pixels.
    pub(super) centre: Point,
    /// Pixels a module, along rows and columns of the picture.
    pub(super) module: f64,
    /// In how many rows it was met.
    pub(super) rows: u32,
}

impl Finder {
    /// The same in a plane that is `factor` times larger.
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self { centre: self.centre.times(factor), module: self.module * factor, ..self }
    }

    /// In which part of the rows through its middle it was met: one if in all.
    fn sureness(&self) -> f64 {
        (f64::from(self.rows) / (self.module * 2.5)).min(1.0)
    }

    /// What goes first where there are too many: in noise the larger ones are no accident.
    fn rank(&self) -> f64 {
        f64::from(self.rows).min(12.0) * self.sureness()
    }
}

/// The finder patterns in `bitmap`, the surest first, `limit` at most.
pub(super) fn scan(bitmap: &Bitmap, limit: usize, budget: &mut Budget) -> Vec<Finder> {
    let mut found: Vec<Finder> = Vec::new();
    let mut places = Vec::new();
    'rows: for y in 0..bitmap.height() {
        bitmap.changes(y, &mut places);
        if budget.take(Budget::price(places.len(), CHANGE)).is_none() {
            break;
        }
        for (middle, total) in candidates(&places) {
            let at = Point::new(real(middle), real(y));
            let recent = found.iter_mut().rev().take(MAX_IN_ROW);
            if let Some(finder) = recent.into_iter().find(|finder| {
                let Point { x, y } = finder.centre.minus(at);
                x.abs().max(y.abs()) < finder.module * 1.5
            }) {
                finder.rows += 1;
                continue;
            }
            if found.len() == MAX_PATTERNS || budget.take(CROSSING).is_none() {
                break 'rows;
            }
            found.extend(confirm(bitmap, middle, y, total));
        }
    }
    found.retain(|finder| finder.sureness() > 0.35);
    found.sort_by(|a, b| b.rank().total_cmp(&a.rank()));
    found.truncate(limit);
    found
}

/// In how many places rows run as 1:1:3:1:1.
pub(super) fn count_candidates(bitmap: &Bitmap) -> u64 {
    let mut places = Vec::new();
    let mut count = 0;
    for y in 0..bitmap.height() {
        bitmap.changes(y, &mut places);
        count += candidates(&places).map(|_| 1).sum::<u64>();
    }
    count
}

/// Where a row that changes at `places` runs as 1:1:3:1:1 from dark to dark: the middle, and the
/// pixels from end to end.
fn candidates(places: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    places.windows(6).step_by(2).filter_map(|places| {
        let [first, second, third, fourth, fifth, end] = *places else { return None };
        let lengths = [second - first, third - second, fourth - third, fifth - fourth, end - fifth];
        is_finder(lengths).then_some((usize::midpoint(third, fourth), end - first))
    })
}

/// Whether runs are as 1:1:3:1:1, give or take half a module and half a pixel.
fn is_finder(lengths: [usize; 5]) -> bool {
    let total: usize = lengths.iter().sum();
    // In sevenths of a pixel, so that a module is `total`.
    let slack = total / 2 + 4;
    let fits = |length: usize, modules: usize| {
        (7 * length).abs_diff(modules * total) <= slack * modules.min(2)
    };
    total >= 7 && [0, 1, 3, 4].iter().all(|&index| fits(lengths[index], 1)) && fits(lengths[2], 3)
}

/// The pattern around a dark pixel that a row crosses in `total` pixels, if columns and a diagonal
/// cross it too.
fn confirm(bitmap: &Bitmap, x: usize, y: usize, total: usize) -> Option<Finder> {
    let (up, down, height) = crossing(bitmap, (x, y), (0, 1), 4 * total)?;
    if height * 4 < total {
        return None;
    }
    let y = y + down / 2 - up / 2;
    let (left, right, width) = crossing(bitmap, (x, y), (1, 0), 4 * height)?;
    if width * 4 < height {
        return None;
    }
    let x = x + right / 2 - left / 2;
    let longer = width.max(height);
    crossing(bitmap, (x, y), (1, 1), 2 * longer)
        .or_else(|| crossing(bitmap, (x, y), (1, -1), 2 * longer))?;
    let (up, down, height) = crossing(bitmap, (x, y), (0, 1), 4 * width)?;
    let (left, right, width) = crossing(bitmap, (x, y), (1, 0), 4 * height)?;
    let centre = Point::new(
        real(x) + 0.5 + (real(right) - real(left)) / 2.0,
        real(y) + 0.5 + (real(down) - real(up)) / 2.0,
    );
    Some(Finder { centre, module: real(width + height) / 14.0, rows: 1 })
}

/// The dark pixels before and after `(x, y)` in its run, and the pixels from end to end, of the
/// finder pattern that a line through it crosses; none if it crosses none within `limit` pixels.
fn crossing(
    bitmap: &Bitmap,
    (x, y): (usize, usize),
    (across, down): (isize, isize),
    limit: usize,
) -> Option<(usize, usize, usize)> {
    let before = arm(bitmap, (x, y), (-across, -down), limit)?;
    let after = arm(bitmap, (x, y), (across, down), limit)?;
    let lengths = [before[2], before[1], before[0] + after[0] + 1, after[1], after[2]];
    let total = lengths.iter().sum();
    (total <= limit && is_finder(lengths)).then_some((before[0], after[0], total))
}

/// The lengths of the next three runs beyond `(x, y)`: the rest of its own, light, and dark.
fn arm(
    bitmap: &Bitmap,
    (mut x, mut y): (usize, usize),
    (across, down): (isize, isize),
    limit: usize,
) -> Option<[usize; 3]> {
    let mut lengths = [0; 3];
    let mut run = 0;
    if !bitmap.is_dark(x, y) {
        return None;
    }
    for _ in 0..limit {
        let next = x.checked_add_signed(across).zip(y.checked_add_signed(down));
        let Some(next) = next.filter(|&(x, y)| x < bitmap.width() && y < bitmap.height()) else {
            // The last dark run may end with the picture.
            return (run == 2).then_some(lengths);
        };
        (x, y) = next;
        if bitmap.is_dark(x, y) == (run == 1) {
            run += 1;
            if run == 3 {
                return Some(lengths);
            }
        }
        lengths[run] += 1;
    }
    None
}

/// Threes of `finders` that may be the corners of one symbol, as their places in the list: right
/// upper, left upper, left lower. The likeliest first, `limit` at most.
pub(super) fn triples(finders: &[Finder], limit: usize) -> Vec<[usize; 3]> {
    let mut found: Vec<(f64, [usize; 3])> = Vec::new();
    for (corner, at) in finders.iter().enumerate() {
        let near = neighbours(finders, corner);
        for (nth, &first) in near.iter().enumerate() {
            for &second in &near[nth + 1..] {
                let (to_first, to_second) = (
                    finders[first].centre.minus(at.centre),
                    finders[second].centre.minus(at.centre),
                );
                let Some(strain) = strain(at, &finders[first], &finders[second]) else {
                    continue;
                };
                let clockwise = to_first.cross(to_second) > 0.0;
                let (right, below) = if clockwise { (first, second) } else { (second, first) };
                found.push((strain, [right, corner, below]));
            }
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.truncate(limit);
    found.into_iter().map(|(_, triple)| triple).collect()
}

/// The finder patterns that may belong to one symbol with that at `corner`, the nearest first.
fn neighbours(finders: &[Finder], corner: usize) -> Vec<usize> {
    let at = &finders[corner];
    let mut near: Vec<(f64, usize)> = Vec::new();
    for (index, other) in finders.iter().enumerate() {
        let distance = other.centre.minus(at.centre).length();
        let modules = distance / f64::midpoint(at.module, other.module);
        // Between 14 modules in version 1 and 170 in version 40; fewer foreshortened, and at 45
        // degrees, where a module looks 1.4 times as long along rows.
        let in_reach = (7.0..200.0).contains(&modules);
        if index != corner && in_reach && ratio(at.module, other.module) < 1.8 {
            near.push((distance, index));
        }
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(MAX_NEIGHBOURS);
    near.into_iter().map(|(_, index)| index).collect()
}

/// How far three finder patterns are from a right angle with equal legs and equal modules, and
/// from being sure; 0 is perfect. None if no symbol looks like that.
fn strain(corner: &Finder, first: &Finder, second: &Finder) -> Option<f64> {
    let to_first = first.centre.minus(corner.centre);
    let to_second = second.centre.minus(corner.centre);
    let legs = ratio(to_first.length(), to_second.length());
    let cosine = (to_first.dot(to_second) / (to_first.length() * to_second.length())).abs();
    // What a symbol shows that is tilted by 70 degrees.
    if legs > 3.6 || cosine > 0.88 {
        return None;
    }
    let modules = ratio(first.module, second.module)
        .max(ratio(first.module, corner.module))
        .max(ratio(second.module, corner.module));
    let doubt = 3.0 - corner.sureness() - first.sureness() - second.sureness();
    Some(cosine + (legs - 1.0) + 2.0 * (modules - 1.0) + doubt)
}

/// How many times the larger is the smaller.
fn ratio(a: f64, b: f64) -> f64 {
    a.max(b) / a.min(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::plane::Plane;

    /// A bitmap with finder patterns, of so many pixels a module, at these corners.
    fn bitmap(patterns: &[(usize, usize, usize)]) -> Bitmap {
        let dark = |x: usize, y: usize| {
            patterns.iter().any(|&(left, top, module)| {
                let (Some(x), Some(y)) = (x.checked_sub(left), y.checked_sub(top)) else {
                    return false;
                };
                let ring = (x / module).abs_diff(3).max((y / module).abs_diff(3));
                ring <= 1 || ring == 3
            })
        };
        let luma: Vec<u8> = (0..200 * 160)
            .map(|pixel| if dark(pixel % 200, pixel / 200) { 0 } else { 255 })
            .collect();
        Plane::new(luma, 200).darker_than_mean(40, 8)
    }

    #[test]
    fn patterns_are_found_where_they_are() {
        let mut budget = Budget::of(1_000_000);
        let found = scan(&bitmap(&[(20, 10, 3), (120, 60, 5)]), 8, &mut budget);
        let found: Vec<_> =
            found.iter().map(|finder| (finder.centre.x, finder.centre.y, finder.module)).collect();
        assert_eq!(found, [(137.5, 77.5, 5.0), (30.5, 20.5, 3.0)]);
    }

    #[test]
    fn runs_are_a_pattern_only_in_its_proportion() {
        let cases = [
            ("exact", [4, 4, 12, 4, 4], true),
            ("one pixel a module", [1, 1, 3, 1, 1], true),
            ("uneven", [5, 3, 13, 4, 3], true),
            ("narrow middle", [4, 4, 4, 4, 4], false),
            ("wide ring", [4, 9, 12, 4, 4], false),
            ("nothing", [1, 1, 1, 1, 1], false),
        ];
        for (name, lengths, expected) in cases {
            assert_eq!(is_finder(lengths), expected, "{name}");
        }
    }

    #[test]
    fn three_patterns_may_be_a_symbol_if_they_stand_like_one() {
        let three = |places: [(f64, f64, f64); 3]| {
            let finders =
                places.map(|(x, y, module)| Finder { centre: Point::new(x, y), module, rows: 9 });
            triples(&finders, 1)
        };
        let cases = [
            ("upright", [(0.0, 0.0, 3.0), (90.0, 0.0, 3.0), (0.0, 90.0, 3.0)], vec![[1, 0, 2]]),
            ("turned", [(0.0, 90.0, 3.0), (0.0, 0.0, 3.0), (-90.0, 90.0, 3.0)], vec![[2, 0, 1]]),
            ("askew", [(0.0, 0.0, 3.0), (80.0, 20.0, 2.5), (0.0, 90.0, 3.4)], vec![[1, 0, 2]]),
            (
                "from the side",
                [(185.0, 0.0, 2.7), (0.0, 60.0, 2.1), (-100.0, 175.0, 2.9)],
                vec![[0, 1, 2]],
            ),
            ("in a row", [(0.0, 0.0, 3.0), (90.0, 0.0, 3.0), (180.0, 0.0, 3.0)], vec![]),
            ("too near", [(0.0, 0.0, 9.0), (50.0, 0.0, 9.0), (0.0, 50.0, 9.0)], vec![]),
            ("of two sizes", [(0.0, 0.0, 3.0), (90.0, 0.0, 3.0), (0.0, 90.0, 6.0)], vec![]),
        ];
        for (name, places, expected) in cases {
            assert_eq!(three(places), expected, "{name}");
        }
    }
}
