//! What people's sign-ins cost, and what checking and ending them does.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use argon2::{Algorithm, Argon2, Params, Version};

use super::client::{API, Client, clients, per_processor_second, text};
use super::tokens::{alone, signatures_per_second, signing_key};
use super::{MEASURE, report};
use crate::server::Server;
use crate::{Failure, server};

/// Clients that ask at the same time.
const CLIENTS: usize = 4;
/// The lightest call that needs a permission.
const CALL: &str = "subnet/?limit=1";

pub fn run(binary: &Path) -> Result<(), Failure> {
    let server = server::start(binary)?;
    passwords(&server)?;
    refreshing(&server)?;
    checking(&server)?;
    revoking(&server)
}

/// Sign-ins with a password against raw Argon2id with the same parameters.
fn passwords(server: &Server) -> Result<(), Failure> {
    let clients = clients(server, CLIENTS)?;
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| e.to_string())?;
    let function = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = || {
        let mut hash = [0; 32];
        function
            .hash_password_into(b"casbah-dev-password", &[7; 16], &mut hash)
            .map_err(|e| e.to_string())?;
        Ok(())
    };
    report("password_sign_in", "per_processor_second", || {
        let signed_in = per_processor_second(&clients, |client| sign_in(client).map(drop))?;
        Ok((signed_in, Some(alone(MEASURE, hash)?)))
    })
}

/// Refresh tokens, each for new tokens and the next one, against raw signatures. What is handed out is
/// on disk before, and so is the record in the audit trail.
fn refreshing(server: &Server) -> Result<(), Failure> {
    let clients = clients(server, CLIENTS)?;
    let key = signing_key()?;
    // Signed in beforehand: a password takes much longer.
    let signed_in =
        clients.iter().map(|client| Ok(sign_in(client)?.1)).collect::<Result<Vec<_>, Failure>>()?;
    let tokens = Mutex::new(signed_in);
    let taken = || tokens.lock().unwrap_or_else(PoisonError::into_inner);
    report("refresh_token_redemption", "per_processor_second", || {
        let refreshed = per_processor_second(&clients, |client| {
            let token = taken().pop().ok_or("more clients than tokens")?;
            let next = redeem(client, &token)?;
            taken().push(next);
            Ok(())
        })?;
        Ok((refreshed, Some(signatures_per_second(&key)?)))
    })
}

/// Signs the administrator in and redeems so many refresh tokens, one after the other.
pub fn refresh(client: &Client, times: usize) -> Result<(), Failure> {
    let first = sign_in(client)?.1;
    (0..times).try_fold(first, |token, _| redeem(client, &token)).map(drop)
}

/// Gives a refresh token for the next one, and an access token.
fn redeem(client: &Client, token: &str) -> Result<String, Failure> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", client.public.as_str()),
        ("refresh_token", token),
        ("scope", API),
    ];
    text(&client.post("token", &fields)?, "refresh_token")
}

/// What it costs to look at a token, with all that it stands on.
fn checking(server: &Server) -> Result<(), Failure> {
    let clients = clients(server, CLIENTS)?;
    let token = Client::new(server)?.token()?;
    let healthz = || per_processor_second(&clients, |client| client.get("/healthz").map(drop));
    report("introspection", "per_processor_second", || {
        let (id, secret) = &clients[0].application;
        let fields = [("client_id", id.as_str()), ("client_secret", secret), ("token", &token)];
        let told =
            per_processor_second(&clients, |client| match client.post("introspect", &fields)?["active"] {
                serde_json::Value::Bool(true) => Ok(()),
                _ => Err("the token is not active".into()),
            })?;
        Ok((told, Some(healthz()?)))
    })?;
    report("api_call", "per_processor_second", || {
        let called = per_processor_second(&clients, |client| {
            client.call(CALL, &token)?.map(drop).ok_or_else(|| "the token was refused".into())
        })?;
        Ok((called, Some(healthz()?)))
    })
}

/// How long after asking for it a token is seen to be refused, against two requests that do nothing; and
/// how many calls with it still worked after it was revoked.
fn revoking(server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let accepted = std::cell::Cell::new(0.0);
    report("revoked_until_refused", "ms", || {
        let mut times = Vec::new();
        for _ in 0..50 {
            let token = client.token()?;
            client.call(CALL, &token)?.ok_or("a new token was refused")?;
            let (id, secret) = &client.application;
            let began = Instant::now();
            client.post("revoke", &[("client_id", id), ("client_secret", secret), ("token", &token)])?;
            while client.call(CALL, &token)?.is_some() {
                accepted.set(accepted.get() + 1.0);
            }
            let refused = began.elapsed();
            let began = Instant::now();
            client.get("/healthz")?;
            client.get("/healthz")?;
            times.push((refused.as_secs_f64() * 1000.0, began.elapsed().as_secs_f64() * 1000.0));
        }
        let middle = |of: fn(&(f64, f64)) -> f64| super::median(&times.iter().map(of).collect::<Vec<_>>());
        Ok((middle(|t| t.0), Some(middle(|t| t.1))))
    })?;
    report("calls_accepted_after_revocation", "calls", || Ok((accepted.get(), None)))
}

/// Signs the administrator in: access token and refresh token.
fn sign_in(client: &Client) -> Result<(String, String), Failure> {
    let (name, password) = &client.person;
    let scope = format!("{API} offline_access");
    let fields = [
        ("grant_type", "password"),
        ("client_id", client.public.as_str()),
        ("username", name),
        ("password", password),
        ("scope", &scope),
    ];
    let answer = client.post("token", &fields)?;
    Ok((text(&answer, "access_token")?, text(&answer, "refresh_token")?))
}
