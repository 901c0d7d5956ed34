//! How far the objects of a bucket are shared: by its policy, by access control lists where they count, and by what
//! its owner has ruled out.

use serde_json::Value;

use super::super::settings::Store;
use super::answer::{Node, tree};
use super::policy::{Policy, Reader, Request};
use super::{Client, code, failure};
use crate::client::failure::Failure;

const PRIVATE: i64 = 0;
const INTERNAL: i64 = 1;
const EXTERNAL: i64 = 2;
/// Everybody who has an account at the store.
const PUBLIC: i64 = 3;
const PUBLIC_INTERNET: i64 = 4;
/// Groups of an access control list.
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
/// Others of whom a file names so many.
const MOST_OTHERS: usize = 100;

/// With whom an object is shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shared {
    /// How far; see [`casbah_model::ACCESS_LEVELS`].
    pub(super) level: i64,
    /// Accounts and users outside.
    pub(super) others: Vec<String>,
}

impl Shared {
    fn with(mut self, other: Shared) -> Shared {
        self.level = self.level.max(other.level);
        for one in other.others {
            if self.others.len() < MOST_OTHERS && !self.others.contains(&one) {
                self.others.push(one);
            }
        }
        self
    }
}

/// What a bucket says of access.
pub(super) struct Access {
    bucket: String,
    account: Option<String>,
    /// Everything is shared so far, and nothing is asked.
    fixed: Option<i64>,
    policy: Policy,
    /// Whether a policy for everybody is kept to the account of the bucket.
    restricted: bool,
    /// Whether access control lists count, and whether what they say of everybody does.
    lists: bool,
    public_lists: bool,
    listing: i64,
}

impl Access {
    pub(super) fn read(client: &Client, store: &Store) -> Result<Access, Failure> {
        let mut access = Access {
            bucket: store.bucket.clone(),
            account: store.account.clone(),
            fixed: store.sharing,
            policy: Policy::default(),
            restricted: false,
            lists: true,
            public_lists: true,
            listing: PRIVATE,
        };
        if let Some(level) = store.sharing {
            access.listing = level;
            return Ok(access);
        }
        if let Some(answer) = client.setting("policy", "s3:GetBucketPolicy")? {
            let document: Value =
                serde_json::from_slice(&answer.body).map_err(|_| Failure::shape("a policy"))?;
            access.policy = Policy::read(&document);
        }
        if let Some(answer) = client.setting("publicAccessBlock", "s3:GetBucketPublicAccessBlock")? {
            let block = tree(&answer.body).unwrap_or_default();
            let says = |name: &str| block.text(name).eq_ignore_ascii_case("true");
            access.restricted = says("RestrictPublicBuckets");
            access.public_lists = !says("IgnorePublicAcls");
        }
        if let Some(answer) = client.setting("ownershipControls", "s3:GetBucketOwnershipControls")? {
            let controls = tree(&answer.body).unwrap_or_default();
            access.lists =
                controls.all("Rule").all(|rule| rule.text("ObjectOwnership") != "BucketOwnerEnforced");
        }
        let by_list = match client.setting("acl", "s3:GetBucketAcl")? {
            Some(answer) if access.lists => access.by_list(&tree(&answer.body).unwrap_or_default()),
            Some(_) => Shared::default(),
            // A store without such lists.
            None => {
                access.lists = false;
                Shared::default()
            }
        };
        let resource = access.bucket.clone();
        access.listing = access.judged("s3:ListBucket", &resource, by_list).level;
        Ok(access)
    }

    /// How far the names in the bucket can be seen.
    pub(super) fn listing(&self) -> i64 {
        self.listing
    }

    pub(super) fn object(&self, client: &Client, key: &str) -> Result<Shared, Failure> {
        if let Some(level) = self.fixed {
            return Ok(Shared { level, others: Vec::new() });
        }
        let mut by_list = Shared::default();
        if self.lists {
            let answer = client.get(key, &[("acl", "")])?;
            match answer.status {
                _ if answer.ok() => by_list = self.by_list(&tree(&answer.body).unwrap_or_default()),
                // Deleted since it was listed.
                404 if code(&answer) == "NoSuchKey" => {}
                _ => return Err(failure(&answer, &format!("the access control list of {key}"))),
            }
        }
        Ok(self.judged("s3:GetObject", &format!("{}/{key}", self.bucket), by_list))
    }

    /// By policy and list together; what a policy denies to everybody, nobody has.
    fn judged(&self, action: &str, resource: &str, by_list: Shared) -> Shared {
        let request = Request { action, resource, account: self.account.as_deref() };
        let judged = self.policy.judge(&request);
        if judged.denied {
            return Shared::default();
        }
        let mut by_policy = Shared::default();
        for reader in judged.readers {
            by_policy = by_policy.with(match reader {
                Reader::Everybody => Shared { level: PUBLIC_INTERNET, others: Vec::new() },
                Reader::Own => Shared { level: INTERNAL, others: Vec::new() },
                Reader::Some => Shared { level: EXTERNAL, others: Vec::new() },
                Reader::Other(id) => Shared { level: EXTERNAL, others: vec![id] },
            });
        }
        if self.restricted && by_policy.level == PUBLIC_INTERNET {
            by_policy = Shared { level: INTERNAL, others: Vec::new() };
        }
        by_policy.with(by_list)
    }

    /// By an access control list.
    fn by_list(&self, list: &Node) -> Shared {
        let owner = list.child("Owner").map_or("", |owner| owner.text("ID"));
        let mut shared = Shared::default();
        let grants = list.child("AccessControlList").into_iter().flat_map(|list| list.all("Grant"));
        for grant in grants.filter(|grant| matches!(grant.text("Permission"), "READ" | "FULL_CONTROL")) {
            let Some(to) = grant.child("Grantee") else { continue };
            shared = shared.with(match (to.text("URI"), to.text("ID")) {
                (ALL_USERS | AUTHENTICATED_USERS, _) if !self.public_lists => Shared::default(),
                (ALL_USERS, _) => Shared { level: PUBLIC_INTERNET, others: Vec::new() },
                (AUTHENTICATED_USERS, _) => Shared { level: PUBLIC, others: Vec::new() },
                ("", id) if !id.is_empty() && id != owner => {
                    Shared { level: EXTERNAL, others: vec![id.to_string()] }
                }
                _ => Shared::default(),
            });
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn access(policy: &Value) -> Access {
        Access {
            bucket: "docs".into(),
            account: Some("111122223333".into()),
            fixed: None,
            policy: Policy::read(policy),
            restricted: false,
            lists: true,
            public_lists: true,
            listing: PRIVATE,
        }
    }

    fn list(grants: &[(&str, &str)]) -> Node {
        let grants: String = grants
            .iter()
            .map(|(to, permission)| {
                format!("<Grant><Grantee>{to}</Grantee><Permission>{permission}</Permission></Grant>")
            })
            .collect();
        let xml = format!(
            "<AccessControlPolicy><Owner><ID>own</ID></Owner><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
        );
        tree(xml.as_bytes()).unwrap()
    }

    #[test]
    fn lists_say_who_reads() {
        let own = ("<ID>own</ID>", "FULL_CONTROL");
        let everybody = format!("<URI>{ALL_USERS}</URI>");
        let signed_in = format!("<URI>{AUTHENTICATED_USERS}</URI>");
        let mut access = access(&json!({}));
        for (grants, level, others) in [
            (vec![own], 0, 0),
            (vec![own, (everybody.as_str(), "READ")], 4, 0),
            (vec![own, (everybody.as_str(), "WRITE")], 0, 0),
            (vec![own, (signed_in.as_str(), "FULL_CONTROL")], 3, 0),
            (vec![own, ("<ID>other</ID>", "READ")], 2, 1),
        ] {
            let shared = access.by_list(&list(&grants));
            assert_eq!((shared.level, shared.others.len()), (level, others), "{grants:?}");
        }
        access.public_lists = false;
        assert_eq!(
            access.by_list(&list(&[(everybody.as_str(), "READ"), ("<ID>other</ID>", "READ")])).level,
            2
        );
    }

    #[test]
    fn a_policy_counts_together_with_the_list() {
        let everybody = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::docs/open/*" } });
        let mut access = access(&everybody);
        let level = |access: &Access, key: &str, by_list: i64| {
            let by_list = Shared { level: by_list, others: Vec::new() };
            access.judged("s3:GetObject", &format!("docs/{key}"), by_list).level
        };
        assert_eq!((level(&access, "open/a", 0), level(&access, "a", 0), level(&access, "a", 3)), (4, 0, 3));
        access.restricted = true;
        assert_eq!(level(&access, "open/a", 0), 1);
        let denied = json!({ "Statement": [everybody["Statement"], { "Effect": "Deny", "Principal": { "AWS": "*" },
            "Action": "s3:*", "Resource": "arn:aws:s3:::docs/open/secret*" }] });
        access.policy = Policy::read(&denied);
        access.restricted = false;
        assert_eq!((level(&access, "open/a", 0), level(&access, "open/secret.txt", 4)), (4, 0));
    }
}
