//! The well-known world of `casbah dev` and `casbah demo`: the same on every machine, so that a line
//! of documentation can be pasted anywhere. Its secrets are no secrets; `casbah serve` refuses a data
//! directory that knows them.

use std::path::Path;

use casbah_model::Permission;

use crate::client::environment::Environment;

/// Tenant (directory) id.
pub const TENANT: &str = "ca5bab00-0000-4000-8000-000000000001";
/// Its name.
pub const TENANT_NAME: &str = "Contoso";
/// Its domain.
pub const DOMAIN: &str = "contoso.example";
/// The confidential application that holds every permission of the API as app roles.
pub const CLIENT_ID: &str = "ca5bab00-0000-4000-8000-0000000000c1";
/// Its secret.
pub const CLIENT_SECRET: &str = "casbah_dev_secret.for.dev.and.demo.only";
/// The public application through which people sign in.
pub const PUBLIC_CLIENT_ID: &str = "ca5bab00-0000-4000-8000-0000000000c2";
/// The global administrator.
pub const USER: &str = "admin@contoso.example";
/// Their password.
pub const PASSWORD: &str = "casbah-dev-password";
/// Somebody who may read and nothing else.
pub const READER: &str = "reader@contoso.example";
/// Their password.
pub const READER_PASSWORD: &str = "casbah-dev-reader";
/// The administrator's legacy token; clients expect 64 letters and digits or more.
pub const API_TOKEN: &str = "casbah0dev0token0for0dev0and0demo0only0casbah0dev0token0for0dev0and0demo";

/// The bootstrap file that makes this world.
pub fn bootstrap() -> String {
    let api = Permission::ALL.map(|p| format!("\"{}\"", p.title())).join(", ");
    format!(
        r#"
[[tenants]]
id = "{TENANT}"
number = 90210417
display_name = "{TENANT_NAME}"
domains = ["{DOMAIN}"]

[[tenants.users]]
id = "ca5bab00-0000-4000-8000-0000000000a1"
user_principal_name = "{USER}"
display_name = "Ada Admin"
given_name = "Ada"
surname = "Admin"
mail = "{USER}"
password = "{PASSWORD}"
roles = ["Global Administrator"]
api_tokens = [{{ name = "dev", value = "{API_TOKEN}" }}]

[[tenants.users]]
id = "ca5bab00-0000-4000-8000-0000000000a2"
user_principal_name = "{READER}"
display_name = "Rita Reader"
given_name = "Rita"
surname = "Reader"
mail = "{READER}"
password = "{READER_PASSWORD}"
roles = ["Security Reader"]

[[tenants.applications]]
app_id = "{CLIENT_ID}"
display_name = "dev daemon"
application_permissions = [{api}]
secrets = [{{ name = "dev", value = "{CLIENT_SECRET}" }}]

[[tenants.applications]]
app_id = "{PUBLIC_CLIENT_ID}"
display_name = "dev public client"
public_client = true
delegated_permissions = [{api}, "Microsoft Graph/User.Read"]

[tenants.applications.redirect_uris]
public_client = ["http://localhost"]
"#
    )
}

/// The settings with which clients find this world.
pub fn environment(url: &str, ca: &Path, data_dir: &Path) -> Environment {
    let mut environment = Environment::default();
    let (ca, data_dir) = (ca.to_string_lossy(), data_dir.to_string_lossy());
    for (name, value) in [
        ("CASBAH_URL", url),
        ("CASBAH_CA", &ca),
        ("CASBAH_TENANT", TENANT),
        ("CASBAH_CLIENT_ID", CLIENT_ID),
        ("CASBAH_CLIENT_SECRET", CLIENT_SECRET),
        ("CASBAH_PUBLIC_CLIENT_ID", PUBLIC_CLIENT_ID),
        ("CASBAH_USER", USER),
        ("CASBAH_PASSWORD", PASSWORD),
        ("CASBAH_API_TOKEN", API_TOKEN),
        ("CASBAH_DATA_DIR", &data_dir),
    ] {
        environment.set(name, value);
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::environment::VARIABLES;

    #[test]
    fn the_bootstrap_file_is_toml() {
        bootstrap().parse::<toml::Table>().unwrap();
    }

    #[test]
    fn the_command_line_is_an_application_of_every_tenant() {
        assert_eq!(crate::client::oauth::COMMAND_LINE, casbah_authority::seed::CLI.to_string());
    }

    #[test]
    fn every_variable_is_set() {
        let environment = environment("https://localhost:8443", Path::new("/ca.pem"), Path::new("/data"));
        assert_eq!(environment.iter().map(|(name, _)| name).collect::<Vec<_>>(), VARIABLES);
    }

    #[test]
    fn the_legacy_token_has_the_form_that_clients_check() {
        assert!(
            (64..=192).contains(&API_TOKEN.len()) && API_TOKEN.bytes().all(|b| b.is_ascii_alphanumeric())
        );
    }
}
