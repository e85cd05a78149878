use super::*;
use function::Variable;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn template() -> Template {
    Template::read(Path::new(ROOT)).unwrap()
}

#[test]
fn the_real_template_has_the_functions_and_tables_that_run_here() {
    let template = template();
    let names: Vec<&str> = template.functions.keys().map(String::as_str).collect();
    let expected = [
        "auth",
        "batch-push",
        "change-stream",
        "dead-letters",
        "pull-changes",
        "resolve-conflict",
        "sync-stats",
    ];
    assert_eq!(names, expected);
    let tables: Vec<&str> = template.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(tables, ["AccountsTable", "SyncTable"]);
}

#[test]
fn tables_read_as_dynamodb_wants_them() {
    for table in template().tables {
        let create = table.create().unwrap();
        assert_eq!(create.key_schema.len(), 2);
        let view = create.stream_specification.and_then(|stream| stream.stream_view_type);
        let expected = (table.name == "SyncTable").then(|| "NEW_IMAGE".to_owned());
        assert_eq!(view, expected, "{}", table.name);
        assert_eq!(table.expire().unwrap().unwrap().time_to_live_specification.attribute_name, "ttl");
    }
}

#[test]
fn a_function_is_told_and_allowed_what_the_template_says_and_no_more() {
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
    for name in ["batch-push", "dead-letters", "pull-changes", "resolve-conflict", "sync-stats"] {
        let told = template.functions[name].variables.iter();
        let told: Vec<_> = told.map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(told, expected.each_ref().map(|(name, value)| (*name, value)), "{name}");
    }

    let grants = |name: &str| template.functions[name].grants.iter().collect::<Vec<_>>();
    assert_eq!(
        grants("pull-changes"),
        [("BatchGetItem", "SyncTable"), ("GetItem", "SyncTable"), ("Query", "SyncTable")]
    );
    assert_eq!(
        grants("batch-push"),
        [("BatchGetItem", "SyncTable"), ("ConditionCheckItem", "SyncTable"), ("PutItem", "SyncTable")]
    );
    assert!(grants("auth").iter().all(|(_, table)| *table == "AccountsTable"));
    assert_eq!(grants("change-stream"), [("UpdateItem", "SyncTable")]);
    assert_eq!(grants("sync-stats"), [("BatchGetItem", "SyncTable")]);
    assert_eq!(grants("resolve-conflict"), grants("batch-push"));
    let scans = |function: &Function| function.grants.iter().any(|(action, _)| action == "Scan");
    assert!(!template.functions.values().any(scans));
}

#[test]
fn only_new_log_items_reach_the_change_stream() {
    let template = template();
    let source = template.functions["change-stream"].source.as_ref().unwrap();
    assert_eq!(source.table, "SyncTable");
    let passes = |name: &str, pk: &str| {
        let event = serde_json::json!({ "eventName": name, "dynamodb": { "Keys": { "pk": { "S": pk } } } });
        source.patterns.iter().any(|pattern| pattern.matches(&event))
    };
    assert!(passes("INSERT", "LOG#1#2"));
    assert!(!passes("REMOVE", "LOG#1#2") && !passes("INSERT", "ROOM#1#2"));
}

#[test]
fn what_would_mean_something_else_here_is_an_error() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("template.yaml")).unwrap();
    let role = "Role: { Fn::GetAtt: [AuthRole, Arn] }";
    for (from, to) in [
        (role, "Role: arn:aws:iam::1:role/auth"),
        (role, "Role: { Fn::GetAtt: [NoRole, Arn] }"),
        (
            "Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query]",
            "NotAction: [dynamodb:PutItem]",
        ),
        (r#"[{"prefix":"LOG#"}]"#, r#"[{"suffix":"LOG#"}]"#),
        ("Resources:", "Resources: ["),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Template::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("failed to read"), "{error}");
    }
}
