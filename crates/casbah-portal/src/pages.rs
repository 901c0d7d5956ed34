//! The markup. Every page is a function of what it shows.

pub(crate) mod account;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod federated;
pub(crate) mod sign_in;
pub(crate) mod simple;
pub(crate) mod steps;

use casbah_model::{Clock, ClockSetting};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The frame of all pages.
pub(crate) fn layout(clock: Clock, title: &str, body: &Markup) -> Markup {
    frame(clock, title, false, body, &nothing(), &nothing())
}

/// The frame with a script at the end.
pub(crate) fn layout_with_script(clock: Clock, title: &str, script: &str, body: &Markup) -> Markup {
    frame(clock, title, false, body, &html! { script src=(script) {} }, &nothing())
}

/// The frame of a page that the browser leaves by itself, after so many seconds.
pub(crate) fn layout_leaving(clock: Clock, title: &str, after: u32, next: &str, body: &Markup) -> Markup {
    let head = html! { meta http-equiv="refresh" content={ (after) ";url=" (next) }; };
    frame(clock, title, false, body, &nothing(), &head)
}

/// The frame for pages to read.
pub(crate) fn layout_wide(clock: Clock, title: &str, body: &Markup) -> Markup {
    frame(clock, title, true, body, &nothing(), &nothing())
}

/// The frame for pages to read, with a script at the end.
pub(crate) fn layout_wide_with_script(clock: Clock, title: &str, script: &str, body: &Markup) -> Markup {
    frame(clock, title, true, body, &html! { script src=(script) {} }, &nothing())
}

fn nothing() -> Markup {
    PreEscaped(String::new())
}

fn frame(clock: Clock, title: &str, wide: bool, body: &Markup, last: &Markup, head: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – Casbah" }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/casbah.css";
                (head)
            }
            body {
                @if clock.setting() != ClockSetting::System {
                    p .banner role="status" {
                        "Test mode: the clock is set by hand. It says " (clock.now().seconds_text()) "."
                    }
                }
                header { img src="/assets/icon.svg" alt=""; "Casbah" }
                main class=[wide.then_some("wide")] { (body) }
                footer { "Casbah, a cloud access security broker" }
                (last)
            }
        }
    }
}

/// What went wrong, above a form.
pub(crate) fn problem(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p .problem role="alert" #problem { (text) } } }
}
