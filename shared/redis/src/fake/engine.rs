//! The engine: keys in memory and the commands that the cache uses. Any other command is an error.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// The reply to INFO.
const INFO: &str = concat!(
    "# Server\r\nuptime_in_seconds:77\r\n",
    "used_memory:900\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\n"
);

/// A value, and the time at which it expires in microseconds.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The value.
    pub value: Stored,
    /// When it expires, if it does.
    pub until: Option<u64>,
}

/// A stored value.
#[derive(Clone, Debug)]
pub enum Stored {
    /// A string.
    Text(String),
    /// A hash.
    Hash(BTreeMap<String, String>),
}

/// The keys.
#[derive(Clone, Debug, Default)]
pub struct Database {
    /// The values by key.
    pub keys: BTreeMap<String, Slot>,
}

impl Database {
    /// Runs a command at `now`, in microseconds. `Err` is Redis's error; the status OK is `true`.
    pub fn run(&mut self, command: &[String], now: u64) -> Result<Json, String> {
        self.keys.retain(|_, slot| slot.until.is_none_or(|until| now < until));
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["GET", key] => Ok(self.text(key)),
            ["GETDEL", key] => {
                let text = self.text(key);
                self.keys.remove(*key);
                Ok(text)
            }
            ["MGET", keys @ ..] => Ok(keys.iter().map(|key| self.text(key)).collect()),
            ["SET", key, value, options @ ..] => self.set(key, value, options, now),
            ["DEL" | "UNLINK", keys @ ..] => {
                Ok(keys.iter().filter(|key| self.keys.remove(**key).is_some()).count().into())
            }
            ["PEXPIRE", key, millis] => {
                let until = now + millis.parse::<u64>().unwrap() * 1000;
                let slot = self.keys.get_mut(*key);
                Ok(i32::from(slot.map(|slot| slot.until = Some(until)).is_some()).into())
            }
            ["PTTL", key] => Ok(match self.keys.get(*key).map(|slot| slot.until) {
                None => json!(-2),
                Some(None) => json!(-1),
                Some(Some(until)) => json!((until - now) / 1000),
            }),
            ["HSET", key, field, value] => {
                let empty = Slot { value: Stored::Hash(BTreeMap::new()), until: None };
                let slot = self.keys.entry((*key).to_owned()).or_insert(empty);
                let Stored::Hash(hash) = &mut slot.value else { return Err("WRONGTYPE".into()) };
                Ok(i32::from(hash.insert((*field).to_owned(), (*value).to_owned()).is_none()).into())
            }
            ["HDEL", key, fields @ ..] => {
                let slot = self.keys.get_mut(*key);
                let Some(Stored::Hash(hash)) = slot.map(|slot| &mut slot.value) else { return Ok(0.into()) };
                Ok(fields.iter().filter(|field| hash.remove(**field).is_some()).count().into())
            }
            ["HGETALL", key] => match self.keys.get(*key).map(|slot| &slot.value) {
                None => Ok(json!([])),
                Some(Stored::Hash(hash)) => {
                    Ok(hash.iter().flat_map(|(field, value)| [field.as_str(), value]).collect())
                }
                Some(Stored::Text(_)) => Err("WRONGTYPE".into()),
            },
            ["SCAN", cursor, "MATCH", pattern, "COUNT", count] => Ok(self.scan(cursor, pattern, count)),
            ["MEMORY", "USAGE", key] => Ok(self.keys.get(*key).map(|slot| slot.bytes()).into()),
            ["INFO"] => Ok(INFO.into()),
            _ => Err(format!("ERR unknown command {words:?}")),
        }
    }

    fn text(&self, key: &str) -> Json {
        match self.keys.get(key).map(|slot| &slot.value) {
            Some(Stored::Text(text)) => text.as_str().into(),
            _ => Json::Null,
        }
    }

    fn set(&mut self, key: &str, value: &str, options: &[&str], now: u64) -> Result<Json, String> {
        let before = self.text(key);
        let (mut until, mut missing_only, mut get) = (None, false, false);
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                "PX" => until = Some(now + options.next().unwrap().parse::<u64>().unwrap() * 1000),
                "NX" => missing_only = true,
                "GET" => get = true,
                other => return Err(format!("ERR syntax error {other}")),
            }
        }
        if missing_only && self.keys.contains_key(key) {
            return Ok(Json::Null);
        }
        self.keys.insert(key.to_owned(), Slot { value: Stored::Text(value.to_owned()), until });
        Ok(if get { before } else { Json::Bool(true) })
    }

    /// A page in the order of the keys' hashes, so that a key that stays is found whatever is added or
    /// removed. The cursor is the hash at which the page begins.
    fn scan(&self, cursor: &str, pattern: &str, count: &str) -> Json {
        let (from, count): (u64, usize) = (cursor.parse().unwrap(), count.parse().unwrap());
        let mut keys: Vec<(u64, &String)> = self.keys.keys().map(|key| (hash(key), key)).collect();
        keys.retain(|(hash, _)| *hash >= from);
        keys.sort();
        let next = keys.get(count).map_or(0, |(hash, _)| *hash);
        let page = keys.into_iter().take(count).map(|(_, key)| key);
        let found: Vec<_> = page.filter(|key| matches(pattern, key)).collect();
        json!([next.to_string(), found])
    }
}

/// FNV-1a, except 0, which begins a scan.
fn hash(key: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    key.bytes().fold(0xcbf2_9ce4_8422_2325, mix).max(1)
}

impl Slot {
    fn bytes(&self) -> usize {
        match &self.value {
            Stored::Text(text) => text.len(),
            Stored::Hash(hash) => hash.iter().map(|(field, value)| field.len() + value.len()).sum(),
        }
    }
}

/// Whether `text` matches a glob of literals, `*` and `?`.
fn matches(glob: &str, text: &str) -> bool {
    let Some(first) = glob.chars().next() else { return text.is_empty() };
    let rest = &glob[first.len_utf8()..];
    if first == '*' {
        return (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]));
    }
    let mut chars = text.chars();
    chars.next().is_some_and(|c| (first == '?' || first == c) && matches(rest, chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn globs_match_as_in_redis() {
        for (glob, text, found) in
            [("a:*", "a:b", true), ("a:*", "ab", false), ("a?c*", "abc", true), ("*b", "aab", true)]
        {
            assert_eq!(matches(glob, text), found, "{glob} {text}");
        }
    }

    #[test]
    fn a_scan_finds_keys_that_stay_while_others_are_added_and_removed() {
        let mut database = Database::default();
        let set = |database: &mut Database, key: String| {
            database.run(&["SET".into(), key, "x".into()], 0).unwrap();
        };
        (0..100).for_each(|n| set(&mut database, format!("stays:{n}")));
        let (mut cursor, mut found) = ("0".to_owned(), BTreeSet::new());
        for round in 0.. {
            let words = ["SCAN", &cursor, "MATCH", "stays:*", "COUNT", "7"].map(str::to_owned);
            let page = database.run(&words, 0).unwrap();
            found.extend(page[1].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()));
            cursor = page[0].as_str().unwrap().to_owned();
            set(&mut database, format!("comes:{round}"));
            database
                .keys
                .retain(|key, slot| key.starts_with("stays") && matches!(slot.value, Stored::Text(_)));
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(found.len(), 100);
    }
}
