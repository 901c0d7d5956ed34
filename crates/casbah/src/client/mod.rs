//! The public interface from the outside: what every other client sees, and nothing more.
//!
//! [`Session`] knows a server and who the caller is there; it gets, keeps and renews tokens, and
//! turns refusals into one good line ([`Failure`]).

pub mod deleted;
pub mod directory;
pub mod environment;
pub mod failure;
pub mod http;
pub mod oauth;
pub mod principals;
pub mod profile;
mod settings;
pub mod upload;

use std::cell::RefCell;
use std::collections::HashMap;

use casbah_model::{Clock, Secret};
use serde_json::Value;

use failure::{Exit, Failure};
use http::{Answer, Body, Http};
use oauth::{Audience, Authority, COMMAND_LINE, Tokens};
use profile::{AccessToken, Profile};
pub use settings::{
    Acting, ConnectionArgs, Credentials, DEFAULT_PROFILE, Server, known, known_without_name, profile_name,
    server_of,
};

/// A server, and who the caller is there.
pub struct Session {
    /// Where the server is.
    pub server: Server,
    /// The connection.
    pub http: Http,
    /// What proves who the caller is.
    pub credentials: Credentials,
    /// The one clock.
    pub clock: Clock,
    kept: RefCell<HashMap<Audience, Secret>>,
}

impl Session {
    /// Finds the server and the credentials in flags, environment, profile or `casbah.env`.
    pub fn open(arguments: &ConnectionArgs, clock: Clock) -> Result<Session, Failure> {
        let (server, credentials) = settings::resolve(arguments)?;
        Session::new(server, credentials, clock)
    }

    /// A session with a known server.
    pub fn new(server: Server, credentials: Credentials, clock: Clock) -> Result<Session, Failure> {
        let http = Http::new(server.ca.as_deref())?;
        Ok(Session { server, http, credentials, clock, kept: RefCell::default() })
    }

    /// The same server, but as somebody else.
    pub fn acting(&self, credentials: Credentials) -> Session {
        Session {
            server: self.server.clone(),
            http: self.http.clone(),
            credentials,
            clock: self.clock,
            kept: RefCell::default(),
        }
    }

    /// The authority of the session's tenant.
    pub fn authority(&self) -> Authority<'_> {
        Authority { http: &self.http, url: &self.server.url, tenant: &self.server.tenant }
    }

    /// Calls the Cloud Apps API: `/api/v1/alerts/`.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.call(Audience::Api, method, path, body)?.json()
    }

    /// Calls the directory: `/v1.0/applications`.
    pub fn directory(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.call(Audience::Directory, method, path, body)?.json()
    }

    /// Sends one call with the caller's token; a token that died early is renewed once.
    pub fn call(
        &self,
        audience: Audience,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        self.send(audience, method, path, &[], || body.map_or(Body::Empty, Body::Json))
    }

    /// Sends records in bulk, one JSON object a line and packed with gzip; what became of them.
    pub fn ingest(&self, path: &str, packed: &[u8]) -> Result<Value, Failure> {
        let body = || Body::Bytes("application/x-ndjson", packed);
        self.send(Audience::Api, "POST", path, &[("content-encoding", "gzip")], body)?.json()
    }

    fn send<'b>(
        &self,
        audience: Audience,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: impl Fn() -> Body<'b>,
    ) -> Result<Answer, Failure> {
        let url = self.address(path)?;
        let send = || {
            let authorization = self.authorization(audience)?;
            let mut headers = vec![("authorization", authorization.expose()), ("accept", "application/json")];
            headers.extend_from_slice(more);
            self.http.send(method, &url, &headers, body())
        };
        let answer = send()?;
        if answer.status == 401
            && matches!(self.credentials, Credentials::Profile(_))
            && self.forget(audience)
        {
            return send();
        }
        Ok(answer)
    }

    /// A path on this server as a whole address. A token goes to the server that it is for and to no other.
    pub fn address(&self, path: &str) -> Result<String, Failure> {
        if path.starts_with('/') {
            return Ok(format!("{}{path}", self.server.url));
        }
        let origin = |text: &str| url::Url::parse(text).ok().map(|u| u.origin());
        match origin(path) {
            Some(given) if Some(&given) == origin(&self.server.url).as_ref() => Ok(path.to_string()),
            Some(_) => Err(Failure::usage(format!("{path} is not on {}", self.server.url))),
            None => Err(Failure::usage(format!("{path} must begin with /"))),
        }
    }

    /// The value of the `Authorization` header.
    fn authorization(&self, audience: Audience) -> Result<Secret, Failure> {
        match (&self.credentials, audience) {
            (Credentials::ApiToken(token), Audience::Api) => {
                Ok(Secret::new(format!("Token {}", token.expose())))
            }
            _ => self.token(audience).map(|token| Secret::new(format!("Bearer {}", token.expose()))),
        }
    }

    /// An access token of the caller.
    pub fn token(&self, audience: Audience) -> Result<Secret, Failure> {
        if let Some(token) = self.kept.borrow().get(&audience) {
            return Ok(token.clone());
        }
        let authority = self.authority();
        let tokens = match &self.credentials {
            Credentials::Application { client_id, secret } => {
                authority.as_application(client_id, secret, audience)?
            }
            Credentials::User { client_id, user, password } => {
                // An integrator's application may use the API; managing the directory is our own business.
                let client_id = if audience == Audience::Directory { COMMAND_LINE } else { client_id };
                authority.by_password(client_id, user, password, audience)?
            }
            Credentials::Profile(name) => return self.profile_token(name, audience),
            Credentials::ApiToken(_) => {
                return Err(Failure::new(
                    Exit::NotSignedIn,
                    "an API token is for the API only; sign in with `casbah login`",
                ));
            }
            Credentials::None => {
                return Err(Failure::new(Exit::NotSignedIn, "nobody is signed in; run `casbah login`"));
            }
        };
        Ok(self.keep(audience, &tokens))
    }

    fn keep(&self, audience: Audience, tokens: &Tokens) -> Secret {
        self.kept.borrow_mut().insert(audience, tokens.access.clone());
        tokens.access.clone()
    }

    fn profile_token(&self, name: &str, audience: Audience) -> Result<Secret, Failure> {
        let gone = || Failure::new(Exit::NotSignedIn, "the sign-in has ended; run `casbah login`");
        let mut profile = Profile::load(name)?.ok_or_else(gone)?;
        let now = self.clock.now();
        if let Some(kept) = profile.access_tokens.get(audience.app_id()).filter(|token| token.usable(now)) {
            return Ok(kept.token.clone());
        }
        let refresh = profile.refresh_token.clone().ok_or_else(gone)?;
        let tokens =
            self.authority().refreshed(&profile.client_id, &refresh, audience).map_err(|failure| {
                // Missing consent is a refusal; everything else about a refresh token means: sign in again.
                let ended = failure.exit == Exit::Refused && !failure.message.contains("AADSTS65001");
                if ended {
                    Failure::new(Exit::NotSignedIn, format!("{failure}; run `casbah login`"))
                } else {
                    failure
                }
            })?;
        let expires = now.plus(tokens.lifetime).0;
        let token = AccessToken { token: tokens.access.clone(), expires };
        profile.access_tokens.insert(audience.app_id().to_string(), token);
        if let Some(refresh) = &tokens.refresh {
            profile.refresh_token = Some(refresh.clone());
        }
        profile.save(name)?;
        Ok(self.keep(audience, &tokens))
    }

    /// Drops a token that the server no longer takes; answers whether there was one.
    fn forget(&self, audience: Audience) -> bool {
        let mut dropped = self.kept.borrow_mut().remove(&audience).is_some();
        if let Credentials::Profile(name) = &self.credentials
            && let Ok(Some(mut profile)) = Profile::load(name)
            && profile.access_tokens.remove(audience.app_id()).is_some()
        {
            dropped |= profile.save(name).is_ok();
        }
        dropped
    }
}
