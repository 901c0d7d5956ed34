//! The client that makes the load.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{MEASURE, processor_seconds};
use crate::Failure;
use crate::server::Server;

/// A client of the server under test, with its connections kept open.
pub struct Client {
    agent: ureq::Agent,
    process: u32,
    url: String,
    form: Vec<(&'static str, String)>,
    token_url: String,
}

impl Client {
    pub fn new(server: &Server) -> Result<Client, Failure> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let value =
            |name: &str| server.environment.get(name).cloned().ok_or(format!("casbah.env lacks {name}"));
        let pem = std::fs::read(value("CASBAH_CA")?)?;
        let authority = ureq::tls::Certificate::from_pem(&pem)?;
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::Specific(std::sync::Arc::new(vec![authority])))
            .build();
        let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
        let url = value("CASBAH_URL")?;
        let resource = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default".to_string();
        Ok(Client {
            agent,
            process: server.id(),
            token_url: format!("{url}/{}/oauth2/v2.0/token", value("CASBAH_TENANT")?),
            url,
            form: vec![
                ("grant_type", "client_credentials".into()),
                ("client_id", value("CASBAH_CLIENT_ID")?),
                ("client_secret", value("CASBAH_CLIENT_SECRET")?),
                ("scope", resource),
            ],
        })
    }

    pub fn get(&self, path: &str) -> Result<String, Failure> {
        Ok(self.agent.get(format!("{}{path}", self.url)).call()?.body_mut().read_to_string()?)
    }

    pub fn token(&self) -> Result<String, Failure> {
        let form = self.form.iter().map(|(name, value)| (*name, value.as_str()));
        let text = self.agent.post(&self.token_url).send_form(form)?.body_mut().read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        Ok(answer["access_token"].as_str().ok_or("no token")?.to_string())
    }

    pub fn alerts(&self, token: &str) -> Result<Value, Failure> {
        let request = self.agent.get(format!("{}/api/v1/alerts/?limit=100", self.url));
        let text =
            request.header("Authorization", format!("Bearer {token}")).call()?.body_mut().read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// How often the server does it in a second of its own processor time, under one client at a time.
    pub fn per_processor_second(
        &self,
        mut work: impl FnMut(&Client) -> Result<(), Failure>,
    ) -> Result<f64, Failure> {
        let mut repeat = |time: Duration| -> Result<u32, Failure> {
            let began = Instant::now();
            let mut count = 0;
            while began.elapsed() < time {
                work(self)?;
                count += 1;
            }
            Ok(count)
        };
        // Connections and caches.
        repeat(MEASURE / 5)?;
        let before = processor_seconds(self.process)?;
        let count = repeat(MEASURE)?;
        Ok(f64::from(count) / (processor_seconds(self.process)? - before))
    }
}
