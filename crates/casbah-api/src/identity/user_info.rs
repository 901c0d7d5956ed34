//! The user-info endpoint (OpenID Connect Core, section 5.3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use casbah_authority::{Authority, Refusal};
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::answer::allow_any_origin;
use crate::presented::Target;

pub(super) async fn user_info(
    State(authority): State<Arc<Authority>>,
    target: Target,
    headers: HeaderMap,
) -> Response {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let presented = header.and_then(|h| target.presented(h, &headers, authority.public_url()));
    let mut response = match presented {
        // RFC 6750, section 3.1: no error code when no token was sent.
        None => unauthorized("Bearer"),
        Some(presented) => match authority.user_info(&presented).await {
            Ok(body) => Json(body).into_response(),
            Err(Refusal::Unavailable(cause)) => {
                tracing::error!(error = %cause, "a token could not be checked");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
            Err(Refusal::BadProof(_)) => unauthorized("DPoP error=\"invalid_dpop_proof\""),
            Err(_) => unauthorized("Bearer error=\"invalid_token\""),
        },
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    allow_any_origin(response.headers_mut());
    response
}

fn unauthorized(challenge: &'static str) -> Response {
    let mut response = (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_token" }))).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
