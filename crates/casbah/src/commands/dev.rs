//! `casbah dev` and `casbah demo`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::cli::OutputArgs;
use crate::client::Server;
use crate::client::environment::FILE;
use crate::client::failure::Failure;
use crate::demo::{self, Place, world};
use crate::output::{Output, paint, pretty, style, write};
use crate::server::Running;

/// Arguments of `casbah dev`.
#[derive(Args, Clone, Debug)]
pub struct DevArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Take in a fortnight of a small company as well, as the demo does
    #[arg(long)]
    world: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `casbah demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Stop after the walk instead of serving on
    #[arg(long)]
    exit: bool,
}

#[derive(Args, Clone, Debug)]
struct PlaceArgs {
    /// Folder in which to keep everything [default: memory, and a private temporary folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one, a busy port gives way to the next
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Allow CASBAH_CLOCK to set the clock, for tests
    #[arg(long)]
    test_mode: bool,
}

/// Starts the server with its well-known world, says what there is, and serves.
pub async fn dev(arguments: DevArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let place = Place::new(arguments.place.data_dir)?;
    let running = demo::start(arguments.place.listen, &place, arguments.place.test_mode).await?;
    if arguments.world {
        let (server, clock) = (server_of(&running), running.service.clock());
        let filled = tokio::task::spawn_blocking(move || demo::fill(server, clock)).await;
        filled.unwrap_or_else(|_| Err(Failure::failed("the fortnight did not come to its end")))?;
    }
    let output = Output::new(arguments.output.output, running.service.clock().now());
    if output.for_people() {
        write(&screen(&running, &place, begun))?;
    } else {
        write(&format!("{}\n", pretty(&facts(&running))))?;
    }
    running.until_stopped().await;
    Ok(())
}

/// Starts the server, walks, and serves on.
pub async fn demo(arguments: DemoArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let place = Place::new(arguments.place.data_dir)?;
    let running = demo::start(arguments.place.listen, &place, arguments.place.test_mode).await?;
    write(&format!(
        "{}   {} in {:.1} s, settings in {}\n",
        paint(style::BOLD, concat!("Casbah ", env!("CARGO_PKG_VERSION"))),
        paint(style::LINK, &running.url),
        begun.elapsed().as_secs_f32(),
        running.data_dir.join(FILE).display()
    ))?;
    let (server, clock) = (server_of(&running), running.service.clock());
    // The walk is an ordinary client and blocks; the server goes on beside it.
    let walk = tokio::task::spawn_blocking(move || demo::walk(server, clock));
    let unfinished = || Err(Failure::failed("the walk did not come to its end"));
    let walked = tokio::select! {
        walked = walk => walked.unwrap_or_else(|_| unfinished()),
        () = interrupted() => unfinished(),
    };
    if walked.is_err() || arguments.exit {
        running.stop().await;
        return walked;
    }
    write(&format!("\n{}", closing(&running)))?;
    running.until_stopped().await;
    Ok(())
}

/// Where clients find the well-known tenant.
fn server_of(running: &Running) -> Server {
    Server {
        url: running.url.clone(),
        ca: Some(running.ca_certificate.clone()),
        tenant: world::TENANT.to_string(),
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
        }
        Err(_) => drop(interrupt.await),
    }
}

/// One screen: everything that an integrator needs.
fn screen(running: &Running, place: &Place, begun: Instant) -> String {
    let url = &running.url;
    let kept =
        if place.is_temporary() { "in memory; --data-dir keeps it" } else { "kept in the data directory" };
    let rows = [
        ("Portal", format!("{}   sign in: {} / {}", paint(style::LINK, url), world::USER, world::PASSWORD)),
        ("Token", paint(style::LINK, &format!("{url}/{}/oauth2/v2.0/token", world::TENANT))),
        ("API", paint(style::LINK, &format!("{url}/api/v1"))),
        ("Tenant", format!("{}  ({})", world::TENANT, world::DOMAIN)),
        ("App", world::CLIENT_ID.to_string()),
        ("Secret", world::CLIENT_SECRET.to_string()),
        ("Public app", format!("{}  (http://localhost)", world::PUBLIC_CLIENT_ID)),
        ("API token", world::API_TOKEN.to_string()),
        ("CA", running.ca_certificate.display().to_string()),
        ("Settings", running.data_dir.join(FILE).display().to_string()),
        ("Data", kept.to_string()),
    ];
    let mut text = format!(
        "\n  {}   ready in {:.2} s\n\n",
        paint(style::BOLD, concat!("Casbah ", env!("CARGO_PKG_VERSION"))),
        begun.elapsed().as_secs_f32()
    );
    for (name, value) in rows {
        text.push_str(&format!("  {}  {value}\n", paint(style::DIM, &format!("{name:10}"))));
    }
    text.push_str(&format!(
        "\n  {}  eval \"$(casbah env)\" && casbah api /alerts/ --field limit=3\n  {}  Ctrl-C\n",
        paint(style::DIM, "Try it    "),
        paint(style::DIM, "Stop      ")
    ));
    text.push_str(
        "\n  These secrets are the same everywhere and known to everybody: for this machine only.\n\n",
    );
    text
}

fn facts(running: &Running) -> serde_json::Value {
    json!({
        "url": running.url,
        "ca": running.ca_certificate,
        "tokenUrl": format!("{}/{}/oauth2/v2.0/token", running.url, world::TENANT),
        "apiUrl": format!("{}/api/v1", running.url),
        "tenant": world::TENANT,
        "domain": world::DOMAIN,
        "clientId": world::CLIENT_ID,
        "clientSecret": world::CLIENT_SECRET,
        "publicClientId": world::PUBLIC_CLIENT_ID,
        "user": world::USER,
        "password": world::PASSWORD,
        "apiToken": world::API_TOKEN,
        "dataDir": running.data_dir,
    })
}

fn closing(running: &Running) -> String {
    format!(
        "{}  {}   sign in: {} / {}\nIn another terminal:  eval \"$(casbah env)\" && casbah alert list\nCtrl-C stops it.\n",
        paint(style::BOLD, "The portal is open:"),
        paint(style::LINK, &running.url),
        world::USER,
        world::PASSWORD
    )
}
