//! Pages that say why there is no page, each with what to do next.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};

use crate::portal::fields::Fields;
use crate::portal::text::t;
use crate::portal::visit::{Failed, here};
use crate::portal::{form, layout};
use crate::respond::Page;

pub(crate) fn page(failed: Failed) -> Response {
    let (status, title, body) = match failed {
        Failed::NotFound => (
            StatusCode::NOT_FOUND,
            t("This page does not exist"),
            html! { p { (t("What you are looking for is not here, or is not for you to see.")) } },
        ),
        Failed::Forbidden(needs) => (
            StatusCode::FORBIDDEN,
            t("You may not do that"),
            html! {
                p { (t("Your roles do not allow it. Somebody who manages roles can give you one that does.")) }
                @if !needs.is_empty() { p .quiet lang="en" { (needs) } }
            },
        ),
        Failed::Invalid { field, why } => (
            StatusCode::BAD_REQUEST,
            t("That cannot be"),
            html! { p .problem role="alert" { code { (field) } ": " (why) } p { (t("Go back one page: what you typed is still there.")) } },
        ),
        Failed::Conflict(why) => (
            StatusCode::CONFLICT,
            t("That is not possible any more"),
            html! { p .problem role="alert" { (why) } },
        ),
        Failed::Stale(fields) => (StatusCode::BAD_REQUEST, t("This form is out of date"), stale(&fields)),
        Failed::SentBefore => (
            StatusCode::CONFLICT,
            t("This form was sent already"),
            html! { p { (t("It was carried out the first time; nothing was done twice. Look at the list for the result.")) } },
        ),
        Failed::Internal(cause) => {
            let id = here().map(|here| here.request_id.clone()).unwrap_or_default();
            tracing::error!(request_id = id, error = %cause, "a page failed");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                t("Something went wrong here"),
                html! { p { (t("It is not your fault. Try again; if it happens again, tell those who run this server the request id.")) } },
            )
        }
    };
    let body = html! { (body) (ways_on()) };
    Page { status, ..Page::new(layout::framed(title, &body)) }.into_response()
}

fn ways_on() -> Markup {
    html! {
        @if let Some(here) = here() { dl { dt { (t("Request id")) } dd { code { (here.request_id) } } } }
        div .buttons { a .button href="/portal" { (t("To the overview")) } }
    }
}

/// A form that another session made, or an older page. Only when the browser says that it comes from one of our
/// pages can it be sent on: nobody can be led here with a form of somebody else's making.
fn stale(fields: &Fields) -> Markup {
    let here = here();
    let own = here.as_deref().filter(|here| !here.browser.is_foreign() && here.visitor.is_some());
    html! {
        p { (t("It was made for an earlier sign-in, or your browser did not say that it comes from these pages. Nothing was changed.")) }
        @if let Some(here) = own {
            @let sent = typed(fields);
            @if !sent.is_empty() {
                p { (t("This is what you sent. You can send it again as it is.")) }
                (list(&sent))
                (form::form(&here.path, &html! {
                    @for (name, value) in &sent { input type="hidden" name=(name) value=(value); }
                    div .buttons { button { (t("Send it again")) } }
                }))
            }
        }
    }
}

/// What somebody typed, without what proves that the form is ours.
pub(crate) fn typed(fields: &Fields) -> Vec<(String, String)> {
    fields.pairs().iter().filter(|(name, _)| name != "proof").cloned().collect()
}

/// The same, to be read; a password is not.
pub(crate) fn list(sent: &[(String, String)]) -> Markup {
    html! { dl { @for (name, value) in sent.iter().filter(|(_, value)| !value.is_empty()) {
        dt { (name) } dd { @if name.contains("assword") { "••••••••" } @else { (value) } }
    } } }
}
