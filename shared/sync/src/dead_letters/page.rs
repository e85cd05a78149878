//! A page of dead letters.

use sha2::{Digest, Sha256};

use super::stored::Filed;
use super::{DeadKey, Letter, LetterId, Payload, hex, letters};
use crate::limits::PULL_BYTES_MAX;
use crate::log::LogError;
use crate::tables::Tables;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::{DEAD_LETTERS_LIMIT_DEFAULT, DEAD_LETTERS_LIMIT_MAX};
use protocol::role::Role;
use protocol::wire::dead_letters::{DeadLettersResponse, LetterBody};

/// What a cursor of ours begins with; behind it is the name of the last letter that was shown.
const CURSOR: &str = "d1.";

/// Which page is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LettersQuery {
    limit: usize,
    after: Option<LetterId>,
}

impl LettersQuery {
    /// Reads the members of a query.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<LettersQuery, ApiError> {
        let limit = limit.map_or(Some(DEAD_LETTERS_LIMIT_DEFAULT), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=DEAD_LETTERS_LIMIT_MAX).contains(limit)).ok_or_else(|| {
            let message = format!("`limit` must be a number from 1 to {DEAD_LETTERS_LIMIT_MAX}.");
            ApiError::new(ErrorCode::BadLimit, message)
        })?;
        let not_ours =
            || ApiError::new(ErrorCode::BadCursor, "`cursor` must be one from an answer, unchanged.");
        let name = cursor.map_or(Some(""), |text| text.strip_prefix(CURSOR)).ok_or_else(not_ours)?;
        let after = Some(name).filter(|name| !name.is_empty()).map(str::parse).transpose();
        Ok(LettersQuery { limit, after: after.map_err(|_| not_ours())? })
    }

    /// The item to begin with; the oldest, if none.
    pub fn from(&self) -> Option<&DeadKey> {
        self.after.as_ref().map(|id| &id.key)
    }

    /// Items after which to stop reading: one for each letter, and the one that the last page ended in.
    pub fn items(&self) -> usize {
        self.limit + 1
    }

    fn is_after(&self, id: &LetterId) -> bool {
        self.after.as_ref().is_none_or(|after| after.key != id.key || id.index > after.index)
    }
}

/// The page that `query` asks for by a caller of `role`, out of `batches`, as they stand in the store; `more`, if the
/// store has further ones.
pub fn page(
    tables: &Tables,
    role: Role,
    query: &LettersQuery,
    batches: &[Filed],
    more: bool,
) -> Result<DeadLettersResponse, LogError> {
    let (mut shown, mut bytes, mut last, mut cut) = (Vec::new(), 0, query.after.clone(), false);
    for filed in batches {
        for letter in letters(&filed.item)? {
            let id = LetterId { key: filed.item.key.clone(), index: letter.index };
            if query.is_after(&id) {
                if shown.len() >= query.limit || bytes > PULL_BYTES_MAX {
                    cut = true;
                    break;
                }
                bytes += letter.stored_bytes();
                shown.push(body(tables, role, &id, filed, letter));
            }
            // Also past what the last page has shown, so that a page without letters still leads on.
            last = Some(id);
        }
        if cut {
            break;
        }
    }
    let name = last.map_or_else(String::new, |id| id.to_string());
    Ok(DeadLettersResponse {
        dead_letters: shown,
        has_more: cut || more,
        next_cursor: format!("{CURSOR}{name}"),
    })
}

/// A letter as a caller of `role` sees it: what is in it is for those alone who may read the table.
fn body(tables: &Tables, role: Role, id: &LetterId, filed: &Filed, letter: Letter) -> LetterBody {
    let hidden =
        letter.table.as_deref().is_some_and(|table| tables.contains(table) && !tables.may_read(table, role));
    let (record, payload, bytes, sha256, is_cut) = match letter.payload {
        Payload::Whole(raw) => {
            let sha256 = hex(&Sha256::digest(raw.as_str().as_bytes()));
            let bytes = raw.as_str().len();
            (Some(raw), None, bytes, sha256, false)
        }
        Payload::Cut { text, bytes, sha256 } => (None, Some(text), bytes, sha256, true),
    };
    LetterBody {
        id: id.to_string(),
        index: letter.index,
        device_id: filed.device.to_string(),
        batch_id: filed.batch.as_ref().map(ToString::to_string),
        received_at: filed.received_at.to_string(),
        table_name: letter.table,
        record_id: letter.id,
        code: letter.code,
        message: letter.message,
        record: record.filter(|_| !hidden),
        payload: payload.filter(|_| !hidden),
        bytes,
        sha256,
        is_cut,
    }
}

#[cfg(test)]
mod tests;
