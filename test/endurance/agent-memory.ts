/** The resident memory of the agent on a board, watched from its start to the jump. */

import type { Socket } from 'node:net'
import type { RemoteShell } from '../board/remote-shell.js'

export interface AgentMemory {
  /** MiB before the job's first byte; null if the board did not say */
  readonly idle: number | null
  /** the most until the jump, MiB; the stored artifacts are mapped, and count */
  readonly peak: number | null
}

/** Two figures in kB on a line, twice a second: VmHWM, VmRSS. */
const WATCH = `read pid </sys/fs/cgroup/system.slice/fauxboot-agent.service/cgroup.procs
while figures=$(sed -n 's/^Vm[HR][WS][MS]:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$pid/status); do
  echo $figures
  sleep 0.5
done`

const LINE = /^(\d+) (\d+)$/gm

export class AgentMemoryWatch {
  readonly #socket: Socket
  #said = ''

  constructor(shell: RemoteShell) {
    this.#socket = shell.start(WATCH)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString()
    })
    // The jump ends the connection in whatever way; what was heard by then counts.
    this.#socket.on('error', () => this.#socket.destroy())
  }

  stop(): AgentMemory {
    this.#socket.destroy()
    const lines = [...this.#said.matchAll(LINE)]
    const mib = (kib: string | undefined): number | null => (kib === undefined ? null : Number(kib) / 1024)
    return { idle: mib(lines[0]?.[2]), peak: mib(lines.at(-1)?.[1]) }
  }
}
