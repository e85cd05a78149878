//! The marker of a batch: enough to repeat its response, in about two hundred bytes.

use crate::outcome::Outcome;
use protocol::stamp::Stamp;
use protocol::wire::outcome::{ConflictReason, Flag, RejectionCode};

/// What is stored of a committed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// [`crate::push::Push::hash`] of the batch.
    pub hash: [u8; 32],
    /// The room's stamp before the commit.
    pub prev: Stamp,
    /// The last stamp of the commit; `prev` if nothing was written.
    pub stamp: Stamp,
    /// One [`StoredOutcome`] per record as text, separated by commas.
    pub codes: String,
    /// The user that pushed the batch with a token of no device; `None` for a push of the device itself.
    pub user: Option<String>,
}

/// What is stored of one outcome: `a3` applied as version 3, `a3!01` with the first two flags, `h3@170…`
/// already applied as version 3 at that stamp, `m3.5` merged into version 3 with the sixth reason for a
/// conflict, `c0` conflict with the first reason, `r2` rejected with the third code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOutcome {
    /// Applied. Its stamp is not stored: the stamps of a commit are consecutive.
    Applied {
        /// The record's new version.
        version: u64,
        /// The flags of the response.
        flags: Vec<Flag>,
    },
    /// Applied in part.
    Merged {
        /// The record's new version.
        version: u64,
        /// Why a part was not written.
        reason: ConflictReason,
    },
    /// Applied by an earlier commit.
    AlreadyApplied {
        /// The version the server had.
        version: u64,
        /// The stamp of the commit that wrote it.
        stamp: Stamp,
    },
    /// A conflict.
    Conflict(ConflictReason),
    /// Rejected.
    Rejected(RejectionCode),
}

impl StoredOutcome {
    fn of(outcome: &Outcome) -> StoredOutcome {
        match outcome {
            Outcome::Applied { version, flags, .. } => {
                StoredOutcome::Applied { version: *version, flags: flags.clone() }
            }
            Outcome::AlreadyApplied { version, stamp, .. } => {
                StoredOutcome::AlreadyApplied { version: *version, stamp: *stamp }
            }
            Outcome::Merged { reason, server } => {
                StoredOutcome::Merged { version: server.version, reason: *reason }
            }
            Outcome::Conflict { reason, .. } => StoredOutcome::Conflict(*reason),
            Outcome::Rejected(rejection) => StoredOutcome::Rejected(rejection.code),
        }
    }

    /// The version that the commit gave the record; `None` if it did not write it.
    pub fn wrote(&self) -> Option<u64> {
        match self {
            StoredOutcome::Applied { version, .. } | StoredOutcome::Merged { version, .. } => Some(*version),
            StoredOutcome::AlreadyApplied { .. }
            | StoredOutcome::Conflict(_)
            | StoredOutcome::Rejected(_) => None,
        }
    }

    fn encode(&self) -> String {
        match self {
            StoredOutcome::Applied { version, flags } if flags.is_empty() => format!("a{version}"),
            StoredOutcome::Applied { version, flags } => {
                let flags: String = flags.iter().map(|flag| position(Flag::ALL, flag).to_string()).collect();
                format!("a{version}!{flags}")
            }
            StoredOutcome::Merged { version, reason } => {
                format!("m{version}.{}", position(ConflictReason::ALL, reason))
            }
            StoredOutcome::AlreadyApplied { version, stamp } => format!("h{version}@{}", stamp.0),
            StoredOutcome::Conflict(reason) => format!("c{}", position(ConflictReason::ALL, reason)),
            StoredOutcome::Rejected(code) => format!("r{}", position(RejectionCode::ALL, code)),
        }
    }

    fn decode(text: &str) -> Option<StoredOutcome> {
        let rest = text.get(1..)?;
        match text.as_bytes().first()? {
            b'a' => {
                let (version, flags) = rest.split_once('!').unwrap_or((rest, ""));
                let flag = |c: char| Flag::ALL.get(c.to_digit(10)? as usize).copied();
                Some(StoredOutcome::Applied {
                    version: version.parse().ok()?,
                    flags: flags.chars().map(flag).collect::<Option<_>>()?,
                })
            }
            b'm' => {
                let (version, reason) = rest.split_once('.')?;
                Some(StoredOutcome::Merged {
                    version: version.parse().ok()?,
                    reason: by_position(ConflictReason::ALL, reason)?,
                })
            }
            b'h' => {
                let (version, stamp) = rest.split_once('@')?;
                Some(StoredOutcome::AlreadyApplied {
                    version: version.parse().ok()?,
                    stamp: Stamp(stamp.parse().ok()?),
                })
            }
            b'c' => by_position(ConflictReason::ALL, rest).map(StoredOutcome::Conflict),
            b'r' => by_position(RejectionCode::ALL, rest).map(StoredOutcome::Rejected),
            _ => None,
        }
    }
}

/// The position of `value` in `all`. Markers store it, so `all` may only grow at its end.
fn position<T: PartialEq>(all: &[T], value: &T) -> usize {
    all.iter().position(|known| known == value).unwrap_or_default()
}

fn by_position<T: Copy>(all: &[T], position: &str) -> Option<T> {
    all.get(position.parse::<usize>().ok()?).copied()
}

impl Marker {
    /// The marker of a batch with these outcomes.
    pub fn new(hash: [u8; 32], prev: Stamp, stamp: Stamp, outcomes: &[Outcome]) -> Marker {
        let codes: Vec<String> = outcomes.iter().map(|outcome| StoredOutcome::of(outcome).encode()).collect();
        Marker { hash, prev, stamp, codes: codes.join(","), user: None }
    }

    /// Whether a batch of this id with the hash `hash` is settled by this marker, as a retry or as another
    /// batch under a used id; `user` as in [`crate::push::Push::user`].
    ///
    /// A token of no device may name any device, so another batch that it pushed does not take the id from
    /// the device itself.
    pub fn settles(&self, hash: &[u8; 32], user: Option<&str>) -> bool {
        self.hash == *hash || self.user.is_none() || user.is_some()
    }

    /// The outcomes in the order of the request; `None` if the text is corrupt.
    pub fn outcomes(&self) -> Option<Vec<StoredOutcome>> {
        self.codes.split(',').filter(|text| !text.is_empty()).map(StoredOutcome::decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_pinned_because_they_are_stored() {
        let outcomes = [
            Outcome::Applied { version: 3, stamp: Stamp(9), stored: None, flags: Vec::new() },
            Outcome::Applied {
                version: 4,
                stamp: Stamp(9),
                stored: None,
                flags: vec![Flag::ClockClamped, Flag::ClampedToFloor],
            },
            Outcome::AlreadyApplied { version: 2, stamp: Stamp(5), stored: None },
            Outcome::Conflict { reason: ConflictReason::AlreadyExists, server: None },
            Outcome::Rejected(RejectionCode::BadTime.with_message("")),
        ];
        let marker = Marker::new([0; 32], Stamp(7), Stamp(9), &outcomes);
        assert_eq!(marker.codes, "a3,a4!02,h2@5,c1,r3");
        assert_eq!(marker.outcomes().unwrap(), outcomes.each_ref().map(StoredOutcome::of));
    }

    /// Markers store positions, so the order of these words is stored data.
    #[test]
    fn the_order_of_reasons_flags_and_codes_is_pinned() {
        let reasons: Vec<_> = ConflictReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let expected = "newer_on_server already_exists deleted_on_server server_wins manual fields_conflict";
        assert_eq!(reasons.join(" "), expected);
        let flags: Vec<_> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
        assert_eq!(flags.join(" "), "clock_clamped below_floor clamped_to_floor");
        let codes: Vec<_> = RejectionCode::ALL.iter().map(|code| code.as_str()).collect();
        let expected = "malformed unknown_table bad_record_id bad_time clock_ahead record_too_large too_deep \
                        forbidden append_only bad_transition bad_delta delta_needs_batch delta_required \
                        below_floor too_old";
        assert_eq!(codes.join(" "), expected);
    }

    #[test]
    fn an_empty_batch_has_no_codes_and_corrupt_codes_are_refused() {
        assert_eq!(Marker::new([0; 32], Stamp(7), Stamp(7), &[]).outcomes(), Some(vec![]));
        for bad in ["x1", "a", "h1", "c9", "r99", "a1,,b", "a1!9", "m1", "m1.9"] {
            let marker = Marker { codes: bad.into(), ..Marker::new([0; 32], Stamp(0), Stamp(0), &[]) };
            assert_eq!(marker.outcomes(), None, "{bad}");
        }
    }

    #[test]
    fn a_free_token_takes_no_batch_id_from_a_device() {
        let marker = |user: Option<&str>| Marker {
            user: user.map(str::to_owned),
            ..Marker::new([1; 32], Stamp(7), Stamp(9), &[])
        };
        let settles = |by: Option<&str>, hash, user| marker(by).settles(&[hash; 32], user);
        // The same batch is a retry, whichever token sends it.
        for (by, user) in [(None, None), (None, Some("u1")), (Some("u1"), None), (Some("u1"), Some("u2"))] {
            assert!(settles(by, 1, user));
        }
        // Another batch under the same id is refused, unless only a free token has used the id of a device.
        assert!(settles(None, 2, None) && settles(None, 2, Some("u1")) && settles(Some("u1"), 2, Some("u2")));
        assert!(!settles(Some("u1"), 2, None));
    }

    #[test]
    fn fifty_outcomes_stay_below_half_a_kilobyte() {
        let applied = Outcome::Applied { version: 99_999, stamp: Stamp(9), stored: None, flags: Vec::new() };
        let outcomes = vec![applied; 50];
        assert!(Marker::new([0; 32], Stamp(0), Stamp(9), &outcomes).codes.len() < 512);
    }
}
