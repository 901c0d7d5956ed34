//! The pages, one row each.

mod about;
mod apps;
pub(crate) mod failed;
mod inspect;
mod overview;
mod tokens;

use axum::Router;
use axum::routing::{get, post};
use casbah_service::Service;

use super::visit::{Answer, Failed, Visit};

/// The API, which *Try it* calls like anybody else, with a token.
#[derive(Clone)]
pub(crate) struct Api(pub(crate) Router);

pub(crate) fn router(api: Api) -> Router<Service> {
    Router::new()
        .route("/portal", get(overview::show))
        .route("/portal/", get(overview::show))
        .route("/portal/about", get(about::show))
        .merge(apps::router(api))
        .route("/portal/tokens", get(tokens::show).post(tokens::create))
        .route("/portal/tokens/revoke", post(tokens::revoke))
        .route("/portal/inspect", get(inspect::show).post(inspect::inspect))
}

/// There is no such page.
pub(crate) async fn absent(_: Visit) -> Answer {
    Err(Failed::NotFound)
}
