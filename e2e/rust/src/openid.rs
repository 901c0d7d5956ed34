//! `openidconnect`: strict about the issuer and about signatures.

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreDeviceAuthorizationResponse, CoreIdTokenClaims,
    CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl,
    RefreshToken, RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, Scope, TokenResponse,
};

use crate::checks::{
    Checked, Client, DEFAULT, Failure, Listener, READ, authority, browser, env, expect, http, list_alerts,
};

pub async fn run() {
    let client = Client { name: "openidconnect (Rust)", package: "openidconnect" };
    client.check("secret: endpoints by discovery", secret()).await;
    client.check("code: ID token verified by the published keys", code()).await;
    client.check("device code", device_code()).await;
    client.check("password", password()).await;
    client.check("silent: by the refresh token, with an ID token of the same person", refresh()).await;
    client.check("errors: wrong secret", wrong_secret()).await;
    client.check("errors: the issuer of all tenants is refused by the library", other_issuer()).await;
}

async fn metadata(authority: String) -> Result<CoreProviderMetadata, Failure> {
    let issuer = IssuerUrl::new(format!("{authority}/v2.0"))?;
    Ok(CoreProviderMetadata::discover_async(issuer, &http()?).await?)
}

async fn secret() -> Checked {
    let secret = ClientSecret::new(env("CASBAH_CLIENT_SECRET"));
    let id = ClientId::new(env("CASBAH_CLIENT_ID"));
    let client = CoreClient::from_provider_metadata(metadata(authority()).await?, id, Some(secret));
    let scope = Scope::new(DEFAULT.into());
    let tokens = client.exchange_client_credentials()?.add_scope(scope).request_async(&http()?).await?;
    list_alerts(tokens.access_token().secret()).await
}

type Ready = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

async fn web() -> Result<Ready, Failure> {
    let secret = ClientSecret::new(env("E2E_WEB_CLIENT_SECRET"));
    let id = ClientId::new(env("E2E_WEB_CLIENT_ID"));
    Ok(CoreClient::from_provider_metadata(metadata(authority()).await?, id, Some(secret)))
}

async fn code() -> Checked {
    let (_, tokens) = signed_in().await?;
    list_alerts(tokens.access_token().secret()).await
}

/// The claims of the person who signed in, verified, and the tokens.
async fn signed_in() -> Result<(CoreIdTokenClaims, CoreTokenResponse), Failure> {
    let listener = Listener::start().await?;
    let client = web().await?.set_redirect_uri(RedirectUrl::new(listener.address.clone())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let asked = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    let (url, _, nonce) = asked
        .add_scope(Scope::new("profile".into()))
        .add_scope(Scope::new(READ.into()))
        .add_scope(Scope::new("offline_access".into()))
        .set_pkce_challenge(challenge)
        .url();
    let code = AuthorizationCode::new(listener.code(url.as_str()).await?);
    let tokens = client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&http()?).await?;
    // Signature, issuer, audience, time and nonce.
    let claims = tokens.id_token().ok_or("no ID token")?.claims(&client.id_token_verifier(), &nonce)?;
    let name = claims.preferred_username().map(|name| name.to_lowercase());
    expect(name == Some(env("CASBAH_USER").to_lowercase()), name)?;
    Ok((claims.clone(), tokens))
}

async fn public_client() -> Result<Ready, Failure> {
    let id = ClientId::new(env("CASBAH_PUBLIC_CLIENT_ID"));
    Ok(CoreClient::from_provider_metadata(metadata(authority()).await?, id, None))
}

async fn device_code() -> Checked {
    // This library's metadata has no field for that endpoint.
    let address = DeviceAuthorizationUrl::new(format!("{}/oauth2/v2.0/devicecode", authority()))?;
    let client = public_client().await?.set_device_authorization_url(address);
    let (http, scope) = (http()?, Scope::new(READ.into()));
    let device: CoreDeviceAuthorizationResponse =
        client.exchange_device_code().add_scope(scope).request_async(&http).await?;
    let (uri, code) = (device.verification_uri().to_string(), device.user_code().secret().clone());
    let parameters = [("uri", uri.as_str()), ("code", code.as_str())];
    browser("approve", &parameters).await?;
    let tokens =
        client.exchange_device_access_token(&device)?.request_async(&http, tokio::time::sleep, None).await?;
    list_alerts(tokens.access_token().secret()).await
}

async fn password() -> Checked {
    let client = public_client().await?;
    let (user, password) =
        (ResourceOwnerUsername::new(env("CASBAH_USER")), ResourceOwnerPassword::new(env("CASBAH_PASSWORD")));
    let asked = client.exchange_password(&user, &password)?.add_scope(Scope::new(READ.into()));
    list_alerts(asked.request_async(&http()?).await?.access_token().secret()).await
}

async fn refresh() -> Checked {
    let (person, first) = signed_in().await?;
    let token = RefreshToken::new(first.refresh_token().ok_or("no refresh token")?.secret().clone());
    let client = web().await?;
    let renewed = client.exchange_refresh_token(&token)?.request_async(&http()?).await?;
    // No nonce was asked for now.
    let nonce = |_: Option<&Nonce>| Ok(());
    let same = renewed.id_token().ok_or("no ID token")?.claims(&client.id_token_verifier(), nonce)?;
    expect(same.subject() == person.subject(), "another subject")?;
    list_alerts(renewed.access_token().secret()).await
}

async fn wrong_secret() -> Checked {
    let (id, wrong) = (ClientId::new(env("CASBAH_CLIENT_ID")), ClientSecret::new("wrong".into()));
    let client = CoreClient::from_provider_metadata(metadata(authority()).await?, id, Some(wrong));
    let scope = Scope::new(DEFAULT.into());
    match client.exchange_client_credentials()?.add_scope(scope).request_async(&http()?).await {
        Err(RequestTokenError::ServerResponse(told)) => {
            let text = told.error_description().cloned().unwrap_or_default();
            expect(text.contains("AADSTS7000215"), told)
        }
        other => Err(format!("{other:?}").into()),
    }
}

/// The document of `organizations` names no one issuer; this library takes a tenant's only.
async fn other_issuer() -> Checked {
    let found = metadata(format!("{}/organizations", env("CASBAH_URL"))).await;
    expect(found.is_err(), "an issuer with a placeholder was accepted")
}
