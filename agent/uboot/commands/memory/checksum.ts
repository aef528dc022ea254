/** `crc32`, `md5sum`, `sha1sum` and `hash`: digests of memory. */

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { yieldToEventLoop } from '../../../event-loop.js'
import { hex8, parseHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

/** A digest that is being computed. */
interface Digest {
  update(bytes: Uint8Array): void
  digest(): Buffer
}

function crc32Digest(): Digest {
  let crc = 0
  return {
    update(bytes) {
      crc = crc32(bytes, crc)
    },
    digest() {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(crc)
      return bytes
    },
  }
}

const ALGORITHMS: Readonly<Record<string, () => Digest>> = {
  crc32: crc32Digest,
  md5: () => createHash('md5'),
  sha1: () => createHash('sha1'),
  sha256: () => createHash('sha256'),
  sha384: () => createHash('sha384'),
  sha512: () => createHash('sha512'),
}

/** What to do besides printing the digest. */
interface Wish {
  /** compare with the last word instead of saving to it */
  readonly verify: boolean
  /** the last word may be a variable, or with a `*` an address; else it is an address */
  readonly variables: boolean
}

/** The digest that a word names: digits, a variable that holds them, or their address. */
function expectedDigest({ env, memory }: Machine, word: string, bytes: number, variables: boolean): Buffer | null {
  if (!variables || word.startsWith('*')) return memory.read(parseHex(word.replace(/^\*/, '')), bytes)
  const digits = word.length === 2 * bytes ? word : (env.get(word) ?? '')
  return digits.length === 2 * bytes ? Buffer.from(digits.replace(/[^0-9a-fA-F]/g, '0'), 'hex') : null
}

/** Print the digest of `address count`, and save or compare it. */
async function digest(
  machine: Machine,
  algorithm: string,
  [start, count, other]: readonly string[],
  { verify, variables }: Wish,
  signal: AbortSignal,
): Promise<number> {
  const { out, env, memory } = machine
  if (start === undefined || count === undefined || (verify && other === undefined)) return USAGE
  const make = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined
  if (make === undefined) {
    out.write(`Unknown hash algorithm '${algorithm}'\n`)
    return USAGE
  }
  const [address, size] = [parseHex(start), parseHex(count)]
  const hash = make()
  for (const chunk of memory.chunks(address, size)) {
    hash.update(chunk)
    await yieldToEventLoop(signal)
  }
  const found = hash.digest()
  const last = (address + size + 2 ** 32 - 1) % 2 ** 32
  const line = `${algorithm} for ${hex8(address)} ... ${hex8(last)} ==> ${found.toString('hex')}`
  if (verify && other !== undefined) {
    const expected = expectedDigest(machine, other, found.length, variables)
    if (expected === null) {
      out.write(`ERROR: ${other} does not contain a valid ${algorithm} sum\n`)
      return 1
    }
    if (expected.equals(found)) return 0
    out.write(`${line} != ${expected.toString('hex')} ** ERROR **\n`)
    return 1
  }
  out.write(`${line}\n`)
  if (other === undefined) return 0
  if (!variables || other.startsWith('*')) memory.write(parseHex(other.replace(/^\*/, '')), found)
  else env.set(other, found.toString('hex'), { origin: 'program' })
  return 0
}

/** A command for one algorithm; `-v` before the address compares. */
const single =
  (algorithm: string, variables: boolean): Command['run'] =>
  (machine, { args, signal }: Call) => {
    const verify = args[1] === '-v'
    return digest(machine, algorithm, args.slice(verify ? 2 : 1), { verify, variables: variables || verify }, signal)
  }

export const checksumCommands: readonly Command[] = [
  {
    name: 'crc32',
    maxArgs: 5,
    repeatable: true,
    summary: 'checksum calculation',
    usage: `address count [addr]
    - compute CRC32 checksum [save at addr]
-v address count crc
    - verify crc of memory area`,
    run: single('crc32', false),
  },
  {
    name: 'hash',
    maxArgs: 6,
    repeatable: true,
    summary: 'compute hash message digest',
    usage: `algorithm address count [[*]hash_dest]
    - compute message digest [save to env var / *address]
hash -v algorithm address count [*]hash
    - verify message digest of memory area to immediate value,
      env var or *address`,
    run(machine, { args, signal }) {
      const verify = args[1] === '-v'
      const [algorithm, ...places] = args.slice(verify ? 2 : 1)
      if (algorithm === undefined) return USAGE
      return digest(machine, algorithm.toLowerCase(), places, { verify, variables: true }, signal)
    },
  },
  {
    name: 'md5sum',
    maxArgs: 5,
    repeatable: true,
    summary: 'compute MD5 message digest',
    usage: `address count [[*]sum]
    - compute MD5 message digest [save to sum]
md5sum -v address count [*]sum
    - verify md5sum of memory area`,
    run: single('md5', true),
  },
  {
    name: 'sha1sum',
    maxArgs: 5,
    repeatable: true,
    summary: 'compute SHA1 message digest',
    usage: `address count [[*]sum]
    - compute SHA1 message digest [save to sum]
sha1sum -v address count [*]sum
    - verify sha1sum of memory area`,
    run: single('sha1', true),
  },
]
