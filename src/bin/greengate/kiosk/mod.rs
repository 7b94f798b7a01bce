//! `greengate kiosk`: the lane with a camera and a window.
//!
//! Slint's event loop has the main thread to itself. The lane has one of its own, which takes the
//! newest frame, decides, and sends what to show. However that thread ends, the window then says
//! that the terminal is out of service: what was last shown never stays.

mod bridge;
pub(crate) mod camera;
pub(crate) mod desk;
mod fetching;
pub(crate) mod shots;
mod source;
mod status;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use greengate::{
    clock,
    frame::Frame,
    language::{Language, Words},
    presentation::{Audience, HintWords},
    session::Tally,
    sync::{TokenError, Web},
};

use sd_notify::NotifyState;

use self::{
    bridge::{Request, Screens, Update, Updates},
    camera::{Camera, CameraSetting, capture::CaptureError},
    desk::{Counter, Setting, key::TokenSource},
    fetching::Repository,
    source::Next,
    status::Around,
};
pub(crate) use self::{fetching::Fetching, source::Source};
use crate::{
    Failure,
    lane::{Judged, Lane, Showing},
    scanners::Scanners,
};

/// How long to wait before a store that could not be opened is tried again.
const OPEN_AGAIN: Duration = Duration::from_secs(5);

/// How often the status bar and the store are looked after.
const REFRESH: Duration = Duration::from_secs(1);

/// Run the lane: camera, decisions, and window.
///
/// Exit status: 0 the window was closed, 70 the terminal's state or its display cannot be used.
#[derive(Args, Debug)]
pub(crate) struct Kiosk {
    #[command(flatten)]
    camera: CameraSetting,

    /// Show these pictures to the lane instead: a PNG or JPEG, or a folder of them, over and over.
    #[arg(long, value_name = "PATH", conflicts_with = "CameraSetting")]
    pictures: Option<PathBuf>,

    /// A scanner beside the camera: the path of its serial port or input device, such as /dev/ttyACM0,
    /// or a part of its name if it pretends to be a keyboard. May be given several times.
    #[arg(long, value_name = "SCANNER")]
    scanner: Vec<String>,

    /// Fetch lists from this address now and then, while scanning goes on; see `greengate sync`.
    #[arg(long, value_name = "URL", env = "GREENGATE_SYNC_URL", conflicts_with = "sync_from")]
    sync_url: Option<String>,

    /// Look for new lists in this folder now and then, such as where a USB stick is mounted.
    #[arg(long, value_name = "PATH")]
    sync_from: Option<String>,

    /// Who reads the screen: `staff` see reason codes and names, the `public` softer words.
    #[arg(long, value_enum, default_value_t = AudienceArgument::Staff)]
    audience: AudienceArgument,

    /// Be the desk of a "no health code" channel: staff sign in, and look people up by document.
    #[arg(long)]
    desk: bool,

    /// The serial port of the desk's reader of identity cards, such as /dev/ttyUSB0.
    #[arg(long, value_name = "PORT", requires = "desk")]
    reader: Option<PathBuf>,

    /// Where the token with the key of the look-up extract is at sign-in, such as on a stick.
    #[arg(long, value_name = "FILE", requires = "desk")]
    token: Option<PathBuf>,

    /// Fetch that token from below this address of the authority's, which must be https, when staff
    /// sign in; it is kept in locked memory alone.
    #[arg(long, value_name = "URL", requires = "desk", conflicts_with = "token")]
    token_url: Option<String>,

    /// Show servers this certificate of the terminal's: a PEM file with its private key.
    #[arg(long, value_name = "FILE", env = "GREENGATE_DEVICE_CERTIFICATE")]
    device_certificate: Option<PathBuf>,

    /// Know servers by the certificates in this PEM file, and by no others.
    #[arg(long, value_name = "FILE", env = "GREENGATE_CA")]
    ca: Option<PathBuf>,

    /// Go through this proxy instead of the one that `HTTPS_PROXY` or `HTTP_PROXY` names.
    #[arg(long, value_name = "URL", env = "GREENGATE_PROXY")]
    proxy: Option<String>,

    /// The folder that shift reports are written into, such as where a stick is mounted.
    #[arg(long, value_name = "DIR", requires = "desk")]
    export: Option<PathBuf>,

    /// Larger type at the desk.
    #[arg(long, requires = "desk")]
    large: bool,

    #[command(flatten)]
    window: Window,
}

/// How the window looks at first.
#[derive(Args, Debug)]
pub(crate) struct Window {
    /// The language, which can be changed on the screen.
    #[arg(long, value_enum, default_value_t = LanguageArgument::Zh)]
    language: LanguageArgument,

    /// The size of the window in pixels, such as 800x1280. Otherwise the whole screen.
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AudienceArgument {
    Public,
    Staff,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LanguageArgument {
    Zh,
    En,
}

impl From<AudienceArgument> for Audience {
    fn from(argument: AudienceArgument) -> Self {
        match argument {
            AudienceArgument::Public => Self::Public,
            AudienceArgument::Staff => Self::Staff,
        }
    }
}

impl From<LanguageArgument> for Language {
    fn from(argument: LanguageArgument) -> Self {
        match argument {
            LanguageArgument::Zh => Self::Chinese,
            LanguageArgument::En => Self::English,
        }
    }
}

impl Kiosk {
    pub(crate) fn run(&self, state: &Path) -> Result<u8, Failure> {
        // Still this very program when the package was upgraded under it.
        let program = Path::new("/proc/self/exe");
        let url = self.sync_url.clone().map(|place| Repository::Web {
            url: place,
            device_certificate: self.device_certificate.clone(),
            ca: self.ca.clone(),
            proxy: self.proxy.clone(),
        });
        let folder = self.sync_from.clone().map(|path| Repository::Folder { path });
        let fetching = url
            .or(folder)
            .map_or_else(Fetching::never, |from| fetching::start(program, state, from));
        let source = if let Some(pictures) = &self.pictures {
            Source::pictures(pictures).map_err(Failure::input)?
        } else {
            Source::Camera(Camera::start(program, &self.camera, clock::now))
        };
        let (state, audience) = (state.to_path_buf(), self.audience.into());
        let token = self.token()?;
        let desk = self.desk.then(|| Setting {
            reader: self.reader.clone(),
            token,
            export: self.export.clone(),
            large: self.large,
            state: state.clone(),
            note: Words::default(),
        });
        let scanners = Scanners::start(&self.scanner)?;
        let open = move |updates: &_| open(&state, audience, updates);
        run(open, source, scanners, fetching, desk, &self.window)
    }

    /// Where the key of the look-up extract comes from.
    fn token(&self) -> Result<TokenSource, Failure> {
        let Some(url) = &self.token_url else {
            return Ok(self.token.clone().map_or(TokenSource::None, TokenSource::File));
        };
        if !url.starts_with("https:") {
            return Err(Failure::input(TokenError::NotTls));
        }
        let web = Web::new(url).map_err(Failure::input)?;
        Ok(TokenSource::Web(
            web.with_proxy(self.proxy.clone())
                .with_certificates(self.ca.clone())
                .with_device_certificate(self.device_certificate.clone()),
        ))
    }
}

/// Capture from a camera to standard output, for the terminal that started this.
#[derive(Args, Debug)]
pub(crate) struct Capture {
    #[command(flatten)]
    setting: CameraSetting,
}

impl Capture {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let captured = camera::capture::run(&self.setting, io::stdin(), out);
        captured.map(|()| 0).map_err(|error| Failure {
            status: error.fault().status(),
            // The terminal asks again every two seconds, for days: its screen says it, no log does.
            message: match error {
                CaptureError::NoCamera => String::new(),
                error => error.to_string(),
            },
        })
    }
}

/// Opens the window and runs the lane that `open` gives on `source` until the window is closed. The
/// status bar says how far `fetching` has come.
pub(crate) fn run(
    open: impl FnOnce(&Updates) -> Lane + Send + 'static,
    source: Source,
    scanners: Scanners,
    fetching: Fetching,
    desk: Option<Setting>,
    window: &Window,
) -> Result<u8, Failure> {
    let (requests, received) = mpsc::channel();
    let screens = Screens::open(window.language.into(), window.size, &requests)
        .map_err(|error| Failure::state(format!("cannot open a window: {error}")))?;
    let updates = screens.updates();
    thread::Builder::new()
        .name("lane".to_owned())
        .spawn(move || {
            let updates = Ending(updates);
            let lane = open(&updates.0);
            let counter = desk.map(|setting| Counter::new(setting, clock::now()));
            let senses = Senses { source, scanners };
            attend(lane, counter, senses, &fetching, &received, &updates.0);
        })
        .map_err(Failure::state)?;
    screens.run().map_err(|error| Failure::state(format!("the window failed: {error}")))?;
    Ok(0)
}

/// Opens the store and a lane on it. As long as that fails, the window says that the terminal is
/// out of service.
fn open(state: &Path, audience: Audience, updates: &Updates) -> Lane {
    loop {
        match crate::open_store(state)
            .and_then(|store| Lane::open(store, audience, clock::uptime().as_ref(), clock::now()))
        {
            Ok(lane) => return lane,
            Err(error) => {
                // If standard error is gone too, the screen still tells.
                writeln!(io::stderr(), "greengate: {error}").ok();
                updates.send(Update::OutOfService);
                thread::sleep(OPEN_AGAIN);
            }
        }
    }
}

/// Says that the terminal is out of service when the lane ends, whatever ends it.
struct Ending(Updates);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send(Update::OutOfService);
    }
}

/// What a lane reads codes by.
struct Senses {
    source: Source,
    scanners: Scanners,
}

/// Runs the lane until nobody is there to ask anything of it.
fn attend(
    mut lane: Lane,
    mut counter: Option<Counter>,
    Senses { mut source, mut scanners }: Senses,
    fetching: &Fetching,
    requests: &Receiver<Request>,
    updates: &Updates,
) {
    let mut refreshed: Option<Instant> = None;
    let mut can_see = true;
    let mut told = None;
    updates.send(Update::Audience(lane.audience()));
    tell_service(NotifyState::Ready);
    loop {
        let seen;
        let showing = match source.next() {
            Next::Frame(frame) => {
                seen = frame.taken();
                let camera_is_back = !can_see;
                can_see = true;
                if let Some(counter) = &mut counter {
                    counter.set_camera_fault(Words::default());
                    at_desk(&frame, counter, &mut lane, updates)
                } else {
                    updates.send_picture(&frame);
                    let showing = lane.see(&frame);
                    showing.or_else(|| camera_is_back.then_some(Showing::Camera))
                }
            }
            Next::Fault(words) => {
                (can_see, seen) = (false, clock::now());
                match &mut counter {
                    Some(counter) => counter.set_camera_fault(words),
                    None => updates.send(Update::NoCamera(words)),
                }
                None
            }
            Next::Nothing => {
                seen = clock::now();
                lane.tick(seen)
            }
        };
        show(showing, &mut lane, counter.as_mut(), updates, can_see);
        // What is scanned while nobody waits for a code is gone.
        let is_waiting = counter.as_ref().is_none_or(Counter::wants_codes);
        if let Some(text) = scanners.next().filter(|_| is_waiting) {
            let showing = lane.scan(text, seen);
            show(showing, &mut lane, counter.as_mut(), updates, can_see);
        }
        // All that was typed since the last frame.
        loop {
            let now = clock::now();
            match (requests.try_recv(), &mut counter) {
                (Ok(Request::Press(key)), Some(counter)) => counter.press(key, &mut lane, now),
                (Ok(Request::Choose { serial, way }), Some(counter)) => {
                    counter.choose(serial, way, &mut lane, now);
                }
                (Ok(request), _) => answer(request, &mut lane, updates, can_see),
                (Err(mpsc::TryRecvError::Empty), _) => break,
                (Err(mpsc::TryRecvError::Disconnected), _) => return,
            }
        }
        if let Some(counter) = &mut counter {
            counter.tick(&mut lane, clock::now());
            if counter.wants_codes() && !is_waiting {
                scanners.forget();
            }
            if let Some((view, presentation)) = counter.view(clock::now()) {
                updates.send(Update::Desk(Box::new(view), presentation.map(Box::new)));
            }
        }
        let now = clock::now();
        let tally = lane.tally();
        if tally != told {
            told = tally;
            updates.send(Update::Group(tally.map(Tally::words)));
        }
        if let Some(remaining) = lane.remaining(now) {
            updates.send(Update::Remaining(remaining));
        }
        if refreshed.is_none_or(|last| last.elapsed() >= REFRESH) {
            refreshed = Some(Instant::now());
            if updates.are_followed() {
                tell_service(NotifyState::Watchdog);
            }
            let refreshed = lane.refresh(clock::uptime().as_ref(), now);
            show(refreshed, &mut lane, counter.as_mut(), updates, can_see);
            let trouble = scanners.trouble().map(|(_, gone)| gone);
            let around = Around { fetched: fetching.percent(), scanner: trouble };
            updates.send(Update::Status(status::of(&lane, around, now)));
        }
    }
}

/// Tells systemd that the lane and the window are alive, where that has started them. If either hangs
/// or has ended nothing more is said, and both are started anew, on a screen that is no pass.
fn tell_service(state: NotifyState<'_>) {
    // Without systemd there is nobody to tell.
    sd_notify::notify(&[state]).ok();
}

/// Does what the operator asks for.
fn answer(request: Request, lane: &mut Lane, updates: &Updates, can_see: bool) {
    let now = clock::now();
    match request {
        Request::Acknowledge => send(updates, lane.acknowledge(now), can_see),
        Request::BeginOrEndGroup => lane.tap_group(now),
        Request::Choose { .. } | Request::Press(_) => {}
        Request::CloseExplanation => updates.send(Update::Explaining(false)),
        Request::Explain => {
            if lane.study(now) {
                updates.send(Update::Explaining(true));
            }
        }
    }
}

/// Has the lane look at a frame as far as the desk waits for a code.
fn at_desk(
    frame: &Frame,
    counter: &Counter,
    lane: &mut Lane,
    updates: &Updates,
) -> Option<Showing> {
    if counter.wants_codes() {
        updates.send_picture(frame);
        return lane.see(frame);
    }
    if counter.has_shown_code() { lane.watch(frame) } else { lane.tick(frame.taken()) }
}

/// Shows what the lane does: in the window, or at the desk, which has it.
fn show(
    showing: Option<Showing>,
    lane: &mut Lane,
    counter: Option<&mut Counter>,
    updates: &Updates,
    can_see: bool,
) {
    match (showing, counter) {
        (Some(showing), Some(counter)) => {
            if matches!(showing, Showing::OutOfService) {
                updates.send(Update::OutOfService);
            }
            counter.follow_lane(showing, lane, clock::now());
        }
        (showing, None) => send(updates, showing, can_see),
        (None, Some(_)) => {}
    }
}

/// Sends what the lane shows. Without a camera the picture is not what follows a result.
fn send(updates: &Updates, showing: Option<Showing>, can_see: bool) {
    match showing {
        None => {}
        Some(Showing::Camera | Showing::Hint(_)) if !can_see => updates.send(Update::StillNoCamera),
        Some(Showing::Camera) => updates.send(Update::Camera),
        Some(Showing::Hint(hint)) => updates.send(Update::Hint(HintWords::of(hint))),
        Some(Showing::OutOfService) => updates.send(Update::OutOfService),
        Some(Showing::Result(judged)) => {
            let Judged { presentation, checks, .. } = *judged;
            updates.send(Update::Result(presentation, checks));
        }
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(width, height)| {
        let side = |text: &str| text.parse().ok().filter(|side| (320..=7_680).contains(side));
        Some((side(width)?, side(height)?))
    });
    sides.ok_or_else(|| "two numbers from 320 to 7680, such as 800x1280".to_owned())
}
