/** TFTP on the system's UDP and clock. */

import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { fault } from '../../errors.js'
import type { TftpNetwork, TftpPeer, TftpPort, TftpPortOptions } from './peer-socket.js'

/** Windows of blocks wait here while a transfer is busy. The system may give less: see `net.core.rmem_max`. */
export const BUFFER_BYTES = 4 << 20

/** Addresses are numbers here; Node's own look-up would cost every packet a turn of the event loop. */
const noLookup =
  (family: number) =>
  (address: string, _: unknown, done: (error: null, address: string, family: number) => void): void =>
    done(null, address, family)

class UdpPort implements TftpPort {
  readonly #socket: Socket
  readonly port: number
  readonly bufferBytes: number
  #open = true

  constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.address().port
    socket.setRecvBufferSize(BUFFER_BYTES)
    this.bufferBytes = socket.getRecvBufferSize()
    // A datagram that cannot be sent is a datagram lost: it is sent again, and no route may be there by then.
    socket.on('error', () => undefined)
  }

  send(datagram: Uint8Array, to: TftpPeer): void {
    // Port 0 cannot be sent to, and Node throws on it.
    if (this.#open && to.port > 0) this.#socket.send(datagram, to.port, to.address)
  }

  dally(): void {
    this.#socket.unref()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.close()
  }
}

function open(
  { address, port }: TftpPortOptions,
  onDatagram: (datagram: Uint8Array, from: TftpPeer) => void,
): Promise<TftpPort> {
  const family = isIPv6(address) ? 6 : 4
  const socket = createSocket({ type: `udp${family}`, lookup: noLookup(family) })
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close()
      reject(fault('TFTP_PROTOCOL', { what: `UDP port ${port} of ${address}`, reason: error.message }, error))
    }
    socket.once('error', onError)
    socket.on('message', onDatagram)
    socket.bind(port, address, () => {
      socket.off('error', onError)
      resolve(new UdpPort(socket))
    })
  })
}

export const udpNetwork: TftpNetwork = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    // Open ports keep the process alive; a timer without one waits for nothing.
    const timer = setTimeout(callback, milliseconds).unref()
    return () => clearTimeout(timer)
  },
  open,
}
