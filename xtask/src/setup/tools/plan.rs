//! Where each tool comes from and how long that takes, as pure functions.

use super::Tool;

/// Seconds that a download with cargo-binstall takes, roughly.
const DOWNLOAD_SECS: u32 = 10;

/// With more processors than this, tools are installed at once. One build keeps two processors busy.
const PROCESSORS_OF_ONE_BUILD: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// An earlier installation in the user's cache.
    Cache,
    /// A program on PATH that has the required version.
    Path,
    /// `cargo binstall`; a tool that it cannot download is compiled.
    Download,
    /// `cargo install`.
    Compile,
}

impl Source {
    pub(super) fn needs_installation(self) -> bool {
        matches!(self, Self::Download | Self::Compile)
    }
}

/// Chooses the quickest source that has the required version.
pub(super) fn source(is_cached: bool, on_path: Option<&str>, required: &str, has_binstall: bool) -> Source {
    if is_cached {
        Source::Cache
    } else if on_path == Some(required) {
        Source::Path
    } else if has_binstall {
        Source::Download
    } else {
        Source::Compile
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order<'version> {
    pub(super) steps: Vec<(Tool<'version>, Source)>,
    /// At once, or one after the other.
    pub(super) at_once: bool,
}

/// Selects the tools that need an installation.
pub(super) fn order<'version>(
    tools: impl IntoIterator<Item = (Tool<'version>, Source)>,
    processors: usize,
) -> Order<'version> {
    let steps: Vec<_> = tools.into_iter().filter(|(_, source)| source.needs_installation()).collect();
    let at_once = steps.len() > 1 && processors > PROCESSORS_OF_ONE_BUILD;
    Order { steps, at_once }
}

impl Order<'_> {
    /// One line about what will be installed, how and about how long it takes. Nothing for no tools.
    pub(super) fn announcement(&self) -> Option<String> {
        let (_, source) = self.steps.first()?;
        let labels: Vec<String> = self.steps.iter().map(|(tool, _)| tool.label()).collect();
        let labels = join(&labels);
        let building = self.minutes(|tool| tool.build_secs);
        Some(if *source == Source::Download {
            let downloading = self.minutes(|_| DOWNLOAD_SECS);
            let otherwise = match building == downloading {
                true => String::new(),
                false => format!(", or {building} without a download"),
            };
            format!(
                "downloading {labels} with cargo-binstall, once for all clones: about {downloading}{otherwise}"
            )
        } else {
            format!("building {labels} from source, once for all clones: about {building}")
        })
    }

    /// At once, the longest one counts. One after the other, they add up.
    fn minutes(&self, secs: impl Fn(&Tool<'_>) -> u32) -> String {
        let each = self.steps.iter().map(|(tool, _)| secs(tool));
        let secs: u32 = if self.at_once { each.max().unwrap_or_default() } else { each.sum() };
        match secs.div_ceil(60) {
            0 | 1 => "1 minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
fn join(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CARGO_DENY, CARGO_MACHETE, WORKER_BUILD, wasm_bindgen};
    use super::*;

    #[test]
    fn a_tool_comes_from_the_quickest_source() {
        assert_eq!(source(true, Some("1.0.0"), "2.0.0", true), Source::Cache);
        assert_eq!(source(false, Some("2.0.0"), "2.0.0", true), Source::Path);
        assert_eq!(source(false, Some("1.0.0"), "2.0.0", true), Source::Download);
        assert_eq!(source(false, None, "2.0.0", true), Source::Download);
        assert_eq!(source(false, Some("2.0.1"), "2.0.0", false), Source::Compile);
        assert_eq!(source(false, None, "2.0.0", false), Source::Compile);
    }

    #[test]
    fn two_processors_build_one_tool_after_the_other() {
        let tools = [WORKER_BUILD, wasm_bindgen("0.2.130")].map(|tool| (tool, Source::Compile));
        let order = order(tools, 2);
        assert!(!order.at_once);
        assert_eq!(order.steps, tools);
        assert_eq!(
            order.announcement().unwrap(),
            "building worker-build 0.8.7 and wasm-bindgen-cli 0.2.130 from source, once for all clones: \
             about 5 minutes"
        );
    }

    #[test]
    fn more_processors_build_at_once_and_the_longest_build_counts() {
        let tools = [WORKER_BUILD, wasm_bindgen("0.2.130")].map(|tool| (tool, Source::Compile));
        let both = order(tools, 3);
        assert!(both.at_once);
        assert!(both.announcement().unwrap().ends_with(": about 4 minutes"));
        assert!(!order([(WORKER_BUILD, Source::Compile)], 16).at_once);
    }

    #[test]
    fn a_download_is_announced_with_the_time_of_a_build() {
        let one = order([(CARGO_MACHETE, Source::Download)], 2).announcement().unwrap();
        assert!(one.ends_with("clones: about 1 minute"), "{one}");
        let tools = [CARGO_DENY, CARGO_MACHETE, WORKER_BUILD].map(|tool| (tool, Source::Download));
        assert_eq!(
            order(tools, 2).announcement().unwrap(),
            "downloading cargo-deny 0.20.2, cargo-machete 0.9.2 and worker-build 0.8.7 with cargo-binstall, \
             once for all clones: about 1 minute, or 6 minutes without a download"
        );
    }

    #[test]
    fn tools_that_are_there_are_neither_installed_nor_announced() {
        let order = order([(CARGO_DENY, Source::Path), (CARGO_MACHETE, Source::Cache)], 8);
        assert_eq!(order.steps, []);
        assert!(!order.at_once);
        assert_eq!(order.announcement(), None);
    }
}
