//! `casbah env`: shell settings with which other clients find and trust the server.

use clap::{Args, ValueEnum};

use crate::client::environment::quote;
use crate::client::failure::Failure;
use crate::client::{ConnectionArgs, known, server_of};
use crate::output::write_raw;

/// What Python's requests, Node, OpenSSL's users (curl among them, Go, Rust) and curl itself look at.
const TRUST: [&str; 4] = ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE"];

/// Arguments of `casbah env`.
#[derive(Args, Clone, Debug)]
pub struct EnvArgs {
    /// Shell that will read the settings
    #[arg(long, value_enum, default_value = "sh")]
    shell: Shell,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Shell {
    /// sh, bash, zsh, ksh
    Sh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// Prints the settings.
pub fn run(arguments: &EnvArgs) -> Result<(), Failure> {
    let mut environment = known(&arguments.connection)?.environment;
    let server = server_of(&arguments.connection, &environment)?;
    environment.set("CASBAH_URL", &server.url);
    if let Some(tenant) = &arguments.connection.tenant {
        environment.set("CASBAH_TENANT", tenant);
    }
    let mut text = String::new();
    let ca = match &server.ca {
        Some(ca) => {
            Some(std::path::absolute(ca).map_err(|e| Failure::file(ca, &e))?.to_string_lossy().into_owned())
        }
        None => None,
    };
    if let Some(ca) = &ca {
        environment.set("CASBAH_CA", ca);
    }
    for (name, value) in environment.iter() {
        text.push_str(&setting(arguments.shell, name, value));
    }
    for name in TRUST {
        if let Some(ca) = &ca {
            text.push_str(&setting(arguments.shell, name, ca));
        }
    }
    write_raw(text.as_bytes())
}

fn setting(shell: Shell, name: &str, value: &str) -> String {
    match shell {
        Shell::Sh => format!("export {name}={}\n", quote(value)),
        Shell::Fish => {
            format!("set -gx {name} '{}'\n", value.replace('\\', r"\\").replace('\'', r"\'"))
        }
        Shell::Powershell => format!("$env:{name} = '{}'\n", value.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_reads_the_value_back() {
        assert_eq!(setting(Shell::Sh, "A", "it's $1"), "export A='it'\\''s $1'\n");
        assert_eq!(setting(Shell::Fish, "A", r"it's \1"), "set -gx A 'it\\'s \\\\1'\n");
        assert_eq!(setting(Shell::Powershell, "A", "it's $1"), "$env:A = 'it''s $1'\n");
    }
}
