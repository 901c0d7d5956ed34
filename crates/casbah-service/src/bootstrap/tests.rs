//! The bootstrap file.

use casbah_authority::seed;
use casbah_model::Secret;

use crate::Error;
use crate::directory::applications::ApplicationKey;
use crate::directory::tests::service;

const WORLD: &str = r#"
[[tenants]]
id = "3f1c2b7e-0000-4000-8000-000000000001"
number = 12345678
display_name = "Contoso"
domains = ["contoso.example", "contoso.test"]

[[tenants.users]]
id = "3f1c2b7e-0000-4000-8000-000000000002"
user_principal_name = "admin@contoso.example"
display_name = "Amal Admin"
password = "correct horse battery"
roles = ["Global Administrator"]

[[tenants.users.api_tokens]]
name = "siem"
value = "0123456789012345678901234567890123456789012345678901234567890123"

[[tenants.users]]
user_principal_name = "boxer@contoso.example"
display_name = "Bo Xer"

[[tenants.users.administrator_roles]]
role = "app"
apps = ["Box", 11627, { app = "Dropbox", instance = 2 }]
read_only = true

[[tenants.applications]]
app_id = "3f1c2b7e-0000-4000-8000-000000000003"
display_name = "Robot"
redirect_uris = { web = ["https://robot.example/cb"], public_client = ["http://localhost"] }
application_permissions = ["Investigation.read", "Microsoft Graph/Directory.Read.All"]
delegated_permissions = ["discovery.read"]

[[tenants.applications.secrets]]
name = "first"
value = "a-fixed-secret-for-tests"
"#;

#[tokio::test]
async fn a_file_makes_its_world_once() {
    let service = service().await;
    let first = service.apply_bootstrap(WORLD).await.expect("applies");
    assert_eq!(first.tenants.len(), 1);
    assert!(!first.changes.is_empty());
    assert!(!format!("{first:?}").contains("fixed-secret"), "the report shows no secret");
    let second = service.apply_bootstrap(WORLD).await.expect("applies again");
    assert_eq!(second.changes, Vec::<String>::new());

    let caller = service.system_caller(first.tenants[0]).await.expect("exists");
    assert_eq!(caller.tenant_number, 12_345_678);
    let key = ApplicationKey::AppId("3f1c2b7e-0000-4000-8000-000000000003".parse().expect("an id"));
    let app = service.fetch_application(&caller, key).await.expect("is there").application;
    assert_eq!((app.redirect_uris.len(), app.required_access.len()), (2, 3));
    assert_eq!(service.list_app_roles_held(&caller, key).await.expect("lists").len(), 2);
    assert_eq!(service.list_secrets(&caller, key).await.expect("lists").len(), 1);
    let cli = ApplicationKey::AppId(seed::CLI);
    service.fetch_application(&caller, cli).await.expect("built in");
    let held = service.list_administrators(&caller).await.expect("lists");
    let [given] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((given.user_name.as_str(), given.administrator.read_only), ("boxer@contoso.example", true));
    assert_eq!(given.names, ["Box", "Dropbox", "Dropbox"]);
    let token = Secret::new("0123456789012345678901234567890123456789012345678901234567890123");
    service.authority().verify_api_token(&token).await.expect("is valid");
}

#[tokio::test]
async fn a_changed_file_changes_what_it_names() {
    let service = service().await;
    service.apply_bootstrap(WORLD).await.expect("applies");
    let changed = WORLD
        .replace("Amal Admin", "Amal A.")
        .replace("correct horse battery", "another password")
        .replace("\"discovery.read\"", "\"discovery.read\", \"settings.read\"");
    let report = service.apply_bootstrap(&changed).await.expect("applies");
    let [user, application, consent] = report.changes.as_slice() else { panic!("{report:?}") };
    assert_eq!(user, "changed the user admin@contoso.example");
    assert_eq!(application, "changed the application Robot");
    assert_eq!(consent, "consented to settings.read for the application Robot");
}

#[tokio::test]
async fn identity_providers_are_made_and_changed_by_their_issuer() {
    let service = service().await;
    let provider = r#"
[[tenants.identity_providers]]
issuer = "https://login.woodgrove.example"
display_name = "Woodgrove"
client_id = "casbah"
client_secret = "a-fixed-secret-of-woodgrove"
claims = { email = "mail", email_verified = "xms_edov" }
domains = ["Woodgrove.example"]
provisioning = "guest"
"#;
    let world = format!("{WORLD}{provider}");
    let first = service.apply_bootstrap(&world).await.expect("applies");
    assert!(first.changes.contains(&"made the identity provider Woodgrove".to_string()), "{first:?}");
    assert_eq!(service.apply_bootstrap(&world).await.expect("applies").changes, Vec::<String>::new());
    let caller = service.system_caller(first.tenants[0]).await.expect("exists");
    let known = service.list_identity_providers(&caller).await.expect("lists").remove(0);
    assert_eq!(known.details.claims.email.as_deref(), Some("mail"));
    assert_eq!(
        (known.details.claims.name, known.details.domains),
        (None, vec!["woodgrove.example".to_string()])
    );
    // Another secret, and then none: Casbah's own key.
    for changed in
        [world.replace("of-woodgrove", "of-others"), world.replace("client_secret =", "scope = \"openid\" #")]
    {
        let report = service.apply_bootstrap(&changed).await.expect("applies");
        assert_eq!(report.changes, ["changed the identity provider Woodgrove"]);
    }
    let known = service.list_identity_providers(&caller).await.expect("lists").remove(0);
    assert!(known.sealed_secret.is_none() && known.details.scope == "openid");
    let wrong = world.replace("provisioning = \"guest\"", "provisioning = \"all\"");
    assert!(service.apply_bootstrap(&wrong).await.expect_err("is refused").to_string().contains("line"));
}

#[tokio::test]
async fn mistakes_are_named_by_line_and_key_and_never_quote_a_secret() {
    let service = service().await;
    for (from, to, line, word) in [
        ("password =", "pasword =", "line 12", "pasword"),
        ("\"correct horse battery\"", "47110815", "line 12", "quotation marks"),
        ("\"correct horse battery\"", "\"correct horse", "line 12", ""),
        ("number = 12345678", "number = 7", "number", "eight digits"),
        ("Investigation.read", "Investigation.write", "application_permissions", "Investigation.write"),
        ("Global Administrator", "Emperor", "roles", "Emperor"),
        ("role = \"app\"", "role = \"apex\"", "administrator_roles", "apex"),
        ("read_only = true", "readonly = true", "line 26", "readonly"),
        ("\"Box\"", "\"No such app\"", "apps", "No such app"),
        ("value = \"a-fixed-secret-for-tests\"", "value = \"short\"", "secrets first of Robot", "16"),
        (
            "value = \"a-fixed-secret-for-tests\"",
            "value_file = \"/nowhere/x\"",
            "secrets first",
            "/nowhere/x",
        ),
        (
            "value = \"a-fixed-secret-for-tests\"",
            "value_env = \"CASBAH_NO_SUCH\"",
            "secrets",
            "CASBAH_NO_SUCH",
        ),
        ("value = \"a-fixed-secret-for-tests\"", "", "secrets", "needs value"),
        ("display_name = \"Contoso\"", "", "line 2", "display_name"),
    ] {
        let text = WORLD.replace(from, to);
        assert_ne!(text, WORLD, "{from}");
        let refused = service.apply_bootstrap(&text).await.expect_err(to);
        let shown = refused.to_string();
        assert!(matches!(refused, Error::Invalid { .. }), "{shown}");
        assert!(shown.contains(line) && shown.contains(word), "{shown}");
        for secret in ["correct horse", "47110815", "a-fixed-secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
