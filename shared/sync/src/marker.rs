//! The marker of a batch: enough to give its answer again, in some two hundred bytes.

use crate::outcome::Outcome;
use protocol::stamp::Stamp;
use protocol::wire::outcome::{ConflictReason, Flag, RejectionCode};

/// What is kept of a committed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// [`crate::push::Push::hash`] of the batch.
    pub hash: [u8; 32],
    /// The room's stamp before the commit.
    pub prev: Stamp,
    /// The last stamp of the commit; `prev`, if nothing was written.
    pub stamp: Stamp,
    /// One code per record, separated by commas: see [`OutcomeCode`].
    pub codes: String,
}

/// What is kept of one outcome: `a3` applied as version 3, `a3!01` with the first two flags, `h3@170…` held as
/// version 3 since that stamp, `m3.5` merged into version 3 but for the sixth reason, `c0` in conflict for the first
/// reason, `r2` rejected by the third code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeCode {
    /// Applied; the stamps of a commit follow one another, so they need not be kept.
    Applied {
        /// The record's version after it.
        version: u64,
        /// What was said of it.
        flags: Vec<Flag>,
    },
    /// Applied in part.
    Merged {
        /// The record's version after it.
        version: u64,
        /// Why not all of it.
        reason: ConflictReason,
    },
    /// Held already.
    Held {
        /// The version the server held.
        version: u64,
        /// The commit that had written it.
        stamp: Stamp,
    },
    /// In conflict.
    Conflict(ConflictReason),
    /// Rejected.
    Rejected(RejectionCode),
}

impl OutcomeCode {
    fn of(outcome: &Outcome) -> OutcomeCode {
        match outcome {
            Outcome::Applied { version, flags, .. } => {
                OutcomeCode::Applied { version: *version, flags: flags.clone() }
            }
            Outcome::Held { version, stamp, .. } => OutcomeCode::Held { version: *version, stamp: *stamp },
            Outcome::Merged { reason, server } => {
                OutcomeCode::Merged { version: server.version, reason: *reason }
            }
            Outcome::Conflict { reason, .. } => OutcomeCode::Conflict(*reason),
            Outcome::Rejected(rejection) => OutcomeCode::Rejected(rejection.code),
        }
    }

    /// The version that the commit gave the record, if it wrote it.
    pub fn wrote(&self) -> Option<u64> {
        match self {
            OutcomeCode::Applied { version, .. } | OutcomeCode::Merged { version, .. } => Some(*version),
            OutcomeCode::Held { .. } | OutcomeCode::Conflict(_) | OutcomeCode::Rejected(_) => None,
        }
    }

    /// Whether the outcome took a stamp of the commit.
    pub fn took_a_stamp(&self) -> bool {
        self.wrote().is_some()
    }

    fn write(&self) -> String {
        match self {
            OutcomeCode::Applied { version, flags } if flags.is_empty() => format!("a{version}"),
            OutcomeCode::Applied { version, flags } => {
                let flags: String = flags.iter().map(|flag| place(&Flag::ALL, flag).to_string()).collect();
                format!("a{version}!{flags}")
            }
            OutcomeCode::Merged { version, reason } => {
                format!("m{version}.{}", place(&ConflictReason::ALL, reason))
            }
            OutcomeCode::Held { version, stamp } => format!("h{version}@{}", stamp.0),
            OutcomeCode::Conflict(reason) => format!("c{}", place(&ConflictReason::ALL, reason)),
            OutcomeCode::Rejected(code) => format!("r{}", place(&RejectionCode::ALL, code)),
        }
    }

    fn read(text: &str) -> Option<OutcomeCode> {
        let rest = text.get(1..)?;
        match text.as_bytes().first()? {
            b'a' => {
                let (version, flags) = rest.split_once('!').unwrap_or((rest, ""));
                let flag = |c: char| Flag::ALL.get(c.to_digit(10)? as usize).copied();
                Some(OutcomeCode::Applied {
                    version: version.parse().ok()?,
                    flags: flags.chars().map(flag).collect::<Option<_>>()?,
                })
            }
            b'm' => {
                let (version, reason) = rest.split_once('.')?;
                Some(OutcomeCode::Merged {
                    version: version.parse().ok()?,
                    reason: at(&ConflictReason::ALL, reason)?,
                })
            }
            b'h' => {
                let (version, stamp) = rest.split_once('@')?;
                Some(OutcomeCode::Held { version: version.parse().ok()?, stamp: Stamp(stamp.parse().ok()?) })
            }
            b'c' => at(&ConflictReason::ALL, rest).map(OutcomeCode::Conflict),
            b'r' => at(&RejectionCode::ALL, rest).map(OutcomeCode::Rejected),
            _ => None,
        }
    }
}

/// The place of `value` in `all`, which has it: what is stored, so `all` may only grow at its end.
fn place<T: PartialEq>(all: &[T], value: &T) -> usize {
    all.iter().position(|known| known == value).unwrap_or_default()
}

fn at<T: Copy>(all: &[T], place: &str) -> Option<T> {
    all.get(place.parse::<usize>().ok()?).copied()
}

impl Marker {
    /// The marker of a batch that was decided like this.
    pub fn new(hash: [u8; 32], prev: Stamp, stamp: Stamp, outcomes: &[Outcome]) -> Marker {
        let codes: Vec<String> = outcomes.iter().map(|outcome| OutcomeCode::of(outcome).write()).collect();
        Marker { hash, prev, stamp, codes: codes.join(",") }
    }

    /// The outcomes in the order of the request; `None` if the text is not one that we wrote.
    pub fn outcomes(&self) -> Option<Vec<OutcomeCode>> {
        self.codes.split(',').filter(|text| !text.is_empty()).map(OutcomeCode::read).collect()
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
            Outcome::Held { version: 2, stamp: Stamp(5), stored: None },
            Outcome::Conflict { reason: ConflictReason::AlreadyExists, server: None },
            Outcome::Rejected(RejectionCode::BadTime.because("")),
        ];
        let marker = Marker::new([0; 32], Stamp(7), Stamp(9), &outcomes);
        assert_eq!(marker.codes, "a3,a4!02,h2@5,c1,r3");
        assert_eq!(marker.outcomes().unwrap(), outcomes.each_ref().map(OutcomeCode::of));
    }

    #[test]
    fn an_empty_batch_has_no_codes_and_damage_is_seen() {
        assert_eq!(Marker::new([0; 32], Stamp(7), Stamp(7), &[]).outcomes(), Some(vec![]));
        for bad in ["x1", "a", "h1", "c9", "r99", "a1,,b", "a1!9", "m1", "m1.9"] {
            let marker = Marker { hash: [0; 32], prev: Stamp(0), stamp: Stamp(0), codes: bad.into() };
            assert_eq!(marker.outcomes(), None, "{bad}");
        }
    }

    #[test]
    fn fifty_outcomes_stay_below_half_a_kilobyte() {
        let applied = Outcome::Applied { version: 99_999, stamp: Stamp(9), stored: None, flags: Vec::new() };
        let outcomes = vec![applied; 50];
        assert!(Marker::new([0; 32], Stamp(0), Stamp(9), &outcomes).codes.len() < 512);
    }
}
