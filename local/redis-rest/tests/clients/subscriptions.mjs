// Messages by name and by pattern, and the end of a subscription.
import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();
const deadline = () => AbortSignal.timeout(30_000);

/** An emitter of what a subscription hears: its listeners are no event emitter. */
function heard(subscriber, ...types) {
  const emitter = new EventEmitter();
  for (const type of types) subscriber.on(type, (data) => emitter.emit("heard", type, data));
  subscriber.on("error", (error) => emitter.emit("error", error));
  return async () => once(emitter, "heard", { signal: deadline() });
}

const chat = redis.subscribe("chat");
const next = heard(chat, "subscribe", "message");
assert.deepEqual(await next(), ["subscribe", 1]);
for (const message of [{ text: "hello, all", n: 1 }, "plain, with commas", 42]) {
  const waiting = next();
  assert.equal(await redis.publish("chat", message), 1);
  assert.deepEqual(await waiting, ["message", { channel: "chat", message }]);
}

const users = redis.psubscribe("user:*");
const nextUser = heard(users, "pmessage");
while ((await redis.exec(["PUBSUB", "NUMPAT"])) === 0) await new Promise((done) => setTimeout(done, 10));
const waiting = nextUser();
assert.equal(await redis.publish("user:7", { in: true }), 1);
assert.deepEqual(await waiting, ["pmessage", { pattern: "user:*", channel: "user:7", message: { in: true } }]);

await chat.unsubscribe();
await users.unsubscribe();
const gone = deadline();
while ((await redis.exec(["PUBSUB", "NUMSUB", "chat"]))[1] > 0 || (await redis.exec(["PUBSUB", "NUMPAT"])) > 0) {
  gone.throwIfAborted();
  await new Promise((done) => setTimeout(done, 10));
}
