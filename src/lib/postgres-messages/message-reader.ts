import { InvalidPostgresMessage } from './invalid-message.ts'

/** Reads the body of one message. Throws InvalidPostgresMessage if the body ends too early. */
export class MessageReader {
  readonly #body: Buffer
  #at = 0

  constructor(body: Buffer) {
    this.#body = body
  }

  skip(bytes: number): this {
    if (bytes < 0 || this.#at + bytes > this.#body.length)
      throw new InvalidPostgresMessage('a message that ends too early')
    this.#at += bytes
    return this
  }

  int32(): number {
    this.skip(4)
    return this.#body.readInt32BE(this.#at - 4)
  }

  /** A string that ends with a zero byte. */
  string(): this {
    const end = this.#body.indexOf(0, this.#at)
    if (end < 0) throw new InvalidPostgresMessage('a string without an end')
    this.#at = end + 1
    return this
  }

  /** A list of strings that ends with an empty string. */
  strings(): undefined {
    for (let start = -1; start + 1 !== this.#at; ) {
      start = this.#at
      this.string()
    }
    return this.end()
  }

  /** The fields of an error or notice: each a letter and a string, up to a zero byte. */
  fields(): undefined {
    for (let letter = this.#byte(); letter !== 0; letter = this.#byte()) this.string()
    return this.end()
  }

  /** A value of a row: its length in bytes, -1 for null, and its bytes. */
  value(): void {
    const length = this.int32()
    if (length !== -1) this.skip(length)
  }

  /** A list with a count, up to the end of the message. Returns the count. */
  list(readItem: () => unknown): number {
    this.skip(2)
    const count = this.#body.readInt16BE(this.#at - 2)
    if (count < 0) throw new InvalidPostgresMessage('a list with a negative count')
    for (let item = 0; item < count; item++) readItem()
    this.end()
    return count
  }

  end(): undefined {
    if (this.#at !== this.#body.length) throw new InvalidPostgresMessage('a message that is longer than its content')
  }

  #byte(): number | undefined {
    this.skip(1)
    return this.#body[this.#at - 1]
  }
}
