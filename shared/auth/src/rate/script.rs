//! [`gcra`](super::gcra) as a Redis script, so that reading, deciding and writing are atomic.
//!
//! One call decides any number of limits. Upstash bills 2 commands (the script and one MGET), plus one SET
//! per limit if the request is allowed: 3 for one limit, 4 for two.

use crate::rate::decision::{LimitState, RateDecision};
use crate::rate::limit::Limit;
use protocol::timestamp::Timestamp;

/// The script. KEYS: one per limit. ARGV: the time, then interval and capacity of each limit, in
/// microseconds.
///
/// It returns 1 or 0 for allowed, then the debt of each limit. Lua numbers are doubles: whole numbers below
/// 2^53 are exact, but only `%.0f` writes them exactly. The time is an argument because reading the clock of
/// Redis is one more command. MGET returns nil for a key of another type and SET replaces it, so a wrong key
/// locks no caller out. The first line lets Upstash lock these keys instead of the whole database.
pub const TEXT: &str = "#!lua flags=allow-key-locking
local now = tonumber(ARGV[1])
local kept = redis.call('MGET', unpack(KEYS))
local allowed = 1
local answer = {}
for i = 1, #KEYS do
  local interval, capacity = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local theoretical_arrival = tonumber(kept[i] or '') or now
  local debt = math.min(math.max(theoretical_arrival - now, 0), capacity)
  if debt + interval > capacity then allowed = 0 end
  answer[i + 1] = debt
end
answer[1] = allowed
if allowed == 1 then
  for i = 1, #KEYS do
    local debt = answer[i + 1] + tonumber(ARGV[2 * i])
    answer[i + 1] = debt
    local millis = math.ceil(debt / 1000)
    redis.call('SET', KEYS[i], string.format('%.0f', now + debt), 'PX', string.format('%.0f', millis))
  end
end
return answer
";

/// ARGV of the script for a request at `now`.
pub fn arguments(limits: &[Limit], now: Timestamp) -> Vec<String> {
    let each = limits.iter().flat_map(|limit| [limit.interval_micros(), limit.capacity_micros()]);
    std::iter::once(now.0).chain(each).map(|number| number.to_string()).collect()
}

/// Parses the script's reply about `limits`; `None` if it is malformed.
pub fn read(limits: &[Limit], answer: &[i64]) -> Option<RateDecision> {
    let (allowed, debts) = answer.split_first()?;
    let allowed = match allowed {
        0 => false,
        1 => true,
        _ => return None,
    };
    if debts.len() != limits.len() {
        return None;
    }
    let state = |(limit, debt): (&Limit, &i64)| {
        let debt_micros = u64::try_from(*debt).ok().filter(|debt| *debt <= limit.capacity_micros())?;
        Some(LimitState { limit: *limit, debt_micros })
    };
    let states = limits.iter().zip(debts).map(state).collect::<Option<_>>()?;
    Some(RateDecision { allowed, states })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> [Limit; 2] {
        [100, 7].map(|quota| Limit::per_minute("test", quota))
    }

    #[test]
    fn the_arguments_are_the_time_and_each_limit() {
        let arguments = arguments(&limits(), Timestamp(1_765_103_400_000_145));
        assert_eq!(arguments, ["1765103400000145", "600000", "60000000", "8571429", "60000003"]);
    }

    #[test]
    fn a_reply_is_parsed() {
        let decision = read(&limits(), &[1, 600_000, 8_571_429]).unwrap();
        assert!(decision.allowed);
        let remaining: Vec<_> = decision.states.iter().map(|state| state.remaining()).collect();
        assert_eq!(remaining, [99, 6]);
        assert!(!read(&limits(), &[0, 0, 60_000_003]).unwrap().allowed);
    }

    #[test]
    fn a_malformed_reply_is_refused() {
        for answer in [&[][..], &[1], &[1, 0], &[2, 0, 0], &[1, -1, 0], &[1, 60_000_001, 0], &[1, 0, 0, 0]] {
            assert_eq!(read(&limits(), answer), None, "{answer:?}");
        }
    }
}
