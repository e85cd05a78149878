//! The service's sync token: what was written by this client is seen by its next read, whichever replica answers.

use std::sync::{Mutex, PoisonError};

use crate::limits::SYNC_TOKEN_BYTES_MAX;

/// The token of the answer that came last. Never locked across an await.
#[derive(Debug, Default)]
pub(super) struct SyncToken(Mutex<Option<String>>);

impl SyncToken {
    /// What the next request carries.
    pub(super) fn latest(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the token of an answer, if it has one that can be sent back as a header.
    pub(super) fn keep(&self, token: Option<String>) {
        let sendable = |token: &String| {
            (1..=SYNC_TOKEN_BYTES_MAX).contains(&token.len())
                && token.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(token) = token.filter(sendable) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_token_that_can_be_sent_back_is_kept() {
        let token = SyncToken::default();
        assert_eq!(token.latest(), None);
        token.keep(Some("a".into()));
        token.keep(Some("b".into()));
        for unusable in ["", "with space", "line\r\nbreak", &"x".repeat(SYNC_TOKEN_BYTES_MAX + 1)] {
            token.keep(Some(unusable.to_owned()));
        }
        token.keep(None);
        assert_eq!(token.latest().as_deref(), Some("b"));
    }
}
