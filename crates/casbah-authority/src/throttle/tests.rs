use super::*;

#[test]
fn rests_grow_to_an_hour_and_end() {
    let seconds: Vec<u64> = (0..8).map(|n| rest(n).as_secs()).collect();
    assert_eq!(seconds, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
    assert_eq!(rest(i64::MAX), LONGEST_REST);
    let mut attempts = Attempts::default();
    let now = Timestamp(1_000_000_000_000);
    for _ in 1..TRIES {
        attempts = next(attempts, TRIES, MEMORY, now);
        assert!(attempts.until <= now);
    }
    attempts = next(attempts, TRIES, MEMORY, now);
    assert_eq!(attempts.until, now.plus(REST));
    let later = next(attempts, TRIES, MEMORY, now.plus(MEMORY + REST));
    assert_eq!((later.count, later.until), (1, Timestamp::default()));
}

#[test]
fn browsers_come_before_addresses_and_programs_have_none() {
    let seen = |browser: Option<&str>| Seen {
        address: Some("192.0.2.1".into()),
        browser: browser.map(Into::into),
        agent: None,
    };
    let places = |seen: Seen| seen.places().collect::<Vec<_>>();
    assert_eq!(places(seen(Some("ab"))), ["browser:ab", "address:192.0.2.1"]);
    assert_eq!(places(seen(None)), ["address:192.0.2.1"]);
    assert!(places(Seen::default()).is_empty());
}
