import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { canParseUrl } from "../../core/can-parse-url.ts";
import { AppError } from "../../core/errors.ts";
import { oneLine } from "../../core/text.ts";

const MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;
const PARAMETERS = ["sslmode", "sslrootcert", "sslcert", "sslkey", "application_name"];
const DEFAULT_PORT = 5432;

/** Where a database is, and who asks. */
export interface DatabaseAddress {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  ssl: false | "prefer" | "require" | ConnectionOptions;
  applicationName: string;
  /** For a person, without user and password. */
  shown: string;
}

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`.
 * @throws {configuration} naming what is wrong with it, and never the password
 */
export function databaseAddress(url: string): DatabaseAddress {
  const parsed = canParseUrl(url) ? new URL(url) : undefined;
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw wrong("is no address of a database", "postgres://USER:PASSWORD@HOST:5432/DATABASE");
  }
  const database = decoded(parsed.pathname.slice(1));
  const user = decoded(parsed.username);
  if (parsed.hostname === "") throw wrong("names no host", "postgres://USER@HOST/DATABASE");
  if (database === "") throw wrong("names no database", "postgres://USER@HOST/DATABASE");
  if (user === "") throw wrong("names no user", "postgres://USER@HOST/DATABASE");
  const given = parsed.searchParams;
  const unknown = [...given.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw wrong(`has a parameter ${oneLine(unknown, 40)}`, `of ${PARAMETERS.join(", ")}`);
  }
  const host = decoded(parsed.hostname).replace(/^\[(.*)\]$/, "$1");
  const port = parsed.port === "" ? DEFAULT_PORT : Number(parsed.port);
  return {
    ...{ host, port, database, user, password: decoded(parsed.password) },
    ssl: tlsOptions(given, host),
    applicationName: given.get("application_name") ?? "longcat-mcp",
    shown: oneLine(`${parsed.hostname}:${port}/${database}`, 200),
  };
}

/** What must never be shown, of an address as it was set: the address and the password in it. */
export function addressSecrets(url = ""): string[] {
  const password = canParseUrl(url) ? new URL(url).password : "";
  return [url, password, decoded(password)].filter((secret) => secret !== "");
}

function tlsOptions(given: URLSearchParams, host: string): DatabaseAddress["ssl"] {
  const mode = MODES.find((one) => one === (given.get("sslmode") ?? "prefer"));
  if (!mode) throw wrong("has another sslmode", `of ${MODES.join(", ")}`);
  const files = filesOf(given);
  if (mode === "disable") return false;
  const servername = isIP(host) === 0 ? { servername: host } : {};
  if (mode === "verify-full") return { ...files, ...servername, host };
  // As libpq does: with a certificate to compare with, it is compared.
  if (mode === "verify-ca" || (mode === "require" && "ca" in files)) {
    return { ...files, ...servername, checkServerIdentity: () => undefined };
  }
  if (Object.keys(files).length === 0) return mode;
  return { ...files, ...servername, rejectUnauthorized: false };
}

/** What certificates and keys an address names, as Node takes them. */
function filesOf(given: URLSearchParams): Pick<ConnectionOptions, "ca" | "cert" | "key"> {
  const read = <T>(name: string, what: string, parse: (text: string) => T) => {
    const path = given.get(name);
    if (path === null) return undefined;
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch {
      throw wrong(`names a file that cannot be read (${name})`, "a file in PEM form");
    }
    try {
      return { text, parsed: parse(text) };
    } catch {
      throw wrong(`names a file that is no ${what} (${name})`, "one in PEM form");
    }
  };
  const certificate = (text: string) => new X509Certificate(text);
  const ca = read("sslrootcert", "certificate", certificate);
  const cert = read("sslcert", "certificate", certificate);
  const key = read("sslkey", "key without a passphrase", createPrivateKey);
  if ((cert && !key) || (key && !cert)) {
    throw wrong("names one of sslcert and sslkey", "both, or none of them");
  }
  if (cert && key && !cert.parsed.checkPrivateKey(key.parsed)) {
    throw wrong("names a certificate and another one's key", "sslcert and the sslkey of the same");
  }
  return {
    ...(ca && { ca: ca.text }),
    ...(cert && key && { cert: cert.text, key: key.text }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function wrong(what: string, allowed: string): AppError {
  return new AppError("configuration", `LONGCAT_MCP_DATABASE_URL ${what}: give ${allowed}.`);
}
