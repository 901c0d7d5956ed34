//! HTML over HTTP: sign-in, consent, device, invitation, signed-out, error and start pages, and the portal.
//!
//! The pages of the authority keep nothing on the server. A request under way stands in the address of each page
//! and is checked again at each step; a button's form carries a proof that the page was made for
//! this browser and this request. Everything works without script.
//!
//! Knows no SQL, and no rules of OAuth: what comes next is what the authority says.

mod account;
mod admin_consent;
mod assets;
mod authorize;
mod browser;
mod device;
mod federated;
mod logout;
mod names;
mod pages;
mod portal;
mod request;
mod respond;
mod start;
mod steps;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use casbah_service::Service;

/// Longest form: the parameters of an authorization request, or a password.
const LARGEST_BODY: usize = 64 * 1024;

/// Every page. The portal tries an application out by calling `api` as it.
pub fn router(service: Service, api: Router) -> Router {
    Router::new()
        .route("/", get(start::show))
        .route("/docs/migrate-from-api-tokens", get(start::migrate))
        .route("/{tenant}/oauth2/authorize", get(authorize::show_v1).post(authorize::repeat))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::show_v2).post(authorize::repeat))
        .route("/{tenant}/oauth2/authorize/sign-in", post(authorize::sign_in_v1))
        .route("/{tenant}/oauth2/v2.0/authorize/sign-in", post(authorize::sign_in_v2))
        .route("/{tenant}/oauth2/authorize/account", post(authorize::choose_account_v1))
        .route("/{tenant}/oauth2/v2.0/authorize/account", post(authorize::choose_account_v2))
        .route("/{tenant}/oauth2/authorize/consent", post(authorize::consent_v1))
        .route("/{tenant}/oauth2/v2.0/authorize/consent", post(authorize::consent_v2))
        .route("/{tenant}/adminconsent", get(admin_consent::show_v1).post(admin_consent::decide_v1))
        .route("/{tenant}/v2.0/adminconsent", get(admin_consent::show_v2).post(admin_consent::decide_v2))
        .route("/{tenant}/adminconsent/sign-in", post(admin_consent::sign_in_v1))
        .route("/{tenant}/v2.0/adminconsent/sign-in", post(admin_consent::sign_in_v2))
        .route("/{tenant}/oauth2/logout", get(logout::sign_out).post(authorize::repeat))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout::sign_out).post(authorize::repeat))
        .route("/device", get(device::show))
        .route("/device/sign-in", post(device::sign_in))
        .route("/device/decide", post(device::decide))
        .route("/device/approved", get(device::approved))
        .route("/device/declined", get(device::declined))
        .route("/{tenant}/oauth2/v2.0/authresp", get(federated::come_back))
        .route("/invitations/redeem", get(federated::invitation))
        .route("/sign-in/with", get(federated::leave))
        .route("/sign-in/next", get(steps::show))
        .route("/sign-in/code", post(steps::prove_with_code))
        .route("/sign-in/passkey", post(steps::prove_with_passkey))
        .route("/sign-in/passkey-alone", post(steps::passkey_alone))
        .route("/sign-in/password", post(steps::change_password))
        .route("/sign-in/register-code", post(steps::register_code))
        .route("/sign-in/register-passkey", post(steps::register_passkey))
        .route("/account", get(account::show))
        .route("/account/sign-in", get(account::ask_to_sign_in).post(account::sign_in))
        .route("/account/authenticator", get(account::show_authenticator).post(account::add_authenticator))
        .route("/account/passkey", post(account::add_passkey))
        .route("/account/password", post(account::change_password))
        .route("/account/recovery-codes", post(account::new_recovery_codes))
        .route("/account/remove-factor", post(account::remove_factor))
        .route("/account/end", post(account::end))
        .route("/assets/casbah.css", get(assets::style))
        .route("/assets/form-post.js", get(assets::form_post))
        .route("/assets/passkey.js", get(assets::passkey))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/assets/portal.css", get(assets::portal_style))
        .route("/assets/portal.js", get(assets::portal_script))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(portal::router(&service, api))
        .with_state(service)
}
