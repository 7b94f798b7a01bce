//! A small web server for one folder of static files, for demonstrations and tests.
//!
//! It knows `GET` and `HEAD`, and a range that begins somewhere and has no end, with which a cut
//! download goes on. With `PUT` terminals leave sealed registrations in the folder `registrations`,
//! each under the name that its content gives it, and nobody reads them from there. A country is
//! served by a real web server, which needs nothing that is not in the folder.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tempfile::NamedTempFile;

use crate::registration::{self, FOLDER, SEALED_BYTES};

/// The longest head of a request. Ours have some 200 bytes.
const MAX_HEAD: u64 = 8 << 10;

/// How long a client may say nothing, or take nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is read of what somebody sends, though so much is never kept: what is left unread when a
/// connection is closed takes the answer with it.
const MAX_SENT: u64 = 64 << 10;

/// Serves the files below `folder` to whoever connects, and takes registrations into it, until the
/// listener fails.
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
    let mut received = BufReader::new(client.take(MAX_HEAD + MAX_SENT));
    let mut lines = received.by_ref().take(MAX_HEAD).lines();
    let request = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let (mut from, mut content) = (None, None);
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("range") {
            let start = value.trim().strip_prefix("bytes=");
            from = start.and_then(|range| range.strip_suffix('-')?.parse::<u64>().ok());
        } else if name.eq_ignore_ascii_case("content-length") {
            content = value.trim().parse::<u64>().ok();
        }
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    if method == Some("PUT") {
        let mut body = Vec::new();
        received.take(content.unwrap_or_default()).read_to_end(&mut body)?;
        return say(client, take(folder, path, content, &body).unwrap_or("500 Not Kept"));
    }
    if !matches!(method, Some("GET" | "HEAD")) {
        return say(client, "405 Method Not Allowed");
    }
    let Some(mut file) = below(folder, path).and_then(|path| open(&path)) else {
        return say(client, "404 Not Found");
    };
    let length = file.metadata()?.len();
    let (status, start) = match from {
        Some(start) if start > 0 && start < length => ("206 Partial Content", start),
        Some(start) if start > length => return say(client, "416 Range Not Satisfiable"),
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

/// Takes a registration in, and gives the status that says what became of it. What is there stays as
/// it is.
fn take(folder: &Path, path: &str, length: Option<u64>, sealed: &[u8]) -> io::Result<&'static str> {
    let Some(name) = path.strip_prefix('/').and_then(|path| path.strip_prefix(FOLDER)) else {
        return Ok("405 Method Not Allowed");
    };
    let expected = u64::try_from(SEALED_BYTES).unwrap_or(u64::MAX);
    match length {
        None => return Ok("411 Length Required"),
        Some(length) if length > expected => return Ok("413 Content Too Large"),
        Some(_) => {}
    }
    let Some(named) = registration::file_name(sealed) else { return Ok("400 Bad Request") };
    if name.strip_prefix('/') != Some(&named) {
        return Ok("409 Conflict");
    }
    let folder = folder.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut file = NamedTempFile::new_in(&folder)?;
    file.write_all(sealed)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(named)) {
        Ok(_) => {
            File::open(&folder)?.sync_all()?;
            Ok("201 Created")
        }
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => {
            Ok("204 No Content")
        }
        Err(failure) => Err(failure.error),
    }
}

fn say(mut client: &TcpStream, status: &str) -> io::Result<()> {
    write!(client, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

/// The file that a URL's path names, if it cannot lead out of the folder.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.split(['?', '#']).next()?.strip_prefix('/')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let safe = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    let is_published = path.split('/').next() != Some(FOLDER);
    (is_published && path.split('/').all(safe)).then(|| folder.join(path))
}

fn open(path: &Path) -> Option<File> {
    // Anything else, such as a pipe, might never open.
    path.is_file().then(|| File::open(path).ok())?
}
