//! People found by what is known of them, groups in groups, the deleted items.

use casbah_model::{
    Group, GroupDetails, Guid, ObjectKind, ObjectRef, ROLES, TenantId, Timestamp, User, UserDetails,
};

use super::{NOW, stores, tenant};
use crate::{Condition, Error, Order, Property, Search, Store, Tx, groups, owners, search, users};

async fn run<T, F>(store: &Store, work: F) -> T
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> crate::Result<T> + Send + 'static,
{
    store.write(work).await.expect("the transaction succeeds")
}

fn person(name: &str, display_name: &str) -> User {
    User {
        id: Guid::random(),
        user_principal_name: format!("{name}@t1.example"),
        display_name: display_name.into(),
        given_name: None,
        surname: None,
        mail: Some(format!("{name}@Mail.example")),
        enabled: name != "carl",
        password_hash: None,
        created: NOW,
        sessions_valid_from: NOW,
        details: UserDetails { guest: name == "dora", ..UserDetails::default() },
    }
}

async fn add(store: &Store, tenant: TenantId, user: User) -> Guid {
    let id = user.id;
    run(store, move |tx| users::insert(tx, tenant, &user)).await;
    id
}

async fn add_group(store: &Store, tenant: TenantId, name: &str) -> Guid {
    let group = Group {
        id: Guid::random(),
        display_name: name.into(),
        details: GroupDetails::default(),
        created: NOW,
    };
    let id = group.id;
    run(store, move |tx| groups::insert(tx, tenant, &group)).await;
    id
}

fn wanted(condition: Condition, by: Property) -> Search {
    Search { condition, order: Order { by, descending: false }, after: None, limit: 10 }
}

async fn names(store: &Store, tenant: TenantId, condition: Condition) -> Vec<String> {
    let search = wanted(condition, Property::DisplayName);
    run(store, move |tx| {
        let found = users::search(tx, tenant, &search)?;
        assert_eq!(users::count(tx, tenant, &search)?, found.len() as i64);
        Ok(found.into_iter().map(|u| u.display_name).collect())
    })
    .await
}

#[tokio::test]
async fn people_are_found_by_conditions() {
    for store in stores().await {
        let (one, two) = (tenant(&store, 1).await, tenant(&store, 2).await);
        for (name, display_name) in
            [("ada", "Ångström Ada"), ("bert", "bert O'Neil"), ("carl", "Carl 100%"), ("dora", "Dora _")]
        {
            add(&store, one, person(name, display_name)).await;
        }
        add(&store, two, person("eve", "Bert of another tenant")).await;
        let key = |text: &str| search::key(text);
        let cases = [
            (Condition::Starts(Property::DisplayName, key("BERT")), vec!["bert O'Neil"]),
            (Condition::Starts(Property::DisplayName, key("ÅNG")), vec!["Ångström Ada"]),
            (Condition::Starts(Property::DisplayName, key("%")), vec![]),
            (Condition::Starts(Property::DisplayName, key("dora _")), vec!["Dora _"]),
            (Condition::Is(Property::Mail, key("CARL@mail.example").into()), vec!["Carl 100%"]),
            (Condition::Is(Property::Guest, true.into()), vec!["Dora _"]),
            (Condition::Is(Property::Enabled, false.into()), vec!["Carl 100%"]),
            (Condition::Word(key("neil")), vec!["bert O'Neil"]),
            (Condition::Word(key("ad")), vec!["Ångström Ada"]),
            (Condition::Word(key("bert@t1")), vec![]),
            (Condition::Starts(Property::Name, key("bert@T1")), vec!["bert O'Neil"]),
            (Condition::Any(vec![]), vec![]),
            (
                Condition::All(vec![
                    Condition::Not(Box::new(Condition::Is(Property::Guest, true.into()))),
                    Condition::Any(vec![
                        Condition::Starts(Property::Name, key("Ada@")),
                        Condition::Starts(Property::DisplayName, key("d")),
                    ]),
                ]),
                vec!["Ångström Ada"],
            ),
        ];
        for (condition, expected) in cases {
            assert_eq!(names(&store, one, condition.clone()).await, expected, "{condition:?}");
        }
        let mut changed = person("ada", "Ada Lindqvist");
        let search = wanted(Condition::Is(Property::Name, key("ada@t1.example").into()), Property::Name);
        changed.id = run(&store, move |tx| Ok(users::search(tx, one, &search)?[0].id)).await;
        run(&store, move |tx| users::save(tx, one, &changed)).await;
        assert_eq!(names(&store, one, Condition::Word(key("ång"))).await, Vec::<String>::new());
        assert_eq!(names(&store, one, Condition::Word(key("lind"))).await, ["Ada Lindqvist"]);
    }
}

#[tokio::test]
async fn pages_go_down_as_well_as_up() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        for n in 0..5 {
            // Two with the same name: the id keeps them apart.
            add(&store, one, person(&format!("p{n}"), if n < 2 { "Same" } else { "Zoe" })).await;
        }
        for descending in [false, true] {
            let seen = run(&store, move |tx| {
                let order = Order { by: Property::DisplayName, descending };
                let mut search = Search { condition: Condition::All(vec![]), order, after: None, limit: 2 };
                let mut seen = Vec::new();
                loop {
                    let page = users::search(tx, one, &search)?;
                    let Some(last) = page.last() else { return Ok(seen) };
                    search.after = Some((search::key(&last.display_name), last.id));
                    seen.extend(page.into_iter().map(|u| u.user_principal_name));
                }
            })
            .await;
            let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
            assert_eq!((seen.len(), distinct.len()), (5, 5), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn a_deleted_person_is_seen_nowhere_and_can_come_back() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        let id = add(&store, one, person("ada", "Ada")).await;
        let template = ROLES[0].template;
        run(&store, move |tx| users::add_role(tx, one, id, template, NOW)).await;
        run(&store, move |tx| {
            assert!(users::soft_delete(tx, one, id, NOW)?);
            assert!(!users::soft_delete(tx, one, id, Timestamp(NOW.0 + 1))?);
            assert!(users::find(tx, one, id)?.is_none());
            assert!(users::find_by_name(tx, one, "ada@t1.example")?.is_none());
            assert_eq!(users::count_enabled_with_role(tx, one, template)?, 0);
            let deleted = users::list_deleted(tx, one, None, 10)?;
            assert_eq!((deleted.len(), deleted[0].0.id, deleted[0].1), (1, id, NOW));
            Ok(())
        })
        .await;
        assert!(names(&store, one, Condition::All(vec![])).await.is_empty());

        let twin = add(&store, one, person("ada", "Another Ada")).await;
        let refused = store.write(move |tx| users::restore(tx, one, id)).await;
        assert!(matches!(refused, Err(Error::Duplicate)), "{refused:?}");
        run(&store, move |tx| {
            assert!(users::soft_delete(tx, one, twin, NOW)?);
            assert!(users::restore(tx, one, id)?);
            assert!(!users::restore(tx, one, id)?);
            assert_eq!(users::find_by_name(tx, one, "ADA@t1.example")?.map(|u| u.id), Some(id));
            assert_eq!(users::count_enabled_with_role(tx, one, template)?, 1);
            assert!(users::purge(tx, one, twin)?);
            assert!(users::list_deleted(tx, one, None, 10)?.is_empty());
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn membership_goes_through_groups_and_survives_circles() {
    for store in stores().await {
        let (one, two) = (tenant(&store, 1).await, tenant(&store, 2).await);
        let ada = add(&store, one, person("ada", "Ada")).await;
        let mut all = Vec::new();
        for name in ["inner", "middle", "outer", "elsewhere"] {
            all.push(add_group(&store, one, name).await);
        }
        let [inner, middle, outer, elsewhere] = all[..] else { unreachable!() };
        let user = ObjectRef { id: ada, kind: ObjectKind::User };
        let group = |id| ObjectRef { id, kind: ObjectKind::Group };
        run(&store, move |tx| {
            assert!(groups::add_member(tx, one, inner, user)?);
            assert!(!groups::add_member(tx, one, inner, user)?);
            groups::add_member(tx, one, middle, group(inner))?;
            groups::add_member(tx, one, outer, group(middle))?;
            // A circle.
            groups::add_member(tx, one, inner, group(outer))?;
            let mut held = vec![inner, middle, outer];
            held.sort();
            assert_eq!(groups::of_member(tx, one, ada)?, held);
            assert_eq!(groups::direct_of_member(tx, one, ada)?, [inner]);
            assert!(groups::of_member(tx, two, ada)?.is_empty(), "another tenant sees nothing");
            assert!(!held.contains(&elsewhere));
            let inside = groups::transitive_members(tx, one, outer, None, 10)?;
            assert_eq!(inside.len(), 4, "Ada and the three groups of the circle: {inside:?}");
            assert!(inside.contains(&user));
            assert_eq!(groups::members(tx, one, inner, None, 1)?.len(), 1);

            // Without the one in the middle nothing leads out of the inner one.
            assert!(groups::soft_delete(tx, one, middle, NOW)?);
            assert_eq!(groups::of_member(tx, one, ada)?, [inner]);
            assert!(!groups::transitive_members(tx, one, outer, None, 10)?.contains(&user));
            assert!(groups::restore(tx, one, middle)?);
            assert_eq!(groups::of_member(tx, one, ada)?.len(), 3);
            assert!(groups::purge(tx, one, middle)?);
            assert_eq!(groups::of_member(tx, one, ada)?, [inner]);
            assert!(groups::members(tx, one, outer, None, 10)?.is_empty());
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_role_of_a_group_is_held_by_those_in_it() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        let ada = add(&store, one, person("ada", "Ada")).await;
        let admins = add_group(&store, one, "Admins").await;
        run(&store, move |tx| {
            users::add_role(tx, one, admins, ROLES[0].template, NOW)?;
            assert!(users::roles(tx, one, ada)?.is_empty());
            groups::add_member(tx, one, admins, ObjectRef { id: ada, kind: ObjectKind::User })?;
            assert_eq!(users::roles(tx, one, ada)?, [&ROLES[0]]);
            assert_eq!(users::count_enabled_with_role(tx, one, ROLES[0].template)?, 1);
            assert_eq!(users::role_assignments(tx, one, Some(ROLES[0].template), None)?[0].holder, admins);
            groups::soft_delete(tx, one, admins, NOW)?;
            assert!(users::roles(tx, one, ada)?.is_empty());
            assert_eq!(users::count_enabled_with_role(tx, one, ROLES[0].template)?, 0);
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn owners_are_kept_per_object() {
    for store in stores().await {
        let (one, two) = (tenant(&store, 1).await, tenant(&store, 2).await);
        let (owned, owner) = (Guid::random(), ObjectRef { id: Guid::random(), kind: ObjectKind::User });
        run(&store, move |tx| {
            assert!(owners::add(tx, one, owned, owner)?);
            assert!(!owners::add(tx, one, owned, owner)?);
            assert_eq!(owners::of(tx, one, owned)?, [owner]);
            assert_eq!(owners::owned_by(tx, one, owner.id)?, [owned]);
            assert!(owners::is_owner(tx, one, owned, owner.id)?);
            assert!(!owners::is_owner(tx, two, owned, owner.id)?);
            assert!(owners::remove(tx, one, owned, owner.id)?);
            assert!(!owners::remove(tx, one, owned, owner.id)?);
            Ok(())
        })
        .await;
    }
}
