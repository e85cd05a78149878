// Pipelines, transactions, and automatic pipelining.
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv({ enableAutoPipelining: false });

const many = redis.pipeline();
for (let n = 0; n < 5000; n += 1) many.set(`k${n}`, { n });
assert.ok((await many.exec()).every((result) => result === "OK"));
const read = redis.pipeline();
for (let n = 0; n < 5000; n += 1) read.get(`k${n}`);
const values = await read.exec();
values.forEach((value, n) => assert.deepEqual(value, { n }));

const kept = await redis.pipeline().set("a", "x").incr("a").get("a").exec({ keepErrors: true });
assert.equal(kept[0].result, "OK");
assert.match(kept[1].error, /^ERR value is not an int or out of range/);
assert.equal(kept[2].result, "x");
await assert.rejects(redis.pipeline().incr("a").exec(), /Command 1 \[ incr \] failed: ERR value is not an int or out of range/);

const transaction = await redis.multi().set("t", 1).incr("t").lrange("none", 0, -1).exec();
assert.deepEqual(transaction, ["OK", 2, []]);

// Each transaction sees its own increments in a row.
const rounds = Array.from({ length: 20 }, () => redis.multi().incr("c").incr("c").exec());
for (const [first, second] of await Promise.all(rounds)) assert.equal(second, first + 1);

const auto = Redis.fromEnv({ enableAutoPipelining: true });
const together = await Promise.all(Array.from({ length: 500 }, (_, n) => auto.incrby("auto", n)));
assert.equal(together.at(-1), (499 * 500) / 2);
assert.equal(auto.pipelineCounter, 1, "in one request");
