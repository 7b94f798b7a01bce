//! Thousands of frames through one camera that stalls and is unplugged again and again.
//!
//! The camera is a script that plays drawn frames in the place of the capturing process:
//! `GREENGATE_SOAK_FRAMES=10000 cargo test --test camera soak -- --nocapture`.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use greengate::{authority::print::Modules, clock, symbol::Reader};
use image::{GrayImage, Luma, imageops};
use tempfile::tempdir;

use super::{
    EVENTUALLY, belongings,
    camera::{Camera, CameraFault, Sight, setting::CameraSetting},
};

const SIDES: (u32, u32) = (1280, 720);

/// What memory may grow by after the first tenth: what an allocator scatters.
const MOST: u64 = 8 << 20;

/// How long a return may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Plays all frames four times and then stalls; the next time it plays them and is unplugged, and is
/// back when it is looked for the third time.
const PLAYER: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
count=$(($(cat count) + 1))
echo $count >count
case $((count % 4)) in
0 | 3) exit UNPLUGGED ;;
esac
for frame in frame-* frame-* frame-* frame-*; do
    cat $frame
    sleep 0.02
done
[ $((count % 4)) = 1 ] || exit UNPLUGGED
exec sleep 600
"#;

#[test]
#[expect(clippy::print_stdout, reason = "what was measured is what a soak is for")]
fn memory_and_threads_stay_as_they_are_and_every_return_is_soon() {
    if env::var_os("GREENGATE_CAMERA_VM").is_some() {
        return;
    }
    let wanted: usize =
        env::var("GREENGATE_SOAK_FRAMES").map_or(200, |frames| frames.parse().unwrap());
    let folder = tempdir().unwrap();
    let texts = draw_frames(folder.path());
    let player = folder.path().join("player");
    let status = CameraFault::NoCamera.status().to_string();
    fs::write(folder.path().join("count"), "0").unwrap();
    fs::write(&player, PLAYER.replace("UNPLUGGED", &status)).unwrap();
    fs::set_permissions(&player, fs::Permissions::from_mode(0o755)).unwrap();

    let (_, children) = belongings();
    let camera = Camera::start(&player, &CameraSetting::default(), clock::now);
    let mut reader = Reader::new();
    let (mut frames, mut read, mut before) = (0, 0, None);
    let mut gone: Option<Instant> = None;
    let (mut stalls, mut unplugs, mut longest) = (0, 0, Duration::ZERO);
    while frames < wanted || gone.is_some() || stalls == 0 || unplugs == 0 {
        match camera.next(EVENTUALLY).expect("something comes") {
            Sight::Frame(frame) => {
                if let Some(gone) = gone.take() {
                    longest = longest.max(gone.elapsed());
                    assert!(longest < LONGEST, "back after {longest:?}");
                }
                for text in reader.next(&frame).texts {
                    assert!(texts.contains(text.as_str()), "a text that nobody showed");
                    read += 1;
                }
                frames += 1;
                if frames == wanted / 10 {
                    before = Some((resident(), own("/proc/self/task"), own("/proc/self/fd")));
                }
            }
            Sight::Fault(fault) => {
                match fault {
                    CameraFault::NoFrames => stalls += 1,
                    CameraFault::NoCamera => unplugs += 1,
                    fault => panic!("{fault}"),
                }
                gone.get_or_insert_with(Instant::now);
            }
        }
    }
    let (memory, threads, files) = before.expect("a tenth has passed");
    let grown = resident().saturating_sub(memory);
    println!(
        "{frames} frames, {read} texts, {stalls} stalls and {unplugs} unplugs: back within \
         {:.1} s, memory grew by {:.1} MB",
        longest.as_secs_f64(),
        Duration::from_micros(grown).as_secs_f64(),
    );
    assert!(read > frames / 5, "every second frame has a symbol: {read} of {frames}");
    assert!(grown <= MOST, "memory grew by {grown} bytes");
    assert_eq!((own("/proc/self/task"), own("/proc/self/fd")), (threads, files));
    drop(camera);
    assert_eq!(belongings().1, children);
}

/// Draws frames as the capturing process writes them, every second one with a symbol, and says what
/// is in those.
fn draw_frames(folder: &Path) -> BTreeSet<String> {
    let (width, height) = SIDES;
    let texts: Vec<String> = (0..20).map(|number| format!("JKM1:SOAK{number:0200}")).collect();
    for (number, text) in texts.iter().enumerate() {
        for with_symbol in [false, true] {
            // Each with its own grain, so that no picture stands still.
            let grain = u32::try_from(number * 2 + usize::from(with_symbol)).unwrap();
            let mut picture = GrayImage::from_fn(width, height, |x, y| {
                let noise = (x * 7919 + y * 104_729 + grain * 31).wrapping_mul(2_654_435_761) >> 28;
                Luma([110 + u8::try_from(noise).unwrap()])
            });
            if with_symbol {
                let text = greengate::symbol::SymbolText::new(text.clone()).unwrap();
                let symbol = Modules::of(&text).unwrap().picture();
                let side = 300 + 10 * u32::try_from(number).unwrap();
                let symbol = imageops::resize(&symbol, side, side, imageops::FilterType::Triangle);
                imageops::replace(&mut picture, &symbol, 300 + i64::from(side) / 2, 100);
            }
            let luma = picture.into_raw();
            let length = u32::try_from(luma.len()).unwrap();
            let header =
                [*b"GGF1", width.to_le_bytes(), height.to_le_bytes(), length.to_le_bytes()];
            let frame = [header.as_flattened(), &luma].concat();
            let name = format!("frame-{number:02}-{}", u8::from(with_symbol));
            fs::write(folder.join(name), frame).unwrap();
        }
    }
    texts.into_iter().collect()
}

/// How many entries a folder of this process has.
fn own(folder: &str) -> usize {
    // A thread that has ended may not have gone yet.
    thread::yield_now();
    fs::read_dir(folder).unwrap().count()
}

/// What this process has in memory, in bytes. Source: proc(5), `statm`.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
