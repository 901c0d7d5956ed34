//! `casbah discovery`: traffic logs in, apps in use out.

mod apps;
mod explain;
mod log;
mod parse;
mod sources;
mod upload;
mod usage;

use clap::{Args, Subcommand};

use crate::cli::OutputArgs;
use crate::client::ConnectionArgs;
use crate::client::failure::Failure;
pub use apps::{APPS, discovered_apps};
pub use upload::{ensure_stream, known_tasks, outcome, wait_for_report};

/// Arguments of `casbah discovery`.
#[derive(Args, Clone, Debug)]
pub struct DiscoveryArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Upload traffic logs and wait for the report
    Upload(Online<upload::UploadArgs>),
    /// Read a traffic log here, without a server, and print its figures
    Parse(parse::ParseArgs),
    /// Tell line by line how a traffic log is read, without a server
    Explain(explain::ExplainArgs),
    /// List the sources whose logs can be read
    Sources(sources::SourcesArgs),
    /// List the apps seen in the traffic
    Apps(Online<apps::AppsArgs>),
    /// Sum up who used which apps: by user, client address or day
    Usage(Online<usage::UsageArgs>),
    /// A stream in one look: totals, categories, risk
    Summary(Online<usage::SummaryArgs>),
    /// List the streams: continuous reports and snapshots
    Streams(Online<apps::StreamsArgs>),
}

/// A subcommand that talks to a server.
#[derive(Args, Clone, Debug)]
struct Online<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub fn run(arguments: &DiscoveryArgs) -> Result<(), Failure> {
    match &arguments.action {
        Action::Parse(arguments) => parse::run(arguments),
        Action::Explain(arguments) => explain::run(arguments),
        Action::Sources(arguments) => sources::run(arguments),
        Action::Upload(online) => {
            let (session, output) = super::open(&online.connection, online.output)?;
            upload::run(&session, &output, &online.arguments)
        }
        Action::Apps(online) => {
            let (session, output) = super::open(&online.connection, online.output)?;
            apps::list_apps(&session, &output, &online.arguments)
        }
        Action::Usage(online) => {
            let (session, output) = super::open(&online.connection, online.output)?;
            usage::list_usage(&session, &output, &online.arguments)
        }
        Action::Summary(online) => {
            let (session, output) = super::open(&online.connection, online.output)?;
            usage::show_summary(&session, &output, &online.arguments)
        }
        Action::Streams(online) => {
            let (session, output) = super::open(&online.connection, online.output)?;
            apps::list_streams(&session, &output)
        }
    }
}
