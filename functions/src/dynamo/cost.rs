//! The cost of a request at DynamoDB.

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Requests sent and capacity consumed, in tenths of a capacity unit (DynamoDB bills halves).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    requests: u32,
    write_tenths: u64,
    read_tenths: u64,
}

impl Cost {
    /// Counts a request that consumed write capacity.
    pub fn wrote<'a>(&mut self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.requests += 1;
        self.write_tenths += tenths(consumed);
    }

    /// Counts a request that consumed read capacity.
    pub fn read<'a>(&mut self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.requests += 1;
        self.read_tenths += tenths(consumed);
    }

    /// What one call that served `callers` callers cost the caller `index`: all requests, and its share of
    /// the units. The shares add up to the units of the call.
    pub fn share(&self, index: usize, callers: usize) -> Cost {
        let share = |all| share(all, index, callers);
        let Cost { requests, write_tenths, read_tenths } = *self;
        Cost { requests, write_tenths: share(write_tenths), read_tenths: share(read_tenths) }
    }

    /// Requests sent.
    pub fn requests(&self) -> u64 {
        self.requests.into()
    }

    /// Write capacity, in tenths of a unit.
    pub fn write_tenths(&self) -> u64 {
        self.write_tenths
    }

    /// Read capacity, in tenths of a unit.
    pub fn read_tenths(&self) -> u64 {
        self.read_tenths
    }

    /// Counts a failed request, which reports no capacity.
    pub fn failed(&mut self) {
        self.requests += 1;
    }
}

#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "DynamoDB reports small floats, which become integers here"
)]
fn tenths<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> u64 {
    consumed
        .into_iter()
        .filter_map(ConsumedCapacity::capacity_units)
        .map(|units| (units * 10.0).round() as u64)
        .sum()
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = |tenths: u64| match tenths % 10 {
            0 => format!("{}", tenths / 10),
            part => format!("{}.{part}", tenths / 10),
        };
        write!(
            f,
            "requests={}; write={}; read={}",
            self.requests,
            unit(self.write_tenths),
            unit(self.read_tenths)
        )
    }
}

/// The part of `all` that falls to `index` of `callers`. The parts add up to `all`.
pub fn share(all: u64, index: usize, callers: usize) -> u64 {
    let (index, callers) = (index as u64, (callers as u64).max(1));
    all / callers + u64::from(index < all % callers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_add_up_and_print_as_in_the_header() {
        let units = |units| ConsumedCapacity::builder().capacity_units(units).build();
        let mut cost = Cost::default();
        cost.read(&[units(0.5)]);
        cost.wrote(&[units(104.0), units(2.0)]);
        cost.failed();
        assert_eq!(cost.to_string(), "requests=3; write=106; read=0.5");
    }

    #[test]
    fn shares_add_up_to_the_units_and_each_names_all_requests() {
        let cost = Cost { requests: 2, write_tenths: 1063, read_tenths: 5 };
        for callers in 1..9 {
            let shares: Vec<Cost> = (0..callers).map(|index| cost.share(index, callers)).collect();
            let sum = |of: fn(&Cost) -> u64| shares.iter().map(of).sum::<u64>();
            assert_eq!((sum(|share| share.write_tenths), sum(|share| share.read_tenths)), (1063, 5));
            assert!(shares.iter().all(|share| share.requests == 2));
            assert!(shares.iter().all(|share| share.write_tenths.abs_diff(1063 / callers as u64) <= 1));
        }
    }
}
