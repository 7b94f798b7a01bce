//! How the camera describes itself to whoever it is plugged into.

use super::usb::{Kind, LENS, NAME, SEVEN_AND_A_HALF_A_SECOND, SIZES, TEN_A_SECOND};

/// The most bytes in a picture of a size.
pub(crate) fn picture_len(width: u16, height: u16) -> u32 {
    2 * u32::from(width) * u32::from(height)
}

/// USB 2.0, table 9-8: a device of several functions, with three strings.
pub(crate) fn device_descriptor() -> Vec<u8> {
    vec![18, 1, 0, 2, 0xef, 2, 1, 64, 0x6b, 0x1d, 0x02, 0x01, 0, 1, 1, 2, 3, 1]
}

/// USB 2.0, section 9.6.7.
pub(crate) fn string_descriptor(index: u8) -> Vec<u8> {
    const ENGLISH: [u8; 4] = [4, 3, 9, 4];
    let text = match index {
        0 => return ENGLISH.to_vec(),
        1 => "Greengate",
        2 => NAME,
        _ => "1",
    };
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [&[length_of(&text, 2), 3], text.as_slice()].concat()
}

/// A descriptor's length byte: that of `body` and `more` bytes before it.
fn length_of(body: &[u8], more: usize) -> u8 {
    u8::try_from(body.len() + more).expect("no descriptor here is longer")
}

/// The whole configuration: USB 2.0, section 9.6; UVC 1.0, chapter 3.
pub(crate) fn configuration(kind: Kind, interval: u32) -> Vec<u8> {
    const UNCOMPRESSED: [u8; 2] = [4, 5];
    const MJPEG: [u8; 2] = [6, 7];
    const YUY2: [u8; 16] = *b"YUY2\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    const COLOURS: [u8; 6] = [6, 0x24, 0x0d, 1, 1, 4];

    let sizes = u8::try_from(SIZES.len()).expect("two");
    let ([format, frame], form) = match kind {
        Kind::Yuyv => (UNCOMPRESSED, [&YUY2, [16, 1, 0, 0, 0, 0].as_slice()].concat()),
        Kind::Mjpeg => (MJPEG, vec![1, 1, 0, 0, 0, 0]),
    };
    let mut formats = vec![length_of(&form, 5), 0x24, format, 1, sizes];
    formats.extend(form);
    for (index, (width, height)) in (1..).zip(SIZES) {
        formats.extend(frame_descriptor(frame, index, width, height, interval));
    }
    formats.extend(COLOURS);

    // A camera that is wired to the host, and nothing in between; the last three bytes say which
    // controls its lens has.
    let terminals = [
        [18, 0x24, 2, LENS, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0x2e, 0, 2].as_slice(),
        &[9, 0x24, 3, 2, 1, 1, 0, 1, 0],
    ]
    .concat();
    let control = with_total(&[13, 0x24, 1, 0, 1], &[0, 0x6c, 0xdc, 2, 1, 1], &terminals);
    let input = with_total(&[14, 0x24, 1, 1], &[0x81, 0, 2, 0, 0, 0, 1, 0], &formats);
    let interfaces = [
        [8, 0x0b, 0, 2, 0x0e, 3, 0, 2].as_slice(),
        &[9, 4, 0, 0, 0, 0x0e, 1, 0, 2],
        &control,
        &[9, 4, 1, 0, 1, 0x0e, 2, 0, 0],
        &input,
        &[7, 5, 0x81, 2, 0, 2, 0],
    ]
    .concat();
    with_total(&[9, 2], &[2, 1, 0, 0x80, 250], &interfaces)
}

/// A header that also tells the length of all that belongs to it, between `start` and `end`.
fn with_total(start: &[u8], end: &[u8], body: &[u8]) -> Vec<u8> {
    let total = u16::try_from(start.len() + 2 + end.len() + body.len()).expect("short");
    [start, &total.to_le_bytes(), end, body].concat()
}

/// UVC 1.0 payload documents, tables 3-2: one size, with its intervals.
fn frame_descriptor(subtype: u8, index: u8, width: u16, height: u16, interval: u32) -> Vec<u8> {
    let length = picture_len(width, height);
    let bits_a_second = |pictures: u32| (8 * length * pictures).to_le_bytes();
    let body = [
        [0x24, subtype, index, 0].as_slice(),
        &width.to_le_bytes(),
        &height.to_le_bytes(),
        &bits_a_second(7),
        &bits_a_second(10),
        &length.to_le_bytes(),
        &interval.to_le_bytes(),
        &[2],
        &TEN_A_SECOND.to_le_bytes(),
        &SEVEN_AND_A_HALF_A_SECOND.to_le_bytes(),
    ]
    .concat();
    [&[length_of(&body, 1)], body.as_slice()].concat()
}
