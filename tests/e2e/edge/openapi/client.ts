// A client that uses types which a generator has made of the document. The test compiles it.

import type { components, operations, paths } from "./types";

type Schemas = components["schemas"];
type Success<Name extends "pushBatch" | "pullChanges"> =
  operations[Name]["responses"][200]["content"]["application/json"];
type PushBody = paths["/api/sync/batch-push"]["post"]["requestBody"];
type PushRequest = NonNullable<PushBody>["content"]["application/json"];
type Query = NonNullable<operations["pullChanges"]["parameters"]["query"]>;

// `data` is any object, and what the server fills in by itself may be left out.
export const sale: PushRequest = {
  device_id: "till-1",
  batch_id: "b1",
  records: [
    { table_name: "products", record_id: "p1", data: { name: "Tea", tags: ["hot", { of: 1 }], price: null } },
    { table_name: "products", record_id: "p2", data: null, is_deleted: true, base_version: 2 },
  ],
};
export const page: Query = { cursor: "p1.0.x", limit: 100 };

// A code is one that is known today, or another string.
type Reason = Success<"pushBatch">["conflicts"][number]["reason"];
export const reasons: Reason[] = ["newer_on_server", "a_reason_of_a_later_server"];
type Code = Schemas["ErrorResponse"]["error"]["code"];
export const codes: Code[] = ["rate_limited", "a_code_of_a_later_server"];

export function whatToDo({ error }: Schemas["ErrorResponse"]): string {
  switch (error.code) {
    case "rate_limited":
      return `wait ${String(error.details?.["retry_after_secs"])} seconds`;
    case "session_revoked":
      return "sign in";
    default:
      return error.message;
  }
}

export function names(pulled: Success<"pullChanges">): string[] {
  return pulled.changes.map((change) => {
    const name = change.data?.["name"];
    return typeof name === "string" ? name : change.record_id;
  });
}

export function lost(pushed: Success<"pushBatch">): (Record<string, unknown> | null)[] {
  return pushed.conflicts.map((conflict) => conflict.local_data);
}

// What does not fit is found.
// @ts-expect-error A limit is a number.
export const badLimit: Query = { limit: "ten" };
// @ts-expect-error A push names its device.
export const badPush: PushRequest = { records: [] };
// @ts-expect-error A code is a string.
export const badCode: Code = 7;
export function bad(pulled: Success<"pullChanges">): unknown {
  // @ts-expect-error A member of `data` is anything.
  const name: string | undefined = pulled.changes[0]?.data?.["name"];
  // @ts-expect-error No response has this member.
  return name ?? pulled.change;
}
