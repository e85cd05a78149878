//! Append-only: a row is written once. Only its declared state fields change; every other byte stays.

use protocol::json::object::Object;

/// What a write to an existing row asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Nothing: it equals the row.
    Same,
    /// New values of these state fields and nothing else.
    Moves(Vec<String>),
    /// A change that append-only rows do not allow.
    Forbidden,
}

/// Compares `sent` with the `stored` row. With `fields`, only those members count; without, all of them,
/// except that a state field missing from `sent` keeps its value.
pub fn compare(
    stored: &Object,
    sent: &Object,
    fields: Option<&[String]>,
    is_state: impl Fn(&str) -> bool,
) -> Rewrite {
    let named: Vec<&str> = match fields {
        Some(fields) => fields.iter().map(String::as_str).collect(),
        None => stored.iter().chain(sent.iter()).map(|(name, _)| name).collect(),
    };
    let mut moves: Vec<String> = Vec::new();
    for name in named.into_iter().filter(|name| stored.get(name) != sent.get(name)) {
        match (is_state(name), sent.get(name)) {
            (true, Some(_)) if !moves.iter().any(|known| known == name) => moves.push(name.to_owned()),
            (true, Some(_)) => {}
            (true, None) if fields.is_none() => {}
            _ => return Rewrite::Forbidden,
        }
    }
    if moves.is_empty() { Rewrite::Same } else { Rewrite::Moves(moves) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::json::JsonText;

    fn object(text: &str) -> Object {
        Object::parse(&JsonText::from_text(text.to_owned()).unwrap()).unwrap()
    }

    fn rewrite(stored: &str, sent: &str, fields: Option<&[&str]>) -> Rewrite {
        let fields: Option<Vec<String>> = fields.map(|names| names.iter().map(|&name| name.into()).collect());
        compare(&object(stored), &object(sent), fields.as_deref(), |name| name == "status")
    }

    #[test]
    fn only_a_state_field_may_differ() {
        let row = r#"{"total":"9.90","status":"open"}"#;
        let moves = Rewrite::Moves(vec!["status".into()]);
        assert_eq!(rewrite(row, r#"{"status":"open","total":"9.90"}"#, None), Rewrite::Same);
        assert_eq!(rewrite(row, r#"{"total":"9.90"}"#, None), Rewrite::Same);
        assert_eq!(rewrite(row, r#"{"total":"9.90","status":"paid"}"#, None), moves);
        assert_eq!(rewrite(row, r#"{"status":"paid"}"#, Some(&["status"])), moves);
        // Idempotent: the same row may be sent any number of times, and every other row is refused.
        assert_eq!(rewrite(row, row, None), Rewrite::Same);
        for (sent, fields) in [
            (r#"{"total":"9.9","status":"open"}"#, None),
            (r#"{"status":"paid"}"#, None),
            (r#"{"total":"9.90","status":"open","note":1}"#, None),
            (r#"{"total":"1"}"#, Some(["total"].as_slice())),
            ("{}", Some(["status"].as_slice())),
        ] {
            assert_eq!(rewrite(row, sent, fields), Rewrite::Forbidden, "{sent}");
        }
    }
}
