//! A small world: two tenants, a few people and applications.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{
    AppRoleAssignment, Application, ApplicationDetails, ApplicationSecret, Clock, ClockSetting, ConsentType,
    Guid, ObjectKind, Permission, PermissionGrant, ROLES, RedirectUri, RedirectUriKind, RequiredAccess,
    Secret, ServicePrincipal, ServicePrincipalDetails, Tenant, TenantId, Timestamp, User, UserDetails,
    random,
};
use casbah_store::{
    Location, Store, app_role_assignments, application_secrets, applications, permission_grants,
    service_principals, tenants, users,
};
use serde_json::Value as Json;

use crate::authorize::{AuthorizeRequest, Progress, Redirect, Step};
use crate::{
    About, Authority, Endpoint, Form, OAuthError, SecretKind, Settings, SignInRequest, SignInStep,
    TokenRequest, Visitor, seed,
};

pub(crate) const BASE: &str = "https://localhost:8443";
pub(crate) const PASSWORD: &str = "correct horse & battery=1";
pub(crate) const SECRET: &str = "s+&=%~Q.12345678901234567890";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) const CONTOSO: TenantId = TenantId(Guid::from_u128(0xc0000000_0000_4000_8000_000000000001));
pub(crate) const FABRIKAM: TenantId = TenantId(Guid::from_u128(0xf0000000_0000_4000_8000_000000000002));
/// A confidential client with `https://app.example/cb`.
pub(crate) const WEB: Guid = Guid::from_u128(0xa0000000_0000_4000_8000_000000000001);
/// A page in a browser at `https://spa.example/cb`.
pub(crate) const SPA: Guid = Guid::from_u128(0xa0000000_0000_4000_8000_000000000002);
/// An installed application with `http://localhost`.
pub(crate) const DESKTOP: Guid = Guid::from_u128(0xa0000000_0000_4000_8000_000000000003);
/// Another confidential client.
pub(crate) const OTHER: Guid = Guid::from_u128(0xa0000000_0000_4000_8000_000000000004);

pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) store: Store,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn settings() -> Settings {
    Settings { public_url: BASE.to_string(), master_key: Secret::new("k".repeat(43)) }
}

/// An empty database: in memory, or on the PostgreSQL server that `CASBAH_TEST_DATABASE_URL` names.
async fn database() -> Location {
    let Ok(server) = std::env::var("CASBAH_TEST_DATABASE_URL") else { return Location::Memory };
    let name = format!("casbah_authority_{}", random::text(12, b"abcdefghijklmnopqrstuvwxyz"));
    let (client, driver) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("the test server answers");
    let driver = tokio::spawn(driver);
    client.batch_execute(&format!("create database {name}")).await.expect("a database can be created");
    drop(client);
    driver.await.expect("the driver ends").expect("the connection closes");
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    Location::Postgres(url.to_string())
}

impl World {
    /// Contoso alone: the tenant is always clear.
    pub(crate) async fn new() -> World {
        let store = Store::open(&database().await).await.expect("opens");
        let clock = Clock::with(ClockSetting::Frozen(start()));
        let authority = Authority::open(store.clone(), clock, settings()).await.expect("opens");
        let world = World { authority, store };
        world.add_tenant(CONTOSO, 1, "contoso.example").await;
        world
    }

    /// Contoso and Fabrikam, with the same application ids in both.
    pub(crate) async fn with_two_tenants() -> World {
        let world = World::new().await;
        world.add_tenant(FABRIKAM, 2, "fabrikam.example").await;
        world
    }

    /// The same database, later.
    pub(crate) async fn later(&self, seconds: u64) -> World {
        let now = self.authority.clock().now().plus(Duration::from_secs(seconds));
        let clock = Clock::with(ClockSetting::Frozen(now));
        let authority = Authority::open(self.store.clone(), clock, settings()).await.expect("opens");
        World { authority, store: self.store.clone() }
    }

    async fn add_tenant(&self, id: TenantId, number: i64, domain: &'static str) {
        let now = start().minus(Duration::from_secs(60 * 60));
        let built_in = seed::built_in(now, "https://localhost:8443");
        let hash = crate::hash_password(Secret::new(PASSWORD)).await.expect("hashes");
        let secret = self.authority.digest(SecretKind::ClientSecret, &Secret::new(SECRET));
        self.store
            .write(move |tx| -> Result<(), casbah_store::Error> {
                let tenant = Tenant {
                    id,
                    number: 10_000_000 + number,
                    display_name: domain.to_string(),
                    domains: vec![domain.to_string()],
                    created: now,
                };
                tenants::insert(tx, &tenant)?;
                for application in &built_in.applications {
                    applications::insert(tx, id, application)?;
                }
                for principal in &built_in.service_principals {
                    service_principals::insert(tx, id, principal)?;
                }
                for grant in &built_in.permission_grants {
                    permission_grants::insert(tx, id, grant)?;
                }
                for name in ["alice", "bob", "carol"] {
                    let user = User {
                        id: user_id(name),
                        user_principal_name: format!("{name}@{domain}"),
                        display_name: name.to_uppercase(),
                        given_name: Some(name.to_string()),
                        surname: None,
                        mail: Some(format!("{name}@mail.example")),
                        enabled: true,
                        password_hash: Some(hash.clone()),
                        created: now,
                        sessions_valid_from: now,
                        details: UserDetails::default(),
                    };
                    users::insert(tx, id, &user)?;
                }
                // Alice administers everything, Bob may read, Carol has no role.
                users::add_role(tx, id, user_id("alice"), ROLES[0].template, now)?;
                users::add_role(tx, id, user_id("bob"), ROLES[6].template, now)?;
                for (app, uri, kind) in [
                    (WEB, "https://app.example/cb", RedirectUriKind::Web),
                    (SPA, "https://spa.example/cb", RedirectUriKind::Spa),
                    (DESKTOP, "http://localhost", RedirectUriKind::PublicClient),
                    (OTHER, "https://other.example/cb", RedirectUriKind::Web),
                ] {
                    let application = Application {
                        id: object_id(app),
                        app_id: app,
                        display_name: format!("App \"{uri}\""),
                        public_client: app == DESKTOP,
                        identifier_uris: vec![format!("https://api.example/{app}")],
                        redirect_uris: vec![RedirectUri { uri: uri.to_string(), kind }],
                        app_roles: Vec::new(),
                        scopes: Vec::new(),
                        required_access: Permission::ALL
                            .iter()
                            .map(|p| RequiredAccess {
                                resource_app_id: seed::CLOUD_APPS,
                                id: p.id(),
                                is_role: false,
                            })
                            .collect(),
                        token_version: 2,
                        created: now,
                        details: ApplicationDetails::default(),
                    };
                    applications::insert(tx, id, &application)?;
                    let principal = ServicePrincipal {
                        id: principal_id(app),
                        app_id: app,
                        display_name: application.display_name,
                        enabled: true,
                        created: now,
                        details: ServicePrincipalDetails::default(),
                    };
                    service_principals::insert(tx, id, &principal)?;
                }
                for (number, app) in [WEB, OTHER].into_iter().enumerate() {
                    let secret = ApplicationSecret {
                        key_id: Guid::from_u128(7 + number as u128),
                        application: object_id(app),
                        display_name: "first".to_string(),
                        hint: "s+&".to_string(),
                        digest: secret.clone(),
                        starts: now,
                        ends: now.plus(Duration::from_secs(30 * 24 * 60 * 60)),
                        last_used: None,
                        last_address: None,
                    };
                    application_secrets::insert(tx, id, &secret)?;
                }
                Ok(())
            })
            .await
            .expect("inserts");
        for role in [Permission::InvestigationRead, Permission::DiscoveryManage] {
            self.assign(id, WEB, role).await;
        }
        // Bob and Alice may use each application to read investigations.
        for app in [WEB, SPA, DESKTOP] {
            self.consent(id, app, &["investigation.read", "investigation.manage"]).await;
        }
    }

    pub(crate) async fn assign(&self, tenant: TenantId, app: Guid, role: Permission) {
        self.store
            .write(move |tx| {
                let resource =
                    service_principals::find_by_app_id(tx, tenant, seed::CLOUD_APPS)?.expect("seeded");
                let assignment = AppRoleAssignment {
                    id: role.id(),
                    principal: principal_id(app),
                    resource: resource.id,
                    app_role: role.id(),
                    created: start(),
                    principal_kind: ObjectKind::ServicePrincipal,
                    granted_by: None,
                };
                app_role_assignments::insert(tx, tenant, &assignment)
            })
            .await
            .expect("inserts");
    }

    pub(crate) async fn consent(&self, tenant: TenantId, app: Guid, scopes: &[&str]) {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let id = Guid::random();
        self.store
            .write(move |tx| {
                let resource =
                    service_principals::find_by_app_id(tx, tenant, seed::CLOUD_APPS)?.expect("seeded");
                let grant = PermissionGrant {
                    id,
                    client: principal_id(app),
                    resource: resource.id,
                    consent_type: ConsentType::AllPrincipals,
                    scopes: scopes.clone(),
                    created: start(),
                    granted_by: None,
                };
                permission_grants::insert(tx, tenant, &grant)
            })
            .await
            .expect("inserts");
    }

    /// Runs statements against the database directly.
    pub(crate) async fn sql(&self, sql: &'static str) {
        self.store.write(move |tx| tx.execute(sql, &[])).await.expect("runs");
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        self.store.read(move |tx| tx.number(sql, &[])).await.expect("runs")
    }

    pub(crate) async fn token(
        &self,
        endpoint: Endpoint,
        fields: &[(&str, &str)],
    ) -> Result<Json, OAuthError> {
        self.token_at("contoso.example", endpoint, fields, None, None).await
    }

    pub(crate) async fn v2(&self, fields: &[(&str, &str)]) -> Result<Json, OAuthError> {
        self.token(Endpoint::V2, fields).await
    }

    pub(crate) async fn v1(&self, fields: &[(&str, &str)]) -> Result<Json, OAuthError> {
        self.token(Endpoint::V1, fields).await
    }

    pub(crate) async fn token_at(
        &self,
        tenant: &str,
        endpoint: Endpoint,
        fields: &[(&str, &str)],
        authorization: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Json, OAuthError> {
        let request = TokenRequest {
            endpoint,
            tenant: tenant.to_string(),
            form: form(fields),
            authorization: authorization.map(Secret::new),
            origin: origin.map(str::to_string),
            proof: None,
        };
        self.authority.token(request).await
    }

    /// A token request that must be refused with a code and an OAuth error.
    pub(crate) async fn refused(&self, endpoint: Endpoint, fields: &[(&str, &str)], code: u32, error: &str) {
        let refusal = self.token(endpoint, fields).await.expect_err("is refused");
        check_refusal(&refusal, code, error);
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Secret {
        let name = format!("{name}@contoso.example");
        match self.try_sign_in("organizations", &name, PASSWORD).await.expect("signs in") {
            SignInStep::Done(signed_in) => signed_in.session,
            SignInStep::Continue(_) => panic!("a step is missing"),
        }
    }

    pub(crate) async fn try_sign_in(
        &self,
        tenant: &str,
        name: &str,
        password: &str,
    ) -> Result<SignInStep, OAuthError> {
        let request = SignInRequest {
            tenant: tenant.to_string(),
            name: name.to_string(),
            password: Secret::new(password),
            keep: false,
            return_to: "/".to_string(),
            leads_to: None,
            visitor: Visitor::default(),
        };
        self.authority.sign_in(request).await
    }

    pub(crate) fn authorize_request(
        &self,
        fields: &[(&str, &str)],
        session: Option<&Secret>,
    ) -> AuthorizeRequest {
        AuthorizeRequest {
            endpoint: Endpoint::V2,
            tenant: "contoso.example".to_string(),
            form: form(fields),
            session: session.cloned(),
            browser: None,
            progress: Progress::Start,
            about: about(),
        }
    }

    /// Goes through authorize, which must redirect at once.
    pub(crate) async fn redirect(&self, fields: &[(&str, &str)], session: Option<&Secret>) -> Redirect {
        match self.authority.authorize(self.authorize_request(fields, session)).await {
            Ok(Step::Redirect(redirect)) => redirect,
            other => panic!("no redirect but {other:?}"),
        }
    }

    /// A code for Alice.
    pub(crate) async fn code(&self, app: Guid, redirect_uri: &str, more: &[(&str, &str)]) -> String {
        let session = self.sign_in("alice").await;
        let app = app.to_string();
        let mut fields =
            vec![("client_id", app.as_str()), ("response_type", "code"), ("redirect_uri", redirect_uri)];
        fields.extend_from_slice(more);
        if !more.iter().any(|(name, _)| *name == "scope") {
            fields.push((
                "scope",
                "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read openid offline_access",
            ));
        }
        let redirect = self.redirect(&fields, Some(&session)).await;
        parameter(&redirect, "code").unwrap_or_else(|| panic!("no code: {:?}", redirect.parameters))
    }

    /// The answer of the password grant for the desktop application.
    pub(crate) async fn password(&self, name: &str, scope: &str) -> Json {
        let (app, name) = (DESKTOP.to_string(), format!("{name}@contoso.example"));
        let fields = [
            ("grant_type", "password"),
            ("client_id", &app),
            ("username", &name),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        self.v2(&fields).await.expect("answers")
    }

    /// An app-only answer for the web application.
    pub(crate) async fn app_only(&self) -> Json {
        let app = WEB.to_string();
        self.v2(&[
            ("grant_type", "client_credentials"),
            ("client_id", &app),
            ("client_secret", SECRET),
            ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default"),
        ])
        .await
        .expect("answers")
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> Form {
    fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

pub(crate) fn about() -> About {
    About { trace: Guid::from_u128(1), correlation: Guid::from_u128(2), at: start() }
}

pub(crate) fn parameter(redirect: &Redirect, name: &str) -> Option<String> {
    redirect.parameters.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone())
}

/// The code, the OAuth error, and that the body fits every client.
pub(crate) fn check_refusal(refusal: &OAuthError, code: u32, error: &str) {
    assert_eq!((refusal.code.number, refusal.error), (code, error), "{refusal}");
    let body = refusal.body(BASE, &about());
    let description = body["error_description"].as_str().expect("text");
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    assert!(description.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')), "{description}");
    for word in ["interaction_required", "consent_required", "login_required", "bad_token"] {
        assert!(!description.contains(word), "{description}");
    }
    assert_eq!(body["error_codes"], serde_json::json!([code]));
    assert_eq!(body["error"], error);
    assert_eq!(body["timestamp"], "2026-11-23 12:00:00Z");
    assert_eq!(body["error_uri"], format!("{BASE}/error?code={code}"));
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &Json) -> Json {
    part(token, 1)
}

pub(crate) fn part(token: &Json, number: usize) -> Json {
    let text = token.as_str().expect("a token").split('.').nth(number).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
}

pub(crate) fn user_id(name: &str) -> Guid {
    Guid::from_u128(0xb0000000_0000_4000_8000_000000000000 + u128::from(name.as_bytes()[0]))
}

pub(crate) fn object_id(app: Guid) -> Guid {
    shifted(app, 1)
}

pub(crate) fn principal_id(app: Guid) -> Guid {
    shifted(app, 2)
}

fn shifted(app: Guid, by: u128) -> Guid {
    Guid::from_u128(u128::from_be_bytes(*app.as_bytes()) + (by << 100))
}
