//! Values for the tests of several modules; no other build has this file.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::cursor::Cursors;
use crate::cursor::seal::CursorKeys;
use crate::policy::field_merge::FieldVersions;
use crate::push::Push;
use crate::record::Record;
use crate::rules::{Retention, SyncRules};
use crate::tables::Tables;
use crate::version_authors::VersionAuthors;
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
        authors: VersionAuthors::default(),
    }
}

/// A key of cursors by its id and its bytes, as the configuration has it.
pub(crate) fn cursor_key(id: &str, byte: u8) -> String {
    format!("{id}:{}", BASE64_STANDARD.encode([byte; 32]))
}

/// Cursors of the room 1:2, and their keys.
pub(crate) fn of_room(keys: &CursorKeys) -> Cursors<'_> {
    Cursors { keys, scope: "1:2" }
}

/// Keys of cursors with these ids of one letter; the first one seals.
pub(crate) fn cursor_keys(ids: &[&str]) -> CursorKeys {
    let keys: Vec<String> = ids.iter().map(|id| cursor_key(id, id.as_bytes()[0])).collect();
    CursorKeys::parse(&keys.join(",")).unwrap()
}
