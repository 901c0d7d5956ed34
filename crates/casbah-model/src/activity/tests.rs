use serde_json::json;

use super::{Activity, Origin, device_type, difference};
use crate::Timestamp;

#[test]
fn places_keep_the_order_of_time() {
    let at = Timestamp(1_795_435_200_123);
    let place = Activity::place(at, u32::MAX);
    assert!(Activity::first_at(at) <= place && place <= Activity::last_at(at));
    assert!(Activity::last_at(at) < Activity::first_at(Timestamp(at.0 + 1)));
    for strange in [i64::MIN, -1, i64::MAX] {
        assert!(Activity::first_at(Timestamp(strange)) >= 0);
        assert!(Activity::last_at(Timestamp(strange)) > 0);
    }
}

#[test]
fn an_origin_is_clean() {
    let mapped = "::ffff:198.51.100.7".parse().ok();
    let origin = Origin::new(mapped, Some("curl/8\u{7}\r\nX"));
    assert_eq!(origin.address.map(|a| a.to_string()).as_deref(), Some("198.51.100.7"));
    assert_eq!(origin.user_agent.as_deref(), Some("curl/8X"));
    let long = "ü".repeat(1000);
    assert_eq!(Origin::new(None, Some(&long)).user_agent.map(|a| a.len()), Some(512));
    assert_eq!(Origin::new(None, Some("  ")).user_agent, None);
}

#[test]
fn devices_are_told_by_their_words() {
    for (agent, device) in [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130", "DESKTOP"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Mobile/15E148", "MOBILE"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0) Mobile/15E148", "TABLET"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel) Mobile Safari", "MOBILE"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X910) Safari", "TABLET"),
        ("python-requests/2.32", "OTHER"),
    ] {
        assert_eq!(device_type(agent), device, "{agent}");
    }
}

#[test]
fn only_what_differs_is_told() {
    let before = json!({ "name": "A", "enabled": true, "gone": 1, "list": [1] });
    let after = json!({ "name": "B", "enabled": true, "new": "x", "list": [1] });
    let (was, is) = difference(&before, &after);
    assert_eq!(was, json!({ "name": "A", "gone": 1, "new": null }));
    assert_eq!(is, json!({ "name": "B", "gone": null, "new": "x" }));
}
