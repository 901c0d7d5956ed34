//! Getting tokens from the authority, with the grants that a command line can use.

use std::time::Duration;

use casbah_model::Secret;
use serde_json::Value;

use super::failure::{Exit, Failure};
use super::http::{Answer, Body, Http};

/// *Casbah CLI*: this command line as every tenant knows it, a public application that may use the API
/// and the directory on behalf of whoever signs in.
pub const COMMAND_LINE: &str = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001";

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Audience {
    /// The Cloud Apps API.
    Api,
    /// The directory: applications, consent, users.
    Directory,
}

impl Audience {
    /// Application id of the resource.
    pub fn app_id(self) -> &'static str {
        match self {
            Audience::Api => "05a65629-4c1b-48c1-a78b-804c4abdd4af",
            Audience::Directory => "00000003-0000-0000-c000-000000000000",
        }
    }

    fn scope(self) -> String {
        format!("{}/.default", self.app_id())
    }

    fn scope_for_people(self) -> String {
        format!("{} openid profile offline_access", self.scope())
    }
}

/// An answer of the token endpoint.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: Secret,
    /// The refresh token, in user context.
    pub refresh: Option<Secret>,
    /// How long the access token lives.
    pub lifetime: Duration,
}

/// The authority of one tenant.
pub struct Authority<'a> {
    /// The connection.
    pub http: &'a Http,
    /// Origin, without a final slash.
    pub url: &'a str,
    /// Tenant id or domain.
    pub tenant: &'a str,
}

/// A sign-in that a person finishes in a browser.
pub struct DeviceCode {
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub page: String,
    /// The same with the code in it, where the server offers that.
    pub page_with_code: Option<String>,
    /// How long it may take.
    pub lifetime: Duration,
    code: Secret,
    interval: Duration,
}

impl Authority<'_> {
    /// An application acting as itself (RFC 6749, section 4.4).
    pub fn as_application(
        &self,
        client: &str,
        secret: &Secret,
        audience: Audience,
    ) -> Result<Tokens, Failure> {
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret.expose()),
            ("scope", &audience.scope()),
        ])
    }

    /// A user through a public application, by password (RFC 6749, section 4.3).
    pub fn by_password(
        &self,
        client: &str,
        user: &str,
        password: &Secret,
        audience: Audience,
    ) -> Result<Tokens, Failure> {
        self.token(&[
            ("grant_type", "password"),
            ("client_id", client),
            ("username", user),
            ("password", password.expose()),
            ("scope", &audience.scope_for_people()),
        ])
    }

    /// New tokens for a sign-in that goes on (RFC 6749, section 6).
    pub fn refreshed(&self, client: &str, refresh: &Secret, audience: Audience) -> Result<Tokens, Failure> {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", refresh.expose()),
            ("scope", &audience.scope_for_people()),
        ])
    }

    /// Begins a sign-in that a person finishes in a browser, on any machine (RFC 8628).
    pub fn device_code(&self, client: &str) -> Result<DeviceCode, Failure> {
        let fields = [("client_id", client), ("scope", &Audience::Api.scope_for_people())];
        let answer = self.post("devicecode", &fields)?.json()?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_string);
        Ok(DeviceCode {
            user_code: text("user_code").ok_or_else(|| Failure::shape("user code"))?,
            page: text("verification_uri").ok_or_else(|| Failure::shape("verification address"))?,
            page_with_code: text("verification_uri_complete"),
            lifetime: seconds(&answer, "expires_in").unwrap_or(Duration::from_secs(900)),
            code: Secret::new(text("device_code").ok_or_else(|| Failure::shape("device code"))?),
            interval: seconds(&answer, "interval").unwrap_or(Duration::from_secs(5)),
        })
    }

    /// Waits until the person has finished, declined, or let the time pass.
    pub fn wait_for(
        &self,
        client: &str,
        device: &DeviceCode,
        mut tick: impl FnMut(),
    ) -> Result<Tokens, Failure> {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", client),
            ("device_code", device.code.expose()),
        ];
        let mut interval = device.interval;
        loop {
            std::thread::sleep(interval);
            tick();
            let answer = self.post("token", &fields)?;
            if answer.ok() {
                return tokens(answer);
            }
            match oauth_error(&answer).as_deref() {
                Some("authorization_pending") => {}
                Some("slow_down") => interval += Duration::from_secs(5),
                Some("authorization_declined" | "access_denied") => {
                    return Err(Failure::new(Exit::Refused, "the sign-in was declined"));
                }
                Some("expired_token" | "code_expired") => {
                    return Err(Failure::new(
                        Exit::NotSignedIn,
                        "the code was not used in time; run `casbah login` again",
                    ));
                }
                _ => return Err(answer.failure()),
            }
        }
    }

    fn token(&self, fields: &[(&str, &str)]) -> Result<Tokens, Failure> {
        tokens(self.post("token", fields)?)
    }

    fn post(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Answer, Failure> {
        let url = self.endpoint(endpoint);
        self.http.send("POST", &url, &[("accept", "application/json")], Body::Form(fields))
    }

    /// The address of an endpoint of the second version.
    pub fn endpoint(&self, endpoint: &str) -> String {
        format!("{}/{}/oauth2/v2.0/{endpoint}", self.url, self.tenant)
    }
}

/// The OAuth error code of a refused request.
pub fn oauth_error(answer: &Answer) -> Option<String> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    json.get("error")?.as_str().map(str::to_string)
}

fn tokens(answer: Answer) -> Result<Tokens, Failure> {
    let answer = answer.json()?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(Secret::new);
    Ok(Tokens {
        access: text("access_token").ok_or_else(|| Failure::shape("access token"))?,
        refresh: text("refresh_token"),
        lifetime: seconds(&answer, "expires_in").unwrap_or(Duration::from_secs(300)),
    })
}

/// A number of seconds, which older servers write as text.
fn seconds(answer: &Value, name: &str) -> Option<Duration> {
    let value = answer.get(name)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(Duration::from_secs(number))
}
