//! Lets pages of other origins call the APIs: single-page applications do, with a token that they hold.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::identity;

/// Where a bearer token is all that counts, never a cookie, so that any page may ask and read.
const OPEN: &[&str] = &["/api/v1/", "/v1.0/", "/beta/"];

/// Answers the question that a browser asks before such a call, and marks the answer as readable (Fetch, 3.2).
/// Requests without an origin pass as they are.
pub async fn cross_origin(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !request.headers().contains_key(ORIGIN) || !OPEN.iter().any(|start| path.starts_with(start)) {
        return next.run(request).await;
    }
    let asks = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if request.method() == Method::OPTIONS && asks {
        allowance(request.headers())
    } else {
        next.run(request).await
    };
    identity::allow_any_origin(response.headers_mut());
    response
}

/// What may be sent: the methods of the APIs and whatever headers were asked for, since none is a secret of
/// the browser's.
fn allowance(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}
