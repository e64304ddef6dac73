//! The command line.

use crate::failure::Failure;
use crate::workload::{MIGRATING, OURS, Scale, Workload};
use crate::workloads;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
usage: cargo bench -p tasklets-benches -- [NAME...] [OPTION...]
  NAME              only these workloads (all, if none is named), or those whose names begin with NAME-
  --list            list the workloads and their sides
  --workers 1,2     worker threads, one pass for each count (default: 1,2; 2 with --quick)
  --peers tokio,may only these peers beside tasklets; `none` for tasklets alone
  --rounds N        rounds of each side (default: 5; 1 with --quick)
  --quick           small sizes and one round: shows that all of it runs, not how fast
  --save            write the tables into benches/RESULTS.md as well
Tables, plots and raw figures are left in target/bench-report/; open its index.html.";

/// The hidden option by which this program starts itself as one side.
pub(crate) const SIDE_OPTION: &str = "--side";

/// The hidden option by which a side of `burst` starts this program as its client.
pub(crate) const LOAD_OPTION: &str = "--load";

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print the usage.
    Help,
    /// Print the workloads.
    List,
    /// Measure and compare.
    Measure(Plan),
    /// Be one side of a workload, in a child process.
    Side(SideCall),
    /// Be the client of a server at this address, with so many requests on each connection.
    Load {
        /// The server's address.
        server: String,
        /// The number of requests.
        requests: String,
    },
}

/// What to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Which workloads, in the order of the registry.
    pub(crate) workloads: Vec<&'static Workload>,
    /// Worker counts, one pass each.
    pub(crate) workers: Vec<usize>,
    /// The peers asked for; `None` means all.
    pub(crate) peers: Option<Vec<String>>,
    /// Rounds of each side.
    pub(crate) rounds: usize,
    /// Smaller sizes.
    pub(crate) quick: bool,
    /// Whether the tables are to be kept in the repository.
    pub(crate) save: bool,
    /// The arguments that ask for this, for the reader who wants to repeat it.
    pub(crate) arguments: String,
}

impl Plan {
    /// Whether this side takes part. Ours always do, the second ones (`tasklets-futures`) too; but not the one that has to be built
    /// first.
    pub(crate) fn includes(&self, side: &str) -> bool {
        let wanted = |peers: &Vec<String>| peers.iter().any(|peer| peer == side);
        (side.starts_with(OURS) && side != MIGRATING) || self.peers.as_ref().is_none_or(wanted)
    }

    /// Whether a side of this name takes part in any workload.
    pub(crate) fn takes_part(&self, name: &str) -> bool {
        let mut sides = self.workloads.iter().flat_map(|workload| workload.sides);
        self.includes(name) && sides.any(|side| side.name == name)
    }
}

/// Which side a child process is to be.
#[derive(Debug)]
pub(crate) struct SideCall {
    /// The workload's name.
    pub(crate) workload: String,
    /// The side's name.
    pub(crate) side: String,
    /// Its size.
    pub(crate) scale: Scale,
}

impl SideCall {
    /// The arguments that [`parse`] turns back into this.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let size = if self.scale.quick { "quick" } else { "full" };
        let workers = self.scale.workers.to_string();
        vec![SIDE_OPTION.into(), self.workload.clone(), self.side.clone(), workers, size.into()]
    }
}

/// Reads the arguments after the program's name.
///
/// `cargo bench` adds `--bench`; `cargo test --all-targets` starts this program too, without it and without any
/// argument, and must not set off minutes of measuring: it gets the usage.
pub(crate) fn parse(arguments: &[String]) -> Result<Command, Failure> {
    if arguments.is_empty() {
        return Ok(Command::Help);
    }
    if let [option, workload, side, workers, size] = arguments
        && option == SIDE_OPTION
    {
        let scale = Scale { workers: count(workers)?, quick: size == "quick" };
        return Ok(Command::Side(SideCall { workload: workload.clone(), side: side.clone(), scale }));
    }
    if let [option, server, requests] = arguments
        && option == LOAD_OPTION
    {
        return Ok(Command::Load { server: server.clone(), requests: requests.clone() });
    }

    let mut names: Vec<&str> = Vec::new();
    let (mut workers, mut peers, mut rounds, mut quick, mut save) = (None, None, None, false, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| Failure::new(format!("`{argument}` needs a value")));
        match argument.as_str() {
            "--bench" => {}
            "--help" | "-h" => return Ok(Command::Help),
            "--list" => return Ok(Command::List),
            "--quick" => quick = true,
            "--save" => save = true,
            "--workers" => workers = Some(value()?.split(',').map(count).collect::<Result<_, _>>()?),
            "--rounds" => rounds = Some(count(value()?)?),
            "--peers" => peers = Some(known_peers(value()?)?),
            option if option.starts_with('-') => return Err(Failure::new(format!("unknown option `{option}`"))),
            name => names.push(name),
        }
    }
    if let Some(name) = names.iter().find(|name| workloads::called(name).is_empty()) {
        return Err(Failure::new(format!("no workload is called `{name}`; --list shows them")));
    }
    let named: Vec<&Workload> = names.iter().flat_map(|name| workloads::called(name)).collect();
    let chosen = |workload: &&Workload| names.is_empty() || named.iter().any(|named| named.name == workload.name);
    let workloads = workloads::ALL.iter().copied().filter(chosen).collect();
    if save && quick {
        return Err(Failure::new("the figures of --quick are too rough to --save"));
    }
    Ok(Command::Measure(Plan {
        workloads,
        workers: workers.unwrap_or(if quick { vec![2] } else { vec![1, 2] }),
        peers,
        rounds: rounds.unwrap_or(if quick { 1 } else { 5 }),
        quick,
        save,
        arguments: arguments.iter().filter(|argument| *argument != "--bench").cloned().collect::<Vec<_>>().join(" "),
    }))
}

/// A number of workers or rounds: at least one.
fn count(text: impl AsRef<str>) -> Result<usize, Failure> {
    let text = text.as_ref();
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| Failure::new(format!("`{text}` is not a number of at least 1")))
}

/// The names in a list of peers, or which of them no workload knows.
fn known_peers(list: &str) -> Result<Vec<String>, Failure> {
    let named = || list.split(',').filter(|name| *name != "none");
    let known = |name: &str| workloads::ALL.iter().flat_map(|workload| workload.sides).any(|side| side.name == name);
    match named().find(|name| !known(name)) {
        Some(name) => Err(Failure::new(format!("no peer is called `{name}`; --list shows them"))),
        None => Ok(named().map(String::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(String::from).collect();
        parse(&arguments)
    }

    fn plan(line: &str) -> Plan {
        match parsed(line) {
            Ok(Command::Measure(plan)) => plan,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn cargo_bench_alone_measures_everything() {
        let plan = plan("--bench");
        assert_eq!(plan.workloads.len(), workloads::ALL.len());
        assert_eq!((plan.workers.as_slice(), plan.rounds, plan.quick), ([1, 2].as_slice(), 5, false));
        assert!(plan.includes("tokio") && plan.includes(OURS));
    }

    #[test]
    fn names_and_options_narrow_it() {
        let plan = plan("yield --workers 4 --peers tokio --quick --bench");
        assert_eq!(plan.workloads.len(), 1);
        assert_eq!((plan.workers.as_slice(), plan.rounds, plan.quick), ([4].as_slice(), 1, true));
        assert_eq!(plan.arguments, "yield --workers 4 --peers tokio --quick");
        assert!(plan.includes("tokio") && plan.includes(OURS) && !plan.includes("may"));
    }

    #[test]
    fn a_family_is_named_by_its_beginning() {
        assert!(plan("channels-mpmc").workloads.iter().all(|workload| workload.name.starts_with("channels-mpmc-")));
        assert_eq!(plan("channels-mpmc").workloads.len(), 5);
        assert_eq!(plan("parked").workloads.len(), 1);
    }

    #[test]
    fn no_peers_leaves_ours() {
        let plan = plan("--peers none --rounds 9");
        assert!(plan.includes(OURS) && plan.includes("tasklets-futures") && !plan.includes("tokio"));
        assert!(!plan.includes(MIGRATING));
        assert_eq!(plan.rounds, 9);
    }

    #[test]
    fn only_what_takes_part_is_built() {
        assert!(plan("yield tree-sum").takes_part(MIGRATING));
        assert!(!plan("tree-sum").takes_part(MIGRATING));
        assert!(!plan("yield --peers tokio").takes_part(MIGRATING));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, word) in [
            ("--workers 0", "`0`"),
            ("--workers 1,x", "`x`"),
            ("--peers nobody", "`nobody`"),
            ("nothing", "`nothing`"),
            ("--fast", "`--fast`"),
            ("--rounds", "`--rounds`"),
            ("--quick --save", "rough"),
        ] {
            let wrong = parsed(line).expect_err(line).to_string();
            assert!(wrong.contains(word), "{line}: {wrong}");
        }
    }

    #[test]
    fn test_runs_measure_nothing() {
        assert!(matches!(parsed(""), Ok(Command::Help)));
    }

    #[test]
    fn a_side_call_survives_the_command_line() {
        let scale = Scale { workers: 3, quick: true };
        let call = SideCall { workload: "yield".into(), side: "may".into(), scale };
        match parse(&call.arguments()) {
            Ok(Command::Side(back)) => {
                assert_eq!((back.workload, back.side), (call.workload, call.side));
                assert_eq!((back.scale.workers, back.scale.quick), (3, true));
            }
            other => panic!("{other:?}"),
        }
    }
}
