//! What is left after a run: raw figures, tables and plots.

mod html;
mod json;
mod markdown;
mod plot;
mod results;

use std::fs;

use crate::failure::Failure;
use crate::machine::Machine;
use crate::measure::Outcome;
use crate::options::Plan;
use crate::target;
use crate::workload::Workload;

/// Everything that one run found out.
#[derive(Debug)]
pub(crate) struct Report {
    /// What it was measured on.
    pub(crate) machine: Machine,
    /// What was asked for.
    pub(crate) plan: Plan,
    /// In the order they were measured.
    pub(crate) sections: Vec<Section>,
}

/// One workload's outcomes.
#[derive(Debug)]
pub(crate) struct Section {
    /// What was done.
    pub(crate) workload: &'static Workload,
    /// The worker count of each pass, and how the sides did.
    pub(crate) passes: Vec<(usize, Vec<Outcome>)>,
}

impl Report {
    /// Writes `results.jsonl`, the plots and `index.html` to `target/bench-report`, and the tables to `RESULTS.md` if
    /// the plan says so. Returns where they are, for people.
    pub(crate) fn write(&self) -> Result<String, Failure> {
        let folder = target::folder("bench-report")?;
        fs::write(folder.join("results.jsonl"), json::lines(self))?;
        let mut plots = Vec::new();
        for section in &self.sections {
            plots.push(plot::draw(section, &folder)?);
        }
        let index = folder.join("index.html");
        fs::write(&index, html::page(self, &plots))?;
        let mut written = format!("report: {}", index.display());
        if self.plan.save {
            let results = target::package().join("RESULTS.md");
            results::save(&results, &markdown::tables(self))?;
            written.push_str(&format!("\ntables: {}", results.display()));
        }
        Ok(written)
    }

    /// The command that repeats this run.
    fn command(&self) -> String {
        format!("cargo bench -p tasklets-benches -- {}", self.plan.arguments).trim_end_matches([' ', '-']).to_string()
    }
}

impl Section {
    /// The sides in their order. All passes have the same.
    fn sides(&self) -> impl Iterator<Item = &'static str> {
        self.passes.first().into_iter().flat_map(|(_, outcomes)| outcomes).map(|outcome| outcome.side)
    }

    /// The median of a side in the pass with so many workers, if it delivered one.
    fn median(&self, workers: usize, side: &str, quantity: usize) -> Option<f64> {
        let (_, outcomes) = self.passes.iter().find(|(count, _)| *count == workers)?;
        let outcome = outcomes.iter().find(|outcome| outcome.side == side)?;
        Some(outcome.result.as_ref().ok()?.quantities[quantity].median)
    }
}

#[cfg(test)]
mod example {
    //! A small report that the tests of the renderers share.

    use super::{Report, Section};
    use crate::failure::Failure;
    use crate::machine::Machine;
    use crate::measure::{Measured, Outcome, Spread};
    use crate::options::Plan;
    use crate::workload::{Better, OURS, Quantity, Workload};

    pub(super) const WORKLOAD: Workload = Workload {
        name: "w",
        about: "less < more",
        quantities: &[Quantity { name: "ns", decimals: 1, better: Better::Less }],
        needs: &[],
        fresh_process: false,
        sides: &[],
    };

    /// One workload on 1 and 2 workers, in which one peer takes twice our time and another fails.
    pub(super) fn report() -> Report {
        let outcomes = |ours: f64| {
            let measured = |median: f64| {
                let spread = Spread { median, min: median - 1.0, max: median + 1.0 };
                Ok(Measured { quantities: vec![spread], cpu: spread })
            };
            vec![
                Outcome { side: OURS, result: measured(ours) },
                Outcome { side: "tokio", result: measured(2.0 * ours) },
                Outcome { side: "may", result: Err(Failure::new("no \"stacks\" | left")) },
            ]
        };
        Report {
            machine: Machine::describe(),
            plan: Plan {
                workloads: Vec::new(),
                workers: vec![1, 2],
                peers: None,
                rounds: 5,
                quick: false,
                save: false,
                arguments: "w".into(),
            },
            sections: vec![Section { workload: &WORKLOAD, passes: vec![(1, outcomes(8.0)), (2, outcomes(4.0))] }],
        }
    }

    #[test]
    fn the_command_repeats_the_run() {
        let mut report = report();
        assert_eq!(report.command(), "cargo bench -p tasklets-benches -- w");
        report.plan.arguments.clear();
        assert_eq!(report.command(), "cargo bench -p tasklets-benches");
    }
}
