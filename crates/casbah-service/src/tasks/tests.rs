//! Exactly once, whatever dies and whenever: on SQLite, and on PostgreSQL where there is one.

use std::sync::Arc;
use std::time::Duration;

use casbah_authority::{Authority, Caller, Principal};
use casbah_model::filter::{AlertOrder, Page};
use casbah_model::{
    Clock, ClockSetting, DiscoveryTask, Guid, PermissionSet, Secret, TaskState, Tenant, TenantId, Timestamp,
};
use casbah_store::{Location, Store, tenants};
use serde_json::Value as Json;

use super::TaskQuery;
use crate::alerts::AlertQuery;
use crate::discovery::{AppOrder, AppQuery, DiscoveredApp, NewDataSource, Timeframe};
use crate::uploads::{Conditions, Finish, UploadLink};
use crate::{Service, Settings};

const NOW: Timestamp = Timestamp(1_795_435_200_000);
const SQUID: &[u8] = include_bytes!("../../../casbah-discovery/samples/SQUID.log");
const ALL: Page = Page { skip: 0, limit: 1_000 };

/// A database with a tenant and a folder; services come and go on it, as processes do.
struct Place {
    store: Store,
    folder: tempfile::TempDir,
    caller: Caller,
}

impl Place {
    async fn new(store: Store) -> Place {
        let tenant = Tenant {
            id: TenantId(Guid::random()),
            number: 10_000_001,
            display_name: "Tenant".into(),
            domains: vec!["tenant.example".into()],
            created: NOW,
        };
        let caller = Caller {
            tenant: tenant.id,
            tenant_number: tenant.number,
            principal: Principal::System,
            permissions: PermissionSet::ALL,
            entitlements: casbah_model::Entitlements::everything(),
            directory_permissions: Vec::new(),
            legacy: false,
        };
        store.write(move |tx| tenants::insert(tx, &tenant)).await.expect("the tenant is new");
        Place { store, folder: tempfile::tempdir().expect("a folder"), caller }
    }

    /// A process, some seconds after [`NOW`].
    async fn process(&self, seconds: u64) -> Service {
        let clock = Clock::with(ClockSetting::Frozen(NOW.plus(Duration::from_secs(seconds))));
        let public_url = "https://casbah.example".to_string();
        let master_key = Secret::new("0123456789abcdef0123456789abcdef0123456789ab");
        let settings = casbah_authority::Settings { public_url: public_url.clone(), master_key };
        let authority =
            Authority::open(self.store.clone(), clock, settings).await.expect("the authority opens");
        let uploads = self.folder.path().join("uploads");
        Service::new(
            self.store.clone(),
            Arc::new(authority),
            clock,
            Settings { public_url, uploads, upload_limit: 1 << 20 },
        )
    }

    async fn source(&self, name: &str) {
        let new = NewDataSource {
            name: name.into(),
            log_type: 114,
            receiver: "ftp".into(),
            protocol: None,
            anonymize_users: None,
            parser: None,
        };
        self.process(0).await.create_data_source(&self.caller, new).await.expect("a data source");
    }

    async fn upload(&self, service: &Service, log: &[u8], stream: &str) {
        let url =
            service.upload_address(&self.caller, "a.log".into(), "SQUID".into()).await.expect("an address");
        let link = link(&url);
        let access = service.open_upload(&link).await.expect("open");
        let received = service.receive(&access, &mut &log[..]).await.expect("received");
        service.store_blob(&access, received, Conditions::default()).await.expect("stored");
        let finish =
            service.finish_upload(&self.caller, &link, stream.into(), false, None).await.expect("finished");
        assert!(matches!(finish, Finish::Queued { .. }));
    }

    async fn apps(&self) -> Vec<DiscoveredApp> {
        let timeframe = Timeframe::of_days(90).expect("a time frame");
        let query =
            AppQuery { order: AppOrder::Name, ascending: true, page: ALL, ..AppQuery::of(None, timeframe) };
        self.process(0).await.list_discovered_apps(&self.caller, query).await.expect("a list").apps
    }

    async fn events(&self) -> i64 {
        self.apps().await.iter().map(|app| app.usage.events).sum()
    }

    async fn alerts(&self) -> i64 {
        let order = AlertOrder { by_severity: false, ascending: false };
        let query =
            AlertQuery { conditions: Vec::new(), order, page: ALL, scan: false, whole_moments: false };
        self.process(0).await.list_alerts(&self.caller, query).await.expect("a list").total
    }

    async fn tasks(&self) -> Vec<DiscoveryTask> {
        let query = TaskQuery { conditions: Vec::new(), ascending: true, page: ALL };
        self.process(0).await.list_tasks(&self.caller, query).await.expect("a list").tasks
    }

    /// Files in the folder, the name of the node aside.
    fn files(&self) -> usize {
        let Ok(folder) = std::fs::read_dir(self.folder.path().join("uploads")) else { return 0 };
        folder.filter(|entry| entry.as_ref().is_ok_and(|e| e.file_name() != "node-id")).count()
    }
}

fn link(url: &str) -> UploadLink {
    let (path, query) = url.split_once('?').expect("a query");
    let mut path = path.rsplit('/');
    let (blob, container) = (path.next().expect("a blob"), path.next().expect("a container"));
    let value = |key: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        pair.expect("a value").replace("%3A", ":")
    };
    UploadLink {
        container: container.into(),
        blob: blob.into(),
        expiry: value("se"),
        signature: value("sig"),
    }
}

async fn stores() -> Vec<Store> {
    let mut stores = vec![Store::open(&Location::Memory).await.expect("SQLite opens")];
    if let Ok(server) = std::env::var("CASBAH_TEST_DATABASE_URL") {
        stores.push(in_schema(&server).await);
    }
    stores
}

/// A schema of its own on the test server is as good as a database of its own.
async fn in_schema(server: &str) -> Store {
    let name = format!("casbah_service_{}", casbah_model::random::text(12, b"abcdefghijklmnopqrstuvwxyz"));
    let base = Store::open(&Location::Postgres(server.into())).await;
    let sql = format!("create schema {name}");
    let base = base.expect("the test server answers");
    base.write(move |tx| tx.execute(&sql, &[])).await.expect("a schema can be made");
    let joint = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{joint}options=-csearch_path%3D{name}");
    Store::open(&Location::Postgres(url)).await.expect("PostgreSQL opens")
}

#[tokio::test]
async fn a_worker_that_is_late_changes_nothing() {
    for store in stores().await {
        let place = Place::new(store).await;
        place.source("office").await;
        let slow = place.process(0).await;
        place.upload(&slow, SQUID, "office").await;
        let (claimed, lease) = slow.claim_task().await.expect("claimed").expect("a task");
        assert!(slow.claim_task().await.expect("asked").is_none(), "nobody else gets it meanwhile");
        // The slow one stands still; its claim runs out, and another one does the work.
        let quick = place.process(31).await;
        assert!(quick.run_next_task().await.expect("run"));
        let (events, alerts, figures) =
            (place.events().await, place.alerts().await, place.tasks().await[0].figures.clone());
        assert!(events > 0 && alerts > 0);
        // The slow one wakes up: it has no file any more, and even with a report it counts nothing.
        slow.run_task(claimed.clone(), lease.clone()).await.expect("run");
        let parts = vec![place.folder.path().join("log")];
        std::fs::write(&parts[0], SQUID).expect("written");
        let reading = super::Reading {
            plan: &casbah_discovery::format("SQUID").expect("a format").plan(),
            catalogue: casbah_discovery::Catalogue::built_in(),
            now: NOW,
            inflated_limit: u64::MAX,
        };
        let report = super::parse::parse(parts, &reading, &super::Progress::default());
        assert!(slow.finish_task(&claimed, &lease, report).await.expect("asked").is_none());
        assert_eq!((place.events().await, place.alerts().await), (events, alerts));
        assert_eq!(place.tasks().await[0].figures, figures);
        assert!(!quick.run_next_task().await.expect("asked"), "the queue is empty");
        assert_eq!(place.files(), 0, "the raw log is gone");
    }
}

#[tokio::test]
async fn how_far_a_task_is_can_be_read_while_it_runs() {
    for store in stores().await {
        let place = Place::new(store).await;
        place.source("office").await;
        let worker = place.process(0).await;
        place.upload(&worker, SQUID, "office").await;
        let (claimed, lease) = worker.claim_task().await.expect("claimed").expect("a task");
        let progress = super::Progress::default();
        progress.bytes.store(700, std::sync::atomic::Ordering::Relaxed);
        progress.lines.store(5, std::sync::atomic::Ordering::Relaxed);
        assert!(worker.give_sign_of_life(&claimed, &lease, &progress, 1000).await.expect("saved"));
        let task = place.tasks().await.remove(0);
        assert_eq!(task.state, TaskState::Pending);
        assert_eq!(task.figures, serde_json::json!({ "size": 1000, "bytesRead": 700, "lines": 5 }));
        worker.run_task(claimed, lease).await.expect("run");
        assert_eq!(place.tasks().await[0].state, TaskState::Succeeded);
    }
}

#[tokio::test]
async fn a_process_that_died_while_parsing_starts_again() {
    for store in stores().await {
        let place = Place::new(store).await;
        place.source("office").await;
        let died = place.process(0).await;
        place.upload(&died, SQUID, "office").await;
        died.claim_task().await.expect("claimed").expect("a task");
        drop(died);
        let restarted = place.process(1).await;
        assert!(!restarted.run_next_task().await.expect("asked"), "the claim still holds");
        assert_eq!(restarted.release_leases_of_this_node().await.expect("released"), 1);
        assert!(restarted.run_next_task().await.expect("run"));
        assert_eq!(place.tasks().await[0].state, TaskState::Succeeded);
        let events = place.events().await;
        assert!(events > 0);
        assert!(!restarted.run_next_task().await.expect("asked"));
        assert_eq!(place.events().await, events);
    }
}

#[tokio::test]
async fn workers_side_by_side_count_each_log_once() {
    for store in stores().await {
        let place = Place::new(store).await;
        place.source("office").await;
        let service = place.process(0).await;
        let mut expected = 0;
        for number in 0..6 {
            // Same traffic, other bytes: not a repetition.
            let log = [format!("# {number}\n").as_bytes(), SQUID].concat();
            place.upload(&service, &log, "office").await;
            expected += 1;
        }
        let works: Vec<_> = (0..4)
            .map(|_| {
                let service = service.clone();
                tokio::spawn(async move { while service.run_next_task().await.expect("run") {} })
            })
            .collect();
        for work in works {
            work.await.expect("a worker ends");
        }
        let tasks = place.tasks().await;
        assert!(tasks.iter().all(|task| task.state == TaskState::Succeeded), "{tasks:?}");
        let alone = Place::new(Store::open(&Location::Memory).await.expect("SQLite opens")).await;
        alone.source("office").await;
        let other = alone.process(0).await;
        alone.upload(&other, SQUID, "office").await;
        other.run_next_task().await.expect("run");
        let (once, all) = (alone.apps().await, place.apps().await);
        assert_eq!(once.len(), all.len());
        for (one, many) in once.iter().zip(&all) {
            assert_eq!(one.usage.events * expected, many.usage.events);
            assert_eq!(one.usage.blocked * expected, many.usage.blocked);
            assert_eq!(one.usage.total * expected, many.usage.total);
            assert_eq!(
                (one.usage.users, one.usage.ips),
                (many.usage.users, many.usage.ips),
                "unions, not sums"
            );
            assert_eq!((one.usage.first, one.usage.last), (many.usage.first, many.usage.last));
        }
        assert_eq!(alone.alerts().await, place.alerts().await, "one alert per app, stream and policy");
    }
}

#[tokio::test]
async fn the_global_view_unites_streams() {
    let place = Place::new(Store::open(&Location::Memory).await.expect("SQLite opens")).await;
    let service = place.process(0).await;
    for name in ["office", "plant"] {
        place.source(name).await;
        place.upload(&service, SQUID, name).await;
        assert!(service.run_next_task().await.expect("run"));
    }
    let tasks = place.tasks().await;
    let raised = |task: &DiscoveryTask| task.figures["alerts"].as_i64();
    assert_eq!(raised(&tasks[0]), raised(&tasks[1]), "each stream has its own alerts");
    let parsed = tasks[0].figures["parsed"].as_i64().expect("parsed");
    let unmatched = tasks[0].figures["notInCatalog"].as_i64().expect("notInCatalog");
    assert_eq!(place.events().await, 2 * (parsed - unmatched));
}

/// One request to Dropbox on a day of November 2026, answered with so many bytes.
fn squid(day: u32, bytes: u64) -> String {
    format!(
        "10.0.0.1 - alice [{day:02}/Nov/2026:09:14:22 +0000] \"GET https://www.dropbox.com/x HTTP/1.1\" 200 {bytes} \
         TCP_MISS:HIER_DIRECT\n"
    )
}

#[tokio::test]
async fn an_app_stays_new_for_a_week_and_is_told_of_once() {
    for store in stores().await {
        let place = Place::new(store).await;
        place.source("office").await;
        let service = place.process(0).await;
        let mut raised = Vec::new();
        for (day, bytes) in [(10, 1_000), (12, 600_000_000), (13, 700_000_000), (22, 800_000_000)] {
            place.upload(&service, squid(day, bytes).as_bytes(), "office").await;
            let (claimed, lease) = service.claim_task().await.expect("claimed").expect("a task");
            let id = claimed.task.id.clone();
            service.run_task(claimed, lease).await.expect("run");
            let task = service.task(&place.caller, id).await.expect("there");
            raised.push(task.figures["alerts"].as_i64());
        }
        // A new storage app on the first day, its high volume on the third, and then nothing that is new.
        assert_eq!(raised, [Some(1), Some(1), Some(0), Some(0)]);
    }
}

#[tokio::test]
async fn absurd_numbers_do_not_break_the_figures() {
    for store in stores().await {
        let place = Place::new(store).await;
        place.source("office").await;
        let service = place.process(0).await;
        for day in [20, 21] {
            for less in 0..3 {
                let log = squid(day, u64::MAX - less).repeat(2);
                place.upload(&service, log.as_bytes(), "office").await;
                assert!(service.run_next_task().await.expect("run"));
            }
        }
        assert!(place.tasks().await.iter().all(|task| task.state == TaskState::Succeeded));
        let apps = place.apps().await;
        assert_eq!((apps.len(), apps[0].usage.events), (1, 12));
        assert!(apps[0].usage.total > 1_000_000_000_000_000);
    }
}

#[tokio::test]
async fn a_log_that_never_ends_well_is_given_up() {
    let place = Place::new(Store::open(&Location::Memory).await.expect("SQLite opens")).await;
    place.source("office").await;
    place.upload(&place.process(0).await, SQUID, "office").await;
    std::fs::remove_dir_all(place.folder.path().join("uploads")).expect("the disk is lost");
    for attempt in 0..super::ATTEMPTS.cast_unsigned() {
        assert_eq!(place.tasks().await[0].state, TaskState::Pending);
        assert!(place.process(attempt * 31).await.run_next_task().await.expect("run"));
    }
    assert!(matches!(&place.tasks().await[0].state, TaskState::Failed(_)));
    assert!(!place.process(1_000).await.run_next_task().await.expect("asked"));
}

#[tokio::test]
async fn what_is_left_over_is_swept() {
    let place = Place::new(Store::open(&Location::Memory).await.expect("SQLite opens")).await;
    place.source("office").await;
    let service = place.process(0).await;
    place.upload(&service, SQUID, "office").await;
    let upload = place.tasks().await[0].upload.clone();
    let folder = place.folder.path().join("uploads");
    // Died between the commit and the deletion; and between receiving and naming, just now.
    std::fs::write(folder.join(format!("{upload}-0123456789abcdef01234567")), b"left over").expect("written");
    std::fs::write(folder.join("0123456789abcdef01234567-0123456789abcdef01234567"), b"new")
        .expect("written");
    assert_eq!(service.sweep_uploads().await.expect("swept"), 1);
    assert_eq!(place.files(), 2, "what is needed stays, and what may be needed");
    assert!(service.run_next_task().await.expect("run"));
    assert_eq!(place.tasks().await[0].state, TaskState::Succeeded);
    // The log that failed is kept so that it can be tried again, for a week.
    place.upload(&service, b"nothing of a log\n", "office").await;
    assert!(service.run_next_task().await.expect("run"));
    let failed = place.tasks().await.into_iter().find(|task| matches!(task.state, TaskState::Failed(_)));
    let failed = failed.expect("the log is none");
    let kept = service.retriable_tasks(&place.caller, &place.tasks().await).await.expect("asked");
    assert!(kept.len() == 1 && kept.contains(&failed.id));
    place.process(6 * 86_400).await.sweep_uploads().await.expect("swept");
    assert_eq!(
        service.retry_task(&place.caller, failed.id.clone()).await.expect("queued").state,
        TaskState::Pending
    );
    assert!(service.run_next_task().await.expect("run"));
    place.process(8 * 86_400).await.sweep_uploads().await.expect("swept");
    let refused = service.retry_task(&place.caller, failed.id).await.expect_err("its log is gone");
    assert!(refused.to_string().contains("no longer here"), "{refused}");
    // An address that was never used any more, a week and more later.
    let url = service.upload_address(&place.caller, "a".into(), "SQUID".into()).await.expect("an address");
    let access = service.open_upload(&link(&url)).await.expect("open");
    let received = service.receive(&access, &mut &b"x"[..]).await.expect("received");
    service.store_blob(&access, received, Conditions::default()).await.expect("stored");
    place.process(8 * 86_400).await.sweep_uploads().await.expect("swept");
    assert!(
        service.open_upload(&link(&url)).await.is_err(),
        "the row is gone; its file follows when it is old"
    );
}

#[tokio::test]
async fn the_worker_stops_when_told() {
    let place = Place::new(Store::open(&Location::Memory).await.expect("SQLite opens")).await;
    place.source("office").await;
    let service = place.process(0).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let worker = tokio::spawn({
        let service = service.clone();
        async move { service.work(stopped).await }
    });
    place.upload(&service, SQUID, "office").await;
    let done = async {
        while place.tasks().await[0].state == TaskState::Pending {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("the log is parsed");
    stop.send(true).expect("the worker listens");
    tokio::time::timeout(Duration::from_secs(5), worker).await.expect("it stops").expect("without a panic");
    assert_ne!(place.tasks().await[0].figures, Json::Null);
}

/// The open alerts of that name, and how many there are in all.
async fn alerts_named(place: &Place, name: &str) -> (Vec<String>, usize) {
    let order = AlertOrder { by_severity: false, ascending: true };
    let query = AlertQuery { conditions: Vec::new(), order, page: ALL, scan: false, whole_moments: false };
    let all = place.process(0).await.list_alerts(&place.caller, query).await.expect("a list").alerts;
    let named: Vec<_> = all.into_iter().filter(|alert| alert.policy_name == name).collect();
    let open = named.iter().filter(|alert| alert.resolved.is_none());
    (open.map(|alert| alert.description.clone()).collect(), named.len())
}

#[tokio::test]
async fn a_report_that_falls_silent_is_told_once_until_logs_come_again() {
    const HOUR: u64 = 3_600;
    const SILENT: &str = "Continuous report without logs";
    const UNREADABLE: &str = "Logs that cannot be read";
    for store in stores().await {
        let place = Place::new(store).await;
        for name in ["office", "new"] {
            place.source(name).await;
        }
        let send = async |hour: u64, text: &str| {
            let service = place.process(hour * HOUR).await;
            place.upload(&service, text.as_bytes(), "office").await;
            assert!(service.run_next_task().await.expect("run"));
        };
        let watch =
            async |hour: u64| place.process(hour * HOUR).await.watch_reports().await.expect("watched");
        for hour in [0, 24, 48] {
            send(hour, &squid(20, 1_000 + hour)).await;
        }
        assert_eq!(watch(48 + 48).await, (0, 0), "48 hours are bearable");
        assert_eq!(watch(48 + 49).await, (1, 0));
        assert_eq!(watch(48 + 60).await, (0, 0), "it is told once");
        let (open, _) = alerts_named(&place, SILENT).await;
        assert_eq!(open.len(), 1);
        assert!(
            open[0]
                .starts_with("No log has come to office for 49 hours; before, there were never more than 24")
        );
        send(110, &squid(20, 1_000)).await;
        assert_eq!(watch(110).await, (0, 0), "the same bytes again are no news");
        send(111, &squid(20, 9_000)).await;
        assert_eq!(watch(111).await, (0, 1));
        assert_eq!(alerts_named(&place, SILENT).await, (Vec::new(), 1));
        // From now on the longest time between two is 63 hours.
        assert_eq!(watch(111 + 94).await, (0, 0));
        assert_eq!(watch(111 + 95).await, (1, 0), "silent again is another alert");
        assert_eq!(alerts_named(&place, SILENT).await.1, 2);

        // Logs of which much is lost, until they can be read again.
        let broken: String = (0..150).map(|n| format!("{n} is no line of squid\n")).collect();
        send(210, &(squid(20, 7_000).repeat(60) + &broken)).await;
        assert_eq!(watch(210).await, (1, 1), "one falls silent no longer, one is damaged");
        let (open, _) = alerts_named(&place, UNREADABLE).await;
        assert!(open[0].contains("150 of 210 lines could not be read"), "{open:?}");
        assert_eq!(watch(211).await, (0, 0));
        send(235, &squid(20, 7_500).repeat(200)).await;
        assert_eq!(watch(235).await, (0, 1));
    }
}

#[tokio::test]
async fn a_collector_that_has_no_data_is_told() {
    const HOUR: u64 = 3_600;
    for store in stores().await {
        let place = Place::new(store).await;
        let report = async |hour: u64, last_data: Option<u64>| {
            let at = last_data.map(|hour| NOW.plus(Duration::from_secs(hour * HOUR)).0);
            let health = serde_json::json!({ "lastData": at });
            let service = place.process(hour * HOUR).await;
            service.report_log_collector(&place.caller, "edge".into(), health).await.expect("taken");
        };
        let watch =
            async |hour: u64| place.process(hour * HOUR).await.watch_reports().await.expect("watched");
        report(0, None).await;
        assert_eq!(watch(47).await, (0, 0));
        assert_eq!(watch(48).await, (1, 0), "it never had any");
        report(49, Some(49)).await;
        assert_eq!(watch(49).await, (0, 1));
        report(97, Some(49)).await;
        assert_eq!(watch(97).await, (1, 0), "it is there, but has nothing");
        assert_eq!(watch(98).await, (0, 0));
        let (open, all) = alerts_named(&place, "Log collector without data").await;
        assert_eq!((open.len(), all), (1, 2));
        assert!(open[0].starts_with("The log collector edge has had no data for 48 hours."), "{open:?}");
    }
}
