import t from 'tap'
import { fault } from '../../../../../../agent/errors.js'
import { tftpCommands } from '../../../../../../agent/uboot/commands/net/tftp.js'
import { board, lines, VARIABLES } from '../../network-fixture.js'

/** Lines of marks as they stand behind `Loading: *\b`, and under each other. */
const marks = (count: number): string =>
  Array.from({ length: Math.ceil(count / 65) }, (_, row) => '#'.repeat(Math.min(65, count - row * 65))).join('\n\t ')

const transfer = (file: string, address: string, rest: string): string =>
  `${lines(
    'Using virtio-net#33 device',
    'TFTP from server 192.168.77.1; our IP address is 192.168.77.58',
    `Filename '${file}'.`,
    `Load address: ${address}`,
  )}Loading: *\b${rest}`

const script = Buffer.from('echo from a script\n'.padEnd(142, '#'))
const big = Buffer.alloc(5_058_624, 'ab')

t.test('tftpboot prints what U-Boot prints and tells where the file is', async t => {
  const { type, machine, result } = board(t, tftpCommands, { files: { 'ubtest-readable.bin': big } })
  t.equal(
    await type('tftpboot 42000000 ubtest-readable.bin'),
    transfer('ubtest-readable.bin', '0x42000000', `${marks(345)}\ndone\nBytes transferred = 5058624 (4d3040 hex)\n`),
  )
  t.equal(result(), 0)
  t.equal(machine.env.get('filesize'), '4d3040')
  t.equal(machine.env.get('fileaddr'), '42000000')
  t.equal(machine.state.loadAddress, 0x4200_0000)
  t.strictSame(machine.memory.read(0x4200_0000, big.length), big)
})

t.test('the rate stands between the marks and done, whatever happens to the clock', async t => {
  let ticks = 0
  const clock = {
    ticks() {
      ticks += 310
      return ticks
    },
    // A time server sets it during the transfer.
    now: () => new Date(ticks === 0 ? '2046-11-26T21:00:00Z' : '2026-11-26T21:00:00Z'),
  }
  const { type } = board(t, tftpCommands, { files: { 'ubtest-readable.bin': big } }, VARIABLES, clock)
  t.match(await type('tftpboot 42000000 ubtest-readable.bin'), '\n\t 15.6 MiB/s\ndone\n')
})

t.test('marks are those of the block size that tftpblocksize says, even after it is deleted', async t => {
  const { type, machine, network } = board(t, tftpCommands, { files: { 'ubtest-readable.bin': big } })
  machine.env.set('tftpblocksize', '512')
  const text = transfer(
    'ubtest-readable.bin',
    '0x42000000',
    `${marks(989)}\ndone\nBytes transferred = 5058624 (4d3040 hex)\n`,
  )
  t.equal(await type('tftpboot 42000000 ubtest-readable.bin'), text)
  machine.env.set('tftpblocksize', null)
  t.equal(await type('tftpboot 42000000 ubtest-readable.bin'), text)
  t.strictSame(
    network.asked.tftp.map(({ blockSize }) => blockSize),
    [512, null],
  )
})

t.test('marks are those of the server when it takes only small blocks', async t => {
  const { type } = board(t, tftpCommands, { files: { 'ubtest-readable.bin': big }, blockSize: 512 })
  t.match(await type('tftpboot 42000000 ubtest-readable.bin'), `*\b${marks(989)}\ndone\n`)
})

t.test('tftp is a command of its own with the usage under its name', async t => {
  const { type, result } = board(t, tftpCommands, { files: { 'boot.scr': script } })
  t.equal(
    await type('tftp 0x42000000 boot.scr'),
    transfer('boot.scr', '0x42000000', '#\ndone\nBytes transferred = 142 (8e hex)\n'),
  )
  t.equal(
    await type('tftp 42000000 a b'),
    'tftp - load file via network using TFTP protocol\n\nUsage:\ntftp [loadAddress] [[hostIPaddr:]bootfilename]\n',
  )
  t.not(result(), 0)
})

t.test('what is left out comes from loadaddr and bootfile', async t => {
  const { type, machine } = board(t, tftpCommands, { files: { 'boot.scr': script } })
  const loaded = '#\ndone\nBytes transferred = 142 (8e hex)\n'
  t.equal(await type('tftpboot boot.scr'), transfer('boot.scr', '0x40200000', loaded))
  const unnamed = "\nTFTP error: 'File not found' (1)\nNot retrying...\n"
  t.equal(
    await type('tftpboot 42000000'),
    `*** Warning: no boot file name; using 'C0A84D3A.img'\n${transfer('C0A84D3A.img', '0x42000000', unnamed)}`,
  )
  machine.env.set('bootfile', 'boot.scr')
  t.equal(await type('tftpboot'), transfer('boot.scr', '0x40200000', loaded))
})

t.test('a server on the command line stands for serverip', async t => {
  const { type, network, machine } = board(t, tftpCommands, { files: { 'boot.scr': script } })
  machine.env.set('serverip', null)
  t.match(await type('tftpboot 42000000 192.168.77.1:boot.scr'), "Filename 'boot.scr'.")
  t.equal(network.asked.tftp[0]?.server, '192.168.77.1')
  t.equal(await type('tftpboot 42000000 boot.scr'), "*** ERROR: `serverip' not set\n")
})

t.test('an answer over the gateway is announced', async t => {
  const { type } = board(t, tftpCommands, { files: { f: script }, hosts: ['10.0.0.9'] })
  t.match(
    await type('tftpboot 42000000 10.0.0.9:f'),
    'TFTP from server 10.0.0.9; our IP address is 192.168.77.58; sending through gateway 192.168.77.1\n',
  )
})

t.test('a board without address, and one without ethernet, say so', async t => {
  t.equal(
    await board(t, tftpCommands, {}, { serverip: '192.168.77.1' }).type('tftpboot f'),
    "*** ERROR: `ipaddr' not set\n",
  )
  t.equal(await board(t, tftpCommands, { devices: [] }).type('tftpboot f'), 'No ethernet found.\n')
})

t.test('a server that has other words for a missing file is quoted, and the words that LAVA knows follow', async t => {
  const failure = fault('TFTP_REFUSED', { what: 'f', text: 'No such file or directory', number: 1 })
  t.equal(
    await board(t, tftpCommands, { failure }).type('tftpboot 42000000 f'),
    transfer(
      'f',
      '0x42000000',
      "\nTFTP error: 'No such file or directory' (1)\nNot retrying...\n## fauxboot: File not found\n",
    ),
  )
})

t.test('a file that is not there is not tried again', async t => {
  const { type, result, machine } = board(t, tftpCommands)
  machine.env.set('netretry', 'once')
  t.equal(
    await type('tftpboot 42000000 missing.bin'),
    transfer('missing.bin', '0x42000000', "\nTFTP error: 'File not found' (1)\nNot retrying...\n"),
  )
  t.equal(result(), 1)
  t.equal(machine.state.loadAddress, 0x4200_0000, 'image commands look there all the same')
})

t.test('other errors of the server start again as often as netretry says', async t => {
  const failure = fault('TFTP_REFUSED', { what: 'f', text: 'Disk full', number: 3 })
  const { type, machine } = board(t, tftpCommands, { failure })
  const once = transfer('f', '0x42000000', "\nTFTP error: 'Disk full' (3)\nStarting again\n\n")
  t.equal(await type('tftpboot 42000000 f'), once)
  machine.env.set('netretry', 'once')
  t.equal(await type('tftpboot 42000000 f'), once + once)
  machine.env.set('netretry', '2')
  t.equal(await type('tftpboot 42000000 f'), once + once + once)
})

t.test('silence draws T and ends with the retry count', async t => {
  const failure = fault('TFTP_TIMEOUT', { what: 'f', attempts: 3, received: 0 })
  const { type, machine } = board(t, tftpCommands, { failure, timeouts: 2 })
  t.equal(
    await type('tftpboot 42000000 f'),
    transfer('f', '0x42000000', 'T T \nRetry count exceeded; starting again\n'),
  )
  machine.env.set('tftptimeout', '10')
  t.match(await type('tftpboot 42000000 f'), 'TFTP timeout (10 ms) too low, set min = 1000 ms\n')
})

t.test('a host that does not answer ARP fails without another attempt', async t => {
  const { type, result, machine } = board(t, tftpCommands)
  machine.env.set('netretry', 'once')
  t.equal(
    await type('tftpboot 42000000 192.168.77.200:boot.scr'),
    transfer('boot.scr', '0x42000000', '\nARP Retry count exceeded; starting again\n').replace(
      'server 192.168.77.1;',
      'server 192.168.77.200;',
    ),
  )
  t.equal(result(), 1)
})

t.test('a vanished server is reported with the reason', async t => {
  const failure = fault('TFTP_PROTOCOL', { what: 'f', reason: 'the port is closed' })
  t.equal(
    await board(t, tftpCommands, { failure }).type('tftpboot 42000000 f'),
    transfer(
      'f',
      '0x42000000',
      '\nTFTP server died; starting again\n## fauxboot: f: the port is closed; ' +
        "check the server's name, port and log\n",
    ),
  )
})

t.test('other errors are not the business of a transfer', async t => {
  const { type } = board(t, tftpCommands, { failure: fault('INTERNAL', { doing: 'it', reason: 'this' }) })
  await t.rejects(type('tftpboot 42000000 f'), { code: 'INTERNAL' })
  await t.rejects(type('tftpput 42000000 10 f'), { code: 'INTERNAL' })
})

t.test('^C aborts and the command fails', async t => {
  const { type, result } = board(t, tftpCommands)
  t.equal(
    await type('tftpboot 42000000 boot.scr', AbortSignal.abort()),
    transfer('boot.scr', '0x42000000', '\nAbort\n'),
  )
  t.equal(result(), 1)
})

const NOT_DRAM = '## fauxboot: 0x8e bytes at 0x0 are not DRAM; DRAM is 0x40000000-0x7fffffff\n'

t.test(
  'a file that would lie outside DRAM is refused at its first block, and the ranges of DRAM are printed',
  async t => {
    const { type, result } = board(t, tftpCommands, { files: { 'boot.scr': script } })
    t.equal(
      await type('tftpboot zz boot.scr'),
      transfer('boot.scr', '0x0', `#\nTFTP error: trying to overwrite reserved memory...\n${NOT_DRAM}`),
    )
    t.equal(result(), 1)
  },
)

const overlap =
  '\nTFTP error: trying to overwrite reserved memory...\n' +
  "## fauxboot: 'dtb' at 0x43000000-0x4300008d would be overwritten; load to another address\n"

t.test('a file that would overwrite part of another one is refused before a byte of it is written', async t => {
  const files = { zImage: Buffer.alloc(0x100_0001, 1), dtb: script }
  const { type, machine, result } = board(t, tftpCommands, { files, tellsSize: true })
  await type('tftp 43000000 dtb')
  t.equal(await type('tftp 42000000 zImage'), transfer('zImage', '0x42000000', `#${overlap}`))
  t.equal(result(), 1)
  t.strictSame(machine.memory.read(0x4200_0000, 4), Buffer.alloc(4))
  t.equal(machine.env.get('fileaddr'), '43000000')
})

t.test('without its size such a file is refused where it reaches the other one', async t => {
  const files = { zImage: Buffer.alloc(0x100_0001, 1), dtb: script }
  const { type, machine } = board(t, tftpCommands, { files })
  await type('tftp 43000000 dtb')
  t.ok((await type('tftp 42000000 zImage')).endsWith(overlap))
  t.strictSame(machine.memory.read(0x4300_0000, script.length), script)
})

t.test('the same file may be loaded again, and a longer one over its start', async t => {
  const { type, result } = board(t, tftpCommands, { files: { f: script, g: Buffer.alloc(3000) } })
  for (const line of ['tftp 42000000 f', 'tftp 42000000 f', 'tftp 42000000 g']) {
    await type(line)
    t.equal(result(), 0, line)
  }
})

t.test('an empty file is a success that changes nothing', async t => {
  const { type, machine, result } = board(t, tftpCommands, { files: { empty: Buffer.alloc(0) } })
  t.equal(await type('tftp 42000000 empty'), transfer('empty', '0x42000000', '#\ndone\n'))
  t.equal(result(), 0)
  t.equal(machine.env.get('filesize'), undefined)
})

t.test('autostart boots what was loaded', async t => {
  const ran: string[] = []
  const shell = { locals: new Map(), run: async (text: string) => ran.push(text) }
  const { type, machine, result } = board(t, tftpCommands, { files: { f: script } }, VARIABLES, { shell })
  machine.env.set('autostart', 'yes')
  t.match(await type('tftp 42000000 f'), 'Automatic boot of image at addr 0x42000000 ...\n')
  t.strictSame(ran, ['bootm 42000000'])
  t.equal(result(), 1)
})

const saving = (file: string, size: string): string =>
  `${lines(
    'Using virtio-net#33 device',
    'TFTP to server 192.168.77.1; our IP address is 192.168.77.58',
    `Filename '${file}'.`,
    'Save address: 0x42000000',
    `Save size:    ${size}`,
  )}Saving: *\b`

t.test('tftpput sends memory', async t => {
  const { type, machine, network, result } = board(t, tftpCommands)
  machine.memory.write(0x4200_0000, script)
  t.equal(
    await type('tftpput 42000000 100 192.168.77.1:up.bin'),
    `${saving('up.bin', '0x100')}\ndone\nBytes transferred = 256 (100 hex)\n`,
  )
  t.equal(result(), 0)
  t.strictSame(network.asked.uploads.get('up.bin')?.subarray(0, script.length), script)
  t.equal(machine.env.get('filesize'), '100')
})

t.test('tftpput draws a mark when every tenth block from the eleventh goes out', async t => {
  const { type, machine } = board(t, tftpCommands, { blockSize: 512 })
  machine.env.set('bootfile', 'up.bin')
  t.equal(
    await type('tftpput 42000000 4000'),
    `${saving('up.bin', '0x4000')}###\ndone\nBytes transferred = 16384 (4000 hex)\n`,
  )
})

t.test('tftpput says what is wrong', async t => {
  const usage =
    'tftpput - TFTP put command, for uploading files to a server\n\nUsage:\ntftpput Address Size [[hostIPaddr:]filename]\n'
  const { type, result } = board(t, tftpCommands)
  t.equal(await type('tftpput'), usage)
  t.equal(await type('tftpput 42000000 zz f'), `Invalid address/size\n${usage}`)
  t.match(await type('tftpput 42000000 0 10.0.0.7:f'), 'ARP Retry count exceeded')
  t.equal(result(), 1)
  t.equal(await board(t, tftpCommands, { devices: [] }).type('tftpput 42000000 10 f'), 'No ethernet found.\n')
  await t.rejects(type('tftpput 10 10 f'), { code: 'UBOOT_MEMORY' }, 'memory that is not there')
})

t.test('tftpput without a name makes one up, and reports the error of the server', async t => {
  const failure = fault('TFTP_REFUSED', { what: 'f', text: 'Access violation', number: 2 })
  t.equal(
    await board(t, tftpCommands, { failure }).type('tftpput 42000000 10'),
    `${saving('C0A84D3A.img', '0x10')}\nTFTP error: 'Access violation' (2)\nNot retrying...\n`,
  )
})

t.test('^C during tftpput aborts', async t => {
  const { type } = board(t, tftpCommands)
  t.equal(await type('tftpput 42000000 10 f', AbortSignal.abort()), `${saving('f', '0x10')}\nAbort\n`)
})

t.test('tftpsrv receives a file into memory', async t => {
  const { type, machine, result } = board(t, tftpCommands, { files: { any: script } })
  const head = 'Using virtio-net#33 device\nListening for TFTP transfer on 192.168.77.58\n'
  t.equal(
    await type('tftpsrv 42000000'),
    `${head}Load address: 0x42000000\nLoading: *\b#\ndone\nBytes transferred = 142 (8e hex)\n`,
  )
  t.strictSame(machine.memory.read(0x4200_0000, script.length), script)
  t.match(await type('tftpsrv'), 'Load address: 0x40200000\n')
  t.equal(result(), 0)
})

t.test('tftpsrv listens on the port of TFTP, whatever the variables say', async t => {
  const { type, network } = board(t, tftpCommands, { files: { any: script } }, { ...VARIABLES, tftpdstp: '6969' })
  await type('tftpsrv 42000000')
  t.match(network.asked.tftp, [{ port: 69 }])
})

t.test('tftpsrv fails without a client, an address or a device', async t => {
  t.match(await board(t, tftpCommands).type('tftpsrv'), 'Retry count exceeded; starting again\n')
  t.equal(await board(t, tftpCommands, {}, {}).type('tftpsrv'), "*** ERROR: `ipaddr' not set\n")
  t.equal(await board(t, tftpCommands, { devices: [] }).type('tftpsrv'), 'No ethernet found.\n')
})
