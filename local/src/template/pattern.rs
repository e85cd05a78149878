//! Event filters: the part of Lambda's filter rules ("Filter rule syntax" in its developer guide) that the
//! template uses. Anything else is an error, so that a filter never means less here than in AWS.

use std::collections::BTreeMap;

use serde_json::Value;

/// A filter's pattern.
#[derive(Debug, PartialEq)]
pub enum Pattern {
    /// Every member must match the event's member of the same name.
    Object(BTreeMap<String, Pattern>),
    /// Any of these must match the event's value.
    AnyOf(Vec<Rule>),
}

/// What a value may be.
#[derive(Debug, PartialEq)]
pub enum Rule {
    /// Exactly this.
    Is(Value),
    /// A text that begins with this.
    Prefix(String),
}

/// A pattern that is not understood.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is no JSON.
    #[error("failed to read the filter: {0}")]
    Json(#[from] serde_json::Error),
    /// It uses a rule that is not known here.
    #[error("failed to read the filter: only values and `prefix` are understood here, not {0}")]
    Unknown(Value),
}

impl Pattern {
    /// Reads the JSON text of a filter.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        Pattern::read(serde_json::from_str(text)?)
    }

    fn read(value: Value) -> Result<Pattern, PatternError> {
        match value {
            Value::Object(members) => {
                let read = |(name, value)| Ok((name, Pattern::read(value)?));
                members.into_iter().map(read).collect::<Result<_, _>>().map(Pattern::Object)
            }
            Value::Array(rules) => {
                rules.into_iter().map(Rule::read).collect::<Result<_, _>>().map(Pattern::AnyOf)
            }
            other => Err(PatternError::Unknown(other)),
        }
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
    fn read(value: Value) -> Result<Rule, PatternError> {
        match &value {
            Value::Object(members) => match (members.len(), members.get("prefix")) {
                (1, Some(Value::String(prefix))) => Ok(Rule::Prefix(prefix.clone())),
                _ => Err(PatternError::Unknown(value)),
            },
            Value::Array(_) => Err(PatternError::Unknown(value)),
            _ => Ok(Rule::Is(value)),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        match self {
            Rule::Is(expected) => expected == value,
            Rule::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_member_must_match_and_any_rule_of_it() {
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
    fn a_rule_that_is_not_known_is_an_error() {
        for text in
            ["[", r#"{"a":1}"#, r#"{"a":[{"exists":true}]}"#, r#"{"a":[{"prefix":1}]}"#, r#"{"a":[[1]]}"#]
        {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
