//! HEAD and the log of a room.

use protocol::ids::Room;
use protocol::stamp::Stamp;
use sync::log::LogItem;
use sync::snapshot::Head;

use super::{Store, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{key, text};
use crate::dynamo::table::page;
use crate::sync::items::{to_head, to_log};
use crate::sync::keys;

impl Store {
    /// The room's HEAD, strongly consistent; the default before the first commit.
    pub async fn head(&self, room: &Room, cost: &mut Cost) -> Result<Head, StoreError> {
        let item = self.table.get(key(keys::room(room), keys::HEAD), cost).await?;
        item.as_ref().map_or_else(|| Ok(Head::default()), to_head)
    }

    /// At most `items` log items after `position`, in commit order, strongly consistent, in one Query.
    ///
    /// The first item may begin before `position` and end after it.
    pub async fn log_after(
        &self,
        room: &Room,
        position: Stamp,
        items: usize,
        cost: &mut Cost,
    ) -> Result<Vec<LogItem>, StoreError> {
        let query = self.table.query("pk = :pk AND sk > :position", keys::log(room)).limit(limit(items));
        let query = query.expression_attribute_values(":position", text(keys::log_item(position)));
        page(query, cost).await?.items().iter().map(to_log).collect()
    }
}
