use super::*;
use proptest::prelude::*;

#[test]
fn a_day_ends_at_midnight() {
    assert_eq!(Timestamp(DAY_SECS * 1_000_000 - 1).date(), "1970-01-01");
    assert_eq!(Timestamp(DAY_SECS * 1_000_000).date(), "1970-01-02");
}

#[test]
fn any_rfc_3339_is_parsed_and_written_with_six_digits() {
    let cases = [
        ("2025-12-07T10:30:00Z", "2025-12-07T10:30:00.000000Z"),
        ("2025-12-07T12:30:00.5+02:00", "2025-12-07T10:30:00.500000Z"),
        ("2025-12-07T10:30:00.123456789Z", "2025-12-07T10:30:00.123456Z"),
    ];
    for (text, written) in cases {
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), written);
    }
}

#[test]
fn texts_that_are_no_time_are_refused() {
    for text in [
        "",
        "yesterday",
        "2025-13-01T00:00:00Z",
        "2025-12-07",
        "1969-12-31T23:59:59Z",
        "2300-01-01T00:00:00Z",
    ] {
        assert_eq!(Timestamp::parse(text), Err(NotATime), "{text}");
    }
}

proptest! {
    #[test]
    fn a_time_reads_back(micros in 0..Timestamp::MAX.0) {
        prop_assert_eq!(Timestamp::parse(&Timestamp(micros).to_string()), Ok(Timestamp(micros)));
    }
}
