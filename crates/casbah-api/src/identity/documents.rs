//! Metadata, keys, instances, user realm, and what the error numbers mean.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::{Authority, Endpoint, Form, OAuthError, codes};
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};

use super::answer::{Exchange, allow_any_origin};
use crate::challenge::RESOURCE_METADATA;

type Shared = State<Arc<Authority>>;

pub(super) async fn metadata_v1(
    State(authority): Shared,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = authority.metadata(Endpoint::V1, &tenant).await;
    document(&authority, &headers, found)
}

pub(super) async fn metadata_v2(
    State(authority): Shared,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = authority.metadata(Endpoint::V2, &tenant).await;
    document(&authority, &headers, found)
}

pub(super) async fn keys_v1(State(authority): Shared, headers: HeaderMap) -> Response {
    let found = authority.key_document(Endpoint::V1).await.map_err(OAuthError::from);
    document(&authority, &headers, found)
}

pub(super) async fn keys_v2(State(authority): Shared, headers: HeaderMap) -> Response {
    let found = authority.key_document(Endpoint::V2).await.map_err(OAuthError::from);
    document(&authority, &headers, found)
}

pub(super) async fn instances(
    State(authority): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    document(&authority, &headers, authority.instances(query.get("authorization_endpoint")))
}

/// The Cloud Apps API as a protected resource (RFC 9728).
pub(super) async fn protected_resource(State(authority): Shared, uri: Uri, headers: HeaderMap) -> Response {
    let resource = uri.path().strip_prefix(RESOURCE_METADATA).unwrap_or_default();
    let found = authority.protected_resource(resource).await;
    document(&authority, &headers, found)
}

pub(super) async fn user_realm(
    State(authority): Shared,
    Path((_, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    Exchange::new(&authority, &headers, &[]).ok(authority.user_realm(&user))
}

/// What an error number means: JSON for programs, text for people.
pub(super) async fn error(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let number = query.get("code").unwrap_or_default();
    let number = number.strip_prefix("AADSTS").unwrap_or(number);
    let found = number.parse().ok().and_then(codes::find);
    let wants_json = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("json"));
    match (found, wants_json) {
        (Some(code), true) => {
            let body = json!({ "code": code.number, "error": code.error, "description": code.meaning });
            Json(body).into_response()
        }
        (Some(code), false) => {
            format!("AADSTS{}\n\n{}\n\nOAuth error: {}\n", code.number, code.meaning, code.error)
                .into_response()
        }
        (None, true) => (StatusCode::NOT_FOUND, Json(json!({ "error": "unknown_code" }))).into_response(),
        (None, false) => (StatusCode::NOT_FOUND, "Casbah gives no error with that number.\n").into_response(),
    }
}

/// A public document: any page may read it, and clients may keep it for a day.
fn document(authority: &Authority, headers: &HeaderMap, found: Result<Value, OAuthError>) -> Response {
    match found {
        Ok(body) => {
            let mut response = Json(body).into_response();
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=86400, private"));
            allow_any_origin(headers);
            response
        }
        Err(error) => Exchange::new(authority, headers, &[]).refused(authority, &error),
    }
}
