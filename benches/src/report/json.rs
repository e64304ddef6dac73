//! The raw figures, one JSON object a line: first the machine, then a line for each side and quantity.

use std::fmt::Write;

use super::Report;
use crate::measure::Spread;

/// All lines of a report.
pub(super) fn lines(report: &Report) -> String {
    let facts: Vec<String> =
        report.machine.facts().map(|(name, value)| format!("{}:{}", string(name), string(value))).collect();
    let command = string(&report.command());
    let mut text = format!("{{\"command\":{command},\"rounds\":{},{}}}\n", report.plan.rounds, facts.join(","));
    for section in &report.sections {
        for (workers, outcomes) in &section.passes {
            for outcome in outcomes {
                let start = format!(
                    "{{\"workload\":{},\"workers\":{workers},\"side\":{}",
                    string(section.workload.name),
                    string(outcome.side)
                );
                match &outcome.result {
                    Err(why) => {
                        let _ = writeln!(text, "{start},\"failed\":{}}}", string(&why.to_string()));
                    }
                    Ok(measured) => {
                        for (quantity, spread) in section.workload.quantities.iter().zip(&measured.quantities) {
                            let name = string(quantity.name);
                            let (spread, cpu) = (numbers(*spread), numbers(measured.cpu));
                            let _ = writeln!(text, "{start},\"quantity\":{name},{spread},\"cpu_ms\":{{{cpu}}}}}");
                        }
                    }
                }
            }
        }
    }
    text
}

/// The members of a spread. Side processes let only finite numbers through, and JSON has no others.
fn numbers(spread: Spread) -> String {
    format!("\"median\":{},\"min\":{},\"max\":{}", spread.median, spread.min, spread.max)
}

/// A JSON string.
fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn every_side_of_every_pass_has_a_line() {
        let text = lines(&example::report());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 6);
        assert!(lines[0].contains("\"command\":\"cargo bench -p tasklets-benches -- w\""), "{text}");
        assert_eq!(
            lines[1],
            "{\"workload\":\"w\",\"workers\":1,\"side\":\"tasklets\",\"quantity\":\"ns\",\
             \"median\":8,\"min\":7,\"max\":9,\"cpu_ms\":{\"median\":8,\"min\":7,\"max\":9}}"
        );
        assert!(lines[3].ends_with("\"side\":\"may\",\"failed\":\"no \\\"stacks\\\" | left\"}"), "{text}");
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a\"\\\n"), "\"a\\\"\\\\\\u000a\"");
    }
}
