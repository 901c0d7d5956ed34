//! The clients that make the load.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{MEASURE, processor_seconds};
use crate::Failure;
use crate::server::Server;

/// The resource that most tokens are for.
pub const API: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default";

/// A client of the server under test, with its connections kept open.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    process: u32,
    url: String,
    tenant: String,
    /// Client id and secret of the application that holds every permission of the API.
    pub application: (String, String),
    /// Client id of the application through which people sign in.
    pub public: String,
    /// Name and password of the administrator.
    pub person: (String, String),
}

impl Client {
    pub fn new(server: &Server) -> Result<Client, Failure> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let value =
            |name: &str| server.environment.get(name).cloned().ok_or(format!("casbah.env lacks {name}"));
        Ok(Client {
            agent: agent(server)?,
            process: server.id(),
            url: value("CASBAH_URL")?,
            tenant: value("CASBAH_TENANT")?,
            application: (value("CASBAH_CLIENT_ID")?, value("CASBAH_CLIENT_SECRET")?),
            public: value("CASBAH_PUBLIC_CLIENT_ID")?,
            person: (value("CASBAH_USER")?, value("CASBAH_PASSWORD")?),
        })
    }

    pub fn get(&self, path: &str) -> Result<String, Failure> {
        Ok(self.agent.get(format!("{}{path}", self.url)).call()?.body_mut().read_to_string()?)
    }

    /// Sends a form to an endpoint of the authority; answers its JSON.
    pub fn post(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Value, Failure> {
        let url = self.address(endpoint);
        let text = self.agent.post(url).send_form(fields.iter().copied())?.body_mut().read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Where an endpoint of the authority is, `token` or another.
    pub fn address(&self, endpoint: &str) -> String {
        format!("{}/{}/oauth2/v2.0/{endpoint}", self.url, self.tenant)
    }

    /// A token of the application that acts as itself.
    pub fn token(&self) -> Result<String, Failure> {
        let (id, secret) = &self.application;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret),
            ("scope", API),
        ];
        text(&self.post("token", &fields)?, "access_token")
    }

    /// Calls the API with a token; answers its JSON, or none when the token is refused.
    pub fn call(&self, path: &str, token: &str) -> Result<Option<Value>, Failure> {
        self.call_at(&format!("/api/v1/{path}"), token)
    }

    /// The same, for a path with its prefix.
    pub fn call_at(&self, path: &str, token: &str) -> Result<Option<Value>, Failure> {
        let request = self.agent.get(format!("{}{path}", self.url));
        match request.header("Authorization", format!("Bearer {token}")).call() {
            Ok(mut response) => Ok(Some(serde_json::from_str(&response.body_mut().read_to_string()?)?)),
            Err(ureq::Error::StatusCode(401)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    pub fn alerts(&self, token: &str) -> Result<Value, Failure> {
        Ok(self.call("alerts/?limit=100", token)?.ok_or("the token was refused")?)
    }

    /// How often the server does it in a second of its own processor time, under one client at a time.
    pub fn per_processor_second(
        &self,
        work: impl Fn(&Client) -> Result<(), Failure> + Sync,
    ) -> Result<f64, Failure> {
        per_processor_second(std::slice::from_ref(self), work)
    }
}

/// As many clients, each with connections of its own.
pub fn clients(server: &Server, count: usize) -> Result<Vec<Client>, Failure> {
    (0..count).map(|_| Client::new(server)).collect()
}

/// How often the server does it in a second of its own processor time, while each of the clients asks
/// as fast as it is answered.
pub fn per_processor_second(
    clients: &[Client],
    work: impl Fn(&Client) -> Result<(), Failure> + Sync,
) -> Result<f64, Failure> {
    let process = clients.first().ok_or("no clients")?.process;
    let repeat = |time: Duration| -> Result<u32, Failure> {
        let counts = at_once(clients, |client| {
            let began = Instant::now();
            let mut count = 0;
            while began.elapsed() < time {
                work(client)?;
                count += 1;
            }
            Ok(count)
        })?;
        Ok(counts.iter().sum())
    };
    // Connections and caches.
    repeat(MEASURE / 5)?;
    let before = processor_seconds(process)?;
    let count = repeat(MEASURE)?;
    Ok(f64::from(count) / (processor_seconds(process)? - before))
}

/// Lets each client work in a thread of its own; answers what they answered.
pub fn at_once<T: Send>(
    clients: &[Client],
    work: impl Fn(&Client) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = clients.iter().map(|client| scope.spawn(|| work(client))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a client panicked")?).collect()
    })
}

/// A text of an answer.
pub fn text(answer: &Value, name: &str) -> Result<String, Failure> {
    Ok(answer[name].as_str().ok_or_else(|| format!("no {name} in the answer"))?.to_string())
}

fn agent(server: &Server) -> Result<ureq::Agent, Failure> {
    let file = server.environment.get("CASBAH_CA").ok_or("casbah.env lacks CASBAH_CA")?;
    let authority = ureq::tls::Certificate::from_pem(&std::fs::read(file)?)?;
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::Specific(std::sync::Arc::new(vec![authority])))
        .build();
    Ok(ureq::Agent::config_builder().tls_config(tls).build().new_agent())
}
