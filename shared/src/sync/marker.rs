//! The marker of a batch: enough to give its answer again, in some two hundred bytes.

use crate::stamp::Stamp;
use crate::sync::outcome::{Outcome, Reason, RejectCode};

/// What is kept of a committed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// [`crate::sync::push::Push::hash`] of the batch.
    pub hash: [u8; 32],
    /// The room's stamp before the commit.
    pub prev: Stamp,
    /// The last stamp of the commit; `prev`, if nothing was written.
    pub stamp: Stamp,
    /// One code per record, separated by commas: see [`Code`].
    pub codes: String,
}

/// What is kept of one outcome: `a3` applied as version 3, `h3@170…` held as version 3 since that stamp,
/// `c0` in conflict for the first reason, `r2` rejected by the third code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Applied; the stamps of a commit follow one another, so they need not be kept.
    Applied {
        /// The record's version after it.
        version: u64,
    },
    /// Held already.
    Held {
        /// The version the server held.
        version: u64,
        /// The commit that had written it.
        stamp: Stamp,
    },
    /// In conflict.
    Conflict(Reason),
    /// Rejected.
    Rejected(RejectCode),
}

impl Code {
    fn of(outcome: &Outcome) -> Code {
        match outcome {
            Outcome::Applied { version, .. } => Code::Applied { version: *version },
            Outcome::Held { version, stamp } => Code::Held { version: *version, stamp: *stamp },
            Outcome::Conflict { reason, .. } => Code::Conflict(*reason),
            Outcome::Rejected(rejection) => Code::Rejected(rejection.code),
        }
    }

    fn write(self) -> String {
        let place = |found: Option<usize>| found.unwrap_or_default();
        match self {
            Code::Applied { version } => format!("a{version}"),
            Code::Held { version, stamp } => format!("h{version}@{}", stamp.0),
            Code::Conflict(reason) => format!("c{}", place(Reason::ALL.iter().position(|&r| r == reason))),
            Code::Rejected(code) => format!("r{}", place(RejectCode::ALL.iter().position(|&c| c == code))),
        }
    }

    fn read(text: &str) -> Option<Code> {
        let rest = text.get(1..)?;
        match text.as_bytes().first()? {
            b'a' => Some(Code::Applied { version: rest.parse().ok()? }),
            b'h' => {
                let (version, stamp) = rest.split_once('@')?;
                Some(Code::Held { version: version.parse().ok()?, stamp: Stamp(stamp.parse().ok()?) })
            }
            b'c' => Reason::ALL.get(rest.parse::<usize>().ok()?).copied().map(Code::Conflict),
            b'r' => RejectCode::ALL.get(rest.parse::<usize>().ok()?).copied().map(Code::Rejected),
            _ => None,
        }
    }
}

impl Marker {
    /// The marker of a batch that was decided like this.
    pub fn new(hash: [u8; 32], prev: Stamp, stamp: Stamp, outcomes: &[Outcome]) -> Marker {
        let codes: Vec<String> = outcomes.iter().map(|outcome| Code::of(outcome).write()).collect();
        Marker { hash, prev, stamp, codes: codes.join(",") }
    }

    /// The outcomes in the order of the request; `None` if the text is not one that we wrote.
    pub fn outcomes(&self) -> Option<Vec<Code>> {
        self.codes.split(',').filter(|text| !text.is_empty()).map(Code::read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_pinned_because_they_are_stored() {
        let outcomes = [
            Outcome::Applied { version: 3, stamp: Stamp(9), stored: None },
            Outcome::Held { version: 2, stamp: Stamp(5) },
            Outcome::Conflict { reason: Reason::AlreadyExists, server: None },
            Outcome::Rejected(RejectCode::BadTime.because("")),
        ];
        let marker = Marker::new([0; 32], Stamp(7), Stamp(9), &outcomes);
        assert_eq!(marker.codes, "a3,h2@5,c1,r3");
        assert_eq!(marker.outcomes().unwrap(), outcomes.each_ref().map(Code::of));
    }

    #[test]
    fn an_empty_batch_has_no_codes_and_damage_is_seen() {
        assert_eq!(Marker::new([0; 32], Stamp(7), Stamp(7), &[]).outcomes(), Some(vec![]));
        for bad in ["x1", "a", "h1", "c9", "r99", "a1,,b"] {
            let marker = Marker { hash: [0; 32], prev: Stamp(0), stamp: Stamp(0), codes: bad.into() };
            assert_eq!(marker.outcomes(), None, "{bad}");
        }
    }

    #[test]
    fn fifty_outcomes_stay_below_half_a_kilobyte() {
        let outcomes = vec![Outcome::Applied { version: 99_999, stamp: Stamp(9), stored: None }; 50];
        assert!(Marker::new([0; 32], Stamp(0), Stamp(9), &outcomes).codes.len() < 512);
    }
}
