//! `/security/dataDiscovery/cloudAppDiscovery/uploadedStreams`: discovered apps in the shape of Graph's beta.

use casbah_model::filter::Page;
use casbah_model::{RecordId, Stream, StreamKind, UsageKey, UsageOrder};
use casbah_service::Error;
use casbah_service::discovery::{AppFacts, AppQuery, DiscoveredApp, Timeframe, UsageQuery};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

const STREAMS: &str = "security/dataDiscovery/cloudAppDiscovery/uploadedStreams";
/// What filters may ask for although it is not shown: a relationship, and the name by which the examples of
/// Graph's pages call the score.
const HIDDEN: &[&str] = &["appInfo", "riskRating"];
/// Users or addresses that are read for one answer.
const MOST: i64 = 100_000;

pub(super) async fn list_streams(call: Call) -> Answered {
    let all = streams(&call).await?;
    let base = &call.service.settings().public_url;
    call.query.list(base, STREAMS, all.iter().map(stream_view).collect()).map(Answer::Found)
}

pub(super) async fn fetch_stream(call: Call) -> Answered {
    let stream = stream(&call).await?;
    call.query.select(stream_view(&stream)).map(Answer::Found)
}

pub(super) async fn list_apps(call: Call) -> Answered {
    let query = app_query(&call).await?;
    let apps = call.service.all_discovered_apps(&call.caller, query).await?;
    let all = apps.iter().map(|app| app_view(&call, app, true)).collect();
    let base = &call.service.settings().public_url;
    call.query.list_without(base, &path(&call, 2), all, HIDDEN).map(Answer::Found)
}

pub(super) async fn fetch_app(call: Call) -> Answered {
    let app = app(&call).await?;
    call.query.select(app_view(&call, &app, false)).map(Answer::Found)
}

pub(super) async fn fetch_app_info(call: Call) -> Answered {
    let app = app(&call).await?;
    let facts = call.service.app_facts(app.usage.app).ok_or(Error::NotFound)?;
    call.query.select(info_view(app.usage.app, &facts)).map(Answer::Found)
}

pub(super) async fn list_users(call: Call) -> Answered {
    list_keys(call, UsageKey::User, "users", "userIdentifier").await
}

pub(super) async fn list_ip_addresses(call: Call) -> Answered {
    list_keys(call, UsageKey::Ip, "ipAddresses", "ipAddress").await
}

async fn list_keys(call: Call, key: UsageKey, list: &str, name: &str) -> Answered {
    let app = app_id(&call)?;
    let AppQuery { stream, timeframe, .. } = app_query(&call).await?;
    let query = UsageQuery {
        stream,
        timeframe,
        app: Some(app),
        user: None,
        ip: None,
        order: UsageOrder::Key,
        ascending: true,
        page: Page { skip: 0, limit: MOST },
    };
    let (found, _) = call.service.list_usage(&call.caller, key, query).await?;
    let all = found.into_iter().map(|one| json!({ name: one.key })).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, &format!("{}/{list}", path(&call, 3)), all).map(Answer::Found)
}

/// The path up to so many of its keys, as links repeat it.
fn path(call: &Call, keys: usize) -> String {
    let key = |n: usize| call.keys.get(n).map(Key::text).unwrap_or_default();
    let mut path = format!("{STREAMS}/{}", key(0));
    if keys > 1 {
        path.push_str(&format!("/aggregatedAppsDetails(period={})", key(1)));
    }
    if keys > 2 {
        path.push_str(&format!("/{}", key(2)));
    }
    path
}

/// The data sources and snapshot reports; the global view was not uploaded. In v1.0 there are none of these
/// routes.
async fn streams(call: &Call) -> Result<Vec<Stream>, GraphError> {
    if call.query.version != "beta" {
        return Err(GraphError::no_route());
    }
    let all = call.service.list_streams(&call.caller).await?;
    Ok(all.into_iter().filter(|stream| stream.kind != StreamKind::View).collect())
}

async fn stream(call: &Call) -> Result<Stream, GraphError> {
    let wanted = call.keys[0].text().to_string();
    let found = streams(call).await?.into_iter().find(|s| s.id.as_str().eq_ignore_ascii_case(&wanted));
    found.ok_or_else(|| Error::NotFound.into())
}

async fn app_query(call: &Call) -> Result<AppQuery, GraphError> {
    let stream: RecordId = stream(call).await?.id;
    let period = match &call.keys[1] {
        Key::Alternate(name, period) if name.eq_ignore_ascii_case("period") => period.as_str(),
        Key::Id(_) | Key::Alternate(..) => "",
    };
    let days = period.trim().strip_prefix("duration").unwrap_or(period).trim().trim_matches('\'');
    let days = days.strip_prefix(['P', 'p']).and_then(|days| days.strip_suffix(['D', 'd']));
    let timeframe = days.and_then(|days| days.parse().ok()).and_then(Timeframe::of_days);
    let timeframe = timeframe.ok_or_else(|| {
        GraphError::bad_request("The period must be duration'P7D', duration'P30D' or duration'P90D'.")
    })?;
    Ok(AppQuery::of(Some(stream), timeframe))
}

fn app_id(call: &Call) -> Result<i64, GraphError> {
    call.keys[2].text().parse().map_err(|_| Error::NotFound.into())
}

async fn app(call: &Call) -> Result<DiscoveredApp, GraphError> {
    let wanted = app_id(call)?;
    let apps = call.service.all_discovered_apps(&call.caller, app_query(call).await?).await?;
    apps.into_iter().find(|app| app.usage.app == wanted).ok_or_else(|| Error::NotFound.into())
}

fn stream_view(stream: &Stream) -> Value {
    let protocol = match (stream.receiver.as_str(), stream.protocol.as_deref()) {
        ("ftp", _) => json!("ftp"),
        ("ftps", _) => json!("ftps"),
        ("syslog", Some("tcp")) => json!("syslogTcp"),
        ("syslog", Some("tls")) => json!("syslogTls"),
        ("syslog", _) => json!("syslogUdp"),
        _ => Value::Null,
    };
    let entity = |kind: &i64| match kind {
        1 => "userName",
        2 => "ipAddress",
        3 => "machineName",
        _ => "other",
    };
    let traffic = |kind: &i64| match kind {
        2 => Some("downloadedBytes"),
        3 => Some("uploadedBytes"),
        _ => None,
    };
    json!({
        "id": stream.id,
        "displayName": stream.name,
        "description": "",
        "createdDateTime": stream.created.iso(),
        "lastModifiedDateTime": stream.modified.iso(),
        "lastDataReceivedDateTime": stream.last_data.map(|at| at.iso()),
        "logFileCount": stream.logs,
        "logDataProvider": provider(stream.log_type),
        "receiverProtocol": protocol,
        "isSnapshotReport": stream.kind == StreamKind::Snapshot,
        "anonymizeUserData": stream.anonymize_users,
        "anonymizeMachineData": false,
        "supportedEntityTypes": stream.entity_kinds.iter().map(entity).collect::<Vec<_>>(),
        "supportedTrafficTypes": stream.traffic_kinds.iter().filter_map(traffic).collect::<Vec<_>>(),
    })
}

/// `PALO_ALTO_SYSLOG` is `paloAlto` here.
fn provider(log_type: i64) -> String {
    let source = casbah_service::Service::source_of(log_type).unwrap_or_default();
    let source = source.strip_suffix("_SYSLOG").unwrap_or(source);
    if source.is_empty() {
        return "unknownFutureValue".into();
    }
    camel(source)
}

/// `ONE_TWO` becomes `oneTwo`.
fn camel(words: &str) -> String {
    let mut all = String::new();
    for (n, word) in words.split('_').enumerate() {
        let mut letters = word.chars();
        let first = letters.next();
        all.extend(first.map(|c| if n == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }));
        all.extend(letters.map(|c| c.to_ascii_lowercase()));
    }
    all
}

/// `SAASDB_CATEGORY_CLOUD_STORAGE` is `cloudStorage` here; some have a spelling of their own.
fn category(id: &str) -> String {
    let name = id.trim_start_matches("SAASDB_CATEGORY_").trim_start_matches("SAASDB_SUBCATEGORY_");
    match name {
        "ECOMMERCE" => "eCommerce".into(),
        "WEBMAIL" => "webemail".into(),
        "SUPLLY_CHAIN_AND_LOGISTICS" => "supplyChainAndLogistics".into(),
        "VENDOR_MANAGEMENT_SYSTEM" => "vendorManagementSystems".into(),
        "INSURANCE_AND_INVESTMENTS" => "accountingAndFinance".into(),
        "GENERATIVE_AI" => "generativeAi".into(),
        "UNCLASSIFIED" | "ALL" | "CONSUMER" | "MEDIA" | "TIME_TRACKING" => "unknown".into(),
        _ => camel(name),
    }
}

fn app_view(call: &Call, app: &DiscoveredApp, all: bool) -> Value {
    let usage = &app.usage;
    let mut view = json!({
        "id": usage.app.to_string(),
        "displayName": app.name,
        "category": category(&app.category),
        "riskScore": app.score,
        "tags": app.tags,
        "domains": app.domains,
        "uploadNetworkTrafficInBytes": usage.uploaded,
        "downloadNetworkTrafficInBytes": usage.downloaded,
        "totalNetworkTrafficInBytes": usage.total,
        "transactionCount": usage.events,
        "userCount": usage.users,
        "ipAddressCount": usage.ips,
        "firstSeenDateTime": usage.first.iso(),
        "lastSeenDateTime": usage.last.iso(),
    });
    if all {
        view["riskRating"] = json!(app.score);
        view["appInfo"] = match call.service.app_facts(usage.app) {
            Some(facts) => info_view(usage.app, &facts),
            None => Value::Null,
        };
    }
    view
}

/// What the catalogue knows; a claim that nobody knows of is unknown, never false.
fn info_view(id: i64, facts: &AppFacts) -> Value {
    let state = |claimed: bool| if claimed { "true" } else { "unknown" };
    json!({
        "id": id.to_string(),
        "vendor": facts.vendor,
        "founded": facts.founded,
        "headquarters": facts.headquarters,
        "isMultiFactorAuthentication": state(facts.claims.mfa),
        "isSupportsSaml": state(facts.claims.saml),
        "isSoc2Compliant": state(facts.claims.soc2),
        "isIso27001Compliant": state(facts.claims.iso27001),
        "isHipaaCompliant": state(facts.claims.hipaa),
    })
}
