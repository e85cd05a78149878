//! Statistics, the commands of their flushes, and the report.

use super::*;
use crate::limits::{CACHE_FLUSH_SECS, CACHE_STATISTICS_SECS};
use protocol::ids::ClientId;
use protocol::timestamp::Timestamp;
use redis_client::fake::Stored;

fn client() -> ClientId {
    room().client
}

fn of(client: &str, id: &str) -> Request {
    Request::record(&keys(), &format!("{client}:2").parse().unwrap(), "products", id)
}

/// Reads `times` times and flushes after each read, as requests do; returns the flushes' commands.
fn reads(world: &World, times: usize, client: impl Fn(usize) -> &'static str) -> u64 {
    let mut commands = 0;
    for n in 0..times {
        world.read(&of(client(n), "p"), "v");
        commands += world.counted(world.cache.flush_if_due()).1.0;
    }
    commands
}

#[test]
fn statistics_cost_at_most_a_fiftieth_of_a_command_per_read() {
    let world = World::open();
    let commands = reads(&world, 10_000, |_| "1");
    assert!((100..=101).contains(&commands), "{commands}");
    let many = World::open();
    let commands = reads(&many, 10_000, |n| if n % 2 == 0 { "1" } else { "9" });
    assert!(commands <= 200, "{commands}");
    let report = many.wait(many.cache.report(&client(), Timestamp(0))).unwrap();
    assert!(report.total.requests >= 4_900, "{report:?}");
}

#[test]
fn a_flush_is_one_command_except_the_first_of_a_day() {
    let world = World::open();
    reads(&world, 99, |_| "1");
    assert_eq!(world.counted(world.cache.flush_if_due()).1, (0, 0));
    world.read(&of("1", "p"), "v");
    assert_eq!(world.counted(world.cache.flush_if_due()).1, (2, 1));
    world.read(&of("1", "p"), "v");
    assert_eq!(world.counted(world.cache.flush_if_due()).1, (0, 0));
    world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
    assert_eq!(world.counted(world.cache.flush_if_due()).1, (1, 1));
    world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
    assert_eq!(world.counted(world.cache.flush_if_due()).1, (0, 0), "nothing was read");
    let until = world.service.state().database.keys["t:1:cache-statistics:1970-01-01"].until;
    assert!(until.is_some_and(|until| until <= (CACHE_STATISTICS_SECS + 60) * 1_000_000));
}

#[test]
fn a_hash_that_redis_had_lost_is_given_a_ttl_again() {
    let world = World::open();
    let key = "t:1:cache-statistics:1970-01-01";
    reads(&world, 100, |_| "1");
    // The hash is lost; and it is lost together with the response to the write.
    for mode in [Mode::Up, Mode::Silent] {
        world.service.state().database.keys.remove(key);
        (0..100).for_each(|_| drop(world.read(&of("1", "p"), "v")));
        world.service.set_mode(mode);
        let (_, cost) = world.counted(world.cache.flush_if_due());
        world.service.set_mode(Mode::Up);
        if mode == Mode::Up {
            assert_eq!(cost, (2, 2));
        } else {
            world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
            world.wait(world.cache.flush_if_due());
        }
        assert!(world.service.state().database.keys[key].until.is_some(), "{mode:?}");
    }
}

#[test]
fn a_quiet_process_writes_the_counts_of_every_client() {
    let world = World::open();
    let names: Vec<String> = (0..40).map(|n| format!("many-{n}")).collect();
    names.iter().for_each(|name| drop(world.read(&of(name, "p"), "v")));
    let flush = || {
        world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
        world.counted(world.cache.flush_if_due()).1
    };
    // A hash and its TTL for each client, in one round trip, with a limited number of commands.
    assert_eq!([flush(), flush(), flush(), flush()], [(32, 1), (32, 1), (16, 1), (0, 0)]);
    for name in &names {
        let report = world.wait(world.cache.report(&name.parse().unwrap(), Timestamp(0))).unwrap();
        assert_eq!(report.total.requests, 1, "{name}");
    }
}

#[test]
fn a_failed_flush_is_repeated_and_counts_nothing_twice() {
    let world = World::open();
    let two = World::beside(&world.service);
    reads(&world, 100, |_| "1");
    reads(&two, 100, |_| "1");
    for mode in [Mode::Silent, Mode::Down] {
        (0..100).for_each(|_| drop(world.read(&of("1", "p"), "v")));
        world.service.set_mode(mode);
        world.wait(world.cache.flush_if_due());
        world.service.set_mode(Mode::Up);
    }
    world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
    world.wait(world.cache.flush_if_due());
    let report = world.wait(world.cache.report(&client(), Timestamp(0))).unwrap();
    assert_eq!((report.total.requests, report.total.misses), (400, 1));
    assert_eq!(report.day, "1970-01-01");
    assert_eq!(report.total.hit_permille, 997);
}

#[test]
fn statistics_are_per_day_and_client_and_written_days_are_forgotten() {
    let world = World::open();
    let day = 24 * 3600 * 1000;
    reads(&world, 100, |_| "1");
    world.service.advance_millis(day);
    reads(&world, 100, |_| "1");
    reads(&world, 100, |_| "9");
    world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
    world.wait(world.cache.flush_if_due());
    let requests = |client: &str, at: u64| {
        let report = world.wait(world.cache.report(&client.parse().unwrap(), Timestamp(at * 1000))).unwrap();
        report.total.requests
    };
    assert_eq!(
        [requests("1", 0), requests("1", day), requests("9", 0), requests("9", day)],
        [100, 100, 0, 100]
    );
    assert_eq!(world.cache.stats(&client()).total.requests, 100);
}

#[test]
fn past_days_are_compacted_into_one_sum_and_reported_as_before() {
    let world = World::open();
    let day = 24 * 3600 * 1000;
    let others: Vec<World> = (0..3).map(|_| World::beside(&world.service)).collect();
    for other in &others {
        reads(other, 100, |_| "1");
    }
    // One of them has counted more and is frozen before it writes that.
    drop(others[0].read(&of("1", "p"), "v"));
    let report = || world.wait(world.cache.report(&client(), Timestamp(0))).unwrap();
    let fields = || match &world.service.state().database.keys["t:1:cache-statistics:1970-01-01"].value {
        Stored::Hash(fields) => fields.len(),
        Stored::Text(_) => 0,
    };
    let before = report();
    assert_eq!(fields(), 3);
    for folded in [0, 0, 1, 0, 0] {
        assert_eq!(world.wait(world.cache.maintain(1)).unwrap().compacted, folded);
        assert_eq!((report().total, report().kinds), (before.total, before.kinds.clone()));
        world.service.advance_millis(day);
    }
    assert_eq!((fields(), before.total.requests), (1, 300));
    // It continues too late, and its counts are dropped.
    world.wait(others[0].cache.flush_if_due());
    assert_eq!((fields(), report().total.requests), (1, 300));
}

#[test]
fn every_source_of_an_answer_is_counted_separately() {
    let world = World::open();
    let request = product("p");
    world.read(&request, "v");
    world.read(&request, "v");
    world.wait(world.cache.read(&product("q"), async || Err(Failed))).unwrap_err();
    world.service.advance_millis(request.kind().rules().fresh_millis * 11 / 10 + 1);
    world.wait(world.cache.read(&request, async || Err(Failed))).unwrap();
    world.service.set_mode(Mode::Down);
    world.read(&request, "v");
    world.read(&request, "v");
    let stats = world.cache.stats(&client());
    let total = stats.total;
    assert_eq!((total.requests, total.hits, total.stale, total.memory, total.misses), (6, 1, 1, 1, 3));
    assert_eq!((total.failures, total.hit_permille), (2, 500));
    assert!(total.errors >= 2);
    assert_eq!(stats.kinds.len(), 1);
    assert_eq!((stats.kinds[0].kind.as_str(), stats.kinds[0].figures), ("product", total));
}

#[test]
fn mean_times_of_answers_and_loads_are_reported() {
    let world = World::open();
    let slow = async || {
        world.service.advance_millis(30);
        returns("v")
    };
    world.wait(world.cache.read(&product("p"), slow)).unwrap();
    (0..2).for_each(|_| drop(world.read(&product("p"), "v")));
    let total = world.cache.stats(&client()).total;
    assert_eq!((total.mean_load_micros, total.mean_response_micros), (30_000, 10_000));
}

#[test]
fn the_report_is_two_commands_in_one_round_trip_and_ignores_invalid_fields() {
    let world = World::open();
    reads(&world, 100, |_| "1");
    let words = ["HSET", "t:1:cache-statistics:1970-01-01", "x", "nonsense"].map(str::to_owned);
    world.service.state().database.run(&words, 0).unwrap();
    let (report, cost) = world.counted(world.cache.report(&client(), Timestamp(0)));
    let report = report.unwrap();
    assert_eq!((report.total.requests, cost), (100, (2, 1)));
    let redis = report.redis.unwrap();
    assert_eq!(
        (redis.uptime_secs, redis.used_memory_bytes, redis.max_memory_bytes),
        (Some(77), Some(900), Some(1000))
    );
}
