//! Asks for name and password.

use casbah_model::{Clock, Guid};
use maud::{Markup, html};

use super::federated::doors;
use super::steps::PASSKEY_SCRIPT;
use super::{layout, layout_with_script, problem};
use crate::federated::Door;
use crate::names;

/// What the page shows.
pub(crate) struct SignIn<'a> {
    /// Where the form goes.
    pub(crate) action: &'a str,
    /// Where the button "Continue" goes, for somebody who is signed in.
    pub(crate) account_action: &'a str,
    pub(crate) proof: &'a str,
    pub(crate) application_name: &'a str,
    pub(crate) application: Option<Guid>,
    pub(crate) tenant_name: Option<&'a str>,
    pub(crate) user_name: &'a str,
    pub(crate) signed_in_as: Option<&'a str>,
    pub(crate) problem: Option<&'a str>,
    /// The form for signing in with a passkey alone, where browsers can.
    pub(crate) passkey: Option<Markup>,
    /// Providers to sign in with.
    pub(crate) doors: &'a [Door],
    /// Redirect URI at which this ends up.
    pub(crate) leads_to: Option<&'a str>,
}

pub(crate) fn page(clock: Clock, show: &SignIn<'_>) -> Markup {
    let name = names::shown(show.application_name);
    let warning = show.application.and_then(|id| names::warning(show.application_name, id));
    let body = html! {
        h1 { "Sign in" @if let Some(tenant) = show.tenant_name { " to " bdi { (names::shown(tenant)) } } }
        p { "to go on to " strong { bdi { (name) } } }
        @if let Some(warning) = warning { p .warning { (warning) } }
        @if let Some(user) = show.signed_in_as {
            form method="post" action=(show.account_action) {
                input type="hidden" name="proof" value=(show.proof);
                p { "You are signed in as " strong { bdi { (user) } } "." }
                div .buttons { button { "Continue as " bdi { (user) } } }
            }
            h2 { "Or use another account" }
        }
        (problem(show.problem))
        @if let Some(passkey) = &show.passkey { (passkey) }
        (doors(show.doors))
        form method="post" action=(show.action) {
            input type="hidden" name="proof" value=(show.proof);
            @if let Some(uri) = show.leads_to { input type="hidden" name="leads_to" value=(uri); }
            label for="user" { "User name" }
            input #user type="text" name="user" value=(show.user_name) autocomplete="username"
                autocapitalize="none" spellcheck="false" placeholder="name@domain" required
                autofocus[show.user_name.is_empty()] aria-describedby=[show.problem.map(|_| "problem")];
            label for="password" { "Password" }
            input #password type="password" name="password" autocomplete="current-password" required
                autofocus[!show.user_name.is_empty()] aria-describedby=[show.problem.map(|_| "problem")];
            label .choice {
                input type="checkbox" name="keep" value="1";
                span { "Stay signed in on this device for 90 days" }
            }
            div .buttons { button { "Sign in" } }
        }
    };
    match show.passkey {
        Some(_) => layout_with_script(clock, "Sign in", PASSKEY_SCRIPT, &body),
        None => layout(clock, "Sign in", &body),
    }
}
