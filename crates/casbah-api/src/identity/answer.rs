//! What answers of the authority have in common: ids, headers, error bodies.

use axum::Json;
use axum::response::{IntoResponse, Response};
use casbah_authority::{About, Authority, Form, OAuthError};
use casbah_model::Guid;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, EXPIRES, PRAGMA, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

const X_MS_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// A request, as far as its answer must speak of it.
pub(super) struct Exchange {
    pub(super) about: About,
    /// Whether the client wants its request id back.
    echo: bool,
    /// Whether the client came with a Basic header.
    basic: bool,
}

impl Exchange {
    /// The client's own id stands in a header, or in the form or query.
    pub(super) fn new(authority: &Authority, headers: &HeaderMap, forms: &[&Form]) -> Exchange {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = header("client-request-id")
            .or_else(|| header("x-ms-client-request-id"))
            .or_else(|| forms.iter().find_map(|form| form.get("client-request-id")));
        let correlation = named.and_then(|text| text.trim().parse().ok()).unwrap_or_else(Guid::random);
        let echo = header("return-client-request-id").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let basic = header("authorization")
            .is_some_and(|v| v.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("basic ")));
        let about = About { trace: Guid::random(), correlation, at: authority.clock().now() };
        Exchange { about, echo, basic }
    }

    /// A token-like answer: never cached.
    pub(super) fn ok(&self, body: Value) -> Response {
        self.finish((StatusCode::OK, Json(body)).into_response())
    }

    /// A refusal.
    pub(super) fn refused(&self, authority: &Authority, error: &OAuthError) -> Response {
        let trace = self.about.trace;
        match &error.cause {
            Some(cause) => tracing::error!(%trace, error = %cause, "the authority failed"),
            None => tracing::info!(%trace, code = error.code.number, error = error.error, "refused"),
        }
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = error.body(authority.public_url(), &self.about);
        let mut response = self.finish((status, Json(body)).into_response());
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED && self.basic {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"casbah\""));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn finish(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(EXPIRES, HeaderValue::from_static("-1"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        insert(headers, X_MS_REQUEST_ID, &self.about.trace);
        if self.echo {
            insert(headers, CLIENT_REQUEST_ID, &self.about.correlation);
        }
        allow_any_origin(headers);
        response
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &Guid) {
    if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
        headers.insert(name, value);
    }
}

/// Lets pages read the answer. No cookie counts at these endpoints, so any page may; whether a page
/// may redeem is decided by the grant, which looks at the origin itself.
pub(crate) fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let exposed = "x-ms-request-id, client-request-id, Retry-After, DPoP-Nonce";
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
}
