//! Parsers that tenants define, tried on a sample before they are saved.

use std::io::Cursor;

use casbah_authority::Caller;
use casbah_discovery::{
    CustomParser, Detection, Explained, FORMATS, Options, Plan, analyse_file, detect_file, explain_file,
};
use casbah_model::{CustomParserRecord, RecordId};
use casbah_store::{audit, custom_parsers};
use serde_json::{Value as Json, json};

use crate::tasks::accounting;
use crate::{Error, Service};

/// The source whose parser the data source says.
pub(crate) const CUSTOM: &str = "CUSTOM_PARSER";
/// The log type of that source.
pub(crate) const CUSTOM_LOG_TYPE: i64 = 167;

/// Parsers that a tenant may have.
const MOST: usize = 200;
/// Lines of a sample that are told one by one.
const TOLD: usize = 50;
/// Bytes that a sample may inflate to.
const MOST_INFLATED: u64 = 64 << 20;

/// What a parser makes of a sample.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Whether the sample would be accepted as an upload.
    pub accepted: bool,
    /// Why not, in the words of the governance log.
    pub title: String,
    /// The accounting, as the governance log has it.
    pub figures: Json,
    /// The first lines, each with the rule that took it.
    pub lines: Vec<Explained>,
}

impl Service {
    /// Lists the tenant's parsers, by name.
    pub async fn list_custom_parsers(&self, caller: &Caller) -> Result<Vec<CustomParserRecord>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| custom_parsers::list(tx, tenant)).await?)
    }

    /// Fetches a parser.
    pub async fn custom_parser(&self, caller: &Caller, id: RecordId) -> Result<CustomParserRecord, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| custom_parsers::find(tx, tenant, &id)).await?.ok_or(Error::NotFound)
    }

    /// Reads a sample with a definition; nothing is kept.
    pub async fn try_custom_parser(
        &self,
        caller: &Caller,
        definition: Json,
        sample: Vec<u8>,
    ) -> Result<Tried, Error> {
        let plan = plan_of(&definition)?;
        let (catalogue, now) = (self.catalogue_of(caller.tenant).await?, self.clock.now());
        let tried = tokio::task::spawn_blocking(move || {
            let options = Options { max_inflated: MOST_INFLATED, ..Options::at(now.0) };
            let outcome = analyse_file(Cursor::new(&sample), &plan, &catalogue, &options, &mut |_, _| {});
            let mut lines = Vec::new();
            let mut told = |line: Explained| {
                lines.push(line);
                lines.len() < TOLD
            };
            // What cannot be explained (an archive that is broken) is told by the outcome already.
            let _ = explain_file(Cursor::new(&sample), &plan, &catalogue, &options, &mut told);
            let title = outcome.as_ref().err().map(|e| e.title().to_string()).unwrap_or_default();
            Tried { accepted: outcome.is_ok(), title, figures: accounting(&outcome), lines }
        });
        tried.await.map_err(Error::internal)
    }

    /// Which built-in sources read a sample, best first.
    pub async fn detect_source(&self, sample: Vec<u8>) -> Result<Detection, Error> {
        let options = Options { max_inflated: MOST_INFLATED, ..Options::at(self.clock.now().0) };
        let found = tokio::task::spawn_blocking(move || detect_file(Cursor::new(sample), &options));
        let found = found.await.map_err(Error::internal)?;
        found.map_err(|e| Error::invalid("sample", e.why().unwrap_or_else(|| e.title())))
    }

    /// Saves a parser, a new one or instead of that of an id. Its name is what uploads may give as their source.
    pub async fn save_custom_parser(
        &self,
        caller: &Caller,
        known: Option<RecordId>,
        definition: Json,
    ) -> Result<CustomParserRecord, Error> {
        plan_of(&definition)?;
        let parser: CustomParser = serde_json::from_value(definition).map_err(wrong)?;
        let name = parser.name.trim().to_string();
        if casbah_discovery::SOURCES.iter().any(|source| source.name.eq_ignore_ascii_case(&name)) {
            return Err(Error::invalid("name", format!("{name} is the name of a source")));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let action = if known.is_some() { "change custom parser" } else { "create custom parser" };
        let fresh = RecordId::new(now);
        let record = caller.audit(now, action, "custom parser", known.as_ref().unwrap_or(&fresh), json!({}));
        let definition = serde_json::to_string(&parser).map_err(Error::internal)?;
        self.store
            .write(move |tx| {
                let all = custom_parsers::list(tx, tenant)?;
                let before = match &known {
                    None => None,
                    Some(id) => Some(all.iter().find(|one| one.id == *id).ok_or(Error::NotFound)?),
                };
                let id = known.as_ref().unwrap_or(&fresh).clone();
                if all.iter().any(|one| one.id != id && one.name.to_lowercase() == name.to_lowercase()) {
                    return Err(Error::invalid("name", format!("a parser named {name:?} exists")));
                }
                if before.is_none() && all.len() >= MOST {
                    return Err(Error::invalid("name", format!("a tenant has at most {MOST} parsers")));
                }
                let one = CustomParserRecord {
                    id,
                    name: name.clone(),
                    definition: definition.clone(),
                    created: before.map_or(now, |before| before.created),
                    modified: now,
                };
                custom_parsers::save(tx, tenant, &one)?;
                let (before, after) = (before.map_or(Json::Null, facts), facts(&one));
                if before != after {
                    audit::append(tx, tenant, &record.changed(&one.id, &before, &after))?;
                }
                Ok(one)
            })
            .await
    }

    /// Removes a parser, unless a data source uses it.
    pub async fn delete_custom_parser(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete custom parser", "custom parser", &id, json!({}));
        self.store
            .write(move |tx| {
                let one = custom_parsers::find(tx, tenant, &id)?.ok_or(Error::NotFound)?;
                let users = custom_parsers::used_by(tx, tenant, &id)?;
                if !users.is_empty() {
                    return Err(Error::Conflict(format!("the data sources {} use it", users.join(", "))));
                }
                custom_parsers::delete(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&one), &Json::Null))?;
                Ok(())
            })
            .await
    }

    /// The name of the source of a log type; the file layout of a pair.
    pub fn source_of(log_type: i64) -> Option<&'static str> {
        let found = casbah_discovery::SOURCES.iter().find(|s| s.log_type.map(i64::from) == Some(log_type));
        found.map(|source| source.name)
    }

    /// The built-in sources.
    pub fn sources() -> &'static [&'static casbah_discovery::Format] {
        FORMATS
    }
}

fn facts(one: &CustomParserRecord) -> Json {
    serde_json::from_str(&one.definition).unwrap_or(Json::Null)
}

fn wrong(error: serde_json::Error) -> Error {
    Error::invalid("definition", error.to_string())
}

/// A definition, ready for reading; or the field to change.
pub(crate) fn plan_of(definition: &Json) -> Result<Plan, Error> {
    let parser: CustomParser = serde_json::from_value(definition.clone()).map_err(wrong)?;
    parser.plan().map_err(|e| Error::invalid(e.field, e.why))
}
