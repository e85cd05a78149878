//! The branches of a client. An administrator creates them; a request that names an unknown one is refused.

use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use hashlink::LruCache;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

use super::items::head_office::{CREATED, NOTED};
use super::keys;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, key, number};
use crate::dynamo::table::{Table, if_condition_held};
use crate::http::error::HandlerError;
use crate::limits::KNOWN_BRANCHES_MAX;

/// The registry of branches in the sync table, with the known ones in memory.
pub struct Branches {
    table: Table,
    known: Mutex<LruCache<Room, ()>>,
}

impl Branches {
    /// The registry in the sync table `name`.
    pub fn new(client: Client, name: String) -> Branches {
        Branches { table: Table { client, name }, known: Mutex::new(LruCache::new(KNOWN_BRANCHES_MAX)) }
    }

    /// [`ErrorCode::BranchNotFound`] if the branch of `room` was never created. The first check of a branch
    /// costs one read unit; later ones are answered from memory.
    pub async fn check(&self, room: &Room, cost: &mut Cost) -> Result<(), HandlerError> {
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).get(room).is_some() {
            return Ok(());
        }
        if !self.exists(room, cost).await? {
            let message = "This client has no such branch; an administrator creates branches.";
            return Err(ApiError::new(ErrorCode::BranchNotFound, message).into());
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(room.clone(), ());
        Ok(())
    }

    /// Whether the branch of `room` was created.
    pub async fn exists(&self, room: &Room, cost: &mut Cost) -> Result<bool, StoreError> {
        Ok(self.table.get(branch_key(room), cost).await?.is_some())
    }

    /// Creates the branch of `room` at `now`. Idempotent.
    pub async fn create(&self, room: &Room, now: Timestamp) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(branch_key(room)))
            // Head office need not look for commits of a branch that has none. A branch that exists may have
            // some already.
            .update_expression("SET #created = :now, #noted = :none")
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_names("#created", CREATED)
            .expression_attribute_names("#noted", NOTED)
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":none", number(Stamp::ZERO.0));
        if_condition_held(request.send().await, &mut Cost::default()).map(drop)
    }
}

/// The key of a branch in the list of its client's branches.
pub(super) fn branch_key(room: &Room) -> Item {
    key(keys::client(&room.client), keys::branch(&room.branch))
}
