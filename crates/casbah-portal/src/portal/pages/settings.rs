//! What holds for the whole tenant: how long records, tokens and sign-ins last, the user groups, and what the
//! operator has set for everybody.

use axum::extract::Path;
use casbah_model::filter::Page;
use casbah_model::{Access, Guid, Part, RecordId, TenantSettings};
use casbah_service::Error;
use casbah_service::directory::{Condition, Order, Property, Search};
use casbah_service::user_groups::{UserGroupOrder, UserGroupQuery};
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};

use crate::portal::fields::Fields;
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/settings";
/// Who changes settings of the whole tenant, as in the directory.
const MAY: &[&str] = &["Global Administrator"];
const EVERYTHING: Page = Page { skip: 0, limit: 1_000 };

/// Settings that are numbers, where an empty field stands for none: place in the document, label, unit.
fn numbers() -> Vec<(&'static str, &'static str)> {
    vec![
        ("retention.activities", t("Activities and the audit trail, in days")),
        ("retention.alerts", t("Alerts, in days")),
        ("retention.governance", t("The governance log, in days")),
        ("retention.discovery", t("Usage of discovered apps, in days")),
        ("tokens.accessToken", t("Access tokens, in seconds")),
        ("tokens.idToken", t("ID tokens, in seconds")),
        ("tokens.refreshTokenInactive", t("Refresh tokens that nobody uses, in seconds")),
        ("tokens.refreshTokenAbsolute", t("Refresh tokens however they are used, in seconds")),
        ("signIn.passwordMinLength", t("Characters of a password, at least")),
        ("signIn.passwordMaxAgeDays", t("Days after which a password must be changed")),
        ("signIn.secondFactorMaxAgeDays", t("Days after which the second factor is asked for again")),
        ("assertions.longestLife", t("Longest life of a client assertion, in seconds")),
    ]
}

fn flags() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        (
            "signIn.secondFactorForAll",
            t("Everybody needs a second factor"),
            t("Whoever has none sets one up at the next sign-in."),
        ),
        (
            "assertions.refuseReplay",
            t("A client assertion works only once"),
            t("Some libraries send the same one again within its life."),
        ),
    ]
}

pub(crate) async fn show(visit: Visit) -> Answer {
    let settings = visit.service().tenant_settings(visit.caller()).await?;
    page(&visit, &State { fields: fields(&settings), problem: None }).await
}

/// The settings as the form has them.
fn fields(settings: &TenantSettings) -> Fields {
    let document = json!(settings);
    let at =
        |place: &str| document.pointer(&format!("/{}", place.replace('.', "/"))).cloned().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (place, _) in numbers() {
        let value = at(place);
        pairs.push((place.to_string(), if value.is_null() { String::new() } else { value.to_string() }));
    }
    for (place, ..) in flags() {
        pairs.push((place.to_string(), if at(place) == true { "1" } else { "" }.to_string()));
    }
    pairs.push(("country".to_string(), at("country").as_str().unwrap_or_default().to_string()));
    Fields::from_pairs(pairs)
}

async fn page(visit: &Visit, state: &State) -> Answer {
    let may = visit.holds(MAY);
    let throttle = visit.service().throttle_settings();
    let of =
        |part: &str| numbers().into_iter().filter(|(place, _)| place.starts_with(part)).collect::<Vec<_>>();
    let body = html! {
        (state.summary())
        @if state.problem.is_none() && visit.query().given("saved").is_some() { p .notice role="status" { (t("The settings are saved.")) } }
        @if may {
            (form::form(HERE, &html! {
                (group(state, t("How long records are kept"), Some(t("Without a number, for ever. What is older is removed once an hour.")), &of("retention.")))
                (group(state, t("How long tokens live"), Some(t("Counts from the next token on.")), &of("tokens.")))
                (group(state, t("How people sign in"), Some(t("Without a number, never.")), &of("signIn.")))
                @for (place, label, more) in flags().iter().filter(|(place, ..)| place.starts_with("signIn.")) { (state.tick(place, label, more)) }
                (group(state, t("How applications prove themselves"), None, &of("assertions.")))
                @for (place, label, more) in flags().iter().filter(|(place, ..)| place.starts_with("assertions.")) { (state.tick(place, label, more)) }
                (state.text("country", t("Country of the organisation"), Some(t("Two capital letters, as in SE; may be left out.")), false))
                div .buttons { button { (t("Save the settings")) } }
            }))
        } @else {
            dl { @for (place, label) in numbers() {
                dt { (label) } dd { @if let Some(value) = state.fields.given(place) { (value) } @else { (t("no limit")) } }
            } @for (place, label, _) in flags() {
                dt { (label) } dd { @if state.fields.get(place) == "1" { (t("yes")) } @else { (t("no")) } }
            } }
            p .quiet { (t("A Global Administrator can change these.")) }
        }
        @if visit.may(Part::Entities, Access::Read) { (user_groups(visit, state).await?) }
        h2 { (t("Set by the operator of this server")) }
        p .quiet { (t("These stand in the configuration of the server and hold for every tenant.")) }
        dl {
            dt { (t("Calls of the API in a minute")) }
            dd { @match throttle.calls {
                Some(calls) => { (shown::number(i64::from(calls))) " "
                    @if throttle.held { (t("then calls wait for the next minute")) } @else { (t("then calls are refused with 429")) } }
                None => (t("no limit")),
            } }
            dt { (t("Largest log")) } dd { (shown::bytes(i64::try_from(visit.service().settings().upload_limit).unwrap_or(i64::MAX))) }
            dt { (t("Address of this server")) } dd { (shown::copyable(&visit.service().settings().public_url)) }
        }
    };
    let title = t("Settings");
    Ok(if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

fn group(state: &State, title: &str, hint: Option<&str>, places: &[(&str, &str)]) -> Markup {
    html! { fieldset .card { legend { (title) }
        @if let Some(hint) = hint { p .hint { (hint) } }
        div .columns { @for (place, label) in places { (state.number(place, label, None)) } }
    } }
}

pub(crate) async fn save(visit: Visit, Posted(sent): Posted) -> Answer {
    if !visit.holds(MAY) {
        return Err(Failed::Forbidden(String::new()));
    }
    let mut change = json!({});
    let mut put = |place: &str, value: Json| {
        let (part, name) = place.split_once('.').unwrap_or(("", place));
        if part.is_empty() { change[name] = value } else { change[part][name] = value }
    };
    for (place, _) in numbers() {
        let value = match sent.given(place) {
            None => Json::Null,
            Some(text) => match text.parse::<u32>() {
                Ok(number) => json!(number),
                Err(_) => {
                    return page(
                        &visit,
                        &State::wrong(sent.clone(), place, t("This must be a whole number.")),
                    )
                    .await;
                }
            },
        };
        put(place, value);
    }
    for (place, ..) in flags() {
        put(place, json!(sent.get(place) == "1"));
    }
    put("country", sent.given("country").map_or(Json::Null, Json::from));
    let change: Map<String, Json> = change.as_object().cloned().unwrap_or_default();
    match visit.service().change_tenant_settings(visit.caller(), change).await {
        Ok(_) => Ok(see_other(&format!("{HERE}?saved=1"))),
        Err(Error::Invalid { field, why }) => {
            // A number that is missing where there must be one is told of the whole document.
            let missing =
                || numbers().into_iter().find(|(place, _)| sent.get(place).is_empty() && needed(place));
            let field = if field == "tenantSettings" {
                missing().map_or(String::new(), |(place, _)| place.to_string())
            } else {
                field
            };
            let why = if why.starts_with("a value has the wrong kind") {
                t("This cannot be left out.").to_string()
            } else {
                why
            };
            page(&visit, &State::refused(sent, &field, why)).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Whether a number cannot be left out.
fn needed(place: &str) -> bool {
    !place.starts_with("retention.")
        && !matches!(
            place,
            "tokens.refreshTokenAbsolute" | "signIn.passwordMaxAgeDays" | "signIn.secondFactorMaxAgeDays"
        )
}

/// Groups of people to filter by; some come from the directory.
async fn user_groups(visit: &Visit, state: &State) -> Result<Markup, Failed> {
    let query = UserGroupQuery {
        conditions: Vec::new(),
        order: UserGroupOrder::Name,
        ascending: true,
        page: EVERYTHING,
    };
    let (all, _) = visit.service().list_user_groups(visit.caller(), query).await?;
    let may = visit.service().check_changes_user_groups(visit.caller()).is_ok();
    let clock = visit.service().clock();
    let rows: Vec<_> = all
        .iter()
        .map(|group| {
            let mut cells = vec![
                html! { (shown::name(&group.name)) br; span .quiet { (shown::name(&group.description)) } },
                html! { (shown::number(group.users)) },
                html! { @match &group.imported { Some(imported) => { (t("imported")) " " (shown::time(clock, imported.at)) }, None => (t("comes with Casbah")) } },
            ];
            if may {
                cells.push(html! { @if group.imported.is_some() {
                    (form::button(&format!("{HERE}/user-groups/{}/delete", group.id), t("Remove"), "second small", &[]))
                } });
            }
            cells
        })
        .collect();
    let mut columns = vec![column(t("Name")), column(t("People")).number(), column(t("Where from"))];
    if may {
        columns.push(column(t("Action")));
    }
    let taken: Vec<Guid> =
        all.iter().filter_map(|group| group.imported.map(|imported| imported.group)).collect();
    let order = Order { by: Property::DisplayName, descending: false };
    let search = Search { condition: Condition::All(Vec::new()), order, after: None, limit: 500 };
    let groups = visit.service().search_groups(visit.caller(), search).await?;
    let free: Vec<_> = groups
        .iter()
        .filter(|group| !taken.contains(&group.id))
        .map(|group| (group.id.to_string(), group.display_name.clone()))
        .collect();
    Ok(html! {
        h2 { (t("User groups")) }
        p { (t("Lists and policies can be limited to the people of a user group. A group of the directory becomes one when it is imported.")) }
        (table::plain(t("User groups"), &columns, &rows))
        @if may && !free.is_empty() {
            (form::form(&format!("{HERE}/user-groups"), &html! {
                (state.select("group", t("Group of the directory"), &free))
                div .buttons { button .second { (t("Import the group")) } }
            }))
        }
    })
}

pub(crate) async fn import_group(visit: Visit, Posted(fields): Posted) -> Answer {
    let group: Guid = fields.get("group").parse().map_err(|_| Failed::NotFound)?;
    visit.service().import_user_group(visit.caller(), group).await?;
    Ok(see_other(HERE))
}

pub(crate) async fn remove_group(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().remove_user_group(visit.caller(), id).await?;
    Ok(see_other(HERE))
}
