//! Keys under which discovery hides the names of users: sealed at rest, one series for each tenant.

use casbah_model::TenantId;
use zeroize::Zeroizing;

use crate::Authority;

impl Authority {
    /// Seals a key for its row.
    pub fn seal_name_key(&self, tenant: TenantId, number: i64, key: &[u8]) -> Option<Vec<u8>> {
        self.master.seal(&place(tenant, number), key)
    }

    /// The key of a row; none when it was sealed under another master key.
    pub fn open_name_key(&self, tenant: TenantId, number: i64, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.master.open(&place(tenant, number), sealed).ok()
    }
}

/// The name under which a key is sealed: nowhere else can it be opened.
fn place(tenant: TenantId, number: i64) -> String {
    format!("discovery names {tenant} {number}")
}
