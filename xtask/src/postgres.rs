//! A PostgreSQL of our own: in a temporary folder, on a free loopback port, gone when dropped.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{Failure, run, step};

/// A server that runs until this is dropped.
pub struct Postgres {
    binaries: std::path::PathBuf,
    folder: TempDir,
    /// URL of its `postgres` database; the user may create databases.
    pub url: String,
}

/// Makes a cluster and starts it.
pub fn start(binaries: &Path) -> Result<Postgres, Failure> {
    step("Starting PostgreSQL in a folder of its own");
    let folder = tempfile::Builder::new().prefix("casbah-postgres-").tempdir_in("/tmp")?;
    let root = is_root();
    if root {
        // PostgreSQL refuses to run as root; Debian's package made this user.
        run(Command::new("chown").arg("postgres").arg(folder.path()))?;
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let data = folder.path().join("data");
    let log = folder.path().join("log");
    let mut initdb = as_postgres(root, &binaries.join("initdb"));
    run(initdb
        .args(["--username=casbah", "--auth=trust", "--encoding=UTF8", "--locale=C"])
        .arg("--no-sync")
        .arg("-D")
        .arg(&data)
        .stdout(std::process::Stdio::null()))?;
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{}' -c fsync=off -c max_connections=300",
        folder.path().display()
    );
    let mut start = as_postgres(root, &binaries.join("pg_ctl"));
    run(start
        .arg("-D")
        .arg(&data)
        .arg("-l")
        .arg(&log)
        .args(["-w", "-o", &options, "start"])
        .stdout(std::process::Stdio::null()))?;
    let url = format!("postgres://casbah@127.0.0.1:{port}/postgres");
    println!("   {url}, data in {}", folder.path().display());
    Ok(Postgres { binaries: binaries.to_path_buf(), folder, url })
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let mut stop = as_postgres(is_root(), &self.binaries.join("pg_ctl"));
        let _ = stop
            .arg("-D")
            .arg(&data)
            .args(["-m", "immediate", "stop"])
            .stdout(std::process::Stdio::null())
            .status();
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}

fn as_postgres(root: bool, program: &Path) -> Command {
    // A folder that the other user may enter; the caller's may be closed to it.
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}
