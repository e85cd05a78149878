//! Repairs by a manager: sums that are set, and states that are not declared.

use super::*;
use crate::policy::Policy;
use crate::tests::record;

/// The room of one record that was stored before its member had a rule.
struct Stored {
    rules: SyncRules,
    key: RecordKey,
    snapshot: Snapshot,
}

impl Stored {
    fn new(table: &str, data: &str) -> Stored {
        let key = RecordKey { table: table.into(), id: "r1".into() };
        let stored = record(data, 3, NOW.0 - 1_000_000);
        let records = BTreeMap::from([(key.clone(), stored)]);
        Stored { rules: rules(), key, snapshot: Snapshot { records, ..Snapshot::default() } }
    }

    fn with_policy(mut self, policy: Policy) -> Stored {
        let text = format!(
            "[product_stock]\npolicy = \"{}\"\n[product_stock.fields.quantity]\npolicy = \"additive\"\n",
            policy.as_str()
        );
        self.rules.tables = crate::tables::Tables::parse(&text).unwrap();
        self
    }

    /// Writes `data`, with `rest` in the record, as `role`.
    fn write(&mut self, role: Role, data: &serde_json::Value, rest: &[(&str, serde_json::Value)]) -> Outcome {
        let mut sent = json!({"table_name": self.key.table, "record_id": "r1", "data": data,
                              "local_updated_at": NOW.to_string()});
        rest.iter().for_each(|(name, value)| sent[*name] = value.clone());
        let body = json!({"device_id": "till-1", "batch_id": "b", "records": [sent]}).to_string();
        let push = Push::parse(&self.rules.tables, role, body.as_bytes()).unwrap();
        let mut plan = decide(&self.rules, &self.snapshot, &push, NOW);
        self.snapshot.records.extend(plan.puts.iter().map(|put| (put.key.clone(), put.record.clone())));
        plan.outcomes.remove(0)
    }

    fn data(&self) -> &str {
        self.snapshot.records[&self.key].data.as_str()
    }
}

fn set(sum: &str) -> serde_json::Value {
    json!({"quantity": {"$set": sum}})
}

#[test]
fn a_manager_sets_a_sum_that_holds_no_number() {
    for old in [r#""abc""#, "true", r#"{"n":1}"#, "1e3", r#""1e3""#] {
        let mut stock = Stored::new("product_stock", &format!(r#"{{"quantity":{old},"shelf":"A"}}"#));
        let delta = json!({"quantity": {"$delta": "1"}});
        assert_eq!(code(&stock.write(Role::Manager, &delta, &[])), RejectionCode::BadDelta);
        assert_eq!(code(&stock.write(Role::Cashier, &set("5"), &[])), RejectionCode::Forbidden);
        let Outcome::Applied { version: 4, .. } = stock.write(Role::Manager, &set("5"), &[]) else {
            panic!()
        };
        let five = if old.starts_with('"') { r#""5""# } else { "5" };
        assert_eq!(stock.data(), format!(r#"{{"quantity":{five},"shelf":"A"}}"#));
        assert!(matches!(stock.write(Role::Cashier, &delta, &[]), Outcome::Applied { version: 5, .. }));
    }
}

#[test]
fn a_set_sum_may_be_named_combined_and_part_of_a_create() {
    let mut stock = Stored::new("product_stock", r#"{"quantity":2,"shelf":"A"}"#);
    let named = [("fields", json!(["quantity"]))];
    assert_eq!(version(&stock.write(Role::Manager, &set("7.50"), &named)), 4);
    let whole = json!({"quantity": {"$set": "8"}, "shelf": "B"});
    assert_eq!(version(&stock.write(Role::Admin, &whole, &[("base_version", json!(4))])), 5);
    assert_eq!(stock.data(), r#"{"quantity":8,"shelf":"B"}"#);
    assert_eq!(version(&stock.write(Role::Admin, &whole, &[("record_id", json!("r2"))])), 1);
    let Outcome::Applied { flags, .. } = stock.write(Role::Manager, &set("-1"), &[]) else { panic!() };
    assert_eq!(flags, [Flag::BelowFloor]);
}

#[test]
fn a_set_sum_from_an_old_version_is_settled_by_the_policy() {
    let stale = [("base_version", json!(2))];
    for (policy, expected) in [
        (Policy::FieldMerge, Some(ConflictReason::FieldsConflict)),
        (Policy::ServerWins, Some(ConflictReason::ServerWins)),
        (Policy::Manual, Some(ConflictReason::Manual)),
        (Policy::ClientWins, None),
        (Policy::LastWriterWins, None),
    ] {
        let mut stock = Stored::new("product_stock", r#"{"quantity":2}"#).with_policy(policy);
        let outcome = stock.write(Role::Manager, &set("5"), &stale);
        match expected {
            Some(expected) => assert_eq!((reason(&outcome), stock.data()), (expected, r#"{"quantity":2}"#)),
            None => assert_eq!((version(&outcome), stock.data()), (4, r#"{"quantity":5}"#)),
        }
        let unknown = stock.write(Role::Manager, &set("9"), &[("base_version", json!(99))]);
        assert_eq!(reason(&unknown), ConflictReason::UnknownVersion);
    }
    // The other members of the write are settled by themselves.
    let mut stock = Stored::new("product_stock", r#"{"quantity":2}"#).with_policy(Policy::FieldMerge);
    stock.snapshot.records.get_mut(&stock.key).unwrap().fields = FieldVersions::made(1);
    let both = json!({"quantity": {"$set": "5"}, "shelf": "B"});
    let Outcome::Merged { reason, server } = stock.write(Role::Manager, &both, &stale) else { panic!() };
    assert_eq!(reason, ConflictReason::FieldsConflict);
    assert_eq!(server.data.as_str(), r#"{"quantity":2,"shelf":"B"}"#);
}

#[test]
fn a_sum_is_set_by_a_named_batch_on_an_additive_member_with_a_plain_number() {
    let tables = rules().tables;
    let unnamed = json!({"device_id": "till-1", "records": [{"table_name": "product_stock", "record_id": "r1",
        "data": set("5"), "local_updated_at": NOW.to_string()}]});
    let push = Push::parse(&tables, Role::Manager, unnamed.to_string().as_bytes()).unwrap();
    let plan = decide(&rules(), &Snapshot::default(), &push, NOW);
    assert_eq!(code(&plan.outcomes[0]), RejectionCode::DeltaNeedsBatch);
    let mut stock = Stored::new("product_stock", r#"{"quantity":2}"#);
    for bad in [json!(5), json!("5e1"), json!("x"), json!(null)] {
        let outcome = stock.write(Role::Manager, &json!({"quantity": {"$set": bad}}), &[]);
        assert_eq!(code(&outcome), RejectionCode::BadDelta, "{bad}");
    }
    let stray = stock.write(Role::Manager, &json!({"shelf": {"$set": "5"}}), &[]);
    assert_eq!(code(&stray), RejectionCode::BadDelta);
    let elsewhere = Stored::new("halls", "{}").write(Role::Manager, &set("5"), &[]);
    assert_eq!(code(&elsewhere), RejectionCode::BadDelta);
}

#[test]
fn a_manager_moves_a_state_from_outside_the_declared_ones() {
    for table in ["shifts", "invoices"] {
        let to = if table == "shifts" { "closed" } else { "refunded" };
        for old in [r#""lost""#, "7", r#"["open"]"#] {
            let mut row = Stored::new(table, &format!(r#"{{"total":1.10,"status":{old}}}"#));
            let status = |state: &str| json!({ "status": state });
            let named = [("fields", json!(["status"]))];
            assert_eq!(code(&row.write(Role::Cashier, &status(to), &named)), RejectionCode::BadTransition);
            assert_eq!(
                code(&row.write(Role::Manager, &status("gone"), &named)),
                RejectionCode::BadTransition
            );
            assert_eq!(version(&row.write(Role::Manager, &status(to), &named)), 4, "{table} {old}");
            assert_eq!(row.data(), format!(r#"{{"total":1.10,"status":"{to}"}}"#));
            let back = row.write(Role::Admin, &status("open"), &named);
            assert_eq!(code(&back), RejectionCode::BadTransition, "a declared state moves by its rule only");
        }
        let mut stateless = Stored::new(table, r#"{"total":1.10}"#);
        let named = [("fields", json!(["status"]))];
        assert_eq!(
            code(&stateless.write(Role::Manager, &json!({"status": to}), &named)),
            RejectionCode::BadTransition
        );
    }
}
