//! The protocol, without HTTP: requests go in as forms, answers come out as JSON.

mod authorize;
mod client_credentials;
mod code;
mod device;
mod documents;
mod lifetimes;
mod password;
mod refresh;
mod verify;
mod world;
