//! Every address that a client may use.

mod auth;
mod cache;
mod carts;
mod data;
mod letters;
mod live;
mod parameters;
mod sessions;
mod sync;

use super::operation::Operation;

/// All of them, in the order of PROTOCOL.md.
pub(super) fn all() -> Vec<Operation> {
    let mut all = Vec::new();
    all.extend(auth::operations());
    all.extend(sessions::operations());
    all.extend(sync::operations());
    all.extend(letters::operations());
    all.extend(data::operations());
    all.extend(carts::operations());
    all.extend(cache::operations());
    all.extend(live::operations());
    all
}
