//! SIEM agents: what sends alerts and activities to a syslog receiver.

use axum::extract::State;
use axum::{Extension, Json, extract::Path};
use casbah_authority::Caller;
use casbah_model::Permission::{self, InvestigationManage, InvestigationRead};
use casbah_model::{EventFormat, Forwarder, Outlet, Part, SyslogReceiver, SyslogTransport};
use casbah_service::Service;
use casbah_service::forwarders::SiemAgentDetails;
use serde_json::{Value, json};

use super::forwarders::{
    self, DROPPED, FAILURES, LAST_ERROR, LAST_ERROR_AT, LAST_SENT, NEXT_ATTEMPT, OLDEST, SENT, WAITING,
};
use super::record_id;
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const MANAGE: &[Permission] = &[InvestigationManage];
const PATH: &str = "/api/v1/agents/siem";

const FORMATS: Shape = Shape::Word(&["cef", "json"]);
const TRANSPORTS: Shape = Shape::Word(&["udp", "tcp", "tls"]);

const AGENT: Record = Record {
    name: "SiemAgent",
    what: "What sends alerts and activities to the syslog receiver of a SIEM.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("name", Shape::Text, ""),
        has("status", Shape::Word(&["Created", "Connected", "Connection error", "Disabled"]), ""),
        has("enabled", Shape::Flag, ""),
        has("host", Shape::Text, "Name or address of the receiver."),
        has("port", Shape::Between(1, 65_535), ""),
        has("transport", TRANSPORTS, "How messages get there."),
        has("format", FORMATS, "How they are written."),
        has(
            "caCertificate",
            Shape::Nullable(&Shape::Text),
            "Authorities that the receiver's certificate is checked against, in PEM; null for the system's.",
        ),
        has("sendAlerts", Shape::Flag, ""),
        has("alertFilters", Shape::Object, "Which alerts; all of them when it is empty."),
        has("sendActivities", Shape::Flag, ""),
        has("activityFilters", Shape::Object, "Which activities; all of them when it is empty."),
        has("created", Shape::Time, ""),
        has("createdBy", Shape::Text, ""),
        has("lastModified", Shape::Time, ""),
        SENT,
        DROPPED,
        WAITING,
        OLDEST,
        LAST_SENT,
        FAILURES,
        LAST_ERROR,
        LAST_ERROR_AT,
        NEXT_ATTEMPT,
    ],
};
const NEW: &[Property] = &[
    has("name", Shape::Text, "Unique among the SIEM agents of the tenant."),
    has("host", Shape::Text, "Name or address of the receiver."),
    may_have("port", Shape::Between(1, 65_535), "514 unless said otherwise, for tls 6514."),
    may_have("transport", TRANSPORTS, "tcp unless said otherwise."),
    may_have("format", FORMATS, "cef unless said otherwise."),
    CA_CERTIFICATE,
    SEND_ALERTS,
    ALERT_FILTERS,
    SEND_ACTIVITIES,
    ACTIVITY_FILTERS,
    ENABLED,
];
const CHANGED: &[Property] = &[
    may_have("name", Shape::Text, "Unique among the SIEM agents of the tenant."),
    may_have("host", Shape::Text, "Name or address of the receiver."),
    may_have("port", Shape::Between(1, 65_535), ""),
    may_have("transport", TRANSPORTS, ""),
    may_have("format", FORMATS, ""),
    CA_CERTIFICATE,
    SEND_ALERTS,
    ALERT_FILTERS,
    SEND_ACTIVITIES,
    ACTIVITY_FILTERS,
    ENABLED,
];
const CA_CERTIFICATE: Property = may_have(
    "caCertificate",
    Shape::Text,
    "Authorities to check the receiver's certificate against, in PEM; an empty text for the system's.",
);
const SEND_ALERTS: Property = may_have("sendAlerts", Shape::Flag, "Whether alerts are sent; they are.");
const SEND_ACTIVITIES: Property =
    may_have("sendActivities", Shape::Flag, "Whether activities are sent; they are.");
const ALERT_FILTERS: Property =
    may_have("alertFilters", Shape::Object, "Which alerts, as the list of alerts is filtered, times aside.");
const ACTIVITY_FILTERS: Property = may_have(
    "activityFilters",
    Shape::Object,
    "Which activities, as the list of activities is filtered, times aside.",
);
const ENABLED: Property = may_have("enabled", Shape::Flag, "Whether it sends; it does.");

pub(super) fn area() -> Area {
    Area::new("SIEM agents", Part::Integrations)
        .get(PATH, READ, "List SIEM agents", list_siem_agents)
        .pages(&AGENT)
        .get("/api/v1/agents/siem/{id}", READ, "Fetch a SIEM agent", fetch_siem_agent)
        .answers(Shape::Record(&AGENT))
        .post(PATH, MANAGE, "Create a SIEM agent", create_siem_agent)
        .takes(NEW)
        .answers(Shape::Record(&AGENT))
        .put("/api/v1/agents/siem/{id}", MANAGE, "Change a SIEM agent", change_siem_agent)
        .takes(CHANGED)
        .answers(Shape::Record(&AGENT))
        .delete("/api/v1/agents/siem/{id}", MANAGE, "Delete a SIEM agent", delete_siem_agent)
        .answers(Shape::Inline(&[]))
}

async fn list_siem_agents(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_siem_agents(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(view).collect(), page)))
}

async fn fetch_siem_agent(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    Ok(Json(view(&service.siem_agent(&caller, record_id(id)?).await?)))
}

async fn create_siem_agent(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let details = details(&parameters, None, &service)?;
    Ok(Json(view(&service.create_siem_agent(&caller, details).await?)))
}

/// What the body leaves out stays as it is.
async fn change_siem_agent(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let present = service.siem_agent(&caller, record_id(id)?).await?;
    let details = details(&parameters, Some(&present), &service)?;
    Ok(Json(view(&service.change_siem_agent(&caller, present.id, details).await?)))
}

async fn delete_siem_agent(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_siem_agent(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

fn receiver(agent: &Forwarder) -> Option<&SyslogReceiver> {
    match &agent.outlet {
        Outlet::Syslog(receiver) => Some(receiver),
        Outlet::Webhook { .. } => None,
    }
}

fn details(
    parameters: &Parameters,
    present: Option<&Forwarder>,
    service: &Service,
) -> Result<SiemAgentDetails, Problem> {
    let (now, before) = (service.clock().now(), present.and_then(receiver));
    let text = |name: &str, before: Option<&str>| match before {
        Some(before) if parameters.raw(name).is_none() => Ok(before.to_string()),
        _ => parameters.required_text(name),
    };
    let word = |name: &str| parameters.text(name).map(|text| text.map(|text| text.trim().to_lowercase()));
    let transport = match word("transport")?.as_deref() {
        None => before.map_or(SyslogTransport::Tcp, |before| before.transport),
        Some("udp") => SyslogTransport::Udp,
        Some("tcp") => SyslogTransport::Tcp,
        Some("tls") => SyslogTransport::Tls,
        Some(_) => return Err(Problem::invalid("transport", "transport must be udp, tcp or tls.")),
    };
    let format = match word("format")?.as_deref() {
        None => before.map_or(EventFormat::Cef, |before| before.format),
        Some("cef") => EventFormat::Cef,
        Some("json") => EventFormat::Json,
        Some(_) => return Err(Problem::invalid("format", "format must be cef or json.")),
    };
    let usual = if transport == SyslogTransport::Tls { 6514 } else { 514 };
    let port = parameters.number("port")?.unwrap_or_else(|| before.map_or(usual, |one| i64::from(one.port)));
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| Problem::invalid("port", "port must be a number from 1 to 65535."))?;
    let authority = match parameters.text("caCertificate")? {
        None => before.and_then(|before| before.authority.clone()),
        Some(pem) if pem.trim().is_empty() => None,
        Some(pem) => Some(pem),
    };
    if authority.is_some() && transport != SyslogTransport::Tls {
        return Err(Problem::invalid("caCertificate", "caCertificate is for the transport tls."));
    }
    if let Some(pem) = &authority {
        let fine = pem.len() <= 256 * 1024 && casbah_authority::has_certificate(pem.as_bytes());
        if !fine {
            return Err(Problem::invalid("caCertificate", "caCertificate must hold a certificate in PEM."));
        }
    }
    let alerts = match (parameters.raw("alertFilters"), present.and_then(|one| one.alerts.as_ref())) {
        (None, Some(before)) => before.clone(),
        _ => forwarders::alerts(parameters, "alertFilters", now)?,
    };
    let activities =
        match (parameters.raw("activityFilters"), present.and_then(|one| one.activities.as_ref())) {
            (None, Some(before)) => before.clone(),
            _ => forwarders::activities(parameters, "activityFilters", now)?,
        };
    let send = |name: &str, before: Option<bool>| {
        parameters.flag(name).map(|given| given.or(before).unwrap_or(true))
    };
    let send_alerts = send("sendAlerts", present.map(|one| one.alerts.is_some()))?;
    let send_activities = send("sendActivities", present.map(|one| one.activities.is_some()))?;
    Ok(SiemAgentDetails {
        name: text("name", present.map(|one| one.name.as_str()))?,
        receiver: SyslogReceiver {
            host: text("host", before.map(|before| before.host.as_str()))?,
            port,
            transport,
            format,
            authority,
        },
        alerts: send_alerts.then_some(alerts),
        activities: send_activities.then_some(activities),
        enabled: send("enabled", present.map(|one| one.enabled))?,
    })
}

fn view(agent: &Forwarder) -> Value {
    let health = &agent.health;
    let status = match (agent.enabled, health.last_error.is_some(), health.last_sent.is_some()) {
        (false, _, _) => "Disabled",
        (true, true, _) => "Connection error",
        (true, false, true) => "Connected",
        (true, false, false) => "Created",
    };
    let receiver = receiver(agent);
    let filters = |filters: Option<&Value>| filters.cloned().unwrap_or_else(|| json!({}));
    let mut record = json!({
        "_id": agent.id,
        "name": agent.name,
        "status": status,
        "enabled": agent.enabled,
        "host": receiver.map(|one| one.host.as_str()),
        "port": receiver.map(|one| one.port),
        "transport": receiver.map(|one| one.transport),
        "format": receiver.map(|one| one.format),
        "caCertificate": receiver.and_then(|one| one.authority.as_deref()),
        "sendAlerts": agent.alerts.is_some(),
        "alertFilters": filters(agent.alerts.as_ref().map(|chosen| &chosen.filters)),
        "sendActivities": agent.activities.is_some(),
        "activityFilters": filters(agent.activities.as_ref().map(|chosen| &chosen.filters)),
        "created": agent.created,
        "createdBy": agent.created_by,
        "lastModified": agent.modified,
    });
    if let Value::Object(record) = &mut record {
        record.extend(forwarders::health(agent));
    }
    record
}
