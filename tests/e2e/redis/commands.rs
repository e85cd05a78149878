//! Every command of the client on the way that the functions take: their connection, the REST front, and a real Redis.

use std::collections::BTreeSet;
use std::time::Duration;

use functions::redis::Redis;
use libtest_mimic::Trial;
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

use crate::shop::Shop;

pub(super) fn trials() -> Vec<Trial> {
    trials![
        values_are_written_under_conditions_and_read,
        lives_are_given_told_and_kept,
        json_and_bytes_come_back_as_they_were,
        hashes_and_sets,
        numbers_beyond_two_to_the_53_are_exact,
        keys_are_found_by_pattern_within_the_tenant,
        a_pipeline_answers_each_and_a_transaction_all,
        scripts_go_by_hash_and_are_brought_where_they_are_unknown,
        the_server_tells_of_itself,
    ]
}

/// A client, and the names of one tenant's keys.
struct Line {
    redis: Redis,
    shop: &'static Shop,
}

impl Line {
    fn of(shop: &'static Shop) -> Line {
        Line { redis: shop.world.function_redis(), shop }
    }

    fn key(&self, name: &str) -> Key {
        self.redis.keys.cart(&self.shop.room("1"), name)
    }

    async fn run<R>(&self, command: &Command<R>) -> R {
        // A slow machine must not fail these tests.
        let time = Duration::from_secs(30);
        self.redis.client.within(Budget { per_try: time, total: time }).run(command).await.unwrap()
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

async fn values_are_written_under_conditions_and_read(shop: &'static Shop) {
    let line = Line::of(shop);
    let (a, b) = (line.key("a"), line.key("b"));
    let if_missing = |value: &str| command::set_if_missing(&a, &Value::text(value), Expiry::In(minute()));
    let if_present = |value: &str| command::set_if_present(&a, &Value::text(value), Expiry::In(minute()));
    assert!(!line.run(&if_present("there")).await);
    assert!(line.run(&if_missing("1")).await);
    assert!(!line.run(&if_missing("2")).await);
    assert!(line.run(&if_present("ä \"3\"\n")).await);
    assert_eq!(text(line.run(&command::get(&a)).await).as_deref(), Some("ä \"3\"\n"));
    let before = line.run(&command::set_and_get_previous(&a, &Value::text("4"), Expiry::In(minute()))).await;
    assert_eq!(text(before).as_deref(), Some("ä \"3\"\n"));
    assert_eq!(line.run(&command::get(&b)).await, None);
    line.set(&a, "5").await;
    line.set(&b, "6").await;
    let read = line.run(&command::mget([&a, &line.key("none"), &b])).await;
    assert_eq!(read, [Some(b"5".to_vec()), None, Some(b"6".to_vec())]);
    assert_eq!(line.run(&command::exists([&a, &b, &line.key("none")])).await, 2);
    assert_eq!(text(line.run(&command::get_and_delete(&a)).await).as_deref(), Some("5"));
    assert_eq!(line.run(&command::del([&a, &b])).await, 1);
    line.set(&a, "7").await;
    assert_eq!(line.run(&command::unlink([&a, &b])).await, 1);
}

async fn lives_are_given_told_and_kept(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    let left = async || match line.run(&command::pttl(&key)).await {
        Remaining::For(left) => left,
        other => panic!("{other:?}"),
    };
    assert_eq!(line.run(&command::pttl(&key)).await, Remaining::NoKey);
    assert!(!line.run(&command::expire(&key, minute())).await);
    line.run(&command::set(&key, &Value::text("1"), Expiry::Never)).await;
    assert_eq!(line.run(&command::pttl(&key)).await, Remaining::Forever);
    assert!(line.run(&command::expire(&key, minute())).await);
    let seconds = Duration::from_secs;
    assert!(left().await > seconds(30) && left().await <= seconds(60));
    line.run(&command::set(&key, &Value::text("2"), Expiry::Keep)).await;
    assert!(left().await <= seconds(60));
    assert_eq!(text(line.run(&command::get_and_expire(&key, Ttl::of_secs(600))).await).as_deref(), Some("2"));
    assert!(left().await > seconds(500));
    // Rounded up, and over at last.
    line.run(&command::set(&key, &Value::text("3"), Expiry::In(Ttl::of(Duration::from_nanos(1))))).await;
    let until = tokio::time::Instant::now() + seconds(10);
    while line.run(&command::get(&key)).await.is_some() {
        assert!(tokio::time::Instant::now() < until, "it never ends");
    }
}

async fn json_and_bytes_come_back_as_they_were(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    assert_eq!(line.run(&command::get_json::<Json>(&key)).await, None);
    let value = json!({ "name": "Käse \"1\"", "price": 1.5, "tags": [null, true] });
    line.run(&command::set(&key, &Value::json(&value).unwrap(), Expiry::In(minute()))).await;
    assert_eq!(line.run(&command::get_json(&key)).await, Some(value));
    let bytes: Vec<u8> = (0..=255).collect();
    line.run(&command::set(&key, &Value::binary(&bytes), Expiry::In(minute()))).await;
    assert_eq!(Value::bytes_of(&line.run(&command::get(&key)).await.unwrap()), Some(bytes));
}

async fn hashes_and_sets(shop: &'static Shop) {
    let line = Line::of(shop);
    let (hash, set, sorted) = (line.key("h"), line.key("s"), line.key("z"));
    let (one, two) = (Value::text("1"), Value::text("2"));
    assert_eq!(line.run(&command::hset(&hash, [("a", &one), ("b", &two)])).await, 2);
    assert_eq!(text(line.run(&command::hget(&hash, "a")).await).as_deref(), Some("1"));
    let read = line.run(&command::hmget(&hash, &["b".into(), "none".into()])).await;
    assert_eq!(read, [Some(b"2".to_vec()), None]);
    assert_eq!(line.run(&command::hincr_by(&hash, "a", 41)).await, 42);
    let mut all = line.run(&command::hgetall(&hash)).await;
    all.sort();
    assert_eq!(all, [(b"a".to_vec(), b"42".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
    assert_eq!(line.run(&command::hdel(&hash, &["a".into(), "none".into()])).await, 1);

    assert_eq!(line.run(&command::sadd(&set, &["x".into(), "y".into()])).await, 2);
    assert_eq!(line.run(&command::srem(&set, &["x".into()])).await, 1);
    assert_eq!(texts(line.run(&command::smembers(&set)).await), BTreeSet::from(["y".to_owned()]));

    assert_eq!(line.run(&command::zadd(&sorted, [(3, "c"), (1, "a"), (2, "b")])).await, 3);
    let range = async |span| {
        let members = line.run(&command::zrange(&sorted, span)).await;
        members.into_iter().map(|member| String::from_utf8(member).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(range(Range::Ranks(0, -1)).await, ["a", "b", "c"]);
    assert_eq!(range(Range::Scores(2, 9)).await, ["b", "c"]);
    assert_eq!(line.run(&command::zrem(&sorted, &["a".into()])).await, 1);
    line.run(&command::del([&hash, &set, &sorted])).await;
}

async fn numbers_beyond_two_to_the_53_are_exact(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("n");
    let large = (1 << 53) + 1;
    assert_eq!(line.run(&command::incr_by(&key, large)).await, large);
    assert_eq!(line.run(&command::incr_by(&key, i64::MAX - large)).await, i64::MAX);
    assert!(matches!(line.redis.client.run(&command::incr_by(&key, 1)).await, Err(RedisError::Refused(_))));
    line.run(&command::del([&key])).await;
}

async fn keys_are_found_by_pattern_within_the_tenant(shop: &'static Shop) {
    let line = Line::of(shop);
    let neighbour = Line::of(Box::leak(Box::new(Shop::new(shop.world))));
    for name in ["p-1", "p-2", "q-1"] {
        line.set(&line.key(name), "mine").await;
        neighbour.set(&neighbour.key(name), "theirs").await;
    }
    let client = shop.room("1").client;
    let pattern = line.redis.keys.pattern(&client, KeyKind::Cart, "1:p-*").unwrap();
    let (mut cursor, mut found) = (0, BTreeSet::new());
    loop {
        let page = line.run(&command::scan(cursor, &pattern, 10)).await;
        found.extend(texts(page.keys));
        match page.next {
            Some(next) => cursor = next,
            None => break,
        }
    }
    let expected = ["p-1", "p-2"].map(|name| line.key(name).to_string());
    assert_eq!(found, BTreeSet::from(expected));
}

async fn a_pipeline_answers_each_and_a_transaction_all(shop: &'static Shop) {
    let line = Line::of(shop);
    let (text_key, number) = (line.key("t"), line.key("n"));
    line.set(&text_key, "no number").await;
    let mut pipeline = Pipeline::new();
    let fails = pipeline.push(command::incr_by(&text_key, 1));
    let counts = pipeline.push(command::incr_by(&number, 5));
    let reads = pipeline.push(command::get(&number));
    let mut replies = line.redis.client.pipeline(&pipeline).await.unwrap();
    assert!(matches!(replies.take(fails), Err(RedisError::Refused(_))));
    assert_eq!((replies.take(counts).unwrap(), text(replies.take(reads).unwrap())), (5, Some("5".into())));

    let mut transaction = Pipeline::new();
    let first = transaction.push(command::incr_by(&number, 1));
    let second = transaction.push(command::incr_by(&number, 1));
    transaction.push(command::expire(&number, minute()));
    let mut replies = line.redis.client.transaction(&transaction).await.unwrap();
    assert_eq!((replies.take(first).unwrap(), replies.take(second).unwrap()), (6, 7));
    assert_eq!(text(line.run(&command::get(&number)).await).as_deref(), Some("7"));
    // A command without a function.
    let length = Command::idempotent(Arguments::new("STRLEN").key(&number), Reply::int);
    assert_eq!(line.run(&length).await, 1);
}

async fn scripts_go_by_hash_and_are_brought_where_they_are_unknown(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    // The client's name makes the text new to the server.
    let body = "\nredis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)\nreturn redis.call('GET', KEYS[1])";
    let text: &'static str =
        Box::leak(format!("{LOCKS_ITS_KEYS}\n-- {}{body}", shop.client).into_boxed_str());
    let script = Script::idempotent(text);
    let call = script.call(&[&key], &[Value::text("1")]);
    for _ in 0..2 {
        assert_eq!(line.run(&call).await.bytes().unwrap(), b"1");
    }
    let other = Script::idempotent("return 2");
    let load = Command::idempotent(Arguments::new("SCRIPT").with("LOAD").with(other.text()), Reply::text);
    assert_eq!(line.run(&load).await, other.sha1());
    assert_eq!(line.run(&other.call(&[], &[])).await.int().unwrap(), 2);
}

async fn the_server_tells_of_itself(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    line.run(&command::ping()).await;
    assert!(line.run(&command::info()).await.get("used_memory").is_some());
    line.set(&key, "1").await;
    assert!(line.run(&command::memory_usage(&key)).await.is_some());
    assert_eq!(line.run(&command::memory_usage(&line.key("none"))).await, None);
}
