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
mod tests;
