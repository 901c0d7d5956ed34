//! Issuing tokens.

use std::path::Path;
use std::time::Instant;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;

use super::{Client, MEASURE, processor_seconds, report};
use crate::server::Server;
use crate::{Failure, server};

/// Clients that ask at the same time.
const CLIENTS: usize = 8;
/// Requests of each client in one round.
const REQUESTS: usize = 500;

pub fn run(binary: &Path) -> Result<(), Failure> {
    let server = server::start(binary)?;
    issuance(&server, "token_issuance")?;
    under_load(&server)
}

/// App-only tokens against raw signatures.
pub fn issuance(server: &Server, name: &str) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let key = signing_key()?;
    report(name, "per_processor_second", || {
        let issued = client.per_processor_second(|client| client.token().map(drop))?;
        Ok((issued, Some(signatures_per_second(&key)?)))
    })
}

/// How long the slowest hundredth of the requests takes when many clients ask at once, against
/// `/healthz` under the same load. This one is in time of the clock, so it wants a quiet machine.
fn under_load(server: &Server) -> Result<(), Failure> {
    report("token_p99_of_8_clients", "ms", || {
        let token = slowest(server, |client| client.token().map(drop))?;
        Ok((token, Some(slowest(server, |client| client.get("/healthz").map(drop))?)))
    })
}

/// The 99th percentile in milliseconds.
fn slowest(server: &Server, work: fn(&Client) -> Result<(), Failure>) -> Result<f64, Failure> {
    let one = || -> Result<Vec<f64>, String> {
        let client = Client::new(server).map_err(|e| e.to_string())?;
        work(&client).map_err(|e| e.to_string())?;
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let began = Instant::now();
            work(&client).map_err(|e| e.to_string())?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    };
    let mut times = Vec::new();
    std::thread::scope(|scope| -> Result<(), Failure> {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(one)).collect();
        for client in clients {
            times.extend(client.join().map_err(|_| "a client panicked")??);
        }
        Ok(())
    })?;
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() * 99 / 100).copied().unwrap_or_default())
}

fn signing_key() -> Result<KeyPair, Failure> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key")?;
    let pkcs8 = key.as_der().map_err(|_| "no RSA key")?;
    Ok(KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| "no RSA key")?)
}

/// Raw RSA-2048 signatures of one thread that does nothing else, by its own processor time.
fn signatures_per_second(key: &KeyPair) -> Result<f64, Failure> {
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let (began, before) = (Instant::now(), processor_seconds(std::process::id())?);
    let mut count = 0u32;
    while began.elapsed() < MEASURE {
        key.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature).map_err(|_| "no signature")?;
        count += 1;
    }
    Ok(f64::from(count) / (processor_seconds(std::process::id())? - before))
}
