//! What the tests need beside Rust: PostgreSQL, Chromium, Python, OpenSSL, Squid and Unbound from Debian's packages;
//! Node (Debian's is too old for MSAL) and the clients in an environment of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, root, run, step};

/// Where things were found, or will be when the clients are installed.
#[derive(Clone)]
pub struct Environment {
    /// Folder with `initdb`, `pg_ctl` and friends.
    pub postgres: PathBuf,
    /// Programs of an environment with the clients in it: `python`, `node`, `npm`.
    pub programs: PathBuf,
}

impl Environment {
    /// One of the environment's programs, which finds the others first.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.programs.display()));
        command
    }

    /// Installs the Python and Node clients, and Node itself.
    pub fn install(&self) -> Result<(), Failure> {
        python(&folder().join("python"), "e2e/python/requirements.txt")?;
        node(self)
    }
}

/// Where the tests' own things are.
pub fn folder() -> PathBuf {
    root().join("target/test-environment")
}

/// Finds what is there, installs what is missing from Debian, and says which.
pub fn prepare() -> Result<Environment, Failure> {
    step("What the tests need beside Rust");
    let missing = missing_packages();
    if missing.is_empty() {
        println!("   PostgreSQL, Chromium, Python, OpenSSL, Squid and Unbound are installed");
    } else {
        packages(&missing)?;
    }
    let postgres = postgres_folder().ok_or("PostgreSQL is still missing after its installation")?;
    std::fs::create_dir_all(folder())?;
    Ok(Environment { postgres, programs: folder().join("python/bin") })
}

fn missing_packages() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if postgres_folder().is_none() {
        missing.push("postgresql");
    }
    if !Path::new("/usr/bin/chromium").exists() {
        missing.push("chromium");
    }
    if !works("python3", &["-c", "import venv, ensurepip"]) {
        missing.extend(["python3", "python3-venv"]);
    }
    // Certificates of azure_identity (Rust) are built against it.
    if !works("pkg-config", &["--exists", "openssl"]) {
        missing.extend(["libssl-dev", "pkg-config"]);
    }
    if !works("curl", &["--version"]) {
        missing.push("curl");
    }
    // Only their check of a configuration is used, for the scripts that block apps.
    for (program, package) in [("/usr/sbin/squid", "squid"), ("/usr/sbin/unbound-checkconf", "unbound")] {
        if !Path::new(program).exists() {
            missing.push(package);
        }
    }
    missing
}

/// Whether a program is there and ends well.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Installs packages of Debian.
pub fn packages(packages: &[&str]) -> Result<(), Failure> {
    println!("   installing Debian's packages {}", packages.join(" "));
    let root = works("sh", &["-c", "test \"$(id -u)\" = 0"]);
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "apt-get" } else { "sudo" });
        if !root {
            command.arg("apt-get");
        }
        run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
    };
    let advice = || format!("install these packages by hand and start again: {}", packages.join(" "));
    apt(&["update", "-qq"]).map_err(|e| format!("{e}; {}", advice()))?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments).map_err(|e| format!("{e}; {}", advice()).into())
}

/// The newest PostgreSQL that Debian's packages put below `/usr/lib/postgresql`.
fn postgres_folder() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let folder = entry.path().join("bin");
            let version = entry.file_name().to_str()?.parse().ok()?;
            folder.join("initdb").exists().then_some((version, folder))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// A Python environment with exactly what a list of requirements names.
pub fn python(environment: &Path, requirements: &str) -> Result<(), Failure> {
    let shown = environment.strip_prefix(root()).unwrap_or(environment).display();
    let wanted = std::fs::read_to_string(root().join(requirements))?;
    let mark = environment.join("installed.txt");
    if std::fs::read_to_string(&mark).is_ok_and(|have| have == wanted) {
        println!("   {requirements} is installed in {shown}");
        return Ok(());
    }
    println!("   installing {requirements} into {shown}");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", "-r", requirements]))?;
    std::fs::write(mark, wanted)?;
    Ok(())
}

fn node(found: &Environment) -> Result<(), Failure> {
    let folder = root().join("e2e/node");
    let wanted = std::fs::read_to_string(folder.join("package-lock.json"))?;
    let mark = folder.join("node_modules/installed.json");
    if std::fs::read_to_string(&mark).is_ok_and(|have| have == wanted) {
        println!("   Node clients are in e2e/node/node_modules");
        return Ok(());
    }
    println!("   installing Node clients into e2e/node/node_modules");
    run(found.command("npm").args(["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(folder))?;
    std::fs::write(mark, wanted)?;
    Ok(())
}
