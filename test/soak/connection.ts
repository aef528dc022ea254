/** A connection whose end is no error: the agent may refuse or cut it. */

import { connect, type Socket } from 'node:net'
import { addressOf, HOST } from './addresses.js'

/** Milliseconds; the kernel repeats a lost SYN after one second, then after two more. */
const CONNECT_MS = 10_000

/**
 * @param index of the client, which chooses its address
 * @returns null when there is none
 */
export async function connectTo(port: number, index: number): Promise<Socket | null> {
  const socket = connect({ host: HOST, port, localAddress: addressOf(index) })
  // Without a listener, an error would end this process; `once` of node:events would reject for it.
  socket.on('error', () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), CONNECT_MS)
  await new Promise<void>(resolve => socket.once('connect', resolve).once('close', () => resolve()))
  clearTimeout(timer)
  return socket.destroyed ? null : socket
}

/** Resolves when the connection has ended; it is cut after some seconds. */
export async function held(socket: Socket, seconds: number): Promise<void> {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.resetAndDestroy(), seconds * 1000)
  await new Promise(resolve => socket.once('close', resolve))
  clearTimeout(timer)
}
