//! One application: who it is, its keys, and what ends it.

use axum::extract::Path;
use casbah_model::{ApplicationSecret, Guid, Timestamp};
use casbah_service::directory::applications::{ApplicationKey, ApplicationWithSecrets};
use maud::{Markup, html};

use super::{find, is_built_in, keys, kind, may_change, tabs};
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    let found = find(&visit, &id).await?;
    page(&visit, &found, &State::default()).await
}

pub(super) async fn page(visit: &Visit, found: &ApplicationWithSecrets, state: &State) -> Answer {
    let application = &found.application;
    let may = may_change(visit, found).await?;
    let key = ApplicationKey::AppId(application.app_id);
    let principal = visit.service().fetch_service_principal(visit.caller(), key).await.ok();
    let enabled = principal.as_ref().is_some_and(|p| p.principal.enabled);
    let base = format!("/portal/apps/{}", application.app_id);
    let body = html! {
        (tabs(application, ""))
        (state.summary())
        @if is_built_in(found) { p .quiet { (t("It comes with Casbah and cannot be changed.")) } }
        dl {
            dt { (t("Client id")) } dd { (shown::copyable(&application.app_id.to_string())) }
            dt { (t("Tenant id")) } dd { (shown::copyable(&visit.caller().tenant.to_string())) }
            dt { (t("Object id")) } dd { code { (application.id) } }
            dt { (t("Kind")) } dd { (kind(application)) }
            dt { (t("State")) } dd { @if enabled { span .badge .good { (t("enabled")) } } @else { span .badge .medium { (t("disabled")) } } }
            dt { (t("Registered")) } dd { (shown::time(visit.service().clock(), application.created)) }
            @if !application.redirect_uris.is_empty() {
                dt { (t("Redirect addresses")) }
                dd { @for uri in &application.redirect_uris { code { (uri.uri) } br; } }
            }
        }
        (secrets(visit, found, state, may, &base))
        (certificates(visit, found, state, may, &base))
        @if may { (danger(found, enabled, principal.is_some(), &base)) }
    };
    let title = crate::names::shown(&application.display_name);
    Ok(if state.problem.is_some() { layout::refused(&title, &body) } else { layout::page(&title, &body) })
}

/// Remaining life, as a word and as a bar for those who see it.
fn life(now: Timestamp, starts: Timestamp, ends: Timestamp) -> Markup {
    if ends <= now {
        return html! { strong .danger { (t("ended")) } " " (shown::ago(now, ends)) };
    }
    let whole = (ends.0 - starts.0).max(1);
    let left = (ends.0 - now.0).clamp(0, whole);
    html! { (shown::ago(now, ends)) br; meter min="0" max="100" low="15" value=(left * 100 / whole) aria-hidden="true" {} }
}

fn secrets(visit: &Visit, found: &ApplicationWithSecrets, state: &State, may: bool, base: &str) -> Markup {
    let clock = visit.service().clock();
    let row = |secret: &ApplicationSecret| {
        vec![
            html! { (shown::name(&secret.display_name)) },
            html! { code { (secret.hint) "…" } },
            life(clock.now(), secret.starts, secret.ends),
            html! { (shown::time_or(clock, secret.last_used, t("never")))
            @if let Some(address) = &secret.last_address { " " span .quiet { (address) } } },
            html! { @if may {
                (form::button(&format!("{base}/remove-secret"), t("Remove"), "second small", &[("secret", &secret.key_id.to_string())]))
            } },
        ]
    };
    let columns = [
        column(t("Name")),
        column(t("Begins with")),
        column(t("Ends")),
        column(t("Last used")),
        column(t("Action")),
    ];
    html! { section aria-labelledby="keys" {
        h2 #keys { (t("Secrets")) }
        @if found.secrets.is_empty() { p { (t("It has no secret.")) } }
        @else { (table::plain(t("Secrets"), &columns, &found.secrets.iter().map(row).collect::<Vec<_>>())) }
        @if may { div .cards {
            div .card {
                h3 { (t("A new secret")) }
                (form::form(&format!("{base}/secrets"), &html! {
                    (state.text("name", t("Name"), Some(t("Where it will be used; may be left out.")), false))
                    (keys::expiry(state))
                    button { (t("Make a secret")) }
                }))
            }
            @if !found.secrets.is_empty() { div .card {
                h3 { (t("Replace secrets")) }
                p .quiet { (t("Makes a new one and ends the old after a while, so that no program stops in between.")) }
                (form::form(&format!("{base}/rotate"), &replacing(&found.secrets)))
            } }
        } }
    } }
}

fn replacing(secrets: &[ApplicationSecret]) -> Markup {
    // A form of its own beside another with the same names: its fields need their own ids.
    let all = std::iter::once((String::new(), t("All of them").to_string()));
    let each = secrets.iter().map(|s| (s.key_id.to_string(), format!("{} ({}…)", s.display_name, s.hint)));
    let options: Vec<_> = all.chain(each).collect();
    let state = State::default();
    html! {
        (state.select("secret", t("Which one"), &options))
        (keys::grace(&state))
        button { (t("Replace")) }
    }
}

fn certificates(
    visit: &Visit,
    found: &ApplicationWithSecrets,
    state: &State,
    may: bool,
    base: &str,
) -> Markup {
    let clock = visit.service().clock();
    let rows: Vec<_> = found
        .certificates
        .iter()
        .map(|certificate| {
            let thumbprint: String = certificate.thumbprint.iter().map(|b| format!("{b:02X}")).collect();
            vec![
                html! { (shown::name(&certificate.display_name)) },
                html! { code { (thumbprint) } },
                life(clock.now(), certificate.starts, certificate.ends),
                shown::time_or(clock, certificate.last_used, t("never")),
                html! { @if may {
                    (form::button(&format!("{base}/remove-certificate"), t("Remove"), "second small",
                        &[("certificate", &id(certificate.key_id))]))
                } },
            ]
        })
        .collect();
    let columns = [
        column(t("Name")),
        column(t("Thumbprint")),
        column(t("Ends")),
        column(t("Last used")),
        column(t("Action")),
    ];
    html! { section aria-labelledby="certificates" {
        h2 #certificates { (t("Certificates")) }
        @if rows.is_empty() { p { (t("It has no certificate. A certificate is safer than a secret: its key never leaves your machine.")) } }
        @else { (table::plain(t("Certificates"), &columns, &rows)) }
        @if may { details open[state.problem.as_ref().is_some_and(|p| p.field == "certificate")] {
            summary { (t("Add a certificate")) }
            (form::form(&format!("{base}/certificates"), &html! {
                (state.text("certificateName", t("Name"), None, false))
                (state.area("certificate", t("Certificate"), Some(t("As PEM or base64, without its private key.")), 6))
                button { (t("Add the certificate")) }
            }))
        } }
    } }
}

fn id(id: Guid) -> String {
    id.to_string()
}

fn danger(found: &ApplicationWithSecrets, enabled: bool, installed: bool, base: &str) -> Markup {
    let name = &found.application.display_name;
    html! { section aria-labelledby="danger" {
        h2 #danger { (t("Change or end it")) }
        div .cards {
            div .card {
                h3 { (t("Rename")) }
                (form::form(&format!("{base}/rename"), &html! { div .field {
                    label for="new-name" { (t("New name")) }
                    input #new-name type="text" name="displayName" value=(name) required;
                } button .second { (t("Rename")) } }))
            }
            @if installed { div .card {
                @if enabled {
                    h3 { (t("Disable")) }
                    p { (t("It gets no tokens any more, and those it has stop working at once. You can enable it again.")) }
                    (form::button(&format!("{base}/enabled"), t("Disable"), "danger", &[("enabled", "0")]))
                } @else {
                    h3 { (t("Enable")) }
                    p { (t("It gets tokens again.")) }
                    (form::button(&format!("{base}/enabled"), t("Enable"), "second", &[("enabled", "1")]))
                }
            } }
            div .card {
                h3 { (t("Delete")) }
                p { (t("It can be restored for 30 days. Type its name, so that it is not the wrong one.")) }
                (form::form(&format!("{base}/delete"), &html! { div .field {
                    label for="confirm" { (t("Name of the application")) }
                    input #confirm type="text" name="name" required autocomplete="off";
                } button .danger { (t("Delete")) } }))
            }
        }
    } }
}
