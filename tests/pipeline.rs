//! Pictures in, decisions out.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use common::{NOW, at, basis, code, judge_reading, text, usual_files};
use greengate::{
    authority::print::Modules,
    credential::Kind,
    decision::Reason,
    device::pictures::{self, PictureError},
    frame::Frame,
    symbol::{Effort, SymbolText, read},
};
use image::{DynamicImage, GrayImage, Luma, Rgba, RgbaImage};
use tempfile::tempdir;

fn picture(code: &SymbolText) -> GrayImage {
    Modules::of(code).unwrap().picture()
}

/// Two pictures beside each other.
fn beside(left: &GrayImage, right: &GrayImage) -> GrayImage {
    let height = left.height().max(right.height());
    let mut both = GrayImage::from_pixel(left.width() + right.width(), height, Luma([255]));
    image::imageops::replace(&mut both, left, 0, 0);
    image::imageops::replace(&mut both, right, left.width().into(), 0);
    both
}

fn frame(picture: &GrayImage) -> Frame {
    Frame::new(picture.as_raw().clone(), picture.width(), picture.height(), at(NOW)).unwrap()
}

#[test]
fn a_picture_of_a_code_is_decided_like_its_text() {
    let basis = basis(&usual_files());
    let green = picture(&code(|_| {}));
    let red = picture(&code(|claims| claims.status = 3));
    let poster = picture(&text("https://example.com"));
    let wall = GrayImage::from_pixel(640, 480, Luma([128]));
    let cases = [
        ("green", green.clone(), Some(("pass", None))),
        ("red", red.clone(), Some(("deny", Some("E41")))),
        (
            "paper",
            picture(&code(|claims| claims.kind = Kind::Paper)),
            Some(("check_id", Some("E01"))),
        ),
        ("poster", poster.clone(), Some(("retry", Some("E11")))),
        ("two that disagree", beside(&green, &red), Some(("retry", Some("E13")))),
        ("the same one twice", beside(&green, &green), Some(("pass", None))),
        ("beside a poster", beside(&green, &poster), Some(("pass", None))),
        ("a wall", wall, None),
    ];
    for (name, picture, expected) in cases {
        let reading = read(&frame(&picture), Effort::Thorough);
        let decision = judge_reading(&reading, &basis, at(NOW));
        let told = decision
            .as_ref()
            .map(|decision| (decision.verdict().code(), decision.reason().map(Reason::code)));
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn every_kind_of_picture_file_is_read_as_grey() {
    let folder = tempdir().unwrap();
    let code = code(|_| {});
    let grey = picture(&code);
    let clear = RgbaImage::from_fn(grey.width(), grey.height(), |x, y| {
        // Black ink on nothing at all.
        Rgba([0, 0, 0, 255 - grey.get_pixel(x, y).0[0]])
    });
    let cases = [
        ("grey.png", DynamicImage::ImageLuma8(grey.clone())),
        (
            "deep.png",
            DynamicImage::ImageLuma16(DynamicImage::ImageLuma8(grey.clone()).into_luma16()),
        ),
        ("clear.png", DynamicImage::ImageRgba8(clear)),
        ("photo.jpg", DynamicImage::ImageLuma8(grey.clone())),
        ("colour.JPEG", DynamicImage::ImageRgb8(DynamicImage::ImageLuma8(grey).into_rgb8())),
    ];
    for (name, picture) in cases {
        let path = folder.path().join(name);
        picture.save(&path).unwrap();
        let frame = pictures::read(&path, at(NOW)).expect(name);
        assert_eq!(read(&frame, Effort::Thorough).texts, std::slice::from_ref(&code), "{name}");
    }
    let listed = pictures::list(folder.path()).unwrap();
    let names: Vec<_> =
        listed.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["clear.png", "colour.JPEG", "deep.png", "grey.png", "photo.jpg"]);
}

#[test]
fn what_is_no_picture_is_said_to_be_none() {
    let folder = tempdir().unwrap();
    let cases: [(&str, &[u8]); 3] =
        [("empty.png", b""), ("text.png", b"not a picture"), ("cut.png", b"\x89PNG\r\n\x1A\n\0\0")];
    for (name, bytes) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = pictures::read(&path, at(NOW)).err();
        assert!(matches!(error, Some(PictureError::Picture { .. })), "{name}: {error:?}");
    }
    let missing = pictures::read(&folder.path().join("missing.png"), at(NOW));
    assert!(matches!(missing, Err(PictureError::File { .. })));
}
