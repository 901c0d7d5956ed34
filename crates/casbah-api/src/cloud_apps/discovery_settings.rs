//! What is left out, what belongs to no app, and how user names are kept.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{Exclusion, ExclusionKind, Part, UnmatchedDomain};
use casbah_service::Service;
use serde_json::{Value, json};

use super::custom_apps::texts;
use super::discovered_apps::{FRAME, STREAM, stream, timeframe};
use super::discovery_shapes::{
    self as shapes, BY_DEFAULT, ENCRYPTION, ENRICHMENT, EXCLUSION, NEW_EXCLUSION, NOTHING, RESOLVED,
    UNMATCHED,
};
use super::{DISCOVERY_MANAGE, DISCOVERY_READ, record_id};
use crate::describe::Shape;
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const EXCLUSIONS: &str = "/api/v1/discovery/exclusions";
const RESOLVE: &str = "/api/v1/tenant_config/resolveDiscoveryUserWithAAD";

pub(super) fn area() -> Area {
    Area::new("Discovery settings", Part::DiscoverySettings)
        .get(EXCLUSIONS, DISCOVERY_READ, "List what is not counted", list_exclusions)
        .pages(&EXCLUSION)
        .post(EXCLUSIONS, DISCOVERY_MANAGE, "Leave a user or address out", create_exclusion)
        .takes(NEW_EXCLUSION)
        .answers(Shape::Record(&EXCLUSION))
        .delete(
            "/api/v1/discovery/exclusions/{id}",
            DISCOVERY_MANAGE,
            "Count a user or address again",
            delete_exclusion,
        )
        .answers(NOTHING)
        .get(
            "/api/v1/discovery/get_encryption_settings",
            DISCOVERY_READ,
            "Fetch how user names are hidden",
            fetch_encryption_settings,
        )
        .answers(ENCRYPTION)
        .post(
            "/api/v1/discovery/set_encryption_settings",
            DISCOVERY_MANAGE,
            "Set how user names are hidden",
            set_encryption_settings,
        )
        .takes(BY_DEFAULT)
        .answers(NOTHING)
        .post(
            "/api/v1/discovery/resolve_usernames",
            DISCOVERY_MANAGE,
            "Show hidden user names, with a reason",
            resolve_usernames,
        )
        .takes(shapes::RESOLVE)
        .answers(RESOLVED)
        .get(RESOLVE, DISCOVERY_READ, "Fetch whether names are enriched", fetch_user_enrichment)
        .answers(Shape::Inline(ENRICHMENT))
        .post(RESOLVE, DISCOVERY_MANAGE, "Set whether names are enriched", set_user_enrichment)
        .takes(ENRICHMENT)
        .answers(Shape::Inline(ENRICHMENT))
}

/// What belongs to no app is part of the reports.
pub(super) fn unmatched() -> Area {
    Area::new("Unmatched domains", Part::Discovery)
        .list(
            "/api/v1/discovery/unmatched_domains",
            DISCOVERY_READ,
            "List domains of no known app",
            list_unmatched_domains,
        )
        .pages(&UNMATCHED)
        .takes(const { &[STREAM, FRAME] })
}

async fn list_exclusions(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_exclusions(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(exclusion_view).collect(), page)))
}

fn exclusion_view(one: &Exclusion) -> Value {
    json!({
        "_id": one.id,
        "entityType": match one.kind {
            ExclusionKind::User => "user",
            ExclusionKind::IpAddress => "ipAddress",
        },
        "value": one.value,
        "note": one.note,
        "created": one.created,
        "createdBy": one.created_by,
    })
}

async fn create_exclusion(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let kind = match parameters.required_text("entityType")?.trim().to_ascii_lowercase().as_str() {
        "user" => ExclusionKind::User,
        "ipaddress" | "ip" => ExclusionKind::IpAddress,
        _ => return Err(Problem::invalid("entityType", "entityType must be user or ipAddress.")),
    };
    let (value, note) = (parameters.required_text("value")?, parameters.text("note")?.unwrap_or_default());
    Ok(Json(exclusion_view(&service.create_exclusion(&caller, kind, value, note).await?)))
}

async fn delete_exclusion(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_exclusion(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

async fn list_unmatched_domains(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let (stream, timeframe) = (stream(&parameters)?, timeframe(&parameters)?);
    let (found, total) = service.list_unmatched(&caller, stream, timeframe, page).await?;
    let one = |one: &UnmatchedDomain| {
        json!({
            "domain": one.domain,
            "trafficTotalEvents": one.events,
            "trafficTotalBytes": one.total,
            "firstSeen": one.first.iso(),
            "lastSeen": one.last.iso(),
        })
    };
    Ok(Json(paging::answer(found.iter().map(one).collect(), total, page)))
}

async fn fetch_encryption_settings(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    let settings = service.discovery_settings(&caller).await?;
    Ok(Json(json!({
        "anonymizeByDefault": settings.anonymize_by_default,
        "hasKey": service.has_name_key(&caller).await?,
        "algorithm": "AES-128-GCM-SIV",
    })))
}

async fn set_encryption_settings(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let on = parameters.flag("anonymizeByDefault")?;
    let on = on.ok_or_else(|| Problem::invalid("anonymizeByDefault", "anonymizeByDefault is missing."))?;
    service.set_anonymization(&caller, on).await?;
    Ok(Json(json!({})))
}

async fn resolve_usernames(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let names = texts(&parameters, "userNames")?;
    let why = parameters.required_text("justification")?;
    let found = service.resolve_names(&caller, names, why).await?;
    let one = |one: &casbah_service::discovery::ResolvedName| json!({ "userName": one.given, "resolved": one.resolved });
    Ok(Json(json!({ "data": found.iter().map(one).collect::<Vec<_>>() })))
}

async fn fetch_user_enrichment(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    let on = service.discovery_settings(&caller).await?.resolve_users;
    Ok(Json(json!({ "resolveDiscoveryUserWithAAD": on })))
}

async fn set_user_enrichment(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    const NAME: &str = "resolveDiscoveryUserWithAAD";
    let on = parameters.flag(NAME)?.ok_or_else(|| Problem::invalid(NAME, format!("{NAME} is missing.")))?;
    service.set_user_resolution(&caller, on).await?;
    Ok(Json(json!({ NAME: on })))
}
