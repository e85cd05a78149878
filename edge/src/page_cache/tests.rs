use std::collections::HashMap;

use super::*;
use crate::query;

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

type Parts = (Room, Role, String, String);

fn key(parts: &Parts) -> PageKey {
    PageKey::new(&parts.0, parts.1, &parts.2, &parts.3)
}

#[test]
fn different_readers_never_share_a_key() {
    let mut numbers = Numbers(7);
    let names = ["1", "2", "12", "a", "1-2", "a_b", "cashier", "2-1", "B", "A"];
    let digests = ["wktUfl1x0FE", "wktUfl1x0Fe", "1", "cashier/1", "%2F", "a?b", ""];
    let roles = [Role::Cashier, Role::Manager, Role::Admin, Role::SuperAdmin];
    let queries = ["", "limit=5", "cursor=p1.5.x", "cursor=p1.5.x&limit=5", "tables=a%2Cb"];
    let mut seen: HashMap<PageKey, Parts> = HashMap::new();
    for _ in 0..2_000 {
        let room = format!("{}:{}", numbers.one_of(&names), numbers.one_of(&names));
        let query = query::canonical(numbers.one_of(&queries)).unwrap();
        let digest = numbers.one_of(&digests).to_owned();
        let parts = (room.parse().unwrap(), numbers.one_of(&roles), digest, query);
        let other = seen.entry(key(&parts)).or_insert_with(|| parts.clone());
        assert_eq!(*other, parts);
    }
    assert!(seen.len() > 1_000);
}
