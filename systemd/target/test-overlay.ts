/**
 * Archives that a test or a measurement appends to the first stage's initramfs. The kernel unpacks them last, so their
 * files replace the image's, and the image itself does not change.
 */

import { join } from 'node:path'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { FileTree } from '../image/file-tree.js'
import { firstStageTree } from '../image/first-stage-packages.js'
import { sharedLibraries } from '../image/shared-libraries.js'
import type { SerialConsole } from '../qemu/serial-console.js'

/** The shell's prompt. */
export const SHELL_PROMPT = 'fauxboot-test# '

/** Marks a command's exit status. */
const STATUS = 'exit-status'

/** The getty's prompt. */
export const LOGIN_PROMPT = 'fauxboot login:'

/** Other programs for the same tasks, to compare with on the board. */
const PEERS = ['usr/sbin/kexec', 'usr/bin/curl', 'usr/bin/atftp', 'usr/bin/tftp'] as const

const SYSTEM = 'etc/systemd/system'

/** A unit that starts as early as the agent does. */
const unit = (description: string, service: string): string => `[Unit]
Description=${description}
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
${service}
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
TTYReset=yes
Restart=always
RestartSec=0
`

const SHELL_UNIT = unit(
  'Root shell on the serial console, for tests',
  `ExecStart=/bin/sh /root/test-shell
WorkingDirectory=/root
Environment=HOME=/root PATH=/usr/bin:/usr/lib/systemd`,
)

/** Busybox's own prompt asks the terminal for the cursor's position, which would clutter a transcript. */
const SHELL_SCRIPT = `while printf '%s' '${SHELL_PROMPT}' && read -r line; do
  eval "$line"
done
`

const GETTY_UNIT = unit(
  'Login prompt on the serial console, for measurements',
  'ExecStart=/bin/busybox getty -L 0 console dumb',
)

/** TCP port of {@link remoteShellOverlay} on the board. */
export const REMOTE_SHELL_PORT = 2323

const REMOTE_SHELL_SOCKET = `[Unit]
Description=Root shell over TCP, for tests
DefaultDependencies=no

[Socket]
ListenStream=${REMOTE_SHELL_PORT}
Accept=yes
`

const REMOTE_SHELL_UNIT = `[Unit]
Description=Root shell over TCP, for tests
DefaultDependencies=no

[Service]
ExecStart=/bin/sh
Environment=PATH=/usr/bin:/usr/lib/systemd
StandardInput=socket
StandardOutput=socket
StandardError=socket
`

/**
 * A root shell on TCP port {@link REMOTE_SHELL_PORT}, which reads commands and has no prompt. The agent keeps its U-Boot
 * console.
 *
 * @returns an archive for `extraInitrd`
 */
export function remoteShellOverlay(): Uint8Array {
  const files = new FileTree()
  files.file(`${SYSTEM}/fauxboot-test-remote@.service`, REMOTE_SHELL_UNIT)
  startUnit(files, 'fauxboot-test-remote.socket', REMOTE_SHELL_SOCKET)
  return packCpio(files.entries())
}

function startUnit(files: FileTree, name: string, text: string): void {
  files.file(`${SYSTEM}/${name}`, text)
  files.link(`${SYSTEM}/sysinit.target.wants/${name}`, `/${SYSTEM}/${name}`)
}

/**
 * A root shell on the serial console, with {@link PEERS}. It prints {@link SHELL_PROMPT}. The agent runs too, but without
 * its U-Boot console.
 *
 * @param options agent: false does not start the agent
 * @returns an archive for `extraInitrd`
 */
export async function shellOverlay(options: { readonly agent?: boolean } = {}): Promise<Uint8Array> {
  const tree = await firstStageTree()
  const files = new FileTree()
  for (const path of [...PEERS, ...(await sharedLibraries(tree, PEERS))]) {
    // The image's /usr/sbin is its /usr/bin.
    files.copy(tree, path, path.replace('usr/sbin/', 'usr/bin/'))
  }
  files.file('root/test-shell', SHELL_SCRIPT)
  // Only one process can read the serial line.
  files.file(`${SYSTEM}/fauxboot-agent.service.d/no-console.conf`, '[Service]\nEnvironment=FAUXBOOT_UBOOT_SERIAL=\n')
  startUnit(files, 'fauxboot-test-shell.service', SHELL_UNIT)
  if (options.agent === false) maskAgent(files)
  return packCpio(files.entries())
}

/**
 * Run a command in the shell of {@link shellOverlay}, which must be at its prompt.
 *
 * @param console of the board
 * @param command one line of sh
 * @returns what it printed, and its exit status
 * @throws CONSOLE_SILENT, CONSOLE_ENDED
 */
export async function runOnBoard(
  console: SerialConsole,
  command: string,
  options: { readonly timeoutMs: number },
): Promise<{ output: string; status: number }> {
  const from = console.transcript.length
  // The board echoes the line, so the line must not match the pattern.
  console.send(`${command}; echo "${STATUS}"="$?"\n`)
  const end = await console.waitFor(new RegExp(`${STATUS}=(\\d+)\\r?\\n`), options)
  await console.waitFor(SHELL_PROMPT, options)
  const text = console.transcript.slice(from).replaceAll('\r', '')
  const output = text.slice(text.indexOf('\n') + 1, text.lastIndexOf(`${STATUS}=`))
  return { output, status: Number(end[1]) }
}

/**
 * A login prompt on the serial console instead of the agent, to compare start-up times. It prints {@link LOGIN_PROMPT}.
 *
 * @returns an archive for `extraInitrd`
 */
export function gettyOverlay(): Uint8Array {
  const files = new FileTree()
  files.file('etc/issue', '')
  startUnit(files, 'fauxboot-test-getty.service', GETTY_UNIT)
  maskAgent(files)
  return packCpio(files.entries())
}

/**
 * Any files.
 *
 * @param content each path on the board, with the file's content
 */
export function filesOverlay(content: Readonly<Record<string, Uint8Array | string>>): Uint8Array {
  const files = new FileTree()
  for (const [path, data] of Object.entries(content)) files.file(path, data)
  return packCpio(files.entries())
}

function maskAgent(files: FileTree): void {
  files.link(join(SYSTEM, 'fauxboot-agent.service'), '/dev/null')
}
