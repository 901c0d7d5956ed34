//! Measurements, each as a ratio against a baseline that runs beside it on the same machine.
//!
//! Everything is measured in processor time of the process under test, except start-up: other work on
//! the machine, the client that makes the load included, then changes little. Each figure is the median of
//! several rounds, in each of which the baseline ran right beside it; how far the rounds lie apart is
//! printed behind the ratio.

mod activities;
mod alerts;
mod client;
mod company;
mod directory;
mod discovery;
mod parsing;
mod people;
mod tokens;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::{Failure, root, run, server, step};
use client::Client;
pub use discovery::print_log;

/// How long a rate is measured in one round.
const MEASURE: Duration = Duration::from_millis(1500);
/// Rounds of each figure.
const ROUNDS: usize = 5;

/// Measures one area with the given binary.
type Area = fn(&Path) -> Result<(), Failure>;

/// Runs the benchmarks of one area, or of all, and prints `name value unit baseline ratio`, and the spread
/// of the value.
pub fn run_area(area: Option<&str>) -> Result<(), Failure> {
    let areas: &[(&str, Area)] = &[
        ("start", starting),
        ("tokens", tokens::run),
        ("people", people::run),
        ("directory", directory::run),
        ("alerts", alerts::run),
        ("activities", activities::run),
        ("parsing", parsing::run),
        ("discovery", discovery::run),
        ("month", discovery::run_month),
    ];
    let names: Vec<&str> = areas.iter().map(|(name, _)| *name).collect();
    if area.is_some_and(|area| !names.contains(&area)) {
        return Err(format!("use: cargo xtask bench [{}]", names.join("|")).into());
    }
    if cfg!(debug_assertions) {
        build()?;
        // The baselines are no honest ones without optimisation.
        return run(Command::new(root().join("target/release/xtask")).arg("bench").args(area));
    }
    let binary = root().join("target/release/casbah");
    step("name value unit baseline ratio spread");
    for (name, measure) in areas {
        if area.is_none_or(|area| area == *name) {
            measure(&binary)?;
        }
    }
    Ok(())
}

fn build() -> Result<(), Failure> {
    step("Building with optimisation");
    run(Command::new("cargo").args(["build", "--release", "--bin", "casbah", "--bin", "xtask", "--locked"]))
}

fn starting(binary: &Path) -> Result<(), Failure> {
    start_up(binary)?;
    idle_memory(&server::start(binary)?)
}

/// A figure and its baseline, measured one right after the other.
type Round = (f64, Option<f64>);

/// Measures in rounds and prints the medians, the ratio among them, and the distance of the values.
fn report(name: &str, unit: &str, mut round: impl FnMut() -> Result<Round, Failure>) -> Result<(), Failure> {
    let rounds = (0..ROUNDS).map(|_| round()).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<f64> = rounds.iter().map(|(value, _)| *value).collect();
    let baselines: Vec<f64> = rounds.iter().filter_map(|(_, baseline)| *baseline).collect();
    // Of each round, so that a core that slows down slows both.
    let ratios: Vec<f64> = rounds.iter().filter_map(|(value, baseline)| Some(value / (*baseline)?)).collect();
    let value = median(&values);
    let (least, most) = values.iter().fold((f64::MAX, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
    let spread = format!("{least:.1}..{most:.1}");
    if baselines.is_empty() {
        println!("{name} {value:.1} {unit} - - {spread}");
    } else {
        println!("{name} {value:.1} {unit} {:.1} {:.3} {spread}", median(&baselines), median(&ratios));
    }
    Ok(())
}

/// A number that looks random and is the same in every run (SplitMix64).
fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// From the start of the process until `/readyz` answers, with a new data folder: schema, certificates,
/// keys and the seeded tenant are made in it.
fn start_up(binary: &Path) -> Result<(), Failure> {
    report("start_up", "ms", || {
        let began = Instant::now();
        let server = server::start(binary)?;
        Client::new(&server)?.get("/readyz")?;
        Ok((began.elapsed().as_secs_f64() * 1000.0, None))
    })
}

fn idle_memory(server: &Server) -> Result<(), Failure> {
    // What start-up still has in hand ends.
    std::thread::sleep(Duration::from_secs(2));
    report("idle_memory", "MiB", || Ok((resident(server.id(), "VmRSS:")?, None)))
}

/// Memory of a process in MiB.
fn resident(process: u32, which: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|l| l.starts_with(which)).ok_or("no memory in /proc")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no memory in /proc")?.parse()?;
    Ok(kib / 1024.0)
}

/// User and system time of a process; Linux counts it in hundredths of a second.
fn processor_seconds(process: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| -> Result<f64, Failure> { Ok(fields.get(index).ok_or("no times in /proc")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
