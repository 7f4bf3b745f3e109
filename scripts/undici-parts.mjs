// Stands in for `undici` in the bundle, with what of it this program uses. Its own entry loads all
// of it, `fetch`, WebSockets, caches and mocks among that: twice as much memory, and three times as
// long, in every program that has a request to make.
import api from "../node_modules/undici/lib/api/index.js";
import buildConnector from "../node_modules/undici/lib/core/connect.js";
import Agent from "../node_modules/undici/lib/dispatcher/agent.js";
import Dispatcher from "../node_modules/undici/lib/dispatcher/dispatcher.js";
import ProxyAgent from "../node_modules/undici/lib/dispatcher/proxy-agent.js";
import DecoratorHandler from "../node_modules/undici/lib/handler/decorator-handler.js";

// As the entry does it; a proxy is asked for its tunnels by one of these.
Object.assign(Dispatcher.prototype, api);

export { Agent, buildConnector, DecoratorHandler, ProxyAgent };

/** As the entry has it, for requests that name their dispatcher. */
export function request(url, { dispatcher, ...options }) {
  const { origin, pathname, search } = new URL(url);
  return dispatcher.request({ ...options, origin, path: pathname + search });
}
