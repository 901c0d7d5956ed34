//! The storage tests: the same on SQLite in memory and, when `CASBAH_TEST_DATABASE_URL` names a
//! server where databases may be created, on PostgreSQL.

mod identity;
mod people;

use casbah_model::filter::{ActivityField, Condition as Filter, Test};
use casbah_model::{Guid, Reach, Tenant, TenantId, Timestamp};

use crate::{Condition, Location, Order, Property, Search, Store, activities, tenants, users};

/// The moment at which tests take place.
pub(crate) const NOW: Timestamp = Timestamp(1_795_435_200_000);

/// An empty database of each kind that is at hand.
pub(crate) async fn stores() -> Vec<Store> {
    let mut stores = vec![Store::open(&Location::Memory).await.expect("SQLite opens")];
    if let Ok(server) = std::env::var("CASBAH_TEST_DATABASE_URL") {
        stores.push(postgres(&server).await);
    }
    stores
}

/// A tenant in the database, to hang things on.
pub(crate) async fn tenant(store: &Store, number: i64) -> TenantId {
    let tenant = Tenant {
        id: TenantId(Guid::random()),
        number,
        display_name: format!("Tenant {number}"),
        domains: vec![format!("t{number}.example"), format!("also-t{number}.example")],
        created: NOW,
    };
    let id = tenant.id;
    store.write(move |tx| tenants::insert(tx, &tenant)).await.expect("the tenant is new");
    id
}

async fn postgres(server: &str) -> Store {
    let name = format!("casbah_store_{}", casbah_model::random::text(12, b"abcdefghijklmnopqrstuvwxyz"));
    let (client, driver) =
        tokio_postgres::connect(server, tokio_postgres::NoTls).await.expect("the test server answers");
    let driver = tokio::spawn(driver);
    client.batch_execute(&format!("create database {name}")).await.expect("a database can be created");
    drop(client);
    driver.await.expect("the driver ends").expect("the connection closes");
    // Only the path of the URL names the database.
    let (base, query) = server.split_once('?').map_or((server, None), |(base, query)| (base, Some(query)));
    let authority_end = base.find("://").map_or(0, |at| at + 3);
    let path = base[authority_end..].find('/').map_or(base.len(), |at| authority_end + at);
    let query = query.map(|q| format!("?{q}")).unwrap_or_default();
    let url = format!("{}/{name}{query}", &base[..path]);
    Store::open(&Location::Postgres(url)).await.expect("PostgreSQL opens")
}

/// A database as each earlier version left it opens, keeps its rows and takes new ones.
#[tokio::test]
async fn a_database_of_every_earlier_version_is_brought_up_to_date() {
    for version in 1..crate::latest_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("casbah.db");
        let old = rusqlite::Connection::open(&path).expect("SQLite opens");
        old.execute_batch(&crate::migrations::script_up_to(version)).expect("the old schema is made");
        old.execute(
            "insert into tenants values ('7d0c2f6e-1111-4222-8333-444455556666', 90210417, 'Contoso', 1)",
            [],
        )
        .expect("a row of that time");
        let person = "insert into users (tenant, id, user_principal_name, name_key, display_name, enabled, created, \
                      sessions_valid_from) values ('7d0c2f6e-1111-4222-8333-444455556666', \
                      '7d0c2f6e-3333-4222-8333-444455556666', 'A@b', 'a@b', 'Ångström', 1, 1, 1)";
        old.execute(person, []).expect("a person of that time");
        if version >= 8 {
            old.execute_batch(
                "insert into activities (tenant, seq, id, created, source, service, instance, action, category, \
                 action_type, actor_kind, ip_category, admin, search, facts) \
                 select id, 5, 'old', 1, 2, 20595, 0, 'sign in', 'EVENT_CATEGORY_LOGIN', 'EVENT_AAD_LOGIN', 'user', 0, \
                 0, 'sign in' || char(10) || 'Mira@Lagoon.example', '{}' from tenants",
            )
            .expect("an activity of that time");
        }
        drop(old);
        let store = Store::open(&Location::File(path)).await.expect("it is brought up to date");
        let found = store.read(tenants::all).await.expect("tenants can be read");
        assert_eq!(found.len(), 1, "from version {version}");
        let condition = Condition::Starts(Property::DisplayName, "ångst".into());
        let order = Order { by: Property::Name, descending: false };
        let search = Search { condition, order, after: None, limit: 2 };
        let id = found[0].id;
        let people = store.read(move |tx| users::search(tx, id, &search)).await.expect("people can be read");
        let expected = if version > 3 { 0 } else { 1 };
        assert_eq!(people.len(), expected, "a person of version {version} is found by name");
        for (words, times) in [("lag mira", 0), ("mira lag", 1), ("in mira", 1), ("miras", 0)] {
            let test = Test::Words(vec![words.into()]);
            let wanted = vec![Filter { field: ActivityField::Text, test }];
            let count = move |tx: &mut crate::Tx<'_>| activities::count(tx, id, &Reach::Everything, &wanted);
            let found = store.read(count).await.expect("activities can be counted");
            assert_eq!(found, if version >= 8 { times } else { 0 }, "{words} from version {version}");
        }
        tenant(&store, 90_210_418).await;
        let reached = store.read(|tx| tx.number("select max(version) from schema_version", &[])).await;
        assert_eq!(reached.expect("a version"), crate::latest_version());
    }
}

/// Tables and indexes share one space of names on both databases, so a step must not take a name that is there:
/// on a database that has only the steps before it, that would be seen by nobody but its operator.
#[test]
fn names_of_tables_and_indexes_are_taken_once() {
    let mut taken: Vec<String> = Vec::new();
    for script in crate::migrations::scripts() {
        let words: Vec<String> = script
            .lines()
            .map(|line| line.split("--").next().unwrap_or_default())
            .flat_map(|line| line.split([' ', '(', ';']).filter(|word| !word.is_empty()))
            .map(str::to_lowercase)
            .collect();
        for (place, word) in words.iter().enumerate() {
            let kind = |at: usize| words.get(at).map(String::as_str);
            let name = |at: usize| words.get(at).cloned().expect("a name");
            match (word.as_str(), kind(place + 1), kind(place + 2)) {
                ("create", Some("table" | "index"), _) | ("create", Some("unique"), Some("index")) => {
                    let name = name(place + if kind(place + 1) == Some("unique") { 3 } else { 2 });
                    assert!(!taken.contains(&name), "{name} is taken twice");
                    taken.push(name);
                }
                ("drop", Some("table" | "index"), _) => {
                    let name = name(place + 2);
                    assert!(taken.contains(&name), "{name} is not there");
                    taken.retain(|known| *known != name);
                }
                _ => {}
            }
        }
    }
    assert!(taken.len() > 60, "{}", taken.len());
}
