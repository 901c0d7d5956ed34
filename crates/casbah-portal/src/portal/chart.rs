//! Charts, drawn here as SVG, each with a table of the same figures behind it.

use maud::{Markup, PreEscaped, html};

use super::table::{self, column};
use super::text::t;

const WIDTH: i64 = 720;
const HEIGHT: i64 = 200;
const FOOT: i64 = 24;
/// A bar is no wider, however few there are.
const WIDEST: i64 = 60;

/// A bar: what it stands for, how high it is, and the figure in words.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: i64,
    pub(crate) shown: String,
}

/// Bars side by side, for figures over time.
pub(crate) fn columns(title: &str, what: &'static str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let count = (bars.len() as i64).max(1);
    let step = (WIDTH / count).min(WIDEST);
    // A label needs room.
    let every = (80 / step.max(1)).max(1);
    let drawing = html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + FOOT) } role="img" aria-label=(title) {
            line .axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
            @for (n, bar) in (0_i64..).zip(bars) {
                @let height = scaled(bar.value, most, HEIGHT - 8);
                rect .s1 x=(n * step + 1) y=(HEIGHT - height) width=((step - 2).max(1)) height=(height) rx="2" {
                    title { (bar.label) ": " (bar.shown) }
                }
                @if n % every == 0 { text .faint x=(n * step) y=(HEIGHT + 17) { (bar.label) } }
            }
        }
    };
    figure(title, &drawing, what, bars)
}

/// Bars below each other, for shares.
pub(crate) fn rows(title: &str, what: &'static str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let height = 30 * bars.len() as i64;
    let drawing = html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height.max(1)) } role="img" aria-label=(title) {
            @for (n, bar) in (0_i64..).zip(bars) {
                @let width = scaled(bar.value, most, WIDTH - 380);
                text x="0" y=(n * 30 + 19) { (short(&bar.label)) }
                rect class={ "s" (n % 4 + 1) } x="250" y=(n * 30 + 5) width=(width.max(2)) height="20" rx="2" {
                    title { (bar.label) ": " (bar.shown) }
                }
                text .faint x=(250 + width.max(2) + 8) y=(n * 30 + 19) { (bar.shown) }
            }
        }
    };
    figure(title, &drawing, what, bars)
}

fn figure(title: &str, drawing: &PreEscaped<String>, what: &'static str, bars: &[Bar]) -> Markup {
    let rows: Vec<_> = bars.iter().map(|bar| vec![html! { (bar.label) }, html! { (bar.shown) }]).collect();
    html! { figure {
        (drawing)
        figcaption { details { summary { (t("As a table")) }
            (table::plain(title, &[column(what), column(t("Figure")).number()], &rows)) } }
    } }
}

fn scaled(value: i64, most: i64, length: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(length) / i128::from(most)).unwrap_or(0)
}

fn short(label: &str) -> String {
    if label.chars().count() <= 32 {
        return label.to_string();
    }
    label.chars().take(31).chain(['…']).collect()
}
