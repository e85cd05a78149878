//! The carts table: each cart in a partition of its own, with the changes that were not folded into it yet.
//!
//! A change is one small write that nothing can refuse, and durable before anybody is told of it. The table's stream
//! tells `cart-fold`, which folds what has gathered into the cart. Whoever reads a cart reads both, so nothing waits
//! for that, and a crash at any point loses nothing.

pub mod keys;

use crate::limits::CART_COMPACT_MAX;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnConsumedCapacity, TransactWriteItem};
use protocol::ids::{CartId, Room};
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use retail::cart::Cart;
use retail::limits::CART_RETENTION_SECS;

use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::store::item::{Item, as_number, as_text, get, number};

/// How often a stamp that was taken is tried one higher.
const ATTEMPTS_MAX: usize = 16;

/// A cart, and the changes beside it.
#[derive(Default)]
struct Kept {
    /// The cart as it was folded last.
    folded: Option<Cart>,
    /// What came after, in the order of stamps.
    pending: Vec<Cart>,
}

/// The carts table.
#[derive(Clone, Debug)]
pub struct Carts {
    client: Client,
    table: String,
}

impl Carts {
    /// The carts in `table`.
    pub fn new(client: Client, table: String) -> Carts {
        Carts { client, table }
    }

    /// Keeps a change of a cart; the change as it was kept, under a stamp that no other has.
    pub async fn keep(
        &self,
        room: &Room,
        id: &CartId,
        mut cart: Cart,
        cost: &mut Cost,
    ) -> Result<Cart, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let item = to_item(room, id, keys::change(cart.stamp), &cart);
            let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
            let request = request.condition_expression("attribute_not_exists(pk)");
            match request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
                Ok(answer) => {
                    cost.wrote(answer.consumed_capacity());
                    return Ok(cart);
                }
                Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
                    cost.failed();
                    cart = cart.later();
                }
                Err(error) => {
                    cost.failed();
                    return Err(error.into());
                }
            }
        }
        Err(StoreError::Lost)
    }

    /// The cart as of its last change, folded or not; none, if there never was one.
    pub async fn get(&self, room: &Room, id: &CartId, cost: &mut Cost) -> Result<Option<Cart>, StoreError> {
        let Kept { folded, pending } = self.kept(room, id, cost).await?;
        Ok(pending.into_iter().fold(folded, |latest, cart| Some(Cart::latest(latest, cart))))
    }

    /// Folds what is pending into the cart, in order, and forgets it, both or neither; the cart as it is then.
    ///
    /// Done twice or by two at once, it comes to the same: a cart never goes back to an older state.
    pub async fn fold(&self, room: &Room, id: &CartId, cost: &mut Cost) -> Result<Option<Cart>, StoreError> {
        let Kept { folded, pending } = self.kept(room, id, cost).await?;
        let mut folded = folded;
        for changes in pending.chunks(CART_COMPACT_MAX) {
            let before = folded.clone();
            let latest =
                changes.iter().cloned().fold(folded, |latest, cart| Some(Cart::latest(latest, cart)));
            if let Some(latest) = &latest {
                self.replace(room, id, before.as_ref(), latest, changes, cost).await?;
            }
            folded = latest;
        }
        Ok(folded)
    }

    async fn replace(
        &self,
        room: &Room,
        id: &CartId,
        before: Option<&Cart>,
        latest: &Cart,
        changes: &[Cart],
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(to_item(
            room,
            id,
            keys::FOLDED.to_owned(),
            latest,
        )));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("#stamp = :before")
                .expression_attribute_names("#stamp", "stamp")
                .expression_attribute_values(":before", number(before.stamp.0)),
        };
        let put = TransactWriteItem::builder().put(put.build().map_err(StoreError::build)?).build();
        let delete = |cart: &Cart| {
            let key = [
                ("pk".to_owned(), AttributeValue::S(keys::cart(room, id))),
                ("sk".to_owned(), AttributeValue::S(keys::change(cart.stamp))),
            ];
            let delete = Delete::builder().table_name(&self.table).set_key(Some(key.into())).build();
            delete.map(|delete| TransactWriteItem::builder().delete(delete).build())
        };
        let deletes: Vec<_> =
            changes.iter().map(delete).collect::<Result<_, _>>().map_err(StoreError::build)?;
        let actions = std::iter::once(put).chain(deletes).collect();
        let request = self.client.transact_write_items().set_transact_items(Some(actions));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed()).map_err(StoreError::of_transaction)?;
        cost.wrote(answer.consumed_capacity());
        Ok(())
    }

    /// Everything of one cart, strongly consistent.
    async fn kept(&self, room: &Room, id: &CartId, cost: &mut Cost) -> Result<Kept, StoreError> {
        let (mut kept, mut from) = (Kept::default(), None::<Item>);
        // One page as a rule: what is pending is folded within moments.
        loop {
            let request = self.client.query().table_name(&self.table).consistent_read(true);
            let request = request
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(keys::cart(room, id)))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let page = request.set_exclusive_start_key(from).send().await;
            let page = page.inspect_err(|_| cost.failed())?;
            cost.read(page.consumed_capacity());
            for item in page.items() {
                if get(item, "sk", as_text)? == keys::FOLDED {
                    kept.folded = Some(to_cart(item)?);
                } else {
                    kept.pending.push(to_cart(item)?);
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(kept);
            }
        }
    }
}

fn to_item(room: &Room, id: &CartId, sk: String, cart: &Cart) -> Item {
    let ttl = cart.stamp.time().plus_secs(CART_RETENTION_SECS).as_secs();
    let mut item = Item::from([
        ("pk".to_owned(), AttributeValue::S(keys::cart(room, id))),
        ("sk".to_owned(), AttributeValue::S(sk)),
        ("stamp".to_owned(), number(cart.stamp.0)),
        ("ttl".to_owned(), number(ttl)),
    ]);
    if let Some(data) = &cart.data {
        item.insert("data".to_owned(), AttributeValue::S(data.as_str().to_owned()));
    }
    item
}

fn to_cart(item: &Item) -> Result<Cart, StoreError> {
    let text = |value| JsonText::from_text(as_text(value)?.clone()).ok();
    let data = item.contains_key("data").then(|| get(item, "data", text)).transpose()?;
    Ok(Cart { stamp: Stamp(get(item, "stamp", as_number)?), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_reads_back_and_so_does_one_that_was_removed() {
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
