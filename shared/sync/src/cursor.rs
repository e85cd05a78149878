//! Pull cursors: every position a pull can continue from, as opaque text.
//!
//! A cursor holds only what its reader may know: stamps, the digest of the tables it may read, and branches
//! as hashes. The rest is sealed. A forged cursor affects no other caller, because the tenant comes from the
//! verified token.

pub mod checkpoint;
pub mod seal;
pub mod vector;
pub mod walk;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::limits::CURSOR_BYTES_MAX;
use crate::tables::digest::TablesDigest;
use checkpoint::{Checkpoint, CheckpointId};
use protocol::error::{ApiError, ErrorCode};
use protocol::stamp::{Stamp, parse_digits};
use seal::{CursorKeys, NotOpened};
use vector::{Others, Positions, Vector};
use walk::Walk;

/// A cursor as a caller sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Where it continues.
    pub place: Location,
    /// The tables that its reader could read; `None` in a cursor of an older server, which did not say.
    pub tables: Option<TablesDigest>,
}

/// Where a cursor continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the log of one room: `p1.<stamp>.<tables>`, before that `v1.<stamp>`.
    Position(Position),
    /// In a snapshot of one room: `w1.<tables>.<key id>.<sealed>`.
    Walk(Walk),
    /// In all rooms of a client: `h1.<bytes>`, before that `v2.<bytes>`. With many branches
    /// `h2.<checkpoint>.<bytes>`: the positions that differ from a stored checkpoint.
    Vector(Vector),
    /// In a snapshot of one room that cannot continue: of an older server (`s1.…`), or sealed by a key that
    /// was removed.
    LostWalk,
}

/// A position in the log of one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The stamp of the last change that was returned; 0 at the beginning.
    pub stamp: Stamp,
    /// In the tail of a snapshot, the latest stamp of a record that the walk left to the log. The log must
    /// have a change with it: otherwise the tables were put back to an earlier moment since then.
    pub through: Option<Stamp>,
}

impl From<Stamp> for Position {
    fn from(stamp: Stamp) -> Position {
        Position { stamp, through: None }
    }
}

/// Why a text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// This server never gave it out, or gave it to another tenant.
    #[error("failed to read the cursor: use one from a response of this server, unchanged")]
    NotACursor,
    /// A newer version of this server gave it out.
    #[error("failed to read the cursor: it is of a newer version of this server")]
    Newer,
}

impl CursorError {
    /// The refusal: `code` for a text that is no cursor, [`ErrorCode::Unavailable`] for a newer one.
    pub fn refusal(self, code: ErrorCode, message: &str) -> ApiError {
        match self {
            CursorError::NotACursor => ApiError::new(code, message),
            CursorError::Newer => ApiError::new(
                ErrorCode::Unavailable,
                "The cursor is of a newer version of the server, which is being installed: send it again.",
            ),
        }
    }
}

/// The kinds of cursors and the latest version of each that this server reads.
const KINDS: [(char, u32); 6] = [('p', 1), ('w', 1), ('h', 2), ('v', 2), ('s', 1), ('d', 1)];

/// [`CursorError::Newer`] if `text` is of a known kind and a newer version; otherwise it is no cursor.
pub(crate) fn unknown(text: &str) -> CursorError {
    let newer = |&(kind, latest): &(char, u32)| {
        let (version, _) = text.strip_prefix(kind)?.split_once('.')?;
        let plain = !version.starts_with(['0', '+']) && version.len() <= 3;
        version.parse::<u32>().ok().filter(|&version| plain && version > latest)
    };
    if KINDS.iter().find_map(newer).is_some() { CursorError::Newer } else { CursorError::NotACursor }
}

/// Whether a cursor is of all rooms of a client, by its kind alone.
pub fn is_of_client(text: &str) -> bool {
    text.starts_with('h') || text.starts_with("v2.")
}

/// The cursor after the change with `stamp`, for a reader of `tables`.
pub fn position_text(position: Position, tables: TablesDigest) -> String {
    match position.through {
        None => format!("p1.{}.{tables}", position.stamp.0),
        Some(through) => format!("p1.{}.{tables}.{}", position.stamp.0, through.0),
    }
}

/// The stamp of a cursor in the log of one room.
pub fn parse_position(text: &str) -> Result<Stamp, CursorError> {
    let position = match (text.strip_prefix("p1."), text.strip_prefix("v1.")) {
        (Some(rest), _) => new_position(rest).map(|(position, _)| position.stamp),
        (_, Some(digits)) => parse_digits(digits),
        _ => return Err(unknown(text)),
    };
    position.ok_or(CursorError::NotACursor)
}

fn new_position(rest: &str) -> Option<(Position, TablesDigest)> {
    let mut parts = rest.splitn(3, '.');
    let (stamp, tables) = (parse_digits(parts.next()?)?, parts.next()?.parse().ok()?);
    let through = parts.next().map(|through| parse_digits(through).filter(|&through| through > stamp));
    match through {
        None => Some((stamp.into(), tables)),
        Some(through) => Some((Position { stamp, through: Some(through?) }, tables)),
    }
}

/// A cursor in all rooms of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorCursor {
    /// The text.
    pub text: String,
    /// What must be stored before the text is given out.
    pub stores: Option<StoredCheckpoint>,
}

/// A checkpoint as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The name.
    pub id: CheckpointId,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Writes and reads the cursors of one tenant.
#[derive(Clone, Copy, Debug)]
pub struct Cursors<'a> {
    /// Seal and open.
    pub keys: &'a CursorKeys,
    /// The room (`client:branch`), or the client for cursors of all its rooms.
    pub scope: &'a str,
}

impl Cursors<'_> {
    /// The text of a cursor in the snapshot of one room.
    pub fn walk_text(&self, walk: &Walk, tables: TablesDigest) -> String {
        let sealed = self.keys.seal(&format!("w1.{tables}"), self.scope, &walk.to_bytes());
        format!("w1.{tables}.{}.{}", sealed.key, BASE64_URL_SAFE_NO_PAD.encode(sealed.bytes))
    }

    /// A cursor in all rooms of a client. `checkpoint` is the one that the cursor before named, if it did.
    pub fn vector(
        &self,
        vector: &Vector,
        checkpoint: Option<&Checkpoint>,
        tables: TablesDigest,
    ) -> VectorCursor {
        let encode = |vector: &Vector| {
            let bytes = vector.to_bytes(tables, |walk| self.keys.seal("h1", self.scope, walk));
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        if vector.is_small() {
            return VectorCursor { text: format!("h1.{}", encode(vector)), stores: None };
        }
        if let Some(checkpoint) = checkpoint
            && let Some(changes) = vector.since(checkpoint)
        {
            return VectorCursor { text: format!("h2.{}.{}", checkpoint.id, encode(&changes)), stores: None };
        }
        let (checkpoint, bytes) = Checkpoint::new(vector.positions.clone());
        let rest = Vector { positions: Positions::new(), ..vector.clone() };
        let text = format!("h2.{}.{}", checkpoint.id, encode(&rest));
        VectorCursor { text, stores: Some(StoredCheckpoint { id: checkpoint.id, bytes }) }
    }

    /// Reads any cursor.
    pub fn read(&self, text: &str) -> Result<Cursor, CursorError> {
        if text.len() > CURSOR_BYTES_MAX {
            return Err(CursorError::NotACursor);
        }
        let (kind, rest) = text.split_once('.').unwrap_or_default();
        let cursor = match kind {
            "p1" => new_position(rest).map(|(position, tables)| Cursor {
                place: Location::Position(position),
                tables: Some(tables),
            }),
            "v1" => parse_digits(rest)
                .map(|stamp| Cursor { place: Location::Position(stamp.into()), tables: None }),
            "w1" => self.walk(rest),
            "s1" => walk::is_old(rest).then_some(Cursor { place: Location::LostWalk, tables: None }),
            "h1" => self.changes(rest, Others::Beginning),
            "h2" => rest.split_once('.').and_then(|(checkpoint, changes)| {
                self.changes(changes, Others::Checkpoint(checkpoint.parse().ok()?))
            }),
            "v2" => decode(rest)
                .and_then(|bytes| Vector::from_old_bytes(&bytes))
                .map(|vector| Cursor { place: Location::Vector(vector), tables: None }),
            _ => return Err(unknown(text)),
        };
        cursor.ok_or(CursorError::NotACursor)
    }

    fn changes(&self, text: &str, others: Others) -> Option<Cursor> {
        let open = |sealed: &seal::Sealed| self.keys.open("h1", self.scope, sealed);
        let (vector, tables) = Vector::from_bytes(&decode(text)?, open)?;
        Some(Cursor { place: Location::Vector(Vector { others, ..vector }), tables: Some(tables) })
    }

    fn walk(&self, rest: &str) -> Option<Cursor> {
        let mut parts = rest.splitn(3, '.');
        let tables: TablesDigest = parts.next()?.parse().ok()?;
        let (key, bytes) = (parts.next()?.to_owned(), decode(parts.next()?)?);
        let place = match self.keys.open(&format!("w1.{tables}"), self.scope, &seal::Sealed { key, bytes }) {
            Ok(bytes) => Location::Walk(Walk::from_bytes(&bytes)?),
            Err(NotOpened::UnknownKey) => Location::LostWalk,
            Err(NotOpened::Forged) => return None,
        };
        Some(Cursor { place, tables: Some(tables) })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests;
