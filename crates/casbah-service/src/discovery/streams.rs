//! Streams, and the data sources that feed the continuous ones.

use casbah_authority::Caller;
use casbah_discovery::SOURCES;
use casbah_model::{
    Access, CustomParserRecord, Part, Reach, RecordId, Stream, StreamKind, TenantId, Timestamp,
};
use casbah_store::{Tx, audit, custom_parsers, discovery_settings, discovery_tasks, streams};
use serde_json::{Value as Json, json};

use super::parsers::CUSTOM_LOG_TYPE;
use crate::{Error, Service};

/// The name of the view that sums up all continuous reports.
pub const GLOBAL_VIEW: &str = "Global View";

/// A data source to be.
#[derive(Clone, Debug)]
pub struct NewDataSource {
    /// Its name: 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// Number of its log type.
    pub log_type: i64,
    /// How logs come in.
    pub receiver: String,
    /// Transport of a log collector.
    pub protocol: Option<String>,
    /// Whether user names are hidden; the tenant's default when it is not said.
    pub anonymize_users: Option<bool>,
    /// Id or name of the tenant's parser that reads its logs; for the log type of custom parsers only.
    pub parser: Option<String>,
}

const RECEIVERS: [&str; 3] = ["ftp", "ftps", "syslog"];
const PROTOCOLS: [&str; 3] = ["udp", "tcp", "tls"];

impl Service {
    /// The number of the log type that a source's name stands for.
    pub fn log_type(source: &str) -> Option<i64> {
        let found = SOURCES.iter().find(|s| s.name.eq_ignore_ascii_case(source))?;
        found.log_type.map(i64::from)
    }

    /// Lists all streams, the global view first.
    pub async fn list_streams(&self, caller: &Caller) -> Result<Vec<Stream>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Discovery, Access::Read));
        self.prepare_tenant(tenant).await?;
        self.store.read(move |tx| with_global_view(tx, tenant, &reach)).await
    }

    /// Lists the data sources: the continuous reports.
    pub async fn list_data_sources(&self, caller: &Caller) -> Result<Vec<Stream>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::DiscoverySettings, Access::Read));
        let all = self.store.read(move |tx| Ok::<_, Error>(streams::list(tx, tenant, &reach)?)).await?;
        Ok(all.into_iter().filter(|s| s.kind == StreamKind::Input).collect())
    }

    /// Makes a data source.
    pub async fn create_data_source(&self, caller: &Caller, new: NewDataSource) -> Result<Stream, Error> {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if new.name.is_empty() || new.name.len() > 64 || !new.name.chars().all(named) {
            return Err(Error::invalid("displayName", "needs 1 to 64 letters, digits, '-' and '_'"));
        }
        if !SOURCES.iter().any(|s| s.log_type.map(i64::from) == Some(new.log_type)) {
            return Err(Error::invalid("logType", format!("{} is not a log type", new.log_type)));
        }
        if !RECEIVERS.contains(&new.receiver.as_str()) {
            return Err(Error::invalid("receiverType", format!("must be one of {}", RECEIVERS.join(", "))));
        }
        if new.protocol.as_ref().is_some_and(|p| !PROTOCOLS.contains(&p.as_str())) {
            return Err(Error::invalid("protocol", format!("must be one of {}", PROTOCOLS.join(", "))));
        }
        if new.parser.is_some() && new.log_type != CUSTOM_LOG_TYPE {
            let why = format!("goes with the log type {CUSTOM_LOG_TYPE} (CUSTOM_PARSER) only");
            return Err(Error::invalid("parser", why));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let wanted = new.parser.clone();
        let (settings, parsers) = self
            .store
            .read(move |tx| {
                Ok::<_, Error>((discovery_settings::find(tx, tenant)?, custom_parsers::list(tx, tenant)?))
            })
            .await?;
        let parser = match &wanted {
            None => None,
            Some(wanted) => Some(find_parser(&parsers, wanted)?.id.clone()),
        };
        let stream = Stream {
            id: RecordId::new(now),
            name: new.name,
            kind: StreamKind::Input,
            log_type: new.log_type,
            receiver: new.receiver,
            protocol: new.protocol,
            created: now,
            modified: now,
            last_data: None,
            logs: 0,
            failures: 0,
            entity_kinds: Vec::new(),
            traffic_kinds: Vec::new(),
            anonymize_users: new.anonymize_users.unwrap_or(settings.anonymize_by_default),
            parser,
        };
        let record = caller.audit(now, "create data source", "stream", &stream.id, json!({}));
        let row = stream.clone();
        self.store
            .write(move |tx| {
                let every = Reach::Everything;
                if streams::find_by_name(tx, tenant, &every, StreamKind::Input, &row.name)?.is_some() {
                    let why = format!("a data source named {:?} exists", row.name);
                    return Err(Error::invalid("displayName", why));
                }
                streams::insert(tx, tenant, &row)?;
                audit::append(tx, tenant, &record.changed(&row.id, &Json::Null, &facts(&row)))?;
                Ok(())
            })
            .await?;
        Ok(stream)
    }

    /// Deletes a data source with all usage counted in it; logs that still wait for it are given up.
    pub async fn delete_data_source(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let reach = caller.reach(Part::DiscoverySettings, Access::Change);
        let record = caller.audit(now, "delete data source", "stream", &id, json!({}));
        self.store
            .write(move |tx| {
                let stream = streams::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                if stream.kind != StreamKind::Input || stream.receiver == "builtin" {
                    return Err(Error::invalid("id", "this stream is not a data source that can be removed"));
                }
                remove(tx, tenant, &stream, now, "The data source was deleted")?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&stream), &Json::Null))?;
                Ok(())
            })
            .await
    }

    /// Fetches a snapshot report.
    pub async fn snapshot_report(&self, caller: &Caller, id: RecordId) -> Result<Stream, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Discovery, Access::Read));
        let found = self.store.read(move |tx| streams::find(tx, tenant, &reach, &id)).await?;
        found.filter(|stream| stream.kind == StreamKind::Snapshot).ok_or(Error::NotFound)
    }

    /// Deletes a snapshot report with all usage counted in it; logs that still wait for it are given up.
    pub async fn delete_snapshot_report(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let reach = caller.reach(Part::DiscoverySettings, Access::Change);
        let record = caller.audit(now, "delete snapshot report", "stream", &id, json!({}));
        self.store
            .write(move |tx| {
                let stream = streams::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                if stream.kind != StreamKind::Snapshot {
                    return Err(Error::invalid("id", "this stream is not a snapshot report"));
                }
                remove(tx, tenant, &stream, now, "The report was deleted")?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&stream), &Json::Null))?;
                Ok(())
            })
            .await
    }
}

/// Gives up what waits for a stream, and forgets it with all that was counted in it.
fn remove(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stream: &Stream,
    now: Timestamp,
    why: &str,
) -> Result<(), Error> {
    discovery_tasks::fail_pending(tx, tenant, &stream.id, now, why)?;
    streams::delete(tx, tenant, &stream.id)?;
    Ok(())
}

/// The parser of an id or name.
fn find_parser<'p>(all: &'p [CustomParserRecord], wanted: &str) -> Result<&'p CustomParserRecord, Error> {
    let wanted = wanted.trim();
    let same = |one: &&CustomParserRecord| {
        one.id.as_str().eq_ignore_ascii_case(wanted) || one.name.to_lowercase() == wanted.to_lowercase()
    };
    all.iter().find(same).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let there = if names.is_empty() {
            "there is none yet".into()
        } else {
            format!("there are {}", names.join(", "))
        };
        Error::invalid("parser", format!("no parser is named {wanted:?}; {there}"))
    })
}

/// What the audit trail says of a data source.
fn facts(stream: &Stream) -> Json {
    json!({
        "name": stream.name,
        "logType": stream.log_type,
        "receiver": stream.receiver,
        "protocol": stream.protocol,
        "anonymizeUsers": stream.anonymize_users,
        "parser": stream.parser,
    })
}

/// All streams within reach; the global view is as new, as large and as rich as its parts together.
fn with_global_view(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach) -> Result<Vec<Stream>, Error> {
    let mut all = streams::list(tx, tenant, reach)?;
    let inputs: Vec<Stream> = all.iter().filter(|s| s.kind == StreamKind::Input).cloned().collect();
    for view in all.iter_mut().filter(|s| s.kind == StreamKind::View) {
        for input in &inputs {
            view.logs += input.logs;
            view.failures += input.failures;
            view.last_data = view.last_data.max(input.last_data);
            view.modified = view.modified.max(input.modified);
            unite(&mut view.entity_kinds, &input.entity_kinds);
            unite(&mut view.traffic_kinds, &input.traffic_kinds);
        }
    }
    Ok(all)
}

/// Adds what is missing, in order.
pub(crate) fn unite(all: &mut Vec<i64>, more: &[i64]) {
    all.extend_from_slice(more);
    all.sort_unstable();
    all.dedup();
}
