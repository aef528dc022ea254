/** U-Boot's own tests for boards, at `fauxboot console`. */

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { startPeerServers } from './tftp-peers.js'
import { runUBootTests } from './u-boot-test-py.js'

/** Tests that cannot pass here, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  test_memtest_ddr: 'adds a hexadecimal start to a decimal size: right only where RAM starts at 0',
  test_time: 'asserts that a sleep of 10 s ends within 10 ms: not on a busy machine',
}

/** What U-Boot's tests must have run: without them, something is wrong with the lab. */
const AT_LEAST = 35

t.test('the board tests of U-Boot pass on the simulated board', async t => {
  const directory = t.testdir({ tftp: { 'pxelinux.cfg': { default: 'default Linux\n' }, 'upload.bin': '' } })
  const tftp = join(directory, 'tftp')
  const readable = randomBytes(5_058_624)
  await writeFile(join(tftp, 'readable.bin'), readable)
  await chmod(join(tftp, 'upload.bin'), 0o666)
  const [server] = await startPeerServers(tftp, name => name === 'tftpd-hpa')
  if (server === undefined) throw new Error('tftpd-hpa is not there')
  t.teardown(() => server.stop())
  const work = join(directory, 'work')
  await mkdir(work)
  const { results, output } = await runUBootTests({
    directory: work,
    console: `node ${resolve('dist/lava/cli/fauxboot.js')} console --ram 0x20000000+2G --boot-delay 2`,
    environment: `
env__net_static_env_vars = [('ipaddr', '127.0.0.1'), ('netmask', '255.0.0.0'), ('serverip', '127.0.0.1'),
    ('tftpdstp', '${server.port}'), ('bootfile', 'default.boot')]
file = {'fn': 'readable.bin', 'addr': 0x42000000, 'size': ${readable.length}, 'fnu': 'upload.bin',
    'crc32': '${crc32(readable).toString(16).padStart(8, '0')}'}
env__net_tftp_readable_file = file
env__net_pxe_readable_file = {'fn': 'default', 'addr': 0x42000000, 'pattern': 'Linux'}
env__memtest = {'start_addr': 0x48000000, 'size': 0x1000, 'pattern': 0, 'iteration': 16}
env__sleep_margin = 60
env__reset_test = {'bootmode': 'mmc'}
env__saveenv_test = {'bootmode': 'mmc'}
`,
  })
  for (const { name, outcome, reason } of results) {
    const impossible = NOT_HERE[name]
    if (outcome === 'skipped' || impossible !== undefined) t.pass(name, { skip: impossible ?? reason })
    else t.equal(outcome, 'passed', name, { reason })
  }
  t.ok(results.filter(({ outcome }) => outcome === 'passed').length >= AT_LEAST, `at least ${AT_LEAST} passed`, {
    output,
  })
})
