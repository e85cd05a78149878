//! Redis's protocol, version 2: commands out, replies in, byte for byte.
//!
//! Written here rather than taken from a crate: the front passes replies on exactly, and the crates at hand
//! read errors as UTF-8 (Redis quotes binary arguments in them), do not tell `$-1` from `*-1`, or read a
//! long array again from its beginning with each packet.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

mod encode;

/// The longest string that a Redis takes or gives: 512 MB.
const BULK_BYTES_MAX: usize = 512 * 1024 * 1024;

pub(crate) use encode::{encode_command, encode_reply};

/// One reply, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// `+OK`
    Simple(Bytes),
    /// `-ERR …`
    Error(Bytes),
    /// `:1`
    Integer(i64),
    /// `$3`
    Bulk(Bytes),
    /// `$-1`
    Nil,
    /// `*2`
    Array(Vec<Reply>),
    /// `*-1`
    NilArray,
}

impl Reply {
    /// An error of the front's own.
    pub(crate) fn error(text: impl Into<String>) -> Reply {
        Reply::Error(Bytes::from(text.into()))
    }

    /// The reply to a command that has nothing to say.
    pub(crate) fn ok() -> Reply {
        Reply::Simple(Bytes::from_static(b"OK"))
    }

    /// The text of a string of either sort.
    pub(crate) fn text(&self) -> Option<&Bytes> {
        match self {
            Reply::Simple(text) | Reply::Bulk(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes of all strings in it.
    pub(crate) fn size(&self) -> usize {
        match self {
            Reply::Simple(text) | Reply::Error(text) | Reply::Bulk(text) => text.len(),
            Reply::Integer(_) | Reply::Nil | Reply::NilArray => 0,
            Reply::Array(items) => items.iter().map(Reply::size).sum(),
        }
    }
}

/// What came is not Redis's protocol.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("failed to read a reply of Redis: {0}")]
pub(crate) struct DecodeError(&'static str);

/// Reads replies from what has arrived so far, and never reads a byte twice.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// Arrays that are not complete yet, the outermost first.
    open: Vec<OpenArray>,
}

#[derive(Debug)]
struct OpenArray {
    left: usize,
    items: Vec<Reply>,
}

/// One line's worth: a whole reply, or the beginning of an array.
enum Element {
    Whole(Reply),
    Array(usize),
}

impl Decoder {
    /// The next whole reply, if it has arrived. What was read is taken from `buffer`.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        while let Some(element) = element(buffer)? {
            let whole = match element {
                Element::Whole(reply) => reply,
                Element::Array(0) => Reply::Array(Vec::new()),
                Element::Array(left) => {
                    self.open.push(OpenArray { left, items: Vec::new() });
                    continue;
                }
            };
            if let Some(reply) = self.place(whole) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Puts a reply where it belongs, and comes back with what this has completed.
    fn place(&mut self, mut reply: Reply) -> Option<Reply> {
        while let Some(mut array) = self.open.pop() {
            array.items.push(reply);
            array.left -= 1;
            if array.left > 0 {
                self.open.push(array);
                return None;
            }
            reply = Reply::Array(array.items);
        }
        Some(reply)
    }
}

fn element(buffer: &mut BytesMut) -> Result<Option<Element>, DecodeError> {
    let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let (Some(&kind), Some(line)) = (buffer.first(), buffer.get(1..end)) else {
        return Err(DecodeError("an empty line"));
    };
    let whole = match kind {
        b'+' => Reply::Simple(Bytes::copy_from_slice(line)),
        b'-' => Reply::Error(Bytes::copy_from_slice(line)),
        b':' => Reply::Integer(number(line)?),
        b'$' => match number(line)? {
            -1 => Reply::Nil,
            length => return bulk(buffer, end + 2, length),
        },
        b'*' => match number(line)? {
            -1 => Reply::NilArray,
            length => {
                let length = usize::try_from(length).map_err(|_| DecodeError("a negative length"))?;
                buffer.advance(end + 2);
                return Ok(Some(Element::Array(length)));
            }
        },
        _ => return Err(DecodeError("an unknown sort of reply")),
    };
    buffer.advance(end + 2);
    Ok(Some(Element::Whole(whole)))
}

fn bulk(buffer: &mut BytesMut, start: usize, length: i64) -> Result<Option<Element>, DecodeError> {
    let length = usize::try_from(length).map_err(|_| DecodeError("a negative length"))?;
    if length > BULK_BYTES_MAX {
        return Err(DecodeError("a string that is too long"));
    }
    let whole = start + length + 2;
    if buffer.len() < whole {
        buffer.reserve(whole - buffer.len());
        return Ok(None);
    }
    buffer.advance(start);
    let text = buffer.split_to(length).freeze();
    buffer.advance(2);
    Ok(Some(Element::Whole(Reply::Bulk(text))))
}

fn number(line: &[u8]) -> Result<i64, DecodeError> {
    let text = std::str::from_utf8(line).map_err(|_| DecodeError("a number that is none"))?;
    text.parse().map_err(|_| DecodeError("a number that is none"))
}

#[cfg(test)]
mod tests;
