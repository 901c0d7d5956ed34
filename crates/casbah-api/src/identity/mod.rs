//! The authority over HTTP: token, device code, metadata, keys, instances, user realm, user info.
//! Its pages (authorize, device, signing out) are the portal's.

mod answer;
mod documents;
mod token;
mod token_state;
mod user_info;

use std::sync::Arc;

pub(crate) use answer::allow_any_origin;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use casbah_authority::{Authority, OAuthError, codes};
use http::{HeaderMap, StatusCode};

/// Long certificate chains and tokens travel in these forms.
const LARGEST_BODY: usize = 128 * 1024;

/// Every endpoint of the authority that answers with JSON. `{tenant}` is a GUID, a domain, `common` or
/// `organizations`.
///
/// Paths are registered in lower case; outer layers bring a request's path there with
/// [`canonical_path`].
pub fn router(authority: Arc<Authority>) -> Router {
    let token_v1 = post(token::token_v1).options(token::preflight).fallback(token::wrong_method);
    let token_v2 = post(token::token_v2).options(token::preflight).fallback(token::wrong_method);
    let device_v1 = post(token::device_v1).options(token::preflight).fallback(token::wrong_method);
    let device_v2 = post(token::device_v2).options(token::preflight).fallback(token::wrong_method);
    let post_only = |handler: MethodRouter<Arc<Authority>>| {
        handler.options(token::preflight).fallback(token::wrong_method)
    };
    let user_info = get(user_info::user_info).post(user_info::user_info).options(token::preflight);
    Router::new()
        .route("/{tenant}/oauth2/v2.0/introspect", post_only(post(token_state::introspect)))
        .route("/{tenant}/oauth2/v2.0/par", post_only(post(token::push)))
        .route("/{tenant}/oauth2/v2.0/revoke", post_only(post(token_state::revoke)))
        .route("/{tenant}/oauth2/token", token_v1)
        .route("/{tenant}/oauth2/v2.0/token", token_v2)
        .route("/{tenant}/oauth2/devicecode", device_v1)
        .route("/{tenant}/oauth2/v2.0/devicecode", device_v2)
        .route("/{tenant}/.well-known/openid-configuration", get(documents::metadata_v1))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(documents::metadata_v2))
        .route("/{tenant}/v2.0/.well-known/oauth-authorization-server", get(documents::metadata_v2))
        .route("/.well-known/oauth-authorization-server/{tenant}/v2.0", get(documents::metadata_v2))
        .route("/{tenant}/.well-known/oauth-authorization-server", get(documents::metadata_v1))
        .route("/.well-known/oauth-authorization-server/{tenant}", get(documents::metadata_v1))
        .route("/.well-known/oauth-protected-resource", get(documents::protected_resource))
        .route("/.well-known/oauth-protected-resource/api", get(documents::protected_resource))
        .route("/.well-known/oauth-protected-resource/api/v1", get(documents::protected_resource))
        .route("/{tenant}/discovery/keys", get(documents::keys_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(documents::keys_v2))
        .route("/{tenant}/discovery/instance", get(documents::instances))
        .route("/{tenant}/userrealm/{user}", get(documents::user_realm))
        .route("/{tenant}/openid/userinfo", user_info.clone())
        .route("/oidc/userinfo", user_info.clone())
        .route("/error", get(documents::error))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(Arc::clone(&authority), explain_too_large))
        .with_state(authority)
}

/// Says in the words that clients read that a form is too large.
async fn explain_too_large(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    if response.status() != StatusCode::PAYLOAD_TOO_LARGE {
        return response;
    }
    let text = format!("The request body is larger than {LARGEST_BODY} bytes.");
    let exchange = answer::Exchange::new(&authority, &headers, &[]);
    let mut response = exchange.refused(&authority, &OAuthError::new(codes::MALFORMED, text));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// The spelling under which an authority path is routed; none when the path is not the authority's or
/// is spelled that way already. Clients write `/common/UserRealm/...` and `/Contoso.Example/OAuth2/Token`.
pub fn canonical_path(path: &str) -> Option<String> {
    let lower = path.to_ascii_lowercase();
    let ours = ["/oauth2/", "/discovery/", "/.well-known/", "/userrealm/", "/openid/", "/adminconsent"];
    let is_ours =
        ours.iter().any(|part| lower.contains(part)) || lower == "/oidc/userinfo" || lower == "/error";
    let others = ["/api/", "/cas/", "/v1.0/", "/beta/", "/portal/", "/upload/", "/assets/"];
    let is_theirs = others.iter().any(|start| lower.starts_with(start));
    (is_ours && !is_theirs && lower != path).then_some(lower)
}

#[cfg(test)]
mod tests;
