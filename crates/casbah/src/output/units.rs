//! Numbers, sizes and times, as people read them.

use casbah_model::Timestamp;
use serde_json::Value;

/// `12 345`, with thin groups.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { String::from("-") } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1.2 GB`: powers of 1000, as disks and networks count.
pub fn bytes(number: i64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if number.unsigned_abs() < 1000 {
        return format!("{number} B");
    }
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = number as f64;
    let mut unit = 0;
    value /= 1000.0;
    while value.abs() >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `2026-11-23T12:00:00Z`.
pub fn moment(at: i64) -> String {
    Timestamp(at).seconds_text().replacen(' ', "T", 1)
}

/// `2 h ago`, `in 13 days`; beyond two months the date.
pub fn relative(at: i64, now: i64) -> String {
    let distance = at.saturating_sub(now);
    let minutes = distance.unsigned_abs() / 60_000;
    let span = match minutes {
        0 => return "now".to_string(),
        1..=119 => format!("{minutes} min"),
        120..=2_879 => format!("{} h", minutes / 60),
        2_880..=86_400 => format!("{} days", minutes / 1_440),
        _ => return moment(at).chars().take(10).collect(),
    };
    if distance < 0 { format!("{span} ago") } else { format!("in {span}") }
}

/// The moment that a JSON value tells: a number of milliseconds, or ISO text.
pub(super) fn milliseconds(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse::<Timestamp>().ok().map(|at| at.0),
        other => other.as_i64().filter(|ms| *ms != 0),
    }
}
