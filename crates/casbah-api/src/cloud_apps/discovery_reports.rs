//! Reports of cloud discovery: a stream in one look, and an app down to users, addresses and days.

use axum::extract::State;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{KeyedUsage, Part, Timestamp, UsageFigures, UsageKey, UsageOrder};
use casbah_service::Service;
use casbah_service::discovery::{AppQuery, CategoryFigures, DayFigures, RiskCount, UsageQuery};
use serde_json::{Map, Value, json};

use super::DISCOVERY_READ;
use super::discovered_apps::{ADDRESS, APP, FRAME, STREAM, USER, stream, timeframe, view};
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

pub(super) fn area() -> Area {
    Area::new("Discovery reports", Part::Discovery)
        .list("/api/v1/discovery/app", DISCOVERY_READ, "Fetch a discovered app", fetch_discovered_app)
        .takes(const { &[has("appId", Shape::Integer, "Which app, by number."), STREAM, FRAME] })
        .answers(Shape::Record(&APP_BY_DAY))
        .list("/api/v1/discovery/app_users", DISCOVERY_READ, "List users of apps", list_app_users)
        .pages(&USER_USAGE)
        .takes(USAGE)
        .sorted(SORTS)
        .list(
            "/api/v1/discovery/app_ip_addresses",
            DISCOVERY_READ,
            "List client addresses of apps",
            list_app_ip_addresses,
        )
        .pages(&ADDRESS_USAGE)
        .takes(USAGE)
        .sorted(SORTS)
        .list("/api/v1/discovery/app_days", DISCOVERY_READ, "List usage by day", list_app_days)
        .pages(&DAY_USAGE)
        .takes(USAGE)
        .sorted(SORTS)
        .list(
            "/api/v1/discovery/summary",
            DISCOVERY_READ,
            "Sum up a stream or the global view",
            summarise_discovery,
        )
        .takes(const { &[STREAM, FRAME, USER, ADDRESS] })
        .answers(Shape::Record(&SUMMARY))
}

const USAGE: &[Property] =
    &[may_have("appId", Shape::Integer, "Usage of this app only, by number."), STREAM, FRAME, USER, ADDRESS];
const SORTS: &[&str] = &[
    "trafficTotalBytes",
    "name",
    "lastSeen",
    "firstSeen",
    "trafficUploadedBytes",
    "trafficDownloadedBytes",
    "trafficTotalEvents",
    "trafficBlockedEvents",
    "usersCount",
    "ipAddressesCount",
    "appsCount",
];

const APPS: Property = has("appsCount", Shape::Integer, "");
const TOTAL: Property = has("trafficTotalBytes", Shape::Integer, "");
const UPLOADED: Property = has("trafficUploadedBytes", Shape::Integer, "");
const DOWNLOADED: Property = has("trafficDownloadedBytes", Shape::Integer, "");
const EVENTS: Property = has("trafficTotalEvents", Shape::Integer, "Lines of logs.");
const BLOCKED: Property =
    has("trafficBlockedEvents", Shape::Integer, "Lines of logs that say that something was blocked.");
const USERS: Property = has("usersCount", Shape::Integer, "");
const ADDRESSES: Property = has("ipAddressesCount", Shape::Integer, "");
const FIRST: Property = has("firstSeen", Shape::Moment, "");
const LAST: Property = has("lastSeen", Shape::Moment, "");
const DAY: Property = has("day", Shape::Text, "The date, such as 2026-11-20.");

const USER_USAGE: Record = Record {
    name: "UserUsage",
    what: "What a user did.",
    properties: &[
        has("userName", Shape::Text, ""),
        APPS,
        TOTAL,
        UPLOADED,
        DOWNLOADED,
        EVENTS,
        BLOCKED,
        ADDRESSES,
        FIRST,
        LAST,
    ],
};
const ADDRESS_USAGE: Record = Record {
    name: "AddressUsage",
    what: "What came from a client address.",
    properties: &[
        has("ipAddress", Shape::Text, ""),
        APPS,
        TOTAL,
        UPLOADED,
        DOWNLOADED,
        EVENTS,
        BLOCKED,
        USERS,
        FIRST,
        LAST,
    ],
};
const DAY_USAGE: Record = Record {
    name: "DayUsage",
    what: "What was done on a day.",
    properties: &[DAY, APPS, TOTAL, UPLOADED, DOWNLOADED, EVENTS, BLOCKED, USERS, ADDRESSES, FIRST, LAST],
};
const DAY_FIGURES: Record = Record {
    name: "DayFigures",
    what: "The figures of a day; days without usage have zeros.",
    properties: &[DAY, TOTAL, UPLOADED, DOWNLOADED, EVENTS, BLOCKED, USERS, ADDRESSES, APPS],
};
const DAYS: Property = has("days", Shape::List(&Shape::Record(&DAY_FIGURES)), "");
const APP_BY_DAY: Record = Record {
    name: "DiscoveredAppByDay",
    what: "A discovered app, and its usage by day.",
    properties: &{
        let mut all = [DAYS; APP.properties.len() + 1];
        let mut at = 0;
        while at < APP.properties.len() {
            all[at] = APP.properties[at];
            at += 1;
        }
        all
    },
};
const BAND: Shape = Shape::Inline(&[APPS, TOTAL]);
const SUMMARY: Record = Record {
    name: "DiscoverySummary",
    what: "A stream in one look.",
    properties: &[
        APPS,
        TOTAL,
        UPLOADED,
        DOWNLOADED,
        EVENTS,
        BLOCKED,
        USERS,
        ADDRESSES,
        has("firstSeen", Shape::Nullable(&Shape::Moment), ""),
        has("lastSeen", Shape::Nullable(&Shape::Moment), ""),
        has("timeframe", Shape::Integer, "Days that the figures are of."),
        has(
            "categories",
            Shape::List(&Shape::Inline(&[
                has("id", Shape::Text, "SAASDB_CATEGORY_ and more."),
                APPS,
                TOTAL,
                UPLOADED,
                DOWNLOADED,
                EVENTS,
                BLOCKED,
            ])),
            "",
        ),
        has(
            "risk",
            Shape::Inline(&[
                has("high", BAND, ""),
                has("medium", BAND, ""),
                has("low", BAND, ""),
                has("unscored", BAND, ""),
            ]),
            "Apps by risk.",
        ),
        has(
            "tags",
            Shape::List(&Shape::Inline(&[
                has("id", Shape::Text, "Name of the tag."),
                has("count", Shape::Integer, "Apps that bear it."),
            ])),
            "",
        ),
        DAYS,
        has("topApps", Shape::List(&Shape::Record(&APP)), "The apps with most traffic."),
    ],
};

const ORDERS: &[(&str, UsageOrder)] = &[
    ("trafficTotalBytes", UsageOrder::Total),
    ("name", UsageOrder::Key),
    ("lastSeen", UsageOrder::Last),
    ("lastUsed", UsageOrder::Last),
    ("firstSeen", UsageOrder::First),
    ("trafficUploadedBytes", UsageOrder::Uploaded),
    ("trafficDownloadedBytes", UsageOrder::Downloaded),
    ("trafficTotalEvents", UsageOrder::Events),
    ("trafficBlockedEvents", UsageOrder::Blocked),
    ("usersCount", UsageOrder::Users),
    ("ipAddressesCount", UsageOrder::Ips),
    ("appsCount", UsageOrder::Apps),
];

async fn list_app_users(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    list(&service, &caller, &parameters, UsageKey::User).await
}

async fn list_app_ip_addresses(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    list(&service, &caller, &parameters, UsageKey::Ip).await
}

async fn list_app_days(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    list(&service, &caller, &parameters, UsageKey::Day).await
}

async fn list(service: &Service, caller: &Caller, parameters: &Parameters, key: UsageKey) -> Answer {
    let (page, _) = paging::page(parameters)?;
    let query = UsageQuery {
        stream: stream(parameters)?,
        timeframe: timeframe(parameters)?,
        app: parameters.number("appId")?,
        user: parameters.text("userName")?,
        ip: parameters.text("ipAddress")?,
        order: paging::sort_field(parameters, ORDERS)?,
        ascending: paging::ascending(parameters)?,
        page,
    };
    let (found, total) = service.list_usage(caller, key, query).await?;
    let data = found.iter().map(|one| keyed(key, one)).collect();
    Ok(Json(paging::answer(data, total, page)))
}

fn keyed(key: UsageKey, one: &KeyedUsage) -> Value {
    let mut all = figures(&one.figures);
    match key {
        UsageKey::User => {
            all.remove("usersCount");
            all.insert("userName".into(), json!(one.key));
        }
        UsageKey::Ip => {
            all.remove("ipAddressesCount");
            all.insert("ipAddress".into(), json!(one.key));
        }
        UsageKey::Day => {
            let number: i64 = one.key.parse().unwrap_or_default();
            all.insert("day".into(), json!(date(Timestamp(number.saturating_mul(86_400_000)))));
        }
    }
    Value::Object(all)
}

/// The date alone, `2026-11-20`.
fn date(day: Timestamp) -> String {
    day.iso().chars().take(10).collect()
}

fn figures(figures: &UsageFigures) -> Map<String, Value> {
    let all = json!({
        "appsCount": figures.apps,
        "trafficTotalBytes": figures.total,
        "trafficUploadedBytes": figures.uploaded,
        "trafficDownloadedBytes": figures.downloaded,
        "trafficTotalEvents": figures.events,
        "trafficBlockedEvents": figures.blocked,
        "usersCount": figures.users,
        "ipAddressesCount": figures.ips,
        "firstSeen": figures.first.iso(),
        "lastSeen": figures.last.iso(),
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

fn days(days: &[DayFigures]) -> Value {
    let day = |day: &DayFigures| {
        let used = day.figures.as_ref();
        let amount = |of: fn(&UsageFigures) -> i64| used.map_or(0, of);
        json!({
            "day": date(day.day),
            "trafficTotalBytes": amount(|f| f.total),
            "trafficUploadedBytes": amount(|f| f.uploaded),
            "trafficDownloadedBytes": amount(|f| f.downloaded),
            "trafficTotalEvents": amount(|f| f.events),
            "trafficBlockedEvents": amount(|f| f.blocked),
            "usersCount": amount(|f| f.users),
            "ipAddressesCount": amount(|f| f.ips),
            "appsCount": amount(|f| f.apps),
        })
    };
    Value::Array(days.iter().map(day).collect())
}

async fn fetch_discovered_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let app = parameters.number("appId")?;
    let app = app.ok_or_else(|| Problem::invalid("appId", "appId is missing."))?;
    let query = AppQuery::of(stream(&parameters)?, timeframe(&parameters)?);
    let found = service.discovered_app(&caller, app, query).await?;
    let mut answer = view(&found.app);
    answer["days"] = days(&found.days);
    Ok(Json(answer))
}

async fn summarise_discovery(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let timeframe = timeframe(&parameters)?;
    let query = AppQuery {
        user: parameters.text("userName")?,
        ip: parameters.text("ipAddress")?,
        ..AppQuery::of(stream(&parameters)?, timeframe)
    };
    let found = service.discovery_summary(&caller, query).await?;
    let category = |c: &CategoryFigures| {
        json!({
            "id": c.id,
            "appsCount": c.apps,
            "trafficTotalBytes": c.total,
            "trafficUploadedBytes": c.uploaded,
            "trafficDownloadedBytes": c.downloaded,
            "trafficTotalEvents": c.events,
            "trafficBlockedEvents": c.blocked,
        })
    };
    let band = |band: RiskCount| json!({ "appsCount": band.apps, "trafficTotalBytes": band.total });
    let [high, medium, low, unscored] = found.risk.map(band);
    let mut answer = found.figures.as_ref().map(figures).unwrap_or_else(|| {
        let none = [
            "appsCount",
            "usersCount",
            "ipAddressesCount",
            "trafficTotalBytes",
            "trafficUploadedBytes",
            "trafficDownloadedBytes",
            "trafficTotalEvents",
            "trafficBlockedEvents",
        ];
        let mut none: Map<String, Value> = none.into_iter().map(|name| (name.into(), json!(0))).collect();
        none.extend(["firstSeen", "lastSeen"].map(|name| (name.to_string(), Value::Null)));
        none
    });
    answer.extend([
        ("timeframe".to_string(), json!(timeframe.days())),
        ("categories".to_string(), found.categories.iter().map(category).collect()),
        ("risk".to_string(), json!({ "high": high, "medium": medium, "low": low, "unscored": unscored })),
        ("tags".to_string(), found.tags.iter().map(|(name, n)| json!({ "id": name, "count": n })).collect()),
        ("days".to_string(), days(&found.days)),
        ("topApps".to_string(), found.top_apps.iter().map(view).collect()),
    ]);
    Ok(Json(Value::Object(answer)))
}
