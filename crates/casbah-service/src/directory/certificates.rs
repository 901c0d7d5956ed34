//! Certificates of an application: the public halves of the keys that sign its client assertions.

use casbah_authority::{Caller, Certificate};
use casbah_model::{Application, ApplicationCertificate, Guid, Secret, TenantId, Timestamp};
use casbah_store::{Tx, application_certificates, audit};
use serde_json::{Value as Json, json};

use super::applications::{ApplicationKey, find};
use super::{names, owners};
use crate::{Error, Service};

const FIELD: &str = "keyCredentials";
/// Most certificates of an application.
const MOST: usize = 20;

/// A certificate to be registered, or one of those that stay when the whole list is written anew.
#[derive(Clone, Debug)]
pub struct CertificateEntry {
    key_id: Guid,
    display_name: Option<String>,
    custom_key_identifier: Option<Vec<u8>>,
    starts: Option<Timestamp>,
    ends: Option<Timestamp>,
    /// None for one that is registered and stays as it is.
    certificate: Option<Certificate>,
}

/// What somebody says about a certificate.
#[derive(Clone, Debug, Default)]
pub struct NewCertificate {
    /// Its id, when it is registered already or the sender chose one.
    pub key_id: Option<Guid>,
    /// The certificate in DER, PEM or base64; none for one that is registered already.
    pub content: Option<Vec<u8>>,
    /// Name for people; the subject's common name when there is none.
    pub display_name: Option<String>,
    /// What the owner calls it; its SHA-1 thumbprint when there is none.
    pub custom_key_identifier: Option<Vec<u8>>,
    /// Valid from, when later than the certificate's own date.
    pub starts: Option<Timestamp>,
    /// Valid until, when earlier than the certificate's own date.
    pub ends: Option<Timestamp>,
}

impl NewCertificate {
    /// Reads the certificate.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is none, or has ended.
    pub fn check(self, now: Timestamp) -> Result<CertificateEntry, Error> {
        let read = |content: &[u8]| {
            Certificate::read(content).map_err(|e| Error::invalid(FIELD, format!("key {e}")))
        };
        let certificate = self.content.as_deref().map(read).transpose()?;
        let key_id = match (self.key_id, &certificate) {
            (Some(id), _) => id,
            (None, Some(_)) => Guid::random(),
            (None, None) => return Err(Error::invalid(FIELD, "key is missing: the certificate in base64.")),
        };
        if let Some(certificate) = &certificate {
            let ends = self.ends.map_or(certificate.ends, |ends| ends.min(certificate.ends));
            let starts = self.starts.map_or(certificate.starts, |starts| starts.max(certificate.starts));
            if ends <= now || ends <= starts {
                return Err(Error::invalid(FIELD, "the certificate has expired, or endDateTime has passed."));
            }
        }
        let display_name = self.display_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Ok(CertificateEntry {
            key_id,
            display_name: display_name.map(|name| names::display_name("displayName", name)).transpose()?,
            custom_key_identifier: self.custom_key_identifier.filter(|bytes| !bytes.is_empty()),
            starts: self.starts,
            ends: self.ends,
            certificate,
        })
    }
}

impl Service {
    /// Registers a certificate. `proof` is a token that a registered certificate has signed, for a caller
    /// that rolls its own keys (Graph's `addKey`).
    pub async fn add_certificate(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        new: NewCertificate,
        proof: Option<Secret>,
    ) -> Result<ApplicationCertificate, Error> {
        let (tenant, now, authority) = (caller.tenant, self.clock.now(), self.authority.clone());
        let entry = new.check(now)?;
        let template = caller.audit(now, "add certificate", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let registered = application_certificates::list(tx, tenant, application.id)?;
                if let Some(proof) = &proof {
                    authority.check_key_proof(proof, &application, &registered).map_err(refused_proof)?;
                }
                if registered.len() >= MOST {
                    let why = format!("an application has at most {MOST} certificates; remove one first.");
                    return Err(Error::invalid(FIELD, why));
                }
                let added = insert(tx, tenant, &application, &entry)?;
                let record = template.changed(application.id, &Json::Null, &facts(&added));
                audit::append(tx, tenant, &record)?;
                Ok(added)
            })
            .await
    }

    /// Removes a certificate; it stops working at once. `proof` as in [`Service::add_certificate`].
    pub async fn remove_certificate(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        key_id: Guid,
        proof: Option<Secret>,
    ) -> Result<(), Error> {
        let (tenant, now, authority) = (caller.tenant, self.clock.now(), self.authority.clone());
        let template = caller.audit(now, "remove certificate", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let registered = application_certificates::list(tx, tenant, application.id)?;
                if let Some(proof) = &proof {
                    authority.check_key_proof(proof, &application, &registered).map_err(refused_proof)?;
                }
                let Some(old) = registered.iter().find(|c| c.key_id == key_id) else {
                    return Err(Error::invalid("keyId", format!("no certificate has the keyId {key_id}.")));
                };
                application_certificates::delete(tx, tenant, application.id, key_id)?;
                let record = template.changed(application.id, &facts(old), &Json::Null);
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

/// Writes the whole list anew; part of changing an application. What is named by its id only stays. Answers
/// what changed, for the audit trail: before and after.
pub(super) fn replace(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: &Application,
    entries: &[CertificateEntry],
) -> Result<(Json, Json), Error> {
    if entries.len() > MOST {
        return Err(Error::invalid(FIELD, format!("an application has at most {MOST} certificates.")));
    }
    let before = application_certificates::list(tx, tenant, application.id)?;
    let stays = |id: Guid| entries.iter().any(|e| e.key_id == id && e.certificate.is_none());
    for old in before.iter().filter(|old| !stays(old.key_id)) {
        application_certificates::delete(tx, tenant, application.id, old.key_id)?;
    }
    for entry in entries {
        let known = before.iter().any(|old| old.key_id == entry.key_id);
        match &entry.certificate {
            Some(_) => {
                insert(tx, tenant, application, entry)?;
            }
            None if known => {}
            None => {
                let why = format!("the application has no certificate with the keyId {}.", entry.key_id);
                return Err(Error::invalid(FIELD, why));
            }
        }
    }
    let after = application_certificates::list(tx, tenant, application.id)?;
    let shown = |all: &[ApplicationCertificate]| all.iter().map(facts).collect::<Vec<_>>();
    Ok((json!({ "keyCredentials": shown(&before) }), json!({ "keyCredentials": shown(&after) })))
}

fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: &Application,
    entry: &CertificateEntry,
) -> Result<ApplicationCertificate, Error> {
    let read = entry.certificate.clone().ok_or_else(|| Error::invalid(FIELD, "key is missing."))?;
    let name = entry.display_name.clone().or(read.common_name);
    let certificate = ApplicationCertificate {
        key_id: entry.key_id,
        application: application.id,
        display_name: name.unwrap_or_default(),
        custom_key_identifier: entry.custom_key_identifier.clone().unwrap_or(read.thumbprint.clone()),
        // Never beyond the certificate's own dates.
        starts: entry.starts.map_or(read.starts, |starts| starts.max(read.starts)),
        ends: entry.ends.map_or(read.ends, |ends| ends.min(read.ends)),
        der: read.der,
        thumbprint: read.thumbprint,
        thumbprint_sha256: read.thumbprint_sha256,
        last_used: None,
        last_address: None,
    };
    application_certificates::insert(tx, tenant, &certificate).map_err(|e| match e {
        casbah_store::Error::Duplicate => {
            Error::Conflict("the application has this certificate, or one with this keyId, already.".into())
        }
        other => other.into(),
    })?;
    Ok(certificate)
}

fn refused_proof(why: String) -> Error {
    Error::invalid("proof", why)
}

/// What the audit trail says of a certificate.
fn facts(certificate: &ApplicationCertificate) -> Json {
    let thumbprint: String = certificate.thumbprint.iter().map(|byte| format!("{byte:02X}")).collect();
    json!({
        "keyId": certificate.key_id,
        "displayName": certificate.display_name,
        "thumbprint": thumbprint,
        "starts": certificate.starts.iso(),
        "ends": certificate.ends.iso(),
    })
}
