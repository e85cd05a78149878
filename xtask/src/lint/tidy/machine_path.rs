//! No path of anybody's machine: what works here must work there.

use std::path::Path;

use super::Source;

/// Folders directly below the root of the file system that belong to nobody in particular: a clone may
/// stand in one, and files may name them.
const EVERYBODYS: [&str; 8] = ["/etc", "/home", "/mnt", "/opt", "/srv", "/tmp", "/usr", "/var"];

/// Where people have their homes; a name has to follow.
const HOMES: [&str; 2] = ["/home/", "/Users/"];

/// The places of this very machine: the clone, the folder it stands in, the user's home.
pub(super) fn places(root: &Path, home: Option<&Path>) -> Vec<String> {
    let mut places = Vec::new();
    for place in [Some(root), root.parent(), home].into_iter().flatten() {
        let place = place.to_string_lossy();
        let place = place.trim_end_matches('/');
        if !place.is_empty() && !EVERYBODYS.contains(&place) {
            places.push(format!("{place}/"));
        }
    }
    places
}

/// The lines that name one of the places, or anybody's home.
pub(super) fn check(source: &Source, places: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, number) in source.text.lines().zip(1_usize..) {
        let ours = places.iter().any(|place| names(line, place, |_| true));
        let somebodys = HOMES.iter().any(|home| names(line, home, |rest| rest.starts_with(is_of_a_path)));
        if ours || somebodys {
            findings.push(format!("{}:{number}: a path of somebody's machine", source.path));
        }
    }
    findings
}

/// Whether the line has the place as the beginning of a path, and what comes after it is as wanted.
fn names(line: &str, place: &str, wanted: impl Fn(&str) -> bool) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let (before, from) = line.split_at(at);
        !before.ends_with(is_of_a_path) && from.strip_prefix(place).is_some_and(&wanted)
    })
}

/// Before the place it makes it the middle of a longer path, a URL or a variable's; after it, a name.
fn is_of_a_path(character: char) -> bool {
    character.is_alphanumeric() || "._-/~}".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let places = places(Path::new("/clones/till"), Some(Path::new("/people/anna")));
        check(&Source { path: "a.md".into(), text: text.into() }, &places)
    }

    #[test]
    fn paths_of_this_machine_and_of_any_home_are_found() {
        assert_eq!(found("fine\ncd /clones/till/edge\n"), ["a.md:2: a path of somebody's machine"]);
        assert_eq!(found("see `/clones/notes/a.md`").len(), 1);
        assert_eq!(found("cache = \"/people/anna/.cache\"").len(), 1);
        let elsewhere = format!("open {}bob/x", "/home/");
        assert_eq!(found(&elsewhere).len(), 1);
    }

    #[test]
    fn relative_paths_urls_and_routes_are_none() {
        for text in ["../clones/till/x", "https://shop.example/home/bob", "${HOME}/home/bob", "GET /home/"] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn folders_that_every_machine_has_may_be_named() {
        assert_eq!(places(Path::new("/tmp/till"), Some(Path::new("/"))), ["/tmp/till/"]);
    }
}
