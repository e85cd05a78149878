//! Which frames a socket gets, as its URL asks.

use protocol::endpoints::parameter::BRANCH;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, SocketRoom};

use crate::query;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameOptions {
    /// Whether the changes of a commit come in one frame.
    pub(crate) batched: bool,
    /// Whether the device's own changes come too.
    pub(crate) own: bool,
    /// The branch that it names: its own or, for a socket of the hub, the only one that it hears at first.
    pub(crate) branch: Option<BranchId>,
}

impl FrameOptions {
    /// Reads the options in a query.
    pub(crate) fn parse(url_query: &str) -> Result<FrameOptions, ApiError> {
        Ok(FrameOptions {
            batched: is_set(url_query, "frames", "batch")?,
            own: is_set(url_query, "own", "1")?,
            branch: query::branch(url_query)?,
        })
    }

    /// The same options as pairs of a query.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let frames = self.batched.then_some(("frames", "batch"));
        let branch = self.branch.as_ref().map(|branch| (BRANCH.name, branch.as_str()));
        frames.into_iter().chain(self.own.then_some(("own", "1"))).chain(branch)
    }

    /// Whether a socket of `room` may name the branch.
    pub(super) fn are_of(&self, room: &SocketRoom) -> bool {
        match (room, &self.branch) {
            (SocketRoom::Branch(room), Some(named)) => room.branch == *named,
            (SocketRoom::Hub(_), _) | (_, None) => true,
        }
    }
}

/// Whether the parameter `name` is there. It has only this value.
fn is_set(url_query: &str, name: &str, value: &str) -> Result<bool, ApiError> {
    match query::value(url_query, name) {
        None => Ok(false),
        Some(given) if given == value => Ok(true),
        Some(_) => {
            let message = format!("`{name}` may be `{value}`, or absent.");
            Err(ApiError::new(ErrorCode::BadRequest, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_other_devices_come_one_by_one_unless_the_socket_asks_for_more() {
        assert_eq!(FrameOptions::parse("device_id=d"), Ok(FrameOptions::default()));
        for (query, batched, own) in [
            ("frames=batch&device_id=d", true, false),
            ("own=1", false, true),
            ("frames=batch&own=1", true, true),
        ] {
            let options = FrameOptions { batched, own, branch: None };
            assert_eq!(FrameOptions::parse(&query::write(options.pairs())).as_ref(), Ok(&options), "{query}");
            assert_eq!(FrameOptions::parse(query), Ok(options), "{query}");
        }
        let named = FrameOptions::parse("branch_id=2&own=1").unwrap();
        assert_eq!(query::write(named.pairs()), "own=1&branch_id=2");
        let may_be_of = |room: &str| named.are_of(&room.parse().unwrap());
        assert!(may_be_of("1:2") && may_be_of("1:*") && !may_be_of("1:3"));
        for bad in [
            "branch_id=a%3Ab",
            "frames=",
            "frames=Batch",
            "frames=batch,",
            "frames=1",
            "own=",
            "own=0",
            "own=true",
        ] {
            assert_eq!(FrameOptions::parse(bad).unwrap_err().code, ErrorCode::BadRequest, "{bad}");
        }
    }
}
