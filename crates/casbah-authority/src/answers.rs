//! Answers to app-only requests that were worked out before, and hold as long as nothing has changed.
//!
//! What such a token says depends on the directory alone: the tenant, the application, its secret, the
//! resource and the roles held on it. As long as the database is at the version at which that was read,
//! reading it again would give the same, so only the signature is made anew. With a database that other
//! processes write to there is no such version, and every request reads.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use casbah_model::{Secret, Timestamp};

use crate::answer::Answer;
use crate::client::UsedCredential;
use crate::master_key::SecretKind;
use crate::token::TokenRequest;
use crate::{Authority, claims::Endpoint};

/// Answers kept at most; one is a few kilobytes.
const MOST: usize = 4096;
/// Parameters that tell about the client's machine and not about what it wants.
const TELEMETRY: [&str; 4] = ["x-client-", "x-ms-", "client-request-id", "client_info"];

/// An answer, and the version of the database that it was read at.
type Kept = (u64, Arc<Answer>);

/// The answers of this node, by the digests of their questions.
#[derive(Default)]
pub(crate) struct Answers(RwLock<HashMap<Vec<u8>, Kept>>);

/// A request as far as its answer depends on it, and the version of the database when it came.
pub(crate) struct Question {
    version: u64,
    /// A keyed digest: it stands for a secret.
    digest: Vec<u8>,
}

impl Authority {
    /// The question that a request asks, if its answer may be kept.
    pub(crate) fn question(&self, request: &TokenRequest) -> Option<Question> {
        let TokenRequest { endpoint, tenant, form, authorization, origin, proof } = request;
        let plain = form.get("grant_type") == Some("client_credentials")
            && form.get("client_assertion").is_none()
            && origin.is_none()
            // A proof is good once.
            && proof.is_none();
        if !plain {
            return None;
        }
        let version = self.store.version()?;
        let endpoint = if *endpoint == Endpoint::V1 { "1" } else { "2" };
        let authorization = authorization.as_ref().map(Secret::expose).unwrap_or_default();
        let asked = form.fields().filter(|(name, _)| !TELEMETRY.iter().any(|start| name.starts_with(start)));
        let asked = asked.flat_map(|(name, value)| [name, value.expose()]);
        let parts = [endpoint, tenant, authorization].into_iter().chain(asked);
        Some(Question { version, digest: self.master.digest_of_parts(SecretKind::TokenRequest, parts) })
    }

    /// The answer to a question that was answered before.
    pub(crate) fn answered(&self, question: &Question, now: Timestamp) -> Option<Arc<Answer>> {
        let answers = self.answers.0.read().unwrap_or_else(PoisonError::into_inner);
        let (version, answer) = answers.get(&question.digest)?;
        let valid = match &answer.client.credential {
            Some(UsedCredential::Secret(secret)) => secret.starts <= now && now < secret.ends,
            _ => false,
        };
        (*version == question.version && valid).then(|| Arc::clone(answer))
    }

    /// Keeps an answer that was worked out after its question was asked.
    pub(crate) fn keep_answer(&self, question: Question, answer: &Arc<Answer>) {
        let mut answers = self.answers.0.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            // Most are of versions that are over; those that are not come back at the next request.
            answers.clear();
        }
        answers.insert(question.digest, (question.version, Arc::clone(answer)));
    }
}
