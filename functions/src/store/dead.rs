//! Dead letters: listing them, and closing one.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnConsumedCapacity, TransactWriteItem, Update};
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use sync::dead_letter_id::{DeadLetterId, DeadLetterKey};
use sync::dead_letters::DeadLetterItem;
use sync::dead_letters::{OpenDeadLetter, StoredDeadLetters};

use super::cost::Cost;
use super::error::StoreError;
use super::item::{Item, as_bytes, as_number, as_parsed, as_text, get};
use super::{Store, keys};

impl Store {
    /// At most `items` items of dead letters, the oldest first and from `from` on, strongly consistent, in one Query;
    /// and whether there are more.
    pub async fn dead_letters(
        &self,
        room: &Room,
        from: Option<&DeadLetterKey>,
        items: usize,
        cost: &mut Cost,
    ) -> Result<(Vec<StoredDeadLetters>, bool), StoreError> {
        let from = from.map_or_else(|| keys::DEAD_PREFIX.to_owned(), keys::dead);
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        let request = request
            .key_condition_expression("pk = :room AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":room", AttributeValue::S(keys::room(room)))
            .expression_attribute_values(":from", AttributeValue::S(from))
            .expression_attribute_values(":to", AttributeValue::S(keys::DEAD_END.to_owned()))
            .limit(i32::try_from(items).unwrap_or(i32::MAX));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed())?;
        cost.read(answer.consumed_capacity());
        let filed = answer.items().iter().map(to_filed).collect::<Result<_, _>>()?;
        Ok((filed, answer.last_evaluated_key().is_some()))
    }

    /// The letter `id`, if it is still open.
    pub async fn letter(
        &self,
        room: &Room,
        id: &DeadLetterId,
        cost: &mut Cost,
    ) -> Result<Option<OpenDeadLetter>, StoreError> {
        let sort_keys = [keys::dead(&id.key)];
        let items = self.batch_get(keys::room(room), sort_keys.into_iter(), cost).await?;
        let Some(item) = items.first() else { return Ok(None) };
        Ok(to_filed(item)?.open(id)?)
    }

    /// Closes `letter`, if its item is still as it was read; [`StoreError::Lost`] if not.
    pub async fn discard(
        &self,
        room: &Room,
        letter: &OpenDeadLetter,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let request = self.client.transact_write_items().transact_items(close(&self.table, room, letter)?);
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed()).map_err(StoreError::of_transaction)?;
        cost.wrote(answer.consumed_capacity());
        Ok(())
    }
}

/// Reads an item of dead letters, as `from_dead` writes it.
fn to_filed(item: &Item) -> Result<StoredDeadLetters, StoreError> {
    let key = get(item, "sk", as_text)?.strip_prefix(keys::DEAD_PREFIX);
    let key = key.and_then(|key| key.parse().ok()).ok_or(StoreError::Corrupt("sk"))?;
    let open = get(item, "open", |value| value.as_ns().ok())?.iter().map(|place| place.parse());
    let mut open: Vec<usize> = open.collect::<Result<_, _>>().map_err(|_| StoreError::Corrupt("open"))?;
    open.sort_unstable();
    Ok(StoredDeadLetters {
        item: DeadLetterItem { key, open, body: get(item, "body", as_bytes)?.to_vec() },
        device: get(item, "device", as_parsed)?,
        batch: item
            .get("batch")
            .map(|value| as_parsed(value).ok_or(StoreError::Corrupt("batch")))
            .transpose()?,
        received_at: Timestamp(get(item, "received_at", as_number)?),
    })
}

/// What closes `letter` in a transaction: its item goes with the last that is open.
pub(super) fn close(
    table: &str,
    room: &Room,
    letter: &OpenDeadLetter,
) -> Result<TransactWriteItem, StoreError> {
    const AS_READ: &str = "#open = :open";
    let key = Item::from([
        ("pk".to_owned(), AttributeValue::S(keys::room(room))),
        ("sk".to_owned(), AttributeValue::S(keys::dead(&letter.id.key))),
    ]);
    let numbers = |places: &[usize]| AttributeValue::Ns(places.iter().map(ToString::to_string).collect());
    let open = numbers(&letter.open);
    let action = TransactWriteItem::builder();
    let action = if letter.is_last() {
        let delete = Delete::builder().table_name(table).set_key(Some(key)).condition_expression(AS_READ);
        let delete = delete.expression_attribute_names("#open", "open");
        action.delete(delete.expression_attribute_values(":open", open).build().map_err(StoreError::build)?)
    } else {
        let update = Update::builder().table_name(table).set_key(Some(key)).condition_expression(AS_READ);
        let update = update.update_expression("DELETE #open :closed");
        let update = update.expression_attribute_names("#open", "open");
        let update = update.expression_attribute_values(":closed", numbers(&[letter.id.index]));
        action.update(update.expression_attribute_values(":open", open).build().map_err(StoreError::build)?)
    };
    Ok(action.build())
}
