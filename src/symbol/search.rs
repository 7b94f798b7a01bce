//! The search of one frame: what is looked for, at which sizes, in which order, and how much of it.
//!
//! A [`Stage`] is one way of looking through a scene. The cheap ones come first; which deep ones
//! follow, and on how much of the frame, is up to [`read`](super::read) and
//! [`Reader`](super::Reader). Whatever a picture shows, each step is paid for from a [`Budget`].

use super::budget::Budget;
use super::content::Content;
use super::finder::{self, Finder};
use super::grid::{Anchors, Grid};
use super::guard::Panics;
use super::hint::{self, Hint};
use super::modules::Modules;
use super::perspective::Point;
use super::plane::{Bitmap, Plane, real};
use super::scene::{Area, Scene, Threshold};
use super::{Reading, overflow, rqrr, rxing};

/// One way of looking for symbols in a scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub(super) by: By,
    pub(super) threshold: Threshold,
    pub(super) sizes: Sizes,
}

/// Who looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    /// [`finder`] and [`Grid`](super::grid): little of it costs little, and nothing sees as much.
    Grids,
    /// rqrr's floods.
    Rqrr,
    /// rxing's edges.
    Rxing,
}

/// At which sizes a scene is looked through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sizes {
    /// At all, half the size first: a quarter of the work, and mostly enough.
    All,
    /// At half the size, and all that are smaller.
    Smaller,
    /// At the largest that may be looked through at all, halved so often.
    Halved(usize),
}

/// How hard it is tried to decode what was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Depth {
    /// Flat, sharpened, and creased.
    Quick,
    /// Bent, and with several thresholds.
    Deep,
}

/// The most finder patterns in one bitmap that are put together: their square counts.
const MAX_FINDERS: usize = 128;

/// The most threes of them in one bitmap.
const MAX_TRIPLES: usize = 64;

/// How much must speak for a grid, of 1.7, to be tried before others are fitted.
const SURE: f64 = 1.2;

/// How often one symbol is tried, from bitmaps that show its finder patterns a little differently.
const TRIES: u32 = 3;

/// Modules around finder patterns within which another is the same one.
const SAME: f64 = 3.0;

/// The most pixels of a plane that rqrr and rxing are given.
const MAX_RQRR: usize = 350_000;
const MAX_RXING: usize = 1_700_000;

/// What things cost, in looks: to look for finder patterns in a pixel (in tenths), and at one more
/// closely; to fit a grid; to align one; to look at a module once, to sample it, to decode it; and
/// to find how a grid is bent, for each of its parts.
const SCAN: u64 = 6;
const FIT: u64 = 250_000;
const ALIGN: u64 = 90_000;
const GLANCE: u64 = 30;
const SAMPLE: u64 = 180;
const DECODE: u64 = 60;
const BEND: u64 = 2_100;

/// One frame, as far as it was looked through.
#[derive(Debug)]
pub(super) struct Search {
    budget: Budget,
    depth: Depth,
    /// The most pixels of a plane that is looked through.
    pixels: usize,
    read: Vec<([Point; 4], Content)>,
    unread: Vec<Unread>,
    panics: Panics,
}

/// A grid, and in which of the planes it lies.
struct Candidate {
    grid: Grid,
    plane: usize,
    site: Site,
}

/// The middles of three finder patterns, and the pixels of a module, in the frame.
#[derive(Clone, Copy, Debug)]
struct Site {
    middles: [Point; 3],
    module: f64,
}

/// What was tried in vain.
#[derive(Clone, Copy, Debug)]
struct Unread {
    site: Site,
    tries: u32,
    seen: bool,
    hint: Option<Hint>,
}

impl Search {
    /// A search that may cost so much, and looks through planes of so many pixels at the most.
    pub(super) fn new(budget: Budget, pixels: usize) -> Self {
        Self {
            budget,
            depth: Depth::Quick,
            pixels,
            read: Vec::new(),
            unread: Vec::new(),
            panics: Panics::default(),
        }
    }

    /// Goes on with all the attempts there are to decode.
    pub(super) fn deepen(&mut self) {
        self.depth = Depth::Deep;
        self.unread.iter_mut().for_each(|unread| unread.tries = 0);
    }

    /// Whether something was read and nothing seen was not.
    pub(super) fn is_done(&self) -> bool {
        !self.read.is_empty() && self.seen_unread().is_empty()
    }

    /// Whether nothing was read.
    pub(super) fn is_vain(&self) -> bool {
        self.read.is_empty()
    }

    /// Where symbols were seen.
    pub(super) fn area(&self) -> Option<Area> {
        let read = self.read.iter().filter_map(|(corners, _)| Area::around(*corners));
        let unread = self.seen_unread();
        let unread = unread.iter().filter_map(|unread| unread.site.area());
        read.chain(unread).reduce(Area::and)
    }

    /// How often decoders of others panicked.
    pub(super) fn panics(&self) -> Panics {
        self.panics
    }

    /// Looks through a scene in one way, until all that is seen is read.
    pub(super) fn run(&mut self, stage: Stage, scene: &Scene<'_>) {
        let planes = scene.planes();
        let most = match stage.by {
            By::Grids => self.pixels,
            By::Rqrr => self.pixels.min(MAX_RQRR),
            By::Rxing => self.pixels.min(MAX_RXING),
        };
        let finest = planes.iter().position(|plane| plane.pixels() <= most);
        let finest = finest.unwrap_or(planes.len());
        let mut order: Vec<usize> = (finest..planes.len()).collect();
        match stage.sizes {
            Sizes::All if order.len() > 1 => order.swap(0, 1),
            Sizes::All => {}
            Sizes::Smaller => order = order.into_iter().skip(1).collect(),
            Sizes::Halved(times) => order = order.into_iter().skip(times).take(1).collect(),
        }
        for level in order {
            if self.look(stage, scene, level).is_none() {
                return;
            }
            // A sheet may hold symbols that only another size shows; the next frame of a lane
            // will do for those.
            if self.depth == Depth::Quick && self.is_done() {
                return;
            }
        }
    }

    /// Looks through the plane at `level`; none if that costs too much.
    fn look(&mut self, stage: Stage, scene: &Scene<'_>, level: usize) -> Option<()> {
        let pixels = scene.planes()[level].pixels();
        self.budget.take(Budget::price(pixels, stage.threshold.price() + SCAN) / 10)?;
        let bitmap = scene.bitmap(level, stage.threshold);
        match stage.by {
            By::Grids => self.fit(scene, level, &bitmap),
            By::Rqrr => {
                for found in rqrr::detect(&bitmap, &mut self.budget, &mut self.panics) {
                    let content = self.decode(&found.dark, found.size);
                    self.keep(found.corners, level, content, scene);
                }
            }
            By::Rxing => {
                for (corners, content) in rxing::detect(&bitmap, &mut self.budget, &mut self.panics)
                {
                    self.keep(corners, level, Some(content), scene);
                }
            }
        }
        Some(())
    }

    /// Keeps what others read, unless it was read before.
    fn keep(
        &mut self,
        corners: [Point; 4],
        level: usize,
        content: Option<Content>,
        scene: &Scene<'_>,
    ) {
        let corners = corners.map(|corner| scene.in_frame(corner, level));
        let sum = corners.iter().fold(Point::default(), |sum, &corner| sum.plus(corner));
        let middle = sum.times(0.25);
        let known = self.read.iter().any(|(area, _)| contains(area, middle));
        if let (Some(content), false) = (content, known) {
            self.read.push((corners, content));
        }
    }

    /// Fits grids to the finder patterns in one bitmap, and tries to read them.
    fn fit(&mut self, scene: &Scene<'_>, level: usize, bitmap: &Bitmap) {
        let finders = finder::scan(bitmap, MAX_FINDERS, &mut self.budget);
        let mut candidates = Vec::new();
        // Noise looks like many finder patterns; other sizes of the frame show fewer.
        let kept = self.budget.left() / 2;
        for triple in finder::triples(&finders, MAX_TRIPLES) {
            let three = triple.map(|index| finders[index]);
            let site = Site::new(&three, scene, level);
            if self.is_read(&site) {
                continue;
            }
            if self.budget.left() < kept || self.budget.take(FIT).is_none() {
                break;
            }
            let planes = scene.planes();
            let (plane, factor) = sampled(planes.len(), level, &three);
            let three = three.map(|finder| finder.scaled(factor));
            let Some(grid) = Grid::fit(&planes[plane], &three) else { continue };
            let candidate = Candidate { grid, plane, site };
            if candidate.grid.evidence() > SURE {
                // What is read spares the threes that share its finder patterns.
                self.attempt(&candidate, scene);
            } else {
                candidates.push(candidate);
            }
        }
        candidates.sort_by(|a, b| b.grid.evidence().total_cmp(&a.grid.evidence()));
        for candidate in candidates {
            self.attempt(&candidate, scene);
        }
        if self.read.is_empty() && self.seen_unread().is_empty() {
            self.note_overflow(&finders, scene, level, bitmap);
        }
    }

    /// Notes a symbol that reaches beyond the frame, and of which too little is left for a grid.
    fn note_overflow(
        &mut self,
        finders: &[Finder],
        scene: &Scene<'_>,
        level: usize,
        bitmap: &Bitmap,
    ) {
        let Some(overflow) = overflow::find(bitmap, finders, &mut self.budget) else { return };
        let [from, to] = [overflow.from, overflow.to].map(|at| scene.in_frame(at, level));
        // What leaves a part of the frame need not leave the frame.
        let reached = Area::around([from, to]).map(|area| area.widened(2.0 * real(1 << level)));
        if reached.is_some_and(|reached| !scene.frame().has(&reached)) {
            let site =
                Site { middles: [to, from, from], module: overflow.module * real(1 << level) };
            let hint = Some(Hint::TooClose);
            self.unread.push(Unread { site, tries: 0, seen: true, hint });
        }
    }

    /// Tries to read one grid, unless what it shows is read or was tried often enough.
    fn attempt(&mut self, candidate: &Candidate, scene: &Scene<'_>) {
        let Candidate { grid, plane, site } = candidate;
        let (likely, seen) = (grid.is_likely(), grid.is_seen());
        if !(likely || seen) || self.is_read(site) {
            return;
        }
        let known = self.unread.iter().position(|unread| unread.site.is(site));
        let known = known.unwrap_or_else(|| {
            self.unread.push(Unread { site: *site, tries: 0, seen: false, hint: None });
            self.unread.len() - 1
        });
        self.unread[known].seen |= seen;
        let level = *plane;
        let plane = &scene.planes()[level];
        if likely && self.unread[known].tries < TRIES {
            self.unread[known].tries += 1;
            if let Some(content) = self.read(grid, plane) {
                let corners = grid.bounds().map(|corner| scene.in_frame(corner, level));
                self.read.push((corners, content));
                return;
            }
        }
        if seen && self.unread[known].hint.is_none() {
            let looks = Budget::price(grid.size() * grid.size(), GLANCE);
            if self.budget.take(looks).is_some() {
                let corners = grid.bounds().map(|corner| scene.in_frame(corner, level));
                self.unread[known].hint = hint::measured(grid, plane, &corners, scene.frame());
            }
        }
    }

    /// The content of `grid`, from the likeliest way to see its modules to the least.
    fn read(&mut self, grid: &Grid, plane: &Plane<'_>) -> Option<Content> {
        let modules = grid.size() * grid.size();
        self.budget.take(ALIGN + Budget::price(modules, GLANCE))?;
        let flat = grid.aligned(plane, Anchors::Corners);
        let content = self.ask(&flat.glance(plane), 5);
        if content.is_some() {
            return content;
        }
        self.budget.take(Budget::price(modules, SAMPLE))?;
        let plain = flat.sample(plane);
        let sharp = plain.sharpened();
        let content = self.ask(&plain, 5).or_else(|| self.ask(&sharp, 5));
        if content.is_some() {
            return content;
        }
        self.budget.take(ALIGN + Budget::price(modules, SAMPLE))?;
        let creased = grid.aligned(plane, Anchors::Middles).sample(plane);
        let content = self.ask(&creased, 5);
        if content.is_some() {
            return content;
        }
        self.budget.take(Budget::price(modules, SAMPLE))?;
        let timed = flat.timed(plane);
        let content = timed.and_then(|timed| self.ask(&timed, 5));
        if content.is_some() || self.depth == Depth::Quick {
            return content;
        }
        self.budget.take(Budget::price(modules, BEND))?;
        let bent = flat.bent(plane);
        let more = [
            (&bent, 5),
            (&bent.sharpened(), 5),
            (&bent, 2),
            (&plain, 2),
            (&plain, 12),
            (&sharp.sharpened(), 6),
            (&creased.sharpened(), 6),
        ];
        more.iter().find_map(|(modules, radius)| self.ask(modules, *radius))
    }

    /// What `modules` say, told dark from light by those up to `radius` around each.
    fn ask(&mut self, modules: &Modules, radius: usize) -> Option<Content> {
        self.decode(&modules.dark(radius), modules.size())
    }

    /// What the modules of a symbol say, as long as that may be asked.
    fn decode(&mut self, dark: &[bool], size: usize) -> Option<Content> {
        self.budget.take(Budget::price(size * size, DECODE))?;
        rxing::decode(dark, size, &mut self.panics)
    }

    /// Whether one of the finder patterns belongs to a symbol that was read.
    fn is_read(&self, site: &Site) -> bool {
        self.read.iter().any(|(area, _)| site.middles.iter().any(|&middle| contains(area, middle)))
    }

    /// What was seen and not read, each finder pattern counted for one.
    fn seen_unread(&self) -> Vec<Unread> {
        let mut counted: Vec<Unread> = Vec::new();
        for unread in self.unread.iter().filter(|unread| unread.seen) {
            let site = &unread.site;
            if !self.is_read(site) && !counted.iter().any(|other| other.site.touches(site)) {
                counted.push(*unread);
            }
        }
        counted
    }

    /// What the search came to.
    pub(super) fn finish(self) -> Reading {
        let unread = self.seen_unread();
        let seen = self.read.len() + unread.len();
        let hint = unread.iter().find_map(|unread| unread.hint);
        let mut texts = Vec::new();
        for (_, content) in self.read {
            match content {
                Content::Text(text) if !texts.contains(&text) => texts.push(text),
                Content::Text(_) | Content::Bytes => {}
            }
        }
        Reading { texts, seen, hint }
    }
}

impl Site {
    /// The site of `finders` in the plane of a scene at `level`.
    fn new(finders: &[Finder; 3], scene: &Scene<'_>, level: usize) -> Self {
        let module = finders.iter().map(|finder| finder.module).fold(0.0, f64::max);
        let middles = finders.map(|finder| scene.in_frame(finder.centre, level));
        Self { middles, module: module * real(1 << level) }
    }

    /// What is around it, the fourth corner of the symbol too.
    fn area(&self) -> Option<Area> {
        let [right, corner, below] = self.middles;
        let fourth = right.plus(below).minus(corner);
        let area = Area::around([right, corner, below, fourth])?;
        Some(area.widened(self.module * 8.0))
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
        let unread = |site, seen| Unread { site, tries: 1, seen, hint: None };
        let cases = [
            ("none", vec![], 0),
            ("one", vec![unread(site(0.0, 0.0), true)], 1),
            ("not well enough", vec![unread(site(0.0, 0.0), false)], 0),
            ("twice", vec![unread(site(0.0, 0.0), true), unread(site(2.0, 2.0), true)], 1),
            ("sharing one", vec![unread(site(0.0, 0.0), true), unread(site(100.0, 0.0), true)], 1),
            ("apart", vec![unread(site(0.0, 0.0), true), unread(site(300.0, 0.0), true)], 2),
        ];
        for (name, unread, seen) in cases {
            let search = Search { unread, ..Search::new(Budget::of(0), 0) };
            assert_eq!(search.finish().seen, seen, "{name}");
        }
    }
}
