//! How facts look: times, numbers, names, severities.

use casbah_model::{Alert, Clock, Resolution, Severity, Timestamp};
use maud::{Markup, html};

use super::text::{counted, filled, t};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago, or in how long; the exact time is a moment away.
pub(crate) fn time(clock: Clock, at: Timestamp) -> Markup {
    html! { time datetime=(at.iso()) title=(at.seconds_text()) { (ago(clock.now(), at)) } }
}

/// The exact time.
pub(crate) fn exact(at: Timestamp) -> Markup {
    html! { time datetime=(at.iso()) { (at.seconds_text()) } }
}

/// The same, where there may be none.
pub(crate) fn time_or(clock: Clock, at: Option<Timestamp>, none: &str) -> Markup {
    match at {
        Some(at) => time(clock, at),
        None => html! { span .quiet { (none) } },
    }
}

pub(crate) fn ago(now: Timestamp, at: Timestamp) -> String {
    let away = now.0 - at.0;
    let span = span(away.abs());
    match away {
        ..0 => filled("in {span}", &[("span", &span)]),
        0..MINUTE => t("just now").to_string(),
        _ => filled("{span} ago", &[("span", &span)]),
    }
}

/// A length of time in its largest unit.
pub(crate) fn span(milliseconds: i64) -> String {
    match milliseconds {
        ..MINUTE => t("less than a minute").to_string(),
        MINUTE..HOUR => counted("1 minute", "{n} minutes", milliseconds / MINUTE),
        HOUR..DAY => counted("1 hour", "{n} hours", milliseconds / HOUR),
        _ => counted("1 day", "{n} days", milliseconds / DAY),
    }
}

/// A number with blanks between its thousands, which every language reads.
pub(crate) fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the largest unit that leaves a digit before the point.
pub(crate) fn bytes(n: i64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value.abs() >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A name that somebody chose.
pub(crate) fn name(text: &str) -> Markup {
    html! { bdi { (crate::names::shown(text)) } }
}

/// Something to be copied: with script there is a button beside it.
pub(crate) fn copyable(text: &str) -> Markup {
    html! { code data-copy { (text) } }
}

/// Several lines to be copied.
pub(crate) fn copyable_lines(text: &str) -> Markup {
    html! { pre tabindex="0" data-copy { code { (text) } } }
}

pub(crate) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => t("Low"),
        Severity::Medium => t("Medium"),
        Severity::High => t("High"),
        Severity::Informational => t("Informational"),
    }
}

/// A severity: word, colour, and a shape for those who do not see the colour.
pub(crate) fn severity(severity: Severity) -> Markup {
    let (class, shape) = match severity {
        Severity::Low => ("low", "▽"),
        Severity::Medium => ("medium", "◆"),
        Severity::High => ("high", "▲"),
        Severity::Informational => ("information", "○"),
    };
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (shape) } " " (severity_name(severity)) } }
}

pub(crate) fn resolution_name(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Open => t("Open"),
        Resolution::Dismissed => t("Dismissed"),
        Resolution::Resolved => t("Resolved"),
        Resolution::FalsePositive => t("False positive"),
        Resolution::Benign => t("Benign"),
        Resolution::TruePositive => t("True positive"),
    }
}

pub(crate) fn state_of(alert: &Alert) -> &'static str {
    resolution_name(alert.resolution)
}
