import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { fetchNfs, type NfsFetchOptions } from '../../agent/transfer/nfs-client.js'
import type { TftpNetwork } from '../../agent/transfer/tftp/peer-socket.js'
import { udpNetwork } from '../../agent/transfer/tftp/udp.js'
import { nfsCommands } from '../../agent/uboot/commands/nfs.js'
import { HostNetwork } from '../../agent/uboot/hardware/network-host.js'
import { call, plainEnvironment, testMachine } from '../unit/agent/uboot/machine.js'
import { seededRandom } from './lossy-proxy.js'
import { ADDRESS, otherServer, startNfsPeer } from './nfs-peer.js'
import { contents, digest } from './tftp-matrix.js'

const MIB = 2 ** 20
const SIZES = [0, 1, 1023, 1024, 1025, 32_767, 32_768, 32_769, MIB + 1, 40 * MIB, 300 * MIB]
const LOSSES = [0.01, 0.05]

const directory = await mkdtemp(join(tmpdir(), 'fauxboot-nfs-'))
const exported = join(directory, 'export')
await mkdir(join(exported, 'boot', 'deep'), { recursive: true })
for (const size of SIZES) await writeFile(join(exported, `get-${size}`), contents(size))
await writeFile(join(exported, 'boot', 'zImage'), contents(MIB))
await writeFile(join(directory, 'outside'), 'not exported')
for (const [link, target] of [
  ['relative', 'boot/zImage'],
  ['absolute', join(exported, 'boot/zImage')],
  ['folder', 'boot'],
  ['boot/deep/up', '../../relative'],
  ['loop', 'loop'],
  ['out', '../outside'],
] as const) {
  await symlink(target, join(exported, link))
}
const skip = (await otherServer()) ?? false
const peer = skip === false ? await startNfsPeer(exported, directory) : null
t.teardown(async () => {
  await peer?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** Load a file. @returns its digest */
async function get(name: string, options: Partial<NfsFetchOptions> = {}): Promise<string> {
  const hash = createHash('sha256')
  await fetchNfs({ server: ADDRESS, path: join(exported, name), ...options }, chunk => void hash.update(chunk))
  return hash.digest('hex')
}

/** The system's UDP, of which a share is lost, comes twice or late, in both directions. */
function impaired(share: number): TftpNetwork {
  const random = seededRandom(share * 1000)
  const pass = (deliver: () => void): void => {
    if (random() < share) return
    if (random() < share) setTimeout(deliver, 5)
    else deliver()
    if (random() < share) deliver()
  }
  return {
    ...udpNetwork,
    async open(options, onDatagram) {
      let open = true
      const port = await udpNetwork.open(options, (datagram, from) => pass(() => onDatagram(datagram, from)))
      return {
        port: port.port,
        bufferBytes: port.bufferBytes,
        unref: () => port.unref(),
        send: (datagram, to) =>
          pass(() => {
            if (open) port.send(datagram, to)
          }),
        close: () => {
          open = false
          port.close()
        },
      }
    },
  }
}

t.test('files of NFS-Ganesha come as they are', { skip }, async t => {
  for (const size of SIZES) {
    const began = performance.now()
    t.equal(await get(`get-${size}`), digest(contents(size)), `${size} bytes`)
    const seconds = (performance.now() - began) / 1000
    if (size >= MIB) t.comment(`${size} bytes: ${(size / MIB / seconds).toFixed(0)} MiB/s`)
  }
})

t.test('and through loss, duplication and delay', { skip }, async t => {
  const whole = digest(contents(MIB + 1))
  for (const share of LOSSES)
    t.equal(await get(`get-${MIB + 1}`, { network: impaired(share) }), whole, `${share * 100} %`)
})

t.test('symbolic links and directories below the export are followed', { skip }, async t => {
  const kernel = digest(contents(MIB))
  for (const name of ['boot/zImage', 'relative', 'absolute', 'folder/zImage', 'boot/deep/up', 'boot/deep/../zImage']) {
    t.equal(await get(name), kernel, name)
  }
})

t.test('what the server refuses is an error of its step', { skip }, async t => {
  for (const [name, code] of [
    ['none', 'NFS_LOOKUP'],
    ['none/file', 'NFS_MOUNT'],
    ['../outside', 'NFS_MOUNT'],
    ['out', 'NFS_MOUNT'],
    ['boot', 'NFS_LINK'],
    ['loop', 'NFS_LINK'],
  ] as const) {
    await t.rejects(get(name), { code }, name)
  }
})

t.test('a cancel ends a transfer in the middle', { skip }, async t => {
  const cancel = new AbortController()
  const reason = new Error('^C')
  let taken = 0
  const options = { server: ADDRESS, path: join(exported, `get-${300 * MIB}`), signal: cancel.signal }
  const fetching = fetchNfs(options, chunk => {
    taken += chunk.length
    if (taken > MIB) cancel.abort(reason)
  })
  await t.rejects(fetching, reason)
  t.ok(taken < 2 * MIB)
})

t.test('nfs typed at the fake U-Boot puts the file into memory', { skip }, async t => {
  const [nfs] = nfsCommands
  const env = plainEnvironment({ ipaddr: '127.0.0.1', serverip: ADDRESS })
  const machine = testMachine(t, { network: new HostNetwork(), env })
  const path = join(exported, 'boot', 'zImage')
  t.equal(await nfs?.run(machine, call(`nfs 42000000 ${path}`)), 0)
  const printed = machine.printed()
  t.match(printed, `Filename '${path}'.\nLoad address: 0x42000000\nLoading: *\b${'#'.repeat(65)}\n\t ###`)
  t.match(printed, /#\ndone\nBytes transferred = 1048576 \(100000 hex\)\n$/)
  t.ok(machine.memory.read(0x4200_0000, MIB).equals(contents(MIB)))
  t.equal(env.get('filesize'), '100000')
  t.equal(await nfs?.run(machine, call(`nfs 43000000 ${exported}/none`)), 1)
  t.match(machine.printed(), 'Loading: *\b*** ERROR: File lookup fail\n\ndone\n## fauxboot: nfs://')
})
