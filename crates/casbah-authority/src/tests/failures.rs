//! What is our fault is said to be: no detail of it reaches the caller.

use super::world::{DESKTOP, PASSWORD, World, check_refusal};
use crate::OAuthError;

#[tokio::test]
async fn a_database_that_fails_is_a_server_error_without_details() {
    let world = World::new().await;
    world.sql("drop table permission_grants").await;
    let id = DESKTOP.to_string();
    let fields = [
        ("grant_type", "password"),
        ("client_id", id.as_str()),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default"),
    ];
    let refusal = world.v2(&fields).await.expect_err("is refused");
    check_refusal(&refusal, 70012, "server_error");
    assert_eq!(refusal.status(), 500);
    assert!(refusal.cause.is_some(), "the log tells why");
    assert!(!refusal.text.contains("permission_grants"));
}

#[test]
fn a_busy_database_is_told_apart_from_a_broken_one() {
    let busy = OAuthError::from(casbah_store::Error::Conflict);
    check_refusal(&busy, 90033, "temporarily_unavailable");
    assert_eq!(busy.status(), 503);
}
