/** An NFS client that loads one file: version 3 over UDP (RFC 1813), with the portmapper and MOUNT that belong to it. */

import { type FauxbootError, fault } from '../errors.js'
import { RpcExchange } from './nfs-exchange.js'
import { linkedPath, pathNames, pathOf } from './nfs-path.js'
import {
  attributesCall,
  FILE_TYPE,
  getPortCall,
  lookupCall,
  MOUNT,
  mountCall,
  NFS,
  type NfsAttributes,
  type NfsFound,
  PATH_LIMIT,
  readAttributes,
  readFound,
  readHandle,
  readLinkCall,
  readLinkTarget,
  readStatus,
  unmountCall,
} from './nfs-procedures.js'
import { NfsReading, type NfsSink } from './nfs-reader.js'
import type { RpcCall, RpcReply } from './nfs-rpc.js'
import type { XdrReader } from './nfs-xdr.js'
import type { TftpNetwork } from './tftp/peer-socket.js'
import { udpNetwork } from './tftp/udp.js'

export type { NfsSink } from './nfs-reader.js'

/** What a transfer tells while it runs. */
export interface NfsTransferProgress {
  /** The file is found. `size`: bytes */
  started(size: number): void
  /** nothing came for `timeoutMs` */
  timeout(): void
}

export interface NfsFetchOptions {
  /** address of the server */
  readonly server: string
  /** latin1, a byte a character; from the root of the server */
  readonly path: string
  /** UDP port of the portmapper; default 111 */
  readonly portmapPort?: number
  /** milliseconds of silence that count as a timeout; default 2000. Lost packets are sent again sooner */
  readonly timeoutMs?: number
  /** timeouts in a row that are borne; default 5 */
  readonly retries?: number
  /** ends the transfer at once; the promise rejects with its reason */
  readonly signal?: AbortSignal
  readonly progress?: NfsTransferProgress
  /** UDP and time; default the system's */
  readonly network?: TftpNetwork
}

const DEFAULTS = { portmapPort: 111, timeoutMs: 2000, retries: 5 }
const NO_PROGRESS: NfsTransferProgress = { started() {}, timeout() {} }

/** RFC 1813 section 2.4: what servers take at least as name. */
const LONGEST_NAME = 255
/** Symbolic links that are followed for one file. */
const MOST_LINKS = 16

/** The errors of the steps that a server may refuse. */
type Step = 'NFS_MOUNT' | 'NFS_LOOKUP' | 'NFS_LINK'

interface Found {
  readonly handle: Uint8Array
  readonly size: number
}

class NfsFetch {
  readonly #options: NfsFetchOptions
  readonly #what: string
  readonly #exchange: RpcExchange
  readonly #mounts = new Map<string, Uint8Array>()
  #mountPort = 0
  #nfsPort = 0

  constructor(options: NfsFetchOptions, what: string, exchange: RpcExchange) {
    this.#options = options
    this.#what = what
    this.#exchange = exchange
  }

  async find(): Promise<Found> {
    this.#mountPort = await this.#portOf(MOUNT)
    this.#nfsPort = await this.#portOf(NFS)
    let path = this.#options.path
    for (let links = 0; links <= MOST_LINKS; links++) {
      const found = await this.#locate(path)
      if (typeof found !== 'string') return found
      path = found
    }
    throw this.#refusal('NFS_LINK', `more than ${MOST_LINKS} symbolic links`)
  }

  read({ handle, size }: Found, sink: NfsSink): NfsReading {
    return new NfsReading({ exchange: this.#exchange, port: this.#nfsPort, handle, size, sink, what: this.#what })
  }

  /** Servers keep a list of who has mounted what, and nothing depends on it: a reply is not worth waiting for. */
  unmount(): void {
    for (const directory of this.#mounts.keys()) this.#exchange.notify(this.#mountPort, unmountCall(directory))
  }

  #refusal(step: Step, reason: string): FauxbootError {
    return fault(step, { what: this.#what, reason })
  }

  async #portOf(program: typeof MOUNT): Promise<number> {
    const { portmapPort = DEFAULTS.portmapPort } = this.#options
    const reply = await this.#exchange.call(portmapPort, getPortCall(program))
    if ('refused' in reply) throw this.#refusal('NFS_MOUNT', `the portmapper refused: ${reply.refused}`)
    const port = reply.results.uint()
    if (port > 0 && port <= 0xffff) return port
    throw this.#refusal('NFS_MOUNT', `the server has no ${program.name} version ${program.version} over UDP`)
  }

  /** Call MOUNT or NFS. @returns the results behind their status, or why there are none */
  async #ask(port: number, call: RpcCall): Promise<XdrReader | string> {
    const reply: RpcReply = await this.#exchange.call(port, call)
    return 'refused' in reply ? reply.refused : (readStatus(reply.results) ?? reply.results)
  }

  /** As `#ask`, of NFS. @throws `step` */
  async #demand(call: RpcCall, step: Step, of: string): Promise<XdrReader> {
    const results = await this.#ask(this.#nfsPort, call)
    if (typeof results === 'string') throw this.#refusal(step, `${of}: ${results}`)
    return results
  }

  /** @returns the file, or the path behind a symbolic link that was met */
  async #locate(path: string): Promise<Found | string> {
    const names = pathNames(path)
    if (pathOf(names).length > PATH_LIMIT || names.some(name => name.length > LONGEST_NAME)) {
      throw this.#refusal('NFS_LOOKUP', 'the path is too long')
    }
    const last = names.length - 1
    if (last < 0) throw this.#refusal('NFS_LOOKUP', 'the path has no name of a file')
    let { handle, depth, refused } = await this.#mountAbove(names.slice(0, last))
    for (; ; depth++) {
      const name = names[depth] ?? ''
      const step = depth === last ? 'NFS_LOOKUP' : 'NFS_MOUNT'
      const results = await this.#ask(this.#nfsPort, lookupCall(handle, name))
      if (typeof results === 'string') {
        // A directory that is not there was missed by MOUNT first.
        throw this.#refusal(step, depth === last ? `${pathOf(names)}: ${results}` : refused)
      }
      const found = readFound(results)
      const { type, size } = await this.#attributes(found, pathOf(names))
      if (type === FILE_TYPE.link) return this.#follow(found, names, depth)
      if (depth === last && type === FILE_TYPE.regular) return { handle: found.handle, size }
      // U-Boot takes what it cannot read for a symbolic link.
      if (depth === last) throw this.#refusal('NFS_LINK', `${pathOf(names)} is neither a file nor a symbolic link`)
      handle = found.handle
    }
  }

  /**
   * Mount a directory, or where the server does not let that be done the nearest one above it.
   *
   * @returns its handle and how many of the names lead to it; why those below were refused
   */
  async #mountAbove(names: readonly string[]): Promise<{ handle: Uint8Array; depth: number; refused: string }> {
    let refused = ''
    for (let depth = names.length; depth >= 0; depth--) {
      const directory = pathOf(names.slice(0, depth))
      const mounted = this.#mounts.get(directory) ?? (await this.#mount(directory))
      if (typeof mounted !== 'string') return { handle: mounted, depth, refused }
      if (refused === '') refused = `${directory}: ${mounted}`
    }
    throw this.#refusal('NFS_MOUNT', refused)
  }

  async #mount(directory: string): Promise<Uint8Array | string> {
    const results = await this.#ask(this.#mountPort, mountCall(directory))
    if (typeof results === 'string') return results
    const handle = readHandle(results)
    this.#mounts.set(directory, handle)
    return handle
  }

  async #attributes({ handle, attributes }: NfsFound, path: string): Promise<NfsAttributes> {
    return attributes ?? readAttributes(await this.#demand(attributesCall(handle), 'NFS_LOOKUP', path))
  }

  async #follow({ handle }: NfsFound, names: readonly string[], depth: number): Promise<string> {
    const link = pathOf(names.slice(0, depth + 1))
    const target = readLinkTarget(await this.#demand(readLinkCall(handle), 'NFS_LINK', link))
    return linkedPath(names.slice(0, depth), target, names.slice(depth + 1))
  }
}

/**
 * Load a file over NFS. The directory is mounted, the file looked up in it, symbolic links followed. Lost, doubled and
 * strange datagrams are made good.
 *
 * @param sink takes the bytes in order; what it throws ends the transfer
 * @returns bytes
 * @throws NFS_MOUNT, NFS_LOOKUP, NFS_LINK, NFS_READ, NFS_TIMEOUT, NFS_PROTOCOL; TFTP_PROTOCOL when there is no UDP port;
 * the reason of the signal; what `sink` throws
 */
export async function fetchNfs(options: NfsFetchOptions, sink: NfsSink): Promise<number> {
  const { server, path, signal, progress = NO_PROGRESS, network = udpNetwork } = options
  const { timeoutMs = DEFAULTS.timeoutMs, retries = DEFAULTS.retries } = options
  const what = `nfs://${server}${pathOf(pathNames(path))}`
  signal?.throwIfAborted()
  let reading: NfsReading | null = null
  const exchange = await RpcExchange.open({
    server,
    network,
    timeoutMs,
    retries,
    onTimeout: () => progress.timeout(),
    onEnd: attempts => fault('NFS_TIMEOUT', { what, attempts, received: reading?.taken ?? 0 }),
  })
  const onAbort = (): void => exchange.fail(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const fetch = new NfsFetch(options, what, exchange)
  try {
    signal?.throwIfAborted()
    const found = await fetch.find()
    progress.started(found.size)
    reading = fetch.read(found, sink)
    await reading.run()
    return found.size
  } finally {
    signal?.removeEventListener('abort', onAbort)
    fetch.unmount()
    exchange.close()
  }
}
