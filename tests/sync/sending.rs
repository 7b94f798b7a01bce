//! Registrations by hand, on their way to the authority.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
};

use greengate::{
    authority::serve::serve,
    id_document::DocumentNumber,
    registration::{
        OpeningKey, Person, PersonDocument, PersonName, Registration, RegistrationReason,
        SEALED_BYTES, file_name,
    },
    store::Store,
    sync::{SendError, Web, send_registrations},
};
use tempfile::{TempDir, tempdir};

use crate::{
    common::{NOW, at},
    nginx::start_as,
};

const NAMES: [&str; 3] = ["张三", "李四", "王五"];

fn opening_key() -> OpeningKey {
    OpeningKey::new([7; 32])
}

fn registration(name: &str) -> Registration {
    let number = DocumentNumber::parse("11010519491231002X", at(NOW).date_naive()).unwrap();
    let person = Person::new(PersonName::new(name).unwrap(), Some(PersonDocument::of(&number)));
    Registration {
        person,
        reason: RegistrationReason::NotFound,
        guardian: None,
        staff: "1001".parse().unwrap(),
        terminal: Some("desk-1".to_owned()),
        at: at(NOW),
    }
}

/// A store in which three people are registered.
fn store() -> (TempDir, Store) {
    let folder = tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    for name in NAMES {
        let registration = registration(name);
        let sealed = registration.seal(&opening_key().sealing_key().unwrap()).unwrap();
        store.keep_registration(&sealed, &registration.staff, at(NOW)).unwrap();
    }
    (folder, store)
}

/// A server that answers each request in turn, and tells what it was sent.
fn server(answers: &'static [&'static str]) -> (Web, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/greengate", listener.local_addr().unwrap());
    let (told, received) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut client, _) = listener.accept().unwrap();
            told.send(request(&client)).unwrap();
            client.write_all(answer.as_bytes()).unwrap();
        }
    });
    (Web::new(&url).unwrap(), received)
}

/// The first line of a request, and what is sent with it.
fn request(client: &TcpStream) -> (String, Vec<u8>) {
    let mut received = BufReader::new(client);
    let (mut first, mut length) = (String::new(), 0);
    received.read_line(&mut first).unwrap();
    for line in received.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    let mut sent = vec![0; length];
    received.read_exact(&mut sent).unwrap();
    (first.trim_end().to_owned(), sent)
}

fn code_of(sent: &Result<usize, SendError>) -> &'static str {
    sent.as_ref().map_or_else(SendError::code, |_| "sent")
}

const CREATED: &str = "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const NOTHING: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_registration_is_erased_once_the_server_has_it() {
    const PORTAL: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nlog in";
    const MOVED: &str =
        "HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const NOT_ALLOWED: &str =
        "HTTP/1.1 405 Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const FORBIDDEN: &str =
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const MISSING: &str =
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const UNKNOWN: &str =
        "HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const BUSY: &str =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let cases: [(&str, &'static [&'static str], &str, usize); 10] = [
        ("taken", &[CREATED, NOTHING, EMPTY], "sent", 0),
        ("not allowed", &[NOT_ALLOWED], "Y70", 3),
        ("forbidden", &[FORBIDDEN], "Y70", 3),
        ("no such folder", &[MISSING], "Y70", 3),
        ("no such method", &[UNKNOWN], "Y70", 3),
        ("somewhere else", &[MOVED], "Y70", 3),
        ("a page of a network's", &[PORTAL], "Y70", 3),
        ("busy", &[BUSY], "Y71", 3),
        ("hangs up", &[""], "Y71", 3),
        ("hangs up after one", &[CREATED, ""], "Y71", 2),
    ];
    for (case, answers, expected, left) in cases {
        let (_folder, mut store) = store();
        let kept = store.registrations().unwrap();
        let (web, received) = server(answers);
        let sent = send_registrations(&mut store, &web);
        assert_eq!(code_of(&sent), expected, "{case}: {sent:?}");
        assert_eq!(store.registrations().unwrap()[..], kept[3 - left..], "{case}");
        for ((first, content), (_, sealed)) in received.iter().zip(&kept) {
            let name = file_name(sealed).unwrap();
            assert_eq!(first, format!("PUT /greengate/registrations/{name} HTTP/1.1"), "{case}");
            assert_eq!(&content, sealed, "{case}");
        }
    }
    let (_folder, mut store) = store();
    store.erase_registrations(3).unwrap();
    let nobody = Web::new("http://127.0.0.1:9").unwrap();
    assert_eq!(
        send_registrations(&mut store, &nobody).unwrap(),
        0,
        "nothing to send, nobody asked"
    );
}

#[test]
fn a_registrations_name_is_of_its_content_alone() {
    let sealing = opening_key().sealing_key().unwrap();
    let [first, second] = [(); 2].map(|()| registration("张三").seal(&sealing).unwrap());
    let [one, other] = [&first, &second].map(|sealed| file_name(sealed).unwrap());
    assert_ne!(one, other, "the same person twice");
    let digits = one.strip_suffix(".sealed").unwrap();
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(file_name(&first[1..]), None);
    assert_eq!(file_name(&[0; SEALED_BYTES]), None);
}

/// The answer to a request in these words.
fn asked(address: &str, request: &[u8]) -> String {
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(request).unwrap();
    let mut answer = String::new();
    BufReader::new(client).read_line(&mut answer).unwrap();
    answer.trim_end().replace("HTTP/1.1 ", "")
}

#[test]
fn the_authoritys_own_server_takes_registrations_and_nothing_else() {
    let out = tempdir().unwrap();
    fs::write(out.path().join("list.json"), "{}").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = out.path().to_path_buf();
    thread::spawn(move || serve(&listener, &folder));
    let web = Web::new(&format!("http://{address}")).unwrap();

    let (_folder, mut store) = store();
    let kept = store.registrations().unwrap();
    assert_eq!(send_registrations(&mut store, &web).unwrap(), 3);
    let taken = out.path().join("registrations");
    for (_, sealed) in &kept {
        assert_eq!(&fs::read(taken.join(file_name(sealed).unwrap())).unwrap(), sealed);
    }
    let (mut opened, mut names) = (Vec::new(), NAMES);
    for entry in fs::read_dir(&taken).unwrap() {
        let sealed = fs::read(entry.unwrap().path()).unwrap();
        opened.push(opening_key().open(&sealed).unwrap().person.name().expose().to_owned());
    }
    opened.sort();
    names.sort_unstable();
    assert_eq!(opened, names);

    let sealed = &kept[0].1;
    let name = file_name(sealed).unwrap();
    let put = |path: &str, length: &str, content: &[u8]| {
        let head = format!("PUT {path} HTTP/1.1\r\n{length}\r\n\r\n");
        asked(&address, &[head.as_bytes(), content].concat())
    };
    let length = format!("Content-Length: {SEALED_BYTES}");
    let own = format!("/registrations/{name}");
    let mut altered = sealed.clone();
    altered[100] ^= 1;
    let cases = [
        ("again", put(&own, &length, sealed), "204 No Content"),
        ("altered", put(&own, &length, &altered), "409 Conflict"),
        ("another name", put("/registrations/me", &length, sealed), "409 Conflict"),
        ("out of the folder", put("/registrations/../me", &length, sealed), "409 Conflict"),
        (
            "a folder like it",
            put(&format!("/registrations2/{name}"), &length, sealed),
            "409 Conflict",
        ),
        ("a list", put("/list.json", &length, sealed), "405 Method Not Allowed"),
        ("no length", put(&own, "Range: bytes=0-", b""), "411 Length Required"),
        ("shorter", put(&own, "Content-Length: 9", b"GGREG-1\n."), "400 Bad Request"),
        ("longer", put(&own, "Content-Length: 9999", &[b' '; 9999]), "413 Content Too Large"),
        ("no registration", put(&own, &length, &[b' '; SEALED_BYTES]), "400 Bad Request"),
        (
            "to read one",
            asked(&address, format!("GET {own} HTTP/1.1\r\n\r\n").as_bytes()),
            "404 Not Found",
        ),
        ("to read a list", asked(&address, b"GET /list.json HTTP/1.1\r\n\r\n"), "200 OK"),
    ];
    for (case, answer, expected) in cases {
        assert_eq!(answer, expected, "{case}");
    }
    assert_eq!(fs::read_dir(&taken).unwrap().count(), 3);
    assert_eq!(&fs::read(taken.join(name)).unwrap(), sealed);
    assert_eq!(fs::read(out.path().join("list.json")).unwrap(), b"{}");
}

#[test]
fn a_real_web_server_takes_registrations_if_it_is_told_to() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["nginx", "out", "out/registrations"] {
        fs::create_dir(path(name)).unwrap();
    }
    let server = format!(
        "root {};
         location /registrations/ {{
             dav_methods PUT; client_max_body_size 2k;
             limit_except PUT {{ deny all; }}
         }}",
        path("out").display()
    );
    let Some(nginx) = start_as(&path("nginx"), "", &server) else {
        println!("skipped: nginx is not installed");
        return;
    };
    let (_folder, mut store) = store();
    let kept = store.registrations().unwrap();
    let web = |below: &str| Web::new(&format!("http://{}{below}", nginx.address)).unwrap();
    let refused = send_registrations(&mut store, &web("/elsewhere"));
    assert_eq!(code_of(&refused), "Y70", "{refused:?}");
    assert_eq!(store.registrations().unwrap(), kept);
    assert_eq!(send_registrations(&mut store, &web("")).unwrap(), 3);
    assert!(store.registrations().unwrap().is_empty());
    for (_, sealed) in &kept {
        let name = file_name(sealed).unwrap();
        assert_eq!(&fs::read(path("out/registrations").join(&name)).unwrap(), sealed);
        let get = format!("GET /registrations/{name} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(asked(&nginx.address, get.as_bytes()), "403 Forbidden");
    }
}
