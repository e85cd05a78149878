use serde_json::json;

use super::*;

fn change(stamp: u64, n: u64) -> PulledChange {
    let text = json!({
        "table_name": "products", "record_id": "p1", "data": { "n": n }, "version": 1, "stamp": stamp,
        "server_updated_at": "2025-12-07T10:30:01.000123Z", "operation": "update", "is_deleted": false,
        "device_id": "till-1", "branch_id": "1",
    });
    serde_json::from_str(&text.to_string()).unwrap()
}

fn page(from: u64, to: u64, changes: &[PulledChange]) -> Page {
    Page { from: Stamp(from), to: Stamp(to), changes: changes.to_vec() }
}

#[test]
fn a_page_has_each_change_of_its_span_and_all_that_it_says() {
    let changes = [change(3, 1), change(5, 2), change(9, 3)];
    let log = Log(changes.iter().map(|change| (change.stamp, change.clone())).collect());
    assert_eq!(log.head(), Stamp(9));
    assert_eq!(log.rows().get("products", "p1").unwrap().stamp, Stamp(9));
    for right in [page(0, 9, &changes), page(3, 5, &changes[1..2]), page(9, 9, &[]), page(0, 0, &[])] {
        assert!(log.agrees_with(&right));
    }
    let other_data = [change(3, 1), change(5, 7)];
    for wrong in [
        page(0, 9, &changes[..2]),
        page(0, 9, &changes[1..]),
        page(0, 5, &other_data),
        page(5, 9, &[]),
        page(9, 12, &[]),
        page(9, 5, &[]),
        page(3, 3, &changes[..1]),
    ] {
        assert!(!log.agrees_with(&wrong), "{} to {}", wrong.from.0, wrong.to.0);
    }
}
