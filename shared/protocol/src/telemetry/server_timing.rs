//! The header `Server-Timing` (W3C): where the time of a request went, in milliseconds.

/// The header, in responses of functions to the edge and of the edge to clients.
pub const TIMING_HEADER: &str = "server-timing";

/// The parts that were measured, such as `fn;dur=12.5, db;dur=8.214`. A part that took no time is left out.
pub fn write(parts: &[(&str, u64)]) -> String {
    let part = |(name, micros): &(&str, u64)| {
        let (millis, rest) = (micros / 1000, micros % 1000);
        format!("{name};dur={millis}.{rest:03}")
    };
    parts.iter().filter(|(_, micros)| *micros > 0).map(part).collect::<Vec<_>>().join(", ")
}

/// The microseconds of the part `name` in a header.
pub fn read(header: &str, name: &str) -> Option<u64> {
    let text = header.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(";dur="))?;
    let (millis, rest) = text.split_once('.')?;
    let is_micros = rest.len() == 3;
    is_micros.then(|| Some(millis.parse::<u64>().ok()?.checked_mul(1000)? + rest.parse::<u64>().ok()?))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_in_milliseconds_and_read_back() {
        let header = write(&[("edge", 14_000), ("gate", 0), ("fn", 12_500), ("db", 7)]);
        assert_eq!(header, "edge;dur=14.000, fn;dur=12.500, db;dur=0.007");
        assert_eq!((read(&header, "db"), read(&header, "fn")), (Some(7), Some(12_500)));
        for bad in ["", "db", "db;dur=", "db;dur=1", "db;dur=1.5", "db;dur=x.000", "adb;dur=1.000"] {
            assert_eq!(read(bad, "db"), None, "{bad}");
        }
    }
}
