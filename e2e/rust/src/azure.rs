//! `azure_identity`, which knows only credentials of applications.

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::ClientMethodOptions;
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientCertificateCredential,
    ClientCertificateCredentialOptions, ClientSecretCredential, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};

use crate::checks::{Checked, Client, DEFAULT, env, expect, list_alerts};

pub async fn run() {
    let client = Client { name: "azure_identity (Rust)", package: "azure_identity" };
    // SAFETY: this program has one thread.
    unsafe { std::env::set_var("AZURE_AUTHORITY_HOST", env("CASBAH_URL")) };
    client.check("secret: ClientSecretCredential", secret()).await;
    client.check("certificate: PFX", certificate()).await;
    client.check("assertion: ClientAssertionCredential", assertion()).await;
    client.check("workload identity", workload_identity()).await;
    client.check("errors: wrong secret", wrong_secret()).await;
    client.check("errors: unknown resource", unknown_resource()).await;
}

fn credential(secret: &str) -> azure_core::Result<std::sync::Arc<ClientSecretCredential>> {
    let secret = Secret::new(secret.to_string());
    ClientSecretCredential::new(&env("CASBAH_TENANT"), env("CASBAH_CLIENT_ID"), secret, None)
}

/// The second token comes from the cache.
async fn twice(credential: &dyn TokenCredential) -> Checked {
    let first = credential.get_token(&[DEFAULT], None).await?;
    let second = credential.get_token(&[DEFAULT], None).await?;
    expect(first.token.secret() == second.token.secret(), "the second token is another one")?;
    list_alerts(first.token.secret()).await
}

async fn secret() -> Checked {
    twice(credential(&env("CASBAH_CLIENT_SECRET"))?.as_ref()).await
}

async fn certificate() -> Checked {
    let (tenant, id) = (env("CASBAH_TENANT"), env("E2E_CERTIFICATE_CLIENT_ID"));
    let options = ClientCertificateCredentialOptions {
        password: Some(Secret::new(env("E2E_PFX_PASSWORD"))),
        ..ClientCertificateCredentialOptions::default()
    };
    let file = std::fs::read(env("E2E_PFX"))?;
    twice(ClientCertificateCredential::new(tenant, id, file.into(), Some(options))?.as_ref()).await
}

/// A token of the issuer that the workload comes from.
#[derive(Debug)]
struct FromFile;

#[async_trait::async_trait]
impl ClientAssertion for FromFile {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(std::fs::read_to_string(env("E2E_ASSERTION_FILE"))?)
    }
}

async fn assertion() -> Checked {
    let (tenant, id) = (env("CASBAH_TENANT"), env("E2E_WORKLOAD_CLIENT_ID"));
    twice(ClientAssertionCredential::new(tenant, id, FromFile, None)?.as_ref()).await
}

async fn workload_identity() -> Checked {
    let options = WorkloadIdentityCredentialOptions {
        client_id: Some(env("E2E_WORKLOAD_CLIENT_ID")),
        tenant_id: Some(env("CASBAH_TENANT")),
        token_file_path: Some(env("E2E_ASSERTION_FILE").into()),
        ..WorkloadIdentityCredentialOptions::default()
    };
    twice(WorkloadIdentityCredential::new(Some(options))?.as_ref()).await
}

async fn wrong_secret() -> Checked {
    refused(credential("wrong")?.as_ref(), DEFAULT, "AADSTS7000215").await
}

async fn unknown_resource() -> Checked {
    let credential = credential(&env("CASBAH_CLIENT_SECRET"))?;
    refused(&credential, "api://nobody/.default", "AADSTS500011").await
}

/// The library borrows the description out of the body, so that an escape sequence in it would be a parse
/// error instead of the code.
async fn refused(credential: &ClientSecretCredential, scope: &str, code: &str) -> Checked {
    let Err(problem) = credential.get_token(&[scope], None).await else {
        return Err("a token".into());
    };
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&problem);
    while let Some(error) = cause {
        text.push_str(&format!("{error} / "));
        cause = error.source();
    }
    expect(text.contains(code), text)
}
