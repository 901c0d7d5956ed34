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
        4 | 1 | 2 => date_first(&mut s, context),
        0 => name_first(&mut s, context),
        _ => None,
    }
}

/// Reads a date cell and a clock cell.
pub(crate) fn date_and_clock(date: &[u8], clock: &[u8], context: Context) -> Option<i64> {
    let mut s = Scan { rest: trim(date) };
    let (year, month, day) = s.date()?;
    s.at_end()?;
    let mut s = Scan { rest: trim(clock) };
    finish(&mut s, year, month, day, context)
}

/// Reads stamps written as patterns of Java's letters say (`dd/MM/yyyy HH:mm:ss`), each cell by its own.
/// Runs of blanks count as one; a year that no pattern has is the nearest.
pub(crate) fn by_pattern(cells: &[(&[u8], &str)], context: Context) -> Option<i64> {
    let mut parts = Parts { year: None, month: 0, day: 0, clock: 0, half: None, zone: None };
    for (cell, pattern) in cells {
        let mut s = Scan { rest: trim_quotes(cell.trim_ascii()) };
        s.follow(pattern.as_bytes(), &mut parts)?;
        s.at_end()?;
    }
    let half = parts.half.map_or(0, |afternoon| if afternoon { 12 } else { 0 });
    let in_day = parts.clock + half * 60 * MINUTE_MS;
    let offset = parts.zone.unwrap_or(i64::from(context.zone_minutes) * MINUTE_MS);
    match parts.year {
        Some(year) => Some(days(year, parts.month, parts.day)? * DAY_MS + in_day - offset),
        None => nearest_year(parts.month, parts.day, in_day, offset, context.now_ms),
    }
}

/// Why a pattern cannot be used; `None` where it can.
pub(crate) fn pattern_fault(pattern: &str) -> Option<String> {
    let mut quoted = false;
    for letter in pattern.chars() {
        match letter {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            'y' | 'u' | 'M' | 'L' | 'd' | 'H' | 'k' | 'h' | 'K' | 'm' | 's' | 'S' | 'a' | 'E' | 'z' | 'Z'
            | 'X' | 'x' => {}
            letter if letter.is_alphabetic() => {
                return Some(format!("the letter {letter} is not understood"));
            }
            _ => {}
        }
    }
    None
}

/// The zone a cell beside the stamp names, in minutes east of UTC.
pub(crate) fn zone_minutes(cell: &[u8]) -> Option<i32> {
    let cell = trim(cell);
    // Ambiguous in general; the firewalls that write it so come from India.
    if cell.eq_ignore_ascii_case(b"IST") {
        return Some(330);
    }
    let mut s = Scan { rest: cell };
    let zone = s.zone()?;
    s.at_end()?;
    i32::try_from(zone / MINUTE_MS).ok()
}

/// What patterns have found so far; the clock in milliseconds, without the half of the day.
struct Parts {
    year: Option<i64>,
    month: i64,
    day: i64,
    clock: i64,
    half: Option<bool>,
    zone: Option<i64>,
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

fn date_first(s: &mut Scan<'_>, context: Context) -> Option<i64> {
    let (year, month, day) = s.date()?;
    s.one_of(b" T-_\t:,")?;
    s.blanks();
    finish(s, year, month, day, context)
}

fn name_first(s: &mut Scan<'_>, context: Context) -> Option<i64> {
    if s.weekday() {
        s.one_of(b", ")?;
        s.blanks();
        if s.rest.first()?.is_ascii_digit() {
            return date_first(s, context);
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

fn trim_quotes(cell: &[u8]) -> &[u8] {
    match cell {
        [b'"', inner @ .., b'"'] => inner.trim_ascii(),
        _ => cell,
    }
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

    /// `2026-11-18`, `18/Nov/2026`, `18Nov2026`, and `11/18/2026`, where a first number above 12 is the day.
    fn date(&mut self) -> Option<(i64, i64, i64)> {
        const BETWEEN: &[u8] = b"-/:. ";
        if self.rest.iter().take_while(|b| b.is_ascii_digit()).count() == 4 {
            let year = self.number(4)?;
            self.one_of(BETWEEN)?;
            let month = self.number(2)?;
            self.one_of(BETWEEN)?;
            return Some((year, month, self.number(2)?));
        }
        let first = self.number(2)?;
        self.one_of(BETWEEN);
        let (month, day) = match self.rest.first()?.is_ascii_digit() {
            true => {
                let second = self.number(2)?;
                if first > 12 { (second, first) } else { (first, second) }
            }
            false => (self.month()?, first),
        };
        self.one_of(BETWEEN);
        Some((self.number(4)?, month, day))
    }

    /// Reads what `pattern` says stands here.
    fn follow(&mut self, pattern: &[u8], parts: &mut Parts) -> Option<()> {
        let mut pattern = pattern;
        while let Some(letter) = pattern.first().copied() {
            let run = pattern.iter().take_while(|b| **b == letter).count();
            match letter {
                b'\'' => {
                    let text = &pattern[1..];
                    let end = text.iter().position(|b| *b == b'\'').unwrap_or(text.len());
                    self.rest = self.rest.strip_prefix(&text[..end])?;
                    pattern = text.get(end + 1..).unwrap_or_default();
                    continue;
                }
                b'y' | b'u' if run == 2 => parts.year = Some(2000 + self.number(2)?),
                b'y' | b'u' => parts.year = Some(self.number(4)?),
                b'M' | b'L' if run >= 3 => parts.month = self.month()?,
                b'M' | b'L' => parts.month = self.number(2)?,
                b'd' => parts.day = self.number(2)?,
                b'H' | b'k' => parts.clock += self.within(24)? % 24 * 60 * MINUTE_MS,
                b'h' | b'K' => parts.clock += self.within(12)? % 12 * 60 * MINUTE_MS,
                b'm' => parts.clock += self.within(59)? * MINUTE_MS,
                b's' => parts.clock += self.within(60)? * 1000,
                b'S' => {
                    let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
                    let (value, used) = (self.number(3)?, digits.min(3));
                    parts.clock += value * [0, 100, 10, 1][used];
                    self.rest = self.rest.get(digits - used..)?;
                }
                b'a' => parts.half = Some(self.half_day()?),
                b'E' => {
                    self.weekday().then_some(())?;
                }
                b'z' | b'Z' | b'X' | b'x' => parts.zone = self.zone(),
                letter if letter.is_ascii_alphabetic() => return None,
                letter if letter.is_ascii_whitespace() => self.blanks(),
                letter => {
                    self.one_of(&[letter])?;
                    pattern = &pattern[1..];
                    continue;
                }
            }
            pattern = &pattern[run..];
        }
        Some(())
    }

    fn within(&mut self, most: i64) -> Option<i64> {
        self.number(2).filter(|value| *value <= most)
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
            b"WET" => Some(0),
            b"CET" | b"BST" | b"WEST" => Some(1),
            b"CEST" | b"EET" | b"SAST" => Some(2),
            b"EEST" | b"MSK" => Some(3),
            b"HKT" | b"SGT" => Some(8),
            b"JST" | b"KST" => Some(9),
            b"AEST" => Some(10),
            b"AEDT" => Some(11),
            b"NZST" => Some(12),
            b"NZDT" => Some(13),
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
        check("17Nov2026  9:43:56", Some("2026-11-17T07:43:56Z"));
        check("2026 11 17 10:28:47 +00:00", Some("2026-11-17T10:28:47Z"));
        check("11/17/2026 07:01:32 PM", Some("2026-11-17T17:01:32Z"));
        check("17/11/2026 07:01:32", Some("2026-11-17T05:01:32Z"));
        check("17-Nov-2026 09:38:09.123", Some("2026-11-17T07:38:09.123Z"));
    }

    #[test]
    fn patterns_say_how_stamps_are_written() {
        let context = Context { now_ms: 1_795_435_200_000, zone_minutes: 120 };
        let check = |cells: &[(&str, &str)], expected: Option<&str>| {
            let bytes: Vec<(&[u8], &str)> = cells.iter().map(|(c, p)| (c.as_bytes(), *p)).collect();
            let read = by_pattern(&bytes, context)
                .map(|ms| jiff::Timestamp::from_millisecond(ms).unwrap().to_string());
            assert_eq!(read.as_deref(), expected, "{cells:?}");
        };
        check(&[("05/11/2026 08:26:47", "dd/MM/yyyy HH:mm:ss")], Some("2026-11-05T06:26:47Z"));
        check(&[("5/11/26 8:26:47 pm", "d/M/yy h:mm:ss a")], Some("2026-11-05T18:26:47Z"));
        check(&[("20261105T082647.5+0100", "yyyyMMdd'T'HHmmss.SSSZ")], Some("2026-11-05T07:26:47.5Z"));
        check(&[("Nov  5 08:26:47", "MMM dd HH:mm:ss")], Some("2026-11-05T06:26:47Z"));
        check(&[("05.11.2026", "dd.MM.yyyy"), ("08:26", "HH:mm")], Some("2026-11-05T06:26:00Z"));
        check(&[("Nov 05 2026 08:26:47 GMT", "MMM dd yyyy HH:mm:ss z")], Some("2026-11-05T08:26:47Z"));
        check(&[("31/02/2026 08:26:47", "dd/MM/yyyy HH:mm:ss")], None);
        check(&[("05/11/2026 25:26:47", "dd/MM/yyyy HH:mm:ss")], None);
        check(&[("05/11/2026 08:26:47 x", "dd/MM/yyyy HH:mm:ss")], None);
        assert_eq!(pattern_fault("dd/MM/yyyy 'at' HH:mm"), None);
        assert!(pattern_fault("DD/MM/yyyy").is_some());
    }

    #[test]
    fn zones_beside_the_stamp() {
        for (cell, minutes) in
            [("+0530", 330), ("+11", 660), ("-03:30", -210), ("UTC", 0), ("CEST", 120), ("IST", 330)]
        {
            assert_eq!(zone_minutes(cell.as_bytes()), Some(minutes), "{cell}");
        }
        assert_eq!(zone_minutes(b"LMT"), None);
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
