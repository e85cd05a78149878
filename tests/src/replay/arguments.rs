//! `replay [FILE.csv] [--tills 4] [--url URL] [--data DIR]`

use std::ffi::OsString;

use lexopt::prelude::*;

/// Tills, at most: each is a user, a device and a socket.
const TILLS_MAX: usize = 64;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    /// A day as CSV; a generated one without.
    pub(super) file: Option<OsString>,
    /// How many tills.
    pub(super) tills: usize,
    /// A running edge; a stack of its own without.
    pub(super) url: Option<String>,
    /// Where the running stack keeps its data.
    pub(super) data: OsString,
}

/// A command line that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum BadArguments {
    /// An option that does not exist, or a value that does not fit.
    #[error(
        "failed to read the command line: {0}; usage: replay [FILE.csv] [--tills 4] [--url URL] [--data DIR]"
    )]
    Option(#[from] lexopt::Error),
    /// Too few or too many tills.
    #[error("failed to read the command line: --tills must be 1 to {TILLS_MAX}")]
    Tills,
}

impl Arguments {
    pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Arguments, BadArguments> {
        let mut parsed = Arguments { file: None, tills: 4, url: None, data: ".tillsync".into() };
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("tills") => parsed.tills = parser.value()?.parse()?,
                Long("url") => parsed.url = Some(parser.value()?.string()?.trim_end_matches('/').to_owned()),
                Long("data") => parsed.data = parser.value()?,
                Value(file) if parsed.file.is_none() => parsed.file = Some(file),
                other => return Err(other.unexpected().into()),
            }
        }
        if (1..=TILLS_MAX).contains(&parsed.tills) { Ok(parsed) } else { Err(BadArguments::Tills) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, BadArguments> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn reads_what_the_usage_says() {
        let all = parse(&["day.csv", "--tills", "2", "--url", "http://x/", "--data", "d"]).unwrap();
        assert_eq!((all.file, all.tills, all.url.as_deref()), (Some("day.csv".into()), 2, Some("http://x")));
        assert_eq!(parse(&[]).unwrap().tills, 4);
    }

    #[test]
    fn refuses_the_rest() {
        for bad in [&["--tills", "0"][..], &["--tills", "x"], &["--what"], &["a", "b"], &["--url"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
