//! Picture files in a camera's place: PNG and JPEG, one by one or a folder of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use image::{DynamicImage, GrayImage, ImageError, ImageReader, Limits};
use thiserror::Error;

use crate::{
    clock::Timestamp,
    frame::{Frame, FrameError, MAX_SIDE},
};

/// The most memory that decoding one picture may take: 16 megapixels of four bytes, twice.
const MAX_DECODING: u64 = 128 << 20;

/// Reads one picture. What lies behind something transparent is white, as on a page.
///
/// # Errors
///
/// See [`PictureError`].
pub fn read(path: &Path, taken: Timestamp) -> Result<Frame, PictureError> {
    let unreadable = |source| PictureError::File { path: path.to_path_buf(), source };
    let mut reader =
        ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(unreadable)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODING);
    reader.limits(limits);
    let picture = reader
        .decode()
        .map_err(|source| PictureError::Picture { path: path.to_path_buf(), source })?;
    let (width, height) = (picture.width(), picture.height());
    Frame::new(luma(picture).into_raw(), width, height, taken)
        .map_err(|source| PictureError::Frame { path: path.to_path_buf(), source })
}

/// The pictures that `path` names: itself, or every PNG and JPEG in it, by name.
///
/// # Errors
///
/// [`PictureError::File`] if a folder cannot be listed.
pub fn list(path: &Path) -> Result<Vec<PathBuf>, PictureError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries =
        entries.map_err(|source| PictureError::File { path: path.to_path_buf(), source })?;
    let mut pictures: Vec<_> =
        entries.into_iter().map(|entry| entry.path()).filter(|path| is_picture(path)).collect();
    pictures.sort();
    Ok(pictures)
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The luma plane of a picture.
fn luma(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let picture = picture.into_luma_alpha8();
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [luma, alpha] = picture.get_pixel(x, y).0.map(u16::from);
        let blended = (luma * alpha + 255 * (255 - alpha)) / 255;
        image::Luma([u8::try_from(blended).unwrap_or(u8::MAX)])
    })
}

/// A file is no picture that can be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// It cannot be read at all.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// It has a size that is not read.
    #[error("{path}: {source}")]
    Frame {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FrameError,
    },

    /// It is no PNG or JPEG, or a broken one.
    #[error("{path} is not a picture that can be read: {source}")]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
}
