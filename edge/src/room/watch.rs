//! Who is asked for a sign of life, who has to go, and when to look again.

use protocol::timestamp::Timestamp;

use super::seat::Seat;

/// Seconds a socket may be silent before it is asked.
const SILENT_SECS: u64 = 30;
/// Seconds it then has to answer.
const ANSWER_SECS: u64 = 10;

/// Why a socket is closed: a code of our own (RFC 6455 leaves 4000 to 4999 to applications), and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Farewell {
    /// The close code.
    pub(super) code: u16,
    /// The close reason.
    pub(super) reason: &'static str,
}

/// The token is no longer valid; come back with a new one.
pub(super) const EXPIRED: Farewell = Farewell { code: 4401, reason: "token expired" };
/// The token is no longer valid because its session was ended; sign in again.
pub(super) const ENDED: Farewell = Farewell { code: 4401, reason: "session ended" };
/// No answer to a ping.
pub(super) const SILENT: Farewell = Farewell { code: 4408, reason: "no answer to a ping" };

/// What is to be done with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet.
    Nothing,
    /// Ask for a sign of life.
    Ping,
    /// Close it.
    Close(Farewell),
}

/// What is to be done with each socket, and when to look again; never, if no socket stays.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// In the order of the seats.
    pub(super) due: Vec<Due>,
    /// The next alarm.
    pub(super) wake_at: Option<Timestamp>,
}

/// Goes round the `seats` at `now`. Pings are noted in the seats.
pub(super) fn round(seats: &mut [Seat], now: Timestamp) -> Round {
    let mut wake_at = None;
    let mut visit = |seat: &mut Seat| {
        let due = due(seat, now);
        if due == Due::Ping {
            seat.pinged_at = Some(now);
        }
        if !matches!(due, Due::Close(_)) {
            let next = wake_for(seat);
            wake_at = Some(wake_at.map_or(next, |earliest: Timestamp| earliest.min(next)));
        }
        due
    };
    Round { due: seats.iter_mut().map(&mut visit).collect(), wake_at }
}

/// When to look at `seat` again, on the next whole second: a thousand sockets of one room then share a few
/// alarms instead of having one each.
pub(super) fn wake_for(seat: &Seat) -> Timestamp {
    let (at, _) = next(seat);
    Timestamp(at.0.div_ceil(1_000_000).saturating_mul(1_000_000))
}

fn due(seat: &Seat, now: Timestamp) -> Due {
    // First, for an alarm that comes late: asking someone who has to go anyway would let them stay.
    if seat.expires_at <= now {
        return Due::Close(EXPIRED);
    }
    let (at, due) = next(seat);
    if at <= now { due } else { Due::Nothing }
}

/// The next thing to happen to `seat` if it stays silent, and when.
fn next(seat: &Seat) -> (Timestamp, Due) {
    let unanswered = seat.pinged_at.filter(|pinged_at| *pinged_at > seat.heard_at);
    let silence = match unanswered {
        Some(pinged_at) => (pinged_at.plus_secs(ANSWER_SECS), Due::Close(SILENT)),
        None => (seat.heard_at.plus_secs(SILENT_SECS), Due::Ping),
    };
    if seat.expires_at <= silence.0 { (seat.expires_at, Due::Close(EXPIRED)) } else { silence }
}

#[cfg(test)]
mod tests {
    use super::super::seat::tests::{NOW, seat};
    use super::*;

    fn at(secs: u64) -> Timestamp {
        NOW.plus_secs(secs)
    }

    fn look(seat: &mut Seat, secs: u64) -> (Due, Option<Timestamp>) {
        let round = round(std::slice::from_mut(seat), at(secs));
        (round.due[0], round.wake_at)
    }

    #[test]
    fn a_silent_socket_is_pinged_after_30_seconds_and_closed_after_10_more() {
        let mut seat = seat();
        assert_eq!(look(&mut seat, 29), (Due::Nothing, Some(at(30))));
        assert_eq!(look(&mut seat, 30), (Due::Ping, Some(at(40))));
        assert_eq!(look(&mut seat, 39), (Due::Nothing, Some(at(40))));
        assert_eq!(look(&mut seat, 40), (Due::Close(SILENT), None));
    }

    #[test]
    fn an_answer_in_time_starts_the_30_seconds_again() {
        let mut seat = seat();
        assert_eq!(look(&mut seat, 30).0, Due::Ping);
        seat.heard_at = at(31);
        assert_eq!(look(&mut seat, 60), (Due::Nothing, Some(at(61))));
        assert_eq!(look(&mut seat, 61), (Due::Ping, Some(at(71))));
    }

    #[test]
    fn an_expired_token_closes_the_socket_however_lively_it_is() {
        let mut seat = seat();
        seat.heard_at = at(899);
        assert_eq!(look(&mut seat, 899), (Due::Nothing, Some(at(900))));
        assert_eq!(look(&mut seat, 900), (Due::Close(EXPIRED), None));
        let mut dead = self::seat();
        assert_eq!(look(&mut dead, 5000), (Due::Close(EXPIRED), None));
    }

    #[test]
    fn the_next_look_is_at_the_earliest_of_those_who_stay_on_a_whole_second() {
        let mut seats = [seat(), seat(), seat()];
        seats[0].heard_at = Timestamp(at(10).0 + 1);
        seats[1].heard_at = at(20);
        seats[2].expires_at = at(5);
        let round = round(&mut seats, at(20));
        assert_eq!(round.due, [Due::Nothing, Due::Nothing, Due::Close(EXPIRED)]);
        assert_eq!(round.wake_at, Some(at(41)));
        assert_eq!(wake_for(&seats[1]), at(50));
    }

    #[test]
    fn a_late_alarm_does_not_close_a_socket_that_was_never_asked() {
        assert_eq!(look(&mut seat(), 100), (Due::Ping, Some(at(110))));
    }

    #[test]
    fn an_empty_room_sleeps() {
        assert_eq!(round(&mut [], NOW), Round { due: Vec::new(), wake_at: None });
    }
}
