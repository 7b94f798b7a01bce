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
const LIVE: u64 = 24_000_000;

/// What a scanned sheet or a photograph may cost: some tenths of a second.
const THOROUGH: u64 = 400_000_000;

/// The most pixels of a plane that is looked through.
const LIVE_PIXELS: usize = 1_300_000;
const THOROUGH_PIXELS: usize = 3_000_000;

/// For how many frames the place is remembered at which something was seen: a third of a second.
const REMEMBERED: u32 = 10;

/// What every frame gets: it reads nine of ten symbols that are read at all.
const CHEAP: Stage = grids(Threshold::Blocks { margin: 8 }, Sizes::All);

/// What is left where that does not read all that was seen, in turn. Measured on pictures that others
/// collected, two thirds of zxing-cpp's (107), `ZXing`'s (130) and `BoofCV`'s (373), and on 1,980 that
/// were drawn and spoilt in 41 ways: without the named stage alone, so many fewer are read.
///
/// With all of them 105, 129, 316 and 1,604 are. That a grid is bent, in whichever stage, is worth 6,
/// 5 and 4 of the collected; the timing patterns none of these, and two of twelve drawn around a
/// cylinder of 75 degrees.
const DEEP: [Stage; 5] = [
    // One of zxing-cpp's, one of BoofCV's, 36 drawn: soft edges.
    grids(Threshold::Mean { radius: 3, margin: 2 }, Sizes::All),
    // One of BoofCV's, 8 drawn, six symbols more on pictures of several: specks, tilt.
    grids(Threshold::Mean { radius: 24, margin: 4 }, Sizes::All),
    // Four of BoofCV's, 2 drawn: broken finder patterns.
    rqrr(Threshold::Mean { radius: 24, margin: 4 }, 0),
    // Six drawn: noise, tilt.
    grids(Threshold::Mean { radius: 4, margin: 3 }, Sizes::All),
    // Two of BoofCV's, 14 drawn, nine symbols more on sheets of many: little light and contrast.
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
    (Ink::Dark, grids(Threshold::Mean { radius: 3, margin: 2 }, Sizes::Smaller)),
    (Ink::Light, grids(Threshold::Mean { radius: 3, margin: 2 }, Sizes::Smaller)),
    (Ink::Dark, grids(Threshold::Mean { radius: 12, margin: 3 }, Sizes::Smaller)),
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
    sight: Option<Sight>,
    panics: u32,
}

/// Something that was seen.
#[derive(Clone, Copy, Debug)]
struct Sight {
    area: Area,
    ink: Ink,
    /// Frames since.
    age: u32,
}

impl Sight {
    /// What `search` has seen, which looked for symbols in `ink`.
    fn of(search: &Search, ink: Ink) -> Option<Self> {
        search.area().map(|area| Self { area, ink, age: 0 })
    }
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
        let mut ink = Ink::Dark;
        if !search.is_done() {
            let mut sight = Sight::of(&search, ink).or(self.sight);
            if sight.is_none() {
                ink = self.look_elsewhere(&mut search, &scene);
                sight = Sight::of(&search, ink);
            }
            if let Some(sight) = sight.filter(|_| !search.is_done()) {
                ink = sight.ink;
                self.go_deep(&mut search, &scene, sight);
            }
        }
        self.frames = self.frames.wrapping_add(1);
        let before = self.sight.filter(|sight| sight.age < REMEMBERED);
        let before = before.map(|sight| Sight { age: sight.age + 1, ..sight });
        self.sight = Sight::of(&search, ink).or(before);
        self.panics = self.panics.saturating_add(search.panics().0);
        search.finish()
    }

    /// How often decoders of others panicked, which was caught.
    #[must_use]
    pub fn panics(&self) -> u32 {
        self.panics
    }

    /// Looks closer at where something was seen.
    fn go_deep(&self, search: &mut Search, scene: &Scene<'_>, sight: Sight) {
        let part = scene.cropped(sight.area.widened(sight.area.length() / 8.0));
        let part = match sight.ink {
            Ink::Dark => part,
            Ink::Light => part.inverted(),
        };
        search.deepen();
        // The first look was for dark ink alone.
        let first = (sight.ink == Ink::Light).then_some(CHEAP);
        let turns = DEEP.into_iter().cycle().skip(self.frames % DEEP.len()).take(DEEP.len());
        for stage in first.into_iter().chain(turns) {
            search.run(stage, &part);
            if search.is_done() {
                return;
            }
        }
        if search.is_vain() {
            search.run(CHEAP, &part.inverted());
        }
    }

    /// Looks for what the first look does not see, and says in which ink.
    fn look_elsewhere(&self, search: &mut Search, scene: &Scene<'_>) -> Ink {
        if self.frames.is_multiple_of(2) {
            return Ink::Dark;
        }
        let (ink, stage) = IDLE_TURNS[self.frames / 2 % IDLE_TURNS.len()];
        match ink {
            Ink::Dark => search.run(stage, scene),
            Ink::Light => search.run(stage, &scene.inverted()),
        }
        ink
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
