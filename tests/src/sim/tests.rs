use super::*;

const TILLS: usize = 5;
const STEPS: usize = 300;

#[test]
fn a_seed_gives_the_same_run_every_time() {
    let stage = Stage::build().unwrap();
    for seed in [11, 12, 13] {
        let steps = plan::plan(seed, TILLS, 120);
        let first = play(&stage, seed, TILLS, &steps, None).unwrap();
        assert_eq!(play(&stage, seed, TILLS, &steps, None).unwrap(), first, "seed {seed}");
        assert_eq!(first.findings, vec![], "seed {seed}");
    }
}

/// Plays seeds without the rule until a check notices; one must within `seeds_max`.
fn is_caught(sabotage: Sabotage, seeds_max: u64) {
    let stage = Stage::build().unwrap();
    for seed in 1..=seeds_max {
        let steps = plan::plan(seed, TILLS, STEPS);
        let outcome = play(&stage, seed, TILLS, &steps, Some(sabotage)).unwrap();
        if let Some(finding) = outcome.findings.first() {
            println!("{sabotage:?} is caught by seed {seed}: {finding}");
            return;
        }
    }
    panic!("{sabotage:?} is not noticed in {seeds_max} seeds");
}

#[test]
fn a_commit_without_heads_condition_is_caught() {
    is_caught(Sabotage::NoHeadCondition, 20);
}

#[test]
fn a_commit_without_checks_of_what_was_only_read_is_caught() {
    is_caught(Sabotage::NoConditionChecks, 60);
}

#[test]
fn a_forgotten_marker_is_caught() {
    is_caught(Sabotage::NoMarker, 20);
}

#[test]
fn a_marker_without_its_device_is_caught() {
    is_caught(Sabotage::MarkerWithoutDevice, 20);
}

#[test]
fn tills_that_compare_wall_clocks_are_caught() {
    is_caught(Sabotage::WallClock, 40);
}

#[test]
fn a_tombstone_that_is_purged_early_is_caught() {
    is_caught(Sabotage::EarlyPurge, 60);
}

#[test]
fn a_tail_that_begins_at_the_walks_end_is_caught() {
    is_caught(Sabotage::LateTail, 60);
}

#[test]
fn trust_in_a_chunks_stamp_is_caught() {
    is_caught(Sabotage::ChunkStamp, 20);
}

#[test]
fn commits_without_any_condition_are_caught() {
    is_caught(Sabotage::LastPutWins, 20);
}

#[test]
fn batches_that_are_sent_again_under_another_name_are_caught() {
    is_caught(Sabotage::FreshBatchIds, 40);
}
