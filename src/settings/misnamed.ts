import { editDistance, nearMiss } from "../models/near-miss.ts";
import { cleanValue } from "./raw.ts";
import { SETTINGS, type SettingSpec } from "./specs.ts";

const OWN = "LONGCAT_MCP_";
/** For tests of this program only; `--help` does not show it. */
const UNDOCUMENTED = [`${OWN}TEST_CRASH_AT`];
/** How many wrong letters still make the name of another program's variable a slip. */
const SLIPS = 2;

const specs: readonly SettingSpec[] = Object.values(SETTINGS);
const KNOWN = [
  ...specs.flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env])),
  ...UNDOCUMENTED,
];
/** Settings that keep money together: to overlook one of them can cost. */
const GUARDS = specs.filter(({ guardsMoney }) => guardsMoney).map(({ env }) => env);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What is wrong with the names of variables. One of ours that is not there ends the program: a
 * misspelt budget must not mean that there is none. Other names are other programs' business, as
 * long as none of them is one of ours with a slip in it.
 */
export function misnamed(env: Environment, platform: NodeJS.Platform): string[] {
  return unknownNames(env, platform).flatMap((name) => {
    const wanted = letters(name);
    const meant = KNOWN.find((known) => letters(known) === wanted);
    if (meant?.startsWith(OWN)) return [`${name} is not read; its name is ${meant}.`];
    if (name.toUpperCase().startsWith(OWN)) {
      const guess = guessOwn(name);
      const hint = guess ? `did you mean ${guess}?` : "`longcat-mcp --help` lists the settings.";
      return [`${name} is not a setting; ${hint}`];
    }
    const guard = GUARDS.find((known) => isSlipOf(name, known));
    return guard ? [`${name} is not a setting; did you mean ${guard}?`] : [];
  });
}

/** A variable that somebody may have meant as one of the keys, in a sentence. */
export function strayKey(
  key: string,
  env: Environment,
  platform: NodeJS.Platform,
): string | undefined {
  const [provider = ""] = key.split("_");
  const name = unknownNames(env, platform).find((one) => {
    const upper = one.toUpperCase();
    const isProviders = upper.includes(provider) && !upper.startsWith(OWN);
    const isKey = /(?:KEY|TOKEN|SECRET)S?(?:_FILE)?$/.test(upper);
    return (isProviders && isKey) || isNear(letters(one), letters(key));
  });
  return name === undefined ? undefined : `${name} is set, but is not read: it must be ${key}.`;
}

function unknownNames(env: Environment, platform: NodeJS.Platform): string[] {
  // On Windows the case of a variable's name means nothing.
  const asRead = (name: string) => (platform === "win32" ? name.toUpperCase() : name);
  return Object.keys(env).filter(
    (name) => cleanValue(env[name]) !== undefined && !KNOWN.includes(asRead(name)),
  );
}

/** A name of another prefix, or with a slip in it, or both. */
function isSlipOf(name: string, known: string): boolean {
  const ofOurs = /LONGCAT|PIXAZO/.test(letters(name));
  return (
    (ofOurs && tail(letters(name)) === tail(letters(known))) ||
    isNear(letters(name), letters(known))
  );
}

function tail(name: string): string {
  return name.replace(/^(?:LONGCAT|PIXAZO|MCP)+/, "");
}

function letters(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

function isNear(name: string, known: string): boolean {
  return Math.abs(name.length - known.length) <= SLIPS && editDistance(name, known) <= SLIPS;
}

function guessOwn(name: string): string | undefined {
  const wanted = name.slice(OWN.length).toUpperCase();
  const ours = KNOWN.filter((one) => one.startsWith(OWN) && !UNDOCUMENTED.includes(one));
  const tails = ours.map((one) => one.slice(OWN.length));
  const near = nearMiss(
    wanted,
    tails.map((one) => one.toLowerCase()),
  )?.toUpperCase();
  const guess = near ?? closestByWords(wanted, tails);
  return guess === undefined ? undefined : OWN + guess;
}

/** The name that has most of the same words, in whatever order; none unless half of them are. */
function closestByWords(wanted: string, names: readonly string[]): string | undefined {
  const words = wanted.split(/[^A-Z0-9]+/).filter((word) => word !== "");
  const shared = (name: string) => words.filter((word) => name.split("_").includes(word)).length;
  const best = names.toSorted((a, b) => shared(b) - shared(a))[0];
  return best !== undefined && shared(best) * 2 >= words.length ? best : undefined;
}
