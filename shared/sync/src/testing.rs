//! Values for the tests of several modules.

use crate::policy::field_merge::FieldVersions;
use crate::push::Push;
use crate::record::Record;
use crate::rules::{Retention, SyncRules};
use crate::tables::Tables;
use protocol::json::JsonText;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// The built-in tables with the default retention.
pub(crate) fn rules() -> SyncRules {
    SyncRules { tables: Tables::built_in().unwrap(), retention: Retention::default() }
}

/// A parsed push from a caller with `role`.
pub(crate) fn push(role: Role, body: &serde_json::Value) -> Push {
    Push::parse(&rules().tables, role, body.to_string().as_bytes()).unwrap()
}

/// A live record of till-2 that was written at the time of `stamp`.
pub(crate) fn record(data: &str, version: u64, stamp: u64) -> Record {
    Record {
        data: JsonText::from_text(data.to_owned()).unwrap(),
        version,
        stamp: Stamp(stamp),
        modified_at: Timestamp(stamp),
        device: "till-2".parse().unwrap(),
        deleted: false,
        fields: FieldVersions::default(),
    }
}
