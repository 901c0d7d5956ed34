//! The story of one alert: what happened, to whom, when, and on what evidence.

use axum::extract::Path;
use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Operand, Page, Test};
use casbah_model::{Access, Activity, Alert, AlertEntity, AlertStatus, Part, RecordId, Resolution};
use casbah_service::activities::ActivityQuery;
use maud::{Markup, html};
use serde_json::{Value as Json, json};

use super::{HERE, close, open};
use crate::portal::fields::Fields;
use crate::portal::map::{self, Sight};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{filter, form, layout, shown};
use crate::respond::see_other;

/// Activities that are told on the page.
const MOST: i64 = 100;

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    visit.check(Part::Alerts, Access::Read)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let alert = visit.service().alert(visit.caller(), id).await?;
    let base = format!("{HERE}/{}", alert.id);
    let is_open = alert.resolution == Resolution::Open;
    let may = visit.may(Part::Alerts, Access::Change);
    let read = alert.status == AlertStatus::Unread;
    let activities = activities(&visit, &alert).await?;
    let sights: Vec<Sight> = activities.iter().map(sight).collect();
    let body = html! {
        p { (shown::severity(alert.severity)) " " (shown::state_of(&alert)) " · " (shown::time(visit.service().clock(), alert.raised)) }
        p { (shown::name(&alert.description)) }
        @if alert.status != AlertStatus::Archived {
            (form::button(&format!("{base}/read"), if read { t("Mark as read") } else { t("Mark as unread") },
                "second small", &[("read", if read { "1" } else { "" })]))
        }
        h2 { (t("What happened when")) }
        (timeline(&alert, &activities))
        @if sights.iter().any(|sight| sight.at.is_some() || sight.country.is_some()) {
            h2 { (t("Where it happened")) }
            (map::of(visit.service().clock(), t("Where it happened"), &sights))
        }
        h2 { (t("Who and what")) }
        (entities(&alert.entities))
        h2 { (t("Evidence")) }
        @if alert.evidence.is_empty() { p { (t("None was kept.")) } }
        @for piece in &alert.evidence { (evidence(piece)) }
        h2 { (t("Policy")) }
        p { a href=(filter::address(HERE, &json!({ "entity.policy": { "eq": alert.policy } }))) { (shown::name(&alert.policy_name)) } " " code { (alert.policy_type) } }
        @if may && is_open {
            h2 { (t("Close it")) }
            (form::form("/portal/alerts/close", &html! {
                input type="hidden" name="id" value=(alert.id);
                input type="hidden" name="back" value=(open());
                (close::fields(None))
            }))
        }
        @if may && !is_open { (form::button(&format!("{base}/reopen"), t("Open it again"), "second", &[])) }
        details { summary { (t("As the API has it")) }
            (shown::copyable(&format!("{}/api/v1/alerts/{}/", visit.service().settings().public_url, alert.id))) }
        p { a href=(open()) { (t("Back to the alerts")) } }
    };
    Ok(layout::page(&crate::names::shown(&alert.title), &body))
}

/// The activities that it came of, the oldest first, as far as the reader may see activities.
async fn activities(visit: &Visit, alert: &Alert) -> Result<Vec<Activity>, Failed> {
    if !visit.may(Part::Activities, Access::Read) {
        return Ok(Vec::new());
    }
    let test = Test::AnyOf(vec![Operand::Text(alert.id.to_string())]);
    let query = ActivityQuery {
        conditions: vec![Condition { field: ActivityField::Alert, test }],
        order: ActivityOrder { by_created: false, ascending: true },
        page: Page { skip: 0, limit: MOST },
        scan: false,
        whole_moments: false,
    };
    Ok(visit.service().list_activities(visit.caller(), query).await?.activities)
}

fn sight(activity: &Activity) -> Sight {
    let location = activity.facts.location.as_ref();
    Sight {
        at: location.and_then(|place| Some((place.latitude?, place.longitude?))),
        country: activity.country.clone().or_else(|| location.and_then(|place| place.country_code.clone())),
        name: location.and_then(|place| place.name.clone()),
        address: activity.address.clone(),
        when: activity.at(),
    }
}

fn timeline(alert: &Alert, activities: &[Activity]) -> Markup {
    html! { ol .timeline {
        @for activity in activities { li {
            @let address = Fields::default().with("id", Some(&activity.id)).address("/portal/activities/one");
            (shown::exact(activity.at())) " " a href=(address) { (shown::name(&activity.action)) }
            @if let Some(user) = &activity.user_name { " " (t("by")) " " (shown::name(user)) }
            @if let Some(address) = &activity.address { " " (t("from")) " " code { (address) } }
            @if let Some(country) = &activity.country { " " (country) }
            @if !activity.facts.service_name.is_empty() { " " span .quiet { (shown::name(&activity.facts.service_name)) } }
            @if activity.failure.is_some() { " " span .badge .high { (t("refused")) } }
        } }
        @if activities.len() as i64 == MOST { li .quiet {
            a href=(filter::address("/portal/activities", &json!({ "activity.alertId": { "eq": alert.id } }))) { (t("All activities that it came of")) }
        } }
        li { (shown::exact(alert.raised)) " " (t("raised by the policy")) " " (shown::name(&alert.policy_name)) }
        @if let Some(at) = alert.resolved { li {
            (shown::exact(at)) " " (t("closed as")) " " strong { (shown::state_of(alert)) }
            @if let Some(by) = &alert.handled_by { " " (t("by")) " " (shown::name(by)) }
            @if !alert.comment.is_empty() { br; "“" (shown::name(&alert.comment)) "”" }
        } }
    } }
}

fn entities(all: &[AlertEntity]) -> Markup {
    let rows: Vec<_> = all
        .iter()
        .map(|entity| vec![html! { code { (entity.kind) } }, shown::name(&entity.label), html! { @match entity.kind.as_str() {
            "service" | "discovery_service" => a href={ "/portal/discovery/apps/" (entity.id) } { (t("Look at the app")) },
            "ip" => a href=(filter::address(HERE, &json!({ "entity.ip": { "eq": entity.id } }))) { (t("Its other alerts")) },
            "user" | "account" => a href=(filter::address(HERE, &json!({ "entity.user": { "eq": entity.id } }))) { (t("Its other alerts")) },
            _ => code { (entity.id) },
        } }])
        .collect();
    table::plain(t("Who and what"), &[column(t("Kind")), column(t("Name")), column(t("More"))], &rows)
}

/// A piece of evidence is an object of anything: its fields are shown as they are.
fn evidence(piece: &Json) -> Markup {
    match piece {
        Json::Object(fields) => html! { dl { @for (name, value) in fields {
            dt { code { (name) } }
            dd { @match value { Json::String(text) => (shown::name(text)), other => code { (other) } } }
        } } },
        other => html! { p { code { (other) } } },
    }
}

pub(crate) async fn mark(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.check(Part::Alerts, Access::Read)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().mark_alert(visit.caller(), id.clone(), fields.given("read").is_some()).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}
