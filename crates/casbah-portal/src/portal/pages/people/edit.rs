//! Making, inviting and changing people: names, whether they may sign in, passwords. The use cases decide who may;
//! a button stands where the person's roles can be enough.

use axum::extract::Path;
use axum::response::Response;
use casbah_model::{Secret, User};
use casbah_service::Error;
use casbah_service::directory::invitations::NewInvitation;
use casbah_service::directory::users::{NewUser, UserChange};
use maud::{Markup, html};

use super::HERE;
use crate::portal::fields::Fields;
use crate::portal::form::{self, State};
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

/// Roles of the directory of which one is enough to make people.
const MAKERS: &[&str] = &["Global Administrator", "User Administrator"];
/// Roles of which one is enough to change people, if not everybody.
const CHANGERS: &[&str] = &["Global Administrator", "User Administrator", "Authentication Administrator"];
/// Letters of a password that is made here: none that is taken for another.
const READABLE: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 20;

pub(super) fn may_make(visit: &Visit) -> bool {
    visit.holds(MAKERS)
}

pub(super) fn may_change(visit: &Visit) -> bool {
    visit.holds(CHANGERS)
}

fn check(may: bool) -> Result<(), Failed> {
    if may { Ok(()) } else { Err(Failed::Forbidden(String::new())) }
}

pub(crate) async fn new(visit: Visit) -> Answer {
    check(may_make(&visit))?;
    Ok(new_page(&visit, &State::default(), &State::default()))
}

fn new_page(visit: &Visit, new: &State, guest: &State) -> Response {
    let domain = visit.visitor.tenant.domains.first().map_or("", String::as_str);
    let name_hint =
        filled("With the domain of the organisation, as in mira@{domain}.", &[("domain", &domain)]);
    let body = html! {
        (new.summary())
        (guest.summary())
        (form::form(&format!("{HERE}/new"), &html! {
            (new.text("displayName", t("Name"), None, true))
            (new.text("userPrincipalName", t("Sign-in name"), Some(&name_hint), true))
            (new.text("mail", t("Mail"), Some(t("May be left out.")), false))
            (password(new))
            div .buttons { button { (t("Make the person")) } a .button .second href=(HERE) { (t("Cancel")) } }
        }))
        h2 { (t("Invite a guest")) }
        p { (t("Somebody of another organisation, who signs in there. Casbah sends no mail: you get a link to pass on.")) }
        (form::form(&format!("{HERE}/invite"), &html! {
            (guest.text("guestMail", t("Mail of the guest"), None, true))
            (guest.text("guestName", t("Name of the guest"), Some(t("May be left out.")), false))
            div .buttons { button .second { (t("Invite")) } }
        }))
    };
    let title = t("A new person");
    let is_wrong = new.problem.is_some() || guest.problem.is_some();
    if is_wrong { layout::refused(title, &body) } else { layout::page(title, &body) }
}

/// What is typed as a password is not shown again.
fn password(state: &State) -> Markup {
    let empty = State {
        fields: state.fields.with("password", None),
        problem: state.problem.clone().filter(|problem| problem.field == "password"),
    };
    let keep = state.fields.get("keep");
    html! {
        (empty.secret("password", t("Password"), Some(t("Left empty, one is made and shown once."))))
        label .choice { input type="checkbox" name="keep" value="1" checked[keep == "1"];
            span { (t("It may be kept; otherwise the next sign-in asks for another.")) } }
    }
}

/// The password that was typed, or a new one, which then has to be shown.
fn chosen(fields: &Fields) -> (Secret, bool) {
    match fields.given("password") {
        Some(typed) => (Secret::new(typed.to_string()), false),
        None => (Secret::random(LENGTH, READABLE), true),
    }
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    check(may_make(&visit))?;
    let (password, made) = chosen(&fields);
    let new = NewUser {
        user_principal_name: fields.get("userPrincipalName").to_string(),
        display_name: fields.get("displayName").to_string(),
        mail: fields.given("mail").map(str::to_string),
        enabled: true,
        password: Some(password.clone()),
        must_change_password: fields.get("keep") != "1",
        ..NewUser::default()
    };
    visit.once(&fields).await?;
    match visit.service().create_user(visit.caller(), new).await {
        Ok(user) if made => Ok(once(&user, &password)),
        Ok(user) => Ok(see_other(&format!("{HERE}/{}", user.id))),
        Err(Error::Invalid { field, why }) => {
            Ok(new_page(&visit, &State::refused(fields, &field, why), &State::default()))
        }
        Err(Error::Conflict(why)) => {
            Ok(new_page(&visit, &State::refused(fields, "userPrincipalName", why), &State::default()))
        }
        Err(other) => Err(other.into()),
    }
}

/// A password that is shown once.
fn once(user: &User, password: &Secret) -> Response {
    let body = html! {
        section .secret aria-labelledby="secret" {
            h2 #secret { (t("The password, shown this once")) }
            p { (filled("Give it to {name} in a safe way.", &[("name", &crate::names::shown(&user.user_principal_name))])) }
            p { (shown::copyable(password.expose())) }
        }
        div .buttons { a .button .second href={ (HERE) "/" (user.id) } { (t("To the person")) } }
    };
    layout::page(&crate::names::shown(&user.display_name), &body)
}

pub(crate) async fn invite(visit: Visit, Posted(fields): Posted) -> Answer {
    check(may_make(&visit))?;
    let base = visit.service().settings().public_url.clone();
    let new = NewInvitation {
        mail: fields.get("guestMail").to_string(),
        redirect_url: format!("{base}/portal"),
        display_name: fields.given("guestName").map(str::to_string),
    };
    match visit.service().invite_guest(visit.caller(), new).await {
        Ok(invited) => {
            let name = crate::names::shown(&invited.user.display_name);
            let body = html! {
                p { (filled("Pass this link on to {name}: it leads to the sign-in that accepts the invitation.", &[("name", &name)])) }
                p { (shown::copyable(&invited.redeem_url)) }
                div .buttons { a .button .second href={ (HERE) "/" (invited.user.id) } { (t("To the person")) } }
            };
            Ok(layout::page(&name, &body))
        }
        Err(Error::Invalid { field, why }) => {
            let field = if field.contains("Name") { "guestName" } else { "guestMail" };
            Ok(new_page(&visit, &State::default(), &State::refused(fields, field, why)))
        }
        Err(Error::Conflict(why)) => {
            Ok(new_page(&visit, &State::default(), &State::refused(fields, "guestMail", why)))
        }
        Err(other) => Err(other.into()),
    }
}

/// What can be changed about a person, as far as the reader's roles may let.
pub(super) fn forms(visit: &Visit, user: &User, state: &State) -> Markup {
    let base = format!("{HERE}/{}", user.id);
    let start = State {
        fields: Fields::from_pairs(vec![
            ("displayName".to_string(), user.display_name.clone()),
            ("userPrincipalName".to_string(), user.user_principal_name.clone()),
            ("mail".to_string(), user.mail.clone().unwrap_or_default()),
        ]),
        problem: None,
    };
    let names = if state.fields.given("displayName").is_some() { state } else { &start };
    html! { @if may_change(visit) {
        h2 { (t("Names")) }
        (form::form(&base, &html! {
            (names.text("displayName", t("Name"), None, true))
            (names.text("userPrincipalName", t("Sign-in name"), None, true))
            (names.text("mail", t("Mail"), Some(t("May be left out.")), false))
            div .buttons { button { (t("Save the names")) } }
        }))
        h2 { (t("Sign-in")) }
        @if !user.details.guest {
            (form::form(&format!("{base}/password"), &html! {
                (password(state))
                div .buttons { button .second { (t("Reset the password")) } }
            }))
        }
        div .buttons {
            (form::button(&format!("{base}/enabled"), if user.enabled { t("Disable") } else { t("Enable") },
                "second", &[("enabled", if user.enabled { "" } else { "1" })]))
            (form::button(&format!("{base}/sign-out"), t("Sign out everywhere"), "second", &[]))
        }
        h2 { (t("Delete it")) }
        p { (t("A deleted person can be restored for 30 days with casbah user restore.")) }
        (form::form(&format!("{base}/delete"), &html! {
            (state.text("confirm", t("Sign-in name of the person"), None, false))
            div .buttons { button .danger { (t("Delete")) } }
        }))
    } }
}

pub(crate) async fn change(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let given = |name: &str| Some(fields.get(name).to_string());
    let change = UserChange {
        display_name: given("displayName"),
        user_principal_name: given("userPrincipalName"),
        mail: Some(fields.given("mail").map(str::to_string)),
        ..UserChange::default()
    };
    saved(&visit, &id, change, &fields).await
}

pub(crate) async fn set_enabled(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let change = UserChange { enabled: Some(fields.get("enabled") == "1"), ..UserChange::default() };
    saved(&visit, &id, change, &fields).await
}

async fn saved(visit: &Visit, id: &str, change: UserChange, fields: &Fields) -> Answer {
    match visit.service().change_user(visit.caller(), id, change).await {
        Ok(user) => Ok(see_other(&format!("{HERE}/{}", user.id))),
        Err(Error::Invalid { field, why }) => {
            super::page(visit, id, &State::refused(fields.clone(), &field, why)).await
        }
        Err(Error::Conflict(why)) => {
            super::page(visit, id, &State::refused(fields.clone(), "userPrincipalName", why)).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn reset_password(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let (password, made) = chosen(&fields);
    visit.once(&fields).await?;
    let change = UserChange {
        password: Some(password.clone()),
        must_change_password: Some(fields.get("keep") != "1"),
        ..UserChange::default()
    };
    match visit.service().change_user(visit.caller(), &id, change).await {
        Ok(user) if made => Ok(once(&user, &password)),
        Ok(user) => Ok(see_other(&format!("{HERE}/{}", user.id))),
        Err(Error::Invalid { field, why }) => {
            super::page(&visit, &id, &State::refused(fields.with("password", None), &field, why)).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn sign_out(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    visit.service().revoke_sessions(visit.caller(), &id).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}

pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let user = visit.service().fetch_user(visit.caller(), &id).await?;
    if !fields.get("confirm").eq_ignore_ascii_case(&user.user_principal_name) {
        let why = t("This is not the sign-in name of the person.");
        return super::page(&visit, &id, &State::wrong(fields, "confirm", why)).await;
    }
    visit.service().delete_user(visit.caller(), &id).await?;
    Ok(see_other(HERE))
}
