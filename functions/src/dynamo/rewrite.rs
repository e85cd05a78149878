//! Rewriting an item: the attributes that this release knows are set or removed, and all others stay. A put
//! would erase what a newer release has added.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, TransactWriteItem, Update};

use super::error::StoreError;
use super::item::{Item, number};
use super::kind::{FORMAT, ItemKind};
use super::table::{Condition, Table, conditioned};

/// An update expression with its names and values.
struct Expression {
    text: String,
    names: Vec<(String, String)>,
    values: Item,
}

/// Separates the names of an attribute and its member in [`member_by_member`].
const IN: char = '.';

/// Replaces the nested attribute `name`, which must be stored already, by its members, each to be set by
/// itself: members that this release does not know stay.
pub fn member_by_member(item: &mut Item, name: &str) {
    if let Some(AttributeValue::M(members)) = item.remove(name) {
        let member = |(member, value): (String, AttributeValue)| (format!("{name}{IN}{member}"), value);
        item.extend(members.into_iter().map(member));
    }
}

/// The expression that gives an item of `kind` the attributes `item` and no others that `kind` knows.
fn expression(kind: &ItemKind, mut item: Item) -> Expression {
    if kind.format > 1 {
        item.insert(FORMAT.to_owned(), number(kind.format));
    }
    let in_part = |name: &str| item.keys().any(|path| path.split_once(IN).is_some_and(|(of, _)| of == name));
    let known = kind.attributes.iter().chain(&[FORMAT]).filter(|name| !in_part(name));
    let known: Vec<String> = known.map(|name| (*name).to_owned()).collect();
    let all: BTreeSet<String> = known.into_iter().chain(item.keys().cloned()).collect();
    let (mut set, mut removed, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new(), Item::new());
    for name in all {
        let parts: Vec<&str> = name.split(IN).collect();
        let path = parts.iter().map(|part| format!("#{part}")).collect::<Vec<_>>().join(".");
        match item.remove(&name) {
            Some(value) => {
                let placeholder = format!(":{}", parts.join("_"));
                set.push(format!("{path} = {placeholder}"));
                values.insert(placeholder, value);
            }
            None => removed.push(path),
        }
        names.extend(parts.into_iter().map(|part| (format!("#{part}"), part.to_owned())));
    }
    let clause = |word: &str, parts: Vec<String>| match parts.is_empty() {
        true => String::new(),
        false => format!("{word} {} ", parts.join(", ")),
    };
    let text = clause("SET", set) + &clause("REMOVE", removed);
    Expression { text: text.trim_end().to_owned(), names, values }
}

impl Table {
    /// The action that gives the item `key` the attributes `item`; creates the item if `condition` allows it.
    pub fn rewrite(
        &self,
        key: Item,
        kind: &ItemKind,
        item: Item,
        condition: Condition,
    ) -> Result<TransactWriteItem, StoreError> {
        let Expression { text, names, values } = expression(kind, item);
        let values = Some(values).filter(|values| !values.is_empty());
        let update = Update::builder().table_name(&self.name).set_key(Some(key)).update_expression(text);
        let update = update.set_expression_attribute_names(Some(names.into_iter().collect()));
        let update = update.set_expression_attribute_values(values);
        let update = conditioned!(update, condition).build().map_err(StoreError::build)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The same as [`Table::rewrite`] as a request of its own, to which the caller adds a condition.
    pub fn rewrite_request(&self, key: Item, kind: &ItemKind, item: Item) -> UpdateItemFluentBuilder {
        let Expression { text, names, values } = expression(kind, item);
        let values = Some(values).filter(|values| !values.is_empty());
        let request = self.client.update_item().table_name(&self.name).set_key(Some(key));
        let request = request.update_expression(text).set_expression_attribute_values(values);
        request
            .set_expression_attribute_names(Some(names.into_iter().collect()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::item;

    #[test]
    fn known_attributes_are_set_or_removed_and_others_are_not_named() {
        let kind = ItemKind { name: "thing", format: 1, attributes: &["size", "ttl"] };
        let Expression { text, names, values } = expression(&kind, item([("size", number(3))]));
        assert_eq!(text, "SET #size = :size REMOVE #format, #ttl");
        assert_eq!((names.len(), values), (3, item([(":size", number(3))])));
        let mut nested = item([("ttl", AttributeValue::M(item([("at", number(4))])))]);
        member_by_member(&mut nested, "ttl");
        let Expression { text, values, .. } = expression(&kind, nested);
        assert_eq!(text, "SET #ttl.#at = :ttl_at REMOVE #format, #size");
        assert_eq!(values, item([(":ttl_at", number(4))]));
        // An item without attributes is created, or left as it is.
        let bare = ItemKind { attributes: &[], ..kind };
        assert_eq!(expression(&bare, Item::new()).text, "REMOVE #format");
        let second = ItemKind { format: 2, ..bare };
        assert_eq!(expression(&second, Item::new()).text, "SET #format = :format");
    }
}
