/** Digests of a FIT's images (FIT specification, "Hash nodes"), computed in chunks. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { FitHash } from './fit.js'

/** The result of checking a hash node; errors are in U-Boot's words. */
export type FitVerdict =
  | 'ok'
  | 'ignored'
  | "Can't get hash algo property"
  | "Can't get hash value property"
  | 'Unsupported hash algorithm'
  | 'Bad hash value len'
  | 'Bad hash value'

interface Digest {
  update(chunk: Uint8Array): void
  finish(): Uint8Array
}

function crcDigest(): Digest {
  let crc = 0
  return {
    update(chunk) {
      crc = crc32(chunk, crc)
    },
    finish() {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(crc)
      return bytes
    },
  }
}

function opensslDigest(name: string): Digest {
  const hash = createHash(name)
  return { update: chunk => void hash.update(chunk), finish: () => hash.digest() }
}

const DIGESTS: ReadonlyMap<string, () => Digest> = new Map([
  ['crc32', crcDigest],
  ...['md5', 'sha1', 'sha256', 'sha384', 'sha512'].map(name => [name, () => opensslDigest(name)] as const),
])

/** Checks one hash node. Feed it the image's data, unless `early` is set. */
export class FitHashCheck {
  readonly #expected: Uint8Array
  readonly #digest: Digest | null
  /** the verdict if it does not depend on the data, else null */
  readonly early: FitVerdict | null

  constructor({ algorithm, value, ignored }: FitHash) {
    const start = algorithm === null ? undefined : DIGESTS.get(algorithm)
    this.#expected = value ?? new Uint8Array()
    this.early =
      algorithm === null
        ? "Can't get hash algo property"
        : ignored
          ? 'ignored'
          : value === null
            ? "Can't get hash value property"
            : start === undefined
              ? 'Unsupported hash algorithm'
              : null
    this.#digest = this.early === null && start !== undefined ? start() : null
  }

  /** Add the next chunk of the data. */
  update(chunk: Uint8Array): void {
    this.#digest?.update(chunk)
  }

  /** Finish after the last chunk. */
  finish(): FitVerdict {
    if (this.#digest === null) return this.early ?? 'Unsupported hash algorithm'
    const found = this.#digest.finish()
    if (found.length !== this.#expected.length) return 'Bad hash value len'
    return Buffer.compare(found, this.#expected) === 0 ? 'ok' : 'Bad hash value'
  }
}
