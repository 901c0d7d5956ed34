//! Pages about signing in with another provider.

use casbah_authority::{About, UpstreamRefusal};
use casbah_model::Clock;
use casbah_service::directory::invitations::InvitationShown;
use maud::{Markup, html};

use super::simple::reference;
use super::{layout, layout_leaving};
use crate::federated::Door;
use crate::names;

/// The providers on a page, each a way in.
pub(crate) fn doors(doors: &[Door]) -> Markup {
    html! { @if !doors.is_empty() {
        ul .providers { @for (name, address) in doors {
            li { a .button .second href=(address) { "Sign in with " bdi { (names::shown(name)) } } }
        } }
    } }
}

/// The provider has brought somebody back; the browser goes on at once.
pub(crate) fn landed(clock: Clock, next: &str) -> Markup {
    let body = html! {
        h1 { "You are signed in" }
        p { "If nothing happens, " a href=(next) { "go on" } "." }
    };
    layout_leaving(clock, "Signed in", 0, next, &body)
}

/// The provider brought nobody back, or nobody who may come in.
pub(crate) fn refused(clock: Clock, refusal: &UpstreamRefusal, about: &About) -> Markup {
    let body = html! {
        h1 { "Signing in with "
            @match &refusal.provider_name {
                Some(name) => bdi { (names::shown(name)) }
                None => "another provider"
            }
            " did not work" }
        p .problem role="alert" { (names::shown(&refusal.error.text)) }
        (reference(&refusal.error, about))
        @match &refusal.return_to {
            Some(address) => p { a href=(address) { "Try again" } }
            None => p { "Go back to the application and sign in again." }
        }
    };
    layout(clock, "Sign-in did not work", &body)
}

/// An invitation, open or accepted.
pub(crate) fn invitation(clock: Clock, shown: &InvitationShown, ways: &[Door]) -> Markup {
    let tenant = names::shown(&shown.tenant.display_name);
    let body = html! {
        @if shown.invitation.accepted {
            h1 { "You are a guest of " bdi { (tenant) } }
            p { "The invitation of " strong { bdi { (shown.mail) } } " is accepted." }
            p { "Go on to " a href=(shown.invitation.redirect_url) { (shown.invitation.redirect_url) } "." }
        } @else {
            h1 { bdi { (tenant) } " invites you" }
            p { "Somebody there wants to work with " strong { bdi { (shown.mail) } } ". To accept, sign in with a "
                "provider at which this is your address. The organisation then learns your name and that address." }
            @if ways.is_empty() {
                p .warning { "No provider that vouches for this address is set up. Ask whoever invited you." }
            }
            (doors(ways))
        }
    };
    layout(clock, "Invitation", &body)
}
