//! Outcomes as text.

use std::fmt::Write;

use crate::measure::Outcome;
use crate::workload::{Better, OURS, Workload};

/// The tables of one workload and worker count: one for each quantity, then the failures.
pub(crate) fn render(workload: &Workload, workers: usize, outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let plural = if workers == 1 { "" } else { "s" };
    for (index, quantity) in workload.quantities.iter().enumerate() {
        let better = match quantity.better {
            Better::Less => "less is better",
            Better::More => "more is better",
        };
        let title = format!("{workers} worker{plural}, {} ({better})", quantity.name);
        let _ = writeln!(text, "  {title:<62} {:>10} {:>10} {:>10} {:>7}", "median", "min", "max", "ratio");
        let ours = outcomes.iter().find(|outcome| outcome.side == OURS);
        let ours = ours.and_then(|outcome| outcome.result.as_ref().ok()).map(|spreads| spreads[index].median);
        let decimals = quantity.decimals;
        for outcome in outcomes {
            let _ = match &outcome.result {
                Ok(spreads) => {
                    let spread = spreads[index];
                    let ratio = ours.map_or_else(|| "-".to_string(), |ours| format!("{:.2}", spread.median / ours));
                    writeln!(
                        text,
                        "    {:<60} {:>10.decimals$} {:>10.decimals$} {:>10.decimals$} {ratio:>7}",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::measure::Spread;
    use crate::workload::Quantity;

    const WORKLOAD: Workload = Workload {
        name: "w",
        about: "",
        quantities: &[Quantity { name: "ns", decimals: 1, better: Better::Less }],
        needs: &[],
        fresh_process: false,
        sides: &[],
    };

    fn outcome(side: &'static str, median: f64) -> Outcome {
        Outcome { side, result: Ok(vec![Spread { median, min: median, max: median }]) }
    }

    #[test]
    fn ratios_refer_to_ours() {
        let text = render(&WORKLOAD, 1, &[outcome(OURS, 2.0), outcome("tokio", 5.0)]);
        let tokio = text.lines().find(|line| line.contains("tokio")).expect("a row");
        assert!(tokio.ends_with("2.50"), "{text}");
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
        assert!(tokio.ends_with('-'), "{text}");
    }
}
