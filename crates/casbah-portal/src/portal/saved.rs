//! Queries that a person keeps for a list. Others get them as a link, which holds the filters themselves.

use maud::{Markup, html};

use super::filter::{self, Filters};
use super::text::t;
use super::visit::{Answer, Failed, Posted, Visit};
use super::{form, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/saved";

/// What is kept for a list, and a form to keep what the address asks for.
pub(crate) async fn of(visit: &Visit, filters: &Filters, path: &str) -> Result<Markup, Failed> {
    let all = visit.service().list_saved_queries(visit.caller(), &filters.list.resource).await?;
    let now = filters.json();
    let back = visit.here.address();
    let link = format!("{}{}", visit.service().settings().public_url, filter::address(path, &now));
    Ok(html! { details .saved open[visit.query().given("saved").is_some()] {
        summary { (t("Saved queries")) @if !all.is_empty() { " (" (all.len()) ")" } }
        @if !all.is_empty() { ul { @for one in &all { li {
            a href=(filter::address(path, &one.filters)) aria-current=[(one.filters == now).then_some("true")] { (shown::name(&one.name)) }
            " "
            (form::button(&format!("{HERE}/{}/delete", one.id), t("Forget"), "second small", &[("back", &back)]))
        } } } }
        @if filters.problem.is_none() && !filters.given.is_empty() {
            (form::form(HERE, &html! {
                input type="hidden" name="list" value=(filters.list.resource);
                input type="hidden" name="filters" value=(now);
                input type="hidden" name="back" value=(back);
                div .inline {
                    div { label for="saved-name" { (t("Save these filters as")) }
                        input #saved-name type="text" name="name" required maxlength="100"; }
                    button .second { (t("Save")) }
                }
            }))
            p { (t("Link to share:")) " " (shown::copyable(&link)) }
        } @else if all.is_empty() { p .quiet { (t("Filter the list first; then the filters can be saved under a name.")) } }
    } })
}

pub(crate) async fn save(visit: Visit, Posted(fields): Posted) -> Answer {
    let given = filter::parsed(fields.get("filters")).map_err(|why| Failed::invalid("filters", &why))?;
    let list = fields.get("list");
    if casbah_api::lists::List::find(list).is_none() {
        return Err(Failed::NotFound);
    }
    visit.once(&fields).await?;
    visit.service().save_query(visit.caller(), list, fields.get("name"), given).await?;
    Ok(see_other(&back(fields.get("back"))))
}

pub(crate) async fn forget(
    visit: Visit,
    axum::extract::Path(id): axum::extract::Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let id = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().delete_saved_query(visit.caller(), id).await?;
    Ok(see_other(&back(fields.get("back"))))
}

/// The list again, with what is saved in sight.
fn back(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let query = super::fields::Fields::read(query.as_bytes()).with("saved", Some("1"));
    super::session::own(&query.address(path)).to_string()
}
