//! Bursts and journeys, against the plainest way of saying what they are.

use casbah_detection::{ActivityRule, Sighting, built_in_on_activities, burst, impossible};
use proptest::prelude::*;

/// Every group of activities that lie within one window, tried one after the other.
fn plainly(seen: &[(i64, i64)], this: usize, window: i64, minimum: i64) -> Option<(usize, usize)> {
    (0..seen.len()).find_map(|start| {
        let until = (start..seen.len()).filter(|at| seen[*at].0 - seen[start].0 <= window).max()? + 1;
        let count: i64 = seen[start..until].iter().map(|(_, count)| count).sum();
        ((start..until).contains(&this) && count >= minimum).then_some((start, until))
    })
}

proptest! {
    #[test]
    fn a_burst_is_the_earliest_window_with_enough(
        mut times in prop::collection::vec((0_i64..60, 1_i64..4), 1..20),
        window in 0_i64..20, minimum in 1_i64..12, place in any::<prop::sample::Index>(),
    ) {
        times.sort_unstable();
        let this = place.index(times.len());
        // Of equal times only the first can begin a window, which holds the others.
        let found = burst(&times, this, window, minimum).map(|range| (range.start, range.end));
        prop_assert_eq!(found, plainly(&times, this, window, minimum));
    }

    #[test]
    fn a_way_is_as_long_in_both_directions_and_no_longer_than_half_the_earth(
        (a, b, c, d) in (-90.0_f64..90.0, -180.0_f64..180.0, -90.0_f64..90.0, -180.0_f64..180.0),
        minutes in 0_i64..10_000,
    ) {
        let here = Sighting { at: 0, latitude: a, longitude: b };
        let there = Sighting { at: minutes * 60_000, latitude: c, longitude: d };
        let way = impossible(here, there, 900, 500);
        prop_assert_eq!(way, impossible(there, here, 900, 500));
        if let Some(way) = way {
            prop_assert!(way.kilometres >= 500 && way.kilometres <= 20_038 && way.minutes == minutes);
            prop_assert!(way.kilometres as f64 > minutes as f64 * 15.0 - 1.0);
        }
    }
}

#[test]
fn oslo_and_singapore_are_not_an_hour_apart() {
    let oslo = Sighting { at: 0, latitude: 59.91, longitude: 10.75 };
    let singapore = |minutes: i64| Sighting { at: minutes * 60_000, latitude: 1.35, longitude: 103.82 };
    let way = impossible(oslo, singapore(60), 900, 500).expect("too fast");
    // 10 050 km, within the error of a sphere.
    assert!((9_950..10_150).contains(&way.kilometres), "{way:?}");
    assert_eq!(way.minutes, 60);
    assert_eq!(impossible(oslo, singapore(12 * 60), 900, 500), None, "a flight takes 12 hours");
    let drammen = Sighting { at: 1, latitude: 59.74, longitude: 10.20 };
    assert_eq!(impossible(oslo, drammen, 900, 500), None, "too near to tell");
}

#[test]
fn the_built_in_rules_survive_being_stored() {
    let all = built_in_on_activities();
    for policy in &all {
        let json = serde_json::to_string(&policy.rule).unwrap();
        assert_eq!(serde_json::from_str::<ActivityRule>(&json).unwrap(), policy.rule);
        assert!(!policy.rule.any.is_empty() && policy.description.ends_with('.'));
        let same = |other: &&casbah_detection::ActivityPolicy| {
            other.id == policy.id || other.name == policy.name || other.alert_type == policy.alert_type
        };
        assert_eq!(all.iter().filter(same).count(), 1, "{}", policy.id);
    }
}
