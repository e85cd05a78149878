//! The command line of `cargo xtask replay`.

use std::path::PathBuf;

use clap::{Parser, value_parser};

/// Several tills sell a day of invoices and must end with equal records.
#[derive(Debug, Parser)]
#[command(name = "replay")]
pub struct Arguments {
    /// The day as CSV [default: a generated day]
    pub(super) file: Option<PathBuf>,
    /// Number of tills; each is a user, a device and a socket
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u8).range(1..=64))]
    pub(super) tills: u8,
    /// A running edge [default: a stack of its own]
    #[arg(long)]
    url: Option<String>,
    /// Data folder of the running stack
    #[arg(long, default_value = ".tillsync")]
    pub(super) data: PathBuf,
}

impl Arguments {
    /// The running edge, without a slash at the end.
    pub(super) fn edge_url(&self) -> Option<&str> {
        self.url.as_deref().map(|url| url.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["replay"], words].concat())
    }

    #[test]
    fn options_are_parsed_and_invalid_ones_refused() {
        let all = parse(&["day.csv", "--tills", "2", "--url", "http://x/", "--data", "d"]).unwrap();
        assert_eq!((all.file.as_deref(), all.tills), (Some("day.csv".as_ref()), 2));
        assert_eq!((all.edge_url(), all.data.as_path()), (Some("http://x"), "d".as_ref()));
        assert_eq!(parse(&[]).unwrap().tills, 4);
        for bad in [&["--tills", "0"][..], &["--tills", "x"], &["--what"], &["a", "b"], &["--url"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
