//! `openidconnect`: strict about the issuer and about signatures.

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    RedirectUrl, Scope, TokenResponse,
};

use crate::checks::{Checked, Client, DEFAULT, Listener, READ, authority, env, expect, http, list_alerts};

pub async fn run() {
    let client = Client { name: "openidconnect (Rust)", package: "openidconnect" };
    client.check("secret: endpoints by discovery", secret()).await;
    client.check("code: ID token verified by the published keys", code()).await;
    client.check("errors: the issuer of all tenants is refused by the library", other_issuer()).await;
}

async fn metadata(authority: String) -> Result<CoreProviderMetadata, crate::checks::Failure> {
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

async fn code() -> Checked {
    let listener = Listener::start().await?;
    let secret = ClientSecret::new(env("E2E_WEB_CLIENT_SECRET"));
    let id = ClientId::new(env("E2E_WEB_CLIENT_ID"));
    let client = CoreClient::from_provider_metadata(metadata(authority()).await?, id, Some(secret))
        .set_redirect_uri(RedirectUrl::new(listener.address.clone())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let asked = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    let (url, _, nonce) = asked
        .add_scope(Scope::new("profile".into()))
        .add_scope(Scope::new(READ.into()))
        .set_pkce_challenge(challenge)
        .url();
    let code = AuthorizationCode::new(listener.code(url.as_str()).await?);
    let tokens = client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&http()?).await?;
    // Signature, issuer, audience, time and nonce.
    let claims = tokens.id_token().ok_or("no ID token")?.claims(&client.id_token_verifier(), &nonce)?;
    let name = claims.preferred_username().map(|name| name.to_lowercase());
    expect(name == Some(env("CASBAH_USER").to_lowercase()), name)?;
    list_alerts(tokens.access_token().secret()).await
}

/// The document of `organizations` names no one issuer; this library takes a tenant's only.
async fn other_issuer() -> Checked {
    let found = metadata(format!("{}/organizations", env("CASBAH_URL"))).await;
    expect(found.is_err(), "an issuer with a placeholder was accepted")
}
