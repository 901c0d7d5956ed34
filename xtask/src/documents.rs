//! Runs the commands that the documents show, so that none of them can go stale.
//!
//! Every fenced block marked `sh` in `docs/` is run, in order, one shell per document, with
//! `casbah` on the path; and, where the document speaks of `casbah env`, with the variables that
//! `eval "$(casbah env)"` sets.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::Server;
use crate::{Failure, root, run};

/// Runs the commands of every document.
pub fn run_all(server: &Server, binary: &Path) -> Result<(), Failure> {
    let mut documents = documents(&root().join("docs"))?;
    documents.sort();
    let clients = crate::environment::folder().join("python/bin");
    let mut count = 0;
    for path in documents {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        let text = std::fs::read_to_string(&path)?;
        let script = script(&text);
        if script.is_empty() {
            continue;
        }
        println!("   {shown}");
        count += 1;
        let folder = tempfile::tempdir()?;
        // Pages of clients speak of a folder in which the client is installed.
        std::os::unix::fs::symlink(root().join("e2e/node/node_modules"), folder.path().join("node_modules"))?;
        let path = format!(
            "{}:{}:{}",
            clients.display(),
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
        run(&mut shell).map_err(|e| format!("{shown}: {e}"))?;
    }
    if count == 0 { Err("no document has a command to run".into()) } else { Ok(()) }
}

/// All documents below a folder.
fn documents(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(documents(&path)?);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    Ok(found)
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
