//! The functions on streams that the cache depends on: `cache-invalidate`, and `cart-compact`. Lambda
//! delivers until a batch is taken, late and perhaps twice. Seldom it gives up.

use std::sync::Arc;
use std::time::Duration;

use functions::context::kind::StreamFunction;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::event_log::Event;
use super::network::CALL;
use super::release::Release;
use super::rng::Rng;
use super::world::World;

/// Longest time in milliseconds for which a batch is collected.
const WINDOW_MILLIS_MAX: u64 = 1500;
/// Longest stall of a stream in seconds.
const STALL_SECS_MAX: u64 = 120;
/// Longest pause before another attempt in seconds.
const PAUSE_SECS_MAX: u64 = 30;
/// After so long, Lambda gives up: every cached record from before has expired.
const GIVES_UP_AFTER: Duration = Duration::from_secs(40 * 60);
/// The time-out of the functions.
const FUNCTION_SECS: u64 = 60;

/// Lets `cache-invalidate` see every commit.
pub(crate) async fn invalidate(world: Arc<World>, seed: u64) {
    let (mut known, mut rng) = (0, Rng::new(seed));
    loop {
        world.log.events_after(known).await;
        millis(rng.below(WINDOW_MILLIS_MAX)).await;
        let events = world.log.events_after(known).await;
        let images = events.iter().flat_map(|event| match event {
            Event::Committed { images, .. } => images.as_slice(),
            _ => &[],
        });
        let records = images.map(|image| {
            let key = json!({ "pk": image.get("pk"), "sk": image.get("sk") });
            json!({ "Keys": key, "NewImage": image })
        });
        if deliver(&world, StreamFunction::CacheInvalidate, records.collect(), &mut rng).await {
            let numbers = (known..).take(events.len()).map(|number| (number, Instant::now()));
            world.log.entries().invalidated.extend(numbers);
        }
        known += events.len();
    }
}

/// Lets `cart-compact` see every change to a cart.
pub(crate) async fn compact(world: Arc<World>, seed: u64) {
    let (mut known, mut rng) = (0, Rng::new(seed));
    loop {
        world.log.cart_writes_after(known).await;
        millis(rng.below(WINDOW_MILLIS_MAX)).await;
        let writes = world.log.cart_writes_after(known).await;
        let records = writes.iter().map(|write| json!({ "Keys": write.key }));
        deliver(&world, StreamFunction::CartCompact, records.collect(), &mut rng).await;
        known += writes.len();
    }
}

/// Delivers stream records until the function has taken them all. Returns false if no one tries again.
async fn deliver(world: &Arc<World>, function: StreamFunction, mut left: Vec<Value>, rng: &mut Rng) -> bool {
    let (rates, began) = (world.fault_rates(), Instant::now());
    if !left.is_empty() && rng.chance(rates.invalidation_lost) {
        return false;
    }
    if rng.chance(rates.stream_stalled) {
        millis(1000 * rng.between(1, STALL_SECS_MAX)).await;
    }
    while !left.is_empty() {
        if began.elapsed() > GIVES_UP_AFTER {
            return false;
        }
        match first_failed(world, function, &left, rng).await {
            // The response was lost, and all of it comes again.
            None if rng.chance(rates.stream_failed) => {}
            None => return true,
            Some(first) => drop(left.drain(..first.min(left.len()))),
        }
        millis(1000 * rng.between(1, PAUSE_SECS_MAX)).await;
    }
    true
}

/// Calls the function. Returns the first record that it has to get again; `None` if it has taken all.
async fn first_failed(
    world: &Arc<World>,
    function: StreamFunction,
    records: &[Value],
    rng: &mut Rng,
) -> Option<usize> {
    let rates = world.fault_rates();
    let record = |(number, record): (usize, &Value)| {
        let mut change = record.clone();
        if let Some(members) = change.as_object_mut() {
            members.insert("SequenceNumber".into(), Value::from(number.to_string()));
            members.insert("ApproximateCreationDateTime".into(), Value::from(0));
            members.insert("SizeBytes".into(), Value::from(0));
        }
        json!({ "eventID": number.to_string(), "eventName": "INSERT", "awsRegion": "local",
                "eventSource": "aws:dynamodb", "eventSourceARN": "arn", "dynamodb": change })
    };
    let records: Vec<Value> = records.iter().enumerate().map(record).collect();
    let event = match serde_json::from_value(json!({ "Records": records })) {
        Ok(event) => event,
        Err(error) => {
            world.log.violation("stream", format!("a record of a stream is malformed: {error}"));
            return None;
        }
    };
    let (server, call) = (world.server.clone(), world.server.call_context(rng));
    let number = call.number;
    let now = world.clock.of_function(rng, rates.skew_micros);
    let crash = rng.chance(rates.crash).then(|| Duration::from_millis(rng.below(150)));
    let ends = crash.unwrap_or(Duration::from_secs(FUNCTION_SECS));
    let running = CALL.scope(call, async move {
        let functions = server.deployment.functions(Release::Now);
        let context = match function {
            StreamFunction::CartCompact => &functions.cart_compact,
            _ => &functions.cache_invalidate,
        };
        timeout(ends, functions::stream::handle(context, function, event, now)).await
    });
    let failed = match tokio::spawn(running).await {
        Ok(Ok(Ok(response))) => {
            let failures = response.batch_item_failures.into_iter();
            failures.filter_map(|failure| failure.item_identifier?.parse().ok()).min()
        }
        _ => Some(0),
    };
    world.log.trace(&format!("{number} {} leaves {failed:?}", function.name()));
    failed
}

async fn millis(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}
