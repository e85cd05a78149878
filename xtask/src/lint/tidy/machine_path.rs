//! Paths that exist on one machine only.

use std::path::Path;

use super::Source;

/// Folders that every machine has. A clone may stand in one, and files may name them.
const SHARED_FOLDERS: [&str; 8] = ["/etc", "/home", "/mnt", "/opt", "/srv", "/tmp", "/usr", "/var"];

/// The folders of home directories; a user's name has to follow.
const HOMES: [&str; 2] = ["/home/", "/Users/"];

/// The folders of this machine: the clone, its parent folder, the user's home.
pub(super) fn folders(root: &Path, home: Option<&Path>) -> Vec<String> {
    let mut folders = Vec::new();
    for folder in [Some(root), root.parent(), home].into_iter().flatten() {
        let folder = folder.to_string_lossy();
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() && !SHARED_FOLDERS.contains(&folder) {
            folders.push(format!("{folder}/"));
        }
    }
    folders
}

/// Findings about lines with a path below one of the folders or below any home directory.
pub(super) fn check(source: &Source, folders: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, number) in source.text.lines().zip(1_usize..) {
        let here = folders.iter().any(|folder| has_path(line, folder, |_| true));
        let home = HOMES.iter().any(|home| has_path(line, home, |rest| rest.starts_with(is_path_character)));
        if here || home {
            findings.push(format!("{}:{number}: a path that exists on one machine only", source.path));
        }
    }
    findings
}

/// Whether a path in the line begins with the folder, and the rest of the line matches.
fn has_path(line: &str, folder: &str, matches: impl Fn(&str) -> bool) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let (before, from) = line.split_at(at);
        !before.ends_with(is_path_character) && from.strip_prefix(folder).is_some_and(&matches)
    })
}

/// Before a folder, such a character belongs to a longer path, a URL or a variable; after it, to a name.
fn is_path_character(character: char) -> bool {
    character.is_alphanumeric() || "._-/~}".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let folders = folders(Path::new("/clones/till"), Some(Path::new("/people/anna")));
        check(&Source { path: "a.md".into(), text: text.into() }, &folders)
    }

    #[test]
    fn paths_of_this_machine_and_of_any_home_are_found() {
        assert_eq!(found("fine\ncd /clones/till/edge\n"), ["a.md:2: a path that exists on one machine only"]);
        assert_eq!(found("see `/clones/notes/a.md`").len(), 1);
        assert_eq!(found("cache = \"/people/anna/.cache\"").len(), 1);
        let elsewhere = format!("open {}bob/x", "/home/");
        assert_eq!(found(&elsewhere).len(), 1);
    }

    #[test]
    fn relative_paths_urls_and_routes_are_allowed() {
        for text in ["../clones/till/x", "https://shop.example/home/bob", "${HOME}/home/bob", "GET /home/"] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn folders_that_every_machine_has_are_allowed() {
        assert_eq!(folders(Path::new("/tmp/till"), Some(Path::new("/"))), ["/tmp/till/"]);
    }
}
