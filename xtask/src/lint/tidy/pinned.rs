//! Lock files pin every file they name by a hash, on every platform.
//!
//! A lock file that was written on one platform can lack the hashes of the packages of others, and then the
//! tool installs whatever the registry serves.

use super::Source;

/// Findings about the lock files of npm, pip and Cargo.
pub(super) fn check(source: &Source) -> Vec<String> {
    let unpinned = match source.name() {
        "package-lock.json" => npm(&source.text),
        name if name.ends_with("requirements.txt") => pip(&source.text),
        "Cargo.lock" => cargo(&source.text),
        _ => Vec::new(),
    };
    unpinned.into_iter().map(|name| format!("{}: {name} has no hash", source.path)).collect()
}

/// npm writes one entry per package below `node_modules/`, indented by four spaces, and its members by six.
fn npm(text: &str) -> Vec<String> {
    let package =
        |line: &str| Some(line.strip_prefix("    \"node_modules/")?.strip_suffix("\": {")?.to_owned());
    unpinned(text, package, |line| line.starts_with("      \"integrity\": \"sha512-"))
}

/// A requirement begins a line; its hashes follow on indented lines.
fn pip(text: &str) -> Vec<String> {
    let package =
        |line: &str| Some(line.split_once("==").filter(|_| !line.starts_with([' ', '#']))?.0.to_owned());
    unpinned(text, package, |line| line.starts_with("    --hash=sha256:"))
}

/// Cargo writes a package's name, version, source and checksum on lines of their own. Crates of this
/// workspace have no source.
fn cargo(text: &str) -> Vec<String> {
    let packages = text.split("[[package]]\n").skip(1);
    let is_unpinned =
        |package: &&str| package.contains("\nsource = ") && !package.contains("\nchecksum = \"");
    packages
        .filter(is_unpinned)
        .map(|package| package.lines().next().unwrap_or_default().to_owned())
        .collect()
}

/// The packages without a line that `is_hash`.
fn unpinned(
    text: &str,
    package: impl Fn(&str) -> Option<String>,
    is_hash: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut unpinned = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        if let Some(next) = package(line) {
            unpinned.extend(open.replace(next));
        } else if is_hash(line) {
            open = None;
        }
    }
    unpinned.extend(open);
    unpinned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        check(&Source { path: format!("x/{name}"), text: text.into() })
    }

    #[test]
    fn a_package_of_another_platform_without_a_hash_is_found() {
        let entry = |name: &str, hash: &str| {
            format!("    \"node_modules/{name}\": {{\n      \"version\": \"1.0.0\"{hash}\n    }},\n")
        };
        let hash = ",\n      \"integrity\": \"sha512-abc==\"";
        let text = [entry("a", hash), entry("@c/darwin-64", ""), entry("b", hash), entry("c", "")].concat();
        assert_eq!(
            found("package-lock.json", &text),
            ["x/package-lock.json: @c/darwin-64 has no hash", "x/package-lock.json: c has no hash"]
        );
        assert_eq!(found("package-lock.json", &entry("a", hash)), [""; 0]);
    }

    #[test]
    fn a_requirement_without_a_hash_is_found() {
        let text = "# cfn-lint==0\na==1 \\\n    --hash=sha256:ab\nb==2\n";
        assert_eq!(found("requirements.txt", text), ["x/requirements.txt: b has no hash"]);
    }

    #[test]
    fn a_crate_from_elsewhere_without_a_checksum_is_found() {
        let text = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"git\"\nversion = \"1.0.0\"\nsource = \"git+https://x\"\n\n\
                    [[package]]\nname = \"ok\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"ab\"\n";
        assert_eq!(found("Cargo.lock", text), ["x/Cargo.lock: name = \"git\" has no hash"]);
    }

    #[test]
    fn the_lock_files_of_this_project_pin_everything() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for path in [
            "package-lock.json",
            "xtask/requirements.txt",
            "xtask/valkey-requirements.txt",
            "Cargo.lock",
            "xtask/wasm-bindgen/Cargo.lock",
        ] {
            let text = std::fs::read_to_string(root.join(path)).unwrap();
            assert!(text.contains("sha") || text.contains("checksum"), "{path}");
            assert_eq!(check(&Source { path: path.into(), text }), [""; 0]);
        }
    }
}
