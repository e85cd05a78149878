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
    assert_eq!(names, ["auth", "batch-push", "change-stream", "pull-changes"]);
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
    let variables = |name: &str| template.functions[name].variables.iter().collect::<Vec<_>>();
    let sync = Variable::Table("SyncTable".into());
    let jwks = ("ACCESS_JWKS".to_owned(), Variable::Setting);
    let table = ("SYNC_TABLE".to_owned(), sync);
    assert_eq!(variables("pull-changes"), [(&jwks.0, &jwks.1), (&table.0, &table.1)]);

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
    assert!(grants("change-stream").is_empty());
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
