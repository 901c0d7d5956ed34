//! The scripts that we can judge by the programs they are for.

use std::path::Path;
use std::process::Command;

use casbah_discovery::{Catalogue, block_script};

/// Blocks the whole catalogue, so that every pattern there is has been seen by the program.
fn script(format: &str) -> String {
    block_script(format, Catalogue::built_in().apps().flat_map(|app| app.domains.iter())).unwrap()
}

/// Lets a program check a file; whether it takes it, and what it said.
fn judge(program: &str, arguments: &[&str], file: &Path) -> (bool, String) {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}; `cargo xtask test` installs it"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn squid_takes_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("squid.conf");
    let check = |script: &str| {
        std::fs::write(&file, format!("http_port 127.0.0.1:3128\nvisible_hostname test\n{script}")).unwrap();
        judge("/usr/sbin/squid", &["-k", "parse", "-f"], &file)
    };
    let (taken, said) = check(&script("squid"));
    assert!(taken && !said.contains("WARNING") && !said.contains("ERROR"), "{said}");
    let (taken, said) = check("http_access deny casbah_block\n");
    assert!(!taken, "the judge can say no: {said}");
    let (_, said) = check("acl casbah_block dstdomain .a.example .b.a.example\n");
    assert!(said.contains("WARNING"), "and is not silent: {said}");
}

#[test]
fn unbound_takes_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("unbound.conf");
    std::fs::write(&file, script("unbound")).unwrap();
    let (taken, said) = judge("/usr/sbin/unbound-checkconf", &[], &file);
    assert!(taken && said.contains("no errors"), "{said}");
}
