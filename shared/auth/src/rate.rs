//! Rate limits by the generic cell rate algorithm (GCRA, ITU-T I.371); any number of limits is decided in one
//! round trip.
//!
//! GCRA keeps one number per caller, the theoretical arrival time: when the quota is whole again. A caller
//! may use the whole quota at once and then one request per interval, so never more than one quota in an
//! instant and two in any window. [`gcra`] is the algorithm, [`script`] the same inside Redis, and [`local`]
//! the same in memory while Redis is unreachable.

pub mod decision;
pub mod gcra;
pub mod limit;
pub mod local;
pub mod script;
