//! Drawn pictures of symbols, each spoilt in one way and so much.

use std::f64::consts::TAU;

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

/// A grey picture.
#[derive(Clone)]
pub struct Picture {
    pub luma: Vec<u8>,
    pub width: usize,
    pub height: usize,
}

/// Numbers without a pattern, the same for the same seed.
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| {
            chance.part();
        });
        chance
    }

    /// From 0 to 1.
    pub fn part(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About a normal distribution.
    fn noise(&mut self) -> f64 {
        (0..6).map(|_| self.part()).sum::<f64>() * 1.414 - 4.243
    }
}

/// A symbol as a health code's, with its text.
pub fn symbol(version: u8, level: QrCodeEcc, chance: &mut Chance) -> (QrCode, String) {
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let length = match (version, level) {
        (11, QrCodeEcc::Medium) => 330,
        (13, QrCodeEcc::Quartile) => 300,
        _ => 200,
    };
    let body = (0..length - 5).map(|_| char::from(letters[(chance.part() * 45.0) as usize]));
    let text: String = "JKM1:".chars().chain(body).collect();
    let segments = QrSegment::make_segments(&text);
    let version = Version::new(version);
    let code =
        QrCode::encode_segments_advanced(&segments, level, version, version, None, false).unwrap();
    (code, text)
}

/// How a symbol is spoilt: each number as in the name of its [`FACTORS`] row; none is 0.
#[derive(Clone, Copy, Default)]
pub struct Spoilt {
    pub module: f64,
    pub turn: f64,
    pub keystone: f64,
    pub defocus: f64,
    pub motion: f64,
    pub glare: f64,
    pub tilt: f64,
    pub noise: f64,
    pub gain: f64,
    pub contrast: f64,
    pub moire: f64,
    pub curve: f64,
    pub crumple: f64,
    pub cover: f64,
}

/// A factor: what its numbers mean, the numbers, and how a picture is spoilt by one.
pub type Factor = (&'static str, &'static [f64], fn(f64) -> Spoilt);

/// Five pixels a module unless that is the factor.
pub const FACTORS: &[Factor] = &[
    ("pixels a module", &[1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0], |module| Spoilt { module, ..some() }),
    ("defocus radius, modules", &[0.3, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9], |defocus| Spoilt {
        defocus,
        ..some()
    }),
    ("motion half length, modules", &[0.5, 1.0, 1.25, 1.5, 1.6, 1.75, 2.0], |motion| Spoilt {
        motion,
        ..some()
    }),
    ("glare, radius of half side", &[0.06, 0.12, 0.18, 0.24, 0.3, 0.36], |glare| Spoilt {
        glare,
        ..some()
    }),
    ("tilt, degrees", &[30.0, 40.0, 50.0, 55.0, 60.0, 65.0, 70.0], |tilt| Spoilt {
        tilt,
        ..some()
    }),
    ("noise, deviation", &[15.0, 25.0, 35.0, 50.0, 70.0, 90.0], |noise| Spoilt { noise, ..some() }),
    ("light, gain", &[0.3, 0.2, 0.15, 0.1, 0.05, 0.03], |gain| Spoilt {
        gain,
        noise: 1.5,
        ..some()
    }),
    ("contrast of 255", &[100.0, 60.0, 40.0, 25.0, 15.0, 10.0], |contrast| Spoilt {
        contrast,
        noise: 1.5,
        ..some()
    }),
    ("screen moire", &[0.2, 0.4, 0.6, 0.8, 1.0], |moire| Spoilt { moire, ..some() }),
    ("curve, degrees of arc", &[30.0, 60.0, 75.0, 90.0, 105.0, 120.0], |curve| Spoilt {
        curve,
        ..some()
    }),
    ("crumple, modules", &[0.5, 0.75, 1.0, 1.5, 2.0], |crumple| Spoilt { crumple, ..some() }),
    ("part covered", &[0.02, 0.04, 0.06, 0.09, 0.12], |cover| Spoilt { cover, ..some() }),
];

/// As a phone is held on a good day.
fn some() -> Spoilt {
    Spoilt { module: 5.0, turn: 4.0, noise: 3.0, gain: 1.0, contrast: 205.0, ..Spoilt::default() }
}

/// The picture of `code`, spoilt.
pub fn draw(
    code: &QrCode,
    spoilt: &Spoilt,
    (width, height): (usize, usize),
    chance: &mut Chance,
) -> Picture {
    let side = f64::from(code.size());
    let half = side / 2.0;
    let turn = (spoilt.turn * (2.0 * chance.part() - 1.0)).to_radians();
    let (rise, run) = turn.sin_cos();
    let way = chance.part() * TAU;
    let shift = (chance.part() * 2.0 - 1.0, chance.part() * 2.0 - 1.0);
    let middle = (width as f64 / 2.0 + shift.0, height as f64 / 2.0 + shift.1);
    let waves: Vec<[f64; 5]> = (0..6)
        .map(|_| [0.0; 5].map(|_| chance.part()))
        .map(|[a, b, c, d, e]| [(a - 0.5) * 0.35, (b - 0.5) * 0.35, c * 6.3, d * 6.3, e])
        .collect();
    let cover = (side * spoilt.cover.sqrt(), chance.part(), chance.part());
    let ink = |u: f64, v: f64| {
        let (column, row) = (u + half, v + half);
        let margin = u.abs() < half + 4.0 && v.abs() < half + 4.0;
        // Below the finder patterns to the right, where data alone stands.
        let from = |part: f64| 9.0 + part * (side - 9.0 - cover.0).max(0.0);
        let (left, top) = (from(cover.1), from(cover.2));
        let covered = spoilt.cover > 0.0
            && (left..left + cover.0).contains(&column)
            && (top..top + cover.0).contains(&row);
        if covered {
            0.5
        } else if !margin {
            0.55
        } else {
            f64::from(code.get_module(column.floor() as i32, row.floor() as i32))
        }
    };
    // From a place in the picture, in modules from its middle, to one in the symbol.
    let place = |x: f64, y: f64| {
        let (mut x, mut y) = (run * x + rise * y, run * y - rise * x);
        if spoilt.tilt > 0.0 || spoilt.keystone > 0.0 {
            // A pinhole three sides away, the symbol turned around an axis through its middle.
            let far = 3.0 * side;
            let angle = if spoilt.tilt > 0.0 { spoilt.tilt } else { spoilt.keystone };
            let (sin, cos) = angle.to_radians().sin_cos();
            let (s, c) = way.sin_cos();
            let (along, across) = (c * x + s * y, c * y - s * x);
            let depth = far / (far * cos - along * sin);
            let (along, across) = (along * depth, across * (1.0 + along * depth * sin / far));
            (x, y) = (c * along - s * across, s * along + c * across);
        }
        if spoilt.curve > 0.0 {
            // Around a cylinder whose axis stands upright.
            let radius = side / spoilt.curve.to_radians();
            let part = (x / radius).clamp(-1.0, 1.0);
            x = radius * part.asin();
        }
        let (mut u, mut v) = (x, y);
        for [across, down, phase, other, weight] in &waves {
            if spoilt.crumple == 0.0 {
                break;
            }
            let wave = (across * x + down * y + phase).sin() * spoilt.crumple * weight * 0.6;
            u += wave * other.cos();
            v += wave * other.sin();
        }
        (u, v)
    };
    let mut picture = vec![0.0; width * height];
    for y in 0..height {
        for x in 0..width {
            let mut sum = 0.0;
            for part in 0..9 {
                let at = |place: usize, part: i32| place as f64 + f64::from(part) / 3.0 + 1.0 / 6.0;
                let (u, v) = place(
                    (at(x, part % 3) - middle.0) / spoilt.module,
                    (at(y, part / 3) - middle.1) / spoilt.module,
                );
                sum += ink(u, v);
            }
            picture[y * width + x] = 1.0 - sum / 9.0;
        }
    }
    let picture = smeared(picture, (width, height), way, spoilt);
    lit(&picture, (width, height), middle, half, spoilt, chance)
}

/// The picture out of focus and moved, `way` being the direction.
fn smeared(
    picture: Vec<f64>,
    (width, height): (usize, usize),
    way: f64,
    spoilt: &Spoilt,
) -> Vec<f64> {
    let mut picture = picture;
    if spoilt.defocus > 0.0 {
        let radius = spoilt.defocus * spoilt.module;
        let reach = radius.ceil() as i32;
        let disk = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
        let disk = disk.map(|(x, y)| {
            ((x, y), (radius + 0.5 - f64::from(x * x + y * y).sqrt()).clamp(0.0, 1.0))
        });
        picture = blurred(&picture, width, height, &disk.collect::<Vec<_>>());
    }
    if spoilt.motion > 0.0 {
        let reach = spoilt.motion * spoilt.module;
        let (s, c) = way.sin_cos();
        let steps = (2.0 * reach).ceil() as i32;
        let line = (-steps..=steps).map(|step| {
            let along = f64::from(step) / f64::from(steps) * reach;
            (((along * c).round() as i32, (along * s).round() as i32), 1.0)
        });
        picture = blurred(&picture, width, height, &line.collect::<Vec<_>>());
    }
    picture
}

/// The picture as a camera takes it.
fn lit(
    picture: &[f64],
    (width, height): (usize, usize),
    middle: (f64, f64),
    half: f64,
    spoilt: &Spoilt,
    chance: &mut Chance,
) -> Picture {
    let flare = (chance.part() - 0.5, chance.part() - 0.5);
    let period = 3.1 + chance.part();
    let luma = picture.iter().enumerate().map(|(place, value)| {
        let (x, y) = ((place % width) as f64, (place / width) as f64);
        let mut value = 127.0 + (value - 0.5) * spoilt.contrast;
        if spoilt.moire > 0.0 {
            let lines = (x * TAU / period).sin() * (y * TAU / (period * 1.07)).sin()
                + (x * 0.09 + y * 0.05).sin();
            value *= 1.0 + 0.35 * spoilt.moire * lines;
        }
        if spoilt.glare > 0.0 {
            let radius = spoilt.glare * half * spoilt.module;
            let (dx, dy) = (
                x - middle.0 - flare.0 * half * spoilt.module,
                y - middle.1 - flare.1 * half * spoilt.module,
            );
            let near = (dx * dx + dy * dy) / (radius * radius);
            value += 600.0 * (-near * 0.9).exp();
        }
        (value * spoilt.gain + chance.noise() * spoilt.noise).clamp(0.0, 255.0) as u8
    });
    let luma = luma.collect();
    Picture { luma, width, height }
}

/// Each pixel the weighted mean of those around it.
fn blurred(picture: &[f64], width: usize, height: usize, kernel: &[((i32, i32), f64)]) -> Vec<f64> {
    let total: f64 = kernel.iter().map(|(_, weight)| weight).sum();
    let clamped = |place: usize, by: i32, length: usize| {
        place.saturating_add_signed(by as isize).min(length - 1)
    };
    (0..width * height)
        .map(|place| {
            let (x, y) = (place % width, place / width);
            let parts = kernel.iter().map(|&((across, down), weight)| {
                weight * picture[clamped(y, down, height) * width + clamped(x, across, width)]
            });
            parts.sum::<f64>() / total
        })
        .collect()
}
