//! How many of the pictures survive what they are spoilt by, drawn as an SVG.

use std::fmt::Write;

/// What one decoder read of those spoilt by one factor, from 0 to 1, level by level.
pub struct Line {
    pub decoder: String,
    pub survived: Vec<f64>,
}

/// A factor, its levels, and a line for each decoder.
pub struct Panel {
    pub factor: &'static str,
    pub levels: &'static [f64],
    pub lines: Vec<Line>,
}

const WIDTH: usize = 300;
const HEIGHT: usize = 210;
const IN_A_ROW: usize = 4;
const COLOURS: [&str; 5] = ["#0b6e3b", "#c2410c", "#2563eb", "#737373", "#a21caf"];

/// All panels in one picture.
pub fn svg(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(IN_A_ROW);
    let (width, height) = (IN_A_ROW * WIDTH, rows * HEIGHT + 30);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' \
         font-family='sans-serif' font-size='11'><rect width='100%' height='100%' fill='white'/>\n"
    );
    for (nth, panel) in panels.iter().enumerate() {
        let (x, y) = (nth % IN_A_ROW * WIDTH, nth / IN_A_ROW * HEIGHT);
        writeln!(svg, "<g transform='translate({x} {y})'>{}</g>", drawn(panel)).unwrap();
    }
    let legend = panels.first().map_or(&[][..], |panel| &panel.lines);
    for (nth, line) in legend.iter().enumerate() {
        let (x, y) = (40 + nth * 180, rows * HEIGHT + 18);
        let (colour, name) = (COLOURS[nth % COLOURS.len()], &line.decoder);
        writeln!(svg, "<text x='{x}' y='{y}' fill='{colour}'>\u{25a0} {name}</text>").unwrap();
    }
    svg + "</svg>\n"
}

fn drawn(panel: &Panel) -> String {
    let (left, top, right, bottom) = (34.0, 24.0, 290.0, 180.0);
    let count = panel.levels.len().max(2) - 1;
    let x = |nth: usize| left + (right - left) * nth as f64 / count as f64;
    let y = |part: f64| bottom - (bottom - top) * part;
    let mut svg = format!("<text x='34' y='16' font-weight='bold'>{}</text>", panel.factor);
    for part in [0.0, 0.5, 1.0] {
        let (at, percent) = (y(part), part * 100.0);
        write!(svg, "<path d='M{left} {at}H{right}' stroke='#ddd'/>").unwrap();
        write!(svg, "<text x='4' y='{}'>{percent} %</text>", at + 4.0).unwrap();
    }
    for (nth, level) in panel.levels.iter().enumerate() {
        let at = x(nth);
        write!(svg, "<text x='{at}' y='195' text-anchor='middle'>{level}</text>").unwrap();
    }
    for (nth, line) in panel.lines.iter().enumerate() {
        let points = line.survived.iter().enumerate();
        let points: Vec<_> =
            points.map(|(nth, &part)| format!("{:.1},{:.1}", x(nth), y(part))).collect();
        let colour = COLOURS[nth % COLOURS.len()];
        let points = points.join(" ");
        write!(svg, "<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>")
            .unwrap();
    }
    svg
}
