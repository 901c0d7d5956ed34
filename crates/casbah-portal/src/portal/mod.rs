//! The portal: what people look at and manage. Pages are links and forms and work without script.
//!
//! ```text
//! request -> enter (language, theme, who is here) -> Visit, and Posted for a form -> page -> layout
//! ```
//! A page asks the same use cases as the API, as the person who is signed in.

mod chart;
mod fields;
mod filter;
mod form;
mod in_person;
mod layout;
mod list;
mod map;
mod pages;
mod saved;
mod session;
mod shown;
mod table;
mod text;
mod visit;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use casbah_service::Service;

/// Longest form: names, descriptions, a certificate, a list of redirect URIs.
const LARGEST_BODY: usize = 256 * 1024;

/// Every page of the portal.
pub(crate) fn router(service: &Service, api: Router) -> Router<Service> {
    pages::router()
        .route("/portal/sign-in", get(session::begin))
        .route("/portal/signed-in", get(session::come_back))
        .route("/portal/sign-out", post(session::leave))
        .route("/portal/signed-out", get(session::left))
        .route("/portal/preferences", post(session::prefer))
        .route("/portal/{*path}", get(pages::absent))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(Extension(in_person::Api(api)))
        .layer(from_fn_with_state(service.clone(), visit::enter))
}
