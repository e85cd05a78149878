//! Every Redis command of the client, sent as the functions send it: their connection, the REST server, a
//! real Redis.

use std::collections::BTreeSet;
use std::time::Duration;

use functions::redis::Redis;
use redis_client::arguments::Arguments;
use redis_client::budget::Budget;
use redis_client::command::{self, Command, Expiry, Range, Remaining, Ttl};
use redis_client::error::RedisError;
use redis_client::keys::{Key, KeyKind};
use redis_client::pipeline::Pipeline;
use redis_client::reply::Reply;
use redis_client::script::{LOCKS_ITS_KEYS, Script};
use redis_client::value::Value;
use serde_json::{Value as Json, json};
use tests::wait::poll;

use crate::shop::Shop;

trials! {
    shared:
    set_takes_conditions_and_get_returns_the_value,
    ttls_are_set_read_and_kept,
    json_and_bytes_round_trip,
    hashes_sets_and_sorted_sets_work,
    numbers_beyond_two_to_the_53_are_exact,
    scan_finds_keys_by_pattern_within_a_tenant,
    pipelines_and_transactions_return_every_reply,
    scripts_run_by_hash_and_are_loaded_when_unknown,
    server_commands_return_its_state,
}

/// A Redis client that uses the keys of one tenant.
struct TenantRedis<'a> {
    client: Redis,
    shop: &'a Shop,
}

impl TenantRedis<'_> {
    fn of(shop: &Shop) -> TenantRedis<'_> {
        TenantRedis { client: shop.world.function_redis(), shop }
    }

    fn key(&self, name: &str) -> Key {
        self.client.keys.cart(&self.shop.room("1"), name)
    }

    async fn run<R>(&self, command: &Command<R>) -> R {
        // A slow machine must not fail these tests.
        let time = Duration::from_secs(30);
        self.client.client.within(Budget { per_try: time, total: time }).run(command).await.unwrap()
    }

    async fn set(&self, key: &Key, value: &str) {
        assert!(self.run(&command::set(key, &Value::text(value), Expiry::In(minute()))).await);
    }
}

fn minute() -> Ttl {
    Ttl::of_secs(60)
}

fn texts(values: Vec<Vec<u8>>) -> BTreeSet<String> {
    values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect()
}

fn text(value: Option<Vec<u8>>) -> Option<String> {
    value.map(|value| String::from_utf8(value).unwrap())
}

async fn set_takes_conditions_and_get_returns_the_value(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let (a, b) = (redis.key("a"), redis.key("b"));
    let if_missing = |value: &str| command::set_if_missing(&a, &Value::text(value), Expiry::In(minute()));
    let if_present = |value: &str| command::set_if_present(&a, &Value::text(value), Expiry::In(minute()));
    assert!(!redis.run(&if_present("there")).await);
    assert!(redis.run(&if_missing("1")).await);
    assert!(!redis.run(&if_missing("2")).await);
    assert!(redis.run(&if_present("ä \"3\"\n")).await);
    assert_eq!(text(redis.run(&command::get(&a)).await).as_deref(), Some("ä \"3\"\n"));
    let before = redis.run(&command::set_and_get_previous(&a, &Value::text("4"), Expiry::In(minute()))).await;
    assert_eq!(text(before).as_deref(), Some("ä \"3\"\n"));
    assert_eq!(redis.run(&command::get(&b)).await, None);
    redis.set(&a, "5").await;
    redis.set(&b, "6").await;
    let read = redis.run(&command::mget([&a, &redis.key("none"), &b])).await;
    assert_eq!(read, [Some(b"5".to_vec()), None, Some(b"6".to_vec())]);
    assert_eq!(redis.run(&command::exists([&a, &b, &redis.key("none")])).await, 2);
    assert_eq!(text(redis.run(&command::get_and_delete(&a)).await).as_deref(), Some("5"));
    assert_eq!(redis.run(&command::del([&a, &b])).await, 1);
    redis.set(&a, "7").await;
    assert_eq!(redis.run(&command::unlink([&a, &b])).await, 1);
}

async fn ttls_are_set_read_and_kept(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let key = redis.key("a");
    let left = async || match redis.run(&command::pttl(&key)).await {
        Remaining::For(left) => left,
        other => panic!("{other:?}"),
    };
    assert_eq!(redis.run(&command::pttl(&key)).await, Remaining::NoKey);
    assert!(!redis.run(&command::expire(&key, minute())).await);
    redis.run(&command::set(&key, &Value::text("1"), Expiry::Never)).await;
    assert_eq!(redis.run(&command::pttl(&key)).await, Remaining::Forever);
    assert!(redis.run(&command::expire(&key, minute())).await);
    let seconds = Duration::from_secs;
    assert!(left().await > seconds(30) && left().await <= seconds(60));
    redis.run(&command::set(&key, &Value::text("2"), Expiry::Keep)).await;
    assert!(left().await <= seconds(60));
    let value = redis.run(&command::get_and_expire(&key, Ttl::of_secs(600))).await;
    assert_eq!(text(value).as_deref(), Some("2"));
    assert!(left().await > seconds(500));
    // A TTL below a millisecond is rounded up, and the key expires.
    redis.run(&command::set(&key, &Value::text("3"), Expiry::In(Ttl::of(Duration::from_nanos(1))))).await;
    poll(seconds(10), async || redis.run(&command::get(&key)).await, |value| value.is_none()).await.unwrap();
}

async fn json_and_bytes_round_trip(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let key = redis.key("a");
    assert_eq!(redis.run(&command::get_json::<Json>(&key)).await, None);
    let value = json!({ "name": "Käse \"1\"", "price": 1.5, "tags": [null, true] });
    redis.run(&command::set(&key, &Value::json(&value).unwrap(), Expiry::In(minute()))).await;
    assert_eq!(redis.run(&command::get_json(&key)).await, Some(value));
    let bytes: Vec<u8> = (0..=255).collect();
    redis.run(&command::set(&key, &Value::binary(&bytes), Expiry::In(minute()))).await;
    assert_eq!(Value::bytes_of(&redis.run(&command::get(&key)).await.unwrap()), Some(bytes));
}

async fn hashes_sets_and_sorted_sets_work(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let (hash, set, sorted) = (redis.key("h"), redis.key("s"), redis.key("z"));
    let (one, two) = (Value::text("1"), Value::text("2"));
    assert_eq!(redis.run(&command::hset(&hash, [("a", &one), ("b", &two)])).await, 2);
    assert_eq!(text(redis.run(&command::hget(&hash, "a")).await).as_deref(), Some("1"));
    let read = redis.run(&command::hmget(&hash, &["b".into(), "none".into()])).await;
    assert_eq!(read, [Some(b"2".to_vec()), None]);
    assert_eq!(redis.run(&command::hincr_by(&hash, "a", 41)).await, 42);
    let mut all = redis.run(&command::hgetall(&hash)).await;
    all.sort();
    assert_eq!(all, [(b"a".to_vec(), b"42".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
    assert_eq!(redis.run(&command::hdel(&hash, &["a".into(), "none".into()])).await, 1);

    assert_eq!(redis.run(&command::sadd(&set, &["x".into(), "y".into()])).await, 2);
    assert_eq!(redis.run(&command::srem(&set, &["x".into()])).await, 1);
    assert_eq!(texts(redis.run(&command::smembers(&set)).await), BTreeSet::from(["y".to_owned()]));

    assert_eq!(redis.run(&command::zadd(&sorted, [(3, "c"), (1, "a"), (2, "b")])).await, 3);
    let range = async |span| {
        let members = redis.run(&command::zrange(&sorted, span)).await;
        members.into_iter().map(|member| String::from_utf8(member).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(range(Range::Ranks(0, -1)).await, ["a", "b", "c"]);
    assert_eq!(range(Range::Scores(2, 9)).await, ["b", "c"]);
    assert_eq!(redis.run(&command::zrem(&sorted, &["a".into()])).await, 1);
    redis.run(&command::del([&hash, &set, &sorted])).await;
}

async fn numbers_beyond_two_to_the_53_are_exact(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let key = redis.key("n");
    let large = (1 << 53) + 1;
    assert_eq!(redis.run(&command::incr_by(&key, large)).await, large);
    assert_eq!(redis.run(&command::incr_by(&key, i64::MAX - large)).await, i64::MAX);
    assert!(matches!(redis.client.client.run(&command::incr_by(&key, 1)).await, Err(RedisError::Refused(_))));
    redis.run(&command::del([&key])).await;
}

async fn scan_finds_keys_by_pattern_within_a_tenant(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let other_tenant = shop.other_tenant();
    let other = TenantRedis::of(&other_tenant);
    for name in ["p-1", "p-2", "q-1"] {
        redis.set(&redis.key(name), "mine").await;
        other.set(&other.key(name), "theirs").await;
    }
    let client = shop.room("1").client;
    let pattern = redis.client.keys.pattern(&client, KeyKind::Cart, "1:p-*").unwrap();
    let (mut next, mut found) = (Some(0), BTreeSet::new());
    while let Some(cursor) = next {
        let page = redis.run(&command::scan(cursor, &pattern, 10)).await;
        found.extend(texts(page.keys));
        next = page.next;
    }
    let expected = ["p-1", "p-2"].map(|name| redis.key(name).to_string());
    assert_eq!(found, BTreeSet::from(expected));
}

async fn pipelines_and_transactions_return_every_reply(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let (text_key, number) = (redis.key("t"), redis.key("n"));
    redis.set(&text_key, "no number").await;
    let mut pipeline = Pipeline::new();
    let fails = pipeline.push(command::incr_by(&text_key, 1));
    let counts = pipeline.push(command::incr_by(&number, 5));
    let reads = pipeline.push(command::get(&number));
    let mut replies = redis.client.client.pipeline(&pipeline).await.unwrap();
    assert!(matches!(replies.take(fails), Err(RedisError::Refused(_))));
    assert_eq!((replies.take(counts).unwrap(), text(replies.take(reads).unwrap())), (5, Some("5".into())));

    let mut transaction = Pipeline::new();
    let first = transaction.push(command::incr_by(&number, 1));
    let second = transaction.push(command::incr_by(&number, 1));
    transaction.push(command::expire(&number, minute()));
    let mut replies = redis.client.client.transaction(&transaction).await.unwrap();
    assert_eq!((replies.take(first).unwrap(), replies.take(second).unwrap()), (6, 7));
    assert_eq!(text(redis.run(&command::get(&number)).await).as_deref(), Some("7"));
    // A command without a function.
    let length = Command::idempotent(Arguments::new("STRLEN").key(&number), Reply::int);
    assert_eq!(redis.run(&length).await, 1);
}

async fn scripts_run_by_hash_and_are_loaded_when_unknown(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let key = redis.key("a");
    // The client's name makes the text new to the server.
    let body = "\nredis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)\nreturn redis.call('GET', KEYS[1])";
    let text: &'static str =
        Box::leak(format!("{LOCKS_ITS_KEYS}\n-- {}{body}", shop.client).into_boxed_str());
    let script = Script::idempotent(text);
    let call = script.call(&[&key], &[Value::text("1")]);
    for _ in 0..2 {
        assert_eq!(redis.run(&call).await.bytes().unwrap(), b"1");
    }
    let other = Script::idempotent("return 2");
    let load = Command::idempotent(Arguments::new("SCRIPT").with("LOAD").with(other.text()), Reply::text);
    assert_eq!(redis.run(&load).await, other.sha1());
    assert_eq!(redis.run(&other.call(&[], &[])).await.int().unwrap(), 2);
}

async fn server_commands_return_its_state(shop: &'static Shop) {
    let redis = TenantRedis::of(shop);
    let key = redis.key("a");
    redis.run(&command::ping()).await;
    assert!(redis.run(&command::info()).await.get("used_memory").is_some());
    redis.set(&key, "1").await;
    assert!(redis.run(&command::memory_usage(&key)).await.is_some());
    assert_eq!(redis.run(&command::memory_usage(&redis.key("none"))).await, None);
}
