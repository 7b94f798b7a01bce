//! What rqrr is asked: to find symbols in a small bitmap made for it.
//!
//! It groups finder patterns by flooding them, and so finds some that others miss: with a broken
//! ring, seen very much from the side, half in shade. Its own thresholds are its weak part and are
//! not used. What its grid shows is decoded by [`rxing`](super::rxing), in a twentieth of the time.
//!
//! It copies the whole picture for every three patterns that might belong together, which would
//! take many seconds on a sheet of symbols, and its geometry panics on some pictures. So it is
//! handed a picture that counts how often it is looked at, and ends the search when that is too
//! often; and its panics are caught.

use std::{cell::Cell, rc::Rc};

use image::{GenericImage, GenericImageView, Luma};
use rqrr::{BitGrid, PreparedImage};

use super::budget::Budget;
use super::guard::{Panics, give_up};
use super::perspective::Point;
use super::plane::Bitmap;

/// A symbol's corners in pixels, how many modules its sides have, and which of them are dark, row
/// by row.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) corners: [Point; 4],
    pub(super) size: usize,
    pub(super) dark: Vec<bool>,
}

/// The most looks that rqrr may have at one bitmap.
///
/// On the pictures that others collected it needs 0.5 million where it finds a symbol in a third of
/// a megapixel, and hundreds of millions on a sheet of symbols.
const MAX_LOOKS: u64 = 6_000_000;

/// What one of its looks costs, in those of a [`Budget`].
const LOOK: u64 = 7;

/// The symbols that rqrr finds in `bitmap`.
pub(super) fn detect(bitmap: &Bitmap, budget: &mut Budget, panics: &mut Panics) -> Vec<Found> {
    let most = MAX_LOOKS.min(budget.left() / LOOK);
    let picture = Picture::of(bitmap, most);
    let left = Rc::clone(&picture.left);
    let search = || {
        let mut prepared = PreparedImage::without_preparation(picture);
        let found = prepared.detect_grids().into_iter().map(|grid| {
            let size = grid.grid.size();
            let places = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
            let dark = places.map(|(x, y)| grid.grid.bit(y, x)).collect();
            let corner = |at: rqrr::Point| Point::new(f64::from(at.x), f64::from(at.y));
            Found { corners: grid.bounds.map(corner), size, dark }
        });
        Some(found.collect())
    };
    let found = panics.caught(search).unwrap_or_default();
    // It was seen to that there are as many.
    let _ = budget.take((most - left.get()) * LOOK);
    found
}

/// A bitmap on which rqrr paints, and which counts how often it is looked at.
struct Picture {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
    left: Rc<Cell<u64>>,
}

impl Picture {
    fn of(bitmap: &Bitmap, looks: u64) -> Self {
        let mut pixels = Vec::with_capacity(bitmap.width() * bitmap.height());
        for y in 0..bitmap.height() {
            pixels.extend((0..bitmap.width()).map(|x| u8::from(bitmap.is_dark(x, y))));
        }
        let [width, height] =
            [bitmap.width(), bitmap.height()].map(|side| u32::try_from(side).unwrap_or_default());
        Self { pixels, width, height, left: Rc::new(Cell::new(looks)) }
    }

    fn spend(&self, looks: u64) {
        match self.left.get().checked_sub(looks) {
            Some(left) => self.left.set(left),
            None => give_up(),
        }
    }

    fn place(&self, x: u32, y: u32) -> usize {
        usize::try_from(y * self.width + x).unwrap_or(usize::MAX)
    }
}

impl Clone for Picture {
    fn clone(&self) -> Self {
        // Sixteen pixels are copied in the time of one look.
        self.spend(u64::from(self.width * self.height / 16));
        Self { pixels: self.pixels.clone(), left: Rc::clone(&self.left), ..*self }
    }
}

impl GenericImageView for Picture {
    type Pixel = Luma<u8>;

    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn get_pixel(&self, x: u32, y: u32) -> Luma<u8> {
        self.spend(1);
        Luma([self.pixels[self.place(x, y)]])
    }
}

impl GenericImage for Picture {
    /// Never called: rqrr puts pixels.
    fn get_pixel_mut(&mut self, _: u32, _: u32) -> &mut Luma<u8> {
        give_up()
    }

    fn put_pixel(&mut self, x: u32, y: u32, Luma([value]): Luma<u8>) {
        self.spend(1);
        let place = self.place(x, y);
        self.pixels[place] = value;
    }

    fn blend_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.put_pixel(x, y, pixel);
    }
}
