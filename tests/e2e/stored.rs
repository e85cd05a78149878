//! Stored items as a test changes them behind the functions' back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::dynamo::item::{Item, key};
use functions::sync::keys;
use protocol::record::RecordKey;

use crate::shop::Shop;

/// A stored item as it was when the test first read it.
pub(crate) struct Stored {
    shop: &'static Shop,
    table: &'static str,
    item: Item,
}

impl Stored {
    /// The item of `table` with this key.
    pub(crate) async fn of(shop: &'static Shop, table: &'static str, pk: String, sk: &str) -> Stored {
        let request = shop.world.dynamo.get_item().table_name(table).consistent_read(true);
        let found = request.set_key(Some(key(pk, sk))).send().await.unwrap();
        Stored { shop, table, item: found.item.expect("the item is stored") }
    }

    /// An item of branch 1.
    pub(crate) async fn in_room(shop: &'static Shop, sk: &str) -> Stored {
        Stored::of(shop, &shop.world.table, keys::room(&shop.room("1")), sk).await
    }

    /// The product `id` of branch 1.
    pub(crate) async fn product(shop: &'static Shop, id: &str) -> Stored {
        let key = RecordKey { table: "products".into(), id: id.into() };
        Stored::in_room(shop, &keys::record(&key)).await
    }

    /// The last log item of branch 1.
    pub(crate) async fn last_log_item(shop: &'static Shop) -> Stored {
        let pk = keys::log(&shop.room("1"));
        let items = crate::invariants::partition(&shop.world.dynamo, &shop.world.table, pk).await;
        let item = items.last().cloned().expect("the log has an item");
        Stored { shop, table: &shop.world.table, item }
    }

    /// Sets an attribute, or removes it.
    pub(crate) async fn set(&self, name: &str, value: Option<AttributeValue>) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), self.item[name].clone()));
        let request = self.shop.world.dynamo.update_item().table_name(self.table);
        let request = request.set_key(Some(HashMap::from(key))).expression_attribute_names("#name", name);
        let request = match value {
            None => request.update_expression("REMOVE #name"),
            Some(value) => {
                request.update_expression("SET #name = :value").expression_attribute_values(":value", value)
            }
        };
        request.send().await.unwrap();
    }

    /// Sets a member of a nested attribute.
    pub(crate) async fn set_member(&self, name: &str, member: &str, value: AttributeValue) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), self.item[name].clone()));
        let request = self.shop.world.dynamo.update_item().table_name(self.table);
        let request =
            request.set_key(Some(HashMap::from(key))).update_expression("SET #name.#member = :value");
        let request = request.expression_attribute_names("#name", name);
        let request = request.expression_attribute_names("#member", member);
        request.expression_attribute_values(":value", value).send().await.unwrap();
    }

    /// Whether another attribute than those that tests add has changed since.
    pub(crate) async fn is_rewritten(&self, added: &str) -> bool {
        let mut now = self.read_again().await;
        now.remove(added);
        now != self.item
    }

    async fn read_again(&self) -> Item {
        let sk = self.item["sk"].as_s().unwrap();
        Stored::of(self.shop, self.table, self.item["pk"].as_s().unwrap().clone(), sk).await.item
    }

    /// Damages an attribute: it has a type that none has.
    pub(crate) async fn damage(&self, name: &str) {
        self.set(name, Some(AttributeValue::Null(true))).await;
    }

    /// An attribute as it is now.
    pub(crate) async fn now(&self, name: &str) -> Option<AttributeValue> {
        self.read_again().await.get(name).cloned()
    }

    /// Puts an item that no release has written.
    pub(crate) async fn add(shop: &'static Shop, table: &'static str, item: Item) -> Stored {
        let stored = Stored { shop, table, item };
        stored.repair().await;
        stored
    }

    /// Removes the item.
    pub(crate) async fn remove(&self) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), self.item[name].clone()));
        let request = self.shop.world.dynamo.delete_item().table_name(self.table);
        request.set_key(Some(HashMap::from(key))).send().await.unwrap();
    }

    /// Puts the item back as it was.
    pub(crate) async fn repair(&self) {
        let request = self.shop.world.dynamo.put_item().table_name(self.table);
        request.set_item(Some(self.item.clone())).send().await.unwrap();
    }
}
