//! Introspection (RFC 7662) and revocation (RFC 7009) of tokens.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use casbah_authority::{Authority, Endpoint, TokenRequest};
use casbah_model::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::json;

use super::token::{exchange, form, text};

pub(super) async fn introspect(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = request(tenant, &headers, &body);
    let exchange = exchange(&authority, &headers, query.as_deref(), &request.form);
    match authority.introspect(request).await {
        Ok(body) => exchange.ok(body),
        Err(error) => exchange.refused(&authority, &error),
    }
}

pub(super) async fn revoke(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = request(tenant, &headers, &body);
    let exchange = exchange(&authority, &headers, query.as_deref(), &request.form);
    match authority.revoke(request).await {
        Ok(()) => exchange.ok(json!({})),
        Err(error) => exchange.refused(&authority, &error),
    }
}

fn request(tenant: String, headers: &HeaderMap, body: &[u8]) -> TokenRequest {
    TokenRequest {
        endpoint: Endpoint::V2,
        tenant,
        form: form(headers, body),
        authorization: text(headers, AUTHORIZATION).map(Secret::new),
        origin: None,
        proof: None,
    }
}
