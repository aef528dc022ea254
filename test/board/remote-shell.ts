/** The root shell over TCP of a board that has `remoteShellOverlay`. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { QemuBoard } from '../../systemd/qemu/qemu.js'
import { REMOTE_SHELL_PORT } from '../../systemd/target/test-overlay.js'

/** A command that is silent for longer hangs, milliseconds. */
const COMMAND_MS = 60_000

export class RemoteShell {
  private constructor(readonly port: number) {}

  static async open(qemu: QemuBoard): Promise<RemoteShell> {
    return new RemoteShell(await qemu.forwardTcp(REMOTE_SHELL_PORT))
  }

  /**
   * Run commands in a shell of their own.
   *
   * @param script lines of sh
   * @param milliseconds that they may be silent
   * @returns what they printed, without white space around it
   */
  async run(script: string, milliseconds = COMMAND_MS): Promise<string> {
    const socket = this.start(script)
    socket.setTimeout(milliseconds, () => socket.destroy(new Error(`${script}: no answer from the board`)))
    let output = ''
    socket.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    await once(socket, 'end')
    return output.trim()
  }

  /** Commands that print for as long as the board runs; the caller listens to the socket and destroys it. */
  start(script: string): Socket {
    const socket = connect(this.port, '127.0.0.1')
    socket.end(`${script}\n`)
    return socket
  }
}
