//! How often somebody may ask: limits by the generic cell rate algorithm (GCRA, ITU-T I.371), decided in one round
//! trip whatever their number.
//!
//! GCRA keeps one number per caller, the moment at which everything that was used up has come back. A caller may use a
//! whole quota at once and then as it comes back, one request each interval: never more than a quota in an instant,
//! and never more than two in any window. [`gcra`] is the rule, [`script`] the same rule inside Redis, and [`local`]
//! the rule over memory for as long as there is no Redis.

pub mod decision;
pub mod gcra;
pub mod headers;
pub mod limit;
pub mod local;
pub mod script;
pub mod table;
