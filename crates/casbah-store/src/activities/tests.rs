//! Every filter agrees with a naive evaluation, on both databases; words are found, and forgotten with their
//! activities.

use casbah_model::activity::{CASBAH_APP, device_type};
use casbah_model::filter::{ActivityField, ActivityOrder, Condition, EntityKey, Operand, Page, Range, Test};
use casbah_model::words::words;
use casbah_model::{Activity, ActivityFacts, ActivityObject, Bound, Guid, Reach, TenantId, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{count, insert, list, remove_before};
use crate::Store;
use crate::tests::{NOW, stores, tenant};

const ALL: Page = Page { skip: 0, limit: 10_000 };
const EVERY: &Reach = &Reach::Everything;
const NEWEST: ActivityOrder = ActivityOrder { by_created: false, ascending: false };
const OLDEST: ActivityOrder = ActivityOrder { by_created: false, ascending: true };

/// Every field that there is. A new one does not compile until the model below says what it means.
const FIELDS: [ActivityField; 30] = [
    ActivityField::Id,
    ActivityField::Service,
    ActivityField::Instance,
    ActivityField::Source,
    ActivityField::UserName,
    ActivityField::UserDomain,
    ActivityField::Entity,
    ActivityField::UserGroup,
    ActivityField::ActionType,
    ActivityField::Category,
    ActivityField::Admin,
    ActivityField::Object,
    ActivityField::DeviceType,
    ActivityField::UserAgent,
    ActivityField::Country,
    ActivityField::Organization,
    ActivityField::Address,
    ActivityField::IpCategory,
    ActivityField::IpTag,
    ActivityField::AgentTag,
    ActivityField::At,
    ActivityField::Created,
    ActivityField::Place,
    ActivityField::Text,
    ActivityField::Client,
    ActivityField::Failure,
    ActivityField::Policy,
    ActivityField::Alert,
    ActivityField::Absent,
    ActivityField::False,
];

fn client(n: u64) -> Guid {
    Guid::from_u128(0x9000 + u128::from(n))
}

/// Activities in which every field takes all the values that matter, none of them in step with another.
fn activities() -> Vec<Activity> {
    const AGENTS: [&str; 4] = [
        "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0",
        "curl/8.5",
        "Mozilla/5.0 (iPhone) Mobile",
        "50%_off!",
    ];
    const ORGANIZATIONS: [&str; 3] = ["Fjord Net", "fjord net", "Zoë & 100% Ltd"];
    (0..150_u64)
        .map(|n| {
            let at = Timestamp(NOW.0 - (n as i64 * 7 % 40) * 1000);
            let agent = (n % 5 != 0).then(|| AGENTS[(n % 4) as usize].to_string());
            let objects = (0..n % 3).map(|k| ActivityObject {
                kind: "file".into(),
                id: format!("File-{}", (n + k) % 6),
                name: if n % 2 == 0 { format!("Plan {} Straße.xlsx", n % 4) } else { String::new() },
            });
            Activity {
                seq: Activity::place(at, n as u32),
                id: format!("activity-{n}"),
                created: Timestamp(NOW.0 + (n as i64 * 3 % 20)),
                source: [2, 5, 6][n as usize % 3],
                service: [CASBAH_APP, 11161, 11627][n as usize / 2 % 3],
                instance: (n % 4 / 3) as i64,
                action: ["sign in", "Create User", "delete file"][n as usize % 3].into(),
                category: ["EVENT_CATEGORY_LOGIN", "EVENT_CATEGORY_CREATE_USER"][n as usize % 2].into(),
                action_type: format!("EVENT_TYPE_{}", n % 5),
                actor_kind: "user".into(),
                actor: (n % 6 != 0).then(|| format!("acc-{}", n % 7)),
                user_name: (n % 7 != 0)
                    .then(|| format!("Mira{}@{}.Example", n % 5, ["Lagoon", "old"][n as usize % 2])),
                client: (n % 3 != 0).then(|| client(n % 4)),
                address: (n % 4 != 0).then(|| format!("198.51.100.{}", n % 13)),
                ip_category: (n % 5) as i64,
                country: (n % 3 != 1).then(|| ["NO", "DE", "FR"][n as usize % 3].to_string()),
                organization: (n % 4 != 1).then(|| ORGANIZATIONS[n as usize % 3].to_string()),
                device_type: agent.as_deref().map(|a| device_type(a).to_string()),
                admin: n % 3 == 0,
                failure: (n % 5 == 1).then_some([0, 50126][n as usize % 2]),
                facts: ActivityFacts {
                    user_agent: agent,
                    objects: objects.collect(),
                    ip_tags: (0..n % 3).map(|k| format!("0000000{}0000000000000000", (n + k) % 4)).collect(),
                    ..ActivityFacts::default()
                },
            }
        })
        .collect()
}

async fn filled(store: &Store) -> TenantId {
    let (home, other) = (tenant(store, 10_000_001).await, tenant(store, 10_000_002).await);
    store
        .write(move |tx| {
            for activity in activities() {
                insert(tx, home, &activity)?;
                // The same places and words, of somebody else.
                insert(tx, other, &activity)?;
            }
            Ok::<_, crate::Error>(())
        })
        .await
        .expect("activities can be stored");
    home
}

// The naive model: what a filter means, said once more and as plainly as possible.

/// What a field holds, as texts without regard to case where filters have none.
fn held(activity: &Activity, field: ActivityField) -> Vec<String> {
    let lower = |text: &Option<String>| text.iter().map(|t| t.to_lowercase()).collect::<Vec<_>>();
    let upper = |text: &str| vec![text.to_uppercase()];
    match field {
        ActivityField::Id => vec![activity.id.to_lowercase()],
        ActivityField::Service => vec![activity.service.to_string()],
        ActivityField::Instance => vec![activity.instance.to_string()],
        ActivityField::Source => vec![activity.source.to_string()],
        ActivityField::IpCategory => vec![activity.ip_category.to_string()],
        ActivityField::Failure => activity.failure.iter().map(i64::to_string).collect(),
        ActivityField::At => vec![activity.at().0.to_string()],
        ActivityField::Created => vec![activity.created.0.to_string()],
        ActivityField::Place => vec![activity.seq.to_string()],
        ActivityField::UserName => lower(&activity.user_name),
        ActivityField::UserDomain => lower(&activity.user_name)
            .iter()
            .filter_map(|name| name.rsplit_once('@').map(|(_, domain)| domain.to_string()))
            .collect(),
        ActivityField::Entity => {
            lower(&activity.actor).into_iter().chain(lower(&activity.user_name)).collect()
        }
        ActivityField::ActionType => [upper(&activity.action_type), upper(&activity.category)].concat(),
        ActivityField::Category => upper(&activity.category),
        ActivityField::Admin => vec![activity.admin.to_string()],
        ActivityField::False => vec!["false".into()],
        ActivityField::Object => activity
            .facts
            .objects
            .iter()
            .flat_map(|object| [object.id.to_lowercase(), object.name.to_lowercase()])
            .filter(|text| !text.is_empty())
            .collect(),
        ActivityField::DeviceType => activity.device_type.iter().cloned().collect(),
        ActivityField::UserAgent => lower(&activity.facts.user_agent),
        ActivityField::Country => activity.country.iter().cloned().collect(),
        ActivityField::Organization => activity.organization.iter().cloned().collect(),
        ActivityField::Address => lower(&activity.address),
        ActivityField::AgentTag => activity
            .facts
            .user_agent
            .iter()
            .flat_map(|agent| casbah_model::user_agent::parse(agent, activity.at()).tags)
            .map(String::from)
            .collect(),
        ActivityField::IpTag => activity.facts.ip_tags.clone(),
        ActivityField::Client => activity.client.iter().map(Guid::to_string).collect(),
        ActivityField::Text => {
            let single = [
                Some(activity.action.clone()),
                activity.user_name.clone(),
                activity.address.clone(),
                activity.facts.user_agent.clone(),
                activity.organization.clone(),
            ];
            let objects = activity.facts.objects.iter().flat_map(|o| [o.name.clone(), o.id.clone()]);
            single.into_iter().flatten().chain(objects).flat_map(|text| words(&text)).collect()
        }
        // Nobody here is in a group; who is, `tests/it/entities.rs` looks at. No policy has looked at these.
        ActivityField::Policy | ActivityField::Alert | ActivityField::Absent | ActivityField::UserGroup => {
            Vec::new()
        }
    }
}

/// A text as a field of that kind is compared with it.
fn spelled(field: ActivityField, text: &str) -> String {
    use ActivityField::{ActionType, Category, Country, DeviceType, Organization};
    match field {
        ActionType | Category | Country | DeviceType => text.trim().to_uppercase(),
        Organization => text.to_string(),
        _ => text.trim().to_lowercase(),
    }
}

fn equals(activity: &Activity, field: ActivityField, operand: &Operand) -> bool {
    let all = held(activity, field);
    match (field, operand) {
        (ActivityField::Text, Operand::Text(text)) => {
            let wanted = words(text);
            wanted.is_empty() || all.windows(wanted.len()).any(|run| run == wanted)
        }
        (ActivityField::Entity, Operand::Nothing) => activity.actor.is_none(),
        (_, Operand::Nothing) => all.is_empty(),
        (_, Operand::Number(number)) => all.contains(&number.to_string()),
        (_, Operand::Flag(flag)) => all.contains(&flag.to_string()),
        (_, Operand::Text(text)) => all.contains(&spelled(field, text)),
        (_, Operand::Entity(key)) => {
            // A person does things anywhere, an account in its app.
            let here = match key.saas {
                None | Some(11161) => key.inst.is_none_or(|inst| inst == 0),
                Some(saas) => {
                    saas == activity.service && key.inst.is_none_or(|inst| inst == activity.instance)
                }
            };
            here && all.contains(&key.id.to_lowercase())
        }
    }
}

fn satisfies(activity: &Activity, field: ActivityField, test: &Test) -> bool {
    let all = held(activity, field);
    match test {
        Test::AnyOf(operands) => operands.iter().any(|operand| equals(activity, field, operand)),
        Test::NoneOf(operands) => !operands.iter().any(|operand| equals(activity, field, operand)),
        Test::Within(ranges) => {
            let value = all.first().and_then(|text| text.parse().ok());
            value.is_some_and(|value| ranges.iter().any(|range| range.contains(value)))
        }
        Test::Words(texts) => texts.iter().any(|text| {
            let wanted = words(text);
            let Some((last, others)) = wanted.split_last() else { return true };
            others.iter().all(|word| all.contains(word)) && all.iter().any(|word| word.starts_with(last))
        }),
        Test::Contains(texts) => {
            // Of the two names of a type it is the fine one that is looked into.
            let own = all.first().map(|text| text.to_lowercase());
            texts.iter().any(|text| own.as_ref().is_some_and(|own| own.contains(&text.to_lowercase())))
        }
        Test::Begins(texts) => texts.iter().any(|text| match field {
            ActivityField::Text => all.join(" ").starts_with(&words(text).join(" ")),
            ActivityField::Entity => {
                activity.actor.as_ref().is_some_and(|actor| actor.starts_with(&spelled(field, text)))
            }
            _ => all.first().is_some_and(|own| own.starts_with(&spelled(field, text))),
        }),
        Test::Not(inner) => !satisfies(activity, field, inner),
    }
}

/// The tests that a field has in the table of filters.
fn tests_of(field: ActivityField) -> BoxedStrategy<Test> {
    use ActivityField as F;
    let all = activities();
    let mut values: Vec<String> = all.iter().flat_map(|activity| held(activity, field)).collect();
    values.sort();
    values.dedup();
    values.extend(["nothing like it".to_string(), "'; drop".to_string(), "50%_".to_string()]);
    let value = prop::sample::select(values);
    let operand = match field {
        F::Service | F::Instance | F::Source | F::IpCategory | F::Failure | F::At | F::Created | F::Place => {
            value.clone().prop_map(|text| Operand::Number(text.parse().unwrap_or(-1))).boxed()
        }
        F::Admin | F::False => any::<bool>().prop_map(Operand::Flag).boxed(),
        F::Entity => prop_oneof![
            value.clone().prop_map(Operand::Text),
            (
                value.clone(),
                prop::option::of(prop::sample::select(vec![11161, 11162, 11627, CASBAH_APP])),
                prop::option::of(0_i64..3)
            )
                .prop_map(|(id, saas, inst)| Operand::Entity(EntityKey { id, saas, inst })),
        ]
        .boxed(),
        _ => value.clone().prop_map(Operand::Text).boxed(),
    };
    let has_nothing = !matches!(field, F::Text | F::Admin | F::False | F::At | F::Created | F::Place);
    let operand =
        if has_nothing { prop_oneof![5 => operand, 1 => Just(Operand::Nothing)].boxed() } else { operand };
    let listed = (prop::collection::vec(operand, 0..4), any::<bool>())
        .prop_map(|(list, positive)| if positive { Test::AnyOf(list) } else { Test::NoneOf(list) })
        .boxed();
    // A part of a value, in another case.
    let part = (value, 0_usize..6, 1_usize..9, any::<bool>()).prop_map(|(text, from, length, upper)| {
        let part: String = text.chars().skip(from).take(length).collect();
        if upper { part.to_uppercase() } else { part }
    });
    let parts = prop::collection::vec(part.clone(), 0..3);
    let or_not = |test: BoxedStrategy<Test>| {
        (test, any::<bool>()).prop_map(|(test, not)| if not { Test::Not(Box::new(test)) } else { test })
    };
    match field {
        F::At | F::Created | F::Place => {
            let end = (-45_i64..25).prop_map(move |n| match field {
                F::At => NOW.0 + n * 1000,
                F::Created => NOW.0 + n,
                _ => Activity::first_at(Timestamp(NOW.0 + n * 1000)),
            });
            let range = (prop::option::of(end.clone()), prop::option::of(end))
                .prop_map(|(from, to)| Range { from, to });
            prop_oneof![listed, prop::collection::vec(range, 0..3).prop_map(Test::Within)].boxed()
        }
        F::Text => {
            let pair = (part.clone(), part).prop_map(|(one, other)| format!("{one} {other}"));
            let pairs = prop::collection::vec(pair, 0..3);
            let begins = parts.clone().prop_map(Test::Begins);
            prop_oneof![listed, parts.prop_map(Test::Words), pairs.prop_map(Test::Words), begins].boxed()
        }
        F::UserName | F::Entity | F::Address => {
            prop_oneof![listed, or_not(parts.prop_map(Test::Begins).boxed())].boxed()
        }
        F::ActionType | F::UserAgent | F::Organization => {
            prop_oneof![listed, or_not(parts.prop_map(Test::Contains).boxed())].boxed()
        }
        _ => listed,
    }
}

fn condition() -> impl Strategy<Value = Condition<ActivityField>> {
    let all: Vec<_> = FIELDS
        .iter()
        .map(|field| tests_of(*field).prop_map(|test| Condition { field: *field, test }).boxed())
        .collect();
    prop::strategy::Union::new(all)
}

/// Everything, or what the limits of a role leave.
fn reach() -> impl Strategy<Value = Reach> {
    let app = |app, instance| Bound::App { app, instance };
    prop_oneof![
        Just(Reach::Everything),
        Just(Reach::Within(vec![app(11161, None)])),
        Just(Reach::Within(vec![app(11627, Some(1)), app(CASBAH_APP, Some(0))])),
        Just(Reach::Within(Vec::new())),
    ]
}

fn reached(reach: &Reach, activity: &Activity) -> bool {
    match reach {
        Reach::Everything => true,
        Reach::Within(bounds) => bounds.iter().any(|bound| match bound {
            Bound::App { app, instance } => {
                activity.service == *app && instance.is_none_or(|one| one == activity.instance)
            }
            _ => false,
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_agree_with_a_naive_model() {
    for store in stores().await {
        let home = filled(&store).await;
        let handle = tokio::runtime::Handle::current();
        let all = activities();
        tokio::task::spawn_blocking(move || {
            let mut runner =
                TestRunner::new(Config { cases: 2_000, failure_persistence: None, ..Config::default() });
            runner
                .run(&(prop::collection::vec(condition(), 1..4), reach()), |(conditions, reach)| {
                    let fulfils = |a: &&Activity| {
                        reached(&reach, a) && conditions.iter().all(|c| satisfies(a, c.field, &c.test))
                    };
                    let mut expected: Vec<&Activity> = all.iter().filter(fulfils).collect();
                    expected.sort_by_key(|activity| -activity.seq);
                    let expected: Vec<String> = expected.iter().map(|a| a.id.clone()).collect();
                    let asked = conditions.clone();
                    let reach = reach.clone();
                    let (found, counted, first, oldest) = handle
                        .block_on(store.read(move |tx| {
                            let few = Page { skip: 0, limit: 3 };
                            Ok::<_, crate::Error>((
                                list(tx, home, &reach, &asked, NEWEST, ALL)?,
                                count(tx, home, &reach, &asked)?,
                                list(tx, home, &reach, &asked, NEWEST, few)?,
                                list(tx, home, &reach, &asked, OLDEST, few)?,
                            ))
                        }))
                        .expect("the query runs");
                    let ids = |list: &[Activity]| list.iter().map(|a| a.id.clone()).collect::<Vec<_>>();
                    prop_assert_eq!(ids(&found), expected.clone());
                    prop_assert_eq!(counted, expected.len() as i64);
                    prop_assert_eq!(ids(&first), expected[..expected.len().min(3)].to_vec());
                    let last = expected.iter().rev().take(3).cloned().collect::<Vec<_>>();
                    prop_assert_eq!(ids(&oldest), last);
                    Ok(())
                })
                .expect("SQL and model agree");
        })
        .await
        .expect("the test ends");
    }
}

#[tokio::test]
async fn words_go_with_their_activities() {
    for store in stores().await {
        let home = filled(&store).await;
        let mira = vec![Condition { field: ActivityField::Text, test: Test::Words(vec!["mir".into()]) }];
        let left = store
            .write(move |tx| {
                let before = count(tx, home, EVERY, &mira)?;
                assert!(before > 0);
                while remove_before(tx, home, Timestamp(NOW.0 - 20_000), 7)? > 0 {}
                let kept = activities().into_iter().filter(|a| a.at().0 >= NOW.0 - 20_000);
                let kept = kept.filter(|a| a.user_name.is_some()).count() as i64;
                assert_eq!(count(tx, home, EVERY, &mira)?, kept);
                // A new one takes a place that was given up.
                let mut again = activities().remove(1);
                again.seq = Activity::place(Timestamp(NOW.0 - 30_000), 1);
                again.id = "again".into();
                insert(tx, home, &again)?;
                Ok::<_, crate::Error>(count(tx, home, EVERY, &mira)? - kept)
            })
            .await
            .expect("it is stored");
        assert_eq!(left, 1);
    }
}
