//! Every check there is, in the order in which a failure is cheapest.

use std::process::Command;

use crate::environment::Environment;
use crate::{Failure, documents, environment, postgres, root, run, server, step};

/// Runs everything; the first failure ends it.
pub fn all() -> Result<(), Failure> {
    let began = std::time::Instant::now();
    step("Formatting");
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let found = environment::prepare()?;
    step("Lints");
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    let postgres = postgres::start(&found.postgres)?;
    step("Tests of every crate and of the built binary, on SQLite and PostgreSQL");
    run(cargo(&["test", "--workspace", "--locked"]).env("CASBAH_TEST_DATABASE_URL", &postgres.url))?;
    clients(&found)?;
    println!("\nAll passed in {} s.", began.elapsed().as_secs());
    Ok(())
}

/// Only the commands in the documents.
pub fn documents() -> Result<(), Failure> {
    run(&mut cargo(&["build", "--bin", "casbah", "--locked"]))?;
    let binary = root().join("target/debug/casbah");
    documents::run_all(&server::start(&binary)?, &binary)
}

/// Real clients against a running Casbah: Microsoft's libraries, a browser, the documents' commands.
fn clients(found: &Environment) -> Result<(), Failure> {
    let binary = root().join("target/debug/casbah");
    run(&mut cargo(&["build", "--bin", "casbah", "--locked"]))?;
    let server = server::start(&binary)?;
    let e2e = root().join("e2e");
    step("MSAL for Python, and the sign-in pages in headless Chromium");
    run(found
        .command("python")
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .envs(&server.environment)
        .current_dir(&e2e))?;
    step("MSAL for Node");
    run(Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .envs(&server.environment)
        .current_dir(&e2e))?;
    step("Every command in the documents");
    documents::run_all(&server, &binary)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}
