//! Limits of the wire: what a request, an id, a page or a frame may hold.

/// Records in one push.
pub const PUSH_RECORDS_MAX: usize = 50;
/// Bytes of one record's `data`, as the JSON text that was sent.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of all `data` of one push together.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a request's body at the edge.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How deeply arrays and objects may nest inside a body.
pub const JSON_DEPTH_MAX: usize = 64;
/// Names in a record's `fields`.
pub const FIELDS_MAX: usize = 256;
/// Bytes of a client or branch id.
pub const TENANT_ID_BYTES_MAX: usize = 64;
/// Bytes of a record id, as UTF-8.
pub const RECORD_ID_BYTES_MAX: usize = 255;
/// Bytes of a device or batch id, as UTF-8.
pub const DEVICE_ID_BYTES_MAX: usize = 128;
/// Bytes of a user name or password; hashing longer ones would be a way to keep us busy.
pub const CREDENTIAL_BYTES_MAX: usize = 256;
/// Records that are read at once: as many of the largest as pass Lambda, whatever is in them.
pub const READ_RECORDS_MAX: usize = 40;
/// Changes in one page of a pull, when the caller does not say.
pub const PULL_LIMIT_DEFAULT: usize = 100;
/// Changes in one page of a pull, at most.
pub const PULL_LIMIT_MAX: usize = 1000;
/// Branches that head office follows with one cursor.
pub const HEAD_OFFICE_BRANCHES_MAX: usize = 200;
/// Dead letters in one page, when the caller does not say.
pub const DEAD_LETTERS_LIMIT_DEFAULT: usize = 50;
/// Dead letters in one page, at most.
pub const DEAD_LETTERS_LIMIT_MAX: usize = 100;
/// Microseconds a till's clock may be ahead of ours: 5 minutes.
pub const CLOCK_AHEAD_MICROS_MAX: u64 = 5 * 60 * 1_000_000;
/// Bytes of a caller's text that an error repeats.
pub const ECHO_BYTES_MAX: usize = 160;
/// Commits a room remembers in order to drop doubles.
pub const ROOM_REMEMBERS_MAX: usize = 256;
/// Sockets of one room; Cloudflare allows 32,768, a branch has fewer tills than this.
pub const ROOM_SOCKETS_MAX: usize = 1000;
/// Bytes of one text frame a till may send.
pub const FRAME_BYTES_MAX: usize = 4 * 1024;
/// Seconds without a request after which a session counts as idle: 2 hours. Its refresh token works all the same.
pub const SESSION_IDLE_SECS: u64 = 2 * 3600;

// The largest batch fits a request body.
const _: () = assert!(BATCH_BYTES_MAX < BODY_BYTES_MAX);
const _: () = assert!(PULL_LIMIT_DEFAULT <= PULL_LIMIT_MAX);
const _: () = assert!(DEAD_LETTERS_LIMIT_DEFAULT <= DEAD_LETTERS_LIMIT_MAX);
