//! Every limit of the product, with its unit, in one place.

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
/// Bytes of `data` in one page of a pull; a page ends with the change that passes it.
pub const PULL_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Branches that head office follows with one cursor.
pub const HEAD_OFFICE_BRANCHES_MAX: usize = 200;
/// Bytes of a cursor: one over [`HEAD_OFFICE_BRANCHES_MAX`] branches fits, and it fits the 4 KiB of a query at the
/// edge with room for the other parameters.
pub const CURSOR_BYTES_MAX: usize = 3950;
/// Bytes of a record's name inside a cursor: the longest id, the longest table name and what is between them.
pub const CURSOR_KEY_BYTES_MAX: usize = RECORD_ID_BYTES_MAX + 1 + 64;

/// Bytes of changes in one log item before compression. DynamoDB's limit for an item is 400 KB.
pub const LOG_ITEM_BYTES_MAX: usize = 330 * 1024;
/// Bytes of a decompressed log item, at most: what we wrote, and a bound on what we believe.
pub const LOG_ITEM_INFLATED_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a rejected record that the dead letters keep, 64 KiB of `data` and what goes with it; of a longer one they
/// keep the beginning, size and hash.
pub const DEAD_PAYLOAD_BYTES_MAX: usize = RECORD_BYTES_MAX + 8 * 1024;
/// Dead letters in one page, when the caller does not say.
pub const DEAD_LETTERS_LIMIT_DEFAULT: usize = 50;
/// Dead letters in one page, at most.
pub const DEAD_LETTERS_LIMIT_MAX: usize = 100;
/// Seconds a log item is kept: 7 days.
pub const LOG_RETENTION_SECS: u64 = 7 * 24 * 3600;
/// Seconds a batch marker is kept, and with it the promise of exactly-once: 90 days.
pub const MARKER_RETENTION_SECS: u64 = 90 * 24 * 3600;
/// Seconds a tombstone is kept: 90 days. An unversioned write that is older may be of something deleted.
pub const TOMBSTONE_RETENTION_SECS: u64 = 90 * 24 * 3600;
/// Seconds after a commit's stamp within which nobody relies on having read all of it: HEAD, log and records are read one
/// after the other, and DynamoDB promises no common view of a transaction. That takes a moment; the rest is how far the
/// clock that made the stamp and the reader's may lie apart.
pub const LOG_SETTLE_SECS: u64 = 30;

/// Digits before the point of a number that is added to.
pub const DECIMAL_WHOLE_DIGITS_MAX: usize = 18;
/// Digits after the point of a number that is added to.
pub const DECIMAL_PLACES_MAX: usize = 9;
/// Members of a record whose last change is remembered one by one, for field-merge.
pub const FIELD_VERSIONS_MAX: usize = 256;
/// Bytes of these members' names together.
pub const FIELD_VERSIONS_BYTES_MAX: usize = 8 * 1024;
/// Devices of a room whose clocks are remembered.
pub const DEVICE_CLOCKS_MAX: usize = 32;
/// Bytes of these devices' names together: HEAD is read by every pull.
pub const DEVICE_CLOCKS_BYTES_MAX: usize = 1024;

/// Actions in one DynamoDB transaction.
pub const TRANSACTION_ACTIONS_MAX: usize = 100;
/// Keys in one DynamoDB `BatchGetItem`.
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// Bytes of data that one commit writes, records and log together; a transaction may have 4 MB. Deletes and writes
/// with `fields` write the whole record, which may be more than was sent.
pub const COMMIT_BYTES_MAX: usize = 3_500_000;
/// How often a push that lost a race is decided again before it is told to come back.
pub const PUSH_ATTEMPTS_MAX: u32 = 12;

/// Microseconds a till's clock may be ahead of ours: 5 minutes.
pub const CLOCK_AHEAD_MICROS_MAX: u64 = 5 * 60 * 1_000_000;

/// Bytes of data in a push's answer, as escaped text: Lambda answers with at most 6 MB.
pub const ANSWER_DATA_BYTES_MAX: usize = 5_000_000;
/// Bytes of the committed changes that a push hands to the edge beside its answer (the fast path).
pub const FAST_PATH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a push's answer up to which the commit goes along; Lambda answers with at most 6 MB, as escaped text.
pub const FAST_PATH_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of data in one publish from `change-stream`; a single log item may be more, and still passes the door.
pub const PUBLISH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a caller's text that an error repeats.
pub const ECHO_BYTES_MAX: usize = 160;
/// Commits a room remembers in order to drop doubles.
pub const ROOM_REMEMBERS_MAX: usize = 256;
/// Sockets of one room; Cloudflare allows 32,768, a branch has fewer tills than this.
pub const ROOM_SOCKETS_MAX: usize = 1000;
/// Bytes of one text frame a till may send.
pub const FRAME_BYTES_MAX: usize = 4 * 1024;

/// Seconds an access token is valid: 15 minutes.
pub const ACCESS_TOKEN_SECS: u64 = 15 * 60;
/// Seconds a refresh token is valid: 30 days.
pub const REFRESH_TOKEN_SECS: u64 = 30 * 24 * 3600;
/// Seconds a refresh token still works after it was replaced, unless its successor was used.
pub const REFRESH_GRACE_SECS: u64 = 60;
/// Seconds after which a sign-in ends, however often its token was refreshed: 90 days.
pub const SESSION_SECS_MAX: u64 = 90 * 24 * 3600;
/// Seconds without a request after which a session counts as idle: 2 hours. Its refresh token works all the same.
pub const SESSION_IDLE_SECS: u64 = 2 * 3600;
/// Seconds for which an ended session is remembered: longer than any access token that was issued in it lives, whatever
/// clocks differ by.
pub const SESSION_ENDED_SECS: u64 = ACCESS_TOKEN_SECS + 60;
/// Seconds for which the edge believes what it was told of a session.
pub const SESSION_VERDICT_SECS: u64 = 5;
/// Sign-ins that a user has at once, unless a deployment says otherwise; the oldest leaves.
pub const SESSIONS_PER_USER_DEFAULT: usize = 20;
/// Sign-ins that a deployment may allow a user at most: they are listed in one answer.
pub const SESSIONS_PER_USER_MAX: usize = 200;
/// Bytes of a caller's address that a sign-in remembers.
pub const ADDRESS_BYTES_MAX: usize = 64;
/// Bytes of what a caller's program calls itself that a sign-in remembers.
pub const AGENT_BYTES_MAX: usize = 256;
/// Seconds a cart is kept after its last change: 30 days.
pub const CART_RETENTION_SECS: u64 = 30 * 24 * 3600;
/// Pending changes of a cart that one transaction folds into it, at most; each is an action, and so is the cart.
pub const CART_FOLD_MAX: usize = TRANSACTION_ACTIONS_MAX - 1;
/// Bytes of a token in a header or query, at most.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// Seconds by which a signed publish may be old or ahead.
pub const PUBLISH_AGE_SECS_MAX: u64 = 5 * 60;

/// Requests a minute of one user, of those that are not about sync.
pub const USER_PER_MINUTE: u32 = 100;
/// Requests a minute without a token from one address, sign-ins aside: a shop's tills share an address.
pub const ADDRESS_PER_MINUTE: u32 = 100;
/// Sign-ins a minute as one user.
pub const LOGIN_NAME_PER_MINUTE: u32 = 10;
/// Sign-ins a minute from one address.
pub const LOGIN_ADDRESS_PER_MINUTE: u32 = 100;
/// How many times fewer sign-ins an isolate lets in by itself, while there is no Redis to count with the others in.
pub const LOGIN_WITHOUT_REDIS_DIVISOR: u32 = 10;
/// Callers whose requests an isolate counts at once while there is no Redis; about 150 bytes each.
pub const LOCAL_RATE_CALLERS_MAX: usize = 10_000;
/// Sessions of which an isolate remembers that; about 200 bytes each.
pub const SESSION_VERDICTS_MAX: usize = 10_000;
/// Milliseconds that the door waits for Redis before it decides by itself.
pub const GATE_BUDGET_MILLIS: u64 = 150;
/// Seconds for which the answer of `/readyz` is good: who asks more often asks Redis no more often.
pub const READY_SECS: u64 = 5;

/// Bytes of one request to Redis: what the service takes on its smallest plan.
pub const REDIS_REQUEST_BYTES_MAX: usize = 1_000_000;
/// Bytes of one answer of Redis. An adapter reads no further.
pub const REDIS_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How deeply the arrays of one answer of Redis may nest, the answer to a pipeline and its items included.
pub const REDIS_REPLY_DEPTH_MAX: usize = 16;
/// Values in one answer of Redis, nested ones included: a short text could otherwise become a large list.
pub const REDIS_REPLY_ITEMS_MAX: usize = 100_000;
/// Times a request to Redis is tried, the first included.
pub const REDIS_ATTEMPTS_MAX: u32 = 5;
/// Milliseconds one try of a request to Redis may take, unless the caller says otherwise.
pub const REDIS_TRY_MILLIS: u64 = 400;
/// Milliseconds a request to Redis may take with all its tries and pauses, unless the caller says otherwise.
pub const REDIS_TOTAL_MILLIS: u64 = 1000;
/// Milliseconds of the longest pause before the second try; it doubles with every try.
pub const REDIS_PAUSE_MILLIS: u64 = 20;
/// Milliseconds of the longest pause before any try.
pub const REDIS_PAUSE_MILLIS_MAX: u64 = 200;
/// Tries that the circuit breaker remembers.
pub const BREAKER_WINDOW: u32 = 10;
/// Failures among them that open it.
pub const BREAKER_FAILURES: u32 = 5;
/// Milliseconds an open breaker lets nothing through; then it lets one try through to see.
pub const BREAKER_PAUSE_MILLIS: u64 = 2000;
/// Bytes of the deployment's prefix, with which all its Redis keys begin.
pub const REDIS_PREFIX_BYTES_MAX: usize = 32;
/// Bytes of a pattern by which cached entries are chosen.
pub const REDIS_GLOB_BYTES_MAX: usize = 512;
/// Bytes of a sync token; a longer one is none of the service's.
pub const SYNC_TOKEN_BYTES_MAX: usize = 1024;
/// Bytes of the name of a key that seals values.
pub const SEALING_KEY_ID_BYTES_MAX: usize = 16;
/// Keys that seal or open values: the current one and those before it.
pub const SEALING_KEYS_MAX: usize = 8;

/// Milliseconds one try of the cache's requests to Redis may take: the source answers in less than this wastes.
pub const CACHE_TRY_MILLIS: u64 = 150;
/// Milliseconds a request of the cache to Redis may take with all its tries and pauses.
pub const CACHE_TOTAL_MILLIS: u64 = 200;
/// Bytes of the content of one cached entry; a larger one is loaded each time.
pub const CACHE_ENTRY_BYTES_MAX: usize = 256 * 1024;
/// Seconds a tag's stamp is kept: longer than any entry, so that entries seldom end by it.
pub const CACHE_TAG_SECS: u64 = 24 * 3600;
/// Milliseconds a lock is held by a process that says nothing more: less than the shortest entry is fresh.
pub const CACHE_LOCK_MILLIS: u64 = 3000;
/// How often a reader looks again while another process loads what it wants, before it loads by itself.
pub const CACHE_LOOKS_MAX: u32 = 4;
/// Milliseconds between these looks.
pub const CACHE_LOOK_PAUSE_MILLIS: u64 = 50;
/// How often a reader that waited for another's load is disappointed before it loads by itself.
pub const CACHE_TURNS_MAX: u32 = 2;
/// Milliseconds within which a process answers from its own memory while Redis is away: by so much is such an answer
/// late, since nobody can invalidate it.
pub const CACHE_MEMORY_MILLIS: u64 = 3000;
/// Entries in this memory.
pub const CACHE_MEMORY_ENTRIES_MAX: usize = 1000;
/// Bytes of content in this memory.
pub const CACHE_MEMORY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Entries that are read at once.
pub const CACHE_BATCH_MAX: usize = 100;
/// How often a writer puts back what it should not have replaced, before it leaves nothing.
pub const CACHE_PUT_BACKS_MAX: u32 = 8;
/// Keys that one step of a scan looks at.
pub const CACHE_SCAN_KEYS: u32 = 500;
/// Steps of a scan in one call; the next call goes on from there.
pub const CACHE_SCAN_STEPS_MAX: u32 = 10;
/// Steps of a scan in one call of the maintenance, which costs a command or two a key, and more where it mends: 100,000 keys or so.
pub const CACHE_MAINTENANCE_STEPS_MAX: u32 = 200;
/// Seconds for which it is remembered where the next call goes on; after that it begins anew.
pub const CACHE_MAINTENANCE_SECS: u64 = 7 * 24 * 3600;
/// Days after which a day's counts are folded: until then a process that slept may write what it had counted.
pub const CACHE_FOLD_DAYS_BEFORE: u64 = 2;
/// Days whose counts are folded, from then on back: the maintenance may take as long to come by.
pub const CACHE_FOLD_DAYS: u64 = 7;
/// Reads after which the counts are due to be written.
pub const CACHE_FLUSH_READS: u64 = 100;
/// Seconds after which they are due, if there were fewer.
pub const CACHE_FLUSH_SECS: u64 = 10;
/// Commands that one flush may send for every [`CACHE_FLUSH_READS`] reads: 0.02 for each.
pub const CACHE_FLUSH_COMMANDS: u64 = 2;
/// Commands that a flush may send after [`CACHE_FLUSH_SECS`] in any case: a quiet process may be gone soon, and what it
/// has not written with it.
pub const CACHE_FLUSH_QUIET_COMMANDS: u64 = 32;
/// Clients that one process counts the reads of, on one day.
pub const CACHE_TALLIES_MAX: usize = 4096;
/// Seconds the counts of a day are kept: 35 days.
pub const CACHE_STATISTICS_SECS: u64 = 35 * 24 * 3600;
/// Keys of each step that maintenance measures.
pub const CACHE_SAMPLES: usize = 20;
/// Largest keys that maintenance names.
pub const CACHE_LARGEST_KEYS: usize = 10;

// A push of the largest allowed batch fits one transaction: its records, HEAD, the batch's marker, the
// branch's entry and the log items (each full but for the one record that no longer fitted).
const LOG_ITEMS_MAX: usize = BATCH_BYTES_MAX.div_ceil(LOG_ITEM_BYTES_MAX - 2 * RECORD_BYTES_MAX) + 1;
// Dead letters take as many items at most as the log would: a record is in one or the other.
const _: () = assert!(PUSH_RECORDS_MAX + 3 + 2 * (LOG_ITEMS_MAX + 1) <= TRANSACTION_ACTIONS_MAX);
// What a push loads (its records, HEAD and the marker) fits one BatchGetItem.
const _: () = assert!(PUSH_RECORDS_MAX + 2 <= BATCH_GET_KEYS_MAX);
// A batch of writes that replace always fits: its data once as records and once, uncompressed, as log.
const _: () = assert!(2 * BATCH_BYTES_MAX <= COMMIT_BYTES_MAX);
// Data, names and numbers of a commit stay below a transaction's 4 MB.
const _: () = assert!(COMMIT_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < 4_000_000);
// A single record always fits a log item, and a log item always fits a DynamoDB item (400 KB).
const _: () = assert!(2 * RECORD_BYTES_MAX < LOG_ITEM_BYTES_MAX);
const _: () = assert!(LOG_ITEM_BYTES_MAX + 16 * 1024 < 400_000);
const _: () = assert!(LOG_ITEM_BYTES_MAX < LOG_ITEM_INFLATED_BYTES_MAX);
// What is published at once passes the door, JSON around it included.
const _: () = assert!(PUBLISH_BYTES_MAX + LOG_ITEM_INFLATED_BYTES_MAX < BODY_BYTES_MAX);
// An answer passes Lambda: its data, and for every record names, times and numbers.
const _: () = assert!(ANSWER_DATA_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < 6_000_000);
// A page of a pull passes it too, even if it is all quotes and ends with the largest record.
const _: () = assert!(2 * (PULL_BYTES_MAX + RECORD_BYTES_MAX) + PULL_LIMIT_MAX * 1024 < 6_000_000);
// So do records that are read at once: their data, and for each names, times and numbers.
const _: () = assert!(READ_RECORDS_MAX * (2 * RECORD_BYTES_MAX + 4096) < 6_000_000);
// So does a page of dead letters that ends with one that is cut and all quotes.
const _: () =
    assert!(2 * (PULL_BYTES_MAX + 2 * DEAD_PAYLOAD_BYTES_MAX) + DEAD_LETTERS_LIMIT_MAX * 2048 < 6_000_000);
// The largest batch passes the door.
const _: () = assert!(BATCH_BYTES_MAX < BODY_BYTES_MAX);
// A retry that still finds its changes in the log also still finds its marker.
const _: () = assert!(LOG_RETENTION_SECS <= MARKER_RETENTION_SECS);
const _: () = assert!(PULL_LIMIT_DEFAULT <= PULL_LIMIT_MAX);
const _: () = assert!(REFRESH_GRACE_SECS < ACCESS_TOKEN_SECS);
// A session that is used is never idle: its access token is refreshed more often than that.
const _: () = assert!(ACCESS_TOKEN_SECS < SESSION_IDLE_SECS);
const _: () = assert!(ACCESS_TOKEN_SECS < SESSION_ENDED_SECS && REFRESH_TOKEN_SECS <= SESSION_SECS_MAX);
const _: () = assert!(SESSIONS_PER_USER_DEFAULT <= SESSIONS_PER_USER_MAX);
// The tries of one call can open the breaker, and one that is tried at all fits its budget.
const _: () = assert!(BREAKER_FAILURES <= BREAKER_WINDOW && BREAKER_WINDOW <= u16::BITS);
const _: () = assert!(REDIS_TRY_MILLIS <= REDIS_TOTAL_MILLIS && REDIS_PAUSE_MILLIS <= REDIS_PAUSE_MILLIS_MAX);
// A probe is over before the breaker takes it for lost.
const _: () = assert!(REDIS_TRY_MILLIS < BREAKER_PAUSE_MILLIS);
// The largest record fits a request: as a JSON string it may double, sealed it grows by a third.
const _: () = assert!(2 * RECORD_BYTES_MAX + 16 * 1024 < REDIS_REQUEST_BYTES_MAX);
// A try of the cache fits its call, and that is no longer than others' calls.
const _: () = assert!(CACHE_TRY_MILLIS <= CACHE_TOTAL_MILLIS && CACHE_TOTAL_MILLIS <= REDIS_TOTAL_MILLIS);
// The largest entry fits a request: as a JSON string it may double, sealed it grows by a third.
const _: () = assert!(2 * CACHE_ENTRY_BYTES_MAX + 4096 < REDIS_REQUEST_BYTES_MAX);
// What is read or filled at once is one BatchGetItem, beside HEAD, which is read before it.
const _: () = assert!(READ_RECORDS_MAX <= CACHE_BATCH_MAX && CACHE_BATCH_MAX <= BATCH_GET_KEYS_MAX);
// Who waits for a lock gives up before it ends by itself.
const _: () = assert!(CACHE_LOOKS_MAX as u64 * CACHE_LOOK_PAUSE_MILLIS < CACHE_LOCK_MILLIS);
