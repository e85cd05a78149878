//! `/subscribe` and `/psubscribe`: a connection to the engine of their own, and its messages as events.

use bytes::Bytes;

use crate::connection::{Connection, ExchangeError};
use crate::pool::Pool;
use crate::resp::Reply;

/// A subscription whose first confirmation has come.
pub(crate) struct Subscription {
    connection: Connection,
    first: Option<Reply>,
}

impl Subscription {
    /// Subscribes by `SUBSCRIBE` or `PSUBSCRIBE`; an error reply is the engine's refusal.
    pub(crate) async fn open(
        pool: &Pool,
        command: &'static str,
        channels: Vec<Bytes>,
    ) -> Result<Result<Subscription, Reply>, ExchangeError> {
        let mut connection = pool.dedicated().await?;
        let mut arguments = vec![Bytes::from_static(command.as_bytes())];
        arguments.extend(channels);
        // One confirmation for each channel: the first is waited for, the others come as messages do.
        let first = connection.exchange(&[arguments]).await?.pop().unwrap_or(Reply::Nil);
        Ok(match first {
            Reply::Error(_) => Err(first),
            _ => Ok(Subscription { connection, first: Some(first) }),
        })
    }

    /// The next event. It may be given up at any point and asked again.
    pub(crate) async fn next(&mut self) -> Result<Bytes, ExchangeError> {
        let reply = match self.first.take() {
            Some(first) => first,
            None => self.connection.receive().await?,
        };
        Ok(text(&reply))
    }
}

/// `message,channel,text`
fn text(reply: &Reply) -> Bytes {
    let Reply::Array(parts) = reply else { return Bytes::new() };
    let mut text = Vec::with_capacity(reply.size() + parts.len());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        match part {
            Reply::Integer(number) => text.extend_from_slice(number.to_string().as_bytes()),
            part => text.extend_from_slice(part.text().map_or(&b""[..], |text| text.as_ref())),
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_parts_with_commas() {
        let bulk = |text: &'static [u8]| Reply::Bulk(Bytes::from_static(text));
        let confirmation = Reply::Array(vec![bulk(b"subscribe"), bulk(b"chat"), Reply::Integer(1)]);
        assert_eq!(text(&confirmation), "subscribe,chat,1");
        let message = Reply::Array(vec![bulk(b"message"), bulk(b"chat"), bulk(b"a,b")]);
        assert_eq!(text(&message), "message,chat,a,b");
    }
}
