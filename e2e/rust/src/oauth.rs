//! `oauth2`: nothing but RFC 6749 and its relatives.

use oauth2::basic::{BasicClient, BasicTokenType};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl,
    EmptyExtraTokenFields, EndpointNotSet, EndpointSet, PkceCodeChallenge, RedirectUrl, RefreshToken,
    RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, Scope,
    StandardDeviceAuthorizationResponse, StandardTokenResponse, TokenResponse, TokenUrl,
};

use crate::checks::{
    Checked, Client, DEFAULT, Failure, Listener, READ, authority, browser, env, expect, http, list_alerts,
};

type Ready = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;
type Tokens = StandardTokenResponse<EmptyExtraTokenFields, BasicTokenType>;

pub async fn run() {
    let client = Client { name: "oauth2 (Rust)", package: "oauth2" };
    client.check("secret: in the header", secret(AuthType::BasicAuth)).await;
    client.check("secret: in the body", secret(AuthType::RequestBody)).await;
    client.check("secret: in the header, with characters that must be encoded", encoded_secret()).await;
    client.check("errors: wrong secret", wrong_secret()).await;
    client.check("code: public client, PKCE", public_code()).await;
    client.check("code: confidential client, secret in the header", confidential_code()).await;
    client.check("device code", device_code()).await;
    client.check("password", password()).await;
    client.check("silent: by the refresh token", refresh()).await;
}

fn client(id: &str, secret: Option<&str>) -> Result<Ready, Failure> {
    let authority = format!("{}/oauth2/v2.0", authority());
    let mut client = BasicClient::new(ClientId::new(env(id)))
        .set_auth_uri(AuthUrl::new(format!("{authority}/authorize"))?)
        .set_token_uri(TokenUrl::new(format!("{authority}/token"))?)
        .set_device_authorization_url(DeviceAuthorizationUrl::new(format!("{authority}/devicecode"))?);
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(env(secret)));
    }
    Ok(client)
}

async fn secret(how: AuthType) -> Checked {
    let client = client("CASBAH_CLIENT_ID", Some("CASBAH_CLIENT_SECRET"))?.set_auth_type(how);
    let scope = Scope::new(DEFAULT.into());
    let tokens = client.exchange_client_credentials().add_scope(scope).request_async(&http()?).await?;
    expect(tokens.refresh_token().is_none() && tokens.scopes().is_none(), "more than an access token")?;
    list_alerts(tokens.access_token().secret()).await
}

/// A secret that Casbah made has a tilde, which the form encoding of the header changes.
async fn encoded_secret() -> Checked {
    expect(env("E2E_WEB_CLIENT_SECRET").contains('~'), "this secret proves nothing")?;
    let client =
        client("E2E_WEB_CLIENT_ID", Some("E2E_WEB_CLIENT_SECRET"))?.set_auth_type(AuthType::BasicAuth);
    let scope = Scope::new(DEFAULT.into());
    client.exchange_client_credentials().add_scope(scope).request_async(&http()?).await?;
    Ok(())
}

async fn wrong_secret() -> Checked {
    let client = client("CASBAH_CLIENT_ID", Some("CASBAH_CLIENT_ID"))?;
    let scope = Scope::new(DEFAULT.into());
    match client.exchange_client_credentials().add_scope(scope).request_async(&http()?).await {
        Err(RequestTokenError::ServerResponse(told)) => {
            let text = told.error_description().cloned().unwrap_or_default();
            expect(told.error().as_ref() == "invalid_client" && text.contains("AADSTS7000215"), told)
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn public_code() -> Checked {
    list_alerts(code("CASBAH_PUBLIC_CLIENT_ID", None).await?.access_token().secret()).await
}

async fn confidential_code() -> Checked {
    list_alerts(code("E2E_WEB_CLIENT_ID", Some("E2E_WEB_CLIENT_SECRET")).await?.access_token().secret()).await
}

async fn code(id: &str, secret: Option<&str>) -> Result<Tokens, Failure> {
    let listener = Listener::start().await?;
    let client = client(id, secret)?.set_redirect_uri(RedirectUrl::new(listener.address.clone())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = [READ, "offline_access"].map(|scope| Scope::new(scope.into()));
    let asked = client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge);
    let code = AuthorizationCode::new(listener.code(asked.url().0.as_str()).await?);
    Ok(client.exchange_code(code).set_pkce_verifier(verifier).request_async(&http()?).await?)
}

async fn device_code() -> Checked {
    let client = client("CASBAH_PUBLIC_CLIENT_ID", None)?;
    let (http, scope) = (http()?, Scope::new(READ.into()));
    let device: StandardDeviceAuthorizationResponse =
        client.exchange_device_code().add_scope(scope).request_async(&http).await?;
    let (uri, code) = (device.verification_uri().to_string(), device.user_code().secret().clone());
    let parameters = [("uri", uri.as_str()), ("code", code.as_str())];
    browser("approve", &parameters).await?;
    let tokens =
        client.exchange_device_access_token(&device).request_async(&http, tokio::time::sleep, None).await?;
    list_alerts(tokens.access_token().secret()).await
}

async fn password() -> Checked {
    let client = client("CASBAH_PUBLIC_CLIENT_ID", None)?;
    let (user, password) =
        (ResourceOwnerUsername::new(env("CASBAH_USER")), ResourceOwnerPassword::new(env("CASBAH_PASSWORD")));
    let asked = client.exchange_password(&user, &password).add_scope(Scope::new(READ.into()));
    list_alerts(asked.request_async(&http()?).await?.access_token().secret()).await
}

async fn refresh() -> Checked {
    let first = code("CASBAH_PUBLIC_CLIENT_ID", None).await?;
    let token = RefreshToken::new(first.refresh_token().ok_or("no refresh token")?.secret().clone());
    let client = client("CASBAH_PUBLIC_CLIENT_ID", None)?;
    let renewed = client.exchange_refresh_token(&token).request_async(&http()?).await?;
    expect(renewed.access_token().secret() != first.access_token().secret(), "the same token")?;
    list_alerts(renewed.access_token().secret()).await
}
