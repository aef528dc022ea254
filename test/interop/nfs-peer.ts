/** The NFS server that fauxboot's client is tried against: NFS-Ganesha in user space, with Debian's rpcbind. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getuid } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where the server is. */
export const ADDRESS = '127.0.0.1'
/** Milliseconds that a program has to begin and to end, and from one look to the next. */
const BEGIN_MS = 30_000
const END_MS = 10_000
const LOOK_MS = 100

export interface NfsPeer {
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, ADDRESS)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** What the portmapper knows; null when there is none. */
async function registered(): Promise<string | null> {
  try {
    return (await run('rpcinfo', ['-p', ADDRESS])).stdout
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    if (thrown.code === 'ENOENT') throw new Error('rpcinfo is missing: run "sh test/setup.sh"', { cause: thrown })
    return null
  }
}

/** Wait until it is so, and as long as the process lives. */
async function until(what: string, process: ChildProcess, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + BEGIN_MS
  while (!(await isSo())) {
    if (process.exitCode !== null) throw new Error(`${what} did not come: the process ended with ${process.exitCode}`)
    if (performance.now() > end) throw new Error(`${what} did not come within ${BEGIN_MS / 1000} s`)
    await pause(LOOK_MS)
  }
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  const ended = once(process, 'exit')
  process.kill()
  const patience = setTimeout(() => process.kill('SIGKILL'), END_MS)
  await ended
  clearTimeout(patience)
}

/** As ganesha-config(8) says: version 3 over UDP, one directory, to be read only. */
const configuration = (exported: string, nfsPort: number, mountPort: number): string => `
NFS_CORE_PARAM {
  Protocols = 3;
  NFS_Port = ${nfsPort};
  MNT_Port = ${mountPort};
  Enable_UDP = true;
  Enable_NLM = false;
  Enable_RQUOTA = false;
  mount_path_pseudo = false;
}
EXPORT {
  Export_Id = 1;
  Path = ${exported};
  Pseudo = ${exported};
  Protocols = 3;
  Transports = UDP;
  Access_Type = RO;
  Squash = No_Root_Squash;
  SecType = sys;
  PrivilegedPort = true;
  FSAL { Name = VFS; }
}
`

/** Why another server cannot be started here; null when it can. A portmapper knows only one. */
export async function otherServer(): Promise<string | null> {
  if (!/\b100003\b/.test((await registered()) ?? '')) return null
  return 'an NFS server runs on this machine already; with systemd "systemctl disable --now nfs-ganesha" may end it'
}

/** The portmapper that runs, or one of ours; its port is fixed. */
async function startPortmapper(): Promise<ChildProcess | null> {
  if ((await registered()) !== null) return null
  const process = spawn('rpcbind', ['-f'], { stdio: 'ignore' })
  await until('rpcbind', process, async () => (await registered()) !== null)
  return process
}

/**
 * Start the server, which lets root's ports mount a directory and what is below.
 *
 * @param scratch a directory for its own files
 * @throws when the user is not root, or a program does not start
 */
export async function startNfsPeer(exported: string, scratch: string): Promise<NfsPeer> {
  if (getuid?.() !== 0) throw new Error('an NFS server can be started by root only: run this test as root')
  const portmapper = await startPortmapper()
  const [config, log] = [join(scratch, 'ganesha.conf'), join(scratch, 'ganesha.log')]
  await writeFile(config, configuration(exported, await freePort(), await freePort()))
  const args = ['-F', '-f', config, '-L', log, '-p', join(scratch, 'ganesha.pid')]
  const server = spawn('ganesha.nfsd', args, { stdio: 'ignore' })
  const stop = async (): Promise<void> => {
    await end(server)
    if (portmapper !== null) await end(portmapper)
  }
  try {
    await until('NFS-Ganesha', server, async () =>
      (await readFile(log, 'utf8').catch(() => '')).includes('INITIALIZED'),
    )
  } catch (thrown) {
    await stop()
    throw new Error((await readFile(log, 'utf8').catch(() => '')).slice(-2000), { cause: thrown })
  }
  return { stop }
}
