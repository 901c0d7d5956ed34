//! The end of a task: one transaction that counts everything, or nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use aws_lc_rs::digest::{Context, SHA256};
use casbah_authority::Caller;
use casbah_discovery::{FileError, Report, TrafficKind};
use casbah_model::{
    DestinationUsage, Guid, PolicyRecord, Reach, RecordId, Stream, StreamKind, TaskState, TenantId,
    Timestamp, UnmatchedDomain, UsageRow,
};
use casbah_store::discovery_tasks::{self, Claimed, Lease};
use casbah_store::{
    Tx, alerts, audit, discovery_destinations, discovery_exclusions, discovery_settings, policies, streams,
    uploads, usage,
};
use serde_json::{Value as Json, json};

use super::findings;
use super::parse::Parsed;
use crate::discovery::{Directory, Excluded, NameCipher, put_tag, unite};
use crate::{Error, Service};

const SEEN_USER: i64 = 1;
const SEEN_IP: i64 = 2;
/// Destinations of one log that are kept.
const DESTINATIONS_KEPT: usize = 10_000;

/// What a task came to, ready for the database.
struct Ending {
    state: TaskState,
    figures: Json,
    usage: Vec<UsageRow>,
    /// Domains of no known app, the busiest.
    unmatched: Vec<UnmatchedDomain>,
    /// The busiest destinations.
    destinations: Vec<DestinationUsage>,
    digest: Vec<u8>,
    has_users: bool,
    traffic_kinds: Vec<i64>,
    now: Timestamp,
}

impl Service {
    /// Ends a task; answers how. None when the claim was lost: then nothing changed.
    pub(crate) async fn finish_task(
        &self,
        claimed: &Claimed,
        lease: &Lease,
        parsed: Parsed,
    ) -> Result<Option<TaskState>, Error> {
        let (tenant, now) = (claimed.tenant, self.clock.now());
        self.prepare_tenant(tenant).await?;
        let ending = ending(parsed, &claimed.task.figures, now);
        let id = claimed.task.stream.clone();
        let hides = self
            .store
            .read(move |tx| {
                let stream = streams::find(tx, tenant, &Reach::Everything, &id)?;
                Ok::<_, Error>(stream.is_some_and(|stream| stream.anonymize_users))
            })
            .await?;
        let cipher = if hides { Some(self.name_cipher(tenant).await?) } else { None };
        let touched = findings::touched(&ending.usage);
        // Policies as they are when the counting begins: ids must be drawn before the transaction.
        let policies = self.store.read(move |tx| policies::list(tx, tenant)).await?;
        let policies: Vec<_> = policies.into_iter().filter(|policy| policy.enabled).collect();
        let most = touched.len() * policies.len();
        let ids: Vec<(RecordId, Guid)> = (0..most).map(|_| (RecordId::new(now), Guid::random())).collect();
        let (task, lease, catalogue) =
            (claimed.task.clone(), lease.clone(), self.catalogue_of(tenant).await?);
        let record = Caller::system(tenant, 0).audit(now, "parse log", "discovery task", &task.id, json!({}));
        self.store
            .write(move |tx| {
                let mut upload = uploads::find(tx, tenant, &task.upload)?;
                let stream = streams::find(tx, tenant, &Reach::Everything, &task.stream)?;
                let mut figures = ending.figures.clone();
                let mut raised = 0;
                if let Some(mut stream) = stream {
                    let news = ending.state == TaskState::Succeeded
                        && streams::record_digest(tx, tenant, &stream.id, &ending.digest, &task.id, now)?;
                    if news {
                        let (rows, excluded) = rows_to_count(tx, tenant, &ending.usage, cipher.as_ref())?;
                        figures["excluded"] = json!(excluded);
                        usage::merge(tx, tenant, &stream.id, &rows)?;
                        let touched = findings::touched(&rows);
                        let place = findings::Place { tenant, stream: &stream, catalogue: &catalogue };
                        raised = raise(tx, &place, &policies, &touched, &ids, now)?;
                    } else if ending.state == TaskState::Succeeded {
                        // The same bytes again: said, but not counted twice.
                        figures["duplicate"] = json!(true);
                    }
                    // Also of a log that failed because all of its destinations are unknown, and once, should it
                    // come again when they are known.
                    let is_kept = news || ending.state != TaskState::Succeeded;
                    if is_kept
                        && !ending.unmatched.is_empty()
                        && streams::record_digest(
                            tx,
                            tenant,
                            &stream.id,
                            &of_unmatched(&ending.digest),
                            &task.id,
                            now,
                        )?
                    {
                        usage::merge_unmatched(tx, tenant, &stream.id, &ending.unmatched)?;
                    }
                    note(&mut stream, &ending, news);
                    streams::save_progress(tx, tenant, &stream)?;
                }
                figures["apps"] = json!(touched.len());
                figures["alerts"] = json!(raised);
                let ended = (&ending.state, &figures);
                if !discovery_tasks::finish(tx, tenant, &task.id, &lease, now, ended)? {
                    return Err(Lost::Claim);
                }
                discovery_destinations::insert(tx, tenant, &task.id, &ending.destinations)?;
                // The bytes of a log that failed are kept for a while: it can be tried again.
                if let (Some(upload), TaskState::Succeeded) = (&mut upload, &ending.state) {
                    upload.parts.clear();
                    uploads::save(tx, tenant, upload)?;
                }
                let mut record = record.clone();
                record.details = json!({ "stream": task.stream, "alerts": raised });
                audit::append(tx, tenant, &record)?;
                Ok(Some(ending.state.clone()))
            })
            .await
            .or_else(|lost| match lost {
                Lost::Claim => Ok(None),
                Lost::Database(e) => Err(e.into()),
            })
    }
}

/// The digest under which a log's unmatched domains are noted, apart from its usage.
fn of_unmatched(digest: &[u8]) -> Vec<u8> {
    let mut other = Context::new(&SHA256);
    other.update(b"unmatched domains\n");
    other.update(digest);
    other.finish().as_ref().to_vec()
}

/// Why the transaction must leave nothing behind.
enum Lost {
    Claim,
    Database(casbah_store::Error),
}

impl From<casbah_store::Error> for Lost {
    fn from(e: casbah_store::Error) -> Lost {
        Lost::Database(e)
    }
}

/// Evaluates the policies over what is new, and raises an alert for each finding that is news.
fn raise(
    tx: &mut Tx<'_>,
    place: &findings::Place<'_>,
    records: &[PolicyRecord],
    touched: &[findings::Touched],
    ids: &[(RecordId, Guid)],
    now: Timestamp,
) -> Result<usize, casbah_store::Error> {
    if place.stream.kind != StreamKind::Input {
        return Ok(0);
    }
    let (tenant, since) = (place.tenant, now.minus(findings::ONCE_IN));
    let found = findings::evaluate(tx, place, records, touched, now)?;
    let mut raised = 0;
    for ((policy, finding), (id, context)) in found.iter().zip(ids) {
        let app = i64::from(finding.app_id);
        for tag in &crate::policies::app_rule(policy).tags {
            tag_app(tx, tenant, (app, &finding.app_name), tag, (policy, now))?;
        }
        if !crate::policies::may_raise(tx, tenant, policy, now)? {
            // Not recorded as a match, so that the next log can say it.
            continue;
        }
        let news = policies::record_match(tx, tenant, &policy.id, &place.stream.id, app, (now, id), since)?;
        if news {
            alerts::insert(tx, tenant, &findings::alert(place.stream, policy, finding, id, *context, now))?;
            raised += 1;
        }
    }
    Ok(raised)
}

/// Puts a tag on an app because a policy says so. A tag that is gone meanwhile is none.
fn tag_app(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    (app, app_name): (i64, &str),
    tag: &str,
    (policy, now): (&PolicyRecord, Timestamp),
) -> Result<(), casbah_store::Error> {
    let Some(tags) = put_tag(tx, tenant, app, tag, now)? else { return Ok(()) };
    let details = json!({ "name": app_name, "policy": policy.name });
    let record = Caller::system(tenant, 0).audit(now, "tag app", "app", app, details);
    let (before, after) = (json!({ "tags": tags.before }), json!({ "tags": tags.after }));
    audit::append(tx, tenant, &record.changed(app, &before, &after))
}

/// What the stream remembers of a log.
fn note(stream: &mut Stream, ending: &Ending, news: bool) {
    stream.modified = ending.now;
    if ending.state != TaskState::Succeeded {
        stream.failures += 1;
        return;
    }
    stream.logs += 1;
    if news {
        stream.last_data = Some(ending.now);
        let seen: &[i64] = if ending.has_users { &[SEEN_USER, SEEN_IP] } else { &[SEEN_IP] };
        unite(&mut stream.entity_kinds, seen);
        unite(&mut stream.traffic_kinds, &ending.traffic_kinds);
    }
}

fn ending(parsed: Parsed, before: &Json, now: Timestamp) -> Ending {
    let size = before.get("size").cloned().unwrap_or(Json::Null);
    let empty = Ending {
        state: TaskState::Succeeded,
        figures: json!({ "size": size }),
        usage: Vec::new(),
        unmatched: Vec::new(),
        destinations: Vec::new(),
        digest: Vec::new(),
        has_users: false,
        traffic_kinds: Vec::new(),
        now,
    };
    match parsed.outcome {
        Ok(report) => Ending {
            figures: merged(json!({ "size": size }), report_figures(&report)),
            usage: report.usage.iter().map(row).collect(),
            unmatched: unmatched(&report),
            destinations: destinations(&report),
            digest: parsed.digest,
            has_users: report.has_users,
            traffic_kinds: report
                .traffic_kinds
                .iter()
                .map(|kind: &TrafficKind| kind.number().into())
                .collect(),
            ..empty
        },
        Err(error) => {
            let kept = error.uncataloged();
            Ending {
                state: TaskState::Failed(error.title().to_string()),
                figures: merged(json!({ "size": size }), failure_figures(&error)),
                unmatched: kept.map(unmatched).unwrap_or_default(),
                destinations: kept.map(destinations).unwrap_or_default(),
                digest: parsed.digest,
                ..empty
            }
        }
    }
}

/// The rows that count: without what is excluded, with sign-in names where they are known, hidden where that is
/// asked for; and how many transactions are excluded. Of two rows that are the same then, one is made.
fn rows_to_count(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    rows: &[UsageRow],
    cipher: Option<&NameCipher>,
) -> Result<(Vec<UsageRow>, i64), casbah_store::Error> {
    let excluded = Excluded::of(discovery_exclusions::list(tx, tenant)?);
    let directory = match discovery_settings::find(tx, tenant)?.resolve_users {
        true => Some(Directory::read(tx, tenant)?),
        false => None,
    };
    let mut kept: BTreeMap<(i64, i64, String, String), UsageRow> = BTreeMap::new();
    let mut left_out = 0_i64;
    for row in rows {
        let mut row = row.clone();
        let logged = row.user.clone();
        if let Some(known) = directory.as_ref().and_then(|directory| directory.find(&logged)) {
            row.user = known.to_string();
        }
        if excluded.has(&row, &logged) {
            left_out = left_out.saturating_add(row.events);
            continue;
        }
        if let Some(cipher) = cipher.filter(|_| !row.user.is_empty()) {
            // A name that cannot be hidden must not be stored.
            row.user = cipher.hide(&row.user).unwrap_or_default();
        }
        match kept.entry((row.day, row.app, row.user.clone(), row.ip.clone())) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(mut same) => add(same.get_mut(), &row),
        }
    }
    Ok((kept.into_values().collect(), left_out))
}

fn add(sum: &mut UsageRow, more: &UsageRow) {
    for (sum, more) in [
        (&mut sum.events, more.events),
        (&mut sum.blocked, more.blocked),
        (&mut sum.uploaded, more.uploaded),
        (&mut sum.downloaded, more.downloaded),
        (&mut sum.total, more.total),
    ] {
        *sum = sum.saturating_add(more);
    }
    sum.first = sum.first.min(more.first);
    sum.last = sum.last.max(more.last);
}

/// The domains of no known app that are kept, as many as destinations.
fn unmatched(report: &Report) -> Vec<UnmatchedDomain> {
    let amount = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut rows: Vec<_> = report.unmatched.iter().collect();
    rows.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.domain.cmp(&b.domain)));
    let kept = rows.into_iter().take(DESTINATIONS_KEPT);
    kept.map(|row| UnmatchedDomain {
        domain: row.domain.clone(),
        day: row.last_ms.div_euclid(86_400_000),
        events: amount(row.events),
        total: amount(row.total),
        first: Timestamp(row.first_ms),
        last: Timestamp(row.last_ms),
    })
    .collect()
}

/// The accounting of one file, whatever became of it.
pub(crate) fn accounting(outcome: &Result<Report, FileError>) -> Json {
    match outcome {
        Ok(report) => report_figures(report),
        Err(error) => failure_figures(error),
    }
}

/// The destinations that are kept: a log can have millions of hosts, and the busiest tell the story.
fn destinations(report: &Report) -> Vec<DestinationUsage> {
    let amount = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut rows: Vec<_> = report.destinations.iter().collect();
    rows.sort_by(|a, b| b.transactions.cmp(&a.transactions).then_with(|| a.dest.cmp(&b.dest)));
    let kept = rows.into_iter().take(DESTINATIONS_KEPT);
    kept.map(|row| DestinationUsage {
        destination: row.dest.to_string(),
        app: row.app_id.map(i64::from),
        transactions: amount(row.transactions),
        users: amount(row.users),
        client_ips: amount(row.client_ips),
        uploaded: amount(row.bytes_up),
        downloaded: amount(row.bytes_down),
        total: amount(row.bytes_total),
        blocked: amount(row.blocked),
    })
    .collect()
}

/// The accounting as the governance log shows it.
fn report_figures(report: &Report) -> Json {
    let figures = json!({
        "skippedByReason": report.accounting.skipped,
        "notInCatalog": not_in_catalog(report),
        "refused": report.refused,
        "notices": report.notices,
        "unattributed": report.unattributed,
    });
    merged(serde_json::to_value(&report.summary).unwrap_or(Json::Null), figures)
}

fn not_in_catalog(report: &Report) -> u64 {
    report.unmatched.iter().map(|row| row.events).sum()
}

fn failure_figures(error: &FileError) -> Json {
    // Causes on our side are for the log of the server.
    if let FileError::Read(cause) = error {
        tracing::error!(error = %cause, "an uploaded log could not be read");
    }
    let why = json!(error.why());
    let Some(failure) = error.failure() else { return json!({ "why": why }) };
    let mut figures = json!({
        "lines": failure.accounting.lines,
        "parsed": failure.accounting.parsed,
        "skipped": failure.accounting.skipped.total(),
        "skippedByReason": failure.accounting.skipped,
        "ignored": failure.accounting.ignored,
        "tooOld": failure.accounting.too_old,
        "refused": failure.refused,
        "notices": failure.notices,
        "why": why,
    });
    if let Some(report) = error.uncataloged() {
        figures["notInCatalog"] = json!(not_in_catalog(report));
    }
    figures
}

fn merged(mut left: Json, right: Json) -> Json {
    if let (Some(all), Json::Object(more)) = (left.as_object_mut(), right) {
        all.extend(more);
    }
    left
}

fn row(row: &casbah_discovery::UsageRow) -> UsageRow {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    UsageRow {
        day: row.day.into(),
        app: row.app.into(),
        user: row.user.as_deref().unwrap_or_default().to_lowercase(),
        ip: row.client_ip.to_string(),
        events: number(row.events),
        blocked: number(row.blocked),
        uploaded: number(row.up),
        downloaded: number(row.down),
        total: number(row.total),
        first: Timestamp(row.first_ms),
        last: Timestamp(row.last_ms),
    }
}
