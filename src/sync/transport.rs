//! How files of the repository reach this machine: from a folder, or over HTTP.
//!
//! Each file is brought up to a limit, and is handed on only when it is there whole: metadata and
//! short lists into a folder that is thrown away, and what is large to where the next sync finds
//! what there is of it. A download that is cut off goes on where it was, after a pause that doubles;
//! it is given up when the server answers but will not, and at a deadline.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_RANGE, RANGE},
};
use thiserror::Error;
use tough::{Bytes, Transport, TransportError, TransportErrorKind, TransportStream, async_trait};

use super::{
    progress::Meter,
    web::{SettingError, Source, Web, causes},
};
use crate::bulk;

/// What an attempt may take at least, whatever the size.
const SHORTEST_DEADLINE: Duration = Duration::from_mins(1);

/// The slowest line that is waited for, in bytes a second: a modem.
const SLOWEST: u64 = 2 << 10;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Bytes that are handed on at once.
const CHUNK: usize = 64 << 10;

/// Brings the files of one source, and keeps them for as long as one sync takes.
#[derive(Clone, Debug)]
pub(super) struct Courier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    way: Way,
    url: Url,
    folder: PathBuf,
    meter: Meter,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Way {
    Folder,
    Web(Box<Web>, Client),
}

#[derive(Debug, Default)]
struct State {
    limit: u64,
    brought: BTreeMap<String, PathBuf>,
}

impl Courier {
    /// A courier that puts what it brings into `folder`, and at first brings files of `limit` bytes
    /// at most.
    pub(super) fn new(
        source: &Source,
        folder: PathBuf,
        limit: u64,
        meter: Meter,
    ) -> Result<Self, SettingError> {
        let (way, url) = match source {
            Source::Folder(path) => {
                let whole = fs::canonicalize(path)
                    .map_err(|error| SettingError(format!("{}: {error}", path.display())))?;
                let url = Url::from_directory_path(&whole);
                let url = url.map_err(|()| SettingError(format!("{}", path.display())))?;
                (Way::Folder, url)
            }
            Source::Web(web) => (Way::Web(Box::new(web.clone()), web.client()?), web.url().clone()),
        };
        let state = Mutex::new(State { limit, brought: BTreeMap::new() });
        Ok(Self(Arc::new(Inner { way, url, folder, meter, state })))
    }

    /// The address of a folder of the repository.
    pub(super) fn address(&self, folder: &str) -> Result<Url, SettingError> {
        let joined = self.0.url.join(&format!("{folder}/"));
        joined.map_err(|error| SettingError(format!("the URL: {error}")))
    }

    /// Brings files of `limit` bytes at most from now on.
    pub(super) fn limit(&self, limit: u64) {
        self.state(|state| state.limit = limit);
    }

    /// What it brought under a name.
    pub(super) fn brought(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.state(|state| state.brought.get(name).cloned());
        path.map(fs::read).transpose()
    }

    fn state<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        ask(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What counts the bytes.
    pub(super) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Brings a file of `limit` bytes at most to `path`, and goes on with what is there of it. After
    /// a failure there is what came until then.
    pub(super) async fn bring(&self, url: &Url, path: &Path, limit: u64) -> Result<(), Failure> {
        let out = Out { path, limit, meter: self.meter() };
        match &self.0.way {
            Way::Folder => copy(url, &out),
            Way::Web(web, client) => download(web, client, url, &out).await,
        }
    }
}

#[async_trait]
impl Transport for Courier {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let name = url.path_segments().and_then(Iterator::last).unwrap_or_default().to_owned();
        let (limit, number) = self.state(|state| (state.limit, state.brought.len()));
        let path = self.0.folder.join(number.to_string());
        match self.bring(&url, &path, limit).await {
            Ok(()) => {
                let file = File::open(&path).map_err(|error| {
                    TransportError::new_with_cause(TransportErrorKind::Other, &url, error)
                })?;
                self.state(|state| state.brought.insert(name, path));
                Ok(Box::pin(Brought::File { url, file }))
            }
            Err(Failure::Missing) => {
                Err(TransportError::new(TransportErrorKind::FileNotFound, url))
            }
            // An error here would be taken to mean that there is no newer root.
            Err(failure) => Ok(Box::pin(Brought::Failed { url, failure: Some(failure) })),
        }
    }
}

/// A file that was brought, or the reason why it was not.
enum Brought {
    File { url: Url, file: File },
    Failed { url: Url, failure: Option<Failure> },
}

impl Stream for Brought {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let failed = |url: &Url, failure: Failure| {
            Err(TransportError::new_with_cause(TransportErrorKind::Other, url, failure))
        };
        Poll::Ready(match &mut *self {
            Self::File { url, file } => {
                let mut chunk = vec![0; CHUNK];
                match file.read(&mut chunk) {
                    Ok(0) => None,
                    Ok(read) => {
                        chunk.truncate(read);
                        Some(Ok(chunk.into()))
                    }
                    Err(error) => Some(failed(url, error.into())),
                }
            }
            Self::Failed { url, failure } => failure.take().map(|failure| failed(url, failure)),
        })
    }
}

/// Where a file is put, and how much of it.
struct Out<'way> {
    path: &'way Path,
    limit: u64,
    meter: &'way Meter,
}

/// What there is of a file.
struct Part<'way> {
    file: bulk::Writer<File>,
    out: &'way Out<'way>,
    length: u64,
}

impl<'way> Part<'way> {
    /// Behind the first `have` bytes of what is there.
    fn behind(have: u64, out: &'way Out<'way>) -> io::Result<Self> {
        let file = if have > 0 {
            OpenOptions::new().append(true).open(out.path)?
        } else {
            File::create(out.path)?
        };
        Ok(Self { file: bulk::Writer::new(file), out, length: have })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
        if self.length > self.out.limit {
            return Err(Failure::Oversize { limit: self.out.limit });
        }
        self.file.write_all(bytes)?;
        self.out.meter.at(self.length);
        Ok(())
    }
}

fn copy(url: &Url, out: &Out<'_>) -> Result<(), Failure> {
    let from = url.to_file_path().map_err(|()| Failure::Missing)?;
    let metadata = fs::metadata(&from)?;
    // A pipe on a stick would never end, or never begin.
    if !metadata.is_file() {
        return Err(Failure::Missing);
    }
    let mut content = File::open(&from)?;
    let mut part = Part::behind(0, out)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match content.read(&mut chunk)? {
            0 => return Ok(()),
            read => part.put(&chunk[..read])?,
        }
    }
}

async fn download(web: &Web, client: &Client, url: &Url, out: &Out<'_>) -> Result<(), Failure> {
    let slowest = web.bytes_per_second().map_or(SLOWEST, |rate| rate.min(SLOWEST));
    let deadline = SHORTEST_DEADLINE + Duration::from_secs(out.limit / slowest.max(1));
    let mut pause = web.pause();
    let mut attempt = 1;
    loop {
        let tried = tokio::time::timeout(deadline, attempt_once(web, client, url, out));
        let failure = match tried.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Unreachable { what: "the answer took too long".to_owned() },
        };
        if attempt >= web.attempts() || !failure.may_pass() {
            return Err(failure);
        }
        attempt += 1;
        tokio::time::sleep(jittered(pause)).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

async fn attempt_once(web: &Web, client: &Client, url: &Url, out: &Out<'_>) -> Result<(), Failure> {
    let Out { path, limit, .. } = *out;
    // What has a version or a digest in its name stays what it is; the timestamp begins anew.
    let resumable = !url.path().ends_with("/timestamp.json");
    let mut have =
        if resumable { fs::metadata(path).map_or(0, |metadata| metadata.len()) } else { 0 };
    let mut request = client.get(url.clone());
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let mut response = request.send().await.map_err(unreachable)?;
    match response.status() {
        StatusCode::OK => have = 0,
        StatusCode::PARTIAL_CONTENT if goes_on_at(&response, have) => {}
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            fs::remove_file(path)?;
            return Err(Failure::Unreachable { what: "the server lost its place".to_owned() });
        }
        // Object stores say 403 of what they do not have.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => {
            return Err(Failure::Missing);
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(Failure::Unreachable { what: format!("the server answers {status}") });
        }
        status => return Err(Failure::Refused { status: status.as_u16() }),
    }
    let announced = response.content_length().unwrap_or(0);
    if have.saturating_add(announced) > limit {
        return Err(Failure::Oversize { limit });
    }
    let mut part = Part::behind(have, out)?;
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        part.put(&chunk)?;
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if let Some(rate) = web.bytes_per_second() {
            let nanoseconds = length.saturating_mul(1_000_000_000) / rate;
            tokio::time::sleep(Duration::from_nanos(nanoseconds)).await;
        }
    }
    Ok(())
}

/// Whether a partial answer begins where what is there ends.
fn goes_on_at(response: &Response, have: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

/// Between half of a pause and all of it, so that terminals do not come back all at once.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0];
    // Without random numbers all of it does as well.
    let random = getrandom::fill(&mut random).map_or(u8::MAX, |()| random[0]);
    pause / 2 + (pause / 2) * u32::from(random) / u32::from(u8::MAX)
}

fn unreachable(error: reqwest::Error) -> Failure {
    // The address stands in the message that this becomes a part of.
    Failure::Unreachable { what: causes(&error.without_url()) }
}

/// A file was not brought.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// It cannot be read or written.
    #[error("{source}")]
    File {
        /// Why.
        source: io::Error,
    },

    /// There is no such file.
    #[error("there is no such file")]
    Missing,

    /// It is longer than it may be.
    #[error("more than {limit} bytes")]
    Oversize {
        /// What it may have.
        limit: u64,
    },

    /// The server will not give it.
    #[error("the server answers {status}")]
    Refused {
        /// The status.
        status: u16,
    },

    /// The server cannot be reached, or not for long enough.
    #[error("{what}")]
    Unreachable {
        /// What happened.
        what: String,
    },
}

impl Failure {
    /// Whether it may be over soon.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::File { .. } | Self::Missing | Self::Oversize { .. } | Self::Refused { .. } => {
                false
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::File { source },
        }
    }
}

impl fmt::Debug for Brought {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Brought")
    }
}
