//! The storage tests: the same on SQLite in memory and, when `CASBAH_TEST_DATABASE_URL` names a
//! server where databases may be created, on PostgreSQL.

mod identity;

use casbah_model::{Guid, Tenant, TenantId, Timestamp};

use crate::{Location, Store, tenants};

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
