//! Keepalive: which sockets to ping, which to close, and when to check again.

use protocol::timestamp::Timestamp;

use super::close_reason::{CloseReason, EXPIRED, SILENT};
use super::socket_state::SocketState;
use crate::config::Heartbeat;

const SECOND_MICROS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    Ping,
    Close(CloseReason),
}

/// What to do with each socket, and when to check again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// One per socket, in the same order.
    pub(super) actions: Vec<Action>,
    /// The time of the next check; `None` if no socket stays.
    pub(super) next_check: Option<Timestamp>,
}

/// Checks all sockets at `now`, and records pings in their states.
pub(super) fn check<'a>(
    sockets: impl IntoIterator<Item = &'a mut SocketState>,
    heartbeat: Heartbeat,
    now: Timestamp,
) -> Check {
    let mut earliest: Option<Timestamp> = None;
    let mut check = |state: &mut SocketState| {
        let action = action(state, heartbeat, now);
        if action == Action::Ping {
            // As of the whole second at which the alarm was due, or the next one would be a second later.
            state.pinged_at = Some(Timestamp(now.0 - now.0 % SECOND_MICROS));
        }
        if !matches!(action, Action::Close(_)) {
            let next = next_check(state, heartbeat);
            earliest = Some(earliest.map_or(next, |earliest| earliest.min(next)));
        }
        action
    };
    let actions = sockets.into_iter().map(&mut check).collect();
    Check { actions, next_check: earliest }
}

/// When to check `socket_state` again, rounded up to a second so that many sockets share one alarm.
pub(super) fn next_check(socket_state: &SocketState, heartbeat: Heartbeat) -> Timestamp {
    let (at, _) = next(socket_state, heartbeat);
    Timestamp(at.0.div_ceil(SECOND_MICROS).saturating_mul(SECOND_MICROS))
}

fn action(socket_state: &SocketState, heartbeat: Heartbeat, now: Timestamp) -> Action {
    // First, for a late alarm: a ping would keep an expired socket open.
    if socket_state.expires_at <= now {
        return Action::Close(EXPIRED);
    }
    let (at, action) = next(socket_state, heartbeat);
    if at <= now { action } else { Action::Nothing }
}

/// The next action on `socket_state` if it stays silent, and its time.
fn next(socket_state: &SocketState, heartbeat: Heartbeat) -> (Timestamp, Action) {
    let unanswered = socket_state.pinged_at.filter(|pinged_at| *pinged_at > socket_state.heard_at);
    let silence = match unanswered {
        Some(pinged_at) => (pinged_at.plus_secs(heartbeat.pong_within_secs), Action::Close(SILENT)),
        None => (socket_state.heard_at.plus_secs(heartbeat.ping_after_secs), Action::Ping),
    };
    if socket_state.expires_at <= silence.0 {
        (socket_state.expires_at, Action::Close(EXPIRED))
    } else {
        silence
    }
}

#[cfg(test)]
mod tests {
    use super::super::socket_state::tests::{NOW, socket_state};
    use super::*;
    use protocol::limits::PRESENCE_LEAVE_SECS;

    fn at(secs: u64) -> Timestamp {
        NOW.plus_secs(secs)
    }

    fn run(socket_state: &mut SocketState, secs: u64) -> (Action, Option<Timestamp>) {
        let check = check(std::slice::from_mut(socket_state), Heartbeat::default(), at(secs));
        (check.actions[0], check.next_check)
    }

    #[test]
    fn a_silent_socket_is_pinged_after_30_seconds_and_closed_after_10_more() {
        let mut socket_state = socket_state();
        assert_eq!(run(&mut socket_state, 29), (Action::Nothing, Some(at(30))));
        assert_eq!(run(&mut socket_state, 30), (Action::Ping, Some(at(40))));
        assert_eq!(run(&mut socket_state, 39), (Action::Nothing, Some(at(40))));
        assert_eq!(run(&mut socket_state, 40), (Action::Close(SILENT), None));
    }

    #[test]
    fn an_answer_in_time_restarts_the_30_seconds() {
        let mut socket_state = socket_state();
        assert_eq!(run(&mut socket_state, 30).0, Action::Ping);
        socket_state.heard_at = at(31);
        assert_eq!(run(&mut socket_state, 60), (Action::Nothing, Some(at(61))));
        assert_eq!(run(&mut socket_state, 61), (Action::Ping, Some(at(71))));
    }

    #[test]
    fn an_expired_token_closes_an_active_socket() {
        let mut socket_state = socket_state();
        socket_state.heard_at = at(899);
        assert_eq!(run(&mut socket_state, 899), (Action::Nothing, Some(at(900))));
        assert_eq!(run(&mut socket_state, 900), (Action::Close(EXPIRED), None));
        let mut dead = self::socket_state();
        assert_eq!(run(&mut dead, 5000), (Action::Close(EXPIRED), None));
    }

    #[test]
    fn the_next_check_is_the_earliest_of_open_sockets_on_a_whole_second() {
        let mut sockets = [socket_state(), socket_state(), socket_state()];
        sockets[0].heard_at = Timestamp(at(10).0 + 1);
        sockets[1].heard_at = at(20);
        sockets[2].expires_at = at(5);
        let check = check(&mut sockets, Heartbeat::default(), at(20));
        assert_eq!(check.actions, [Action::Nothing, Action::Nothing, Action::Close(EXPIRED)]);
        assert_eq!(check.next_check, Some(at(41)));
        assert_eq!(next_check(&sockets[1], Heartbeat::default()), at(50));
    }

    #[test]
    fn a_late_alarm_does_not_close_a_socket_before_a_ping() {
        assert_eq!(run(&mut socket_state(), 100), (Action::Ping, Some(at(110))));
    }

    #[test]
    fn an_empty_room_needs_no_check() {
        assert_eq!(
            check(&mut [], Heartbeat::default(), NOW),
            Check { actions: Vec::new(), next_check: None }
        );
    }

    fn heard(heard_at: Timestamp) -> SocketState {
        let mut socket_state = socket_state();
        socket_state.heard_at = heard_at;
        socket_state.expires_at = at(90_000);
        socket_state
    }

    /// Plays alarms, each some milliseconds late, until they stop or `until`. `hear` changes the sockets
    /// before each of them. Returns when they rang.
    fn alarms(
        sockets: &mut Vec<SocketState>,
        heartbeat: Heartbeat,
        mut hear: impl FnMut(&mut SocketState, Timestamp),
        until: Timestamp,
    ) -> Vec<Timestamp> {
        let mut rang = Vec::new();
        let next = |sockets: &[SocketState]| sockets.iter().map(|state| next_check(state, heartbeat)).min();
        let mut alarm = next(sockets);
        while let Some(at) = alarm.filter(|at| *at < until) {
            let late = Timestamp(at.0 + 5_000);
            sockets.iter_mut().for_each(|state| hear(state, late));
            let check = check(sockets.iter_mut(), heartbeat, late);
            let mut actions = check.actions.iter();
            sockets.retain(|_| !matches!(actions.next(), Some(Action::Close(_))));
            rang.push(late);
            alarm = check.next_check;
        }
        rang
    }

    #[test]
    fn a_vanished_device_has_left_within_45_seconds() {
        for millis in 0..1000 {
            let heard_at = Timestamp(NOW.0 + millis * 1000);
            let mut sockets = vec![heard(heard_at)];
            let rang = alarms(&mut sockets, Heartbeat::default(), |_, _| {}, at(900));
            let left = rang.last().unwrap().plus_secs(PRESENCE_LEAVE_SECS);
            assert!(sockets.is_empty() && left < heard_at.plus_secs(45), "{millis}: {rang:?}");
        }
    }

    /// OPERATIONS.md has these numbers. Devices ping every 20 seconds by themselves, and the runtime answers.
    #[test]
    fn a_longer_silence_before_a_ping_wakes_a_room_less_often() {
        let an_hour = |devices: u64, ping_after_secs: u64| {
            let heartbeat = Heartbeat { ping_after_secs, ..Heartbeat::default() };
            let mut sockets: Vec<SocketState> =
                (0..devices).map(|i| heard(Timestamp(NOW.0 + i * 20_000_000 / devices))).collect();
            let hear = |state: &mut SocketState, now: Timestamp| {
                let pings = now.0.saturating_sub(state.heard_at.0) / 20_000_000;
                state.heard_at = Timestamp(state.heard_at.0 + pings * 20_000_000);
            };
            alarms(&mut sockets, heartbeat, hear, at(3600)).len()
        };
        let table = [(1, 30), (10, 30), (10, 60), (10, 120), (10, 300)];
        assert_eq!(table.map(|(devices, ping_after)| an_hour(devices, ping_after)), [179, 298, 85, 35, 12]);
    }
}
