//! The tables for `RESULTS.md`: machine, command, and a table for each workload.

use std::fmt::Write;

use super::{Report, Section};
use crate::table;

/// The whole section.
pub(super) fn tables(report: &Report) -> String {
    let mut text = format!("Measured by `{}`, {} rounds.\n\n", report.command(), report.plan.rounds);
    for (name, value) in report.machine.facts() {
        let _ = writeln!(text, "* {name}: {value}");
    }
    text.push_str(
        "\nA cell has the median and, in brackets, the least and the greatest of the rounds; then the ratio of the \
         median to that of tasklets.\n",
    );
    for section in &report.sections {
        text.push_str(&of_workload(section));
    }
    text
}

/// One workload: a row for each quantity and side, a column for each worker count.
fn of_workload(section: &Section) -> String {
    let workload = section.workload;
    let mut text = format!("\n### {}\n\n{}\n", workload.name, workload.about);
    for (index, quantity) in workload.quantities.iter().enumerate() {
        let _ = write!(text, "\n| {} ({}) |", quantity.name, quantity.better);
        for (workers, _) in &section.passes {
            let _ = write!(text, " {workers} worker{} | CPU ms |", if *workers == 1 { "" } else { "s" });
        }
        let _ = write!(text, "\n| --- |{}\n", " --- | --- |".repeat(section.passes.len()));
        for (row, side) in section.sides().enumerate() {
            let _ = write!(text, "| {side} |");
            for (_, outcomes) in &section.passes {
                let (cell, cpu) = match &outcomes[row].result {
                    Err(_) => ("failed".to_string(), String::new()),
                    Ok(measured) => {
                        let (spread, decimals) = (measured.quantities[index], quantity.decimals);
                        let figures = format!(
                            "{:.decimals$} ({:.decimals$} to {:.decimals$})",
                            spread.median, spread.min, spread.max
                        );
                        let ratio = table::ours(outcomes, index).map(|ours| format!(", {:.2}", spread.median / ours));
                        (figures + &ratio.unwrap_or_default(), format!("{:.1}", measured.cpu.median))
                    }
                };
                let _ = write!(text, " {cell} | {cpu} |");
            }
            text.push('\n');
        }
    }
    for (workers, side, why) in failures(section) {
        let _ = write!(text, "\n{side} failed with {workers} workers: {why}\n");
    }
    text
}

/// Who failed, with how many workers, and why.
pub(super) fn failures(section: &Section) -> impl Iterator<Item = (usize, &'static str, String)> {
    let all = section.passes.iter().flat_map(|(workers, outcomes)| outcomes.iter().map(move |it| (*workers, it)));
    all.filter_map(|(workers, outcome)| Some((workers, outcome.side, outcome.result.as_ref().err()?.to_string())))
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn a_row_has_all_worker_counts() {
        let text = tables(&example::report());
        assert!(
            text.contains(
                "| ns (less is better) | 1 worker | CPU ms | 2 workers | CPU ms |\n\
                 | --- | --- | --- | --- | --- |\n\
                 | tasklets | 8.0 (7.0 to 9.0), 1.00 | 8.0 | 4.0 (3.0 to 5.0), 1.00 | 4.0 |\n\
                 | tokio | 16.0 (15.0 to 17.0), 2.00 | 16.0 | 8.0 (7.0 to 9.0), 2.00 | 8.0 |\n\
                 | may | failed |  | failed |  |\n"
            ),
            "{text}"
        );
        assert!(text.contains("may failed with 2 workers: no \"stacks\" | left"), "{text}");
    }
}
