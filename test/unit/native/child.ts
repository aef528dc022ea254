/**
 * Runs programs as children of a test: with flags of Node, or as the user nobody, because `kexec_load` and the jump must
 * not succeed on the machine of a developer who runs the tests as root.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

const NOBODY = 65534
/** `linux/capability.h` */
const CAP_NET_ADMIN = 12n
const CAP_SYS_BOOT = 22n
const CAP_SYS_TIME = 25n

/**
 * Become the user nobody, unless not root.
 *
 * @throws Error if the process could still reboot the machine or set its clock
 */
export function dropPrivileges(): void {
  if (process.getuid?.() === 0) {
    process.setgroups?.([])
    process.setgid?.(NOBODY)
    process.setuid?.(NOBODY)
  }
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  if (effective === undefined) throw new Error('/proc/self/status does not show CapEff')
  for (const capability of [CAP_SYS_BOOT, CAP_NET_ADMIN, CAP_SYS_TIME]) {
    if ((BigInt(`0x${effective}`) >> capability) & 1n) throw new Error(`still has capability ${capability}`)
  }
}

/** The result of a call, in a form that can be sent between processes. */
export interface Ending {
  readonly name: string
  readonly message: string
  readonly errname?: string
}

/** Make a call and return how it ended. */
export async function endingOf(call: () => unknown): Promise<Ending> {
  try {
    await call()
    return { name: 'none', message: 'it succeeded' }
  } catch (thrown) {
    if (!(thrown instanceof Error)) return { name: 'other', message: String(thrown) }
    const errname = 'errname' in thrown ? { errname: String(thrown.errname) } : {}
    return { name: thrown.name, message: thrown.message, ...errname }
  }
}

/**
 * Run a program of this folder in a child and return what it sends.
 *
 * @param program file name without its extension
 * @param flags of Node
 */
export async function answerOf<T>(program: string, flags: readonly string[] = []): Promise<T> {
  const child = fork(join(import.meta.dirname, `${program}${extname(import.meta.filename)}`), {
    execArgv: [...process.execArgv, ...flags],
  })
  const exited = once(child, 'exit')
  const answer = await Promise.race([
    once(child, 'message').then(([message]) => message as T),
    exited.then(([code, signal]) => {
      throw new Error(`${program} ended without an answer: ${signal ?? code}`)
    }),
  ])
  await exited
  return answer
}

/** Answer the test that runs this program, and exit without hooks: the user nobody may not write to tap's directory. */
export function answer(value: object): void {
  process.send?.(value, () => process.kill(process.pid, 'SIGKILL'))
}
