//! A small web server for one folder of static files, for demonstrations and tests.
//!
//! It knows `GET` and `HEAD`, and a range that begins somewhere and has no end, with which a cut
//! download goes on. A country is served by a real web server, which needs nothing that is not in
//! the folder.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

/// The longest head of a request. Ours have some 200 bytes.
const MAX_HEAD: u64 = 8 << 10;

/// How long a client may say nothing, or take nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves the files below `folder` to whoever connects, until the listener fails.
///
/// # Errors
///
/// The listener's.
pub fn serve(listener: &TcpListener, folder: &Path) -> io::Result<()> {
    let folder: Arc<Path> = folder.into();
    loop {
        let (client, _) = listener.accept()?;
        let folder = Arc::clone(&folder);
        thread::spawn(move || {
            // A client that goes away is nobody's loss.
            answer(&client, &folder).ok();
        });
    }
}

fn answer(client: &TcpStream, folder: &Path) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(client.take(MAX_HEAD)).lines();
    let request = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut from = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            let start = value.trim().strip_prefix("bytes=");
            from = start.and_then(|range| range.strip_suffix('-')?.parse::<u64>().ok());
        }
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    if !matches!(method, Some("GET" | "HEAD")) {
        return refuse(client, "405 Method Not Allowed");
    }
    let Some(mut file) = below(folder, path).and_then(|path| open(&path)) else {
        return refuse(client, "404 Not Found");
    };
    let length = file.metadata()?.len();
    let (status, start) = match from {
        Some(start) if start > 0 && start < length => ("206 Partial Content", start),
        Some(start) if start > length => return refuse(client, "416 Range Not Satisfiable"),
        _ => ("200 OK", 0),
    };
    let mut client = client;
    write!(client, "HTTP/1.1 {status}\r\nConnection: close\r\nAccept-Ranges: bytes\r\n")?;
    write!(client, "Content-Length: {}\r\n", length - start)?;
    if start > 0 {
        write!(client, "Content-Range: bytes {start}-{}/{length}\r\n", length - 1)?;
    }
    write!(client, "\r\n")?;
    if method == Some("GET") {
        file.seek(SeekFrom::Start(start))?;
        io::copy(&mut file, &mut client)?;
    }
    Ok(())
}

fn refuse(mut client: &TcpStream, status: &str) -> io::Result<()> {
    write!(client, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

/// The file that a URL's path names, if it cannot lead out of the folder.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.split(['?', '#']).next()?.strip_prefix('/')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let safe = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    path.split('/').all(safe).then(|| folder.join(path))
}

fn open(path: &Path) -> Option<File> {
    // Anything else, such as a pipe, might never open.
    path.is_file().then(|| File::open(path).ok())?
}
