//! `casbah token [APP]`: get an access token, or have one explained.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{on_terminal, secret_from};
use crate::cli::Remote;
use crate::client::failure::Failure;
use crate::client::oauth::Audience;
use crate::client::{Credentials, Session};
use crate::output::{Column, Output, explain, note, write_raw};

/// Arguments of `casbah token`.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    /// Client id or name of an application that acts as itself; without it, whoever is signed in
    app: Option<String>,
    /// File with the application's secret, - for standard input [env: CASBAH_CLIENT_SECRET]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A token for the directory (/v1.0/…) rather than for the API
    #[arg(long)]
    directory: bool,
    /// Say what the token means, claim by claim, instead of printing it
    #[arg(long)]
    explain: bool,
    /// Print the token even on a terminal
    #[arg(long, conflicts_with = "explain")]
    raw: bool,
}

const CLAIMS: &[Column] = &[
    Column::text("Claim", "claim", "/claim"),
    Column::text("Value", "value", "/value"),
    Column::text("Meaning", "meaning", "/meaning"),
];

/// Gets the token and prints it, or what it means.
pub fn run(remote: &Remote<TokenArgs>) -> Result<(), Failure> {
    let (session, output) = remote.open()?;
    let arguments = &remote.arguments;
    let audience = if arguments.directory { Audience::Directory } else { Audience::Api };
    let token = match &arguments.app {
        Some(app) => application(&session, app, arguments)?.token(audience)?,
        None => session.token(audience)?,
    };
    let token = token.expose();
    if arguments.explain || (on_terminal() && !arguments.raw) {
        explained(&session, &output, token)?;
        if !arguments.explain {
            note("\nThe token itself goes to a pipe, or here with --raw.");
        }
        return Ok(());
    }
    write_raw(format!("{token}\n").as_bytes())
}

fn application(session: &Session, named: &str, arguments: &TokenArgs) -> Result<Session, Failure> {
    let secret = secret_from(arguments.secret_file.as_deref(), "CASBAH_CLIENT_SECRET")?;
    let known = match &session.credentials {
        Credentials::Application { client_id, secret } if client_id.eq_ignore_ascii_case(named) => {
            Some(secret.clone())
        }
        _ => None,
    };
    let secret = secret.or(known).ok_or_else(|| {
        Failure::usage(
            "the application's secret is needed: --secret-file FILE, --secret-file - or CASBAH_CLIENT_SECRET",
        )
    })?;
    let client_id = match named.parse::<casbah_model::Guid>() {
        Ok(id) => id.to_string(),
        Err(_) => crate::client::directory::text(&session.application(named)?, "appId").to_string(),
    };
    Ok(session.acting(Credentials::Application { client_id, secret }))
}

fn explained(session: &Session, output: &Output, token: &str) -> Result<(), Failure> {
    let claims = explain::claims(token)
        .ok_or_else(|| Failure::failed("this token is opaque: only the server can read it"))?;
    if !output.for_people() {
        let statements = statements(&claims, session);
        return output.list(CLAIMS, &statements);
    }
    output.list(CLAIMS, &statements(&claims, session))?;
    note("Decoded only: whether the signature is good, the server decides.");
    Ok(())
}

fn statements(claims: &serde_json::Value, session: &Session) -> Vec<serde_json::Value> {
    explain::explain(claims, session.clock.now())
        .into_iter()
        .map(|s| json!({ "claim": s.claim, "value": s.value, "meaning": s.meaning }))
        .collect()
}
