/** Questions that a process has asked another one over a channel, until they are answered. */
export class AskedQuestions {
  readonly #waiting = new Map<
    number,
    { readonly resolve: (answer: string) => void; readonly reject: (error: Error) => void }
  >();
  #lastNumber = 0;

  /**
   * @param send - asks it, by a number
   * @returns the answer
   * @throws {Error} by rejection: why there is none
   */
  ask(send: (number: number) => void): Promise<string> {
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      send(number);
    });
  }

  /** @param answer - null where there is none; then `why` says why */
  answer(number: number, answer: string | null, why: string): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (answer === null) waiting?.reject(new Error(why));
    else waiting?.resolve(answer);
  }
}
