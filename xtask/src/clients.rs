//! Real clients against a running Casbah, and the table of what they did.
//!
//! A test program prints one line per check, `client TAB flow TAB version TAB pass|fail TAB reason`; what follows
//! a colon in the flow's name tells variants apart. The table in `docs/compatibility.md` is made of these
//! lines: a run whose table differs from the committed one fails, and `UPDATE=1` writes it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::environment::Environment;
use crate::server::Server;
use crate::{Failure, root, server, step};

mod install;
mod table;

pub use install::{Installed, install};

/// Test programs of one language, run one after the other; the languages run side by side.
struct Suite {
    name: &'static str,
    programs: Vec<Command>,
}

/// Runs every client whose name of the language contains `only`.
pub fn run_all(
    found: &Environment,
    installed: &Installed,
    server: &Server,
    issuer: &Server,
    only: &str,
) -> Result<(), Failure> {
    step("Real clients, each from its registry");
    let world = World::start(found, server, issuer)?;
    let mut suites = suites(found, installed);
    suites.retain(|suite| suite.name.contains(only));
    let reports: Vec<Result<String, String>> = std::thread::scope(|scope| {
        let world = &world;
        let running = suites.into_iter().map(|suite| scope.spawn(move || suite.run(world)));
        let running: Vec<_> = running.collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a suite panicked".into())))
            .collect()
    });
    let mut report = String::new();
    for suite in reports {
        report.push_str(&suite?);
    }
    table::compare(&root().join("docs/compatibility.md"), &report)?;
    // It takes minutes, and what it draws depends on the records there are: so it is asked for by name.
    if only == "openapi" { openapi(found) } else { Ok(()) }
}

/// Sends to every operation of `/openapi.json` what it allows and what it does not; on a server of its own, since
/// it changes and deletes whatever it may.
fn openapi(found: &Environment) -> Result<(), Failure> {
    step("schemathesis, over /openapi.json");
    let server = server::start(&root().join("target/debug/casbah"))?;
    let mut checks = found.command("python");
    checks.args(["-B", "openapi_checks.py"]).current_dir(root().join("e2e/python"));
    crate::run(checks.envs(&server.environment))
}

fn suites(found: &Environment, installed: &Installed) -> Vec<Suite> {
    let in_folder = |mut command: Command, folder: &str, arguments: &[&str]| {
        command.args(arguments).current_dir(root().join("e2e").join(folder));
        command
    };
    let python = |file| in_folder(found.command("python"), "python", &["-B", "-W", "ignore", file]);
    let node = |file| in_folder(found.command("node"), "node", &[file]);
    let mut suites = vec![
        Suite {
            name: "python",
            programs: [
                "forms_checks.py",
                "records_checks.py",
                "msal_checks.py",
                "identity_checks.py",
                "adal_checks.py",
                "graph_checks.py",
                "blob_checks.py",
            ]
            .map(python)
            .into(),
        },
        Suite {
            name: "node",
            programs: ["msal.mjs", "identity.mjs", "openid.mjs", "graph.mjs", "spa.mjs", "blob.mjs"]
                .map(node)
                .into(),
        },
        Suite { name: "rust", programs: vec![Command::new(&installed.rust)] },
    ];
    if let Some(program) = &installed.go {
        suites.push(Suite { name: "go", programs: vec![Command::new(program)] });
    }
    if let Some(folder) = &installed.java {
        let mut program = Command::new("java");
        program.arg("-cp").arg(format!("{0}/classes:{0}/lib/*", folder.display())).arg("example.casbah.Main");
        suites.push(Suite { name: "java", programs: vec![program] });
    }
    let azure_cli = |file| {
        let mut checks = in_folder(found.command("python"), "azure-cli", &["-B", file]);
        checks.env("E2E_AZ", &installed.azure_cli);
        checks
    };
    suites.push(Suite {
        name: "azure-cli",
        programs: ["application_checks.py", "person_checks.py"].map(azure_cli).into(),
    });
    suites
}

impl Suite {
    /// What its programs reported, or why one of them could not.
    fn run(self, world: &World) -> Result<String, String> {
        let mut report = String::new();
        for mut program in self.programs {
            let shown =
                program.get_args().last().unwrap_or(program.get_program()).to_string_lossy().into_owned();
            let output = program
                .envs(world.environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .output()
                .map_err(|e| format!("{} clients, {shown}: {e}", self.name))?;
            let text = String::from_utf8_lossy(&output.stdout);
            let problems = String::from_utf8_lossy(&output.stderr);
            let failed = !output.status.success() || text.lines().any(|line| line.contains("\tfail\t"));
            if failed {
                println!("--- {} clients, {shown}\n{problems}", self.name);
            }
            print!("{text}");
            if !output.status.success() || text.is_empty() {
                return Err(format!("{} clients: {shown} ended with {}", self.name, output.status));
            }
            report.push_str(&text);
        }
        Ok(report)
    }
}

/// What the test programs find around them: applications made for them, and one browser for all.
struct World {
    environment: Vec<(String, String)>,
    browser: Child,
    /// The browser ends when this is closed.
    standing: Option<ChildStdin>,
}

impl World {
    fn start(found: &Environment, server: &Server, issuer: &Server) -> Result<World, Failure> {
        let e2e = root().join("e2e");
        let mut environment: Vec<(String, String)> =
            server.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        // The issuer that workloads come from is another Casbah.
        for name in ["URL", "CLIENT_ID", "CLIENT_SECRET", "TENANT", "CA"] {
            let value = issuer.environment.get(&format!("CASBAH_{name}")).cloned().unwrap_or_default();
            environment.push((format!("E2E_ISSUER_{name}"), value));
        }
        let mut make = found.command("python");
        make.args(["-B", "world.py"])
            .current_dir(e2e.join("python"))
            .envs(environment.iter().map(|(name, value)| (name, value)));
        let made = make.stderr(Stdio::inherit()).output()?;
        if !made.status.success() {
            return Err(format!("e2e/python/world.py ended with {}", made.status).into());
        }
        for line in String::from_utf8_lossy(&made.stdout).lines() {
            let (name, value) = line.split_once('=').ok_or("e2e/python/world.py printed no assignment")?;
            environment.push((name.to_string(), value.to_string()));
        }
        let mut browser = found.command("node");
        browser.arg("browser.mjs").current_dir(e2e.join("node")).envs(server.environment.iter());
        let mut browser = browser.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = browser.stdout.take().ok_or("no output of the browser")?;
        BufReader::new(output).read_line(&mut address)?;
        environment.push(("E2E_BROWSER".into(), address.trim().into()));
        // Clients that start "the browser" find the shared one.
        let programs = e2e.join("bin");
        environment.push(("BROWSER".into(), programs.join("xdg-open").display().to_string()));
        environment.push(("PATH".into(), path_with(&[&programs, &found.programs])));
        if let Some(trust) = java_trust(server)? {
            environment.push(("JDK_JAVA_OPTIONS".into(), trust));
        }
        let standing = browser.stdin.take();
        Ok(World { environment, browser, standing })
    }
}

/// The options by which Java trusts Casbah, where there is Java.
fn java_trust(server: &Server) -> Result<Option<String>, Failure> {
    let value = |name: &str| server.environment.get(name).cloned().ok_or(format!("casbah.env lacks {name}"));
    let store = format!("{}/trust.p12", value("CASBAH_DATA_DIR")?);
    let mut keytool = Command::new("keytool");
    keytool.args([
        "-importcert",
        "-noprompt",
        "-alias",
        "casbah",
        "-storepass",
        "changeit",
        "-keystore",
        &store,
    ]);
    keytool.arg("-file").arg(value("CASBAH_CA")?).stdout(Stdio::null()).stderr(Stdio::null());
    let made = keytool.status().is_ok_and(|status| status.success());
    Ok(made
        .then(|| format!("-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit")))
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.standing.take());
        let _ = self.browser.wait();
    }
}

fn path_with(folders: &[&Path]) -> String {
    let first: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    format!("{}:{}", first.join(":"), std::env::var("PATH").unwrap_or_default())
}
