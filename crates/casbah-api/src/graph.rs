//! The directory over HTTP: the Microsoft Graph v1.0 subset for applications, service principals,
//! consent, users and roles.
//!
//! Paths are matched without regard to case and know OData's alternate keys
//! (`/applications(appId='…')`), which is why this area has a table and a matcher of its own.
//! What is not in the table does not exist; a property that is not understood is refused by name. Beside the
//! table stands `/$batch`, whose parts come back to it.

mod app_role_assignments;
mod application_body;
mod applications;
mod audit_logs;
mod authentication;
mod batch;
mod cloud_app_discovery;
mod deleted_items;
mod directory_roles;
mod error;
mod federated_identity_credentials;
mod filter;
mod groups;
mod identity_providers;
mod invitations;
mod key_credentials;
mod lists;
mod members;
mod objects;
mod organization;
mod owners;
mod path;
mod permission_grants;
mod permissions;
mod properties;
mod query;
mod role_management;
mod rotate_password;
mod search;
mod service_principals;
mod signing_keys;
mod table;
mod tenant_settings;
#[cfg(test)]
mod tests;
mod users;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use casbah_authority::{Audience, Caller, Principal, Refusal};
use casbah_model::Guid;
use casbah_service::Service;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use self::error::{About, GraphError};
use self::path::Key;
use self::query::Query;
use self::table::Endpoint;
use crate::presented::Target;

/// Largest body; the longest list of redirect URIs is far below.
const LARGEST_BODY: usize = 256 * 1024;

/// The routes of this area, all below `/v1.0` and the same below `/beta`.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/v1.0/{*path}", axum::routing::any(answer))
        .route("/beta/{*path}", axum::routing::any(answer))
        .with_state(service)
}

/// Every endpoint: method, and path below `/v1.0` with keys in braces.
pub fn endpoints() -> impl Iterator<Item = (&'static str, &'static str)> {
    table::ENDPOINTS.iter().map(|endpoint| (endpoint.method.as_str(), endpoint.path))
}

/// A call whose caller is known and may make it.
struct Call {
    service: Service,
    caller: Caller,
    /// The keys in the path, from left to right.
    keys: Vec<Key>,
    query: Query,
    body: Value,
}

/// What a handler answers.
enum Answer {
    /// 200
    Found(Value),
    /// 201
    Created(Value),
    /// 200, a bare text: what `$count` answers.
    Text(String),
    /// 204
    Done,
}

async fn answer(State(service): State<Service>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let about = About::of(&service, &parts.headers);
    if batch::is_batch(&parts.uri) {
        return respond(batch::answer(&service, &parts, body).await, &about);
    }
    let result = match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) => match identify(&service, &parts, Shown::First).await {
            Ok(caller) => dispatch(&service, caller, &parts, &body).await,
            Err(error) => Err(error),
        },
        Err(_) => Err(GraphError::too_large(LARGEST_BODY)),
    };
    respond(result, &about)
}

fn respond(result: Result<Answer, GraphError>, about: &About) -> Response {
    let mut response = match result {
        Ok(Answer::Found(body)) => (StatusCode::OK, axum::Json(body)).into_response(),
        Ok(Answer::Created(body)) => (StatusCode::CREATED, axum::Json(body)).into_response(),
        Ok(Answer::Text(text)) => text.into_response(),
        Ok(Answer::Done) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.respond(about),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut id = |name, id: Guid| {
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    id("request-id", about.request);
    if let Some(client_request) = about.client_request {
        id("client-request-id", client_request);
    }
    response
}

async fn dispatch(
    service: &Service,
    caller: Caller,
    parts: &Parts,
    body: &Bytes,
) -> Result<Answer, GraphError> {
    let path = parts.uri.path();
    let (version, path) = match path.strip_prefix("/beta") {
        Some(rest) => ("beta", rest),
        None => ("v1.0", path.strip_prefix("/v1.0").unwrap_or(path)),
    };
    let segments = path::parse(path).ok_or_else(GraphError::no_route)?;
    let (endpoint, keys) = table::find(&parts.method, &segments)?;
    for permission in check(&caller, endpoint)? {
        service.note_permission_use(&caller, casbah_authority::seed::DIRECTORY, permission);
    }
    let mut query = Query::parse(parts.uri.query().unwrap_or_default())?;
    query.version = version;
    for prefer in parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()) {
        query.prefer(prefer);
    }
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(body).map_err(|_| GraphError::bad_request("The body is not valid JSON."))?
    };
    let call = Call { service: service.clone(), caller, keys, query, body };
    (endpoint.handler)(call).await
}

/// Whether a token is seen for the first time in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    First,
    /// It was accepted for the batch that this request is a part of.
    Again,
}

async fn identify(service: &Service, parts: &Parts, shown: Shown) -> Result<Caller, GraphError> {
    let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(GraphError::unauthenticated("Access token is empty."));
    };
    let base = service.authority().public_url();
    let presented = header.to_str().ok().and_then(|h| Target::of(parts).presented(h, &parts.headers, base));
    let Some(presented) = presented else {
        return Err(GraphError::unauthenticated("The Authorization header must hold a bearer token."));
    };
    let presented = if shown == Shown::Again { presented.again() } else { presented };
    service.authority().verify(&presented, Audience::Directory).await.map_err(|refusal| match refusal {
        Refusal::Unavailable(cause) => GraphError::unavailable(cause),
        other => GraphError::refused(&other, base),
    })
}

/// Every need of the endpoint must be met; answers the permissions that did. Where owning the object is enough,
/// the use case decides.
fn check(caller: &Caller, endpoint: &Endpoint) -> Result<Vec<&'static str>, GraphError> {
    check_needs(caller, endpoint.needs)
}

fn check_needs(caller: &Caller, needs: &[table::Need]) -> Result<Vec<&'static str>, GraphError> {
    let mut used = Vec::new();
    for need in needs {
        let any_of = match caller.principal {
            Principal::System => continue,
            Principal::Application { .. } => need.application,
            Principal::User { .. } => need.delegated,
        };
        let holds = |p: &&str| caller.directory_permissions.iter().any(|held| held.eq_ignore_ascii_case(p));
        let Some(held) = any_of.iter().copied().find(holds) else {
            return Err(GraphError::lacks(any_of));
        };
        used.push(held);
        if let Principal::User { roles, .. } = &caller.principal
            && !need.owner
            && !need.roles.is_empty()
            && !roles.iter().any(|role| need.roles.contains(&role.name))
        {
            return Err(GraphError::denied(format!(
                "Insufficient privileges to complete the operation: the user must hold one of the roles {}.",
                need.roles.join(", ")
            )));
        }
    }
    Ok(used)
}
