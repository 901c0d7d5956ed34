use std::collections::{BTreeMap, BTreeSet};

use casbah_discovery::{Catalogue, Options, Report, analyse, format};

use super::*;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn report() -> Report {
    let log = log(&STOCKHOLM, now());
    let format = format("SQUID_NATIVE").unwrap();
    analyse(log.as_bytes(), &format.plan(), Catalogue::built_in(), &Options::at(now().0), &mut |_, _| {})
        .unwrap()
}

#[test]
fn every_line_is_a_transaction_of_the_last_days() {
    let report = report();
    let summary = &report.summary;
    assert_eq!((summary.parsed, summary.skipped, summary.too_old), (summary.lines, 0, 0));
    assert!((3_000..15_000).contains(&summary.lines), "{} lines", summary.lines);
    assert_eq!((summary.users, summary.client_ips), (72, 72));
    assert!(summary.blocked > 0);
    assert!(summary.first_seen.as_deref().unwrap() >= "2026-11-20T11:59:00Z");
    assert!(summary.last_seen.as_deref().unwrap() < "2026-11-23T12:00:00Z");
}

#[test]
fn the_same_moment_gives_the_same_log() {
    assert_eq!(log(&STOCKHOLM, now()), log(&STOCKHOLM, now()));
    assert_ne!(log(&STOCKHOLM, now()), log(&STOCKHOLM, now().plus(std::time::Duration::from_secs(1))));
}

/// Users and bytes of each app on its best day.
fn best_days(report: &Report) -> BTreeMap<String, (usize, u64)> {
    let mut days: BTreeMap<_, (BTreeSet<_>, u64)> = BTreeMap::new();
    for row in &report.usage {
        let day = days.entry((row.app, row.day)).or_default();
        day.0.insert(row.user.clone());
        day.1 += row.total;
    }
    let mut best: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for ((app, _), (users, bytes)) in days {
        let best = best.entry(Catalogue::built_in().app(app).unwrap().name.clone()).or_default();
        *best = (best.0.max(users.len()), best.1.max(bytes));
    }
    best
}

#[test]
fn it_shows_what_the_built_in_policies_look_for() {
    let best = best_days(&report());
    let of = |app: &str| best.get(app).copied().unwrap_or_default();
    let (users, bytes) = of("Dropbox");
    assert!(users > 50 && bytes > 500_000_000, "storage and high volume: {users} users, {bytes} bytes");
    for risky in ["MEGA", "DeepSeek"] {
        let (users, bytes) = of(risky);
        assert!(users > 50 && bytes > 50_000_000, "{risky}: {users} users, {bytes} bytes");
    }
    assert!(best.len() >= 18, "{} apps", best.len());
}
