//! Signing in with another provider: a second Casbah, through the pages of both.

use std::process::Output;

use serde_json::{Value, json};

use crate::attacks::browser::{Browser, parameter};
use crate::attacks::{TOKEN, VERIFIER, claims, number, refresh, text, usual_request};
use crate::harness::{
    ADMINISTRATOR, Answer, Casbah, Database, NOW, Options, PASSWORD, PUBLIC_CLIENT, READER, Session, TENANT,
    casbah,
};

const PROVIDERS: &str = "/v1.0/identity/identityProviders";
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
/// Who administers the other Casbah.
const THERE: &str = "pia@partner.example";

/// The other organisation: Bob and Eve have mail addresses in its own domain, which it vouches for therefore.
const PARTNER: &str = r#"
[[tenants]]
id = "7d0c2f6e-1111-4222-8333-444455556666"
display_name = "Partner"
domains = ["partner.example"]

[[tenants.users]]
user_principal_name = "pia@partner.example"
display_name = "Pia Partner"
password = "correct horse battery staple"
roles = ["Global Administrator"]

[[tenants.users]]
user_principal_name = "bob@partner.example"
display_name = "Bob Partner"
given_name = "Bob"
mail = "bob@partner.example"
password = "correct horse battery staple"

[[tenants.users]]
user_principal_name = "eve@partner.example"
display_name = "Eve Partner"
mail = "eve@partner.example"
password = "correct horse battery staple"
"#;

/// Two installations, one of which lets people in for whom the other vouches.
struct Pair {
    there: Casbah,
    here: Casbah,
    /// Id of the provider here.
    provider: String,
}

#[track_caller]
fn created(caller: &Session, path: &str, body: &Value) -> Value {
    let answer = caller.post(path, body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    answer.json()
}

fn patch(caller: &Session, path: &str, body: &Value) -> Answer {
    caller.send("PATCH", path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

impl Pair {
    fn new(database: Database, settings: &Value) -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("partner.toml");
        std::fs::write(&file, PARTNER).unwrap();
        let bootstrap = vec!["--bootstrap".to_string(), file.display().to_string()];
        let options = Options { bootstrap: false, arguments: bootstrap, ..Options::default() };
        let there = Casbah::start_with(Database::sqlite(), &options);
        let authority = there.data_dir().join("tls/ca.pem").display().to_string();
        let arguments = ["--outbound-allow", "localhost", "--outbound-ca", &authority].map(str::to_string);
        let options = Options { arguments: arguments.to_vec(), ..Options::default() };
        let here = Casbah::start_with(database, &options);

        let pia = there.bearer(&there.directory_token(THERE));
        let scopes = [
            "37f7f235-527c-4136-accd-4a02d197296e",
            "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",
            "14dad69e-099b-42c9-810b-d002981feec1",
            "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
        ];
        let scopes = scopes.map(|id| json!({ "id": id, "type": "Scope" }));
        let client = created(
            &pia,
            "/v1.0/applications",
            &json!({
                "displayName": "Contoso",
                "web": { "redirectUris": [format!("{}/{TENANT}/oauth2/v2.0/authresp", here.url)] },
                "optionalClaims": { "idToken": [{ "name": "xms_edov" }, { "name": "email" }, { "name": "amr" }] },
                "requiredResourceAccess": [{ "resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": scopes }],
            }),
        );
        created(&pia, "/v1.0/servicePrincipals", &json!({ "appId": client["appId"] }));
        let object = format!("/v1.0/applications/{}", text(&client["id"]));
        let consent = pia.post(&format!("{object}/casbah.grantAdminConsent"), &json!({}));
        assert!(consent.status < 300, "{}", consent.text());
        let secret = pia.post(&format!("{object}/addPassword"), &json!({})).ok();

        let ada = here.bearer(&here.directory_token(ADMINISTRATOR));
        let mut body = json!({
            "@odata.type": "#microsoft.graph.oidcIdentityProvider",
            "displayName": "Partner",
            "clientId": client["appId"],
            "issuer": format!("{}/{TENANT}/v2.0", there.url),
            "responseType": "code",
            "clientAuthentication": {
                "@odata.type": "#microsoft.graph.oidcClientSecretAuthentication",
                "clientSecret": secret["secretText"],
            },
            // Casbah and Entra say under this name that an address is in a domain of the organisation.
            "inboundClaimMapping": { "sub": "sub", "name": "name", "email": "email", "email_verified": "xms_edov" },
            "casbah.domains": ["partner.example"],
        });
        for (name, value) in settings.as_object().unwrap() {
            body[name] = value.clone();
        }
        let made = created(&ada, PROVIDERS, &body);
        assert_eq!(made["casbah.redirectUri"], format!("{}/{TENANT}/oauth2/v2.0/authresp", here.url));
        let provider = text(&made["id"]).to_string();
        assert!(!here.log().contains(text(&secret["secretText"])));
        Pair { there, here, provider }
    }

    fn provider(&self) -> String {
        format!("{PROVIDERS}/{}", self.provider)
    }

    /// Follows the way from a page here to the provider, signs in there, and comes back to here.
    fn through(&self, browser: &Browser, page: &Answer, user: &str) -> Answer {
        let left = browser.get(&door(page));
        self.back(browser, &left, user)
    }

    /// Signs in where the browser was sent, and comes back.
    #[track_caller]
    fn back(&self, browser: &Browser, left: &Answer, user: &str) -> Answer {
        assert_eq!(left.status, 303, "{}", left.text());
        let address = left.header("location");
        assert!(address.starts_with(&self.there.url), "{address}");
        let back = Browser::new(&self.there).authorize(address, user);
        browser.get(back.header("location"))
    }

    /// Tokens of the installed application for somebody who signs in with the provider.
    #[track_caller]
    fn tokens(&self, user: &str) -> Value {
        let browser = Browser::new(&self.here);
        let back = self.through(&browser, &browser.get(&usual_request(&[])), user);
        self.redeem(&browser, &back)
    }

    #[track_caller]
    fn redeem(&self, browser: &Browser, back: &Answer) -> Value {
        let code = parameter(&browser.get(&onward(back)), "code");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", PUBLIC_CLIENT),
            ("redirect_uri", "http://localhost:5000"),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ];
        self.here.anonymous().post_form(TOKEN, &form).ok()
    }
}

/// Where the page goes on by itself that the browser has landed on. A redirect would be held to the policy of
/// the form that was sent at the provider.
#[track_caller]
fn onward(page: &Answer) -> String {
    assert_eq!((page.status, page.header("location")), (200, ""), "{}", page.text());
    let text = page.text();
    let start = text.find("content=\"0;url=").unwrap_or_else(|| panic!("goes nowhere: {text}")) + 15;
    text[start..].split('"').next().unwrap().replace("&amp;", "&")
}

/// The way to a provider that a page shows.
#[track_caller]
fn door(page: &Answer) -> String {
    let text = page.text();
    let start = text.find("href=\"/sign-in/with?").unwrap_or_else(|| panic!("no way in: {text}")) + 6;
    text[start..].split('"').next().unwrap().replace("&amp;", "&")
}

fn give(pair: &Pair, ada: &Session, role: &str, user: &str) {
    let body = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{user}", pair.here.url) });
    let path = format!("/v1.0/directoryRoles(roleTemplateId='{role}')/members/$ref");
    assert_eq!(ada.post(&path, &body).status, 204);
}

fn somebody_comes_into_being(database: Database) {
    let pair = Pair::new(database, &json!({ "casbah.provisioning": "guest" }));
    let ada = pair.here.bearer(&pair.here.directory_token(ADMINISTRATOR));
    let tokens = pair.tokens("bob@partner.example");
    let access = claims(text(&tokens["access_token"]));
    let issuer = format!("{}/{TENANT}/v2.0", pair.there.url);
    assert_eq!(
        (&access["idp"], &access["amr"], &access["acr"]),
        (&json!(issuer), &json!(["fed"]), &json!("0"))
    );
    assert_eq!(access["upn"], "bob_partner.example#EXT#@contoso.example");
    let oid = text(&access["oid"]).to_string();
    let user = format!("/v1.0/users/{oid}");
    let bob = ada.get(&format!("{user}?$select=displayName,userType,mail,identities,externalUserState")).ok();
    assert_eq!((&bob["displayName"], &bob["userType"]), (&json!("Bob Partner"), &json!("Guest")));
    let listed = ada.get("/v1.0/users?$filter=userType%20eq%20'Guest'&$select=id,identities").ok();
    assert_eq!(
        (&listed["value"][0]["id"], &listed["value"][0]["identities"]),
        (&json!(oid), &bob["identities"])
    );
    let identity = &bob["identities"][1];
    assert_eq!((&identity["signInType"], &identity["issuer"]), (&json!("federated"), &json!(issuer)));
    assert!(text(&identity["issuerAssignedId"]).len() > 20);

    // Roles are given here, and count from the next call on.
    let call = |token: &Value| pair.here.bearer(text(token)).get("/api/v1/alerts/").status;
    assert_eq!(call(&tokens["access_token"]), 403);
    give(&pair, &ada, SECURITY_READER, &oid);
    assert_eq!(call(&tokens["access_token"]), 200);
    let again = pair.tokens("bob@partner.example");
    assert_eq!(claims(text(&again["access_token"]))["oid"], oid.as_str());
    let form = [
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", "bob_partner.example#EXT#@contoso.example"),
        ("password", PASSWORD),
        ("scope", "openid"),
    ];
    assert_eq!(number(&pair.here.anonymous().post_form(TOKEN, &form)), 50_126);

    // The log says who vouched.
    let sign_ins = ada.get(&format!("/v1.0/auditLogs/signIns?$filter=userId%20eq%20'{oid}'")).ok();
    // The clock stands still, so the refused password may come first.
    let worked = |entry: &&Value| entry["status"]["errorCode"] == 0;
    let all = sign_ins["value"].as_array().unwrap();
    assert!(all.iter().filter(worked).count() >= 4, "{sign_ins}");
    for entry in all.iter().filter(worked) {
        assert_eq!(entry["casbah.identityProvider"], pair.provider.as_str(), "{entry}");
        assert_eq!(entry["authenticationMethodsUsed"], json!(["fed"]), "{entry}");
    }

    // The person is disabled: what is open closes, and the page says why nobody comes in.
    assert_eq!(patch(&ada, &user, &json!({ "accountEnabled": false })).status, 204);
    assert_eq!(call(&again["access_token"]), 401);
    let browser = Browser::new(&pair.here);
    let page = pair.through(&browser, &browser.get(&usual_request(&[])), "bob@partner.example");
    assert_eq!((page.status, page.text().contains("AADSTS50057")), (400, true), "{}", page.text());
    assert_eq!(patch(&ada, &user, &json!({ "accountEnabled": true })).status, 204);

    // The provider is disabled: nobody comes in by it, and what it vouched for is over.
    let tokens = pair.tokens("bob@partner.example");
    let browser = Browser::new(&pair.here);
    let page = browser.get(&usual_request(&[]));
    let left = browser.get(&door(&page));
    assert_eq!(patch(&ada, &pair.provider(), &json!({ "casbah.isEnabled": false })).status, 204);
    assert_eq!(call(&tokens["access_token"]), 401);
    let refused = refresh(&pair.here, PUBLIC_CLIENT, text(&tokens["refresh_token"]), &[]);
    assert_eq!(number(&refused), 50_173);
    let back = pair.back(&browser, &left, "bob@partner.example");
    assert!(back.status == 400 && back.header("location").is_empty(), "{}", back.text());
    assert_eq!(browser.get(&door(&page)).status, 400);
    assert!(!Browser::new(&pair.here).get(&usual_request(&[])).text().contains("/sign-in/with"));
    assert_eq!(patch(&ada, &pair.provider(), &json!({ "casbah.isEnabled": true })).status, 204);
    assert_eq!(call(&tokens["access_token"]), 401, "what ended stays ended");

    // Deleted, nobody is known by it any more.
    assert_eq!(ada.delete(&pair.provider()).status, 204);
    let bob = ada.get(&format!("{user}?$select=identities")).ok();
    assert_eq!(bob["identities"].as_array().unwrap().len(), 1);
}

fn somebody_is_invited(database: Database) {
    let pair = Pair::new(database, &json!({}));
    let ada = pair.here.bearer(&pair.here.directory_token(ADMINISTRATOR));
    let invitation = json!({
        "invitedUserEmailAddress": "Eve@partner.example", "invitedUserDisplayName": "Eve",
        "inviteRedirectUrl": "https://app.contoso.example/welcome", "sendInvitationMessage": false,
    });
    // Bob was not invited. A hint at his domain leads straight there.
    let browser = Browser::new(&pair.here);
    let straight = browser.get(&usual_request(&[("domain_hint", "partner.example")]));
    let page = pair.back(&browser, &straight, "bob@partner.example");
    assert_eq!(page.status, 400);
    for words in ["AADSTS50020", "Partner", "Try again"] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let silent = browser.get(&usual_request(&[("domain_hint", "partner.example"), ("prompt", "none")]));
    assert_eq!(parameter(&silent, "error"), "login_required");

    let invited = created(&ada, "/v1.0/invitations", &invitation);
    assert_eq!(
        (&invited["status"], &invited["invitedUser"]["externalUserState"]),
        (&json!("PendingAcceptance"), &json!("PendingAcceptance"))
    );
    assert_eq!(invited["invitedUser"]["userPrincipalName"], "Eve_partner.example#EXT#@contoso.example");
    let again = created(&ada, "/v1.0/invitations", &invitation);
    assert_eq!(again["inviteRedeemUrl"], invited["inviteRedeemUrl"]);
    let link = text(&invited["inviteRedeemUrl"]);
    let user = format!("/v1.0/users/{}", text(&invited["invitedUser"]["id"]));

    // Bob finds Eve's link, and gets nowhere with it.
    let page = browser.get(link);
    assert!(
        page.text().contains("invites you") && page.text().contains("Eve@partner.example"),
        "{}",
        page.text()
    );
    let page = pair.through(&browser, &page, "bob@partner.example");
    assert!(page.status == 400 && page.text().contains("AADSTS50020"), "{}", page.text());
    assert_eq!(browser.get(&link.replace("ticket=", "ticket=x")).status, 400);
    assert_eq!(ada.get(&user).ok()["externalUserState"], "PendingAcceptance");

    let browser = Browser::new(&pair.here);
    let back = pair.through(&browser, &browser.get(link), "eve@partner.example");
    let accepted = browser.get(&onward(&back));
    assert_eq!(accepted.status, 200);
    for words in ["You are a guest", "https://app.contoso.example/welcome"] {
        assert!(accepted.text().contains(words), "{words}: {}", accepted.text());
    }
    let eve = ada.get(&user).ok();
    assert_eq!((&eve["externalUserState"], &eve["displayName"]), (&json!("Accepted"), &json!("Eve Partner")));
    let tokens = pair.tokens("eve@partner.example");
    assert_eq!(claims(text(&tokens["access_token"]))["oid"], eve["id"]);
    assert_eq!(ada.post("/v1.0/invitations", &invitation).status, 409);
    // Signing out here ends the session here.
    assert_eq!(browser.get(&format!("/{TENANT}/oauth2/v2.0/logout")).status, 200);
    assert!(browser.get(&usual_request(&[])).text().contains("Sign in with"));
}

#[test]
fn somebody_comes_into_being_sqlite() {
    somebody_comes_into_being(Database::sqlite());
}

#[test]
fn somebody_comes_into_being_postgres() {
    somebody_comes_into_being(Database::postgres());
}

#[test]
fn somebody_is_invited_sqlite() {
    somebody_is_invited(Database::sqlite());
}

#[test]
fn somebody_is_invited_postgres() {
    somebody_is_invited(Database::postgres());
}

/// A member adds the account of elsewhere on the account page, and comes in by it from then on.
#[test]
fn a_member_adds_an_account() {
    let pair = Pair::new(Database::sqlite(), &json!({}));
    let browser = Browser::new(&pair.here);
    browser.sign_in("/account/sign-in", READER);
    let account = browser.get("/account");
    assert!(account.text().contains("Add your account at"), "{}", account.text());
    let back = pair.through(&browser, &account, "bob@partner.example");
    assert_eq!(onward(&back), "/account");
    let account = browser.get("/account").text();
    assert!(account.contains("Accounts at other providers") && !account.contains("Add your account at"));
    let tokens = pair.tokens("bob@partner.example");
    assert_eq!(claims(text(&tokens["access_token"]))["upn"], READER);
}

both! {
    fn providers_are_registered_changed_and_kept_secret(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let secret = "upstream-secret-that-nobody-sees";
        let body = json!({
            "@odata.type": "#microsoft.graph.oidcIdentityProvider", "displayName": "Woodgrove",
            "clientId": "client-1", "issuer": "https://login.woodgrove.example", "responseType": "code",
            "wellKnownEndpoint": "https://login.woodgrove.example/.well-known/openid-configuration",
            "scope": "openid email", "clientAuthentication": {
                "@odata.type": "#microsoft.graph.oidcClientSecretAuthentication", "clientSecret": secret },
            "inboundClaimMapping": { "sub": "sub", "email": "mail" }, "casbah.domains": ["Woodgrove.example"],
        });
        let made = created(&ada, PROVIDERS, &body);
        let path = format!("{PROVIDERS}/{}", text(&made["id"]));
        let seen = ada.get(&path).ok();
        assert_eq!(seen, made);
        assert_eq!((&seen["casbah.domains"], &seen["casbah.provisioning"]), (&json!(["woodgrove.example"]), &json!("none")));
        assert_eq!((&seen["inboundClaimMapping"]["email"], &seen["inboundClaimMapping"]["name"]), (&json!("mail"), &Value::Null));
        assert!(!ada.get(&path.replace("v1.0", "beta")).text().contains(secret));
        // What was read can be sent back: the secret stays.
        assert_eq!(patch(&ada, &path, &seen).status, 204);
        assert_eq!(patch(&ada, &path, &json!({ "displayName": "Woodgrove Bank", "casbah.provisioning": "guest" })).status, 204);
        let list = ada.get(PROVIDERS).ok();
        assert_eq!((list["value"].as_array().unwrap().len(), &list["value"][0]["displayName"]), (1, &json!("Woodgrove Bank")));

        let with = |name: &str, value: Value| { let mut body = body.clone(); body["issuer"] = json!("https://fresh.example");
            body.as_object_mut().unwrap().remove("wellKnownEndpoint"); body["casbah.domains"] = json!([]); body[name] = value; body };
        for (name, value) in [
            ("issuer", json!("http://plain.example")), ("issuer", json!(null)), ("issuer", json!("https://x.example/?a=b")),
            ("issuer", json!(format!("{}/{TENANT}/v2.0", casbah.url))), ("displayName", json!("")), ("clientId", json!("a b")),
            ("scope", json!("email")), ("responseType", json!("id_token")), ("clientAuthentication", json!({})),
            ("clientAuthentication", json!({ "clientSecret": "" })), ("wellKnownEndpoint", json!("https://other.example/.well-known/openid-configuration")),
            ("casbah.domains", json!(["nodot"])), ("casbah.provisioning", json!("everybody")), ("casbah.provisioning", json!("member")),
            ("inboundClaimMapping", json!({ "groups": "groups" })), ("unknown", json!("x")), ("@odata.type", json!("#microsoft.graph.socialIdentityProvider")),
        ] {
            let answer = ada.post(PROVIDERS, &with(name, value.clone()));
            assert_eq!(answer.status, 400, "{name} {value}: {}", answer.text());
        }
        assert_eq!(ada.post(PROVIDERS, &with("issuer", json!("https://login.woodgrove.example"))).status, 409);
        assert_eq!(ada.post(PROVIDERS, &with("casbah.domains", json!(["woodgrove.example"]))).status, 409);
        assert_eq!(patch(&ada, &path, &json!({ "issuer": "https://other.example" })).status, 400);
        assert_eq!(patch(&ada, &path, &json!({ "inboundClaimMapping": { "sub": "email" } })).status, 400);
        let own_key = json!({ "@odata.type": "#microsoft.graph.oidcPrivateJwtKeyClientAuthentication" });
        assert_eq!(patch(&ada, &path, &json!({ "clientAuthentication": own_key, "clientId": "https://casbah.example/x" })).status, 400);
        assert_eq!(patch(&ada, &path, &json!({ "clientAuthentication": own_key })).status, 204);
        assert_eq!(ada.get(&path).ok()["clientAuthentication"], own_key);

        // Who may not.
        let rita = casbah.bearer(&casbah.directory_token(READER));
        rita.get(PROVIDERS).refused(403);
        rita.delete(&path).refused(403);
        rita.post("/v1.0/invitations", &json!({ "invitedUserEmailAddress": "x@y.example", "inviteRedirectUrl": "https://y.example" })).refused(403);
        casbah.user(ADMINISTRATOR).get(PROVIDERS).refused(401);
        casbah.anonymous().get(PROVIDERS).refused(401);

        // The trail has every change, and never the secret.
        let trail = ada.get("/v1.0/auditLogs/directoryAudits?$top=100").text();
        for action in ["create identity provider", "change identity provider"] {
            assert!(trail.contains(action), "{action}: {trail}");
        }
        assert!(!trail.contains(secret) && !casbah.log().contains(secret));
        assert_eq!(ada.delete(&path).status, 204);
        ada.get(&path).refused(404);
        assert_eq!(ada.delete(&path).status, 404);
    }

    fn invitations_are_checked(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let body = json!({ "invitedUserEmailAddress": "guest@elsewhere.example", "inviteRedirectUrl": "https://app.example" });
        let with = |name: &str, value: Value| { let mut body = body.clone(); body[name] = value; body };
        for wrong in [
            with("invitedUserEmailAddress", json!("guest")), with("invitedUserEmailAddress", json!("new@contoso.example")),
            with("inviteRedirectUrl", json!("javascript:alert(1)")), with("inviteRedirectUrl", json!("http://app.example")),
            with("inviteRedirectUrl", json!(null)), with("sendInvitationMessage", json!(true)),
            with("invitedUserType", json!("Member")), with("resetRedemption", json!(true)), with("unknown", json!("x")),
        ] {
            assert_eq!(ada.post("/v1.0/invitations", &wrong).status, 400, "{wrong}");
        }
        let said = ada.post("/v1.0/invitations", &with("sendInvitationMessage", json!(true)));
        assert!(said.text().contains("sends no mail"), "{}", said.text());
        let invited = created(&ada, "/v1.0/invitations", &body);
        let page = casbah.anonymous().get(text(&invited["inviteRedeemUrl"]));
        assert!(page.status == 200 && page.text().contains("No provider that vouches"), "{}", page.text());
        // The guest is withdrawn, and the link with it.
        let user = format!("/v1.0/users/{}", text(&invited["invitedUser"]["id"]));
        assert_eq!(ada.delete(&user).status, 204);
        assert_eq!(casbah.anonymous().get(text(&invited["inviteRedeemUrl"])).status, 400);
        created(&ada, "/v1.0/invitations", &body);
    }
}

/// The commands, on the built binary.
#[test]
fn the_command_line_manages_identity_providers() {
    let server = Casbah::start(Database::sqlite());
    let run = |arguments: &[&str], secret: Option<&str>| -> Output {
        let mut command = casbah();
        command.args(arguments).args(["-o", "json"]);
        command.env("CASBAH_URL", &server.url).env("CASBAH_CA", server.data_dir().join("tls/ca.pem"));
        command.env("CASBAH_TENANT", TENANT);
        command.env("CASBAH_USER", ADMINISTRATOR).env("CASBAH_PASSWORD", PASSWORD);
        command.env("CASBAH_TEST_MODE", "1").env("CASBAH_CLOCK", NOW);
        if let Some(secret) = secret {
            command.env("CASBAH_IDENTITY_PROVIDER_SECRET", secret);
        }
        command.output().unwrap()
    };
    let done = |arguments: &[&str], secret: Option<&str>| -> Value {
        let output = run(arguments, secret);
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{error}");
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}"))
    };
    let create = [
        "identity-provider",
        "create",
        "Woodgrove",
        "--issuer",
        "https://login.woodgrove.example",
        "--client-id",
        "client-1",
        "--domain",
        "woodgrove.example",
        "--claim",
        "email=mail",
        "--provisioning",
        "guest",
    ];
    assert_eq!(run(&create, None).status.code(), Some(2), "a secret is needed");
    let made = done(&create, Some("from the environment"));
    let id = text(&made["id"]);
    assert_eq!(made["inboundClaimMapping"]["email"], "mail");
    let changed = done(&["identity-provider", "update", id, "--name", "Bank", "--enabled", "false"], None);
    assert_eq!((&changed["displayName"], &changed["casbah.isEnabled"]), (&json!("Bank"), &json!(false)));
    assert_eq!(done(&["identity-provider", "show", id], None)["issuer"], "https://login.woodgrove.example");
    assert_eq!(done(&["identity-provider", "list"], None).as_array().map(Vec::len), Some(1));
    done(&["identity-provider", "delete", id], None);
    assert_eq!(run(&["identity-provider", "show", id], None).status.code(), Some(5));
}
