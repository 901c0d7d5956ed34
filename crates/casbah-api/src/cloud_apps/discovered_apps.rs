//! Discovered apps and their categories.

#[cfg(test)]
mod tests;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::filter::{DiscoveredAppField, Page};
use casbah_model::{Part, RecordId};
use casbah_service::Service;
use casbah_service::discovery::{AppOrder, AppQuery, DiscoveredApp, Timeframe};
use serde_json::{Map, Value, json};

use super::exports::{self, Column, EVERYTHING, Wanted};
use super::{DISCOVERY_READ, record_id};
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::filters::Operator::{Contains, Eq, Gt, Gte, Lt, Lte, Neq};
use crate::filters::{self, Field, Kind};
use crate::paging::{self, Answer};
use crate::parameters::{Parameters, whole_number};
use crate::problem::Problem;
use crate::table::Area;

use DiscoveredAppField::{App, Category, Name, Sanctioned, Score, Tag, User, Users};

const FIELDS: &[Field<DiscoveredAppField>] = &[
    Field {
        names: &["appId"],
        field: App,
        kind: Kind::Number,
        operators: &[Eq, Neq],
        what: "Number of the app in the catalogue",
        example: "11627",
    },
    Field {
        names: &["appName"],
        field: Name,
        kind: Kind::Text,
        operators: &[Eq, Neq, Contains],
        what: "Name of the app",
        example: "Dropbox",
    },
    Field {
        names: &["category"],
        field: Category,
        kind: Kind::Text,
        operators: &[Eq, Neq],
        what: "Category of the app",
        example: "SAASDB_CATEGORY_WEBMAIL",
    },
    Field {
        names: &["score"],
        field: Score,
        kind: Kind::Span,
        operators: &[Eq, Gt, Gte, Lt, Lte],
        what: "Risk score, 1 (highest risk) to 10; `eq` with two numbers is a range",
        example: "5",
    },
    Field {
        names: &["users"],
        field: Users,
        kind: Kind::Number,
        operators: &[Gt, Gte, Lt, Lte, Eq],
        what: "Number of users",
        example: "10",
    },
    Field {
        names: &["user.entity"],
        field: User,
        kind: Kind::Entity,
        operators: &[Eq, Neq],
        what: "A user of the app, by name or key",
        example: "mira@contoso.example",
    },
    Field {
        names: &["tag"],
        field: Tag,
        kind: Kind::Text,
        operators: &[Eq, Neq],
        what: "A tag of the app, by name or id",
        example: "Sanctioned",
    },
    Field {
        names: &["sanctioned"],
        field: Sanctioned,
        kind: Kind::Flag,
        operators: &[Eq],
        what: "Whether it is tagged as sanctioned",
        example: "true",
    },
];

const ORDERS: &[(&str, AppOrder)] = &[
    ("trafficTotalBytes", AppOrder::Total),
    ("name", AppOrder::Name),
    ("score", AppOrder::Score),
    ("usersCount", AppOrder::Users),
    ("ipAddressesCount", AppOrder::Ips),
    ("lastUsed", AppOrder::LastUsed),
    ("trafficUploadedBytes", AppOrder::Uploaded),
    ("trafficDownloadedBytes", AppOrder::Downloaded),
    ("trafficTotalEvents", AppOrder::Events),
];

pub(super) const APP: Record = Record {
    name: "DiscoveredApp",
    what: "An app of the catalogue that was seen in traffic.",
    properties: &[
        has("appId", Shape::Integer, "Its number in the catalogue."),
        has("name", Shape::Text, ""),
        has("category", Shape::Text, "SAASDB_CATEGORY_ and more."),
        has("score", Shape::Nullable(&Shape::Integer), "Risk score, 1 (highest risk) to 10."),
        has("trafficTotalBytes", Shape::Integer, ""),
        has("trafficUploadedBytes", Shape::Integer, ""),
        has("trafficDownloadedBytes", Shape::Integer, ""),
        has("trafficTotalEvents", Shape::Integer, "Lines of logs."),
        has("trafficBlockedEvents", Shape::Integer, "Lines of logs that say that something was blocked."),
        has("usersCount", Shape::Integer, ""),
        has("ipAddressesCount", Shape::Integer, ""),
        has("firstSeen", Shape::Moment, ""),
        has("lastUsed", Shape::Moment, ""),
        has("domainList", Shape::List(&Shape::Text), ""),
        has("tags", Shape::List(&Shape::Text), "Names of its tags."),
    ],
};
const CATEGORY: &[Property] =
    &[has("id", Shape::Text, "SAASDB_CATEGORY_ and more."), has("total", Shape::Integer, "Apps in it.")];
pub(super) const FRAME: Property =
    may_have("timeframe", Shape::Numbered(&[(7, "days"), (30, "days"), (90, "days")]), "Without it 90.");
pub(super) const STREAM: Property =
    may_have("streamId", Shape::Id, "Id of the stream; without it the global view.");
pub(super) const USER: Property = may_have("userName", Shape::Text, "What this user did only.");
pub(super) const ADDRESS: Property = may_have("ipAddress", Shape::Text, "What came from this address only.");
const TAG_COUNT: Record = Record {
    name: "TagCount",
    what: "How many discovered apps bear a tag.",
    properties: &[has("id", Shape::Text, "Name of the tag."), has("count", Shape::Integer, "")],
};

pub(super) fn area() -> Area {
    Area::new("Discovered apps", Part::Discovery)
        .list(
            "/api/v1/discovery/discovered_apps",
            DISCOVERY_READ,
            "List discovered apps",
            list_discovered_apps,
        )
        .pages(&APP)
        .takes(const { &[STREAM, FRAME, USER, ADDRESS] })
        .filtered(FIELDS)
        .sorted(&[
            "trafficTotalBytes",
            "name",
            "score",
            "usersCount",
            "ipAddressesCount",
            "lastUsed",
            "trafficUploadedBytes",
            "trafficDownloadedBytes",
            "trafficTotalEvents",
        ])
        .post(
            "/api/v1/discovery/discovered_apps/export",
            DISCOVERY_READ,
            "Export discovered apps as a file",
            export_discovered_apps,
        )
        .takes(const { &[STREAM, FRAME, USER, ADDRESS, exports::FORMAT, exports::COMPRESSION] })
        .filtered(FIELDS)
        .sorted(&[
            "trafficTotalBytes",
            "name",
            "score",
            "usersCount",
            "ipAddressesCount",
            "lastUsed",
            "trafficUploadedBytes",
            "trafficDownloadedBytes",
            "trafficTotalEvents",
        ])
        .answers_file(&APP)
        .list(
            "/api/v1/discovery/discovered_apps/categories",
            DISCOVERY_READ,
            "Count discovered apps by category",
            list_categories,
        )
        .paged()
        .takes(const { &[has("streamId", Shape::Id, "Id of the stream."), FRAME] })
        .filtered(FIELDS)
        .sorted(&["score"])
        .answers(Shape::List(&Shape::Inline(CATEGORY)))
        .list(
            "/api/v1/discovery/discovered_apps/tags",
            DISCOVERY_READ,
            "Count discovered apps by tag",
            list_tag_counts,
        )
        .pages(&TAG_COUNT)
        .takes(const { &[STREAM, FRAME] })
        .filtered(FIELDS)
}

/// Some clients go on by number, some by feeding `nextQueryFilters` back with the number unchanged.
/// So these filters carry the place to go on at, and where it stands the number does not count.
const AFTER: &str = "after";

async fn list_discovered_apps(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let mut given = filters::given(&parameters)?;
    let after = take_after(&mut given);
    let (mut page, _) = paging::page(&parameters)?;
    page.limit = page.limit.min(100);
    page.skip = after.unwrap_or(page.skip);
    let query = AppQuery {
        stream: stream(&parameters)?,
        timeframe: timeframe(&parameters)?,
        user: parameters.text("userName")?,
        ip: parameters.text("ipAddress")?,
        conditions: filters::parse(&given, FIELDS, service.clock().now())?,
        order: paging::sort_field(&parameters, ORDERS)?,
        ascending: paging::ascending(&parameters)?,
        page,
    };
    let found = service.list_discovered_apps(&caller, query).await?;
    let data: Vec<Value> = found.apps.iter().map(view).collect();
    let end = page.skip + data.len() as i64;
    let mut answer = paging::answer(data, found.total, page);
    if answer["hasNext"] == json!(true) {
        answer["nextQueryFilters"] = with_after(given, end);
    }
    Ok(Json(answer))
}

/// What a table of apps says.
const COLUMNS: &[Column] = &[
    ("appId", "/appId"),
    ("name", "/name"),
    ("category", "/category"),
    ("score", "/score"),
    ("trafficTotalBytes", "/trafficTotalBytes"),
    ("trafficUploadedBytes", "/trafficUploadedBytes"),
    ("trafficDownloadedBytes", "/trafficDownloadedBytes"),
    ("trafficTotalEvents", "/trafficTotalEvents"),
    ("trafficBlockedEvents", "/trafficBlockedEvents"),
    ("usersCount", "/usersCount"),
    ("ipAddressesCount", "/ipAddressesCount"),
    ("firstSeen", "/firstSeen"),
    ("lastUsed", "/lastUsed"),
    ("tags", "/tags"),
    ("domainList", "/domainList"),
];

/// All as they were at one moment: there are no more than the catalogue has.
async fn export_discovered_apps(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&parameters)?;
    let query = AppQuery {
        stream: stream(&parameters)?,
        timeframe: timeframe(&parameters)?,
        user: parameters.text("userName")?,
        ip: parameters.text("ipAddress")?,
        conditions: filters::parse(&filters::given(&parameters)?, FIELDS, service.clock().now())?,
        order: paging::sort_field(&parameters, ORDERS)?,
        ascending: paging::ascending(&parameters)?,
        page: EVERYTHING,
    };
    let found = service.list_discovered_apps(&caller, query).await?;
    let next = move |()| {
        let records = found.apps.iter().map(view).collect();
        async move { Ok((records, None)) }
    };
    exports::answer(&service, &caller, "discovered apps", (wanted, &parameters), COLUMNS, (), next).await
}

fn take_after(given: &mut Map<String, Value>) -> Option<i64> {
    let app = given.get_mut("appId")?.as_object_mut()?;
    let after = app.remove(AFTER).as_ref().and_then(whole_number);
    after.filter(|after| *after >= 0)
}

fn with_after(mut given: Map<String, Value>, end: i64) -> Value {
    let app = given.entry("appId").or_insert_with(|| json!({}));
    if !app.is_object() {
        *app = json!({});
    }
    app[AFTER] = json!(end);
    Value::Object(given)
}

/// A bare list, unlike most.
async fn list_categories(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let stream = stream(&parameters)?;
    if stream.is_none() {
        return Err(Problem::invalid("streamId", "streamId is missing."));
    }
    paging::sort_field(&parameters, &[("score", ())])?;
    let (page, _) = paging::page(&parameters)?;
    let given = filters::given(&parameters)?;
    let query = AppQuery {
        conditions: filters::parse(&given, FIELDS, service.clock().now())?,
        ascending: paging::ascending(&parameters)?,
        page: Page { skip: page.skip, limit: page.limit },
        ..AppQuery::of(stream, timeframe(&parameters)?)
    };
    let counts = service.count_categories(&caller, query).await?;
    Ok(Json(counts.into_iter().map(|c| json!({ "id": c.id, "total": c.apps })).collect()))
}

async fn list_tag_counts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let query = AppQuery {
        conditions: filters::parse(&given, FIELDS, service.clock().now())?,
        ..AppQuery::of(stream(&parameters)?, timeframe(&parameters)?)
    };
    let counts = service.count_tags(&caller, query).await?;
    let data = counts.into_iter().map(|(name, count)| json!({ "id": name, "count": count })).collect();
    let (page, _) = paging::page(&parameters)?;
    Ok(Json(paging::cut(data, page)))
}

pub(super) fn stream(parameters: &Parameters) -> Result<Option<RecordId>, Problem> {
    let id = parameters.text("streamId")?.filter(|id| !id.trim().is_empty());
    let Some(id) = id else { return Ok(None) };
    let parsed = record_id(axum::extract::Path(id.trim().to_string()));
    parsed.map(Some).map_err(|_| Problem::invalid("streamId", "streamId must be 24 hex digits."))
}

/// Both spellings are in use.
pub(super) fn timeframe(parameters: &Parameters) -> Result<Timeframe, Problem> {
    let days = match parameters.number("timeframe")? {
        Some(days) => days,
        None => parameters.number("timeFrame")?.unwrap_or(90),
    };
    Timeframe::of_days(days).ok_or_else(|| {
        let known: Vec<String> = Timeframe::DAYS.iter().map(i64::to_string).collect();
        Problem::invalid("timeframe", format!("timeframe must be one of {} days.", known.join(", ")))
    })
}

pub(super) fn view(app: &DiscoveredApp) -> Value {
    let usage = &app.usage;
    json!({
        "appId": usage.app,
        "name": app.name,
        "category": app.category,
        "score": app.score,
        "trafficTotalBytes": usage.total,
        "trafficUploadedBytes": usage.uploaded,
        "trafficDownloadedBytes": usage.downloaded,
        "trafficTotalEvents": usage.events,
        "trafficBlockedEvents": usage.blocked,
        "usersCount": usage.users,
        "ipAddressesCount": usage.ips,
        "firstSeen": usage.first.iso(),
        "lastUsed": usage.last.iso(),
        "domainList": app.domains,
        "tags": app.tags,
    })
}
