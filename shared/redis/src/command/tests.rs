//! Commands as they are sent, and the decoding of their replies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::fake::key;
use crate::keys::{Key, KeyKind, Keys};
use crate::reply::ServerError;
use crate::value::Value;

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

/// Checks the command as one line, with `a` and `b` for the tests' keys, and whether it may be repeated.
#[track_caller]
fn sent<R>(command: &Command<R>, line: &str, repeat: Repeat) {
    let words = command.arguments.as_slice().iter();
    let words: Vec<_> = words.map(|word| word.strip_prefix("t:1:cart:2:").unwrap_or(word)).collect();
    assert_eq!((words.join(" ").as_str(), command.repeat), (line, repeat));
}

#[test]
fn string_commands_are_sent_as_redis_reads_them() {
    let (value, ttl) = (Value::text("v"), Ttl::of_secs(2));
    sent(&get(&a()), "GET a", Repeat::Safe);
    sent(&get_json::<u8>(&a()), "GET a", Repeat::Safe);
    sent(&get_and_expire(&a(), ttl), "GETEX a PX 2000", Repeat::Safe);
    sent(&get_and_delete(&a()), "GETDEL a", Repeat::Unsafe);
    sent(&set(&a(), &value, Expiry::Never), "SET a v", Repeat::Safe);
    sent(&set(&a(), &value, Expiry::Keep), "SET a v KEEPTTL", Repeat::Safe);
    sent(&set_if_missing(&a(), &value, Expiry::In(ttl)), "SET a v PX 2000 NX", Repeat::Unsafe);
    sent(&set_if_present(&a(), &value, Expiry::Never), "SET a v XX", Repeat::Safe);
    sent(&set_and_get_previous(&a(), &value, Expiry::Keep), "SET a v KEEPTTL GET", Repeat::Unsafe);
    sent(&mget(&ab()), "MGET a b", Repeat::Safe);
    sent(&incr_by(&a(), -3), "INCRBY a -3", Repeat::Unsafe);
}

#[test]
fn key_commands_are_sent_as_redis_reads_them() {
    sent(&del(&ab()), "DEL a b", Repeat::Safe);
    sent(&unlink(&ab()), "UNLINK a b", Repeat::Safe);
    sent(&exists(&ab()), "EXISTS a b", Repeat::Safe);
    sent(&expire(&a(), Ttl::of(Duration::from_micros(1))), "PEXPIRE a 1", Repeat::Safe);
    sent(&pttl(&a()), "PTTL a", Repeat::Safe);
    sent(&memory_usage(&a()), "MEMORY USAGE a", Repeat::Safe);
    let pattern = Keys::new("t").unwrap().pattern(&"1".parse().unwrap(), KeyKind::Cart, "2:*").unwrap();
    sent(&scan(7, &pattern, 100), "SCAN 7 MATCH * COUNT 100", Repeat::Safe);
}

#[test]
fn hash_and_set_commands_are_sent_as_redis_reads_them() {
    let members = texts(&["x", "y z"]);
    sent(&hget(&a(), "f"), "HGET a f", Repeat::Safe);
    sent(&hmget(&a(), &members), "HMGET a x y z", Repeat::Safe);
    sent(&hdel(&a(), &members), "HDEL a x y z", Repeat::Safe);
    sent(&hset(&a(), [("f", &Value::from(1))]), "HSET a f 1", Repeat::Safe);
    sent(&hincr_by(&a(), "f", 2), "HINCRBY a f 2", Repeat::Unsafe);
    sent(&hgetall(&a()), "HGETALL a", Repeat::Safe);
    sent(&sadd(&a(), &members), "SADD a x y z", Repeat::Safe);
    sent(&srem(&a(), &members), "SREM a x y z", Repeat::Safe);
    sent(&smembers(&a()), "SMEMBERS a", Repeat::Safe);
    sent(&zadd(&a(), [(1, "x"), (-2, "y")]), "ZADD a 1 x -2 y", Repeat::Safe);
    sent(&zrem(&a(), &members), "ZREM a x y z", Repeat::Safe);
    sent(&zrange(&a(), Range::Ranks(0, -1)), "ZRANGE a 0 -1", Repeat::Safe);
    sent(&zrange(&a(), Range::Scores(5, 9)), "ZRANGE a 5 9 BYSCORE", Repeat::Safe);
}

#[test]
fn other_commands_are_sent_as_redis_reads_them() {
    sent(&ping(), "PING", Repeat::Safe);
    sent(&info(), "INFO", Repeat::Safe);
    sent(&Command::idempotent(Arguments::new("STRLEN").key(&a()), Reply::int), "STRLEN a", Repeat::Safe);
    sent(&Command::once(Arguments::new("LPUSH").key(&a()).with(1), Reply::int), "LPUSH a 1", Repeat::Unsafe);
}

#[test]
fn arguments_are_not_shown() {
    let set = set(&a(), &Value::text("s3cret"), Expiry::Never);
    assert_eq!(format!("{:?}", set.arguments), "SET and 2 arguments");
    assert!(!format!("{set:?}").contains("s3cret"));
}

#[test]
fn replies_are_decoded() {
    assert_eq!((get(&a()).decode)(Reply::Nil).unwrap(), None);
    // A stored OK may arrive as the status.
    assert_eq!((get(&a()).decode)(Reply::Ok).unwrap().unwrap(), b"OK");
    let set = set(&a(), &Value::text("v"), Expiry::Never).decode;
    assert!(!set(Reply::Nil).unwrap() && set(Reply::Ok).unwrap());
    assert!(set(Reply::Int(1)).is_err());
    assert_eq!((del(&ab()).decode)(Reply::Int(2)).unwrap(), 2);
    assert!((expire(&a(), Ttl::of_secs(1)).decode)(Reply::Int(1)).unwrap());
    let pttl = pttl(&a()).decode;
    assert_eq!(pttl(Reply::Int(-2)).unwrap(), Remaining::NoKey);
    assert_eq!(pttl(Reply::Int(-1)).unwrap(), Remaining::Forever);
    assert_eq!(pttl(Reply::Int(5)).unwrap(), Remaining::For(Duration::from_millis(5)));
    assert_eq!((memory_usage(&a()).decode)(Reply::Nil).unwrap(), None);
    assert!((ping().decode)(bytes("PONG")).is_ok() && (ping().decode)(Reply::Ok).is_err());
    let text = "# Memory\r\nused_memory:12\r\nused_memory_human:12B\r\n";
    let sections = (info().decode)(bytes(text)).unwrap();
    assert_eq!((sections.get("used_memory"), sections.get("used")), (Some("12"), None));
}

#[test]
fn lists_are_decoded() {
    let list = |texts: &[&str]| Reply::Array(texts.iter().map(|text| bytes(text)).collect());
    let values = (mget(&ab()).decode)(Reply::Array(vec![bytes("x"), Reply::Nil])).unwrap();
    assert_eq!(values, [Some(b"x".to_vec()), None]);
    let hgetall = hgetall(&a()).decode;
    assert_eq!(hgetall(list(&["f", "v"])).unwrap(), [(b"f".to_vec(), b"v".to_vec())]);
    assert!(hgetall(list(&["f", "v", "g"])).is_err());
    let scan = scan(0, &Keys::new("t").unwrap().all(), 1).decode;
    let page = scan(Reply::Array(vec![bytes("18446744073709551615"), list(&["k"])])).unwrap();
    assert_eq!(page, Page { next: Some(u64::MAX), keys: vec![b"k".to_vec()] });
    let last = scan(Reply::Array(vec![bytes("0"), list(&[])])).unwrap();
    assert_eq!(last, Page { next: None, keys: Vec::new() });
    assert!(scan(list(&["0"])).is_err());
}

#[test]
fn json_is_decoded_into_its_type() {
    let value = BTreeMap::from([("a".to_owned(), 1)]);
    let stored = Value::json(&value).unwrap();
    assert_eq!((get_json(&a()).decode)(bytes(stored.as_str())).unwrap(), Some(value));
    assert_eq!((get_json::<u8>(&a()).decode)(Reply::Nil).unwrap(), None);
    assert!(matches!((get_json::<u8>(&a()).decode)(bytes("x")), Err(ReplyError::Json(_))));
}

#[test]
fn an_unknown_script_is_told_from_other_errors() {
    assert!(ServerError("NOSCRIPT No matching script. Please use EVAL.".into()).is_no_script());
    assert!(!ServerError("ERR NOSCRIPT".into()).is_no_script());
}
