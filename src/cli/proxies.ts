import type { ProxySettings } from "../gateway/http.ts";

/** The proxies that the environment names. */
export function readProxies(env: NodeJS.ProcessEnv): ProxySettings {
  return {
    httpProxy: env["HTTP_PROXY"] ?? env["http_proxy"],
    httpsProxy: env["HTTPS_PROXY"] ?? env["https_proxy"],
    noProxy: env["NO_PROXY"] ?? env["no_proxy"],
  };
}
