import t from 'tap'
import { fault } from '../../../../../../agent/errors.js'
import { dhcpCommands } from '../../../../../../agent/uboot/commands/net/dhcp.js'
import { netCommands } from '../../../../../../agent/uboot/commands/net/net.js'
import { nfsCommands } from '../../../../../../agent/uboot/commands/net/nfs.js'
import { pingCommands } from '../../../../../../agent/uboot/commands/net/ping.js'
import { wgetCommands } from '../../../../../../agent/uboot/commands/net/wget.js'
import { board, LEASE, lines, VARIABLES } from '../../network-fixture.js'

const loading = (file: string, address: string): string =>
  `${lines(
    'Using virtio-net#33 device',
    'TFTP from server 192.168.77.1; our IP address is 192.168.77.58',
    `Filename '${file}'.`,
    `Load address: ${address}`,
  )}Loading: *\b`

const BOUND = 'BOOTP broadcast 1\nDHCP client bound to address 192.168.77.58 (0 ms)\n'
const script = Buffer.alloc(142, 'a')

t.test('dhcp whose file is not there keeps nothing but the name of the file', async t => {
  const { type, machine, result } = board(t, dhcpCommands, {}, { loadaddr: '0x40200000' })
  t.equal(
    await type('dhcp'),
    `${BOUND}${loading('default.boot', '0x40200000')}\nTFTP error: 'File not found' (1)\nNot retrying...\n`,
  )
  t.equal(result(), 1)
  t.strictSame(machine.env.names(), ['bootfile', 'loadaddr'])
})

t.test('dhcp without autoload sets the variables of the lease', async t => {
  for (const autoload of ['no', 'n', '0', 'false']) {
    const lease = {
      ...LEASE,
      dns: ['192.168.77.2', '192.168.77.3'],
      hostname: 'board',
      domain: 'lab',
      rootPath: '/nfs',
    }
    const { type, machine, result } = board(t, dhcpCommands, { lease }, { autoload })
    t.equal(await type('dhcp'), BOUND)
    t.equal(result(), 0)
    const set = Object.fromEntries(machine.env.names().map(name => [name, machine.env.get(name)]))
    t.strictSame(set, {
      autoload,
      bootfile: 'default.boot',
      dnsip: '192.168.77.2',
      dnsip2: '192.168.77.3',
      domain: 'lab',
      gatewayip: '192.168.77.1',
      hostname: 'board',
      ipaddr: '192.168.77.58',
      netmask: '255.255.255.0',
      rootpath: '/nfs',
      serverip: '192.168.77.1',
    })
  }
})

t.test('dhcp with a file loads that one, and bootp is the same', async t => {
  for (const name of ['dhcp', 'bootp']) {
    const { type, machine, result } = board(t, dhcpCommands, { files: { f: script } }, {})
    t.equal(
      await type(`${name} 42000000 f`),
      `${BOUND}${loading('f', '0x42000000')}#\ndone\nBytes transferred = 142 (8e hex)\n`,
    )
    t.equal(result(), 0)
    t.equal(machine.env.get('bootfile'), 'f')
    t.equal(machine.env.get('serverip'), '192.168.77.1')
    t.equal(machine.env.get('fileaddr'), '42000000')
  }
})

t.test('dhcp asks with the address in ethaddr', async t => {
  const { type, network } = board(t, dhcpCommands, {}, { autoload: 'no', ethaddr: '02:11:22:33:44:55' })
  await type('dhcp')
  t.strictSame(network.asked.macs, ['02:11:22:33:44:55'])
})

t.test('dhcp without a file from anywhere makes up a name', async t => {
  const { type } = board(t, dhcpCommands, { lease: { ...LEASE, bootFile: null } }, {})
  t.match(await type('dhcp'), "*** Warning: no boot file name; using 'C0A84D3A.img'\n")
})

t.test('dhcp without a server, without ethernet, and with ^C', async t => {
  const silent = board(t, dhcpCommands, { lease: undefined, timeouts: 1 })
  t.equal(await silent.type('dhcp'), 'BOOTP broadcast 1\nBOOTP broadcast 2\n\nRetry time exceeded; starting again\n')
  t.equal(silent.result(), 1)
  t.equal(await board(t, dhcpCommands, { devices: [] }).type('dhcp'), 'No ethernet found.\n')
  t.equal(await board(t, dhcpCommands).type('dhcp', AbortSignal.abort()), 'BOOTP broadcast 1\n\nAbort\n')
})

t.test('dhcp that fails for another reason passes it on', async t => {
  const { type, machine } = board(t, dhcpCommands)
  machine.network.dhcp = async () => {
    throw fault('INTERNAL', { doing: 'it', reason: 'this' })
  }
  await t.rejects(type('dhcp'), { code: 'INTERNAL' })
})

const WAITING = 'virtio-net#33 Waiting for PHY auto negotiation to complete'

t.test('a command waits for the carrier in the words of U-Boot', async t => {
  const world = { carrierAfter: 3 }
  t.equal(await board(t, dhcpCommands, world, { autoload: 'no' }).type('dhcp'), `${WAITING}... done\n${BOUND}`)
  t.match(
    await board(t, pingCommands, world).type('ping 192.168.77.1'),
    `${WAITING}... done\nUsing virtio-net#33 device\n`,
  )
  t.match(await board(t, wgetCommands, world).type('wget /f'), `${WAITING}... done\n`)
})

t.test('a command whose carrier does not come fails', async t => {
  const { type, result } = board(t, dhcpCommands, { carrierAfter: 2, carrierInTime: false })
  t.equal(await type('dhcp'), `${WAITING}.. TIMEOUT !\nCould not initialize PHY virtio-net#33\n`)
  t.equal(result(), 1)
  const none = board(t, pingCommands, { devices: [], carrierAfter: 2 })
  t.equal(
    await none.type('ping 192.168.77.1'),
    ' Waiting for PHY auto negotiation to complete.. TIMEOUT !\nNo ethernet found.\nping failed; host 192.168.77.1 is not alive\n',
  )
})

t.test('^C ends the wait for a carrier', async t => {
  const { type, result } = board(t, dhcpCommands, { carrierAfter: 2 })
  t.equal(await type('dhcp', AbortSignal.abort()), `${WAITING}.user interrupt!\n`)
  t.equal(result(), 1)
  const { type: typed, machine } = board(t, dhcpCommands)
  machine.network.connect = async () => {
    throw fault('INTERNAL', { doing: 'it', reason: 'this' })
  }
  await t.rejects(typed('dhcp'), { code: 'INTERNAL' })
})

t.test('ping', async t => {
  const { type, result, network } = board(t, pingCommands)
  t.equal(await type('ping 192.168.77.1'), 'Using virtio-net#33 device\nhost 192.168.77.1 is alive\n')
  t.equal(result(), 0)
  t.strictSame(network.asked.configured, [{ ip: '192.168.77.58', netmask: '255.255.255.0', gateway: '192.168.77.1' }])
  t.equal(
    await type('ping 192.168.77.200'),
    'Using virtio-net#33 device\n\nARP Retry count exceeded; starting again\nping failed; host 192.168.77.200 is not alive\n',
  )
  t.equal(result(), 1)
  const usage = 'ping - send ICMP ECHO_REQUEST to network host\n\nUsage:\nping pingAddress\n'
  for (const line of ['ping', 'ping foo', 'ping 1.2.3', 'ping 300.1.1.1', 'ping 0.0.0.0'])
    t.equal(await type(line), usage)
  t.equal(
    await board(t, pingCommands, {}, {}).type('ping 1.2.3.4'),
    "*** ERROR: `ipaddr' not set\nping failed; host 1.2.3.4 is not alive\n",
  )
})

t.test('dns', async t => {
  const world = { addresses: { 'lab.example': '10.1.2.3' } }
  const { type, result, machine } = board(t, pingCommands, world, { ...VARIABLES, dnsip: '192.168.77.1' })
  t.equal(await type('dns lab.example'), '10.1.2.3\n')
  t.equal(await type('dns lab.example where'), '10.1.2.3\n')
  t.equal(machine.env.get('where'), '10.1.2.3')
  t.equal(result(), 0)
  t.equal(await type('dns foo'), 'dns lookup of foo failed, check setup\n')
  t.equal(result(), 1)
  t.equal(await type(`dns ${'x'.repeat(255)}`), 'dns error: hostname too long\n')
  t.match(await type('dns'), 'Usage:\ndns hostname [envvar]\n')
  machine.env.set('ipaddr', null)
  t.equal(await type('dns foo'), "*** ERROR: `ipaddr' not set\ndns lookup of foo failed, check setup\n")
  machine.env.set('dnsip', null)
  t.equal(await type('dns foo'), '*** ERROR: DNS server address not given\ndns lookup of foo failed, check setup\n')
})

t.test('dns tells when a variable refuses the address', async t => {
  const { type, machine } = board(
    t,
    pingCommands,
    { addresses: { a: '1.2.3.4' } },
    { ...VARIABLES, dnsip: '192.168.77.1' },
  )
  machine.env.set = () => ['## Error: no']
  t.equal(await type('dns a x'), '1.2.3.4\n## Error: no\n')
})

const FIFTY = '#'.repeat(50)

t.test('wget', async t => {
  const pages = { 'http://192.168.77.1/boot.scr': script, 'http://192.168.77.1:8080/boot.scr': script }
  const { type, result, machine } = board(t, wgetCommands, { pages }, { ...VARIABLES, bootfile: 'boot.scr' })
  const loaded = `${FIFTY}\nPackets received 5, Transfer Successful\nBytes transferred = 142 (8e hex)\n`
  t.equal(await type('wget'), loaded)
  t.equal(machine.env.get('fileaddr'), '40200000')
  t.equal(await type('wget 42000000 192.168.77.1:/boot.scr'), loaded)
  t.equal(machine.env.get('fileaddr'), '42000000')
  t.equal(await type('wget 42000000 http://192.168.77.1/boot.scr'), loaded)
  t.equal(result(), 0)
  t.equal(await type('wget 42000000 http://192.168.77.1/missing'), '\nwget: Transfer Fail, TCP status - 0\n')
  t.equal(result(), 1)
  machine.env.set('httpdstp', '8080')
  t.equal(await type('wget 42000000 /boot.scr'), loaded)
})

t.test('wget draws marks as the file comes', async t => {
  const pages = { 'http://192.168.77.1/f': Buffer.alloc(65_464 * 4) }
  const { type, machine } = board(t, wgetCommands, { pages, tellsSize: true })
  const written: string[] = []
  machine.out.write = text => void written.push(text)
  await type('wget 42000000 /f')
  t.strictSame(
    written.slice(0, 4).map(({ length }) => length),
    [12, 13, 12, 13],
  )
})

t.test('wget without an answer, without settings, with ^C, and with something else', async t => {
  const failure = fault('FETCH_NETWORK', { url: 'u', reason: 'r' })
  t.equal(
    await board(t, wgetCommands, { failure }).type('wget /f'),
    '\nTCP: rx inactivity timeout exceeded\n\nwget: Transfer Fail, TCP status - 1\n',
  )
  t.equal(await board(t, wgetCommands, {}, {}).type('wget /f'), "*** ERROR: `serverip' not set\n")
  t.equal(await board(t, wgetCommands).type('wget /f', AbortSignal.abort()), '\nAbort\n')
  const other = fault('INTERNAL', { doing: 'it', reason: 'this' })
  await t.rejects(board(t, wgetCommands, { failure: other }).type('wget /f'), { code: 'INTERNAL' })
})

t.test('wget of a URL needs no serverip', async t => {
  const pages = { 'https://files.example/f': script }
  const { type } = board(t, wgetCommands, { pages }, { ipaddr: '192.168.77.58' })
  t.match(await type('wget 42000000 https://files.example/f'), 'Transfer Successful')
})

t.test('wget refuses to overwrite part of an earlier file, and an empty file changes nothing', async t => {
  const pages = { 'http://192.168.77.1/f': script, 'http://192.168.77.1/empty': Buffer.alloc(0) }
  const { type, machine } = board(t, wgetCommands, { pages })
  machine.memory.claim(0x4200_0010, 16, 'other')
  t.equal(
    await type('wget 42000000 /f'),
    '\nwget error: trying to overwrite reserved memory...\n' +
      "## fauxboot: 'other' at 0x42000010-0x4200001f would be overwritten; load to another address\n",
  )
  t.equal(await type('wget 42000000 /empty'), `${FIFTY}\nPackets received 4, Transfer Successful\n`)
  t.equal(machine.env.get('filesize'), undefined)
})

t.test('net', async t => {
  const { type, result } = board(t, netCommands)
  t.equal(await type('net list'), 'eth0 : virtio-net#33 52:54:00:12:34:56 active\n')
  t.equal(
    await type('net'),
    'net - NET sub-system\n\nUsage:\nnet list - list available devices\n' +
      'net stats <device> - dump statistics for specified device\n\n',
  )
  t.equal(await type('net stats eth0'), 'Error: cannot get stats\n')
  t.equal(await type('net stats eth1'), 'Failed to find device: eth1\n')
  t.equal(result(), 1)
  t.match(await type('net stats'), 'Usage:')
})

t.test('mii', async t => {
  const { type, result } = board(t, netCommands)
  t.equal(await type('mii info'), 'NULL device name!\nNo such device: <NULL>\n'.repeat(32))
  t.equal(result(), 0)
  t.equal(await type('mii device'), 'MII devices: \n')
  t.equal(await type('mii read 0 1'), 'NULL device name!\nNo such device: <NULL>\n')
  t.equal(result(), 1)
  t.match(await type('mii'), 'mii - MII utility commands\n\nUsage:\nmii device ')
})

t.test('nfs says what to use instead', async t => {
  const { type, result } = board(t, nfsCommands, {}, {})
  t.equal(
    await type('nfs 42000000 192.168.77.1:/srv/zImage'),
    '## fauxboot: nfs loads no files here; use tftp or wget\n',
  )
  t.equal(result(), 1)
})
