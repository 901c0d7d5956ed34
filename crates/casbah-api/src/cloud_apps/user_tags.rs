//! User groups, which the interface calls user tags, and who is in a group of the directory.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{self, InvestigationManage, InvestigationRead, SettingsManage, SettingsRead};
use casbah_model::filter::UserGroupField as F;
use casbah_model::{DIRECTORY_APP, Guid, Part, Timestamp};
use casbah_service::Service;
use casbah_service::user_groups::{UserGroup, UserGroupOrder, UserGroupQuery};
use serde_json::{Value, json};

use super::record_id;
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::filters::Operator::{Contains, Eq, Neq, Startswith};
use crate::filters::{self, Field, Kind, Operator};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// Investigators filter by them; those who look after the settings keep the list.
const READ: &[Permission] = &[InvestigationRead, InvestigationManage, SettingsRead, SettingsManage];
const MANAGE: &[Permission] = &[InvestigationManage, SettingsManage];

const SORTS: &[&str] = &["name", "usersCount", "lastUpdatedTimestamp"];
const IS: &[Operator] = &[Eq, Neq];
const KINDS: &[(&str, i64)] = &[("imported", 0), ("built-in", 2)];
const STATES: &[(&str, i64)] = &[("in force", 0), ("deleted", 1)];
/// What the numbers of a group that comes from a query of the directory are in the interface.
const SOURCE: i64 = 2;
/// Members that are given, unless less are asked for.
const MEMBERS: i64 = 100;
/// Apps that share the groups of the directory.
const OF_DIRECTORY: [i64; 6] = [DIRECTORY_APP, 11522, 15600, 20892, 20893, 28375];

const FIELDS: &[Field<F>] = &[
    Field::new(&["id"], F::Id, Kind::Id, IS, ("Its id", "000000200000000000000000")),
    Field::new(&["name"], F::Name, Kind::Text, &[Eq, Neq, Contains, Startswith], ("Its name", "Sales")),
    Field::new(
        &["app", "appId"],
        F::App,
        Kind::Number,
        IS,
        ("App whose group it is, by number; null for the built-in ones", "11161"),
    ),
    Field::new(&["type"], F::Kind, Kind::Named(KINDS), IS, ("Where it comes from", "imported")),
    Field::new(
        &["status"],
        F::Status,
        Kind::Named(STATES),
        IS,
        ("Whether the directory's group is there", "0"),
    ),
];

const TEMPLATE: &[Property] = &[has("template", Shape::Text, "")];

const USER_GROUP: Record = Record {
    name: "UserGroup",
    what: "People to filter by: a group of the directory, or one that comes with every tenant.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("id", Shape::Id, "The same."),
        has("name", Shape::Text, ""),
        has("description", Shape::Text, ""),
        may_have("nameTemplate", Shape::Inline(TEMPLATE), "Of a built-in one."),
        may_have("descriptionTemplate", Shape::Inline(TEMPLATE), "Of a built-in one."),
        has("visibility", Shape::Integer, ""),
        has("status", Shape::Numbered(&[(0, "in force"), (1, "the directory's group was deleted")]), ""),
        has("type", Shape::Numbered(&[(0, "imported"), (2, "built in")]), ""),
        has("target", Shape::Integer, "0: people."),
        has("usersCount", Shape::Integer, "How many are in it at the moment of the answer."),
        may_have("appId", Shape::Integer, "The directory; of an imported one."),
        may_have("groupId", Shape::Guid, "Object id of the directory's group; of an imported one."),
        may_have(
            "source",
            Shape::Inline(&[
                has("type", Shape::Integer, ""),
                has("appId", Shape::Integer, ""),
                has("addCondition", Shape::Anything, "None."),
                has("removeCondition", Shape::Anything, "None."),
            ]),
            "Of an imported one.",
        ),
        has("generatorType", Shape::Integer, ""),
        has("lastUpdatedTimestamp", Shape::Nullable(&Shape::Time), "When it was imported."),
        has(
            "lastScannedBySage",
            Shape::Time,
            "The moment of the answer: its members are looked up for each.",
        ),
        has("successfullyImportedBySage", Shape::Flag, "Whether its group is there."),
        has("_tid", Shape::Integer, "Number of the tenant."),
    ],
};

const MEMBERS_OF_GROUP: &[Property] = &[has(
    "group",
    Shape::Inline(
        const {
            &[
                has("id", Shape::Guid, ""),
                has("name", Shape::Text, ""),
                has("membersCount", Shape::Integer, "How many people are in it."),
                has(
                    "membersList",
                    Shape::List(&Shape::Inline(
                        const {
                            &[
                                has("id", Shape::Guid, ""),
                                has("name", Shape::Text, ""),
                                has("emailAddress", Shape::Text, "For mail, or the sign-in name."),
                            ]
                        },
                    )),
                    "The first of them, by name.",
                ),
            ]
        },
    ),
    "",
)];

pub(super) fn area() -> Area {
    Area::new("User groups", Part::Entities)
        .list("/api/v1/user_tags", READ, "List user groups", list_user_groups)
        .pages(&USER_GROUP)
        .filtered(FIELDS)
        .sorted(SORTS)
        .post("/api/v1/user_tags/create_tag", MANAGE, "Import a group of the directory", import_user_group)
        .takes(
            const {
                &[
                    has("groupId", Shape::Guid, "Object id of the group."),
                    may_have("appId", Shape::Word(&["11161"]), "The directory, which is the only source."),
                    may_have(
                        "shouldNotify",
                        Shape::Flag,
                        "Taken, and needless: the group is imported when the answer comes.",
                    ),
                ]
            },
        )
        .answers(Shape::Record(&USER_GROUP))
        .get("/api/v1/user_tags/{id}", READ, "Fetch a user group", fetch_user_group)
        .answers(Shape::Record(&USER_GROUP))
        .delete("/api/v1/user_tags/{id}", MANAGE, "Remove an imported user group", remove_user_group)
        .answers(Shape::Inline(&[]))
        .get("/api/v1/get_group", READ, "Fetch who is in a group of the directory", fetch_group_members)
        .takes(
            const {
                &[
                    has(
                        "appId",
                        Shape::Integer,
                        "The app whose group it is; those of Microsoft share the directory's.",
                    ),
                    has("groupId", Shape::Text, "Object id of the group, or id of the user group."),
                    may_have("limit", Shape::Integer, "Members to give, at the most 100."),
                ]
            },
        )
        .answers(Shape::Inline(MEMBERS_OF_GROUP))
}

async fn list_user_groups(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let now = service.clock().now();
    let conditions = filters::parse(&filters::given(&parameters)?, FIELDS, now)?;
    let orders = [
        ("name", UserGroupOrder::Name),
        ("usersCount", UserGroupOrder::Users),
        ("lastUpdatedTimestamp", UserGroupOrder::Imported),
    ];
    let order = paging::sort_field(&parameters, &orders)?;
    // By name from A on, unless it is said otherwise.
    let ascending = match parameters.raw("sortDirection") {
        None => order == UserGroupOrder::Name,
        Some(_) => paging::ascending(&parameters)?,
    };
    let (page, _) = paging::page(&parameters)?;
    let query = UserGroupQuery { conditions, order, ascending, page };
    let (found, total) = service.list_user_groups(&caller, query).await?;
    let data = found.iter().map(|group| view(group, caller.tenant_number, now)).collect();
    Ok(Json(paging::answer(data, total, page)))
}

async fn fetch_user_group(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let found = service.user_group(&caller, record_id(id)?).await?;
    Ok(Json(view(&found, caller.tenant_number, service.clock().now())))
}

async fn import_user_group(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    service.check_changes_user_groups(&caller)?;
    if parameters.number("appId")?.is_some_and(|app| app != DIRECTORY_APP) {
        let why = format!("appId must be {DIRECTORY_APP}: groups are imported from the directory.");
        return Err(Problem::invalid("appId", why));
    }
    parameters.flag("shouldNotify")?;
    let group = parameters.required_text("groupId")?;
    let group: Guid =
        group.trim().parse().map_err(|_| Problem::invalid("groupId", "groupId must be a GUID."))?;
    let made = service.import_user_group(&caller, group).await?;
    Ok(Json(view(&made, caller.tenant_number, service.clock().now())))
}

async fn remove_user_group(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.remove_user_group(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

async fn fetch_group_members(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let app = parameters.number("appId")?.ok_or_else(|| Problem::invalid("appId", "appId is missing."))?;
    let key = parameters.required_text("groupId")?;
    let limit = parameters.number("limit")?.unwrap_or(MEMBERS);
    if limit < 1 {
        return Err(Problem::invalid("limit", "limit must be at least 1."));
    }
    if !OF_DIRECTORY.contains(&app) {
        return Err(casbah_service::Error::NotFound.into());
    }
    let found = service.group_members(&caller, key, limit.min(MEMBERS)).await?;
    let member = |one: &casbah_service::user_groups::GroupMember| json!({ "id": one.id, "name": one.name, "emailAddress": one.address });
    Ok(Json(json!({
        "group": {
            "id": found.id,
            "name": found.name,
            "membersCount": found.total,
            "membersList": found.members.iter().map(member).collect::<Vec<_>>(),
        },
    })))
}

fn view(group: &UserGroup, tenant_number: i64, now: Timestamp) -> Value {
    let mut view = json!({
        "_id": group.id,
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "visibility": 0,
        "status": group.status(),
        "type": group.kind(),
        "target": 0,
        "usersCount": group.users,
        "generatorType": 0,
        "lastUpdatedTimestamp": group.imported.map(|imported| imported.at),
        "lastScannedBySage": now,
        "successfullyImportedBySage": group.status() == 0,
        "_tid": tenant_number,
    });
    match &group.imported {
        Some(imported) => {
            view["appId"] = json!(DIRECTORY_APP);
            view["groupId"] = json!(imported.group);
            view["source"] = json!({
                "type": SOURCE,
                "appId": DIRECTORY_APP,
                "addCondition": null,
                "removeCondition": null,
            });
        }
        None => {
            let words = group.name.to_ascii_uppercase().replace(' ', "_");
            view["nameTemplate"] = json!({ "template": format!("USER_TAG_NAME_{words}") });
            view["descriptionTemplate"] = json!({ "template": format!("USER_TAG_DESCRIPTION_{words}") });
        }
    }
    view
}
