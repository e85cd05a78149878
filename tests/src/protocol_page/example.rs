//! What an example promises: everything to the letter, but for what no server could know beforehand.
//!
//! Times, stamps, cursors, tokens and ids that the server makes are examples. Such a value stands for one real value
//! through the whole page, and no two stand for the same; a time and the stamp of the same microsecond are one value.

use std::collections::BTreeMap;

use protocol::timestamp::Timestamp;
use serde_json::{Map, Value};

/// At the end of a text: any more text. In a list: any more elements.
const MORE: &str = "…";
/// Bytes from which on a text is one that only an example can be, wherever in a request it stands.
const TELLING_BYTES: usize = 8;

/// What the examples so far stand for.
#[derive(Debug, Default)]
pub struct Examples {
    real: BTreeMap<String, String>,
    shown: BTreeMap<String, String>,
}

/// How the value of a member is compared.
#[derive(Clone, Copy)]
enum Kind {
    /// To the letter.
    Literal,
    /// A stamp.
    Stamp,
    /// A time as the server writes it.
    Time,
    /// A cursor: its beginning to the letter, a position as the stamp it is.
    Cursor,
    /// A text of the server's own.
    Text,
    /// A number that depends on when one looks.
    Count,
}

fn kind(member: &str) -> Kind {
    match member {
        "stamp" | "prev" | "after_stamp" => Kind::Stamp,
        "server_updated_at" | "server_time" | "received_at" | "last_sync_at" | "at" => Kind::Time,
        "created_at" | "last_activity_at" => Kind::Time,
        "cursor" | "next_cursor" => Kind::Cursor,
        "id" | "request_id" | "snapshot_id" | "accessToken" | "refreshToken" | "address" => Kind::Text,
        "pending_queue_count" | "skew_millis" => Kind::Count,
        _ => Kind::Literal,
    }
}

impl Examples {
    /// Says what a text of the page stands for.
    pub fn learn(&mut self, shown: &str, real: &str) -> Result<(), String> {
        let known = self.real.entry(shown.to_owned()).or_insert_with(|| real.to_owned());
        if known != real {
            return Err(format!("{shown} stands for {known}, and here it is {real}"));
        }
        let other = self.shown.entry(real.to_owned()).or_insert_with(|| shown.to_owned());
        if other != shown {
            return Err(format!("{other} stands for {real}, and here that is called {shown}"));
        }
        Ok(())
    }

    /// A request's text with the real values in place of the examples.
    pub fn real(&self, text: &str) -> String {
        let mut known: Vec<_> = self.real.iter().filter(|(shown, _)| shown.len() >= TELLING_BYTES).collect();
        // The longer first: one may be a part of another.
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

    /// Compares what the page shows with what there is.
    pub fn compare(&mut self, shown: &Value, real: &Value) -> Result<(), String> {
        self.value("", Kind::Literal, shown, real)
    }

    fn value(&mut self, at: &str, kind: Kind, shown: &Value, real: &Value) -> Result<(), String> {
        let told = match (shown, real) {
            (Value::Object(shown), Value::Object(real)) => return self.object(at, shown, real),
            (Value::Array(shown), Value::Array(real)) => return self.array(at, shown, real),
            (Value::String(shown), Value::String(real)) => self.text(kind, shown, real),
            (Value::Number(shown), Value::Number(real)) if matches!(kind, Kind::Stamp) => {
                self.stamp(&shown.to_string(), &real.to_string())
            }
            (Value::Number(_), Value::Number(_)) if matches!(kind, Kind::Count) => Ok(()),
            _ if shown == real => Ok(()),
            _ => Err(format!("the page has {shown}, the server {real}")),
        };
        told.map_err(|why| format!("{at}: {why}"))
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
            self.value(&format!("{at}/{name}"), kind(name), shown, real)?;
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
            self.value(&format!("{at}/{i}"), Kind::Literal, shown, real)?;
        }
        Ok(())
    }

    fn text(&mut self, kind: Kind, shown: &str, real: &str) -> Result<(), String> {
        match kind {
            Kind::Time => {
                self.stamp(&micros(shown)?, &micros(real)?)?;
                self.learn(shown, real)
            }
            Kind::Cursor => {
                let version = |text: &str| text.split('.').next().map(str::to_owned);
                if version(shown) != version(real) {
                    return Err(format!("the page has the cursor {shown}, the server {real}"));
                }
                if let (Some(shown), Some(real)) = (shown.strip_prefix("v1."), real.strip_prefix("v1.")) {
                    self.stamp(shown, real)?;
                }
                self.learn(shown, real)
            }
            Kind::Text => self.learn(shown, real),
            Kind::Literal | Kind::Stamp | Kind::Count => match shown.strip_suffix(MORE) {
                Some(beginning) if real.starts_with(beginning) => Ok(()),
                None if shown == real => Ok(()),
                _ => Err(format!("the page has {shown:?}, the server {real:?}")),
            },
        }
    }

    fn stamp(&mut self, shown: &str, real: &str) -> Result<(), String> {
        // The position before everything is no example.
        match (shown, real) {
            ("0", "0") => Ok(()),
            ("0", _) | (_, "0") => Err(format!("the page has the stamp {shown}, the server {real}")),
            _ => self.learn(shown, real),
        }
    }
}

/// A time as the stamp of the same microsecond.
fn micros(text: &str) -> Result<String, String> {
    let time = Timestamp::parse(text).map_err(|error| format!("{text}: {error}"))?;
    let exact = time.to_string() == text;
    if exact { Ok(time.0.to_string()) } else { Err(format!("{text} is not as the server writes times")) }
}

#[cfg(test)]
mod tests;
