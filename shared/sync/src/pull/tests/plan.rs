//! The reads of a pull.

use super::query::cashier;
use super::shop::pull;
use crate::cursor::walk::Walk;
use crate::cursor::{Position, position_text};
use crate::pull::plan::{ReadPlan, plan};
use crate::pull::query::RoomStart;
use crate::snapshot::Head;
use crate::tests::rules;
use protocol::error::ErrorCode;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

fn head(stamp: u64) -> Head {
    Head { stamp: Stamp(stamp), changes: 1000, log_items: 20, ..Head::default() }
}

#[test]
fn only_a_time_may_lie_beyond_the_last_change() {
    let read = |pair: (&str, &str)| plan(&rules().tables, &head(50), &cashier(&[pair]).unwrap());
    let of = |stamp: u64| position_text(Stamp(stamp).into(), rules().tables.digest_of(Role::Cashier));
    assert_eq!(read(("since", "2200-01-01T00:00:00Z")), Ok(ReadPlan::Nothing));
    let [at, beyond] = [of(50), of(51)];
    assert_eq!(read(("cursor", &*at)), Ok(ReadPlan::Nothing));
    for pair in [("since", "51"), ("cursor", &*beyond), ("cursor", "v1.50"), ("cursor", "s1.40.9.")] {
        assert_eq!(read(pair), Ok(ReadPlan::Snapshot), "{pair:?}");
    }
    for (noted, skipped, planned) in
        [(50, None, true), (51, None, false), (40, Some(50), true), (40, Some(51), false)]
    {
        let (noted, skipped) = (Stamp(noted), skipped.map(Stamp));
        let walk = Walk { noted, started: Timestamp(9), skipped, after: None };
        let read = plan(&rules().tables, &head(50), &pull(RoomStart::Walk(walk.clone()), 9));
        assert_eq!(read, Ok(if planned { ReadPlan::Walk(walk) } else { ReadPlan::Snapshot }));
    }
    for (through, planned) in [(50, true), (51, false)] {
        let position = Position { stamp: Stamp(40), through: Some(Stamp(through)) };
        let read = plan(&rules().tables, &head(50), &pull(RoomStart::Position(position), 9)).unwrap();
        assert_eq!(
            matches!(read, ReadPlan::Log { .. }),
            planned,
            "the tail of a walk that skipped {through}"
        );
    }
    assert_eq!(read(("min", "51")).unwrap_err().code, ErrorCode::ResetRequired);
    assert!(read(("min", "50")).is_ok());
}

#[test]
fn a_pull_of_a_hundred_reads_two_full_items() {
    let read = plan(&rules().tables, &head(50), &cashier(&[]).unwrap());
    assert_eq!(read, Ok(ReadPlan::Log { position: Position::default(), items: 2 }));
}
