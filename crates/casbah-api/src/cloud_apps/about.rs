//! What clients of the portal's interface ask first: the version, the tenant's settings, the apps in use and the kinds
//! of their activities.

use axum::extract::State;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_model::Permission::{self, InvestigationManage, InvestigationRead, SettingsManage, SettingsRead};
use casbah_service::Service;
use casbah_service::about::{ActivityType, AppInUse, name_of};
use serde_json::{Value, json};

use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// Nothing here tells more than that the server is there, so whoever may do anything may ask.
const ANY: &[Permission] = &Permission::ALL;
const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const SETTINGS: &[Permission] = &[SettingsRead, SettingsManage];
const VERSION: &str = env!("CARGO_PKG_VERSION");

const SERVICE: Record = Record {
    name: "AppInUse",
    what: "An app that there are activities, accounts or files of.",
    properties: &[
        has("id", Shape::Integer, "Its number."),
        has("appId", Shape::Integer, "The same."),
        has("name", Shape::Text, ""),
        has("accountsCount", Shape::Integer, "Accounts and people."),
        has("filesCount", Shape::Integer, "Files that are there."),
        has("lastActivity", Shape::Nullable(&Shape::Time), "When the latest activity was."),
    ],
};

const DAYS: Shape = Shape::Nullable(&Shape::Integer);
const SETTINGS_OF_TENANT: &[Property] = &[
    has("_tid", Shape::Integer, "Number of the tenant."),
    has("aadTenantId", Shape::Guid, "Its id."),
    has("orgDisplayName", Shape::Text, "Its name."),
    has("domains", Shape::List(&Shape::Text), "Its domains, the default one first."),
    has("country", Shape::Nullable(&Shape::Text), "Where it is, in two letters."),
    has("created", Shape::Time, "When it was made."),
    has(
        "retentionDays",
        Shape::Inline(
            const {
                &[
                    has("activities", DAYS, "Null: they are kept."),
                    has("alerts", DAYS, ""),
                    has("governance", DAYS, ""),
                    has("discovery", DAYS, ""),
                ]
            },
        ),
        "How long records are kept.",
    ),
    has("anonymizeByDefault", Shape::Flag, "Whether new reports of discovery hide the names of users."),
    has(
        "resolveDiscoveryUserWithAAD",
        Shape::Flag,
        "Whether users of discovery are looked up in the directory.",
    ),
];

const TYPES: &[Property] = &[has(
    "records",
    Shape::Inline(
        const {
            &[
                has(
                    "items",
                    Shape::List(&Shape::Inline(
                        const {
                            &[
                                has("category", Shape::Text, "Such as `EVENT_CATEGORY_LOGIN`."),
                                has("id", Shape::Text, "The fine type, as `actionType` filters by it."),
                                has("appId", Shape::Integer, ""),
                                has("service_name", Shape::Text, "Name of the app."),
                            ]
                        },
                    )),
                    "",
                ),
                has("total", Shape::Integer, ""),
            ]
        },
    ),
    "",
)];

pub(super) fn area() -> Area {
    Area::for_everyone("About")
        .get("/api/v1/version", ANY, "Tell the version of the server", fetch_version)
        .answers(Shape::Inline(const { &[has("version", Shape::Text, "")] }))
        .get("/api/v1/about/info", ANY, "Tell what the server is", fetch_about)
        .answers(Shape::Inline(
            const {
                &[
                    has("product", Shape::Text, ""),
                    has("version", Shape::Text, ""),
                    has("tenantId", Shape::Integer, "Number of the caller's tenant."),
                    has("aadTenantId", Shape::Guid, "Its id."),
                    has("user", Shape::Text, "Name of the caller."),
                ]
            },
        ))
        .get("/api/v1/about/server_url", ANY, "Tell the public address of the server", fetch_server_url)
        .answers(Shape::Inline(const { &[has("url", Shape::Url, "")] }))
}

pub(super) fn settings() -> Area {
    Area::new("Settings", Part::Administrators)
        .get("/api/v1/settings", SETTINGS, "Fetch the settings of the tenant", fetch_settings)
        .answers(Shape::Inline(SETTINGS_OF_TENANT))
}

pub(super) fn in_use() -> Area {
    Area::new("Apps in use", Part::Activities)
        .get("/api/v1/services", READ, "List the apps that there are records of", list_services)
        .pages(&SERVICE)
        .get(
            "/api/v1/autocomplete/activity-types",
            READ,
            "List the kinds of activities that there were",
            list_activity_types,
        )
        .takes(
            const {
                &[
                    may_have("search", Shape::Text, "Only those whose category or type contains this."),
                    may_have(
                        "service",
                        Shape::Text,
                        "Only of these apps: `eq(i:11161,i:20893,)`, or a number.",
                    ),
                ]
            },
        )
        .answers(Shape::Inline(TYPES))
}

async fn fetch_version() -> Json<Value> {
    Json(json!({ "version": VERSION }))
}

async fn fetch_about(Extension(caller): Extension<Caller>) -> Json<Value> {
    Json(json!({
        "product": "Casbah",
        "version": VERSION,
        "tenantId": caller.tenant_number,
        "aadTenantId": caller.tenant,
        "user": caller.name(),
    }))
}

async fn fetch_server_url(State(service): State<Service>) -> Json<Value> {
    Json(json!({ "url": service.settings().public_url }))
}

async fn fetch_settings(State(service): State<Service>, Extension(caller): Extension<Caller>) -> Answer {
    let found = service.tenant_overview(&caller).await?;
    let retention = &found.settings.retention;
    Ok(Json(json!({
        "_tid": found.tenant.number,
        "aadTenantId": found.tenant.id,
        "orgDisplayName": found.tenant.display_name,
        "domains": found.tenant.domains,
        "country": found.settings.country,
        "created": found.tenant.created,
        "retentionDays": {
            "activities": retention.activities,
            "alerts": retention.alerts,
            "governance": retention.governance,
            "discovery": retention.discovery,
        },
        "anonymizeByDefault": found.discovery.anonymize_by_default,
        "resolveDiscoveryUserWithAAD": found.discovery.resolve_users,
    })))
}

async fn list_services(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let found = service.list_apps_in_use(&caller).await?;
    let view = |one: &AppInUse| {
        json!({
            "id": one.app,
            "appId": one.app,
            "name": name_of(one),
            "accountsCount": one.accounts,
            "filesCount": one.files,
            "lastActivity": one.last_activity,
        })
    };
    Ok(Json(paging::cut(found.iter().map(view).collect(), page)))
}

async fn list_activity_types(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let apps = match parameters.text("service")?.filter(|text| !text.trim().is_empty()) {
        None => None,
        Some(text) => Some(numbers(&text).ok_or_else(|| {
            Problem::invalid(
                "service",
                "service must be the number of an app, or a list such as eq(i:11161,i:20893,).",
            )
        })?),
    };
    let search = parameters.text("search")?.unwrap_or_default();
    let found = service.list_activity_types(&caller, apps, search).await?;
    let view = |one: &ActivityType| {
        json!({
            "category": one.category,
            "id": one.action_type,
            "appId": one.app,
            "service_name": one.app_name,
        })
    };
    let items: Vec<Value> = found.iter().map(view).collect();
    Ok(Json(json!({ "records": { "total": items.len(), "items": items } })))
}

/// The numbers in `eq(i:11161,i:20893,)`, or in a list of numbers.
fn numbers(text: &str) -> Option<Vec<i64>> {
    let text = text.trim();
    let inside = match text.strip_prefix("eq(") {
        Some(rest) => rest.strip_suffix(')')?,
        None => text,
    };
    let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.strip_prefix("i:").unwrap_or(part).parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn apps_are_named_as_clients_name_them() {
        assert_eq!(numbers("eq(i:11161,)"), Some(vec![11161]));
        assert_eq!(numbers(" eq(i:11161, i:20893) "), Some(vec![11161, 20893]));
        assert_eq!(numbers("10489"), Some(vec![10489]));
        assert_eq!((numbers("eq(i:1"), numbers("box"), numbers("neq(i:1)")), (None, None, None));
    }
}
