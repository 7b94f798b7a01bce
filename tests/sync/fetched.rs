//! What is fetched.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
};

use greengate::{
    authority::{repository::Payload, serve::serve},
    clock,
    store::{Store, UpdateError},
    sync::{Source, Synced, Web, read_root, sync, verify},
    update::Role,
};

use crate::{
    Publisher, Terminal, lists, second_version,
    server::{head, server, well},
    versions,
};

#[test]
fn a_folder_and_a_server_bring_the_same() {
    let publisher = Publisher::with_lists();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let out = publisher.out();
    thread::spawn(move || serve(&listener, &out));
    let web = || Source::Web(Web::new(&address).unwrap());

    let (mut by_stick, mut by_wire) = (Terminal::new(&publisher), Terminal::new(&publisher));
    assert_eq!(by_stick.version(), None);
    for version in 1..=3 {
        if version > 1 {
            publisher.publish(version);
        }
        by_stick.takes(&publisher.source());
        by_wire.takes(&web());
        assert_eq!(by_stick.version(), Some(version));
        assert_eq!(by_stick.store.load_basis().unwrap(), by_wire.store.load_basis().unwrap());
        assert_eq!(by_stick.store.trusted().unwrap(), by_wire.store.trusted().unwrap());
        for terminal in [&mut by_stick, &mut by_wire] {
            for source in [publisher.source(), web()] {
                let again = sync(&mut terminal.store, &source, clock::now()).unwrap();
                assert_eq!(again, Synced::NothingNew);
            }
        }
    }
}

#[test]
fn a_repository_of_the_reference_implementation_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tuf-python");
    let mut store = Store::in_memory().unwrap();
    let root = fs::read(folder.join("metadata/1.root.json")).unwrap();
    store.trust_root(&read_root(root).unwrap()).unwrap();
    let mut terminal = Terminal { store };
    terminal.takes(&Source::Folder(folder));
    assert_eq!((terminal.root(), terminal.version()), (2, Some(1)));
}

#[test]
fn any_published_file_can_be_fetched_and_stands_whole_or_not_at_all() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    // Longer than what is handed on at once.
    let large: Vec<_> = (0..300_000_u32).map(|number| number.to_be_bytes()[2]).collect();
    let path = publisher.path("large");
    fs::write(&path, &large).unwrap();
    let files = lists(2);
    let files = files
        .present()
        .map(|(kind, bytes)| (kind.file_name().to_owned(), Payload::Bytes(bytes.to_vec())))
        .chain([("revocations-11-202111.bin".to_owned(), Payload::File(path))]);
    publisher.repository().publish(files.collect(), &publisher.out(), publisher.now).unwrap();

    let trusted = terminal.store.trusted().unwrap().unwrap();
    let verified = verify(&trusted, &publisher.source(), clock::now()).unwrap();
    let name = "revocations-11-202111.bin";
    assert!(verified.names().any(|named| named == (name, 300_000)));
    let (partial, into) = (publisher.path("partial"), publisher.path("here"));
    assert!(verified.save(name, 300_000, &partial, &into).unwrap());
    assert_eq!(fs::read(&into).unwrap(), large);
    assert!(!verified.save("nothing.bin", 1, &partial, &publisher.path("nothing")).unwrap());
    assert_eq!(verified.read(name, 299_999).unwrap_err().code(), "Y24");
    let there = publisher.list(name);
    fs::write(&there, &large[..200_000]).unwrap();
    let cut = publisher.path("cut");
    assert_eq!(verified.save(name, 300_000, &partial, &cut).unwrap_err().code(), "Y23");
    assert!(!cut.exists());
    let refused = publisher.repository().publish(
        vec![("../up".to_owned(), Payload::Bytes(Vec::new()))],
        &publisher.out(),
        publisher.now,
    );
    let words = "\"../up\" cannot be published: a name has letters, digits, and -_.";
    assert_eq!(refused.unwrap_err().to_string(), words);
}

#[test]
fn a_timestamp_that_is_signed_anew_is_taken_with_the_lists_as_they_are() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    assert_eq!(versions(&mut terminal), [1, 1, 1]);
    publisher.sign_timestamp();
    // Lists that are here are not fetched again.
    fs::remove_dir_all(publisher.out().join("targets")).unwrap();
    terminal.takes(&publisher.source());
    assert_eq!(versions(&mut terminal), [2, 1, 1]);
    assert_eq!(terminal.version(), Some(1));
}

#[test]
fn a_root_is_given_once() {
    let [one, other] = [(); 2].map(|()| Publisher::new(clock::now()).repository().root().unwrap());
    let mut store = Store::in_memory().unwrap();
    store.trust_root(&read_root(one.clone()).unwrap()).unwrap();
    store.trust_root(&read_root(one.clone()).unwrap()).unwrap();
    let refused = store.trust_root(&read_root(other).unwrap());
    assert!(matches!(refused, Err(UpdateError::OtherRoot { version: 1 })), "{refused:?}");

    let text = String::from_utf8(one.clone()).unwrap();
    let cases = [
        ("cut", one[..one.len() - 1].to_vec(), "Y27"),
        ("empty", Vec::new(), "Y27"),
        ("another threshold", text.replace("\"threshold\":2", "\"threshold\":1").into(), "Y26"),
        ("huge", [one, vec![b' '; 1 << 20]].concat(), "Y24"),
    ];
    for (name, bytes, code) in cases {
        assert_eq!(read_root(bytes).unwrap_err().code(), code, "{name}");
    }
}

#[test]
fn a_terminal_that_slept_through_five_roots_follows() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let asleep = publisher.fork();
    for version in 2..=6 {
        assert_eq!(publisher.rotate(&Role::ONLINE), version);
        publisher.publish(version);
    }
    terminal.takes(&publisher.source());
    assert_eq!((terminal.root(), terminal.version()), (6, Some(6)));
    // And a new one, that has the first root only.
    assert_eq!(Terminal::synced(&publisher).version(), Some(6));
    // What the old keys signed no longer counts, however new.
    asleep.publish(7);
    assert_eq!(terminal.refuses(&asleep.source()).code(), "Y26");
    // One root less, and nobody gets past the gap.
    let mut terminal = Terminal::new(&publisher);
    fs::remove_file(publisher.metadata("4.root.json")).unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y26");
    assert_eq!(terminal.root(), 3);
}

#[test]
fn a_new_root_is_kept_even_if_the_rest_is_refused() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let stolen = publisher.fork();
    publisher.rotate(&[Role::Timestamp]);
    publisher.publish(2);
    let timestamp = fs::read(publisher.metadata("timestamp.json")).unwrap();
    fs::write(publisher.metadata("timestamp.json"), b"").unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y27");
    assert_eq!((terminal.root(), terminal.version()), (2, Some(1)));
    // From now on the stolen key of the timestamp counts for nothing.
    stolen.publish(2);
    assert_eq!(terminal.refuses(&stolen.source()).code(), "Y26");
    fs::write(publisher.metadata("timestamp.json"), timestamp).unwrap();
    terminal.takes(&publisher.source());
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn a_repository_that_was_taken_over_is_won_back() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let stolen = publisher.fork();
    stolen.forge("timestamp.json", "timestamp", |signed| signed["version"] = 1_000_000.into());
    terminal.takes(&stolen.source());
    publisher.publish(2);
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y21");
    publisher.rotate(&[Role::Timestamp]);
    publisher.publish(3);
    terminal.takes(&publisher.source());
    assert_eq!(versions(&mut terminal), [4, 4, 4]);
    assert_eq!(terminal.version(), Some(3));
}

#[test]
fn a_download_goes_on_where_it_was_cut_off() {
    let (publisher, mut terminal) = second_version();
    let out = publisher.out();
    let source = server(Box::new(move |client, path, start| {
        let Ok(bytes) = fs::read(out.join(&path[1..])) else {
            return head(client, "404 Not Found", 0);
        };
        let half = bytes.len() / 2;
        match start {
            // The first half, and then the line is gone.
            None if path.contains("/targets/") => {
                head(client, "200 OK", bytes.len())?;
                client.write_all(&bytes[..half])
            }
            None => well(client, &out, path),
            Some(start) => {
                assert_eq!(start, half);
                let (last, length) = (bytes.len() - 1, bytes.len());
                write!(
                    client,
                    "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {}\r\n\
                     Content-Range: bytes {start}-{last}/{length}\r\n\r\n",
                    length - start
                )?;
                client.write_all(&bytes[start..])
            }
        }
    }));
    terminal.takes(&source);
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn the_server_of_the_demonstration_shows_its_folder_and_nothing_else() {
    let publisher = Publisher::with_lists();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let out = publisher.out();
    thread::spawn(move || serve(&listener, &out));
    let ask = |request: &str| {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "{request}\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    };
    let timestamp = fs::read_to_string(publisher.metadata("timestamp.json")).unwrap();
    let get = "GET /metadata/timestamp.json HTTP/1.1";
    assert!(ask(get).starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(ask(get).ends_with(&timestamp));
    let rest = ask(&format!("{get}\r\nRange: bytes=9-"));
    assert!(rest.starts_with("HTTP/1.1 206 "), "{rest}");
    assert!(rest.ends_with(&format!("\r\n\r\n{}", &timestamp[9..])), "{rest}");
    assert!(ask(&format!("{get}\r\nRange: bytes=99999-")).starts_with("HTTP/1.1 416 "));
    assert!(ask("HEAD /metadata/timestamp.json HTTP/1.1").ends_with("\r\n\r\n"));
    assert!(ask("POST /metadata/timestamp.json HTTP/1.1").starts_with("HTTP/1.1 405 "));
    let outside = ["/", "/metadata", "/../authority/keys", "//etc/passwd", "/%2e%2e/authority", ""];
    for path in outside {
        let answer = ask(&format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}
