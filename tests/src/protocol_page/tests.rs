//! The tables of the page state the limits and rules of the code.

use auth::limits::{
    ACCESS_TOKEN_SECS, LOGIN_ADDRESS_PER_MINUTE, LOGIN_DELAY_SECS_MAX, LOGIN_FAILURES_FREE,
    LOGIN_FAILURES_SECS, REFRESH_GRACE_SECS, REFRESH_TOKEN_SECS, SESSION_SECS_MAX, SESSION_STATUS_SECS,
    SESSIONS_PER_USER_DEFAULT, USER_PER_MINUTE,
};
use protocol::limits::{
    BATCH_BYTES_MAX, BODY_BYTES_MAX, BODY_WINDOW_BYTES, BODY_WINDOW_SECS, CLOCK_AHEAD_MICROS_MAX,
    CREDENTIAL_BYTES_MAX, DEAD_LETTERS_LIMIT_DEFAULT, DEAD_LETTERS_LIMIT_MAX, FIELDS_MAX, FRAME_BYTES_MAX,
    FRAMES_BURST_MAX, FRAMES_PER_SEC_MAX, HEAD_OFFICE_BRANCHES_MAX, HUB_BRANCHES_MAX, JSON_DEPTH_MAX,
    LAST_SEEN_DEVICES_MAX, LAST_SEEN_SECS, PRESENCE_LEAVE_SECS, PULL_LIMIT_DEFAULT, PULL_LIMIT_MAX,
    PUSH_RECORDS_MAX, RECORD_BYTES_MAX, ROOM_SOCKETS_MAX, SESSION_IDLE_SECS, SESSION_WRITES_MAX,
    SIGN_IN_BODY_BYTES_MAX, SOCKETS_PER_DEVICE_MAX, SOCKETS_PER_SESSION_MAX, STATUS_BYTES_MAX,
    STATUS_EVERY_SECS, WRITE_QUEUE_MAX, WRITE_WAIT_MILLIS,
};
use retail::limits::CART_RETENTION_SECS;
use sync::limits::{
    DECIMAL_PLACES_MAX, DECIMAL_WHOLE_DIGITS_MAX, DEVICE_CLOCKS_MAX, LOG_ITEM_BYTES_MAX, LOG_RETENTION_SECS,
    MARKER_RETENTION_SECS, PULL_BYTES_MAX, TOMBSTONE_RETENTION_SECS,
};
use toml::{Table, Value};

const PAGE: &str = include_str!("../../../PROTOCOL.md");
const DAY: u64 = 24 * 3600;

fn has(text: &str) {
    assert!(PAGE.contains(text), "PROTOCOL.md lacks {text}");
}

#[test]
fn the_page_lists_every_table_with_its_rules() {
    let tables: Table = include_str!("../../../shared/sync/src/tables.toml").parse().unwrap();
    for (name, table) in &tables {
        let text =
            |key: &str, other: &'static str| table.get(key).map_or(other, |value| value.as_str().unwrap());
        let fields = table.get("fields").and_then(Value::as_table).cloned().unwrap_or_default();
        let members: Vec<String> = fields.iter().map(|(name, rule)| member(name, rule)).collect();
        let (policy, members) = (text("policy", ""), members.join("; "));
        let (read, write) = (text("read", "cashier"), text("write", "cashier"));
        has(&format!("| {name} | {policy} | {members} | {read} | {write} |\n"));
    }
}

fn member(name: &str, rule: &Value) -> String {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
    let list = |value: &Value| {
        let words = value.as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        words.collect::<Vec<_>>().join(", ")
    };
    match text("policy") {
        "additive" => format!("`{name}` additive, floor {}: {}", text("floor"), text("below")),
        "state" => {
            let steps = rule["transitions"].as_table().unwrap();
            let steps: Vec<String> =
                steps.iter().map(|(from, to)| format!("{from} → {}", list(to))).collect();
            format!("`{name}` state: {}; begins {}", steps.join("; "), list(&rule["initial"]))
        }
        policy => format!("`{name}` {policy}"),
    }
}

#[test]
fn the_page_states_the_limits_in_force() {
    let kib = |bytes: usize| bytes / 1024;
    let mib = |bytes: usize| bytes / 1024 / 1024;
    for row in [
        format!("records in a push | {PUSH_RECORDS_MAX}"),
        format!(
            "`data` of one record | {} KiB as sent, nested at most {JSON_DEPTH_MAX} levels",
            kib(RECORD_BYTES_MAX)
        ),
        format!("all `data` of a push together | {} MiB", mib(BATCH_BYTES_MAX)),
        format!(
            "a request body | {} MiB; {} KiB to sign in, refresh or log out",
            mib(BODY_BYTES_MAX),
            kib(SIGN_IN_BODY_BYTES_MAX)
        ),
        format!(
            "the pace of a request body | {} KiB in {BODY_WINDOW_SECS} seconds, unless it ends",
            kib(BODY_WINDOW_BYTES)
        ),
        format!("names in `fields` | {FIELDS_MAX}"),
        format!("changes in a page of a pull | {PULL_LIMIT_MAX}, or {} MiB of data", mib(PULL_BYTES_MAX)),
        format!("dead letters in a page | {DEAD_LETTERS_LIMIT_MAX}, or {} MiB", mib(PULL_BYTES_MAX)),
        format!("branches that head office follows with one cursor | {HEAD_OFFICE_BRANCHES_MAX}"),
        format!("a sum | {DECIMAL_WHOLE_DIGITS_MAX} digits before the point, {DECIMAL_PLACES_MAX} after it"),
        format!("a WebSocket frame from a till | {} KiB", kib(FRAME_BYTES_MAX)),
        format!("a status frame | {} KiB, once in {STATUS_EVERY_SECS} seconds", kib(STATUS_BYTES_MAX)),
        format!("frames from a socket | {FRAMES_PER_SEC_MAX} a second, {FRAMES_BURST_MAX} at once"),
        format!("sockets in a room | {ROOM_SOCKETS_MAX}"),
        format!("branches that a socket of the hub names | {HUB_BRANCHES_MAX}"),
        format!("sockets of a session | {SOCKETS_PER_SESSION_MAX}"),
        format!("sockets of a device of a user | {SOCKETS_PER_DEVICE_MAX}"),
        format!("writes of one session at once in a branch | {SESSION_WRITES_MAX}"),
        format!(
            "writes that wait in a branch | {WRITE_QUEUE_MAX}, each for at most {} seconds",
            WRITE_WAIT_MILLIS / 1000
        ),
        format!("a user name, a password | {CREDENTIAL_BYTES_MAX} bytes"),
        format!("a cart | {} KiB", kib(RECORD_BYTES_MAX)),
        format!("sign-ins of a user | {SESSIONS_PER_USER_DEFAULT}"),
        format!("requests of a user per minute, except syncing | {USER_PER_MINUTE}"),
        format!("a sign-in | {} days", SESSION_SECS_MAX / DAY),
        format!("a cart | {} days after its last change", CART_RETENTION_SECS / DAY),
        format!("an access token | {} minutes", ACCESS_TOKEN_SECS / 60),
        format!(
            "a refresh token | {} days; {REFRESH_GRACE_SECS} seconds after it was replaced",
            REFRESH_TOKEN_SECS / DAY
        ),
        format!("the log | {} days", LOG_RETENTION_SECS / DAY),
        format!("a `batch_id` | {} days", MARKER_RETENTION_SECS / DAY),
        format!("a tombstone | {} days", TOMBSTONE_RETENTION_SECS / DAY),
        format!("how far a device's clock may be ahead | {} minutes", CLOCK_AHEAD_MICROS_MAX / 60_000_000),
    ] {
        has(&format!("\n| {row} |\n"));
    }
}

#[test]
fn the_prose_of_the_page_states_the_limits_in_force() {
    let kib = |bytes: usize| bytes / 1024;
    // Compared without line breaks.
    let prose = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        format!("`clocks` lists at most {DEVICE_CLOCKS_MAX} devices"),
        format!("1 to {PULL_LIMIT_MAX}, {PULL_LIMIT_DEFAULT} if absent"),
        format!("are refused within {SESSION_STATUS_SECS} seconds"),
        format!("`idle` is true after {} hours without a request", SESSION_IDLE_SECS / 3600),
        format!("{LOGIN_ADDRESS_PER_MINUTE} a minute for each address"),
        format!("The first {LOGIN_FAILURES_FREE} failures are free"),
        format!("up to {} minutes", LOGIN_DELAY_SECS_MAX / 60),
        format!("forgotten {} hours after the last", LOGIN_FAILURES_SECS / 3600),
        format!("commit with much data (over {} KiB) comes in several frames", kib(LOG_ITEM_BYTES_MAX)),
        format!("devices of the last {} days, {LAST_SEEN_DEVICES_MAX} at most", LAST_SEEN_SECS / DAY),
        format!("offline {PRESENCE_LEAVE_SECS} seconds after its last one has ended"),
        format!("branches it has named, up to {HUB_BRANCHES_MAX} (one more is"),
        format!("`limit` is 1 to {DEAD_LETTERS_LIMIT_MAX}, {DEAD_LETTERS_LIMIT_DEFAULT} if absent"),
    ] {
        assert!(prose.contains(&words), "PROTOCOL.md lacks {words}");
    }
}
