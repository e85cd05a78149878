//! One JSON value as text, compared as JSON.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::nests_deeper;
use crate::limits::JSON_DEPTH_MAX;

/// A JSON value as text. Two values are equal if JSON says the same with both: white space, escapes and the
/// order of members do not matter, and of two members with the same name the last counts. The text of a
/// number does matter: 1.10 is not 1.1.
#[derive(Clone, Copy, Debug)]
pub struct JsonValue<'a>(&'a str);

impl<'a> JsonValue<'a> {
    /// The text, without surrounding white space.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the value is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Whether the value is an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Whether the value is a string.
    pub fn is_string(self) -> bool {
        self.0.starts_with('"')
    }

    /// The content of a string; `None` for any other value, and for a string that is not Unicode.
    pub fn to_text(self) -> Option<String> {
        serde_json::from_str(self.0).ok()
    }
}

impl<'a> From<&'a RawValue> for JsonValue<'a> {
    fn from(raw: &'a RawValue) -> JsonValue<'a> {
        JsonValue(raw.get())
    }
}

impl PartialEq for JsonValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.0 == other.0 {
            return true;
        }
        // Reading recurses. No stored record nests that deeply, and of other texts a difference is the safe
        // answer.
        if [self, other].iter().any(|value| nests_deeper(value.0.as_bytes(), COMPARED_DEPTH_MAX)) {
            return false;
        }
        let (one, two) = (Reader(self.0).value(), Reader(other.0).value());
        one.is_some() && one == two
    }
}

impl Eq for JsonValue<'_> {}

impl JsonValue<'_> {
    /// A text that is the same for all equal values, and for no others. Without the member `but` if the value
    /// is an object. `None` for a value that nests too deeply to be read.
    pub fn canonical(self, but: &str) -> Option<String> {
        let is_deep = nests_deeper(self.0.as_bytes(), COMPARED_DEPTH_MAX);
        let mut value = if is_deep { None } else { Reader(self.0).value() }?;
        if let Node::Members(members) = &mut value {
            members.retain(|name, _| !name.units().eq(but.encode_utf16()));
        }
        let mut text = String::with_capacity(self.0.len());
        value.write(&mut text);
        Some(text)
    }
}

/// Levels down to which values are compared: those of a record's `data` and the members around it.
const COMPARED_DEPTH_MAX: usize = JSON_DEPTH_MAX + 2;

/// A value that was read; its texts are those of the input.
#[derive(PartialEq)]
enum Node<'a> {
    /// A number, `true`, `false` or `null`.
    Scalar(&'a str),
    Text(Text<'a>),
    List(Vec<Node<'a>>),
    Members(BTreeMap<Text<'a>, Node<'a>>),
}

impl Node<'_> {
    fn write(&self, to: &mut String) {
        match self {
            Node::Scalar(scalar) => to.push_str(scalar),
            Node::Text(text) => text.write(to),
            Node::List(values) => {
                to.push('[');
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        to.push(',');
                    }
                    value.write(to);
                }
                to.push(']');
            }
            Node::Members(members) => {
                to.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        to.push(',');
                    }
                    name.write(to);
                    to.push(':');
                    value.write(to);
                }
                to.push('}');
            }
        }
    }
}

/// Reads valid JSON; `None` otherwise.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Node<'a>> {
        self.0 = self.0.trim_start();
        match self.0.as_bytes().first()? {
            b'"' => self.text().map(Node::Text),
            b'[' => self.list(),
            b'{' => self.members(),
            _ => {
                let ends = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
                self.split(self.0.find(ends).unwrap_or(self.0.len())).map(Node::Scalar)
            }
        }
    }

    fn list(&mut self) -> Option<Node<'a>> {
        let mut list = Vec::new();
        self.split(1)?;
        while !self.ends(']')? {
            list.push(self.value()?);
        }
        Some(Node::List(list))
    }

    fn members(&mut self) -> Option<Node<'a>> {
        let mut members = BTreeMap::new();
        self.split(1)?;
        while !self.ends('}')? {
            let name = self.text()?;
            self.0 = self.0.trim_start().strip_prefix(':')?;
            members.insert(name, self.value()?);
        }
        Some(Node::Members(members))
    }

    /// Whether the list or object ends here, with `end`; else passes over the comma.
    fn ends(&mut self, end: char) -> Option<bool> {
        self.0 = self.0.trim_start();
        if let Some(rest) = self.0.strip_prefix(end) {
            self.0 = rest;
            return Some(true);
        }
        self.0 = self.0.strip_prefix(',').unwrap_or(self.0).trim_start();
        (!self.0.is_empty()).then_some(false)
    }

    fn text(&mut self) -> Option<Text<'a>> {
        self.0 = self.0.strip_prefix('"')?;
        let mut escaped = false;
        let end = self.0.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        let text = self.split(end)?;
        self.split(1)?;
        Some(Text(text))
    }

    /// Takes the next `bytes` of the input.
    fn split(&mut self, bytes: usize) -> Option<&'a str> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }
}

/// The text between the quotes of a string, compared by its UTF-16 units: an escape stands for one unit, so
/// half a surrogate pair, which is no text, compares too.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn units(self) -> impl Iterator<Item = u16> + 'a {
        let (mut chars, mut second) = (self.0.chars(), None);
        std::iter::from_fn(move || {
            if let Some(unit) = second.take() {
                return Some(unit);
            }
            let c = match chars.next()? {
                '\\' => match chars.next()? {
                    'u' => {
                        let (hex, rest) = chars.as_str().split_at_checked(4)?;
                        chars = rest.chars();
                        return u16::from_str_radix(hex, 16).ok();
                    }
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    itself => itself,
                },
                plain => plain,
            };
            let mut units = [0; 2];
            second = c.encode_utf16(&mut units).get(1).copied();
            units.first().copied()
        })
    }
}

impl Text<'_> {
    /// Writes the text with as few escapes as possible; half a surrogate pair, which is no text, is one.
    fn write(self, to: &mut String) {
        to.push('"');
        for unit in char::decode_utf16(self.units()) {
            match unit {
                Ok(c @ ('"' | '\\')) => to.extend(['\\', c]),
                Ok(c) => to.push(c),
                Err(half) => to.push_str(&format!("\\u{:04x}", half.unpaired_surrogate())),
            }
        }
        to.push('"');
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 { Ordering::Equal } else { self.units().cmp(other.units()) }
    }
}

#[cfg(test)]
mod tests;
