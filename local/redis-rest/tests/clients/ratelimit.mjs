// The three limiters of the published library, whose scripts carry the service's own flag.
import assert from "node:assert/strict";
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv();
const limiters = {
  fixedWindow: Ratelimit.fixedWindow(3, "1 h"),
  slidingWindow: Ratelimit.slidingWindow(3, "1 h"),
  tokenBucket: Ratelimit.tokenBucket(1, "1 h", 3),
};

for (const [name, limiter] of Object.entries(limiters)) {
  const ratelimit = new Ratelimit({ redis, limiter, prefix: name, ephemeralCache: false });
  const decisions = [];
  for (let n = 0; n < 5; n += 1) decisions.push(await ratelimit.limit("ada"));
  assert.deepEqual(decisions.map(({ success }) => success), [true, true, true, false, false], name);
  assert.deepEqual(decisions.slice(0, 3).map(({ remaining }) => remaining), [2, 1, 0], name);
  assert.ok(decisions.every(({ limit, reset }) => limit === 3 && reset > Date.now()), name);
  assert.equal((await ratelimit.limit("bob")).remaining, 2, `${name}: another one's`);
  assert.equal((await ratelimit.getRemaining("ada")).remaining, 0, name);
  await ratelimit.resetUsedTokens("ada");
  assert.equal((await ratelimit.limit("ada")).remaining, 2, `${name}: after a reset`);
}

// Concurrent requests: the script decides, not the order of the responses.
const busy = new Ratelimit({ redis, limiter: limiters.slidingWindow, prefix: "busy", ephemeralCache: false });
const decisions = await Promise.all(Array.from({ length: 50 }, () => busy.limit("all")));
assert.equal(decisions.filter(({ success }) => success).length, 3);

const keys = await redis.keys("*");
for (const key of keys) assert.ok((await redis.pttl(key)) > 0, `${key} never expires`);
