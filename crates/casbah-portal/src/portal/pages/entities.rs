//! Entities: people and accounts, and one with its accounts, score, alerts and activities.

use casbah_model::filter::{ActivityOrder, AlertOrder, Page};
use casbah_model::{Access, Entity, EntityAddress, EntityKind, Part, Timestamp, activity::app_name};
use casbah_service::activities::ActivityQuery;
use casbah_service::alerts::AlertQuery;
use casbah_service::entities::EntityDetails;
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};

use crate::portal::chart::{self, Bar};
use crate::portal::fields::Fields;
use crate::portal::filter::labels::value_name;
use crate::portal::list::{self, Listed, number, text, time};
use crate::portal::table::{self, column};
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Visit};
use crate::portal::{filter, layout, shown};

const HERE: &str = "/portal/entities";
/// Alerts and activities on the page of one.
const FEW: i64 = 10;
const MS_OF_DAY: i64 = 86_400_000;

const LISTED: Listed = Listed {
    resource: "entities",
    path: HERE,
    title: || t("People and accounts"),
    part: Part::Entities,
    common: &[("type", "eq"), ("displayName", "contains"), ("isAdmin", "eq"), ("isExternal", "eq")],
    sort: "score",
    columns: || {
        vec![
            column(t("Name")).sorted_by("displayName"),
            column(t("Kind")),
            column(t("App")),
            column(t("Score")).sorted_by("score").number(),
            column(t("State")),
            column(t("Groups")),
            column(t("Last seen")).sorted_by("lastSeen"),
        ]
    },
    row,
    nothing: || t("Nobody is known yet. People come from the directory, accounts from what is done in apps."),
};

pub(crate) async fn show(visit: Visit) -> Answer {
    list::show(&visit, &LISTED, &html! {}, &html! {}).await
}

fn row(visit: &Visit, record: &Json) -> Vec<Markup> {
    let groups = record["userGroups"].as_array().into_iter().flatten();
    let names: Vec<&str> = groups.filter_map(|group| group["name"].as_str()).collect();
    vec![
        html! {
            a href=(address_of(text(record, "/ii"))) { (shown::name(text(record, "/displayName"))) }
            @let mail = text(record, "/email");
            @if !mail.is_empty() && mail != text(record, "/displayName") { br; span .quiet { (shown::name(mail)) } }
        },
        html! { @if number(record, "/type") == Some(2) { (t("Person")) } @else if number(record, "/idType") == Some(17) { (t("Application")) } @else { (t("Account")) } },
        shown::name(text(record, "/appData/name")),
        score(number(record, "/threatScore")),
        html! {
            (state(number(record, "/status").unwrap_or(0)))
            @if record["isAdmin"] == true { " " span .badge .information { (t("administrator")) } }
            @if record["isExternal"] == true { " " span .badge .medium { (t("external")) } }
        },
        html! { (names.join(", ")) },
        time(visit, record, "/lastSeen", t("never")),
    ]
}

fn address_of(joined: &str) -> String {
    Fields::default().with("ii", Some(joined)).address("/portal/entities/one")
}

/// Investigation priority: a number, and a bar beside it.
fn score(score: Option<i64>) -> Markup {
    html! { @match score {
        Some(n) => { (shown::number(n)) " " span class={ "badge " (if n >= 100 { "high" } else if n > 0 { "medium" } else { "good" }) } aria-hidden="true" {
            @if n >= 100 { "▲" } @else if n > 0 { "◆" } @else { "●" } } }
        None => span .quiet { (t("none")) },
    } }
}

fn state(status: i64) -> Markup {
    let class = match status {
        2 => "good",
        0 => "information",
        _ => "medium",
    };
    html! { span class={ "badge " (class) } { (value_name("status", &status.to_string()).unwrap_or_default()) } }
}

pub(crate) async fn show_one(visit: Visit) -> Answer {
    visit.check(Part::Entities, Access::Read)?;
    let query = visit.query();
    let address = EntityAddress::from_joined(query.get("ii")).ok_or(Failed::NotFound)?;
    let found = visit.service().entity(visit.caller(), address).await?;
    let entity = &found.entity;
    let key = json!({ "id": entity.address.id, "saas": entity.address.saas, "inst": entity.address.inst });
    let clock = visit.service().clock();
    let person = entity.kind == EntityKind::User;
    let body = html! {
        p {
            @if person { (t("Person")) } @else if entity.application { (t("Application")) } @else { (t("Account")) }
            " " (state(entity.status.number()))
            @if entity.admin { " " span .badge .information { (t("administrator")) } }
            @if entity.external == Some(true) { " " span .badge .medium { (t("external")) } }
        }
        dl {
            dt { (t("App")) } dd { (app(entity.address.saas)) }
            dt { (t("Id")) } dd { (shown::copyable(&entity.address.id)) }
            dt { (t("Mail")) } dd { (shown::name(entity.email.as_deref().unwrap_or(t("unknown")))) }
            @if let Some(unit) = &entity.organization { dt { (t("Organizational unit")) } dd { (shown::name(unit)) } }
            dt { (t("Last seen")) } dd { (shown::time_or(clock, entity.last_seen, t("never"))) }
            @if !found.groups.is_empty() { dt { (t("User groups")) }
                dd { (found.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ")) } }
            @if !found.roles.is_empty() { dt { (t("Roles of the directory")) } dd { (found.roles.join(", ")) } }
            @if let Some(parent) = &found.parent { dt { (t("Account of")) } dd { a href=(address_of(&parent.joined())) { (shown::name(&parent.id)) } } }
            @if person && entity.of_directory { dt { (t("In the directory")) } dd { a href={ "/portal/people/" (entity.address.id) } { (t("Sign-in and roles")) } } }
        }
        (scores(&found))
        @if person { (accounts(&found)) }
        @if visit.may(Part::Alerts, Access::Read) { (alerts(&visit, &json!(entity.address.id)).await?) }
        @if visit.may(Part::Activities, Access::Read) { (activities(&visit, &key).await?) }
        p { a href=(HERE) { (t("To all people and accounts")) } }
    };
    Ok(layout::page(&crate::names::shown(&entity.display_name), &body))
}

fn app(number: i64) -> String {
    app_name(number).map_or_else(|| filled("App {n}", &[("n", &number)]), str::to_string)
}

fn scores(found: &EntityDetails) -> Markup {
    let bars: Vec<Bar> = found
        .history
        .iter()
        .map(|day| {
            let date = Timestamp(day.day * MS_OF_DAY).iso();
            let (score, alerts) = (shown::number(day.score), shown::number(day.alerts));
            Bar {
                label: date.get(5..10).unwrap_or_default().to_string(),
                value: day.score,
                shown: filled(
                    "{score} (alerts that counted: {alerts}; higher than {percentile} of 100)",
                    &[("score", &score), ("alerts", &alerts), ("percentile", &day.percentile)],
                ),
            }
        })
        .collect();
    html! { section aria-labelledby="score" {
        h2 #score { (t("Score")) }
        p { (score(found.entity.score)) " " span .quiet { (t("Investigation priority: what the alerts of the last days add up to.")) } }
        @if !bars.is_empty() { (chart::columns(t("Score by day"), t("Day"), &bars)) }
    } }
}

fn accounts(found: &EntityDetails) -> Markup {
    let rows: Vec<_> = found
        .accounts
        .iter()
        .map(|one: &Entity| {
            vec![
                html! { a href=(address_of(&one.address.joined())) { (shown::name(&one.display_name)) } },
                html! { (app(one.address.saas)) },
                html! { code { (one.address.id) } },
                state(one.status.number()),
            ]
        })
        .collect();
    let columns = [column(t("Name")), column(t("App")), column(t("Id")), column(t("State"))];
    html! {
        h2 { (t("Accounts")) }
        @if rows.is_empty() { p { (t("Only the one of the directory.")) } }
        @else { (table::plain(t("Accounts"), &columns, &rows)) }
    }
}

/// Those that name it by its id, whatever app they say it is of: policies on activities name all accounts as of the
/// directory.
async fn alerts(visit: &Visit, key: &Json) -> Result<Markup, Failed> {
    let (now, given) = (visit.service().clock().now(), about("entity.entity", key));
    let conditions =
        casbah_api::lists::alert_conditions(&given, now).map_err(|why| Failed::invalid("ii", &why))?;
    let query = AlertQuery {
        conditions,
        order: AlertOrder { by_severity: false, ascending: false },
        page: Page { skip: 0, limit: FEW },
        scan: false,
        whole_moments: false,
    };
    let found = visit.service().list_alerts(visit.caller(), query).await?;
    let rows: Vec<_> = found
        .alerts
        .iter()
        .map(|alert| {
            vec![
                html! { a href={ "/portal/alerts/" (alert.id) } { (shown::name(&alert.title)) } },
                shown::severity(alert.severity),
                html! { (shown::state_of(alert)) },
                shown::time(visit.service().clock(), alert.raised),
            ]
        })
        .collect();
    let columns = [column(t("Alert")), column(t("Severity")), column(t("State")), column(t("Raised"))];
    Ok(html! {
        h2 { (t("Alerts")) }
        @if rows.is_empty() { p { (t("None is about this.")) } } @else {
            (table::plain(t("Alerts"), &columns, &rows))
            p { a href=(filter::address("/portal/alerts", &Json::Object(given))) { (t("All its alerts")) " (" (shown::number(found.total)) ")" } }
        }
    })
}

async fn activities(visit: &Visit, key: &Json) -> Result<Markup, Failed> {
    let (now, given) = (visit.service().clock().now(), about("entity", key));
    let conditions =
        casbah_api::lists::activity_conditions(&given, now).map_err(|why| Failed::invalid("ii", &why))?;
    let query = ActivityQuery {
        conditions,
        order: ActivityOrder { by_created: false, ascending: false },
        page: Page { skip: 0, limit: FEW },
        scan: false,
        whole_moments: false,
    };
    let found = visit.service().list_activities(visit.caller(), query).await?;
    let rows: Vec<_> =
        found.activities.iter().map(|activity| super::activities::row(visit, activity)).collect();
    Ok(html! {
        h2 { (t("Activities")) }
        @if rows.is_empty() { p { (t("None is known.")) } } @else {
            (table::plain(t("Activities"), &super::activities::columns(), &rows))
            p { a href=(filter::address("/portal/activities", &Json::Object(given))) { (t("All its activities")) " (" (shown::number(found.total)) ")" } }
        }
    })
}

fn about(field: &str, key: &Json) -> Map<String, Json> {
    Map::from_iter([(field.to_string(), json!({ "eq": key }))])
}
