// Messages by channel and by pattern, and unsubscribing.
import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();
const deadline = () => AbortSignal.timeout(30_000);

/** Returns a function that waits for the subscriber's next event. A subscriber is not an event emitter itself. */
function eventsOf(subscriber, ...types) {
  const emitter = new EventEmitter();
  for (const type of types) subscriber.on(type, (data) => emitter.emit("event", type, data));
  subscriber.on("error", (error) => emitter.emit("error", error));
  return async () => once(emitter, "event", { signal: deadline() });
}

/** Waits until a command's result is as expected. */
async function until(command, isExpected) {
  const signal = deadline();
  while (!isExpected(await redis.exec(command))) {
    signal.throwIfAborted();
    await new Promise((done) => setTimeout(done, 10));
  }
}

const chat = redis.subscribe("chat");
const next = eventsOf(chat, "subscribe", "message");
assert.deepEqual(await next(), ["subscribe", 1]);
for (const message of [{ text: "hello, all", n: 1 }, "plain, with commas", 42]) {
  const waiting = next();
  assert.equal(await redis.publish("chat", message), 1);
  assert.deepEqual(await waiting, ["message", { channel: "chat", message }]);
}

const users = redis.psubscribe("user:*");
const nextUser = eventsOf(users, "pmessage");
await until(["PUBSUB", "NUMPAT"], (patterns) => patterns > 0);
const waiting = nextUser();
assert.equal(await redis.publish("user:7", { in: true }), 1);
assert.deepEqual(await waiting, ["pmessage", { pattern: "user:*", channel: "user:7", message: { in: true } }]);

await chat.unsubscribe();
await users.unsubscribe();
await until(["PUBSUB", "NUMSUB", "chat"], ([, subscribers]) => subscribers === 0);
await until(["PUBSUB", "NUMPAT"], (patterns) => patterns === 0);
