//! Filters agree with a naive evaluation; lists are complete, ordered and stable; closing is once.

use casbah_model::filter::{AlertField, AlertOrder, Condition, EntityKey, Operand, Page, Range, Test};
use casbah_model::words::words;
use casbah_model::{
    Alert, AlertEntity, AlertStatus, Guid, Reach, RecordId, Resolution, Severity, TenantId, Timestamp,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value as Json, json};

use super::{Closing, close, count, existing, find, insert, list, mark, reopen};
use crate::Store;
use crate::tests::{NOW, stores, tenant};

const ALL: Page = Page { skip: 0, limit: 10_000 };
const EVERY: &Reach = &Reach::Everything;
const NEWEST: AlertOrder = AlertOrder { by_severity: false, ascending: false };

fn id(number: u64) -> RecordId {
    format!("{number:024x}").parse().expect("24 hex digits")
}

fn entity(kind: &str, id: &str, label: &str, extra: Json) -> AlertEntity {
    let Json::Object(extra) = extra else { panic!("an object") };
    AlertEntity { kind: kind.into(), id: id.into(), label: label.into(), extra }
}

/// Alerts in which every field takes all the values that matter, none of them in step with another.
pub(crate) fn alerts() -> Vec<Alert> {
    let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Informational];
    (0..120_u64)
        .map(|n| {
            let resolution = Resolution::from_number((n / 2 % 7).min(5) as i64).expect("0 to 5");
            let closed = resolution != Resolution::Open;
            let mut entities =
                vec![entity("policyRule", id(n % 3 + 900).as_str(), "Rule", Map::new().into())];
            if n % 2 == 0 {
                entities.push(entity("ip", &format!("198.51.100.{}", n % 5), "", json!({})));
            }
            if n % 3 == 0 {
                let person = format!("Mira{}@Lagoon.example", n % 4);
                let key = json!({ "saas": 11161 + n % 2, "inst": n % 3 });
                entities.push(entity("account", &format!("ACC-{}", n % 4), &person, key));
            }
            if n % 5 == 0 {
                entities.push(entity("service", &(11161 + n % 2).to_string(), "Office 365", json!({})));
            }
            if n % 7 == 0 {
                entities.push(entity("file", &format!("Drive|{}", n % 4), "plan.txt", json!({ "inst": 1 })));
            }
            Alert {
                id: id(n * 7919 % 1000),
                raised: Timestamp(NOW.0 - (n as i64 % 11) * 1000),
                title: format!("Title {}% of_{}", n % 4, n % 3),
                description: format!("Uploads by {} rose", if n % 4 == 0 { "Zoë" } else { "nobody" }),
                severity: severities[n as usize % 4],
                status: if closed {
                    AlertStatus::Archived
                } else if n % 4 == 1 {
                    AlertStatus::Read
                } else {
                    AlertStatus::Unread
                },
                resolution,
                resolved: closed.then(|| Timestamp(NOW.0 + n as i64 % 6)),
                comment: String::new(),
                reason: None,
                handled_by: None,
                policy: id(n % 3 + 900),
                policy_name: "New storage app".into(),
                policy_type: "NEW_SERVICE".into(),
                built_in: n % 3 != 1,
                alert_type: 15_728_642 + n as i64 % 3,
                stories: [vec![], vec![4], vec![0, 4], vec![8, 8]][n as usize % 4].clone(),
                intent: vec![11],
                entities,
                evidence: vec![json!("a fact")],
                context: Guid::from_u128(u128::from(n)),
            }
        })
        .collect()
}

async fn filled(store: &Store) -> TenantId {
    let home = tenant(store, 10_000_001).await;
    let other = tenant(store, 10_000_002).await;
    store
        .write(move |tx| {
            for alert in alerts() {
                insert(tx, home, &alert)?;
            }
            let mut foreign = alerts().remove(0);
            foreign.id = id(4_000);
            insert(tx, other, &foreign)
        })
        .await
        .expect("alerts can be stored");
    home
}

// The naive model: what a filter means, said once more and as plainly as possible.

fn satisfies(alert: &Alert, condition: &Condition<AlertField>) -> bool {
    let within = |value: i64, ranges: &[Range]| ranges.iter().any(|r| r.contains(value));
    match (&condition.test, condition.field) {
        (Test::AnyOf(operands), field) => operands.iter().any(|o| equals(alert, field, o)),
        (Test::NoneOf(operands), field) => !operands.iter().any(|o| equals(alert, field, o)),
        (Test::Within(ranges), AlertField::Raised) => within(alert.raised.0, ranges),
        (Test::Within(ranges), AlertField::Resolved) => alert.resolved.is_some_and(|t| within(t.0, ranges)),
        (Test::Words(texts), _) => texts.iter().any(|text| {
            let mut all = format!("{}\n{}\n{}", alert.title, alert.description, alert.policy_name);
            alert.entities.iter().for_each(|e| all.push_str(&format!("\n{}", e.label)));
            has_words(&all, text)
        }),
        _ => false,
    }
}

/// Every word, and a word that begins as the last one.
fn has_words(all: &str, text: &str) -> bool {
    let (all, wanted) = (words(all), words(text));
    let Some((last, others)) = wanted.split_last() else { return true };
    others.iter().all(|word| all.contains(word)) && all.iter().any(|word| word.starts_with(last))
}

fn equals(alert: &Alert, field: AlertField, operand: &Operand) -> bool {
    let number = match operand {
        Operand::Number(n) => Some(*n),
        _ => None,
    };
    let text = match operand {
        Operand::Text(text) => Some(text.to_lowercase()),
        Operand::Number(n) => Some(n.to_string()),
        _ => None,
    };
    let people = ["user", "account", "discovery_user"];
    let of_kind = |kinds: &[&str]| -> Vec<&AlertEntity> {
        alert.entities.iter().filter(|e| kinds.contains(&e.kind.as_str())).collect()
    };
    let by_id = |kinds: &[&str]| {
        let found = of_kind(kinds);
        if *operand == Operand::Nothing {
            found.is_empty()
        } else {
            found.iter().any(|e| Some(e.id.to_lowercase()) == text)
        }
    };
    let flag = |yes: bool| *operand == Operand::Flag(yes);
    let extra = |e: &AlertEntity, key: &str| e.extra.get(key).and_then(Json::as_i64);
    match field {
        AlertField::Severity => number == Some(alert.severity.number()),
        AlertField::Resolution => number == Some(alert.resolution.number()),
        AlertField::Type => number == Some(alert.alert_type),
        AlertField::Story => number.is_some_and(|n| alert.stories.contains(&n)),
        AlertField::Open => flag(alert.resolution == Resolution::Open),
        AlertField::Read => flag(alert.status != AlertStatus::Unread),
        AlertField::BuiltIn => flag(alert.built_in),
        AlertField::Id => text.as_deref() == Some(alert.id.as_str()),
        AlertField::Policy => text.as_deref() == Some(alert.policy.as_str()),
        AlertField::Ip => by_id(&["ip", "discovery_ip"]),
        AlertField::Service => by_id(&["service", "discovery_service"]),
        AlertField::File => by_id(&["file"]),
        AlertField::Instance => {
            let instances: Vec<i64> = alert.entities.iter().filter_map(|e| extra(e, "inst")).collect();
            if *operand == Operand::Nothing {
                instances.is_empty()
            } else {
                number.is_some_and(|n| instances.contains(&n))
            }
        }
        AlertField::User => {
            by_id(&people) || of_kind(&people).iter().any(|e| Some(e.label.to_lowercase()) == text)
        }
        AlertField::Entity => match operand {
            Operand::Nothing => of_kind(&people).is_empty(),
            Operand::Entity(key) => of_kind(&people).iter().any(|e| {
                e.id.to_lowercase() == key.id.to_lowercase()
                    && (key.saas.is_none() || extra(e, "saas") == key.saas)
                    && (key.inst.is_none() || extra(e, "inst") == key.inst)
            }),
            _ => text.is_some_and(|t| of_kind(&people).iter().any(|e| e.id.to_lowercase() == t)),
        },
        AlertField::Raised | AlertField::Resolved | AlertField::Text => false,
    }
}

fn condition() -> impl Strategy<Value = Condition<AlertField>> {
    use AlertField::{
        BuiltIn, Entity, File, Id, Instance, Ip, Open, Policy, Raised, Read, Resolution as Outcome, Resolved,
        Service, Severity as HowBad, Story, Text, Type, User,
    };
    let numbers = |from: i64, to: i64| (from..to).prop_map(Operand::Number).boxed();
    let texts = |of: &'static [&'static str]| {
        prop::sample::select(of).prop_map(|text| Operand::Text(text.into())).boxed()
    };
    let flags = || any::<bool>().prop_map(Operand::Flag).boxed();
    let or_nothing =
        |some: BoxedStrategy<Operand>| prop_oneof![6 => some, 1 => Just(Operand::Nothing)].boxed();
    let key = (0..6, prop::option::of(11_160_i64..11_164), prop::option::of(0_i64..4))
        .prop_map(|(n, saas, inst)| Operand::Entity(EntityKey { id: format!("acc-{n}"), saas, inst }));
    let listed = prop_oneof![
        (Just(HowBad), prop::collection::vec(numbers(0, 5), 0..4)),
        (Just(Outcome), prop::collection::vec(numbers(0, 7), 0..4)),
        (Just(Type), prop::collection::vec(numbers(15_728_641, 15_728_646), 0..4)),
        (Just(Story), prop::collection::vec(numbers(0, 9), 0..4)),
        (Just(Open), prop::collection::vec(flags(), 0..3)),
        (Just(Read), prop::collection::vec(flags(), 0..3)),
        (Just(BuiltIn), prop::collection::vec(flags(), 0..3)),
        (
            Just(Id),
            prop::collection::vec((0_u64..1_000).prop_map(|n| Operand::Text(id(n).to_string())), 0..9)
        ),
        (
            Just(Policy),
            prop::collection::vec((900_u64..905).prop_map(|n| Operand::Text(id(n).to_string())), 0..3)
        ),
        (Just(Ip), prop::collection::vec(or_nothing(texts(&["198.51.100.2", "198.51.100.4", "::1"])), 0..4)),
        (Just(Service), prop::collection::vec(or_nothing(numbers(11_160, 11_164)), 0..4)),
        (Just(Instance), prop::collection::vec(or_nothing(numbers(0, 4)), 0..4)),
        (Just(File), prop::collection::vec(or_nothing(texts(&["drive|0", "DRIVE|3", "x"])), 0..4)),
        (
            Just(User),
            prop::collection::vec(or_nothing(texts(&["mira0@lagoon.example", "ACC-1", "nobody"])), 0..4)
        ),
        (Just(Entity), prop::collection::vec(or_nothing(prop_oneof![key, texts(&["acc-2"])].boxed()), 0..4)),
    ];
    let range = (prop::option::of(-12_i64..2), prop::option::of(-12_i64..2)).prop_map(|(from, to)| Range {
        from: from.map(|s| NOW.0 + s * 1000),
        to: to.map(|s| NOW.0 + s * 1000 + 3),
    });
    let words = prop::sample::select(
        &[
            "title",
            "tit",
            "Uploads by",
            "by upl",
            "upl by",
            "TITLE 1% rose",
            "of_2",
            "zoë",
            "ZOË uploads",
            "1%",
            "100%",
            "of!",
            "mira",
            "'; drop",
            "  ",
        ][..],
    );
    prop_oneof![
        8 => (listed, any::<bool>()).prop_map(|((field, operands), positive)| Condition {
            field,
            test: if positive { Test::AnyOf(operands) } else { Test::NoneOf(operands) },
        }),
        2 => (prop_oneof![Just(Raised), Just(Resolved)], prop::collection::vec(range, 0..3))
            .prop_map(|(field, ranges)| Condition { field, test: Test::Within(ranges) }),
        1 => prop::collection::vec(words.prop_map(String::from), 0..3)
            .prop_map(|texts| Condition { field: Text, test: Test::Words(texts) }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_agree_with_a_naive_model() {
    for store in stores().await {
        let home = filled(&store).await;
        let handle = tokio::runtime::Handle::current();
        let all = alerts();
        tokio::task::spawn_blocking(move || {
            let mut runner =
                TestRunner::new(Config { cases: 1_500, failure_persistence: None, ..Config::default() });
            runner
                .run(&prop::collection::vec(condition(), 1..4), |conditions| {
                    let mut expected: Vec<String> = all
                        .iter()
                        .filter(|a| conditions.iter().all(|c| satisfies(a, c)))
                        .map(|a| a.id.to_string())
                        .collect();
                    expected.sort();
                    let asked = conditions.clone();
                    let (found, counted) = handle
                        .block_on(store.read(move |tx| {
                            Ok::<_, crate::Error>((
                                list(tx, home, EVERY, &asked, NEWEST, ALL)?,
                                count(tx, home, EVERY, &asked)?,
                            ))
                        }))
                        .expect("the query runs");
                    let mut found: Vec<String> = found.iter().map(|a| a.id.to_string()).collect();
                    found.sort();
                    prop_assert_eq!(counted, expected.len() as i64);
                    prop_assert_eq!(found, expected);
                    Ok(())
                })
                .expect("SQL and model agree");
        })
        .await
        .expect("the test ends");
    }
}

#[tokio::test]
async fn pages_hold_every_alert_once_in_each_order() {
    for store in stores().await {
        let home = filled(&store).await;
        for by_severity in [false, true] {
            for ascending in [false, true] {
                let order = AlertOrder { by_severity, ascending };
                let mut seen = Vec::new();
                for skip in (0..200).step_by(7) {
                    let page = Page { skip, limit: 7 };
                    let found =
                        store.read(move |tx| list(tx, home, EVERY, &[], order, page)).await.expect("a page");
                    seen.extend(found);
                }
                let weight = |a: &Alert| match (by_severity, a.severity) {
                    (false, _) => 0,
                    (true, Severity::Informational) => -1,
                    (true, other) => other.number(),
                };
                let mut expected = alerts();
                expected.sort_by_key(|a| (weight(a), a.raised, a.id.clone()));
                if !ascending {
                    expected.reverse();
                }
                let ids = |list: &[Alert]| list.iter().map(|a| a.id.clone()).collect::<Vec<_>>();
                assert_eq!(ids(&seen), ids(&expected), "{order:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_alert_comes_back_as_it_was() {
    for store in stores().await {
        let home = filled(&store).await;
        for expected in alerts() {
            let wanted = expected.id.clone();
            let found =
                store.read(move |tx| find(tx, home, EVERY, &wanted)).await.expect("read").expect("exists");
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
        let foreign = store.read(move |tx| find(tx, home, EVERY, &id(4_000))).await.expect("read");
        assert!(foreign.is_none(), "another tenant's alert is not there");
    }
}

#[tokio::test]
async fn closing_is_once_and_reopening_undoes_it() {
    for store in stores().await {
        let home = filled(&store).await;
        let open = alerts().iter().filter(|a| a.resolution == Resolution::Open).count();
        let closing = Closing {
            resolution: Resolution::Benign,
            at: NOW,
            comment: "seen".into(),
            reason: Some(4),
            by: "ops".into(),
        };
        for expected in [open, 0] {
            let closing = closing.clone();
            let closed = store.write(move |tx| close(tx, home, EVERY, &[], &closing)).await.expect("close");
            assert_eq!(closed.len(), expected);
        }
        let benign =
            vec![Condition { field: AlertField::Resolution, test: Test::AnyOf(vec![Operand::Number(4)]) }];
        let wanted = benign.clone();
        let list = store.read(move |tx| list(tx, home, EVERY, &wanted, NEWEST, ALL)).await.expect("list");
        let one = list.iter().find(|a| a.comment == "seen").expect("closed just now").clone();
        assert_eq!((one.status, one.resolved, one.reason), (AlertStatus::Archived, Some(NOW), Some(4)));
        assert_eq!(one.handled_by.as_deref(), Some("ops"));
        let wanted = one.id.clone();
        let marked =
            store.write(move |tx| mark(tx, home, EVERY, &wanted, AlertStatus::Unread)).await.expect("mark");
        assert!(marked);
        let reopened = store.write(move |tx| reopen(tx, home, EVERY, &benign, NOW)).await.expect("reopen");
        assert_eq!(reopened.len(), list.len());
        let wanted = one.id.clone();
        let again =
            store.read(move |tx| find(tx, home, EVERY, &wanted)).await.expect("read").expect("exists");
        assert_eq!((again.status, again.resolved, again.comment.as_str()), (AlertStatus::Read, None, ""));
    }
}

#[tokio::test]
async fn existing_tells_ids_apart() {
    for store in stores().await {
        let home = filled(&store).await;
        let asked = vec![id(0).to_string(), id(4_000).to_string(), id(5_000).to_string()];
        let found = store.read(move |tx| existing(tx, home, EVERY, &asked)).await.expect("read");
        assert_eq!(found, [id(0).to_string()]);
    }
}
