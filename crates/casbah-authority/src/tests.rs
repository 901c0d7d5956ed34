//! The protocol, without HTTP: requests go in as forms, answers come out as JSON.

mod assertion;
mod authorize;
mod claims;
mod client_credentials;
mod code;
mod device;
mod documents;
mod failures;
mod federation;
mod front_channel;
mod issuer;
mod keys;
mod keys_of_clients;
mod laws;
mod lifetimes;
mod on_behalf_of;
mod password;
mod proofs;
mod refresh;
mod sign_in;
mod signer;
mod token_state;
mod upstream;
mod verify;
mod world;
