//! A real web server: nginx, which needs nothing but the published folder.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use greengate::{
    clock,
    store::Store,
    sync::{Source, Synced, Web, sync},
};
use tempfile::tempdir;

use crate::{
    Terminal,
    revocations::{BIN, Desk, held, left_over, version},
};

/// Stops nginx when the test ends, however that is.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) address: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The workers end when the master does.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Starts nginx on the files below `out`, with all that it writes in `folder`; nothing if it is not
/// installed.
fn start(folder: &Path, out: &Path) -> Option<Nginx> {
    start_as(folder, "", &format!("root {};", out.display()))
}

/// Starts nginx as a server that is set up so, which listens as `listen` says.
pub(crate) fn start_as(folder: &Path, listen: &str, server: &str) -> Option<Nginx> {
    // Debian has it where only root looks for programs.
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
    let program = places.into_iter().find(|place| Path::new(place).exists())?;
    for _ in 0..10 {
        // Somebody else may take the port before nginx does.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let folder = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
             events {{}}
             http {{
                 access_log {folder}/access;
                 client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                 fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
                 scgi_temp_path {folder}/scgi;
                 server {{ listen {address} {listen}; {server} }}
             }}\n"
        );
        let path = format!("{folder}/nginx.conf");
        fs::write(&path, config).unwrap();
        let mut child = Command::new(program)
            .args(["-c", &path, "-e", &format!("{folder}/error")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect(&address).is_ok() {
                return Some(Nginx { child, address });
            }
            thread::yield_now();
        }
        child.kill().ok();
        child.wait().unwrap();
    }
    panic!("nginx did not start: {}", fs::read_to_string(folder.join("error")).unwrap());
}

#[test]
fn a_real_web_server_is_synced_from_and_gone_on_with() {
    let (desk, folder, state) = (Desk::new(), tempdir().unwrap(), tempdir().unwrap());
    desk.publish(1, &[]);
    let Some(nginx) = start(folder.path(), &desk.publisher.out()) else {
        println!("skipped: nginx is not installed");
        return;
    };
    let web = || Web::new(&format!("http://{}", nginx.address)).unwrap();
    let source = || Source::Web(web().with_attempts(1, Duration::ZERO));
    let mut terminal = Terminal::of(Store::open(state.path()).unwrap(), &desk.publisher);
    terminal.takes(&source());
    let synced = sync(&mut terminal.store, &source(), clock::now()).unwrap();
    assert_eq!(synced, Synced::NothingNew);

    // The list stands there cut off, and then whole again.
    desk.publish(2, &[]);
    let list = desk.publisher.list(BIN);
    let whole = fs::read(&list).unwrap();
    let half = whole.len() / 2;
    File::options().write(true).open(&list).unwrap().set_len(half.try_into().unwrap()).unwrap();
    assert_eq!(terminal.refuses(&source()).code(), "Y23");
    let part = state
        .path()
        .join("fetching/wire/partial")
        .join(list.file_name().unwrap().to_str().unwrap().split_once('.').unwrap().0);
    fs::write(&part, &whole[..half]).unwrap();
    let mut file = File::options().write(true).open(&list).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(&whole[half..]).unwrap();
    terminal.takes(&source());
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(2));
    assert!(left_over(state.path()).is_empty());
    let mut log = String::new();
    File::open(folder.path().join("access")).unwrap().read_to_string(&mut log).unwrap();
    let rest = format!("\" 206 {} ", whole.len() - half);
    let is_rest = |line: &&str| line.contains(BIN) && line.contains(&rest);
    assert_eq!(log.lines().filter(is_rest).count(), 1, "{log}");

    // Changes come by it too.
    let change = desk.change(3, None);
    desk.publish(3, std::slice::from_ref(&change));
    terminal.takes(&source());
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(3));
}
