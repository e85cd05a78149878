//! The id of one request, in its response and in all logs.

use std::cell::RefCell;

/// 32 hexadecimal digits, made here: a caller's own id could forge log entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn new() -> RequestId {
        RequestId(hex::encode(random::<16>()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Random bytes that are drawn at once: a call of WebCrypto costs as much for few as for many.
const POOL_BYTES: usize = 1024;

/// Random bytes for ids, each of which is given out once.
struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

/// The bytes of an id. Ids are no secrets.
pub(crate) fn random<const BYTES: usize>() -> [u8; BYTES] {
    const { assert!(BYTES <= POOL_BYTES) };
    POOL.with_borrow_mut(Pool::take)
}

impl Pool {
    fn take<const BYTES: usize>(&mut self) -> [u8; BYTES] {
        if self.used + BYTES > POOL_BYTES {
            // WebCrypto does not fail within an event, and an id that comes again is better than no response.
            let _ = getrandom::fill(&mut self.bytes);
            self.used = 0;
        }
        let taken = self.bytes.get(self.used..).and_then(<[u8]>::first_chunk).copied();
        self.used += BYTES;
        taken.unwrap_or([0; BYTES])
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_hexadecimal_and_differ() {
        let (one, two) = (RequestId::new(), RequestId::new());
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, two);
    }

    #[test]
    fn no_bytes_are_given_out_twice() {
        // More than the pool has at once, in pieces that do not fill it.
        let ids: HashSet<[u8; 24]> = (0..10 * POOL_BYTES / 24).map(|_| random()).collect();
        assert_eq!(ids.len(), 10 * POOL_BYTES / 24);
    }
}
