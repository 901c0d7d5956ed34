//! Finding objects of the directory: conditions, order and pages as one statement that an index serves.
//!
//! Texts are compared without regard to case: next to each text that is searched there is a column with
//! its [`key`]. Words of names stand in a table of their own, which serves `$search`.

use casbah_model::{Guid, ObjectKind, ObjectRef, TenantId};

use crate::{Result, Row, Tx, Value};

/// What texts are compared by.
pub fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// What a condition can be about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Property {
    /// Object id.
    Id,
    /// Sign-in name (people only).
    Name,
    /// Name for people.
    DisplayName,
    /// Address for mail (people only).
    Mail,
    /// `mailNickname` (people and groups only).
    Nickname,
    /// First name (people only).
    GivenName,
    /// Family name (people only).
    Surname,
    /// Whether the person may sign in.
    Enabled,
    /// Whether the person is a guest.
    Guest,
    /// When it was made, in milliseconds.
    Created,
    /// Application id (applications and service principals only).
    AppId,
    /// Whether the application may come without a credential (applications only).
    PublicClient,
}

impl Property {
    fn column(self) -> &'static str {
        match self {
            Property::Id => "id",
            Property::Name => "name_key",
            Property::DisplayName => "display_key",
            Property::Mail => "mail_key",
            Property::Nickname => "nickname_key",
            Property::GivenName => "given_key",
            Property::Surname => "surname_key",
            Property::Enabled => "enabled",
            Property::Guest => "guest",
            Property::Created => "created",
            Property::AppId => "app_id",
            Property::PublicClient => "public_client",
        }
    }
}

/// A condition on an object. Texts are given as their [`key`]; an absent text is the empty key.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// All of these; none is always true.
    All(Vec<Condition>),
    /// One of these; none is never true.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// The property has this value.
    Is(Property, Value),
    /// The text begins with this key.
    Starts(Property, String),
    /// The property is at least this.
    AtLeast(Property, Value),
    /// The property is at most this.
    AtMost(Property, Value),
    /// A word of the name begins with this key.
    Word(String),
    /// One of its names as a resource is this: an identifier URI, and of a service principal the
    /// application id too.
    Named(String),
}

/// In which order objects come; ties are broken by the id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// By what.
    pub by: Property,
    /// The other way round.
    pub descending: bool,
}

/// Which objects are wanted.
#[derive(Clone, PartialEq, Debug)]
pub struct Search {
    /// What they fulfil.
    pub condition: Condition,
    /// In which order.
    pub order: Order,
    /// The key and the id at which the page before ended.
    pub after: Option<(String, Guid)>,
    /// Most objects of the page.
    pub limit: i64,
}

/// The kind of an application in `directory_words`.
const APPLICATION: &str = "Application";

/// The table that is searched.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    Users,
    Groups,
    Applications,
    ServicePrincipals,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Users => "users",
            Table::Groups => "groups_of_people",
            Table::Applications => "applications",
            Table::ServicePrincipals => "service_principals",
        }
    }

    /// As in the column `kind` of `directory_words`.
    fn kind(self) -> &'static str {
        match self {
            Table::Users => ObjectKind::User.name(),
            Table::Groups => ObjectKind::Group.name(),
            Table::Applications => APPLICATION,
            Table::ServicePrincipals => ObjectKind::ServicePrincipal.name(),
        }
    }

    /// What a resource is named by; the parameter is the name in lower case.
    fn named(self, name: &str) -> String {
        let holders = format!("select application from identifier_uris where tenant = ?1 and uri = {name}");
        match self {
            Table::Applications => format!("id in ({holders})"),
            Table::ServicePrincipals => format!(
                "(app_id = {name} or app_id in (select app_id from applications where tenant = ?1 \
                 and deleted is null and id in ({holders})))"
            ),
            Table::Users | Table::Groups => "1 = 0".to_string(),
        }
    }
}

/// A page of rows.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    table: Table,
    columns: &str,
    wanted: &Search,
) -> Result<Vec<Row>> {
    let mut values = vec![tenant.into()];
    let mut condition = sql(&wanted.condition, table, &mut values);
    let (by, direction, beyond) = match wanted.order.descending {
        false => (wanted.order.by.column(), "", ">"),
        true => (wanted.order.by.column(), "desc", "<"),
    };
    if let Some((key, id)) = &wanted.after {
        values.push(key.as_str().into());
        values.push(id.into());
        let (key, id) = (values.len() - 1, values.len());
        condition = format!("{condition} and ({by}, id) {beyond} (?{key}, ?{id})");
    }
    values.push(wanted.limit.into());
    let (table, limit) = (table.name(), values.len());
    let sql = format!(
        "select {columns} from {table} where tenant = ?1 and deleted is null and {condition} \
         order by {by} {direction}, id {direction} limit ?{limit}"
    );
    tx.rows(&sql, &values)
}

/// How many rows fulfil the condition, on all pages.
pub(crate) fn count(tx: &mut Tx<'_>, tenant: TenantId, table: Table, wanted: &Search) -> Result<i64> {
    let mut values = vec![tenant.into()];
    let condition = sql(&wanted.condition, table, &mut values);
    let table = table.name();
    let sql = format!("select count(*) from {table} where tenant = ?1 and deleted is null and {condition}");
    tx.number(&sql, &values)
}

fn sql(condition: &Condition, table: Table, values: &mut Vec<Value>) -> String {
    let mut place = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    match condition {
        Condition::All(all) if all.is_empty() => "1 = 1".to_string(),
        Condition::Any(any) if any.is_empty() => "1 = 0".to_string(),
        Condition::All(all) => join(all, " and ", table, values),
        Condition::Any(any) => join(any, " or ", table, values),
        Condition::Not(inner) => format!("not ({})", sql(inner, table, values)),
        Condition::Is(property, value) => format!("{} = {}", property.column(), place(value.clone())),
        Condition::AtLeast(property, value) => format!("{} >= {}", property.column(), place(value.clone())),
        Condition::AtMost(property, value) => format!("{} <= {}", property.column(), place(value.clone())),
        Condition::Named(name) => {
            let name = place(name.as_str().into());
            table.named(&name)
        }
        Condition::Starts(property, start) => {
            let column = property.column();
            let from = place(start.as_str().into());
            // A range, which an index serves on both databases; `like` would not.
            match successor(start) {
                Some(end) => format!("({column} >= {from} and {column} < {})", place(end.into())),
                None => format!("{column} >= {from}"),
            }
        }
        Condition::Word(start) => {
            let from = place(start.as_str().into());
            let kind = place(table.kind().into());
            let end = match successor(start) {
                Some(end) => format!("and word < {}", place(end.into())),
                None => String::new(),
            };
            format!(
                "id in (select object from directory_words where tenant = ?1 and kind = {kind} \
                 and word >= {from} {end})"
            )
        }
    }
}

fn join(parts: &[Condition], word: &str, table: Table, values: &mut Vec<Value>) -> String {
    let parts: Vec<String> = parts.iter().map(|part| sql(part, table, values)).collect();
    format!("({})", parts.join(word))
}

/// The first text behind all that begin with `start`; none when every text is before it.
fn successor(start: &str) -> Option<String> {
    let mut chars: Vec<char> = start.chars().collect();
    while let Some(last) = chars.pop() {
        // The gap of the surrogates has no characters.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The words of a name: what is between characters that are neither letters nor digits, what is between
/// spaces (so that `o'neil` is found as well as `neil`), and the whole.
fn words(name: &str) -> Vec<String> {
    let name = key(name);
    let mut words: Vec<String> = name.split(|c: char| !c.is_alphanumeric()).map(str::to_string).collect();
    words.extend(name.split_whitespace().map(str::to_string));
    words.push(name);
    words.retain(|word| !word.is_empty());
    words.sort();
    words.dedup();
    words
}

/// Notes the words that a new object is found by.
pub(crate) fn add_words(tx: &mut Tx<'_>, tenant: TenantId, object: ObjectRef, name: &str) -> Result<()> {
    add_words_of(tx, tenant, object.kind.name(), object.id, &words(name))
}

fn add_words_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    kind: &'static str,
    id: Guid,
    words: &[String],
) -> Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let places = crate::batches::places(words.len(), 3, 1);
    let sql = format!("insert into directory_words (tenant, kind, object, word) values {places}");
    let mut values = vec![tenant.into(), kind.into(), id.into()];
    values.extend(words.iter().map(Value::from));
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Notes the words that an object is found by now, instead of those noted before.
pub(crate) fn put_words(tx: &mut Tx<'_>, tenant: TenantId, object: ObjectRef, name: &str) -> Result<()> {
    put_words_of(tx, tenant, object.kind.name(), object.id, &words(name))
}

/// The same for an application, which is no member of anything and so has no [`ObjectKind`].
pub(crate) fn put_words_of_application(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    name: &str,
) -> Result<()> {
    put_words_of(tx, tenant, APPLICATION, application, &words(name))
}

fn put_words_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    kind: &'static str,
    id: Guid,
    words: &[String],
) -> Result<()> {
    let sql = "select word from directory_words where tenant = ?1 and kind = ?2 and object = ?3";
    let at = [tenant.into(), kind.into(), id.into()];
    let rows = tx.rows(sql, &at)?;
    let mut found = rows.into_iter().map(|row| row.read().take()).collect::<Result<Vec<String>>>()?;
    found.sort();
    if found == words {
        return Ok(());
    }
    tx.execute("delete from directory_words where tenant = ?1 and kind = ?2 and object = ?3", &at)?;
    add_words_of(tx, tenant, kind, id, words)
}

#[cfg(test)]
mod tests;
