//! Webhooks and SIEM agents: what sends records elsewhere as they arrive. Who may have one reads everything.
//!
//! Sending is done by the binary: it claims a forwarder that something waits for, asks for the records one
//! batch after the other, and settles what became of them.

mod sending;
pub use sending::{Batch, Sending};

use casbah_authority::{Caller, WebhookSecrets, check_callback_url};
use casbah_model::filter::{ActivityField, AlertField};
use casbah_model::{Chosen, Forwarder, ForwarderHealth, Outlet, RecordId, SyslogReceiver, TenantId};
use casbah_store::{Tx, audit, forwarders};
use serde_json::{Value as Json, json};

use crate::{Error, Service};

/// Of each kind, in a tenant.
const MOST: usize = 50;
/// Characters of a name, and of a host.
const LONGEST_NAME: usize = 200;
const LONGEST_HOST: usize = 253;
/// Characters of an address.
const LONGEST_URL: usize = 4_000;

/// A webhook with what is told once.
#[derive(Debug)]
pub struct NewWebhook {
    /// The webhook.
    pub webhook: Forwarder,
    /// Its secrets.
    pub secrets: WebhookSecrets,
}

/// What a SIEM agent is to be.
#[derive(Clone, Debug)]
pub struct SiemAgentDetails {
    /// Name; unique among the tenant's SIEM agents.
    pub name: String,
    /// Where to.
    pub receiver: SyslogReceiver,
    /// Which alerts; none for no alerts.
    pub alerts: Option<Chosen<AlertField>>,
    /// Which activities; none for no activities.
    pub activities: Option<Chosen<ActivityField>>,
    /// Whether it sends.
    pub enabled: bool,
}

impl Service {
    /// The webhooks of the tenant, oldest first.
    pub async fn list_webhooks(&self, caller: &Caller) -> Result<Vec<Forwarder>, Error> {
        self.list_forwarders(caller, forwarders::webhooks).await
    }

    /// The SIEM agents of the tenant, oldest first.
    pub async fn list_siem_agents(&self, caller: &Caller) -> Result<Vec<Forwarder>, Error> {
        self.list_forwarders(caller, forwarders::siem_agents).await
    }

    /// One SIEM agent.
    pub async fn siem_agent(&self, caller: &Caller, id: RecordId) -> Result<Forwarder, Error> {
        let all = self.list_siem_agents(caller).await?;
        all.into_iter().find(|one| one.id == id).ok_or(Error::NotFound)
    }

    async fn list_forwarders(&self, caller: &Caller, list: List) -> Result<Vec<Forwarder>, Error> {
        let tenant = caller.tenant;
        let read = self.store.read(move |tx| {
            let mut all = list(tx, tenant)?;
            for one in &mut all {
                forwarders::count_waiting(tx, tenant, one)?;
            }
            Ok::<_, casbah_store::Error>(all)
        });
        Ok(read.await?)
    }

    /// Registers an address that takes each new alert.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        name: Option<String>,
        url: &str,
        alerts: Chosen<AlertField>,
    ) -> Result<NewWebhook, Error> {
        if url.chars().count() > LONGEST_URL {
            return Err(Error::invalid(
                "callback_url",
                format!("must have at most {LONGEST_URL} characters."),
            ));
        }
        let parsed = check_callback_url(url.trim()).map_err(|why| Error::invalid("callback_url", why))?;
        let own = url::Url::parse(&self.settings.public_url).map(|own| own.origin());
        if own.is_ok_and(|own| own == parsed.origin()) {
            return Err(Error::invalid("callback_url", "must not lead to Casbah itself."));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let (id, origin) = (RecordId::new(now), parsed.origin().ascii_serialization());
        let secrets = WebhookSecrets::new(parsed.as_str());
        let sealed = self.authority.seal_webhook(tenant, &id, &secrets);
        let webhook = Forwarder {
            name: checked_name(name.as_deref().unwrap_or(&origin))?,
            outlet: Outlet::Webhook { origin },
            sealed: Some(sealed.ok_or_else(|| Error::internal("sealing failed"))?),
            alerts: Some(alerts),
            activities: None,
            enabled: true,
            created: now,
            created_by: caller.name().to_string(),
            modified: now,
            health: ForwarderHealth::default(),
            id,
        };
        let record = caller.audit(now, "create webhook", "webhook", &webhook.id, json!({}));
        let made = webhook.clone();
        self.store
            .write(move |tx| {
                if forwarders::webhooks(tx, tenant)?.len() >= MOST {
                    let why = format!("a tenant has at most {MOST} webhooks; remove one first.");
                    return Err(Error::invalid("callback_url", why));
                }
                forwarders::insert(tx, tenant, &webhook)?;
                audit::append(tx, tenant, &record.changed(&webhook.id, &Json::Null, &facts(&webhook)))?;
                Ok(())
            })
            .await?;
        Ok(NewWebhook { webhook: made, secrets })
    }

    /// Removes a webhook; what waits for it is forgotten.
    pub async fn delete_webhook(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        self.delete_forwarder(caller, id, "webhook", forwarders::webhooks).await
    }

    /// Makes a SIEM agent.
    pub async fn create_siem_agent(
        &self,
        caller: &Caller,
        details: SiemAgentDetails,
    ) -> Result<Forwarder, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let details = checked(details)?;
        let agent = Forwarder {
            id: RecordId::new(now),
            name: details.name,
            outlet: Outlet::Syslog(details.receiver),
            sealed: None,
            alerts: details.alerts,
            activities: details.activities,
            enabled: details.enabled,
            created: now,
            created_by: caller.name().to_string(),
            modified: now,
            health: ForwarderHealth::default(),
        };
        let record = caller.audit(now, "create SIEM agent", "SIEM agent", &agent.id, json!({}));
        let made = agent.clone();
        self.store
            .write(move |tx| {
                check_beside(&agent, &forwarders::siem_agents(tx, tenant)?)?;
                forwarders::insert(tx, tenant, &agent)?;
                audit::append(tx, tenant, &record.changed(&agent.id, &Json::Null, &facts(&agent)))?;
                Ok::<_, Error>(())
            })
            .await?;
        Ok(made)
    }

    /// Makes a SIEM agent something else; what waits for it goes where it now sends.
    pub async fn change_siem_agent(
        &self,
        caller: &Caller,
        id: RecordId,
        details: SiemAgentDetails,
    ) -> Result<Forwarder, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let details = checked(details)?;
        let record = caller.audit(now, "change SIEM agent", "SIEM agent", &id, json!({}));
        let wanted = id.clone();
        self.store
            .write(move |tx| {
                let mut others = forwarders::siem_agents(tx, tenant)?;
                let place = others.iter().position(|one| one.id == id).ok_or(Error::NotFound)?;
                let before = others.remove(place);
                let details = details.clone();
                let after = Forwarder {
                    name: details.name,
                    outlet: Outlet::Syslog(details.receiver),
                    alerts: details.alerts,
                    activities: details.activities,
                    enabled: details.enabled,
                    modified: now,
                    ..before.clone()
                };
                check_beside(&after, &others)?;
                if facts(&before) != facts(&after) {
                    forwarders::save(tx, tenant, &after)?;
                    audit::append(tx, tenant, &record.changed(&id, &facts(&before), &facts(&after)))?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        self.siem_agent(caller, wanted).await
    }

    /// Removes a SIEM agent; what waits for it is forgotten.
    pub async fn delete_siem_agent(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        self.delete_forwarder(caller, id, "SIEM agent", forwarders::siem_agents).await
    }

    async fn delete_forwarder(
        &self,
        caller: &Caller,
        id: RecordId,
        kind: &'static str,
        list: List,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, &format!("delete {kind}"), kind, &id, json!({}));
        self.store
            .write(move |tx| {
                let one = list(tx, tenant)?.into_iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
                forwarders::delete(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&one), &Json::Null))?;
                Ok(())
            })
            .await
    }
}

/// A tenant's forwarders of one kind.
type List = fn(&mut Tx<'_>, TenantId) -> Result<Vec<Forwarder>, casbah_store::Error>;

fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let why = format!("must have 1 to {LONGEST_NAME} characters and no control characters.");
        return Err(Error::invalid("name", why));
    }
    Ok(name.to_string())
}

fn checked(mut details: SiemAgentDetails) -> Result<SiemAgentDetails, Error> {
    details.name = checked_name(&details.name)?;
    let receiver = &mut details.receiver;
    let host = receiver.host.trim().trim_matches(['[', ']']).to_ascii_lowercase();
    let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || host.len() > LONGEST_HOST || !host.bytes().all(usual) {
        return Err(Error::invalid("host", "must be the name or address of a machine."));
    }
    receiver.host = host;
    if receiver.port == 0 {
        return Err(Error::invalid("port", "must be a number from 1 to 65535."));
    }
    if details.alerts.is_none() && details.activities.is_none() {
        return Err(Error::invalid("sendAlerts", "sends nothing: set sendAlerts or sendActivities."));
    }
    Ok(details)
}

fn check_beside(agent: &Forwarder, others: &[Forwarder]) -> Result<(), Error> {
    if others.len() >= MOST {
        return Err(Error::invalid("name", format!("a tenant has at most {MOST} SIEM agents.")));
    }
    let name = agent.name.to_lowercase();
    if others.iter().any(|other| other.name.to_lowercase() == name) {
        return Err(Error::invalid("name", "another SIEM agent bears this name."));
    }
    Ok(())
}

/// What the audit trail says of a forwarder.
fn facts(one: &Forwarder) -> Json {
    json!({
        "name": one.name,
        "outlet": one.outlet,
        "alertFilters": one.alerts.as_ref().map(|chosen| &chosen.filters),
        "activityFilters": one.activities.as_ref().map(|chosen| &chosen.filters),
        "enabled": one.enabled,
    })
}
