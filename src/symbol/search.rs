//! The search of one frame: which sizes, which thresholds, in which order, and how much of it.
//!
//! Every step is bounded by a count in [`Limits`], whatever the picture shows. What the counts
//! cost was measured on pictures and on posters made to be slow.

use super::finder::{self, Finder};
use super::grid::{Anchors, Grid};
use super::modules::Modules;
use super::perspective::Point;
use super::plane::{Plane, real};
use super::rqrr::{self, Content};
use super::{Effort, Reading};

/// How much work a frame may make.
struct Limits {
    /// The most pixels of a plane in which finder patterns are looked for: 3 ms a million, and 12
    /// in noise.
    pixels: usize,
    /// The most finder patterns in one bitmap that are put together: their square counts.
    finders: usize,
    /// The most threes of them in one bitmap.
    triples: usize,
    /// The most grids fitted in all: some 0.1 ms each.
    fits: usize,
    /// The most modules in all, those of one symbol counted each time that they are read off a
    /// plane or handed to rqrr. A module takes 0.1 microseconds to read and up to one to correct:
    /// version 40 takes 30 ms.
    modules: usize,
    /// Which bitmaps are made, in turn.
    passes: &'static [Pass],
}

/// The bitmaps of one threshold.
struct Pass {
    /// Pixels around one whose mean it is compared with.
    radius: usize,
    /// How much darker it must be.
    margin: u8,
    /// How many planes are looked through.
    planes: usize,
}

/// The most planes a frame has: the longest side halved until it is too short.
const ALL: usize = 8;

/// One frame of 1280 by 720 in some milliseconds: all sizes, and half the size once more with a
/// threshold that follows soft edges.
const LIVE: Limits = Limits {
    pixels: 1_300_000,
    finders: 64,
    triples: 32,
    fits: 48,
    modules: 36_000,
    passes: &[
        Pass { radius: 12, margin: 8, planes: ALL },
        Pass { radius: 3, margin: 2, planes: 1 },
    ],
};

/// A scanned sheet or a photograph in some tenths of a second.
const THOROUGH: Limits = Limits {
    pixels: 3_000_000,
    finders: 128,
    triples: 128,
    fits: 200,
    modules: 150_000,
    passes: &[
        Pass { radius: 12, margin: 8, planes: ALL },
        Pass { radius: 24, margin: 4, planes: ALL },
        Pass { radius: 4, margin: 3, planes: ALL },
    ],
};

/// The shortest side, in pixels, of a plane worth looking through: version 1 at two pixels a
/// module.
const SHORTEST_SIDE: usize = 42;

/// How often one symbol is tried, from bitmaps that show its finder patterns a little differently.
const TRIES: u32 = 3;

/// The largest symbol whose right lower corner is searched for by trying: version 6. Larger ones
/// have alignment patterns enough, and cost more.
const DRAWN_SIZE: usize = 41;

/// Modules around finder patterns within which another is the same one.
const SAME: f64 = 3.0;

/// Reads the symbols in `full`.
pub(super) fn read(full: Plane<'_>, effort: Effort) -> Reading {
    let planes = pyramid(full);
    let mut search = Search::new();
    search.run(&planes);
    if effort == Effort::Thorough {
        // After the cheap attempts, lest the dear ones use up what those need.
        search.deepen();
        search.run(&planes);
        if search.read.is_empty() {
            // Light on dark.
            let planes: Vec<_> = planes.iter().map(Plane::inverted).collect();
            search.run(&planes);
        }
    }
    search.finish()
}

/// The plane, and again and again at half the size.
fn pyramid(full: Plane<'_>) -> Vec<Plane<'_>> {
    let mut planes = vec![full];
    while let Some(last) = planes.last()
        && last.shorter_side() >= 2 * SHORTEST_SIDE
    {
        planes.push(last.halved());
    }
    planes
}

struct Search {
    effort: Effort,
    limits: Limits,
    read: Vec<([Point; 4], Content)>,
    unread: Vec<Unread>,
}

/// A grid, and in which of the planes it lies.
struct Candidate {
    grid: Grid,
    plane: usize,
    site: Site,
}

/// The middles of three finder patterns, and the pixels of a module, in the full plane.
#[derive(Clone, Copy)]
struct Site {
    middles: [Point; 3],
    module: f64,
}

/// What was tried in vain.
struct Unread {
    site: Site,
    tries: u32,
    seen: bool,
}

impl Search {
    fn new() -> Self {
        Self { effort: Effort::Live, limits: LIVE, read: Vec::new(), unread: Vec::new() }
    }

    /// Goes on with all the attempts there are.
    fn deepen(&mut self) {
        self.effort = Effort::Thorough;
        self.limits = THOROUGH;
        self.unread.iter_mut().for_each(|unread| unread.tries = 0);
    }

    /// Looks through `planes`, each half the size of the one before, until all that is seen is
    /// read.
    fn run(&mut self, planes: &[Plane<'_>]) {
        let small = |plane: &Plane<'_>| plane.pixels() <= self.limits.pixels;
        let finest = planes.iter().position(small).unwrap_or(planes.len());
        let mut order: Vec<usize> = (finest..planes.len()).collect();
        if order.len() > 1 {
            // Half the size is a quarter of the work, and mostly enough.
            order.swap(0, 1);
        }
        for pass in self.limits.passes {
            for &level in order.iter().take(pass.planes) {
                self.look(planes, level, pass);
                // A sheet may hold symbols that only another size shows; the next frame of a lane
                // will do for those.
                if self.effort == Effort::Live && self.is_done() {
                    return;
                }
            }
            if self.is_done() {
                return;
            }
        }
    }

    /// Whether something was read and nothing seen was not.
    fn is_done(&self) -> bool {
        !self.read.is_empty() && self.seen_unread() == 0
    }

    /// Looks for symbols whose finder patterns show in one bitmap.
    fn look(&mut self, planes: &[Plane<'_>], level: usize, pass: &Pass) {
        let bitmap = planes[level].darker_than_mean(pass.radius, pass.margin);
        let finders = finder::scan(&bitmap, self.limits.finders);
        let mut candidates = Vec::new();
        for triple in finder::triples(&finders, self.limits.triples) {
            let three = triple.map(|index| finders[index]);
            let site = Site::new(&three, real(1 << level));
            if self.is_read(&site) || self.limits.fits == 0 {
                continue;
            }
            self.limits.fits -= 1;
            let (plane, factor) = sampled(planes.len(), level, &three);
            let three = three.map(|finder| finder.scaled(factor));
            let grid = Grid::fit(&planes[plane], &three);
            candidates.extend(grid.map(|grid| Candidate { grid, plane, site }));
        }
        candidates.sort_by(|a, b| b.grid.evidence().total_cmp(&a.grid.evidence()));
        for candidate in candidates {
            self.attempt(&candidate, planes);
        }
    }

    /// Tries to read one grid, unless what it shows is read or was tried often enough.
    fn attempt(&mut self, candidate: &Candidate, planes: &[Plane<'_>]) {
        let Candidate { grid, plane, site } = candidate;
        let (likely, seen) = (grid.is_likely(), grid.is_seen());
        if !(likely || seen) || self.is_read(site) {
            return;
        }
        let known = self.unread.iter().position(|unread| unread.site.is(site));
        let known = known.unwrap_or_else(|| {
            self.unread.push(Unread { site: *site, tries: 0, seen: false });
            self.unread.len() - 1
        });
        let unread = &mut self.unread[known];
        unread.seen |= seen;
        if !likely || unread.tries == TRIES {
            return;
        }
        unread.tries += 1;
        if let Some(content) = self.decode(grid, &planes[*plane]) {
            let scale = real(1 << plane);
            self.read.push((grid.bounds().map(|corner| corner.times(scale)), content));
        }
    }

    /// The content of `grid`, from the likeliest way to see its modules to the least.
    fn decode(&mut self, grid: &Grid, plane: &Plane<'_>) -> Option<Content> {
        let flat = grid.aligned(plane, Anchors::Corners);
        let plain = self.sample(&flat, plane)?;
        let sharp = plain.sharpened();
        let content = self.ask(&plain, 5).or_else(|| self.ask(&sharp, 5));
        if content.is_some() {
            return content;
        }
        let creased = self.sample(&grid.aligned(plane, Anchors::Middles), plane)?;
        let content = self.ask(&creased, 5);
        if content.is_some() || self.effort == Effort::Live {
            return content;
        }
        let more = [(&plain, 2), (&plain, 12), (&sharp.sharpened(), 6), (&creased.sharpened(), 6)];
        let content = more.iter().find_map(|(modules, radius)| self.ask(modules, *radius));
        if content.is_some() || grid.size() > DRAWN_SIZE {
            return content;
        }
        let ways = [0.7, 1.4].into_iter().flat_map(|far| {
            let sides = [(far, 0.0), (0.0, far), (-far, 0.0), (0.0, -far)];
            let corners = [(far, far), (-far, -far), (far, -far), (-far, far)];
            sides.into_iter().chain(corners)
        });
        ways.map(|(x, y)| flat.drawn(Point::new(x, y))).find_map(|grid| {
            let modules = self.sample(&grid, plane)?;
            self.ask(&modules, 5)
        })
    }

    /// The modules of `grid`, as long as there are any left to be read.
    fn sample(&mut self, grid: &Grid, plane: &Plane<'_>) -> Option<Modules> {
        self.limits.modules = self.limits.modules.checked_sub(grid.size() * grid.size())?;
        Some(grid.sample(plane))
    }

    /// What rqrr makes of `modules`, as long as it may be asked.
    fn ask(&mut self, modules: &Modules, radius: usize) -> Option<Content> {
        let size = modules.size();
        self.limits.modules = self.limits.modules.checked_sub(size * size)?;
        rqrr::decode(&modules.dark(radius), size)
    }

    /// Whether one of the finder patterns belongs to a symbol that was read.
    fn is_read(&self, site: &Site) -> bool {
        self.read.iter().any(|(area, _)| site.middles.iter().any(|&middle| contains(area, middle)))
    }

    /// How many symbols were seen and not read, each finder pattern counted for one.
    fn seen_unread(&self) -> usize {
        let mut counted: Vec<Site> = Vec::new();
        for Unread { site, .. } in self.unread.iter().filter(|unread| unread.seen) {
            if !self.is_read(site) && !counted.iter().any(|other| other.touches(site)) {
                counted.push(*site);
            }
        }
        counted.len()
    }

    fn finish(self) -> Reading {
        let seen = self.read.len() + self.seen_unread();
        let mut texts = Vec::new();
        for (_, content) in self.read {
            match content {
                Content::Text(text) if !texts.contains(&text) => texts.push(text),
                Content::Text(_) | Content::Bytes => {}
            }
        }
        Reading { texts, seen }
    }
}

impl Site {
    /// The site of `finders` in a plane that is `scale` times smaller than the full one.
    fn new(finders: &[Finder; 3], scale: f64) -> Self {
        let module = finders.iter().map(|finder| finder.module).fold(0.0, f64::max);
        Self { middles: finders.map(|finder| finder.centre.times(scale)), module: module * scale }
    }

    /// Whether all three finder patterns are the same.
    fn is(&self, other: &Self) -> bool {
        self.middles.iter().all(|&middle| other.has(middle))
    }

    /// Whether one of the finder patterns is the same.
    fn touches(&self, other: &Self) -> bool {
        self.middles.iter().any(|&middle| other.has(middle))
    }

    fn has(&self, middle: Point) -> bool {
        self.middles.iter().any(|own| own.minus(middle).length() < self.module * SAME)
    }
}

/// The plane in which the modules of `finders`, found in that at `level`, are read, and by how much
/// places there are larger: three to nine pixels a module, so that noise evens out and little is
/// read twice.
fn sampled(planes: usize, level: usize, finders: &[Finder; 3]) -> (usize, f64) {
    let module = finders.iter().map(|finder| finder.module).fold(f64::MAX, f64::min);
    let (mut plane, mut factor) = (level, 1.0);
    while plane > 0 && module * factor < 3.0 {
        plane -= 1;
        factor *= 2.0;
    }
    while plane + 1 < planes && module * factor > 9.0 {
        plane += 1;
        factor /= 2.0;
    }
    (plane, factor)
}

/// Whether `point` lies in an area whose corners go clockwise, or counter-clockwise.
fn contains(area: &[Point; 4], point: Point) -> bool {
    let [a, b, c, d] = *area;
    [(a, b), (b, c), (c, d), (d, a)]
        .iter()
        .all(|(from, to)| to.minus(*from).cross(point.minus(*from)) >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_where_they_are_three_to_nine_pixels() {
        let finder = |module| Finder { centre: Point::default(), module, rows: 3 };
        let cases = [
            ("fits", 2, 4.0, (2, 1.0)),
            ("too small", 2, 1.4, (0, 4.0)),
            ("too small at full size", 0, 1.4, (0, 1.0)),
            ("too large", 2, 30.0, (4, 0.25)),
            ("too large at the smallest size", 4, 30.0, (4, 1.0)),
        ];
        for (name, level, module, expected) in cases {
            assert_eq!(sampled(5, level, &[finder(module); 3]), expected, "{name}");
        }
    }

    #[test]
    fn each_finder_pattern_counts_for_one_symbol() {
        let site = |x: f64, y: f64| {
            let middles = [(x + 100.0, y), (x, y), (x, y + 100.0)].map(|(x, y)| Point::new(x, y));
            Site { middles, module: 5.0 }
        };
        let unread = |site, seen| Unread { site, tries: 1, seen };
        let cases = [
            ("none", vec![], 0),
            ("one", vec![unread(site(0.0, 0.0), true)], 1),
            ("not well enough", vec![unread(site(0.0, 0.0), false)], 0),
            ("twice", vec![unread(site(0.0, 0.0), true), unread(site(2.0, 2.0), true)], 1),
            ("sharing one", vec![unread(site(0.0, 0.0), true), unread(site(100.0, 0.0), true)], 1),
            ("apart", vec![unread(site(0.0, 0.0), true), unread(site(300.0, 0.0), true)], 2),
        ];
        for (name, unread, seen) in cases {
            let search = Search { unread, ..Search::new() };
            assert_eq!(search.finish().seen, seen, "{name}");
        }
    }
}
