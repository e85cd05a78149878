//! Reading names from a lookup.

use crate::Secret;

/// Missing and bad names. The text contains no values, which may be secrets.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the configuration: {}", .0.join("; "))]
pub struct BadConfig(Vec<String>);

/// Reads names and collects the problems.
pub struct Reader<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Reads from `lookup`, such as the process environment or a Worker's `Env`.
    pub fn new(lookup: L) -> Reader<L> {
        Reader { lookup, problems: Vec::new() }
    }

    /// The value of `name`; if it is missing, an empty text and a problem.
    pub fn text(&mut self, name: &str) -> String {
        let value = (self.lookup)(name).filter(|value| !value.is_empty());
        value.unwrap_or_else(|| {
            self.problems.push(format!("{name} is not set"));
            String::new()
        })
    }

    /// The value of `name` as a [`Secret`].
    pub fn secret(&mut self, name: &str) -> Secret {
        Secret::new(self.text(name))
    }

    /// The value of `name`, parsed; `None` and a problem if it is missing or bad.
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name);
        if text.is_empty() { None } else { self.checked(name, parse(&text)) }
    }

    /// The value of `name`, parsed, or `default` if it is not set; `None` and a problem if it is bad.
    pub fn parsed_or<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match (self.lookup)(name).filter(|value| !value.is_empty()) {
            Some(text) => self.checked(name, parse(&text)),
            None => Some(default),
        }
    }

    /// The value of `result`; `None` and a problem if it is an error.
    pub fn checked<T, E: std::fmt::Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.problems.push(format!("{name} is wrong: {error}"))).ok()
    }

    /// `value` if there were no problems.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, BadConfig> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(BadConfig(self.problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_reported_at_once_without_values() {
        let mut reader = Reader::new(|name| (name == "PORT").then(|| "s3cret".to_owned()));
        let table = reader.text("TABLE");
        let port = reader.parsed("PORT", str::parse::<u16>);
        let error = reader.finish(port.map(|port| (table, port))).unwrap_err().to_string();
        assert!(error.contains("TABLE is not set") && error.contains("PORT is wrong"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn an_optional_name_has_a_default_and_is_checked_if_set() {
        let mut reader = Reader::new(|name| (name == "BAD").then(|| "x".to_owned()));
        assert_eq!(reader.parsed_or("DAYS", 7, str::parse::<u16>), Some(7));
        assert_eq!(reader.parsed_or("BAD", 7, str::parse::<u16>), None);
        assert!(reader.finish(Some(())).unwrap_err().to_string().contains("BAD is wrong"));
    }
}
