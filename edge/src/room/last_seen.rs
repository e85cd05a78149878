//! When devices that are offline were seen last: a hash of each branch in Redis.
//!
//! Only the room of the branch writes it, when a device has left. It is a copy that may be lost.

use protocol::ids::Room;
use protocol::limits::{LAST_SEEN_DEVICES_MAX, LAST_SEEN_SECS};
use protocol::timestamp::Timestamp;
use protocol::wire::presence::OfflineDevice;
use redis_client::command::{Ttl, expire, hdel, hgetall, hset};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::value::Value;

use super::presence::AnnouncedDevice;
use crate::state::AppState;

/// A field of the hash: the user and the device, and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    user: String,
    device: String,
    at: Timestamp,
}

/// Notes the devices that have `left`: three commands in one round trip, and one more for a full branch.
pub(super) async fn note(
    state: &AppState,
    room: &Room,
    left: &[AnnouncedDevice],
    now: Timestamp,
) -> Result<(), RedisError> {
    let key = state.config.redis.keys.last_seen(room);
    let fields: Vec<_> = left.iter().map(|device| Seen::of(device, now).written()).collect();
    let mut pipeline = Pipeline::new();
    let written = pipeline.push(hset(&key, fields.iter().map(|(field, value)| (field.as_str(), value))));
    let expires = pipeline.push(expire(&key, Ttl::of_secs(LAST_SEEN_SECS)));
    let all = pipeline.push(hgetall(&key));
    let mut replies = state.redis.pipeline(&pipeline).await?;
    replies.take(written)?;
    replies.take(expires)?;
    let surplus = surplus(&replies.take(all)?, now);
    if !surplus.is_empty() {
        state.redis.run(&hdel(&key, &surplus)).await?;
    }
    Ok(())
}

/// The devices of `room`, the last seen first.
pub(crate) async fn read(
    state: &AppState,
    room: &Room,
    now: Timestamp,
) -> Result<Vec<OfflineDevice>, RedisError> {
    let fields = state.redis.run(&hgetall(&state.config.redis.keys.last_seen(room))).await?;
    let mut seen: Vec<Seen> = fields.iter().filter_map(Seen::read).filter(|seen| !seen.is_old(now)).collect();
    seen.sort_by_key(|device| std::cmp::Reverse(device.at));
    Ok(seen.into_iter().map(Seen::told).collect())
}

/// The fields to remove: unreadable and old ones, and the oldest of too many.
fn surplus(fields: &[(Vec<u8>, Vec<u8>)], now: Timestamp) -> Vec<String> {
    let name = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    let (mut kept, mut surplus) = (Vec::new(), Vec::new());
    for pair in fields {
        match Seen::read(pair).filter(|seen| !seen.is_old(now)) {
            Some(seen) => kept.push((seen.at, name(&pair.0))),
            None => surplus.push(name(&pair.0)),
        }
    }
    kept.sort();
    let too_many = kept.len().saturating_sub(LAST_SEEN_DEVICES_MAX);
    surplus.extend(kept.into_iter().take(too_many).map(|(_, field)| field));
    surplus
}

impl Seen {
    fn of(device: &AnnouncedDevice, now: Timestamp) -> Seen {
        let at = device.ended_at.unwrap_or(now);
        Seen { user: device.user.clone(), device: device.device.to_string(), at }
    }

    fn written(self) -> (String, Value) {
        // Two texts always serialise.
        let field = serde_json::to_string(&(self.user, self.device)).unwrap_or_default();
        (field, Value::text(self.at.0.to_string()))
    }

    fn read((field, value): &(Vec<u8>, Vec<u8>)) -> Option<Seen> {
        let (user, device) = serde_json::from_slice(field).ok()?;
        let at = Timestamp(std::str::from_utf8(value).ok()?.parse().ok()?);
        Some(Seen { user, device, at })
    }

    fn is_old(&self, now: Timestamp) -> bool {
        self.at.plus_secs(LAST_SEEN_SECS) < now
    }

    fn told(self) -> OfflineDevice {
        OfflineDevice { device_id: self.device, user_id: self.user, last_seen_at: self.at.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn field(device: &str, at: Timestamp) -> (Vec<u8>, Vec<u8>) {
        let (field, value) = Seen { user: "u:1".into(), device: device.into(), at }.written();
        assert_eq!(value, Value::text(at.0.to_string()));
        (field.into_bytes(), at.0.to_string().into_bytes())
    }

    #[test]
    fn a_field_reads_back_whatever_the_device_is_called() {
        for device in ["till-1", "Kasse \"1\" – Büro", "a,b"] {
            let seen = Seen::read(&field(device, NOW)).unwrap();
            assert_eq!((seen.user.as_str(), seen.device.as_str(), seen.at), ("u:1", device, NOW));
        }
        assert_eq!(Seen::read(&(b"till-1".to_vec(), b"1".to_vec())), None);
        assert_eq!(Seen::read(&(br#"["u","d"]"#.to_vec(), b"soon".to_vec())), None);
    }

    #[test]
    fn old_unreadable_and_too_many_fields_are_removed() {
        let at = |secs| Timestamp(NOW.0 - secs * 1_000_000);
        let mut fields: Vec<_> =
            (0..LAST_SEEN_DEVICES_MAX as u64).map(|i| field(&format!("till-{i}"), at(i))).collect();
        fields.push(field("old", at(LAST_SEEN_SECS + 1)));
        fields.push((b"damaged".to_vec(), b"1".to_vec()));
        assert_eq!(surplus(&fields, NOW), [r#"["u:1","old"]"#, "damaged"]);
        fields.push(field("one more", NOW));
        let oldest = format!(r#"["u:1","till-{}"]"#, LAST_SEEN_DEVICES_MAX - 1);
        assert_eq!(surplus(&fields, NOW), [r#"["u:1","old"]"#.to_owned(), "damaged".into(), oldest]);
    }
}
