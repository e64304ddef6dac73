//! The page to look at: the tables and the plots, without scripts or anything from elsewhere.

use std::fmt::Write;

use super::markdown::failures;
use super::{Report, Section};
use crate::table;

/// Looks of the page.
const STYLE: &str = "body{font:15px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:right}\
td:first-child,th:first-child{text-align:left}tr.ours{font-weight:bold}.failed{color:#a00}\
.spread{color:#777;font-size:85%}img{max-width:100%}";

/// The page. `plots` are the file names of each section's plots.
pub(super) fn page(report: &Report, plots: &[Vec<String>]) -> String {
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tasklets and its peers</title>\
         <style>{STYLE}</style></head>\n<body><h1>tasklets and its peers</h1>\n<p><code>{}</code>, {} rounds{}</p>\n<ul>",
        escaped(&report.command()),
        report.plan.rounds,
        if report.plan.quick { "; small sizes, so these figures are rough" } else { "" }
    );
    for (name, value) in report.machine.facts() {
        let _ = writeln!(text, "<li>{}: {}</li>", escaped(name), escaped(value));
    }
    text.push_str("</ul>\n<p>Medians, with the least and the greatest of the rounds; ratios to tasklets.</p>\n<p>");
    for section in &report.sections {
        let name = section.workload.name;
        let _ = writeln!(text, "<a href=\"#{name}\">{name}</a>");
    }
    text.push_str("</p>\n");
    for (section, plots) in report.sections.iter().zip(plots) {
        text.push_str(&of_workload(section, plots));
    }
    text.push_str("</body></html>\n");
    text
}

/// One workload.
fn of_workload(section: &Section, plots: &[String]) -> String {
    let workload = section.workload;
    let name = workload.name;
    let mut text = format!("<h2 id=\"{name}\">{name}</h2>\n<p>{}</p>\n", escaped(workload.about));
    for (index, quantity) in workload.quantities.iter().enumerate() {
        let _ = write!(text, "<table><tr><th>{} ({})</th>", escaped(quantity.name), quantity.better);
        for (workers, _) in &section.passes {
            let plural = if *workers == 1 { "" } else { "s" };
            let _ = write!(text, "<th>{workers} worker{plural}</th><th>ratio</th><th>CPU ms</th>");
        }
        text.push_str("</tr>\n");
        for (row, side) in section.sides().enumerate() {
            let class = if side.starts_with(crate::workload::OURS) { " class=\"ours\"" } else { "" };
            let _ = write!(text, "<tr{class}><td>{side}</td>");
            for (_, outcomes) in &section.passes {
                let _ = match &outcomes[row].result {
                    Err(_) => write!(text, "<td class=\"failed\">failed</td><td></td><td></td>"),
                    Ok(measured) => {
                        let (spread, decimals) = (measured.quantities[index], quantity.decimals);
                        let ratio = table::ours(outcomes, index).map(|ours| format!("{:.2}", spread.median / ours));
                        write!(
                            text,
                            "<td>{:.decimals$} <span class=\"spread\">{:.decimals$} to {:.decimals$}</span></td>\
                             <td>{}</td><td>{:.1}</td>",
                            spread.median,
                            spread.min,
                            spread.max,
                            ratio.unwrap_or_default(),
                            measured.cpu.median
                        )
                    }
                };
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</table>\n");
    }
    for (workers, side, why) in failures(section) {
        let _ = writeln!(text, "<p class=\"failed\">{side} failed with {workers} workers: {}</p>", escaped(&why));
    }
    for plot in plots {
        let _ = writeln!(text, "<p><img src=\"{plot}\" alt=\"plot of {name}\"></p>");
    }
    text
}

/// Text that means nothing to HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn the_page_has_tables_failures_and_plots() {
        let text = page(&example::report(), &[vec!["w-0.svg".into()]]);
        for part in ["less &lt; more", "no &quot;stacks&quot; | left", "<td>2.00</td>", "src=\"w-0.svg\""] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
