//! Refusals in the words of OAuth, and the JSON body that carries them.

use casbah_model::{Guid, Timestamp};
use serde_json::{Value as Json, json};

use crate::codes::{self, Code};
use crate::keys::KeyError;
use crate::password::HashingFailed;

/// A refusal.
#[derive(Debug)]
pub struct OAuthError {
    /// The numbered reason.
    pub code: &'static Code,
    /// The OAuth error code; the reason's own unless the flow has another word for it.
    pub error: &'static str,
    /// One or two plain sentences for people.
    pub text: String,
    /// A finer reason that some clients look at.
    pub suberror: Option<&'static str>,
    /// The claims request to repeat the sign-in with, as JSON text: what a step-up asks for.
    pub claims: Option<String>,
    /// What went wrong inside; for the log, never for the caller.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Whose sign-in was refused, once that was clear; for the audit trail, never for the caller.
    pub user: Option<Box<Guid>>,
}

impl OAuthError {
    /// A refusal; `text` is shown.
    pub fn new(code: &'static Code, text: impl Into<String>) -> OAuthError {
        let text = text.into();
        OAuthError { code, error: code.error, text, suberror: None, claims: None, cause: None, user: None }
    }

    /// A refusal in the code's own words.
    pub(crate) fn plain(code: &'static Code) -> OAuthError {
        OAuthError::new(code, code.meaning)
    }

    /// Says it with another OAuth error code.
    pub(crate) fn said_as(mut self, error: &'static str) -> OAuthError {
        self.error = error;
        self
    }

    /// Adds a finer reason.
    pub(crate) fn with_suberror(mut self, suberror: &'static str) -> OAuthError {
        self.suberror = Some(suberror);
        self
    }

    /// Asks for a second factor: the client repeats the sign-in with the `claims` of the answer, a claims
    /// request in the words of OpenID Connect Core, section 5.5: `amr` is essential and must hold `mfa`.
    pub fn with_step_up(mut self) -> OAuthError {
        let request = json!({ "access_token": { "amr": { "essential": true, "values": ["mfa"] } } });
        self.claims = Some(request.to_string());
        self.with_suberror("basic_action")
    }

    /// A parameter that must be there is not.
    pub(crate) fn missing(parameter: &str) -> OAuthError {
        let text = format!("The request body must contain the following parameter: {parameter}.");
        OAuthError::new(codes::MISSING_PARAMETER, text)
    }

    /// Says whose sign-in was refused.
    pub(crate) fn of_user(mut self, user: Guid) -> OAuthError {
        self.user = Some(Box::new(user));
        self
    }

    /// Our fault.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OAuthError {
        OAuthError { cause: Some(cause.into()), ..OAuthError::plain(codes::INTERNAL) }
    }

    /// HTTP status at the token endpoint.
    pub fn status(&self) -> u16 {
        self.code.status
    }

    /// `AADSTS7000215: ... Trace ID: ... Correlation ID: ... Timestamp: ...`
    ///
    /// One client borrows this string from the JSON text, so it must never need an escape: plain
    /// ASCII, no quotes, no backslash.
    pub fn description(&self, about: &About) -> String {
        let text: String = self.text.chars().map(harmless).collect();
        format!(
            "AADSTS{}: {text} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code.number,
            about.trace,
            about.correlation,
            about.at.seconds_text()
        )
    }

    /// Where the reason is explained.
    pub fn uri(&self, public_url: &str) -> String {
        format!("{public_url}/error?code={}", self.code.number)
    }

    /// The body of the answer.
    pub fn body(&self, public_url: &str, about: &About) -> Json {
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(about),
            "error_codes": [self.code.number],
            "timestamp": about.at.seconds_text(),
            "trace_id": about.trace,
            "correlation_id": about.correlation,
            "error_uri": self.uri(public_url),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = &self.claims {
            body["claims"] = claims.as_str().into();
        }
        body
    }
}

fn harmless(c: char) -> char {
    match c {
        '"' | '\\' | '\'' | '`' => ' ',
        ' '..='~' => c,
        _ if c.is_control() => ' ',
        _ => '?',
    }
}

/// What an answer says about itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Id of the request on our side: `trace_id` and the header `x-ms-request-id`.
    pub trace: Guid,
    /// Id of the request on the client's side, or a fresh one.
    pub correlation: Guid,
    /// When.
    pub at: Timestamp,
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AADSTS{} {}: {}", self.code.number, self.error, self.text)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for OAuthError {}

impl From<casbah_store::Error> for OAuthError {
    fn from(e: casbah_store::Error) -> OAuthError {
        match e {
            casbah_store::Error::Conflict => OAuthError::plain(codes::UNAVAILABLE),
            other => OAuthError::internal(other),
        }
    }
}

impl From<KeyError> for OAuthError {
    fn from(e: KeyError) -> OAuthError {
        OAuthError::internal(e)
    }
}

impl From<HashingFailed> for OAuthError {
    fn from(e: HashingFailed) -> OAuthError {
        OAuthError::internal(e)
    }
}
