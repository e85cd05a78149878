//! Listing and closing dead letters.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use protocol::ids::Room;
use sync::counts::CountsChange;
use sync::dead_letter_id::{DeadLetterId, DeadLetterKey};
use sync::dead_letters::{DeadLetter, DeadLettersEntry, OpenDeadLetters};

use super::{Store, counts, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_text, get, key, text};
use crate::dynamo::table::{Condition, Table, all_pages, page};
use crate::sync::items::{DEAD, numbers, to_dead};
use crate::sync::keys;

impl Store {
    /// At most `items` items of dead letters from `from` on, the oldest first, strongly consistent, in one
    /// Query, or several where keys are damaged; and whether there are more.
    pub async fn dead_letters(
        &self,
        room: &Room,
        from: Option<&DeadLetterKey>,
        items: usize,
        cost: &mut Cost,
    ) -> Result<(Vec<DeadLettersEntry>, bool), StoreError> {
        let from = from.map_or_else(|| keys::DEAD_PREFIX.to_owned(), keys::dead);
        let query = self.table.query("pk = :pk AND sk BETWEEN :from AND :to", keys::room(room));
        let query = query.expression_attribute_values(":from", text(from)).limit(limit(items));
        let query = query.expression_attribute_values(":to", text(keys::DEAD_END));
        let (mut entries, mut next) = (Vec::new(), None);
        loop {
            let page = page(query.clone().set_exclusive_start_key(next), cost).await?;
            for item in page.items() {
                entries.extend(self.dead_letters_entry(item)?);
            }
            next = page.last_evaluated_key;
            // The first may be the item at `from`, which was shown: one alone names no place to go on from.
            if next.is_none() || entries.len() > 1 {
                return Ok((entries, next.is_some()));
            }
        }
    }

    /// Reads an item of dead letters; `None` if not even its key can be read. What is damaged is reported.
    fn dead_letters_entry(&self, item: &Item) -> Result<Option<DeadLettersEntry>, StoreError> {
        if let Some(stored) = self.readable(&DEAD, item, to_dead)? {
            return Ok(Some(DeadLettersEntry::Stored(stored)));
        }
        Ok(keys::dead_of(get(item, "sk", as_text)?).map(DeadLettersEntry::Damaged))
    }

    /// Reports dead letters of `room` whose body is damaged.
    pub fn report_damaged_dead_letters(&self, room: &Room, letters: &DeadLetterKey) {
        let item = key(keys::room(room), keys::dead(letters));
        self.report_damage(&DEAD, &item, &StoreError::Corrupt("body"));
    }

    /// The dead letter `id`, if it is still open and not damaged.
    pub async fn dead_letter(
        &self,
        room: &Room,
        id: &DeadLetterId,
        cost: &mut Cost,
    ) -> Result<Option<OpenDeadLetters>, StoreError> {
        let items = self.items(room, [keys::dead(&id.key)], cost).await?;
        let Some(item) = items.first() else { return Ok(None) };
        self.open_letters(item, |letter| letter.index == id.index)
    }

    /// The dead letter `id` and the open ones of its group; empty if it is closed or damaged. A batch may
    /// have several items. `None` if one of them is damaged: it may hold a part of the group.
    pub async fn dead_letters_with(
        &self,
        room: &Room,
        id: &DeadLetterId,
        cost: &mut Cost,
    ) -> Result<Option<Vec<OpenDeadLetters>>, StoreError> {
        let named = self.dead_letter(room, id, cost).await?;
        let letter = named.as_ref().and_then(|open| open.letters.first());
        let Some(group) = letter.and_then(|letter| letter.group.clone()) else {
            return Ok(Some(named.into_iter().collect()));
        };
        let query = self.table.query_prefix(keys::room(room), &keys::dead_of_batch(&id.key));
        let items = all_pages(query, cost).await?;
        let is_of_group = |letter: &DeadLetter| letter.group.as_ref() == Some(&group);
        let (mut open, mut is_whole) = (Vec::new(), true);
        for item in &items {
            match self.readable(&DEAD, item, |item| Ok(to_dead(item)?.open(is_of_group)?))? {
                Some(letters) => open.extend(letters),
                None => is_whole = false,
            }
        }
        Ok(is_whole.then_some(open))
    }

    fn open_letters(
        &self,
        item: &Item,
        is_asked: impl Fn(&DeadLetter) -> bool,
    ) -> Result<Option<OpenDeadLetters>, StoreError> {
        Ok(self.readable(&DEAD, item, |item| Ok(to_dead(item)?.open(&is_asked)?))?.flatten())
    }

    /// Closes `letters`; [`StoreError::Lost`] if their item, or the counts, have changed since they were
    /// read.
    pub async fn discard(
        &self,
        room: &Room,
        letters: &OpenDeadLetters,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let counts = self.counts(room, cost).await?;
        let counted =
            counts::change(&self.table, room, &counts, CountsChange::closed(letters.letters.len()))?;
        self.table.transact(vec![close(&self.table, room, letters)?, counted], cost).await
    }
}

/// The action that closes `letters` in a transaction. The last open letters of an item delete the item.
pub(super) fn close(
    table: &Table,
    room: &Room,
    letters: &OpenDeadLetters,
) -> Result<TransactWriteItem, StoreError> {
    let key = key(keys::room(room), keys::dead(&letters.key));
    let open = numbers(&letters.open);
    if letters.are_last() {
        return table.delete(key, Condition::Equals("open", open));
    }
    let closed: Vec<usize> = letters.letters.iter().map(|letter| letter.index).collect();
    let update = Update::builder().table_name(&table.name).set_key(Some(key));
    let update = update.update_expression("DELETE #open :closed").condition_expression("#open = :open");
    let update = update.expression_attribute_names("#open", "open");
    let update = update.expression_attribute_values(":closed", numbers(&closed));
    let update = update.expression_attribute_values(":open", open).build().map_err(StoreError::build)?;
    Ok(TransactWriteItem::builder().update(update).build())
}
