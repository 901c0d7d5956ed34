//! Traces of requests that were refused. They have no transaction of their own, so the sign-in log writes
//! them behind the caller's back.

use casbah_model::{Guid, Secret, TenantId};
use casbah_store::audit;

use crate::authority::Authority;
use crate::authorize::AuthorizeRequest;
use crate::client::Credentials;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants;
use crate::opaque;
use crate::sign_in_log::Entry;
use crate::tenant::{Hints, TenantName};
use crate::token::TokenRequest;

/// What the audit trail wants to know of a request that is refused.
pub(crate) struct Attempted {
    tenant: String,
    embedded: Option<TenantId>,
    user_name: Option<String>,
    client: Option<Guid>,
    grant: Option<&'static str>,
    /// Whether an application wanted something for itself.
    as_itself: bool,
}

impl Attempted {
    /// A request to the token endpoint.
    pub(crate) fn at_token_endpoint(request: &TokenRequest) -> Attempted {
        let form = &request.form;
        let grant = form.get("grant_type").and_then(|name| grants::find(name).ok());
        let grant_type = grant.map(|g| g.grant_types()[0]);
        Attempted {
            embedded: grant.and_then(|g| g.carrier(form)).and_then(|text| opaque::tenant_of(&text)),
            user_name: form.get("username").map(str::to_string),
            grant: grant_type,
            as_itself: grant_type == Some("client_credentials"),
            ..Attempted::by_client(&request.tenant, form, request.authorization.as_ref())
        }
    }

    /// A request to start a device sign-in.
    pub(crate) fn at_device_endpoint(tenant: &str, form: &Form, authorization: Option<&Secret>) -> Attempted {
        let grant = grants::find("device_code").ok().map(|grant| grant.grant_types()[0]);
        Attempted { grant, as_itself: false, ..Attempted::by_client(tenant, form, authorization) }
    }

    /// A request of an application about itself or its tokens.
    pub(crate) fn by_client(tenant: &str, form: &Form, authorization: Option<&Secret>) -> Attempted {
        let credentials = Credentials::of_request(form, authorization.map(Secret::expose));
        Attempted {
            tenant: tenant.to_string(),
            embedded: None,
            user_name: None,
            client: credentials.ok().and_then(|c| c.client_id.trim().parse().ok()),
            grant: None,
            as_itself: true,
        }
    }

    /// A request to the authorize endpoint.
    pub(crate) fn at_authorize_endpoint(request: &AuthorizeRequest) -> Attempted {
        let form = &request.form;
        let session = request.session.as_ref().map(Secret::expose);
        Attempted {
            tenant: request.tenant.clone(),
            embedded: session.and_then(opaque::tenant_of),
            user_name: form.get("login_hint").map(str::to_string),
            client: form.get("client_id").and_then(|id| id.trim().parse().ok()),
            grant: None,
            as_itself: false,
        }
    }
}

impl Authority {
    /// Leaves a trace of a request that was refused, when it names a tenant of ours. What was typed as a name
    /// that does not exist is left out: people type passwords there; and so is a client id that is none.
    pub(crate) async fn note_refusal(&self, attempted: Attempted, error: &OAuthError) {
        let Ok(name) = TenantName::parse(&attempted.tenant) else { return };
        // A device that asks again has not failed.
        if error.code == codes::DEVICE_PENDING {
            return;
        }
        let (embedded, user_name) = (attempted.embedded, attempted.user_name);
        let tenant = self
            .store
            .read(move |tx| {
                let hints = Hints { embedded, user_name: user_name.as_deref(), domain: None };
                name.resolve(tx, &hints)
            })
            .await;
        let Ok(Some(tenant)) = tenant else { return };
        let entry = Entry {
            tenant: tenant.id,
            actor: error.user.as_deref().copied(),
            as_itself: attempted.as_itself,
            client: attempted.client,
            resource: None,
            credential: None,
            grant: attempted.grant,
            session: None,
            failure: Some(error.code.number),
            origin: audit::origin(),
        };
        self.sign_in_log.note(&self.store, self.clock.now(), entry);
    }

    /// As [`Authority::note_refusal`], if it was the application that was refused and not what it asked for.
    pub(crate) async fn note_refused_client(&self, attempted: Attempted, error: &OAuthError) {
        if matches!(error.error, "invalid_client" | "unauthorized_client") {
            self.note_refusal(attempted, error).await;
        }
    }
}
