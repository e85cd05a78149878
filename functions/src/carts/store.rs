//! The carts table: each partition holds one compacted cart and the pending changes to it.
//!
//! A change is one small write that is durable before the caller gets its response. The table's
//! stream invokes `cart-compact`, which merges pending changes into the cart. A read merges both, so it waits
//! for nothing, and a crash at any point loses nothing.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use protocol::ids::{CartId, Room};
use protocol::stamp::Stamp;
use retail::cart::Cart;
use retail::limits::CART_RETENTION_SECS;

use super::keys;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_json, as_number, as_text, get, key, number, optional, text};
use crate::dynamo::table::{Condition, Table, all_pages, if_condition_held};
use crate::limits::CART_COMPACT_MAX;

/// Maximum attempts with a higher stamp if another change has the stamp already.
const ATTEMPTS_MAX: usize = 16;

/// The items of a cart.
#[derive(Default)]
struct Items {
    /// The compacted cart.
    compacted: Option<Cart>,
    /// The pending changes, in the order of stamps.
    pending: Vec<Cart>,
}

/// The carts table.
#[derive(Clone, Debug)]
pub struct CartStore {
    table: Table,
}

impl CartStore {
    /// The carts in the table `name`.
    pub fn new(client: Client, name: String) -> CartStore {
        CartStore { table: Table { client, name } }
    }

    /// Appends a change to a cart; returns the change with its unique stamp.
    pub async fn append(
        &self,
        room: &Room,
        id: &CartId,
        mut cart: Cart,
        cost: &mut Cost,
    ) -> Result<Cart, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let item = to_item(room, id, keys::change(cart.stamp), &cart);
            let request = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
            let request = request.condition_expression("attribute_not_exists(pk)");
            let result = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
            if let Some(output) = if_condition_held(result, cost)? {
                cost.wrote(output.consumed_capacity());
                return Ok(cart);
            }
            cart = cart.later();
        }
        Err(StoreError::Lost)
    }

    /// The cart as of its last change; `None` if it never existed.
    pub async fn get(&self, room: &Room, id: &CartId, cost: &mut Cost) -> Result<Option<Cart>, StoreError> {
        let Items { compacted, pending } = self.items(room, id, cost).await?;
        Ok(pending.into_iter().fold(compacted, |latest, cart| Some(Cart::latest(latest, cart))))
    }

    /// Merges the pending changes into the cart and deletes them, in transactions of at most
    /// [`CART_COMPACT_MAX`] changes; returns the cart.
    ///
    /// Idempotent and safe to run concurrently: a cart never returns to an older state.
    pub async fn compact(
        &self,
        room: &Room,
        id: &CartId,
        cost: &mut Cost,
    ) -> Result<Option<Cart>, StoreError> {
        let Items { mut compacted, pending } = self.items(room, id, cost).await?;
        for changes in pending.chunks(CART_COMPACT_MAX) {
            let condition = match &compacted {
                None => Condition::Absent,
                Some(before) => Condition::Equals("stamp", number(before.stamp.0)),
            };
            let merge = |latest, cart: &Cart| Some(Cart::latest(latest, cart.clone()));
            let Some(latest) = changes.iter().fold(compacted, merge) else { return Ok(None) };
            let item = to_item(room, id, keys::COMPACTED.to_owned(), &latest);
            let mut actions = vec![self.table.put(item, condition)?];
            for change in changes {
                let key = key(keys::cart(room, id), keys::change(change.stamp));
                actions.push(self.table.delete(key, Condition::Always)?);
            }
            self.table.transact(actions, cost).await?;
            compacted = Some(latest);
        }
        Ok(compacted)
    }

    /// All items of a cart, strongly consistent.
    async fn items(&self, room: &Room, id: &CartId, cost: &mut Cost) -> Result<Items, StoreError> {
        let mut items = Items::default();
        for item in all_pages(self.table.query("pk = :pk", keys::cart(room, id)), cost).await? {
            if get(&item, "sk", as_text)? == keys::COMPACTED {
                items.compacted = Some(to_cart(&item)?);
            } else {
                items.pending.push(to_cart(&item)?);
            }
        }
        Ok(items)
    }
}

fn to_item(room: &Room, id: &CartId, sk: String, cart: &Cart) -> Item {
    let ttl = cart.stamp.time().plus_secs(CART_RETENTION_SECS).as_secs();
    let mut item = key(keys::cart(room, id), sk);
    item.insert("stamp".to_owned(), number(cart.stamp.0));
    item.insert("ttl".to_owned(), number(ttl));
    if let Some(data) = &cart.data {
        item.insert("data".to_owned(), text(data.as_str()));
    }
    item
}

fn to_cart(item: &Item) -> Result<Cart, StoreError> {
    Ok(Cart { stamp: Stamp(get(item, "stamp", as_number)?), data: optional(item, "data", as_json)? })
}

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;

    use super::*;

    #[test]
    fn a_cart_and_a_removed_cart_read_back() {
        let (room, id) = ("1:2".parse().unwrap(), "c-1".parse().unwrap());
        let data = JsonText::from_text(r#"{"price":1.10}"#.into()).unwrap();
        for data in [Some(data), None] {
            let cart = Cart { stamp: Stamp(1_765_103_400_000_000), data };
            let item = to_item(&room, &id, keys::change(cart.stamp), &cart);
            assert_eq!(to_cart(&item).unwrap(), cart);
            assert_eq!(as_number(&item["ttl"]), Some(1_765_103_400 + CART_RETENTION_SECS));
        }
    }
}
