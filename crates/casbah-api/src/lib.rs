//! JSON over HTTP: the Cloud Apps API, the directory, token and metadata endpoints, uploads.
//!
//! Calls [`casbah_service`] and the authority; knows no SQL and no markup.
//!
//! ```text
//! normalise ──> table row ──> caller ──> permission ──> handler ──> service ──> view
//!                                                          └─ errors ──> problem
//! ```

mod blob;
mod caller;
mod challenge;
mod cloud_apps;
mod cross_origin;
mod describe;
mod filters;
pub mod graph;
pub mod identity;
mod incoming;
mod json_lines;
pub mod lists;
#[cfg(test)]
mod naive;
mod normalise;
mod openapi;
mod paging;
mod parameters;
mod presented;
mod problem;
mod record;
pub mod resource_manager;
mod table;
#[cfg(test)]
mod testing;

use axum::Router;
use axum::middleware::from_fn;
use casbah_service::Service;

pub use caller::MIGRATION_PATH;
pub use cloud_apps::outgoing;
pub use cross_origin::cross_origin;
pub use incoming::watched as with_watched_body;
pub use normalise::normalise;
pub use table::{Access, EndpointInfo, InPerson};

/// The Cloud Apps API and the blob endpoint; [`graph::router`] and [`identity::router`] stand beside it. Wrap
/// them all so that [`normalise`] sees requests first.
///
/// It answers every path that no router beside it knows, so those must not have a fallback of their own.
pub fn router(service: Service) -> Router {
    let mut router = Router::new();
    for area in areas() {
        router = router.merge(area.into_router(&service));
    }
    router
        .merge(openapi::router())
        .with_state(service)
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn(problem::with_request_id))
}

/// Every endpoint of the table.
pub fn endpoints() -> Vec<EndpointInfo> {
    areas().iter().flat_map(table::Area::endpoints).collect()
}

fn areas() -> Vec<table::Area> {
    let mut areas = cloud_apps::areas();
    areas.push(blob::area());
    areas
}
