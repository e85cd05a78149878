//! Compares a response with its example: literally, except for values that the server makes.
//!
//! Times, stamps, cursors, tokens and ids are placeholders. Each placeholder stands for one real value
//! through the whole page, and no two stand for the same value. A time and the stamp of the same microsecond
//! are one value.

use std::collections::BTreeMap;

use protocol::timestamp::Timestamp;
use serde_json::{Map, Value};

/// Ends a text or a list that may continue in any way.
const MORE: &str = "…";
/// Shortest placeholder that is replaced in requests: shorter texts may occur by chance.
const PLACEHOLDER_BYTES_MIN: usize = 8;

/// The real values of the placeholders so far.
#[derive(Debug, Default)]
pub struct Placeholders {
    real: BTreeMap<String, String>,
    shown: BTreeMap<String, String>,
}

/// How a member is compared.
#[derive(Clone, Copy)]
enum Comparison {
    /// Literally.
    Literal,
    /// As a stamp.
    Stamp,
    /// As a time in the server's format.
    Time,
    /// As a cursor: its version literally, a position as a stamp.
    Cursor,
    /// As a text that the server makes.
    Text,
    /// As a number that may vary.
    Count,
}

fn comparison(member: &str) -> Comparison {
    match member {
        "stamp" | "prev" | "after_stamp" | "head" | "server_stamp" => Comparison::Stamp,
        "server_updated_at" | "server_time" | "received_at" | "last_sync_at" | "at" => Comparison::Time,
        "created_at" | "last_activity_at" | "last_batch_at" | "last_commit_at" | "since" | "status_at"
        | "last_seen_at" => Comparison::Time,
        "cursor" | "next_cursor" => Comparison::Cursor,
        "id" | "user_id" | "request_id" | "history" | "snapshot_id" | "accessToken" | "refreshToken"
        | "ticket" | "address" => Comparison::Text,
        "pending_queue_count" | "skew_millis" => Comparison::Count,
        _ => Comparison::Literal,
    }
}

impl Placeholders {
    /// Sets the real value of a placeholder.
    pub fn learn(&mut self, shown: &str, real: &str) -> Result<(), String> {
        let known = self.real.entry(shown.to_owned()).or_insert_with(|| real.to_owned());
        if known != real {
            return Err(format!("{shown} stands for {known}, but here for {real}"));
        }
        let other = self.shown.entry(real.to_owned()).or_insert_with(|| shown.to_owned());
        if other != shown {
            return Err(format!("{other} stands for {real}, but here {shown} does"));
        }
        Ok(())
    }

    /// A request with its placeholders replaced.
    pub fn real(&self, text: &str) -> String {
        let mut known: Vec<_> =
            self.real.iter().filter(|(shown, _)| shown.len() >= PLACEHOLDER_BYTES_MIN).collect();
        // Longer ones first, because a placeholder may contain another.
        known.sort_by_key(|(shown, _)| std::cmp::Reverse(shown.len()));
        let (mut out, mut rest) = (String::new(), text);
        'next: while let Some(first) = rest.chars().next() {
            for (shown, real) in &known {
                if let Some(after) = rest.strip_prefix(shown.as_str()) {
                    out.push_str(real);
                    rest = after;
                    continue 'next;
                }
            }
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        out
    }

    /// Compares an example with a real body.
    pub fn compare(&mut self, shown: &Value, real: &Value) -> Result<(), String> {
        self.value("", Comparison::Literal, shown, real)
    }

    fn value(&mut self, at: &str, by: Comparison, shown: &Value, real: &Value) -> Result<(), String> {
        let result = match (shown, real) {
            (Value::Object(shown), Value::Object(real)) => return self.object(at, shown, real),
            (Value::Array(shown), Value::Array(real)) => return self.array(at, shown, real),
            (Value::String(shown), Value::String(real)) => self.text(by, shown, real),
            (Value::Number(shown), Value::Number(real)) if matches!(by, Comparison::Stamp) => {
                self.stamp(&shown.to_string(), &real.to_string())
            }
            (Value::Number(_), Value::Number(_)) if matches!(by, Comparison::Count) => Ok(()),
            _ if shown == real => Ok(()),
            _ => Err(format!("the page has {shown}, the server {real}")),
        };
        result.map_err(|why| format!("{at}: {why}"))
    }

    fn object(
        &mut self,
        at: &str,
        shown: &Map<String, Value>,
        real: &Map<String, Value>,
    ) -> Result<(), String> {
        if let Some(name) = real.keys().find(|name| !shown.contains_key(*name)) {
            return Err(format!("{at}: the page does not show `{name}`"));
        }
        for (name, shown) in shown {
            let real = real.get(name).ok_or_else(|| format!("{at}: the server does not send `{name}`"))?;
            self.value(&format!("{at}/{name}"), comparison(name), shown, real)?;
        }
        Ok(())
    }

    fn array(&mut self, at: &str, shown: &[Value], real: &[Value]) -> Result<(), String> {
        let (shown, more) = match shown.split_last() {
            Some((last, before)) if last == MORE => (before, true),
            _ => (shown, false),
        };
        if real.len() < shown.len() || (!more && real.len() > shown.len()) {
            return Err(format!("{at}: the page has {} elements, the server {}", shown.len(), real.len()));
        }
        for (i, (shown, real)) in shown.iter().zip(real).enumerate() {
            self.value(&format!("{at}/{i}"), Comparison::Literal, shown, real)?;
        }
        Ok(())
    }

    fn text(&mut self, by: Comparison, shown: &str, real: &str) -> Result<(), String> {
        match by {
            Comparison::Time => {
                self.stamp(&micros(shown)?, &micros(real)?)?;
                self.learn(shown, real)
            }
            Comparison::Cursor => {
                let version = |text: &str| text.split('.').next().map(str::to_owned);
                if version(shown) != version(real) {
                    return Err(format!("the page has the cursor {shown}, the server {real}"));
                }
                let position = |text: &str| text.strip_prefix("p1.")?.split('.').next().map(str::to_owned);
                if let (Some(shown), Some(real)) = (position(shown), position(real)) {
                    self.stamp(&shown, &real)?;
                }
                self.learn(shown, real)
            }
            Comparison::Text => self.learn(shown, real),
            Comparison::Literal | Comparison::Stamp | Comparison::Count => match shown.strip_suffix(MORE) {
                Some(beginning) if real.starts_with(beginning) => Ok(()),
                None if shown == real => Ok(()),
                _ => Err(format!("the page has {shown:?}, the server {real:?}")),
            },
        }
    }

    fn stamp(&mut self, shown: &str, real: &str) -> Result<(), String> {
        // The first position is literal.
        match (shown, real) {
            ("0", "0") => Ok(()),
            ("0", _) | (_, "0") => Err(format!("the page has the stamp {shown}, the server {real}")),
            _ => self.learn(shown, real),
        }
    }
}

/// The stamp of the microsecond of a time.
fn micros(text: &str) -> Result<String, String> {
    let time = Timestamp::parse(text).map_err(|error| format!("{text}: {error}"))?;
    let exact = time.to_string() == text;
    if exact { Ok(time.0.to_string()) } else { Err(format!("{text} does not have the server's time format")) }
}

#[cfg(test)]
mod tests;
