//! The documents by which clients find everything: metadata, keys, instances, user realm.

use casbah_model::{Permission, Tenant};
use casbah_store::tenants;
use serde_json::{Value as Json, json};
use url::Url;

use crate::authority::Authority;
use crate::claims::Endpoint;
use crate::codes;
use crate::dpop;
use crate::error::OAuthError;
use crate::grants;
use crate::keys::KeyError;
use crate::seed;
use crate::tenant::{Hints, TenantName};

/// How applications prove who they are, at every endpoint that asks (RFC 8414, section 2).
const PROOFS: [&str; 3] = ["client_secret_post", "private_key_jwt", "client_secret_basic"];
/// How the assertions of `private_key_jwt` may be signed.
const ASSERTIONS: [&str; 7] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256"];

impl Authority {
    /// The metadata document of a tenant, or of `common` and `organizations`.
    ///
    /// # Errors
    /// 900023 and 90002, as `invalid_tenant`.
    pub async fn metadata(&self, endpoint: Endpoint, tenant: &str) -> Result<Json, OAuthError> {
        let (segment, issuer) = match TenantName::parse(tenant)? {
            TenantName::Common => ("common".to_string(), "{tenantid}".to_string()),
            TenantName::Organizations => ("organizations".to_string(), "{tenantid}".to_string()),
            // Served so that a client learns at the token endpoint why it cannot use it.
            TenantName::Consumers => ("consumers".to_string(), "{tenantid}".to_string()),
            name => {
                let found = self.store.read(move |tx| name.require(tx, &Hints::default())).await;
                let Tenant { id, .. } = found.map_err(|e| match e.code.number {
                    90002 => e.said_as("invalid_tenant"),
                    _ => e,
                })?;
                // Endpoints carry the id, however the document was asked for.
                (id.to_string(), id.to_string())
            }
        };
        Ok(self.document(endpoint, &segment, &issuer))
    }

    fn document(&self, endpoint: Endpoint, segment: &str, issuer: &str) -> Json {
        let base = self.public_url();
        let host = host(base);
        let (path, keys) = match endpoint {
            Endpoint::V1 => ("oauth2", "discovery/keys"),
            Endpoint::V2 => ("oauth2/v2.0", "discovery/v2.0/keys"),
        };
        let issuer = match endpoint {
            Endpoint::V1 => format!("{base}/{issuer}/"),
            Endpoint::V2 => format!("{base}/{issuer}/v2.0"),
        };
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{base}/{segment}/{path}/authorize"),
            "token_endpoint": format!("{base}/{segment}/{path}/token"),
            "device_authorization_endpoint": format!("{base}/{segment}/{path}/devicecode"),
            "end_session_endpoint": format!("{base}/{segment}/{path}/logout"),
            "userinfo_endpoint": match endpoint {
                Endpoint::V1 => format!("{base}/{segment}/openid/userinfo"),
                Endpoint::V2 => format!("{base}/oidc/userinfo"),
            },
            "jwks_uri": format!("{base}/{segment}/{keys}"),
            "token_endpoint_auth_methods_supported": PROOFS,
            "token_endpoint_auth_signing_alg_values_supported": ASSERTIONS,
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token"],
            "grant_types_supported": grants::names(),
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256", "plain"],
            "authorization_response_iss_parameter_supported": true,
            "pushed_authorization_request_endpoint": format!("{base}/{segment}/oauth2/v2.0/par"),
            "require_pushed_authorization_requests": false,
            "introspection_endpoint": format!("{base}/{segment}/oauth2/v2.0/introspect"),
            "introspection_endpoint_auth_methods_supported": PROOFS,
            "introspection_endpoint_auth_signing_alg_values_supported": ASSERTIONS,
            "revocation_endpoint": format!("{base}/{segment}/oauth2/v2.0/revoke"),
            "revocation_endpoint_auth_methods_supported": [PROOFS[0], PROOFS[1], PROOFS[2], "none"],
            "revocation_endpoint_auth_signing_alg_values_supported": ASSERTIONS,
            "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "frontchannel_logout_session_supported": true,
            "claims_supported": [
                "sub", "iss", "aud", "exp", "iat", "nbf", "auth_time", "nonce", "sid", "preferred_username", "name",
                "given_name", "family_name", "email", "upn", "unique_name", "tid", "oid", "ver",
            ],
            "tenant_region_scope": null,
            "cloud_instance_name": host,
            "cloud_graph_host_name": host,
            "msgraph_host": host,
        });
        if endpoint == Endpoint::V1 {
            document["microsoft_multi_refresh_token"] = true.into();
        }
        document
    }

    /// The Cloud Apps API as a protected resource (RFC 9728). `path` is what follows the well-known
    /// address, such as `/api/v1`; it belongs to the resource's name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn protected_resource(&self, path: &str) -> Result<Json, OAuthError> {
        let base = self.public_url();
        let tenants = self.store.read(|tx| -> Result<_, OAuthError> { Ok(tenants::all(tx)?) }).await?;
        // With several tenants the list would tell everybody who they are; the alias leads to all of them.
        let issuer = match tenants.as_slice() {
            [only] => format!("{base}/{}/v2.0", only.id),
            _ => format!("{base}/organizations/v2.0"),
        };
        let id = seed::CLOUD_APPS;
        let scopes: Vec<String> = Permission::ALL.iter().map(|p| format!("{id}/{}", p.title())).collect();
        Ok(json!({
            "resource": format!("{base}{path}"),
            "resource_name": "Cloud Apps API",
            "authorization_servers": [issuer],
            "scopes_supported": scopes,
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
            "dpop_bound_access_tokens_required": false,
        }))
    }

    /// The published signing keys; the same for every tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key_document(&self, endpoint: Endpoint) -> Result<Json, KeyError> {
        let mut keys = self.published_keys().await?;
        if endpoint == Endpoint::V2 {
            let issuer = format!("{}/{{tenantid}}/v2.0", self.public_url());
            for key in &mut keys {
                key["issuer"] = issuer.as_str().into();
            }
        }
        Ok(json!({ "keys": keys }))
    }

    /// Instance discovery: whether the authority in the request is this one.
    ///
    /// # Errors
    /// 50049 for another host.
    pub fn instances(&self, authorization_endpoint: Option<&str>) -> Result<Json, OAuthError> {
        let base = self.public_url();
        let host = host(base);
        let asked = authorization_endpoint.ok_or_else(|| OAuthError::missing("authorization_endpoint"))?;
        let ours = Url::parse(base).ok();
        let asked = Url::parse(asked).ok();
        // One library drops the port here, so only the name of the host is compared.
        let same = asked.as_ref().and_then(Url::host_str) == ours.as_ref().and_then(Url::host_str);
        let Some(asked) = asked.filter(|_| same) else {
            return Err(OAuthError::plain(codes::UNKNOWN_INSTANCE));
        };
        let tenant = asked.path_segments().and_then(|mut parts| parts.next()).filter(|s| !s.is_empty());
        let tenant = tenant.filter(|segment| TenantName::parse(segment).is_ok()).unwrap_or("common");
        Ok(json!({
            "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
        }))
    }

    /// The user realm: always managed here, also for names that do not exist, so that the answer tells
    /// nothing about who does.
    pub fn user_realm(&self, user: &str) -> Json {
        let domain = user.rsplit_once('@').map(|(_, domain)| domain).filter(|d| !d.is_empty());
        let host = host(self.public_url());
        json!({
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain.unwrap_or(&host),
            "cloud_instance_name": host,
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        })
    }
}

/// Host and port of a URL.
fn host(url: &str) -> String {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default().to_string()
}
