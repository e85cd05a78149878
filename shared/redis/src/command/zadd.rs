//! ZADD: members of a sorted set.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Adds members to a sorted set, or moves them; answers how many are new. Scores are integers: Redis keeps them exact up to 2^53.
#[derive(Clone, Debug)]
pub struct ZAdd {
    key: Key,
    members: Vec<(i64, String)>,
}

impl ZAdd {
    /// Adds `members`, each with its score and at least one of them, to the sorted set at `key`.
    pub fn new(key: &Key, members: Vec<(i64, String)>) -> ZAdd {
        ZAdd { key: key.clone(), members }
    }
}

impl Command for ZAdd {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        let set = Arguments::of("ZADD").key(&self.key);
        self.members.iter().fold(set, |all, (score, member)| all.with(score).with(member))
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
