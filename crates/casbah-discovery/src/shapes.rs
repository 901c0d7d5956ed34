//! How lines fall into cells. A shape knows quotes and delimiters, never what a cell means.

mod cef;
mod columns;
mod separated;
mod words;

pub(crate) use cef::keys;
pub(crate) use columns::{Columns, Splitter};
