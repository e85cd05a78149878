//! A digest of tables and their rules: cursors carry it, so that a deployment that changes what a reader may
//! read is noticed.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Table, Tables};
use crate::policy::FieldRule;
use protocol::role::Role;

/// Bytes of a digest.
pub const TABLES_DIGEST_BYTES: usize = 8;

/// The first 8 bytes of the SHA-256 of some tables and their rules. It recognises changes and protects
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TablesDigest(pub [u8; TABLES_DIGEST_BYTES]);

impl Tables {
    /// The digest of the tables among `names`, in the order of the names.
    pub fn digest<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> TablesDigest {
        self.digest_with_whole(names, &BTreeSet::new())
    }

    /// [`Tables::digest`] for a reader for whom the windows of the tables `whole` are lifted.
    pub fn digest_with_whole<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        whole: &BTreeSet<String>,
    ) -> TablesDigest {
        let mut text = String::new();
        for (name, table) in names.into_iter().filter_map(|name| Some((name, self.get(name)?))) {
            text.push_str(&canonical(name, table, table.window_days.filter(|_| !whole.contains(name))));
        }
        let mut digest = [0; TABLES_DIGEST_BYTES];
        digest.iter_mut().zip(Sha256::digest(text)).for_each(|(to, from)| *to = from);
        TablesDigest(digest)
    }

    /// The digest of all tables that `role` may read.
    pub fn digest_of(&self, role: Role) -> TablesDigest {
        self.digest(self.names().filter(|name| self.may_read(name, role)))
    }
}

/// The rules as one line. Its form decides every digest: another form means a snapshot for every till.
fn canonical(name: &str, table: &Table, window_days: Option<u32>) -> String {
    let mut line = format!("{name} {} {} {}", table.policy.as_str(), table.read, table.write);
    // Writing to a text cannot fail.
    if let Some(days) = window_days {
        let _ = write!(line, " window {days}");
    }
    for (member, rule) in &table.fields {
        // Quoted, because a member's name may contain anything.
        let _ = write!(line, " {member:?} {}", rule_text(rule));
    }
    line.push('\n');
    line
}

fn rule_text(rule: &FieldRule) -> String {
    match rule {
        FieldRule::Additive(None) => "additive".to_owned(),
        FieldRule::Additive(Some(floor)) => format!("additive {} {}", floor.at, floor.below.as_str()),
        FieldRule::State(states) => format!("state {:?} {:?}", states.initial(), states.transitions()),
        FieldRule::Settled(policy) => policy.as_str().to_owned(),
    }
}

impl fmt::Display for TablesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Not the text of a [`TablesDigest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the digest of tables: it must be {TABLES_DIGEST_BYTES} bytes in base64url")]
pub struct NotADigest;

impl FromStr for TablesDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<TablesDigest, NotADigest> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(TablesDigest).ok_or(NotADigest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PLAIN: &str = "[a]\npolicy = \"manual\"\n[b]\npolicy = \"manual\"\nread = \"manager\"\n";

    fn digest(text: &str, role: Role) -> TablesDigest {
        Tables::parse(text).unwrap().digest_of(role)
    }

    #[test]
    fn the_digest_is_pinned() {
        // Another digest after an upgrade means a snapshot for every till.
        let built_in = Tables::built_in().unwrap();
        let text = built_in.digest(["products", "product_stock", "shifts"]).to_string();
        assert_eq!(text, "reE7OVUSIao");
        assert_eq!(text.parse(), Ok(built_in.digest(["products", "product_stock", "shifts"])));
        for bad in ["", "AAAA", "AAAAAAAAAAA=", "AAAAAAAAAA!"] {
            assert_eq!(bad.parse::<TablesDigest>(), Err(NotADigest), "{bad}");
        }
    }

    #[test]
    fn a_table_more_or_less_is_another_digest_only_for_roles_that_read_it() {
        let opened = PLAIN.replace("manager", "cashier");
        let added = format!("{PLAIN}[c]\npolicy = \"manual\"\nread = \"manager\"\n");
        assert_ne!(digest(PLAIN, Role::Cashier), digest(&opened, Role::Cashier));
        assert_eq!(digest(PLAIN, Role::Cashier), digest(&added, Role::Cashier));
        assert_ne!(digest(PLAIN, Role::Manager), digest(&added, Role::Manager));
        assert_eq!(digest(PLAIN, Role::Manager), digest(PLAIN, Role::Admin));
    }

    #[test]
    fn a_lifted_window_is_no_window() {
        let windowed = Tables::parse(&format!("{PLAIN}window_days = 30\n")).unwrap();
        let (plain, whole) = (Tables::parse(PLAIN).unwrap(), BTreeSet::from(["b".to_owned()]));
        assert_ne!(windowed.digest(["a", "b"]), plain.digest(["a", "b"]));
        assert_eq!(windowed.digest_with_whole(["a", "b"], &whole), plain.digest(["a", "b"]));
        assert_eq!(plain.digest_with_whole(["a", "b"], &whole), plain.digest(["a", "b"]));
    }

    #[test]
    fn every_rule_of_a_table_counts() {
        let rules = [
            "policy = \"manual\"",
            "policy = \"field-merge\"",
            "policy = \"manual\"\nread = \"manager\"",
            "policy = \"manual\"\nwrite = \"manager\"",
            "policy = \"manual\"\nwindow_days = 30",
            "policy = \"manual\"\nwindow_days = 31",
            "policy = \"manual\"\nfields.n = { policy = \"additive\" }",
            "policy = \"manual\"\nfields.n = { policy = \"additive\", floor = \"0\", below = \"flag\" }",
            "policy = \"manual\"\nfields.n = { policy = \"additive\", floor = \"0\", below = \"clamp\" }",
            "policy = \"manual\"\nfields.n = { policy = \"state\", initial = [\"a\"] }",
            "policy = \"manual\"\nfields.n = { policy = \"state\", initial = [\"a\"], transitions = { a = [\"b\"] } }",
            "policy = \"field-merge\"\nfields.n = { policy = \"server-wins\" }",
            "policy = \"field-merge\"\nfields.n = { policy = \"client-wins\" }",
        ];
        let digests: BTreeSet<TablesDigest> =
            rules.iter().map(|rules| digest(&format!("[a]\n{rules}\n"), Role::SuperAdmin)).collect();
        assert_eq!(digests.len(), rules.len());
    }
}
