//! Listing and closing dead letters.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use sync::dead_letter_id::{DeadLetterId, DeadLetterKey};
use sync::dead_letters::{DeadLetterItem, OpenDeadLetter, StoredDeadLetters};

use super::{Store, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_bytes, as_number, as_parsed, as_text, get, key, optional, text};
use crate::dynamo::table::{Condition, Table, page};
use crate::sync::items::numbers;
use crate::sync::keys;

impl Store {
    /// At most `items` items of dead letters from `from` on, the oldest first, strongly consistent, in one
    /// Query; and whether there are more.
    pub async fn dead_letters(
        &self,
        room: &Room,
        from: Option<&DeadLetterKey>,
        items: usize,
        cost: &mut Cost,
    ) -> Result<(Vec<StoredDeadLetters>, bool), StoreError> {
        let from = from.map_or_else(|| keys::DEAD_PREFIX.to_owned(), keys::dead);
        let query = self.table.query("pk = :pk AND sk BETWEEN :from AND :to", keys::room(room));
        let query = query.expression_attribute_values(":from", text(from)).limit(limit(items));
        let query = query.expression_attribute_values(":to", text(keys::DEAD_END));
        let page = page(query, cost).await?;
        let stored = page.items().iter().map(to_stored).collect::<Result<_, _>>()?;
        Ok((stored, page.last_evaluated_key().is_some()))
    }

    /// The dead letter `id`, if it is still open.
    pub async fn dead_letter(
        &self,
        room: &Room,
        id: &DeadLetterId,
        cost: &mut Cost,
    ) -> Result<Option<OpenDeadLetter>, StoreError> {
        let items = self.items(room, [keys::dead(&id.key)], cost).await?;
        let Some(item) = items.first() else { return Ok(None) };
        Ok(to_stored(item)?.open(id)?)
    }

    /// Closes `letter`; [`StoreError::Lost`] if its item has changed since it was read.
    pub async fn discard(
        &self,
        room: &Room,
        letter: &OpenDeadLetter,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        self.table.transact(vec![close(&self.table, room, letter)?], cost).await
    }
}

/// Reads an item of dead letters, as `from_dead` writes it.
fn to_stored(item: &Item) -> Result<StoredDeadLetters, StoreError> {
    let key = get(item, "sk", as_text)?.strip_prefix(keys::DEAD_PREFIX);
    let key = key.and_then(|key| key.parse().ok()).ok_or(StoreError::Corrupt("sk"))?;
    let open = get(item, "open", |value| value.as_ns().ok())?.iter().map(|place| place.parse());
    let mut open: Vec<usize> = open.collect::<Result<_, _>>().map_err(|_| StoreError::Corrupt("open"))?;
    open.sort_unstable();
    Ok(StoredDeadLetters {
        item: DeadLetterItem { key, open, body: get(item, "body", as_bytes)?.to_vec() },
        device: get(item, "device", as_parsed)?,
        batch: optional(item, "batch", as_parsed)?,
        received_at: Timestamp(get(item, "received_at", as_number)?),
    })
}

/// The action that closes `letter` in a transaction. The last open letter of an item deletes the item.
pub(super) fn close(
    table: &Table,
    room: &Room,
    letter: &OpenDeadLetter,
) -> Result<TransactWriteItem, StoreError> {
    let key = key(keys::room(room), keys::dead(&letter.id.key));
    let open = numbers(&letter.open);
    if letter.is_last() {
        return table.delete(key, Condition::Equals("open", open));
    }
    let update = Update::builder().table_name(&table.name).set_key(Some(key));
    let update = update.update_expression("DELETE #open :closed").condition_expression("#open = :open");
    let update = update.expression_attribute_names("#open", "open");
    let update = update.expression_attribute_values(":closed", numbers(&[letter.id.index]));
    let update = update.expression_attribute_values(":open", open).build().map_err(StoreError::build)?;
    Ok(TransactWriteItem::builder().update(update).build())
}
