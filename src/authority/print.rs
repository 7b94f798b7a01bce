//! Codes as pictures: modules, PNG to show, SVG to print.

use std::fmt::Write;

use image::{GrayImage, Luma};
use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};

use crate::symbol::SymbolText;

/// Light modules around a symbol. Source: ISO/IEC 18004:2015, section 9.1.
pub const QUIET_ZONE: u16 = 4;

/// Pixels of a module in a PNG: on a phone's screen a symbol of version 9 fills about 500 pixels.
const PIXELS: u32 = 8;

/// Hundredths of a millimetre of a module in an SVG; REQUIREMENTS, R15, asks for 50 at least.
const MODULE_HUNDREDTHS: u32 = 60;

/// A symbol as a square of dark and light modules, without its quiet zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Modules {
    side: u16,
    dark: Vec<bool>,
}

impl Modules {
    /// The symbol that says `text`, at level M and in the smallest version that holds it; nothing
    /// if none does.
    ///
    /// Level M always: what a higher level would mend, smaller modules would lose again (CODE-FORMAT,
    /// "small is readable").
    #[must_use]
    pub fn of(text: &SymbolText) -> Option<Self> {
        let segments = QrSegment::make_segments(text.as_str());
        let (min, max, mask): (_, _, Option<Mask>) = (Version::MIN, Version::MAX, None);
        let symbol =
            QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, min, max, mask, false)
                .ok()?;
        let side = symbol.size();
        let dark = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        Some(Self {
            side: side.try_into().ok()?,
            dark: dark.map(|(x, y)| symbol.get_module(x, y)).collect(),
        })
    }

    /// Modules on one side.
    #[must_use]
    pub fn side(&self) -> u16 {
        self.side
    }

    /// Whether the module is dark; those outside are light.
    #[must_use]
    pub fn is_dark(&self, x: u16, y: u16) -> bool {
        let inside = x < self.side && y < self.side;
        inside && self.dark[usize::from(y) * usize::from(self.side) + usize::from(x)]
    }

    /// The symbol with its quiet zone as a grey picture.
    #[must_use]
    pub fn picture(&self) -> GrayImage {
        let side = u32::from(self.side + 2 * QUIET_ZONE) * PIXELS;
        GrayImage::from_fn(side, side, |x, y| {
            // What lies in the quiet zone on the left or above wraps around to far outside.
            let module =
                |pixel| u16::try_from(pixel / PIXELS).unwrap_or(0).wrapping_sub(QUIET_ZONE);
            Luma([if self.is_dark(module(x), module(y)) { 0 } else { 255 }])
        })
    }

    /// The symbol with its quiet zone as an SVG in millimetres.
    #[must_use]
    pub fn svg(&self) -> String {
        let side = self.side + 2 * QUIET_ZONE;
        let hundredths = u32::from(side) * MODULE_HUNDREDTHS;
        let (mm, rest) = (hundredths / 100, hundredths % 100);
        let mut path = String::new();
        for y in 0..self.side {
            for x in (0..self.side).filter(|x| self.is_dark(*x, y)) {
                // Writing to a `String` cannot fail.
                write!(path, "M{},{}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE).ok();
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{mm}.{rest:02}mm\" \
             height=\"{mm}.{rest:02}mm\" viewBox=\"0 0 {side} {side}\">\
             <path fill=\"#fff\" d=\"M0,0h{side}v{side}h-{side}z\"/>\
             <path shape-rendering=\"crispEdges\" d=\"{path}\"/></svg>\n"
        )
    }
}
