//! What each bound lets through, of every kind of record; and that nothing else comes through.

use casbah_model::filter::{ActivityOrder, AlertOrder, Page, Test};
use casbah_model::filter::{AlertField, Condition, Operand};
use casbah_model::{
    Activity, ActivityFacts, Alert, AlertEntity, AlertStatus, Bound, DiscoveryTask, Group, GroupDetails,
    Guid, ObjectKind, ObjectRef, Reach, RecordId, Resolution, Severity, Stream, StreamKind, TaskState,
    TenantId, User, UserDetails,
};
use serde_json::{Map, json};

use crate::tests::{NOW, stores, tenant};
use crate::{Tx, activities, alerts, discovery_tasks, groups, policies, streams, users};

const ALL: Page = Page { skip: 0, limit: 100 };
const DROPBOX: i64 = 11_627;
const BOX: i64 = 10_489;

fn id(number: u64) -> RecordId {
    format!("{number:024x}").parse().expect("24 hex digits")
}

fn entity(kind: &str, id: impl ToString, label: &str, extra: serde_json::Value) -> AlertEntity {
    let extra: Map<_, _> = extra.as_object().cloned().unwrap_or_default();
    AlertEntity { kind: kind.into(), id: id.to_string(), label: label.into(), extra }
}

fn alert(number: u64, entities: Vec<AlertEntity>) -> Alert {
    Alert {
        id: id(number),
        raised: NOW,
        title: format!("Alert {number}"),
        description: String::new(),
        severity: Severity::Low,
        status: AlertStatus::Unread,
        resolution: Resolution::Open,
        resolved: None,
        comment: String::new(),
        reason: None,
        handled_by: None,
        policy: id(900),
        policy_name: "Rule".into(),
        policy_type: "NEW_SERVICE".into(),
        built_in: true,
        alert_type: 1,
        stories: vec![4],
        intent: Vec::new(),
        entities,
        evidence: Vec::new(),
        context: Guid::random(),
    }
}

fn activity(number: i64, service: i64, instance: i64, actor: Option<Guid>, name: &str) -> Activity {
    Activity {
        seq: Activity::place(NOW, number as u32),
        id: format!("activity-{number}"),
        created: NOW,
        source: 2,
        service,
        instance,
        action: "sign in".into(),
        category: "EVENT_CATEGORY_LOGIN".into(),
        action_type: "EVENT_LOGIN".into(),
        actor_kind: "user".into(),
        actor: actor.map(|id| id.to_string()),
        user_name: (!name.is_empty()).then(|| name.to_string()),
        client: None,
        address: None,
        ip_category: 0,
        country: None,
        organization: None,
        device_type: None,
        admin: false,
        failure: None,
        facts: ActivityFacts::default(),
    }
}

fn stream(number: u64, kind: StreamKind) -> Stream {
    Stream {
        id: id(number),
        name: format!("Stream {number}"),
        kind,
        log_type: 114,
        receiver: "ftp".into(),
        protocol: None,
        created: NOW,
        modified: NOW,
        last_data: None,
        logs: 0,
        failures: 0,
        entity_kinds: Vec::new(),
        traffic_kinds: Vec::new(),
        anonymize_users: false,
        parser: None,
    }
}

fn task(number: u64, stream: u64) -> DiscoveryTask {
    DiscoveryTask {
        id: id(number),
        stream: id(stream),
        upload: id(1),
        filename: "a.log".into(),
        source: "SQUID".into(),
        initiator: "anna".into(),
        created: NOW,
        finished: None,
        state: TaskState::Pending,
        parser: None,
        figures: json!({}),
    }
}

fn person(name: &str) -> User {
    User {
        id: Guid::random(),
        user_principal_name: format!("{name}@T1.example"),
        display_name: name.into(),
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        password_hash: None,
        created: NOW,
        sessions_valid_from: NOW,
        details: UserDetails::default(),
    }
}

fn group(name: &str) -> Group {
    Group { id: Guid::random(), display_name: name.into(), details: GroupDetails::default(), created: NOW }
}

/// What is seen within a reach: alerts and activities by number, streams and tasks likewise. Lists, counts
/// and fetches must agree.
fn seen(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach) -> crate::Result<[Vec<u64>; 4]> {
    let order = AlertOrder { by_severity: false, ascending: true };
    let found = alerts::list(tx, tenant, reach, &[], order, ALL)?;
    assert_eq!(alerts::count(tx, tenant, reach, &[])?, found.len() as i64);
    let open: i64 = policies::open_alerts(tx, tenant, reach)?.iter().map(|(_, count)| count).sum();
    assert_eq!(open, found.len() as i64);
    let number = |id: &RecordId| u64::from_str_radix(id.as_str(), 16).expect("a number");
    let of_alerts: Vec<u64> = found.iter().map(|alert| number(&alert.id)).collect();
    for one in 1..10 {
        assert_eq!(alerts::find(tx, tenant, reach, &id(one))?.is_some(), of_alerts.contains(&one));
    }
    let asked: Vec<String> = (1..10).map(|one| id(one).to_string()).collect();
    assert_eq!(alerts::existing(tx, tenant, reach, &asked)?.len(), of_alerts.len());

    let order = ActivityOrder { by_created: false, ascending: true };
    let found = activities::list(tx, tenant, reach, &[], order, ALL)?;
    assert_eq!(activities::count(tx, tenant, reach, &[])?, found.len() as i64);
    let of_activities: Vec<u64> = found
        .iter()
        .map(|a| a.id.rsplit('-').next().and_then(|n| n.parse().ok()).expect("a number"))
        .collect();
    for one in 1..10_u64 {
        let found = activities::find(tx, tenant, reach, &format!("activity-{one}"))?;
        assert_eq!(found.is_some(), of_activities.contains(&one));
    }

    let of_streams: Vec<u64> = streams::list(tx, tenant, reach)?.iter().map(|s| number(&s.id)).collect();
    for one in 50..55 {
        assert_eq!(streams::find(tx, tenant, reach, &id(one))?.is_some(), of_streams.contains(&one));
    }
    let (found, total) = discovery_tasks::list(tx, tenant, reach, &[], true, ALL)?;
    assert_eq!(total, found.len() as i64);
    let of_tasks: Vec<u64> = found.iter().map(|task| number(&task.id)).collect();
    for one in 60..65 {
        assert_eq!(discovery_tasks::find(tx, tenant, reach, &id(one))?.is_some(), of_tasks.contains(&one));
    }
    Ok([of_alerts, of_activities, of_streams, of_tasks])
}

#[tokio::test]
async fn what_is_out_of_reach_is_absent() {
    for store in stores().await {
        let (one, two) = (tenant(&store, 1).await, tenant(&store, 2).await);
        let (ada, bert) = (person("Ada"), person("Bert"));
        let (inner, outer) = (group("inner"), group("outer"));
        let as_user = |user: &User| ObjectRef { id: user.id, kind: ObjectKind::User };
        let as_group = |group: &Group| ObjectRef { id: group.id, kind: ObjectKind::Group };
        let (ada_ref, inner_ref, outer_ref) = (as_user(&ada), as_group(&inner), as_group(&outer));
        let work = move |tx: &mut Tx<'_>| {
            users::insert(tx, one, &ada)?;
            users::insert(tx, one, &bert)?;
            groups::insert(tx, one, &inner)?;
            groups::insert(tx, one, &outer)?;
            groups::add_member(tx, one, inner.id, ada_ref)?;
            groups::add_member(tx, one, outer.id, inner_ref)?;
            groups::add_member(tx, one, inner.id, outer_ref)?;
            // 50 is the global view, 51 and 52 are continuous, 53 is a snapshot.
            for (number, kind) in [
                (50, StreamKind::View),
                (51, StreamKind::Input),
                (52, StreamKind::Input),
                (53, StreamKind::Snapshot),
            ] {
                streams::insert(tx, one, &stream(number, kind))?;
            }
            for (number, stream) in [(60, 51), (61, 52), (62, 53)] {
                discovery_tasks::insert(tx, one, &task(number, stream))?;
            }
            let of_app = |app: i64| entity("service", app, "App", json!({}));
            let of_stream = |number: u64| entity("discovery_stream", id(number), "Stream", json!({}));
            for (number, entities) in [
                (1, vec![of_app(DROPBOX), of_stream(51)]),
                (
                    2,
                    vec![
                        of_app(BOX),
                        of_stream(52),
                        entity("discovery_user", "ADA@t1.example", "", json!({})),
                    ],
                ),
                (3, vec![entity("account", ada.id, "Ada", json!({ "saas": BOX, "inst": 2 }))]),
                (4, vec![entity("user", "x", "bert@t1.example", json!({ "saas": DROPBOX, "inst": 0 }))]),
                (5, vec![entity("ip", "ada@t1.example", "", json!({}))]),
                (6, vec![of_stream(53), entity("policyRule", DROPBOX, "Rule", json!({}))]),
            ] {
                alerts::insert(tx, one, &alert(number, entities))?;
            }
            for made in [
                activity(1, DROPBOX, 0, Some(ada.id), "ada@t1.example"),
                activity(2, BOX, 2, Some(bert.id), "bert@t1.example"),
                activity(3, BOX, 0, None, "ADA@t1.example"),
                activity(4, DROPBOX, 0, None, ""),
            ] {
                activities::insert(tx, one, &made)?;
                let seen: Vec<_> = crate::entities::seen::Seen::of(&made).into_iter().collect();
                crate::entities::seen::note(tx, one, &seen, 0)?;
            }
            let mut check = |bounds: &[Bound], expected: [&[u64]; 4]| {
                let found = seen(tx, one, &Reach::Within(bounds.to_vec()))?;
                assert_eq!(found.each_ref().map(Vec::as_slice), expected, "{bounds:?}");
                let abroad = seen(tx, two, &Reach::Within(bounds.to_vec()))?;
                assert!(abroad.iter().all(Vec::is_empty), "another tenant: {abroad:?}");
                Ok::<(), crate::Error>(())
            };
            let app = |app, instance| Bound::App { app, instance };
            check(&[], [&[], &[], &[], &[]])?;
            check(&[app(DROPBOX, None)], [&[1, 4], &[1, 4], &[], &[]])?;
            check(&[app(BOX, None)], [&[2, 3], &[2, 3], &[], &[]])?;
            check(&[app(BOX, Some(2))], [&[3], &[2], &[], &[]])?;
            check(&[app(BOX, Some(0))], [&[2], &[3], &[], &[]])?;
            check(&[Bound::Group(inner.id)], [&[2, 3], &[1, 3], &[], &[]])?;
            check(&[Bound::Group(outer.id)], [&[2, 3], &[1, 3], &[], &[]])?;
            check(&[Bound::Group(Guid::random())], [&[], &[], &[], &[]])?;
            check(&[Bound::Discovery], [&[1, 2, 6], &[], &[50, 51, 52, 53], &[60, 61, 62]])?;
            check(&[Bound::Report(id(51))], [&[1], &[], &[51], &[60]])?;
            check(&[Bound::Report(id(53))], [&[6], &[], &[53], &[62]])?;
            check(&[Bound::Report(id(50))], [&[1, 2], &[], &[50, 51, 52], &[60, 61]])?;
            check(&[Bound::Report(id(99))], [&[], &[], &[], &[]])?;
            check(&[app(DROPBOX, None), Bound::Report(id(52))], [&[1, 2, 4], &[1, 4], &[52], &[61]])?;

            // Entities: of an app its accounts, of a group its people with their accounts.
            let mut people = |bounds: Vec<Bound>| {
                let order = (casbah_model::filter::EntityOrder::UserName, true);
                let reach = Reach::Within(bounds);
                let found = crate::entities::list(tx, one, &reach, &[], order, ALL)?;
                assert_eq!(crate::entities::count(tx, one, &reach, &[])?, found.len() as i64);
                assert!(crate::entities::list(tx, two, &reach, &[], order, ALL)?.is_empty());
                Ok::<_, crate::Error>(
                    found.iter().map(|e| (e.address.saas, e.display_name.clone())).collect::<Vec<_>>(),
                )
            };
            let named =
                |all: &[(i64, &str)]| all.iter().map(|(s, n)| (*s, (*n).to_string())).collect::<Vec<_>>();
            assert_eq!(people(vec![app(DROPBOX, None)])?, named(&[(DROPBOX, "Ada")]));
            assert_eq!(people(vec![app(BOX, Some(2))])?, named(&[(BOX, "Bert")]));
            assert_eq!(people(vec![app(BOX, Some(7))])?, named(&[]));
            let of_ada = named(&[(11_161, "Ada"), (DROPBOX, "Ada"), (BOX, "Ada")]);
            let mut found = people(vec![Bound::Group(outer.id)])?;
            found.sort();
            let mut expected = of_ada.clone();
            expected.sort();
            assert_eq!(found, expected);
            assert_eq!(people(vec![Bound::Discovery])?, named(&[]));
            assert_eq!(people(vec![Bound::Report(id(51))])?, named(&[]));

            // Who is in a group is looked up at the moment of the question.
            groups::soft_delete(tx, one, inner.id, NOW)?;
            let reach = Reach::Within(vec![Bound::Group(outer.id)]);
            assert!(seen(tx, one, &reach)?[1].is_empty());
            groups::restore(tx, one, inner.id)?;
            assert_eq!(seen(tx, one, &reach)?[1], [1, 3]);
            groups::remove_member(tx, one, inner.id, ada.id)?;
            assert!(seen(tx, one, &reach)?[1].is_empty());

            // What is out of reach is not changed either, whatever the filter says.
            let reach = Reach::Within(vec![app(BOX, Some(2))]);
            let benign = |resolution| alerts::Closing {
                resolution,
                at: NOW,
                comment: String::new(),
                reason: None,
                by: "anna".into(),
            };
            assert!(!alerts::mark(tx, one, &reach, &id(1), AlertStatus::Read)?);
            assert!(alerts::mark(tx, one, &reach, &id(3), AlertStatus::Read)?);
            let first = Test::AnyOf(vec![Operand::Text(id(1).to_string())]);
            let first = [Condition { field: AlertField::Id, test: first }];
            assert!(alerts::close(tx, one, &reach, &first, &benign(Resolution::Benign))?.is_empty());
            assert_eq!(
                alerts::close(tx, one, &reach, &[], &benign(Resolution::Benign))?,
                [id(3).to_string()]
            );
            assert_eq!(
                alerts::close(tx, one, &Reach::Everything, &first, &benign(Resolution::Benign))?.len(),
                1
            );
            assert_eq!(alerts::reopen(tx, one, &reach, &[], NOW)?, [id(3).to_string()]);
            Ok::<_, crate::Error>(())
        };
        store.write(work).await.expect("the transaction succeeds");
    }
}
