//! Interleaved rounds of all sides, and what they amount to.

use crate::failure::Failure;
use crate::machine;
use crate::options::{Plan, SideCall};
use crate::side_process::{RoundReport, SideProcess};
use crate::workload::{Scale, Workload};

/// What one side achieved.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The side's name.
    pub(crate) side: &'static str,
    /// Its figures, or why there are none.
    pub(crate) result: Result<Measured, Failure>,
}

/// What the rounds of one side came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// How each of the workload's quantities spread.
    pub(crate) quantities: Vec<Spread>,
    /// Milliseconds of CPU time that the side's process spent on a round, user and system.
    pub(crate) cpu: Spread,
}

/// How one quantity spread over the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The middle one, or the mean of the middle two.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of at least one value.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: f64::midpoint(low, high), min: values[0], max: values[values.len() - 1] }
    }
}

/// One side while it is measured.
struct Contender {
    call: SideCall,
    name: &'static str,
    /// Not kept between rounds if each wants a fresh process.
    process: Option<SideProcess>,
    /// The rounds so far, or why the side is out.
    rounds: Result<Vec<RoundReport>, Failure>,
}

impl Contender {
    /// Does one round, unless the side is out already. Its figures are kept, except those of a warm-up.
    fn round(&mut self, workload: &Workload, warm_up: bool) {
        let Ok(rounds) = &mut self.rounds else { return };
        let report = one_round(&mut self.process, &self.call).and_then(|report| {
            crate::failure::check("the number of figures", report.figures.len(), workload.quantities.len())?;
            Ok(report)
        });
        match report {
            Ok(report) if !warm_up => rounds.push(report),
            Ok(_) => {}
            Err(why) => self.rounds = Err(why),
        }
        if workload.fresh_process || self.rounds.is_err() {
            self.process = None;
        }
    }
}

/// One round in the side's process, which is started if it does not run.
fn one_round(process: &mut Option<SideProcess>, call: &SideCall) -> Result<RoundReport, Failure> {
    match process {
        Some(running) => running.round(),
        None => process.insert(SideProcess::start(call)?).round(),
    }
}

/// Measures all sides that the plan includes: round by round, each side once in every round.
///
/// A side that fails in any round is out, and its other figures do not count. A side in another language takes part
/// only where that language is installed. A quick comparison has no warm-up round.
pub(crate) fn compare(workload: &Workload, scale: Scale, plan: &Plan) -> Vec<Outcome> {
    let taking_part = workload.sides.iter().filter(|side| plan.includes(side.name) && machine::can_run(side.name));
    let mut contenders: Vec<Contender> = taking_part
        .map(|side| Contender {
            call: SideCall { workload: workload.name.into(), side: side.name.into(), scale },
            name: side.name,
            process: None,
            rounds: Ok(Vec::new()),
        })
        .collect();
    let warm_ups = usize::from(!workload.fresh_process && !plan.quick);
    for round in 0..warm_ups + plan.rounds {
        for contender in &mut contenders {
            contender.round(workload, round < warm_ups);
        }
    }
    let measured = |rounds: Vec<RoundReport>| Measured {
        quantities: (0..workload.quantities.len())
            .map(|index| Spread::of(rounds.iter().map(|round| round.figures[index]).collect()))
            .collect(),
        cpu: Spread::of(rounds.iter().map(|round| round.cpu_ms).collect()),
    };
    contenders
        .into_iter()
        .map(|contender| Outcome { side: contender.name, result: contender.rounds.map(measured) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_one() {
        assert_eq!(Spread::of(vec![9.0, 1.0, 4.0]), Spread { median: 4.0, min: 1.0, max: 9.0 });
    }

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, min: 1.0, max: 9.0 });
    }
}
