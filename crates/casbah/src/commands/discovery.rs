//! `casbah discovery`: traffic logs in, apps in use out.

mod apps;
mod block_lists;
mod exclusions;
mod explain;
mod kept;
mod log;
mod own_apps;
mod parse;
mod parsers;
mod sources;
mod upload;
mod usage;

use clap::{Args, Subcommand};

use crate::cli::{Area, OutputArgs};
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
    /// Keep parsers of your own
    Parser(Area<parsers::Action>),
    /// Leave users and addresses out of the figures
    Exclusion(Area<exclusions::Action>),
    /// Add apps of your own to the catalogue
    CustomApp(Area<own_apps::Action>),
    /// Tag apps, as sanctioned or otherwise
    Tag(Area<own_apps::TagAction>),
    /// Give an app a risk score of your own
    Score(Online<own_apps::ScoreArgs>),
    /// Addresses at which appliances fetch what is to be blocked
    BlockList(Area<block_lists::Action>),
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
        Action::Parser(area) => parsers::run(area),
        Action::Exclusion(area) => exclusions::run(area),
        Action::CustomApp(area) => own_apps::run(area),
        Action::Tag(area) => own_apps::run_tag(area),
        Action::Score(online) => own_apps::run_score(online),
        Action::BlockList(area) => block_lists::run(area),
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
