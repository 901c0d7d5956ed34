//! The tests of everything: the built binary over TLS on loopback, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

#[macro_use]
mod harness;

mod about;
mod acceptance;
mod activities;
mod alerts;
mod app_permissions;
mod attacks;
mod backup;
mod collector;
mod command_line;
mod connector;
mod credentials;
mod custom_api;
mod demo;
mod directory;
mod discovery;
mod entities;
mod exports;
mod files;
mod forwarders;
mod geoip;
mod identity;
mod identity_providers;
mod import;
mod import_tenant;
mod nodes;
mod people;
mod policies;
mod portal;
mod protocol;
mod replays;
mod retention;
mod roles;
mod sent_alerts;
mod serve;
mod sign_ins;
mod signing_keys;
mod subnets;
mod tenant_settings;
mod throttle;
mod user_groups;
mod who_may_call;
mod workspace;
