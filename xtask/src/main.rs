//! Automation in Rust: `cargo xtask test` runs every check there is, `cargo xtask clients` only the real
//! clients, `cargo xtask documents` only the commands in the documents, `cargo xtask bench` measures,
//! `cargo xtask log` prints the log of a made-up company.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "this tool talks to the person who started it"
)]

mod bench;
mod clients;
mod documents;
mod environment;
mod postgres;
mod s3;
mod server;
mod test;

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

/// A step that failed; one sentence.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => test::all(),
        ["documents"] => test::documents(),
        ["clients"] => test::clients(""),
        ["clients", only] => test::clients(only),
        ["bench"] => bench::run_area(None),
        ["bench", area] => bench::run_area(Some(area)),
        ["log", source, lines] => bench::print_log(source, lines),
        _ => {
            Err("use: cargo xtask test | clients [LANGUAGE] | documents | bench [AREA] | log SOURCE LINES"
                .into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("\nFAILED: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Says what happens next.
/// Says what is done now, and how long after the start of the first step.
fn step(text: &str) {
    static START: OnceLock<Instant> = OnceLock::new();
    let began = *START.get_or_init(Instant::now);
    println!("\n== {text} ({} s)", began.elapsed().as_secs());
}

/// The repository's root.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Into::into).unwrap_or_default()
}

/// Runs a command in the repository's root; a failure names the command.
fn run(command: &mut std::process::Command) -> Result<(), Failure> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let shown = words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let shown = shown.lines().next().unwrap_or_default().to_string();
    println!("   $ {shown}");
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    let status = command.status().map_err(|e| format!("{shown}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown} ended with {status}").into()) }
}
