//! What is counted, what it costs to write, and the report.

use super::*;
use crate::fake_redis::Stored;
use crate::limits::{CACHE_FLUSH_SECS, CACHE_STATISTICS_SECS};
use protocol::ids::ClientId;
use protocol::timestamp::Timestamp;

fn client() -> ClientId {
    room().client
}

fn of(client: &str, id: &str) -> Request {
    Request::record(&keys(), &format!("{client}:2").parse().unwrap(), "products", id)
}

/// Reads `times` and flushes after each, as requests do; answers the commands that the flushes took.
fn reads(shop: &Shop, times: usize, client: impl Fn(usize) -> &'static str) -> u64 {
    let mut commands = 0;
    for n in 0..times {
        shop.read(&of(client(n), "p"), "v");
        commands += shop.counted(shop.cache.flush_if_due()).1.0;
    }
    commands
}

#[test]
fn under_load_the_counts_cost_a_fiftieth_of_a_command_for_each_read_at_most() {
    let shop = Shop::open();
    let commands = reads(&shop, 10_000, |_| "1");
    assert!((100..=101).contains(&commands), "{commands}");
    let many = Shop::open();
    let commands = reads(&many, 10_000, |n| if n % 2 == 0 { "1" } else { "9" });
    assert!(commands <= 200, "{commands}");
    let report = many.wait(many.cache.report(&client(), Timestamp(0))).unwrap();
    assert!(report.total.requests >= 4_900, "{report:?}");
}

#[test]
fn a_flush_is_one_round_trip_and_one_command_but_for_the_first_of_a_day() {
    let shop = Shop::open();
    reads(&shop, 99, |_| "1");
    assert_eq!(shop.counted(shop.cache.flush_if_due()).1, (0, 0));
    shop.read(&of("1", "p"), "v");
    assert_eq!(shop.counted(shop.cache.flush_if_due()).1, (2, 1));
    shop.read(&of("1", "p"), "v");
    assert_eq!(shop.counted(shop.cache.flush_if_due()).1, (0, 0));
    shop.service.pass(CACHE_FLUSH_SECS * 1000);
    assert_eq!(shop.counted(shop.cache.flush_if_due()).1, (1, 1));
    shop.service.pass(CACHE_FLUSH_SECS * 1000);
    assert_eq!(shop.counted(shop.cache.flush_if_due()).1, (0, 0), "nothing was read");
    let until = shop.service.state().database.keys["t:1:cache-statistics:1970-01-01"].until;
    assert!(until.is_some_and(|until| until <= (CACHE_STATISTICS_SECS + 60) * 1_000_000));
}

#[test]
fn a_hash_that_redis_had_lost_gets_a_ttl_again() {
    let shop = Shop::open();
    let key = "t:1:cache-statistics:1970-01-01";
    reads(&shop, 100, |_| "1");
    // Lost; and lost together with the answer that would have said so.
    for weather in [Weather::Fair, Weather::Silent] {
        shop.service.state().database.keys.remove(key);
        (0..100).for_each(|_| drop(shop.read(&of("1", "p"), "v")));
        shop.service.weather(weather);
        let (_, cost) = shop.counted(shop.cache.flush_if_due());
        shop.service.weather(Weather::Fair);
        if weather == Weather::Fair {
            assert_eq!(cost, (2, 2));
        } else {
            shop.service.pass(CACHE_FLUSH_SECS * 1000);
            shop.wait(shop.cache.flush_if_due());
        }
        assert!(shop.service.state().database.keys[key].until.is_some(), "{weather:?}");
    }
}

#[test]
fn a_quiet_process_keeps_no_client_waiting() {
    let shop = Shop::open();
    let names: Vec<String> = (0..40).map(|n| format!("many-{n}")).collect();
    names.iter().for_each(|name| drop(shop.read(&of(name, "p"), "v")));
    let flush = || {
        shop.service.pass(CACHE_FLUSH_SECS * 1000);
        shop.counted(shop.cache.flush_if_due()).1
    };
    // A hash of the day and its TTL for each, in one round trip, and no more than a bounded number at once.
    assert_eq!([flush(), flush(), flush(), flush()], [(32, 1), (32, 1), (16, 1), (0, 0)]);
    for name in &names {
        let report = shop.wait(shop.cache.report(&name.parse().unwrap(), Timestamp(0))).unwrap();
        assert_eq!(report.total.requests, 1, "{name}");
    }
}

#[test]
fn a_flush_that_fails_is_made_up_for_and_none_is_counted_twice() {
    let shop = Shop::open();
    let two = Shop::beside(&shop.service);
    reads(&shop, 100, |_| "1");
    reads(&two, 100, |_| "1");
    for weather in [Weather::Silent, Weather::Down] {
        (0..100).for_each(|_| drop(shop.read(&of("1", "p"), "v")));
        shop.service.weather(weather);
        shop.wait(shop.cache.flush_if_due());
        shop.service.weather(Weather::Fair);
    }
    shop.service.pass(CACHE_FLUSH_SECS * 1000);
    shop.wait(shop.cache.flush_if_due());
    let report = shop.wait(shop.cache.report(&client(), Timestamp(0))).unwrap();
    assert_eq!((report.total.requests, report.total.misses), (400, 1));
    assert_eq!(report.day, "1970-01-01");
    assert_eq!(report.total.hit_permille, 997);
}

#[test]
fn each_day_and_each_client_has_its_own_and_yesterday_is_forgotten_when_it_is_written() {
    let shop = Shop::open();
    let day = 24 * 3600 * 1000;
    reads(&shop, 100, |_| "1");
    shop.service.pass(day);
    reads(&shop, 100, |_| "1");
    reads(&shop, 100, |_| "9");
    shop.service.pass(CACHE_FLUSH_SECS * 1000);
    shop.wait(shop.cache.flush_if_due());
    let requests = |client: &str, at: u64| {
        let report = shop.wait(shop.cache.report(&client.parse().unwrap(), Timestamp(at * 1000))).unwrap();
        report.total.requests
    };
    assert_eq!(
        [requests("1", 0), requests("1", day), requests("9", 0), requests("9", day)],
        [100, 100, 0, 100]
    );
    assert_eq!(shop.cache.stats(&client()).total.requests, 100);
}

#[test]
fn past_days_are_folded_into_one_sum_and_reported_as_before() {
    let shop = Shop::open();
    let day = 24 * 3600 * 1000;
    let others: Vec<Shop> = (0..3).map(|_| Shop::beside(&shop.service)).collect();
    for other in &others {
        reads(other, 100, |_| "1");
    }
    // One of them has counted more, and sleeps before it has written that.
    drop(others[0].read(&of("1", "p"), "v"));
    let report = || shop.wait(shop.cache.report(&client(), Timestamp(0))).unwrap();
    let fields = || match &shop.service.state().database.keys["t:1:cache-statistics:1970-01-01"].value {
        Stored::Hash(fields) => fields.len(),
        Stored::Text(_) => 0,
    };
    let before = report();
    assert_eq!(fields(), 3);
    for folded in [0, 0, 1, 0, 0] {
        assert_eq!(shop.wait(shop.cache.maintain(1)).unwrap().folded, folded);
        assert_eq!((report().total, report().kinds), (before.total, before.kinds.clone()));
        shop.service.pass(day);
    }
    assert_eq!((fields(), before.total.requests), (1, 300));
    // It wakes up too late to count anything twice.
    shop.wait(others[0].cache.flush_if_due());
    assert_eq!((fields(), report().total.requests), (1, 300));
}

#[test]
fn every_way_to_be_answered_is_told_from_the_others() {
    let shop = Shop::open();
    let request = product("p");
    shop.read(&request, "v");
    shop.read(&request, "v");
    shop.wait(shop.cache.read(&product("q"), async || Err(Failed))).unwrap_err();
    shop.service.pass(request.kind().rules().fresh_millis * 11 / 10 + 1);
    shop.wait(shop.cache.read(&request, async || Err(Failed))).unwrap();
    shop.service.weather(Weather::Down);
    shop.read(&request, "v");
    shop.read(&request, "v");
    let stats = shop.cache.stats(&client());
    let total = stats.total;
    assert_eq!((total.requests, total.hits, total.stale, total.memory, total.misses), (6, 1, 1, 1, 3));
    assert_eq!((total.failures, total.hit_permille), (2, 500));
    assert!(total.errors >= 2);
    assert_eq!(stats.kinds.len(), 1);
    assert_eq!((stats.kinds[0].kind.as_str(), stats.kinds[0].figures), ("product", total));
}

#[test]
fn times_are_those_of_the_answer_and_of_the_source() {
    let shop = Shop::open();
    let slow = async || {
        shop.service.pass(30);
        says("v")
    };
    shop.wait(shop.cache.read(&product("p"), slow)).unwrap();
    (0..2).for_each(|_| drop(shop.read(&product("p"), "v")));
    let total = shop.cache.stats(&client()).total;
    assert_eq!((total.mean_load_micros, total.mean_response_micros), (30_000, 10_000));
}

#[test]
fn the_report_is_two_commands_in_one_round_trip_and_ignores_what_is_not_ours() {
    let shop = Shop::open();
    reads(&shop, 100, |_| "1");
    let words = ["HSET", "t:1:cache-statistics:1970-01-01", "x", "nonsense"].map(str::to_owned);
    shop.service.state().database.run(&words, 0).unwrap();
    let (report, cost) = shop.counted(shop.cache.report(&client(), Timestamp(0)));
    let report = report.unwrap();
    assert_eq!((report.total.requests, cost), (100, (2, 1)));
    let redis = report.redis.unwrap();
    assert_eq!(
        (redis.uptime_secs, redis.used_memory_bytes, redis.max_memory_bytes),
        (Some(77), Some(900), Some(1000))
    );
}
