//! Reports that fall silent, and reports of which much is lost.

use casbah_detection::{Arrival, collector_silence, loss, silence};
use casbah_model::Timestamp;

const HOUR: i64 = 3_600_000;

fn at(hour: i64, failed: bool, parsed: u64, skipped: u64) -> Arrival {
    Arrival { at: Timestamp(hour * HOUR), failed, parsed, skipped }
}

fn good(hours: &[i64]) -> Vec<Arrival> {
    hours.iter().map(|hour| at(*hour, false, 1_000, 10)).collect()
}

fn is_silent(hours: &[i64], now: i64) -> bool {
    silence(&good(hours), Timestamp(now * HOUR)).is_some()
}

#[test]
fn silence_is_measured_by_what_is_usual() {
    // Every hour: after 48 hours, not before.
    assert!(!is_silent(&[0, 1, 2, 3], 51) && is_silent(&[0, 1, 2, 3], 52));
    // Working days: the weekend is 72 hours, so 108 hours are bearable.
    let working = [0, 24, 48, 72, 96, 168, 192];
    assert!(!is_silent(&working, 192 + 108) && is_silent(&working, 192 + 109));
    assert!(!is_silent(&[0, 1], 9_999), "two logs are no habit");
    let mut backwards = good(&working);
    backwards.reverse();
    let found = silence(&backwards, Timestamp(400 * HOUR)).expect("silent");
    assert_eq!((found.since, found.hours, found.usual_hours), (Timestamp(192 * HOUR), 208, 72));
}

#[test]
fn loss_is_measured_by_what_is_usual() {
    let with = |recent: &[Arrival]| loss(&[good(&[0, 24, 48]), recent.to_vec()].concat());
    assert!(with(&[at(96, false, 80, 20)]).is_none(), "20 of a hundred are bearable");
    let found = with(&[at(96, false, 79, 21)]).expect("a jump");
    assert_eq!((found.logs, found.parsed, found.skipped, found.usual_skipped), (1, 79, 21, 0));
    assert!(with(&[at(96, false, 10, 80)]).is_none(), "too few lines");
    assert!(with(&[at(96, true, 0, 0)]).is_none(), "one failed log");
    assert!(with(&[at(96, true, 0, 0), at(97, true, 0, 0)]).is_some());
    // What was always so bad is no jump.
    let bad = |hour| at(hour, false, 700, 300);
    assert!(loss(&[bad(0), bad(24), bad(96)]).is_none());
    assert!(loss(&[bad(0), bad(24), at(96, false, 300, 700)]).is_some());
    assert!(loss(&[at(0, true, 0, 500), at(1, true, 0, 500)]).is_none(), "two logs are no habit");
    assert!(loss(&[]).is_none());
}

#[test]
fn a_collector_is_silent_after_two_days() {
    assert_eq!(collector_silence(Timestamp(0), Timestamp(48 * HOUR - 1)), None);
    assert_eq!(collector_silence(Timestamp(0), Timestamp(48 * HOUR)), Some(48));
}
