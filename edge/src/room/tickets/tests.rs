use std::collections::BTreeSet;

use super::super::socket_state::tests::NOW;
use super::*;

/// The tickets of a room, as its storage sorts them.
fn tickets(count: usize, expires_at: Timestamp) -> BTreeSet<String> {
    (0..count).map(|_| key(&TicketId::new(expires_at).unwrap())).collect()
}

#[test]
fn expired_tickets_are_deleted_without_a_pause_and_valid_ones_stay() {
    let (many, valid) = (2 * KEYS_MAX + 1, tickets(3, NOW.plus_secs(1)));
    let mut kept = tickets(many, NOW);
    kept.extend(valid.clone());
    let (mut now, mut sweeps) = (NOW, 0);
    while kept.len() > valid.len() {
        let end = expired_end(now);
        let expired: Vec<String> = kept.range(..end).take(KEYS_MAX).cloned().collect();
        kept.retain(|key| !expired.contains(key));
        (now, sweeps) = (next_sweep(expired.len(), now), sweeps + 1);
        assert!(sweeps <= many.div_ceil(KEYS_MAX), "expired tickets stay");
        assert_eq!(now > NOW, expired.len() < KEYS_MAX);
    }
    assert_eq!(kept, valid);
}
