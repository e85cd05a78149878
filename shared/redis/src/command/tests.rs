//! Commands as they are sent, and their replies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::fake::key;
use crate::keys::{Key, Keys, Kind};
use crate::reply::ServerError;
use crate::script::Script;
use crate::value::Value;
use protocol::timestamp::Timestamp;

fn a() -> Key {
    key("a")
}

fn ab() -> [Key; 2] {
    [key("a"), key("b")]
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.as_bytes().to_vec())
}

/// The command in one line, `a` and `b` for the tests' keys, and whether it may be repeated.
#[track_caller]
fn sent<C: Command>(command: &C, line: &str, repeat: Repeat) {
    let arguments = command.arguments();
    let words: Vec<_> =
        arguments.as_slice().iter().map(|word| word.strip_prefix("t:1:cart:2:").unwrap_or(word)).collect();
    assert_eq!((words.join(" ").as_str(), command.repeat()), (line, repeat));
}

#[test]
fn strings_are_sent_as_redis_reads_them() {
    let set = |keeping| Set::new(&a(), Value::text("v"), keeping);
    sent(&Get::new(&a()), "GET a", Repeat::Safe);
    sent(&GetJson::<u8>::new(&a()), "GET a", Repeat::Safe);
    sent(&GetEx::new(&a(), Life::of_secs(2)), "GETEX a PX 2000", Repeat::Safe);
    sent(&GetDel::new(&a()), "GETDEL a", Repeat::Unsafe);
    sent(&set(Keeping::Forever), "SET a v", Repeat::Safe);
    sent(&set(Keeping::AsBefore), "SET a v KEEPTTL", Repeat::Safe);
    sent(&set(Keeping::For(Life::of_secs(2))).only(Only::IfMissing), "SET a v PX 2000 NX", Repeat::Unsafe);
    sent(&set(Keeping::Forever).only(Only::IfThere), "SET a v XX", Repeat::Safe);
    sent(&SetGet::new(&a(), Value::text("v"), Keeping::AsBefore), "SET a v KEEPTTL GET", Repeat::Unsafe);
    sent(&MGet::new(&ab()), "MGET a b", Repeat::Safe);
    let pairs = ab().map(|key| (key, Value::from(1))).to_vec();
    sent(&MSet::new(pairs), "MSET a 1 b 1", Repeat::Safe);
    sent(&IncrBy::new(&a(), -3), "INCRBY a -3", Repeat::Unsafe);
}

#[test]
fn keys_are_sent_as_redis_reads_them() {
    sent(&Del::new(&ab()), "DEL a b", Repeat::Safe);
    sent(&Unlink::new(&ab()), "UNLINK a b", Repeat::Safe);
    sent(&Exists::new(&ab()), "EXISTS a b", Repeat::Safe);
    sent(&Expire::new(&a(), Life::of(Duration::from_micros(1))), "PEXPIRE a 1", Repeat::Safe);
    sent(&PTtl::new(&a()), "PTTL a", Repeat::Safe);
    sent(&MemoryUsage::new(&a()), "MEMORY USAGE a", Repeat::Safe);
    let pattern = Keys::new("t").unwrap().pattern(&"1".parse().unwrap(), Kind::Cart, "2:*").unwrap();
    sent(&Scan::new(7, &pattern, 100), "SCAN 7 MATCH * COUNT 100", Repeat::Safe);
}

#[test]
fn hashes_and_sets_are_sent_as_redis_reads_them() {
    let members = || texts(&["x", "y z"]);
    sent(&HGet::new(&a(), "f"), "HGET a f", Repeat::Safe);
    sent(&HMGet::new(&a(), members()), "HMGET a x y z", Repeat::Safe);
    sent(&HDel::new(&a(), members()), "HDEL a x y z", Repeat::Safe);
    sent(&HSet::new(&a(), vec![("f".into(), Value::from(1))]), "HSET a f 1", Repeat::Safe);
    sent(&HIncrBy::new(&a(), "f", 2), "HINCRBY a f 2", Repeat::Unsafe);
    sent(&HGetAll::new(&a()), "HGETALL a", Repeat::Safe);
    sent(&SAdd::new(&a(), members()), "SADD a x y z", Repeat::Safe);
    sent(&SRem::new(&a(), members()), "SREM a x y z", Repeat::Safe);
    sent(&SMembers::new(&a()), "SMEMBERS a", Repeat::Safe);
    sent(&ZAdd::new(&a(), vec![(1, "x".into()), (-2, "y".into())]), "ZADD a 1 x -2 y", Repeat::Safe);
    sent(&ZRem::new(&a(), members()), "ZREM a x y z", Repeat::Safe);
    sent(&ZRange::new(&a(), Span::Places(0, -1)), "ZRANGE a 0 -1", Repeat::Safe);
    sent(&ZRange::new(&a(), Span::Scores(5, 9)), "ZRANGE a 5 9 BYSCORE", Repeat::Safe);
}

#[test]
fn the_rest_is_sent_as_redis_reads_it() {
    let script = Script::once("return 1");
    sent(&Ping, "PING", Repeat::Safe);
    sent(&Info, "INFO", Repeat::Safe);
    sent(&Time, "TIME", Repeat::Safe);
    sent(&Publish::new(&a(), Value::text("hello")), "PUBLISH a hello", Repeat::Unsafe);
    sent(&ScriptLoad::new(&script), "SCRIPT LOAD return 1", Repeat::Safe);
    sent(&Eval::new(&script.call(&[&a()], &[])), "EVAL return 1 1 a", Repeat::Unsafe);
    sent(&Raw::safe(Arguments::of("STRLEN").key(&a())), "STRLEN a", Repeat::Safe);
    sent(&Raw::once(Arguments::of("LPUSH").key(&a()).with(1)), "LPUSH a 1", Repeat::Unsafe);
}

#[test]
fn arguments_are_not_shown() {
    let set = Set::new(&a(), Value::text("s3cret"), Keeping::Forever);
    assert_eq!(format!("{:?}", set.arguments()), "SET and 2 arguments");
    assert!(!format!("{set:?}").contains("s3cret"));
}

#[test]
fn replies_are_read() {
    assert_eq!(Get::decode(Reply::Nil).unwrap(), None);
    // A stored OK may come as the status.
    assert_eq!(Get::decode(Reply::Ok).unwrap().unwrap(), b"OK");
    assert!(!Set::decode(Reply::Nil).unwrap() && Set::decode(Reply::Ok).unwrap());
    assert!(Set::decode(Reply::Int(1)).is_err());
    assert_eq!(Del::decode(Reply::Int(2)).unwrap(), 2);
    assert!(Expire::decode(Reply::Int(1)).unwrap());
    assert_eq!(PTtl::decode(Reply::Int(-2)).unwrap(), Remaining::NoKey);
    assert_eq!(PTtl::decode(Reply::Int(-1)).unwrap(), Remaining::Forever);
    assert_eq!(PTtl::decode(Reply::Int(5)).unwrap(), Remaining::For(Duration::from_millis(5)));
    assert_eq!(MemoryUsage::decode(Reply::Nil).unwrap(), None);
    assert!(Ping::decode(bytes("PONG")).is_ok() && Ping::decode(Reply::Ok).is_err());
    let now = Reply::Array(vec![bytes("1765103400"), bytes("7")]);
    assert_eq!(Time::decode(now).unwrap(), Timestamp(1_765_103_400_000_007));
    assert!(Time::decode(Reply::Array(vec![bytes("1")])).is_err());
    let sections = Info::decode(bytes("# Memory\r\nused_memory:12\r\nused_memory_human:12B\r\n")).unwrap();
    assert_eq!((sections.get("used_memory"), sections.get("used")), (Some("12"), None));
}

#[test]
fn lists_are_read() {
    let list = |texts: &[&str]| Reply::Array(texts.iter().map(|text| bytes(text)).collect());
    let mget = MGet::decode(Reply::Array(vec![bytes("x"), Reply::Nil])).unwrap();
    assert_eq!(mget, [Some(b"x".to_vec()), None]);
    let pairs = HGetAll::decode(list(&["f", "v"])).unwrap();
    assert_eq!(pairs, [(b"f".to_vec(), b"v".to_vec())]);
    assert!(HGetAll::decode(list(&["f", "v", "g"])).is_err());
    let page = Scan::decode(Reply::Array(vec![bytes("18446744073709551615"), list(&["k"])])).unwrap();
    assert_eq!(page, Page { next: Some(u64::MAX), keys: vec![b"k".to_vec()] });
    let last = Scan::decode(Reply::Array(vec![bytes("0"), list(&[])])).unwrap();
    assert_eq!(last, Page { next: None, keys: Vec::new() });
    assert!(Scan::decode(list(&["0"])).is_err());
}

#[test]
fn json_is_read_into_its_type() {
    let value = BTreeMap::from([("a".to_owned(), 1)]);
    let stored = Value::json(&value).unwrap();
    assert_eq!(GetJson::decode(bytes(stored.as_str())).unwrap(), Some(value));
    assert_eq!(GetJson::<u8>::decode(Reply::Nil).unwrap(), None);
    assert!(matches!(GetJson::<u8>::decode(bytes("x")), Err(ReplyError::Json(_))));
}

#[test]
fn an_unknown_script_is_told_from_other_errors() {
    assert!(ServerError("NOSCRIPT No matching script. Please use EVAL.".into()).is_no_script());
    assert!(!ServerError("ERR NOSCRIPT".into()).is_no_script());
}
