/** Calls and replies of ONC RPC version 2 (RFC 5531 section 9). */

import { XdrReader, XdrWriter } from './nfs-xdr.js'

/** What is called: a procedure of a version of a program. */
export interface RpcProcedure {
  readonly program: number
  readonly version: number
  readonly procedure: number
  /** for messages: `LOOKUP` */
  readonly name: string
}

export interface RpcCall extends RpcProcedure {
  /** encoded */
  readonly args: Uint8Array
}

/** `results`: of a call that was carried out. `refused`: why it was not, in words. */
export type RpcReply = { readonly results: XdrReader } | { readonly refused: string }

const RPC_VERSION = 2
const CALL = 0
const REPLY = 1

/** Section 8.2 and appendix A. */
const AUTH_NONE = 0
const AUTH_SYS = 1
const VERIFIER_LIMIT = 400
const MACHINE_NAME = 'fauxboot'
const ROOT = 0

/** The user who asks: root, as U-Boot does (appendix A). `stamp` is anything. */
const CREDENTIAL = new XdrWriter().uint(0).string(MACHINE_NAME).uint(ROOT).uint(ROOT).uint(0).bytes()

/** A call, as a datagram. @param xid by which the reply is known */
export function callMessage(xid: number, { program, version, procedure, args }: RpcCall): Buffer {
  return new XdrWriter()
    .uint(xid)
    .uint(CALL)
    .uint(RPC_VERSION)
    .uint(program)
    .uint(version)
    .uint(procedure)
    .uint(AUTH_SYS)
    .opaque(CREDENTIAL)
    .uint(AUTH_NONE)
    .uint(0)
    .encoded(args)
    .bytes()
}

/** The xid of a datagram that may be a reply; null of any other. */
export function replyXid(datagram: Uint8Array): number | null {
  if (datagram.length < 8) return null
  const head = new DataView(datagram.buffer, datagram.byteOffset)
  return head.getUint32(4) === REPLY ? head.getUint32(0) : null
}

/** `accept_stat` other than success, by number. */
const NOT_ACCEPTED: Readonly<Record<number, string>> = {
  1: 'it does not have this program',
  3: 'it does not have this procedure',
  4: 'it could not read the call',
  5: 'it has a failure of its own',
}

/** `auth_stat` that servers give, by number. */
const NOT_AUTHENTIC: Readonly<Record<number, string>> = {
  1: 'bad credentials',
  2: 'the credentials are to be renewed',
  5: 'AUTH_SYS is not enough for it',
}

const versions = (reply: XdrReader): string => `it has only versions ${reply.uint()} to ${reply.uint()}`

function accepted(reply: XdrReader): RpcReply {
  reply.uint()
  reply.opaque(VERIFIER_LIMIT)
  const status = reply.uint()
  if (status === 0) return { results: reply }
  if (status === 2) return { refused: versions(reply) }
  return { refused: NOT_ACCEPTED[status] ?? `it did not accept the call (${status})` }
}

function denied(reply: XdrReader): RpcReply {
  if (reply.uint() === 0) return { refused: `${versions(reply)} of RPC` }
  const status = reply.uint()
  return { refused: NOT_AUTHENTIC[status] ?? `it denies access (${status})` }
}

/**
 * What a reply says.
 *
 * @param datagram whose {@link replyXid} is that of the call
 * @param what was called, for messages
 * @throws NFS_PROTOCOL when it is no whole reply
 */
export function parseReply(datagram: Uint8Array, what: string): RpcReply {
  const reply = new XdrReader(datagram, what)
  reply.skip(8)
  return reply.uint() === 0 ? accepted(reply) : denied(reply)
}
