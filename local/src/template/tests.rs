mod alarms;

use cache::kind::EntryKind;
use sync::limits::WRITE_SECS_MAX;

use super::*;
use event_source::EventSource;
use function::Variable;

fn template() -> Template {
    Template::read(&project_root()).unwrap()
}

fn text() -> String {
    std::fs::read_to_string(project_root().join("template.yaml")).unwrap()
}

/// Whether the filter of `source` passes an event `name` whose key attribute `key` begins with `value`.
fn passes(source: &EventSource, name: &str, key: &str, value: &str) -> bool {
    let event = serde_json::json!({ "eventName": name, "dynamodb": { "Keys": { key: { "S": value } } } });
    source.patterns.iter().any(|pattern| pattern.matches(&event))
}

#[test]
fn the_real_template_has_the_functions_and_tables_that_run_here() {
    let template = template();
    let names: Vec<&str> = template.functions.keys().map(String::as_str).collect();
    let expected = [
        "auth",
        "batch-push",
        "cache-admin",
        "cache-invalidate",
        "cache-maintenance",
        "cache-warm",
        "cart-compact",
        "carts",
        "change-redelivery",
        "change-stream",
        "data",
        "dead-letters",
        "pull-changes",
        "resolve-conflict",
        "sync-stats",
    ];
    assert_eq!(names, expected);
    let tables: Vec<&str> = template.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(tables, ["AccountsTable", "CartsTable", "SyncTable"]);
}

#[test]
fn tables_convert_to_create_table_requests() {
    for table in template().tables {
        let create = table.create().unwrap();
        assert_eq!(create.key_schema.len(), 2);
        let view = create.stream_specification.and_then(|stream| stream.stream_view_type);
        let expected = match table.name.as_str() {
            "SyncTable" => Some("NEW_IMAGE"),
            "CartsTable" => Some("KEYS_ONLY"),
            _ => None,
        };
        assert_eq!(view.as_deref(), expected, "{}", table.name);
        assert_eq!(table.expire().unwrap().unwrap().time_to_live_specification.attribute_name, "ttl");
    }
}

#[test]
fn rooms_are_told_in_order() {
    let template: serde_json::Value = serde_saphyr::from_str(&text()).unwrap();
    let log = &template["Resources"]["ChangeStreamFunction"]["Properties"]["Events"]["Log"]["Properties"];
    // With more calls a shard, Lambda keeps the order of each item only.
    assert_eq!(log["ParallelizationFactor"], 1);
}

/// Otherwise a commit may be older by its stamp than a walk allows for.
#[test]
fn functions_that_write_run_no_longer_than_their_limit() {
    let template: Value = serde_saphyr::from_str(&text()).unwrap();
    for name in ["BatchPushFunction", "ResolveConflictFunction", "DeadLettersFunction"] {
        let timeout = template.pointer(&format!("/Resources/{name}/Properties/Timeout"));
        assert_eq!(timeout.and_then(Value::as_u64), Some(WRITE_SECS_MAX), "{name}");
    }
}

#[test]
fn a_function_has_exactly_the_environment_of_the_template() {
    let template = template();
    let default = |value: &str| Variable::Default(value.to_owned());
    let expected = [
        ("ACCESS_JWKS", Variable::Setting),
        ("LOG_RETENTION_DAYS", default("7")),
        ("MARKER_RETENTION_DAYS", default("90")),
        ("SYNC_TABLE", Variable::Table("SyncTable".into())),
        ("TABLES_FILE", default("")),
        ("TOMBSTONE_RETENTION_DAYS", default("90")),
    ];
    // Only pulls open and seal cursors.
    let seals = |name: &str| name == "pull-changes";
    for name in ["batch-push", "dead-letters", "pull-changes"] {
        let variables = template.functions[name].variables.iter();
        let (keys, variables): (Vec<_>, Vec<_>) = variables
            .map(|(name, value)| (name.as_str(), value))
            .partition(|(name, _)| *name == "CURSOR_KEYS");
        assert_eq!(
            keys,
            if seals(name) { vec![("CURSOR_KEYS", &Variable::Setting)] } else { vec![] },
            "{name}"
        );
        assert_eq!(variables, expected.each_ref().map(|(name, value)| (*name, value)), "{name}");
    }
}

#[test]
fn a_function_has_exactly_the_permissions_of_the_template() {
    let template = template();
    let grants = |name: &str| {
        let mut grants: Vec<_> = template.functions[name].grants.iter().collect();
        grants.dedup();
        grants
    };
    assert_eq!(
        grants("pull-changes"),
        [
            ("BatchGetItem", "SyncTable"),
            ("GetItem", "SyncTable"),
            ("Query", "SyncTable"),
            ("UpdateItem", "SyncTable")
        ]
    );
    let push = ["BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(grants("batch-push"), push.map(|action| (action, "SyncTable")));
    assert!(grants("auth").iter().all(|(_, table)| *table == "AccountsTable"));
    assert_eq!(grants("change-stream"), [("PutItem", "SyncTable"), ("UpdateItem", "SyncTable")]);
    let redelivery = [("DeleteItem", "SyncTable"), ("Query", "SyncTable"), ("UpdateItem", "SyncTable")];
    assert_eq!(grants("change-redelivery"), redelivery);
    let reads = [("BatchGetItem", "SyncTable"), ("GetItem", "SyncTable"), ("UpdateItem", "SyncTable")];
    // It queries the list of branches, and no room.
    assert_eq!(grants("sync-stats"), grants("pull-changes"));
    let may_query = |pk| template.functions["sync-stats"].grants.allow("Query", "SyncTable", pk);
    assert!(may_query(Some("CLIENT#1")) && !may_query(Some("ROOM#1#2")) && !may_query(None));
    assert_eq!(grants("resolve-conflict"), grants("batch-push"));
    assert_eq!(grants("data"), reads);
    assert_eq!(grants("cache-warm"), grants("pull-changes"));
    let carts = [("GetItem", "SyncTable"), ("PutItem", "CartsTable"), ("Query", "CartsTable")];
    assert_eq!(grants("carts"), carts);
    let compact = ["DeleteItem", "PutItem", "Query", "UpdateItem"];
    assert_eq!(grants("cart-compact"), compact.map(|action| (action, "CartsTable")));
    assert_eq!(grants("cache-invalidate"), grants("change-stream"));
    for name in ["cache-admin", "cache-maintenance"] {
        assert_eq!(grants(name), [], "{name}");
    }
    // Only functions that use Redis have its token.
    let redis = |function: &Function| function.variables.contains_key("UPSTASH_REDIS_REST_TOKEN");
    let with_redis: Vec<&str> = template
        .functions
        .iter()
        .filter(|(_, function)| redis(function))
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = [
        "auth",
        "cache-admin",
        "cache-invalidate",
        "cache-maintenance",
        "cache-warm",
        "cart-compact",
        "carts",
        "data",
        "resolve-conflict",
        "sync-stats",
    ];
    assert_eq!(with_redis, expected);
    let scans = |function: &Function| function.grants.iter().any(|(action, _)| action == "Scan");
    assert!(!template.functions.values().any(scans));
}

#[test]
fn damage_and_skipped_records_are_written_under_their_own_keys_only() {
    let template = template();
    // Functions that only read rooms note damaged items, and nothing else.
    for name in ["cache-warm", "data", "pull-changes", "sync-stats"] {
        let grants = &template.functions[name].grants;
        let allow = |pk| grants.allow("UpdateItem", "SyncTable", Some(pk));
        assert!(allow("DAMAGE#1#2") && !allow("ROOM#1#2") && !allow("LOG#1#2"), "{name}");
        assert!(!grants.allow("UpdateItem", "SyncTable", None), "{name}");
        assert_eq!(allow("CURSOR#1"), name == "pull-changes", "{name}");
    }
    // What a stream function skips, it keeps aside, and puts nothing else.
    for (name, table) in
        [("cache-invalidate", "SyncTable"), ("cart-compact", "CartsTable"), ("change-stream", "SyncTable")]
    {
        let allow = |pk| template.functions[name].grants.allow("PutItem", table, Some(pk));
        assert!(allow("SKIPPED#change-stream") && !allow("ROOM#1#2") && !allow("CART#1#2#c"), "{name}");
    }
}

#[test]
fn the_edge_may_call_every_function_with_a_url_and_the_outputs_name_its_url() {
    let text = text();
    let (resources, rest) = text.split_once("\n  EdgeUser:").unwrap();
    let (user, outputs) = rest.split_once("\nOutputs:").unwrap();
    let (mut id, mut callable) = ("", Vec::new());
    for line in resources.lines() {
        if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            id = if name.starts_with([' ', '#']) { id } else { name };
        } else if line.trim_start().starts_with("FunctionUrlConfig:") {
            callable.push(id);
        }
    }
    assert_eq!(callable.len(), protocol::endpoints::function::Function::ALL.len(), "{callable:?}");
    for id in callable {
        // A call of a URL needs both InvokeFunctionUrl and InvokeFunction.
        assert_eq!(user.matches(&format!("[{id}, Arn]")).count(), 2, "{id}");
        assert!(outputs.contains(&format!("[{id}Url, FunctionUrl]")), "{id}");
    }
}

#[test]
fn only_new_log_items_reach_the_functions_that_follow_rooms() {
    let template = template();
    for name in ["change-stream", "cache-invalidate"] {
        let source = template.functions[name].source.as_ref().unwrap();
        assert_eq!(source.table, "SyncTable");
        assert!(passes(source, "INSERT", "pk", "LOG#1#2"));
        assert!(!passes(source, "REMOVE", "pk", "LOG#1#2"));
        assert!(!passes(source, "INSERT", "pk", "ROOM#1#2"));
    }
}

#[test]
fn only_new_cart_changes_are_compacted_and_a_schedule_is_no_stream() {
    let template = template();
    let source = template.functions["cart-compact"].source.as_ref().unwrap();
    assert_eq!(source.table, "CartsTable");
    assert!(passes(source, "INSERT", "sk", "PENDING#1"));
    assert!(!passes(source, "REMOVE", "sk", "PENDING#1"));
    assert!(!passes(source, "INSERT", "sk", "FOLDED"));
    assert!(template.functions["cache-maintenance"].source.is_none());
}

#[test]
fn invalidations_are_retried_for_longer_than_a_cache_entry_lives() {
    let template = template();
    let age = template.functions["cache-invalidate"].source.as_ref().unwrap().age_secs;
    let kinds = [EntryKind::Product, EntryKind::Record, EntryKind::Stats];
    for kind in kinds {
        assert!(kind.total_millis_max() / 1000 < age, "{}", kind.as_str());
    }
}

#[test]
fn unsupported_parts_of_the_template_are_errors() {
    let text = text();
    let role = "Role: { Fn::GetAtt: [AuthRole, Arn] }";
    for (from, to) in [
        (role, "Role: arn:aws:iam::1:role/auth"),
        (role, "Role: { Fn::GetAtt: [NoRole, Arn] }"),
        (
            "Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query]",
            "NotAction: [dynamodb:PutItem]",
        ),
        (r#"[{"prefix":"LOG#"}]"#, r#"[{"suffix":"LOG#"}]"#),
        ("ForAllValues:StringLike", "ForAnyValue:StringLike"),
        ("\"DAMAGE#*\"", "\"*#DAMAGE\""),
        ("Resources:", "Resources: ["),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Template::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("failed to read"), "{error}");
    }
}
