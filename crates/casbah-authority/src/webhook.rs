//! What a webhook must keep to itself: its address, which may be all that its receiver asks for, and the key
//! that it signs with. Both are sealed at rest, for their row only.
//!
//! Signatures are those of the Standard Webhooks specification: HMAC-SHA256 over id, time and body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::{RecordId, Secret, TenantId, random};
use serde_json::json;

use crate::Authority;

/// What the text of a signing key begins with.
const KEY_PREFIX: &str = "whsec_";
/// Bytes of a signing key.
const KEY_BYTES: usize = 32;

/// What a webhook must keep to itself.
#[derive(Clone, Debug)]
pub struct WebhookSecrets {
    /// Where alerts are posted to.
    pub url: Secret,
    /// What signs them: `whsec_` and base64.
    pub key: Secret,
}

impl WebhookSecrets {
    /// Those of a new webhook.
    pub fn new(url: &str) -> WebhookSecrets {
        let key = STANDARD.encode(random::bytes::<KEY_BYTES>());
        WebhookSecrets { url: Secret::new(url), key: Secret::new(format!("{KEY_PREFIX}{key}")) }
    }

    /// The header `webhook-signature` of a message: its id, seconds since 1970, and its body.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let key = self.key.expose().trim_start_matches(KEY_PREFIX);
        let key = STANDARD.decode(key).unwrap_or_default();
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl Authority {
    /// Seals the secrets of a webhook for its row.
    pub fn seal_webhook(&self, tenant: TenantId, id: &RecordId, secrets: &WebhookSecrets) -> Option<Vec<u8>> {
        let plain = json!({ "url": secrets.url.expose(), "key": secrets.key.expose() }).to_string();
        self.master.seal(&place(tenant, id), plain.as_bytes())
    }

    /// The secrets of a row; none when they were sealed under another master key.
    pub fn open_webhook(&self, tenant: TenantId, id: &RecordId, sealed: &[u8]) -> Option<WebhookSecrets> {
        #[derive(serde::Deserialize)]
        struct Plain {
            url: Secret,
            key: Secret,
        }
        let plain = self.master.open(&place(tenant, id), sealed).ok()?;
        let Plain { url, key } = serde_json::from_slice(&plain).ok()?;
        Some(WebhookSecrets { url, key })
    }
}

/// The name under which they are sealed: nowhere else can they be opened.
fn place(tenant: TenantId, id: &RecordId) -> String {
    format!("webhook {tenant} {id}")
}

#[cfg(test)]
mod tests {
    use super::WebhookSecrets;
    use casbah_model::Secret;

    /// The example of the specification.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let secrets = WebhookSecrets { url: Secret::new(""), key };
        let signed = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
