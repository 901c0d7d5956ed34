//! The start page, and the one that legacy API tokens point to.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use casbah_authority::{Caller, Refusal};
use casbah_service::Service;
use http::HeaderMap;

use crate::browser::Browser;
use crate::pages::simple;
use crate::respond::Page;

pub(crate) async fn show(State(service): State<Service>, headers: HeaderMap) -> Response {
    let caller = signed_in(&service, &headers).await;
    let tenant = match &caller {
        Some(caller) => service.fetch_tenant(caller).await.ok(),
        None => None,
    };
    let base = &service.settings().public_url;
    let user = caller.as_ref().map(Caller::name);
    Page::new(simple::start(service.clock(), base, user, tenant.as_ref())).into_response()
}

pub(crate) async fn migrate(State(service): State<Service>) -> Response {
    Page::new(simple::migrate(service.clock(), &service.settings().public_url)).into_response()
}

async fn signed_in(service: &Service, headers: &HeaderMap) -> Option<Caller> {
    let session = Browser::of(headers).session?;
    match service.authority().verify_session(&session).await {
        Ok(caller) => Some(caller),
        Err(Refusal::Unavailable(cause)) => {
            tracing::error!(error = %cause, "the session could not be checked");
            None
        }
        Err(_) => None,
    }
}
