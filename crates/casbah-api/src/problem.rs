//! The one place where errors become answers. A cause on our side is logged here, once, beside the
//! request id that the answer carries, and never shown.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use casbah_model::{Guid, Permission};
use serde_json::{Map, Value as Json_, json};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

tokio::task_local! {
    static CURRENT: Guid;
}

/// Gives each request an id, which its answer and the log carry.
pub(crate) async fn with_request_id(request: Request, next: Next) -> Response {
    let id = Guid::random();
    let mut response = CURRENT.scope(id, next.run(request)).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().entry(REQUEST_ID).or_insert(value);
    }
    response
}

/// The id of the request being answered.
pub(crate) fn request_id() -> String {
    CURRENT.try_with(Guid::to_string).unwrap_or_default()
}

/// A value of the wrong kind, or an id that is none.
pub(crate) const NOT_VALID: &str = "CONSOLE_FORMS_NOT_VALID_VALUE";
/// `done_upload` names a data source that does not exist.
pub(crate) const NO_STREAM: &str = "CONSOLE_DISCOVERY_SETTINGS_PARSE_LOG_TASK_ERROR_NOT_FOUND_INPUT_STREAM";

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// The faulty parameter, with the code and the value that clients look at.
    section: Option<Box<(String, &'static str, Json_)>>,
    text: String,
    challenge: Option<String>,
    /// Seconds after which it is worth trying again.
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, text: impl Into<String>) -> Problem {
        Problem { status, section: None, text: text.into(), challenge: None, retry_after: None }
    }

    /// The sentence that it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// 400: a parameter is not valid.
    pub(crate) fn invalid(parameter: impl Into<String>, text: impl Into<String>) -> Problem {
        Problem::coded(parameter, NOT_VALID, json!({}), text)
    }

    /// 400 with a code of its own.
    pub(crate) fn coded(
        parameter: impl Into<String>,
        code: &'static str,
        values: Json_,
        text: impl Into<String>,
    ) -> Problem {
        let section = Some(Box::new((parameter.into(), code, values)));
        Problem { section, ..Problem::new(StatusCode::BAD_REQUEST, text) }
    }

    /// 401: nobody we know.
    pub(crate) fn unknown_caller(why: &str, challenge: String) -> Problem {
        let text = format!("Invalid token. {why}");
        Problem { challenge: Some(challenge), ..Problem::new(StatusCode::UNAUTHORIZED, text) }
    }

    /// 403: somebody who may not do this.
    pub(crate) fn forbidden(any_of: &[Permission]) -> Problem {
        let names: Vec<&str> = any_of.iter().map(|p| p.title()).collect();
        let needs = match names.as_slice() {
            [one] => format!("the permission {one}"),
            many => format!("one of the permissions {}", many.join(", ")),
        };
        let challenge =
            format!("Bearer realm=\"casbah\", error=\"insufficient_scope\", scope=\"{}\"", names.join(" "));
        let text = format!("Forbidden. This call needs {needs}.");
        Problem { challenge: Some(challenge), ..Problem::new(StatusCode::FORBIDDEN, text) }
    }

    /// 403: the roles of the person do not go as far, whatever the application was given.
    pub(crate) fn role(needs: &str) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, format!("Forbidden. {needs}"))
    }

    /// 404: absent, or not to be seen.
    pub(crate) fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "There is no such record.")
    }

    /// 408: the body did not arrive.
    pub(crate) fn too_slow() -> Problem {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.")
    }

    /// 413: the body is larger than is read.
    pub(crate) fn too_large() -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.")
    }

    /// 415: a body of a kind that is not read here.
    pub(crate) fn unsupported_media(text: &str) -> Problem {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
    }

    /// 429: the tenant makes too many calls.
    pub(crate) fn throttled(wait: std::time::Duration) -> Problem {
        let seconds = wait.as_secs().saturating_add(1);
        let text = format!("Request was throttled. Expected available in {seconds} seconds.");
        Problem { retry_after: Some(seconds), ..Problem::new(StatusCode::TOO_MANY_REQUESTS, text) }
    }

    /// 500, logged with its cause.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Problem {
        let id = request_id();
        tracing::error!(error = %cause, request_id = id, "a request failed");
        let text = format!("Something went wrong on our side; ask your administrator about request {id}.");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

impl From<casbah_service::Error> for Problem {
    fn from(e: casbah_service::Error) -> Problem {
        use casbah_service::Error;
        match e {
            Error::NotFound => Problem::not_found(),
            Error::Invalid { field, why } => {
                let text = format!("{field}: {why}");
                Problem::invalid(field, text)
            }
            Error::Forbidden { needs } => Problem::new(StatusCode::FORBIDDEN, format!("Forbidden. {needs}")),
            Error::Conflict(why) => Problem::new(StatusCode::CONFLICT, why),
            Error::Internal(cause) => Problem::internal(&cause),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("error".into(), json!(true));
        if let Some((section, code, values)) = self.section.map(|boxed| *boxed) {
            let item = json!({ "error": self.text, "errorMessageCode": code, "errorMessageParams": values });
            body.insert(section_name(&section), json!([item]));
        }
        body.insert("errors".into(), json!([{ "error": self.text }]));
        body.insert("detail".into(), json!(self.text));
        body.insert("requestId".into(), json!(request_id()));
        let mut response = (self.status, Json(Json_::Object(body))).into_response();
        if let Some(challenge) = self.challenge.and_then(|c| HeaderValue::from_str(&c).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A parameter must not take the place of the fixed keys: some clients cannot read two keys that
/// differ only by case, and none two that are the same.
fn section_name(parameter: &str) -> String {
    const FIXED: [&str; 4] = ["error", "errors", "detail", "requestid"];
    if FIXED.contains(&parameter.to_ascii_lowercase().as_str()) {
        "parameter".into()
    } else {
        parameter.into()
    }
}

/// What the table does not know.
pub(crate) async fn no_such_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such endpoint.")
}

/// What the table knows under another method.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This endpoint does not answer to that method.")
}
