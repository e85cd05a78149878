// RxServer over a database in memory with RECORDS products. Prints its URL.
//
// node server.mjs RECORDS
import { createRxDatabase } from "rxdb";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { RxServerAdapterExpress } from "rxdb-server/plugins/adapter-express";
import { createRxServer } from "rxdb-server/plugins/server";
import { createServer } from "node:net";

const BATCH = 10_000;
const records = Number(process.argv[2]);

const text = { type: "string" };
const number = { type: "number" };
const schema = {
  version: 0,
  type: "object",
  primaryKey: "id",
  properties: {
    id: { type: "string", maxLength: 40 },
    name: text,
    sku: text,
    barcode: text,
    price: number,
    cost: number,
    tax_rate: text,
    unit: text,
    active: { type: "boolean" },
    category_id: text,
    supplier_id: text,
    description: text,
    min_stock: number,
  },
};

/** The members of `product` in bench.rs. */
function product(n) {
  const name = ["HANGING HEART T-LIGHT HOLDER", "METAL LANTERN", "CREAM CUPID HEARTS COAT HANGER"][n % 3];
  return {
    id: `p${n}`,
    name,
    sku: String((n * 7919) % 1_000_000).padStart(6, "0"),
    barcode: String(n * 104_729).padStart(13, "0"),
    price: n % 9000,
    cost: n % 7000,
    tax_rate: "0.20",
    unit: "piece",
    active: true,
    category_id: `c-${n % 40}`,
    supplier_id: `s-${n % 25}`,
    description: `${name}, number ${n} of the spring collection`,
    min_stock: n % 10,
  };
}

/** A port that is free now: the adapter does not tell which one it took. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const database = await createRxDatabase({ name: "bench", storage: getRxStorageMemory(), multiInstance: false });
const { products } = await database.addCollections({ products: { schema } });
for (let from = 0; from < records; from += BATCH) {
  const count = Math.min(BATCH, records - from);
  await products.bulkInsert(Array.from({ length: count }, (_, i) => product(from + i)));
}
const port = await freePort();
const server = await createRxServer({
  database,
  adapter: RxServerAdapterExpress,
  hostname: "127.0.0.1",
  port,
  authHandler: () => ({ data: {}, validUntil: Number.MAX_SAFE_INTEGER }),
});
const endpoint = server.addReplicationEndpoint({ name: "products", collection: products });
await server.start();
console.log(`http://127.0.0.1:${port}/${endpoint.urlPath}`);
