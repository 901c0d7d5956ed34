//! What else is registered of an application: where sign-ins end, whose tokens prove it, and who owns it.

use axum::extract::Path;
use axum::response::Response;
use casbah_model::{FederatedCredential, Guid, RedirectUriKind};
use casbah_service::Error;
use casbah_service::directory::applications::{ApplicationChange, ApplicationWithSecrets};
use casbah_service::directory::federated_credentials::{FederatedCredentialChange, NewFederatedCredential};
use casbah_service::directory::objects::DirectoryObject;
use casbah_service::directory::owners::Owned;
use maud::{Markup, html};

use super::{find, key, may_change, tabs};
use crate::portal::fields::Fields;
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

/// The audience that clients of Entra ask their provider for.
const USUAL_AUDIENCE: &str = "api://AzureADTokenExchange";

/// Kinds of redirect addresses, with the field of each.
fn kinds() -> Vec<(RedirectUriKind, &'static str, &'static str)> {
    vec![
        (RedirectUriKind::Web, "web", t("Web app")),
        (RedirectUriKind::Spa, "spa", t("Single-page app")),
        (RedirectUriKind::PublicClient, "native", t("Native app")),
    ]
}

fn here(id: &str) -> String {
    format!("/portal/apps/{id}/setup")
}

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    page(&visit, &id, None).await
}

/// The page; with a form that was sent and is wrong, what was typed.
async fn page(visit: &Visit, id: &str, wrong: Option<State>) -> Answer {
    let found = find(visit, id).await?;
    let may = may_change(visit, &found).await?;
    let credentials = visit.service().list_federated_credentials(visit.caller(), key(id)?).await?;
    let owners = visit.service().list_owners(visit.caller(), Owned::Application(key(id)?)).await?;
    let state = wrong.clone().unwrap_or_default();
    let edited = visit
        .query()
        .given("federated")
        .and_then(|id| credentials.iter().find(|one| one.id.to_string() == id).cloned());
    let body = html! {
        (tabs(&found.application, "/setup"))
        (state.summary())
        h2 { (t("Redirect addresses")) }
        (redirects(&found, id, may, &state))
        h2 { (t("Whose tokens prove it")) }
        p { (t("A workload elsewhere proves this application with a token of its own provider, without a secret.")) }
        (federated(&credentials, id, may, &state, edited.as_ref()))
        h2 { (t("Owners")) }
        p { (t("An owner may change this application without a role.")) }
        (owned_by(&owners, id, may, &state))
    };
    let title = crate::names::shown(&found.application.display_name);
    Ok(if wrong.is_some() { layout::refused(&title, &body) } else { layout::page(&title, &body) })
}

fn redirects(found: &ApplicationWithSecrets, id: &str, may: bool, state: &State) -> Markup {
    let of = |kind: RedirectUriKind| {
        let all = found.application.redirect_uris.iter().filter(|uri| uri.kind == kind);
        all.map(|uri| uri.uri.as_str()).collect::<Vec<_>>().join("\n")
    };
    let typed = state.fields.given("redirects").is_some();
    let start =
        Fields::from_pairs(kinds().iter().map(|(kind, name, _)| ((*name).to_string(), of(*kind))).collect());
    let form =
        State { fields: if typed { state.fields.clone() } else { start }, problem: state.problem.clone() };
    html! { @if may {
        (form::form(&format!("{}/redirects", here(id)), &html! {
            input type="hidden" name="redirects" value="1";
            @for (_, name, label) in kinds() { (form.area(name, label, None, 2)) }
            p .hint { (t("One a line; https, and for native apps also http://localhost.")) }
            div .buttons { button { (t("Save the addresses")) } }
        }))
    } @else if found.application.redirect_uris.is_empty() { p { (t("none")) } }
    @else { ul { @for uri in &found.application.redirect_uris { li { code { (uri.uri) } } } } } }
}

pub(crate) async fn save_redirects(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let lines = |name: &str| {
        fields.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect()
    };
    let redirect_uris = kinds().into_iter().map(|(kind, name, _)| (kind, lines(name))).collect();
    let change = ApplicationChange { redirect_uris, ..ApplicationChange::default() };
    match visit.service().change_application(visit.caller(), key(&id)?, change).await {
        Ok(_) => Ok(see_other(&here(&id))),
        Err(Error::Invalid { why, .. }) => {
            // The sentence begins with the address that it is about.
            let has = |name: &str| {
                fields.get(name).lines().any(|line| why.starts_with(&format!("{:?}", line.trim())))
            };
            let part = kinds().into_iter().map(|(_, name, _)| name).find(|name| has(name)).unwrap_or("web");
            page(&visit, &id, Some(State::refused(fields, part, why))).await
        }
        Err(other) => Err(other.into()),
    }
}

fn federated(
    all: &[FederatedCredential],
    id: &str,
    may: bool,
    state: &State,
    edited: Option<&FederatedCredential>,
) -> Markup {
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            let mut cells = vec![
                shown::name(&one.name),
                html! { code { (one.issuer) } },
                html! { code { (one.subject) } },
                html! { code { (one.audience) } },
            ];
            if may {
                let address = Fields::default().with("federated", Some(&one.id.to_string())).address(&here(id));
                cells.push(html! {
                    a href={ (address) "#federated" } { (t("Change")) } " "
                    (form::button(&format!("{}/federated/remove", here(id)), t("Remove"), "second small", &[("credential", &one.id.to_string())]))
                });
            }
            cells
        })
        .collect();
    let mut columns =
        vec![column(t("Name")), column(t("Issuer")), column(t("Subject")), column(t("Audience"))];
    if may {
        columns.push(column(t("Action")));
    }
    let typed = state.fields.given("issuer").is_some() || state.fields.given("subject").is_some();
    let start = match edited {
        Some(one) => vec![
            ("credential", one.id.to_string()),
            ("name", one.name.clone()),
            ("issuer", one.issuer.clone()),
            ("subject", one.subject.clone()),
            ("audience", one.audience.clone()),
            ("description", one.description.clone().unwrap_or_default()),
        ],
        None => vec![("audience", USUAL_AUDIENCE.to_string())],
    };
    let start =
        Fields::from_pairs(start.into_iter().map(|(name, value)| (name.to_string(), value)).collect());
    let form =
        State { fields: if typed { state.fields.clone() } else { start }, problem: state.problem.clone() };
    html! {
        @if rows.is_empty() { p { (t("none")) } } @else { (table::plain(t("Whose tokens prove it"), &columns, &rows)) }
        @if may { div #federated { (form::form(&format!("{}/federated", here(id)), &html! {
            @if let Some(credential) = form.fields.given("credential") {
                input type="hidden" name="credential" value=(credential);
                input type="hidden" name="name" value=(form.fields.get("name"));
                h3 { (t("Change")) " " (shown::name(form.fields.get("name"))) }
            } @else { (form.text("name", t("Name"), None, true)) }
            (form.text("issuer", t("Issuer"), Some(t("The claim iss of its tokens: an https address.")), true))
            (form.text("subject", t("Subject"), Some(t("The claim sub, exactly.")), true))
            (form.text("audience", t("Audience"), Some(t("The claim aud.")), true))
            (form.text("description", t("What it is for"), Some(t("May be left out.")), false))
            div .buttons { button .second { (t("Save the provider")) } }
        })) } }
    }
}

pub(crate) async fn save_federated(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let (service, caller, app) = (visit.service(), visit.caller(), key(&id)?);
    let text = |name: &str| fields.get(name).to_string();
    let description = fields.given("description").map(str::to_string);
    let done = match fields.given("credential") {
        Some(credential) => {
            let change = FederatedCredentialChange {
                name: None,
                issuer: Some(text("issuer")),
                subject: Some(text("subject")),
                audiences: Some(vec![text("audience")]),
                description: Some(description),
            };
            service.change_federated_credential(caller, app, credential.to_string(), change).await.map(drop)
        }
        None => {
            visit.once(&fields).await?;
            let new = NewFederatedCredential {
                name: text("name"),
                issuer: text("issuer"),
                subject: text("subject"),
                audiences: vec![text("audience")],
                description,
            };
            service.add_federated_credential(caller, app, new).await.map(drop)
        }
    };
    match done {
        Ok(()) => Ok(see_other(&here(&id))),
        Err(Error::Invalid { field, why }) => {
            let field = if field == "audiences" { "audience" } else { field.as_str() };
            page(&visit, &id, Some(State::refused(fields.clone(), field, why))).await
        }
        Err(Error::Conflict(why)) => page(&visit, &id, Some(State::refused(fields, "name", why))).await,
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn remove_federated(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit
        .service()
        .remove_federated_credential(visit.caller(), key(&id)?, fields.get("credential").to_string())
        .await?;
    Ok(see_other(&here(&id)))
}

fn owned_by(owners: &[DirectoryObject], id: &str, may: bool, state: &State) -> Markup {
    let rows: Vec<_> = owners
        .iter()
        .filter_map(|owner| {
            let (owner_id, name) = match owner {
                DirectoryObject::User(user) => (user.id, user.user_principal_name.clone()),
                DirectoryObject::ServicePrincipal(principal) => {
                    (principal.principal.id, principal.principal.display_name.clone())
                }
                _ => return None,
            };
            let mut cells = vec![shown::name(&name), html! { code { (owner_id) } }];
            if may {
                cells.push(form::button(
                    &format!("{}/owners/remove", here(id)),
                    t("Remove"),
                    "second small",
                    &[("owner", &owner_id.to_string())],
                ));
            }
            Some(cells)
        })
        .collect();
    let mut columns = vec![column(t("Name")), column(t("Object id"))];
    if may {
        columns.push(column(t("Action")));
    }
    html! {
        @if rows.is_empty() { p { (t("none")) } } @else { (table::plain(t("Owners"), &columns, &rows)) }
        @if may { (form::form(&format!("{}/owners", here(id)), &html! {
            (state.text("owner", t("Sign-in name or object id"), None, true))
            div .buttons { button .second { (t("Add the owner")) } }
        })) }
    }
}

pub(crate) async fn add_owner(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let named = fields.get("owner").to_string();
    let owner = match visit.service().fetch_user(visit.caller(), &named).await {
        Ok(user) => Some(user.id),
        Err(Error::NotFound) => named.parse::<Guid>().ok(),
        Err(other) => return Err(other.into()),
    };
    let Some(owner) = owner else { return nobody(&visit, &id, fields).await };
    match visit.service().add_owner(visit.caller(), Owned::Application(key(&id)?), owner).await {
        Ok(()) => Ok(see_other(&here(&id))),
        Err(Error::NotFound) => nobody(&visit, &id, fields).await,
        Err(Error::Invalid { why, .. } | Error::Conflict(why)) => {
            page(&visit, &id, Some(State::refused(fields, "owner", why))).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn nobody(visit: &Visit, id: &str, fields: Fields) -> Result<Response, Failed> {
    page(visit, id, Some(State::wrong(fields, "owner", t("Nobody here has this name or id.")))).await
}

pub(crate) async fn remove_owner(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let owner = fields.get("owner").parse().map_err(|_| Failed::NotFound)?;
    visit.service().remove_owner(visit.caller(), Owned::Application(key(&id)?), owner).await?;
    Ok(see_other(&here(&id)))
}
