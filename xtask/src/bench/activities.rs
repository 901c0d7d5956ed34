//! Lists of activities: ten million of them against ten thousand.

mod fill;
mod filters;

use std::path::Path;
use std::time::Instant;

use super::{Client, median};
use crate::{Failure, server};

/// Rows of the large table, unless this variable says another number, and of the one that it is compared with.
const MANY: u64 = 10_000_000;
const ROWS: &str = "CASBAH_BENCH_ACTIVITIES";
const FEW: u64 = 10_000;
/// Each list is asked for so often on both, in turns.
const TIMES: usize = 7;

/// The newest hundred activities by each documented filter, from a large table against the same from a
/// small one: by the clock, but in turns, so that both have the same of what else the machine does.
pub fn run(binary: &Path) -> Result<(), Failure> {
    let many = std::env::var(ROWS).map_or(Ok(MANY), |text| text.parse())?;
    let [few, many] = [FEW, many].map(|rows| start(binary, rows));
    let (few, many) = (few?, many?);
    let (few, many) = (Lists::new(&few)?, Lists::new(&many)?);
    for (name, filter) in filters::all() {
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            small.push(few.milliseconds(&filter)?);
            large.push(many.milliseconds(&filter)?);
        }
        let (least, most) = large.iter().fold((f64::MAX, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
        let (small, large) = (median(&small), median(&large));
        let ratio = large / small;
        println!("activities_{name} {large:.1} ms {small:.1} {ratio:.2} {least:.1}..{most:.1}");
    }
    Ok(())
}

/// A server with so many activities.
fn start(binary: &Path, rows: u64) -> Result<server::Server, Failure> {
    let folder = server::start(binary)?.into_folder()?;
    fill::fill(&folder.path().join("casbah.db"), rows)?;
    server::start_on(binary, folder)
}

struct Lists {
    client: Client,
    token: String,
}

impl Lists {
    fn new(server: &server::Server) -> Result<Lists, Failure> {
        let client = Client::new(server)?;
        let token = client.token()?;
        Ok(Lists { client, token })
    }

    fn milliseconds(&self, filter: &str) -> Result<f64, Failure> {
        let path = format!("activities/?limit=100&filters={}", encoded(filter));
        let began = Instant::now();
        self.client.call(&path, &self.token)?.ok_or("the token was refused")?;
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    }
}

/// Percent-encodes all that is not a letter or digit.
fn encoded(text: &str) -> String {
    let one = |b: u8| {
        if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }
    };
    text.bytes().map(one).collect()
}
