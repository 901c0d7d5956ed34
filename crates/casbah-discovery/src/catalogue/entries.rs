//! The catalogue file, in either of its two forms: one app a line, ids written down once and never given again.
//!
//! CSV has the columns of `catalogue/seed.csv`; `yes` is a claim, empty is unknown. JSON lines have
//! `{"id":…,"name":…,"vendor":…,"cat":…,"hq":…,"founded":…,"match":[…],"ip":[…],"appid":[…],"f":{"soc2":1,…}}`,
//! where 1 is a claim, 0 its denial, and an absent key unknown.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::Deserialize;

use super::{App, Claims, score};

/// The catalogue that ships with us, as text.
pub const BUILT_IN: &str = include_str!("../../catalogue/seed.csv");

/// An app and where it stands.
pub(super) struct Entry {
    pub(super) line: u64,
    pub(super) app: App,
    /// What was left out because it could not be read.
    pub(super) odd: Vec<String>,
}

/// A line that is no app, and why.
pub(super) type Broken = (u64, String);

/// All entries of a file.
pub(super) fn entries(text: &str) -> Vec<Result<Entry, Broken>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.trim_start().starts_with('{') { of_json(text) } else { of_csv(text) }
}

#[derive(Deserialize)]
struct Line {
    id: u32,
    name: String,
    #[serde(default)]
    vendor: String,
    cat: String,
    hq: Option<String>,
    founded: Option<u16>,
    #[serde(default, rename = "match")]
    domains: Vec<String>,
    #[serde(default)]
    ip: Vec<String>,
    #[serde(default)]
    appid: Vec<String>,
    #[serde(default)]
    f: BTreeMap<String, serde_json::Value>,
}

fn of_json(text: &str) -> Vec<Result<Entry, Broken>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let entry = |(number, line): (u64, &str)| {
        let line: Line = serde_json::from_str(line).map_err(|e| (number, e.to_string()))?;
        let mut odd = Vec::new();
        let mut claims = Claims::default();
        for (name, value) in &line.f {
            let yes = match value.as_u64() {
                Some(1) => true,
                Some(0) => false,
                _ => {
                    odd.push(format!("the claim {name} is neither 1 nor 0"));
                    continue;
                }
            };
            match claims.by_name(name) {
                Some(claim) => *claim = yes,
                None => odd.push(format!("no claim is called {name}")),
            }
        }
        let (ranges, others): (Vec<_>, Vec<_>) =
            line.ip.iter().map(|text| range(text)).partition(Result::is_ok);
        odd.extend(
            others.into_iter().filter_map(Result::err).map(|text| format!("{text} is no address range")),
        );
        let app = App {
            id: line.id,
            name: line.name,
            vendor: line.vendor,
            category: line.cat,
            domains: line.domains,
            ip_ranges: ranges.into_iter().filter_map(Result::ok).collect(),
            firewall_names: line.appid,
            headquarters: line.hq.filter(|country| !country.is_empty()),
            founded: line.founded,
            score: Some(score(&claims, line.founded)),
            claims,
        };
        Ok(Entry { line: number, app, odd })
    };
    lines.map(entry).collect()
}

/// A range, or a single address.
fn range(text: &str) -> Result<IpNet, &str> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| text)
}

/// Columns that every file has; the claims come after them, as far as anybody knows any.
const COLUMNS: &[&str] = &["app_id", "name", "vendor", "category", "domains", "headquarters", "founded"];

fn of_csv(text: &str) -> Vec<Result<Entry, Broken>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(why) => return vec![Err((1, why.to_string()))],
    };
    if let Some(missing) =
        ["app_id", "name", "category", "domains"].iter().find(|n| !header.iter().any(|c| c == **n))
    {
        return vec![Err((1, format!("there is no column {missing}, so this is no catalogue")))];
    }
    let rows = reader.into_records();
    rows.map(|row| {
        let row = row.map_err(|why| (why.position().map_or(0, csv::Position::line), why.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        of_row(&header, &row, line).map_err(|why| (line, why))
    })
    .collect()
}

fn of_row(header: &csv::StringRecord, row: &csv::StringRecord, line: u64) -> Result<Entry, String> {
    let cell = |name: &str| {
        let at = header.iter().position(|column| column == name);
        at.and_then(|at| row.get(at)).map(str::trim).filter(|cell| !cell.is_empty())
    };
    let required = |name: &str| cell(name).ok_or_else(|| format!("an app without {name}"));
    let mut odd = Vec::new();
    if row.len() > header.len() {
        odd.push(format!("{} cells under {} columns", row.len(), header.len()));
    }
    let mut claims = Claims::default();
    for name in header.iter().filter(|name| !COLUMNS.contains(name)) {
        match (claims.by_name(name), cell(name)) {
            (None, None) | (Some(_), None | Some("no")) => {}
            (Some(claim), Some("yes")) => *claim = true,
            (Some(_), Some(other)) => odd.push(format!("{name} is {other}, neither yes nor no")),
            (None, Some(_)) => odd.push(format!("no claim is called {name}")),
        }
    }
    let founded = cell("founded").map(|year| year.parse().map_err(|_| year));
    if let Some(Err(year)) = founded {
        odd.push(format!("{year} is no year"));
    }
    let founded = founded.and_then(Result::ok);
    let id = required("app_id")?;
    let (ranges, domains): (Vec<_>, Vec<_>) = required("domains")?
        .split('|')
        .map(|text| text.parse::<IpNet>().map_err(|_| text))
        .partition(Result::is_ok);
    let app = App {
        id: id.parse().map_err(|_| format!("{id} is no app id"))?,
        name: required("name")?.to_owned(),
        vendor: cell("vendor").unwrap_or_default().to_owned(),
        category: required("category")?.to_owned(),
        domains: domains.into_iter().filter_map(Result::err).map(str::to_owned).collect(),
        ip_ranges: ranges.into_iter().filter_map(Result::ok).collect(),
        firewall_names: Vec::new(),
        headquarters: cell("headquarters").map(str::to_owned),
        founded,
        score: Some(score(&claims, founded)),
        claims,
    };
    Ok(Entry { line, app, odd })
}

impl Claims {
    fn by_name(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "soc2" => &mut self.soc2,
            "iso27001" => &mut self.iso27001,
            "hipaa" => &mut self.hipaa,
            "gdpr" => &mut self.gdpr,
            "pci_dss" => &mut self.pci_dss,
            "fedramp" => &mut self.fedramp,
            "mfa" => &mut self.mfa,
            "saml" => &mut self.saml,
            "generative_ai" => &mut self.generative_ai,
            _ => return None,
        })
    }
}
