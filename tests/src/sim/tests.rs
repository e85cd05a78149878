use std::ops::RangeInclusive;
use std::thread;

use super::*;

const TILLS: usize = 5;
const STEPS: usize = 300;

#[test]
fn a_seed_gives_the_same_run_every_time() {
    let environment = Environment::load().unwrap();
    for seed in [7, 9, 12, 25] {
        let steps = scenario::scenario(seed, TILLS, 120);
        let first = simulate(&environment, seed, TILLS, &steps, None).unwrap();
        assert_eq!(simulate(&environment, seed, TILLS, &steps, None).unwrap(), first, "seed {seed}");
        assert_eq!(first.violations, vec![], "seed {seed}");
    }
}

/// Each mutation with the seeds among which a check must fail. A rare fault begins shortly before the seed
/// that shows it.
const MUTATIONS: [(Mutation, RangeInclusive<u64>); 33] = [
    (Mutation::NoHeadCondition, 1..=20),
    (Mutation::NoConditionChecks, 290..=310),
    (Mutation::NoMarker, 1..=20),
    (Mutation::MarkerWithoutDevice, 1..=20),
    (Mutation::WallClock, 1..=40),
    (Mutation::EarlyPurge, 1..=60),
    (Mutation::LateTail, 1..=60),
    (Mutation::ChunkStamp, 1..=20),
    (Mutation::PassedOver, 76..=110),
    (Mutation::LastPutWins, 1..=20),
    (Mutation::FreshBatchIds, 1..=40),
    (Mutation::AlwaysTooLarge, 1..=1),
    (Mutation::SwappedAnswers, 1..=20),
    (Mutation::NoSettling, 1..=60),
    (Mutation::WholeSizes, 1..=40),
    (Mutation::OverlappingChanges, 1..=80),
    (Mutation::ComparedSpellings, 1..=40),
    (Mutation::SkippedTables, 1..=80),
    (Mutation::NoTablesDigest, 1..=80),
    (Mutation::LateBatches, 1..=60),
    (Mutation::KeptCursor, 100..=160),
    (Mutation::NoInvalidation, 1..=60),
    (Mutation::EternalEntries, 1..=60),
    (Mutation::IgnoredMin, 1..=60),
    (Mutation::OthersStatistics, 1..=60),
    (Mutation::ClaimedResolutions, 1..=60),
    (Mutation::UncountedCommits, 1..=20),
    (Mutation::LostCartChange, 1..=60),
    (Mutation::IgnoredGroups, 1..=20),
    (Mutation::IgnoredBaseStamps, 1..=20),
    (Mutation::IgnoredModes, 1..=20),
    (Mutation::StaleStamps, 1..=80),
    (Mutation::UnnotedNumbers, 1..=1),
];

/// Whether only runs with other programs beside the tills can show a mutation.
fn needs_programs(mutation: Mutation) -> bool {
    use Mutation::{ClaimedResolutions, EternalEntries, IgnoredMin, LostCartChange};
    matches!(mutation, ClaimedResolutions | EternalEntries | IgnoredMin | LostCartChange)
        || matches!(mutation, Mutation::NoInvalidation | Mutation::OthersStatistics)
}

#[test]
fn every_mutation_is_detected() {
    let environment = Environment::load().unwrap();
    let environment = &environment;
    let detect = &|mutation: Mutation, seeds: RangeInclusive<u64>| {
        let is_apt = |seed: &u64| match mutation {
            Mutation::KeptCursor => actors::has_many_branches(*seed),
            _ => !needs_programs(mutation) || scenario::has_programs(*seed),
        };
        seeds.filter(is_apt).any(|seed| {
            let steps = scenario::scenario(seed, TILLS, STEPS);
            let result = simulate(environment, seed, TILLS, &steps, Some(mutation)).unwrap();
            result
                .violations
                .first()
                .inspect(|first| println!("{mutation:?}, seed {seed}: {first}"))
                .is_some()
        })
    };
    thread::scope(|scope| {
        for (mutation, seeds) in MUTATIONS {
            scope.spawn(move || assert!(detect(mutation, seeds), "{mutation:?} is not detected"));
        }
    });
}
