//! Activities: what was done, by whom, from where. The audit trail of Casbah is among them.

use casbah_api::lists;
use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Page, Range, Test};
use casbah_model::{Access, Activity, Part};
use casbah_service::activities::{ActivityPage, ActivityQuery};
use maud::{Markup, html};
use serde_json::{Value as Json, json};

use crate::portal::fields::Fields;
use crate::portal::filter::{self, Asked};
use crate::portal::list::tools;
use crate::portal::table::{self, Column, Sorted, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/activities";
const PAGE: i64 = 50;

/// A page of activities: all of them, or some kind that is looked at in a way of its own.
pub(super) struct Shown {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    /// What it is mostly filtered by: fields with their operators.
    pub(super) common: &'static [(&'static str, &'static str)],
    /// Filters that hold always.
    pub(super) always: Json,
    pub(super) columns: Vec<Column>,
    pub(super) row: fn(&Visit, &Activity) -> Vec<Markup>,
}

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Activities, Access::Read)?;
    let all = Shown {
        path: HERE,
        title: t("Activities"),
        common: &[("user.username", "eq"), ("ip.address", "eq"), ("activity.type", "eq"), ("text", "text")],
        always: json!({}),
        columns: columns(),
        row,
    };
    list(&visit, &all).await
}

/// The page, a place in the order of time after the other.
pub(super) async fn list(visit: &Visit, what: &Shown) -> Answer {
    let query = visit.query();
    let mut filters = match filter::asked("activities", what.path, &query) {
        Asked::Elsewhere(address) => return Ok(see_other(&address)),
        Asked::Here(filters) => filters,
    };
    let now = visit.service().clock().now();
    let ascending = query.get("order") == "asc";
    let until = query.get("until").parse::<i64>().ok();
    let mut conditions = lists::activity_conditions(&filters.given, now).unwrap_or_else(|why| {
        filters.refused(why);
        Vec::new()
    });
    if let Json::Object(always) = &what.always {
        conditions.extend(lists::activity_conditions(always, now).unwrap_or_default());
    }
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
    let found = match filters.problem {
        // Nothing is better than everything where the filters say something else.
        Some(_) => ActivityPage {
            activities: Vec::new(),
            total: 0,
            more_than_total: false,
            next_bound: None,
            has_next: false,
        },
        None => visit.service().list_activities(visit.caller(), asked).await?,
    };
    let rows: Vec<_> = found.activities.iter().map(|activity| (what.row)(visit, activity)).collect();
    let start = query.with("until", None).address(what.path);
    let next = found.next_bound.map(|bound| query.with("until", Some(&bound.to_string())).address(what.path));
    let body = html! {
        (tools(visit, &filters, what.path, what.common).await?)
        @if !rows.is_empty() {
            p .count { (shown::number(found.total)) @if found.more_than_total { "+" } " " (t("activities")) }
            div data-triage {
                (table::sorted(what.title, &what.columns, &rows, Some((Sorted { key: "date", ascending }, what.path, &query))))
            }
        } @else if filters.problem.is_none() {
            (table::empty(t("No activity fits these filters."), Some((t("Show all"), what.path))))
        }
        (table::pager(until.map(|_| start.as_str()), next.as_deref()))
    };
    Ok(if filters.problem.is_some() {
        layout::refused(what.title, &body)
    } else {
        layout::page(what.title, &body)
    })
}

/// The columns of [`row`].
pub(super) fn columns() -> Vec<Column> {
    vec![
        column(t("When")).sorted_by("date"),
        column(t("Who")),
        column(t("What")),
        column(t("To")),
        column(t("App")),
        column(t("From")),
        column(t("Result")),
    ]
}

pub(super) fn row(visit: &Visit, activity: &Activity) -> Vec<Markup> {
    let address = Fields::default().with("id", Some(&activity.id)).address("/portal/activities/one");
    vec![
        shown::time(visit.service().clock(), activity.at()),
        html! { (shown::name(activity.user_name.as_deref().unwrap_or(t("unknown")))) },
        html! { a href=(address) { (shown::name(&activity.action)) } },
        objects(activity),
        shown::name(&activity.facts.service_name),
        html! { (activity.address.as_deref().unwrap_or_default()) @if let Some(country) = &activity.country { " " (country) } },
        html! { @match activity.failure {
            None => span .badge .good { (t("success")) },
            Some(0) => span .badge .high { (t("refused")) },
            Some(number) => { span .badge .high { (t("refused")) } " " a href={ "/error?code=" (number) } { (number) } }
        } },
    ]
}

/// What it was done to, the first few.
pub(super) fn objects(activity: &Activity) -> Markup {
    html! { @for (n, object) in activity.facts.objects.iter().take(3).enumerate() {
        @if n > 0 { ", " } (shown::name(if object.name.is_empty() { &object.id } else { &object.name }))
    } }
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
