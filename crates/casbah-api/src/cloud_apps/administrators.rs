//! Who holds the roles of Cloud Apps. Clients know the path and three fields; the rest is ours.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{self, SettingsManage, SettingsRead};
use casbah_model::{ADMINISTRATOR_ROLES, AdministratorRole, Bound, Part};
use casbah_service::Service;
use casbah_service::administrators::{AdministratorDetails, NewAdministrator};
use serde_json::{Value, json};

use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::{Parameters, whole_number};
use crate::problem::Problem;
use crate::table::Area;

const READ: &[Permission] = &[SettingsRead, SettingsManage];
const MANAGE: &[Permission] = &[SettingsManage];
const PATH: &str = "/api/v1/manage_admin_access";

const NEW: &[Property] = &[
    has("username", Shape::Text, "Sign-in name or object id of the person."),
    may_have("role", Shape::Text, "The role by its name; this or `permissionType`."),
    may_have(
        "permissionType",
        Shape::Between(0, 5),
        "The role by number: 0 full, 1 read only, 2 compliance, 3 app, 4 group, 5 discovery.",
    ),
    may_have(
        "apps",
        Shape::List(&Shape::Anything),
        "Apps, by number or name, that an app role is limited to.",
    ),
    may_have("groups", Shape::List(&Shape::Text), "Groups, by id or name, that a group role is limited to."),
    may_have(
        "reports",
        Shape::List(&Shape::Text),
        "Reports, by id or name, that a discovery role is limited to.",
    ),
    may_have("readOnly", Shape::Flag, "Whether the role lets read only."),
];

const ADMINISTRATOR: Record = Record {
    name: "Administrator",
    what: "A role of Cloud Apps that somebody holds.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("_tid", Shape::Integer, "Number of the tenant."),
        has("objectId", Shape::Guid, "Object id of the person."),
        has("username", Shape::Text, "Sign-in name of the person."),
        has("permission_type", Shape::Integer, "The role by number, which says less than `role`."),
        has("role", Shape::Text, ""),
        has("roleName", Shape::Text, "Its name for people."),
        has("readOnly", Shape::Flag, ""),
        has(
            "apps",
            Shape::List(&Shape::Inline(&[
                has("app", Shape::Integer, ""),
                has("instance", Shape::Nullable(&Shape::Integer), ""),
                has("name", Shape::Nullable(&Shape::Text), ""),
            ])),
            "Apps that the role is limited to.",
        ),
        has("groups", Shape::List(&Shape::Inline(GROUP)), "Groups that the role is limited to."),
        has("reports", Shape::List(&Shape::Inline(REPORT)), "Reports that the role is limited to."),
        has("created", Shape::Time, "When it was given."),
    ],
};
const GROUP: &[Property] = &[has("id", Shape::Guid, ""), has("name", Shape::Nullable(&Shape::Text), "")];
const REPORT: &[Property] = &[has("id", Shape::Id, ""), has("name", Shape::Nullable(&Shape::Text), "")];

pub(super) fn area() -> Area {
    Area::new("Administrators", Part::Administrators)
        .get(PATH, READ, "List who holds a role of Cloud Apps", list_administrators)
        .pages(&ADMINISTRATOR)
        .post(PATH, MANAGE, "Give somebody a role of Cloud Apps", add_administrator)
        .takes(NEW)
        .answers(Shape::Record(&ADMINISTRATOR))
        .delete(
            "/api/v1/manage_admin_access/{id}",
            MANAGE,
            "Take a role of Cloud Apps away, or all that somebody holds",
            remove_administrator,
        )
        .at(Shape::Text)
        .answers(Shape::Inline(
            const {
                &[
                    has("username", Shape::Text, "Whose role it was."),
                    has("removed", Shape::Integer, "Roles taken away."),
                ]
            },
        ))
}

async fn list_administrators(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_administrators(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(|one| view(one, caller.tenant_number)).collect(), page)))
}

async fn add_administrator(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let reports = texts(&parameters, "reports")?;
    let new = NewAdministrator {
        user: parameters.required_text("username")?,
        role: role(&parameters, !reports.is_empty())?,
        apps: apps(&parameters)?,
        groups: texts(&parameters, "groups")?,
        reports,
        read_only: parameters.flag("readOnly")?.unwrap_or(false),
    };
    let (added, _) = service.add_administrator(&caller, new).await?;
    Ok(Json(view(&added, caller.tenant_number)))
}

async fn remove_administrator(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
) -> Answer {
    let (username, removed) = service.remove_administrator(&caller, &key).await?;
    Ok(Json(json!({ "username": username, "removed": removed })))
}

/// `role` by name, or `permissionType` by number, which says less.
fn role(parameters: &Parameters, of_reports: bool) -> Result<&'static AdministratorRole, Problem> {
    let names: Vec<&str> = ADMINISTRATOR_ROLES.iter().map(|role| role.id).collect();
    if let Some(name) = parameters.text("role")?.filter(|name| !name.trim().is_empty()) {
        return AdministratorRole::find(&name).ok_or_else(|| {
            Problem::invalid("role", format!("role: there is no {name:?}; there are {}.", names.join(", ")))
        });
    }
    let named = match parameters.number("permissionType")? {
        Some(0) => "global",
        Some(1) => "security-reader",
        Some(2) => "compliance",
        Some(3) => "app",
        Some(4) => "group",
        Some(5) if of_reports => "discovery-report",
        Some(5) => "discovery",
        Some(_) => return Err(Problem::invalid("permissionType", "permissionType must be 0 to 5.")),
        None => {
            let text = format!("role is missing: one of {}.", names.join(", "));
            return Err(Problem::invalid("role", text));
        }
    };
    AdministratorRole::find(named).ok_or_else(Problem::not_found)
}

/// A list, or one thing that stands for a list of one.
fn list<'a>(parameters: &'a Parameters, name: &str) -> Vec<&'a Value> {
    match parameters.raw(name) {
        None => Vec::new(),
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
    }
}

fn texts(parameters: &Parameters, name: &str) -> Result<Vec<String>, Problem> {
    let text = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        _ => Err(Problem::invalid(name, format!("{name} must be names or ids."))),
    };
    list(parameters, name).into_iter().map(text).collect()
}

/// Numbers, names, or `{"app": .., "instance": ..}`.
fn apps(parameters: &Parameters) -> Result<Vec<(String, Option<i64>)>, Problem> {
    let wrong =
        || Problem::invalid("apps", "apps must be numbers, names, or objects with app and perhaps instance.");
    let name = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        Value::Number(_) => whole_number(value).map(|number| number.to_string()).ok_or_else(wrong),
        _ => Err(wrong()),
    };
    let app = |value: &Value| match value.as_object() {
        None => Ok((name(value)?, None)),
        Some(object) => {
            let instance = match object.get("instance") {
                None | Some(Value::Null) => None,
                Some(number) => Some(whole_number(number).ok_or_else(wrong)?),
            };
            Ok((name(object.get("app").unwrap_or(&Value::Null))?, instance))
        }
    };
    list(parameters, "apps").into_iter().map(app).collect()
}

fn view(details: &AdministratorDetails, tenant_number: i64) -> Value {
    let one = &details.administrator;
    let (mut apps, mut groups, mut reports) = (Vec::new(), Vec::new(), Vec::new());
    for (bound, name) in one.bounds.iter().zip(&details.names) {
        match bound {
            Bound::App { app, instance } => {
                apps.push(json!({ "app": app, "instance": instance, "name": name }));
            }
            Bound::Group(id) => groups.push(json!({ "id": id, "name": name })),
            Bound::Report(id) => reports.push(json!({ "id": id, "name": name })),
            Bound::Discovery => {}
        }
    }
    json!({
        "_id": one.id,
        "_tid": tenant_number,
        "objectId": one.user,
        "username": details.user_name,
        "permission_type": one.role.permission_type,
        "role": one.role.id,
        "roleName": one.role.name,
        "readOnly": one.read_only,
        "apps": apps,
        "groups": groups,
        "reports": reports,
        "created": one.created,
    })
}
