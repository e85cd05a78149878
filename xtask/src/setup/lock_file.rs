//! The version of a crate in `Cargo.lock`.

use std::fs;

use super::SetupError;
use crate::project::Project;

/// The version that the workspace uses.
pub(crate) fn version_of(project: &Project, crate_name: &'static str) -> Result<String, SetupError> {
    let text = fs::read_to_string(project.root.join("Cargo.lock"))
        .map_err(|source| SetupError::LockFile { source })?;
    find(&text, crate_name).map(str::to_owned).ok_or(SetupError::NoSuchCrate { crate_name })
}

/// Cargo writes a package's `name` and `version` on two lines, in this order.
fn find<'text>(text: &'text str, crate_name: &str) -> Option<&'text str> {
    let name = format!("name = \"{crate_name}\"");
    let mut lines = text.lines();
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version = 4\n\n\
        [[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n\n\
        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\ndependencies = [\n \"cfg-if\",\n]\n";

    #[test]
    fn the_version_is_that_of_the_exact_crate() {
        assert_eq!(find(TEXT, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(find(TEXT, "wasm-bindgen-macro"), Some("0.2.1"));
        assert_eq!(find(TEXT, "wasm"), None);
        assert_eq!(find("", "wasm-bindgen"), None);
    }
}
