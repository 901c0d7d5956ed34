//! Reads the stamps of log lines, whatever their style, without allocating.
//!
//! A zone in the stamp wins; otherwise the zone of the data source holds. All results are milliseconds
//! since 1970 UTC. Nonsense such as the 31st of February is refused.

use crate::options::DAY_MS;

const MINUTE_MS: i64 = 60 * 1000;

/// What the surroundings know that a stamp may leave out.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub(crate) now_ms: i64,
    pub(crate) zone_minutes: i32,
}

/// Reads a whole stamp: epoch numbers of any precision, ISO 8601, `yyyy/MM/dd HH:mm:ss`, the Apache style
/// `18/Nov/2026:09:14:22 +0000`, `Tue Nov 17 16:53:42 2026`, `Nov 17 2026 16:53:42`, BSD without year,
/// and mail dates.
pub(crate) fn stamp(cell: &[u8], context: Context) -> Option<i64> {
    let mut s = Scan { rest: trim(cell) };
    let digits = s.rest.iter().take_while(|b| b.is_ascii_digit()).count();
    match digits {
        9..=19 => epoch(&mut s, digits),
        4 => year_first(&mut s, context),
        1 | 2 => day_first(&mut s, context),
        0 => name_first(&mut s, context),
        _ => None,
    }
}

/// Reads a date cell and a clock cell, as W3C logs have them.
pub(crate) fn date_and_clock(date: &[u8], clock: &[u8], context: Context) -> Option<i64> {
    let mut s = Scan { rest: trim(date) };
    let year = s.number(4)?;
    s.one_of(b"-/")?;
    let month = s.number(2)?;
    s.one_of(b"-/")?;
    let day = s.number(2)?;
    s.at_end()?;
    let mut s = Scan { rest: trim(clock) };
    finish(&mut s, year, month, day, context)
}

/// Days since 1970 of a date of the Gregorian calendar, if there is such a date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    // Counted from March, so that the leap day is the last of its year.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let in_era = y.rem_euclid(400);
    let in_year = (153 * m + 2) / 5 + day - 1;
    Some(y.div_euclid(400) * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468)
}

/// The number of digits tells the unit: seconds, milli-, micro- or nanoseconds.
fn epoch(s: &mut Scan<'_>, digits: usize) -> Option<i64> {
    let value = s.number(digits)?;
    let ms = match digits {
        9..=11 => value.checked_mul(1000)? + s.fraction(),
        12..=14 => value,
        15..=17 => value / 1000,
        _ => value / 1_000_000,
    };
    s.at_end()?;
    Some(ms)
}

fn year_first(s: &mut Scan<'_>, context: Context) -> Option<i64> {
    let year = s.number(4)?;
    s.one_of(b"-/:.")?;
    let month = s.number(2)?;
    s.one_of(b"-/:.")?;
    let day = s.number(2)?;
    s.one_of(b" T-_\t")?;
    s.blanks();
    finish(s, year, month, day, context)
}

fn day_first(s: &mut Scan<'_>, context: Context) -> Option<i64> {
    let day = s.number(2)?;
    s.one_of(b"/- ")?;
    let month = s.month()?;
    s.one_of(b"/- ")?;
    let year = s.number(4)?;
    s.one_of(b": T")?;
    finish(s, year, month, day, context)
}

fn name_first(s: &mut Scan<'_>, context: Context) -> Option<i64> {
    if s.weekday() {
        s.one_of(b", ")?;
        s.blanks();
        if s.rest.first()?.is_ascii_digit() {
            return day_first(s, context);
        }
    }
    let month = s.month()?;
    s.one_of(b" -/")?;
    s.blanks();
    let day = s.number(2)?;
    s.one_of(b" ,-/")?;
    s.blanks();
    let clock_next = s.rest.get(1..3).is_some_and(|b| b.contains(&b':'));
    if !clock_next {
        let year = s.number(4)?;
        s.one_of(b" T:")?;
        s.blanks();
        return finish(s, year, month, day, context);
    }
    let (in_day, offset) = clock(s, context)?;
    s.blanks();
    if s.rest.is_empty() {
        return nearest_year(month, day, in_day, offset, context.now_ms);
    }
    let year = s.number(4)?;
    // `Tue Nov 17 16:53:42 2026 GMT`: the zone may stand behind the year.
    let offset = s.zone().unwrap_or(offset);
    s.at_end()?;
    Some(days(year, month, day)? * DAY_MS + in_day - offset)
}

/// A stamp without a year is of the year that puts it nearest to now, but no more than a day ahead.
fn nearest_year(month: i64, day: i64, in_day: i64, offset: i64, now_ms: i64) -> Option<i64> {
    let this_year = 1970 + now_ms.div_euclid(DAY_MS) * 400 / 146_097;
    (this_year - 1..=this_year + 1)
        .filter_map(|year| Some(days(year, month, day)? * DAY_MS + in_day - offset))
        .filter(|ms| *ms <= now_ms + DAY_MS)
        .min_by_key(|ms| ms.abs_diff(now_ms))
}

fn finish(s: &mut Scan<'_>, year: i64, month: i64, day: i64, context: Context) -> Option<i64> {
    let (in_day, offset) = clock(s, context)?;
    s.at_end()?;
    Some(days(year, month, day)? * DAY_MS + in_day - offset)
}

/// `HH:mm[:ss[.fff]][ AM|PM][ zone]`: milliseconds into the day, and milliseconds east of UTC.
fn clock(s: &mut Scan<'_>, context: Context) -> Option<(i64, i64)> {
    let mut hour = s.number(2)?;
    s.one_of(b":")?;
    let minute = s.number(2)?;
    let (second, ms) = match s.one_of(b":") {
        Some(_) => (s.number(2)?, s.fraction()),
        None => (0, 0),
    };
    if let Some(afternoon) = s.half_day() {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    // 60 is a leap second; it counts as the first second of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = s.zone().unwrap_or(i64::from(context.zone_minutes) * MINUTE_MS);
    Some(((hour * 60 + minute) * MINUTE_MS + second * 1000 + ms, offset))
}

fn trim(cell: &[u8]) -> &[u8] {
    let mut cell = cell.trim_ascii();
    for (open, close) in [(b'[', b']'), (b'"', b'"')] {
        if let [first, inner @ .., last] = cell
            && *first == open
            && *last == close
        {
            cell = inner.trim_ascii();
        }
    }
    cell
}

/// A position in a stamp.
struct Scan<'c> {
    rest: &'c [u8],
}

impl Scan<'_> {
    fn number(&mut self, max: usize) -> Option<i64> {
        let length = self.rest.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let add = |value: i64, digit: &u8| value * 10 + i64::from(digit - b'0');
        match length {
            0 => None,
            // Cannot overflow.
            1..=18 => Some(digits.iter().fold(0, add)),
            _ => std::str::from_utf8(digits).ok()?.parse().ok(),
        }
    }

    fn one_of(&mut self, accepted: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        accepted.contains(first).then(|| {
            self.rest = rest;
            *first
        })
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn at_end(&mut self) -> Option<()> {
        self.blanks();
        self.rest.is_empty().then_some(())
    }

    /// `.123456` or `,123` as milliseconds.
    fn fraction(&mut self) -> i64 {
        if self.rest.get(1).is_none_or(|b| !b.is_ascii_digit()) || self.one_of(b".,").is_none() {
            return 0;
        }
        let (mut ms, mut unit) = (0, 100);
        while let Some((digit, rest)) = self.rest.split_first()
            && digit.is_ascii_digit()
        {
            ms += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.rest = rest;
        }
        ms
    }

    fn word(&self) -> &[u8] {
        &self.rest[..self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count()]
    }

    fn month(&mut self) -> Option<i64> {
        const NAMES: [&[u8; 3]; 12] =
            [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
        let length = self.word().len();
        let short = self.rest.get(..3)?.to_ascii_lowercase();
        let month = NAMES.iter().position(|name| name[..] == short[..])?;
        self.rest = &self.rest[length..];
        Some(month as i64 + 1)
    }

    fn weekday(&mut self) -> bool {
        const NAMES: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
        let length = self.word().len();
        let known = self.rest.get(..3).is_some_and(|w| NAMES.iter().any(|n| n.eq_ignore_ascii_case(w)));
        if known {
            self.rest = &self.rest[length..];
        }
        known
    }

    fn half_day(&mut self) -> Option<bool> {
        let rest = self.rest.trim_ascii_start();
        let afternoon = match rest.get(..2)?.to_ascii_lowercase().as_slice() {
            b"am" => false,
            b"pm" => true,
            _ => return None,
        };
        self.rest = &rest[2..];
        Some(afternoon)
    }

    /// `Z`, `+0100`, `+01:00`, `UTC` and the names whose meaning nobody disputes; an unknown name is passed
    /// over, so that the zone of the data source holds.
    fn zone(&mut self) -> Option<i64> {
        self.blanks();
        if let Some(sign) = self.one_of(b"+-") {
            let hours = self.number(2)?;
            self.one_of(b":");
            let minutes = self.number(2).unwrap_or(0);
            let east = (hours * 60 + minutes) * MINUTE_MS;
            return Some(if sign == b'-' { -east } else { east });
        }
        let word = self.word().to_ascii_uppercase();
        let hours = match word.as_slice() {
            b"Z" | b"UTC" | b"GMT" => Some(0),
            b"CET" => Some(1),
            b"CEST" => Some(2),
            b"EDT" => Some(-4),
            b"EST" | b"CDT" => Some(-5),
            b"MDT" => Some(-6),
            b"MST" | b"PDT" => Some(-7),
            b"PST" => Some(-8),
            _ => None,
        };
        self.rest = &self.rest[word.len()..];
        hours.map(|hours| hours * 60 * MINUTE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        // 2026-11-23T12:00:00Z, and a data source two hours east.
        let context = Context { now_ms: 1_795_435_200_000, zone_minutes: 120 };
        let read = stamp(text.as_bytes(), context)
            .map(|ms| jiff::Timestamp::from_millisecond(ms).unwrap().to_string());
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn every_style_is_read() {
        check("1794902817.030", Some("2026-11-17T08:06:57.03Z"));
        check("1794907842477", Some("2026-11-17T09:30:42.477Z"));
        check("1794907842477000", Some("2026-11-17T09:30:42.477Z"));
        check("1794907842477000123", Some("2026-11-17T09:30:42.477Z"));
        check("[17/Nov/2026:14:02:08 +0000]", Some("2026-11-17T14:02:08Z"));
        check("17/Nov/2026:14:02:08 -0530", Some("2026-11-17T19:32:08Z"));
        check("2026/11/17 08:21:19", Some("2026-11-17T06:21:19Z"));
        check("2026-11-17T08:21:19.5Z", Some("2026-11-17T08:21:19.5Z"));
        check("2026-11-17 08:21:19 UTC", Some("2026-11-17T08:21:19Z"));
        check("2026-11-17T08:21:19+01:00", Some("2026-11-17T07:21:19Z"));
        check("2026:11:17-08:21:19", Some("2026-11-17T06:21:19Z"));
        check("Tue Nov 17 16:53:42 2026", Some("2026-11-17T14:53:42Z"));
        check("\"Tue Nov 17 16:53:42 2026 GMT\"", Some("2026-11-17T16:53:42Z"));
        check("Tue, 17 Nov 2026 16:53:42 GMT", Some("2026-11-17T16:53:42Z"));
        check("Nov 17 2026 16:53:42 CEST", Some("2026-11-17T14:53:42Z"));
        check("Nov 17 2026 4:53:42 PM UTC", Some("2026-11-17T16:53:42Z"));
        check("1969-12-31 00:00:00", None);
    }

    #[test]
    fn a_missing_year_is_the_nearest_that_is_not_ahead() {
        check("Nov 17 09:38:09", Some("2026-11-17T07:38:09Z"));
        check("Nov  7 09:38:09", Some("2026-11-07T07:38:09Z"));
        check("Nov 24 11:00:00", Some("2026-11-24T09:00:00Z"));
        check("Dec 31 23:59:59", Some("2025-12-31T21:59:59Z"));
        check("Feb 29 12:00:00", None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "-",
            "yesterday",
            "2026-02-30 10:00:00",
            "2026-11-17",
            "2026-11-17 25:00:00",
            "12",
            "99999999999999999999",
            "17/Nov",
            "Nov",
            "Tue",
            "2026-11-17 10:00:00 trailing words",
            "[",
            "\"",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn days_agree_with_a_calendar() {
        let mut date = jiff::civil::date(1970, 1, 1);
        for day in 0..80_000 {
            let ours = days(date.year().into(), date.month().into(), date.day().into());
            assert_eq!(ours, Some(day));
            date = date.tomorrow().unwrap();
        }
    }
}
