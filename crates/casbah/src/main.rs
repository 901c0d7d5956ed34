//! Casbah: server and command line in one binary.

mod backup;
mod cli;
mod client;
mod collector;
mod commands;
mod config;
mod connector;
mod demo;
mod forwarding;
mod import;
mod output;
mod server;

fn main() -> std::process::ExitCode {
    cli::main()
}
