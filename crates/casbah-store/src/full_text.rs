//! Free-text search by an index of words: FTS5 on SQLite, GIN on PostgreSQL. This file is the only one that knows
//! which; what a search means is said by [`casbah_model::words`] and is the same on both.
//!
//! The column `search` of a record holds its words in their order, with one blank between. On PostgreSQL the index
//! is made of that column. On SQLite it is a table beside, kept in the same transactions, whose rows are
//! numbered: an activity by its place in the order of time, an alert or a file by its `doc`. The first word of a row there
//! names the tenant, so that no search reads on behalf of another.

use casbah_model::{RecordId, TenantId, words::words};

use crate::migrations::Dialect;
use crate::{Result, Tx, Value};

/// Rows that are filled together when a database is brought up to date.
const AT_ONCE: i64 = 1_000;

/// The kinds of records that have words, under the name that their table has in a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Texts {
    /// `activities a`
    Activities,
    /// `alerts a`
    Alerts,
    /// `files f`
    Files,
}

impl Texts {
    /// The table of words on SQLite.
    fn table(self) -> &'static str {
        match self {
            Texts::Activities => "activity_words",
            Texts::Alerts => "alert_words",
            Texts::Files => "file_words",
        }
    }

    /// What numbers a record there.
    fn number(self) -> &'static str {
        match self {
            Texts::Activities => "a.seq",
            Texts::Alerts => "a.doc",
            Texts::Files => "f.doc",
        }
    }

    /// The words of a record, in its own table.
    fn words(self) -> &'static str {
        match self {
            Texts::Activities | Texts::Alerts => "a.search",
            Texts::Files => "f.search",
        }
    }
}

/// Text as the column `search` has it.
pub(crate) fn searchable(text: &str) -> String {
    words(text).join(" ")
}

/// The word that stands for a tenant; its first sign is no letter, so no search for a beginning finds it.
fn word_of(tenant: TenantId) -> String {
    tenant_word(&tenant.to_string())
}

fn tenant_word(tenant: &str) -> String {
    format!("§{}", tenant.replace('-', ""))
}

/// Notes the words of a record.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    texts: Texts,
    number: i64,
    search: &str,
) -> Result<()> {
    if let Dialect::Sqlite = tx.dialect() {
        let table = texts.table();
        let text = format!("{} {search}", word_of(tenant));
        tx.execute(
            &format!("insert into {table} (rowid, words) values (?1, ?2)"),
            &[number.into(), text.into()],
        )?;
    }
    Ok(())
}

/// Whether a record of any tenant has this number; never on a database that needs no numbers.
pub(crate) fn is_taken(tx: &mut Tx<'_>, texts: Texts, number: i64) -> Result<bool> {
    match tx.dialect() {
        Dialect::Sqlite => {
            let sql = format!("select 1 from {} where rowid = ?1", texts.table());
            Ok(tx.row(&sql, &[number.into()])?.is_some())
        }
        Dialect::Postgres => Ok(false),
    }
}

/// The number of the next record; none on a database that needs no numbers.
pub(crate) fn next_number(tx: &mut Tx<'_>, texts: Texts) -> Result<Option<i64>> {
    match tx.dialect() {
        Dialect::Sqlite => {
            let sql = format!("select rowid from {} order by rowid desc limit 1", texts.table());
            Ok(Some(tx.number(&sql, &[])? + 1))
        }
        Dialect::Postgres => Ok(None),
    }
}

/// Forgets the words of the activities below a place in the order of time.
pub(crate) fn remove_activities_below(tx: &mut Tx<'_>, tenant: TenantId, end: i64) -> Result<()> {
    if let Dialect::Sqlite = tx.dialect() {
        let sql = "delete from activity_words where rowid in \
                   (select seq from activities where tenant = ?1 and seq < ?2)";
        tx.execute(sql, &[tenant.into(), end.into()])?;
    }
    Ok(())
}

/// Forgets the words of an alert that is about to go.
pub(crate) fn remove_alert(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    if let Dialect::Sqlite = tx.dialect() {
        let sql = "delete from alert_words where rowid in \
                   (select doc from alerts where tenant = ?1 and id = ?2 and doc is not null)";
        tx.execute(sql, &[tenant.into(), id.into()])?;
    }
    Ok(())
}

/// Forgets the words of a file that is about to go or to change.
pub(crate) fn remove_file(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    if let Dialect::Sqlite = tx.dialect() {
        let sql = "delete from file_words where rowid in \
                   (select doc from files where tenant = ?1 and id = ?2 and doc is not null)";
        tx.execute(sql, &[tenant.into(), id.into()])?;
    }
    Ok(())
}

/// What is searched for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// Every word, in any order; the last one may be the beginning of a word.
    Words,
    /// The words one after the other, each whole.
    Phrase,
}

/// The condition that a record has what `text` asks for; `values` holds what is already numbered, the tenant
/// first. A text without words is no constraint.
pub(crate) fn has(
    dialect: Dialect,
    texts: Texts,
    text: &str,
    wanted: Wanted,
    values: &mut Vec<Value>,
) -> String {
    let all = words(text);
    if all.is_empty() {
        return "1 = 1".into();
    }
    let mut sql = indexed(dialect, texts, &all, wanted, values);
    if wanted == Wanted::Phrase && all.len() > 1 {
        // The index knows which words there are, not where.
        values.push(format!("% {} %", all.join(" ")).into());
        sql.push_str(&format!(" and ' ' || {} || ' ' like ?{}", texts.words(), values.len()));
    }
    sql
}

/// The same without the index: what a record's own column `a.search` says. For records that were found in another
/// way, since the index can only say all at once that have a word.
pub(crate) fn reads(text: &str, wanted: Wanted, values: &mut Vec<Value>) -> String {
    let all = words(text);
    if all.is_empty() {
        return "1 = 1".into();
    }
    let patterns = match wanted {
        Wanted::Phrase => vec![format!("% {} %", all.join(" "))],
        Wanted::Words => {
            let last = all.len() - 1;
            let one = |(at, word): (usize, &String)| {
                if at == last { format!("% {word}%") } else { format!("% {word} %") }
            };
            all.iter().enumerate().map(one).collect()
        }
    };
    let one = |pattern: String| {
        values.push(pattern.into());
        format!("' ' || a.search || ' ' like ?{}", values.len())
    };
    patterns.into_iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// The records that have what `text` asks for, in the order of their numbers: a `from` with its condition, and
/// what is the number in it. None where the index has no order, and for a text without words.
pub(crate) fn stream(
    dialect: Dialect,
    texts: Texts,
    text: &str,
    wanted: Wanted,
    values: &mut Vec<Value>,
) -> Option<(String, &'static str)> {
    let all = words(text);
    let Dialect::Sqlite = dialect else { return None };
    if all.is_empty() {
        return None;
    }
    values.push(sqlite_query(&all, wanted, values)?.into());
    let table = texts.table();
    Some((format!("from {table} where {table} match ?{}", values.len()), "rowid"))
}

/// A query of FTS5; none without a tenant, which stands before all conditions.
fn sqlite_query(all: &[String], wanted: Wanted, values: &[Value]) -> Option<String> {
    let Some(Value::Text(tenant)) = values.first() else { return None };
    let mut query = format!("\"{}\"", tenant_word(tenant));
    for (at, word) in all.iter().enumerate() {
        let star = if at + 1 == all.len() && wanted == Wanted::Words { " *" } else { "" };
        query.push_str(&format!(" AND \"{word}\"{star}"));
    }
    Some(query)
}

/// The condition by the index alone.
fn indexed(
    dialect: Dialect,
    texts: Texts,
    all: &[String],
    wanted: Wanted,
    values: &mut Vec<Value>,
) -> String {
    let last = all.len() - 1;
    match dialect {
        Dialect::Sqlite => {
            let Some(query) = sqlite_query(all, wanted, values) else { return "1 = 0".into() };
            values.push(query.into());
            let (table, number) = (texts.table(), texts.number());
            format!("{number} in (select rowid from {table} where {table} match ?{})", values.len())
        }
        Dialect::Postgres => {
            let query: Vec<String> = all
                .iter()
                .enumerate()
                .map(|(at, word)| {
                    let star = if at == last && wanted == Wanted::Words { ":*" } else { "" };
                    format!("'{word}'{star}")
                })
                .collect();
            values.push(query.join(" & ").into());
            let (place, words) = (values.len(), texts.words());
            format!(
                "array_to_tsvector(array_remove(string_to_array({words}, ' '), '')) \
                 @@ cast(cast(?{place} as text) as tsquery)"
            )
        }
    }
}

/// Gives the records that exist their words; for the migration that makes the index.
pub(crate) fn fill(tx: &mut Tx<'_>) -> Result<()> {
    fill_activities(tx)?;
    fill_alerts(tx)
}

fn fill_activities(tx: &mut Tx<'_>) -> Result<()> {
    let mut after = (String::new(), 0_i64);
    loop {
        let sql = "select tenant, seq, search from activities where (tenant, seq) > (?1, ?2) \
                   order by tenant, seq limit ?3";
        let rows = tx.rows(sql, &[after.0.as_str().into(), after.1.into(), AT_ONCE.into()])?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let mut r = row.read();
            let (tenant, seq, text): (TenantId, i64, String) = (r.take()?, r.take()?, r.take()?);
            after = (tenant.to_string(), seq);
            let search = searchable(&text);
            tx.execute(
                "update activities set search = ?3 where tenant = ?1 and seq = ?2",
                &[tenant.into(), seq.into(), search.as_str().into()],
            )?;
            let seq = free_place(tx, tenant, seq)?;
            insert(tx, tenant, Texts::Activities, seq, &search)?;
        }
    }
}

/// Two tenants may have used one place, which the index cannot tell apart: the second one moves on.
fn free_place(tx: &mut Tx<'_>, tenant: TenantId, seq: i64) -> Result<i64> {
    let mut free = seq;
    loop {
        let sql = "select 1 from activities where tenant = ?1 and seq = ?2";
        let own = free != seq && tx.row(sql, &[tenant.into(), free.into()])?.is_some();
        if !own && !is_taken(tx, Texts::Activities, free)? {
            break;
        }
        free += 1;
    }
    if free != seq {
        for table in ["activities", "activity_terms"] {
            let sql = format!("update {table} set seq = ?3 where tenant = ?1 and seq = ?2");
            tx.execute(&sql, &[tenant.into(), seq.into(), free.into()])?;
        }
    }
    Ok(free)
}

/// Gives the files that exist their words; for the migration that makes their index.
pub(crate) fn fill_files(tx: &mut Tx<'_>) -> Result<()> {
    let mut after = (String::new(), String::new());
    loop {
        let sql =
            "select tenant, id, name from files where (tenant, id) > (?1, ?2) order by tenant, id limit ?3";
        let rows = tx.rows(sql, &[after.0.as_str().into(), after.1.as_str().into(), AT_ONCE.into()])?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let mut r = row.read();
            let (tenant, id, name): (TenantId, String, String) = (r.take()?, r.take()?, r.take()?);
            let (search, number) = (searchable(&name), next_number(tx, Texts::Files)?);
            tx.execute(
                "update files set search = ?3, doc = ?4 where tenant = ?1 and id = ?2",
                &[tenant.into(), id.as_str().into(), search.as_str().into(), number.into()],
            )?;
            if let Some(number) = number {
                insert(tx, tenant, Texts::Files, number, &search)?;
            }
            after = (tenant.to_string(), id);
        }
    }
}

fn fill_alerts(tx: &mut Tx<'_>) -> Result<()> {
    let rows = tx.rows("select tenant, id, search from alerts order by tenant, id", &[])?;
    for row in rows {
        let mut r = row.read();
        let (tenant, id, text): (TenantId, String, String) = (r.take()?, r.take()?, r.take()?);
        let (search, number) = (searchable(&text), next_number(tx, Texts::Alerts)?);
        tx.execute(
            "update alerts set search = ?3, doc = ?4 where tenant = ?1 and id = ?2",
            &[tenant.into(), id.into(), search.as_str().into(), number.into()],
        )?;
        if let Some(number) = number {
            insert(tx, tenant, Texts::Alerts, number, &search)?;
        }
    }
    Ok(())
}
