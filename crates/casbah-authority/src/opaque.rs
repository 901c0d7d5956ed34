//! Codes, refresh tokens and session cookies: random text that means nothing to who carries it.
//!
//! The tenant stands in front of the 256 random bits, so that a request over `common` still leads to
//! the right one. It is no proof of anything: the digest is looked up within that tenant.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Secret, TenantId, random};

/// Random bits drawn before the transaction, for a secret that is put together inside it.
#[derive(Clone, Copy)]
pub(crate) struct Draw([u8; 32]);

impl Draw {
    pub(crate) fn new() -> Draw {
        Draw(random::bytes())
    }

    /// The ids that come from these bits; for rows whose number is known only in the transaction.
    pub(crate) fn guid(self, number: u32) -> Guid {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0);
        context.update(&number.to_be_bytes());
        let hash = context.finish();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        // Version 4, variant 1, like any other random GUID.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Guid::from_u128(u128::from_be_bytes(bytes))
    }

    pub(crate) fn authorization_code(self, tenant: TenantId) -> Secret {
        self.secret("0.A", tenant)
    }

    pub(crate) fn refresh_token(self, tenant: TenantId) -> Secret {
        self.secret("1.A", tenant)
    }

    pub(crate) fn device_code(self, tenant: TenantId) -> Secret {
        self.secret("2.A", tenant)
    }

    pub(crate) fn session(self, tenant: TenantId) -> Secret {
        self.secret("3.A", tenant)
    }

    pub(crate) fn pushed_request(self, tenant: TenantId) -> Secret {
        self.secret("4.A", tenant)
    }

    pub(crate) fn pending_sign_in(self, tenant: TenantId) -> Secret {
        self.secret("5.A", tenant)
    }

    pub(crate) fn upstream_state(self, tenant: TenantId) -> Secret {
        self.secret("6.A", tenant)
    }

    pub(crate) fn portal_session(self, tenant: TenantId) -> Secret {
        self.secret("7.A", tenant)
    }

    fn secret(self, prefix: &str, tenant: TenantId) -> Secret {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(tenant.0.as_bytes());
        bytes[16..].copy_from_slice(&self.0);
        Secret::new(prefix.to_string() + &URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The tenant that an opaque text names.
pub(crate) fn tenant_of(text: &str) -> Option<TenantId> {
    let bytes = URL_SAFE_NO_PAD.decode(text.get(3..)?).ok()?;
    let tenant: [u8; 16] = bytes.get(..16).filter(|_| bytes.len() == 48)?.try_into().ok()?;
    Some(TenantId(Guid::from_u128(u128::from_be_bytes(tenant))))
}
