//! `casbah dev` and `casbah demo`: a world that is the same everywhere, and the walk through it.

mod draw;
mod fortnight;
mod narrator;
mod start;
mod traffic;
mod walk;
pub mod world;

pub use fortnight::fill;
pub use start::{Place, start};
pub use walk::walk;
