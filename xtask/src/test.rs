//! Every check there is, in the order in which a failure is cheapest.

use std::process::Command;

use crate::environment::Environment;
use crate::{Failure, clients, documents, environment, postgres, root, run, s3, server, step};

/// Runs everything; the first failure ends it.
pub fn all() -> Result<(), Failure> {
    let began = std::time::Instant::now();
    step("Formatting");
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let found = environment::prepare()?;
    // The clients come over the network while the processor is busy with the product.
    let installing = {
        let found = found.clone();
        std::thread::spawn(move || clients::install(&found))
    };
    step("Lints");
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    let postgres = postgres::start(&found.postgres)?;
    let installed = installing.join().map_err(|_| "installing the clients panicked")??;
    let s3 = s3::start()?;
    step("Tests of every crate and of the built binary, on SQLite and PostgreSQL");
    let mut tests = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    run(tests.env("CASBAH_TEST_DATABASE_URL", &postgres.url).env("CASBAH_TEST_S3", &s3.url))?;
    drop(s3);
    from_outside(&found, &installed)?;
    println!("\nAll passed in {} s.", began.elapsed().as_secs());
    Ok(())
}

/// Only the commands in the documents.
pub fn documents() -> Result<(), Failure> {
    environment::prepare()?.install()?;
    run(&mut cargo(&["build", "--bin", "casbah", "--locked"]))?;
    let binary = root().join("target/debug/casbah");
    documents::run_all(&server::start(&binary)?, &binary)
}

/// Only the clients whose language contains `only`.
pub fn clients(only: &str) -> Result<(), Failure> {
    let found = environment::prepare()?;
    let installed = clients::install(&found)?;
    run(&mut cargo(&["build", "--bin", "casbah", "--locked"]))?;
    let (issuer, server) = server::start_pair(&root().join("target/debug/casbah"))?;
    clients::run_all(&found, &installed, &server, &issuer, only)
}

/// What comes from outside, against one running Casbah.
fn from_outside(found: &Environment, installed: &clients::Installed) -> Result<(), Failure> {
    let binary = root().join("target/debug/casbah");
    run(&mut cargo(&["build", "--bin", "casbah", "--locked"]))?;
    let (issuer, server) = server::start_pair(&binary)?;
    clients::run_all(found, installed, &server, &issuer, "")?;
    step("The pages in headless Chromium");
    let pages = ["--test", "--test-reporter=spec"];
    let there = issuer.environment.get("CASBAH_URL").cloned().unwrap_or_default();
    let mut node = found.command("node");
    node.args(pages).envs(&server.environment).env("E2E_ISSUER_URL", there);
    run(node.current_dir(root().join("e2e/node")))?;
    step("Every command in the documents");
    documents::run_all(&server, &binary)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}
