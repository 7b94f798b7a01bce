//! One picture: its luma plane, its size, and when it was taken.
//!
//! Cameras and picture files become a [`Frame`] at the edge; from there on nothing knows where a
//! picture came from. Colours are dropped here, since no decision ever looks at one.

use thiserror::Error;

use crate::clock::Timestamp;

/// The most pixels on one side.
///
/// A camera gives 1920; a scanned sheet at 600 dots an inch has 7016 on its longer side.
pub const MAX_SIDE: u32 = 8_192;

/// The most pixels in one picture: an A4 sheet scanned at 300 dots an inch, twice over.
pub const MAX_PIXELS: u32 = 16 << 20;

/// A grey picture, row by row from the top, one byte a pixel, 0 black.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    luma: Vec<u8>,
    width: u32,
    height: u32,
    taken: Timestamp,
}

impl Frame {
    /// A frame of `width` times `height` pixels.
    ///
    /// # Errors
    ///
    /// [`FrameError`] if a side is zero or too long, or `luma` is not that many bytes.
    pub fn new(
        luma: Vec<u8>,
        width: u32,
        height: u32,
        taken: Timestamp,
    ) -> Result<Self, FrameError> {
        let pixels = width.saturating_mul(height);
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) || pixels > MAX_PIXELS {
            return Err(FrameError::Size { width, height });
        }
        if usize::try_from(pixels) != Ok(luma.len()) {
            return Err(FrameError::Length { bytes: luma.len(), pixels });
        }
        Ok(Self { luma, width, height, taken })
    }

    /// The luma plane.
    #[must_use]
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// When it was taken.
    #[must_use]
    pub fn taken(&self) -> Timestamp {
        self.taken
    }
}

/// Bytes are no picture.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// Bytes and size do not agree.
    #[error("{bytes} bytes are not a picture of {pixels} pixels")]
    Length {
        /// Bytes given.
        bytes: usize,
        /// Bytes that the size asks for.
        pixels: u32,
    },

    /// A side is zero or longer than is read.
    #[error("a picture of {width} by {height} pixels is not read")]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sizes_that_agree_make_a_frame() {
        let taken = Timestamp::UNIX_EPOCH;
        let cases = [
            ("fits", 6, 3, 2, None),
            ("too few bytes", 5, 3, 2, Some(FrameError::Length { bytes: 5, pixels: 6 })),
            ("no width", 0, 0, 2, Some(FrameError::Size { width: 0, height: 2 })),
            ("too wide", 9_000, 9_000, 1, Some(FrameError::Size { width: 9_000, height: 1 })),
            ("overflow", 0, u32::MAX, 2, Some(FrameError::Size { width: u32::MAX, height: 2 })),
        ];
        for (name, bytes, width, height, error) in cases {
            assert_eq!(Frame::new(vec![0; bytes], width, height, taken).err(), error, "{name}");
        }
    }
}
