//! Reading configuration: over any lookup, and with every missing or bad name reported at once.

/// Names that are missing or cannot be used. The text holds no values, which may be secrets.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the configuration: {}", .0.join("; "))]
pub struct BadConfig(Vec<String>);

/// Reads names one after the other and collects what is wrong with them.
pub struct Reader<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Reads from `lookup`: the process environment, a Worker's `Env`, a test's map.
    pub fn new(lookup: L) -> Reader<L> {
        Reader { lookup, problems: Vec::new() }
    }

    /// The value of `name`; empty, with the problem noted, if there is none.
    pub fn text(&mut self, name: &str) -> String {
        let value = (self.lookup)(name).filter(|value| !value.is_empty());
        value.unwrap_or_else(|| {
            self.problems.push(format!("{name} is not set"));
            String::new()
        })
    }

    /// The value of `name`, which no output ever shows.
    pub fn secret(&mut self, name: &str) -> Secret {
        Secret(self.text(name))
    }

    /// The value of `name` as `parse` reads it; `None`, with the problem noted, if it is missing or bad.
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name);
        if text.is_empty() { None } else { self.checked(name, parse(&text)) }
    }

    /// The value of `name` as `parse` reads it, or `default` if it is not set; `None`, with the problem noted, if it
    /// is bad.
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

    /// What `result` holds; `None`, with the problem noted, if it is an error.
    pub fn checked<T, E: std::fmt::Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.problems.push(format!("{name} is wrong: {error}"))).ok()
    }

    /// `value` if nothing was missing or bad.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, BadConfig> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(BadConfig(self.problems)),
        }
    }
}

/// A value that is never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: String) -> Secret {
        Secret(value)
    }

    /// The value, where it is used.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_come_at_once_and_no_value_is_shown() {
        let mut reader = Reader::new(|name| (name == "PORT").then(|| "s3cret".to_owned()));
        let table = reader.text("TABLE");
        let port = reader.parsed("PORT", str::parse::<u16>);
        let error = reader.finish(port.map(|port| (table, port))).unwrap_err().to_string();
        assert!(error.contains("TABLE is not set") && error.contains("PORT is wrong"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn what_may_be_left_out_has_a_default_and_is_checked_if_it_is_there() {
        let mut reader = Reader::new(|name| (name == "BAD").then(|| "x".to_owned()));
        assert_eq!(reader.parsed_or("DAYS", 7, str::parse::<u16>), Some(7));
        assert_eq!(reader.parsed_or("BAD", 7, str::parse::<u16>), None);
        assert!(reader.finish(Some(())).unwrap_err().to_string().contains("BAD is wrong"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("s3cret".into())), "Secret(…)");
    }
}
