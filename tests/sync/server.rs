//! Servers that are not well.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use greengate::sync::{Source, Web};

/// What a server that is not well answers to a request for a file, of which it is told the name and
/// from where on it is asked for.
pub(crate) type Answer = dyn Fn(&mut TcpStream, &str, Option<usize>) -> io::Result<()> + Send;

/// Serves answers, and has a terminal try three times without a pause.
pub(crate) fn server(answer: Box<Answer>) -> Source {
    Source::Web(Web::new(&address(answer)).unwrap().with_attempts(3, Duration::ZERO))
}

/// The address at which answers are served.
pub(crate) fn address(answer: Box<Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        loop {
            let (mut client, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            let Some(Ok(request)) = lines.next() else { continue };
            let mut start = None;
            for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
                let line = line.to_lowercase();
                let range =
                    line.strip_prefix("range: bytes=").and_then(|range| range.strip_suffix('-'));
                start = start.or(range.map(|range| range.parse().unwrap()));
            }
            let path = request.split(' ').nth(1).unwrap();
            // A client that goes away in the middle is what some of these are about.
            answer(&mut client, path, start).ok();
        }
    });
    url
}

pub(crate) fn head(client: &mut TcpStream, status: &str, length: usize) -> io::Result<()> {
    write!(client, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
}

/// Answers as a server does that is well.
pub(crate) fn well(client: &mut TcpStream, out: &Path, path: &str) -> io::Result<()> {
    match fs::read(out.join(&path[1..])) {
        Ok(bytes) => head(client, "200 OK", bytes.len()).and_then(|()| client.write_all(&bytes)),
        Err(_) => head(client, "404 Not Found", 0),
    }
}

/// Answers as a server does that is well, from where on it is asked to and `most` bytes at most.
pub(crate) fn part(
    client: &mut TcpStream,
    bytes: &[u8],
    start: Option<usize>,
    most: usize,
) -> io::Result<()> {
    let start = start.unwrap_or(0);
    let rest = &bytes[start..];
    if start == 0 {
        head(client, "200 OK", rest.len())?;
    } else {
        let (last, length) = (bytes.len() - 1, bytes.len());
        write!(
            client,
            "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Range: bytes {start}-{last}/{length}\r\n\r\n",
            rest.len()
        )?;
    }
    client.write_all(&rest[..most.min(rest.len())])
}

/// What a server was asked for: the names, each with how many bytes it gave of it.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Vec<(String, usize)>>>);

impl Asked {
    /// Serves the files below `out`, no more than `most(name)` bytes of each at once, and notes it.
    pub(crate) fn server(
        &self,
        out: &Path,
        attempts: u32,
        most: impl Fn(&str) -> usize + Send + 'static,
    ) -> Source {
        let web = Web::new(&self.address(out, most)).unwrap();
        Source::Web(web.with_attempts(attempts, Duration::ZERO))
    }

    /// The address at which it does.
    pub(crate) fn address(
        &self,
        out: &Path,
        most: impl Fn(&str) -> usize + Send + 'static,
    ) -> String {
        let (out, asked) = (out.to_path_buf(), self.clone());
        address(Box::new(move |client, path, start| {
            let Ok(bytes) = fs::read(out.join(&path[1..])) else {
                return head(client, "404 Not Found", 0);
            };
            let name = path.rsplit('/').next().unwrap();
            let name = name.split_once('.').filter(|(digest, _)| digest.len() == 64);
            let name = name.map_or(path, |(_, name)| name);
            let most = most(name);
            let given = most.min(bytes.len() - start.unwrap_or(0));
            asked.0.lock().unwrap().push((name.to_owned(), given));
            part(client, &bytes, start, most)
        }))
    }

    /// What was asked for since this was last asked, of what has to do with revocations.
    pub(crate) fn revocations(&self) -> Vec<(String, usize)> {
        let mut asked = std::mem::take(&mut *self.0.lock().unwrap());
        asked.retain(|(name, _)| name.starts_with("revocations-"));
        asked
    }
}
