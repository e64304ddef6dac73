//! Outcomes as text.

use std::fmt::Write;

use crate::measure::Outcome;
use crate::workload::{OURS, Workload};

/// The tables of one workload and worker count: one for each quantity, then the failures.
pub(crate) fn render(workload: &Workload, workers: usize, outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let plural = if workers == 1 { "" } else { "s" };
    for (index, quantity) in workload.quantities.iter().enumerate() {
        let title = format!("{workers} worker{plural}, {} ({})", quantity.name, quantity.better);
        // CPU time belongs to the round as a whole, so it stands beside the first quantity only.
        let cpu_title = if index == 0 { "cpu ms" } else { "" };
        let _ =
            writeln!(text, "  {title:<62} {:>10} {:>10} {:>10} {:>7} {cpu_title:>8}", "median", "min", "max", "ratio");
        let ours = ours(outcomes, index);
        let decimals = quantity.decimals;
        for outcome in outcomes {
            let _ = match &outcome.result {
                Ok(measured) => {
                    let spread = measured.quantities[index];
                    let cpu = if index == 0 { format!("{:.1}", measured.cpu.median) } else { String::new() };
                    let ratio = ours.map_or_else(|| "-".to_string(), |ours| format!("{:.2}", spread.median / ours));
                    writeln!(
                        text,
                        "    {:<60} {:>10.decimals$} {:>10.decimals$} {:>10.decimals$} {ratio:>7} {cpu:>8}",
                        outcome.side, spread.median, spread.min, spread.max
                    )
                }
                Err(_) => writeln!(text, "    {:<60} {:>10}", outcome.side, "failed"),
            };
        }
    }
    for outcome in outcomes {
        if let Err(why) = &outcome.result {
            let _ = writeln!(text, "    {} failed: {why}", outcome.side);
        }
    }
    text
}

/// Our median of a quantity, which ratios refer to. `None` if our side failed.
pub(crate) fn ours(outcomes: &[Outcome], index: usize) -> Option<f64> {
    let ours = outcomes.iter().find(|outcome| outcome.side == OURS)?;
    Some(ours.result.as_ref().ok()?.quantities[index].median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::measure::{Measured, Spread};
    use crate::workload::{Better, Quantity};

    const WORKLOAD: Workload = Workload {
        name: "w",
        about: "",
        quantities: &[Quantity { name: "ns", decimals: 1, better: Better::Less }],
        needs: &[],
        fresh_process: false,
        sides: &[],
    };

    fn outcome(side: &'static str, median: f64) -> Outcome {
        let spread = Spread { median, min: median, max: median };
        Outcome { side, result: Ok(Measured { quantities: vec![spread], cpu: spread }) }
    }

    #[test]
    fn ratios_refer_to_ours() {
        let text = render(&WORKLOAD, 1, &[outcome(OURS, 2.0), outcome("tokio", 5.0)]);
        let tokio = text.lines().find(|line| line.contains("tokio")).expect("a row");
        assert!(tokio.contains("    2.50 "), "{text}");
    }

    #[test]
    fn a_failed_side_keeps_its_row_and_its_reason() {
        let failed = Outcome { side: "may", result: Err(Failure::new("no stacks")) };
        let text = render(&WORKLOAD, 2, &[outcome(OURS, 2.0), failed]);
        assert!(text.contains("may failed: no stacks"), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("may")).count(), 2);
    }

    #[test]
    fn without_ours_there_is_no_ratio() {
        let failed = Outcome { side: OURS, result: Err(Failure::new("x")) };
        let text = render(&WORKLOAD, 2, &[failed, outcome("tokio", 5.0)]);
        let tokio = text.lines().find(|line| line.contains("tokio")).expect("a row");
        assert!(tokio.contains("       - "), "{text}");
    }
}
