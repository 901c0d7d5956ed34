//! The token and device code endpoints.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use casbah_authority::{Authority, Endpoint, Form, OAuthError, TokenRequest, codes};
use casbah_model::Secret;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ALLOW, AUTHORIZATION,
    CONTENT_TYPE, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::answer::{Exchange, allow_any_origin};
use crate::presented::Target;

/// Headers that browser libraries send along.
const CLIENT_HEADERS: &str = "authorization, content-type, client-request-id, return-client-request-id, \
    x-client-sku, x-client-ver, x-client-os, x-client-cpu, x-client-current-telemetry, \
    x-client-last-telemetry, x-ms-lib-capability, x-anchormailbox, dpop";

pub(super) async fn token_v1(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    token(&authority, Endpoint::V1, tenant, query, &target, &headers, &body).await
}

pub(super) async fn token_v2(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    token(&authority, Endpoint::V2, tenant, query, &target, &headers, &body).await
}

async fn token(
    authority: &Authority,
    endpoint: Endpoint,
    tenant: String,
    query: Option<String>,
    target: &Target,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let form = form(headers, body);
    let exchange = exchange(authority, headers, query.as_deref(), &form);
    let origin = text(headers, ORIGIN).map(str::to_string);
    let authorization = text(headers, AUTHORIZATION).map(Secret::new);
    let proof = target.proof(headers, authority.public_url());
    let request = TokenRequest { endpoint, tenant, form, authorization, origin, proof };
    match authority.token(request).await {
        Ok(body) => exchange.ok(body),
        Err(error) => exchange.refused(authority, &error),
    }
}

/// A pushed authorization request (RFC 9126).
pub(super) async fn push(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = form(&headers, &body);
    let exchange = exchange(&authority, &headers, query.as_deref(), &form);
    let authorization = text(&headers, AUTHORIZATION).map(Secret::new);
    let proof = target.proof(&headers, authority.public_url());
    let endpoint = Endpoint::V2;
    match authority.push(TokenRequest { endpoint, tenant, form, authorization, origin: None, proof }).await {
        Ok(body) => {
            let mut response = exchange.ok(body);
            *response.status_mut() = StatusCode::CREATED;
            response
        }
        Err(error) => exchange.refused(&authority, &error),
    }
}

pub(super) async fn device_v1(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    device(&authority, Endpoint::V1, &tenant, query, &headers, &body).await
}

pub(super) async fn device_v2(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    device(&authority, Endpoint::V2, &tenant, query, &headers, &body).await
}

async fn device(
    authority: &Authority,
    endpoint: Endpoint,
    tenant: &str,
    query: Option<String>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let form = form(headers, body);
    let exchange = exchange(authority, headers, query.as_deref(), &form);
    let authorization = text(headers, AUTHORIZATION).map(Secret::new);
    match authority.start_device(endpoint, tenant, form, authorization).await {
        Ok(body) => exchange.ok(body),
        Err(error) => exchange.refused(authority, &error),
    }
}

/// Anything but POST.
pub(super) async fn wrong_method(State(authority): State<Arc<Authority>>, headers: HeaderMap) -> Response {
    let exchange = Exchange::new(&authority, &headers, &[]);
    let text = "The endpoint accepts POST requests only.";
    let mut response = exchange.refused(&authority, &OAuthError::new(codes::WRONG_METHOD, text));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

/// A browser asks before a page may post.
pub(super) async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_any_origin(headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(CLIENT_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// The body, if it is a form; anything else has no parameters.
pub(super) fn form(headers: &HeaderMap, body: &[u8]) -> Form {
    let is_form = text(headers, CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if is_form { Form::parse(body) } else { Form::default() }
}

pub(super) fn exchange(
    authority: &Authority,
    headers: &HeaderMap,
    query: Option<&str>,
    form: &Form,
) -> Exchange {
    // The query is telemetry and versions only; nothing else is taken from it.
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    Exchange::new(authority, headers, &[form, &query])
}

pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
