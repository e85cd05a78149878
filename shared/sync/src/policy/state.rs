//! State fields: a status that only moves along declared transitions, whatever the device and the base
//! version.

use std::collections::{BTreeMap, BTreeSet};

/// The states of a member: the initial ones, and the transitions, which have no cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct States {
    initial: BTreeSet<String>,
    next: BTreeMap<String, BTreeSet<String>>,
}

/// States that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStates {
    /// No initial state.
    #[error("a state field needs `initial`, with at least one state")]
    NoInitial,
    /// The transitions lead back to this state.
    #[error("the transitions lead back to {0:?}")]
    Cycle(String),
}

impl States {
    /// [`BadStates`] if `initial` is empty or `transitions` has a cycle.
    pub fn new(
        initial: BTreeSet<String>,
        transitions: BTreeMap<String, BTreeSet<String>>,
    ) -> Result<States, BadStates> {
        if initial.is_empty() {
            return Err(BadStates::NoInitial);
        }
        let states = States { initial, next: transitions };
        match states.next.keys().find(|state| states.leads_to(state, state)) {
            Some(state) => Err(BadStates::Cycle(state.clone())),
            None => Ok(states),
        }
    }

    /// The states in which a record may be created.
    pub fn initial(&self) -> &BTreeSet<String> {
        &self.initial
    }

    /// The next states of each state that has any.
    pub fn transitions(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.next
    }

    /// Whether a record may be created in `state`.
    pub fn may_begin(&self, state: &str) -> bool {
        self.initial.contains(state)
    }

    /// Whether `state` is initial, or a transition begins or ends there.
    pub fn declares(&self, state: &str) -> bool {
        let in_transitions = || self.next.iter().any(|(from, next)| from == state || next.contains(state));
        self.initial.contains(state) || in_transitions()
    }

    /// Whether there is a transition from `from` to `to`.
    pub fn may_move(&self, from: &str, to: &str) -> bool {
        self.next.get(from).is_some_and(|next| next.contains(to))
    }

    /// Whether one or more transitions lead from `from` to `to`.
    pub fn leads_to(&self, from: &str, to: &str) -> bool {
        let (mut waiting, mut met) = (vec![from], BTreeSet::new());
        while let Some(state) = waiting.pop() {
            for next in self.next.get(state).into_iter().flatten() {
                if next == to {
                    return true;
                }
                if met.insert(next.as_str()) {
                    waiting.push(next);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(initial: &[&str], steps: &[(&str, &str)]) -> Result<States, BadStates> {
        let mut transitions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in steps {
            transitions.entry((*from).into()).or_default().insert((*to).into());
        }
        States::new(initial.iter().map(|&state| state.into()).collect(), transitions)
    }

    const STEPS: [(&str, &str); 4] =
        [("draft", "open"), ("draft", "void"), ("open", "paid"), ("paid", "refunded")];

    #[test]
    fn states_move_one_step_at_a_time_and_never_back() {
        let states = states(&["draft"], &STEPS).unwrap();
        assert!(states.may_begin("draft") && !states.may_begin("paid") && !states.may_begin("nothing"));
        let names = ["draft", "open", "paid", "refunded", "void", "nothing"];
        assert!(names.iter().all(|&name| states.declares(name) == (name != "nothing")));
        for (from, to) in names.iter().flat_map(|&from| names.map(|to| (from, to))) {
            assert_eq!(states.may_move(from, to), STEPS.contains(&(from, to)), "{from} to {to}");
        }
    }

    #[test]
    fn a_cycle_of_any_length_is_refused() {
        let back = [STEPS.as_slice(), &[("refunded", "draft")]].concat();
        assert!(matches!(states(&["draft"], &back), Err(BadStates::Cycle(_))));
        assert!(matches!(states(&["draft"], &[("draft", "draft")]), Err(BadStates::Cycle(_))));
        assert_eq!(states(&[], &STEPS), Err(BadStates::NoInitial));
    }
}
