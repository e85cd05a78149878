mod groups;

use super::*;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn write(id: &str) -> Write {
    write_of(id, id)
}

fn write_of(id: &str, sender: &str) -> Write {
    Write { id: id.into(), sender: sender.into() }
}

/// A queue in which `holder` has the turn.
fn held(holder: &str) -> WriteQueue {
    let mut queue = WriteQueue::default();
    assert_eq!(queue.enter(write(holder), NOW), Entry::Granted);
    queue
}

/// Enters and begins to wait.
fn queued(queue: &mut WriteQueue, id: &str) -> Receiver<Wake> {
    assert_eq!(queue.enter(write(id), NOW), Entry::Queued);
    waiting(queue, id, NOW)
}

fn waiting(queue: &mut WriteQueue, id: &str, now: Timestamp) -> Receiver<Wake> {
    match queue.wait(id, now) {
        WaitState::Waiting { wake, .. } => wake,
        other => panic!("{id}: {other:?}"),
    }
}

fn has_turn(wake: &mut Receiver<Wake>) -> bool {
    wake.try_recv() == Ok(Some(Wake::Turn))
}

fn is_granted(queue: &mut WriteQueue, id: &str, now: Timestamp) -> bool {
    matches!(queue.wait(id, now), WaitState::Granted)
}

#[test]
fn writes_get_their_turns_one_at_a_time_in_the_order_of_arrival() {
    let mut queue = held("a");
    let mut turns = ["b", "c", "d"].map(|id| (id, queued(&mut queue, id)));
    let mut holder = "a";
    for next in 0..turns.len() {
        assert!(!turns.iter_mut().skip(next).any(|(_, turn)| has_turn(turn)));
        queue.leave(holder, NOW);
        let (id, turn) = &mut turns[next];
        assert!(has_turn(turn));
        holder = id;
    }
    queue.leave(holder, NOW);
    assert_eq!(queue.enter(write("e"), NOW), Entry::Granted);
}

#[test]
fn a_write_that_arrives_later_does_not_overtake_those_that_wait() {
    let mut queue = held("a");
    let mut b = queued(&mut queue, "b");
    queue.leave("a", NOW);
    assert_eq!(queue.enter(write("c"), NOW), Entry::Queued);
    assert!(has_turn(&mut b));
}

#[test]
fn a_lost_holder_blocks_the_others_no_longer_than_its_lease() {
    let mut queue = held("a");
    let WaitState::Waiting { expires_at, .. } = ({
        queue.enter(write("b"), NOW);
        queue.wait("b", NOW)
    }) else {
        panic!()
    };
    assert_eq!(expires_at, after(NOW, WRITE_TURN_MILLIS));
    let _turn = waiting(&mut queue, "b", Timestamp(expires_at.0 - 1));
    assert!(is_granted(&mut queue, "b", expires_at));
    // What the lost holder releases later is not the turn of another write.
    let mut c = queued(&mut queue, "c");
    queue.leave("a", expires_at);
    assert!(!has_turn(&mut c));
}

#[test]
fn a_write_that_never_begins_to_wait_is_passed_over_and_forgotten() {
    let mut queue = held("a");
    assert_eq!(queue.enter(write("absent"), NOW), Entry::Queued);
    let mut b = queued(&mut queue, "b");
    queue.leave("a", NOW);
    assert!(has_turn(&mut b));
    assert!(matches!(queue.wait("absent", after(NOW, WAIT_BEGINS_MILLIS - 1)), WaitState::Waiting { .. }));
    queue.leave("absent", NOW);
    assert_eq!(queue.enter(write("absent"), NOW), Entry::Queued);
    queue.leave("b", NOW);
    assert_eq!(queue.enter(write("c"), after(NOW, WAIT_BEGINS_MILLIS)), Entry::Granted);
}

#[test]
fn a_write_that_gives_up_or_ends_frees_its_place() {
    let mut queue = held("a");
    let (b, mut c) = (queued(&mut queue, "b"), queued(&mut queue, "c"));
    drop(b);
    let mut d = queued(&mut queue, "d");
    queue.leave("c", NOW);
    queue.leave("a", NOW);
    assert!(!has_turn(&mut c) && has_turn(&mut d));
    assert!(matches!(queue.wait("b", NOW), WaitState::Unknown));
    assert!(
        matches!(WriteQueue::default().wait("a", NOW), WaitState::Unknown),
        "after the loss of the queue"
    );
}

#[test]
fn a_full_queue_refuses() {
    let mut queue = held("a");
    let _turns: Vec<_> = (0..WRITE_QUEUE_MAX).map(|i| queued(&mut queue, &i.to_string())).collect();
    assert_eq!(queue.enter(write("b"), NOW), Entry::Refused);
    queue.leave("a", NOW);
    assert_eq!(queue.enter(write("b"), NOW), Entry::Queued);
}

#[test]
fn one_sender_has_only_a_few_places_and_the_others_keep_theirs() {
    let mut queue = WriteQueue::default();
    let ids: Vec<String> = (0..=SESSION_WRITES_MAX).map(|i| i.to_string()).collect();
    let entries: Vec<Entry> = ids.iter().map(|id| queue.enter(write_of(id, "greedy"), NOW)).collect();
    assert_eq!(entries[0], Entry::Granted);
    assert!(entries[1..SESSION_WRITES_MAX].iter().all(|entry| *entry == Entry::Queued));
    assert_eq!(entries[SESSION_WRITES_MAX], Entry::Refused);
    assert_eq!(queue.enter(write("other"), NOW), Entry::Queued);
    queue.leave("0", NOW);
    assert_eq!(queue.enter(write_of("again", "greedy"), NOW), Entry::Queued);
}

/// Random histories, each printed by its seed: at most one write has the turn, and each that stays gets one.
#[test]
fn in_random_histories_one_write_has_the_turn_and_none_is_forgotten() {
    for seed in 1..=200_u64 {
        let (mut queue, mut now, mut random) = (WriteQueue::default(), NOW, seed);
        let mut waiting: VecDeque<(String, Receiver<Wake>)> = VecDeque::new();
        let mut holder: Option<String> = None;
        for step in 0..300 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            now = after(now, random >> 60);
            match (random >> 33) % 4 {
                0 | 1 if waiting.len() < WRITE_QUEUE_MAX => {
                    let id = step.to_string();
                    match queue.enter(write(&id), now) {
                        Entry::Granted => assert_eq!(holder.replace(id), None, "seed {seed}"),
                        Entry::Queued => match queue.wait(&id, now) {
                            WaitState::Waiting { wake, .. } => waiting.push_back((id, wake)),
                            other => panic!("seed {seed}: {other:?}"),
                        },
                        Entry::Refused => panic!("seed {seed}: refused"),
                    }
                }
                2 if waiting.len() > 1 => {
                    let (id, _) = waiting.remove(waiting.len() / 2).unwrap();
                    queue.leave(&id, now);
                }
                _ => {
                    // A holder leaves, or is lost until its lease is over.
                    match holder.take() {
                        Some(id) if random & 1 == 0 => queue.leave(&id, now),
                        _ => now = after(now, WRITE_TURN_MILLIS),
                    }
                    if let Some((id, _)) = waiting.front() {
                        assert!(is_granted(&mut queue, id, now), "seed {seed}: {id} waits without need");
                        holder = waiting.pop_front().map(|(id, _)| id);
                    }
                }
            }
        }
    }
}

#[test]
fn the_queue_is_quiet_while_it_knows_of_no_write() {
    let later = |millis| after(NOW, millis);
    let mut queue = WriteQueue::default();
    assert!(queue.is_quiet(NOW));
    queue.enter(write("a"), NOW);
    assert!(!queue.is_quiet(NOW));
    assert_eq!((queue.granted_at("a"), queue.granted_at("b")), (Some(NOW), None));
    queue.leave("a", NOW);
    assert!(queue.is_quiet(NOW));
    // A holder that was lost, one that may still run, and a queue that was lost.
    queue.enter(write("b"), NOW);
    assert!(!queue.is_quiet(later(WRITE_TURN_MILLIS)));
    assert!(!queue.is_quiet(later(WRITE_TURN_MILLIS + UNSEEN_MILLIS - 1)));
    assert!(queue.is_quiet(later(WRITE_TURN_MILLIS + UNSEEN_MILLIS)));
    let mut queue = held("c");
    queue.lose("c", NOW);
    assert!(!queue.is_quiet(later(UNSEEN_MILLIS - 1)) && queue.is_quiet(later(UNSEEN_MILLIS)));
    let mut queue = WriteQueue::starting(NOW);
    assert!(!queue.is_quiet(later(UNSEEN_MILLIS - 1)) && queue.is_quiet(later(UNSEEN_MILLIS)));
}

#[test]
fn a_write_that_stops_waiting_may_go_on_without_a_turn() {
    let mut queue = held("a");
    drop(queued(&mut queue, "b"));
    queue.leave("a", NOW);
    assert!(!queue.is_quiet(NOW));
    assert!(queue.is_quiet(after(NOW, UNSEEN_MILLIS)));
}
