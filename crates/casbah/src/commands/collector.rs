//! `casbah collector`: a program that stands by itself and sends logs.

use std::path::PathBuf;

use clap::Args;

use crate::client::ConnectionArgs;
use crate::client::failure::Failure;

/// Arguments of `casbah collector`.
#[derive(Args, Clone, Debug)]
pub struct CollectorArgs {
    /// TOML file that says what to collect
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Collects until the process is told to stop.
pub async fn run(arguments: CollectorArgs) -> Result<(), Failure> {
    crate::collector::run(&arguments.config, &arguments.connection, super::clock()?).await
}
