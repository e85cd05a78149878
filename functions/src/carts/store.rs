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
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_json, as_number, as_text, get, item, key, number, optional, text};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::table::{Condition, Table, all_pages, if_condition_held};
use crate::limits::CART_COMPACT_MAX;

/// Maximum attempts with a higher stamp if another change has the stamp already.
const ATTEMPTS_MAX: usize = 16;

/// The compacted cart.
pub const CART: ItemKind = ItemKind { name: "cart", format: 1, attributes: &["stamp", "ttl", "data"] };
/// A pending change.
pub const CHANGE: ItemKind = ItemKind { name: "cart change", ..CART };

/// The items of a cart, as far as they can be read.
struct Items {
    /// The compacted cart.
    compacted: Option<Cart>,
    /// Its item must still be as it was read.
    unchanged: Condition,
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

    /// The carts table, for the records that a stream function skips.
    pub fn table(&self) -> &Table {
        &self.table
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
            let mut item = attributes(&cart);
            item.extend(key(keys::cart(room, id), keys::change(cart.stamp)));
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
        let Items { compacted, pending, .. } = self.items(room, id, cost).await?;
        Ok(pending.into_iter().fold(compacted, |latest, cart| Some(Cart::latest(latest, cart))))
    }

    /// Merges the pending changes into the cart and deletes them, in transactions of at most
    /// [`CART_COMPACT_MAX`] changes; returns the cart.
    ///
    /// Idempotent and safe to run concurrently: a cart never returns to an older state. A damaged cart is
    /// replaced, because every change has the whole content; a damaged change stays until it expires.
    pub async fn compact(
        &self,
        room: &Room,
        id: &CartId,
        cost: &mut Cost,
    ) -> Result<Option<Cart>, StoreError> {
        let Items { mut compacted, mut unchanged, pending } = self.items(room, id, cost).await?;
        for changes in pending.chunks(CART_COMPACT_MAX) {
            let merge = |latest, cart: &Cart| Some(Cart::latest(latest, cart.clone()));
            let Some(latest) = changes.iter().fold(compacted, merge) else { return Ok(None) };
            let stamp = number(latest.stamp.0);
            let condition = std::mem::replace(&mut unchanged, Condition::Equals("stamp", stamp));
            let cart = key(keys::cart(room, id), keys::COMPACTED);
            let mut actions = vec![self.table.rewrite(cart, &CART, attributes(&latest), condition)?];
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
        let mut items = Items { compacted: None, unchanged: Condition::Absent, pending: Vec::new() };
        for item in all_pages(self.table.query("pk = :pk", keys::cart(room, id)), cost).await? {
            if get(&item, "sk", as_text)? == keys::COMPACTED {
                items.compacted = readable(&CART, &item, |item| to_cart(&CART, item))?;
                items.unchanged = Condition::unchanged(&item, "stamp");
            } else {
                items.pending.extend(readable(&CHANGE, &item, |item| to_cart(&CHANGE, item))?);
            }
        }
        Ok(items)
    }
}

/// The attributes of a cart or a change, without its key.
fn attributes(cart: &Cart) -> Item {
    let ttl = cart.stamp.time().plus_secs(CART_RETENTION_SECS).as_secs();
    let mut item = item([("stamp", number(cart.stamp.0)), ("ttl", number(ttl))]);
    if let Some(data) = &cart.data {
        item.insert("data".to_owned(), text(data.as_str()));
    }
    item
}

/// Reads a cart or a change, as `kind` says.
fn to_cart(kind: &ItemKind, item: &Item) -> Result<Cart, StoreError> {
    kind.read(item, |item| {
        Ok(Cart { stamp: Stamp(get(item, "stamp", as_number)?), data: optional(item, "data", as_json)? })
    })
}

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;

    use super::*;
    use crate::dynamo::item::dynamo_json;

    #[test]
    fn a_cart_and_a_removed_cart_read_back() {
        let data = JsonText::from_text(r#"{"price":1.10}"#.into()).unwrap();
        for data in [Some(data), None] {
            let cart = Cart { stamp: Stamp(1_765_103_400_000_000), data };
            let item = attributes(&cart);
            assert_eq!(to_cart(&CART, &item).unwrap(), cart);
            assert_eq!(as_number(&item["ttl"]), Some(1_765_103_400 + CART_RETENTION_SECS));
        }
    }

    #[test]
    fn carts_are_read_and_written_as_before() {
        let items: Vec<Item> = include_str!("../../golden/cart.jsonl").lines().map(dynamo_json).collect();
        for item in &items {
            let cart = to_cart(&CART, item).unwrap();
            let mut written = attributes(&cart);
            written.extend(["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())));
            assert_eq!(&written, item);
        }
        assert!(
            to_cart(&CART, &items[0]).unwrap().data.is_some()
                && to_cart(&CART, &items[2]).unwrap().data.is_none()
        );
    }
}
