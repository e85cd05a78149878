use super::*;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn client(id: &str) -> ClientId {
    id.parse().unwrap()
}

#[test]
fn one_call_too_many_of_a_client_is_refused_and_other_clients_are_not() {
    let calls = CallsInFlight::new(3);
    let mut held: Vec<_> = (0..3).map(|_| calls.begin(&client("1"), NOW).unwrap()).collect();
    let refused = calls.begin(&client("1"), NOW).unwrap_err();
    assert_eq!((refused.code, refused.retry_after_secs()), (ErrorCode::Busy, Some(1)));
    assert!(calls.begin(&client("2"), NOW).is_ok());
    held.pop();
    held.push(calls.begin(&client("1"), NOW).unwrap());
    assert!(calls.begin(&client("1"), NOW).is_err());
    drop(held);
    assert!(calls.calls.borrow().by_client.is_empty());
}

#[test]
fn a_call_whose_end_is_never_reported_stops_to_count() {
    let calls = CallsInFlight::new(2);
    let lost = [calls.begin(&client("1"), NOW).unwrap(), calls.begin(&client("1"), NOW).unwrap()];
    let (late, over) = (NOW.plus_secs(COUNTED.as_secs() - 1), NOW.plus_secs(COUNTED.as_secs()));
    assert!(calls.begin(&client("1"), late).is_err());
    let call = calls.begin(&client("1"), over).unwrap();
    // An end that comes late takes nothing from the others.
    drop(lost);
    assert_eq!(calls.calls.borrow().by_client[&client("1")].len(), 1);
    drop(call);
}
