import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { cpio, zImage } from '../unit/agent/kexec/images.js'
import { startPush, type TestPush } from '../unit/agent/tftp/push-fixture.js'
import { type ClientJob, PEER_CLIENTS, type PeerClient } from './tftp-peers.js'

const PATIENCE_MS = 60_000
const SCRIPT = 'setenv bootargs console=ttyAMA0\nbootz kernel ramdisk\n'
const directory = await mkdtemp(join(tmpdir(), 'fauxboot-push-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))

let count = 0

/** What a client said, and whether it ended as one that succeeded. */
interface Said {
  readonly succeeded: boolean
  readonly words: string
}

/** Run a client to its end. */
async function run([program = '', ...args]: readonly string[]): Promise<Said> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { timeout: PATIENCE_MS })
    return { succeeded: true, words: stdout + stderr }
  } catch (thrown) {
    const { stdout, stderr } = thrown as Said & { readonly stdout: string; readonly stderr: string }
    return { succeeded: false, words: stdout + stderr }
  }
}

/** A client of somebody else's. */
function deskOf({ name, get, put }: PeerClient, { jobs }: TestPush) {
  const job = (remote: string, local: string): ClientJob => {
    return { port: jobs.port, remote, local, blockSize: 1468, windowSize: 1 }
  }
  const file = (): string => join(directory, `${name.replace(/\W/g, '-')}-${++count}`)
  return {
    async put(remote: string, content: string | Uint8Array): Promise<Said> {
      const local = file()
      await writeFile(local, content)
      return run(put(job(remote, local)))
    },
    async get(remote: string): Promise<string> {
      const local = file()
      await run(get(job(remote, local)))
      return readFile(local, 'utf8')
    },
    refusedGet: (remote: string): Promise<Said> => run(get(job(remote, file()))),
  }
}

/**
 * A client that was refused something tells its user: by how it ends, or in our words. tftp-hpa's ends with 0 whatever
 * happens; busybox's, when the last block is refused.
 */
function hears(t: Test, { succeeded, words }: Said, expected: RegExp): void {
  if (succeeded) t.match(words, expected)
  else t.notOk(succeeded, `it ends as failed: ${words.trim()}`)
}

for (const client of PEER_CLIENTS) {
  t.test(`${client.name} pushes a job, follows it, and hears what is refused`, async (t: Test) => {
    const push = await startPush(t)
    const { put, get, refusedGet } = deskOf(client, push)
    t.match(await put('nightly/kernel', zImage()), { succeeded: true })
    t.match(await put('nightly/ramdisk', cpio(300_000)), { succeeded: true })
    t.same(
      (await push.board.boot.artifacts.list()).map(({ name, size }) => [name, size]),
      [
        ['nightly.kernel', zImage().length],
        ['nightly.ramdisk', cpio(300_000).length],
      ],
    )
    hears(t, await put('nightly/boot.scr', 'reset\n'), /boot.scr line 1 has the command "reset"/)
    hears(t, await put('../kernel', zImage()), /'..\/kernel' cannot be written/)
    t.same(push.board.boot.list(), [])
    t.match(await put('nightly/boot.scr', SCRIPT), { succeeded: true })
    const { id } = await push.ended('nightly')
    t.match(JSON.parse(await get('nightly/status.json')), { id, origin: 'tftp', name: 'nightly' })
    t.equal(await get('nightly/log'), push.board.boot.log(id))
    t.match(JSON.parse(await get('nightly/plan.json')), JSON.parse(JSON.stringify(push.board.boot.plan(id))))
    hears(t, await refusedGet('other/log'), /there is no job other/)
  })
}

t.test('a client in mode netascii gets an error with the remedy', async t => {
  const { jobs, board } = await startPush(t)
  const local = join(directory, 'text')
  await writeFile(local, SCRIPT)
  const { words } = await run(['tftp', '-m', 'ascii', '127.0.0.1', String(jobs.port), '-c', 'put', local, 'a/boot.scr'])
  t.match(words, /only mode octet is served, set your client to binary/)
  t.same(board.boot.list(), [])
})
