//! A report as a chart: a bar for each hour, parted by verdict, and one for each reason.

use std::{collections::BTreeMap, fmt::Write};

use super::{Counted, HourCount, ShiftReport};
use crate::clock::{Timestamp, in_shanghai};

/// The verdicts in the order of their parts of a bar: code, words, colour, and the sign that stands
/// for it in text. Colour never stands alone: the numbers beside a bar are in the same order.
const PARTS: [(&str, &str, &str, &str); 5] = [
    ("pass", "通过 Pass", "#1a7f37", "#"),
    ("check_id", "核对证件 Check ID", "#8a8a00", "+"),
    ("refer", "人工核验 To desk", "#d97706", "?"),
    ("deny", "不予通行 Stop", "#b91c1c", "x"),
    ("retry", "重新出示 Show again", "#1d4ed8", "~"),
];

/// Characters of the longest bar in text.
const TEXT_WIDTH: u64 = 40;

/// Where bars begin in a picture, in pixels.
const LEFT: u64 = 150;

/// How long the longest is.
const LONGEST: u64 = 560;

/// How far one line is from the next.
const STEP: u64 = 24;

/// How many decisions of each verdict there were in one hour.
type Hours = BTreeMap<Timestamp, [u64; PARTS.len()]>;

impl ShiftReport {
    /// The chart in text: an hour a line, then a reason a line.
    #[must_use]
    pub fn text_chart(&self) -> String {
        let hours = self.by_hour();
        let most = most(hours.values().map(|parts| parts.iter().sum()));
        let mut text = String::new();
        let legend = PARTS.map(|(code, _, _, sign)| format!("{sign} {code}")).join("  ");
        line(&mut text, format_args!("{legend}"));
        for (hour, parts) in &hours {
            let bar: String = PARTS
                .iter()
                .zip(parts)
                .map(|((.., sign), count)| sign.repeat(length(*count, most, TEXT_WIDTH)))
                .collect();
            line(&mut text, format_args!("{}  {:<24}  {bar}", label(*hour), numbers(parts)));
        }
        let most = self::most(self.reasons.iter().map(|counted| counted.count));
        for Counted { of, count } in &self.reasons {
            let bar = "=".repeat(length(*count, most, TEXT_WIDTH));
            line(&mut text, format_args!("{of:<11}  {count:<24}  {bar}"));
        }
        text
    }

    /// The chart as a picture in SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let hours = self.by_hour();
        let lines = u64::try_from(hours.len() + self.reasons.len()).unwrap_or(u64::MAX);
        let height = (lines.saturating_add(5)).saturating_mul(STEP);
        let mut svg = String::new();
        line(
            &mut svg,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 {height}\" \
                 font-family=\"Noto Sans CJK SC, sans-serif\" font-size=\"14\">"
            ),
        );
        line(&mut svg, format_args!("<rect width=\"960\" height=\"{height}\" fill=\"#ffffff\"/>"));
        for ((_, words, colour, _), x) in PARTS.iter().zip((16_u64..).step_by(184)) {
            line(
                &mut svg,
                format_args!(
                    "<rect x=\"{x}\" y=\"12\" width=\"14\" height=\"14\" fill=\"{colour}\"/>\
                     <text x=\"{}\" y=\"24\">{words}</text>",
                    x + 20
                ),
            );
        }
        let mut y = 2 * STEP;
        let most = most(hours.values().map(|parts| parts.iter().sum()));
        for (hour, parts) in &hours {
            write_label(&mut svg, y, &label(*hour), &numbers(parts));
            let mut x = LEFT;
            for ((.., colour, _), count) in PARTS.iter().zip(parts) {
                let width = scaled(*count, most, LONGEST);
                write_bar(&mut svg, x, y, width, colour);
                x += width;
            }
            y += STEP;
        }
        y += STEP;
        let most = self::most(self.reasons.iter().map(|counted| counted.count));
        for Counted { of, count } in &self.reasons {
            write_label(&mut svg, y, of, &count.to_string());
            write_bar(&mut svg, LEFT, y, scaled(*count, most, LONGEST), "#4b5563");
            y += STEP;
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn by_hour(&self) -> Hours {
        let mut hours = Hours::new();
        for HourCount { hour, verdict, count, .. } in &self.hours {
            let parts = hours.entry(*hour).or_default();
            let of_verdict = PARTS.iter().zip(parts).find(|((code, ..), _)| code == verdict);
            if let Some((_, part)) = of_verdict {
                *part = part.saturating_add(*count);
            }
        }
        hours
    }
}

fn write_label(svg: &mut String, y: u64, label: &str, numbers: &str) {
    let (base, right) = (y + 14, LEFT + LONGEST + 12);
    line(
        svg,
        format_args!(
            "<text x=\"16\" y=\"{base}\">{label}</text>\
             <text x=\"{right}\" y=\"{base}\">{numbers}</text>"
        ),
    );
}

fn write_bar(svg: &mut String, x: u64, y: u64, width: u64, colour: &str) {
    line(
        svg,
        format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"18\" fill=\"{colour}\"/>"
        ),
    );
}

/// Writing to a `String` cannot fail.
fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").ok();
}

/// An hour as it is read here.
fn label(hour: Timestamp) -> String {
    in_shanghai(hour).format("%m-%d %H:%M").to_string()
}

fn numbers(parts: &[u64]) -> String {
    parts.iter().map(u64::to_string).collect::<Vec<_>>().join(" / ")
}

/// The largest of some counts, and 1 at least, to divide by.
fn most(counts: impl Iterator<Item = u64>) -> u64 {
    counts.max().unwrap_or(0).max(1)
}

/// How long the bar of a count is: one at least, unless there is nothing.
fn scaled(count: u64, most: u64, longest: u64) -> u64 {
    if count == 0 { 0 } else { (count.saturating_mul(longest) / most).max(1) }
}

fn length(count: u64, most: u64, longest: u64) -> usize {
    usize::try_from(scaled(count, most, longest)).unwrap_or(0)
}
