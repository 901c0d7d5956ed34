//! The protocol beyond what Microsoft's endpoints speak, and all of its endpoints in every spelling.

mod endpoints;
mod pages;
mod proof_key;
mod proofs;
mod token_state;
