//! The reads of a pull.

use super::query::cashier;
use crate::pull::plan::{ReadPlan, plan};
use crate::snapshot::Head;
use protocol::error::ErrorCode;
use protocol::stamp::Stamp;

fn head(stamp: u64) -> Head {
    Head { stamp: Stamp(stamp), changes: 1000, log_items: 20, ..Head::default() }
}

#[test]
fn only_a_time_may_lie_beyond_the_last_change() {
    let read = |pair| plan(&head(50), &cashier(&[pair]).unwrap());
    assert_eq!(read(("since", "2200-01-01T00:00:00Z")), Ok(ReadPlan::Nothing));
    assert_eq!(read(("cursor", "v1.50")), Ok(ReadPlan::Nothing));
    for pair in [("since", "51"), ("cursor", "v1.51"), ("cursor", "s1.51.9.")] {
        assert_eq!(read(pair), Ok(ReadPlan::Snapshot), "{pair:?}");
    }
    assert!(matches!(read(("cursor", "s1.50.9.")), Ok(ReadPlan::Walk(_))));
    assert_eq!(read(("min", "51")).unwrap_err().code, ErrorCode::ResetRequired);
    assert!(read(("min", "50")).is_ok());
}

#[test]
fn a_pull_of_a_hundred_reads_two_full_items() {
    let read = plan(&head(50), &cashier(&[]).unwrap());
    assert_eq!(read, Ok(ReadPlan::Log { position: Stamp::ZERO, items: 2 }));
}
