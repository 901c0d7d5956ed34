//! Certificates of applications: the public halves of the keys that sign their assertions.

use casbah_model::{ApplicationCertificate, Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

const COLUMNS: &str = "key_id, application, display_name, custom_key_identifier, certificate, thumbprint, \
                       thumbprint_sha256, starts, ends, last_used, last_address";

fn certificate(row: Row) -> Result<ApplicationCertificate> {
    let mut r = row.read();
    Ok(ApplicationCertificate {
        key_id: r.take()?,
        application: r.take()?,
        display_name: r.take()?,
        custom_key_identifier: r.take()?,
        der: r.take()?,
        thumbprint: r.take()?,
        thumbprint_sha256: r.take()?,
        starts: r.take()?,
        ends: r.take()?,
        last_used: r.take()?,
        last_address: r.take()?,
    })
}

/// Adds a certificate; one that the application has already is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, certificate: &ApplicationCertificate) -> Result<()> {
    let sql = format!(
        "insert into application_certificates (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    let values = [
        tenant.into(),
        certificate.key_id.into(),
        certificate.application.into(),
        (&certificate.display_name).into(),
        (&certificate.custom_key_identifier).into(),
        (&certificate.der).into(),
        (&certificate.thumbprint).into(),
        (&certificate.thumbprint_sha256).into(),
        certificate.starts.into(),
        certificate.ends.into(),
        certificate.last_used.into(),
        certificate.last_address.clone().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// An application's certificates, also those that ended, the oldest first.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<Vec<ApplicationCertificate>> {
    let sql = format!(
        "select {COLUMNS} from application_certificates where tenant = ?1 and application = ?2 \
         order by starts, key_id"
    );
    tx.rows(&sql, &[tenant.into(), application.into()])?.into_iter().map(certificate).collect()
}

/// Deletes a certificate; answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, application: Guid, key_id: Guid) -> Result<bool> {
    let sql = "delete from application_certificates where tenant = ?1 and application = ?2 and key_id = ?3";
    Ok(tx.execute(sql, &[tenant.into(), application.into(), key_id.into()])? > 0)
}

/// Deletes every certificate of an application.
pub(crate) fn delete_of(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<()> {
    let sql = "delete from application_certificates where tenant = ?1 and application = ?2";
    tx.execute(sql, &[tenant.into(), application.into()])?;
    Ok(())
}

/// Notes that a token was issued for a certificate, and from where it was asked for.
pub fn touch(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    key_id: Guid,
    used: Timestamp,
    address: Option<&str>,
) -> Result<()> {
    let sql = "update application_certificates set last_used = ?4, last_address = ?5 \
               where tenant = ?1 and application = ?2 and key_id = ?3";
    tx.execute_quietly(
        sql,
        &[tenant.into(), application.into(), key_id.into(), used.into(), address.into()],
    )?;
    Ok(())
}
