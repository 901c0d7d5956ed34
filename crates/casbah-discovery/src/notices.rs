//! What the person who uploaded a log should know about it, beyond its figures.

use std::fmt;

use serde::Serialize;

use crate::detect;
use crate::options::Options;
use crate::plan::Plan;
use crate::report::Accounting;

const MINUTE_MS: i64 = 60_000;
/// Clocks may differ by so much and a log may take so long to arrive without a word.
const USUAL_MS: i64 = 5 * MINUTE_MS;
/// The farthest that two places on Earth are apart.
const FARTHEST_ZONE_MS: i64 = 26 * 60 * MINUTE_MS;
/// Fewer lines of another format are chance.
const FEW: usize = 3;

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// For programs.
    pub code: NoticeCode,
    /// For people.
    pub text: String,
}

/// The kinds of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NoticeCode {
    /// The device's clock or zone puts its records into the future.
    ClockAhead,
    /// The newest record is older by whole hours: perhaps local time was taken for UTC.
    ClockBehind,
    /// Refused lines are those of another source.
    LooksLike,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// All that is to be said. `last_ms` is the time of the newest record, `refused` the first refused lines.
pub(crate) fn of_file(
    accounting: &Accounting,
    refused: &[Vec<u8>],
    last_ms: Option<i64>,
    plan: &Plan,
    options: &Options,
) -> Vec<Notice> {
    let clock = of_clock(accounting.skipped.future, last_ms, options);
    clock.into_iter().chain(of_other_format(refused, plan, options)).collect()
}

fn of_clock(future: u64, last_ms: Option<i64>, options: &Options) -> Option<Notice> {
    let ahead = last_ms.map_or(0, |last| last.saturating_sub(options.now_ms));
    if future > 0 {
        let text = format!(
            "{future} lines are more than {} ahead of the time of the upload and were skipped: the clock of \
             the device is wrong",
            duration(options.max_ahead_ms)
        );
        return Some(Notice { code: NoticeCode::ClockAhead, text });
    }
    if ahead > USUAL_MS {
        let text = format!(
            "the newest record is {} ahead of the time of the upload: the clock of the device is wrong, or it \
             writes local time without saying so",
            duration(ahead)
        );
        return Some(Notice { code: NoticeCode::ClockAhead, text });
    }
    let behind = -ahead;
    let from_whole = (behind + 15 * MINUTE_MS) % (30 * MINUTE_MS) - 15 * MINUTE_MS;
    if (USUAL_MS..FARTHEST_ZONE_MS).contains(&behind)
        && behind >= 25 * MINUTE_MS
        && from_whole.abs() <= MINUTE_MS
    {
        let text = format!(
            "the newest record is just {} older than the upload: if the log ends now, the device writes local \
             time without saying so",
            duration(behind)
        );
        return Some(Notice { code: NoticeCode::ClockBehind, text });
    }
    None
}

/// `2 h 30 min`, `48 h`, `7 min`.
fn duration(ms: i64) -> String {
    let minutes = (ms + MINUTE_MS / 2) / MINUTE_MS;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn of_other_format(refused: &[Vec<u8>], plan: &Plan, options: &Options) -> Option<Notice> {
    let found = detect::rank(refused, options);
    let best = found.candidates.iter().find(|candidate| candidate.format.id != plan.name)?;
    if best.read < FEW || best.read * 2 < refused.len() {
        return None;
    }
    let text = format!(
        "{} of the first {} refused lines look like those of {}",
        best.read,
        refused.len(),
        best.format.id
    );
    Some(Notice { code: NoticeCode::LooksLike, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * MINUTE_MS;

    fn check(future: u64, ahead_ms: i64, expected: Option<NoticeCode>) {
        let options = Options::at(1_795_435_200_000);
        let found = of_clock(future, Some(options.now_ms + ahead_ms), &options);
        assert_eq!(found.as_ref().map(|notice| notice.code), expected, "{ahead_ms}: {found:?}");
    }

    #[test]
    fn a_wrong_clock_or_zone_is_said() {
        check(0, 0, None);
        check(0, 4 * MINUTE_MS, None);
        check(0, 6 * MINUTE_MS, Some(NoticeCode::ClockAhead));
        check(0, 2 * HOUR_MS, Some(NoticeCode::ClockAhead));
        check(1, 0, Some(NoticeCode::ClockAhead));
        check(0, -2 * HOUR_MS, Some(NoticeCode::ClockBehind));
        check(0, -(5 * HOUR_MS + 30 * MINUTE_MS + 40_000), Some(NoticeCode::ClockBehind));
        // What arrives late is no fault.
        check(0, -(2 * HOUR_MS + 10 * MINUTE_MS), None);
        check(0, -20 * MINUTE_MS, None);
        check(0, -72 * HOUR_MS, None);
    }

    #[test]
    fn durations() {
        for (ms, expected) in
            [(7 * MINUTE_MS, "7 min"), (2 * HOUR_MS, "2 h"), (150 * MINUTE_MS, "2 h 30 min")]
        {
            assert_eq!(duration(ms), expected);
        }
    }
}
