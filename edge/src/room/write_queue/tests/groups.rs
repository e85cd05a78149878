//! Pushes that are committed together with the one that has the turn.

use protocol::json::JsonText;

use super::*;

fn push(id: &str, device: &str) -> WaitingPush {
    let (token, body) = (format!("token of {id}"), "{}".into());
    WaitingPush {
        device: device.into(),
        push: GroupedPush { request_id: id.into(), arrived_at: NOW, token, body },
    }
}

/// Enters, and waits with a push of a device of its own.
fn queued_push(queue: &mut WriteQueue, id: &str) -> Receiver<Wake> {
    queued_push_of(queue, id, id)
}

fn queued_push_of(queue: &mut WriteQueue, id: &str, device: &str) -> Receiver<Wake> {
    assert_eq!(queue.enter(write(id), NOW), Entry::Queued);
    queue.offer(id, push(id, device));
    waiting(queue, id, NOW)
}

/// A queue in which the push `a` has the turn.
fn held_by_push() -> WriteQueue {
    let mut queue = held("first");
    let mut wake = queued_push(&mut queue, "a");
    queue.leave("first", NOW);
    assert!(has_turn(&mut wake));
    queue
}

fn taken_along(queue: &mut WriteQueue, id: &str) -> Vec<String> {
    queue.take_along(id).into_iter().map(|push| push.request_id).collect()
}

fn answer(text: &str) -> GroupedResponse {
    let body = JsonText::from_text(format!("{text:?}")).unwrap();
    GroupedResponse { status: 200, retry_after: None, cost: "requests=1; write=0; read=0".into(), body }
}

fn answers(ids: &[&str]) -> BTreeMap<String, GroupedResponse> {
    ids.iter().map(|id| ((*id).to_owned(), answer(id))).collect()
}

fn is_answered(wake: &mut Receiver<Wake>, id: &str) -> bool {
    wake.try_recv() == Ok(Some(Wake::Answer(answer(id))))
}

#[test]
fn a_push_takes_along_those_directly_behind_it_in_their_order() {
    let mut queue = held_by_push();
    let ids: Vec<String> = (0..GROUP_PUSHES_MAX + 3).map(|i| format!("p{i}")).collect();
    let mut wakes: Vec<_> = ids.iter().map(|id| queued_push(&mut queue, id)).collect();
    assert_eq!(taken_along(&mut queue, "a"), ids[..GROUP_PUSHES_MAX - 1]);
    let others: Vec<&str> = ids[..GROUP_PUSHES_MAX - 1].iter().map(String::as_str).collect();
    queue.finish("a", answers(&others), NOW);
    for (wake, id) in wakes.iter_mut().zip(&others) {
        assert!(is_answered(wake, id), "{id}");
    }
    assert!(has_turn(&mut wakes[GROUP_PUSHES_MAX - 1]));
    assert!(is_granted(&mut queue, &ids[GROUP_PUSHES_MAX - 1], NOW));
    assert_eq!(taken_along(&mut queue, &ids[GROUP_PUSHES_MAX - 1]), ids[GROUP_PUSHES_MAX..]);
}

#[test]
fn a_group_ends_before_a_write_that_is_no_push_and_before_a_second_push_of_a_device() {
    let mut queue = held_by_push();
    let _b = queued_push(&mut queue, "b");
    let _other = queued(&mut queue, "resolve");
    let _c = queued_push(&mut queue, "c");
    assert_eq!(taken_along(&mut queue, "a"), ["b"]);
    for device in ["a", "b"] {
        let mut queue = held_by_push();
        let _b = queued_push(&mut queue, "b");
        let _again = queued_push_of(&mut queue, "again", device);
        let _c = queued_push(&mut queue, "c");
        assert_eq!(taken_along(&mut queue, "a"), ["b"], "{device}");
    }
}

#[test]
fn a_request_that_does_not_wait_yet_or_no_longer_is_not_taken_along() {
    let mut queue = held_by_push();
    assert_eq!(queue.enter(write("absent"), NOW), Entry::Queued);
    queue.offer("absent", push("absent", "absent"));
    drop(queued_push(&mut queue, "gone"));
    let _b = queued_push(&mut queue, "b");
    assert_eq!(taken_along(&mut queue, "a"), ["b"]);
}

#[test]
fn a_write_that_is_no_push_or_did_not_wait_takes_none_along() {
    let mut queue = held("a");
    let mut resolve = queued(&mut queue, "resolve");
    let _b = queued_push(&mut queue, "b");
    assert!(queue.take_along("a").is_empty());
    queue.leave("a", NOW);
    assert!(has_turn(&mut resolve));
    assert!(queue.take_along("resolve").is_empty());
    assert!(queue.take_along("b").is_empty(), "b has no turn");
}

#[test]
fn a_push_without_an_answer_comes_next_and_may_be_taken_along_again() {
    let mut queue = held_by_push();
    let [mut b, mut c, mut d, mut e] = ["b", "c", "d", "e"].map(|id| queued_push(&mut queue, id));
    assert_eq!(taken_along(&mut queue, "a"), ["b", "c", "d", "e"]);
    queue.finish("a", answers(&["b", "d"]), NOW);
    assert!(is_answered(&mut b, "b") && is_answered(&mut d, "d"));
    assert!(has_turn(&mut c) && is_granted(&mut queue, "c", NOW));
    assert_eq!(taken_along(&mut queue, "c"), ["e"]);
    queue.finish("c", answers(&["e"]), NOW);
    assert!(is_answered(&mut e, "e"));
    assert_eq!(queue.enter(write("f"), NOW), Entry::Granted);
}

#[test]
fn the_pushes_of_a_failed_group_come_next_each_alone() {
    let mut queue = held_by_push();
    let mut wakes = ["b", "c"].map(|id| (id, queued_push(&mut queue, id)));
    assert_eq!(taken_along(&mut queue, "a"), ["b", "c"]);
    let mut d = queued_push(&mut queue, "d");
    queue.leave("a", NOW);
    for (id, wake) in &mut wakes {
        assert!(has_turn(wake), "{id}");
        assert!(queue.take_along(id).is_empty(), "{id} is pushed alone");
        queue.leave(id, NOW);
    }
    assert!(has_turn(&mut d));
}

#[test]
fn the_pushes_of_a_lost_holder_come_next_and_its_late_answers_reach_those_that_wait() {
    let mut queue = held_by_push();
    let [mut b, _c, mut d] = ["b", "c", "d"].map(|id| queued_push(&mut queue, id));
    assert_eq!(taken_along(&mut queue, "a"), ["b", "c", "d"]);
    let lost = after(NOW, WRITE_TURN_MILLIS);
    // One that asks again is told when the lease ends.
    let WaitState::Waiting { wake: mut c, expires_at } = queue.wait("c", Timestamp(lost.0 - 1)) else {
        panic!("c waits");
    };
    assert_eq!(expires_at, lost);
    assert!(is_granted(&mut queue, "b", lost));
    assert!(queue.take_along("b").is_empty());
    queue.finish("a", answers(&["b", "c"]), lost);
    assert!(is_answered(&mut c, "c"));
    assert!(!is_answered(&mut b, "b") && is_granted(&mut queue, "b", lost), "b pushes alone");
    queue.leave("b", lost);
    assert!(has_turn(&mut d));
}

#[test]
fn a_push_that_gives_up_leaves_its_group() {
    let mut queue = held_by_push();
    let (b, mut c) = (queued_push(&mut queue, "b"), queued_push(&mut queue, "c"));
    assert_eq!(taken_along(&mut queue, "a"), ["b", "c"]);
    queue.leave("b", NOW);
    drop(b);
    assert!(matches!(queue.wait("b", NOW), WaitState::Unknown));
    queue.finish("a", answers(&["b"]), NOW);
    assert!(has_turn(&mut c));
}

#[test]
fn pushes_that_were_taken_along_still_count_against_the_limits() {
    let mut queue = held_by_push();
    let ids: Vec<String> = (0..SESSION_WRITES_MAX - 1).map(|i| i.to_string()).collect();
    let mut wakes = Vec::new();
    for id in &ids {
        assert_eq!(queue.enter(write_of(id, "greedy"), NOW), Entry::Queued);
        queue.offer(id, push(id, id));
        wakes.push(waiting(&mut queue, id, NOW));
    }
    assert_eq!(taken_along(&mut queue, "a").len(), (SESSION_WRITES_MAX - 1).min(GROUP_PUSHES_MAX - 1));
    assert_eq!(queue.enter(write_of("last", "greedy"), NOW), Entry::Queued);
    assert_eq!(queue.enter(write_of("over", "greedy"), NOW), Entry::Refused);
}

/// Random histories, each printed by its seed: one write has the turn, and every push that waits gets a turn
/// or an answer, in the order of arrival where no group fails.
#[test]
fn in_random_histories_every_push_gets_a_turn_or_an_answer() {
    for seed in 1..=200_u64 {
        let (mut queue, mut now, mut random) = (WriteQueue::default(), NOW, seed);
        let mut draw = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % most
        };
        let (mut waiting, mut holder): (Vec<(String, Receiver<Wake>)>, Option<String>) = (Vec::new(), None);
        for step in 0..400 {
            let is_filling = step < 300;
            if is_filling && draw(3) > 0 && waiting.len() < 40 {
                let id = format!("{step:03}");
                match queue.enter(write(&id), now) {
                    Entry::Granted => assert_eq!(holder.replace(id), None, "seed {seed}"),
                    Entry::Refused => panic!("seed {seed}: refused"),
                    Entry::Queued => {
                        if draw(5) > 0 {
                            queue.offer(&id, push(&id, &format!("device-{}", draw(12))));
                        }
                        waiting.push((id.clone(), super::waiting(&mut queue, &id, now)));
                    }
                }
            } else if let Some(id) = holder.take() {
                let group = taken_along(&mut queue, &id);
                let place = |of: &str| waiting.iter().position(|(id, _)| id == of);
                let places: Vec<_> = group.iter().map(|id| place(id)).collect();
                assert!(places.is_sorted() && places.iter().all(Option::is_some), "seed {seed}: {group:?}");
                match draw(4) {
                    0 => queue.leave(&id, now),
                    // Lost.
                    1 => now = after(now, WRITE_TURN_MILLIS),
                    _ => {
                        let some: Vec<&str> =
                            group.iter().map(String::as_str).filter(|_| draw(8) > 0).collect();
                        queue.finish(&id, answers(&some), now);
                        waiting
                            .retain_mut(|(id, wake)| !some.contains(&id.as_str()) || !is_answered(wake, id));
                        assert!(waiting.iter().all(|(id, _)| !some.contains(&id.as_str())), "seed {seed}");
                    }
                }
                // The request of a lost holder wakes the others when the lease ends.
                let granted: Vec<String> = waiting
                    .iter_mut()
                    .filter_map(|(id, wake)| match queue.wait(id, now) {
                        WaitState::Granted => Some(id.clone()),
                        WaitState::Waiting { wake: later, .. } => {
                            *wake = later;
                            None
                        }
                        WaitState::Unknown => panic!("seed {seed}: {id} is forgotten"),
                    })
                    .collect();
                assert!(granted.len() <= 1 && (waiting.is_empty() || granted.len() == 1), "seed {seed}");
                waiting.retain(|(id, _)| !granted.contains(id));
                holder = granted.into_iter().next();
            }
        }
        assert!(waiting.is_empty() && holder.is_none(), "seed {seed}: {} left", waiting.len());
    }
}
