//! Applications: what each is for, what it may do, and what it proves itself with.

mod attempt;
mod change;
mod keys;
mod list;
mod log;
mod new;
mod permissions;
mod samples;
mod setup;
mod show;
mod wording;

use axum::Router;
use axum::routing::{get, post};
use casbah_authority::seed;
use casbah_model::{Application, Guid, RedirectUriKind, Timestamp};
use casbah_service::Service;
use casbah_service::directory::applications::{ApplicationKey, ApplicationWithSecrets};
use casbah_service::directory::objects::DirectoryObject;
use maud::{Markup, html};

use crate::portal::text::t;
use crate::portal::visit::{Failed, Visit};

/// Who registers applications without owning them; the use case decides, this only hides buttons.
const ADMINISTRATORS: &[&str] =
    &["Global Administrator", "Application Administrator", "Cloud Application Administrator"];

/// Who consents for everybody, also to permissions of applications.
const CONSENTERS: &[&str] = &[
    "Global Administrator",
    "Privileged Role Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
];

pub(crate) fn router() -> Router<Service> {
    Router::new()
        .route("/portal/apps", get(list::show))
        .route("/portal/apps/new", get(new::show).post(new::create))
        .route("/portal/apps/{id}", get(show::show))
        .route("/portal/apps/{id}/rename", post(change::rename))
        .route("/portal/apps/{id}/enabled", post(change::set_enabled))
        .route("/portal/apps/{id}/delete", post(change::delete))
        .route("/portal/apps/{id}/secrets", post(keys::add_secret))
        .route("/portal/apps/{id}/rotate", post(keys::rotate))
        .route("/portal/apps/{id}/remove-secret", post(keys::remove_secret))
        .route("/portal/apps/{id}/certificates", post(keys::add_certificate))
        .route("/portal/apps/{id}/remove-certificate", post(keys::remove_certificate))
        .route("/portal/apps/{id}/permissions", get(permissions::show).post(permissions::ask_for))
        .route("/portal/apps/{id}/consent", post(permissions::consent))
        .route("/portal/apps/{id}/withdraw", post(permissions::withdraw))
        .route("/portal/apps/{id}/try", get(attempt::show).post(attempt::run))
        .route("/portal/apps/{id}/log", get(log::show))
        .route("/portal/apps/{id}/setup", get(setup::show))
        .route("/portal/apps/{id}/setup/redirects", post(setup::save_redirects))
        .route("/portal/apps/{id}/setup/federated", post(setup::save_federated))
        .route("/portal/apps/{id}/setup/federated/remove", post(setup::remove_federated))
        .route("/portal/apps/{id}/setup/owners", post(setup::add_owner))
        .route("/portal/apps/{id}/setup/owners/remove", post(setup::remove_owner))
}

/// The application that an address names.
async fn find(visit: &Visit, id: &str) -> Result<ApplicationWithSecrets, Failed> {
    Ok(visit.service().fetch_application(visit.caller(), key(id)?).await?)
}

fn key(id: &str) -> Result<ApplicationKey, Failed> {
    id.parse::<Guid>().map(ApplicationKey::AppId).map_err(|_| Failed::NotFound)
}

/// Whether the person may change an application; owners may change their own.
async fn may_change(visit: &Visit, found: &ApplicationWithSecrets) -> Result<bool, Failed> {
    if is_built_in(found) {
        return Ok(false);
    }
    if may_register(visit) {
        return Ok(true);
    }
    let owned =
        casbah_service::directory::owners::Owned::Application(ApplicationKey::Id(found.application.id));
    let owners = visit.service().list_owners(visit.caller(), owned).await?;
    let own = match &visit.caller().principal {
        casbah_authority::Principal::User { id, .. } => *id,
        _ => return Ok(false),
    };
    Ok(owners.iter().any(|owner| matches!(owner, DirectoryObject::User(user) if user.id == own)))
}

/// The pages of one application.
fn tabs(application: &Application, current: &str) -> Markup {
    let base = format!("/portal/apps/{}", application.app_id);
    let all = [
        ("", t("Identity and keys")),
        ("/permissions", t("Permissions")),
        ("/setup", t("Addresses and owners")),
        ("/try", t("Try it")),
        ("/log", t("Sign-ins")),
    ];
    html! { nav aria-label=(t("Pages of this application")) { ul .tabs { @for (path, title) in all {
        li { a href={ (base) (path) } aria-current=[(path == current).then_some("page")] { (title) } }
    } } } }
}

/// Whether the person may register applications.
pub(crate) fn may_register(visit: &Visit) -> bool {
    visit.holds(ADMINISTRATORS)
}

/// Whether an application comes with Casbah.
pub(crate) fn is_built_in(found: &ApplicationWithSecrets) -> bool {
    let id = found.application.app_id;
    let well_known = seed::WELL_KNOWN_CLIENTS.iter().any(|(client, _, _)| *client == id);
    well_known || [seed::CLOUD_APPS, seed::DIRECTORY, seed::CLI, seed::PORTAL].contains(&id)
}

/// What an application is, as its registration tells.
fn kind(application: &Application) -> &'static str {
    let has = |kind| application.redirect_uris.iter().any(|uri| uri.kind == kind);
    if has(RedirectUriKind::Spa) {
        t("Single-page app")
    } else if has(RedirectUriKind::Web) {
        t("Web app")
    } else if application.public_client || has(RedirectUriKind::PublicClient) {
        t("Native app")
    } else {
        t("Background service")
    }
}

/// When the first of the credentials that are good now ends, and when one was last used.
fn credentials(found: &ApplicationWithSecrets, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let secrets = found.secrets.iter().map(|s| (s.ends, s.last_used));
    let all: Vec<_> = secrets.chain(found.certificates.iter().map(|c| (c.ends, c.last_used))).collect();
    let end = all.iter().map(|(ends, _)| *ends).filter(|ends| *ends > now).min();
    (end, all.iter().filter_map(|(_, used)| *used).max())
}
