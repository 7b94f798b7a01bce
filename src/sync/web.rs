//! The way to a web server, and what goes over it by itself: a secret that comes, a file that leaves.
//!
//! A server is known by the system's certificates, or by those of one file and no others; it may know
//! the terminal by a certificate too. What is brought for the repository is the transport's.

use std::{
    error::Error as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{
    Certificate, Client, ClientBuilder, Identity, Proxy, StatusCode, Url, redirect::Policy,
};
use thiserror::Error;
use tokio::runtime::Builder;
use tough::Bytes;
use zeroize::{Zeroize, Zeroizing};

/// How long a connection may take to come about, over a mountain link.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a server may say nothing in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// How long something small may be on its way, there and back.
const ERRAND: Duration = Duration::from_secs(30);

/// Where the repository is.
#[derive(Clone, Debug)]
pub enum Source {
    /// In a folder, such as a USB stick.
    Folder(PathBuf),
    /// At a web server.
    Web(Web),
}

/// A web server, and the way to it.
#[derive(Clone, Debug)]
pub struct Web {
    url: Url,
    proxy: Option<String>,
    certificates: Option<PathBuf>,
    device: Option<PathBuf>,
    bytes_per_second: Option<u64>,
    attempts: u32,
    pause: Duration,
}

impl Web {
    /// The repository below `url`: five attempts for each file, the first pause one second, and the
    /// proxy that the environment names.
    ///
    /// # Errors
    ///
    /// [`SettingError`] if that is no URL of HTTP.
    pub fn new(url: &str) -> Result<Self, SettingError> {
        let url = if url.ends_with('/') { url.to_owned() } else { format!("{url}/") };
        let url = Url::parse(&url).map_err(|error| SettingError(format!("the URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SettingError("the URL: neither http nor https".to_owned()));
        }
        Ok(Self {
            url,
            proxy: None,
            certificates: None,
            device: None,
            bytes_per_second: None,
            attempts: 5,
            pause: Duration::from_secs(1),
        })
    }

    /// Through this proxy.
    #[must_use]
    pub fn with_proxy(self, proxy: Option<String>) -> Self {
        Self { proxy, ..self }
    }

    /// Believing the certificates in this PEM file, and no others, to know a server by.
    #[must_use]
    pub fn with_certificates(self, certificates: Option<PathBuf>) -> Self {
        Self { certificates, ..self }
    }

    /// Showing the certificate in this PEM file, which has its private key too, to a server that
    /// asks which terminal this is.
    #[must_use]
    pub fn with_device_certificate(self, device: Option<PathBuf>) -> Self {
        Self { device, ..self }
    }

    /// Taking this many bytes a second at most.
    #[must_use]
    pub fn with_bytes_per_second(self, bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second: bytes_per_second.filter(|rate| *rate > 0), ..self }
    }

    /// Trying this many times for each file, with this pause after the first time.
    #[must_use]
    pub fn with_attempts(self, attempts: u32, pause: Duration) -> Self {
        Self { attempts, pause, ..self }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    pub(super) fn client(&self) -> Result<Client, SettingError> {
        let builder = self.builder()?.redirect(Policy::limited(3));
        builder.build().map_err(|error| setting("the connection", &error))
    }

    fn builder(&self) -> Result<ClientBuilder, SettingError> {
        let mut builder = Client::builder()
            .user_agent(concat!("greengate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE);
        if let Some(proxy) = &self.proxy {
            let proxy = Proxy::all(proxy.as_str());
            builder = builder.proxy(proxy.map_err(|error| setting("the proxy", &error))?);
        } else if self.url.host_str().is_some_and(is_this_machine) {
            builder = builder.no_proxy();
        }
        if let Some(path) = &self.certificates {
            let certificates = Certificate::from_pem_bundle(&read(path)?);
            let certificates =
                certificates.map_err(|error| setting(&path.display().to_string(), &error))?;
            builder = builder.tls_certs_only(certificates);
        } else if self.url.scheme() == "http" {
            // A machine without any certificates can still fetch what is signed anyway.
            builder = builder.tls_certs_only([]);
        }
        if let Some(path) = &self.device {
            let identity = Identity::from_pem(&read(path)?);
            // What is wrong with it is not said: there is a private key in it.
            let identity = identity.map_err(|_| {
                let path = path.display();
                SettingError(format!("{path}: not a certificate and its private key, in PEM"))
            })?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }

    /// A secret file of `limit` bytes at most, over TLS alone. Nothing of it is written anywhere, and
    /// what of it is in this program's own memory is wiped.
    pub(super) fn secret(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, ErrandFailure> {
        if self.url.scheme() != "https" {
            return Err(ErrandFailure::NotTls);
        }
        let (url, client) = self.errand(name, true)?;
        let chunks = run(async {
            let mut response = client.get(url).send().await.map_err(failed)?;
            if response.status() != StatusCode::OK {
                return Err(ErrandFailure::Answer { status: response.status().as_u16() });
            }
            let mut chunks = Chunks::default();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                chunks.0.push(chunk);
                if chunks.length() > limit {
                    return Err(ErrandFailure::Oversize);
                }
            }
            Ok(chunks)
        })?;
        // The connection has given its buffers back: what was received is here alone, to be wiped.
        drop(client);
        let mut secret = Zeroizing::new(Vec::with_capacity(chunks.length()));
        chunks.0.iter().for_each(|chunk| secret.extend_from_slice(chunk));
        Ok(secret)
    }

    /// Leaves a file with the server, which is to say that it has it.
    ///
    /// A server that has stored something says "created" or nothing more; whoever answers with a page
    /// is somebody else, such as a network that wants to be paid first.
    pub(super) fn leave(&self, name: &str, content: &[u8]) -> Result<(), ErrandFailure> {
        let (url, client) = self.errand(name, false)?;
        run(async {
            let request = client.put(url).body(content.to_vec());
            let mut response = request.send().await.map_err(failed)?;
            let status = response.status();
            let has_it = match status {
                StatusCode::CREATED | StatusCode::NO_CONTENT => true,
                status if status.is_success() => response.chunk().await.map_err(failed)?.is_none(),
                _ => false,
            };
            has_it.then_some(()).ok_or(ErrandFailure::Answer { status: status.as_u16() })
        })
    }

    /// Where a file is, and who goes there: never where somebody else points.
    fn errand(&self, name: &str, tls_alone: bool) -> Result<(Url, Client), ErrandFailure> {
        let joined = self.url.join(name);
        let url = joined.map_err(|error| SettingError(format!("the URL: {error}")))?;
        let builder = self.builder()?.redirect(Policy::none()).timeout(ERRAND);
        let client = builder.https_only(tls_alone).pool_max_idle_per_host(0).build();
        Ok((url, client.map_err(|error| setting("the connection", &error))?))
    }
}

/// Runs an errand to its end, on this thread.
fn run<T>(errand: impl Future<Output = Result<T, ErrandFailure>>) -> Result<T, ErrandFailure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime
        .map_err(|error| ErrandFailure::Unreachable { what: error.to_string() })?
        .block_on(errand)
}

/// What was received of a secret, which is wiped when it is dropped.
#[derive(Default)]
struct Chunks(Vec<Bytes>);

impl Chunks {
    fn length(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        for chunk in self.0.drain(..) {
            if let Ok(mut chunk) = chunk.try_into_mut() {
                chunk.as_mut().zeroize();
            }
        }
    }
}

fn failed(error: reqwest::Error) -> ErrandFailure {
    let error = error.without_url();
    let what = causes(&error);
    if is_of_tls(&error) {
        ErrandFailure::Tls { what }
    } else {
        ErrandFailure::Unreachable { what }
    }
}

/// Whether somebody was reached who is not believed, or does not believe.
fn is_of_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        // What TLS has to say comes as an input or output error of this kind, perhaps in another.
        let mut io = error.downcast_ref::<io::Error>();
        while let Some(error) = io {
            if error.kind() == io::ErrorKind::InvalidData {
                return true;
            }
            io = error.get_ref().and_then(|inner| inner.downcast_ref());
        }
        cause = error.source();
    }
    false
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SettingError> {
    let read = fs::read(path).map(Zeroizing::new);
    read.map_err(|error| SettingError(format!("{}: {error}", path.display())))
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn setting(what: &str, error: &reqwest::Error) -> SettingError {
    SettingError(format!("{what}: {}", causes(error)))
}

/// The way to a server is described in a way that cannot be followed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct SettingError(pub(super) String);

/// An errand came to nothing.
#[derive(Debug, Error)]
pub(super) enum ErrandFailure {
    /// The server answers something else.
    #[error("the server answers {status}")]
    Answer {
        /// The status.
        status: u16,
    },

    /// A secret would go over an open line.
    #[error("the address does not begin with https")]
    NotTls,

    /// It is longer than it may be.
    #[error("longer than it may be")]
    Oversize,

    /// The way cannot be followed.
    #[error(transparent)]
    Setting(#[from] SettingError),

    /// One side does not believe the other.
    #[error("{what}")]
    Tls {
        /// What was said.
        what: String,
    },

    /// Nobody is reached, or not for long enough.
    #[error("{what}")]
    Unreachable {
        /// What happened.
        what: String,
    },
}

/// What an error says, and what is behind it.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
