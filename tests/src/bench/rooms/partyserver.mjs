// A room as one would write it with partyserver: the yardstick of `cargo xtask bench rooms`.
//
// It does what our room does with a commit: take it from the worker, and send it to every socket.

import { Server, routePartykitRequest } from "partyserver";

export class Room extends Server {
  static options = { hibernate: true };

  onConnect(connection) {
    connection.send(JSON.stringify({ type: "connected", room: this.name }));
  }

  async onRequest(request) {
    this.broadcast(await request.text());
    return new Response(null, { status: 204 });
  }
}

export default {
  async fetch(request, env) {
    return (await routePartykitRequest(request, env)) ?? new Response("no room", { status: 404 });
  },
};
