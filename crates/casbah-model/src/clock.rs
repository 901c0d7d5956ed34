//! Time: one type for a moment, one place that asks for it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01 UTC: the unit of the API, the database and the logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `seconds` after 1970.
    pub fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1000))
    }

    /// Later by `duration`.
    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Earlier by `duration`.
    pub fn minus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `2026-11-23T12:00:00.250Z`, always with three decimals, as the API's ISO fields are.
    pub fn iso(self) -> String {
        format!("{:.3}", self.jiff())
    }

    /// `2026-11-23 12:00:00Z`, as OAuth error bodies have it.
    pub fn seconds_text(self) -> String {
        self.jiff().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    /// `Mon, 23 Nov 2026 12:00:00 GMT`, as HTTP headers have it (RFC 9110, section 5.6.7).
    pub fn http_date(self) -> String {
        self.jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Reads what people write of a time in UTC: `2026-11-23`, `2026-11-23 12:00`, or either of the forms above.
    pub fn from_text(text: &str) -> Option<Timestamp> {
        let text = text.trim().trim_end_matches(['Z', 'z']);
        let time = if text.len() == "2026-11-23".len() { "T00:00" } else { "" };
        let at: jiff::Timestamp = format!("{text}{time}Z").parse().ok()?;
        Some(Timestamp(at.as_millisecond()))
    }

    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl FromStr for Timestamp {
    type Err = String;

    /// Reads an RFC 3339 time such as `2026-11-23T12:00:00Z`.
    fn from_str(text: &str) -> Result<Timestamp, String> {
        let parsed: jiff::Timestamp =
            text.parse().map_err(|_| format!("{text:?} is not an RFC 3339 time"))?;
        Ok(Timestamp(parsed.as_millisecond()))
    }
}

/// How the clock of this process goes; anything but [`ClockSetting::System`] is for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockSetting {
    /// The machine's time.
    System,
    /// Always this moment.
    Frozen(Timestamp),
    /// The machine's time shifted by this many milliseconds.
    Offset(i64),
}

impl FromStr for ClockSetting {
    type Err = String;

    /// Reads `CASBAH_CLOCK`: an RFC 3339 time freezes the clock; `+90m`, `-2h30m`, `+1d` shift it.
    fn from_str(text: &str) -> Result<ClockSetting, String> {
        let wrong =
            || format!("{text:?} is neither a time like 2026-11-23T12:00:00Z nor an offset like +90m");
        if let Some(rest) = text.strip_prefix(['+', '-']) {
            let mut total: i64 = 0;
            let mut digits = String::new();
            for c in rest.chars() {
                if c.is_ascii_digit() {
                    digits.push(c);
                    continue;
                }
                let unit: i64 = match c {
                    's' => 1_000,
                    'm' => 60_000,
                    'h' => 3_600_000,
                    'd' => 86_400_000,
                    _ => return Err(wrong()),
                };
                let count: i64 = digits.parse().map_err(|_| wrong())?;
                total = count.checked_mul(unit).and_then(|ms| total.checked_add(ms)).ok_or_else(wrong)?;
                digits.clear();
            }
            if rest.is_empty() || !digits.is_empty() {
                return Err(wrong());
            }
            return Ok(ClockSetting::Offset(if text.starts_with('-') { -total } else { total }));
        }
        text.parse().map(ClockSetting::Frozen).map_err(|_| wrong())
    }
}

/// The one clock. Cheap to copy; every part that needs the time holds one.
#[derive(Clone, Copy, Debug)]
pub struct Clock(ClockSetting);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(ClockSetting::System)
    }

    /// A clock as set for a test. The binary allows it in test mode only.
    pub fn with(setting: ClockSetting) -> Clock {
        Clock(setting)
    }

    /// How this clock goes.
    pub fn setting(&self) -> ClockSetting {
        self.0
    }

    /// The present moment.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        let machine = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            i64::try_from(since.map_or(0, |d| d.as_millis())).unwrap_or(i64::MAX)
        };
        match self.0 {
            ClockSetting::System => Timestamp(machine()),
            ClockSetting::Frozen(at) => at,
            ClockSetting::Offset(by) => Timestamp(machine().saturating_add(by)),
        }
    }
}
