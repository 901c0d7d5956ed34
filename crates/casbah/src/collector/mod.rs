//! `casbah collector`: takes logs in where devices send them, and uploads them through the API.
//!
//! ```text
//! receive.rs (UDP, TCP, TLS) ─┐
//! folder.rs  (whole files)  ──┼─> spool.rs (plain, then gzip) ──> send.rs (upload, health)
//! follow.rs  (one that grows) ┘
//! ```
//!
//! What is spooled survives a restart and the server's absence. A file that was sent but not yet deleted when the
//! collector died is sent again; the server knows its bytes and does not count them twice.

mod family;
mod folder;
mod follow;
mod framing;
mod position;
mod receive;
mod send;
mod settings;
mod spool;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use casbah_model::Clock;

use crate::client::ConnectionArgs;
use crate::client::failure::Failure;
use crate::output::note;
use settings::{Intake, Settings};
use spool::Spool;

/// Said to stop.
pub type Stop = Arc<AtomicBool>;

/// Collects until the process is told to stop.
pub async fn run(file: &Path, connection: &ConnectionArgs, clock: Clock) -> Result<(), Failure> {
    let settings = Settings::read(file)?;
    let _ours = alone_in(&settings.spool)?;
    let stop: Stop = Arc::default();
    let (mut spools, mut threads) = (Vec::new(), Vec::new());
    for input in &settings.inputs {
        let spool = Arc::new(Spool::open(&settings, input, clock)?);
        threads.push(start(input, &spool, &stop)?);
        spools.push(spool);
    }
    let sender = send::Sender::new(&settings, connection.clone(), clock, spools.clone());
    let told = stop.clone();
    threads.push(std::thread::spawn(move || sender.run(&told)));
    note(&format!("collector {} is ready", settings.name));
    wait_for_the_end().await?;
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        // A thread that panicked has said so; the others' logs are spooled all the same.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
    spools.iter().try_for_each(|spool| spool.flush())
}

fn start(input: &settings::Input, spool: &Arc<Spool>, stop: &Stop) -> Result<JoinHandle<()>, Failure> {
    let (spool, stop) = (spool.clone(), stop.clone());
    Ok(match &input.intake {
        Intake::Udp(address) => receive::udp(address, spool, stop)?,
        Intake::Tcp(address) => receive::tcp(address, None, spool, stop)?,
        Intake::Tls { address, tls } => receive::tcp(address, Some(tls.clone()), spool, stop)?,
        Intake::Folder(folder) => folder::watch(folder.clone(), spool, stop)?,
        Intake::Follow(file) => follow::follow(file.clone(), spool, stop)?,
    })
}

/// Two collectors on one spool would send each other's logs; this one holds it until the answer is dropped.
fn alone_in(spool: &Path) -> Result<File, Failure> {
    std::fs::create_dir_all(spool).map_err(|e| Failure::file(spool, &e))?;
    let path = spool.join("lock");
    let lock = File::create(&path).map_err(|e| Failure::file(&path, &e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::failed(format!("another collector uses the spool {}", spool.display())))
        }
        Err(TryLockError::Error(e)) => Err(Failure::file(&path, &e)),
    }
}

async fn wait_for_the_end() -> Result<(), Failure> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        end = tokio::signal::ctrl_c() => end?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
