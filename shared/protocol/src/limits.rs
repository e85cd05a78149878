//! Limits of the wire.

/// Records in one push.
pub const PUSH_RECORDS_MAX: usize = 50;
/// Bytes of one record's `data`, as the JSON text that was sent.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of all `data` of one push.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// How much greater the number of a batch may be than that of an earlier one of the same installation, in
/// which the device edited the same record. A device that was installed again begins at another number.
pub const DEVICE_SEQ_DISTANCE_MAX: u64 = 10_000;
/// Bytes of a request body at the edge.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a request body without an access token, which holds a name and a password, or a refresh token.
pub const SIGN_IN_BODY_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a request body that must arrive in each [`BODY_WINDOW_SECS`], unless it ends: a slow modem's
/// pace.
pub const BODY_WINDOW_BYTES: usize = 32 * 1024;
/// Seconds in which [`BODY_WINDOW_BYTES`] of a body must arrive.
pub const BODY_WINDOW_SECS: u64 = 15;
/// Maximum nesting of arrays and objects in a body.
pub const JSON_DEPTH_MAX: usize = 64;
/// Names in a record's `fields`.
pub const FIELDS_MAX: usize = 256;
/// Bytes of a client or branch id.
pub const TENANT_ID_BYTES_MAX: usize = 64;
/// Bytes of a user id. The server makes them.
pub const USER_ID_BYTES_MAX: usize = 64;
/// Bytes of a record id, as UTF-8.
pub const RECORD_ID_BYTES_MAX: usize = 255;
/// Bytes of a device or batch id, or of the name of a group, as UTF-8.
pub const DEVICE_ID_BYTES_MAX: usize = 128;
/// Bytes of a user name or password; bounds the cost of hashing.
pub const CREDENTIAL_BYTES_MAX: usize = 256;
/// Records in one batch read: as many as in a push.
pub const READ_RECORDS_MAX: usize = PUSH_RECORDS_MAX;
/// So many records of a batch read fit the response, however large they are.
pub const READ_RECORDS_FIT: usize = 40;
/// Changes in one page of a pull by default.
pub const PULL_LIMIT_DEFAULT: usize = 100;
/// Maximum number of changes in one page of a pull.
pub const PULL_LIMIT_MAX: usize = 1000;
/// Branches that head office follows with one cursor. Their list is read for every page, some 40 to 180 bytes
/// a branch.
pub const HEAD_OFFICE_BRANCHES_MAX: usize = 10_000;
/// Branches that a pull of all branches checks beyond those that the stream says have changed. With so few
/// branches every pull checks all.
pub const BRANCHES_CHECKED: usize = 10;
/// Dead letters in one page by default.
pub const DEAD_LETTERS_LIMIT_DEFAULT: usize = 50;
/// Maximum number of dead letters in one page.
pub const DEAD_LETTERS_LIMIT_MAX: usize = 100;
/// Open dead letters of one branch. A push that would add more is refused until a manager has handled some.
pub const DEAD_LETTERS_MAX: usize = 10_000;
/// Branches in one page by default.
pub const BRANCHES_LIMIT_DEFAULT: usize = 50;
/// Maximum number of branches in one page.
pub const BRANCHES_LIMIT_MAX: usize = 100;
/// Microseconds that a till's clock may be ahead of ours: 5 minutes.
pub const CLOCK_AHEAD_MICROS_MAX: u64 = 5 * 60 * 1_000_000;
/// Bytes of input that an error message repeats.
pub const ECHO_BYTES_MAX: usize = 160;
/// Recent commits that a room stores in order to drop duplicates.
pub const RECENT_COMMITS_MAX: usize = 256;
/// Sockets of one room. Cloudflare allows 32,768; a branch has far fewer tills.
pub const ROOM_SOCKETS_MAX: usize = 1000;
/// Branches to which one socket of the hub is subscribed by name.
pub const HUB_BRANCHES_MAX: usize = 100;
/// Sockets of one device of a user; one more replaces the oldest. A browser has one per tab.
pub const SOCKETS_PER_DEVICE_MAX: usize = 4;
/// Sockets of one session, over all devices that it names; one more replaces the oldest.
pub const SOCKETS_PER_SESSION_MAX: usize = 16;
/// Bytes that may wait for a client that does not read: 1 MiB, as much as the largest batch.
pub const SOCKET_BACKLOG_BYTES_MAX: u64 = 1024 * 1024;
/// Frames per second from one socket.
pub const FRAMES_PER_SEC_MAX: u64 = 50;
/// Frames from one socket at once.
pub const FRAMES_BURST_MAX: u64 = 50;
/// Writes that wait for their turn in one room.
pub const WRITE_QUEUE_MAX: usize = 256;
/// Writes of one session in that queue, the one that has the turn included. A till sends one at a time, a
/// person may replay a few dead letters at once.
pub const SESSION_WRITES_MAX: usize = 8;
/// Milliseconds for which a write has its turn: 4 seconds, many times what a write takes.
pub const WRITE_TURN_MILLIS: u64 = 4_000;
/// Milliseconds that a write waits for its turn: 10 seconds. Then it goes on without one.
pub const WRITE_WAIT_MILLIS: u64 = 10_000;
/// Seconds from the arrival of a request at the edge until its function runs, at most: 45 minutes. A body
/// takes most of them at the slowest pace.
pub const ARRIVAL_SECS_MAX: u64 = 45 * 60;
/// Pushes that are committed together. Eight sales of eight records fit one transaction of 100 actions.
pub const GROUP_PUSHES_MAX: usize = 8;
/// Bytes of the body of a push that may be committed together with others. The room holds the bodies of all
/// that wait.
pub const GROUP_PUSH_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a text frame from a client.
pub const FRAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a status frame from a client. The room keeps the status of each socket.
pub const STATUS_BYTES_MAX: usize = 1024;
/// Seconds between two status frames from a socket.
pub const STATUS_EVERY_SECS: u64 = 5;
/// Seconds until a ticket for a WebSocket expires.
pub const TICKET_SECS: u64 = 30;
/// Seconds without an event after which a stream of events sends a comment: proxies close silent
/// connections, often after a minute.
pub const EVENTS_COMMENT_SECS: u64 = 15;
/// Seconds after which a stream for head office pulls again without a cause: a hub does not tell the head of
/// a branch, by which a lost frame would be noticed.
pub const EVENTS_HUB_PULL_SECS: u64 = 60;
/// Milliseconds after which a client that lost its stream of events opens it again.
pub const EVENTS_RETRY_MILLIS: u64 = 3_000;
/// Seconds from the end of a device's last socket until it counts as offline. A page that is loaded again is
/// back sooner.
pub const PRESENCE_LEAVE_SECS: u64 = 3;
/// Devices of a branch of which the server remembers when it has seen them last.
pub const LAST_SEEN_DEVICES_MAX: usize = 200;
/// Seconds for which it remembers that: 90 days.
pub const LAST_SEEN_SECS: u64 = 90 * 24 * 3600;
/// Seconds without a request after which a session is shown as idle: 2 hours. Its refresh token still works.
pub const SESSION_IDLE_SECS: u64 = 2 * 3600;

/// Seconds after its stamp from which a commit counts as readable in all its parts, by any read.
///
/// HEAD, log and records are read one after the other, DynamoDB promises no consistent view of a transaction,
/// and a walk reads records eventually consistent: usually less than a second behind, without a promise. A
/// stamp is as old as its request, which may commit up to [`WRITE_SECS_MAX`] later. The other 40 seconds
/// allow for replicas that are behind, requests under way and clocks of functions that differ.
pub const LOG_SETTLE_SECS: u64 = 60;
/// Seconds that a function which writes may run, and so how much older than its commit a stamp may be.
/// template.yaml sets it as the functions' time-out.
pub const WRITE_SECS_MAX: u64 = 20;

const _: () = assert!(2 * CREDENTIAL_BYTES_MAX < SIGN_IN_BODY_BYTES_MAX);
// The largest batch fits a request body.
const _: () = assert!(BATCH_BYTES_MAX < BODY_BYTES_MAX);
// One session cannot take the places of a whole room.
const _: () = assert!(SOCKETS_PER_DEVICE_MAX <= SOCKETS_PER_SESSION_MAX);
const _: () = assert!(10 * SOCKETS_PER_SESSION_MAX < ROOM_SOCKETS_MAX);
const _: () = assert!(PULL_LIMIT_DEFAULT <= PULL_LIMIT_MAX);
const _: () = assert!(BRANCHES_LIMIT_DEFAULT <= BRANCHES_LIMIT_MAX);
const _: () = assert!(DEAD_LETTERS_LIMIT_DEFAULT <= DEAD_LETTERS_LIMIT_MAX);
const _: () = assert!(
    (BODY_BYTES_MAX / BODY_WINDOW_BYTES) as u64 * BODY_WINDOW_SECS + WRITE_WAIT_MILLIS / 1000
        < ARRIVAL_SECS_MAX - 60
);
// The bodies that wait in a room, with their tokens, take a small part of an isolate's 128 MB.
const _: () = assert!(WRITE_QUEUE_MAX * (GROUP_PUSH_BYTES_MAX + 4 * 1024) <= 5 * 1024 * 1024);
// A write behind two lost ones still gets its turn.
const _: () = assert!(2 * WRITE_TURN_MILLIS < WRITE_WAIT_MILLIS);
