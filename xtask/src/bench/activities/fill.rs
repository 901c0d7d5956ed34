//! A tenant's activities of some time, made up: people who sign in, changes by administrators, and what
//! other apps report, in the shares that an organisation has of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use casbah_model::{Activity, ActivityFacts, ActivityObject, Clock, Timestamp, user_agent};
use rusqlite::{Connection, params};
use serde_json::json;

use super::super::spread;
use crate::{Failure, step};

/// Milliseconds from one activity to the next: ten million in 174 days.
const APART: u64 = 1500;
/// The row that has what no other has.
const RARE: u64 = 5;
/// Rows of one transaction.
const AT_ONCE: u64 = 500_000;

/// Fills the table, in the order of time, so that each index grows at few places.
pub fn fill(database: &Path, rows: u64) -> Result<(), Failure> {
    step(&format!("Making {rows} activities"));
    let mut connection = Connection::open(database)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "cache_size", -2_000_000)?;
    let tenant: String = connection.query_row("select id from tenants", [], |row| row.get(0))?;
    let now = Clock::system().now().0;
    for start in (0..rows).step_by(AT_ONCE as usize) {
        let tx = connection.transaction()?;
        for number in start..(start + AT_ONCE).min(rows) {
            let age = i64::try_from((rows - number) * APART)?;
            insert(&tx, &tenant, number, rows, Timestamp(now - age))?;
        }
        tx.commit()?;
    }
    Ok(())
}

/// What kind of thing happens: share in a thousand, words, category, type, service, whether it is
/// administration.
type Kind = (u64, &'static str, &'static str, &'static str, i64, bool);
const KINDS: [Kind; 10] = [
    (520, "sign in to application", "EVENT_CATEGORY_LOGIN", "EVENT_AAD_LOGIN", 20595, false),
    (40, "failed sign-in", "EVENT_CATEGORY_FAILED_LOGIN", "EVENT_AAD_LOGIN_FAILED", 20595, false),
    (30, "sign out", "EVENT_CATEGORY_LOGOUT", "EVENT_AAD_LOGOUT", 20595, false),
    (200, "view file", "EVENT_CATEGORY_VIEW_FILE", "EVENT_O365_FILE_VIEWED", 11161, false),
    (100, "download file", "EVENT_CATEGORY_DOWNLOAD_FILE", "EVENT_O365_FILE_DOWNLOADED", 11161, false),
    (50, "upload file", "EVENT_CATEGORY_UPLOAD_FILE", "EVENT_ONEDRIVE_FILE_UPLOADED", 15600, false),
    (40, "edit file", "EVENT_CATEGORY_EDIT_FILE", "EVENT_ONEDRIVE_FILE_EDITED", 15600, false),
    (10, "update user", "EVENT_CATEGORY_UPDATE_USER", "EVENT_CASBAH_UPDATE_USER", 20595, true),
    (6, "add secret", "EVENT_CATEGORY_ADD_SECRET", "EVENT_CASBAH_ADD_SECRET", 20595, true),
    (4, "close alert", "EVENT_CATEGORY_CLOSE_ALERT", "EVENT_CASBAH_CLOSE_ALERT", 20595, true),
];
const RETIRE: Kind =
    (0, "retire tenant", "EVENT_CATEGORY_RETIRE_TENANT", "EVENT_CASBAH_RETIRE_TENANT", 10980, true);
const AGENTS: [(&str, &str); 5] = [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0", "DESKTOP"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1", "DESKTOP"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148", "MOBILE"),
    ("python-requests/2.32.3", "OTHER"),
    ("azsdk-net-Identity/1.13.1", "OTHER"),
];
const COUNTRIES: [&str; 12] = ["DE", "FR", "US", "GB", "NL", "IT", "ES", "PL", "IN", "JP", "BR", "SE"];

/// One of `count`, the first ones much oftener than the last ones.
fn favourite(random: u64, count: u64) -> u64 {
    let part = (random % 1_000_000) as f64 / 1_000_000.0;
    (part.powi(4) * count as f64) as u64
}

fn insert(tx: &Connection, tenant: &str, number: u64, rows: u64, at: Timestamp) -> Result<(), Failure> {
    // Counted from the end, so that the newest rows are the same in a large and in a small table.
    let random = |what: u64| spread((rows - number) * 16 + what);
    let rare = number == RARE;
    let mut share = random(0) % 1000;
    let kind = KINDS.into_iter().find(|kind| {
        let found = share < kind.0;
        share = share.saturating_sub(kind.0);
        found
    });
    let (_, action, category, action_type, service, admin) =
        if rare { RETIRE } else { kind.unwrap_or(KINDS[0]) };
    let person = favourite(random(1), 20_000);
    let (actor, user) = if rare {
        ("ffffffff-0000-4000-8000-000000000000".to_string(), "leaver@old.example".to_string())
    } else {
        (format!("{person:08x}-0000-4000-8000-000000000000"), format!("person{person:05}@large.example"))
    };
    // Applications that act as themselves have no sign-in name, nor does the system.
    let user = Some(user).filter(|_| rare || random(2) % 10 != 0);
    let client = favourite(random(3), 300);
    let client = if rare { u64::from(u32::MAX) } else { client };
    let client = Some(format!("{client:08x}-0000-4000-9000-000000000000"))
        .filter(|_| rare || category == "EVENT_CATEGORY_LOGIN" || random(4) % 4 == 0);
    let place = favourite(random(5), 30_000);
    let address = if rare {
        "203.0.113.77".into()
    } else {
        format!("10.{}.{}.{}", place >> 16, place >> 8 & 255, place & 255)
    };
    let known = rare || !place.is_multiple_of(3);
    let country = known.then_some(if rare { "AQ" } else { COUNTRIES[favourite(spread(place), 12) as usize] });
    let organization = known.then(|| {
        if rare { "Gone Ltd".into() } else { format!("Carrier {}", favourite(spread(place + 1), 200)) }
    });
    let (agent, device) = if rare {
        ("Googlebot/2.1 (+http://www.google.com/bot.html) ancient/0.1", "TABLET")
    } else {
        AGENTS[favourite(random(6), 5) as usize]
    };
    let (agent, device) =
        if rare || random(7) % 20 != 0 { (Some(agent), Some(device)) } else { (None, None) };
    let failure = match category {
        "EVENT_CATEGORY_FAILED_LOGIN" => Some(50126),
        _ => rare.then_some(50057),
    };
    let object = match (rare, category) {
        (true, _) => ("tenant", "the one that left".to_string()),
        (_, "EVENT_CATEGORY_LOGIN") if random(8) % 2 == 0 => {
            ("service principal", "05a65629-4c1b-48c1-a78b-804c4abdd4af".to_string())
        }
        _ => ("file", format!("{:016x}", favourite(random(9), 1_000_000))),
    };
    let tags = match (rare, place % 8) {
        (true, _) => vec!["000000320000000000000000".to_string()],
        (_, 0) => vec!["000000310000000000000000".to_string()],
        _ => Vec::new(),
    };
    let ip_category = if rare { 3 } else { i64::from(place.is_multiple_of(2)) };
    let facts = ActivityFacts {
        service_name: "Casbah".into(),
        user_agent: agent.map(str::to_string),
        objects: vec![ActivityObject { kind: object.0.into(), id: object.1.clone(), name: String::new() }],
        ip_tags: tags.clone(),
        details: json!({ "grantType": "client_credentials", "interactive": false }),
        ..ActivityFacts::default()
    };
    let words =
        [Some(action), user.as_deref(), Some(&address), agent, organization.as_deref(), Some(&object.1)];
    let search =
        casbah_model::words::words(&words.into_iter().flatten().collect::<Vec<_>>().join("\n")).join(" ");
    let seq = Activity::place(at, 0);
    let mut statement = tx.prepare_cached(
        "insert into activities (tenant, seq, id, created, source, service, instance, action, category, action_type, \
         actor_kind, actor, user_name, user_key, user_domain, client, address, ip_category, country, organization, \
         device_type, agent_key, admin, failure, search, facts) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
         'user', ?11, ?12, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
    )?;
    statement.execute(params![
        tenant,
        seq,
        format!("{number:024x}"),
        at.0,
        if rare { 1 } else { 2 },
        service,
        if rare { 7 } else { i64::from(service == 15600) },
        action,
        category,
        action_type,
        actor,
        user,
        user.as_ref().and_then(|name| name.split_once('@')).map(|(_, domain)| domain),
        client,
        address,
        ip_category,
        country,
        organization,
        device,
        agent.map(str::to_lowercase),
        admin,
        failure,
        &search,
        serde_json::to_string(&facts)?,
    ])?;
    let mut statement = tx.prepare_cached("insert into activity_words (rowid, words) values (?1, ?2)")?;
    statement.execute(params![seq, format!("§{} {search}", tenant.replace('-', ""))])?;
    let mut statement =
        tx.prepare_cached("insert into activity_terms (tenant, kind, term, seq) values (?1, ?2, ?3, ?4)")?;
    statement.execute(params![tenant, 1, object.1, seq])?;
    for tag in tags {
        statement.execute(params![tenant, 2, tag, seq])?;
    }
    for tag in agent.into_iter().flat_map(agent_tags) {
        statement.execute(params![tenant, 3, tag, seq])?;
    }
    Ok(())
}

/// The tags of a user agent; each is parsed once.
fn agent_tags(agent: &str) -> Vec<&'static str> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Vec<&'static str>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let parse = || user_agent::parse(agent, Clock::system().now()).tags;
        known.entry(agent.to_string()).or_insert_with(parse).clone()
    })
}
