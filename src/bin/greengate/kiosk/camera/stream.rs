//! Pictures on their way from the capturing process to the terminal.
//!
//! Each is a header of four words and then the luma plane, row by row from the top:
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 4 | [`MAGIC`] |
//! | 4 | pixels in a row |
//! | 4 | rows |
//! | 4 | bytes of luma that follow |
//!
//! Numbers are little-endian. Both ends are the same program, so there are no versions; but the
//! reader believes nothing, since a broken camera library may have written to the same output.

use std::io::{self, Read, Write};

use greengate::clock::Timestamp;
use greengate::frame::{Frame, FrameError, MAX_PIXELS};
use thiserror::Error;

use super::picture::Picture;

/// The first bytes of each picture.
const MAGIC: [u8; 4] = *b"GGF1";

/// Bytes in a header: four words of four.
const HEADER_LEN: u64 = 16;

/// Writes `picture` to `out`, whole.
pub(super) fn write(picture: &Picture, out: &mut impl Write) -> io::Result<()> {
    let length = u32::try_from(picture.luma.len()).map_err(io::Error::other)?;
    let [width, height, length] = [picture.width, picture.height, length].map(u32::to_le_bytes);
    out.write_all([MAGIC, width, height, length].as_flattened())?;
    out.write_all(&picture.luma)?;
    out.flush()
}

/// Reads the next picture from `input`, taken when its last byte is here; `None` at the end.
///
/// No more than [`MAX_PIXELS`] bytes are ever held.
pub(super) fn read(
    input: &mut impl Read,
    clock: fn() -> Timestamp,
) -> Result<Option<Frame>, StreamError> {
    let header = read_up_to(HEADER_LEN, input)?;
    if header.is_empty() {
        return Ok(None);
    }
    let ([magic, width, height, length], []) = header.as_chunks() else {
        return Err(StreamError::Cut);
    };
    if *magic != MAGIC {
        return Err(StreamError::Foreign);
    }
    let [width, height, length] = [*width, *height, *length].map(u32::from_le_bytes);
    if length > MAX_PIXELS {
        return Err(StreamError::TooLong { length });
    }
    let luma = read_up_to(u64::from(length), input)?;
    if u32::try_from(luma.len()) != Ok(length) {
        return Err(StreamError::Cut);
    }
    Ok(Some(Frame::new(luma, width, height, clock())?))
}

/// The next `length` bytes of `input`, or as many as there are before it ends.
fn read_up_to(length: u64, input: &mut impl Read) -> Result<Vec<u8>, StreamError> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    input.take(length).read_to_end(&mut bytes).map_err(|error| StreamError::Read(error.kind()))?;
    Ok(bytes)
}

/// What was read is not the pictures of a capturing process.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub(super) enum StreamError {
    /// The input ended within a picture.
    #[error("the pictures break off within one")]
    Cut,

    /// A picture does not begin as one.
    #[error("what was read is not a picture")]
    Foreign,

    /// Its size is none, or not that of its bytes.
    #[error(transparent)]
    Picture(#[from] FrameError),

    /// The input cannot be read.
    #[error("cannot read pictures: {0}")]
    Read(io::ErrorKind),

    /// It is longer than any picture that is read.
    #[error("a picture of {length} bytes is not read")]
    TooLong {
        /// Bytes that the header announces.
        length: u32,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at_epoch() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn written(pictures: &[Picture]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for picture in pictures {
            write(picture, &mut bytes).unwrap();
        }
        bytes
    }

    fn two_pictures() -> [Picture; 2] {
        [
            Picture { luma: (0..6).collect(), width: 3, height: 2 },
            // Line feeds, which an output buffered by lines would act on.
            Picture { luma: vec![b'\n'; 4], width: 1, height: 4 },
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let pictures = two_pictures();
        let bytes = written(&pictures);
        let mut input = bytes.as_slice();
        for picture in pictures {
            let Picture { luma, width, height } = picture;
            let frame = Frame::new(luma, width, height, at_epoch()).unwrap();
            assert_eq!(read(&mut input, at_epoch), Ok(Some(frame)));
        }
        assert_eq!(read(&mut input, at_epoch), Ok(None));
    }

    #[test]
    fn a_stream_cut_within_a_picture_gives_only_what_was_whole() {
        let bytes = written(&two_pictures());
        let ends = [0, 22, bytes.len()];
        for length in 0..=bytes.len() {
            let mut input = &bytes[..length];
            let whole = ends.iter().filter(|end| **end != 0 && **end <= length).count();
            for _ in 0..whole {
                assert!(read(&mut input, at_epoch).unwrap().is_some(), "cut at {length}");
            }
            let last = if ends.contains(&length) { Ok(None) } else { Err(StreamError::Cut) };
            assert_eq!(read(&mut input, at_epoch), last, "cut at {length}");
        }
    }

    #[test]
    fn a_header_is_not_believed() {
        let header = |magic: &[u8], numbers: [u32; 3]| {
            [magic, numbers.map(u32::to_le_bytes).as_flattened(), &[0; 64]].concat()
        };
        let cases = [
            ("foreign", header(b"JFIF", [1, 1, 1]), StreamError::Foreign),
            (
                "too long by one",
                header(&MAGIC, [4_096, 4_097, MAX_PIXELS + 1]),
                StreamError::TooLong { length: MAX_PIXELS + 1 },
            ),
            (
                "longest number",
                header(&MAGIC, [u32::MAX; 3]),
                StreamError::TooLong { length: u32::MAX },
            ),
            (
                "longest, and not there",
                header(&MAGIC, [4_096, 4_096, MAX_PIXELS]),
                StreamError::Cut,
            ),
            (
                "a side too long",
                header(&MAGIC, [9_000, 1, 64]),
                StreamError::Picture(FrameError::Size { width: 9_000, height: 1 }),
            ),
            (
                "no pixels",
                header(&MAGIC, [0, 0, 0]),
                StreamError::Picture(FrameError::Size { width: 0, height: 0 }),
            ),
            (
                "bytes that are not the size's",
                header(&MAGIC, [3, 2, 5]),
                StreamError::Picture(FrameError::Length { bytes: 5, pixels: 6 }),
            ),
        ];
        for (name, bytes, error) in cases {
            assert_eq!(read(&mut bytes.as_slice(), at_epoch), Err(error), "{name}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(
            known in any::<bool>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let magic: &[u8] = if known { &MAGIC } else { &[] };
            let mut input = Read::chain(magic, bytes.as_slice());
            while let Ok(Some(_)) = read(&mut input, at_epoch) {}
        }
    }
}
