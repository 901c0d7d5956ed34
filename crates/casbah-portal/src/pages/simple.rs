//! Pages that only say something, and the one that presses its own button.

use casbah_authority::{About, OAuthError, Redirect};
use casbah_model::{Clock, Tenant};
use maud::{Markup, html};

use super::{layout, layout_leaving, layout_wide, layout_with_script};
use crate::names;

/// Seconds: what the frames of the signed-out page need.
const LEAVE_AFTER: u32 = 2;

/// A refusal.
pub(crate) fn error(clock: Clock, error: &OAuthError, about: &About) -> Markup {
    let body = html! {
        h1 { "Sorry, that did not work" }
        p .problem role="alert" { (names::shown(&error.text)) }
        (reference(error, about))
        p .quiet { "If you came here from an application, tell those who run it about this error. You were not sent back "
            "to it, because it is not certain where back is." }
    };
    layout(clock, "Error", &body)
}

/// What to tell those who look into it.
pub(crate) fn reference(error: &OAuthError, about: &About) -> Markup {
    let number = error.code.number;
    html! { dl {
        dt { "Error" } dd { a href={ "/error?code=" (number) } { "AADSTS" (number) } }
        dt { "Trace id" } dd { code { (about.trace) } }
        dt { "Correlation id" } dd { code { (about.correlation) } }
        dt { "Time" } dd { (about.at.seconds_text()) }
    } }
}

/// Carries the answer to the application in a form.
pub(crate) fn form_post(clock: Clock, redirect: &Redirect) -> Markup {
    let body = html! {
        h1 { "Back to the application" }
        p { "You are signed in. If nothing happens, press the button." }
        form method="post" action=(redirect.uri) data-auto-submit {
            @for (name, value) in &redirect.parameters { input type="hidden" name=(name) value=(value); }
            div .buttons { button { "Continue" } }
        }
    };
    layout_with_script(clock, "Back to the application", "/assets/form-post.js", &body)
}

/// One heading, one sentence.
pub(crate) fn message(clock: Clock, title: &str, text: &str) -> Markup {
    layout(clock, title, &html! { h1 { (title) } p { (text) } })
}

/// The end of a session. The frames tell applications about it; then the browser goes on.
pub(crate) fn signed_out(clock: Clock, frames: &[String], back: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Signed out" }
        @match back {
            Some(back) => {
                p { "You have signed out. The application that you came from goes on in a moment." }
                p { a href=(back) { "Go on now" } }
            }
            None => p { "You have signed out. It is a good idea to close all windows of the browser." }
        }
        @for frame in frames { iframe hidden src=(frame) title="Signing out of an application" {} }
    };
    match back {
        Some(back) => layout_leaving(clock, "Signed out", LEAVE_AFTER, back, &body),
        None => layout(clock, "Signed out", &body),
    }
}

/// One heading, one sentence, one way on.
pub(crate) fn message_with_link(clock: Clock, title: &str, text: &str, next: &str) -> Markup {
    layout(clock, title, &html! { h1 { (title) } p { (text) } p { a href=(next) { "Go on" } } })
}

/// The way out of legacy API tokens; their answers link here.
pub(crate) fn migrate(clock: Clock, base: &str) -> Markup {
    let resource = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
    let body = html! {
        h1 { "From API tokens to OAuth 2.0" }
        p { "A legacy API token stands for a person with all of that person's rights, and does not expire. It still works; "
            "its answers say in the headers " code { "Deprecation" } " and " code { "Sunset" } " since when it is on its "
            "way out and until when it is kept. An application of its own has just the permissions it needs, and a key "
            "that ends." }
        ol {
            li { "Register an application, assign its permissions and consent: " br;
                code { "casbah app create NAME --permission Investigation.read" } }
            li { "Get a token, good for an hour: " br;
                code { "POST " (base) "/{tenant}/oauth2/v2.0/token" } " with the form " br;
                code { "grant_type=client_credentials&client_id=…&client_secret=…&scope=" (resource) "/.default" } }
            li { "Send it: " code { "Authorization: Bearer …" } " instead of " code { "Authorization: Token …" } "." }
            li { "When nothing uses the old token any more, revoke it: " code { "casbah api-token revoke ID" } }
        }
    };
    layout_wide(clock, "From API tokens to OAuth 2.0", &body)
}

/// What runs here.
pub(crate) fn start(clock: Clock, base: &str, user: Option<&str>, tenant: Option<&Tenant>) -> Markup {
    let metadata = [
        ("Metadata, v2.0", "/organizations/v2.0/.well-known/openid-configuration"),
        ("Metadata, v1", "/organizations/.well-known/openid-configuration"),
        ("Signing keys", "/organizations/discovery/v2.0/keys"),
    ];
    let addresses = [("Cloud Apps API", "/api/v1/"), ("Directory (Microsoft Graph subset)", "/v1.0/")];
    let body = html! {
        h1 { "Casbah is running" }
        p { "This server signs people and applications in, holds their directory, and answers the Cloud Apps API. "
            "Applications use it through the addresses below; people work in the portal." }
        div .buttons { a .button href="/portal" { "Open the portal" } }
        @if let (Some(user), Some(tenant)) = (user, tenant) {
            p { "You are signed in as " strong { bdi { (user) } } " in " bdi { (names::shown(&tenant.display_name)) }
                ". " a href="/account" { "Your account" } ", "
                a href={ "/" (tenant.id) "/oauth2/v2.0/logout" } { "sign out" } "." }
        }
        h2 { "For browsers" }
        ul {
            @for (name, path) in metadata { li { a href=(path) { (name) } } }
            li { a href="/device" { "Sign in on another device" } }
        }
        h2 { "For programs" }
        dl {
            @for (name, path) in addresses { dt { (name) } dd { code { (base) (path) } } }
            dt { "Token endpoint" } dd { code { (base) "/{tenant}/oauth2/v2.0/token" } }
        }
    };
    layout_wide(clock, "Start", &body)
}
