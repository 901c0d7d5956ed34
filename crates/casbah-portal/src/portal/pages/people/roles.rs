//! The roles of a person: those of the directory, and those of Cloud Apps with their limits.

use axum::extract::Path;
use casbah_model::{ADMINISTRATOR_ROLES, Access, AdministratorRole, Part, ROLES, Role, User};
use casbah_service::Error;
use casbah_service::administrators::NewAdministrator;
use maud::{Markup, html};

use super::HERE;
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::respond::see_other;

/// Roles of the directory of which one is enough to give roles.
const GIVERS: &[&str] = &["Global Administrator", "Privileged Role Administrator"];

/// What a person holds, with buttons for whoever may give and take.
pub(super) async fn shown(visit: &Visit, user: &User, state: &State) -> Result<Markup, Failed> {
    let base = format!("{HERE}/{}/roles", user.id);
    let given = visit.service().list_role_assignments(visit.caller(), None, Some(user.id)).await?;
    let own: Vec<_> = given.iter().map(|one| one.role).collect();
    let all = visit.service().list_roles_of_user(visit.caller(), &user.id.to_string()).await?;
    let may = visit.holds(GIVERS);
    let rows: Vec<_> = all
        .iter()
        .map(|role| {
            let itself = own.contains(&role.template);
            let mut cells = vec![
                html! { (role.name) },
                html! { @if itself { (t("given to the person")) } @else { (t("through a group")) } },
            ];
            if may {
                cells.push(html! { @if itself { (form::button(&format!("{base}/remove"), t("Take away"), "second small", &[("role", &role.template.to_string())])) } });
            }
            cells
        })
        .collect();
    let mut columns = vec![column(t("Role")), column(t("How"))];
    if may {
        columns.push(column(t("Action")));
    }
    let free: Vec<_> = ROLES
        .iter()
        .filter(|role| !own.contains(&role.template))
        .map(|role| (role.template.to_string(), role.name.to_string()))
        .collect();
    Ok(html! {
        h2 { (t("Roles of the directory")) }
        @if rows.is_empty() { p { (t("none")) } } @else { (table::plain(t("Roles of the directory"), &columns, &rows)) }
        @if may {
            (form::form(&base, &html! { div .inline {
                (state.select("role", t("Role of the directory"), &free))
                button .second { (t("Give the role")) }
            } }))
        }
        @if visit.may(Part::Administrators, Access::Read) { (of_cloud_apps(visit, user, state).await?) }
    })
}

async fn of_cloud_apps(visit: &Visit, user: &User, state: &State) -> Result<Markup, Failed> {
    let base = format!("{HERE}/{}/cloud-apps-roles", user.id);
    let may = visit.may(Part::Administrators, Access::Change);
    let all = visit.service().list_administrators(visit.caller()).await?;
    let rows: Vec<_> = all
        .iter()
        .filter(|one| one.administrator.user == user.id)
        .map(|one| {
            let mut cells = vec![
                html! { (one.administrator.role.name) @if one.administrator.read_only { " (" (t("reads only")) ")" } },
                html! { @if one.names.is_empty() { (t("everything")) } @else { (one.names.join(", ")) } },
            ];
            if may {
                cells.push(form::button(&format!("{base}/remove"), t("Take away"), "second small", &[("id", &one.administrator.id.to_string())]));
            }
            cells
        })
        .collect();
    let mut columns = vec![column(t("Role")), column(t("Within"))];
    if may {
        columns.push(column(t("Action")));
    }
    let roles: Vec<_> =
        ADMINISTRATOR_ROLES.iter().map(|role| (role.id.to_string(), role.name.to_string())).collect();
    Ok(html! {
        h2 { (t("Roles of Cloud Apps")) }
        @if rows.is_empty() { p { (t("none")) } } @else { (table::plain(t("Roles of Cloud Apps"), &columns, &rows)) }
        @if may {
            (form::form(&base, &html! {
                (state.select("cloudAppsRole", t("Role of Cloud Apps"), &roles))
                (state.text("within", t("Within"), Some(t("For a role that is limited: apps by number or name, groups or reports by name, with commas between them.")), false))
                (state.tick("readOnly", t("It lets read only"), ""))
                div .buttons { button .second { (t("Give the role of Cloud Apps")) } }
            }))
        }
    })
}

fn named(template: &str) -> Result<&'static Role, Failed> {
    Role::find(template).ok_or(Failed::NotFound)
}

pub(crate) async fn add(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.service().add_role(visit.caller(), &id, named(fields.get("role"))?).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}

pub(crate) async fn remove(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.service().remove_role(visit.caller(), &id, named(fields.get("role"))?).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}

pub(crate) async fn add_of_cloud_apps(
    visit: Visit,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    use casbah_model::Limit;
    visit.check(Part::Administrators, Access::Change)?;
    let role = AdministratorRole::find(fields.get("cloudAppsRole")).ok_or(Failed::NotFound)?;
    let within: Vec<String> = fields
        .get("within")
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(str::to_string)
        .collect();
    let of = |limit: Limit| if role.limit == limit { within.clone() } else { Vec::new() };
    if !within.is_empty() && matches!(role.limit, Limit::Nothing | Limit::Discovery) {
        let why = t("This role is for everything; nothing can stand here.");
        return super::page(&visit, &id, &State::wrong(fields, "within", why)).await;
    }
    let new = NewAdministrator {
        user: id.clone(),
        role,
        apps: of(Limit::Apps).into_iter().map(|app| (app, None)).collect(),
        groups: of(Limit::Groups),
        reports: of(Limit::Reports),
        read_only: fields.get("readOnly") == "1",
    };
    match visit.service().add_administrator(visit.caller(), new).await {
        Ok(_) => Ok(see_other(&format!("{HERE}/{id}"))),
        Err(Error::Invalid { field, why }) => {
            let field = match field.as_str() {
                "readOnly" | "read_only" => "readOnly",
                "role" | "username" => "cloudAppsRole",
                _ => "within",
            };
            super::page(&visit, &id, &State::refused(fields, field, why)).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn remove_of_cloud_apps(
    visit: Visit,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    visit.check(Part::Administrators, Access::Change)?;
    // The id of an assignment, and nothing else: a name would take all of somebody's away.
    let assignment: casbah_model::RecordId = fields.get("id").parse().map_err(|_| Failed::NotFound)?;
    visit.service().remove_administrator(visit.caller(), assignment.as_str()).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}
