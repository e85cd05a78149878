// Runs the published limiter's sliding window at given times instead of the clock's.
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { name, quota, arrivals } = JSON.parse(text);

const limiter = Ratelimit.slidingWindow(quota, "60 s");
const ratelimit = new Ratelimit({ redis: Redis.fromEnv(), limiter, prefix: name, ephemeralCache: false });
const admitted = [];
for (const at of arrivals) {
  Date.now = () => at;
  admitted.push((await ratelimit.limit("ada")).success);
}
process.stdout.write(JSON.stringify(admitted));
