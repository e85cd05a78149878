//! Members that are neither sums nor states: which of them a write is about, and who wins them.

use std::collections::BTreeSet;

use super::{Edit, Edited, Sides};
use crate::policy::field_merge::FieldVersions;
use crate::policy::last_writer_wins::Side;
use crate::policy::{FieldPolicy, FieldRule, Winner};
use protocol::json::object::Object;
use protocol::wire::outcome::{ConflictReason, Rejection};

/// Who wins the members that are neither sums nor states.
pub(in crate::decide) enum Settle<'a> {
    /// The write.
    Incoming,
    /// The server's copy.
    Server(ConflictReason),
    /// Decided per member.
    Each {
        /// When the members of the stored record last changed.
        versions: FieldVersions,
        /// The version the write started from.
        base: u64,
        /// The server's copy.
        server: Side<'a>,
        /// The write.
        incoming: Side<'a>,
    },
}

/// The members a write is about.
pub(super) enum Scope {
    /// All; members that it lacks are removed.
    All,
    /// These. True if the write named them in `fields`; false if all of its members are changes of sums.
    Named(BTreeSet<String>, bool),
}

impl Scope {
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Named(names, _) => names.contains(name),
        }
    }

    /// Whether the write named this member in `fields`.
    pub(super) fn insists(&self, name: &str) -> bool {
        matches!(self, Scope::Named(names, true) if names.contains(name))
    }
}

impl Edit<'_> {
    /// The members that the write, which sends `sent`, is about.
    pub(super) fn scope(&self, sent: &Object) -> Result<Scope, Rejection> {
        if let Some(fields) = &self.write.fields {
            return Ok(Scope::Named(fields.iter().cloned().collect(), true));
        }
        let mut names = BTreeSet::new();
        for (name, value) in sent.iter() {
            if self.change(value)?.is_none() {
                return Ok(Scope::All);
            }
            names.insert(name.to_owned());
        }
        Ok(if names.is_empty() { Scope::All } else { Scope::Named(names, false) })
    }

    /// Applies the write to the members that are neither sums nor states.
    pub(super) fn rest(&self, sides: &Sides<'_>, out: &mut Object, edited: &mut Edited) {
        let Sides { stored, sent, scope, settle } = sides;
        let names: BTreeSet<&str> = match scope {
            Scope::All => stored.iter().chain(sent.iter()).map(|(name, _)| name).collect(),
            Scope::Named(names, _) => names.iter().map(String::as_str).collect(),
        };
        let names: Vec<&str> = names.into_iter().filter(|name| !self.table.is_special(name)).collect();
        edited.asks_rest = matches!(scope, Scope::All) || !names.is_empty();
        if let Settle::Server(reason) = settle {
            edited.conflict = edited.asks_rest.then_some(*reason);
            return;
        }
        for name in names.into_iter().filter(|name| stored.get(name) != sent.get(name)) {
            match self.winner(name, settle) {
                Some(Winner::Incoming) => {
                    edited.by_time |= self.settles_by_time(name, settle);
                    out.take(name, sent);
                    edited.touched.push(name.to_owned());
                }
                Some(Winner::Server) => {}
                None => edited.conflict = Some(ConflictReason::FieldsConflict),
            }
        }
    }

    /// Whether the later write wins the member `name`, which both sides changed.
    fn settles_by_time(&self, name: &str, settle: &Settle<'_>) -> bool {
        let Settle::Each { versions, base, .. } = settle else { return false };
        let rule = self.table.fields.get(name);
        versions.changed_since(name, *base)
            && matches!(rule, Some(FieldRule::Settled(FieldPolicy::LastWriterWins)))
    }

    /// The winner of the member `name`; `None` is a conflict.
    fn winner(&self, name: &str, settle: &Settle<'_>) -> Option<Winner> {
        match settle {
            Settle::Incoming => Some(Winner::Incoming),
            Settle::Server(_) => Some(Winner::Server),
            Settle::Each { versions, base, .. } if !versions.changed_since(name, *base) => {
                Some(Winner::Incoming)
            }
            Settle::Each { server, incoming, .. } => match self.table.fields.get(name) {
                Some(FieldRule::Settled(policy)) => Some(policy.winner(*server, *incoming)),
                _ => None,
            },
        }
    }
}
