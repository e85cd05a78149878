//! The command line of `cargo xtask sim`.

use std::path::PathBuf;

use clap::{Parser, value_parser};

/// Runs random scenarios and checks every invariant after each.
#[derive(Clone, Debug, Parser)]
#[command(name = "sim")]
pub struct Arguments {
    /// Run this seed only
    #[arg(long, conflicts_with_all = ["seeds", "first_seed"])]
    seed: Option<u64>,
    /// Number of seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Tills in a run; the last is another client's
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u16).range(3..=10_000))]
    pub(crate) tills: u16,
    /// Steps in a run; every fourth has one of another program beside it
    #[arg(long, default_value_t = 300, value_parser = value_parser!(u16).range(1..=10_000))]
    pub(crate) steps: u16,
    /// Start no run after this time
    #[arg(long)]
    pub(crate) minutes: Option<u64>,
    /// Runs at a time [default: the number of processors]
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Notes the seeds that have passed in this file, and goes on from there
    #[arg(long, conflicts_with = "seed")]
    pub(crate) resume: Option<PathBuf>,
}

impl Arguments {
    /// The first seed and the number of seeds.
    pub(crate) fn seeds(&self) -> (u64, u64) {
        self.seed.map_or((self.first_seed, self.seeds), |seed| (seed, 1))
    }

    /// The command that runs one seed again.
    pub(crate) fn command(&self, seed: u64) -> String {
        format!("cargo xtask sim --seed {seed} --tills {} --steps {}", self.tills, self.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["sim"], words].concat())
    }

    #[test]
    fn options_are_parsed_and_invalid_ones_refused() {
        let one = parse(&["--seed", "7", "--tills", "3", "--steps", "50"]).unwrap();
        assert_eq!((one.seeds(), one.tills, one.steps), ((7, 1), 3, 50));
        assert_eq!(one.command(7), "cargo xtask sim --seed 7 --tills 3 --steps 50");
        let many = ["--first-seed", "501", "--seeds", "500", "--minutes", "5", "--threads", "2"];
        let many = parse(&many).unwrap();
        assert_eq!((many.seeds(), many.minutes, many.threads), ((501, 500), Some(5), Some(2)));
        assert_eq!(many.resume, None);
        let long = parse(&["--seeds", "10000", "--resume", "seeds.json"]).unwrap();
        assert_eq!(long.resume, Some(PathBuf::from("seeds.json")));
        for bad in [
            &["--tills", "2"][..],
            &["--steps", "x"],
            &["--what"],
            &["7"],
            &["--seed"],
            &["--seed", "7", "--resume", "x"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
