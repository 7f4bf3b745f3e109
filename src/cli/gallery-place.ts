import type { Credential } from "../access/authenticator.ts";
import { Lazy } from "../core/lazy.ts";
import type { OpenPage } from "../core/open-page.ts";
import { LOCAL_CALLER } from "../core/owner.ts";
import type { Gallery } from "../gallery/gallery-pages.ts";

export interface GalleryPlaceOptions {
  gallery: Gallery;
  /**
   * Serves the gallery, at the latest now.
   * @param onIdle told where that ends by itself: the next page serves it again.
   * @throws {configuration}
   */
  serve: (onIdle: () => void) => Promise<Served>;
  /** Whether this machine's user may still come in without saying who they are. */
  isOpen: () => Promise<boolean>;
  /** Opens an address in a browser. @returns whether it has taken it. */
  browse: (url: string) => Promise<boolean>;
  onError: (error: unknown) => void;
}

interface Served {
  origin: string;
  close(): Promise<void>;
}

/** Where this machine's user sees the gallery, and is let in by links. */
export class GalleryPlace {
  readonly #options: GalleryPlaceOptions;
  #serving: Lazy<Served>;

  constructor(options: GalleryPlaceOptions) {
    this.#options = options;
    this.#serving = this.#anew();
  }

  /** A link that lets in whoever has it, once and within ten minutes. @throws {configuration} */
  async link(path = "/"): Promise<string> {
    const { origin } = await this.#serving.get();
    return origin + this.#options.gallery.linkFor(this.#credential(), path);
  }

  /** Never throws; where there is no browser, or no user of this machine, it opens nothing. */
  readonly openPage: OpenPage = async (path) => {
    try {
      if (!(await this.#options.isOpen())) return false;
      return await this.#options.browse(await this.link(path));
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
  };

  async close(): Promise<void> {
    await (await this.#serving.settled())?.close();
  }

  #anew(): Lazy<Served> {
    return new Lazy(() =>
      this.#options.serve(() => {
        this.#serving = this.#anew();
      }),
    );
  }

  #credential(): Credential {
    return {
      caller: LOCAL_CALLER,
      id: LOCAL_CALLER.owner,
      endsAt: Number.POSITIVE_INFINITY,
      holds: () => this.#options.isOpen(),
    };
  }
}
