//! People and the roles that they hold: those of the directory, and those of Cloud Apps.

pub(crate) mod edit;
pub(crate) mod roles;

use axum::extract::Path;
use casbah_model::{Access, EntityAddress, Part};
use casbah_service::directory::{Condition, Order, Property, Search};
use maud::html;
use serde_json::json;

use crate::portal::fields::Fields;
use crate::portal::form::State;
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{filter, layout, shown};

const HERE: &str = "/portal/people";
const MOST: i64 = 200;

pub(crate) async fn show(visit: Visit) -> Answer {
    let query = visit.query();
    let wanted = query.get("search").to_lowercase();
    let condition = match wanted.as_str() {
        "" => Condition::All(Vec::new()),
        text => Condition::Any(vec![
            Condition::Starts(Property::DisplayName, text.to_string()),
            Condition::Starts(Property::Name, text.to_string()),
        ]),
    };
    let order = Order { by: Property::DisplayName, descending: false };
    let search = Search { condition, order, after: None, limit: MOST };
    let people = visit.service().search_users(visit.caller(), search).await?;
    let rows: Vec<_> = people
        .iter()
        .map(|user| vec![
            html! { a href={ (HERE) "/" (user.id) } { (shown::name(&user.display_name)) } },
            shown::name(&user.user_principal_name),
            html! { @if user.enabled { span .badge .good { (t("enabled")) } } @else { span .badge .medium { (t("disabled")) } } },
            html! { @if user.details.guest { (t("guest")) } @else { (t("member")) } },
        ])
        .collect();
    let columns = [column(t("Name")), column(t("Sign-in name")), column(t("State")), column(t("Kind"))];
    let administrators = match visit.may(Part::Administrators, Access::Read) {
        true => visit.service().list_administrators(visit.caller()).await?,
        false => Vec::new(),
    };
    let roles: Vec<_> = administrators
        .iter()
        .map(|one| vec![
            shown::name(&one.user_name),
            html! { (one.administrator.role.name) @if one.administrator.read_only { " (" (t("reads only")) ")" } },
            html! { @if one.names.is_empty() { (t("everything")) } @else { (one.names.join(", ")) } },
        ])
        .collect();
    let role_columns = [column(t("Who")), column(t("Role")), column(t("Within"))];
    let body = html! {
        @if edit::may_make(&visit) { div .buttons { a .button href={ (HERE) "/new" } { (t("A new person")) } } }
        form .filters method="get" action=(HERE) role="search" {
            div { label for="search" { (t("Name begins with")) }
                input #search type="search" name="search" value=(query.get("search")); }
            button .second { (t("Search")) }
        }
        @if rows.is_empty() { (table::empty(t("Nobody has a name that begins like that."), Some((t("Show all"), HERE)))) }
        @else { (table::plain(t("People"), &columns, &rows)) }
        @if people.len() as i64 == MOST { p .quiet { (t("Not all are shown: search by name.")) } }
        @if visit.may(Part::Administrators, Access::Read) {
            h2 { (t("Roles of Cloud Apps")) }
            @if roles.is_empty() { p { (t("Nobody holds one: what people may do here comes from their roles in the directory.")) } }
            @else { (table::plain(t("Roles of Cloud Apps"), &role_columns, &roles)) }
        }
    };
    Ok(layout::page(t("People and roles"), &body))
}

pub(crate) async fn show_one(visit: Visit, Path(id): Path<String>) -> Answer {
    page(&visit, &id, &State::default()).await
}

/// The page of a person, with a form that was wrong.
async fn page(visit: &Visit, id: &str, state: &State) -> Answer {
    let user = visit.service().fetch_user(visit.caller(), id).await?;
    let body = html! {
        (state.summary())
        dl {
            dt { (t("Sign-in name")) } dd { (shown::name(&user.user_principal_name)) }
            dt { (t("Object id")) } dd { (shown::copyable(&user.id.to_string())) }
            dt { (t("State")) } dd {
                @if user.enabled { span .badge .good { (t("enabled")) } } @else { span .badge .medium { (t("disabled")) } }
                @if user.details.guest { " " span .badge .information { (t("guest")) } }
            }
            dt { (t("Mail")) } dd { (user.mail.as_deref().unwrap_or_default()) }
            dt { (t("Since")) } dd { (shown::time(visit.service().clock(), user.created)) }
        }
        p {
            @if visit.may(Part::Activities, Access::Read) {
                a href=(filter::address("/portal/activities", &json!({ "user.username": { "eq": user.user_principal_name } }))) { (t("What this person did")) } " · "
            }
            @if visit.may(Part::Entities, Access::Read) {
                a href=(Fields::default().with("ii", Some(&EntityAddress::of_directory(user.id).joined())).address("/portal/entities/one")) { (t("Score, accounts and alerts")) } " · "
            }
            a href=(HERE) { (t("To all people")) }
        }
        (roles::shown(visit, &user, state).await?)
        (edit::forms(visit, &user, state))
    };
    let title = crate::names::shown(&user.display_name);
    Ok(if state.problem.is_some() { layout::refused(&title, &body) } else { layout::page(&title, &body) })
}
