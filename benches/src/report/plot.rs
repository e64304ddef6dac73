//! Plots of one workload: bars for each quantity, and speed-up curves if there were several worker counts.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Section;
use crate::failure::Failure;
use crate::workload::{Better, OURS};

/// Width and height of a plot, in pixels.
const SIZE: (u32, u32) = (760, 360);
/// What sides are drawn in, by their place; ours is first.
const COLORS: [RGBColor; 10] = [
    RGBColor(0xc0, 0x39, 0x2b),
    RGBColor(0x29, 0x80, 0xb9),
    RGBColor(0x27, 0xae, 0x60),
    RGBColor(0xf3, 0x9c, 0x12),
    RGBColor(0x8e, 0x44, 0xad),
    RGBColor(0x16, 0xa0, 0x85),
    RGBColor(0x7f, 0x8c, 0x8d),
    RGBColor(0x2c, 0x3e, 0x50),
    RGBColor(0xd8, 0x1b, 0x60),
    RGBColor(0x79, 0x55, 0x48),
];

/// What can go wrong while drawing into a file.
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Writes the plots of a section to a folder and returns the files' names.
pub(super) fn draw(section: &Section, folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let mut plot = |suffix: &str, draw: &dyn Fn(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn| {
        let name = format!("{}-{suffix}.svg", section.workload.name);
        let file = folder.join(&name);
        let area = SVGBackend::new(&file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
        names.push(name);
        Ok::<(), DrawingAreaErrorKind<std::io::Error>>(())
    };
    for index in 0..section.workload.quantities.len() {
        plot(&index.to_string(), &|area| bars(section, index, area))?;
    }
    if section.passes.len() > 1 {
        plot("scaling", &|area| speed_up(section, area))?;
    }
    Ok(names)
}

/// The color of the side in this place.
fn color(place: usize) -> RGBColor {
    COLORS[place % COLORS.len()]
}

/// A group of bars for each worker count, a bar for each side that delivered.
fn bars(section: &Section, quantity: usize, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
    let sides: Vec<&str> = section.sides().collect();
    let workers: Vec<usize> = section.passes.iter().map(|(workers, _)| *workers).collect();
    let medians = workers.iter().flat_map(|&count| sides.iter().map(move |side| (count, *side)));
    let highest =
        medians.filter_map(|(count, side)| section.median(count, side, quantity)).fold(f64::MIN_POSITIVE, f64::max);
    // A group is as wide as its bars and one more for the gap.
    let group = sides.len() as f64 + 1.0;
    let unit = &section.workload.quantities[quantity];
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{}: {} ({})", section.workload.name, unit.name, unit.better), ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(70)
        // The last fifth is for the legend.
        .build_cartesian_2d(0.0..group * workers.len() as f64 * 1.25, 0.0..highest * 1.1)?;
    chart.configure_mesh().disable_x_mesh().disable_x_axis().y_label_formatter(&|value| number(*value)).draw()?;
    for (place, side) in sides.iter().enumerate() {
        let bar = |(index, &count): (usize, &usize)| {
            let left = index as f64 * group + place as f64 + 0.5;
            let median = section.median(count, side, quantity)?;
            Some(Rectangle::new([(left + 0.05, 0.0), (left + 0.95, median)], color(place).filled()))
        };
        chart
            .draw_series(workers.iter().enumerate().filter_map(bar))?
            .label(*side)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 10, y + 4)], color(place).filled()));
    }
    let style = TextStyle::from(("sans-serif", 13));
    for (index, count) in workers.iter().enumerate() {
        let (x, y) = chart.backend_coord(&((index as f64 + 0.45) * group, 0.0));
        area.draw_text(&workers_label(*count), &style, (x - 30, y + 8))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
}

/// How much faster each side is with more workers than with the fewest, by the first quantity, beside the ideal: twice as fast with twice
/// as many, as long as there are cores for them.
fn speed_up(section: &Section, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
    let mut workers: Vec<usize> = section.passes.iter().map(|(workers, _)| *workers).collect();
    workers.sort_unstable();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let curves: Vec<Vec<(f64, f64)>> = section.sides().map(|side| curve(section, side, &workers, cores)).collect();
    let ideal_curve: Vec<(f64, f64)> = (workers[0]..=workers[workers.len() - 1])
        .map(|count| (count as f64, at_best(count, workers[0], cores)))
        .collect();
    let (fewest, most) = (workers[0] as f64, workers[workers.len() - 1] as f64);
    let highest = curves.iter().chain([&ideal_curve]).flatten().map(|point| point.1).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{}: speed-up over {}", section.workload.name, workers_label(workers[0])), ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(50)
        .build_cartesian_2d(fewest..most.max(fewest + 1.0), 0.0..highest * 1.1)?;
    chart.configure_mesh().x_desc("workers").x_labels(workers.len() + 1).draw()?;
    let ideal = BLACK.mix(0.4);
    chart
        .draw_series(DashedLineSeries::new(ideal_curve, 6, 4, ideal.into()))?
        .label("ideal")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], ideal));
    for (place, (side, curve)) in section.sides().zip(curves).enumerate() {
        let width = if side == OURS { 3 } else { 1 };
        chart
            .draw_series(LineSeries::new(curve, color(place).stroke_width(width)).point_size(3))?
            .label(side)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], color(place).stroke_width(width)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
}

/// A side's points: workers, and speed relative to that with the fewest of them.
fn curve(section: &Section, side: &str, workers: &[usize], cores: usize) -> Vec<(f64, f64)> {
    let Some(base) = section.median(workers[0], side, 0) else { return Vec::new() };
    let speed_up = |count: usize, median: f64| match section.workload.quantities[0].better {
        Better::Less => base / median,
        Better::More => median / base,
        // What the median refers to is as many times as short as the speed-up is at best.
        Better::OverIdeal => base / median * at_best(count, workers[0], cores),
    };
    let point = |&count: &usize| Some((count as f64, speed_up(count, section.median(count, side, 0)?)));
    workers.iter().filter_map(point).filter(|point| point.1.is_finite()).collect()
}

/// The speed-up that nobody exceeds.
fn at_best(workers: usize, fewest: usize, cores: usize) -> f64 {
    workers.min(cores) as f64 / fewest.min(cores) as f64
}

/// A label under a group of bars.
fn workers_label(count: usize) -> String {
    format!("{count} worker{}", if count == 1 { "" } else { "s" })
}

/// A label of the vertical axis: few digits.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.1}M", value / 1e6),
        size if size >= 1e4 => format!("{:.0}k", value / 1e3),
        size if size >= 10.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use crate::workload::{Quantity, Workload};

    #[test]
    fn twice_as_fast_is_a_speed_up_of_two() {
        let report = example::report();
        assert_eq!(curve(&report.sections[0], OURS, &[1, 2], 2), [(1.0, 1.0), (2.0, 2.0)]);
        assert_eq!(curve(&report.sections[0], "may", &[1, 2], 2), []);
    }

    #[test]
    fn a_time_at_the_ideal_is_a_speed_up_by_the_workers() {
        const QUANTITIES: &[Quantity] = &[Quantity { name: "over", decimals: 1, better: Better::OverIdeal }];
        const SPREADING: Workload = Workload { quantities: QUANTITIES, ..example::WORKLOAD };
        let mut report = example::report();
        report.sections[0].workload = &SPREADING;
        // 8 and 4 times the ideal: the second of one that is half as long.
        assert_eq!(curve(&report.sections[0], OURS, &[1, 2], 2), [(1.0, 1.0), (2.0, 4.0)]);
        assert_eq!(curve(&report.sections[0], OURS, &[1, 2], 1), [(1.0, 1.0), (2.0, 2.0)]);
    }

    #[test]
    fn plots_name_the_sides() {
        let folder = std::env::temp_dir().join(format!("tasklets-plots-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let names = draw(&example::report().sections[0], &folder).expect("plots");
        assert_eq!(names, ["w-0.svg", "w-scaling.svg"]);
        for name in names {
            let text = std::fs::read_to_string(folder.join(&name)).expect("a plot");
            assert!(text.contains("<text") && text.contains("tokio"), "{name}: {text}");
            assert_eq!(text.contains("ideal"), name == "w-scaling.svg", "{name}: {text}");
        }
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
