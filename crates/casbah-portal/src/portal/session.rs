//! Coming in through the authority, and leaving.

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Extension, Request};
use axum::response::{IntoResponse, Response};
use casbah_authority::seed;
use http::{HeaderValue, Method, StatusCode, header};
use maud::html;

use super::fields::Fields;
use super::text::{Language, t};
use super::visit::{COOKIE, Failed, Here, LANGUAGE, Posted, THEME, Visit};
use super::{LARGEST_BODY, form, layout, pages};
use crate::respond::{Page, see_other, with_cookie};

const HOME: &str = "/portal";
const SIGN_IN: &str = "/portal/sign-in";
/// `Lax`: a link from elsewhere finds the session, a form from elsewhere does not.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";
/// Seconds: a year.
const PREFERENCE_LIFE: u64 = 365 * 24 * 60 * 60;

/// What to answer when nobody is signed in. A page that was left open says so; who comes new signs in.
pub(crate) fn ask(here: &Here) -> Response {
    if here.cookie.is_none() && here.method == Method::GET {
        return see_other(&sign_in_address(&here.address()));
    }
    over(here, &Fields::default())
}

/// Whether a form sent there needs somebody who is signed in.
pub(crate) fn is_guarded(path: &str) -> bool {
    path.starts_with("/portal/") && !matches!(path, "/portal/preferences" | "/portal/sign-out")
}

/// A form that came when the session had ended: what was typed goes along on the page.
pub(crate) async fn ended(here: &Here, request: Request) -> Response {
    let headers = request.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plain = kind.starts_with("application/x-www-form-urlencoded");
    // Nobody is led here with a form of somebody else's making.
    if !plain || here.browser.is_foreign() {
        return over(here, &Fields::default());
    }
    match to_bytes(request.into_body(), LARGEST_BODY).await {
        Ok(body) => over(here, &Fields::read(&body)),
        Err(_) => over(here, &Fields::default()),
    }
}

fn over(here: &Here, sent: &Fields) -> Response {
    let (form, sent) = (here.method != Method::GET, pages::failed::typed(sent));
    let next = if form { back(here) } else { here.address() };
    let body = html! {
        p { (t("You were signed out, because some time has passed or because your sign-in was ended elsewhere.")) }
        @if !form { p { (t("Sign in again to go on where you were.")) } }
        @else if sent.is_empty() {
            p { (t("Nothing was changed. What you typed is still there: sign in again in a new tab, then come back to this one, \
                go back one page and send the form again.")) }
        } @else {
            p { (t("Nothing was changed, and nothing that you typed is lost: sign in again in a new tab, then come back to this one and go on.")) }
            (pages::failed::list(&sent))
        }
        div .buttons {
            a .button href=(sign_in_address(&next)) target=[form.then_some("_blank")] { (t("Sign in again")) }
            @if !sent.is_empty() {
                (form::form(&here.path, &html! {
                    @for (name, value) in &sent { input type="hidden" name=(name) value=(value); }
                    button .second { (t("Go on with what was typed")) }
                }))
            }
        }
    };
    let page = layout::plain(t("Your session has ended"), &body);
    Page { status: StatusCode::UNAUTHORIZED, ..Page::new(page) }.into_response()
}

/// The page that a form was on, as far as its address tells.
fn back(here: &Here) -> String {
    let path = here.path.rsplit_once('/').map_or(HOME, |(before, _)| before);
    if path.starts_with("/portal/") { path.to_string() } else { HOME.to_string() }
}

fn sign_in_address(next: &str) -> String {
    Fields::default().with("next", Some(next)).address(SIGN_IN)
}

/// A page of ours, or the first one. Nothing else is ever gone on to.
pub(crate) fn own(next: &str) -> &str {
    let ours = next == HOME || next.starts_with("/portal/") || next.starts_with("/portal?");
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let entrance = ["/portal/sign-in", "/portal/signed-", "/portal/sign-out"];
    if ours && plain && !entrance.iter().any(|path| next.starts_with(path)) { next } else { HOME }
}

/// Sends the browser to the authority.
pub(crate) async fn begin(Extension(here): Extension<Arc<Here>>) -> Response {
    let query = Fields::read(here.query.as_bytes());
    see_other(&here.service.authority().portal_request(&here.browser.secret(), own(query.get("next"))))
}

/// The authority's answer.
pub(crate) async fn come_back(Extension(here): Extension<Arc<Here>>) -> Response {
    let query = Fields::read(here.query.as_bytes());
    let (browser, authority) = (here.browser.secret(), here.service.authority());
    let Some(next) = authority.portal_next(&browser, query.get("state")) else {
        let why = t("The sign-in was begun in another browser, or too long ago.");
        return not_signed_in(why, HOME);
    };
    if let Some(error) = query.given("error") {
        let why = query.given("error_description").unwrap_or(error);
        return not_signed_in(why.lines().next().unwrap_or_default(), own(&next));
    }
    match authority.open_portal_session(&browser, query.get("state"), query.get("code")).await {
        Ok(cookie) => {
            if let Some(before) = &here.cookie
                && let Err(error) = authority.close_portal_session(before).await
            {
                tracing::warn!(error = ?error.cause, "the session before was not ended");
            }
            with_cookie(see_other(own(&next)), &format!("{COOKIE}={}; {ATTRIBUTES}", cookie.expose()))
        }
        Err(error) => {
            if let Some(cause) = &error.cause {
                tracing::error!(request_id = here.request_id, error = %cause, "nobody could be signed in to the portal");
            }
            not_signed_in(&error.text, own(&next))
        }
    }
}

fn not_signed_in(why: &str, next: &str) -> Response {
    let body = html! {
        p .problem role="alert" { (crate::names::shown(why)) }
        div .buttons { a .button href=(sign_in_address(next)) { (t("Sign in again")) } }
    };
    Page::refused(layout::plain(t("You are not signed in"), &body)).into_response()
}

/// Ends the session here, and has the authority end its own.
pub(crate) async fn leave(visit: Visit, _: Posted) -> Result<Response, Failed> {
    let authority = visit.service().authority();
    if let Some(cookie) = &visit.here.cookie {
        let closed = authority.close_portal_session(cookie).await;
        closed.map_err(|error| Failed::Internal(error.text.into()))?;
    }
    let back = format!("{}{}", authority.public_url(), seed::PORTAL_SIGNED_OUT);
    let query = Fields::default()
        .with("client_id", Some(&seed::PORTAL.to_string()))
        .with("post_logout_redirect_uri", Some(&back));
    let address = query.address(&format!("/{}/oauth2/v2.0/logout", visit.caller().tenant));
    Ok(with_cookie(see_other(&address), &format!("{COOKIE}=; {ATTRIBUTES}; Max-Age=0")))
}

/// After signing out.
pub(crate) async fn left() -> Response {
    let body = html! {
        p { (t("You have signed out.")) }
        div .buttons { a .button href=(SIGN_IN) { (t("Sign in")) } }
    };
    Page::new(layout::plain(t("Signed out"), &body)).into_response()
}

/// Sets language and colours; for everybody, so there is no session to prove. Nothing but a cookie changes.
pub(crate) async fn prefer(Extension(here): Extension<Arc<Here>>, body: Bytes) -> Response {
    let fields = Fields::read(&body);
    let mut response = see_other(own(fields.get("next")));
    let mut keep = |name: &str, value: &str, age: u64| {
        let cookie = format!("{name}={value}; {ATTRIBUTES}; Max-Age={age}");
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    };
    if !here.browser.is_foreign() {
        if let Some(language) = Language::find(fields.get("language")) {
            keep(LANGUAGE, language.tag(), PREFERENCE_LIFE);
        }
        match fields.get("theme") {
            theme @ ("light" | "dark") => keep(THEME, theme, PREFERENCE_LIFE),
            "auto" => keep(THEME, "", 0),
            _ => {}
        }
    }
    response
}
