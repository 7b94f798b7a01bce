//! Who may name whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Words that every module shares.
const SHARED: &[&str] = &["clock", "issuer", "language", "place"];

/// Each module of the library, with the other modules it may name beside the shared ones.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("issuer", &[]),
    ("language", &[]),
    ("place", &[]),
    ("frame", &[]),
    ("document", &[]),
    ("update", &[]),
    ("bulk", &[]),
    ("provisioning", &[]),
    ("id_document", &[]),
    ("locked", &[]),
    ("symbol", &["frame"]),
    ("key_ring", &["document"]),
    ("recognition", &["document"]),
    ("risk_area", &["document"]),
    ("revocation", &["bulk", "credential"]),
    ("roster", &["bulk", "credential", "id_document", "locked", "symbol"]),
    ("policy", &["credential", "document"]),
    ("credential", &["id_document", "key_ring", "locked", "symbol"]),
    ("trust", &["document", "key_ring", "policy", "recognition", "risk_area"]),
    (
        "decision",
        &["credential", "policy", "recognition", "revocation", "risk_area", "symbol", "trust"],
    ),
    ("registration", &["audit", "id_document"]),
    ("shift", &["audit", "credential", "decision", "id_document"]),
    ("presentation", &["credential", "decision", "id_document", "risk_area", "symbol"]),
    ("audit", &["credential", "decision", "symbol"]),
    ("session", &["credential", "decision", "id_document", "symbol"]),
    (
        "store",
        &[
            "audit",
            "credential",
            "decision",
            "policy",
            "provisioning",
            "registration",
            "revocation",
            "shift",
            "trust",
            "update",
        ],
    ),
    (
        "sync",
        &[
            "bulk",
            "document",
            "provisioning",
            "registration",
            "revocation",
            "roster",
            "store",
            "trust",
            "update",
        ],
    ),
    ("device", &["frame", "symbol"]),
    (
        "authority",
        &[
            "credential",
            "decision",
            "document",
            "id_document",
            "key_ring",
            "locked",
            "policy",
            "provisioning",
            "recognition",
            "registration",
            "revocation",
            "risk_area",
            "roster",
            "symbol",
            "trust",
            "update",
        ],
    ),
];

#[test]
fn modules_name_only_what_they_may() -> io::Result<()> {
    let may_use: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    for path in rust_files(&src)? {
        let inside = path.strip_prefix(&src).expect("walked from src");
        let module = inside.iter().next().expect("a file has a name").to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "bin" {
            continue;
        }
        let Some(allowed) = may_use.get(module.as_str()) else {
            panic!("list {module} in MAY_USE");
        };
        for used in crate_paths(&fs::read_to_string(&path)?) {
            let fine = used == module
                || SHARED.contains(&used.as_str())
                || allowed.contains(&used.as_str());
            assert!(fine, "{} must not use crate::{used}", inside.display());
        }
        seen.insert(module);
    }
    let listed: BTreeSet<_> = MAY_USE.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(seen, listed, "MAY_USE lists the modules there are");
    Ok(())
}

#[test]
fn one_file_reads_the_clock_and_each_side_has_one_room_for_sql() -> io::Result<()> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let homes = [
        ("Utc::now", &["clock.rs"][..]),
        ("rusqlite::", &["store", "authority/registers"]),
        ("tough::", &["sync"]),
        ("reqwest::", &["sync/transport.rs", "sync/web.rs"]),
        ("tokio::", &["sync"]),
        ("nokhwa::", &["bin/greengate/kiosk/camera"]),
        ("v4l::", &["bin/greengate/kiosk/camera/controls.rs"]),
        ("serialport::", &["device/serial.rs"]),
        ("evdev::", &["device/scanner/hid.rs"]),
        ("rustix::pty", &["device/pty.rs"]),
    ];
    for path in rust_files(&src)? {
        let inside = path.strip_prefix(&src).expect("walked from src");
        let code = fs::read_to_string(&path)?;
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for (word, homes) in homes {
            let fine = !code.contains(word) || homes.iter().any(|home| inside.starts_with(home));
            assert!(fine, "{} must leave {word} to {homes:?}", inside.display());
        }
    }
    Ok(())
}

/// Every Rust file below a folder.
fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The modules that a file's code names as `crate::module` or within `crate::{…}`.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_u32;
            let mut at_name = true;
            let mut name = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        at_name = true;
                        continue;
                    }
                    _ => {}
                }
                if depth == 0 && at_name && (character.is_alphanumeric() || character == '_') {
                    name.push(character);
                } else if !name.is_empty() {
                    used.insert(std::mem::take(&mut name));
                    at_name = false;
                }
            }
            if !name.is_empty() {
                used.insert(name);
            }
        } else {
            let name =
                rest.split(|character: char| !character.is_alphanumeric() && character != '_');
            used.extend(name.take(1).map(str::to_owned));
        }
    }
    used
}
