use super::*;

#[test]
fn a_seed_gives_the_same_run_every_time() {
    let stage = Stage::build().unwrap();
    let steps = plan::plan(11, 5, 120);
    let first = play(&stage, 11, 5, &steps, None).unwrap();
    assert_eq!(play(&stage, 11, 5, &steps, None).unwrap(), first);
    assert_eq!(first.findings, vec![]);
}
