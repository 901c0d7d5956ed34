//! Applications that hold permissions: what they were granted, who uses them, and what is decided of them.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{self, InvestigationManage, InvestigationRead};
use casbah_model::activity::app_name;
use casbah_model::filter::AppPermissionField as F;
use casbah_model::{DIRECTORY_APP, EntityAddress, Part, Timestamp};
use casbah_service::Service;
use casbah_service::app_permissions::{
    AppDecision, AppPermission, AppPermissionOrder, AppPermissionQuery, AppUser, Granted,
};
use serde_json::{Value, json};

use super::entities::key;
use super::record_id;
use crate::describe::{Property, Record, Shape, has};
use crate::filters::Operator::{
    Contains, Eq, Gt, Gte, GteNdays, Isnotset, Isset, Lt, Lte, LteNdays, Neq, Range, Startswith,
};
use crate::filters::{self, Field, Kind, Operator};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::table::Area;

const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const MANAGE: &[Permission] = &[InvestigationManage];
const SORTS: &[&str] = &["userCount", "appName", "severity", "lastUsed", "lastInstalled"];

const IS: &[Operator] = &[Eq, Neq];
const NUMBER: &[Operator] = &[Eq, Neq, Gt, Gte, Lt, Lte, Range];
const TIME: &[Operator] = &[Lte, Gte, Lt, Gt, Range, LteNdays, GteNdays, Isset, Isnotset];
const LEVELS: &[(&str, i64)] = &[("low", 0), ("medium", 1), ("high", 2)];
const STATES: &[(&str, i64)] = &[("none", 0), ("approved", 1), ("banned", 2)];

const FIELDS: &[Field<F>] = &[
    Field::new(
        &["app"],
        F::App,
        Kind::Number,
        IS,
        ("App that it is an application of, by number; all are of the directory", "11161"),
    ),
    Field::new(
        &["appName", "name"],
        F::Name,
        Kind::Text,
        &[Eq, Neq, Contains, Startswith],
        ("Its name", "Orders"),
    ),
    Field::new(
        &["clientId"],
        F::ClientId,
        Kind::Text,
        IS,
        ("Its application id", "aaaaaaaa-0000-4000-8000-000000000001"),
    ),
    Field::new(
        &["severity", "permissionLevel"],
        F::Severity,
        Kind::Named(LEVELS),
        IS,
        ("How much its permissions allow", "high"),
    ),
    Field::new(&["appStatus"], F::Status, Kind::Named(STATES), IS, ("What was decided of it", "banned")),
    Field::new(&["userCount"], F::Users, Kind::Number, NUMBER, ("How many people use it", "5")),
    Field::new(
        &["isInternal"],
        F::Internal,
        Kind::Flag,
        &[Eq],
        ("Whether it is the tenant's own, and did not come with Casbah", "true"),
    ),
    Field::new(
        &["isAdminConsent"],
        F::AdminConsent,
        Kind::Flag,
        &[Eq],
        ("Whether it holds something for everybody", "true"),
    ),
    Field::new(
        &["permission"],
        F::Permission,
        Kind::Text,
        &[Eq, Neq, Contains, Startswith],
        ("A permission that it holds, by name", "User.Read.All"),
    ),
    Field::new(&["lastUsed"], F::LastUsed, Kind::Time, TIME, ("When it was last used", "1778400000000")),
    Field::new(
        &["lastInstalled"],
        F::LastGranted,
        Kind::Time,
        TIME,
        ("When it was last given a permission", "1778400000000"),
    ),
];

const WORD: Shape = Shape::Nullable(&Shape::Text);
const LEVEL: Shape = Shape::Numbered(&[(0, "low"), (1, "medium"), (2, "high")]);
const WHEN: Shape = Shape::Nullable(&Shape::Time);

const APP_PERMISSION: Record = Record {
    name: "AppPermission",
    what: "An application with what it was granted.",
    properties: &[
        has("_id", Shape::Id, "Record id, that of its account in the directory."),
        has("clientId", Shape::Guid, "Application id."),
        has("localClientId", Shape::Guid, "Object id of its service principal."),
        has("appId", Shape::Integer, "App that it is an application of: the directory."),
        has("saasId", Shape::Integer, "The same."),
        has("instId", Shape::Integer, ""),
        has("instanceName", Shape::Text, "Name of that app."),
        has("appName", Shape::Text, "Its name."),
        has("publisher", WORD, "Domain of whoever registered it."),
        has("homepage", WORD, ""),
        has("description", WORD, ""),
        has("isInternal", Shape::Flag, "Whether it is the tenant's own, and did not come with Casbah."),
        has("isEnabled", Shape::Flag, "Whether it gets tokens."),
        has("isAdminConsent", Shape::Flag, "Whether it holds something for everybody, or as itself."),
        has("severity", LEVEL, "How much its permissions allow."),
        has("userCount", Shape::Integer, "People who consented for themselves, or have signed in to it."),
        has("userInstallationCount", Shape::Integer, "People who consented for themselves."),
        has("scopes", Shape::List(&Shape::Inline(SCOPE)), "What it was granted."),
        has("firstInstalled", Shape::Time, "When it came into the tenant."),
        has("lastInstalled", WHEN, "When it was last given a permission."),
        has("lastUsed", WHEN, "When it was last used, to the hour or better."),
        has("scanTime", Shape::Time, "The moment of the answer: everything is looked up for it."),
        has("snapshotLastModifiedDate", Shape::Moment, "When it last came or was given something."),
        has("appStatus", Shape::Numbered(&[(0, "nothing decided"), (1, "approved"), (2, "banned")]), ""),
        has(
            "actions",
            Shape::List(&Shape::Object),
            "None; see the calls `approve`, `ban`, `clear`, `revoke`.",
        ),
        has("_tid", Shape::Integer, "Number of the tenant."),
    ],
};

const SCOPE: &[Property] = &[
    has("category", Shape::Text, "Name of the resource."),
    has("value", Shape::Text, "The permission, as it stands in tokens."),
    has("description", Shape::Text, "What it allows."),
    has("type", Shape::Word(&["delegated", "application"]), "Lent by people, or the application's own."),
    has("isAdminConsent", Shape::Flag, "Whether it counts for everybody."),
    has("userCount", Shape::Integer, "People who consented to it for themselves."),
    has("granted", Shape::Time, "When it was first granted."),
    has("grantedBy", WORD, "Who granted it for everybody, or as an app role; null where that was not noted."),
    has("lastUsed", WHEN, "When it was last used, to the hour; of Casbah's own APIs only."),
    has("severity", LEVEL, "How much it allows."),
];

const USER: Record = Record {
    name: "AppPermissionUser",
    what: "Somebody who uses an application.",
    properties: &[
        has("id", Shape::Text, "Key of the person as JSON text."),
        has("entityData", Shape::Inline(&[has("0", Shape::Inline(PERSON), "")]), ""),
        has("username", Shape::Text, "Sign-in name."),
        has("isAdmin", Shape::Flag, "Whether the person holds a role of administrators."),
        has("consented", WHEN, "When the person consented for themselves."),
        has("lastSignIn", WHEN, "When the latest known sign-in to it began."),
    ],
};
const PERSON: &[Property] = &[has("displayName", Shape::Text, ""), has("id", Shape::Inline(KEY), "")];
const KEY: &[Property] =
    &[has("id", Shape::Text, ""), has("saas", Shape::Integer, ""), has("inst", Shape::Integer, "")];

pub(super) fn area() -> Area {
    Area::new("OAuth apps", Part::Entities)
        .list(
            "/api/v1/app_permissions",
            READ,
            "List applications that hold permissions",
            list_app_permissions,
        )
        .pages(&APP_PERMISSION)
        .filtered(FIELDS)
        .sorted(SORTS)
        .get(
            "/api/v1/app_permissions/{id}",
            READ,
            "Fetch an application that holds permissions",
            fetch_app_permission,
        )
        .answers(Shape::Record(&APP_PERMISSION))
        .get(
            "/api/v1/app_permissions/{id}/users",
            READ,
            "List who uses an application that holds permissions",
            list_app_permission_users,
        )
        .pages(&USER)
        .post("/api/v1/app_permissions/{id}/approve", MANAGE, "Approve an application", approve_app)
        .answers(Shape::Record(&APP_PERMISSION))
        .post("/api/v1/app_permissions/{id}/ban", MANAGE, "Shut an application out", ban_app)
        .answers(Shape::Record(&APP_PERMISSION))
        .post(
            "/api/v1/app_permissions/{id}/clear",
            MANAGE,
            "Forget what was decided of an application",
            clear_app,
        )
        .answers(Shape::Record(&APP_PERMISSION))
        .post(
            "/api/v1/app_permissions/{id}/revoke",
            MANAGE,
            "Take away all that an application was granted",
            revoke_app,
        )
        .answers(Shape::Record(&APP_PERMISSION))
}

async fn list_app_permissions(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let now = service.clock().now();
    let conditions = filters::parse(&filters::given(&parameters)?, FIELDS, now)?;
    let orders = [
        ("userCount", AppPermissionOrder::Users),
        ("appName", AppPermissionOrder::Name),
        ("severity", AppPermissionOrder::Severity),
        ("lastUsed", AppPermissionOrder::LastUsed),
        ("lastInstalled", AppPermissionOrder::LastGranted),
    ];
    let order = paging::sort_field(&parameters, &orders)?;
    let ascending = paging::ascending(&parameters)?;
    let (page, _) = paging::page(&parameters)?;
    let query = AppPermissionQuery { conditions, order, ascending, page };
    let (found, total) = service.list_app_permissions(&caller, query).await?;
    let data = found.iter().map(|one| view(one, caller.tenant_number, now)).collect();
    Ok(Json(paging::answer(data, total, page)))
}

async fn fetch_app_permission(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let found = service.app_permission(&caller, record_id(id)?).await?;
    Ok(Json(view(&found, caller.tenant_number, service.clock().now())))
}

async fn list_app_permission_users(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let (found, total) = service.list_app_permission_users(&caller, record_id(id)?, page).await?;
    Ok(Json(paging::answer(found.iter().map(|(user, admin)| user_view(user, *admin)).collect(), total, page)))
}

async fn approve_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    decide(&service, &caller, id, AppDecision::Approve).await
}

async fn ban_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    decide(&service, &caller, id, AppDecision::Ban).await
}

async fn clear_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    decide(&service, &caller, id, AppDecision::Clear).await
}

async fn revoke_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    decide(&service, &caller, id, AppDecision::Revoke).await
}

async fn decide(service: &Service, caller: &Caller, id: Path<String>, decision: AppDecision) -> Answer {
    let found = service.decide_app_permission(caller, record_id(id)?, decision).await?;
    Ok(Json(view(&found, caller.tenant_number, service.clock().now())))
}

fn view(app: &AppPermission, tenant_number: i64, now: Timestamp) -> Value {
    let principal = &app.principal;
    let last_granted = app.last_granted();
    let last = last_granted.map_or(principal.created, |at| at.max(principal.created));
    json!({
        "_id": app.record,
        "clientId": principal.app_id,
        "localClientId": principal.id,
        "appId": DIRECTORY_APP,
        "saasId": DIRECTORY_APP,
        "instId": 0,
        "instanceName": app_name(DIRECTORY_APP).unwrap_or_default(),
        "appName": principal.display_name,
        "publisher": app.publisher,
        "homepage": app.homepage,
        "description": app.description,
        "isInternal": app.internal,
        "isEnabled": principal.enabled,
        "isAdminConsent": app.admin_consent(),
        "severity": app.severity(),
        "userCount": app.users,
        "userInstallationCount": app.consenting,
        "scopes": app.permissions.iter().map(scope).collect::<Vec<_>>(),
        "firstInstalled": principal.created,
        "lastInstalled": last_granted,
        "lastUsed": app.last_used,
        "scanTime": now,
        "snapshotLastModifiedDate": last.iso(),
        "appStatus": app.status(),
        "actions": [],
        "_tid": tenant_number,
    })
}

fn scope(granted: &Granted) -> Value {
    json!({
        "category": granted.resource,
        "value": granted.value,
        "description": granted.description,
        "type": if granted.delegated { "delegated" } else { "application" },
        "isAdminConsent": granted.everyone,
        "userCount": granted.people,
        "granted": granted.granted,
        "grantedBy": granted.by,
        "lastUsed": granted.last_used,
        "severity": granted.severity,
    })
}

fn user_view(user: &AppUser, administrator: bool) -> Value {
    let address = EntityAddress { id: user.id.to_string(), saas: DIRECTORY_APP, inst: 0 };
    json!({
        "id": key::as_text(&address),
        "entityData": {
            "0": {
                "displayName": user.display_name,
                "id": { "id": user.id, "saas": DIRECTORY_APP, "inst": 0 },
            },
        },
        "username": user.user_name,
        "isAdmin": administrator,
        "consented": user.consented,
        "lastSignIn": user.signed_in,
    })
}
