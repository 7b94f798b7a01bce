//! The luma of what a camera gives, as the camera gives it, without a way through colour; and turned the
//! way it hangs.

use std::panic;

use greengate::frame::{MAX_PIXELS, MAX_SIDE};
use nokhwa::utils::{CameraFormat, FrameFormat};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::setting::{CameraSetting, Turn};

/// One picture as the camera gave it, before anybody says when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Picture {
    /// One byte a pixel, 0 black.
    pub(super) luma: Vec<u8>,
    /// Pixels in a row.
    pub(super) width: u32,
    /// Rows.
    pub(super) height: u32,
}

impl Picture {
    /// It, as it is to be seen.
    pub(super) fn seen(self, setting: &CameraSetting) -> Self {
        let turned = self.turned(setting.rotate);
        if setting.mirror { turned.mirrored() } else { turned }
    }

    /// It, turned clockwise.
    fn turned(mut self, turn: Turn) -> Self {
        match turn {
            Turn::None => self,
            Turn::Quarter => self.on_its_side(),
            Turn::Half => {
                self.luma.reverse();
                self
            }
            Turn::ThreeQuarters => {
                self.luma.reverse();
                self.on_its_side()
            }
        }
    }

    /// It, turned clockwise by a quarter.
    fn on_its_side(self) -> Self {
        let Self { luma, width, height } = self;
        let (columns, rows) = (index(width), index(height));
        let mut turned = vec![0; luma.len()];
        // In blocks: a row of one picture is a column of the other, and memory is read by rows.
        for left in (0..columns).step_by(BLOCK) {
            for (y, row) in luma.chunks_exact(columns).enumerate() {
                let end = columns.min(left + BLOCK);
                for (x, pixel) in (left..end).zip(&row[left..end]) {
                    turned[x * rows + (rows - 1 - y)] = *pixel;
                }
            }
        }
        Self { luma: turned, width: height, height: width }
    }

    /// It, left for right.
    fn mirrored(mut self) -> Self {
        self.luma.chunks_exact_mut(index(self.width).max(1)).for_each(<[u8]>::reverse);
        self
    }
}

/// How many columns are turned at a time.
const BLOCK: usize = 32;

fn index(side: u32) -> usize {
    usize::try_from(side).unwrap_or(usize::MAX)
}

/// The picture in a camera's buffer, or nothing if there is none.
pub(super) fn picture(bytes: &[u8], format: CameraFormat) -> Option<Picture> {
    match format.format() {
        FrameFormat::MJPEG => from_mjpeg(bytes),
        FrameFormat::YUYV => from_yuyv(bytes, format.width(), format.height()),
        FrameFormat::GRAY | FrameFormat::NV12 | FrameFormat::RAWBGR | FrameFormat::RAWRGB => None,
    }
}

/// The luma of a YUYV picture: every second byte. What lies behind the picture is left.
fn from_yuyv(bytes: &[u8], width: u32, height: u32) -> Option<Picture> {
    let pixels = usize::try_from(width.checked_mul(height)?).ok()?;
    let (pairs, _) = bytes.as_chunks();
    let luma = pairs.get(..pixels)?.iter().map(|[luma, _chroma]| *luma).collect();
    Some(Picture { luma, width, height })
}

/// The luma of a motion JPEG picture, which may lack what makes it a JPEG file.
fn from_mjpeg(bytes: &[u8]) -> Option<Picture> {
    // A decoder's panic must cost this picture and no other.
    let decoded = |bytes: &[u8]| panic::catch_unwind(|| from_jpeg(bytes)).ok().flatten();
    decoded(bytes).or_else(|| decoded(&with_usual_tables(bytes)?))
}

/// The luma of a JPEG picture. What lies behind the picture, the end of an older one, is left.
fn from_jpeg(bytes: &[u8]) -> Option<Picture> {
    let side = usize::try_from(MAX_SIDE).ok()?;
    let options = DecoderOptions::default()
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let pixels = width.checked_mul(height).filter(|pixels| *pixels <= MAX_PIXELS)?;
    let luma = decoder.decode().ok()?;
    (u32::try_from(luma.len()) == Ok(pixels)).then_some(Picture { luma, width, height })
}

/// The picture marked as one that leaves out the usual Huffman tables, as many cameras' do.
///
/// The mark is the application segment `AVI1` behind the start of the image; with it the decoder
/// fills in the tables of ISO/IEC 10918-1, annex K.
fn with_usual_tables(bytes: &[u8]) -> Option<Vec<u8>> {
    const START: [u8; 2] = [0xff, 0xd8];
    const MARK: &[u8] = b"\xff\xe0\x00\x07AVI1\0";

    let rest = bytes.strip_prefix(&START)?;
    Some([&START, MARK, rest].concat())
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_picture_is_seen_as_the_camera_hangs() {
        let cases = [
            (Turn::None, false, 3, "abcdef"),
            (Turn::None, true, 3, "cbafed"),
            (Turn::Quarter, false, 2, "daebfc"),
            (Turn::Quarter, true, 2, "adbecf"),
            (Turn::Half, false, 3, "fedcba"),
            (Turn::Half, true, 3, "defabc"),
            (Turn::ThreeQuarters, false, 2, "cfbead"),
            (Turn::ThreeQuarters, true, 2, "fcebda"),
        ];
        for (rotate, mirror, width, expected) in cases {
            let picture = Picture { luma: b"abcdef".to_vec(), width: 3, height: 2 };
            let seen = picture.seen(&CameraSetting { rotate, mirror, ..CameraSetting::default() });
            let expected = Picture { luma: expected.as_bytes().to_vec(), width, height: 6 / width };
            assert_eq!(seen, expected, "{rotate:?}, mirror: {mirror}");
        }
    }

    #[test]
    fn four_quarters_of_any_size_are_a_whole_turn() {
        for (width, height) in [(1, 1), (1, 70), (70, 1), (31, 33), (64, 32), (65, 97)] {
            let luma: Vec<u8> = (0..=250).cycle().take(index(width * height)).collect();
            let picture = Picture { luma, width, height };
            let turned = (0..4).fold(picture.clone(), |picture, _| picture.turned(Turn::Quarter));
            assert_eq!(turned, picture, "{width} by {height}");
        }
    }

    /// Grey stripes 16 pixels wide, dark first, which JPEG at full quality keeps exactly enough.
    fn stripes(width: u32, height: u32) -> Vec<u8> {
        let row = (0..width).map(|x| if x / 16 % 2 == 0 { 40 } else { 200 });
        (0..height).flat_map(|_| row.clone()).collect()
    }

    fn jpeg(luma: &[u8], width: u32, height: u32) -> Vec<u8> {
        let rgb: Vec<u8> = luma.iter().flat_map(|luma| [*luma; 3]).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 100)
            .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    /// Takes every Huffman table out, as many cameras do.
    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let (mut kept, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
        while rest[1] != 0xda {
            let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            let (segment, behind) = rest.split_at(length);
            if segment[1] != 0xc4 {
                kept.extend(segment);
            }
            rest = behind;
        }
        kept.extend(rest);
        kept
    }

    fn assert_is_stripes(picture: Option<Picture>, width: u32, height: u32, name: &str) {
        let picture = picture.expect(name);
        assert_eq!((picture.width, picture.height), (width, height), "{name}");
        for (got, drawn) in picture.luma.iter().zip(stripes(width, height)) {
            assert!(got.abs_diff(drawn) <= 3, "{name}: {got} for {drawn}");
        }
    }

    #[test]
    fn luma_of_yuyv_is_every_second_byte() {
        let picture =
            |luma: &[u8], width, height| Some(Picture { luma: luma.to_vec(), width, height });
        let buffer = [1, 9, 2, 9, 3, 9, 4, 9];
        let cases = [
            ("even", 8, 2, 2, picture(&[1, 2, 3, 4], 2, 2)),
            ("odd width", 6, 3, 1, picture(&[1, 2, 3], 3, 1)),
            ("odd tail", 5, 2, 1, picture(&[1, 2], 2, 1)),
            ("long tail", 8, 1, 1, picture(&[1], 1, 1)),
            ("a byte short", 3, 2, 1, None),
            ("empty", 0, 1, 1, None),
            ("overflow", 8, u32::MAX, 2, None),
        ];
        for (name, length, width, height, expected) in cases {
            assert_eq!(from_yuyv(&buffer[..length], width, height), expected, "{name}");
        }
    }

    #[test]
    fn luma_of_jpeg_is_read_whatever_lies_behind() {
        let whole = jpeg(&stripes(64, 48), 64, 48);
        let other = jpeg(&stripes(80, 40), 80, 40);
        let cases = [
            ("alone", whole.clone()),
            ("zeros behind", [whole.as_slice(), &[0; 500]].concat()),
            ("another behind", [whole.as_slice(), &other[90..]].concat()),
            ("without tables", without_tables(&whole)),
            ("without tables, zeros behind", [without_tables(&whole), vec![0; 500]].concat()),
        ];
        for (name, bytes) in cases {
            assert_is_stripes(from_mjpeg(&bytes), 64, 48, name);
        }
    }

    #[test]
    fn what_is_no_jpeg_is_left_out() {
        let whole = jpeg(&stripes(64, 48), 64, 48);
        let cases = [
            ("empty", vec![]),
            ("zeros", vec![0; 4_096]),
            ("only a start", vec![0xff, 0xd8]),
            ("no start", whole[2..].to_vec()),
            ("a start and zeros", [&[0xff, 0xd8], [0; 64].as_slice()].concat()),
        ];
        for (name, bytes) in cases {
            assert_eq!(from_mjpeg(&bytes), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_jpeg_never_panics(
            cut in 0usize..4_000,
            damage in proptest::collection::vec((0usize..4_000, any::<u8>()), 0..20),
        ) {
            let mut bytes = jpeg(&stripes(64, 48), 64, 48);
            for (place, value) in damage {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = value;
                }
            }
            bytes.truncate(cut);
            if let Some(Picture { luma, width, height }) = from_mjpeg(&bytes) {
                prop_assert_eq!(u32::try_from(luma.len()), Ok(width * height));
            }
        }
    }
}
