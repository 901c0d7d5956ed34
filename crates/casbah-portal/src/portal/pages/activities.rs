//! Activities: what was done, by whom, from where. The audit trail of Casbah is among them.

use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Page, Range, Test};
use casbah_model::{Access, Activity, Part};
use casbah_service::activities::ActivityQuery;
use maud::{Markup, html};

use crate::portal::fields::Fields;
use crate::portal::filter::{self, Facet, Kind};
use crate::portal::table::{self, Sorted, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/activities";
const PAGE: i64 = 50;

const FACETS: &[Facet<ActivityField>] = &[
    Facet { name: "user", json: "user.username", field: ActivityField::UserName, kind: Kind::Text },
    Facet { name: "action", json: "activity.actionType", field: ActivityField::ActionType, kind: Kind::Text },
    Facet { name: "category", json: "activity.eventType", field: ActivityField::Category, kind: Kind::Text },
    Facet { name: "admin", json: "activity.type", field: ActivityField::Admin, kind: Kind::Flag },
    Facet { name: "service", json: "service", field: ActivityField::Service, kind: Kind::Number },
    Facet { name: "ip", json: "ip.address", field: ActivityField::Address, kind: Kind::Text },
    Facet { name: "country", json: "location.country", field: ActivityField::Country, kind: Kind::Text },
    Facet { name: "client", json: "client", field: ActivityField::Client, kind: Kind::Text },
    Facet { name: "text", json: "text", field: ActivityField::Text, kind: Kind::Words },
];

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Activities, Access::Read)?;
    let query = visit.query();
    let mut problem = match filter::paste(FACETS, HERE, &query) {
        Some(Ok(address)) => return Ok(see_other(&address)),
        Some(Err(problem)) => Some(problem),
        None => None,
    };
    let mut conditions = filter::conditions(FACETS, &query).unwrap_or_else(|wrong| {
        problem = Some(wrong);
        Vec::new()
    });
    let ascending = query.get("order") == "asc";
    let until = query.get("until").parse::<i64>().ok();
    if let Some(bound) = until {
        let range = if ascending {
            Range { from: Some(bound), to: None }
        } else {
            Range { from: None, to: Some(bound) }
        };
        conditions.push(Condition { field: ActivityField::At, test: Test::Within(vec![range]) });
    }
    let order = ActivityOrder { by_created: false, ascending };
    let page = Page { skip: 0, limit: PAGE };
    let asked = ActivityQuery { conditions, order, page, scan: true, whole_moments: false };
    let found = visit.service().list_activities(visit.caller(), asked).await?;
    let rows: Vec<_> = found.activities.iter().map(|activity| row(&visit, activity)).collect();
    let columns = [
        column(t("When")).sorted_by("date"),
        column(t("Who")),
        column(t("What")),
        column(t("To")),
        column(t("App")),
        column(t("From")),
        column(t("Result")),
    ];
    let start = query.with("until", None).address(HERE);
    let next = found.next_bound.map(|bound| query.with("until", Some(&bound.to_string())).address(HERE));
    let body = html! {
        @if let Some(problem) = &problem { p .problem role="alert" { (problem.why) } }
        (filters(&query))
        (filter::as_json(FACETS, HERE, &query, problem.as_ref()))
        @if rows.is_empty() {
            (table::empty(t("No activity fits these filters."), Some((t("Show all"), HERE))))
        } @else {
            p { (shown::number(found.total)) @if found.more_than_total { "+" } " " (t("activities")) }
            div data-triage {
                (table::sorted(t("Activities"), &columns, &rows, Some((Sorted { key: "date", ascending }, HERE, &query))))
            }
        }
        (table::pager(until.map(|_| start.as_str()), next.as_deref()))
    };
    let title = t("Activities");
    Ok(if problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

fn filters(query: &Fields) -> Markup {
    filter::form(
        HERE,
        &html! {
            (filter::typed(query, "user", t("User")))
            (filter::typed(query, "ip", t("Address")))
            (filter::choice(query, "admin", t("Kind"), &[("true", t("Changes of settings")), ("false", t("Everything else"))]))
            (filter::typed(query, "text", t("Words")))
            @for name in ["action", "category", "service", "country", "client"] {
                @if let Some(value) = query.given(name) { input type="hidden" name=(name) value=(value); }
            }
        },
    )
}

fn row(visit: &Visit, activity: &Activity) -> Vec<Markup> {
    let address = Fields::default().with("id", Some(&activity.id)).address("/portal/activities/one");
    vec![
        shown::time(visit.service().clock(), activity.at()),
        html! { (shown::name(activity.user_name.as_deref().unwrap_or(t("unknown")))) },
        html! { a href=(address) { (activity.action) } },
        html! { @for (n, object) in activity.facts.objects.iter().take(3).enumerate() {
            @if n > 0 { ", " } (shown::name(if object.name.is_empty() { &object.id } else { &object.name }))
        } },
        shown::name(&activity.facts.service_name),
        html! { (activity.address.as_deref().unwrap_or_default()) @if let Some(country) = &activity.country { " " (country) } },
        html! { @match activity.failure {
            None => span .badge .good { (t("success")) },
            Some(number) => { span .badge .high { (t("refused")) } " " a href={ "/error?code=" (number) } { (number) } }
        } },
    ]
}

/// One activity, whole. Ids are free text, so they stand in the query.
pub(crate) async fn show_one(visit: Visit) -> Answer {
    visit.check(Part::Activities, Access::Read)?;
    let id = visit.query().get("id").to_string();
    let activity = visit.service().activity(visit.caller(), id).await?;
    let unknown = || t("unknown").to_string();
    let body = html! {
        dl {
            dt { (t("When")) } dd { (shown::exact(activity.at())) }
            dt { (t("Who")) } dd { (shown::name(&activity.user_name.clone().unwrap_or_else(unknown))) }
            dt { (t("App")) } dd { (shown::name(&activity.facts.service_name)) }
            dt { (t("From")) } dd { (activity.address.clone().unwrap_or_else(unknown)) }
            dt { (t("Browser or program")) } dd { (shown::name(&activity.facts.user_agent.clone().unwrap_or_else(unknown))) }
            dt { (t("Category")) } dd { code { (activity.category) } }
            dt { (t("Kind")) } dd { code { (activity.action_type) } }
            dt { (t("Id")) } dd { (shown::copyable(&activity.id)) }
        }
        h2 { (t("Details")) }
        (shown::copyable_lines(&serde_json::to_string_pretty(&activity.facts.details).unwrap_or_default()))
        p { a href=(HERE) { (t("To all activities")) } }
    };
    Ok(layout::page(&activity.action, &body))
}
