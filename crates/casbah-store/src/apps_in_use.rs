//! Which apps a tenant has records of, and which kinds of activities there are of each.

use casbah_model::{Activity, ActivityFacts, TenantId, Timestamp};

use crate::{Result, Row, Tx};

/// Of the activities of an app, so many of the latest tell which kinds there are.
const LOOKED_AT: i64 = 20_000;

/// An app that there are records of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppInUse {
    /// Its number.
    pub app: i64,
    /// Its name as the latest activity has it; none where there is none.
    pub name: Option<String>,
    /// Accounts and people.
    pub accounts: i64,
    /// Files that are there.
    pub files: i64,
    /// When the latest activity was.
    pub last_activity: Option<Timestamp>,
}

/// The apps that there are activities, accounts or files of, by number.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<AppInUse>> {
    // From each app on to the next, so that it costs as much as there are apps, not activities.
    let sql = "with recursive seen (app) as ( \
                 select (select min(a.service) from activities a where a.tenant = ?1) \
                 union all \
                 select (select min(a.service) from activities a where a.tenant = ?1 and a.service > s.app) \
                 from seen s where s.app is not null \
               ), acting (app, seq) as ( \
                 select s.app, (select max(a.seq) from activities a where a.tenant = ?1 and a.service = s.app) \
                 from seen s where s.app is not null \
               ) select x.app, a.facts, a.seq, \
               (select count(*) from entities e where e.tenant = ?1 and e.saas = x.app), \
               (select count(*) from files f where f.tenant = ?1 and f.service = x.app and f.state = 0) \
               from (select app from acting union select e.saas as app from entities e where e.tenant = ?1 \
               union select f.service as app from files f where f.tenant = ?1 and f.state = 0) x \
               left join acting t on t.app = x.app \
               left join activities a on a.tenant = ?1 and a.seq = t.seq order by x.app";
    let read = |row: Row| {
        let mut r = row.read();
        let app = r.take()?;
        let facts: Option<String> = r.take()?;
        let seq: Option<i64> = r.take()?;
        let facts = facts.and_then(|facts| serde_json::from_str::<ActivityFacts>(&facts).ok());
        Ok(AppInUse {
            app,
            name: facts.map(|facts| facts.service_name).filter(|name| !name.is_empty()),
            last_activity: seq.map(Activity::at_place),
            accounts: r.take()?,
            files: r.take()?,
        })
    };
    tx.rows(sql, &[tenant.into()])?.into_iter().map(read).collect()
}

/// The kinds of activities of an app, category and fine type, by name; the latest activities tell them.
pub fn activity_types(tx: &mut Tx<'_>, tenant: TenantId, app: i64) -> Result<Vec<(String, String)>> {
    let sql = "select distinct x.category, x.action_type from (select a.category, a.action_type from activities a \
               where a.tenant = ?1 and a.service = ?2 order by a.seq desc limit ?3) x order by x.category, x.action_type";
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    };
    tx.rows(sql, &[tenant.into(), app.into(), LOOKED_AT.into()])?.into_iter().map(read).collect()
}
