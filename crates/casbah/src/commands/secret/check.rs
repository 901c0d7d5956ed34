//! `casbah secret check`: whether a text on standard input holds a client secret of Casbah, without a server.

use std::io::BufRead;

use casbah_model::{ClientSecretForm, Secret, find_client_secrets};
use serde_json::json;

use crate::client::failure::{Exit, Failure};
use crate::output::{Cell, Column, Output};

/// What was found. The secret itself is never repeated.
const COLUMNS: &[Column] = &[
    Column::new("Line", "line", "/line", Cell::Count),
    Column::new("Column", "column", "/column", Cell::Count),
    Column::text("Begins with", "hint", "/hint"),
    Column::text("Checksum", "checksum", "/checksum"),
];

/// Reads standard input to its end. Done when every secret that was found is whole and there is one; failed
/// when one is damaged; not found when there is none.
pub fn run(output: &Output) -> Result<(), Failure> {
    let mut found = Vec::new();
    let mut damaged = false;
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = Secret::new(String::from_utf8_lossy(&line?));
        let text = line.expose();
        for (start, _, form) in find_client_secrets(text) {
            damaged |= form == ClientSecretForm::Damaged;
            let checksum = match form {
                ClientSecretForm::Whole => "fits",
                ClientSecretForm::Damaged => "does not fit",
                ClientSecretForm::Unchecked => "has none: made before secrets had one",
            };
            let hint: String = text[start..].chars().take(3).collect();
            found
                .push(json!({ "line": number + 1, "column": start + 1, "hint": hint, "checksum": checksum }));
        }
    }
    if found.is_empty() {
        return Err(Failure::not_found("standard input holds no client secret of Casbah"));
    }
    output.list(COLUMNS, &found)?;
    if damaged {
        return Err(Failure::new(Exit::Failed, "a checksum does not fit: the text was mistyped or made up"));
    }
    Ok(())
}
