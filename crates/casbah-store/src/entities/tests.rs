//! Filters of entities agree with a naive evaluation in memory, on both databases.

use casbah_model::filter::{Condition, EntityField, EntityKey, EntityOrder, Operand, Page, Range, Test};
use casbah_model::{
    Entity, EntityAddress, EntityFacts, EntityKind, EntityStatus, Reach, TenantId, Timestamp,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::sent::{SentEntity, put};
use super::{count, list};
use crate::tests::{NOW, stores, tenant};
use crate::user_tags::{ADMINISTRATOR_USERS, APPLICATIONS, EXTERNAL_USERS};
use crate::{Error, Store};

const ALL: Page = Page { skip: 0, limit: 10_000 };
const NEWEST: (EntityOrder, bool) = (EntityOrder::LastSeen, false);

/// Entities in which every field takes all the values that matter, none of them in step with another.
fn sent() -> Vec<SentEntity> {
    let pick =
        |n: usize, all: &[&str]| Some(all[n % all.len()]).filter(|text| !text.is_empty()).map(String::from);
    (0..80_usize)
        .map(|n| SentEntity {
            address: EntityAddress {
                id: format!("Id-{}", n / 2),
                saas: [10489, 11627, 20892][n % 3],
                inst: (n / 3 % 2) as i64,
            },
            kind: if n % 4 == 0 { EntityKind::User } else { EntityKind::Account },
            application: n % 7 == 0 && n % 4 != 0,
            display_name: pick(n, &["Mira Holt", "mira", "Åsa 100%", "under_score", "Zoë"])
                .map(|name| format!("{name} {n}")),
            email: (n % 5 == 0).then(|| format!("m{n}@lagoon.example")),
            domain: pick(n / 2, &["lagoon.example", "", "Contoso.example"]),
            external: [Some(true), Some(false), None][n / 5 % 3],
            organization: pick(n / 3, &["Sales", "", "sales", "Ärzte"]),
            status: EntityStatus::from_number((n % 5) as i64),
            admin: Some(n % 6 == 1),
            role: None,
            last_seen: (n % 3 != 1).then(|| Timestamp(NOW.0 - (n / 4) as i64 * 1000)),
            parent: None,
            facts: EntityFacts::default(),
        })
        .collect()
}

async fn filled(store: &Store) -> (TenantId, Vec<Entity>) {
    let (home, other) = (tenant(store, 10_000_001).await, tenant(store, 10_000_002).await);
    let stored = store.write(move |tx| {
        for one in sent() {
            put(tx, home, &one)?;
            put(tx, other, &one)?;
        }
        list(tx, home, &Reach::Everything, &[], NEWEST, ALL)
    });
    let all = stored.await.expect("stored");
    assert!(all.len() > 60, "{}", all.len());
    (home, all)
}

fn text(text: &str) -> Operand {
    Operand::Text(text.to_string())
}

/// What a field of an entity holds; `all` are those among whom the person behind it is.
fn values(entity: &Entity, field: EntityField, all: &[Entity]) -> Vec<Operand> {
    let texts = |value: &Option<String>| value.iter().map(|value| text(value)).collect();
    match field {
        EntityField::Kind => vec![Operand::Number(entity.kind.number())],
        EntityField::Admin => vec![Operand::Flag(entity.admin)],
        EntityField::Service => vec![Operand::Number(entity.address.saas)],
        EntityField::Instance => vec![Operand::Number(entity.address.inst)],
        EntityField::Status => vec![Operand::Number(entity.status.number())],
        EntityField::External => entity.external.map(Operand::Flag).into_iter().collect(),
        EntityField::Domain => texts(&entity.domain),
        EntityField::Organization => texts(&entity.organization),
        EntityField::DisplayName => vec![text(&entity.display_name)],
        EntityField::Score => entity.score.map(Operand::Number).into_iter().collect(),
        EntityField::LastSeen => entity.last_seen.map(|at| Operand::Number(at.0)).into_iter().collect(),
        EntityField::Group => {
            let groups =
                [(EXTERNAL_USERS, entity.external == Some(true)), (APPLICATIONS, entity.application)];
            groups.into_iter().filter(|(_, inside)| *inside).map(|(id, _)| text(id)).collect()
        }
        EntityField::Entity => {
            // Every key that names it, or the person behind it.
            let parent = all.iter().find(|one| entity.parent.as_ref() == Some(&one.record));
            let mut keys = Vec::new();
            for EntityAddress { id, saas, inst } in
                [Some(entity), parent].into_iter().flatten().map(|one| &one.address)
            {
                let key = |saas, inst| Operand::Entity(EntityKey { id: id.to_lowercase(), saas, inst });
                keys.extend([
                    key(None, None),
                    key(Some(*saas), None),
                    key(None, Some(*inst)),
                    key(Some(*saas), Some(*inst)),
                ]);
            }
            keys
        }
    }
}

fn condition() -> impl Strategy<Value = Condition<EntityField>> {
    use EntityField::*;
    let texts = |all: &'static [&'static str]| prop::sample::select(all).prop_map(text).boxed();
    let numbers = |all: &'static [i64]| prop::sample::select(all).prop_map(Operand::Number).boxed();
    let flag = || any::<bool>().prop_map(Operand::Flag).boxed();
    let nothing = |of: BoxedStrategy<Operand>| prop_oneof![4 => of, 1 => Just(Operand::Nothing)].boxed();
    let keys = (
        0..45_u8,
        prop::option::of(prop::sample::select(&[10489_i64, 11627, 20892, 1][..])),
        prop::option::of(0..3_i64),
    )
        .prop_map(|(n, saas, inst)| Operand::Entity(EntityKey { id: format!("id-{n}"), saas, inst }))
        .boxed();
    let moments = (0..25_i64).prop_map(|n| Operand::Number(NOW.0 - n * 1000)).boxed();
    let listed = prop_oneof![
        (Just(Kind), prop::collection::vec(numbers(&[1, 2, 3]), 1..3)),
        (Just(Admin), prop::collection::vec(flag(), 1..2)),
        (Just(Service), prop::collection::vec(numbers(&[10489, 11627, 20892, 7]), 1..3)),
        (Just(Instance), prop::collection::vec(numbers(&[0, 1, 2]), 1..3)),
        (Just(Status), prop::collection::vec(numbers(&[0, 1, 2, 3, 4, 5]), 1..4)),
        (Just(External), prop::collection::vec(nothing(flag()), 1..3)),
        (
            Just(Domain),
            prop::collection::vec(nothing(texts(&["LAGOON.example", "contoso.example", "x"])), 1..3)
        ),
        (Just(Organization), prop::collection::vec(nothing(texts(&["SALES", "Ärzte", "x"])), 1..3)),
        (
            Just(DisplayName),
            prop::collection::vec(texts(&["mira holt 0", "ÅSA 100% 2", "ZOË 4", "zoë"]), 1..3)
        ),
        (Just(Score), prop::collection::vec(nothing(numbers(&[0, 40])), 1..2)),
        (Just(LastSeen), prop::collection::vec(nothing(moments), 1..3)),
        (
            Just(Group),
            prop::collection::vec(nothing(texts(&[EXTERNAL_USERS, APPLICATIONS, ADMINISTRATOR_USERS])), 1..3)
        ),
        (Just(Entity), prop::collection::vec(keys, 1..3)),
    ];
    let range = (prop::option::of(0..25_i64), prop::option::of(0..25_i64)).prop_map(|(from, to)| Range {
        from: from.map(|n| NOW.0 - n * 1000),
        to: to.map(|n| NOW.0 - n * 1000 + 500),
    });
    let pieces =
        prop::sample::select(&["mira", "MIRA h", "å", "100%", "r_s", "rXs", "ë 4", "7", "", "'"][..]);
    prop_oneof![
        8 => (listed, any::<bool>()).prop_map(|((field, operands), positive)| Condition {
            field,
            test: if positive { Test::AnyOf(operands) } else { Test::NoneOf(operands) },
        }),
        2 => (prop_oneof![Just(LastSeen), Just(Score)], prop::collection::vec(range, 0..3))
            .prop_map(|(field, ranges)| Condition { field, test: Test::Within(ranges) }),
        2 => (prop::collection::vec(pieces.prop_map(String::from), 0..3), any::<bool>()).prop_map(|(texts, positive)| {
            let test = Test::Contains(texts);
            Condition { field: DisplayName, test: if positive { test } else { Test::Not(Box::new(test)) } }
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_agree_with_a_naive_model() {
    for store in stores().await {
        let (home, all) = filled(&store).await;
        let handle = tokio::runtime::Handle::current();
        let agree = tokio::task::spawn_blocking(move || {
            let mut runner =
                TestRunner::new(Config { cases: 800, failure_persistence: None, ..Config::default() });
            runner.run(&prop::collection::vec(condition(), 1..4), |conditions| {
                let holds = |entity: &&Entity| {
                    conditions.iter().all(|c| c.test.holds(&values(entity, c.field, &all)))
                };
                let mut expected: Vec<_> =
                    all.iter().filter(holds).map(|entity| entity.record.clone()).collect();
                expected.sort();
                let asked = conditions.clone();
                let read = store.read(move |tx| {
                    let every = Reach::Everything;
                    Ok::<_, Error>((
                        list(tx, home, &every, &asked, NEWEST, ALL)?,
                        count(tx, home, &every, &asked)?,
                    ))
                });
                let (found, counted) = handle.block_on(read).expect("the query runs");
                let mut found: Vec<_> = found.into_iter().map(|entity| entity.record).collect();
                found.sort();
                prop_assert_eq!(counted, expected.len() as i64);
                prop_assert_eq!(found, expected);
                Ok(())
            })
        });
        agree.await.expect("the test ends").expect("SQL and model agree");
    }
}
