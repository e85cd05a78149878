//! The request bodies that an isolate holds, with a cap on their sum.
//!
//! The bytes are stored here and not in the future that reads them. The runtime may never resume the future
//! of a request whose client has gone, and what that owns is then lost to the isolate. Such a body expires.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use protocol::ids::ClientId;
use protocol::limits::{BODY_BYTES_MAX, SIGN_IN_BODY_BYTES_MAX};
use protocol::timestamp::Timestamp;

use crate::limits::{
    BODIES_BYTES_MAX, BODIES_MAX, CLIENT_BODIES_BYTES_MAX, FUNCTION_BODIES_BYTES_MAX,
    SIGN_IN_BODIES_BYTES_MAX,
};

/// Whose share of the memory a body counts against, so that no caller fills the memory of the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BodyOwner {
    /// The client of a verified token.
    Client(ClientId),
    /// All callers without a token.
    SignIn,
    /// All callers with a signature that is not verified yet.
    Function,
}

impl BodyOwner {
    /// Bytes of one body.
    pub(super) fn body_bytes_max(&self) -> usize {
        match self {
            BodyOwner::Client(_) | BodyOwner::Function => BODY_BYTES_MAX,
            BodyOwner::SignIn => SIGN_IN_BODY_BYTES_MAX,
        }
    }

    /// Bytes of all its bodies.
    fn bytes_max(&self) -> usize {
        match self {
            BodyOwner::Client(_) => CLIENT_BODIES_BYTES_MAX,
            BodyOwner::SignIn => SIGN_IN_BODIES_BYTES_MAX,
            BodyOwner::Function => FUNCTION_BODIES_BYTES_MAX,
        }
    }
}

/// The memory has no room for more bytes of this owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

/// The bodies of an isolate.
#[derive(Clone, Default)]
pub(crate) struct HeldBodies(Rc<RefCell<Bodies>>);

#[derive(Default)]
struct Bodies {
    by_id: HashMap<u64, Body>,
    last_id: u64,
    total: usize,
    by_owner: HashMap<BodyOwner, usize>,
}

struct Body {
    owner: BodyOwner,
    bytes: Vec<u8>,
    /// Bytes that count, also after the runtime has got a copy of them.
    counted: usize,
    expires_at: Timestamp,
}

/// One body, which counts until this value is dropped or the body expires.
pub(crate) struct HeldBody {
    bodies: HeldBodies,
    id: u64,
}

impl HeldBodies {
    /// An empty body of `owner` at `now`.
    pub(super) fn open(
        &self,
        owner: BodyOwner,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<HeldBody, NoRoom> {
        let mut bodies = self.0.borrow_mut();
        // Bodies of lost requests take no bytes if nothing of them arrived.
        if bodies.by_id.len() >= BODIES_MAX {
            bodies.remove_expired(now);
        }
        if bodies.by_id.len() >= BODIES_MAX {
            return Err(NoRoom);
        }
        bodies.last_id += 1;
        let id = bodies.last_id;
        bodies.by_id.insert(id, Body { owner, bytes: Vec::new(), counted: 0, expires_at });
        Ok(HeldBody { bodies: self.clone(), id })
    }
}

impl HeldBody {
    /// Appends a chunk that arrived at `now`; the body then expires at `expires_at`.
    pub(super) fn add(&self, chunk: &[u8], now: Timestamp, expires_at: Timestamp) -> Result<(), NoRoom> {
        self.bodies.0.borrow_mut().add(self.id, chunk, now, expires_at)
    }

    /// Gives the bytes to `read`; `None` if the body has expired.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.bodies.0.borrow().by_id.get(&self.id).map(|body| read(&body.bytes))
    }

    /// Frees the bytes, of which the runtime has a copy now. They still count.
    pub(crate) fn free(&self) {
        if let Some(body) = self.bodies.0.borrow_mut().by_id.get_mut(&self.id) {
            body.bytes = Vec::new();
        }
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.bodies.0.borrow_mut().remove(self.id);
    }
}

impl Bodies {
    fn add(&mut self, id: u64, chunk: &[u8], now: Timestamp, expires_at: Timestamp) -> Result<(), NoRoom> {
        let owner = self.by_id.get(&id).map(|body| body.owner.clone()).ok_or(NoRoom)?;
        if !self.has_room(&owner, chunk.len()) {
            self.remove_expired(now);
            if !self.has_room(&owner, chunk.len()) {
                return Err(NoRoom);
            }
        }
        let body = self.by_id.get_mut(&id).ok_or(NoRoom)?;
        body.bytes.extend_from_slice(chunk);
        body.counted += chunk.len();
        body.expires_at = expires_at;
        self.total += chunk.len();
        *self.by_owner.entry(owner).or_default() += chunk.len();
        Ok(())
    }

    fn has_room(&self, owner: &BodyOwner, more: usize) -> bool {
        let owned = self.by_owner.get(owner).copied().unwrap_or_default();
        self.total + more <= BODIES_BYTES_MAX && owned + more <= owner.bytes_max()
    }

    fn remove_expired(&mut self, now: Timestamp) {
        let expired = self.by_id.iter().filter(|(_, body)| body.expires_at <= now).map(|(id, _)| *id);
        for id in expired.collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(body) = self.by_id.remove(&id) else { return };
        self.total = self.total.saturating_sub(body.counted);
        if let Some(owned) = self.by_owner.get_mut(&body.owner) {
            *owned = owned.saturating_sub(body.counted);
            if *owned == 0 {
                self.by_owner.remove(&body.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn client(id: &str) -> BodyOwner {
        BodyOwner::Client(id.parse().unwrap())
    }

    fn open(bodies: &HeldBodies, owner: BodyOwner) -> HeldBody {
        bodies.open(owner, NOW, NOW.plus_secs(30)).unwrap()
    }

    fn add(body: &HeldBody, bytes: usize) -> Result<(), NoRoom> {
        body.add(&vec![b'x'; bytes], NOW, NOW.plus_secs(30))
    }

    #[test]
    fn one_byte_over_the_share_of_a_client_is_refused_and_other_clients_have_room() {
        let bodies = HeldBodies::default();
        let (one, two, other) =
            (open(&bodies, client("1")), open(&bodies, client("1")), open(&bodies, client("2")));
        assert_eq!(add(&one, CLIENT_BODIES_BYTES_MAX), Ok(()));
        assert_eq!(add(&two, 1), Err(NoRoom));
        assert_eq!(add(&other, 1), Ok(()));
        drop(one);
        assert_eq!(add(&two, 1), Ok(()));
    }

    #[test]
    fn one_byte_over_the_sum_is_refused() {
        let bodies = HeldBodies::default();
        let full: Vec<_> = (0..BODIES_BYTES_MAX / CLIENT_BODIES_BYTES_MAX)
            .map(|i| open(&bodies, client(&i.to_string())))
            .collect();
        assert!(full.iter().all(|body| add(body, CLIENT_BODIES_BYTES_MAX).is_ok()));
        let more = open(&bodies, BodyOwner::SignIn);
        assert_eq!(add(&more, 1), Err(NoRoom));
        drop(full);
        assert_eq!(add(&more, 1), Ok(()));
    }

    #[test]
    fn a_body_whose_client_has_gone_makes_room_once_it_expires() {
        let bodies = HeldBodies::default();
        // The runtime never drops it.
        let gone = open(&bodies, client("1"));
        assert_eq!(add(&gone, CLIENT_BODIES_BYTES_MAX), Ok(()));
        let next = bodies.open(client("1"), NOW, NOW.plus_secs(60)).unwrap();
        assert_eq!(next.add(b"x", NOW.plus_secs(29), NOW.plus_secs(60)), Err(NoRoom));
        assert_eq!(next.add(b"x", NOW.plus_secs(30), NOW.plus_secs(60)), Ok(()));
        assert_eq!(add(&gone, 1), Err(NoRoom), "an expired body does not grow");
        assert_eq!((gone.with(<[u8]>::len), next.with(<[u8]>::len)), (None, Some(1)));
    }

    #[test]
    fn freed_bytes_count_until_the_body_is_dropped() {
        let bodies = HeldBodies::default();
        let (one, two) = (open(&bodies, BodyOwner::Function), open(&bodies, BodyOwner::Function));
        assert_eq!(add(&one, FUNCTION_BODIES_BYTES_MAX), Ok(()));
        one.free();
        assert_eq!((one.with(<[u8]>::len), add(&two, 1)), (Some(0), Err(NoRoom)));
        drop(one);
        assert_eq!(add(&two, 5), Ok(()));
        assert_eq!(two.with(<[u8]>::to_vec).unwrap(), b"xxxxx");
        drop(two);
        assert_eq!(bodies.0.borrow().total, 0);
        assert!(bodies.0.borrow().by_owner.is_empty() && bodies.0.borrow().by_id.is_empty());
    }

    #[test]
    fn empty_bodies_of_lost_requests_make_way_once_they_have_expired() {
        let bodies = HeldBodies::default();
        for _ in 0..BODIES_MAX {
            std::mem::forget(open(&bodies, BodyOwner::SignIn));
        }
        let next = |now: Timestamp| bodies.open(BodyOwner::SignIn, now, now.plus_secs(30)).is_ok();
        assert!(!next(NOW));
        assert!(next(NOW.plus_secs(30)));
    }
}
