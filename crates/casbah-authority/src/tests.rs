//! The protocol, without HTTP: requests go in as forms, answers come out as JSON.

mod assertion;
mod authorize;
mod client_credentials;
mod code;
mod device;
mod documents;
mod federation;
mod issuer;
mod lifetimes;
mod password;
mod refresh;
mod signer;
mod verify;
mod world;
