//! Where a request comes from, as far as that can be told.

use casbah_model::Secret;
use casbah_store::audit;

use crate::master_key::{MasterKey, SecretKind};

/// Who knocks: what is known before anything is proved, beside the address and the user agent, which
/// [`casbah_store::audit::origin`] knows.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The random value of the browser's own cookie; none for a program.
    pub browser: Option<Secret>,
}

/// A visitor in the form in which it is stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) address: Option<String>,
    /// Digest of the browser's cookie.
    pub(crate) browser: Option<String>,
    pub(crate) agent: Option<String>,
}

impl Visitor {
    pub(crate) fn seen(&self, master: &MasterKey) -> Seen {
        let digest = |browser: &Secret| {
            let digest = master.digest(SecretKind::Browser, browser);
            digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
        };
        let origin = audit::origin();
        Seen {
            address: origin.address.map(|address| address.to_string()),
            browser: self.browser.as_ref().map(digest),
            agent: origin.user_agent,
        }
    }
}

impl Seen {
    /// Names of the places that can be familiar, the one that is harder to share first.
    pub(crate) fn places(&self) -> impl Iterator<Item = String> {
        let browser = self.browser.as_ref().map(|digest| format!("browser:{digest}"));
        browser.into_iter().chain(self.address_place())
    }

    pub(crate) fn address_place(&self) -> Option<String> {
        self.address.as_ref().map(|address| format!("address:{address}"))
    }
}
