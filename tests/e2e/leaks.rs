//! No token, password or key reaches a log or a store: the output of the worker, the logs of the functions
//! and of the parts around them, DynamoDB's file, Redis, and what the worker stores.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tests::leaks::{Finder, Secrets};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::redis_rest::RedisRest;
use crate::shop::PASSWORD;

/// Files of the data directory that hold secrets on purpose, for their owner only.
const PRIVATE_FILES: [&str; 2] = ["keys.json", "edge.env"];
/// Keys of Redis that one request reads.
const KEYS_AT_ONCE: usize = 200;

/// The logs of all stacks of this run.
static LOGS: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps a line of the worker's output.
pub(crate) fn keep_line(line: &str) {
    let mut logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    logs.extend_from_slice(line.as_bytes());
    logs.push(b'\n');
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGS.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the logs of the functions, at the level that they have in Lambda.
pub(crate) fn keep_logs() {
    let lines = fmt::layer().with_ansi(false).with_writer(|| Log).with_filter(LevelFilter::INFO);
    // Fails if it was done before.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// Secrets that every test of a stack uses.
pub(crate) fn add_known(secrets: &Secrets, keys: &local::keys::Keys) {
    secrets.add("a password", PASSWORD);
    secrets.add("the key of access tokens", keys.access_key.expose());
    secrets.add("the secret of publications", keys.publish_secret.expose());
    secrets.add("the token of Redis", keys.redis_token.expose());
    secrets.add("a key of the cache", keys.cache_keys.expose());
    secrets.add("a key of cursors", keys.cursor_keys.expose());
    secrets.add("a key of AWS", keys.caller.secret_access_key.expose());
}

/// Fails if a log of this run, a file in the data directory `data` or a value in `redis` holds a secret.
pub(crate) async fn assert_none(secrets: &Secrets, data: &Path, redis: &RedisRest) {
    let finder = secrets.finder().unwrap();
    let logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut leaks: Vec<String> = leak(&finder, "a log", &logs).into_iter().collect();
    for path in files(data) {
        // A file may be gone by now.
        let bytes = std::fs::read(&path).unwrap_or_default();
        leaks.extend(leak(&finder, &path.display().to_string(), &bytes));
    }
    let keys = redis.command(&["KEYS", "*"]).await;
    for keys in keys.as_array().map_or(&[][..], Vec::as_slice).chunks(KEYS_AT_ONCE) {
        let dump = dump(redis, keys).await;
        leaks.extend(leak(&finder, "Redis", dump.as_bytes()));
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

fn leak(finder: &Finder, place: &str, bytes: &[u8]) -> Option<String> {
    let (what, before) = finder.find(bytes)?;
    Some(format!("{place} holds {what} after {before:?}"))
}

/// The names and values of `keys` as text. Reading a key as another type than its own is an error in the
/// reply, and changes nothing.
async fn dump(redis: &RedisRest, keys: &[Value]) -> String {
    let reads = |key: &Value| {
        [
            json!(["GET", key]),
            json!(["HGETALL", key]),
            json!(["SMEMBERS", key]),
            json!(["LRANGE", key, "0", "-1"]),
            json!(["ZRANGE", key, "0", "-1"]),
        ]
    };
    let commands: Vec<Value> = keys.iter().flat_map(reads).collect();
    format!("{}{}", json!(keys), redis.pipeline(&commands).await)
}

/// All files below `folder` but the private ones.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !PRIVATE_FILES.iter().any(|name| path.ends_with(name)) {
                files.push(path);
            }
        }
    }
    files
}
