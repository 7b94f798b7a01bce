//! What rqrr is asked: to decode modules, and to find a symbol in a small crop.
//!
//! rqrr stalls on large pictures and panics on some; here it never sees a whole picture, and a
//! panic counts as nothing read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::SymbolText;

/// The text of a symbol with these modules, row by row, `true` for dark.
pub(super) fn decode(modules: &[bool], size: usize) -> Option<SymbolText> {
    let grid = rqrr::SimpleGrid::from_func(size, |x, y| modules[y * size + x]);
    guarded(|| text(&rqrr::Grid::new(grid)))?
}

/// The texts of the symbols found in a bitmap with `width` pixels in a row, `true` for dark.
pub(super) fn search(bitmap: &[bool], width: usize) -> Vec<SymbolText> {
    let height = bitmap.len().checked_div(width).unwrap_or(0);
    let search = || {
        let dark = |x: usize, y: usize| bitmap[y * width + x];
        let mut prepared = rqrr::PreparedImage::prepare_from_bitmap(width, height, dark);
        prepared.detect_grids().iter().filter_map(text).collect()
    };
    guarded(search).unwrap_or_default()
}

fn text<G: rqrr::BitGrid>(grid: &rqrr::Grid<G>) -> Option<SymbolText> {
    let mut bytes = Vec::new();
    grid.decode_to(&mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // What has no text was light paper.
    SymbolText::new(text).ok().filter(|text| !text.as_str().is_empty())
}

/// What `ask` answers, or nothing if it panics.
///
/// The panics known are rqrr's own assertions on its geometry; their messages, which the program's
/// panic hook prints, name a line of its source and nothing of the symbol. Nothing that `ask`
/// could leave half done outlives it.
fn guarded<T>(ask: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}
