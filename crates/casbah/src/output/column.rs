//! A column: where its value stands in a record, and what kind of value it is.

use serde_json::Value;

use super::units;

/// What kind of value a column holds; decides how people and programs see it.
#[derive(Clone, Copy)]
pub enum Cell {
    /// Text, numbers and lists as they are.
    Text,
    /// A number of things.
    Count,
    /// A number of bytes.
    Bytes,
    /// A moment: milliseconds since 1970, or ISO text.
    Time,
    /// `yes` or nothing.
    Mark,
    /// A number that stands for a word: its place in the list.
    Word(&'static [&'static str]),
}

/// One column of a table.
#[derive(Clone, Copy)]
pub struct Column {
    /// Heading for people.
    pub title: &'static str,
    /// Heading for programs.
    pub name: &'static str,
    /// JSON pointer of the value.
    pub pointer: &'static str,
    /// Kind of the value.
    pub cell: Cell,
}

impl Column {
    /// A column of text whose name for programs is the field's.
    pub const fn text(title: &'static str, name: &'static str, pointer: &'static str) -> Column {
        Column { title, name, pointer, cell: Cell::Text }
    }

    /// A column of another kind.
    pub const fn new(title: &'static str, name: &'static str, pointer: &'static str, cell: Cell) -> Column {
        Column { title, name, pointer, cell }
    }

    /// Whether the values line up at their right end.
    pub fn is_number(&self) -> bool {
        matches!(self.cell, Cell::Count | Cell::Bytes)
    }

    /// The value for people.
    pub fn human(&self, record: &Value, now: i64) -> String {
        let Some(value) = record.pointer(self.pointer) else { return String::new() };
        match (self.cell, value.as_i64()) {
            (Cell::Count, Some(number)) => units::count(number),
            (Cell::Bytes, Some(number)) => units::bytes(number),
            (Cell::Time, _) => match units::milliseconds(value) {
                Some(at) => units::relative(at, now),
                None => String::new(),
            },
            (Cell::Mark, _) => if value.as_bool() == Some(true) { "yes" } else { "" }.to_string(),
            _ => self.machine(record),
        }
    }

    /// The value for programs: exact, one line.
    pub fn machine(&self, record: &Value) -> String {
        let Some(value) = record.pointer(self.pointer) else { return String::new() };
        match self.cell {
            Cell::Time => units::milliseconds(value).map_or_else(String::new, units::moment),
            Cell::Word(words) => {
                let word = value.as_u64().and_then(|n| words.get(usize::try_from(n).ok()?));
                word.map_or_else(|| text(value), ToString::to_string)
            }
            _ => text(value),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
