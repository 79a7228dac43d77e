//! All ratios as bars on a logarithmic scale.

use crate::model::{Report, Row};
use crate::report::{three, value};
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

const WIDTH: u32 = 1000;
const LINE: i32 = 18;
const LEFT: i32 = 430;
const RIGHT: i32 = 850;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The drawing as SVG text.
///
/// # Errors
/// It cannot be drawn.
pub fn draw(report: &Report) -> Result<String> {
    let lines: usize = report.rows.iter().map(|row| row.entries.len() + 2).sum();
    let height = (lines as i32 + 4) * LINE;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height.cast_unsigned())).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let scale = Scale::of(report);
        text(&area, (10, 8), "How many times what vox takes (logarithmic; green: vox takes less)", 15)?;
        let mut y = 3 * LINE;
        for row in &report.rows {
            y = group(&area, row, &scale, y)?;
        }
        let one = scale.x(1.0);
        area.draw(&PathElement::new([(one, 2 * LINE), (one, height - LINE)], BLACK)).map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(svg)
}

/// One row of the report; gives where the next one starts.
fn group(area: &Area<'_>, row: &Row, scale: &Scale, mut y: i32) -> Result<i32> {
    text(area, (10, y), &row.title, 14)?;
    y += LINE;
    for entry in &row.entries {
        let label = format!("{}  {}", entry.label, value(row, entry));
        text(area, (20, y), &label, 12)?;
        if let Some(ratio) = entry.ratio {
            let (one, end) = (scale.x(1.0), scale.x(ratio.median));
            let color = if ratio.median >= 1.0 { RGBColor(46, 139, 87) } else { RGBColor(205, 92, 92) };
            let corners = [(one.min(end), y + 2), (one.max(end) + 1, y + LINE - 4)];
            area.draw(&Rectangle::new(corners, color.filled())).map_err(failed)?;
            text(area, (one.max(end) + 6, y), &format!("{}x", three(ratio.median)), 12)?;
        }
        y += LINE;
    }
    Ok(y + LINE)
}

fn text(area: &Area<'_>, at: (i32, i32), text: &str, size: i32) -> Result<()> {
    let style = ("sans-serif", size).into_font().color(&BLACK);
    area.draw(&Text::new(text.to_owned(), at, style)).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the chart cannot be drawn: {error}")
}

/// Powers of ten between the smallest and the largest ratio.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(report: &Report) -> Self {
        let ratios = report.rows.iter().flat_map(|row| &row.entries).filter_map(|entry| entry.ratio);
        let logs: Vec<f64> = ratios.map(|ratio| ratio.median.log10()).filter(|log| log.is_finite()).collect();
        let low = logs.iter().copied().fold(-1.0, f64::min).floor();
        let high = logs.iter().copied().fold(1.0, f64::max).ceil();
        Self { low, high }
    }

    fn x(&self, ratio: f64) -> i32 {
        let share = (ratio.log10().clamp(self.low, self.high) - self.low) / (self.high - self.low);
        LEFT + (share * f64::from(RIGHT - LEFT)) as i32
    }
}
