//! Redis's protocol, version 2 (RESP2): encodes commands, decodes and encodes replies, byte for byte.
//!
//! Written here because the server passes replies on exactly: the crates `redis`, `redis-protocol` and
//! `resp` read errors as UTF-8 (Redis quotes binary arguments in them) or read `*-1` as `$-1`, and start a
//! long array again with each packet.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tokio_util::codec;

use crate::connection::ExchangeError;

/// The longest string of a Redis: 512 MB.
const BULK_BYTES_MAX: usize = 512 * 1024 * 1024;

/// One reply.
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
    /// An error of the server's own.
    pub(crate) fn error(text: impl Into<String>) -> Reply {
        Reply::Error(Bytes::from(text.into()))
    }

    pub(crate) fn ok() -> Reply {
        Reply::Simple(Bytes::from_static(b"OK"))
    }

    /// The text of a simple or bulk string.
    pub(crate) fn text(&self) -> Option<&Bytes> {
        match self {
            Reply::Simple(text) | Reply::Bulk(text) => Some(text),
            _ => None,
        }
    }

    /// Total bytes of all strings in it.
    pub(crate) fn size(&self) -> usize {
        match self {
            Reply::Simple(text) | Reply::Error(text) | Reply::Bulk(text) => text.len(),
            Reply::Integer(_) | Reply::Nil | Reply::NilArray => 0,
            Reply::Array(items) => items.iter().map(Reply::size).sum(),
        }
    }
}

/// The engine sent something that is not RESP2.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("failed to read a reply of Redis: {0}")]
pub(crate) struct DecodeError(&'static str);

/// Decodes replies as they arrive, and reads each byte once.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// Incomplete arrays, the outermost first.
    open: Vec<OpenArray>,
}

#[derive(Debug)]
struct OpenArray {
    missing: usize,
    items: Vec<Reply>,
}

/// A complete reply, or the length of an array whose items follow.
enum Element {
    Complete(Reply),
    Array(usize),
}

impl codec::Decoder for Decoder {
    type Item = Reply;
    type Error = ExchangeError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Reply>, ExchangeError> {
        while let Some(element) = element(buffer)? {
            let complete = match element {
                Element::Complete(reply) => reply,
                Element::Array(0) => Reply::Array(Vec::new()),
                Element::Array(missing) => {
                    self.open.push(OpenArray { missing, items: Vec::new() });
                    continue;
                }
            };
            if let Some(reply) = self.add(complete) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }
}

impl Decoder {
    /// Adds a reply to the innermost open array. Returns the outermost reply once it is complete.
    fn add(&mut self, mut reply: Reply) -> Option<Reply> {
        while let Some(mut array) = self.open.pop() {
            array.items.push(reply);
            array.missing -= 1;
            if array.missing > 0 {
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
    let element = match kind {
        b'+' => Element::Complete(Reply::Simple(Bytes::copy_from_slice(line))),
        b'-' => Element::Complete(Reply::Error(Bytes::copy_from_slice(line))),
        b':' => Element::Complete(Reply::Integer(number(line)?)),
        b'$' => match number(line)? {
            -1 => Element::Complete(Reply::Nil),
            bytes => return bulk(buffer, end + 2, length(bytes)?),
        },
        b'*' => match number(line)? {
            -1 => Element::Complete(Reply::NilArray),
            items => Element::Array(length(items)?),
        },
        _ => return Err(DecodeError("an unknown sort of reply")),
    };
    buffer.advance(end + 2);
    Ok(Some(element))
}

fn bulk(buffer: &mut BytesMut, start: usize, length: usize) -> Result<Option<Element>, DecodeError> {
    if length > BULK_BYTES_MAX {
        return Err(DecodeError("a string that is too long"));
    }
    let end = start + length + 2;
    if buffer.len() < end {
        buffer.reserve(end - buffer.len());
        return Ok(None);
    }
    buffer.advance(start);
    let text = buffer.split_to(length).freeze();
    buffer.advance(2);
    Ok(Some(Element::Complete(Reply::Bulk(text))))
}

fn number(line: &[u8]) -> Result<i64, DecodeError> {
    let number = std::str::from_utf8(line).ok().and_then(|text| text.parse().ok());
    number.ok_or(DecodeError("a number that is none"))
}

fn length(number: i64) -> Result<usize, DecodeError> {
    usize::try_from(number).map_err(|_| DecodeError("a negative length"))
}

pub(crate) fn encode_command(arguments: &[Bytes], out: &mut Vec<u8>) {
    encode_line(b'*', arguments.len().to_string().as_bytes(), out);
    for argument in arguments {
        encode_bulk(argument, out);
    }
}

pub(crate) fn encode_reply(reply: &Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Simple(text) => encode_line(b'+', text, out),
        Reply::Error(text) => encode_line(b'-', text, out),
        Reply::Integer(number) => encode_line(b':', number.to_string().as_bytes(), out),
        Reply::Bulk(text) => encode_bulk(text, out),
        Reply::Nil => out.put_slice(b"$-1\r\n"),
        Reply::NilArray => out.put_slice(b"*-1\r\n"),
        Reply::Array(items) => {
            encode_line(b'*', items.len().to_string().as_bytes(), out);
            for item in items {
                encode_reply(item, out);
            }
        }
    }
}

fn encode_line(kind: u8, text: &[u8], out: &mut Vec<u8>) {
    out.put_u8(kind);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}

fn encode_bulk(text: &[u8], out: &mut Vec<u8>) {
    encode_line(b'$', text.len().to_string().as_bytes(), out);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
