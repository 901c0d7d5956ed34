//! How the walk is told: what happens, the request line, what came back.

use serde_json::Value;

use crate::client::failure::Failure;
use crate::output::{paint, plain, style, write};

/// Tells the walk on standard output.
#[derive(Default)]
pub struct Narrator {
    step: std::cell::Cell<u32>,
}

impl Narrator {
    /// A part of the walk begins; its steps are counted anew.
    pub fn part(&self, title: &str, why: &str) -> Result<(), Failure> {
        self.step.set(0);
        write(&format!("\n{}\n{why}\n", paint(style::BOLD, title)))
    }

    /// A step begins.
    pub fn step(&self, title: &str) -> Result<(), Failure> {
        self.step.set(self.step.get() + 1);
        let number = paint(style::GOOD, &format!("{}.", self.step.get()));
        write(&format!("\n {number} {}\n", paint(style::BOLD, title)))
    }

    /// What is done within a step.
    pub fn now(&self, title: &str) -> Result<(), Failure> {
        write(&format!("\n    {title}\n"))
    }

    /// A request goes out.
    pub fn request(&self, method: &str, path: &str) -> Result<(), Failure> {
        write(&format!("    {}\n", paint(style::LINK, &format!("{method} {}", plain(path)))))
    }

    /// What goes with it.
    pub fn with(&self, text: &str) -> Result<(), Failure> {
        write(&format!("      {}\n", paint(style::DIM, &plain(text))))
    }

    /// What came back.
    pub fn result(&self, text: &str) -> Result<(), Failure> {
        write(&format!("    {} {}\n", paint(style::GOOD, "->"), plain(text)))
    }

    /// What was refused, as it should be.
    pub fn refused(&self, text: &str) -> Result<(), Failure> {
        write(&format!("    {} {}\n", paint(style::WARN, "->"), plain(text)))
    }

    /// A table, set in.
    pub fn table(&self, text: &str) -> Result<(), Failure> {
        let lines: String = text.lines().map(|line| format!("      {line}\n")).collect();
        write(&lines)
    }
}

/// A secret as far as it may be shown: its first characters, and how long it is.
pub fn masked(secret: &str) -> String {
    let head: String = secret.chars().take(3).collect();
    format!("{head}… ({} characters, shown once)", secret.chars().count())
}

/// A JSON value short enough for a line.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 120 { text } else { text.chars().take(119).chain(['…']).collect() }
}
