//! Policies on activities: which ones count, and when they deserve a finding.

use std::ops::Range;

use casbah_model::filter::{ActivityField, Condition};
use serde::{Deserialize, Serialize};

/// Kilometres to a degree of a great circle.
const KM_OF_DEGREE: f64 = 111.194_927;
const MS_OF_HOUR: f64 = 3_600_000.0;

/// What a policy on activities looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityRule {
    /// An activity counts when all conditions of one of these sets hold.
    pub any: Vec<Vec<Condition<ActivityField>>>,
    /// Which of those that count deserve a finding.
    pub shape: Shape,
    /// Further ones of the same person within so many minutes belong to the finding that is there; 0 for none.
    #[serde(default)]
    pub joined_within_minutes: i64,
    /// Whether what Casbah does by itself is left out.
    #[serde(default)]
    pub not_by_system: bool,
}

/// When activities deserve a finding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// Each does.
    Each,
    /// So many of the same person within a time.
    #[serde(rename_all = "camelCase")]
    Repeated {
        /// How many, at the least.
        minimum: i64,
        /// Within so many minutes.
        within_minutes: i64,
        /// Whether they must be in the same app.
        in_single_app: bool,
    },
    /// The first one of a person in so many days, once the tenant has a week of activities to compare with.
    #[serde(rename_all = "camelCase")]
    FirstIn {
        /// Days without one.
        days: i64,
    },
    /// Two of the same person, so far apart that nobody travels as fast.
    #[serde(rename_all = "camelCase")]
    Travel {
        /// Speed that must be exceeded.
        kilometres_per_hour: i64,
        /// Distance that must be exceeded, because places of addresses are known roughly.
        kilometres: i64,
    },
}

/// Days of activities that must be there before something can be called new.
pub const DAYS_TO_COMPARE: i64 = 7;

/// The activities around the one at `this` that come to `minimum` within `window` milliseconds: the earliest such
/// group that holds it, with all that lie in its window. `seen` is each one's time and how many it stands
/// for, in the order of time.
pub fn burst(seen: &[(i64, i64)], this: usize, window: i64, minimum: i64) -> Option<Range<usize>> {
    let at = seen.get(this)?.0;
    let earliest = seen.iter().position(|(time, _)| at.saturating_sub(*time) <= window)?;
    (earliest..=this).find_map(|start| {
        let end = seen[start].0.saturating_add(window);
        let until = seen.partition_point(|(time, _)| *time <= end);
        let count = seen[start..until].iter().fold(0_i64, |sum, (_, count)| sum.saturating_add(*count));
        (count >= minimum).then_some(start..until)
    })
}

/// A time and a place, degrees north and east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A way from one place to another that nobody can have gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Journey {
    /// Length in kilometres.
    pub kilometres: i64,
    /// Time that it took, in minutes.
    pub minutes: i64,
}

/// The way between two sightings, if it is longer than `kilometres` and faster than `kilometres_per_hour`.
pub fn impossible(a: Sighting, b: Sighting, kilometres_per_hour: i64, kilometres: i64) -> Option<Journey> {
    let distance = distance(a, b);
    let hours = (a.at.abs_diff(b.at)) as f64 / MS_OF_HOUR;
    let impossible = distance > kilometres as f64 && distance > hours * kilometres_per_hour as f64;
    impossible
        .then(|| Journey { kilometres: distance.round() as i64, minutes: (hours * 60.0).round() as i64 })
}

/// Kilometres along the great circle.
fn distance(a: Sighting, b: Sighting) -> f64 {
    let (north_a, north_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let chord =
        half(b.latitude - a.latitude) + north_a.cos() * north_b.cos() * half(b.longitude - a.longitude);
    2.0 * chord.sqrt().min(1.0).asin().to_degrees() * KM_OF_DEGREE
}
