//! Event filters: the part of Lambda's filter rules ("Filter rule syntax" in its developer guide) that the
//! template uses. Anything else is an error, so that a filter never passes other events here than in AWS.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A filter's pattern.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "only values and `prefix` are understood here")]
pub enum Pattern {
    /// Every member must match the event's member of the same name.
    Object(BTreeMap<String, Pattern>),
    /// One of these must match the event's value.
    AnyOf(Vec<Rule>),
}

/// A rule for a text.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Rule {
    /// Equals this text.
    Is(String),
    /// Begins with `prefix`.
    #[allow(missing_docs, reason = "the variant says it")]
    StartsWith { prefix: String },
}

impl Pattern {
    /// Reads the JSON text of a filter.
    pub fn parse(text: &str) -> Result<Pattern, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether `event` passes.
    pub fn matches(&self, event: &Value) -> bool {
        match self {
            Pattern::Object(members) => members
                .iter()
                .all(|(name, pattern)| event.get(name).is_some_and(|value| pattern.matches(value))),
            Pattern::AnyOf(rules) => rules.iter().any(|rule| rule.matches(event)),
        }
    }
}

impl Rule {
    fn matches(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|text| match self {
            Rule::Is(expected) => text == expected,
            Rule::StartsWith { prefix } => text.starts_with(prefix),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_member_must_match_one_of_its_rules() {
        let text =
            r#"{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"LOG#"}]}}}}"#;
        let pattern = Pattern::parse(text).unwrap();
        let event =
            |name: &str, pk: &str| json!({"eventName": name, "dynamodb": {"Keys": {"pk": {"S": pk}}}});
        assert!(pattern.matches(&event("INSERT", "LOG#1#2")));
        assert!(pattern.matches(&event("MODIFY", "LOG#1#2")));
        assert!(!pattern.matches(&event("REMOVE", "LOG#1#2")));
        assert!(!pattern.matches(&event("INSERT", "ROOM#1#2")));
        assert!(!pattern.matches(&json!({"eventName": "INSERT"})));
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        for text in [
            "[",
            r#"{"a":1}"#,
            r#"{"a":[{"exists":true}]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":[{"prefix":"b","suffix":"c"}]}"#,
            r#"{"a":[[1]]}"#,
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
