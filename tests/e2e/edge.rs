//! The edge, for every endpoint: bad input, rate limits, and the two descriptions of the protocol.

pub(crate) mod bad_input;
pub(crate) mod bodies;
pub(crate) mod browser;
pub(crate) mod crowds;
pub(crate) mod events;
pub(crate) mod floods;
pub(crate) mod hub;
pub(crate) mod openapi;
pub(crate) mod outages;
pub(crate) mod own_changes;
pub(crate) mod pages;
pub(crate) mod presence;
pub(crate) mod protocol_page;
pub(crate) mod rate_limits;
pub(crate) mod readiness;
pub(crate) mod renewal;
pub(crate) mod revalidation;
pub(crate) mod secrets;
pub(crate) mod slow_readers;
pub(crate) mod sockets;
pub(crate) mod status;
pub(crate) mod telemetry;
pub(crate) mod tickets;
pub(crate) mod verdicts;

trials! {
    modules: bad_input, bodies, browser, crowds, events, floods, hub, openapi, outages, own_changes, pages, presence,
    protocol_page, rate_limits, readiness, renewal, revalidation, secrets, slow_readers, sockets, status, telemetry,
    tickets, verdicts,
}
