//! All tests of the engine from outside: one binary.
#![allow(clippy::unwrap_used)] // The helpers of tests are tests too.

mod block_scripts;
mod catalogue;
mod files;
mod formats;
mod goldens;
mod laws;
mod sources;
mod support;
mod variants;
