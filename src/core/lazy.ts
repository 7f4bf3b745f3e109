/** Something that is costly to open: opened once, at first use; a failed try is made again. */
export class Lazy<T> {
  readonly #open: () => Promise<T>;
  #opening: Promise<T> | undefined;
  #current: T | undefined;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  /** What is open by now, if anything. */
  get current(): T | undefined {
    return this.#current;
  }

  get(): Promise<T> {
    this.#opening ??= this.#open().then(
      (opened) => {
        this.#current = opened;
        return opened;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  /** Whatever opening came to: what is open, or nothing. */
  async settled(): Promise<T | undefined> {
    await this.#opening?.catch(() => undefined);
    return this.#current;
  }
}
