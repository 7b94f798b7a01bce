//! Which stages a frame gets: all of them where it is the only one, and a few after the other where
//! the next one comes soon.

use super::budget::Budget;
use super::plane::Plane;
use super::scene::{Area, Scene, Threshold};
use super::search::{By, Search, Sizes, Stage};
use super::{Effort, Reading};
use crate::frame::Frame;

/// What a frame of a lane may cost, in looks.
///
/// Frames come 30 a second; no picture that was made to be slow takes more than 33 milliseconds.
const LIVE: u64 = 25_000_000;

/// What a scanned sheet or a photograph may cost: some tenths of a second.
const THOROUGH: u64 = 400_000_000;

/// The most pixels of a plane that is looked through.
const LIVE_PIXELS: usize = 1_300_000;
const THOROUGH_PIXELS: usize = 3_000_000;

/// For how many frames the place is remembered at which something was seen: a third of a second.
const REMEMBERED: u32 = 10;

/// What every frame gets: it reads nine of ten symbols that are read at all.
const CHEAP: Stage = grids(Threshold::Blocks { margin: 8 }, Sizes::All);

/// What is left where that does not read all that was seen, in turn. Measured on two thirds of the
/// pictures that others collected, 107 of zxing-cpp's, 130 of `ZXing`'s and 373 of `BoofCV`'s: without
/// the named stage alone, on so many fewer pictures a symbol is read.
///
/// With all of them on 105, 129 and 316 one is. That a grid is bent, in whichever stage, is worth 6,
/// 5 and 4 of these; the timing patterns none, and two of twelve drawn around a cylinder of 75
/// degrees.
const DEEP: [Stage; 6] = [
    // One of zxing-cpp's and one of BoofCV's: soft edges.
    grids(Threshold::Mean { radius: 3, margin: 2 }, Sizes::All),
    // None that the others do not read later: many small modules, and sooner.
    rxing(Threshold::Mean { radius: 12, margin: 8 }, 0),
    // Six symbols more on pictures of several.
    grids(Threshold::Mean { radius: 24, margin: 4 }, Sizes::All),
    // Four of BoofCV's: broken finder patterns.
    rqrr(Threshold::Mean { radius: 24, margin: 4 }, 0),
    // None of these; one of twelve that were drawn tilted by 70 degrees.
    grids(Threshold::Mean { radius: 4, margin: 3 }, Sizes::All),
    // One of BoofCV's, and seven symbols more on sheets of many.
    rxing(Threshold::Mean { radius: 8, margin: 0 }, 0),
];

const fn grids(threshold: Threshold, sizes: Sizes) -> Stage {
    Stage { by: By::Grids, threshold, sizes }
}

const fn rqrr(threshold: Threshold, halved: usize) -> Stage {
    Stage { by: By::Rqrr, threshold, sizes: Sizes::Halved(halved) }
}

const fn rxing(threshold: Threshold, halved: usize) -> Stage {
    Stage { by: By::Rxing, threshold, sizes: Sizes::Halved(halved) }
}

/// What is looked for, in turn, in frames that show nothing at the first look: soft edges, light on
/// dark, and little contrast, of which 10 of 255 are enough for the third; then what others see.
const IDLE_TURNS: [(Ink, Stage); 5] = [
    (Ink::Dark, grids(Threshold::Mean { radius: 3, margin: 2 }, Sizes::Halved(1))),
    (Ink::Light, grids(Threshold::Blocks { margin: 8 }, Sizes::Halved(1))),
    (Ink::Dark, grids(Threshold::Mean { radius: 12, margin: 3 }, Sizes::Halved(1))),
    (Ink::Dark, rxing(Threshold::Blocks { margin: 8 }, 1)),
    (Ink::Dark, rqrr(Threshold::Blocks { margin: 8 }, 1)),
];

/// Which modules of a symbol are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ink {
    Dark,
    Light,
}

/// Reads the frames of one camera, one after the other.
///
/// Each frame gets a cheap look. Where that shows something that it cannot read, or something was
/// seen a moment ago, the place gets deeper ones as far as the time of a frame goes; each frame
/// begins with another, so that soon all of them had their turn. Frames that show nothing get one
/// of the others now and then: a symbol may be light on dark.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    frames: usize,
    place: Option<Place>,
    panics: u32,
}

/// Where something was seen.
#[derive(Clone, Copy, Debug)]
struct Place {
    area: Area,
    /// Frames since.
    age: u32,
}

impl Reader {
    /// A reader that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the symbols in the next frame.
    #[must_use]
    pub fn next(&mut self, frame: &Frame) -> Reading {
        let scene = Scene::of(plane(frame));
        let mut search = Search::new(Budget::of(LIVE), LIVE_PIXELS);
        search.run(CHEAP, &scene);
        if !search.is_done() {
            let place = self.place.filter(|_| search.is_vain()).map(|place| place.area);
            let mut area = search.area().or(place);
            if area.is_none() {
                self.look_elsewhere(&mut search, &scene);
                area = search.area().filter(|_| !search.is_done());
            }
            if let Some(area) = area {
                self.go_deep(&mut search, &scene, area);
            }
        }
        self.frames = self.frames.wrapping_add(1);
        self.place = match (search.area(), self.place) {
            (Some(area), _) => Some(Place { area, age: 0 }),
            (None, Some(place)) if place.age < REMEMBERED => {
                Some(Place { age: place.age + 1, ..place })
            }
            _ => None,
        };
        self.panics = self.panics.saturating_add(search.panics().0);
        search.finish()
    }

    /// How often decoders of others panicked, which was caught.
    #[must_use]
    pub fn panics(&self) -> u32 {
        self.panics
    }

    /// Looks closer at where something was seen.
    fn go_deep(&self, search: &mut Search, scene: &Scene<'_>, area: Area) {
        let scene = scene.cropped(area.widened(area.length() / 8.0));
        search.deepen();
        let turns = DEEP.iter().cycle().skip(self.frames % DEEP.len()).take(DEEP.len());
        for &stage in turns {
            search.run(stage, &scene);
            if search.is_done() {
                return;
            }
        }
        if search.is_vain() {
            search.run(CHEAP, &scene.inverted());
        }
    }

    /// Looks for what the first look does not see.
    fn look_elsewhere(&self, search: &mut Search, scene: &Scene<'_>) {
        if self.frames.is_multiple_of(2) {
            return;
        }
        let (ink, stage) = IDLE_TURNS[self.frames / 2 % IDLE_TURNS.len()];
        match ink {
            Ink::Dark => search.run(stage, scene),
            Ink::Light => search.run(stage, &scene.inverted()),
        }
    }
}

/// Reads the symbols in one frame, with all that `effort` allows.
pub(super) fn read(frame: &Frame, effort: Effort) -> Reading {
    match effort {
        // The first frame of a lane is looked over once alone; of one that stays alone this is all.
        Effort::Live => Reader { frames: 1, ..Reader::new() }.next(frame),
        Effort::Thorough => read_thoroughly(frame),
    }
}

fn read_thoroughly(frame: &Frame) -> Reading {
    let scene = Scene::of(plane(frame));
    let mut search = Search::new(Budget::of(THOROUGH), THOROUGH_PIXELS);
    search.run(CHEAP, &scene);
    if !search.is_done() {
        // What is of many modules it reads sooner.
        search.run(DEEP[1], &scene);
    }
    // After the cheap attempts, lest the dear ones use up what those need.
    search.deepen();
    for stage in [CHEAP].into_iter().chain(DEEP) {
        if search.is_done() {
            return search.finish();
        }
        search.run(stage, &scene);
    }
    if search.is_vain() {
        let scene = scene.inverted();
        for stage in [CHEAP].into_iter().chain(DEEP) {
            search.run(stage, &scene);
            if search.is_done() {
                break;
            }
        }
    }
    search.finish()
}

/// What the frame shows.
fn plane(frame: &Frame) -> Plane<'_> {
    // A side has 8 192 pixels at the most, so that this cannot fail.
    let width = usize::try_from(frame.width()).unwrap_or_default();
    Plane::new(frame.luma(), width)
}
