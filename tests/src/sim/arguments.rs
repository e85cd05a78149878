//! `sim [--seed N] [--seeds 1000] [--first-seed 1] [--tills 5] [--steps 300] [--minutes M] [--threads T]`

use std::ffi::OsString;

use lexopt::prelude::*;

/// What `--help` would say.
const USAGE: &str =
    "sim [--seed N] [--seeds 1000] [--first-seed 1] [--tills 5] [--steps 300] [--minutes M] [--threads T]";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// The first seed to play.
    pub first_seed: u64,
    /// How many.
    pub seeds: u64,
    /// Tills in a run.
    pub tills: usize,
    /// Steps in a run.
    pub steps: usize,
    /// Minutes after which no other seed is begun.
    pub minutes: Option<u64>,
    /// Runs at a time; as many as the machine has processors, if absent.
    pub threads: Option<usize>,
}

/// A command line that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum BadArguments {
    /// An option that does not exist, or a value that does not fit.
    #[error("failed to read the command line: {0}; usage: {USAGE}")]
    Option(#[from] lexopt::Error),
    /// A number that makes no run.
    #[error("failed to read the command line: --tills and --steps must be 1 to 10000; usage: {USAGE}")]
    Range,
}

impl Arguments {
    /// Reads the words after the program's name.
    pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Arguments, BadArguments> {
        let mut parsed =
            Arguments { first_seed: 1, seeds: 1000, tills: 5, steps: 300, minutes: None, threads: None };
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("seed") => (parsed.first_seed, parsed.seeds) = (parser.value()?.parse()?, 1),
                Long("seeds") => parsed.seeds = parser.value()?.parse()?,
                Long("first-seed") => parsed.first_seed = parser.value()?.parse()?,
                Long("tills") => parsed.tills = parser.value()?.parse()?,
                Long("steps") => parsed.steps = parser.value()?.parse()?,
                Long("minutes") => parsed.minutes = Some(parser.value()?.parse()?),
                Long("threads") => parsed.threads = Some(parser.value()?.parse()?),
                other => return Err(other.unexpected().into()),
            }
        }
        let fits = |number: usize| (1..=10_000).contains(&number);
        if fits(parsed.tills) && fits(parsed.steps) { Ok(parsed) } else { Err(BadArguments::Range) }
    }

    /// The command that plays one seed again.
    pub fn again(&self, seed: u64) -> String {
        format!("cargo xtask sim --seed {seed} --tills {} --steps {}", self.tills, self.steps)
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
        let one = parse(&["--seed", "7", "--tills", "3", "--steps", "50"]).unwrap();
        assert_eq!((one.first_seed, one.seeds, one.tills, one.steps), (7, 1, 3, 50));
        assert_eq!(one.again(7), "cargo xtask sim --seed 7 --tills 3 --steps 50");
        let many =
            parse(&["--first-seed", "501", "--seeds", "500", "--minutes", "5", "--threads", "2"]).unwrap();
        assert_eq!((many.first_seed, many.seeds, many.minutes, many.threads), (501, 500, Some(5), Some(2)));
    }

    #[test]
    fn refuses_the_rest() {
        for bad in [&["--tills", "0"][..], &["--steps", "x"], &["--what"], &["7"], &["--seed"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
