//! All of Slint but the drawing without a display: types in, requests out.
//!
//! Nothing is decided here. Each function copies one of our types into its Slint counterpart, or
//! forwards one callback to a channel.

mod desk;
#[cfg(all(test, feature = "ui-tests"))]
#[allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::Sender,
};

use greengate::{
    clock,
    credential::Kind,
    decision::{Outcome, Verdict},
    frame::Frame,
    language,
    policy::TrustAge,
    presentation::{self, ExplainedCheck, HintWords, Presentation, Subject},
    session::desk::Key,
};
use slint::{
    ComponentHandle, ModelRc, PhysicalSize, PlatformError, Rgb8Pixel, SharedPixelBuffer, VecModel,
    Weak,
};

use super::{
    desk::view::View,
    status::{self, Network},
};

#[allow(clippy::all, clippy::pedantic, clippy::restriction, warnings, reason = "generated code")]
mod generated {
    slint::include_modules!();
}
pub(crate) use generated::*;

/// What the operator asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Request {
    /// Clear the result and scan the next person.
    Acknowledge,
    /// Begin a group, or end the one there is.
    BeginOrEndGroup,
    /// Go on at the desk.
    Choose {
        /// Which of the desk's views was up.
        serial: i32,
        /// The number of the way among those that it shows.
        way: usize,
    },
    /// Give back the time that a result is shown, since nobody reads its checks any more.
    CloseExplanation,
    /// Say what each check saw, and leave it up to be read.
    Explain,
    /// A key was typed or touched at the desk.
    Press(Key),
}

/// What the window is to show from now on.
#[derive(Debug)]
pub(crate) enum Update {
    /// The camera's picture.
    Camera,
    /// Who reads the screen.
    Audience(presentation::Audience),
    /// The desk, and the result that it shows, if there is one.
    Desk(Box<View>, Option<Box<Presentation>>),
    /// Whether each check of the result is told.
    Explaining(bool),
    /// What people who come together have come to so far, if there are any.
    Group(Option<language::Words>),
    /// How to be read, over the camera's picture.
    Hint(HintWords),
    /// That there is no picture, and why.
    NoCamera(language::Words),
    /// That the terminal cannot be used.
    OutOfService,
    /// What is left of the time that the result is shown.
    Remaining(f32),
    /// A result, and each check behind it.
    Result(Presentation, Vec<ExplainedCheck>),
    /// The status bar.
    Status(status::Status),
    /// That there is still no picture, for the reason told before.
    StillNoCamera,
}

/// The window.
pub(crate) struct Screens {
    window: AppWindow,
}

/// A way to the window from any thread.
#[derive(Clone)]
pub(crate) struct Updates {
    window: Weak<AppWindow>,
    /// A picture is on its way: the window is slower than the camera, and need not see them all.
    picture_sent: Arc<AtomicBool>,
    /// A sign of life was asked for, and the window has not given it yet.
    life_asked: Arc<AtomicBool>,
}

impl Screens {
    /// Opens the window. Without a size it takes the whole screen.
    pub(crate) fn open(
        language: language::Language,
        size: Option<(u32, u32)>,
        requests: &Sender<Request>,
    ) -> Result<Self, PlatformError> {
        let window = AppWindow::new()?;
        match size {
            Some((width, height)) => window.window().set_size(PhysicalSize::new(width, height)),
            None => window.window().set_fullscreen(true),
        }
        connect(&window, requests);
        window.global::<Bridge<'_>>().set_screen(Screen::Scanning);
        apply(&window, Update::Group(None));
        speak(&window, language.into());
        window.show()?;
        Ok(Self { window })
    }

    /// A way to the window.
    pub(crate) fn updates(&self) -> Updates {
        Updates {
            window: self.window.as_weak(),
            picture_sent: Arc::default(),
            life_asked: Arc::default(),
        }
    }

    /// Runs the window until it is closed.
    pub(crate) fn run(self) -> Result<(), PlatformError> {
        self.window.run()
    }
}

impl Updates {
    /// Sends an update. If the window is gone, so is whoever would have seen it.
    pub(crate) fn send(&self, update: Update) {
        self.window.upgrade_in_event_loop(move |window| apply(&window, update)).ok();
    }

    /// Whether the window has done all that was sent to it before the last time this was asked.
    ///
    /// A window that hangs shows what it showed last, and that may be a pass.
    pub(crate) fn are_followed(&self) -> bool {
        let lives = !self.life_asked.swap(true, Ordering::AcqRel);
        if lives {
            let asked = Arc::clone(&self.life_asked);
            let answer = move |_| asked.store(false, Ordering::Release);
            self.window.upgrade_in_event_loop(answer).ok();
        }
        lives
    }

    /// Sends the camera's newest picture, unless one is still on its way.
    pub(crate) fn send_picture(&self, frame: &Frame) {
        if self.picture_sent.swap(true, Ordering::AcqRel) {
            return;
        }
        let picture = half_size(frame);
        let sent = Arc::clone(&self.picture_sent);
        self.window
            .upgrade_in_event_loop(move |window| {
                window.global::<Bridge<'_>>().set_picture(slint::Image::from_rgb8(picture));
                sent.store(false, Ordering::Release);
            })
            .ok();
    }
}

/// Forwards what the operator asks for.
pub(crate) fn connect(window: &AppWindow, requests: &Sender<Request>) {
    let bridge = window.global::<Bridge<'_>>();
    let asks = |request: Request| {
        let requests = requests.clone();
        // The receiver lives as long as the lane; if it is gone the program is ending.
        move || {
            requests.send(request).ok();
        }
    };
    bridge.on_acknowledge(asks(Request::Acknowledge));
    bridge.on_begin_or_end_group(asks(Request::BeginOrEndGroup));
    bridge.on_close_explanation(asks(Request::CloseExplanation));
    bridge.on_explain(asks(Request::Explain));
    desk::connect(window, requests);
    let weak = window.as_weak();
    bridge.on_speak(move |language| {
        weak.upgrade_in_event_loop(move |window| speak(&window, language)).ok();
    });
}

/// Shows everything in `language` from now on.
pub(crate) fn speak(window: &AppWindow, language: Language) {
    let translation = match language {
        Language::Chinese => "zh",
        // The language that the screens are written in.
        Language::English => "",
    };
    // A translation that is not bundled would leave the language as it is, and a test would see it.
    slint::select_bundled_translation(translation).ok();
    window.global::<Bridge<'_>>().set_language(language);
}

/// Applies an update, in the window's own thread.
pub(crate) fn apply(window: &AppWindow, update: Update) {
    let bridge = window.global::<Bridge<'_>>();
    match update {
        Update::Camera => {
            bridge.set_explaining(false);
            bridge.set_hint(Hint::default());
            bridge.set_card(ResultCard::default());
            bridge.set_screen(Screen::Scanning);
        }
        Update::Audience(audience) => bridge.set_audience(audience.into()),
        Update::Explaining(explaining) => bridge.set_explaining(explaining),
        Update::Group(tally) => bridge.set_group(tally.into()),
        Update::Hint(words) => {
            bridge.set_explaining(false);
            bridge.set_hint(words.into());
            bridge.set_screen(Screen::Scanning);
        }
        Update::Desk(view, presentation) => {
            if let Some(presentation) = presentation {
                bridge.set_card(card(*presentation, Vec::new()));
            } else {
                bridge.set_card(ResultCard::default());
            }
            desk::apply(window, *view);
        }
        Update::NoCamera(fault) => {
            bridge.set_fault(fault.into());
            bridge.set_screen(Screen::NoCamera);
        }
        Update::OutOfService => bridge.set_screen(Screen::OutOfService),
        Update::Remaining(remaining) => bridge.set_remaining(remaining),
        Update::Result(presentation, checks) => {
            bridge.set_explaining(false);
            bridge.set_hint(Hint::default());
            bridge.set_remaining(1.0);
            bridge.set_card(card(presentation, checks));
            bridge.set_screen(Screen::Result);
        }
        Update::Status(status) => bridge.set_status(status.into()),
        Update::StillNoCamera => bridge.set_screen(Screen::NoCamera),
    }
}

/// A frame at half its size: every second pixel of every second row, grey.
pub(crate) fn half_size(frame: &Frame) -> SharedPixelBuffer<Rgb8Pixel> {
    let (width, height) = (frame.width().div_ceil(2), frame.height().div_ceil(2));
    let mut picture = SharedPixelBuffer::new(width, height);
    let row_length = usize::try_from(frame.width()).unwrap_or(usize::MAX);
    let rows = frame.luma().chunks(row_length).step_by(2);
    let luma = rows.flat_map(|row| row.iter().step_by(2));
    for (pixel, luma) in picture.make_mut_slice().iter_mut().zip(luma) {
        *pixel = Rgb8Pixel::new(*luma, *luma, *luma);
    }
    picture
}

impl From<language::Language> for Language {
    fn from(language: language::Language) -> Self {
        match language {
            language::Language::Chinese => Self::Chinese,
            language::Language::English => Self::English,
        }
    }
}

impl From<language::Words> for Words {
    fn from(language::Words { zh, en }: language::Words) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

fn card(presentation: Presentation, checks: Vec<ExplainedCheck>) -> ResultCard {
    let Presentation { tone, code, reason, advice, subject, issuer, kind, lines, rule } =
        presentation;
    let (name, id_tail) =
        subject.map(|Subject { name, id_tail }| (name.into(), id_tail.into())).unwrap_or_default();
    ResultCard {
        tone: tone.into(),
        code: code.unwrap_or_default().into(),
        reason: reason.into(),
        advice: advice.into(),
        name,
        id_tail,
        issuer: issuer.unwrap_or_default().into(),
        carrier: kind.into(),
        lines: model(lines),
        rule: rule.unwrap_or_default().into(),
        checks: model(checks),
    }
}

/// A list as Slint holds it.
fn model<T: Into<U>, U: Clone + 'static>(items: Vec<T>) -> ModelRc<U> {
    ModelRc::new(items.into_iter().map(Into::into).collect::<VecModel<_>>())
}

impl From<presentation::Line> for Line {
    fn from(presentation::Line { tone, words, .. }: presentation::Line) -> Self {
        let tone = match tone {
            presentation::LineTone::Badge => LineTone::Badge,
            presentation::LineTone::Plain => LineTone::Plain,
            presentation::LineTone::Caution => LineTone::Caution,
        };
        Self { tone, words: words.into() }
    }
}

impl From<ExplainedCheck> for Check {
    fn from(ExplainedCheck { outcome, name, saw }: ExplainedCheck) -> Self {
        let outcome = match outcome {
            Outcome::Good => CheckOutcome::Good,
            Outcome::Failed(_) => CheckOutcome::Failed,
            Outcome::NotConcerned | Outcome::NotReached => CheckOutcome::NotReached,
        };
        Self { outcome, name: name.into(), saw: saw.into() }
    }
}

impl From<Option<language::Words>> for Group {
    fn from(tally: Option<language::Words>) -> Self {
        Self { open: tally.is_some(), tally: tally.unwrap_or_default().into() }
    }
}

impl From<HintWords> for Hint {
    fn from(HintWords { what, how }: HintWords) -> Self {
        Self { open: true, what: what.into(), how: how.into() }
    }
}

impl From<presentation::Audience> for Audience {
    fn from(audience: presentation::Audience) -> Self {
        match audience {
            presentation::Audience::Public => Self::Public,
            presentation::Audience::Staff => Self::Staff,
        }
    }
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::CheckId => Self::CheckId,
            Verdict::Refer => Self::Refer,
            Verdict::Deny => Self::Deny,
            Verdict::Retry => Self::Retry,
        }
    }
}

impl From<Option<Kind>> for Carrier {
    fn from(kind: Option<Kind>) -> Self {
        match kind {
            None => Self::None,
            Some(Kind::Phone) => Self::Phone,
            Some(Kind::Paper) => Self::Paper,
        }
    }
}

impl From<Option<TrustAge>> for TrustState {
    fn from(age: Option<TrustAge>) -> Self {
        match age {
            None => Self::Absent,
            Some(TrustAge::Fresh) => Self::Fresh,
            Some(TrustAge::Ageing) => Self::Ageing,
            Some(TrustAge::Stale) => Self::CheckId,
            Some(TrustAge::PastLimit) => Self::TooOld,
        }
    }
}

impl From<clock::ClockState> for ClockState {
    fn from(state: clock::ClockState) -> Self {
        match state {
            clock::ClockState::Good => Self::Good,
            clock::ClockState::Unverified => Self::Unverified,
            clock::ClockState::Behind => Self::Behind,
        }
    }
}

impl From<status::Status> for Status {
    fn from(status: status::Status) -> Self {
        let status::Status {
            place,
            gate,
            trust,
            version,
            age,
            next,
            clock,
            network,
            scanner,
            fetched,
            time,
            date,
            totals,
        } = status;
        // Slint counts in 32 bits with a sign.
        let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            place: place.into(),
            gate: gate.into(),
            trust: trust.into(),
            trust_version: version.into(),
            trust_age: age.into(),
            trust_next: next.into(),
            clock: clock.into(),
            online: network == Network::Online,
            scanner: scanner.into(),
            updating: fetched.is_some(),
            updated: fetched.map_or(0, i32::from),
            time: time.into(),
            date: date.into(),
            passed: count(totals.pass),
            checked: count(totals.check_id),
            referred: count(totals.refer),
            denied: count(totals.deny),
        }
    }
}
