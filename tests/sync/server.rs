//! Servers that are not well.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use greengate::sync::{Source, Web};

/// What a server that is not well answers to a request for a file, of which it is told the name and
/// from where on it is asked for.
pub(crate) type Answer = dyn Fn(&mut TcpStream, &str, Option<usize>) -> io::Result<()> + Send;

/// Serves answers, and has a terminal try three times without a pause.
pub(crate) fn server(answer: Box<Answer>) -> Source {
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
    Source::Web(Web::new(&url).unwrap().with_attempts(3, Duration::ZERO))
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
