//! The frame of all pages: what stands around them, in one place.

use axum::response::{IntoResponse, Response};
use casbah_model::{Access, ClockSetting, Part};
use maud::{DOCTYPE, Markup, html};

use super::form;
use super::shown;
use super::text::{Language, t};
use super::visit::{Here, here};
use crate::respond::Page;

/// A place in the navigation, and the part that a person must be allowed to read to find it there.
struct Place {
    path: &'static str,
    title: &'static str,
    part: Option<Part>,
}

fn places() -> Vec<Place> {
    let place = |path, title, part| Place { path, title, part };
    vec![
        place("/portal", t("Overview"), None),
        place("/portal/alerts", t("Alerts"), Some(Part::Alerts)),
        place("/portal/discovery", t("Cloud discovery"), Some(Part::Discovery)),
        place("/portal/activities", t("Activities"), Some(Part::Activities)),
        place("/portal/entities", t("People and accounts"), Some(Part::Entities)),
        place("/portal/files", t("Files"), Some(Part::Files)),
        place("/portal/policies", t("Policies"), Some(Part::Policies)),
        place("/portal/ip-ranges", t("IP ranges"), Some(Part::IpRanges)),
        place("/portal/governance", t("Governance log"), Some(Part::GovernanceLog)),
        place("/portal/audit", t("Audit trail"), Some(Part::Activities)),
        place("/portal/people", t("People and roles"), None),
        place("/portal/apps", t("Apps and tokens"), None),
        place("/portal/tokens", t("API tokens"), None),
        place("/portal/inspect", t("Look into a token"), None),
        place("/portal/settings", t("Settings"), None),
        place("/portal/about", t("About"), None),
    ]
}

/// A page of the portal with its heading.
pub(crate) fn page(title: &str, body: &Markup) -> Response {
    Page::new(framed(title, body)).into_response()
}

/// A page that says that a form was wrong.
pub(crate) fn refused(title: &str, body: &Markup) -> Response {
    Page::refused(framed(title, body)).into_response()
}

/// A page that loads itself again after so many seconds.
pub(crate) fn watching(title: &str, seconds: u32, body: &Markup) -> Response {
    let head = html! { meta http-equiv="refresh" content=(seconds); };
    Page::new(whole(title, body, true, &head)).into_response()
}

/// A page with the navigation.
pub(crate) fn framed(title: &str, body: &Markup) -> Markup {
    whole(title, body, true, &html! {})
}

/// A page without it: nobody is signed in.
pub(crate) fn plain(title: &str, body: &Markup) -> Markup {
    whole(title, body, false, &html! {})
}

fn whole(title: &str, body: &Markup, navigation: bool, head: &Markup) -> Markup {
    let here = here();
    let here = here.as_deref();
    let language = here.map_or(Language::English, |here| here.language);
    let theme = here.map_or("", |here| here.theme);
    let signed_in = here.filter(|here| navigation && here.visitor.is_some());
    html! {
        (DOCTYPE)
        html lang=(language.tag()) data-theme=[Some(theme).filter(|theme| !theme.is_empty())] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – Casbah" }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/portal.css";
                script src="/assets/portal.js" defer {}
                (head)
            }
            body data-copy=(t("Copy")) data-copied=(t("Copied")) {
                a .skip href="#main" { (t("Skip to the content")) }
                @if let Some(here) = here { (test_mode(here)) }
                header .top {
                    a .brand href="/portal" { img src="/assets/icon.svg" alt="" width="24" height="24"; "Casbah" }
                    @if let Some(here) = signed_in { (who(here)) }
                }
                div .body {
                    @if let Some(here) = signed_in { (menu(here)) }
                    main #main tabindex="-1" { h1 { (title) } (body) }
                }
                footer .bottom {
                    @if let Some(here) = here { (preferences(here)) }
                    p { (t("Times are in UTC.")) }
                }
            }
        }
    }
}

fn test_mode(here: &Here) -> Markup {
    let clock = here.service.clock();
    html! { @if clock.setting() != ClockSetting::System {
        p .banner role="status" {
            (t("Test mode: the clock is set by hand. It says")) " " (shown::exact(clock.now())) "."
        }
    } }
}

fn who(here: &Here) -> Markup {
    html! { @if let Some(visitor) = &here.visitor { div .who {
        span { (shown::name(&visitor.display_name)) span .quiet { " · " (shown::name(&visitor.tenant.display_name)) } }
        a href="/account" { (t("Your account")) }
        (form::form("/portal/sign-out", &html! { button .second .small { (t("Sign out")) } }))
    } } }
}

fn menu(here: &Here) -> Markup {
    let may = |place: &Place| {
        place.part.is_none_or(|part| {
            here.visitor.as_ref().is_some_and(|v| v.caller.entitlements.access(part) >= Access::Read)
        })
    };
    let current = |place: &Place| {
        here.path == place.path
            || (place.path != "/portal" && here.path.starts_with(&format!("{}/", place.path)))
    };
    let list = html! { ul { @for place in places().iter().filter(|place| may(place)) {
        li { a href=(place.path) aria-current=[current(place).then_some("page")] { (place.title) } }
    } } };
    html! {
        details .menu { summary { (t("Menu")) } nav aria-label=(t("Menu")) { (list) } }
        nav .side aria-label=(t("Main")) { (list) }
    }
}

fn preferences(here: &Here) -> Markup {
    let next = here.address();
    let themes = [("auto", t("As the system")), ("light", t("Light")), ("dark", t("Dark"))];
    let theme = if here.theme.is_empty() { "auto" } else { here.theme };
    html! { form .preferences method="post" action="/portal/preferences" {
        input type="hidden" name="next" value=(next);
        label for="language" { (t("Language")) }
        select #language name="language" { @for language in Language::ALL {
            option value=(language.tag()) lang=(language.tag()) selected[language == here.language] { (language.name()) }
        } }
        label for="theme" { (t("Colours")) }
        select #theme name="theme" { @for (value, shown) in themes {
            option value=(value) selected[value == theme] { (shown) }
        } }
        button .second .small { (t("Apply")) }
    } }
}
