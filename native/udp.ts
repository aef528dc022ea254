/**
 * UDP on IPv4 for TFTP: one call receives many data packets that come in order, and acknowledges them, off the event loop.
 * It decides nothing else. Every other datagram, and all waiting, is the caller's.
 */

import type { UdpReceived, UdpSocket } from './addon.js'
import { addon, explain } from './invoke.js'

export type { UdpReceived, UdpSocket } from './addon.js'

/** The data packets of TFTP that a call may take. */
interface ExpectedBlocks {
  /** the peer that they must come from */
  readonly address: string
  readonly port: number
  /** number of the first one, 16 bits */
  readonly next: number
  /** bytes of every one */
  readonly blockSize: number
  /** blocks from one ACK to the next */
  readonly windowSize: number
  /** blocks since the last ACK */
  readonly unacked: number
}

/**
 * Open a socket. `closeSync` of `node:fs` closes it, when no {@link receiveUdp} is waiting.
 *
 * @param address our own
 * @param port 0: any
 * @param bufferBytes of datagrams that wait; the system may give less
 */
export function openUdp(address: string, port: number, bufferBytes: number): UdpSocket {
  const native = addon()
  try {
    return native.openUdp(address, port, bufferBytes)
  } catch (thrown) {
    throw explain(`openUdp(${JSON.stringify(address)}, ${port})`, thrown)
  }
}

/** Send a datagram; the network may lose it, and so may this call. */
export function sendUdp(fd: number, datagram: Uint8Array, address: string, port: number): void {
  const native = addon()
  try {
    native.sendUdp(fd, datagram, address, port)
  } catch (thrown) {
    throw explain(`sendUdp(${fd}, ${datagram.length} bytes, ${JSON.stringify(address)}, ${port})`, thrown)
  }
}

/**
 * Receive. The call ends after 50 ms of silence, after 100 ms in all, when the memory is full, and with the first datagram
 * that was not expected.
 *
 * @param memory for the expected blocks, one after the other; it belongs to the call until it ends
 * @param expected without it, the first datagram ends the call, whatever it is
 */
export async function receiveUdp(
  fd: number,
  memory: Uint8Array,
  expected: ExpectedBlocks | null,
): Promise<UdpReceived> {
  const native = addon()
  try {
    if (expected === null) return await native.receiveUdp(fd, true)
    const { address, port, next, blockSize, windowSize, unacked } = expected
    return await native.receiveUdp(fd, memory, address, port, next, blockSize, windowSize, unacked)
  } catch (thrown) {
    throw explain(`receiveUdp(${fd}, ${JSON.stringify(expected)})`, thrown)
  }
}

/** Receive a datagram that has come already, if there is one. This never waits; {@link receiveUdp} keeps one of libuv's four threads meanwhile. */
export async function pollUdp(fd: number): Promise<UdpReceived> {
  const native = addon()
  try {
    return await native.receiveUdp(fd, false)
  } catch (thrown) {
    throw explain(`pollUdp(${fd})`, thrown)
  }
}
