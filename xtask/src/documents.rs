//! Runs the commands that the documents show, so that none of them can go stale.
//!
//! Every fenced block marked `sh` in `docs/` is run, in order, one shell per document, with
//! `casbah` on the path; and, where the document speaks of `casbah env`, with the variables that
//! `eval "$(casbah env)"` sets.

use std::path::Path;
use std::process::Command;

use crate::server::Server;
use crate::{Failure, root, run};

/// Runs the commands of every document.
pub fn run_all(server: &Server, binary: &Path) -> Result<(), Failure> {
    let mut documents: Vec<_> = std::fs::read_dir(root().join("docs"))?.collect::<Result<_, _>>()?;
    documents.sort_by_key(std::fs::DirEntry::file_name);
    let mut count = 0;
    for document in documents {
        let path = document.path();
        if path.extension().is_none_or(|e| e != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let script = script(&text);
        if script.is_empty() {
            continue;
        }
        println!("   docs/{}", document.file_name().to_string_lossy());
        count += 1;
        let folder = tempfile::tempdir()?;
        let path = format!(
            "{}:{}",
            binary.parent().unwrap_or(Path::new("")).display(),
            std::env::var("PATH").unwrap_or_default()
        );
        std::fs::write(folder.path().join("commands.sh"), script)?;
        let mut shell = Command::new("timeout");
        shell.args(["300", "bash", "-euo", "pipefail", "commands.sh"]);
        if text.contains("casbah env") {
            shell.envs(&server.environment);
        }
        shell.env("PATH", path).env("HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
        shell.current_dir(folder.path()).stdout(std::process::Stdio::null());
        let shown = document.file_name();
        run(&mut shell).map_err(|e| format!("docs/{}: {e}", shown.to_string_lossy()))?;
    }
    if count == 0 { Err("no document has a command to run".into()) } else { Ok(()) }
}

fn script(text: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in text.lines() {
        match line.trim_end() {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line.strip_prefix("$ ").unwrap_or(line));
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}
