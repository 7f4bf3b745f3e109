import { BlockList, isIP } from "node:net";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { isLoopbackHost } from "../core/host-addresses.ts";
import type { ProxySettings } from "../core/proxy-settings.ts";

/** A way out, and what must be closed with it. */
export interface WayOut {
  dispatcher: Dispatcher;
  agents: Dispatcher[];
}

/** Connections with these options, through the proxies where they are meant. */
export function wayOut(proxies: ProxySettings, options: Agent.Options): WayOut {
  const direct = new Agent(options);
  const through = (uri: string | undefined) =>
    uri ? new ProxyAgent({ ...options, uri }) : undefined;
  const http = through(proxies.httpProxy);
  const https = through(proxies.httpsProxy);
  if (!http && !https) return { dispatcher: direct, agents: [direct] };
  const goesDirect = bypass(proxies.noProxy ?? "");
  const dispatcher = direct.compose((dispatch) => (request, handler) => {
    const url = new URL(String(request.origin));
    const proxy = url.protocol === "https:" ? https : http;
    return proxy && !goesDirect(url)
      ? proxy.dispatch(request, handler)
      : dispatch(request, handler);
  });
  return { dispatcher, agents: [direct, http, https].filter((agent) => agent !== undefined) };
}

/**
 * Which addresses no proxy is asked for, as curl reads `NO_PROXY`: names and all below them, with
 * or without a dot before, addresses and networks, `*` for all; `:port` narrows a name. This
 * machine needs none in any case.
 * @see https://everything.curl.dev/usingcurl/proxies/env.html
 */
export function bypass(noProxy: string): (url: URL) => boolean {
  const rules = noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map(ruleOf);
  return (url) => {
    const host = url.hostname
      .replace(/^\[|\]$/g, "")
      .replace(/\.$/, "")
      .toLowerCase();
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    return isLoopbackHost(host) || rules.some((covers) => covers(host, port));
  };
}

type Rule = (host: string, port: string) => boolean;

function ruleOf(entry: string): Rule {
  if (entry === "*") return () => true;
  const [, whole = entry, onlyPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  const name = whole
    .replace(/^\[|\]$/g, "")
    .replace(/^\*?\.+/, "")
    .replace(/\.$/, "")
    .toLowerCase();
  const isCovered = name.includes("/") ? withinNetwork(name) : isNameOrBelow(name);
  return (host, port) => (onlyPort === undefined || onlyPort === port) && isCovered(host);
}

function isNameOrBelow(name: string): (host: string) => boolean {
  if (name === "") return () => false;
  if (isIP(name) !== 0) {
    const { hostname } = new URL(isIP(name) === 6 ? `http://[${name}]` : `http://${name}`);
    return (host) => host === hostname.replace(/^\[|\]$/g, "");
  }
  return (host) => host === name || host.endsWith(`.${name}`);
}

function withinNetwork(text: string): (host: string) => boolean {
  const [address = "", bits = ""] = text.split("/");
  const family = isIP(address);
  const prefix = Number(bits);
  const isNetwork = family !== 0 && /^\d+$/.test(bits) && prefix <= (family === 4 ? 32 : 128);
  if (!isNetwork) return () => false;
  const network = new BlockList();
  network.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  return (host) => isIP(host) === family && network.check(host, family === 4 ? "ipv4" : "ipv6");
}
