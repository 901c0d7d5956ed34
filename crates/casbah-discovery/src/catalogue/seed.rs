//! The catalogue file: one app a line, ids written down once and never given again.

use ipnet::IpNet;

use super::{App, CatalogueError, Claims, score};

pub(super) const SEED: &str = include_str!("../../catalogue/seed.csv");

/// `yes` is a claim; empty is unknown. Every app in a file has been looked at, so every one has a score.
pub(super) fn parse(csv: &str) -> Result<Vec<App>, CatalogueError> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let malformed = |why: csv::Error| CatalogueError::Malformed(why.to_string());
    let header = reader.headers().map_err(malformed)?.clone();
    let mut apps = Vec::new();
    for row in reader.records() {
        let row = row.map_err(malformed)?;
        let cell = |name: &str| {
            let at = header.iter().position(|column| column == name);
            at.and_then(|at| row.get(at)).map(str::trim).filter(|cell| !cell.is_empty())
        };
        let required = |name: &str| {
            cell(name).ok_or_else(|| CatalogueError::Malformed(format!("an app without {name}: {row:?}")))
        };
        let yes = |name: &str| cell(name) == Some("yes");
        let claims = Claims {
            soc2: yes("soc2"),
            iso27001: yes("iso27001"),
            hipaa: yes("hipaa"),
            gdpr: yes("gdpr"),
            pci_dss: yes("pci_dss"),
            fedramp: yes("fedramp"),
            mfa: yes("mfa"),
            saml: yes("saml"),
            generative_ai: yes("generative_ai"),
        };
        let id = required("app_id")?;
        let founded = cell("founded").and_then(|year| year.parse().ok());
        let (ip_ranges, domains): (Vec<_>, Vec<_>) = required("domains")?
            .split('|')
            .map(|text| text.parse::<IpNet>().map_err(|_| text.to_owned()))
            .partition(Result::is_ok);
        apps.push(App {
            id: id.parse().map_err(|_| CatalogueError::Malformed(format!("{id} is no app id")))?,
            name: required("name")?.to_owned(),
            vendor: cell("vendor").unwrap_or_default().to_owned(),
            category: required("category")?.to_owned(),
            domains: domains.into_iter().filter_map(Result::err).collect(),
            ip_ranges: ip_ranges.into_iter().filter_map(Result::ok).collect(),
            headquarters: cell("headquarters").map(str::to_owned),
            founded,
            score: Some(score(&claims, founded)),
            claims,
        });
    }
    Ok(apps)
}
