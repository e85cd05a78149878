//! Pages of dead letters.

use sha2::{Digest, Sha256};

use super::{DeadLetter, DeadLettersEntry, Payload, StoredDeadLetters, letters};
use crate::cursor::{CursorError, unknown};
use crate::dead_letter_id::{DeadLetterId, DeadLetterKey};
use crate::limits::PULL_BYTES_MAX;
use crate::tables::Tables;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::{DEAD_LETTERS_LIMIT_DEFAULT, DEAD_LETTERS_LIMIT_MAX};
use protocol::role::Role;
use protocol::wire::dead_letters::{DeadLetterEntry, DeadLettersResponse};

/// Begins every cursor; the id of the last dead letter shown follows.
const CURSOR: &str = "d1.";

/// Which page to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLettersQuery {
    limit: usize,
    after: Option<DeadLetterId>,
}

impl DeadLettersQuery {
    /// Parses the query parameters; [`ErrorCode::BadLimit`] or [`ErrorCode::BadCursor`].
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<DeadLettersQuery, ApiError> {
        let limit = limit.map_or(Some(DEAD_LETTERS_LIMIT_DEFAULT), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=DEAD_LETTERS_LIMIT_MAX).contains(limit)).ok_or_else(|| {
            let message = format!("`limit` must be a number from 1 to {DEAD_LETTERS_LIMIT_MAX}.");
            ApiError::new(ErrorCode::BadLimit, message)
        })?;
        let bad_cursor = |error: CursorError| {
            error.refusal(ErrorCode::BadCursor, "`cursor` must be one from an answer, unchanged.")
        };
        let name = cursor.map_or(Ok(""), |text| text.strip_prefix(CURSOR).ok_or_else(|| unknown(text)));
        let name = Some(name.map_err(bad_cursor)?).filter(|name| !name.is_empty());
        let after = name.map(str::parse).transpose();
        Ok(DeadLettersQuery { limit, after: after.map_err(|_| bad_cursor(CursorError::NotACursor))? })
    }

    /// The key of the first item to read; `None` for the oldest item.
    pub fn from(&self) -> Option<&DeadLetterKey> {
        self.after.as_ref().map(|id| &id.key)
    }

    /// Number of items that certainly fill the page: one per dead letter, and the item that the last page
    /// ended in.
    pub fn items(&self) -> usize {
        self.limit + 1
    }

    fn is_after(&self, id: &DeadLetterId) -> bool {
        self.after.as_ref().is_none_or(|after| after.key != id.key || id.index > after.index)
    }
}

/// A page, and what had to be left out of it.
#[derive(Clone, Debug)]
pub struct DeadLettersPage {
    /// The page.
    pub response: DeadLettersResponse,
    /// The keys of items whose body is damaged.
    pub damaged: Vec<DeadLetterKey>,
}

/// The page of `query` for a caller with `role`. `batches` are the items read from the store; `more` says
/// whether the store has further ones. Damaged items are passed over.
pub fn page(
    tables: &Tables,
    role: Role,
    query: &DeadLettersQuery,
    batches: &[DeadLettersEntry],
    more: bool,
) -> DeadLettersPage {
    let (mut shown, mut bytes, mut last, mut cut) = (Vec::new(), 0, query.after.clone(), false);
    let mut damaged = Vec::new();
    // The cursor advances past a damaged item too, so that the next page does not meet it again.
    let past = |key: &DeadLetterKey| Some(DeadLetterId { key: key.clone(), index: usize::MAX });
    for entry_read in batches {
        let stored = match entry_read {
            DeadLettersEntry::Stored(stored) => stored,
            DeadLettersEntry::Damaged(key) => {
                last = past(key);
                continue;
            }
        };
        let Ok(letters) = letters(&stored.item) else {
            damaged.push(stored.item.key.clone());
            last = past(&stored.item.key);
            continue;
        };
        for letter in letters {
            let id = DeadLetterId { key: stored.item.key.clone(), index: letter.index };
            if query.is_after(&id) {
                if shown.len() >= query.limit || bytes > PULL_BYTES_MAX {
                    cut = true;
                    break;
                }
                bytes += letter.stored_bytes();
                shown.push(entry(tables, role, &id, stored, letter));
            }
            // Also for dead letters of earlier pages, so that the cursor of an empty page advances.
            last = Some(id);
        }
        if cut {
            break;
        }
    }
    let name = last.map_or_else(String::new, |id| id.to_string());
    let next_cursor = format!("{CURSOR}{name}");
    let response = DeadLettersResponse { dead_letters: shown, has_more: cut || more, next_cursor };
    DeadLettersPage { response, damaged }
}

/// A dead letter as a caller with `role` sees it: the record only if the role may read its table.
fn entry(
    tables: &Tables,
    role: Role,
    id: &DeadLetterId,
    stored: &StoredDeadLetters,
    letter: DeadLetter,
) -> DeadLetterEntry {
    let hidden =
        letter.table.as_deref().is_some_and(|table| tables.contains(table) && !tables.may_read(table, role));
    let (record, payload, bytes, sha256, is_cut) = match letter.payload {
        Payload::Whole(raw) => {
            let sha256 = hex::encode(Sha256::digest(raw.as_str()));
            let bytes = raw.as_str().len();
            (Some(raw), None, bytes, sha256, false)
        }
        Payload::Cut { text, bytes, sha256 } => (None, Some(text), bytes, sha256, true),
    };
    DeadLetterEntry {
        id: id.to_string(),
        index: letter.index,
        device_id: stored.device.to_string(),
        batch_id: stored.batch.as_ref().map(ToString::to_string),
        group: letter.group.as_ref().map(ToString::to_string),
        received_at: stored.received_at.to_string(),
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
