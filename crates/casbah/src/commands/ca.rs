//! `casbah ca`: where the certificate authority is, and per client the one line that trusts it.

use std::path::PathBuf;

use clap::Args;

use super::on_terminal;
use crate::client::environment::quote;
use crate::client::failure::Failure;
use crate::client::{ConnectionArgs, known};
use crate::output::{paint, style, write};

/// Where a server keeps its own authority, inside its data directory.
const IN_DATA_DIR: &str = "tls/ca.pem";

/// Arguments of `casbah ca`.
#[derive(Args, Clone, Debug)]
pub struct CaArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Prints the path; on a terminal also what to do with it.
pub fn run(arguments: &CaArgs) -> Result<(), Failure> {
    let path = find(&arguments.connection)?;
    let path = std::path::absolute(&path).map_err(|e| Failure::file(&path, &e))?;
    std::fs::metadata(&path).map_err(|e| Failure::file(&path, &e))?;
    let shown = path.display().to_string();
    if !on_terminal() {
        return write(&format!("{shown}\n"));
    }
    let mut text = format!("{shown}\n\n");
    for (client, line) in lines(&quote(&shown)) {
        text.push_str(&format!("{}  {line}\n", paint(style::DIM, &format!("{client:22}"))));
    }
    text.push_str("\nAll of the first at once, for this shell:  eval \"$(casbah env)\"\n");
    write(&text)
}

fn find(connection: &ConnectionArgs) -> Result<PathBuf, Failure> {
    if let Some(ca) = &connection.ca {
        return Ok(ca.clone());
    }
    // `casbah serve` writes no casbah.env, but its data directory holds the authority all the same.
    if let Some(folder) = &connection.data_dir {
        return Ok(folder.join(IN_DATA_DIR));
    }
    let environment = known(connection)?.environment;
    if let Some(ca) = environment.value("CASBAH_CA") {
        return Ok(PathBuf::from(ca));
    }
    let folder = environment.value("CASBAH_DATA_DIR").unwrap_or("casbah-data");
    let path = PathBuf::from(folder).join(IN_DATA_DIR);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::usage("no authority is known here; name the server's data directory with --data-dir"))
}

fn lines(path: &str) -> [(&'static str, String); 12] {
    [
        ("curl", format!("curl --cacert {path} …")),
        ("Python (requests)", format!("export REQUESTS_CA_BUNDLE={path}")),
        ("Node", format!("export NODE_EXTRA_CA_CERTS={path}")),
        ("Go, Rust, OpenSSL", format!("export SSL_CERT_FILE={path}")),
        ("casbah", format!("export CASBAH_CA={path}")),
        ("Java, everywhere", format!("keytool -importcert -noprompt -alias casbah -cacerts -file {path}")),
        (
            "Java, one program",
            format!(
                "keytool -importcert -noprompt -alias casbah -storepass changeit -keystore trust.p12 -file {path} && \
                 export JDK_JAVA_OPTIONS='-Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit'"
            ),
        ),
        ("PowerShell 7 on Linux", format!("$env:SSL_CERT_FILE = {path}")),
        (
            ".NET, Debian, Ubuntu",
            format!(
                "sudo cp {path} /usr/local/share/ca-certificates/casbah.crt && sudo update-ca-certificates"
            ),
        ),
        ("Fedora, RHEL", format!("sudo trust anchor {path}")),
        ("macOS", format!("sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain {path}")),
        ("Windows", "certutil -addstore -f Root ca.pem".to_string()),
    ]
}
