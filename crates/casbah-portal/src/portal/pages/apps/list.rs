//! The list of applications; what ends first stands first.

use casbah_model::Timestamp;
use casbah_service::directory::{Condition, Order, Property, Search};
use maud::html;

use super::{credentials, is_built_in, kind, may_register};
use crate::portal::table::{self, column};
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};

/// Most applications on the page; beyond them the search finds the others.
const MOST: i64 = 500;

pub(crate) async fn show(visit: Visit) -> Answer {
    let query = visit.query();
    let wanted = query.get("search").to_lowercase();
    let condition = match wanted.as_str() {
        "" => Condition::All(Vec::new()),
        text => Condition::Starts(Property::DisplayName, text.to_string()),
    };
    let order = Order { by: Property::DisplayName, descending: false };
    let search = Search { condition, order, after: None, limit: MOST };
    let clock = visit.service().clock();
    let mut all = visit.service().search_applications(visit.caller(), search).await?;
    let whole = all.len() as i64 == MOST;
    all.retain(|found| !is_built_in(found));
    let now = clock.now();
    all.sort_by_key(|found| credentials(found, now).0.unwrap_or(Timestamp(i64::MAX)));
    let rows: Vec<_> = all
        .iter()
        .map(|found| {
            let (ends, used) = credentials(found, now);
            let application = &found.application;
            vec![
                html! { a href={ "/portal/apps/" (application.app_id) } { (shown::name(&application.display_name)) } },
                html! { (kind(application)) },
                html! { (application.required_access.len()) },
                html! { @match ends {
                    Some(ends) => (filled("ends {when}", &[("when", &shown::ago(now, ends))])),
                    None if found.secrets.is_empty() && found.certificates.is_empty() => span .quiet { (t("none")) },
                    None => strong .danger { (t("all ended")) },
                } },
                shown::time_or(clock, used, t("never")),
            ]
        })
        .collect();
    let columns = [
        column(t("Name")),
        column(t("Kind")),
        column(t("Permissions")).number(),
        column(t("Keys")),
        column(t("Last used")),
    ];
    let body = html! {
        div .toolbar {
            form method="get" action="/portal/apps" role="search" {
                label for="search" { (t("Name begins with")) }
                input #search type="search" name="search" value=(query.get("search"));
                button .second { (t("Search")) }
            }
            @if may_register(&visit) { a .button href="/portal/apps/new" { (t("Register an application")) } }
        }
        @if rows.is_empty() && wanted.is_empty() {
            (table::empty(
                t("No application is registered yet. A program that calls the API needs one, with a key of its own."),
                None,
            ))
        } @else if rows.is_empty() {
            (table::empty(t("No application has a name that begins like that."), Some((t("Show all"), "/portal/apps"))))
        } @else {
            (table::plain(t("Applications"), &columns, &rows))
        }
        @if whole { p .quiet { (t("Not all are shown: search by name.")) } }
    };
    Ok(layout::page(t("Apps and tokens"), &body))
}
