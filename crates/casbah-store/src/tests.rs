//! The storage tests: the same on SQLite in memory and, when `CASBAH_TEST_DATABASE_URL` names a
//! server where databases may be created, on PostgreSQL.

mod files;
mod identity;
mod people;

use casbah_model::filter::{ActivityField, Condition as Filter, Test};
use casbah_model::{Guid, Reach, Tenant, TenantId, Timestamp};

use crate::{Condition, Location, Order, Property, Search, Store, Tx, activities, tenants, users};

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
        // From version 14 on the index of words is kept by whoever stores an activity.
        let unindexed = (8..14).contains(&version);
        if unindexed {
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
            assert_eq!(found, if unindexed { times } else { 0 }, "{words} from version {version}");
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

/// Whoever was in the directory, or did something, before there were entities is one after the upgrade.
#[tokio::test]
async fn a_database_without_entities_gets_them() {
    const CONTOSO: &str = "7d0c2f6e-1111-4222-8333-444455556666";
    const ADA: &str = "7d0c2f6e-3333-4222-8333-444455556666";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("casbah.db");
    let old = rusqlite::Connection::open(&path).expect("SQLite opens");
    let seq = |ms: i64| casbah_model::Activity::first_at(casbah_model::Timestamp(ms));
    let mut script = crate::migrations::script_up_to(12);
    script.push_str(&format!(
        "insert into tenants values ('{CONTOSO}', 90210417, 'Contoso', 1);\n\
         insert into tenant_domains values ('contoso.example', '{CONTOSO}', 0);\n"
    ));
    for (id, name, deleted) in [(ADA, "ada", "null"), ("7d0c2f6e-4444-4222-8333-444455556666", "bert", "5")] {
        script.push_str(&format!(
            "insert into users (tenant, id, user_principal_name, name_key, display_name, display_key, mail_key, given_key, \
             surname_key, nickname_key, guest, enabled, created, sessions_valid_from, details, deleted) values ('{CONTOSO}', \
             '{id}', '{name}@contoso.example', '{name}@contoso.example', '{name}', '{name}', '', '', '', '{name}', 0, 1, 1, 1, \
             '{{}}', {deleted});\n"
        ));
    }
    for (number, service, kind, actor, name, category) in [
        (1, 10489, "user", "'b-1'", "'Ada@contoso.example'", "EVENT_CATEGORY_DOWNLOAD_FILE"),
        (2, 10489, "user", "'b-1'", "'Ada@contoso.example'", "EVENT_CATEGORY_DOWNLOAD_FILE"),
        (3, 11627, "user", "null", "'Mira@lagoon.example'", "EVENT_CATEGORY_LOGIN"),
        (4, 11627, "user", "null", "'guess@lagoon.example'", "EVENT_CATEGORY_FAILED_LOGIN"),
        (5, 20595, "user", &format!("'{ADA}'"), "'ada@contoso.example'", "EVENT_CATEGORY_LOGIN"),
        (
            6,
            20595,
            "application",
            "'7d0c2f6e-5555-4222-8333-444455556666'",
            "'Robot'",
            "EVENT_CATEGORY_LOGIN",
        ),
        (7, 20595, "system", "null", "null", "EVENT_CATEGORY_CLOSE_ALERTS"),
    ] {
        script.push_str(&format!(
            "insert into activities (tenant, seq, id, created, source, service, instance, action, category, action_type, \
             actor_kind, actor, user_name, user_key, ip_category, admin, search, facts) values ('{CONTOSO}', {}, 'a-{number}', \
             1, 2, {service}, 0, 'x', '{category}', 'X', '{kind}', {actor}, {name}, lower({name}), 0, 0, '', '{{}}');\n",
            seq(number * 1000)
        ));
    }
    old.execute_batch(&script).expect("a database of that time");
    drop(old);
    let store = Store::open(&Location::File(path)).await.expect("it is brought up to date");
    let tenant: casbah_model::TenantId = CONTOSO.parse().expect("an id");
    let work = move |tx: &mut Tx<'_>| {
        use casbah_model::filter::{EntityOrder, Page};
        let all = Page { skip: 0, limit: 100 };
        let reach = casbah_model::Reach::Everything;
        crate::entities::list(tx, tenant, &reach, &[], (EntityOrder::LastSeen, true), all)
    };
    let mut found = store.read(work).await.expect("entities can be read");
    found.sort_by_key(|e| (e.last_seen, e.address.saas));
    let told: Vec<_> = found
        .iter()
        .map(|e| (e.display_name.as_str(), e.address.saas, e.status.number(), e.last_seen.map(|at| at.0)))
        .collect();
    assert_eq!(
        told,
        [
            ("bert", 11161, 4, None),
            ("ada", 10489, 0, Some(2000)),
            ("Mira@lagoon.example", 11627, 0, Some(3000)),
            ("ada", 11161, 2, Some(5000)),
            ("ada", 20595, 2, Some(5000)),
            ("Robot", 11161, 2, Some(6000)),
        ]
    );
    let ada = &found[3];
    assert_eq!(found[1].parent.as_ref(), Some(&ada.record));
    assert_eq!(found[4].parent.as_ref(), Some(&ada.record));
    assert_eq!((found[2].external, ada.external), (Some(true), Some(false)));
}

/// What was consented to before it was noted by whom is still held.
#[tokio::test]
async fn a_database_without_givers_of_consent_keeps_its_consents() {
    const CONTOSO: &str = "7d0c2f6e-1111-4222-8333-444455556666";
    const ID: &str = "7d0c2f6e-3333-4222-8333-444455556666";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("casbah.db");
    let old = rusqlite::Connection::open(&path).expect("SQLite opens");
    let mut script = crate::migrations::script_up_to(21);
    script.push_str(&format!(
        "insert into tenants values ('{CONTOSO}', 90210417, 'Contoso', 1);\n\
         insert into permission_grants (tenant, id, client, resource, principal, scopes, created) \
         values ('{CONTOSO}', '{ID}', '{ID}', '{ID}', '', '[\"read\"]', 7);\n\
         insert into app_role_assignments (tenant, id, principal, resource, app_role, created) \
         values ('{CONTOSO}', '{ID}', '{ID}', '{ID}', '{ID}', 8);\n"
    ));
    old.execute_batch(&script).expect("a database of that time");
    drop(old);
    let store = Store::open(&Location::File(path)).await.expect("it is brought up to date");
    let tenant: casbah_model::TenantId = CONTOSO.parse().expect("an id");
    let read = store.read(move |tx| {
        let roles = crate::app_role_assignments::of_applications(tx, tenant)?;
        Ok::<_, crate::Error>((crate::permission_grants::list(tx, tenant)?, roles))
    });
    let (grants, roles) = read.await.expect("reads");
    assert_eq!((grants[0].scopes.as_slice(), grants[0].granted_by), (["read".to_string()].as_slice(), None));
    assert_eq!((roles[0].created.0, roles[0].granted_by), (8, None));
}
