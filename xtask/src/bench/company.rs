//! The traffic of a made-up company, line by line: who visits what, when, and how much of it.
//!
//! The shape follows what is known of proxies: few people and few apps make most of the lines, sizes have a
//! heavy tail, seven lines of ten fall between 8 and 18 o'clock, most lines go to hosts that no catalogue
//! knows, some lines come late and a few are cut off.

use std::f64::consts::TAU;
use std::io::Write;

use casbah_model::Timestamp;

use super::spread;
use crate::{Failure, root};

const MINUTES: u64 = 24 * 60;
/// Hosts of advertisers, content networks and updaters.
const STRANGERS: usize = 30_000;
/// Of a thousand lines, those to such hosts.
const TO_STRANGERS: u64 = 750;
/// Of a thousand lines, those that come late, and of ten thousand, those that are cut off.
const LATE: u64 = 20;
const CUT_OFF: u64 = 5;

/// How a device writes a visit.
#[derive(Clone, Copy)]
pub enum Layout {
    SquidNative,
    PaloAlto,
    Zscaler,
    GenericCef,
}

impl Layout {
    pub const ALL: [Layout; 4] = [Layout::SquidNative, Layout::PaloAlto, Layout::Zscaler, Layout::GenericCef];

    /// The source's name.
    pub fn source(self) -> &'static str {
        match self {
            Layout::SquidNative => "SQUID_NATIVE",
            Layout::PaloAlto => "PALO_ALTO",
            Layout::Zscaler => "ZSCALER",
            Layout::GenericCef => "GENERIC_CEF",
        }
    }
}

/// Draws, the same in every run.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        spread(self.0)
    }

    /// At least 0, less than 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn log_normal(&mut self, mu: f64, sigma: f64) -> f64 {
        let (radius, angle) = ((-2.0 * (1.0 - self.unit()).ln()).sqrt(), TAU * self.unit());
        (mu + sigma * radius * angle.cos()).exp()
    }
}

/// Ranks that are drawn with the weight `1 / rank^exponent`.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(ranks: usize, exponent: f64) -> Zipf {
        let mut sum = 0.0;
        let sums = (1..=ranks).map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        });
        Zipf(sums.collect())
    }

    fn draw(&self, draws: &mut Draws) -> usize {
        let wanted = draws.unit() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum <= wanted).min(self.0.len().saturating_sub(1))
    }
}

/// The company: its people, each with the apps they use.
pub struct Company {
    draws: Draws,
    apps: Vec<String>,
    strangers: Vec<String>,
    /// Ranks of apps, for each person.
    habits: Vec<Vec<u32>>,
    by_person: Zipf,
    by_stranger: Zipf,
}

impl Company {
    /// A company of so many people, who use the apps of the catalogue that Casbah ships with.
    pub fn new(people: usize) -> Result<Company, Failure> {
        let seed = std::fs::read_to_string(root().join("crates/casbah-discovery/catalogue/seed.csv"))?;
        let is_host = |cell: &&str| cell.contains('.') && !cell.contains(['*', '/', '=', ' ', '"']);
        let mut apps: Vec<String> = seed.split([',', '|', '\n']).filter(is_host).map(str::to_owned).collect();
        // The file is sorted by category; popularity is not.
        apps.sort_by_key(|host| host.bytes().fold(7, |sum, b| spread(sum ^ u64::from(b))));
        let mut draws = Draws(0);
        let by_app = Zipf::new(apps.len(), 0.9);
        let habits = (0..people)
            .map(|_| {
                let wanted = draws.log_normal(35f64.ln(), 0.6).clamp(3.0, 200.0) as usize;
                (0..wanted).map(|_| by_app.draw(&mut draws) as u32).collect()
            })
            .collect();
        Ok(Company {
            draws,
            apps,
            strangers: (0..STRANGERS).map(|n| format!("s{n}.cdn{}.example", n % 700)).collect(),
            habits,
            by_person: Zipf::new(people, 0.6),
            by_stranger: Zipf::new(STRANGERS, 0.9),
        })
    }

    /// Writes the log of the day that begins at `midnight`, about `lines` of them.
    pub fn write_day(
        &mut self,
        layout: Layout,
        midnight: Timestamp,
        lines: u64,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let day = Day::new(midnight);
        let (mut line, mut owed) = (Vec::with_capacity(1024), 0.0);
        for minute in 0..MINUTES {
            let share = if (8 * 60..18 * 60).contains(&minute) { 0.7 / 600.0 } else { 0.3 / 840.0 };
            owed += lines as f64 * share;
            let now = owed as u64;
            owed -= now as f64;
            for number in 0..now {
                let ms = (minute * 60_000 + number * 60_000 / now).max(1);
                let late = if self.draws.next() % 1000 < LATE { self.draws.next() % 300_000 } else { 0 };
                line.clear();
                self.visit(ms.saturating_sub(late)).write(layout, &day, &mut line)?;
                if self.draws.next() % 10_000 < CUT_OFF {
                    line.truncate(line.len() / 2);
                    line.push(b'\n');
                }
                out.write_all(&line)?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, ms: u64) -> Visit<'_> {
        let user = self.by_person.draw(&mut self.draws);
        let habits = self.habits.get(user).map_or(&[][..], Vec::as_slice);
        let is_stranger = self.draws.next() % 1000 < TO_STRANGERS || habits.is_empty();
        let (host, number) = if is_stranger {
            let number = self.by_stranger.draw(&mut self.draws);
            (&self.strangers[number], number as u64 + 1_000_000)
        } else {
            let app = habits[(self.draws.next() % habits.len() as u64) as usize] as usize;
            (&self.apps[app], app as u64)
        };
        let heavy = if self.draws.next().is_multiple_of(200) { 1.0 / (1.0 - self.draws.unit()) } else { 1.0 };
        Visit {
            ms,
            user: user as u64,
            host,
            host_number: number,
            page: self.draws.next() % 10_000_000,
            received: (self.draws.log_normal(8.9, 1.8) * heavy).min(4e9) as u64,
            sent: self.draws.log_normal(7.2, 1.3).min(4e9) as u64,
            // Blocked is an app, not a line.
            is_blocked: spread(number) % 100 < 3,
        }
    }
}

/// The date, as the formats write it.
struct Day {
    midnight: i64,
    /// `2026/11/17`.
    slashed: String,
    /// `Tue Nov 17`.
    named: String,
    year: String,
}

impl Day {
    fn new(midnight: Timestamp) -> Day {
        // `Tue, 17 Nov 2026 00:00:00 GMT` and `2026-11-17T00:00:00…`.
        let (http, iso) = (midnight.http_date(), midnight.iso());
        let words: Vec<&str> = http.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let word = |index: usize| words.get(index).copied().unwrap_or_default();
        Day {
            midnight: midnight.seconds() * 1000,
            slashed: iso[..10].replace('-', "/"),
            named: format!("{} {} {}", word(0), word(2), word(1)),
            year: word(3).to_owned(),
        }
    }
}

/// One line, before it is written.
struct Visit<'c> {
    /// Since midnight.
    ms: u64,
    user: u64,
    host: &'c str,
    host_number: u64,
    page: u64,
    received: u64,
    sent: u64,
    is_blocked: bool,
}

impl Visit<'_> {
    fn write(&self, layout: Layout, day: &Day, out: &mut Vec<u8>) -> std::io::Result<()> {
        let Visit { ms, user, host, host_number, page, received, sent, is_blocked } = *self;
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let time = day.midnight + ms as i64;
        let [from, to] = [
            format!("10.{}.{}.{}", user >> 16 & 255, user >> 8 & 255, user & 255),
            format!("198.{}.{}.{}", 18 + (host_number >> 16 & 1), host_number >> 8 & 255, host_number & 255),
        ];
        match layout {
            Layout::SquidNative => {
                let result = if is_blocked { "TCP_DENIED/403" } else { "TCP_MISS/200" };
                writeln!(
                    out,
                    "{}.{:03} {:>6} {from} {result} {received} GET https://{host}/p/{page} \
                     user{user}@contoso.example HIER_DIRECT/{to} text/html",
                    time / 1000,
                    time % 1000,
                    page % 9000
                )
            }
            Layout::PaloAlto => {
                let (at, action) = (&day.slashed, if is_blocked { "deny" } else { "allow" });
                writeln!(
                    out,
                    "1,{at} {hour:02}:{minute:02}:{second:02},011901020304,TRAFFIC,end,2817,\
                     {at} {hour:02}:{minute:02}:{second:02},{from},{to},192.0.2.1,{to},Allow-Web,contoso\\user{user},,\
                     ssl,vsys1,trust,untrust,ethernet1/2,ethernet1/1,LF-default,{at} {hour:02}:{minute:02}:{second:02},\
                     {page},1,51969,443,51969,443,0x400000,tcp,{action},{},{sent},{received},40,\
                     {at} {hour:02}:{minute:02}:{second:02},21,any,0,{page},0x8000000000000000,\
                     10.0.0.0-10.255.255.255,United States,0,20,20,tcp-fin",
                    sent + received
                )
            }
            Layout::Zscaler => {
                let action = if is_blocked { "Blocked" } else { "Allowed" };
                writeln!(
                    out,
                    "\"{} {hour:02}:{minute:02}:{second:02} {}\",\"user{user}@contoso.example\",\"HTTP_PROXY\",\
                     \"{host}/p/{page}\",\"{action}\",\"General Browsing\",\"Enterprise\",\"{sent}\",\"{received}\",\
                     \"12\",\"20\",\"Business Use\",\"Business and Economy\",\"Business\",\"None\",\"None\",\"0\",\
                     \"None\",\"None\",\"HQ-GRE\",\"Finance\",\"{from}\",\"{to}\",\"GET\",\"200\",\
                     \"Mozilla/5.0 (Windows NT 10.0; Win64; x64)\",\"None\",\"None\",\"None\",\"text/html\",\"None\",\
                     \"user{user}\",\"LT-{user}\",\"N/A\"",
                    day.named, day.year
                )
            }
            Layout::GenericCef => {
                let action = if is_blocked { "blocked" } else { "allowed" };
                writeln!(
                    out,
                    "CEF:0|Contoso|Gateway|1.0|100|Request|3|rt={time} src={from} spt=63151 \
                     suser=user{user}@contoso.example dst={to} dpt=443 dhost={host} request=https://{host}/p/{page} \
                     requestMethod=GET act={action} app=https in={received} out={sent} \
                     requestClientApplication=Mozilla/5.0 (Windows NT 10.0; Win64; x64) cat=Business"
                )
            }
        }
    }
}
