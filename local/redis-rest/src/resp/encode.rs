//! What is written: commands to Redis, replies to clients that want them raw.

use bytes::{BufMut, Bytes};

use super::Reply;

/// Writes one command.
pub(crate) fn encode_command(arguments: &[Bytes], out: &mut Vec<u8>) {
    out.put_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        bulk(argument, out);
    }
}

/// Writes one reply.
pub(crate) fn encode_reply(reply: &Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Simple(text) => line(b'+', text, out),
        Reply::Error(text) => line(b'-', text, out),
        Reply::Integer(number) => line(b':', number.to_string().as_bytes(), out),
        Reply::Bulk(text) => bulk(text, out),
        Reply::Nil => out.put_slice(b"$-1\r\n"),
        Reply::NilArray => out.put_slice(b"*-1\r\n"),
        Reply::Array(items) => {
            line(b'*', items.len().to_string().as_bytes(), out);
            for item in items {
                encode_reply(item, out);
            }
        }
    }
}

fn line(kind: u8, text: &[u8], out: &mut Vec<u8>) {
    out.put_u8(kind);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}

fn bulk(text: &[u8], out: &mut Vec<u8>) {
    line(b'$', text.len().to_string().as_bytes(), out);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}
