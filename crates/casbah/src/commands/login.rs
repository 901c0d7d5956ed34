//! `casbah login` and `casbah logout`: a sign-in that is kept.

use std::collections::BTreeMap;

use clap::Args;

use super::clock;
use crate::client::failure::{Exit, Failure};
use crate::client::oauth::{Audience, COMMAND_LINE};
use crate::client::profile::{self, AccessToken, Profile};
use crate::client::{
    ConnectionArgs, Credentials, DEFAULT_PROFILE, Session, known, known_without_name, profile_name, server_of,
};
use crate::output::explain;
use crate::output::progress::Progress;
use crate::output::{note, paint, style};

/// Arguments of `casbah login`.
#[derive(Args, Clone, Debug)]
pub struct LoginArgs {
    /// Public application through which to sign in [default: Casbah CLI, which every tenant has]
    #[arg(long, value_name = "CLIENT-ID")]
    client_id: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Arguments of `casbah logout`.
#[derive(Args, Clone, Debug)]
pub struct LogoutArgs {
    /// Which sign-in to forget
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    profile: String,
}

/// Signs in and keeps the tokens.
pub fn login(arguments: &LoginArgs) -> Result<(), Failure> {
    let name = profile_name(&arguments.connection).unwrap_or_else(|| DEFAULT_PROFILE.to_string());
    // Signing in again needs no address: the profile has it.
    let addressed = arguments.connection.data_dir.is_some()
        || arguments.connection.url.is_some()
        || std::env::var_os("CASBAH_URL").is_some();
    let known = match Profile::load(&name).ok().flatten() {
        Some(_) if !addressed => {
            known(&ConnectionArgs { profile: Some(name.clone()), ..arguments.connection.clone() })?
        }
        _ => known_without_name(&arguments.connection)?,
    };
    let server = server_of(&arguments.connection, &known.environment)?;
    let client_id = arguments.client_id.as_deref().unwrap_or(COMMAND_LINE).to_string();
    let clock = clock()?;
    let session = Session::new(server.clone(), Credentials::None, clock)?;
    let authority = session.authority();
    let device = authority.device_code(&client_id)?;
    let page = device.page_with_code.as_deref().unwrap_or(&device.page);
    note(&format!("Open   {}", paint(style::LINK, page)));
    let minutes = device.lifetime.as_secs() / 60;
    note(&format!("Code   {}   (good for {minutes} minutes)", paint(style::BOLD, &device.user_code)));
    let mut progress = Progress::wait("waiting for you to sign in", false);
    let tokens = authority.wait_for(&client_id, &device, || progress.tick());
    progress.finish();
    let tokens = tokens?;
    if tokens.refresh.is_none() {
        note("The server gave no refresh token, so this sign-in ends with its first token.");
    }
    let user = explain::subject(tokens.access.expose()).unwrap_or_default();
    let expires = clock.now().plus(tokens.lifetime).0;
    let token = AccessToken { token: tokens.access, expires };
    let profile = Profile {
        url: server.url.clone(),
        ca: match &server.ca {
            Some(ca) => Some(std::path::absolute(ca).map_err(|e| Failure::file(ca, &e))?),
            None => None,
        },
        tenant: server.tenant,
        client_id,
        user: user.clone(),
        refresh_token: tokens.refresh,
        access_tokens: BTreeMap::from([(Audience::Api.app_id().to_string(), token)]),
    };
    let path = profile.save(&name)?;
    let who = if user.is_empty() { "You are".to_string() } else { format!("{user} is") };
    note(&format!("{} {who} signed in at {}", paint(style::GOOD, "done:"), server.url));
    note(&format!("The sign-in is kept in {}; `casbah logout` forgets it.", path.display()));
    Ok(())
}

/// Forgets a sign-in.
pub fn logout(arguments: &LogoutArgs) -> Result<(), Failure> {
    if profile::forget(&arguments.profile)? {
        note(&format!(
            "{} the sign-in {} is forgotten on this machine",
            paint(style::GOOD, "done:"),
            arguments.profile
        ));
        Ok(())
    } else {
        Err(Failure::new(Exit::NotSignedIn, format!("nobody was signed in as profile {}", arguments.profile)))
    }
}
