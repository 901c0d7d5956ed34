//! The pages, one row each.

mod about;
mod activities;
mod alerts;
mod apps;
mod discovery;
pub(crate) mod failed;
mod inspect;
mod ip_ranges;
mod overview;
mod people;
mod policies;
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
        .merge(alerts::router())
        .merge(discovery::router())
        .route("/portal/activities", get(activities::show))
        .route("/portal/activities/one", get(activities::show_one))
        .route("/portal/ip-ranges", get(ip_ranges::show).post(ip_ranges::create))
        .route("/portal/ip-ranges/{id}/delete", post(ip_ranges::delete))
        .route("/portal/policies", get(policies::show))
        .route("/portal/policies/{id}/enabled", post(policies::set_enabled))
        .route("/portal/people", get(people::show))
        .route("/portal/people/{id}", get(people::show_one))
        .route("/portal/tokens", get(tokens::show).post(tokens::create))
        .route("/portal/tokens/revoke", post(tokens::revoke))
        .route("/portal/inspect", get(inspect::show).post(inspect::inspect))
}

/// There is no such page.
pub(crate) async fn absent(_: Visit) -> Answer {
    Err(Failed::NotFound)
}
