//! What the fortnight holds.

use std::collections::BTreeSet;

use casbah_model::Timestamp;

use super::activities::records;
use super::files;
use super::people::PEOPLE;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

#[test]
fn it_is_the_same_on_every_run_and_lies_in_the_past() {
    let all = records(now());
    assert_eq!(all, records(now()));
    let later = records(now().plus(std::time::Duration::from_secs(3 * 24 * 60 * 60)));
    assert_eq!(all.len(), later.len());
    for (one, other) in all.iter().zip(&later) {
        let at = one["timestamp"].as_i64().unwrap();
        assert!(at < now().0 && at > now().0 - 15 * 86_400_000, "{one}");
        assert_eq!(other["timestamp"].as_i64().unwrap() - at, 3 * 86_400_000);
    }
}

#[test]
fn it_has_many_kinds() {
    let all = records(now());
    let kinds = |pointer: &str| -> usize {
        all.iter()
            .filter_map(|record| record.pointer(pointer))
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
            .len()
    };
    assert!(all.len() >= 500, "{}", all.len());
    assert!(kinds("/eventTypeName") >= 10 && kinds("/appId") >= 8 && kinds("/device/countryCode") >= 6);
    assert!(kinds("/device/userAgent") == 5 && kinds("/user/userName") == PEOPLE.len());
    let ids = kinds("/_id");
    assert_eq!(ids, all.len());
}

#[test]
fn its_files_are_the_same_on_every_run_and_move_with_the_clock() {
    let all = files::records(now());
    assert_eq!(all, files::records(now()));
    let later = files::records(now().plus(std::time::Duration::from_secs(3 * 24 * 60 * 60)));
    assert_eq!(all.len(), later.len());
    for (one, other) in all.iter().zip(&later) {
        let at = one["modifiedDate"].as_i64().unwrap();
        assert!(at < now().0 && at > now().0 - 15 * 86_400_000, "{one}");
        assert!(one["createdDate"].as_i64().unwrap() < at, "{one}");
        assert_eq!(other["modifiedDate"].as_i64().unwrap() - at, 3 * 86_400_000);
    }
}
