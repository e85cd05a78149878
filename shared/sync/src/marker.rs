//! The marker of a batch: enough to repeat its response, in about two hundred bytes.

use crate::batch_hash::BatchHash;
use crate::outcome::Outcome;
use protocol::stamp::Stamp;
use protocol::wire::outcome::{ConflictReason, Flag, RejectionCode};

/// What is stored of a committed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// [`crate::push::Push::hash`] of the batch.
    pub hash: BatchHash,
    /// The room's stamp before the commit.
    pub prev: Stamp,
    /// The last stamp of the commit; `prev` if nothing was written.
    pub stamp: Stamp,
    /// One [`StoredOutcome`] per record as text, separated by commas.
    pub codes: String,
    /// The user that pushed the batch with a token of no device; `None` for a push of the device itself.
    pub user: Option<String>,
}

/// The marker of a batch as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadMarker {
    /// There is none: the batch was not committed before.
    #[default]
    None,
    /// The batch was committed before.
    Found(Marker),
    /// The batch was committed before, with unknown outcomes.
    Damaged,
}

impl ReadMarker {
    /// The marker, if it can be read.
    pub fn found(self) -> Option<Marker> {
        match self {
            ReadMarker::Found(marker) => Some(marker),
            ReadMarker::None | ReadMarker::Damaged => None,
        }
    }
}

/// Why the outcomes of a marker cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerError {
    /// The text is not one that we wrote.
    Corrupt,
    /// A newer release wrote an outcome that this one does not know.
    Newer,
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

    fn decode(text: &str) -> Result<StoredOutcome, MarkerError> {
        let rest = text.get(1..).ok_or(MarkerError::Corrupt)?;
        // Another letter is a kind of outcome that a newer release has added.
        match text.as_bytes().first() {
            Some(b'a') => {
                let (version, flags) = rest.split_once('!').unwrap_or((rest, ""));
                let flags = flags.chars().map(|c| by_position(Flag::ALL, c.encode_utf8(&mut [0; 4])));
                Ok(StoredOutcome::Applied {
                    version: number(version)?,
                    flags: flags.collect::<Result<_, _>>()?,
                })
            }
            Some(b'm') => {
                let (version, reason) = rest.split_once('.').ok_or(MarkerError::Corrupt)?;
                let reason = by_position(ConflictReason::ALL, reason)?;
                Ok(StoredOutcome::Merged { version: number(version)?, reason })
            }
            Some(b'h') => {
                let (version, stamp) = rest.split_once('@').ok_or(MarkerError::Corrupt)?;
                Ok(StoredOutcome::AlreadyApplied { version: number(version)?, stamp: Stamp(number(stamp)?) })
            }
            Some(b'c') => by_position(ConflictReason::ALL, rest).map(StoredOutcome::Conflict),
            Some(b'r') => by_position(RejectionCode::ALL, rest).map(StoredOutcome::Rejected),
            Some(b'a'..=b'z') if !rest.is_empty() => Err(MarkerError::Newer),
            _ => Err(MarkerError::Corrupt),
        }
    }
}

/// The position of `value` in `all`. Markers store it, so `all` may only grow at its end.
fn position<T: PartialEq>(all: &[T], value: &T) -> usize {
    all.iter().position(|known| known == value).unwrap_or_default()
}

/// The value at `position`; one beyond the end was added by a newer release.
fn by_position<T: Copy>(all: &[T], position: &str) -> Result<T, MarkerError> {
    let position: usize = position.parse().map_err(|_| MarkerError::Corrupt)?;
    all.get(position).copied().ok_or(MarkerError::Newer)
}

fn number(text: &str) -> Result<u64, MarkerError> {
    text.parse().map_err(|_| MarkerError::Corrupt)
}

impl Marker {
    /// The marker of a batch with these outcomes.
    pub fn new(hash: BatchHash, prev: Stamp, stamp: Stamp, outcomes: &[Outcome]) -> Marker {
        let codes: Vec<String> = outcomes.iter().map(|outcome| StoredOutcome::of(outcome).encode()).collect();
        Marker { hash, prev, stamp, codes: codes.join(","), user: None }
    }

    /// Whether a batch of this id with the hash `hash` is settled by this marker, as a retry or as another
    /// batch under a used id; `user` as in [`crate::push::Push::user`].
    ///
    /// A token of no device may name any device, so another batch that it pushed does not take the id from
    /// the device itself.
    pub fn settles(&self, hash: &BatchHash, user: Option<&str>) -> bool {
        self.hash.is_same(hash) || self.user.is_none() || user.is_some()
    }

    /// The outcomes in the order of the request.
    pub fn outcomes(&self) -> Result<Vec<StoredOutcome>, MarkerError> {
        self.codes.split(',').filter(|text| !text.is_empty()).map(StoredOutcome::decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> BatchHash {
        BatchHash::exact([byte; 32])
    }

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
        let marker = Marker::new(hash(0), Stamp(7), Stamp(9), &outcomes);
        assert_eq!(marker.codes, "a3,a4!02,h2@5,c1,r3");
        assert_eq!(marker.outcomes().unwrap(), outcomes.each_ref().map(StoredOutcome::of));
    }

    /// Markers store positions, so the order of these words is stored data.
    #[test]
    fn the_order_of_reasons_flags_and_codes_is_pinned() {
        let reasons: Vec<_> = ConflictReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let expected = "newer_on_server already_exists deleted_on_server server_wins manual fields_conflict \
                        outcome_unknown unknown_version";
        assert_eq!(reasons.join(" "), expected);
        let flags: Vec<_> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
        assert_eq!(flags.join(" "), "clock_clamped below_floor clamped_to_floor");
        let codes: Vec<_> = RejectionCode::ALL.iter().map(|code| code.as_str()).collect();
        let expected = "malformed unknown_table bad_record_id bad_time clock_ahead record_too_large too_deep \
                        forbidden append_only bad_transition bad_delta delta_needs_batch delta_required \
                        below_floor too_old record_corrupt group_undone group_conflict \
                        undated_delta";
        assert_eq!(codes.join(" "), expected);
    }

    #[test]
    fn an_empty_batch_has_no_codes_and_corrupt_codes_are_refused() {
        assert_eq!(Marker::new(hash(0), Stamp(7), Stamp(7), &[]).outcomes(), Ok(vec![]));
        for bad in ["X1", "a", "h1", "c", "rx", "a1,,b", "a1!x", "m1", "a1,\u{e4}", "1"] {
            assert_eq!(marker(bad).outcomes(), Err(MarkerError::Corrupt), "{bad}");
        }
    }

    /// Two releases run side by side during a deployment: what the newer one wrote is not damage.
    #[test]
    fn outcomes_of_a_newer_release_are_told_from_damage() {
        for newer in ["x1", "c99", "r99", "a1!9", "m1.99", "a1,r98"] {
            assert_eq!(marker(newer).outcomes(), Err(MarkerError::Newer), "{newer}");
        }
    }

    fn marker(codes: &str) -> Marker {
        Marker { codes: codes.into(), ..Marker::new(hash(0), Stamp(0), Stamp(0), &[]) }
    }

    #[test]
    fn a_free_token_takes_no_batch_id_from_a_device() {
        let marker = |user: Option<&str>| Marker {
            user: user.map(str::to_owned),
            ..Marker::new(hash(1), Stamp(7), Stamp(9), &[])
        };
        let settles = |by: Option<&str>, byte, user| marker(by).settles(&hash(byte), user);
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
        assert!(Marker::new(hash(0), Stamp(0), Stamp(9), &outcomes).codes.len() < 512);
    }
}
