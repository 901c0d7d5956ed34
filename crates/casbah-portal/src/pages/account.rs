//! The account page.

use casbah_authority::{Account, OwnSession, OwnSignIn, TotpSetup, codes};
use casbah_model::{Clock, Guid, Timestamp};
use maud::{Markup, html};

use super::steps::{PASSKEY_SCRIPT, PasskeyForm, authenticator_form, new_password_fields, passkey_form};
use super::{layout, layout_wide, layout_wide_with_script, problem};
use crate::federated::Door;
use crate::names;

/// What the page shows.
pub(crate) struct Shown<'a> {
    pub(crate) account: &'a Account,
    /// Options for the browser to make a passkey, JSON; none when the sign-in is not fresh.
    pub(crate) passkey: Option<&'a str>,
    /// Providers at which an account can be added.
    pub(crate) doors: &'a [Door],
    /// The proof for a form.
    pub(crate) proof: &'a dyn Fn(&str) -> String,
    pub(crate) problem: Option<&'a str>,
}

pub(crate) fn page(clock: Clock, show: &Shown<'_>) -> Markup {
    let account = show.account;
    let end = (show.proof)("end");
    let body = html! {
        h1 { "Your account" }
        (problem(show.problem))
        (profile(account))
        @if account.user.password_hash.is_some() {
            h2 #password { "Password" }
            form method="post" action="/account/password" {
                input type="hidden" name="proof" value=((show.proof)("password"));
                input type="text" name="user" value=(account.user.user_principal_name) autocomplete="username" hidden;
                label for="present" { "Present password" }
                input #present type="password" name="present" autocomplete="current-password" required;
                (new_password_fields(8))
                div .buttons { button { "Change password" } }
            }
        }
        h2 #factors { "Second factors" }
        (factors(show))
        @if !account.identities.is_empty() || !show.doors.is_empty() {
            h2 #identities { "Accounts at other providers" }
            (identities(show, &end))
        }
        h2 #sessions { "Browsers in which you are signed in" }
        table {
            thead { tr { th { "Browser" } th { "From" } th { "Since" } th { "How" } th {} } }
            tbody { @for session in &account.sessions { (session_row(session, &end)) } }
        }
        h2 #applications { "Applications in which you are signed in" }
        @if account.applications.is_empty() { p .quiet { "None." } }
        @else { table {
            thead { tr { th { "Application" } th { "Since" } th {} } }
            tbody { @for application in &account.applications { tr {
                td { bdi { (names::shown(&application.name)) } }
                td { (time(application.created)) }
                td { (ending(&end, "application", application.id, "Sign out")) }
            } } }
        } }
        h2 #consents { "What you allowed applications" }
        @if account.consents.is_empty() { p .quiet { "Nothing." } }
        @else { table {
            thead { tr { th { "Application" } th { "May" } th { "Since" } th {} } }
            tbody { @for consent in &account.consents { tr {
                td { bdi { (names::shown(&consent.client_name)) } }
                td { @for scope in &consent.scopes { code { bdi { (names::shown(scope)) } } " " }
                    "of " bdi { (names::shown(&consent.resource_name)) } }
                td { (time(consent.created)) }
                td { @if consent.for_everyone { span .quiet { "allowed for everybody by an administrator" } }
                    @else { (ending(&end, "consent", consent.id, "Revoke")) } }
            } } }
        } }
        h2 #sign-ins { "Your latest sign-ins" }
        @if account.sign_ins.is_empty() { p .quiet { "None." } }
        @else { table {
            thead { tr { th { "When" } th { "To" } th { "From" } th { "With" } th { "Outcome" } } }
            tbody { @for sign_in in &account.sign_ins { (sign_in_row(sign_in)) } }
        } }
        p .quiet { "Was one of them not you? Change your password, and sign out everywhere." }
        h2 { "Sign out everywhere" }
        p { "Ends your sign-in in every browser and application, here too." }
        form method="post" action="/account/end" {
            input type="hidden" name="proof" value=(end);
            input type="hidden" name="what" value="everything";
            div .buttons { button .second { "Sign out everywhere" } }
        }
    };
    match show.passkey {
        Some(_) => layout_wide_with_script(clock, "Your account", PASSKEY_SCRIPT, &body),
        None => layout_wide(clock, "Your account", &body),
    }
}

/// Registers an authenticator program.
pub(crate) fn authenticator(
    clock: Clock,
    proof: &str,
    setup: &TotpSetup,
    problem_text: Option<&str>,
) -> Markup {
    let body = html! {
        h1 { "Add an authenticator program" }
        (problem(problem_text))
        (authenticator_form("/account/authenticator", proof, setup))
        p { a href="/account" { "Back to your account" } }
    };
    layout(clock, "Add an authenticator program", &body)
}

fn profile(account: &Account) -> Markup {
    let roles: Vec<&str> = account.roles.iter().map(|role| role.name).collect();
    html! {
        dl {
            dt { "Name" } dd { bdi { (names::shown(&account.user.display_name)) } }
            dt { "User name" } dd { bdi { (account.user.user_principal_name) } }
            @if let Some(mail) = &account.user.mail { dt { "Mail" } dd { bdi { (names::shown(mail)) } } }
            dt { "Organisation" } dd { bdi { (names::shown(&account.tenant.display_name)) } }
            @if !roles.is_empty() { dt { "Roles" } dd { (roles.join(", ")) } }
            dt { "Object id" } dd { code { (account.user.id) } }
            @if let Some(changed) = account.user.details.password_changed {
                dt { "Password changed" } dd { (time(changed)) }
            }
        }
    }
}

fn factors(show: &Shown<'_>) -> Markup {
    let account = show.account;
    html! {
        @if account.factors.is_empty() {
            p { "You have none. "
                @if account.factor_demanded { strong { "Your organisation demands one." } }
                @else { "With one, your password alone opens nothing." } }
        } @else { table {
            thead { tr { th { "Name" } th { "Kind" } th { "Added" } th { "Last used" } th {} } }
            tbody { @for factor in &account.factors { tr {
                td { bdi { (names::shown(&factor.name)) } }
                td { @match factor.kind { "totp" => "Authenticator program", _ => "Passkey" } }
                td { (time(factor.created)) }
                td { @if let Some(used) = factor.last_used { (time(used)) } @else { "never" } }
                td { form method="post" action="/account/remove-factor" {
                    input type="hidden" name="proof" value=((show.proof)("remove factor"));
                    input type="hidden" name="id" value=(factor.id);
                    button .second .small { "Remove" }
                } }
            } } }
        } }
        @if account.is_fresh {
            p { a href="/account/authenticator" { "Add an authenticator program" } }
            @if let Some(options) = show.passkey {
                (passkey_form(&PasskeyForm { action: "/account/passkey", proof: &(show.proof)("add passkey"),
                    options, button: "Add a passkey", fields: &[], named: true }))
            }
        } @else {
            p { "To change second factors, " a href="/account/sign-in" { "sign in again" } " first." }
        }
        @if !account.factors.is_empty() {
            p { "Recovery codes left: " strong { (account.recovery_codes) } "." }
            form method="post" action="/account/recovery-codes" {
                input type="hidden" name="proof" value=((show.proof)("recovery codes"));
                div .buttons { button .second { "Make new recovery codes" } }
            }
        }
    }
}

fn identities(show: &Shown<'_>, end: &str) -> Markup {
    let account = show.account;
    html! {
        @if !account.identities.is_empty() { table {
            thead { tr { th { "Provider" } th { "Since" } th {} } }
            tbody { @for identity in &account.identities { tr {
                td { bdi { (names::shown(&identity.name)) } }
                td { (time(identity.created)) }
                td { @if account.user.password_hash.is_some() { (ending(end, "identity", identity.provider, "Remove")) } }
            } } }
        } }
        @if account.is_fresh {
            @for (name, address) in show.doors {
                p { a .button .second href=(address) { "Add your account at " bdi { (names::shown(name)) } } }
            }
        } @else if !show.doors.is_empty() {
            p { "To add an account, " a href="/account/sign-in" { "sign in again" } " first." }
        }
    }
}

fn session_row(session: &OwnSession, proof: &str) -> Markup {
    html! { tr {
        td { bdi { (names::shown(session.agent.as_deref().unwrap_or("unknown"))) }
            @if session.is_this { " " strong { "(this one)" } } }
        td { (session.address.as_deref().unwrap_or("unknown")) }
        td { (time(session.created)) }
        td { (how(&session.amr)) }
        td { (ending(proof, "session", session.id, "Sign out")) }
    } }
}

fn sign_in_row(sign_in: &OwnSignIn) -> Markup {
    let unknown = "unknown";
    html! { tr {
        td { (time(sign_in.at)) }
        td { @match &sign_in.client_name {
            Some(name) => bdi { (names::shown(name)) },
            None => "these pages",
        } }
        td { (sign_in.address.as_deref().unwrap_or(unknown)) }
        td { bdi { (names::shown(sign_in.agent.as_deref().unwrap_or(unknown))) } }
        td {
            @match sign_in.failure {
                None => "signed in",
                Some(number) => {
                    strong { "failed" } ": "
                    a href={ "/error?code=" (number) } { (reason(number)) }
                }
            }
            @if sign_in.repeats > 0 { ", " (sign_in.repeats) " times more" }
        }
    } }
}

/// The first sentence of what a refusal means.
fn reason(number: i64) -> &'static str {
    let code = u32::try_from(number).ok().and_then(codes::find);
    let meaning = code.map_or("", |code| code.meaning);
    meaning.split_once(". ").map_or(meaning, |(first, _)| first).trim_end_matches('.')
}

fn how(amr: &[String]) -> String {
    let words = amr.iter().filter_map(|word| match word.as_str() {
        "pwd" => Some("password"),
        "otp" => Some("code"),
        "fido" => Some("passkey"),
        "fed" => Some("other provider"),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" and ")
}

fn ending(proof: &str, what: &str, id: Guid, button: &str) -> Markup {
    html! { form method="post" action="/account/end" {
        input type="hidden" name="proof" value=(proof);
        input type="hidden" name="what" value=(what);
        input type="hidden" name="id" value=(id);
        button .second .small { (button) }
    } }
}

fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at.iso()) { (at.seconds_text()) } }
}
