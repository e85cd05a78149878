use std::thread;

use super::*;

const TILLS: usize = 5;
const STEPS: usize = 300;

#[test]
fn a_seed_gives_the_same_run_every_time() {
    let environment = Environment::load().unwrap();
    for seed in [11, 12, 13] {
        let steps = scenario::scenario(seed, TILLS, 120);
        let first = simulate(&environment, seed, TILLS, &steps, None).unwrap();
        assert_eq!(simulate(&environment, seed, TILLS, &steps, None).unwrap(), first, "seed {seed}");
        assert_eq!(first.violations, vec![], "seed {seed}");
    }
}

/// Each mutation with the number of seeds within which a check must fail.
const MUTATIONS: [(Mutation, u64); 11] = [
    (Mutation::NoHeadCondition, 20),
    (Mutation::NoConditionChecks, 100),
    (Mutation::NoMarker, 20),
    (Mutation::MarkerWithoutDevice, 20),
    (Mutation::WallClock, 40),
    (Mutation::EarlyPurge, 100),
    (Mutation::LateTail, 60),
    (Mutation::ChunkStamp, 20),
    (Mutation::LastPutWins, 20),
    (Mutation::FreshBatchIds, 40),
    (Mutation::AlwaysTooLarge, 1),
];

#[test]
fn every_mutation_is_detected() {
    let environment = Environment::load().unwrap();
    let environment = &environment;
    let detect = &|mutation: Mutation, seeds_max: u64| {
        (1..=seeds_max).any(|seed| {
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
        for (mutation, seeds_max) in MUTATIONS {
            scope.spawn(move || assert!(detect(mutation, seeds_max), "{mutation:?} is not detected"));
        }
    });
}
