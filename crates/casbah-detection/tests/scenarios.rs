//! Policies seen from outside: usage in, findings out.

use casbah_detection::{
    AppFacts, Choice, Conditions, DayFacts, Finding, Policy, Thresholds, built_in, evaluate, templates,
};
use casbah_model::{Severity, StreamKind};

const INPUT: (StreamKind, &str) = (StreamKind::Input, "s");
const STORAGE: &str = "SAASDB_CATEGORY_CLOUD_STORAGE";

fn names(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{what}{n:03}")).collect()
}

fn day(day: i32, users: usize, total: u64) -> DayFacts {
    DayFacts {
        day,
        events: 3,
        total,
        up: total / 2,
        down: total - total / 2,
        users: names("user", users),
        ips: names("ip", 2),
    }
}

fn app(name: &str, category: &str, score: Option<u8>, days: Vec<DayFacts>) -> AppFacts {
    AppFacts {
        app_id: 40_000,
        name: name.to_owned(),
        category: category.to_owned(),
        score,
        newly_seen: true,
        days,
        ..AppFacts::default()
    }
}

fn pastebin() -> AppFacts {
    app("Pastebin", "SAASDB_CATEGORY_CONTENT_SHARING", Some(2), vec![day(20_775, 1, 4_444)])
}

fn run(policies: &[Policy], apps: &[AppFacts]) -> Vec<Finding> {
    evaluate(policies, INPUT, apps, &|_, _| false)
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
    assert!(evaluate(&built_in(), (StreamKind::Snapshot, "s"), &[pastebin()], &|_, _| false).is_empty());
    assert!(evaluate(&built_in(), INPUT, &[pastebin()], &|_, _| true).is_empty());
    let other_policy = |policy: &str, _| policy != "new-risky-app";
    assert_eq!(evaluate(&built_in(), INPUT, &[pastebin()], &other_policy).len(), 1);
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
            ..Thresholds::default()
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
    assert_eq!(
        ids,
        [
            "new-risky-app",
            "new-cloud-storage-app",
            "new-high-volume-app",
            "expiring-credential",
            "silent-report",
            "unreadable-logs",
            "silent-collector"
        ]
    );
    for policy in built_in() {
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
    }
    let with_defaults: Conditions = serde_json::from_str("{\"scoreBelow\":3}").unwrap();
    assert_eq!(with_defaults, Conditions { score_below: Some(3), ..Conditions::default() });
    let of_before: Conditions = serde_json::from_str("{\"categories\":[\"a\"]}").unwrap();
    assert_eq!((of_before.categories, of_before.only_new), (Choice::of(["a"]), true));
    let unknown_severity =
        serde_json::to_string(&built_in()[0]).unwrap().replace("\"severity\":1", "\"severity\":4");
    assert!(serde_json::from_str::<Policy>(&unknown_severity).is_err());
}

/// An app of which everything is known.
fn sharer() -> AppFacts {
    AppFacts {
        vendor: "Example Inc".into(),
        headquarters: Some("US".into()),
        founded: Some(2010),
        domains: vec!["mega.example".into(), "mega.test".into()],
        tags: vec!["Monitored".into(), "Finance".into()],
        claims: vec!["soc2".into(), "gdpr".into()],
        newly_seen: false,
        ..app("Mega Share", STORAGE, Some(6), vec![DayFacts { down: 70, ..day(9, 3, 100) }])
    }
}

fn none(values: &[&str]) -> Choice {
    Choice { none: Choice::of(values.iter().copied()).any, ..Choice::default() }
}

/// Whether a policy with these conditions, which may also be about known apps, finds the app.
fn finds(change: impl Fn(&mut Conditions)) -> bool {
    let mut conditions = Conditions { only_new: false, ..Conditions::default() };
    change(&mut conditions);
    let policy = Policy { conditions, ..built_in().remove(0) };
    !run(&[policy], &[sharer()]).is_empty()
}

#[test]
fn every_condition_decides() {
    assert!(finds(|_| {}));
    assert!(!finds(|c| c.only_new = true));
    type Set = fn(&mut Conditions, Choice);
    let choices: &[(Set, &str, &str)] = &[
        (|c, v| c.streams = v, "S", "t"),
        (|c, v| c.apps = v, "40000", "40001"),
        (|c, v| c.names = v, "mega share", "mega"),
        (|c, v| c.tags = v, "finance", "Sanctioned"),
        (|c, v| c.categories = v, STORAGE, "SAASDB_CATEGORY_CRM"),
        (|c, v| c.vendors = v, "EXAMPLE INC", "example"),
        (|c, v| c.headquarters = v, "us", "SE"),
        (|c, v| c.claims = v, "soc2", "hipaa"),
        (|c, v| c.missing_claims = v, "HIPAA", "soc2"),
    ];
    for (set, its, other) in choices {
        assert!(finds(|c| set(c, Choice::of([*its, *other]))), "{its}");
        assert!(!finds(|c| set(c, Choice::of([*other]))), "{other}");
        assert!(!finds(|c| set(c, none(&[its, other]))), "none of {its}");
        assert!(finds(|c| set(c, none(&[other]))), "none of {other}");
    }
    for (set, holds) in [
        ((|c| c.name_contains = vec!["x".into(), "SHARE".into()]) as fn(&mut Conditions), true),
        (|c| c.name_contains = vec!["x".into()], false),
        (|c| c.domain_contains = vec!["Mega.T".into()], true),
        (|c| c.domain_contains = vec!["mega.org".into()], false),
        (|c| c.score_below = Some(7), true),
        (|c| c.score_below = Some(6), false),
        (|c| c.score_at_least = Some(6), true),
        (|c| c.score_at_least = Some(7), false),
        (|c| c.founded_from = Some(2010), true),
        (|c| c.founded_from = Some(2011), false),
        (|c| c.founded_to = Some(2010), true),
        (|c| c.founded_to = Some(2009), false),
        (|c| c.daily.downloaded_bytes_above = Some(69), true),
        (|c| c.daily.downloaded_bytes_above = Some(70), false),
        (|c| c.daily.ips_above = Some(1), true),
        (|c| c.daily.ips_above = Some(2), false),
        (|c| c.daily.events_above = Some(2), true),
        (|c| c.daily.events_above = Some(3), false),
    ] {
        assert_eq!(finds(set), holds);
    }
    let unknown =
        AppFacts { score: None, founded: None, vendor: String::new(), headquarters: None, ..sharer() };
    let ask = |conditions| {
        run(&[Policy { conditions, ..built_in().remove(0) }], std::slice::from_ref(&unknown)).len()
    };
    let base = Conditions { only_new: false, ..Conditions::default() };
    assert_eq!(ask(Conditions { score_at_least: Some(1), ..base.clone() }), 0);
    assert_eq!(ask(Conditions { founded_to: Some(2030), ..base.clone() }), 0);
    assert_eq!(ask(Conditions { vendors: none(&["x"]), headquarters: none(&["SE"]), ..base }), 1);
}

#[test]
fn a_known_app_is_not_called_new() {
    let policy = Policy {
        conditions: Conditions { only_new: false, ..Conditions::default() },
        ..built_in().remove(0)
    };
    let findings = run(&[policy], &[sharer()]);
    assert!(findings[0].description.starts_with("Mega Share is in use, and has a risk score of 6"));
}

#[test]
fn templates_speak_at_the_thresholds_of_the_product() {
    let all = templates();
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!((ids.len(), all.len()), (15, 15));
    let of = |id: &str, app: &AppFacts| {
        let policy = all.iter().find(|one| one.id == id).expect("a template").clone();
        !run(&[policy], std::slice::from_ref(app)).is_empty()
    };
    let storage = |users, total, claims: &[&str]| AppFacts {
        claims: claims.iter().map(|one| (*one).to_owned()).collect(),
        ..app("a", STORAGE, Some(5), vec![day(1, users, total)])
    };
    let (few, many) = (storage(50, 900_000_000, &[]), storage(51, 50_000_001, &[]));
    for id in ["new-cloud-storage-app", "new-risky-app", "cloud-storage-app-compliance-check"] {
        assert!(!of(id, &few) && of(id, &many), "{id}");
    }
    let check = "cloud-storage-app-compliance-check";
    assert!(of(check, &storage(51, 60_000_000, &["soc2"])), "one that is missing is enough");
    assert!(!of(check, &storage(51, 60_000_000, &["soc2", "pciDss"])));
    assert!(!of("new-crm-app", &many));
    assert!(of("new-high-volume-app", &few) && !of("new-high-upload-volume-app", &few));
    assert!(!of("new-popular-app", &storage(500, 1, &[])) && of("new-popular-app", &storage(501, 1, &[])));
}
