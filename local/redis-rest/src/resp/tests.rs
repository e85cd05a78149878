//! Every sort of reply is decoded and encoded unchanged.

use tokio_util::codec::Decoder as _;

use super::*;

fn decoded(text: &[u8]) -> Reply {
    let mut buffer = BytesMut::from(text);
    let reply = Decoder::default().decode(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty(), "{text:?} was not read to its end");
    reply
}

const REPLIES: [&[u8]; 9] = [
    b"+OK\r\n",
    b"-ERR \xff is no command\r\n",
    b":-9223372036854775808\r\n",
    b"$5\r\na\r\n\x00\xff\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*3\r\n*2\r\n:1\r\n*1\r\n-ERR inner\r\n$-1\r\n*0\r\n",
];

#[test]
fn a_decoded_reply_is_encoded_byte_for_byte() {
    for text in REPLIES {
        let mut out = Vec::new();
        encode_reply(&decoded(text), &mut out);
        assert_eq!(out, text);
    }
}

#[test]
fn replies_may_arrive_byte_by_byte() {
    let stream: Vec<u8> = REPLIES.concat();
    let (mut decoder, mut buffer, mut replies) = (Decoder::default(), BytesMut::new(), Vec::new());
    for byte in stream {
        buffer.extend_from_slice(&[byte]);
        while let Some(reply) = decoder.decode(&mut buffer).unwrap() {
            replies.push(reply);
        }
    }
    assert_eq!(replies, REPLIES.map(decoded));
}

#[test]
fn an_invalid_reply_is_refused() {
    for text in [&b"!\r\n"[..], b"\r\n", b":x\r\n", b"$-2\r\n", b"*-2\r\n", b"$9223372036854775807\r\n"] {
        let mut buffer = BytesMut::from(text);
        assert!(Decoder::default().decode(&mut buffer).is_err(), "{text:?}");
    }
}

#[test]
fn a_command_is_an_array_of_strings() {
    let mut out = Vec::new();
    encode_command(&[Bytes::from_static(b"SET"), Bytes::from_static(b"k\r\n"), Bytes::new()], &mut out);
    assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n");
}
