//! `casbah serve`: the real thing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::{Config, SETTINGS};
use crate::server;

/// The command with a flag for each setting.
pub fn command() -> Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .help("Settings file [default: casbah.toml, if it exists]");
    let mut command = Command::new("serve")
        .about("Run the server; settings from casbah.toml, then CASBAH_* variables, then flags")
        .arg(config);
    for setting in SETTINGS {
        let arg = Arg::new(setting.key).long(setting.key.replace('_', "-")).help(setting.help);
        command = command.arg(if setting.value.is_empty() {
            arg.action(ArgAction::SetTrue)
        } else {
            arg.value_name(setting.value)
        });
    }
    command
}

/// Runs until the process is asked to stop.
///
/// # Errors
/// One line that says what to do.
pub async fn run(matches: &ArgMatches) -> Result<(), Box<dyn std::error::Error>> {
    let mut flags = BTreeMap::new();
    for setting in SETTINGS {
        if setting.value.is_empty() {
            if matches.get_flag(setting.key) {
                flags.insert(setting.key, "true".to_string());
            }
        } else if let Some(text) = matches.get_one::<String>(setting.key) {
            flags.insert(setting.key, text.clone());
        }
    }
    let named = matches.get_one::<String>("config").map(PathBuf::from);
    let file = named.or_else(|| Some(PathBuf::from("casbah.toml")).filter(|p| p.exists()));
    let config = Config::load(file.as_deref(), |name| std::env::var(name).ok(), &flags)?;
    server::start(config).await?.until_stopped().await;
    Ok(())
}
