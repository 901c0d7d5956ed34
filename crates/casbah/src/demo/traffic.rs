//! The proxy log that ships with the demo: three days of a company's web traffic in the layout of
//! Squid's native access log.
//!
//! It is made, not stored, because a log older than 90 days says nothing. The same moment always
//! gives the same bytes. People are invented; addresses are private or for documentation.

use std::fmt::Write;

use casbah_model::Timestamp;

use super::draw::Draw;

/// An office with a proxy of its own.
pub struct Site {
    /// What makes its traffic its own.
    seed: u64,
    /// The second number of its addresses.
    network: u8,
    /// Days of traffic that end with the moment given.
    days: u64,
    /// Of its people, every so many-th is in this office.
    every: usize,
}

/// The head office, three days of it.
pub const STOCKHOLM: Site = Site { seed: 0x00ca_5bab_0ca5_bab1, network: 20, days: 3, every: 1 };
/// A branch, a fortnight of it.
pub const OSLO: Site = Site { seed: 0x00ca_5bab_0ca5_bab2, network: 21, days: 14, every: 3 };
/// Another one.
pub const LISBON: Site = Site { seed: 0x00ca_5bab_0ca5_bab3, network: 22, days: 14, every: 4 };

const DAY_MS: i64 = 86_400_000;

const FIRST_NAMES: [&str; 12] =
    ["anna", "bilal", "chiara", "david", "elin", "farid", "grace", "hugo", "ines", "jonas", "keiko", "lars"];
const LAST_NAMES: [&str; 6] = ["berg", "costa", "duarte", "eriksson", "kim", "okafor"];

/// One app in the traffic.
struct Habit {
    /// Its hosts.
    hosts: &'static [&'static str],
    /// Of a hundred people, how many use it on a day.
    popularity: u64,
    /// Requests of one such person on a day, at most.
    requests: u64,
    /// Kilobytes of a request, about.
    kilobytes: u64,
    /// Whether the proxy refuses it now and then.
    refused: bool,
}

const fn habit(hosts: &'static [&'static str], popularity: u64, requests: u64, kilobytes: u64) -> Habit {
    Habit { hosts, popularity, requests, kilobytes, refused: false }
}

/// What people do: the company's own apps, apps for the work, and some that nobody asked about.
const HABITS: &[Habit] = &[
    habit(&["outlook.office.com", "outlook.office365.com"], 97, 4, 180),
    habit(&["teams.microsoft.com"], 95, 4, 420),
    habit(&["contoso.sharepoint.com"], 70, 3, 650),
    habit(&["contoso-my.sharepoint.com"], 55, 2, 900),
    habit(&["contoso.my.salesforce.com", "contoso.lightning.force.com"], 30, 3, 210),
    habit(&["contoso.atlassian.net"], 35, 3, 130),
    habit(&["github.com", "raw.githubusercontent.com", "api.github.com"], 25, 3, 340),
    habit(&["app.slack.com"], 20, 3, 90),
    habit(&["www.figma.com"], 12, 2, 1_900),
    habit(&["www.notion.so"], 15, 2, 220),
    habit(&["zoom.us"], 40, 1, 1_500),
    habit(&["www.linkedin.com", "media.licdn.com"], 45, 1, 160),
    // A storage app in wide use, and one person-sized flood: above 500 MB every day.
    habit(&["www.dropbox.com", "dl.dropboxusercontent.com", "content.dropboxapi.com"], 88, 2, 9_000),
    // Risky apps that more than fifty people use for more than 50 MB a day.
    habit(&["wetransfer.com", "download.wetransfer.com"], 30, 1, 7_000),
    habit(&["mega.nz", "g.api.mega.co.nz"], 86, 2, 2_600),
    habit(&["chat.deepseek.com"], 84, 2, 900),
    habit(&["chatgpt.com", "cdn.oaistatic.com"], 60, 2, 140),
    habit(&["pastebin.com"], 14, 1, 20),
    Habit { refused: true, ..habit(&["gofile.io", "store1.gofile.io"], 9, 1, 3_000) },
    Habit { refused: true, ..habit(&["web.telegram.org"], 12, 1, 110) },
    // Traffic that belongs to no app of the catalogue.
    habit(&["intranet.contoso.example", "time.contoso.example"], 60, 2, 40),
];

const PATHS: [&str; 8] = [
    "/",
    "/api/session",
    "/assets/app.js",
    "/files/list",
    "/download",
    "/search?q=report",
    "/upload",
    "/login",
];

/// The log of an office of the days before `now`, oldest line first.
pub fn log(site: &Site, now: Timestamp) -> String {
    let mut draw = Draw(site.seed);
    let mut lines: Vec<(i64, String)> = Vec::new();
    let people: Vec<Person> = people(site);
    for day in 0..site.days {
        // Whole days that end a little before now, so that no line lies in the future.
        let start = now.0 - 60_000 - DAY_MS * i64::try_from(site.days - day).unwrap_or(0);
        for person in &people {
            for habit in HABITS {
                if draw.below(100) >= habit.popularity {
                    continue;
                }
                for _ in 0..=draw.below(habit.requests) {
                    let at = start + i64::try_from(draw.below(DAY_MS.unsigned_abs())).unwrap_or(0);
                    lines.push((at, line(at, person, habit, &mut draw)));
                }
            }
        }
    }
    lines.sort();
    lines.into_iter().fold(String::new(), |mut text, (_, line)| {
        text.push_str(&line);
        text
    })
}

struct Person {
    name: String,
    address: String,
}

fn people(site: &Site) -> Vec<Person> {
    let mut people = Vec::new();
    for (row, last) in LAST_NAMES.iter().enumerate() {
        for (seat, first) in FIRST_NAMES.iter().enumerate() {
            if !(row * FIRST_NAMES.len() + seat).is_multiple_of(site.every) {
                continue;
            }
            let name = format!("{first}.{last}@contoso.example");
            people.push(Person { name, address: format!("10.{}.{}.{}", site.network, 10 + row, 20 + seat) });
        }
    }
    people
}

fn line(at: i64, person: &Person, habit: &Habit, draw: &mut Draw) -> String {
    let host = draw.one(habit.hosts);
    let refused = habit.refused && draw.below(4) == 0;
    let tunnel = draw.below(3) > 0;
    let bytes = if refused {
        3_900
    } else {
        1_000 * habit.kilobytes * (40 + draw.below(120)) / 100 + draw.below(1_000)
    };
    let elapsed = 20 + draw.below(4_000);
    let (method, target) = match tunnel {
        true => ("CONNECT", format!("{host}:443")),
        false if draw.below(6) == 0 => ("POST", format!("https://{host}{}", draw.one(&PATHS))),
        false => ("GET", format!("https://{host}{}", draw.one(&PATHS))),
    };
    let result = match (refused, tunnel) {
        (true, _) => "TCP_DENIED/403",
        (false, true) => "TCP_TUNNEL/200",
        (false, false) => "TCP_MISS/200",
    };
    let hierarchy = if refused {
        "HIER_NONE/-".to_string()
    } else {
        format!("HIER_DIRECT/203.0.113.{}", 1 + draw.below(250))
    };
    let kind = if tunnel || refused { "-" } else { "text/html" };
    let mut line = String::with_capacity(160);
    let (seconds, milliseconds) = (at.div_euclid(1000), at.rem_euclid(1000));
    // Writing to a string cannot fail.
    let _ = writeln!(
        line,
        "{seconds}.{milliseconds:03} {elapsed:>6} {} {result} {bytes} {method} {target} {} {hierarchy} {kind}",
        person.address, person.name
    );
    line
}

#[cfg(test)]
mod tests;
