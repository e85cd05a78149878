//! How bad a run's network, database and clocks are.

use super::dice::Dice;

/// Chances in a thousand. Every run has a weather of its own: most faults are found where few others are about.
#[derive(Clone, Debug)]
pub struct Weather {
    /// A request is lost on its way, to a function or to DynamoDB.
    pub lost: u64,
    /// The answer is lost, after everything was done.
    pub answer_lost: u64,
    /// A request arrives after its sender gave up.
    pub late: u64,
    /// A request arrives twice.
    pub twice: u64,
    /// A transaction meets another one.
    pub conflict: u64,
    /// DynamoDB is too busy.
    pub throttled: u64,
    /// The items of a `BatchGetItem` are read at different moments, or some are left for another request.
    pub torn: u64,
    /// A function stops in the middle.
    pub crash: u64,
    /// A frame of the broadcast is dropped.
    pub frame_lost: u64,
    /// A frame comes twice.
    pub frame_twice: u64,
    /// Microseconds by which a function's clock is wrong, at most.
    pub skew_micros: u64,
    /// Milliseconds that a request to DynamoDB takes at most, each way.
    pub latency_millis: u64,
}

impl Weather {
    /// The weather of a run.
    pub fn of(dice: &mut Dice) -> Weather {
        let mut chance = |most: u64| if dice.permille(400) { dice.between(1, most) } else { 0 };
        Weather {
            lost: chance(60),
            answer_lost: chance(60),
            late: chance(30),
            twice: chance(60),
            conflict: chance(100),
            throttled: chance(60),
            torn: chance(700),
            crash: chance(60),
            frame_lost: chance(500),
            frame_twice: chance(300),
            skew_micros: dice.weighted(&[(3, 0), (4, 2_000_000), (2, 120_000_000)], 0),
            latency_millis: dice.weighted(&[(2, 2), (3, 12), (1, 80)], 12),
        }
    }

    /// No faults, right clocks.
    pub fn calm() -> Weather {
        Weather {
            lost: 0,
            answer_lost: 0,
            late: 0,
            twice: 0,
            conflict: 0,
            throttled: 0,
            torn: 0,
            crash: 0,
            frame_lost: 0,
            frame_twice: 0,
            skew_micros: 0,
            latency_millis: 2,
        }
    }
}
