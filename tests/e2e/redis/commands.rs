//! Every command that the client has a type for, by the way that the functions go: their connection, the front, and a
//! real Redis.

use std::collections::BTreeSet;
use std::time::Duration;

use functions::redis::Redis;
use libtest_mimic::Trial;
use redis_client::arguments::Arguments;
use redis_client::budget::Budget;
use redis_client::command::{
    Del, Eval, Exists, Expire, Get, GetDel, GetEx, GetJson, HDel, HGet, HGetAll, HIncrBy, HMGet, HSet,
    IncrBy, Info, Keeping, Life, MGet, MSet, MemoryUsage, Only, PTtl, Ping, Publish, Raw, Remaining, SAdd,
    SMembers, SRem, Scan, ScriptLoad, Set, SetGet, Span, Time, Unlink, ZAdd, ZRange, ZRem,
};
use redis_client::error::RedisError;
use redis_client::keys::{Key, Kind};
use redis_client::pipeline::Pipeline;
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

    async fn run<C: redis_client::command::Command>(&self, command: &C) -> C::Reply {
        // What is tested is not how fast it is.
        let time = Duration::from_secs(30);
        self.redis.client.within(Budget { per_try: time, total: time }).run(command).await.unwrap()
    }

    async fn set(&self, key: &Key, value: &str) {
        assert!(self.run(&Set::new(key, Value::text(value), Keeping::For(minute()))).await);
    }
}

fn minute() -> Life {
    Life::of_secs(60)
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
    let set = |value: &str| Set::new(&a, Value::text(value), Keeping::For(minute()));
    assert!(!line.run(&set("there").only(Only::IfThere)).await);
    assert!(line.run(&set("1").only(Only::IfMissing)).await);
    assert!(!line.run(&set("2").only(Only::IfMissing)).await);
    assert!(line.run(&set("ä \"3\"\n").only(Only::IfThere)).await);
    assert_eq!(text(line.run(&Get::new(&a)).await).as_deref(), Some("ä \"3\"\n"));
    let before = line.run(&SetGet::new(&a, Value::text("4"), Keeping::For(minute()))).await;
    assert_eq!(text(before).as_deref(), Some("ä \"3\"\n"));
    assert_eq!(line.run(&Get::new(&b)).await, None);
    line.run(&MSet::new(vec![(a.clone(), Value::text("5")), (b.clone(), Value::text("6"))])).await;
    let read = line.run(&MGet::new([&a, &line.key("none"), &b])).await;
    assert_eq!(read, [Some(b"5".to_vec()), None, Some(b"6".to_vec())]);
    assert_eq!(line.run(&Exists::new([&a, &b, &line.key("none")])).await, 2);
    assert_eq!(text(line.run(&GetDel::new(&a)).await).as_deref(), Some("5"));
    assert_eq!(line.run(&Del::new([&a, &b])).await, 1);
    line.set(&a, "7").await;
    assert_eq!(line.run(&Unlink::new([&a, &b])).await, 1);
}

async fn lives_are_given_told_and_kept(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    let left = async || match line.run(&PTtl::new(&key)).await {
        Remaining::For(left) => left,
        other => panic!("{other:?}"),
    };
    assert_eq!(line.run(&PTtl::new(&key)).await, Remaining::NoKey);
    assert!(!line.run(&Expire::new(&key, minute())).await);
    line.run(&Set::new(&key, Value::text("1"), Keeping::Forever)).await;
    assert_eq!(line.run(&PTtl::new(&key)).await, Remaining::Forever);
    assert!(line.run(&Expire::new(&key, minute())).await);
    let seconds = Duration::from_secs;
    assert!(left().await > seconds(30) && left().await <= seconds(60));
    line.run(&Set::new(&key, Value::text("2"), Keeping::AsBefore)).await;
    assert!(left().await <= seconds(60));
    assert_eq!(text(line.run(&GetEx::new(&key, Life::of_secs(600))).await).as_deref(), Some("2"));
    assert!(left().await > seconds(500));
    // Rounded up, and over at last.
    line.run(&Set::new(&key, Value::text("3"), Keeping::For(Life::of(Duration::from_nanos(1))))).await;
    let until = tokio::time::Instant::now() + seconds(10);
    while line.run(&Get::new(&key)).await.is_some() {
        assert!(tokio::time::Instant::now() < until, "it never ends");
    }
}

async fn json_and_bytes_come_back_as_they_were(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    assert_eq!(line.run(&GetJson::<Json>::new(&key)).await, None);
    let value = json!({ "name": "Käse \"1\"", "price": 1.5, "tags": [null, true] });
    line.run(&Set::new(&key, Value::json(&value).unwrap(), Keeping::For(minute()))).await;
    assert_eq!(line.run(&GetJson::new(&key)).await, Some(value));
    let bytes: Vec<u8> = (0..=255).collect();
    line.run(&Set::new(&key, Value::binary(&bytes), Keeping::For(minute()))).await;
    assert_eq!(Value::bytes_of(&line.run(&Get::new(&key)).await.unwrap()), Some(bytes));
}

async fn hashes_and_sets(shop: &'static Shop) {
    let line = Line::of(shop);
    let (hash, set, sorted) = (line.key("h"), line.key("s"), line.key("z"));
    let pairs = vec![("a".to_owned(), Value::text("1")), ("b".to_owned(), Value::text("2"))];
    assert_eq!(line.run(&HSet::new(&hash, pairs)).await, 2);
    assert_eq!(text(line.run(&HGet::new(&hash, "a")).await).as_deref(), Some("1"));
    let read = line.run(&HMGet::new(&hash, vec!["b".into(), "none".into()])).await;
    assert_eq!(read, [Some(b"2".to_vec()), None]);
    assert_eq!(line.run(&HIncrBy::new(&hash, "a", 41)).await, 42);
    let mut all = line.run(&HGetAll::new(&hash)).await;
    all.sort();
    assert_eq!(all, [(b"a".to_vec(), b"42".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
    assert_eq!(line.run(&HDel::new(&hash, vec!["a".into(), "none".into()])).await, 1);

    assert_eq!(line.run(&SAdd::new(&set, vec!["x".into(), "y".into()])).await, 2);
    assert_eq!(line.run(&SRem::new(&set, vec!["x".into()])).await, 1);
    assert_eq!(texts(line.run(&SMembers::new(&set)).await), BTreeSet::from(["y".to_owned()]));

    let members = vec![(3, "c".to_owned()), (1, "a".to_owned()), (2, "b".to_owned())];
    assert_eq!(line.run(&ZAdd::new(&sorted, members)).await, 3);
    let range = async |span| {
        let members = line.run(&ZRange::new(&sorted, span)).await;
        members.into_iter().map(|member| String::from_utf8(member).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(range(Span::Places(0, -1)).await, ["a", "b", "c"]);
    assert_eq!(range(Span::Scores(2, 9)).await, ["b", "c"]);
    assert_eq!(line.run(&ZRem::new(&sorted, vec!["a".into()])).await, 1);
    line.run(&Del::new([&hash, &set, &sorted])).await;
}

async fn numbers_beyond_two_to_the_53_are_exact(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("n");
    let large = (1 << 53) + 1;
    assert_eq!(line.run(&IncrBy::new(&key, large)).await, large);
    assert_eq!(line.run(&IncrBy::new(&key, i64::MAX - large)).await, i64::MAX);
    assert!(matches!(line.redis.client.run(&IncrBy::new(&key, 1)).await, Err(RedisError::Refused(_))));
    line.run(&Del::new([&key])).await;
}

async fn keys_are_found_by_pattern_within_the_tenant(shop: &'static Shop) {
    let line = Line::of(shop);
    let neighbour = Line::of(Box::leak(Box::new(Shop::new(shop.world))));
    for name in ["p-1", "p-2", "q-1"] {
        line.set(&line.key(name), "mine").await;
        neighbour.set(&neighbour.key(name), "theirs").await;
    }
    let client = shop.room("1").client;
    let pattern = line.redis.keys.pattern(&client, Kind::Cart, "1:p-*").unwrap();
    let (mut cursor, mut found) = (0, BTreeSet::new());
    loop {
        let page = line.run(&Scan::new(cursor, &pattern, 10)).await;
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
    let fails = pipeline.push(&IncrBy::new(&text_key, 1));
    let counts = pipeline.push(&IncrBy::new(&number, 5));
    let reads = pipeline.push(&Get::new(&number));
    let mut replies = line.redis.client.pipeline(&pipeline).await.unwrap();
    assert!(matches!(replies.take(fails), Err(RedisError::Refused(_))));
    assert_eq!((replies.take(counts).unwrap(), text(replies.take(reads).unwrap())), (5, Some("5".into())));

    let mut transaction = Pipeline::new();
    let first = transaction.push(&IncrBy::new(&number, 1));
    let second = transaction.push(&IncrBy::new(&number, 1));
    transaction.push(&Expire::new(&number, minute()));
    let mut replies = line.redis.client.transaction(&transaction).await.unwrap();
    assert_eq!((replies.take(first).unwrap(), replies.take(second).unwrap()), (6, 7));
    assert_eq!(text(line.run(&Get::new(&number)).await).as_deref(), Some("7"));
    // What has no type of its own goes as it is, with a reply of any shape.
    let raw = Raw::safe(Arguments::of("STRLEN").key(&number));
    assert_eq!(line.run(&raw).await.int().unwrap(), 1);
}

async fn scripts_go_by_hash_and_are_brought_where_they_are_unknown(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    // Nobody has loaded a text with this name in it before.
    let body = "\nredis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)\nreturn redis.call('GET', KEYS[1])";
    let text: &'static str =
        Box::leak(format!("{LOCKS_ITS_KEYS}\n-- {}{body}", shop.client).into_boxed_str());
    let script = Script::idempotent(text);
    let call = script.call(&[&key], &[Value::text("1")]);
    for _ in 0..2 {
        assert_eq!(line.run(&call).await.bytes().unwrap(), b"1");
    }
    assert_eq!(line.run(&Eval::new(&call)).await.bytes().unwrap(), b"1");
    let other = Script::read_only("return 2");
    assert_eq!(line.run(&ScriptLoad::new(&other)).await, other.sha1());
    assert_eq!(line.run(&other.call(&[], &[])).await.int().unwrap(), 2);
}

async fn the_server_tells_of_itself(shop: &'static Shop) {
    let line = Line::of(shop);
    let key = line.key("a");
    line.run(&Ping).await;
    let (now, theirs) = (tests::fleet::now().0, line.run(&Time).await.0);
    assert!(now.abs_diff(theirs) < 60_000_000, "{now} {theirs}");
    assert!(line.run(&Info).await.get("used_memory").is_some());
    line.set(&key, "1").await;
    assert!(line.run(&MemoryUsage::new(&key)).await.is_some());
    assert_eq!(line.run(&MemoryUsage::new(&line.key("none"))).await, None);
    let channel = line.redis.keys.channel(&shop.room("1").client, "news");
    assert_eq!(line.run(&Publish::new(&channel, Value::text("nobody listens"))).await, 0);
}
