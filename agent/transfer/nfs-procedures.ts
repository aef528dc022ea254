/** The procedures that loading a file takes: of the portmapper (RFC 1833), of MOUNT and of NFS version 3 (RFC 1813). */

import type { RpcCall, RpcProcedure } from './nfs-rpc.js'
import { type XdrReader, XdrWriter } from './nfs-xdr.js'

const PORTMAP = { program: 100_000, version: 2 }
export const MOUNT = { program: 100_005, version: 3, name: 'MOUNT' }
export const NFS = { program: 100_003, version: 3, name: 'NFS' }

/** RFC 1833 section 3: the protocol number of UDP. */
const UDP = 17
/** RFC 1813 section 2.4: bytes of a file handle, and appendix I: of a path. */
const HANDLE_LIMIT = 64
export const PATH_LIMIT = 1024

const call = ({ program, version }: Omit<RpcProcedure, 'name' | 'procedure'>, procedure: number, name: string) => {
  return (args: XdrWriter): RpcCall => ({ program, version, procedure, name, args: args.bytes() })
}

const getPort = call(PORTMAP, 3, 'GETPORT')
const mnt = call(MOUNT, 1, 'MNT')
const umnt = call(MOUNT, 3, 'UMNT')
const getAttr = call(NFS, 1, 'GETATTR')
const lookup = call(NFS, 3, 'LOOKUP')
const readLink = call(NFS, 5, 'READLINK')
const read = call(NFS, 6, 'READ')

/** Where a program listens, over UDP. The result is a port; 0: it is not there. */
export const getPortCall = ({ program, version }: { readonly program: number; readonly version: number }): RpcCall =>
  getPort(new XdrWriter().uint(program).uint(version).uint(UDP).uint(0))

export const mountCall = (directory: string): RpcCall => mnt(new XdrWriter().string(directory))
export const unmountCall = (directory: string): RpcCall => umnt(new XdrWriter().string(directory))
export const attributesCall = (handle: Uint8Array): RpcCall => getAttr(new XdrWriter().opaque(handle))
export const lookupCall = (directory: Uint8Array, name: string): RpcCall =>
  lookup(new XdrWriter().opaque(directory).string(name))
export const readLinkCall = (handle: Uint8Array): RpcCall => readLink(new XdrWriter().opaque(handle))
export const readCall = (handle: Uint8Array, offset: number, count: number): RpcCall =>
  read(new XdrWriter().opaque(handle).hyper(offset).uint(count))

/** `ftype3` (RFC 1813 section 2.5): what is told apart here. */
export const FILE_TYPE = { regular: 1, directory: 2, link: 5 }

export interface NfsAttributes {
  /** {@link FILE_TYPE}, or another */
  readonly type: number
  /** bytes */
  readonly size: number
}

/** Words of `fattr3` between type and size, and bytes behind the size (RFC 1813 section 2.5). */
const BEFORE_SIZE = 4 * 4
const BEHIND_SIZE = 7 * 8

export function readAttributes(reply: XdrReader): NfsAttributes {
  const type = reply.uint()
  reply.skip(BEFORE_SIZE)
  const size = reply.hyper()
  reply.skip(BEHIND_SIZE)
  return { type, size }
}

/** `post_op_attr`: a server may leave attributes out. */
const maybeAttributes = (reply: XdrReader): NfsAttributes | null => (reply.bool() ? readAttributes(reply) : null)

/** A copy: a handle is kept for longer than its datagram. */
export const readHandle = (reply: XdrReader): Uint8Array => Buffer.from(reply.opaque(HANDLE_LIMIT))

export interface NfsFound {
  readonly handle: Uint8Array
  readonly attributes: NfsAttributes | null
}

export const readFound = (reply: XdrReader): NfsFound => ({
  handle: readHandle(reply),
  attributes: maybeAttributes(reply),
})

/** Where a symbolic link leads, latin1. */
export function readLinkTarget(reply: XdrReader): string {
  maybeAttributes(reply)
  return reply.opaque(PATH_LIMIT).toString('latin1')
}

export interface NfsData {
  readonly bytes: Uint8Array
  readonly endOfFile: boolean
}

/** @param limit bytes that were asked for */
export function readData(reply: XdrReader, limit: number): NfsData {
  maybeAttributes(reply)
  reply.uint()
  const endOfFile = reply.bool()
  return { endOfFile, bytes: reply.opaque(limit) }
}

/** `nfsstat3` and `mountstat3` (RFC 1813 section 2.6 and appendix I), in words. */
const STATUS: Readonly<Record<number, string>> = {
  1: 'not permitted',
  2: 'no such file or directory',
  5: 'input or output error',
  13: 'access denied',
  20: 'not a directory',
  21: 'it is a directory',
  22: 'invalid argument',
  63: 'the name is too long',
  70: 'the file was deleted',
  10001: 'bad file handle',
  10004: 'not supported',
  10006: 'the server has a failure of its own',
  10008: 'the server needs more time',
}

/** Read the status that each result of MOUNT and NFS begins with. @returns null: success; else why not */
export function readStatus(reply: XdrReader): string | null {
  const status = reply.uint()
  if (status === 0) return null
  return `${STATUS[status] ?? 'refused'} (${status})`
}
