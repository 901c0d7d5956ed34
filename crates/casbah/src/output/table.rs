//! Aligned columns for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use super::{Column, plain};

/// Which end of the cells lines up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// The records as a table with headings; `terminal` fits it to the window.
pub fn aligned(columns: &[Column], records: &[Value], now: i64, terminal: bool) -> String {
    let headings: Vec<_> = columns.iter().map(|c| c.title.to_string()).collect();
    let sides: Vec<_> =
        columns.iter().map(|c| if c.is_number() { Side::Right } else { Side::Left }).collect();
    let rows: Vec<Vec<String>> =
        records.iter().map(|r| columns.iter().map(|c| plain(&c.human(r, now))).collect()).collect();
    if rows.is_empty() { String::new() } else { grid(&headings, &sides, &rows, terminal) }
}

fn grid(headings: &[String], sides: &[Side], rows: &[Vec<String>], terminal: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if let Some((terminal_size::Width(columns), _)) = terminal_size::terminal_size() {
            table.set_width(columns);
        }
    }
    table.set_header(headings.iter().map(|h| h.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    for (index, side) in sides.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if *side == Side::Right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let mut text = String::new();
    for (index, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let line = if index == 0 { super::paint(super::style::BOLD, line) } else { line.to_string() };
        text.push_str(&line);
        text.push('\n');
    }
    text
}
