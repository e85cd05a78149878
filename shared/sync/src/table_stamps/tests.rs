use super::*;
use crate::pull::tests::shop::selection;
use crate::tests::rules;
use protocol::json::JsonText;
use protocol::record::{Operation, RecordKey};

fn change(table: &str, stamp: u64) -> Change {
    let key = RecordKey { table: table.to_owned(), id: "r".to_owned() };
    Change { key, operation: Operation::Update, data: JsonText::null(), version: 1, stamp: Stamp(stamp) }
}

/// HEAD after a commit of `tables`, whose first change has the stamp `first`.
fn commit(head: &Head, first: u64, tables: &[&str]) -> Head {
    let changes: Vec<Change> = (first..).zip(tables).map(|(stamp, table)| change(table, stamp)).collect();
    let stamp = changes.last().unwrap().stamp;
    Head { stamp, table_stamps: Some(TableStamps::after(head, &changes)), ..head.clone() }
}

fn latest(head: &Head, tables: &[&str], all: bool) -> u64 {
    let selection =
        Selection { all, tables: tables.iter().map(|&name| name.to_owned()).collect(), ..selection(1) };
    TableStamps::latest(head, &selection, &rules().tables).0
}

#[test]
fn each_table_has_the_stamp_of_its_last_change() {
    let head = commit(&Head::default(), 10, &["products", "halls", "products"]);
    assert_eq!((latest(&head, &["products"], false), latest(&head, &["halls"], false)), (12, 11));
    assert_eq!(latest(&head, &["customers"], false), 0, "never changed");
    assert_eq!(latest(&head, &["customers", "halls"], false), 11);
    let head = commit(&head, 20, &["customers"]);
    assert_eq!((latest(&head, &["halls"], false), latest(&head, &["customers"], false)), (11, 20));
}

/// The release before moves HEAD and leaves the attribute as it was.
#[test]
fn stamps_are_true_only_for_the_head_that_they_were_written_with() {
    let known = commit(&Head::default(), 10, &["products", "halls"]);
    let moved = Head { stamp: Stamp(30), ..known };
    assert_eq!(latest(&moved, &["customers"], false), 30);
    let again = commit(&moved, 40, &["halls"]);
    assert_eq!((latest(&again, &["halls"], false), latest(&again, &["products"], false)), (40, 30));
    let before = Head { stamp: Stamp(30), ..Head::default() };
    assert_eq!(latest(&before, &["products"], false), 30, "a HEAD without stamps");
}

#[test]
fn head_names_few_tables_and_the_others_have_a_bound() {
    let names: Vec<String> = (0..TABLE_STAMPS_MAX + 2).map(|i| format!("t{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let head = commit(&Head::default(), 1, &names);
    let stamps = head.table_stamps.as_ref().unwrap();
    assert_eq!((stamps.last.len(), stamps.others), (TABLE_STAMPS_MAX, Stamp(2)));
    assert_eq!((latest(&head, &["t0"], false), latest(&head, &["t2"], false)), (2, 3));
    assert_eq!(latest(&head, &["products"], false), 2, "it may be one of those that are not named");
}

#[test]
fn a_pull_of_all_tables_passes_over_none_that_is_unknown() {
    let head = commit(&Head::default(), 10, &["halls", "products", "of_a_newer_server"]);
    assert_eq!((latest(&head, &["halls"], true), latest(&head, &["halls"], false)), (12, 10));
    assert_eq!(latest(&commit(&head, 20, &["products"]), &["halls"], true), 12, "products are hidden");
}
