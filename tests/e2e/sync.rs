//! Sync end to end: push, pull, conflicts, dead letters and the broadcast.

pub(crate) mod absence;
pub(crate) mod asked_snapshots;
pub(crate) mod base_stamps;
pub(crate) mod batch_frames;
pub(crate) mod branches;
pub(crate) mod broadcast;
pub(crate) mod checkpoints;
pub(crate) mod clocks;
pub(crate) mod concurrency;
pub(crate) mod counts;
pub(crate) mod cursors;
pub(crate) mod damage;
pub(crate) mod damaged_keys;
pub(crate) mod dead_letters;
pub(crate) mod deployments;
pub(crate) mod devices;
pub(crate) mod failed_groups;
pub(crate) mod fault_run;
pub(crate) mod faults;
pub(crate) mod few_tables;
pub(crate) mod groups;
pub(crate) mod head_office;
pub(crate) mod heads;
pub(crate) mod late;
pub(crate) mod many_branches;
pub(crate) mod oversize;
pub(crate) mod own_batches;
pub(crate) mod policies;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod record_groups;
pub(crate) mod repairs;
pub(crate) mod resolve;
pub(crate) mod restore;
pub(crate) mod shop_day;
pub(crate) mod stats;
pub(crate) mod tenancy;
pub(crate) mod turns;
pub(crate) mod undated;
pub(crate) mod values;
pub(crate) mod versions;
pub(crate) mod windows;

trials! {
    modules: absence, asked_snapshots, base_stamps, batch_frames, branches, broadcast, checkpoints, clocks,
    concurrency, counts, cursors, damage, damaged_keys, dead_letters, deployments, devices, failed_groups,
    fault_run, faults, few_tables, groups, head_office, heads, late, many_branches, oversize, own_batches,
    policies, pull, push, record_groups, repairs, resolve, restore, shop_day, stats, tenancy, turns,
    undated, values, versions, windows,
}
