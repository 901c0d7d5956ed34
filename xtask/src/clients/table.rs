//! The table of clients and flows in the documents.

use std::path::Path;

use crate::Failure;

const BEGIN: &str = "<!-- clients: made by `UPDATE=1 cargo xtask clients` -->";
const END: &str = "<!-- end of clients -->";

/// The columns, in their order: name in reports, heading.
const FLOWS: [(&str, &str); 14] = [
    ("secret", "secret"),
    ("certificate", "certificate"),
    ("assertion", "assertion"),
    ("workload identity", "workload identity"),
    ("code", "code"),
    ("interactive", "interactive"),
    ("device code", "device code"),
    ("password", "password"),
    ("silent", "cache and refresh"),
    ("on-behalf-of", "on behalf of"),
    ("errors", "errors"),
    ("legacy token", "legacy token"),
    ("directory", "directory"),
    ("upload", "upload"),
];

/// One client: a line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    client: String,
    cells: Vec<String>,
}

impl Row {
    fn line(&self) -> String {
        format!("| {} | {} |", self.client, self.cells.join(" | "))
    }

    /// Reads a line of the table.
    fn parse(line: &str) -> Option<Row> {
        let mut cells = line.trim().strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").map(str::to_string);
        let client = cells.next()?;
        Some(Row { client, cells: cells.collect() })
    }
}

/// Compares the table in `document` with what was reported; `UPDATE=1` writes it instead. Rows of clients
/// that did not run stay as they are.
pub(super) fn compare(document: &Path, report: &str) -> Result<(), Failure> {
    let text = std::fs::read_to_string(document)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the document has no table of clients")?;
    let (old, after) = rest.split_once(END).ok_or("the document's table of clients has no end")?;
    let new = table(old, &rows(report)?);
    if new == old {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        println!("   wrote {}", document.display());
        return Ok(std::fs::write(document, format!("{before}{BEGIN}{new}{END}{after}"))?);
    }
    for line in new.lines().filter(|line| !old.contains(line)) {
        println!("   {line}");
    }
    Err("the clients did not do what docs/compatibility.md says; if that is right: UPDATE=1 cargo xtask clients".into())
}

fn table(old: &str, new: &[Row]) -> String {
    let headings: Vec<&str> = FLOWS.iter().map(|(_, heading)| *heading).collect();
    let mut rows: Vec<Row> = old.lines().skip(4).filter_map(Row::parse).collect();
    for row in new {
        match rows.iter_mut().find(|r| r.client == row.client) {
            Some(known) => known.cells.clone_from(&row.cells),
            None => rows.push(Row { client: row.client.clone(), cells: row.cells.clone() }),
        }
    }
    rows.sort_by_key(|row| row.client.to_lowercase());
    let mut text = format!("\n\n| client | version | {} |\n", headings.join(" | "));
    text.push_str(&format!("|{}\n", "---|".repeat(FLOWS.len() + 2)));
    for row in rows {
        text.push_str(&row.line());
        text.push('\n');
    }
    text.push('\n');
    text
}

fn rows(report: &str) -> Result<Vec<Row>, Failure> {
    let mut rows: Vec<Row> = Vec::new();
    for line in report.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [client, flow, version, result, reason] = fields[..] else {
            return Err(format!("not a line of a report: {line}").into());
        };
        let name = flow.split(':').next().unwrap_or(flow);
        let column = FLOWS.iter().position(|(known, _)| *known == name);
        let column = 1 + column.ok_or_else(|| format!("a flow without a column: {flow}"))?;
        if rows.last().is_none_or(|row| row.client != client) {
            let mut cells = vec!["–".to_string(); FLOWS.len() + 1];
            cells[0] = version.to_string();
            rows.push(Row { client: client.to_string(), cells });
        }
        let Some(cell) = rows.last_mut().and_then(|row| row.cells.get_mut(column)) else { continue };
        match (result, cell.as_str()) {
            ("pass", "–") => *cell = "pass".into(),
            ("pass", _) => {}
            (_, "–" | "pass") => *cell = format!("{flow}: {reason}"),
            (_, others) => *cell = format!("{others}; {flow}: {reason}"),
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "B\tsecret\t1.0\tpass\t\nB\tcode: public\t1.0\tpass\t\nB\tcode: web\t1.0\tfail\tAADSTS1\n\
                          a\tsecret\t2.0\tpass\t\n";

    #[test]
    fn a_cell_is_pass_or_the_reason() {
        let rows = rows(REPORT).unwrap();
        assert_eq!(rows[0].cells[..6], ["1.0", "pass", "–", "–", "–", "code: web: AADSTS1"]);
        assert_eq!((rows[1].client.as_str(), rows[1].cells[0].as_str()), ("a", "2.0"));
    }

    #[test]
    fn a_table_read_and_written_is_the_same_and_absent_clients_keep_their_rows() {
        let all = table("", &rows(REPORT).unwrap());
        assert_eq!(table(&all, &[]), all);
        assert_eq!(table(&all, &rows(REPORT).unwrap()[1..]), all);
        assert!(all.lines().nth(4).unwrap().starts_with("| a | 2.0 | pass |"));
    }

    #[test]
    fn a_report_of_another_form_is_refused() {
        assert!(rows("B\tsecret\t1.0\n").is_err() && rows("B\tunheard\t1.0\tpass\t\n").is_err());
    }
}
