//! Policies seen from outside: usage in, findings out.

use casbah_detection::{AppFacts, Conditions, DayFacts, Finding, Policy, Thresholds, built_in, evaluate};
use casbah_model::{Severity, StreamKind};

const STORAGE: &str = "SAASDB_CATEGORY_CLOUD_STORAGE";

fn names(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{what}{n:03}")).collect()
}

fn day(day: i32, users: usize, total: u64) -> DayFacts {
    DayFacts { day, events: 3, total, up: total / 2, users: names("user", users), ips: names("ip", 2) }
}

fn app(name: &str, category: &str, score: Option<u8>, days: Vec<DayFacts>) -> AppFacts {
    AppFacts {
        app_id: 40_000,
        name: name.to_owned(),
        category: category.to_owned(),
        score,
        newly_seen: true,
        days,
    }
}

fn pastebin() -> AppFacts {
    app("Pastebin", "SAASDB_CATEGORY_CONTENT_SHARING", Some(2), vec![day(20_775, 1, 4_444)])
}

fn run(policies: &[Policy], apps: &[AppFacts]) -> Vec<Finding> {
    evaluate(policies, StreamKind::Input, apps, &|_, _| false)
}

fn check(apps: &[AppFacts], expected: &[&str]) {
    let findings = run(&built_in(), apps);
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(titles, expected);
}

#[test]
fn a_first_small_upload_raises_findings() {
    check(&[pastebin()], &["New risky app: Pastebin"]);
    check(
        &[
            app("MEGA", STORAGE, Some(4), vec![day(1, 0, 10)]),
            app("Slack", "SAASDB_CATEGORY_COLLABORATION", Some(10), vec![day(1, 9, 10)]),
        ],
        &["New risky app: MEGA", "New cloud storage app: MEGA"],
    );
}

#[test]
fn scores_and_volumes_are_compared_strictly() {
    check(&[app("a", "x", Some(6), vec![day(1, 1, 1)])], &[]);
    check(&[app("a", "x", None, vec![day(1, 1, 1)])], &[]);
    check(&[app("a", "x", Some(9), vec![day(1, 1, 500_000_000)])], &[]);
    check(&[app("a", "x", Some(9), vec![day(1, 1, 500_000_001)])], &["New high volume app: a"]);
    // Never the sum of days.
    check(&[app("a", "x", Some(9), vec![day(1, 1, 400_000_000), day(2, 1, 400_000_000)])], &[]);
}

#[test]
fn only_new_apps_of_continuous_streams_count() {
    check(&[AppFacts { newly_seen: false, ..pastebin() }], &[]);
    check(&[AppFacts { days: Vec::new(), ..pastebin() }], &[]);
    assert!(evaluate(&built_in(), StreamKind::Snapshot, &[pastebin()], &|_, _| false).is_empty());
    assert!(evaluate(&built_in(), StreamKind::Input, &[pastebin()], &|_, _| true).is_empty());
    let other_policy = |policy: &str, _| policy != "new-risky-app";
    assert_eq!(evaluate(&built_in(), StreamKind::Input, &[pastebin()], &other_policy).len(), 1);
    let disabled: Vec<Policy> =
        built_in().into_iter().map(|policy| Policy { enabled: false, ..policy }).collect();
    assert!(run(&disabled, &[pastebin()]).is_empty());
}

#[test]
fn all_thresholds_must_be_exceeded_on_one_day() {
    let mut policy = built_in().remove(0);
    policy.conditions = Conditions {
        daily: Thresholds {
            total_bytes_above: Some(50_000_000),
            users_above: Some(50),
            uploaded_bytes_above: Some(10_000_000),
        },
        ..Conditions::default()
    };
    let found = |days: Vec<DayFacts>| run(&[policy.clone()], &[app("a", "x", Some(9), days)]);
    assert!(found(vec![day(1, 51, 10), day(2, 1, 60_000_000)]).is_empty());
    let late_then_early = found(vec![day(9, 51, 60_000_000), day(3, 60, 60_000_000)]);
    assert_eq!(late_then_early.len(), 1);
    assert_eq!(late_then_early[0].evidence.day, 3);
}

#[test]
fn a_finding_says_what_it_rests_on() {
    let findings = run(&built_in(), &[app("MEGA", "x", Some(4), vec![day(20_775, 120, 1_559_000)])]);
    let finding = &findings[0];
    assert_eq!(
        (finding.policy_id.as_str(), finding.app_id, finding.severity),
        ("new-risky-app", 40_000, Severity::Medium)
    );
    assert_eq!(finding.evidence.users, 120);
    assert_eq!(finding.evidence.user_names.len(), 100);
    assert_eq!(finding.evidence.ips, ["ip000", "ip001"]);
    assert!(finding.description.starts_with(
        "MEGA was seen for the first time in 90 days, and has a risk score of 4 out of 10. On that day: \
         3 transactions by 120 users from 2 addresses, 1.5 MB in total, 779.5 kB uploaded."
    ));
}

#[test]
fn policies_survive_being_stored() {
    let ids: Vec<String> = built_in().into_iter().map(|policy| policy.id).collect();
    assert_eq!(ids, ["new-risky-app", "new-cloud-storage-app", "new-high-volume-app", "expiring-credential"]);
    for policy in built_in() {
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
    }
    let with_defaults: Conditions = serde_json::from_str("{\"scoreBelow\":3}").unwrap();
    assert_eq!(with_defaults, Conditions { score_below: Some(3), ..Conditions::default() });
    let unknown_severity =
        serde_json::to_string(&built_in()[0]).unwrap().replace("\"severity\":1", "\"severity\":4");
    assert!(serde_json::from_str::<Policy>(&unknown_severity).is_err());
}
