//! A disk that fails, and one that loses what was not synced.
//!
//! These functions stand before the C library's of the same names, for all that is linked into this
//! program, SQLite too. They do what those do, but for files under the folder `GREENGATE_DISK`:
//!
//! - `GREENGATE_PLATTER=FOLDER`: what is synced, and nothing else, is put down in that folder: of a
//!   file that is synced its content, of a folder that is synced its names. [`power`](crate::power)
//!   makes of it what a disk holds after the power went.
//! - `GREENGATE_FAULT=CALL:ERRNO:N:HOW`: the Nth call (`open`, `write`, `truncate`, `sync`, `rename`,
//!   `read`) fails with that number, `once` or `on` from there. With the number 0 the program is
//!   killed before that call.

#![expect(unsafe_code, reason = "it takes the place of the C library's functions")]
#![allow(clippy::as_conversions, reason = "pointers of the C library")]

use std::{
    cell::Cell,
    env,
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    fs, mem,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use libc::{RTLD_NEXT, mode_t, off_t, size_t, ssize_t};

/// What the environment asks for.
struct Disk {
    folder: PathBuf,
    platter: Option<PathBuf>,
    fault: Option<Fault>,
}

struct Fault {
    call: String,
    number: c_int,
    first: u64,
    once: bool,
}

thread_local! {
    /// Whether this thread is already within one of these functions.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

fn disk() -> Option<&'static Disk> {
    static DISK: OnceLock<Option<Disk>> = OnceLock::new();
    DISK.get_or_init(|| {
        let folder = fs::canonicalize(env::var_os("GREENGATE_DISK")?).ok()?;
        let fault = env::var("GREENGATE_FAULT").ok().and_then(|fault| {
            let mut parts = fault.split(':');
            Some(Fault {
                call: parts.next()?.to_owned(),
                number: parts.next()?.parse().ok()?,
                first: parts.next()?.parse().ok()?,
                once: parts.next()? == "once",
            })
        });
        Some(Disk { folder, platter: env::var_os("GREENGATE_PLATTER").map(PathBuf::from), fault })
    })
    .as_ref()
}

/// Does `work` unless this thread is within another.
fn outermost<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    if WITHIN.try_with(|within| within.replace(true)).unwrap_or(true) {
        return None;
    }
    let done = work();
    WITHIN.with(|within| within.set(false));
    done
}

/// The error that this call on that path is to fail with.
fn fails(call: &str, path: impl FnOnce() -> Option<PathBuf>) -> bool {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let number = outermost(|| {
        let disk = disk()?;
        let fault = disk.fault.as_ref().filter(|fault| fault.call == call)?;
        path()?.starts_with(&disk.folder).then_some(())?;
        let count = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
        (count == fault.first || count > fault.first && !fault.once).then_some(fault.number)
    });
    if number == Some(0) {
        // SAFETY: the program is to end here.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
    if let Some(number) = number {
        // Who listens on standard error learns that it was so far.
        // SAFETY: a text of that length; what becomes of it is no matter.
        unsafe { libc::syscall(libc::SYS_write, 2, c"the disk fails\n".as_ptr(), 15) };
        // SAFETY: the C library's own place for the number of an error.
        unsafe { *libc::__errno_location() = number };
    }
    number.is_some()
}

fn path_of(descriptor: c_int) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()
}

/// The path that a caller names.
fn named(path: *const c_char) -> Option<PathBuf> {
    // SAFETY: callers of the C library's functions give a text that ends.
    let path = unsafe { CStr::from_ptr(path) };
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    // A file that is made is not there yet, and its folder is.
    let folder = fs::canonicalize(path.parent()?).ok()?;
    Some(folder.join(path.file_name()?))
}

/// Puts down what is synced.
fn put_down(descriptor: c_int) {
    outermost(|| {
        let disk = disk()?;
        let platter = disk.platter.as_ref()?;
        let path = path_of(descriptor)?;
        let inside = path.strip_prefix(&disk.folder).ok()?;
        let open = PathBuf::from(format!("/proc/self/fd/{descriptor}"));
        let found = fs::metadata(&open).ok()?;
        let whole = |from: &dyn Fn(&Path) -> Option<()>, to: PathBuf| {
            let part = to.with_extension(format!("part-{:?}", std::thread::current().id()));
            from(&part)?;
            fs::rename(part, to).ok()
        };
        if found.is_dir() {
            let mut names = Vec::new();
            for entry in fs::read_dir(&path).ok()?.flatten() {
                let found = entry.metadata().ok()?;
                let sort = if found.is_dir() { "folder" } else { "file" };
                names.push(format!("{} {sort} {}\n", found.ino(), entry.file_name().to_str()?));
            }
            let name = format!("names-{}", inside.to_str()?.replace('/', "%"));
            whole(&|part| fs::write(part, names.concat()).ok(), platter.join(name))
        } else {
            // A second name keeps the number of the file from being given to another.
            fs::hard_link(&path, platter.join(format!("kept-{}", found.ino()))).ok();
            let name = format!("synced-{}", found.ino());
            whole(&|part| fs::write(part, fs::read(&open).ok()?).ok(), platter.join(name))
        }
    });
}

/// The C library's function of that name, which is of that type.
macro_rules! next {
    ($name:literal as $type:ty) => {{ mem::transmute::<*mut c_void, $type>(libc::dlsym(RTLD_NEXT, $name.as_ptr())) }};
}

type Open = unsafe extern "C" fn(*const c_char, c_int, mode_t) -> c_int;
type Write = unsafe extern "C" fn(c_int, *const c_void, size_t) -> ssize_t;
type WriteAt = unsafe extern "C" fn(c_int, *const c_void, size_t, off_t) -> ssize_t;
type Read = unsafe extern "C" fn(c_int, *mut c_void, size_t) -> ssize_t;
type ReadAt = unsafe extern "C" fn(c_int, *mut c_void, size_t, off_t) -> ssize_t;
type Truncate = unsafe extern "C" fn(c_int, off_t) -> c_int;
type SyncFile = unsafe extern "C" fn(c_int) -> c_int;
type Rename = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;

macro_rules! stand_between {
    ($($name:ident, $c_name:literal as $type:ty, $call:literal, $path:expr,
       ($first:ident: $first_type:ty $(, $argument:ident: $argument_type:ty)*) -> $result:ty;)*) => {$(
        // SAFETY: of the same name, arguments and result as the C library's.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($first: $first_type $(, $argument: $argument_type)*) -> $result {
            if fails($call, || $path($first)) {
                return -1;
            }
            // SAFETY: the C library has a function of that name and type, called with the caller's
            // own arguments.
            unsafe { next!($c_name as $type)($first $(, $argument)*) }
        }
    )*};
}

stand_between! {
    open, c"open" as Open, "open", named, (path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    open64, c"open64" as Open, "open", named, (path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    write, c"write" as Write, "write", path_of, (file: c_int, bytes: *const c_void, length: size_t) -> ssize_t;
    pwrite, c"pwrite" as WriteAt, "write", path_of, (file: c_int, bytes: *const c_void, length: size_t, at: off_t) -> ssize_t;
    pwrite64, c"pwrite64" as WriteAt, "write", path_of, (file: c_int, bytes: *const c_void, length: size_t, at: off_t) -> ssize_t;
    read, c"read" as Read, "read", path_of, (file: c_int, bytes: *mut c_void, length: size_t) -> ssize_t;
    pread, c"pread" as ReadAt, "read", path_of, (file: c_int, bytes: *mut c_void, length: size_t, at: off_t) -> ssize_t;
    pread64, c"pread64" as ReadAt, "read", path_of, (file: c_int, bytes: *mut c_void, length: size_t, at: off_t) -> ssize_t;
    ftruncate, c"ftruncate" as Truncate, "truncate", path_of, (file: c_int, length: off_t) -> c_int;
    ftruncate64, c"ftruncate64" as Truncate, "truncate", path_of, (file: c_int, length: off_t) -> c_int;
    rename, c"rename" as Rename, "rename", named, (from: *const c_char, to: *const c_char) -> c_int;
}

macro_rules! sync_with {
    ($($name:ident, $c_name:literal;)*) => {$(
        // SAFETY: of the same name, argument and result as the C library's.
        #[unsafe(no_mangle)]
        extern "C" fn $name(file: c_int) -> c_int {
            if fails("sync", || path_of(file)) {
                return -1;
            }
            put_down(file);
            // SAFETY: the C library has a function of that name and type, called with the caller's
            // own argument.
            unsafe { next!($c_name as SyncFile)(file) }
        }
    )*};
}

sync_with! {
    fsync, c"fsync";
    fdatasync, c"fdatasync";
}
