//! Refusals in Graph's words.

use axum::response::{IntoResponse, Response};
use casbah_authority::{OAuthError, Refusal, codes};
use casbah_model::{Guid, Timestamp};
use casbah_service::{Error, Service};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::challenge;

/// What an answer says about the request.
pub(super) struct About {
    pub(super) request: Guid,
    pub(super) client_request: Option<Guid>,
    pub(super) at: Timestamp,
}

/// A refusal.
#[derive(Debug)]
pub(super) struct GraphError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `WWW-Authenticate`
    challenge: Option<String>,
    /// `Allow`
    allow: Option<String>,
    /// For the log only.
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl About {
    pub(super) fn of(service: &Service, headers: &HeaderMap) -> About {
        let client_request = headers.get("client-request-id").and_then(|v| v.to_str().ok());
        About {
            request: Guid::random(),
            client_request: client_request.and_then(|v| v.parse().ok()),
            at: service.clock().now(),
        }
    }
}

impl GraphError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> GraphError {
        GraphError { status, code, message: message.into(), challenge: None, allow: None, cause: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> GraphError {
        GraphError::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    pub(super) fn too_large(most: usize) -> GraphError {
        let message = format!("The body is larger than {most} bytes.");
        GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "Request_BadRequest", message)
    }

    pub(super) fn no_route() -> GraphError {
        let message = "Resource not found: this address is not part of the directory that Casbah serves.";
        GraphError::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    pub(super) fn wrong_method(allowed: &[&Method]) -> GraphError {
        let allowed: Vec<&str> = allowed.iter().map(|m| m.as_str()).collect();
        let allow = allowed.join(", ");
        let message = format!("The method is not allowed here; use {allow}.");
        let error = GraphError::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", message);
        GraphError { allow: Some(allow), ..error }
    }

    pub(super) fn unauthenticated(message: impl Into<String>) -> GraphError {
        let error = GraphError::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message);
        GraphError { challenge: Some("Bearer error=\"invalid_token\"".to_string()), ..error }
    }

    /// A token that was not accepted.
    pub(super) fn refused(refusal: &Refusal, public_url: &str) -> GraphError {
        let challenge = Some(challenge::of_directory(refusal, public_url));
        GraphError { challenge, ..GraphError::unauthenticated(refusal.to_string()) }
    }

    pub(super) fn denied(message: impl Into<String>) -> GraphError {
        GraphError::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    /// None of the permissions is held, any of which would be enough.
    pub(super) fn lacks(any_of: &[&str]) -> GraphError {
        let message = format!(
            "Insufficient privileges to complete the operation. Any of these permissions is enough: {}.",
            any_of.join(", ")
        );
        let scope = any_of.join(" ");
        let challenge = Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""));
        GraphError { challenge, ..GraphError::denied(message) }
    }

    /// A part of a batch that was left out because one before it failed.
    pub(super) fn failed_dependency(id: &str) -> GraphError {
        let message = format!("The request '{id}', on which this one depends, did not succeed.");
        GraphError::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message)
    }

    pub(super) fn unavailable(cause: Box<dyn std::error::Error + Send + Sync>) -> GraphError {
        let message = "The token could not be checked. Try again in a moment.";
        let error = GraphError::new(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable", message);
        GraphError { cause: Some(cause), ..error }
    }

    pub(super) fn respond(self, about: &About) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(request = %about.request, error = %cause, "a directory request failed");
        }
        let body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": about.at.iso(),
                "request-id": about.request,
                "client-request-id": about.client_request.unwrap_or(about.request),
            },
        }});
        let mut response = (self.status, axum::Json(body)).into_response();
        let extra = [(header::WWW_AUTHENTICATE, self.challenge), (header::ALLOW, self.allow)];
        for (name, value) in extra {
            if let Some(value) = value.and_then(|v| HeaderValue::from_str(&v).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A refusal to change one's own password.
impl From<OAuthError> for GraphError {
    fn from(e: OAuthError) -> GraphError {
        match e.cause {
            Some(cause) => Error::Internal(cause).into(),
            None if *e.code == *codes::WRONG_PASSWORD => {
                GraphError::bad_request("Property 'currentPassword' is not the present password.")
            }
            None => GraphError::bad_request(e.text),
        }
    }
}

impl From<Error> for GraphError {
    fn from(e: Error) -> GraphError {
        match e {
            Error::NotFound => {
                let message = "Resource does not exist, or one of its queried references is not present.";
                GraphError::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
            }
            Error::Invalid { field, why } => GraphError::bad_request(format!("{field}: {why}")),
            Error::Forbidden { needs } => GraphError::denied(needs),
            Error::Conflict(why) => GraphError::new(
                StatusCode::CONFLICT,
                "Request_MultipleObjectsWithSameKeyValue",
                sentence(&why),
            ),
            Error::Internal(cause) => {
                let message = "The server failed. Its log tells why, under the request id.";
                let error =
                    GraphError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message);
                GraphError { cause: Some(cause), ..error }
            }
        }
    }
}

/// Starts with a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
