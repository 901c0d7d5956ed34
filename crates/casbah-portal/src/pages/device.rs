//! The pages for signing in on another device.

use casbah_authority::DevicePrompt;
use casbah_model::Clock;
use maud::{Markup, html};

use super::consent::permissions;
use super::{layout, problem};
use crate::names;

/// Asks for the code.
pub(crate) fn code(clock: Clock, code: &str, problem_text: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Sign in on another device" }
        p { "Enter the code that the device or program shows." }
        (problem(problem_text))
        form method="get" action="/device" {
            label for="code" { "Code" }
            input #code .code type="text" name="code" value=(code) autocomplete="off" autocapitalize="characters"
                spellcheck="false" maxlength="20" required autofocus
                aria-describedby=[problem_text.map(|_| "problem")];
            div .buttons { button { "Next" } }
        }
    };
    layout(clock, "Sign in on another device", &body)
}

/// Asks whether this is what the user is doing.
pub(crate) fn confirm(clock: Clock, action: &str, proof: &str, code: &str, prompt: &DevicePrompt) -> Markup {
    let name = names::shown(&prompt.application_name);
    let body = html! {
        h1 { "Are you trying to sign in to " bdi { (name) } "?" }
        p { "The device that shows the code " code { bdi { (names::shown(code)) } } " will be signed in as "
            strong { bdi { (prompt.user_name) } } " in " bdi { (names::shown(&prompt.tenant_name)) } "." }
        p .warning { "Go on only if you started this yourself, and the code is on a device in front of you. "
            "Never enter a code that somebody sent you." }
        @if let Some(warning) = names::warning(&prompt.application_name, prompt.application_id) {
            p .warning { (warning) }
        }
        dl { dt { "Application id" } dd { code { (prompt.application_id) } } }
        @if !prompt.scopes.is_empty() {
            h2 { "It also asks to be able to:" }
            (permissions(&prompt.scopes, false))
        }
        @if prompt.needs_administrator {
            p .warning { "Only an administrator of " bdi { (names::shown(&prompt.tenant_name)) } " can allow this." }
        }
        form method="post" action=(action) {
            input type="hidden" name="proof" value=(proof);
            input type="hidden" name="ticket" value=(prompt.ticket);
            @if prompt.may_consent_for_everyone && !prompt.scopes.is_empty() {
                label .choice {
                    input type="checkbox" name="everyone" value="1";
                    span { "Consent on behalf of the organisation" }
                }
            }
            div .buttons {
                @if !prompt.needs_administrator { button name="decision" value="accept" { "Continue" } }
                button .second name="decision" value="cancel" { "Cancel" }
            }
        }
    };
    layout(clock, "Confirm the sign-in", &body)
}
