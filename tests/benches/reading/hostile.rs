//! Frames that are made to keep a reader busy: what shows a finder pattern everywhere and a symbol
//! nowhere.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::{
    draw::{Chance, Picture},
    peers::Case,
};

const SIDES: [(usize, usize); 2] = [(1280, 720), (1920, 1080)];

/// Each kind of them, at both sizes of a camera's frame.
pub fn hostile() -> Vec<Case> {
    let mut cases = Vec::new();
    for sides in SIDES {
        for module in [1.5, 2.0, 3.0, 5.0, 8.0] {
            cases.push(poster(sides, module, 0.0));
            cases.push(poster(sides, module, 0.3));
            cases.push(stripes(sides, module));
            cases.push(torn(sides, module));
            cases.push(rings(sides, module));
        }
        for pixels in [1, 2, 4] {
            cases.push(noise(sides, pixels));
        }
        cases.push(sheet(sides));
    }
    cases.into_iter().map(|picture| Case { picture, texts: Vec::new() }).collect()
}

fn drawn(
    (width, height): (usize, usize),
    mut is_dark: impl FnMut(usize, usize) -> bool,
) -> Picture {
    let places = (0..width * height).map(|place| (place % width, place / width));
    let luma = places.map(|(x, y)| if is_dark(x, y) { 30 } else { 220 }).collect();
    Picture { luma, width, height }
}

/// Whether a finder pattern is dark at a place in modules from its corner.
fn is_finder_dark(x: f64, y: f64) -> bool {
    let ring = (x - 3.5).abs().max((y - 3.5).abs());
    ring < 1.5 || (2.5..3.5).contains(&ring)
}

/// Finder patterns side by side, each shifted by up to so many modules.
fn poster(sides: (usize, usize), module: f64, shift: f64) -> Picture {
    let tile = 9.0 * module;
    let columns = (sides.0 as f64 / tile) as usize + 1;
    let rows = (sides.1 as f64 / tile) as usize + 1;
    let mut chance = Chance::seeded(3);
    let shifts: Vec<[f64; 2]> =
        (0..columns * rows).map(|_| [0.0; 2].map(|_| chance.part() * shift)).collect();
    drawn(sides, |x, y| {
        let (x, y) = (x as f64 / tile, y as f64 / tile);
        let [right, down] = shifts[y as usize * columns + x as usize];
        is_finder_dark(x.fract() * 9.0 - 1.0 - right, y.fract() * 9.0 - 1.0 - down)
    })
}

/// What a line through a finder pattern crosses, again and again, in both directions.
fn stripes(sides: (usize, usize), module: f64) -> Picture {
    let is_dark = |place: usize| {
        let place = (place as f64 / module) % 8.0;
        place < 1.0 || (2.0..5.0).contains(&place) || (6.0..7.0).contains(&place)
    };
    drawn(sides, |x, y| is_dark(x) ^ is_dark(y))
}

/// Rings around finder patterns, so that what begins like a timing pattern goes on in every
/// direction, and ends before the frame does.
fn rings(sides: (usize, usize), module: f64) -> Picture {
    let (width, height) = (sides.0 / 4, sides.1 / 2);
    let most = width.min(height) as f64 / 2.0 / module - 9.0;
    drawn(sides, |x, y| {
        let middle = |at: usize, side: usize| ((at % side) as f64 - side as f64 / 2.0) / module;
        let ring = middle(x, width).abs().max(middle(y, height).abs());
        ring < 1.5 || (2.5..most).contains(&ring) && ((ring - 0.5) as usize).is_multiple_of(2)
    })
}

/// Symbols side by side whose finder patterns are whole and whose modules say nothing.
fn torn(sides: (usize, usize), module: f64) -> Picture {
    const SIZE: f64 = 33.0;
    let tile = (SIZE + 4.0) * module;
    let mut chance = Chance::seeded(4);
    let modules: Vec<bool> = (0..100_003).map(|_| chance.part() < 0.5).collect();
    drawn(sides, |x, y| {
        let (column, row) = ((x as f64 / tile) as usize, (y as f64 / tile) as usize);
        let (x, y) = (x as f64 % tile / module - 2.0, y as f64 % tile / module - 2.0);
        if !(0.0..SIZE).contains(&x) || !(0.0..SIZE).contains(&y) {
            return false;
        }
        let far = SIZE - 7.0;
        for (left, top) in [(0.0, 0.0), (far, 0.0), (0.0, far)] {
            let (x, y) = (x - left, y - top);
            if (-1.0..8.0).contains(&x) && (-1.0..8.0).contains(&y) {
                return is_finder_dark(x, y);
            }
        }
        if y as usize == 6 || x as usize == 6 {
            return (x as usize + y as usize).is_multiple_of(2);
        }
        let place = (row * 97 + column) * 1_201 + y as usize * 33 + x as usize;
        modules[place % modules.len()]
    })
}

/// Squares of so many pixels, dark or light by chance.
fn noise(sides: (usize, usize), pixels: usize) -> Picture {
    let mut chance = Chance::seeded(5);
    let columns = sides.0.div_ceil(pixels);
    let squares: Vec<bool> =
        (0..columns * sides.1.div_ceil(pixels)).map(|_| chance.part() < 0.5).collect();
    drawn(sides, |x, y| squares[y / pixels * columns + x / pixels])
}

/// A sheet of 140 symbols.
fn sheet(sides: (usize, usize)) -> Picture {
    let (columns, rows) = (14, 10);
    let codes: Vec<QrCode> = (0..columns * rows)
        .map(|number| QrCode::encode_text(&format!("SYMBOL {number}"), QrCodeEcc::Low).unwrap())
        .collect();
    let tile = (sides.0 / columns).min(sides.1 / rows);
    drawn(sides, |x, y| {
        let (column, row) = (x / tile, y / tile);
        if column >= columns || row >= rows {
            return false;
        }
        let code = &codes[row * columns + column];
        let place = |at: usize| ((at % tile) * (code.size() as usize + 8) / tile) as i32 - 4;
        code.get_module(place(x), place(y))
    })
}
