use super::*;

#[test]
fn a_fault_applies_to_its_scope_and_action_as_often_as_planned() {
    let faults = Faults::default();
    faults.inject("ROOM#c1#", "Query", Fault::Throttled, 2);
    assert_eq!(faults.take("Query", "ROOM#c2#b"), None);
    assert_eq!(faults.take("GetItem", "ROOM#c1#b"), None);
    assert_eq!(faults.take("Query", "ROOM#c1#b"), Some(Fault::Throttled));
    assert_eq!(faults.take("Query", "ROOM#c1#b"), Some(Fault::Throttled));
    assert_eq!(faults.take("Query", "ROOM#c1#b"), None);
    faults.inject("c1", ANY_ACTION, Fault::Refused, 9);
    assert_eq!(faults.take("GetItem", "c1"), Some(Fault::Refused));
    faults.clear("c1");
    assert_eq!(faults.take("GetItem", "c1"), None);
}

#[test]
fn a_watch_counts_the_requests_of_its_scope_since_it_was_made() {
    let faults = Faults::default();
    faults.take("Query", "c1");
    let watch = faults.watch("c1");
    for (action, body) in [("Query", "c1"), ("Query", "c2"), ("GetItem", "c1"), ("Query", "c1")] {
        faults.take(action, body);
    }
    assert_eq!((watch.count("Query"), watch.count("GetItem"), watch.count("Scan")), (2, 1, 0));
    assert_eq!(watch.total(), 3);
    drop(watch);
    faults.take("Query", "c1");
    assert!(lock(&faults.0).watched.is_empty());
    assert_eq!((faults.sent("Query"), faults.sent("Scan")), (5, 0));
}

#[test]
fn a_delay_applies_to_every_request_of_its_scope_until_it_is_cleared() {
    let (faults, delay) = (Faults::default(), Duration::from_millis(20));
    faults.delay("ROOM#c1#", delay);
    assert_eq!([faults.delay_of("ROOM#c1#b"), faults.delay_of("ROOM#c1#b")], [delay; 2]);
    assert_eq!(faults.delay_of("ROOM#c2#b"), Duration::ZERO);
    faults.clear("ROOM#c1#");
    assert_eq!(faults.delay_of("ROOM#c1#b"), Duration::ZERO);
}
