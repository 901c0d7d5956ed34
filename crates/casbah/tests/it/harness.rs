//! A real Casbah for each test: its own process, folder, port and database.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::http::{HeaderMap, Method, Request};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, SendBody};

/// The moment at which the sample logs are young.
pub const NOW: &str = "2026-11-23T12:00:00Z";
/// Application id of *Microsoft Cloud App Security*.
pub const RESOURCE: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
pub const TENANT: &str = "7d0c2f6e-1111-4222-8333-444455556666";
pub const OTHER_TENANT: &str = "7d0c2f6e-2222-4222-8333-444455556666";
pub const CLIENT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub const CLIENT_SECRET: &str = "it-client-secret-000000000000000000000001";
pub const OTHER_CLIENT: &str = "aaaaaaaa-0000-4000-8000-000000000002";
pub const PUBLIC_CLIENT: &str = "aaaaaaaa-0000-4000-8000-000000000003";
/// The command line's own client, which every tenant has.
pub const CLI_CLIENT: &str = "6c1d2f0a-3b7e-4c58-9a41-ca5bab000001";
pub const ADMINISTRATOR: &str = "ada@contoso.example";
pub const READER: &str = "rita@contoso.example";
pub const PASSWORD: &str = "correct horse battery staple";
pub const API_TOKEN: &str = "itLegacyToken0000000000000000000000000000000000000000000000000001";

/// Runs a test on an empty Casbah of each database.
macro_rules! both {
    ($($(#[$meta:meta])* fn $name:ident($casbah:ident: &Casbah) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn check($casbah: &Casbah) $body

            #[test]
            fn sqlite() {
                check(&$crate::harness::Casbah::start($crate::harness::Database::sqlite()));
            }

            #[test]
            fn postgres() {
                check(&$crate::harness::Casbah::start($crate::harness::Database::postgres()));
            }
        }
    )*};
}

/// Where a test's data lives.
#[derive(Clone)]
pub enum Database {
    Sqlite,
    Postgres(String),
}

impl Database {
    pub fn sqlite() -> Database {
        Database::Sqlite
    }

    /// A fresh database on the server that `cargo xtask test` started.
    pub fn postgres() -> Database {
        let server = std::env::var("CASBAH_TEST_DATABASE_URL").expect(
            "these tests need PostgreSQL: run them by `cargo xtask test`, or set CASBAH_TEST_DATABASE_URL",
        );
        let name = format!("casbah_it_{}", casbah_model::random::text(12, b"abcdefghijklmnopqrstuvwxyz"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, driver) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(driver);
            client.batch_execute(&format!("create database {name}")).await.unwrap();
        });
        let (base, _) = server.rsplit_once('/').expect("the URL names a database");
        Database::Postgres(format!("{base}/{name}"))
    }
}

/// How a Casbah is started.
pub struct Options {
    pub clock: String,
    pub bootstrap: bool,
    pub arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { clock: NOW.to_string(), bootstrap: true, arguments: Vec::new() }
    }
}

/// A running Casbah.
pub struct Casbah {
    process: Child,
    folder: TempDir,
    database: Database,
    agent: Agent,
    pub url: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Casbah {
    pub fn start(database: Database) -> Casbah {
        Casbah::start_with(database, &Options::default())
    }

    pub fn start_with(database: Database, options: &Options) -> Casbah {
        let folder = tempfile::tempdir().unwrap();
        Casbah::start_in(folder, database, options, 0)
    }

    fn start_in(folder: TempDir, database: Database, options: &Options, port: u16) -> Casbah {
        let mut command = serve(folder.path(), &database);
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--log-format", "json"]);
        command.args(["--test-mode", "--clock", &options.clock]);
        if options.bootstrap {
            let file = folder.path().join("world.toml");
            std::fs::write(&file, include_str!("world.toml")).unwrap();
            command.arg("--bootstrap").arg(file);
        }
        command.args(&options.arguments);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let url = loop {
            let line =
                lines.next().unwrap_or_else(|| panic!("casbah ended: {:?}", log.lock().unwrap())).unwrap();
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            log.lock().unwrap().push(line);
            if event["message"] == "ready" {
                // Not the public URL: several nodes share that one.
                let listen = event["listen"].as_str().unwrap();
                break format!("https://localhost:{}", listen.rsplit(':').next().unwrap());
            }
        };
        let rest = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                rest.lock().unwrap().push(line);
            }
        });
        let agent = agent(&folder.path().join("data/tls/ca.pem"));
        Casbah { process, folder, database, agent, url, log }
    }

    /// Ends the process at once, as a power cut would, and starts it again on the same data.
    pub fn kill_and_restart(self) -> Casbah {
        self.kill_and_restart_with(&Options::default())
    }

    pub fn kill_and_restart_with(mut self, options: &Options) -> Casbah {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        // On the same port, so that issuer and addresses stay what they were.
        Casbah::start_in(folder, self.database.clone(), options, self.port())
    }

    /// Asks the process to stop, waits until it did, and starts it again on the same data.
    pub fn stop_and_restart(mut self) -> Casbah {
        assert!(Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap().success());
        self.process.wait().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Casbah::start_in(folder, self.database.clone(), &Options::default(), self.port())
    }

    /// Ends the process, and starts one at the same address on what `prepare` makes of the old data folder.
    pub fn kill_and_move(mut self, prepare: impl FnOnce(&Path, &Path)) -> Casbah {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let folder = tempfile::tempdir().unwrap();
        prepare(&self.data_dir(), &folder.path().join("data"));
        Casbah::start_in(folder, self.database.clone(), &Options::default(), self.port())
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Processor time that the process has used, in hundredths of a second.
    pub fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Waits for the process to end by itself; its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Runs statements on the database behind the server's back: what a broken disk or a careless operator does.
    pub fn sql(&self, statements: &str) {
        match &self.database {
            Database::Sqlite => {
                let database = rusqlite::Connection::open(self.data_dir().join("casbah.db")).unwrap();
                database.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
                database.execute_batch(statements).unwrap();
            }
            Database::Postgres(url) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
                    tokio::spawn(driver);
                    client.batch_execute(statements).await.unwrap();
                });
            }
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn anonymous(&self) -> Session<'_> {
        Session { casbah: self, authorization: None }
    }

    pub fn bearer(&self, token: &str) -> Session<'_> {
        Session { casbah: self, authorization: Some(format!("Bearer {token}")) }
    }

    pub fn with_header(&self, authorization: &str) -> Session<'_> {
        Session { casbah: self, authorization: Some(authorization.to_string()) }
    }

    /// The application that holds every permission, as itself.
    pub fn application(&self) -> Session<'_> {
        self.bearer(&self.application_token(TENANT, CLIENT, CLIENT_SECRET))
    }

    pub fn application_token(&self, tenant: &str, client: &str, secret: &str) -> String {
        let scope = format!("{RESOURCE}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        let answer = self.anonymous().post_form(&format!("/{tenant}/oauth2/v2.0/token"), &form).ok();
        answer["access_token"].as_str().unwrap().to_string()
    }

    /// A person, through the public client, with every scope.
    pub fn user(&self, name: &str) -> Session<'_> {
        let answer = self.user_tokens(name, &format!("{RESOURCE}/.default offline_access openid"));
        self.bearer(answer["access_token"].as_str().unwrap())
    }

    /// A person's token for the directory, through the command line's own client.
    pub fn directory_token(&self, name: &str) -> String {
        let answer = self.tokens_through(CLI_CLIENT, name, "https://graph.microsoft.com/.default");
        answer["access_token"].as_str().unwrap().to_string()
    }

    pub fn user_tokens(&self, name: &str, scope: &str) -> Value {
        self.tokens_through(PUBLIC_CLIENT, name, scope)
    }

    fn tokens_through(&self, client: &str, name: &str, scope: &str) -> Value {
        let form = [
            ("grant_type", "password"),
            ("client_id", client),
            ("username", name),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        self.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok()
    }
}

impl Drop for Casbah {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command `casbah serve` on a folder and a database, without the environment's settings.
pub fn serve(folder: &Path, database: &Database) -> Command {
    let mut command = casbah();
    // The variable, so that a test's flag beats it.
    command.arg("serve").current_dir(folder).args(["--data-dir", "data"]).env("CASBAH_METRICS_LISTEN", "off");
    if let Database::Postgres(url) = database {
        command.args(["--database-url", url]);
    }
    command
}

/// The built binary, without the environment's settings.
pub fn casbah() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casbah"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CASBAH_")) {
        command.env_remove(name);
    }
    command
}

/// An HTTPS client that trusts one authority and takes every status as an answer.
pub fn agent(authority: &Path) -> Agent {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let authority = Certificate::from_pem(&std::fs::read(authority).unwrap()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(vec![authority]))).build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .new_agent()
}

/// Someone who calls.
#[derive(Clone)]
pub struct Session<'a> {
    casbah: &'a Casbah,
    authorization: Option<String>,
}

impl Session<'_> {
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[kind], body.finish().as_bytes())
    }

    /// A PUT whose length is not said before: the body goes in chunks.
    pub fn put_in_chunks(&self, url: &str, headers: &[(&str, &str)], mut body: &[u8]) -> Answer {
        let request =
            headers.iter().fold(self.casbah.agent.put(url), |r, (name, value)| r.header(*name, *value));
        let mut answer = request.send(SendBody::from_reader(&mut body)).unwrap();
        Answer {
            what: format!("PUT {url}"),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.body_mut().read_to_vec().unwrap(),
        }
    }

    /// Any request; `path` may also be a whole URL.
    pub fn send(&self, method: &str, path: &str, headers_of_call: &[(&str, &str)], body: &[u8]) -> Answer {
        let url = if path.starts_with('/') { format!("{}{path}", self.casbah.url) } else { path.to_string() };
        let headers = self.authorization.iter().map(|value| ("authorization", value.as_str()));
        let headers: Vec<(&str, &str)> = headers.chain(headers_of_call.iter().copied()).collect();
        let answer = if method == "GET" && !body.is_empty() {
            // A body on a GET is unusual, but clients of this API do it.
            let request =
                headers.iter().fold(self.casbah.agent.get(&url), |r, (name, value)| r.header(*name, *value));
            request.force_send_body().send(body)
        } else {
            let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(&url);
            let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
            if matches!(method, "GET" | "DELETE" | "HEAD") {
                self.casbah.agent.run(request.body(()).unwrap())
            } else {
                self.casbah.agent.run(request.body(body).unwrap())
            }
        };
        let mut answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}\n{}", self.casbah.log()));
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        Answer {
            what: format!("{method} {path}"),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.what, self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The JSON of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}: {}", self.what, self.text());
        self.json()
    }

    /// The JSON (null when it is none) of a refusal with this status.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        serde_json::from_slice(&self.body).unwrap_or(json!(null))
    }
}
