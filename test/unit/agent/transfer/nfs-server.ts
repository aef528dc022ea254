/** A small NFS server with its portmapper and mount daemon, over whatever UDP there is, which lies when it is told to. */

import type { TftpNetwork, TftpPeer } from '../../../../agent/transfer/tftp/peer-socket.js'

export interface Tree {
  readonly [name: string]: Uint8Array | string | Tree
}

/** A file's bytes, the target of a symbolic link, or a directory. */
export type Node = Tree[string]

export interface NfsServerOptions {
  readonly root: Tree
  readonly network: TftpNetwork
  readonly address: string
  /** UDP ports of portmapper, mount daemon and server; default 111, 635, 2049 */
  readonly ports?: readonly [number, number, number]
  /** the directories that may be mounted; default all */
  readonly exports?: readonly string[]
  /** replies to LOOKUP have attributes; default true */
  readonly attributes?: boolean
  /** bytes of a READ at most; default 65536 */
  readonly largestRead?: number
  /** what is sent instead of a reply; default the reply */
  readonly tamper?: (name: string, reply: Buffer, send: (reply: Uint8Array) => void) => void
}

export interface NfsServer {
  readonly portmapPort: number
  /** names of the calls that came, in order */
  readonly calls: string[]
  /** the credential of the last call: flavor, uid */
  readonly credential: () => readonly [number, number]
  stop(): void
}

const word = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => void bytes.writeUInt32BE(value, index * 4))
  return bytes
}

export const opaque = (bytes: Uint8Array): Buffer =>
  Buffer.concat([word(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])

const NAMES: Readonly<Record<string, string>> = {
  '100000 3': 'GETPORT',
  '100005 1': 'MNT',
  '100005 3': 'UMNT',
  '100003 1': 'GETATTR',
  '100003 3': 'LOOKUP',
  '100003 5': 'READLINK',
  '100003 6': 'READ',
}

const NOENT = 2
const ACCES = 13
const NOTDIR = 20
const INVAL = 22

/** Arguments of a call, read one by one. */
class Args {
  #at: number

  constructor(
    private readonly bytes: Buffer,
    at: number,
  ) {
    this.#at = at
  }

  word(): number {
    this.#at += 4
    return this.bytes.readUInt32BE(this.#at - 4)
  }

  opaque(): Buffer {
    const length = this.word()
    const start = this.#at
    this.#at += Math.ceil(length / 4) * 4
    return this.bytes.subarray(start, start + length)
  }
}

function attributesOf(node: Node): Buffer {
  const type = node instanceof Uint8Array ? 1 : typeof node === 'string' ? 5 : 2
  const size = node instanceof Uint8Array ? node.length : 0
  return word(type, 0o644, 1, 0, 0, 0, size, ...Array.from({ length: 14 }, () => 0))
}

export async function startNfsServer(options: NfsServerOptions): Promise<NfsServer> {
  const { root, network, address, largestRead = 65_536, attributes = true } = options
  const calls: string[] = []
  let credential: readonly [number, number] = [0, 0]
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = root
    for (const name of path.split('/').filter(part => part !== '')) {
      if (node === undefined || node instanceof Uint8Array || typeof node === 'string') return undefined
      node = node[name]
    }
    return node
  }
  const maybe = (node: Node): Buffer => (attributes ? Buffer.concat([word(1), attributesOf(node)]) : word(0))
  let ports: readonly number[] = []
  const handlers: Readonly<Record<string, (args: Args) => Buffer>> = {
    GETPORT: args => word({ 100005: ports[1], 100003: ports[2] }[args.word()] ?? 0),
    MNT(args) {
      const path = args.opaque().toString('latin1')
      if (options.exports !== undefined && !options.exports.includes(path)) return word(ACCES)
      const node = find(path)
      if (node === undefined) return word(NOENT)
      if (node instanceof Uint8Array || typeof node === 'string') return word(NOTDIR)
      return Buffer.concat([word(0), opaque(Buffer.from(path)), word(1, 1)])
    },
    UMNT: () => Buffer.alloc(0),
    GETATTR(args) {
      const node = find(args.opaque().toString('latin1'))
      return node === undefined ? word(NOENT) : Buffer.concat([word(0), attributesOf(node)])
    },
    LOOKUP(args) {
      const directory = args.opaque().toString('latin1')
      const path = `${directory === '/' ? '' : directory}/${args.opaque().toString('latin1')}`
      const node = find(path)
      if (node === undefined) return word(NOENT, 0)
      return Buffer.concat([word(0), opaque(Buffer.from(path)), maybe(node), word(0)])
    },
    READLINK(args) {
      const node = find(args.opaque().toString('latin1'))
      if (typeof node !== 'string') return word(INVAL, 0)
      return Buffer.concat([word(0), maybe(node), opaque(Buffer.from(node, 'latin1'))])
    },
    READ(args) {
      const node = find(args.opaque().toString('latin1'))
      if (!(node instanceof Uint8Array)) return word(INVAL, 0)
      const offset = args.word() * 0x1_0000_0000 + args.word()
      const data = node.subarray(offset, offset + Math.min(largestRead, args.word()))
      const end = offset + data.length >= node.length
      return Buffer.concat([word(0), maybe(node), word(data.length, end ? 1 : 0), opaque(data)])
    },
  }
  const serve = (index: number) => (datagram: Uint8Array, from: TftpPeer) => {
    const call = Buffer.from(datagram)
    const name = NAMES[`${call.readUInt32BE(12)} ${call.readUInt32BE(20)}`] ?? '?'
    calls.push(name)
    const behindCredential = 32 + call.readUInt32BE(28)
    credential = [call.readUInt32BE(24), call.readUInt32BE(32 + 4 + 4 + 8)]
    const results = handlers[name]?.(new Args(call, behindCredential + 8)) ?? Buffer.alloc(0)
    const reply = Buffer.concat([word(call.readUInt32BE(0), 1, 0, 0, 0, 0), results])
    const send = (bytes: Uint8Array): void => opened[index]?.send(bytes, from)
    if (options.tamper === undefined) send(reply)
    else options.tamper(name, reply, send)
  }
  const asked = options.ports ?? [111, 635, 2049]
  const opened = await Promise.all(asked.map((port, index) => network.open({ address, port }, serve(index))))
  ports = opened.map(({ port }) => port)
  return {
    portmapPort: ports[0] ?? 0,
    calls,
    credential: () => credential,
    stop: () => {
      for (const port of opened) port.close()
    },
  }
}
