//! Ranges come back as they were, filters agree with a naive evaluation, pages hold all once,
//! addresses are found where they are.

use casbah_model::filter::{Condition, IpRangeField, IpRangeSort, Operand, Page, Test};
use casbah_model::{IpCategory, IpLocation, IpRange, IpTag, RecordId, TenantId, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Occupied, delete, find, find_by_name, find_overlap, insert, list, save};
use crate::tests::{NOW, stores, tenant};
use crate::{Error, Store, ip_tags};

const ALL: Page = Page { skip: 0, limit: 10_000 };
const BY_NAME: (IpRangeSort, bool) = (IpRangeSort::Name, true);

fn id(number: usize) -> RecordId {
    format!("{number:024x}").parse().expect("24 hex digits")
}

fn tags() -> Vec<IpTag> {
    let own = |n: usize, name: &str| IpTag {
        id: id(n),
        name: name.into(),
        description: String::new(),
        built_in: false,
    };
    let mut tags = vec![own(901, "Zebra"), own(902, "apple")];
    tags.extend(IpTag::built_in().into_iter().filter(|t| t.name == "Tor" || t.name == "OneNote"));
    tags
}

/// Ranges in which every field takes all the values that matter, none of them in step with another.
fn ranges() -> Vec<IpRange> {
    let all_tags = tags();
    (0..40_usize)
        .map(|n| IpRange {
            id: id(n * 7 % 40 + 100),
            name: format!("{} {n}", ["Oslo", "oslo", "Änderung", "Zurich"][n % 4]),
            category: IpCategory::ALL[n / 2 % 6],
            subnets: vec![
                format!("10.{n}.0.7/24").parse().expect("a subnet"),
                format!("10.{n}.0.0/25").parse().expect("a subnet"),
                format!("2001:db8:{n:x}::/48").parse().expect("a subnet"),
            ],
            organization: (n % 3 == 0).then(|| "Fjord Net".to_string()),
            location: (n % 5 == 0).then(|| IpLocation {
                name: Some("Oslo".into()),
                latitude: Some(59.91),
                longitude: Some(10.75),
                ..IpLocation::default()
            }),
            tags: all_tags
                .iter()
                .enumerate()
                .filter(|(bit, _)| n >> bit & 1 == 1)
                .map(|(_, t)| t.clone())
                .collect(),
            modified: Timestamp(NOW.0 + n as i64),
        })
        .collect()
}

async fn filled(store: &Store) -> (TenantId, TenantId) {
    let home = tenant(store, 10_000_001).await;
    let other = tenant(store, 10_000_002).await;
    store
        .write(move |tx| {
            for tag in tags().iter().filter(|t| !t.built_in) {
                ip_tags::insert(tx, home, &tag.id, &tag.name, NOW)?;
            }
            ranges().iter().try_for_each(|range| insert(tx, home, range))
        })
        .await
        .expect("ranges can be stored");
    (home, other)
}

#[tokio::test]
async fn a_range_comes_back_as_it_was_and_is_seen_by_its_tenant_only() {
    for store in stores().await {
        let (home, other) = filled(&store).await;
        for expected in ranges() {
            let wanted = expected.id.clone();
            let found =
                store.read(move |tx| Ok::<_, Error>((find(tx, home, &wanted)?, find(tx, other, &wanted)?)));
            assert_eq!(found.await.expect("read"), (Some(expected), None));
        }
        let mut changed = ranges().remove(3);
        changed.name = "Bergen".into();
        changed.subnets = vec!["192.0.2.0/24".parse().expect("a subnet")];
        changed.tags.clear();
        changed.location = None;
        let row = changed.clone();
        let found = store.write(move |tx| {
            save(tx, home, &row)?;
            let by_name = find_by_name(tx, home, "BERGEN")?;
            Ok::<_, Error>((find(tx, home, &row.id)?, by_name, find_by_name(tx, home, "Zurich 3")?))
        });
        assert_eq!(found.await.expect("saved"), (Some(changed.clone()), Some(changed.id.clone()), None));
        let gone = store.write(move |tx| {
            assert!(!delete(tx, other, &changed.id)?, "another tenant's range is not there");
            Ok::<_, Error>((
                delete(tx, home, &changed.id)?,
                delete(tx, home, &changed.id)?,
                find(tx, home, &changed.id)?,
            ))
        });
        assert_eq!(gone.await.expect("deleted"), (true, false, None));
        let left = "select (select count(*) from ip_range_subnets where lowest like '%c000:0200') \
                    + (select count(*) from ip_range_tags t where not exists \
                    (select 1 from ip_ranges r where r.tenant = t.tenant and r.id = t.ip_range))";
        assert_eq!(
            store.read(move |tx| tx.number(left, &[])).await.expect("read"),
            0,
            "nothing is left over"
        );
    }
}

#[tokio::test]
async fn addresses_are_found_where_they_are() {
    for store in stores().await {
        let (home, other) = filled(&store).await;
        let own = ranges()[5].id.clone();
        let check = |text: &'static str, tenant: TenantId, except: RecordId| {
            let subnet = text.parse().expect("a subnet");
            let found = store.read(move |tx| find_overlap(tx, tenant, &subnet, &except));
            async move {
                found.await.expect("read").map(|Occupied { name, original }| format!("{name}: {original}"))
            }
        };
        let in_five = Some("oslo 5: 10.5.0.7/24".to_string());
        for inside in ["10.5.0.0", "10.5.0.255/32", "10.5.0.0/24", "10.5.0.128/25", "::ffff:10.5.0.9"] {
            assert_eq!(check(inside, home, id(1)).await, in_five, "{inside}");
            assert_eq!(check(inside, home, own.clone()).await, None, "a range does not overlap with itself");
            assert_eq!(check(inside, other, id(1)).await, None, "another tenant's addresses are its own");
        }
        for around in ["10.5.0.0/23", "10.5.0.0/16"] {
            assert_eq!(check(around, home, id(1)).await, in_five, "{around}");
        }
        for around in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32"] {
            assert!(check(around, home, own.clone()).await.is_some(), "{around}");
        }
        for apart in
            ["10.5.1.0/24", "10.4.255.0/24", "10.40.0.0/24", "2001:db7::/32", "fe80::/10", "9.0.0.0/8"]
        {
            assert_eq!(check(apart, home, id(1)).await, None, "{apart}");
        }
    }
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case() {
    for store in stores().await {
        let (home, other) = filled(&store).await;
        let mut second = ranges().remove(2);
        (second.id, second.name) = (id(1), "äNDERUNG 2".into());
        second.tags.clear();
        let row = second.clone();
        assert!(matches!(store.write(move |tx| insert(tx, home, &row)).await, Err(Error::Duplicate)));
        store.write(move |tx| insert(tx, other, &second)).await.expect("free in another tenant");
        let tag = store.write(move |tx| ip_tags::insert(tx, home, &id(2), "ZEBRA", NOW));
        assert!(matches!(tag.await, Err(Error::Duplicate)));
        let listed =
            store.read(move |tx| Ok::<_, Error>((ip_tags::list(tx, home)?, ip_tags::list(tx, other)?)));
        let (listed, elsewhere) = listed.await.expect("read");
        assert_eq!(elsewhere.len(), IpTag::built_in().len());
        assert_eq!(listed.len(), elsewhere.len() + 2);
        assert!(listed.iter().position(|t| t.name == "apple") < listed.iter().position(|t| t.name == "Tor"));
    }
}

#[tokio::test]
async fn pages_hold_every_range_once_in_each_order() {
    for store in stores().await {
        let (home, _) = filled(&store).await;
        for sort in [IpRangeSort::Name, IpRangeSort::Category, IpRangeSort::Tags] {
            for ascending in [true, false] {
                let mut seen = Vec::new();
                for skip in (0..49).step_by(7) {
                    let page = Page { skip, limit: 7 };
                    let read = store.read(move |tx| list(tx, home, &[], (sort, ascending), page));
                    let (found, total) = read.await.expect("a page");
                    assert_eq!(total, 40);
                    seen.extend(found);
                }
                let key = |r: &IpRange| {
                    let tags: Vec<String> = r.tags.iter().map(|t| t.name.to_lowercase()).collect();
                    let first = match sort {
                        IpRangeSort::Name => String::new(),
                        IpRangeSort::Category => r.category.number().to_string(),
                        IpRangeSort::Tags => tags.join("\n"),
                    };
                    (first, r.name.to_lowercase())
                };
                let mut expected = ranges();
                expected.sort_by_key(key);
                if !ascending {
                    expected.reverse();
                }
                assert_eq!(seen, expected, "{sort:?} {ascending}");
            }
        }
    }
}

fn satisfies(range: &IpRange, condition: &Condition<IpRangeField>) -> bool {
    let equals = |operand: &Operand| match (condition.field, operand) {
        (IpRangeField::Category, Operand::Number(n)) => range.category.number() == *n,
        (IpRangeField::Tag, Operand::Text(id)) => range.tags.iter().any(|t| t.id.as_str() == id),
        (IpRangeField::Tag, Operand::Nothing) => range.tags.is_empty(),
        (IpRangeField::BuiltIn, Operand::Flag(yes)) => !yes,
        _ => false,
    };
    match &condition.test {
        Test::AnyOf(operands) => operands.iter().any(equals),
        Test::NoneOf(operands) => !operands.iter().any(equals),
        _ => false,
    }
}

fn condition() -> impl Strategy<Value = Condition<IpRangeField>> {
    let mut ids: Vec<Operand> = tags().iter().map(|t| Operand::Text(t.id.to_string())).collect();
    ids.extend([Operand::Text(id(999).to_string()), Operand::Nothing]);
    let several = |one: BoxedStrategy<Operand>| prop::collection::vec(one, 0..4);
    let listed = prop_oneof![
        (Just(IpRangeField::Category), several((0_i64..9).prop_map(Operand::Number).boxed())),
        (Just(IpRangeField::Tag), several(prop::sample::select(ids).boxed())),
        (Just(IpRangeField::BuiltIn), several(any::<bool>().prop_map(Operand::Flag).boxed())),
        (
            any::<bool>().prop_map(|c| if c { IpRangeField::Category } else { IpRangeField::BuiltIn }),
            several(Just(Operand::Nothing).boxed())
        ),
    ];
    (listed, any::<bool>()).prop_map(|((field, operands), positive)| Condition {
        field,
        test: if positive { Test::AnyOf(operands) } else { Test::NoneOf(operands) },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_agree_with_a_naive_model() {
    for store in stores().await {
        let (home, _) = filled(&store).await;
        let handle = tokio::runtime::Handle::current();
        let mut all = ranges();
        all.sort_by_key(|r| r.name.to_lowercase());
        tokio::task::spawn_blocking(move || {
            let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
            TestRunner::new(config)
                .run(&prop::collection::vec(condition(), 1..4), |conditions| {
                    let expected: Vec<IpRange> =
                        all.iter().filter(|r| conditions.iter().all(|c| satisfies(r, c))).cloned().collect();
                    let read = store.read(move |tx| list(tx, home, &conditions, BY_NAME, ALL));
                    let (found, total) = handle.block_on(read).expect("the query runs");
                    prop_assert_eq!(total, expected.len() as i64);
                    prop_assert_eq!(found, expected);
                    Ok(())
                })
                .expect("SQL and model agree");
        })
        .await
        .expect("the test ends");
    }
}
