//! How long activities are kept, and that two nodes say the same thing once.

use std::time::Duration;

use casbah_authority::Caller;
use casbah_model::{ApplicationSecret, Guid, Reach, TenantId, TenantSettings, Timestamp};
use casbah_store::{activities, application_secrets, audit, tenant_settings};
use serde_json::json;

use crate::Service;
use crate::directory::applications::NewApplication;
use crate::directory::tenants::NewTenant;
use crate::directory::tests::service;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn tenant(service: &Service, domain: &str) -> TenantId {
    let new = NewTenant { display_name: domain.into(), domains: vec![domain.into()], ..NewTenant::default() };
    service.create_tenant(new).await.expect("is new").id
}

async fn add(service: &Service, tenant: TenantId, at: Timestamp, count: usize) {
    let records: Vec<_> = (0..count)
        .map(|n| Caller::system(tenant, 1).audit(at, "create user", "user", n, json!({})))
        .collect();
    let written = service
        .store()
        .write(move |tx| records.iter().try_for_each(|record| audit::append(tx, tenant, record)));
    written.await.expect("writes");
}

async fn count(service: &Service, tenant: TenantId) -> i64 {
    service
        .store()
        .read(move |tx| activities::count(tx, tenant, &Reach::Everything, &[]))
        .await
        .expect("reads")
}

#[tokio::test]
async fn activities_are_kept_as_long_as_the_tenant_wants() {
    let service = service().await;
    let (usual, forever) =
        (tenant(&service, "usual.example").await, tenant(&service, "forever.example").await);
    let mut settings = TenantSettings::default();
    settings.retention.activities = None;
    let saved = service.store().write(move |tx| tenant_settings::save(tx, forever, &settings));
    saved.await.expect("writes");
    let (before, now) = (count(&service, usual).await, service.clock().now());
    for tenant in [usual, forever] {
        // More than one transaction forgets.
        add(&service, tenant, now.minus(DAY * 181), 2_500).await;
        add(&service, tenant, now.minus(DAY * 179), 3).await;
    }
    assert_eq!(service.forget_old_records().await.expect("forgets"), 2_500);
    // And one that says so.
    assert_eq!(count(&service, usual).await, before + 4);
    assert_eq!(count(&service, forever).await, before + 2_503);
    assert_eq!(service.forget_old_records().await.expect("forgets"), 0);
}

/// Two nodes that look at the same moment raise one alert, and looking again raises none.
#[tokio::test]
async fn nodes_that_look_at_once_raise_one_alert() {
    let service = service().await;
    let tenant = tenant(&service, "ends.example").await;
    let now = service.clock().now();
    let caller = service.system_caller(tenant).await.expect("exists");
    let new = NewApplication { display_name: "Ends".into(), ..NewApplication::default() };
    let app = service.create_application(&caller, new).await.expect("is new");
    let secret = ApplicationSecret {
        key_id: Guid::random(),
        application: app.id,
        display_name: "soon".into(),
        hint: "abc".into(),
        digest: vec![1; 32],
        starts: now.minus(DAY),
        ends: now.plus(DAY * 10),
        last_used: None,
        last_address: None,
    };
    let written = service.store().write(move |tx| application_secrets::insert(tx, tenant, &secret));
    written.await.expect("writes");
    let looks = [service.clone(), service.clone(), service.clone(), service.clone()]
        .map(|node| tokio::spawn(async move { node.watch_credentials().await.expect("looks").0 }));
    let mut raised = 0;
    for look in looks {
        raised += look.await.expect("ends");
    }
    assert_eq!(raised, 1);
    assert_eq!(service.watch_credentials().await.expect("looks"), (0, 0));
}
