//! Who changed what: the audit trail of Casbah itself.

use casbah_model::activity::CASBAH_APP;
use casbah_model::{Access, Activity, Part};
use maud::{Markup, html};
use serde_json::{Value as Json, json};

use super::activities::{self, Shown};
use crate::portal::fields::Fields;
use crate::portal::shown;
use crate::portal::table::{Column, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Activities, Access::Read)?;
    let all = Shown {
        path: "/portal/audit",
        title: t("Audit trail"),
        common: &[("user.username", "eq"), ("activityObject", "eq"), ("date", "gte"), ("text", "text")],
        always: json!({ "service": { "eq": CASBAH_APP }, "activity.type": { "eq": true } }),
        columns: columns(),
        row,
    };
    activities::list(&visit, &all).await
}

fn columns() -> Vec<Column> {
    vec![
        column(t("When")).sorted_by("date"),
        column(t("Who")),
        column(t("What")),
        column(t("On what")),
        column(t("What changed")),
        column(t("Through")),
    ]
}

fn row(visit: &Visit, activity: &Activity) -> Vec<Markup> {
    let address = Fields::default().with("id", Some(&activity.id)).address("/portal/activities/one");
    let (before, after) = (&activity.facts.details["before"], &activity.facts.details["after"]);
    vec![
        shown::time(visit.service().clock(), activity.at()),
        html! { (shown::name(activity.user_name.as_deref().unwrap_or(t("Casbah itself")))) },
        html! { a href=(address) { span lang="en" { (activity.action) } } },
        activities::objects(activity),
        changes(before, after),
        html! { (activity.address.as_deref().unwrap_or_default()) },
    ]
}

/// Each property that changed, before and after.
fn changes(before: &Json, after: &Json) -> Markup {
    let names = [before, after].into_iter().filter_map(Json::as_object).flat_map(|all| all.keys());
    let names: std::collections::BTreeSet<&String> = names.collect();
    html! { @if !names.is_empty() { ul .changes { @for name in names {
        li { code { (name) } ": " @match (before.get(name), after.get(name)) {
            (None | Some(Json::Null), Some(new)) => ins { (short(new)) },
            (Some(old), None | Some(Json::Null)) => del { (short(old)) },
            (Some(old), Some(new)) => { del { (short(old)) } " → " ins { (short(new)) } }
            (None, None) => (t("unknown")),
        } }
    } } } }
}

fn short(value: &Json) -> String {
    const MOST: usize = 80;
    let text = match value {
        Json::String(text) => crate::names::shown(text).to_string(),
        other => other.to_string(),
    };
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}
