//! The key of the look-up extract, from a real web server that asks for certificates.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use greengate::{
    authority::{Authority, ExtractOrder, WithoutCounty},
    clock::{self, Timestamp},
    issuer::IssuerId,
    language::Words,
    place::{Gate, Place},
    roster::{EpochToken, Stretching},
    sync::{TokenError, Web, fetch_token},
};
use tempfile::{TempDir, tempdir};

use crate::nginx::{Nginx, start_as};

/// An authority with two desks, and the web server that gives each its token.
struct Office {
    folder: TempDir,
    authority: Authority,
    now: Timestamp,
}

impl Office {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let home = folder.path().join("authority");
        let mut authority = Authority::init(&home).unwrap();
        let now = clock::now();
        authority.new_key(IssuerId::new(11), now).unwrap();
        let name = Words::new("站", "Station");
        let gate = Gate { place: Place::Station, name, gate: "1".to_owned() };
        for terminal in ["desk-1", "desk-2", "desk-3"] {
            authority.put_terminal(terminal, &gate).unwrap();
        }
        for terminal in ["desk-1", "desk-2"] {
            let order = ExtractOrder {
                terminal: terminal.to_owned(),
                counties: vec!["110105".parse().unwrap()],
                without_county: WithoutCounty::LeftOut,
                issuer: None,
                days: 7,
                stretching: Stretching::None,
            };
            authority.extract(&order, &mut |_| {}, now).unwrap();
        }
        Self { folder, authority, now }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes certificates and starts the server; nothing where that is not installed.
    fn serve(&self) -> Option<Nginx> {
        self.authority.epoch_tokens_to(&self.path("tokens"), self.now).unwrap();
        for root in ["root", "foreign-root"] {
            root_certificate(self.folder.path(), root)?;
        }
        for (name, root) in
            [("server", "root"), ("desk-1", "root"), ("desk-2", "root"), ("forged", "foreign-root")]
        {
            let subject = if name == "forged" { "desk-1" } else { name };
            certificate(self.folder.path(), name, subject, root)?;
        }
        let folder = self.folder.path().display();
        let server = format!(
            "ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
             ssl_client_certificate {folder}/root.pem; ssl_verify_client on;
             root {folder}/tokens;
             location ~ \"^/token-(?<who>[a-z0-9-]+)\\.json$\" {{
                 if ($ssl_client_s_dn != \"CN=$who\") {{ return 403; }}
             }}
             location /moved/ {{ return 302 https://$http_host/token-desk-1.json; }}"
        );
        let nginx = self.path("nginx");
        fs::create_dir(&nginx).unwrap();
        start_as(&nginx, "ssl", &server)
    }
}

/// Runs `openssl`; nothing if it is not installed.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<()> {
    let mut openssl = Command::new("openssl");
    let openssl = openssl.args(arguments).current_dir(folder);
    let status = openssl.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    assert!(status.success(), "{arguments:?}");
    Some(())
}

const CURVE: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

fn root_certificate(folder: &Path, name: &str) -> Option<()> {
    let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
    let own = ["-subj", &subject, "-keyout", &key, "-out", &pem, "-days", "2"];
    openssl(folder, &[&["req", "-x509"][..], &CURVE, &own].concat())
}

/// Makes `name.pem` with a key and its certificate by a root, for this machine.
fn certificate(folder: &Path, name: &str, subject: &str, root: &str) -> Option<()> {
    let [key, request, signed, extensions] =
        ["key", "csr", "crt", "ext"].map(|end| format!("{name}.{end}"));
    let subject = format!("/CN={subject}");
    let own = ["-subj", &subject, "-keyout", &key, "-out", &request];
    openssl(folder, &[&["req"][..], &CURVE, &own].concat())?;
    let says = "basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1\n";
    fs::write(folder.join(&extensions), says).unwrap();
    let (root_pem, root_key) = (format!("{root}.pem"), format!("{root}.key"));
    let sign = [
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &root_pem,
        "-CAkey",
        &root_key,
        "-CAcreateserial",
        "-out",
        &signed,
        "-days",
        "2",
        "-extfile",
        &extensions,
    ];
    openssl(folder, &sign)?;
    let pem = [fs::read(folder.join(&signed)).unwrap(), fs::read(folder.join(&key)).unwrap()];
    fs::write(folder.join(format!("{name}.pem")), pem.concat()).unwrap();
    Some(())
}

fn code_of(fetched: &Result<EpochToken, TokenError>) -> &'static str {
    fetched.as_ref().map_or_else(TokenError::code, |_| "a token")
}

#[test]
fn a_terminal_is_given_its_own_token_by_its_certificate_and_no_other() {
    let office = Office::new();
    let Some(nginx) = office.serve() else {
        println!("skipped: nginx or openssl is not installed");
        return;
    };
    let tokens = office.path("tokens");
    let oversize = [fs::read(tokens.join("token-desk-1.json")).unwrap(), vec![b' '; 4096]].concat();
    fs::create_dir(tokens.join("longer")).unwrap();
    fs::write(tokens.join("longer/token-desk-1.json"), oversize).unwrap();
    fs::create_dir(tokens.join("mixed")).unwrap();
    fs::copy(tokens.join("token-desk-2.json"), tokens.join("mixed/token-desk-1.json")).unwrap();
    fs::create_dir(tokens.join("page")).unwrap();
    fs::write(tokens.join("page/token-desk-1.json"), "<html></html>").unwrap();

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let served = format!("https://{}", nginx.address);
    let day = chrono::TimeDelta::hours(24);
    let (now, late) = (office.now, office.now + day);
    let cases = [
        ("its own", served.clone(), "root", Some("desk-1"), "desk-1", now, "a token"),
        ("the other's own", served.clone(), "root", Some("desk-2"), "desk-2", now, "a token"),
        ("no certificate", served.clone(), "root", None, "desk-1", now, "Y62"),
        ("the other's certificate", served.clone(), "root", Some("desk-2"), "desk-1", now, "Y62"),
        ("a forged certificate", served.clone(), "root", Some("forged"), "desk-1", now, "Y62"),
        (
            "a server nobody knows",
            served.clone(),
            "foreign-root",
            Some("desk-1"),
            "desk-1",
            now,
            "Y61",
        ),
        ("no extract", served.clone(), "root", Some("desk-1"), "desk-3", now, "Y62"),
        (
            "an open line",
            served.replace("https", "http"),
            "root",
            Some("desk-1"),
            "desk-1",
            now,
            "Y65",
        ),
        ("longer", format!("{served}/longer"), "root", Some("desk-1"), "desk-1", now, "Y64"),
        (
            "the other's token",
            format!("{served}/mixed"),
            "root",
            Some("desk-1"),
            "desk-1",
            now,
            "L12",
        ),
        ("a page", format!("{served}/page"), "root", Some("desk-1"), "desk-1", now, "L17"),
        ("not there", format!("{served}/nowhere"), "root", Some("desk-1"), "desk-1", now, "Y63"),
        ("elsewhere", format!("{served}/moved"), "root", Some("desk-1"), "desk-1", now, "Y60"),
        (
            "nobody answers",
            format!("https://{closed}"),
            "root",
            Some("desk-1"),
            "desk-1",
            now,
            "Y60",
        ),
        ("expired", served.clone(), "root", Some("desk-1"), "desk-1", late, "L06"),
        ("a clock set back", served.clone(), "root", Some("desk-1"), "desk-1", now - day, "L09"),
        ("no such file", served.clone(), "root", Some("missing"), "desk-1", now, "Y66"),
        ("no private key", served.clone(), "root", Some("root"), "desk-1", now, "Y66"),
    ];
    for (case, url, root, device, terminal, now, expected) in cases {
        let pem = |name: &str| office.path(&format!("{name}.pem"));
        let web = Web::new(&url)
            .unwrap()
            .with_certificates(Some(pem(root)))
            .with_device_certificate(device.map(pem))
            .with_attempts(1, Duration::ZERO);
        let fetched = fetch_token(&web, terminal, now);
        assert_eq!(code_of(&fetched), expected, "{case}: {fetched:?}");
        match fetched {
            Ok(token) => {
                let file = fs::read(tokens.join(format!("token-{terminal}.json"))).unwrap();
                assert_eq!(*token.to_bytes(), file, "{case}");
            }
            Err(error) => {
                let Words { zh, en } = error.words();
                let code = format!("[{expected}]");
                assert!(zh.ends_with(&code) && en.ends_with(&code), "{case}: {zh} {en}");
            }
        }
    }
}

#[test]
fn the_authority_has_a_token_for_each_terminal_with_an_extract_and_no_others() {
    let office = Office::new();
    let out = office.path("tokens");
    let names = || {
        let entries = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let day = office.now + chrono::TimeDelta::hours(24);
    let written = office.authority.epoch_tokens_to(&out, office.now).unwrap();
    let seconds = |at: Timestamp| at.timestamp();
    let written: Vec<_> = written.iter().map(|(name, at)| (name.as_str(), seconds(*at))).collect();
    assert_eq!(written, [("desk-1", seconds(day)), ("desk-2", seconds(day))]);
    assert_eq!(names(), ["token-desk-1.json", "token-desk-2.json"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &out.join("token-desk-1.json").metadata().unwrap().permissions(),
    );
    assert_eq!(mode & 0o117, 0, "nobody else reads it, and its group does not write it");

    // Another day, another token; whose terminal or extract is no more has none.
    let before = fs::read(out.join("token-desk-1.json")).unwrap();
    fs::write(out.join("index.html"), "").unwrap();
    let Office { mut authority, folder: _folder, .. } = office;
    authority.remove_terminal("desk-2").unwrap();
    authority.epoch_tokens_to(&out, day).unwrap();
    assert_eq!(names(), ["index.html", "token-desk-1.json"]);
    assert_ne!(fs::read(out.join("token-desk-1.json")).unwrap(), before);
    let over = day + chrono::TimeDelta::days(7);
    assert!(authority.epoch_tokens_to(&out, over).unwrap().is_empty());
    assert_eq!(names(), ["index.html"]);
}
