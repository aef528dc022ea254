/** A board's serial line on a TCP port and its reset on a URL, as a lab's console server and power switch have them. */

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Test } from 'tap'
import type { QemuBoard } from '../../systemd/qemu/qemu.js'

export interface ConsoleBridge {
  /** TCP port of the console; everybody who comes sees what the board says from then on */
  readonly port: number
  /** a command that resets the board */
  readonly reset: string
}

/** Lead a board's console out, until the test ends. */
export async function bridgeConsole(t: Pick<Test, 'teardown'>, qemu: QemuBoard): Promise<ConsoleBridge> {
  const consoles = createServer(socket => {
    const say = (text: string): void => void socket.write(text)
    qemu.console.on('data', say)
    socket.on('data', chunk => qemu.console.send(chunk.toString('latin1')))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => qemu.console.off('data', say))
  })
  const power = createHttpServer((_, response) => {
    qemu.reset().then(
      () => response.end(),
      error => response.writeHead(500).end(String(error)),
    )
  })
  t.teardown(() => {
    consoles.close()
    power.close()
  })
  const port = await portOf(consoles)
  return { port, reset: `curl --silent --show-error --fail http://127.0.0.1:${await portOf(power)}/` }
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
