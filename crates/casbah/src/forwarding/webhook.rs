//! Alerts posted one by one, signed after the Standard Webhooks specification.

use casbah_api::outgoing::{alert_records, flow};
use casbah_service::forwarders::Sending;
use casbah_service::{Error, Service};
use tokio::sync::watch;

/// Alerts of one claim.
const BATCH: i64 = 50;

/// Posts what waits, until there is nothing more or the receiver cannot be reached.
///
/// # Errors
/// When the database fails.
pub(super) async fn send(
    service: &Service,
    sending: &mut Sending,
    stopped: &watch::Receiver<bool>,
) -> Result<(), Error> {
    let clock = service.clock();
    let Some(secrets) = service.webhook_secrets(sending) else {
        sending.failed("its address was sealed under another master key".to_string(), clock.now());
        return Ok(());
    };
    let batch = service.next_batch(sending, BATCH).await?;
    sending.skipped(&batch);
    let records = alert_records(service, &sending.caller(), &batch.alerts).await?;
    for (alert, record) in batch.alerts.iter().zip(&records) {
        if *stopped.borrow() || !service.renew_forwarder(sending).await? {
            break;
        }
        let body = flow::alert(record).to_string().into_bytes();
        let seconds = clock.now().0.div_euclid(1_000);
        // The same for every attempt, so that a receiver can tell what it has already.
        let id = alert.id.to_string();
        let headers = vec![
            ("webhook-signature", secrets.sign(&id, seconds, &body)),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-id", id),
        ];
        match service.authority().outbound().post_json(&secrets.url, headers, body).await {
            Ok(200..=299) => sending.took_alert(&batch, &alert.id),
            // It is the receiver's state that is wrong, not this alert.
            Ok(status @ (408 | 429 | 500..)) => {
                sending.failed(format!("the receiver answered {status}"), clock.now());
                break;
            }
            Ok(status) => {
                let why = format!("the receiver refused an alert with {status}");
                sending.refused_alert(&batch, &alert.id, why, clock.now());
            }
            Err(why) => {
                sending.failed(why.to_string(), clock.now());
                break;
            }
        }
    }
    Ok(())
}
