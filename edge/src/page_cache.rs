//! Pages of pulls that cannot change, in the Cache API of the data centre.
//!
//! An entry names its key, so that one that is at another address, or is none of ours, is not used.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::ids::Room;
use protocol::role::Role;
use worker::{Cache, Response, ResponseBuilder};

use crate::clock;

/// How long the cache may take to say whether it has a page.
const GET_BOUND: Duration = Duration::from_millis(500);
/// How long the cache may take to store a page. No response waits for it.
const PUT_BOUND: Duration = Duration::from_secs(5);
/// The header of an entry with its key.
const KEY_HEADER: &str = "x-tillsync-page";

/// The address of a cached page. It cannot be built without the tenant, the reader and what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageKey(String);

impl PageKey {
    /// The key of a page of `room` for readers with `role`, who may read the tables of `digest`. `query` has
    /// all parameters that change the page.
    pub(crate) fn new(room: &Room, role: Role, digest: &str, query: &str) -> PageKey {
        // The parts are apart by slashes, so none may contain one.
        let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (client, branch) = (part(room.client.as_str()), part(room.branch.as_str()));
        let (role, digest) = (part(&role.to_string()), part(digest));
        // Addresses of the Cache API need a host; no request goes there.
        PageKey(format!("https://pages.tillsync.invalid/{client}/{branch}/{role}/{digest}?{query}"))
    }
}

/// The page at `key`; `None` if there is none, or it cannot be read in time.
pub(crate) async fn get(key: &PageKey) -> Option<Vec<u8>> {
    clock::within(GET_BOUND, read(key)).await?
}

async fn read(key: &PageKey) -> Option<Vec<u8>> {
    let mut response = Cache::default().get(&key.0, false).await.ok()??;
    if response.status_code() != 200 || !is_of(&response, key) {
        return None;
    }
    response.bytes().await.ok()
}

/// Whether the entry is the one that [`put`] stored for `key`.
fn is_of(response: &Response, key: &PageKey) -> bool {
    response.headers().get(KEY_HEADER).ok().flatten().as_ref() == Some(&key.0)
}

/// Stores a page for `secs` seconds.
pub(crate) async fn put(key: &PageKey, page: Vec<u8>, secs: u32) -> worker::Result<()> {
    let response = ResponseBuilder::new()
        .with_header("content-type", "application/json")?
        .with_header("cache-control", &format!("max-age={secs}"))?
        .with_header(KEY_HEADER, &key.0)?;
    let stored = clock::within(PUT_BOUND, Cache::default().put(&key.0, response.fixed(page))).await;
    stored.unwrap_or_else(|| Err("the cache does not answer".into()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::query;

    /// Numbers that look random and are the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % bound
        }

        fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
            values[self.below(values.len())]
        }
    }

    type Parts = (Room, Role, String, String);

    fn key(parts: &Parts) -> PageKey {
        PageKey::new(&parts.0, parts.1, &parts.2, &parts.3)
    }

    #[test]
    fn different_readers_never_share_a_key() {
        let mut numbers = Numbers(7);
        let names = ["1", "2", "12", "a", "1-2", "a_b", "cashier", "2-1", "B", "A"];
        let digests = ["wktUfl1x0FE", "wktUfl1x0Fe", "1", "cashier/1", "%2F", "a?b", ""];
        let roles = [Role::Cashier, Role::Manager, Role::Admin, Role::SuperAdmin];
        let queries = ["", "limit=5", "cursor=p1.5.x", "cursor=p1.5.x&limit=5", "tables=a%2Cb"];
        let mut seen: HashMap<PageKey, Parts> = HashMap::new();
        for _ in 0..2_000 {
            let room = format!("{}:{}", numbers.one_of(&names), numbers.one_of(&names));
            let query = query::canonical(numbers.one_of(&queries)).unwrap();
            let digest = numbers.one_of(&digests).to_owned();
            let parts = (room.parse().unwrap(), numbers.one_of(&roles), digest, query);
            let other = seen.entry(key(&parts)).or_insert_with(|| parts.clone());
            assert_eq!(*other, parts);
        }
        assert!(seen.len() > 1_000);
    }
}
