import t from 'tap'
import { fault } from '../../../../../agent/errors.js'
import { nfsCommands } from '../../../../../agent/uboot/commands/nfs.js'
import { board, lines, VARIABLES } from '../network-fixture.js'

const head = (file: string, address = '0x42000000'): string =>
  `${lines(
    'Using virtio-net#33 device',
    'File transfer via NFS from server 192.168.77.1; our IP address is 192.168.77.58',
    `Filename '${file}'.`,
    `Load address: ${address}`,
  )}Loading: *\b`

const bytes = (size: number): Buffer => Buffer.alloc(size, 'n')
const EXPORTS = {
  '/srv/zImage': bytes(5121),
  '/srv/five': bytes(5120),
  '/srv/empty': bytes(0),
  '/srv/lines': bytes(65 * 5120 + 1),
  '/nfsroot/C0A84D3A.img': bytes(3),
}

t.test('nfs loads a file', async t => {
  const { type, result, machine, network } = board(t, nfsCommands, { exports: EXPORTS })
  t.equal(
    await type('nfs 42000000 192.168.77.1:/srv/zImage'),
    `${head('/srv/zImage')}##\ndone\nBytes transferred = 5121 (1401 hex)\n`,
  )
  t.equal(result(), 0)
  t.equal(machine.env.get('filesize'), '1401')
  t.equal(machine.env.get('fileaddr'), '42000000')
  t.equal(machine.loadAddress, 0x4200_0000)
  t.ok(machine.memory.read(0x4200_0000, 5121).equals(bytes(5121)))
  t.strictSame(network.asked.nfs, [
    { server: '192.168.77.1', path: '/srv/zImage', port: 111, timeoutMs: 2000, retries: 30 },
  ])
})

t.test('nfs draws a mark for every 5 KiB that U-Boot would have asked for, 65 in a line', async t => {
  const { type } = board(t, nfsCommands, { exports: EXPORTS })
  t.match(await type('nfs 42000000 /srv/five'), 'Loading: *\b##\ndone\n', 'it asks once more, at the end')
  const marks = (await type('nfs 50000000 /srv/lines')).split('Loading: *\b')[1]
  t.equal(marks, `${'#'.repeat(65)}\n\t #\ndone\nBytes transferred = 332801 (51401 hex)\n`)
})

t.test('nfs of an empty file changes nothing', async t => {
  const { type, result, machine } = board(t, nfsCommands, { exports: EXPORTS })
  t.equal(await type('nfs 42000000 /srv/empty'), `${head('/srv/empty')}#\ndone\n`)
  t.equal(result(), 0)
  t.equal(machine.env.get('filesize'), undefined)
})

t.test('nfs takes what is not typed from the variables, and makes up a name', async t => {
  const exports = EXPORTS
  const named = board(t, nfsCommands, { exports }, { ...VARIABLES, bootfile: '/srv/five' })
  t.match(await named.type('nfs'), head('/srv/five', '0x40200000'))
  const unnamed = board(t, nfsCommands, { exports })
  const warning = "*** Warning: no boot file name; using '/nfsroot/C0A84D3A.img'\n"
  t.equal(
    await unnamed.type('nfs 42000000'),
    `${warning}${head('/nfsroot/C0A84D3A.img')}#\ndone\nBytes transferred = 3 (3 hex)\n`,
  )
})

t.test('nfs boots what it loaded where autostart says so', async t => {
  const ran: string[] = []
  const shell = { locals: new Map(), run: async (text: string) => ran.push(text) }
  const { type } = board(t, nfsCommands, { exports: EXPORTS }, { ...VARIABLES, autostart: 'yes' }, { shell })
  t.match(await type('nfs 42000000 /srv/five'), 'Automatic boot of image at addr 0x42000000 ...\n')
  t.strictSame(ran, ['bootm 42000000'])
})

t.test('nfs needs a server, and one that answers', async t => {
  const { type, result } = board(t, nfsCommands, { exports: EXPORTS })
  t.match(await type('nfs 42000000 10.0.0.1:/x'), 'ARP Retry count exceeded')
  t.equal(result(), 1)
  const { serverip: _, ...without } = VARIABLES
  t.equal(await board(t, nfsCommands, {}, without).type('nfs'), "*** ERROR: `serverip' not set\n")
})

t.test('nfs says in the words of U-Boot why a file did not come', async t => {
  const what = 'nfs://192.168.77.1/x'
  const cases = [
    [
      fault('NFS_MOUNT', { what, reason: '/: no' }),
      `*** ERROR: Cannot mount\n## fauxboot: ${what}: cannot mount: /: no\n`,
    ],
    [
      fault('NFS_LINK', { what, reason: 'no' }),
      `*** ERROR: Symlink fail\n\ndone\n## fauxboot: ${what}: cannot follow the symbolic link: no\n`,
    ],
    [fault('NFS_READ', { what, reason: 'no' }), `\ndone\n## fauxboot: ${what}: cannot read the file: no\n`],
    [fault('NFS_PROTOCOL', { what, reason: 'no' }), `\ndone\n## fauxboot: ${what}: no\n`],
  ] as const
  for (const [failure, words] of cases) {
    const { type, result } = board(t, nfsCommands, { failure })
    t.equal(await type('nfs 42000000 /x'), head('/x') + words)
    t.equal(result(), 1)
  }
  const missing = board(t, nfsCommands, { exports: {} })
  t.equal(
    await missing.type('nfs 42000000 /x'),
    `${head('/x')}*** ERROR: File lookup fail\n\ndone\n` +
      `## fauxboot: ${what}: cannot look up the file: no such file or directory (2)\n`,
  )
})

t.test('nfs starts again as often as netretry says', async t => {
  const failure = fault('NFS_TIMEOUT', { what: 'nfs://192.168.77.1/x', attempts: 31, received: 0 })
  const { type, result } = board(t, nfsCommands, { failure, timeouts: 2 }, { ...VARIABLES, netretry: 'once' })
  const attempt = `${head('/x')}T T \nRetry count exceeded; starting again\n`
  t.equal(await type('nfs 42000000 /x'), attempt + attempt)
  t.equal(result(), 1)
})

t.test('nfs is ended by ^C', async t => {
  const silent = board(t, nfsCommands)
  const interrupt = new AbortController()
  const typed = silent.type('nfs 42000000 /srv/five', interrupt.signal)
  setImmediate(() => interrupt.abort(new Error('^C')))
  t.equal(await typed, `${head('/srv/five')}T \nAbort\n`)
  t.equal(silent.result(), 1)
})

t.test('nfs refuses to overwrite part of an earlier file before a byte of it is written', async t => {
  const { type, result, machine } = board(t, nfsCommands, { exports: EXPORTS })
  machine.memory.claim(0x4200_1000, 16, 'other')
  machine.memory.write(0x4200_0000, Buffer.from('kept'))
  t.equal(
    await type('nfs 42000000 /srv/five'),
    `${head('/srv/five')}\nNFS error: trying to overwrite reserved memory...\n` +
      "## fauxboot: 'other' at 0x42001000-0x4200100f would be overwritten; load to another address\n",
  )
  t.equal(result(), 1)
  t.equal(machine.memory.read(0x4200_0000, 4).toString(), 'kept')
})

t.test('nfs passes on what it has no words for', async t => {
  const failure = fault('TFTP_PROTOCOL', { what: 'UDP port', reason: 'none' })
  await t.rejects(board(t, nfsCommands, { failure }).type('nfs 42000000 /x'), failure)
  const { type, machine } = board(t, nfsCommands)
  const broken = new Error('broken')
  machine.network.nfsGet = () => Promise.reject(broken)
  await t.rejects(type('nfs 42000000 /x'), broken)
})
