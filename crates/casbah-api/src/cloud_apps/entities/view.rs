//! The entity as the wire has it.

use casbah_model::activity::app_name;
use casbah_model::{DayScore, Entity, EntityAddress, EntityKind, Timestamp};
use casbah_service::entities::EntityDetails;
use casbah_service::user_groups::UserGroup;
use serde_json::{Map, Value, json};

use super::key;
use crate::describe::{Property, Record, Shape, has};

const MS_OF_DAY: i64 = 86_400_000;
/// `idType` of what has an id of its own, and of applications.
const ID: i64 = 1;
const APPLICATION_ID: i64 = 17;

pub(super) fn entity(details: &EntityDetails) -> Value {
    let entity = &details.entity;
    let address = &entity.address;
    let days: Vec<Value> = details.history.iter().map(|day| day_score(*day)).collect();
    let trends: Map<String, Value> =
        details.history.iter().map(|day| (date(day.day), json!({ "score": day.score }))).collect();
    let mut accounts: Vec<Value> = Vec::new();
    if entity.kind == EntityKind::User {
        // A person signs in to the directory with an account of the same key.
        accounts.push(account(entity, None));
        accounts.extend(details.accounts.iter().map(|one| account(one, Some(address))));
    } else {
        accounts.push(account(entity, details.parent.as_ref()));
    }
    let role = if entity.of_directory {
        details.roles.first().map(|r| (*r).to_string())
    } else {
        entity.role.clone()
    };
    json!({
        "type": entity.kind.number(),
        "status": entity.status.number(),
        "displayName": entity.display_name,
        "id": address.id,
        "_id": entity.record,
        "userGroups": details.groups.iter().map(group).collect::<Vec<_>>(),
        "identifiers": entity.facts.identifiers,
        "sid": entity.facts.sid,
        "appData": {
            "appId": address.saas,
            "name": app(address.saas),
            "saas": address.saas,
            "instance": address.inst,
        },
        "isAdmin": entity.admin,
        "isExternal": entity.external,
        "isFake": entity.facts.fake,
        "email": entity.email,
        "role": role,
        "organization": entity.organization,
        "domain": entity.domain,
        "lastSeen": entity.last_seen.map(Timestamp::iso),
        "threatScore": entity.score,
        "threatScoreHistory": days,
        "scoreTrends": trends,
        "subApps": entity.facts.sub_apps,
        "idType": id_type(entity),
        "ii": address.joined(),
        "username": key::as_text(address),
        "sctime": entity.score_time,
        "actions": [],
        "accounts": accounts,
    })
}

fn id_type(entity: &Entity) -> i64 {
    entity.facts.id_type.unwrap_or(if entity.application { APPLICATION_ID } else { ID })
}

fn app(number: i64) -> String {
    app_name(number).map_or_else(|| format!("App {number}"), str::to_string)
}

fn group(group: &UserGroup) -> Value {
    json!({
        "_id": group.id,
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "usersCount": group.users,
        "appId": group.imported.map(|_| casbah_model::DIRECTORY_APP),
    })
}

fn account(account: &Entity, parent: Option<&EntityAddress>) -> Value {
    let address = &account.address;
    json!({
        "_id": format!("fa-{}-{}", account.record, address.saas),
        "i": address.id,
        "ii": address.joined(),
        "inst": address.inst,
        "saas": address.saas,
        "t": EntityKind::Account.number(),
        "dn": account.display_name,
        "ext": account.external,
        "s": account.status.number(),
        "aliases": account.facts.aliases,
        "isFake": account.facts.fake,
        "pa": account.email,
        "em": account.email,
        "sublst": account.facts.sub_apps,
        "p": parent.map(EntityAddress::joined),
        "appData": { "appId": address.saas, "name": app(address.saas) },
        "actions": [],
    })
}

/// `20260510`
fn date(day: i64) -> String {
    let iso = Timestamp(day * MS_OF_DAY).iso();
    iso.get(..10).unwrap_or_default().replace('-', "")
}

fn day_score(day: DayScore) -> Value {
    json!({
        "dateFormatted": date(day.day),
        "dateUtc": day.day * MS_OF_DAY,
        "score": day.score,
        "percentile": day.percentile,
        "breakdown": { "alerts": day.alerts },
    })
}

const WORD: Shape = Shape::Nullable(&Shape::Text);
const TEXTS: Shape = Shape::List(&Shape::Text);
const KNOWN: Shape = Shape::Nullable(&Shape::Flag);
const STATUS: Shape =
    Shape::Numbered(&[(0, "not known"), (1, "staged"), (2, "active"), (3, "suspended"), (4, "deleted")]);

pub(super) const ENTITY: Record = Record {
    name: "Entity",
    what: "A person, or an account through which somebody does things in an app.",
    properties: &[
        has("type", Shape::Numbered(&[(1, "account"), (2, "user")]), ""),
        has("status", STATUS, ""),
        has("displayName", Shape::Text, ""),
        has("id", Shape::Text, "Id inside the app."),
        has("_id", Shape::Id, "Record id, which follows from the key."),
        has("userGroups", Shape::List(&Shape::Inline(GROUP)), "User groups that it is in."),
        has("identifiers", TEXTS, "Further ids."),
        has("sid", WORD, "Security identifier."),
        has("appData", Shape::Inline(APP), "The app that it is in."),
        has("isAdmin", Shape::Flag, "Whether it holds a role of administrators."),
        has("isExternal", KNOWN, "Whether it belongs to another organisation; null where nothing says so."),
        has("isFake", Shape::Flag, "Whether it is the shadow of an account."),
        has("email", WORD, "Main address."),
        has("role", WORD, "Role of administrators, the first of several."),
        has("organization", WORD, "Organizational unit."),
        has("domain", WORD, "Domain of the address."),
        has("lastSeen", Shape::Nullable(&Shape::Moment), "When it last did something."),
        has(
            "threatScore",
            Shape::Nullable(&Shape::Integer),
            "Investigation priority; null when there never was an alert.",
        ),
        has("threatScoreHistory", Shape::List(&Shape::Inline(DAY)), "The same by day, for thirty days."),
        has("scoreTrends", Shape::Map(&Shape::Inline(TREND)), "The same, by date."),
        has("subApps", Shape::List(&Shape::Anything), "Apps within the app, as they were reported."),
        has("idType", Shape::Integer, "1, or 17 for applications."),
        has("ii", Shape::Text, "App, instance and id: `11161|0|mira`."),
        has("username", Shape::Text, "The key as JSON text."),
        has("sctime", Shape::Nullable(&Shape::Time), "When the score was computed."),
        has("actions", Shape::List(&Shape::Object), "Governance actions that are offered; none."),
        has(
            "accounts",
            Shape::List(&Shape::Inline(ACCOUNT)),
            "Of a person all accounts, of an account itself.",
        ),
    ],
};

const GROUP: &[Property] = &[
    has("_id", Shape::Id, ""),
    has("id", Shape::Id, ""),
    has("name", Shape::Text, ""),
    has("description", Shape::Text, ""),
    has("usersCount", Shape::Integer, ""),
    has("appId", Shape::Nullable(&Shape::Integer), "The directory, for its groups."),
];

const APP: &[Property] = &[
    has("appId", Shape::Integer, "App, by number."),
    has("name", Shape::Text, ""),
    has("saas", Shape::Integer, "The same number."),
    has("instance", Shape::Integer, ""),
];

const DAY: &[Property] = &[
    has("dateFormatted", Shape::Text, "Such as 20260510."),
    has("dateUtc", Shape::Time, "When the day began."),
    has("score", Shape::Integer, ""),
    has("percentile", Shape::Integer, "Of a hundred entities with a score, so many had a lower one."),
    has("breakdown", Shape::Inline(&[has("alerts", Shape::Integer, "Alerts that counted.")]), ""),
];

const TREND: &[Property] = &[has("score", Shape::Integer, "")];

const ACCOUNT: &[Property] = &[
    has("_id", Shape::Text, ""),
    has("i", Shape::Text, "Id inside the app."),
    has("ii", Shape::Text, "App, instance and id."),
    has("inst", Shape::Integer, "Instance of the app."),
    has("saas", Shape::Integer, "App, by number."),
    has("t", Shape::Integer, "1: an account."),
    has("dn", Shape::Text, "Name for people."),
    has("ext", KNOWN, "Whether it belongs to another organisation."),
    has("s", STATUS, ""),
    has("aliases", TEXTS, "Further names and addresses."),
    has("isFake", Shape::Flag, ""),
    has("pa", WORD, "Main address."),
    has("em", WORD, "Address for mail."),
    has("sublst", Shape::List(&Shape::Anything), "Apps within the app."),
    has("p", WORD, "The person behind it: app, instance and id."),
    has("appData", Shape::Inline(&[has("appId", Shape::Integer, ""), has("name", Shape::Text, "")]), ""),
    has("actions", Shape::List(&Shape::Object), "None."),
];
