//! The schema, one forward step after the other.
//!
//! A migration is written once; `{int}`, `{real}`, `{text}`, `{blob}` and `{strict}` stand for the words in
//! which the databases differ; lines after `{sqlite}` or `{postgres}`, until `{both}`, are for one of
//! them. A released migration is never edited.

use crate::{Error, Result, Tx, Value};

const MIGRATIONS: &[(&str, &str)] = &[
    ("identity", include_str!("../migrations/0001_identity.sql")),
    ("discovery", include_str!("../migrations/0002_discovery.sql")),
    ("ip_ranges", include_str!("../migrations/0003_ip_ranges.sql")),
    ("directory", include_str!("../migrations/0004_directory.sql")),
    ("credentials", include_str!("../migrations/0005_credentials.sql")),
    ("protocol", include_str!("../migrations/0006_protocol.sql")),
    ("sign_in", include_str!("../migrations/0007_sign_in.sql")),
    ("activities", include_str!("../migrations/0008_activities.sql")),
    ("use", include_str!("../migrations/0009_use.sql")),
    ("federation", include_str!("../migrations/0010_federation.sql")),
    ("identity_providers", include_str!("../migrations/0011_identity_providers.sql")),
    ("administrators", include_str!("../migrations/0012_administrators.sql")),
    ("policies", include_str!("../migrations/0013_policies.sql")),
    ("full_text", include_str!("../migrations/0014_full_text.sql")),
    ("entities", include_str!("../migrations/0015_entities.sql")),
    ("portal", include_str!("../migrations/0016_portal.sql")),
    ("detection", include_str!("../migrations/0017_detection.sql")),
    ("cloud_discovery", include_str!("../migrations/0018_cloud_discovery.sql")),
    ("user_agents", include_str!("../migrations/0019_user_agents.sql")),
    ("files", include_str!("../migrations/0020_files.sql")),
    ("file_policies", include_str!("../migrations/0021_file_policies.sql")),
    ("app_permissions", include_str!("../migrations/0022_app_permissions.sql")),
    ("activity_indexes", include_str!("../migrations/0023_activity_indexes.sql")),
    ("saved_queries", include_str!("../migrations/0024_saved_queries.sql")),
    ("file_words", include_str!("../migrations/0025_file_words.sql")),
    ("sent_alerts", include_str!("../migrations/0026_sent_alerts.sql")),
    ("forwarders", include_str!("../migrations/0027_forwarders.sql")),
];

/// The step that gives people and applications columns to be found by. SQL's own `lower` knows ASCII only,
/// so they are filled by functions such as [`crate::users::fill_keys`].
const DIRECTORY: usize = 3;
/// The step that makes entities of everybody who was there before.
const ENTITIES: &str = "entities";

/// The step that makes the index of words, which [`crate::full_text::fill`] fills.
const FULL_TEXT: &str = "full_text";
/// The step that makes the index of the words of files.
const FILE_WORDS: &str = "file_words";
/// The step that gives activities the tags of their user agents.
const USER_AGENTS: &str = "user_agents";

#[derive(Clone, Copy)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Leaves out the lines that are for the other database.
    fn own_lines(self, sql: &str) -> String {
        let mut own = true;
        let mut kept = String::new();
        for line in sql.lines() {
            match line {
                "{sqlite}" => own = matches!(self, Dialect::Sqlite),
                "{postgres}" => own = matches!(self, Dialect::Postgres),
                "{both}" => own = true,
                _ if own => {
                    kept.push_str(line);
                    kept.push('\n');
                }
                _ => {}
            }
        }
        kept
    }

    fn translate(self, sql: &str) -> String {
        let sql = self.own_lines(sql);
        let (int, real, blob, strict) = match self {
            Dialect::Sqlite => ("integer", "real", "blob", "strict, without rowid"),
            Dialect::Postgres => ("bigint", "double precision", "bytea", ""),
        };
        let sql = sql.replace("{int}", int).replace("{real}", real).replace("{blob}", blob);
        match self {
            Dialect::Sqlite => sql.replace("{strict}", strict).replace("{text}", "text"),
            // SQLite orders text by bytes; "C" makes PostgreSQL do the same, so that pages agree.
            Dialect::Postgres => sql.replace("{strict}", strict).replace("{text}", "text collate \"C\""),
        }
    }
}

/// The newest schema version that this binary knows.
pub fn latest_version() -> i64 {
    MIGRATIONS.len() as i64
}

/// The names of the steps that a database at `version` still lacks.
pub fn migrate_plan(version: i64) -> Vec<&'static str> {
    let done = usize::try_from(version).unwrap_or(0);
    MIGRATIONS.iter().skip(done).map(|(name, _)| *name).collect()
}

/// Brings the schema up to date, all steps in one transaction.
pub(crate) fn run(tx: &mut Tx<'_>) -> Result<()> {
    tx.batch("create table if not exists schema_version (version bigint not null)")?;
    let found = tx.number("select max(version) from schema_version", &[])?;
    if found > latest_version() {
        return Err(Error::TooNew { found, known: latest_version() });
    }
    let dialect = tx.dialect();
    for (index, (name, sql)) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        tx.batch(&dialect.translate(sql))?;
        if index == DIRECTORY {
            crate::users::fill_keys(tx)?;
            crate::applications::fill_keys(tx)?;
            crate::service_principals::fill_keys(tx)?;
        }
        if *name == FULL_TEXT {
            crate::full_text::fill(tx)?;
        }
        if *name == FILE_WORDS {
            crate::full_text::fill_files(tx)?;
        }
        if *name == ENTITIES {
            crate::entities::seen::fill(tx)?;
        }
        if *name == USER_AGENTS {
            crate::activities::fill_agent_tags(tx)?;
        }
        tx.execute("insert into schema_version (version) values (?1)", &[Value::Int(index as i64 + 1)])?;
    }
    Ok(())
}

/// Every step as it is written.
#[cfg(test)]
pub(crate) fn scripts() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|(_, script)| *script)
}

/// What an SQLite database of an earlier version was made by.
#[cfg(test)]
pub(crate) fn script_up_to(version: i64) -> String {
    let mut script = "create table schema_version (version bigint not null);".to_string();
    for (number, (_, sql)) in (1..=version).zip(MIGRATIONS) {
        script.push_str(&Dialect::Sqlite.translate(sql));
        script.push_str(&format!("insert into schema_version (version) values ({number});"));
    }
    script
}
