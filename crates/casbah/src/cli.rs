//! The command line: which commands there are, and what becomes of their outcome.

use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::client::ConnectionArgs;
use crate::client::failure::{Exit, Failure};
use crate::commands::{
    activity, administrator, alert, api, api_token, app, backup, ca, catalogue, certificate, collector,
    connector, consent, dev, discovery, entity, env, federated_credential, file, group, identity_provider,
    import, key, login, permission, policy, role, secret, serve, siem_agent, subnet, tenant, token, user,
};
use crate::output::{Format, note, paint, style};

const AFTER: &str = "\
Start here:  casbah demo              see it all happen, on this machine
             casbah dev               a server to write clients against
             casbah alert list        talk to a server that you are signed in to

Exit codes:  0 done · 1 failed · 2 usage · 3 not signed in · 4 refused · 5 not found ·
             6 server not reached or not trusted · 7 try again later";

/// A self-hosted cloud access security broker.
#[derive(Parser)]
#[command(name = "casbah", version, after_help = AFTER, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// How results are written.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Form of the result [default: a table on a terminal, tab-separated lines in a pipe]
    #[arg(long, short, value_name = "FORMAT", value_enum, global = true)]
    pub output: Option<Format>,
}

/// What every command takes that talks to a server.
#[derive(Args, Clone, Debug)]
pub struct Remote<A: Args> {
    #[command(flatten)]
    pub arguments: A,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A command with subcommands, which all talk to a server.
#[derive(Args, Clone, Debug)]
pub struct Area<S: Subcommand> {
    #[command(subcommand)]
    pub action: S,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Start a stand-in for integrators: fixed tenant, application, secret and user; nothing to configure
    #[command(display_order = 1)]
    Dev(dev::DevArgs),
    /// Watch the five steps from registering an application to the first alert, in both contexts
    #[command(display_order = 2)]
    Demo(dev::DemoArgs),
    /// Sign in to a server with a code in the browser
    #[command(display_order = 10)]
    Login(login::LoginArgs),
    /// Forget a sign-in
    #[command(display_order = 11)]
    Logout(login::LogoutArgs),
    /// Print shell settings with which other clients find and trust the server
    #[command(display_order = 12)]
    Env(env::EnvArgs),
    /// Print where the certificate authority is, and how clients come to trust it
    #[command(display_order = 13)]
    Ca(ca::CaArgs),
    /// Send one call and print the answer
    #[command(display_order = 20)]
    Api(Remote<api::ApiArgs>),
    /// Get an access token, or explain what one says
    #[command(display_order = 21)]
    Token(Remote<token::TokenArgs>),
    /// Applications that call the API
    #[command(display_order = 30)]
    App(Area<app::Action>),
    /// The secrets of an application
    #[command(display_order = 31)]
    Secret(Area<secret::Action>),
    /// The certificates of an application
    #[command(display_order = 31)]
    Certificate(Area<certificate::Action>),
    /// Issuers whose tokens prove an application
    #[command(name = "federated-credential", display_order = 31)]
    FederatedCredential(Area<federated_credential::Action>),
    /// The permissions that an application asks for
    #[command(display_order = 32)]
    Permission(Area<permission::Action>),
    /// The permissions that an application was granted
    #[command(display_order = 33)]
    Consent(Area<consent::Action>),
    /// People and their roles
    #[command(display_order = 34)]
    User(Area<user::Action>),
    /// Other OpenID providers through which people sign in
    #[command(name = "identity-provider", display_order = 35)]
    IdentityProvider(Area<identity_provider::Action>),
    /// Groups and who is in them
    #[command(display_order = 34)]
    Group(Area<group::Action>),
    /// Directory roles and who holds them
    #[command(display_order = 34)]
    Role(Area<role::Action>),
    /// The roles of Cloud Apps, which can be limited to apps, groups or reports
    #[command(display_order = 35)]
    Administrator(Area<administrator::Action>),
    /// What administrators set for everybody in their tenant
    #[command(display_order = 36)]
    Tenant(Area<tenant::Action>),
    /// The keys with which tokens are signed
    #[command(display_order = 37)]
    Key(Area<key::Action>),
    /// Legacy API tokens
    #[command(name = "api-token", display_order = 35)]
    ApiToken(Area<api_token::Action>),
    /// Who did what, from where, and whether it worked
    #[command(display_order = 41)]
    Activity(Area<activity::Action>),
    /// The files of apps, whose they are, and who has access
    #[command(display_order = 43)]
    File(Area<file::Action>),
    /// People, and the accounts through which they do things in apps
    #[command(display_order = 43)]
    Entity(Area<entity::Action>),
    /// Take in audit logs of other services as activities
    #[command(display_order = 41)]
    Import(Remote<import::ImportArgs>),
    /// Alerts
    #[command(display_order = 40)]
    Alert(Area<alert::Action>),
    /// The rules that raise alerts
    #[command(display_order = 41)]
    Policy(Area<policy::Action>),
    /// Cloud discovery: upload or read traffic logs, see the apps in use
    #[command(display_order = 41)]
    Discovery(discovery::DiscoveryArgs),
    /// Take logs in where devices send them, and upload them: a program that stands by itself
    #[command(display_order = 42)]
    Collector(collector::CollectorArgs),
    /// Tell of the files in folders and S3-compatible stores, and of what became of them
    #[command(display_order = 42)]
    Connector(Remote<connector::ConnectorArgs>),
    /// The catalogue of apps
    #[command(display_order = 42)]
    Catalogue(catalogue::CatalogueArgs),
    /// IP address ranges: your own, of VPNs and cloud providers, risky ones
    #[command(display_order = 42)]
    Subnet(Area<subnet::Action>),
    /// What sends alerts and activities to a SIEM
    #[command(display_order = 42)]
    SiemAgent(Area<siem_agent::Action>),
    /// Copy a server's data folder, also while the server runs
    #[command(display_order = 80)]
    Backup(backup::BackupArgs),
    /// Fill a new data folder from a backup
    #[command(display_order = 81)]
    Restore(backup::RestoreArgs),
    /// Print a completion script for a shell
    #[command(display_order = 90)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// All commands.
pub fn command() -> clap::Command {
    Cli::command().subcommand(serve::command().display_order(3))
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let outcome = match matches.subcommand() {
        Some(("serve", matches)) => {
            run_async(async { serve::run(matches).await.map_err(|e| Failure::failed(e.to_string())) })
        }
        _ => match Cli::from_arg_matches(&matches) {
            Ok(cli) => run(cli.command),
            Err(error) => error.exit(),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.exit != Exit::Closed {
                note(&format!("{} {failure}", paint(style::BAD, "error:")));
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(arguments) => run_async(dev::dev(arguments)),
        Command::Demo(arguments) => run_async(dev::demo(arguments)),
        Command::Login(arguments) => login::login(&arguments),
        Command::Logout(arguments) => login::logout(&arguments),
        Command::Env(arguments) => env::run(&arguments),
        Command::Ca(arguments) => ca::run(&arguments),
        Command::Api(remote) => api::run(&remote),
        Command::Token(remote) => token::run(&remote),
        Command::App(area) => app::run(&area),
        Command::Secret(area) => secret::run(&area),
        Command::Certificate(area) => certificate::run(&area),
        Command::FederatedCredential(area) => federated_credential::run(&area),
        Command::Permission(area) => permission::run(&area),
        Command::Consent(area) => consent::run(&area),
        Command::User(area) => user::run(&area),
        Command::IdentityProvider(area) => identity_provider::run(&area),
        Command::Group(area) => group::run(&area),
        Command::Role(area) => role::run(&area),
        Command::Administrator(area) => administrator::run(&area),
        Command::Tenant(area) => tenant::run(&area),
        Command::Key(area) => key::run(&area),
        Command::ApiToken(area) => api_token::run(&area),
        Command::Activity(area) => activity::run(&area),
        Command::File(area) => file::run(&area),
        Command::Entity(area) => entity::run(&area),
        Command::Import(remote) => import::run(&remote),
        Command::Alert(area) => alert::run(&area),
        Command::Policy(area) => policy::run(&area),
        Command::Discovery(arguments) => discovery::run(&arguments),
        Command::Collector(arguments) => run_async(collector::run(arguments)),
        Command::Connector(remote) => connector::run(&remote),
        Command::Catalogue(arguments) => catalogue::run(&arguments),
        Command::Subnet(area) => subnet::run(&area),
        Command::SiemAgent(area) => siem_agent::run(&area),
        Command::Backup(arguments) => backup::backup(&arguments),
        Command::Restore(arguments) => run_async(backup::restore(arguments)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut crate::cli::command(), "casbah", &mut script);
            crate::output::write_raw(&script)
        }
    }
}

fn run_async(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(work);
    // Whoever stops a server has waited for it already: a log still being parsed is taken up again
    // at the next start.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
