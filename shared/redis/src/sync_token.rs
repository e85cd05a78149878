//! The service's sync token: with it, a client's next read sees its last write on every replica.

use std::sync::{Mutex, PoisonError};

use crate::limits::SYNC_TOKEN_BYTES_MAX;

/// The token of the last response. Never locked across an await.
#[derive(Debug, Default)]
pub(super) struct SyncToken(Mutex<Option<String>>);

impl SyncToken {
    /// The token for the next request.
    pub(super) fn latest(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the token of a response if it can be sent back as a header.
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
    fn the_last_sendable_token_is_kept() {
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
