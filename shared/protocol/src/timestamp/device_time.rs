//! Times by the clocks of devices.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{NotATime, Timestamp};

/// A time by a device's clock, which may be wrong by any amount: microseconds since the epoch, negative
/// before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceTime(pub i64);

impl DeviceTime {
    /// Parses any RFC 3339: the years 0 to 9999, every offset, and leap seconds. Digits below a microsecond
    /// are dropped.
    pub fn parse(text: &str) -> Result<DeviceTime, NotATime> {
        // The second 60 is the one after 59, whether or not there was a leap second at that time.
        let leap = text.get(17..19) == Some("60");
        let within = text.get(..17).zip(text.get(19..)).filter(|_| leap);
        let within = within.map(|(before, after)| format!("{before}59{after}"));
        let parsed = OffsetDateTime::parse(within.as_deref().unwrap_or(text), &Rfc3339);
        let nanos = parsed.map_err(|_| NotATime)?.unix_timestamp_nanos();
        let micros = i64::try_from(nanos.div_euclid(1000)).map_err(|_| NotATime)?;
        Ok(DeviceTime(micros.saturating_add(if leap { 1_000_000 } else { 0 })))
    }

    /// The nearest time that the server can store: from 1970 to [`Timestamp::MAX`].
    pub fn clamped(self) -> Timestamp {
        Timestamp(u64::try_from(self.0).unwrap_or_default()).min(Timestamp::MAX)
    }

    /// Microseconds by which it is later than `other`; negative if it is earlier.
    pub fn since(self, other: impl Into<DeviceTime>) -> i64 {
        self.0.saturating_sub(other.into().0)
    }
}

/// As RFC 3339 with six digits and `Z`.
impl std::fmt::Display for DeviceTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Fails only outside of the years that RFC 3339 can write.
        let t = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1_000_000));
        let t = t.map_err(|_| std::fmt::Error)?;
        let (year, month, day) = (t.year(), u8::from(t.month()), t.day());
        let (hour, minute, second) = (t.hour(), t.minute(), t.second());
        let micros = self.0.rem_euclid(1_000_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

impl From<Timestamp> for DeviceTime {
    fn from(time: Timestamp) -> DeviceTime {
        DeviceTime(i64::try_from(time.0).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(text: &str) -> i64 {
        DeviceTime::parse(text).unwrap_or_else(|_| panic!("{text}")).0
    }

    #[test]
    fn any_year_offset_and_leap_second_is_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00+03:00", -3 * 3_600_000_000),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("2016-12-31T23:59:60Z", micros("2017-01-01T00:00:00Z")),
            ("2016-12-31T15:59:60.5-08:00", micros("2017-01-01T00:00:00.5Z")),
            ("2025-12-07T10:30:60Z", micros("2025-12-07T10:31:00Z")),
            ("2025-12-07t10:30:00z", micros("2025-12-07T10:30:00Z")),
            ("2025-12-07T10:30:00-00:00", micros("2025-12-07T10:30:00Z")),
            ("2025-12-07T10:30:00.1234567890123456789Z", micros("2025-12-07T10:30:00.123456Z")),
        ];
        for (text, expected) in cases {
            assert_eq!(micros(text), expected, "{text}");
        }
        let extremes = [
            "0000-01-01T00:00:00+23:59",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:60-23:59",
        ];
        assert!(extremes.map(micros).is_sorted());
        assert_eq!(DeviceTime(micros(extremes[0])).clamped(), Timestamp(0));
        assert_eq!(DeviceTime(micros(extremes[3])).clamped(), Timestamp::MAX);
    }

    #[test]
    fn texts_that_are_no_rfc_3339_are_refused() {
        for text in [
            "",
            "now",
            "2025-12-07",
            "2025-12-07T10:30:61Z",
            "2025-12-07T10:60:60Z",
            "2025-12-07T24:00:00Z",
            "2025-02-29T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "-001-01-01T00:00:00Z",
            "2025-12-07T10:30:00",
            "2025-12-07T10:30:00.Z",
            "2025-12-07T10:30:00+24:00",
            "2025-12-07T10:30:é0Z",
        ] {
            assert_eq!(DeviceTime::parse(text), Err(NotATime), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_of_any_year_reads_back(
            micros in micros("0000-01-01T00:00:00Z")..micros("9999-12-31T23:59:60Z"),
        ) {
            prop_assert_eq!(DeviceTime::parse(&DeviceTime(micros).to_string()), Ok(DeviceTime(micros)));
        }

        #[test]
        fn a_time_of_the_server_reads_back(micros in 0..Timestamp::MAX.0) {
            let time = Timestamp(micros);
            let read = DeviceTime::parse(&time.to_string()).unwrap();
            prop_assert_eq!((read, read.clamped()), (time.into(), time));
        }
    }
}
