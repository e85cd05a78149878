//! Names of types that are metaphors, and the standard terms to use instead.

/// Which names a row of [`METAPHORS`] matches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pattern {
    Exact(&'static str),
    /// `Prefix("Keeper")` matches `Keeper` and `KeeperApp`, but not `Keepers`.
    Prefix(&'static str),
    /// `Suffix("Answer")` matches `Answer` and `PushAnswer`.
    Suffix(&'static str),
}

impl Pattern {
    pub(super) fn matches(self, name: &str) -> bool {
        match self {
            Self::Exact(metaphor) => name == metaphor,
            Self::Prefix(metaphor) => {
                name.strip_prefix(metaphor).is_some_and(|rest| !rest.starts_with(char::is_lowercase))
            }
            Self::Suffix(metaphor) => name.ends_with(metaphor),
        }
    }
}

use Pattern::{Exact, Prefix, Suffix};

/// A metaphor and the standard term.
pub(super) const METAPHORS: [(Pattern, &str); 33] = [
    (Exact("Boarding"), "Join"),
    (Exact("Cast"), "Actors or the plural of what it holds"),
    (Exact("Door"), "AppState"),
    (Exact("Double"), "FakeRedis or Fake…"),
    (Exact("Failed"), "HandlerError or …Error"),
    (Exact("Farewell"), "CloseReason"),
    (Exact("Filed"), "StoredDeadLetters"),
    (Exact("Gate"), "Admission"),
    (Exact("Gathered"), "PendingChanges"),
    (Exact("Guard"), "AccessPolicy"),
    (Exact("Guest"), "ConnectRequest"),
    (Exact("Letter"), "DeadLetter"),
    (Exact("Line"), "InvoiceLine, or Network for a connection"),
    (Exact("Look"), "Lookup"),
    (Exact("Maker"), "Generator or Builder"),
    (Exact("Micros"), "Timestamp"),
    (Exact("Origin"), "ClientInfo; HTTP uses Origin for something else"),
    (Exact("Overseer"), "Supervisor"),
    (Exact("Place"), "Location, Position or Target"),
    (Exact("Question"), "AdmissionCheck or Query"),
    (Exact("Race"), "CommitRetry or Conflict"),
    (Exact("Refusal"), "ApiError or Rejection"),
    (Exact("Remembered"), "Cached…"),
    (Exact("Scripted"), "FakeRedis or Fake…"),
    (Exact("Seat"), "SocketState"),
    (Exact("Stage"), "Environment or Phase"),
    (Exact("Street"), "Stack"),
    (Exact("Verdict"), "SessionStatus, Decision or Outcome"),
    (Exact("Visit"), "RequestContext"),
    (Exact("Weather"), "Faults or NetworkConditions"),
    (Prefix("Keeper"), "Maintenance…"),
    (Prefix("Told"), "Notified… or Published…"),
    (Suffix("Answer"), "…Response or …Result"),
];
