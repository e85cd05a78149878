//! What a pull asks for, as far as the edge must know to share its page.

use protocol::claims::Claims;
use protocol::endpoints::Endpoint;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::room_cursor::RoomCursor;
use protocol::stamp::{Stamp, parse_digits};
use protocol::wire::pull::SNAPSHOT;

use crate::page_cache::PageKey;
use crate::query;
use crate::room::{Lookup, Unanswered};

/// A pull of one room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) room: Room,
    role: Role,
    /// All parameters that change the page.
    query: String,
    /// The parameters that name tables.
    tables: String,
    cursor: Option<String>,
    min: Stamp,
    /// Whether it asks for a snapshot.
    snapshot: bool,
}

impl Asked {
    /// Reads the canonical `query` of a caller. `None` where only the function can answer: for all
    /// branches of a client, for parameters that the edge does not know, and for what it will refuse.
    pub(super) fn read(claims: &Claims, query: &str) -> Option<Asked> {
        let branch = query::value(query, "branch_id").filter(|branch| !branch.is_empty());
        let room = claims.room_of(branch.map(|branch| branch.parse()).transpose().ok()?.as_ref()).ok()?;
        let min = query::value(query, "min").filter(|min| !min.is_empty());
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let only = |keep: fn(&str) -> bool| {
            let kept = pairs.iter().filter(|(name, _)| keep(name));
            query::write(kept.map(|(name, value)| (name.as_ref(), value.as_ref())))
        };
        let known = Endpoint::PullChanges.spec().parameters;
        let is_known = |name: &str| known.iter().any(|parameter| parameter.name == name);
        // Of two values the function takes the last.
        let is_once = |name: &str| pairs.iter().filter(|(other, _)| other == name).count() == 1;
        if !pairs.iter().all(|(name, _)| is_known(name) && is_once(name)) {
            return None;
        }
        Some(Asked {
            room,
            role: claims.role,
            query: only(|name| !matches!(name, "min" | "branch_id")),
            tables: only(|name| matches!(name, "tables" | "whole")),
            cursor: query::value(query, "cursor").filter(|cursor| !cursor.is_empty()),
            min: min.map_or(Some(Stamp::ZERO), |min| stamp_of(&min))?,
            snapshot: query::value(query, "mode").is_some_and(|mode| mode == SNAPSHOT),
        })
    }

    /// Whether others may use a page of the mode `mode`. A function of the release before does not know that
    /// a pull may ask for a snapshot, and answers with the log.
    pub(super) fn shares(&self, mode: &str) -> bool {
        !self.snapshot || mode == SNAPSHOT
    }

    /// The question to the room.
    pub(super) fn lookup(&self) -> Lookup {
        let Asked { role, query, tables, min, .. } = self;
        Lookup { pull: format!("{role} {query}"), reader: format!("{role} {tables}"), min: *min }
    }

    /// The key of the page for those who may read the tables of `digest`. `None` if the cursor is of other
    /// tables: the function answers with a snapshot, or refuses it.
    pub(super) fn key(&self, digest: &str) -> Option<PageKey> {
        let is_same = self
            .cursor
            .as_deref()
            .is_none_or(|cursor| RoomCursor::read(cursor).is_some_and(|cursor| cursor.tables == digest));
        is_same.then(|| PageKey::new(&self.room, self.role, digest, &self.query))
    }

    /// The key of a page that others may have left. The tables that the reader may read now must be known. A
    /// shared page may be from before any `min`.
    pub(super) fn shared_key(&self, known: &Unanswered) -> Option<PageKey> {
        known.digest.as_deref().filter(|_| self.min == Stamp::ZERO).and_then(|digest| self.key(digest))
    }
}

/// The stamp of `min`: a stamp, or a cursor in the log of one room.
fn stamp_of(min: &str) -> Option<Stamp> {
    parse_digits(min).or_else(|| RoomCursor::read(min)?.stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(role: &str, branch: Option<&str>) -> Claims {
        serde_json::from_value(serde_json::json!({
            "sub": "u1", "client_id": "1", "branch_id": branch, "role": role, "device": null, "iss": "i",
            "aud": "a", "exp": 2, "iat": 1, "jti": "j",
        }))
        .unwrap()
    }

    fn cashier(query: &str) -> Option<Asked> {
        Asked::read(&claims("cashier", Some("2")), query)
    }

    #[test]
    fn pulls_that_differ_only_in_min_ask_for_the_same_page() {
        let asked = cashier("cursor=p1.5.x&limit=7&tables=a%2Cb&min=p1.9.x&branch_id=2").unwrap();
        assert_eq!((asked.room.to_string().as_str(), asked.min), ("1:2", Stamp(9)));
        let lookup = asked.lookup();
        assert_eq!(lookup.pull, "cashier cursor=p1.5.x&limit=7&tables=a%2Cb");
        assert_eq!(lookup.reader, "cashier tables=a%2Cb");
        let plain = cashier("cursor=p1.5.x&limit=7&tables=a%2Cb").unwrap();
        assert_eq!(plain.lookup(), Lookup { min: Stamp::ZERO, ..lookup });
        assert_eq!(cashier("min=9").unwrap().min, Stamp(9));
    }

    #[test]
    fn a_page_of_the_log_answers_no_pull_that_asks_for_a_snapshot() {
        let (plain, asked) =
            (cashier("cursor=p1.5.x").unwrap(), cashier("cursor=p1.5.x&mode=snapshot").unwrap());
        assert!(plain.shares("changes") && plain.shares("snapshot") && asked.shares("snapshot"));
        assert!(!asked.shares("changes"));
        assert_ne!(plain.lookup().pull, asked.lookup().pull);
        assert_ne!(plain.key("x"), asked.key("x"));
    }

    #[test]
    fn what_only_the_function_can_answer_is_left_to_it() {
        for query in [
            "branch_id=3",
            "branch_id=a%3Ab",
            "min=x",
            "min=w1.x",
            "min=1&min=2",
            "cursor=a&cursor=b",
            "limit=1&x=2",
        ] {
            assert_eq!(cashier(query), None, "{query}");
        }
        let head_office = claims("super_admin", None);
        assert_eq!(Asked::read(&head_office, ""), None);
        assert_eq!(Asked::read(&head_office, "branch_id=3").unwrap().room.to_string(), "1:3");
    }

    #[test]
    fn a_page_is_shared_by_those_who_may_read_the_same_tables() {
        let known = |digest: Option<&str>| -> Unanswered {
            serde_json::from_value(serde_json::json!({ "generation": 1, "asked_at": 1, "digest": digest }))
                .unwrap()
        };
        let here = known(Some("x"));
        let key = |query: &str, known: &Unanswered| cashier(query).unwrap().shared_key(known);
        for query in ["cursor=p1.5.x", "cursor=w1.x.k.abc", "cursor=p1.5.x.9", "", "since=0"] {
            assert!(key(query, &here).is_some(), "{query}");
        }
        for query in ["cursor=p1.5.y", "cursor=v1.5", "cursor=p1.5.x&min=4", "cursor=x"] {
            assert_eq!(key(query, &here), None, "{query}");
        }
        assert_eq!(key("cursor=p1.5.x", &known(None)), None);
        let manager = Asked::read(&claims("manager", Some("2")), "").unwrap();
        assert_ne!(key("", &here), manager.shared_key(&here));
    }
}
