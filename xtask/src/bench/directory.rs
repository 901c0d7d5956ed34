//! A directory of 10,000 applications and 1,000,000 people, and 100,000 live refresh tokens in it.

use std::path::Path;

use casbah_model::{Clock, Guid, Tenant, Timestamp, User, UserDetails, random};
use casbah_store::token_families::{self, RefreshToken, TokenFamily};
use casbah_store::{
    Condition, Location, Order, Property, Search, Store, applications, service_principals, tenants, users,
};
use serde_json::json;

use super::{Client, people, report, resident, tokens};
use crate::server::Server;
use crate::{Failure, server};

const APPLICATIONS: usize = 10_000;
const PEOPLE: usize = 1_000_000;
const REFRESH_TOKENS: usize = 100_000;
/// Rows of one transaction.
const AT_ONCE: usize = 10_000;

pub fn run(binary: &Path) -> Result<(), Failure> {
    // A first start makes the tenant and its client.
    let folder = server::start(binary)?.into_folder()?;
    let database = folder.path().join("casbah.db");
    let before = std::fs::metadata(&database)?.len();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(fill(&database))?;
    let filled = std::fs::metadata(&database)?.len();
    let server = server::start_on(binary, folder)?;
    let without = memory_at_work(&server)?;
    let folder = server.into_folder()?;
    runtime.block_on(sign_in(&database))?;
    let signed_in = std::fs::metadata(&database)?.len();
    drop(runtime);

    let server = server::start_on(binary, folder)?;
    let with = memory_at_work(&server)?;
    report("memory_without_refresh_tokens", "MiB", || Ok((without, None)))?;
    report("memory_with_100000_refresh_tokens", "MiB", || Ok((with, Some(without))))?;
    tokens::issuance(&server, "token_issuance_of_10000_applications_1000000_people")?;
    let mib = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    report("disk_of_100000_refresh_tokens", "MiB", || Ok((mib(signed_in - filled), None)))?;
    report("disk_of_the_directory", "MiB", || Ok((mib(filled - before), None)))
}

/// Resident memory once the same has been asked of it as of any other: tokens of all kinds, so that the
/// caches of the database are full.
fn memory_at_work(server: &Server) -> Result<f64, Failure> {
    let client = Client::new(server)?;
    for _ in 0..50 {
        people::refresh(&client, 10)?;
        for _ in 0..20 {
            client.token()?;
        }
    }
    resident(server.id(), "VmRSS:")
}

async fn fill(database: &Path) -> Result<(), Failure> {
    let store = Store::open(&Location::File(database.to_path_buf())).await?;
    let now = Clock::system().now();
    let tenant = tenant(&store).await?;
    for start in (0..APPLICATIONS).step_by(AT_ONCE) {
        let made: Vec<_> = (start..start + AT_ONCE).map(|n| application(n, now)).collect();
        let tenant = tenant.clone();
        store
            .write(move |tx| {
                for (application, principal) in &made {
                    applications::insert(tx, tenant.id, application)?;
                    service_principals::insert(tx, tenant.id, principal)?;
                }
                Ok::<_, casbah_store::Error>(())
            })
            .await?;
    }
    for start in (0..PEOPLE).step_by(AT_ONCE) {
        let made: Vec<_> = (start..start + AT_ONCE).map(|n| person(n, now)).collect();
        let tenant = tenant.clone();
        store.write(move |tx| made.iter().try_for_each(|user| users::insert(tx, tenant.id, user))).await?;
    }
    Ok(())
}

/// Sign-ins of as many people, with a live refresh token each.
async fn sign_in(database: &Path) -> Result<(), Failure> {
    let store = Store::open(&Location::File(database.to_path_buf())).await?;
    let now = Clock::system().now();
    let tenant = tenant(&store).await?;
    let wanted = Search {
        condition: Condition::All(Vec::new()),
        order: Order { by: Property::Name, descending: false },
        after: None,
        limit: REFRESH_TOKENS as i64,
    };
    let people = store.read(move |tx| users::search(tx, tenant.id, &wanted)).await?;
    let tenant = self::tenant(&store).await?;
    for some in people.chunks(AT_ONCE) {
        let made: Vec<_> = some.iter().map(|user| family(user, now)).collect();
        let tenant = tenant.clone();
        store
            .write(move |tx| {
                for (family, token) in &made {
                    token_families::insert(tx, tenant.id, family)?;
                    token_families::insert_refresh_token(tx, tenant.id, token)?;
                }
                Ok::<_, casbah_store::Error>(())
            })
            .await?;
    }
    Ok(())
}

async fn tenant(store: &Store) -> Result<Tenant, Failure> {
    let all = store.read(tenants::all).await?;
    Ok(all.into_iter().next().ok_or("the server made no tenant")?)
}

fn application(number: usize, now: Timestamp) -> (casbah_model::Application, casbah_model::ServicePrincipal) {
    let (app_id, display_name) = (Guid::random(), format!("Application {number:05}"));
    let application = casbah_model::Application {
        id: Guid::random(),
        app_id,
        display_name: display_name.clone(),
        public_client: false,
        identifier_uris: Vec::new(),
        redirect_uris: Vec::new(),
        app_roles: Vec::new(),
        scopes: Vec::new(),
        required_access: Vec::new(),
        token_version: 1,
        created: now,
        details: Default::default(),
    };
    let principal = casbah_model::ServicePrincipal {
        id: Guid::random(),
        app_id,
        display_name,
        enabled: true,
        created: now,
        details: Default::default(),
    };
    (application, principal)
}

fn person(number: usize, now: Timestamp) -> User {
    User {
        id: Guid::random(),
        user_principal_name: format!("person{number:07}@large.example"),
        display_name: format!("Person {number:07}"),
        given_name: Some("Person".into()),
        surname: Some(format!("{number:07}")),
        mail: None,
        enabled: true,
        password_hash: None,
        created: now,
        sessions_valid_from: now,
        details: UserDetails::default(),
    }
}

/// A sign-in as the authority stores it, in size and shape.
fn family(user: &User, now: Timestamp) -> (TokenFamily, RefreshToken) {
    let (id, application) = (Guid::random(), Guid::random());
    let entry = json!({
        "resource": "05a65629-4c1b-48c1-a78b-804c4abdd4af",
        "permission": ".default",
        "text": "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default",
    });
    let details = json!({
        "wanted": {
            "openid": true, "profile": true, "email": false, "offline_access": true, "entries": [entry],
        },
        "sign_in": { "session": Guid::random(), "at": now, "auth_time": false, "authenticated": false },
    });
    let family = TokenFamily {
        id,
        application,
        user: user.id,
        created: now,
        revoked: None,
        parent: None,
        password_based: true,
        confidential: false,
        provider: None,
    };
    let token = RefreshToken {
        digest: random::bytes::<32>().to_vec(),
        family: id,
        details,
        created: now,
        expires: now.plus(std::time::Duration::from_secs(90 * 24 * 60 * 60)),
        replaced: None,
    };
    (family, token)
}
