//! How lines fall into cells. A shape knows quotes and delimiters, never what a cell means.

mod cef;
mod columns;
mod json;
mod labels;
mod leef;
mod pairs;
mod separated;
mod words;
mod xml;

pub(crate) use cef::keys;
pub(crate) use columns::{Columns, Splitter};
pub(crate) use json::json;
pub(crate) use labels::labels;
pub(crate) use leef::leef;
pub(crate) use pairs::{delimited, pairs, starts_with_pair};
pub(crate) use words::split as words;
pub(crate) use xml::xml;
