//! Pictures of the screens, drawn without a display.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use greengate::{
    clock::Timestamp,
    decision::Detail,
    frame::Frame,
    language::Words,
    presentation::{HintWords, Presentation},
    session::Tally,
    symbol::Hint,
};
use image::RgbImage;
use slint::{
    ComponentHandle, PhysicalSize, Rgb8Pixel,
    platform::{
        Platform, PlatformError, WindowAdapter,
        software_renderer::{MinimalSoftwareWindow, RepaintBufferType},
    },
};

use super::{
    bridge::{self, AppWindow, Bridge, Language, Update},
    desk::view::View,
    status,
};
use crate::{
    Failure,
    lane::{Judged, Lane, Showing},
};

/// The screens that such places have (REQUIREMENTS, section 8).
const SIZES: [(u32, u32); 2] = [(800, 1280), (1920, 1080)];

/// Draws each screen that comes up, in both languages and both shapes.
pub(crate) struct Shots {
    folder: PathBuf,
    window: AppWindow,
    pixels: Rc<MinimalSoftwareWindow>,
    /// How many results have been drawn.
    results: u32,
    /// How many steps of the desk.
    desk_steps: u32,
}

impl Shots {
    /// Makes the folder, and a window that is drawn into memory.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::input)?;
        slint::platform::set_platform(Box::new(Offscreen)).map_err(Failure::state)?;
        let window = AppWindow::new().map_err(Failure::state)?;
        window.show().map_err(Failure::state)?;
        let pixels = NEWEST.with_borrow(Clone::clone);
        let pixels = pixels.ok_or_else(|| Failure::state("the window has nothing to draw on"))?;
        Ok(Self { folder: folder.to_path_buf(), window, pixels, results: 0, desk_steps: 0 })
    }

    /// Takes what the lane shows, and before the first result the screens that no person brings up.
    pub(crate) fn take(
        &mut self,
        showing: &Showing,
        lane: &Lane,
        frame: &Frame,
    ) -> Result<(), Failure> {
        let Showing::Result(judged) = showing else { return Ok(()) };
        let Judged { decision, presentation, checks } = &**judged;
        self.picture(frame);
        self.apply(Update::Status(status::of(lane, status::Around::default(), frame.taken())));
        if self.results == 0 {
            self.apply(Update::Group(None));
            let fault = Words::new("未连接摄像头", "no camera is connected");
            self.shoot("scanning", Update::Camera)?;
            self.shoot("hint", Update::Hint(HintWords::of(Some(Hint::TooFar))))?;
            self.shoot("no-camera", Update::NoCamera(fault))?;
            self.shoot("out-of-service", Update::OutOfService)?;
        }
        self.apply(Update::Group(lane.tally().map(Tally::words)));
        self.results += 1;
        let verdict = decision.verdict().code();
        let reason = decision.reason().map(|reason| format!("-{}", reason.code()));
        let name = format!("{:02}-{verdict}{}", self.results, reason.unwrap_or_default());
        self.shoot(&name, Update::Result(presentation.clone(), checks.clone()))?;
        if let Some(Detail::Rule { .. }) = decision.detail() {
            self.shoot(&format!("{name}-why"), Update::Explaining(true))?;
        }
        Ok(())
    }

    /// Has the camera's picture be that of this frame.
    pub(crate) fn picture(&self, frame: &Frame) {
        let picture = slint::Image::from_rgb8(bridge::half_size(frame));
        self.window.global::<Bridge<'_>>().set_picture(picture);
    }

    /// Takes a step of the desk, as it has changed since the one before.
    pub(crate) fn desk(
        &mut self,
        name: &str,
        changed: Option<(View, Option<Presentation>)>,
        lane: &Lane,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.apply(Update::Status(status::of(lane, status::Around::default(), now)));
        self.apply(Update::Group(lane.tally().map(Tally::words)));
        self.desk_steps += 1;
        let name = format!("desk-{:02}-{name}", self.desk_steps);
        if let Some((view, presentation)) = changed {
            self.apply(Update::Desk(Box::new(view), presentation.map(Box::new)));
        }
        self.draw(&name)?;
        self.enlarge(true);
        self.draw(&format!("{name}-large"))?;
        self.enlarge(false);
        Ok(())
    }

    /// Whether the desk's texts are larger than usual.
    fn enlarge(&self, large: bool) {
        let shared = self.window.global::<Bridge<'_>>();
        shared.set_desk(bridge::Desk { large, ..shared.get_desk() });
    }

    /// Applies an update and draws it.
    fn shoot(&self, name: &str, update: Update) -> Result<(), Failure> {
        self.apply(update);
        self.draw(name)
    }

    /// Draws what is shown, in both languages and both shapes.
    fn draw(&self, name: &str) -> Result<(), Failure> {
        for (language, tag) in [(Language::Chinese, "zh"), (Language::English, "en")] {
            bridge::speak(&self.window, language);
            for (width, height) in SIZES {
                let path = self.folder.join(format!("{name}-{tag}-{width}x{height}.png"));
                let picture = render(&self.pixels, PhysicalSize::new(width, height));
                picture.save(&path).map_err(|error| Failure {
                    status: Failure::OUTPUT,
                    message: format!("cannot write {}: {error}", path.display()),
                })?;
            }
        }
        Ok(())
    }

    fn apply(&self, update: Update) {
        bridge::apply(&self.window, update);
    }
}

thread_local! {
    // Slint asks the platform for a window and does not hand it back.
    static NEWEST: RefCell<Option<Rc<MinimalSoftwareWindow>>> = const { RefCell::new(None) };
}

/// A platform that draws into memory.
#[derive(Debug)]
struct Offscreen;

impl Platform for Offscreen {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
        NEWEST.set(Some(Rc::clone(&window)));
        Ok(window)
    }
}

/// Draws the window at `size`, whole.
fn render(window: &MinimalSoftwareWindow, size: PhysicalSize) -> RgbImage {
    let row = usize::try_from(size.width).unwrap_or(0);
    let rows = usize::try_from(size.height).unwrap_or(0);
    let mut pixels = vec![Rgb8Pixel::default(); row * rows];
    window.set_size(size);
    slint::platform::update_timers_and_animations();
    window.request_redraw();
    window.draw_if_needed(|renderer| {
        renderer.render(&mut pixels, row);
    });
    let bytes = pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    RgbImage::from_raw(size.width, size.height, bytes).unwrap_or_default()
}
