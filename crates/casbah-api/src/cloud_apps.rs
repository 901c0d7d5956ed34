//! The Cloud Apps API: alerts, discovery, governance log, policies.

mod about;
mod activities;
mod administrators;
mod alerts;
mod api_tokens;
mod app_permissions;
mod app_tags;
mod block_lists;
mod block_scripts;
mod catalog;
mod custom_apps;
mod custom_parsers;
mod data_sources;
mod discovered_apps;
mod discovery_reports;
mod discovery_settings;
mod discovery_shapes;
mod entities;
mod exports;
mod files;
pub(crate) mod filters;
mod forwarders;
mod governance;
mod ip_tags;
mod log_collectors;
mod ms_flow;
pub mod outgoing;
mod policies;
mod siem_agents;
mod streams;
mod subnets;
#[cfg(test)]
mod tests;
mod uploads;
mod user_tags;

use axum::extract::Path;
use casbah_model::Permission::{
    self, DiscoveryManage, DiscoveryRead, InvestigationManage, InvestigationRead,
};
use casbah_model::RecordId;
use serde_json::json;

use crate::problem::{NOT_VALID, Problem};
use crate::table::Area;

/// Alerts are for investigators and for those who look after discovery.
const ALERTS_READ: &[Permission] = &[InvestigationRead, InvestigationManage, DiscoveryRead, DiscoveryManage];
const ALERTS_MANAGE: &[Permission] = &[InvestigationManage, DiscoveryManage];
const DISCOVERY_READ: &[Permission] = &[DiscoveryRead, DiscoveryManage];
const DISCOVERY_MANAGE: &[Permission] = &[DiscoveryManage];

pub(crate) use activities::fields::FIELDS as ACTIVITY_FIELDS;
pub(crate) use alerts::fields::FIELDS as ALERT_FIELDS;

pub(crate) fn areas() -> Vec<Area> {
    vec![
        activities::area(),
        alerts::area(),
        entities::area(),
        files::area(),
        uploads::area(),
        streams::area(),
        discovered_apps::area(),
        catalog::area(),
        discovery_reports::area(),
        app_tags::area(),
        block_scripts::area(),
        block_lists::area(),
        custom_apps::area(),
        custom_apps::overrides(),
        custom_parsers::area(),
        discovery_settings::area(),
        discovery_settings::unmatched(),
        log_collectors::area(),
        data_sources::area(),
        governance::area(),
        filters::area(),
        policies::area(),
        subnets::area(),
        ip_tags::area(),
        user_tags::area(),
        about::area(),
        about::settings(),
        about::in_use(),
        app_permissions::area(),
        api_tokens::area(),
        administrators::area(),
        ms_flow::area(),
        siem_agents::area(),
    ]
}

/// The id in a path; 400 when it is not one.
fn record_id(Path(text): Path<String>) -> Result<RecordId, Problem> {
    text.parse().map_err(|_| {
        Problem::coded("id", NOT_VALID, json!({ "value": text }), "The id must be 24 hex digits.")
    })
}
