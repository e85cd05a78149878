use super::*;

#[test]
fn a_fault_meets_its_scope_and_action_as_often_as_planned() {
    let faults = Faults::default();
    faults.inject("ROOM#c1#", "Query", Fault::Throttled, 2);
    assert_eq!(faults.meet("Query", "ROOM#c2#b"), None);
    assert_eq!(faults.meet("GetItem", "ROOM#c1#b"), None);
    assert_eq!(faults.meet("Query", "ROOM#c1#b"), Some(Fault::Throttled));
    assert_eq!(faults.meet("Query", "ROOM#c1#b"), Some(Fault::Throttled));
    assert_eq!(faults.meet("Query", "ROOM#c1#b"), None);
    faults.inject("c1", ANY_ACTION, Fault::Refused, 9);
    assert_eq!(faults.meet("GetItem", "c1"), Some(Fault::Refused));
    faults.clear("c1");
    assert_eq!(faults.meet("GetItem", "c1"), None);
}

#[test]
fn a_watch_counts_its_scope_from_its_beginning() {
    let faults = Faults::default();
    faults.meet("Query", "c1");
    let watch = faults.watch("c1");
    for (action, body) in [("Query", "c1"), ("Query", "c2"), ("GetItem", "c1"), ("Query", "c1")] {
        faults.meet(action, body);
    }
    assert_eq!((watch.count("Query"), watch.count("GetItem"), watch.count("Scan")), (2, 1, 0));
    assert_eq!(watch.total(), 3);
    drop(watch);
    faults.meet("Query", "c1");
    assert!(lock(&faults.0).watched.is_empty());
    assert_eq!((faults.sent("Query"), faults.sent("Scan")), (5, 0));
}
