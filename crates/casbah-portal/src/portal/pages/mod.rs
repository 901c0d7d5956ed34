//! The pages, one row each.

mod about;
mod activities;
mod alerts;
mod apps;
mod audit;
mod discovery;
mod entities;
mod export;
pub(crate) mod failed;
mod files;
mod governance;
mod inspect;
mod ip_ranges;
mod overview;
mod people;
mod policies;
mod settings;
mod tokens;

use axum::Router;
use axum::routing::{get, post};
use casbah_service::Service;

use super::saved;
use super::visit::{Answer, Failed, Visit};

pub(crate) fn router() -> Router<Service> {
    Router::new()
        .route("/portal", get(overview::show))
        .route("/portal/", get(overview::show))
        .route("/portal/about", get(about::show))
        .merge(apps::router())
        .merge(alerts::router())
        .merge(discovery::router())
        .route("/portal/export/{*list}", get(export::take))
        .route("/portal/saved", post(saved::save))
        .route("/portal/saved/{id}/delete", post(saved::forget))
        .route("/portal/entities", get(entities::show))
        .route("/portal/entities/one", get(entities::show_one))
        .route("/portal/files", get(files::show))
        .route("/portal/files/{id}", get(files::show_one))
        .route("/portal/governance", get(governance::show))
        .route("/portal/audit", get(audit::show))
        .route("/portal/activities", get(activities::show))
        .route("/portal/activities/one", get(activities::show_one))
        .route("/portal/settings", get(settings::show).post(settings::save))
        .route("/portal/settings/user-groups", post(settings::import_group))
        .route("/portal/settings/user-groups/{id}/delete", post(settings::remove_group))
        .route("/portal/ip-ranges", get(ip_ranges::show).post(ip_ranges::create))
        .route("/portal/ip-ranges/{id}", get(ip_ranges::show_one).post(ip_ranges::change))
        .route("/portal/ip-ranges/{id}/delete", post(ip_ranges::delete))
        .route("/portal/policies", get(policies::show))
        .route("/portal/policies/new", get(policies::edit::new).post(policies::edit::create))
        .route("/portal/policies/{id}", get(policies::edit::show).post(policies::edit::change))
        .route("/portal/policies/{id}/enabled", post(policies::set_enabled))
        .route("/portal/policies/{id}/delete", post(policies::edit::delete))
        .route("/portal/people", get(people::show))
        .route("/portal/people/new", get(people::edit::new).post(people::edit::create))
        .route("/portal/people/invite", post(people::edit::invite))
        .route("/portal/people/{id}", get(people::show_one).post(people::edit::change))
        .route("/portal/people/{id}/enabled", post(people::edit::set_enabled))
        .route("/portal/people/{id}/password", post(people::edit::reset_password))
        .route("/portal/people/{id}/sign-out", post(people::edit::sign_out))
        .route("/portal/people/{id}/delete", post(people::edit::delete))
        .route("/portal/people/{id}/roles", post(people::roles::add))
        .route("/portal/people/{id}/roles/remove", post(people::roles::remove))
        .route("/portal/people/{id}/cloud-apps-roles", post(people::roles::add_of_cloud_apps))
        .route("/portal/people/{id}/cloud-apps-roles/remove", post(people::roles::remove_of_cloud_apps))
        .route("/portal/tokens", get(tokens::show).post(tokens::create))
        .route("/portal/tokens/revoke", post(tokens::revoke))
        .route("/portal/inspect", get(inspect::show).post(inspect::inspect))
}

/// There is no such page.
pub(crate) async fn absent(_: Visit) -> Answer {
    Err(Failed::NotFound)
}
