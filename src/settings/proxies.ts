import { canParseUrl } from "../core/can-parse-url.ts";
import type { ProxySettings } from "../core/proxy-settings.ts";
import { cleanValue, isUnfilled } from "./raw.ts";

/** The port of a proxy that names none; a client who thinks otherwise would talk to another server. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "1080", "https:": "443" };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxies that the environment names, read as curl reads them: lower case before upper case,
 * one for all schemes behind those for one, and `host:port` without a scheme.
 * @returns also what is wrong, in sentences without any value: that may hold a password.
 * @see https://everything.curl.dev/usingcurl/proxies/env.html
 */
export function readProxies(env: Environment): { proxies: ProxySettings; problems: string[] } {
  const read = ["HTTP_PROXY", "HTTPS_PROXY"].map((own) => {
    const name = firstSet(env, [own, "ALL_PROXY"]);
    return name === undefined ? undefined : readProxy(name, cleanValue(env[name]) ?? "");
  });
  const [httpProxy, httpsProxy] = read.map((one) => one?.address);
  const noProxy = firstSet(env, ["NO_PROXY"]);
  const problems = read.flatMap((one) => (one?.problem ? [one.problem] : []));
  return {
    proxies: { httpProxy, httpsProxy, noProxy: noProxy && cleanValue(env[noProxy]) },
    problems: [...new Set(problems)],
  };
}

function firstSet(env: Environment, names: readonly string[]): string | undefined {
  return names
    .flatMap((name) => [name.toLowerCase(), name])
    .find((name) => cleanValue(env[name]) !== undefined);
}

function readProxy(name: string, value: string): { address?: string; problem?: string } {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase() ?? "http";
  if (scheme.startsWith("socks")) {
    return {
      problem: `${name} names a SOCKS proxy, which this program cannot use; set it to an HTTP proxy, or to nothing.`,
    };
  }
  const address = isUnfilled(value) ? undefined : wholeAddress(scheme, value);
  return address === undefined
    ? {
        problem: `${name} is not the address of a proxy; it must be like http://proxy.example:8080.`,
      }
    : { address };
}

function wholeAddress(scheme: string, value: string): string | undefined {
  const full = value.includes("://") ? value : `${scheme}://${value}`;
  if (!canParseUrl(full)) return undefined;
  const { protocol, username, password, hostname, port } = new URL(full);
  const otherwise = DEFAULT_PORTS[protocol];
  if (otherwise === undefined || hostname === "" || port === "0") return undefined;
  // An address drops a port that its scheme would mean anyway, and here it means another.
  const named = /^[^/?#]*:(\d+)$/.exec(
    full.replace(/^[^:]*:\/\//, "").replace(/[/?#].*$/s, ""),
  )?.[1];
  const who = [username, password]
    .filter((part) => part !== "")
    .map(wellEscaped)
    .join(":");
  return `${protocol}//${who === "" ? "" : `${who}@`}${hostname}:${port || named || otherwise}`;
}

/** Percent signs that begin no escape, as escapes of themselves. */
function wellEscaped(text: string): string {
  try {
    decodeURIComponent(text);
    return text;
  } catch {
    return text.replaceAll("%", "%25");
  }
}

/** What of the proxies' addresses must not be shown. */
export function proxySecrets({ httpProxy, httpsProxy }: ProxySettings): string[] {
  return [httpProxy, httpsProxy].flatMap((address) => {
    if (address === undefined) return [];
    const { password } = new URL(address);
    return password === "" ? [] : [password, decodeURIComponent(password)];
  });
}
