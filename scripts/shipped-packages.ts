import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

/** A package whose code is shipped, with every text its licence asks to be passed on. */
export interface ShippedPackage {
  name: string;
  /** Undefined where a copy inside another package does not tell its version. */
  version: string | undefined;
  licence: string;
  texts: string[];
  /** The package that contains it as a copy, `name@version`. */
  within?: string;
}

const metafileSchema = z.looseObject({
  outputs: z.record(
    z.string(),
    z.looseObject({
      inputs: z.record(z.string(), z.looseObject({ bytesInOutput: z.number() })),
    }),
  ),
});

const packageSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.looseObject({ type: z.string() })]).optional(),
  licenses: z.array(z.looseObject({ type: z.string() })).optional(),
});

const indexSchema = z.strictObject({
  texts: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string().optional(),
      licence: z.string(),
      source: z.string(),
    }),
  ),
  embedded: z.record(z.string(), z.array(z.string())),
});

const PACKAGE_FOLDER = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
/** The line that a bundler puts before what it copied from a package of pnpm's. */
const COPIED =
  /^\s*\/\/[^\n]*node_modules\/\.pnpm\/([^\s/]+)\/node_modules\/((?:@[^\s/]+\/)?[^\s/]+)\//gm;
const TEXT_FILE = /^(?:licen[cs]e|copying|unlicense|notice)(?:[.-].*)?$/i;

/** Reads packages, and the texts that they leave out from the project's own folder. */
export class PackageReader {
  readonly #thirdParty: string;
  readonly #index: z.output<typeof indexSchema>;

  private constructor(thirdParty: string, index: z.output<typeof indexSchema>) {
    this.#thirdParty = thirdParty;
    this.#index = index;
  }

  /** @param thirdParty the folder with `index.json` and the texts that no installed package brings */
  static async open(thirdParty: string): Promise<PackageReader> {
    const index = await readFile(join(thirdParty, "index.json"), "utf8");
    return new PackageReader(thirdParty, indexSchema.parse(JSON.parse(index)));
  }

  /**
   * The packages that a bundle is made of: those that esbuild took files from, and those whose
   * code these files contain as a copy.
   * @param metafile esbuild's, parsed
   * @param root the folder that its paths are relative to
   * @throws where the index describes another version of a package than the one that is bundled.
   */
  async bundled(metafile: unknown, root: string): Promise<ShippedPackage[]> {
    const found: ShippedPackage[] = [];
    for (const [folder, files] of filesByFolder(metafileSchema.parse(metafile))) {
      const host = await this.#read(join(root, folder));
      found.push(host);
      const sources = await Promise.all(files.map((file) => readFile(join(root, file), "utf8")));
      for (const copy of new Set([...sources.flatMap(copiedInto), ...this.#embeddedIn(host)])) {
        found.push({ ...(await this.#copy(copy, root)), within: nameAndVersion(host) });
      }
    }
    return sorted(found);
  }

  /** The packages directly below a `node_modules` folder. */
  async installed(modules: string): Promise<ShippedPackage[]> {
    const names = (await readdir(modules)).filter((name) => !name.startsWith("."));
    const folders = await Promise.all(
      names.map(async (name) =>
        name.startsWith("@")
          ? (await readdir(join(modules, name))).map((one) => join(modules, name, one))
          : [join(modules, name)],
      ),
    );
    return sorted(await Promise.all(folders.flat().map((folder) => this.#read(folder))));
  }

  async #read(folder: string): Promise<ShippedPackage> {
    const json: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const { name, version, license, licenses } = packageSchema.parse(json);
    const declared = typeof license === "string" ? license : license?.type;
    const older = licenses?.map(({ type }) => type).join(" OR ");
    const added = await this.#kept(nameAndVersion({ name, version }));
    const texts = [...(await textsIn(folder)), ...(added?.texts ?? [])];
    return { name, version, licence: declared ?? older ?? "", texts };
  }

  async #kept(key: string): Promise<ShippedPackage | undefined> {
    const entry = this.#index.texts.find((one) => nameAndVersion(one) === key);
    if (!entry) return undefined;
    const { name, version, licence } = entry;
    return { name, version, licence, texts: await textsIn(join(this.#thirdParty, key)) };
  }

  #embeddedIn(host: ShippedPackage): string[] {
    const here = nameAndVersion(host);
    const described = Object.keys(this.#index.embedded).find((key) => nameOf(key) === host.name);
    if (described !== undefined && described !== here) {
      throw new Error(
        `third-party/index.json says what ${described} contains of others, but ${here} is bundled: look through it, then correct the entry.`,
      );
    }
    return this.#index.embedded[here] ?? [];
  }

  /** A copy has the texts of the very version, kept by us or installed; else none. */
  async #copy(key: string, root: string): Promise<ShippedPackage> {
    const kept = await this.#kept(key);
    if (kept) return kept;
    const name = nameOf(key);
    const version = name === key ? undefined : key.slice(name.length + 1);
    const installed = await this.#read(join(root, "node_modules", name)).catch(() => undefined);
    return installed?.version === version && installed !== undefined
      ? installed
      : { name, version, licence: "", texts: [] };
  }
}

/** `name@version`, or the name alone. */
export function nameAndVersion(one: { name: string; version?: string | undefined }): string {
  return one.version === undefined ? one.name : `${one.name}@${one.version}`;
}

function nameOf(key: string): string {
  return key.replace(/(?<=.)@.*$/, "");
}

async function textsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => TEXT_FILE.test(name)).sort();
  return Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
}

/** Files whose code is in an output, by the package's folder. */
function filesByFolder({ outputs }: z.output<typeof metafileSchema>): Map<string, string[]> {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    ),
  );
  const folders = new Map<string, string[]>();
  for (const path of new Set(used)) {
    const [folder] = PACKAGE_FOLDER.exec(path) ?? [];
    if (folder !== undefined) folders.set(folder, [...(folders.get(folder) ?? []), path]);
  }
  return folders;
}

/** pnpm's folder is `name@version`, its scope's `/` a `+`, then maybe `_` or `(` and its peers. */
function copiedInto(source: string): string[] {
  return [...source.matchAll(COPIED)].map(([, store = "", name = ""]) => {
    const version = store.slice(name.length + 1).replace(/[_(].*$/, "");
    return nameAndVersion({ name, version: version === "" ? undefined : version });
  });
}

function sorted(packages: readonly ShippedPackage[]): ShippedPackage[] {
  const key = (one: ShippedPackage) => `${one.name}@${one.version} ${one.within ?? ""}`;
  const byKey = new Map(packages.map((one) => [key(one), one]));
  return [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}
