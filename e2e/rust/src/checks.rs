//! How test programs report: one line per check, `client TAB flow TAB version TAB pass|fail TAB reason`; see
//! `../python/checks.py`, which says the same for Python. And what the clients' checks share.

use std::error::Error;
use std::fmt::Debug;

use oauth2::reqwest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub type Failure = Box<dyn Error>;
pub type Checked = Result<(), Failure>;

pub const DEFAULT: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default";
pub const READ: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read";

/// One client, as it appears in the report. The version is what the lock file says.
pub struct Client {
    pub name: &'static str,
    pub package: &'static str,
}

impl Client {
    pub async fn check(&self, flow: &str, check: impl Future<Output = Checked>) {
        let only = std::env::args().nth(1).unwrap_or_default();
        if !flow.contains(&only) {
            return;
        }
        let (result, reason) = match check.await {
            Ok(()) => ("pass", String::new()),
            Err(problem) => {
                eprintln!("{flow}: {problem:?}");
                ("fail", shown(&problem.to_string()))
            }
        };
        println!("{}\t{flow}\t{}\t{result}\t{reason}", self.name, self.version());
    }

    fn version(&self) -> &'static str {
        let mut lines = include_str!("../Cargo.lock").lines();
        let name = format!("name = \"{}\"", self.package);
        lines.find(|line| *line == name);
        let version = lines.next().unwrap_or_default();
        version.split('"').nth(1).unwrap_or("?")
    }
}

/// One line without what differs from run to run.
fn shown(problem: &str) -> String {
    let text = problem.split("Trace ID").next().unwrap_or_default().replace('|', "/");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// A variable that the tests' runner sets.
pub fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

pub fn authority() -> String {
    format!("{}/{}", env("CASBAH_URL"), env("CASBAH_TENANT"))
}

pub fn expect(condition: bool, otherwise: impl Debug) -> Checked {
    if condition { Ok(()) } else { Err(format!("{otherwise:?}").into()) }
}

/// The HTTP client of `oauth2` and `openidconnect`, whose bundled roots know nothing of Casbah's authority.
pub fn http() -> Result<reqwest::Client, Failure> {
    let authority = reqwest::Certificate::from_pem(&std::fs::read(env("CASBAH_CA"))?)?;
    // These libraries ask for clients that follow no redirects.
    let none = reqwest::redirect::Policy::none();
    Ok(reqwest::Client::builder().add_root_certificate(authority).redirect(none).build()?)
}

/// The token is good for what it was asked for: the API answers.
pub async fn list_alerts(token: &str) -> Checked {
    let url = format!("{}/api/v1/alerts/", env("CASBAH_URL"));
    let answer = http()?.get(url).bearer_auth(token).send().await?;
    expect(answer.status() == 200, answer.status())?;
    let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await?)?;
    expect(body["data"].is_array(), "no list of alerts")
}

/// Has the shared browser (`../node/browser.mjs`) do something.
pub async fn browser(action: &str, parameters: &[(&str, &str)]) -> Checked {
    let url = reqwest::Url::parse_with_params(&format!("{}/{action}", env("E2E_BROWSER")), parameters)?;
    let answer = reqwest::get(url).await?;
    let good = answer.status() == 200;
    expect(good, answer.text().await?)
}

/// A client's own address on loopback, which takes one answer of the authorize endpoint.
pub struct Listener {
    socket: TcpListener,
    pub address: String,
}

impl Listener {
    pub async fn start() -> Result<Listener, Failure> {
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://localhost:{}", socket.local_addr()?.port());
        Ok(Listener { socket, address })
    }

    /// Signs in at an authorize address of this listener's client; the code that arrived.
    pub async fn code(&self, authorize: &str) -> Result<String, Failure> {
        let arrived = async {
            let (mut stream, _) = self.socket.accept().await?;
            let mut request = vec![0; 16 * 1024];
            let length = stream.read(&mut request).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone").await?;
            Ok::<_, Failure>(String::from_utf8_lossy(&request[..length]).into_owned())
        };
        let parameters = [("url", authorize)];
        let (signed_in, request) = tokio::join!(browser("sign-in", &parameters), arrived);
        signed_in?;
        let request = request?;
        let path = request.split(' ').nth(1).ok_or("not a request")?;
        let url = reqwest::Url::parse(&self.address)?.join(path)?;
        let code = url.query_pairs().find(|(name, _)| name == "code").ok_or(format!("no code in {path}"))?;
        Ok(code.1.into_owned())
    }
}
