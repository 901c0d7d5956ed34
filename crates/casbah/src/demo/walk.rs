//! The walk: the five steps of Microsoft's page "Managing API tokens", in both contexts and the
//! legacy way, through the public interface and nothing else.

use casbah_model::Secret;
use serde_json::{Value, json};

use super::narrator::{Narrator, masked, short};
use super::{traffic, world};
use crate::client::directory::{items, text};
use crate::client::failure::{Exit, Failure};
use crate::client::http::Answer;
use crate::client::oauth::Audience;
use crate::client::upload::Upload;
use crate::client::{Credentials, Server, Session};
use crate::commands::{alert, discovery, permission};
use crate::output::progress::Progress;
use crate::output::{aligned, bytes, count, explain, relative};

/// The stream that the demo's log feeds.
const STREAM: &str = "Stockholm-proxy";
const SOURCE: &str = "SQUID_NATIVE";
const FILE: &str = "access.log";

/// The claims that the walk tells.
const TOLD: [&str; 5] = ["aud", "upn", "roles", "scp", "exp"];

struct Walk {
    narrator: Narrator,
    /// The administrator, who prepares what the application then uses.
    admin: Session,
}

/// Walks from an empty tenant to the first alert.
pub fn walk(server: Server, clock: casbah_model::Clock) -> Result<(), Failure> {
    let credentials = user(world::PUBLIC_CLIENT_ID, world::USER, world::PASSWORD);
    let walk = Walk { narrator: Narrator::default(), admin: Session::new(server, credentials, clock)? };
    walk.application_context()?;
    walk.user_context()?;
    walk.legacy()?;
    super::fortnight::tell(&walk.admin, &walk.narrator)
}

fn user(client_id: &str, name: &str, password: &str) -> Credentials {
    Credentials::User {
        client_id: client_id.to_string(),
        user: name.to_string(),
        password: Secret::new(password),
    }
}

impl Walk {
    fn application_context(&self) -> Result<(), Failure> {
        let n = &self.narrator;
        n.part(
            "As an application",
            "A program acts as itself, with exactly the permissions that an administrator gave it.",
        )?;
        n.step("Register an application: SIEM connector")?;
        let wanted = [
            self.admin.grantable("Investigation.read", false)?,
            self.admin.grantable("Discovery.manage", false)?,
        ];
        let body = json!({ "displayName": "SIEM connector", "requiredResourceAccess": permission::required(&wanted) });
        let (client_id, principal) = self.register(&body)?;

        n.step("Assign permissions, with an administrator's consent")?;
        for role in &wanted {
            let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", role.resource_id);
            let body =
                json!({ "principalId": principal, "resourceId": role.resource_id, "appRoleId": role.id });
            self.send(&self.admin, Audience::Directory, "POST", &path, Some(&body))?;
            n.result(&format!("{} on {}", role.value, role.resource_name))?;
        }

        let secret = self.key(&client_id)?;
        n.step("Get a token")?;
        self.token_request(&format!(
            "grant_type=client_credentials client_id={client_id} client_secret=***"
        ))?;
        let connector = self.admin.acting(Credentials::Application { client_id, secret });
        self.explain(connector.token(Audience::Api)?.expose())?;
        self.use_it(&connector)
    }

    /// Makes an application and its service principal; answers the client id and the principal's id.
    fn register(&self, body: &Value) -> Result<(String, String), Failure> {
        let n = &self.narrator;
        let application =
            self.send(&self.admin, Audience::Directory, "POST", "/v1.0/applications", Some(body))?;
        let client_id = text(&application, "appId").to_string();
        n.result(&format!("client id {client_id}"))?;
        let body = json!({ "appId": client_id });
        let path = "/v1.0/servicePrincipals";
        let principal = self.send(&self.admin, Audience::Directory, "POST", path, Some(&body))?;
        let principal = text(&principal, "id").to_string();
        n.result(&format!("service principal {principal}: the application as this tenant knows it"))?;
        Ok((client_id, principal))
    }

    fn key(&self, client_id: &str) -> Result<Secret, Failure> {
        let n = &self.narrator;
        n.step("Create a key")?;
        let path = format!("/v1.0/applications(appId='{client_id}')/addPassword");
        let body = json!({ "passwordCredential": { "displayName": "demo" } });
        let made = self.send(&self.admin, Audience::Directory, "POST", &path, Some(&body))?;
        let secret = text(&made, "secretText");
        if secret.is_empty() {
            return Err(Failure::shape("secret"));
        }
        let ends = text(&made, "endDateTime").parse().map_or(0, |at: casbah_model::Timestamp| at.0);
        n.result(&format!("{}, ends {}", masked(secret), relative(ends, self.admin.clock.now().0)))?;
        Ok(Secret::new(secret))
    }

    fn use_it(&self, connector: &Session) -> Result<(), Failure> {
        let n = &self.narrator;
        n.step("Use it")?;
        n.now("The alerts so far")?;
        let alerts = self.send(connector, Audience::Api, "GET", "/api/v1/alerts/", None)?;
        n.result(&format!("{} alerts", alerts["total"]))?;

        n.now("Upload a proxy log")?;
        n.request("POST", "/api/v1/discovery/data_sources/")?;
        n.with(&format!("a continuous report named {STREAM}, fed with logs of the format {SOURCE}"))?;
        let made = discovery::ensure_stream(connector, STREAM, SOURCE)?;
        n.result(if made { "made" } else { "there already" })?;
        let known = discovery::known_tasks(connector)?;
        let done = self.upload(connector)?;
        let task = discovery::wait_for_report(connector, &done, FILE, &known, false)?;
        discovery::outcome(&task).map_err(Failure::failed)?;
        let figure = |name: &str| task.pointer(&format!("/figures/{name}")).and_then(Value::as_i64);
        match (figure("lines"), figure("parsed")) {
            (Some(lines), Some(parsed)) => n.result(&format!(
                "the report is ready: {} lines, {} transactions",
                count(lines),
                count(parsed)
            ))?,
            _ => n.result("the report is ready")?,
        }

        n.now("Which apps are in use?")?;
        n.request("POST", "/api/v1/discovery/discovered_apps/")?;
        let apps = discovery::discovered_apps(connector, text(&done, "inputStreamId"), 30, 100)?;
        n.result(&format!("{} apps; those with the most traffic:", apps.len()))?;
        let now = self.admin.clock.now().0;
        n.table(&aligned(&discovery::APPS[..5], &apps[..apps.len().min(12)], now, false))?;

        n.now("What do the built-in policies say?")?;
        let alerts = self.send(
            connector,
            Audience::Api,
            "GET",
            "/api/v1/alerts/?sortField=severity&sortDirection=desc",
            None,
        )?;
        n.result(&format!("{} alerts", alerts["total"]))?;
        n.table(&aligned(&alert::COLUMNS[..4], items(&alerts, "data"), now, false))
    }

    fn upload(&self, connector: &Session) -> Result<Value, Failure> {
        let n = &self.narrator;
        let log = traffic::log(&traffic::STOCKHOLM, self.admin.clock.now());
        let size = log.len() as u64;
        n.request("GET", &format!("/api/v1/discovery/upload_url/?filename={FILE}&source={SOURCE}"))?;
        n.request("PUT", "/upload/… (the signed address just handed out)")?;
        n.with(&format!(
            "{}, three days of a proxy's traffic",
            bytes(i64::try_from(size).unwrap_or(i64::MAX))
        ))?;
        n.request("POST", "/api/v1/discovery/done_upload/")?;
        let upload = Upload { filename: FILE, source: SOURCE, stream: STREAM, snapshot: false };
        let mut progress = Progress::bytes("uploading", Some(size), false);
        let done =
            connector.upload(&upload, &mut log.as_bytes(), Some(size), &mut |bytes| progress.advance(bytes));
        progress.finish();
        let done = done?;
        n.result(&short(&done))?;
        Ok(done)
    }

    fn user_context(&self) -> Result<(), Failure> {
        let n = &self.narrator;
        n.part(
            "On behalf of a user",
            "A program acts for whoever signed in: it may do what was delegated to it, as far as that person may do it too.",
        )?;
        n.step("Register an application: Analyst desktop")?;
        let scope = self.admin.grantable("Investigation.manage", true)?;
        let body = json!({ "displayName": "Analyst desktop", "isFallbackPublicClient": true,
            "publicClient": { "redirectUris": ["http://localhost"] },
            "requiredResourceAccess": permission::required(std::slice::from_ref(&scope)) });
        let (client_id, principal) = self.register(&body)?;

        n.step("Assign permissions, with an administrator's consent for everybody")?;
        let body = json!({ "clientId": principal, "consentType": "AllPrincipals", "principalId": null,
            "resourceId": scope.resource_id, "scope": scope.value });
        self.send(&self.admin, Audience::Directory, "POST", "/v1.0/oauth2PermissionGrants", Some(&body))?;
        n.result(&format!("{}, delegated, on {}", scope.value, scope.resource_name))?;

        n.step("No key: this application runs on people's machines, where none could be kept")?;

        n.step("Get a token for an administrator")?;
        let administrator = self.sign_in(&client_id, world::USER, world::PASSWORD)?;

        n.step("Use it")?;
        let alerts = self.send(&administrator, Audience::Api, "GET", "/api/v1/alerts/", None)?;
        n.result(&format!("{} alerts", alerts["total"]))?;
        n.now(
            "Uploading was not delegated, so not even an administrator can do it through this application",
        )?;
        let path = format!("/api/v1/discovery/upload_url/?filename={FILE}&source={SOURCE}");
        self.must_refuse(&administrator, "GET", &path, None)?;

        n.now("The same application, but a user who may only read")?;
        let reader = self.sign_in(&client_id, world::READER, world::READER_PASSWORD)?;
        let alerts = self.send(&reader, Audience::Api, "GET", "/api/v1/alerts/", None)?;
        n.result(&format!("{} alerts: to read is both delegated and allowed", alerts["total"]))?;
        let ids: Vec<_> = items(&alerts, "data").iter().take(1).map(|alert| alert["_id"].clone()).collect();
        let body = json!({ "filters": { "id": { "eq": ids } }, "comment": "demo" });
        self.must_refuse(&reader, "POST", "/api/v1/alerts/close_benign/", Some(&body))
    }

    fn sign_in(&self, client_id: &str, name: &str, password: &str) -> Result<Session, Failure> {
        self.token_request(&format!(
            "grant_type=password client_id={client_id} username={name} password=***"
        ))?;
        let session = self.admin.acting(user(client_id, name, password));
        self.explain(session.token(Audience::Api)?.expose())?;
        Ok(session)
    }

    /// Sends what must not be allowed.
    fn must_refuse(
        &self,
        session: &Session,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(), Failure> {
        self.narrator.request(method, path)?;
        let answer = session.call(Audience::Api, method, path, body)?;
        if answer.ok() {
            return Err(Failure::failed(format!("{method} {path} was allowed; it must not be")));
        }
        self.narrator.refused(&format!("{} {}", answer.status, answer.failure()))
    }

    fn legacy(&self) -> Result<(), Failure> {
        let n = &self.narrator;
        n.part(
            "The legacy way",
            "One token that stands for a person and all their rights; old integrations still use it.",
        )?;
        n.step("Make a legacy token and use it")?;
        let body = json!({ "name": "old integration" });
        let made = self.send(&self.admin, Audience::Api, "POST", "/api/v1/tokens/", Some(&body))?;
        let token = text(&made, "token");
        if token.is_empty() {
            return Err(Failure::shape("token"));
        }
        n.result(&masked(token))?;
        let old = self.admin.acting(Credentials::ApiToken(Secret::new(token)));
        n.request("GET", "/api/v1/alerts/")?;
        n.with("Authorization: Token ***")?;
        let answer = old.call(Audience::Api, "GET", "/api/v1/alerts/", None)?.checked()?;
        self.deprecation(&answer)
    }

    fn deprecation(&self, answer: &Answer) -> Result<(), Failure> {
        let n = &self.narrator;
        n.result("it works, and says that it will not for ever:")?;
        for name in ["deprecation", "sunset", "link"] {
            if let Some(value) = answer.header(name) {
                n.with(&format!("{name}: {value}"))?;
            }
        }
        Ok(())
    }

    fn token_request(&self, form: &str) -> Result<(), Failure> {
        self.narrator.request("POST", &format!("/{}/oauth2/v2.0/token", world::TENANT))?;
        self.narrator.with(&format!("{form} scope={}/.default", Audience::Api.app_id()))
    }

    /// Tells the claims that matter.
    fn explain(&self, token: &str) -> Result<(), Failure> {
        let Some(claims) = explain::claims(token) else { return self.narrator.result("an opaque token") };
        for statement in explain::explain(&claims, self.admin.clock.now()) {
            if TOLD.contains(&statement.claim.as_str()) {
                self.narrator
                    .result(&format!("{:5} {} ({})", statement.claim, statement.value, statement.meaning))?;
            }
        }
        Ok(())
    }

    fn send(
        &self,
        session: &Session,
        audience: Audience,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        self.narrator.request(method, path)?;
        if let Some(body) = body {
            self.narrator.with(&short(body))?;
        }
        session.call(audience, method, path, body)?.json().map_err(|failure| match failure.exit {
            Exit::Closed => failure,
            _ => Failure::new(failure.exit, format!("{method} {path}: {failure}")),
        })
    }
}
