//! Making, changing and deleting a policy. What is wrong is said by the API, which has the same policies.

use axum::extract::Path;
use axum::response::Response;
use casbah_model::{Access, Part, RecordId, Severity};
use casbah_service::Service;
use http::Method;
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};

use super::HERE;
use crate::portal::fields::Fields;
use crate::portal::filter::{self, Within};
use crate::portal::form::{self, State};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

/// What a type of policies is called, and the button that makes one; both are empty for a type without words here.
pub(super) fn kind(policy_type: &str) -> (&'static str, &'static str) {
    match policy_type {
        "AUDIT" => (t("Activities"), t("New policy on activities")),
        "NEW_SERVICE" => (t("New apps"), t("New policy on new apps")),
        "ANOMALY_DETECTION" => (t("Unusual activities"), ""),
        "ANOMALY_DISCOVERY" => (t("Unusual use of apps"), t("New policy on unusual use of apps")),
        "FILE" => (t("Files"), t("New policy on files")),
        "APP_PERMISSION" => (t("App permissions"), t("New policy on app permissions")),
        _ => ("", ""),
    }
}

/// The types of which this person may make policies here.
pub(super) fn types(visit: &Visit) -> Vec<&'static str> {
    let all = Service::types_of_new_policies(visit.caller());
    all.into_iter().filter(|one| !kind(one).1.is_empty()).collect()
}

/// The list whose filters a type of policies takes; the filters of other types are written as JSON.
fn list_of(policy_type: &str) -> Option<&'static str> {
    match policy_type {
        "AUDIT" => Some("activities"),
        "FILE" => Some("files"),
        _ => None,
    }
}

/// Filters of that type to begin with, where they are written as JSON.
fn example(policy_type: &str) -> &'static str {
    match policy_type {
        "NEW_SERVICE" => r#"{"score":{"lte":5},"usersCount":{"gt":10}}"#,
        _ => "{}",
    }
}

/// A form of a policy under work.
struct Form<'a> {
    policy_type: &'a str,
    state: State,
    rows: Option<Within>,
    /// The policy as the API has it; none for a new one.
    present: Option<Json>,
}

pub(crate) async fn new(visit: Visit) -> Answer {
    let query = visit.query();
    let policy_type = Service::type_of_new_policy(visit.caller(), query.given("type"))?;
    let given = filter::parsed(query.get("filters")).unwrap_or_default();
    let rows = list_of(policy_type).and_then(|list| Within::given(list, &given));
    let fields = Fields::default()
        .with("severity", Some("1"))
        .with("filters", Some(query.given("filters").unwrap_or(example(policy_type))))
        .with("dailyAlertLimit", Some("5"));
    let form = Form { policy_type, state: State { fields, problem: None }, rows, present: None };
    Ok(page(&visit, &form))
}

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    visit.check(Part::Policies, Access::Read)?;
    let present = fetch(&visit, &id).await?;
    let policy_type = text(&present, "type").to_string();
    let fields = fields(&present);
    let given = present["filters"].as_object().cloned().unwrap_or_default();
    let rows = list_of(&policy_type).and_then(|list| Within::given(list, &given));
    let state = State { fields, problem: None };
    Ok(page(&visit, &Form { policy_type: &policy_type, state, rows, present: Some(present) }))
}

async fn fetch(visit: &Visit, id: &str) -> Result<Json, Failed> {
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let answer = visit.ask(Method::GET, &format!("/api/v1/policies/{id}"), &Json::Null).await?;
    answer.map_err(|_| Failed::NotFound)
}

fn text<'a>(record: &'a Json, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}

/// A policy as the form has it.
fn fields(present: &Json) -> Fields {
    let number = |pointer: &str| {
        present.pointer(pointer).and_then(Json::as_i64).map_or(String::new(), |n| n.to_string())
    };
    let flag = |pointer: &str| if present.pointer(pointer) == Some(&json!(true)) { "1" } else { "" };
    let pairs = [
        ("name", text(present, "name").to_string()),
        ("description", text(present, "description").to_string()),
        ("severity", number("/severity")),
        ("dailyAlertLimit", number("/dailyAlertLimit")),
        ("filters", present["filters"].to_string()),
        ("minimum", number("/repetition/minimum")),
        ("withinMinutes", number("/repetition/withinMinutes")),
        ("inSingleApp", flag("/repetition/inSingleApp").to_string()),
        ("kilometresPerHour", number("/travel/kilometresPerHour")),
        ("kilometres", number("/travel/kilometres")),
        ("firstInDays", number("/firstInDays")),
    ];
    Fields::from_pairs(pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

fn page(visit: &Visit, form: &Form<'_>) -> Response {
    let may =
        visit.may(Part::Policies, Access::Change) && Service::may_change_policies(visit.caller()).is_ok();
    let state = &form.state;
    let id = form.present.as_ref().map(|present| text(present, "_id").to_string());
    let action = id.as_ref().map_or_else(|| format!("{HERE}/new"), |id| format!("{HERE}/{id}"));
    let built_in = form.present.as_ref().is_some_and(|present| present["isBuiltIn"] == true);
    let named = kind(form.policy_type).0;
    let title = match &form.present {
        Some(present) => crate::names::shown(text(present, "name")).to_string(),
        None => kind(form.policy_type).1.to_string(),
    };
    let body = html! {
        (state.summary())
        p { @if named.is_empty() { code { (form.policy_type) } } @else { (named) }
            @if built_in { " · " (t("comes with Casbah")) }
            @if let Some(present) = &form.present {
                " · " @if present["enabled"] == true { span .badge .good { (t("enabled")) } } @else { span .badge .medium { (t("disabled")) } }
                " · " a href=(filter::address("/portal/alerts", &json!({ "entity.policy": { "eq": present["_id"] } }))) { (t("Its alerts")) }
            }
        }
        @if may { (form::form(&action, &questions(form))) } @else if let Some(present) = &form.present { (readable(present)) }
        @if let (true, false, Some(id)) = (may, built_in, &id) {
            h2 { (t("Delete it")) }
            p { (t("The alerts that it raised stay.")) }
            (form::button(&format!("{HERE}/{id}/delete"), t("Delete"), "danger", &[]))
        }
        p { a href=(HERE) { (t("To all policies")) } }
    };
    if state.problem.is_some() { layout::refused(&title, &body) } else { layout::page(&title, &body) }
}

fn readable(present: &Json) -> Markup {
    html! {
        p { (shown::name(text(present, "description"))) }
        h2 { (t("What it looks for")) }
        (shown::copyable_lines(&serde_json::to_string_pretty(&present["filters"]).unwrap_or_default()))
    }
}

fn questions(form: &Form<'_>) -> Markup {
    let state = &form.state;
    let severities: Vec<_> = [Severity::High, Severity::Medium, Severity::Low, Severity::Informational]
        .into_iter()
        .map(|severity| (severity.number().to_string(), shown::severity_name(severity).to_string()))
        .collect();
    let has = |name: &str| form.present.as_ref().is_some_and(|present| present.get(name).is_some());
    let of_tenant = form.present.as_ref().is_none_or(|present| present["isBuiltIn"] != true);
    html! {
        // What Enter in a field presses.
        button .unseen tabindex="-1" { (t("Save the policy")) }
        input type="hidden" name="type" value=(form.policy_type);
        (state.text("name", t("Name"), None, true))
        (state.area("description", t("What it is for"), None, 2))
        (state.select("severity", t("Severity of its alerts"), &severities))
        @if of_tenant {
            @if let Some(rows) = &form.rows { (rows.show()) }
            @else { (state.area("filters", t("What it looks for, as JSON"), Some(t("The fields stand in the documentation of policies.")), 4)) }
        }
        @if has("repetition") || (form.policy_type == "AUDIT" && of_tenant) {
            fieldset .card { legend { (t("How often it must happen")) }
                p .hint { (t("Without numbers, once is enough.")) }
                div .columns {
                    (state.number("minimum", t("So many times"), None))
                    (state.number("withinMinutes", t("Within so many minutes"), None))
                }
                (state.tick("inSingleApp", t("All of them in the same app"), ""))
            }
        }
        @if has("travel") { fieldset .card { legend { (t("Too far apart")) } div .columns {
            (state.number("kilometresPerHour", t("Faster than, in kilometres an hour"), None))
            (state.number("kilometres", t("Farther than, in kilometres"), None))
        } } }
        @if has("firstInDays") { (state.number("firstInDays", t("The first in so many days"), None)) }
        (state.number("dailyAlertLimit", t("Alerts of a day, at most"), Some(t("Without a number there is no limit."))))
        div .buttons { button { (t("Save the policy")) } a .button .second href=(HERE) { (t("Cancel")) } }
    }
}

/// The form as the API takes it.
fn body(form: &mut Form<'_>) -> Result<Json, (String, String)> {
    let fields = form.state.fields.clone();
    let number = |name: &str| match fields.given(name) {
        None => Ok(None),
        Some(text) => match text.parse::<i64>() {
            Ok(n) => Ok(Some(n)),
            Err(_) => Err((name.to_string(), t("This must be a whole number.").to_string())),
        },
    };
    let mut body = Map::new();
    for name in ["name", "description"] {
        body.insert(name.to_string(), fields.get(name).into());
    }
    body.insert("type".to_string(), form.policy_type.into());
    body.insert("severity".to_string(), number("severity")?.unwrap_or(1).into());
    body.insert("dailyAlertLimit".to_string(), number("dailyAlertLimit")?.unwrap_or(0).into());
    let has = |name: &str| form.present.as_ref().is_some_and(|present| present.get(name).is_some());
    let built_in = form.present.as_ref().is_some_and(|present| present["isBuiltIn"] == true);
    if !built_in {
        let given = match &mut form.rows {
            Some(rows) => rows.read(),
            None => filter::parsed(fields.get("filters")),
        };
        body.insert("filters".to_string(), Json::Object(given.map_err(|why| ("filters".to_string(), why))?));
    }
    let times = (number("minimum")?, number("withinMinutes")?);
    match times {
        (None, None) if !has("repetition") => {}
        (None, None) => {
            body.insert("repetition".to_string(), json!({ "minimum": 1 }));
        }
        (minimum, within) => {
            let single = fields.get("inSingleApp") == "1";
            body.insert(
                "repetition".to_string(),
                json!({ "minimum": minimum, "withinMinutes": within, "inSingleApp": single }),
            );
        }
    }
    if has("travel") {
        let told =
            json!({ "kilometresPerHour": number("kilometresPerHour")?, "kilometres": number("kilometres")? });
        body.insert("travel".to_string(), told);
    }
    if has("firstInDays") {
        body.insert("firstInDays".to_string(), json!(number("firstInDays")?));
    }
    Ok(Json::Object(body))
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    let policy_type = Service::type_of_new_policy(visit.caller(), fields.given("type"))?;
    save(&visit, policy_type, fields, None).await
}

pub(crate) async fn change(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.check(Part::Policies, Access::Change)?;
    let present = fetch(&visit, &id).await?;
    let policy_type = text(&present, "type").to_string();
    save(&visit, &policy_type, fields, Some(present)).await
}

async fn save(visit: &Visit, policy_type: &str, fields: Fields, present: Option<Json>) -> Answer {
    let rows = list_of(policy_type).and_then(|list| Within::sent(list, &fields));
    let more = fields.given("more").is_some();
    let mut form = Form { policy_type, state: State { fields, problem: None }, rows, present };
    if more {
        return Ok(page(visit, &form));
    }
    let sent = match body(&mut form) {
        Ok(sent) => sent,
        Err((field, why)) => {
            form.state = State::wrong(form.state.fields, &field, why);
            return Ok(page(visit, &form));
        }
    };
    let (method, path) = match &form.present {
        Some(present) => (Method::PUT, format!("/api/v1/policies/{}", text(present, "_id"))),
        None => {
            visit.once(&form.state.fields).await?;
            (Method::POST, "/api/v1/policies/create_rule".to_string())
        }
    };
    match visit.ask(method, &path, &sent).await? {
        Ok(saved) => Ok(see_other(&format!("{HERE}/{}", text(&saved, "_id")))),
        Err(told) => {
            form.state = State::refused(form.state.fields, &told.field, told.why);
            Ok(page(visit, &form))
        }
    }
}

pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    visit.check(Part::Policies, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().delete_policy(visit.caller(), id).await?;
    Ok(see_other(HERE))
}
