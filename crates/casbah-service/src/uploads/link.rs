//! The address of an upload, which carries its own right in the manner of a shared access signature.

use std::time::Duration;

use casbah_model::{RecordId, TenantId, Timestamp};

use crate::Service;

/// How long an address works: long enough for the largest file over a slow line.
pub(crate) const LIFETIME: Duration = Duration::from_secs(4 * 60 * 60);

const PURPOSE: &str = "upload";

/// The parts of an address that matter, as they came back, decoded.
#[derive(Clone, Debug, Default)]
pub struct UploadLink {
    /// First part of the path: the tenant.
    pub container: String,
    /// Second part: the upload.
    pub blob: String,
    /// Until when (`se`).
    pub expiry: String,
    /// The signature (`sig`).
    pub signature: String,
}

/// What an address that we made is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) tenant: TenantId,
    pub(crate) upload: RecordId,
    pub(crate) expires: Timestamp,
}

impl Service {
    pub(crate) fn sign_upload(&self, tenant: TenantId, upload: &RecordId, expires: Timestamp) -> String {
        let expiry = expiry_text(expires);
        let signature =
            self.authority.sign_url(PURPOSE, &statement(&tenant.to_string(), upload.as_str(), &expiry));
        let escaped = expiry.replace(':', "%3A");
        let origin = self.settings.public_url.trim_end_matches('/');
        format!(
            "{origin}/upload/{tenant}/{upload}?sv=2024-11-04&spr=https&se={escaped}&sr=b&sp=cw&sig={signature}"
        )
    }

    /// What the address is about, if we made it. Whether its time is over is for the caller to ask.
    pub(crate) fn check_link(&self, link: &UploadLink) -> Option<Signed> {
        let text = statement(&link.container, &link.blob, &link.expiry);
        if !self.authority.check_url(PURPOSE, &text, &link.signature) {
            return None;
        }
        Some(Signed {
            tenant: link.container.parse().ok()?,
            upload: link.blob.parse().ok()?,
            expires: link.expiry.parse().ok()?,
        })
    }
}

fn statement(container: &str, blob: &str, expiry: &str) -> String {
    format!("{container}\n{blob}\n{expiry}\ncw")
}

/// `2026-11-23T16:00:00Z`, as such addresses have it.
fn expiry_text(at: Timestamp) -> String {
    at.seconds_text().replace(' ', "T")
}
