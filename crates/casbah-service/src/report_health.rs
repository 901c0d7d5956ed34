//! The built-in policies on how logs come in: continuous reports and log collectors that fall silent, and logs that
//! cannot be read any more. An alert stays as long as the state does, and is closed when it ends.

use std::time::Duration;

use casbah_authority::Caller;
use casbah_detection::{Arrival, collector_silence, loss, silence};
use casbah_model::alert_type::number_of;
use casbah_model::filter::{AlertField, Condition, Operand, Test};
use casbah_model::{
    Alert, AlertEntity, AlertStatus, DiscoveryTask, Guid, LogCollector, PolicyRecord, Reach, RecordId,
    Resolution, Stream, StreamKind, TaskState, TenantId, Timestamp,
};
use casbah_store::{Tx, alerts, audit, discovery_tasks, log_collectors, policies, streams, tenants};
use serde_json::{Value, json};

use crate::policies::story;
use crate::{Error, Service};

/// How far back logs say what is usual, and how many of them.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const MOST_LOGS: i64 = 1_000;
/// How long an alert that a person closed is not raised again while the state goes on.
const QUIET: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Who closes what is over.
const CASBAH: &str = "Casbah";
/// Kind of a collector among what alerts are about.
const COLLECTOR: &str = "log_collector";
const REPORT: &str = "discovery_stream";

/// What one of the policies says of a report or a collector.
struct Judgement {
    template: &'static str,
    alert_type: &'static str,
    subject: AlertEntity,
    /// What is wrong, and the figures; none when all is well.
    fault: Option<(String, Value)>,
    over: &'static str,
}

impl Service {
    /// Raises and closes the alerts about how logs come in, in every tenant. Every node may call it at any time: what
    /// one has raised, no other raises again. Answers how many were raised and closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watch_reports(&self) -> Result<(usize, usize), Error> {
        let tenants = self.store.read(tenants::all).await?;
        let (mut raised, mut closed) = (0, 0);
        for tenant in tenants {
            let (more, fewer) = self.watch_reports_of(tenant.id, tenant.number).await?;
            raised += more;
            closed += fewer;
        }
        Ok((raised, closed))
    }

    async fn watch_reports_of(&self, tenant: TenantId, number: i64) -> Result<(usize, usize), Error> {
        let now = self.clock.now();
        let judged = self.store.read(move |tx| judge(tx, tenant, now)).await?;
        if judged.is_empty() {
            return Ok((0, 0));
        }
        self.prepare_tenant(tenant).await?;
        let judged: Vec<(Judgement, RecordId, Guid)> =
            judged.into_iter().map(|one| (one, RecordId::new(now), Guid::random())).collect();
        let record = Caller::system(tenant, number).audit(now, "close alerts", "alert", "", json!({}));
        let written = self.store.write(move |tx| {
            let all = policies::list(tx, tenant)?;
            let (mut raised, mut closed) = (0, 0);
            for (judgement, id, context) in &judged {
                let Some(policy) = all.iter().find(|one| one.template == judgement.template) else {
                    continue;
                };
                let subject = (judgement.subject.kind.as_str(), judgement.subject.id.as_str());
                let last = alerts::latest_about(tx, tenant, &policy.id, subject)?;
                match (&judgement.fault, last) {
                    (Some(fault), last) if policy.enabled => {
                        let is_told = last.is_some_and(|last| {
                            let by_us = last.handled_by.as_deref() == Some(CASBAH);
                            last.open || (!by_us && last.raised >= now.minus(QUIET))
                        });
                        if !is_told && crate::policies::may_raise(tx, tenant, policy, now)? {
                            alerts::insert(
                                tx,
                                tenant,
                                &alert(policy, judgement, fault, (id, *context), now),
                            )?;
                            raised += 1;
                        }
                    }
                    (None, Some(last)) if last.open => {
                        let ids = Test::AnyOf(vec![Operand::Text(last.id.to_string())]);
                        let conditions = [Condition { field: AlertField::Id, test: ids }];
                        let closing = alerts::Closing {
                            resolution: Resolution::TruePositive,
                            at: now,
                            comment: judgement.over.to_string(),
                            reason: None,
                            by: CASBAH.to_string(),
                        };
                        let done = alerts::close(tx, tenant, &Reach::Everything, &conditions, &closing)?;
                        let details = crate::alerts::closing_facts(&done, &closing);
                        audit::append(tx, tenant, &audit::AuditRecord { details, ..record.clone() })?;
                        closed += done.len();
                    }
                    _ => {}
                }
            }
            Ok((raised, closed))
        });
        match written.await {
            Ok(both) => Ok(both),
            // Another node is at it.
            Err(casbah_store::Error::Conflict) => Ok((0, 0)),
            Err(e) => Err(e.into()),
        }
    }
}

/// Looks at every continuous report and every collector.
fn judge(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp) -> Result<Vec<Judgement>, casbah_store::Error> {
    let mut judged = Vec::new();
    for stream in streams::list(tx, tenant, &Reach::Everything)? {
        if stream.kind == StreamKind::Input {
            let logs = discovery_tasks::ended_of(tx, tenant, &stream.id, now.minus(MEMORY), MOST_LOGS)?;
            let arrivals: Vec<Arrival> = logs.iter().filter_map(arrival).collect();
            judged.extend(of_report(&stream, &arrivals, now));
        }
    }
    judged.extend(log_collectors::list(tx, tenant)?.iter().map(|one| of_collector(one, now)));
    Ok(judged)
}

/// A log as the rules count it; the same bytes again say nothing.
fn arrival(task: &DiscoveryTask) -> Option<Arrival> {
    let lines = |name: &str| task.figures[name].as_u64().unwrap_or(0);
    let is_new = task.figures["duplicate"] != json!(true);
    Some(Arrival {
        at: task.finished.filter(|_| is_new)?,
        failed: matches!(task.state, TaskState::Failed(_)),
        parsed: lines("parsed"),
        skipped: lines("skipped"),
    })
}

fn of_report(stream: &Stream, arrivals: &[Arrival], now: Timestamp) -> [Judgement; 2] {
    let name = &stream.name;
    let subject = || AlertEntity {
        kind: REPORT.into(),
        id: stream.id.to_string(),
        label: name.clone(),
        extra: serde_json::Map::new(),
    };
    let silent = silence(arrivals, now).map(|found| {
        let text = format!(
            "No log has come to {name} for {} hours; before, there were never more than {} hours between two.",
            found.hours, found.usual_hours
        );
        let since = found.since.iso();
        (text, json!({ "title": format!("last log at {since}"), "description": format!("hours without logs: {}, longest before: {}", found.hours, found.usual_hours) }))
    });
    let lost = loss(arrivals).map(|found| {
        let text = format!(
            "Of the latest logs of {name}, {} of {} failed, and {} of {} lines could not be read. Before, {} of a hundred logs failed, and {} of a hundred lines could not be read.",
            found.failed,
            found.logs,
            found.skipped,
            found.parsed.saturating_add(found.skipped),
            found.usual_failed,
            found.usual_skipped
        );
        let figures = format!("logs: {}, failed: {}, lines read: {}, lines not read: {}", found.logs, found.failed, found.parsed, found.skipped);
        (text, json!({ "title": format!("{name}, the 24 hours up to the newest log"), "description": figures }))
    });
    [
        Judgement {
            template: "silent-report",
            alert_type: "ALERT_MANAGEMENT_LOG_COLLECTOR_LOW_RATE",
            subject: subject(),
            fault: silent,
            over: "Logs come again.",
        },
        Judgement {
            template: "unreadable-logs",
            alert_type: "ALERT_MANAGEMENT_LOG_COLLECTOR_CONSTANTLY_FAILED_PARSING",
            subject: subject(),
            fault: lost,
            over: "Logs can be read again.",
        },
    ]
}

/// A collector says when it last had data; one that never had any counts from when it first came.
fn of_collector(collector: &LogCollector, now: Timestamp) -> Judgement {
    let last_data = collector.health["lastData"].as_i64().map_or(collector.created, Timestamp);
    let name = &collector.name;
    let fault = collector_silence(last_data, now).map(|hours| {
        let text = format!(
            "The log collector {name} has had no data for {hours} hours. It was last heard of at {}.",
            collector.last_seen.iso()
        );
        let title = format!("last data at {}", last_data.iso());
        (text, json!({ "title": title, "description": format!("hours without data: {hours}") }))
    });
    let subject = AlertEntity {
        kind: COLLECTOR.into(),
        id: collector.id.to_string(),
        label: name.clone(),
        extra: serde_json::Map::new(),
    };
    Judgement {
        template: "silent-collector",
        alert_type: "ALERT_MANAGEMENT_LOG_COLLECTOR_LOW_RATE",
        subject,
        fault,
        over: "The collector has data again.",
    }
}

fn alert(
    policy: &PolicyRecord,
    judgement: &Judgement,
    (text, evidence): &(String, Value),
    (id, context): (&RecordId, Guid),
    now: Timestamp,
) -> Alert {
    let of_policy = AlertEntity {
        kind: "policyRule".into(),
        id: policy.id.to_string(),
        label: policy.name.clone(),
        extra: [("policyType".to_string(), json!(policy.policy_type))].into_iter().collect(),
    };
    Alert {
        id: id.clone(),
        raised: now,
        title: format!("{}: {}", policy.name, judgement.subject.label),
        description: format!("{text} {}", policy.description),
        severity: policy.severity,
        status: AlertStatus::Unread,
        resolution: Resolution::Open,
        resolved: None,
        comment: String::new(),
        reason: None,
        handled_by: None,
        policy: policy.id.clone(),
        policy_name: policy.name.clone(),
        policy_type: policy.policy_type.clone(),
        built_in: true,
        alert_type: number_of(judgement.alert_type).unwrap_or_default(),
        stories: vec![story(policy)],
        intent: Vec::new(),
        entities: vec![judgement.subject.clone(), of_policy],
        evidence: vec![evidence.clone()],
        context,
    }
}
