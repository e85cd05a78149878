//! The targets of the figures.

use std::error::Error;

/// The targets of the figures, and which of them are missed. All is measured before the benchmark fails.
#[derive(Default)]
pub(super) struct Targets(Vec<String>);

impl Targets {
    /// Notes `target` as missed unless it is met.
    pub(super) fn expect(&mut self, is_met: bool, target: &str) {
        self.0.extend((!is_met).then(|| target.to_owned()));
    }

    pub(super) fn result(self) -> Result<(), Box<dyn Error>> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("missed targets: {}", self.0.join("; ")).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_missed_target_fails_the_run() {
        let mut targets = Targets::default();
        targets.expect(true, "one");
        assert!(Targets::default().result().is_ok());
        targets.expect(false, "two");
        targets.expect(true, "three");
        assert_eq!(targets.result().unwrap_err().to_string(), "missed targets: two");
    }
}
