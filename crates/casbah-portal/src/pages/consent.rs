//! Asks whether an application may have what it wants.

use casbah_authority::ConsentScope;
use casbah_model::{Clock, Guid};
use maud::{Markup, html};

use super::layout;
use crate::names;

/// What the page shows.
pub(crate) struct Consent<'a> {
    pub(crate) action: &'a str,
    pub(crate) proof: &'a str,
    pub(crate) ticket: &'a str,
    pub(crate) application_name: &'a str,
    pub(crate) application: Guid,
    /// Where the answer goes; people recognise an address better than a name.
    pub(crate) redirect_uri: &'a str,
    pub(crate) tenant_name: &'a str,
    pub(crate) user_name: &'a str,
    pub(crate) scopes: &'a [ConsentScope],
    pub(crate) offline_access: bool,
    pub(crate) may_consent_for_everyone: bool,
    pub(crate) for_everyone_only: bool,
    pub(crate) needs_administrator: bool,
}

pub(crate) fn page(clock: Clock, show: &Consent<'_>) -> Markup {
    let name = names::shown(show.application_name);
    let body = html! {
        h1 {
            @if show.needs_administrator { "An administrator's approval is needed" }
            @else { "Permissions requested" }
        }
        p { strong { bdi { (name) } } " asks to act for you, " bdi { (show.user_name) } ", in " bdi { (names::shown(show.tenant_name)) } "." }
        @if let Some(warning) = names::warning(show.application_name, show.application) {
            p .warning { (warning) }
        }
        dl {
            dt { "Application id" } dd { code { (show.application) } }
            dt { "Answer goes to" } dd { code { (show.redirect_uri) } }
        }
        h2 { "This application would be able to:" }
        (permissions(show.scopes, show.offline_access))
        @if show.needs_administrator {
            p .warning {
                "Only an administrator of " bdi { (names::shown(show.tenant_name)) } " can allow this. Ask one to "
                "sign in to this application, or go back."
            }
        } @else {
            p .quiet {
                "Accept only if you know the application and trust whoever runs it. What you can do yourself "
                "remains the limit. An administrator can take the consent back."
            }
        }
        form method="post" action=(show.action) {
            input type="hidden" name="proof" value=(show.proof);
            input type="hidden" name="ticket" value=(show.ticket);
            @if show.for_everyone_only && !show.needs_administrator {
                input type="hidden" name="everyone" value="1";
                p { strong { "Accepting counts for everybody in " bdi { (names::shown(show.tenant_name)) } "." } }
            } @else if show.may_consent_for_everyone && !show.needs_administrator {
                label .choice {
                    input type="checkbox" name="everyone" value="1";
                    span { "Consent on behalf of the organisation: nobody else in "
                        bdi { (names::shown(show.tenant_name)) } " will be asked." }
                }
            }
            div .buttons {
                @if !show.needs_administrator { button name="decision" value="accept" { "Accept" } }
                button .second name="decision" value="cancel" {
                    @if show.needs_administrator { "Back to the application" } @else { "Cancel" }
                }
            }
        }
    };
    layout(clock, "Permissions requested", &body)
}

/// The permissions, each with what it allows.
pub(crate) fn permissions(scopes: &[ConsentScope], offline_access: bool) -> Markup {
    html! {
        ul .permissions {
            @for scope in scopes {
                li {
                    strong { bdi { (names::shown(&scope.display_name)) } }
                    @if scope.description != scope.display_name { p { bdi { (names::shown(&scope.description)) } } }
                    p .quiet {
                        code { bdi { (names::shown(&scope.value)) } } " of " bdi { (names::shown(&scope.resource_name)) }
                        @if scope.is_role { ", as the application itself, without a user" }
                    }
                }
            }
            @if offline_access {
                li {
                    strong { "Keep the access you gave it" }
                    p .quiet { code { "offline_access" } ": also while you are not using the application" }
                }
            }
            @if scopes.is_empty() && !offline_access { li { "Know who you are" } }
        }
    }
}
