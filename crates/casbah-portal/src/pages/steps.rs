//! The pages between a right password and a session: second factor, its registration, new password.

use casbah_authority::{PasswordChange, PendingStep, PendingView, TotpSetup};
use casbah_model::{Clock, Secret};
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

use super::{layout, layout_with_script, problem};
use crate::names;

/// Asks browsers for passkeys.
pub(crate) const PASSKEY_SCRIPT: &str = "/assets/passkey.js";

/// A form that a passkey answers; hidden until the script has found that the browser can.
pub(crate) struct PasskeyForm<'a> {
    pub(crate) action: &'a str,
    pub(crate) proof: &'a str,
    /// Options for the browser, JSON.
    pub(crate) options: &'a str,
    pub(crate) button: &'a str,
    /// What else the form sends.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// Whether to ask for a name for the new passkey.
    pub(crate) named: bool,
}

pub(crate) fn passkey_form(form: &PasskeyForm<'_>) -> Markup {
    let parts = ["id", "client_data", "attestation", "authenticator_data", "signature", "user_handle"];
    html! {
        form method="post" action=(form.action) data-passkey=(form.options) hidden {
            input type="hidden" name="proof" value=(form.proof);
            @for (name, value) in form.fields { input type="hidden" name=(name) value=(value); }
            @for part in parts { input type="hidden" name=(part); }
            p .problem role="alert" data-problem hidden {}
            @if form.named {
                label for="passkey-name" { "Name of the passkey" }
                input #passkey-name type="text" name="name" maxlength="60" placeholder="Laptop, security key, …"
                    autocomplete="off";
            }
            div .buttons { button .second { (form.button) } }
        }
    }
}

/// What a step page shows.
pub(crate) struct Step<'a> {
    pub(crate) view: &'a PendingView,
    /// Proofs of the forms: code, passkey, password, registration by code, registration by passkey.
    pub(crate) proofs: [&'a str; 5],
    pub(crate) problem: Option<&'a str>,
    /// What was typed as recovery code rather than as code.
    pub(crate) recovery: bool,
}

pub(crate) fn page(clock: Clock, show: &Step<'_>) -> Markup {
    let who = html! { p .quiet { "You are signing in as " strong { bdi { (show.view.user_name) } } " in "
    bdi { (names::shown(&show.view.tenant_name)) } "." } };
    let [code, passkey, password, register_code, register_passkey] = show.proofs;
    match &show.view.step {
        PendingStep::SecondFactor { totp, passkey: options, recovery_codes } => {
            let body = html! {
                h1 { "Prove that it is you" }
                (who)
                (problem(show.problem))
                @if let Some(options) = options {
                    (passkey_form(&PasskeyForm { action: "/sign-in/passkey", proof: passkey, options,
                        button: "Use a passkey", fields: &[], named: false }))
                    noscript { p .warning { "Passkeys need script. Allow it for this page, or take another way." } }
                }
                @if *recovery_codes > 0 {
                    details open[show.recovery] {
                        summary { "Use a recovery code instead" }
                        form method="post" action="/sign-in/code" {
                            input type="hidden" name="proof" value=(code);
                            input type="hidden" name="kind" value="recovery";
                            label for="recovery" { "Recovery code" }
                            input #recovery .code type="text" name="code" autocomplete="off" spellcheck="false"
                                autocapitalize="none" maxlength="20" required;
                            p .quiet { "Each works once. You have " (recovery_codes) " left." }
                            div .buttons { button .second { "Use recovery code" } }
                        }
                    }
                }
                @if *totp {
                    form method="post" action="/sign-in/code" {
                        input type="hidden" name="proof" value=(code);
                        input type="hidden" name="kind" value="totp";
                        (code_field("The code that your authenticator program shows now"))
                        div .buttons { button { "Verify" } }
                    }
                }
                p .quiet { "If you have lost all of these, an administrator can reset them." }
            };
            scripted(clock, "Prove that it is you", options.is_some(), &body)
        }
        PendingStep::Register { totp, passkey: options } => {
            let body = html! {
                h1 { "Add a second factor" }
                (who)
                p { "Your organisation, or the application, asks for more than a password. Register an authenticator "
                    "program or a passkey to go on." }
                (problem(show.problem))
                @if let Some(options) = options {
                    (passkey_form(&PasskeyForm { action: "/sign-in/register-passkey", proof: register_passkey,
                        options, button: "Create a passkey", fields: &[], named: true }))
                }
                (authenticator_form("/sign-in/register-code", register_code, totp))
            };
            scripted(clock, "Add a second factor", options.is_some(), &body)
        }
        PendingStep::ChangePassword { why, least } => {
            let body = html! {
                h1 { "Choose a new password" }
                (who)
                p { @match why {
                    PasswordChange::Demanded => "An administrator set your password. Choose one that only you know.",
                    PasswordChange::TooOld => "Your password is older than your organisation allows.",
                } }
                (problem(show.problem))
                form method="post" action="/sign-in/password" {
                    input type="hidden" name="proof" value=(password);
                    input type="text" name="user" value=(show.view.user_name) autocomplete="username" hidden;
                    (new_password_fields(*least))
                    div .buttons { button { "Change password and sign in" } }
                }
            };
            layout(clock, "Choose a new password", &body)
        }
    }
}

/// Two fields for a new password.
pub(crate) fn new_password_fields(least: u32) -> Markup {
    html! {
        label for="new" { "New password" }
        input #new type="password" name="new" autocomplete="new-password" minlength=(least) maxlength="256" required
            aria-describedby="rule";
        p #rule .quiet { "At least " (least) " characters. Several unusual words are better than one with odd signs." }
        label for="again" { "New password again" }
        input #again type="password" name="again" autocomplete="new-password" maxlength="256" required;
    }
}

/// Shows a new key, and asks for its present code.
pub(crate) fn authenticator_form(action: &str, proof: &str, setup: &TotpSetup) -> Markup {
    html! {
        form method="post" action=(action) {
            h2 { "Authenticator program" }
            p { "Scan this with an authenticator program on your phone, or type the key into it." }
            (qr_code(&setup.uri))
            p { "Key: " code .key { (grouped(&setup.key)) } }
            input type="hidden" name="proof" value=(proof);
            input type="hidden" name="setup" value=(setup.setup);
            label for="name" { "Name" }
            input #name type="text" name="name" maxlength="60" placeholder="My phone" autocomplete="off";
            (code_field("The code that it shows now"))
            div .buttons { button { "Add authenticator program" } }
        }
    }
}

/// The recovery codes, which are shown once.
pub(crate) fn recovery_codes(clock: Clock, codes: &[Secret], next: &str) -> Markup {
    let body = html! {
        h1 { "Write down your recovery codes" }
        p { "If you lose your second factor, each of these codes lets you sign in once instead of it. "
            strong { "They are shown now and never again." } " Keep them where nobody else looks." }
        ol .codes { @for code in codes { li { code { (code.expose()) } } } }
        p { a .button href=(next) { "I have written them down" } }
    };
    layout(clock, "Recovery codes", &body)
}

fn code_field(label: &str) -> Markup {
    html! {
        label for="code" { (label) }
        input #code .code type="text" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*"
            maxlength="10" required;
    }
}

fn scripted(clock: Clock, title: &str, script: bool, body: &Markup) -> Markup {
    if script { layout_with_script(clock, title, PASSKEY_SCRIPT, body) } else { layout(clock, title, body) }
}

/// A key in groups of four, as people type it.
fn grouped(key: &Secret) -> String {
    let characters: Vec<char> = key.expose().chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

/// A QR code as a drawing; nothing when the text is too long for one.
fn qr_code(text: &Secret) -> Markup {
    let Ok(code) = QrCode::encode_text(text.expose(), QrCodeEcc::Medium) else { return html! {} };
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{x},{y}h1v1h-1z"));
        }
    }
    // A border of four modules belongs to the code.
    let view = format!("-4 -4 {0} {0}", size + 8);
    html! {
        svg .qr viewBox=(view) role="img" aria-label="QR code with the key below" {
            rect x="-4" y="-4" width=(size + 8) height=(size + 8) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}
