/** U-Boot's own tests for boards, at `fauxboot console`. */

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { recordedFiles } from '../replay/recorded-files.js'
import { startPeerServers } from './tftp-peers.js'
import { runUBootTests } from './u-boot-test-py.js'

/** Tests that cannot pass here, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  test_memtest_ddr: 'adds a hexadecimal start to a decimal size: right only where RAM starts at 0',
  test_gpio_pins_input_output_generic: 'wants two pins that a wire connects',
  'test_mmc_info[card]': 'wants speed and width of the bus, which no image file has',
}

/** The TFTP server, at the port that a lease cannot name; on an address of loopback that nobody else uses. */
const SERVER = { address: '127.0.0.70', port: 69 }

/** What U-Boot's tests must have run: without them, something is wrong with the lab. */
const AT_LEAST = 50

/** A menu for the tests of `pxe boot`. */
const MENU = `menu title Linux boot selections
timeout 50
default Linux
label Linux
  menu label Boot kernel
  kernel zImage
  fdt virt.dtb
label install
  menu label Invalid boot
  kernel missing
label local
  menu label Local boot
  localboot 1
label boot
  menu label Empty boot
`

/** What the simulated board prints instead of a kernel's first words. */
const JUMPED = 'a board would now be in the new kernel'

const crc = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(8, '0')

t.test('the board tests of U-Boot pass on the simulated board', async t => {
  const directory = t.testdir({ made: {}, tftp: { 'pxelinux.cfg': { default: MENU }, 'upload.bin': '' } })
  const tftp = join(directory, 'tftp')
  // A kernel, its tree, and both in a FIT.
  const { zImage, 'virt.dtb': tree, 'image.ub': fit } = await recordedFiles(join(directory, 'made'))
  if (zImage === undefined || tree === undefined || fit === undefined) throw new Error('a file was not made')
  const readable = randomBytes(5_058_624)
  const card = randomBytes(1 << 21)
  const files = { 'readable.bin': readable, zImage, 'virt.dtb': tree, 'image.ub': fit, '../card.img': card }
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(tftp, name), bytes)
  await chmod(join(tftp, 'upload.bin'), 0o666)
  const [server] = await startPeerServers(tftp, name => name === 'tftpd-hpa', SERVER)
  if (server === undefined) throw new Error('tftpd-hpa is not there')
  t.teardown(() => server.stop())
  const work = join(directory, 'work')
  await mkdir(work)
  const { results, output } = await runUBootTests({
    directory: work,
    console:
      // A sleep that ends within 10 ms on a busy machine, as test_time wants it, needs a processor when its time is up.
      `nice -n -10 node ${resolve('dist/lava/cli/fauxboot.js')} console --ram 0x40000000+1G --boot-delay 2 ` +
      `--disk ${join(directory, 'card.img')} --server ${SERVER.address} --bootfile default.boot --gpio-high PB6`,
    environment: `
env__net_dhcp_server = True
env__net_static_env_vars = [('ipaddr', '127.0.0.1'), ('netmask', '255.0.0.0'), ('serverip', '${SERVER.address}'),
    ('bootfile', 'default.boot')]
env__net_tftp_readable_file = {'fn': 'readable.bin', 'addr': 0x42000000, 'size': ${readable.length}, 'fnu': 'upload.bin',
    'crc32': '${crc(readable)}'}
env__net_tftp_bootable_file = {'fn': 'image.ub', 'addr': 0x48000000, 'size': ${fit.length}, 'crc32': '${crc(fit)}',
    'pattern': '${JUMPED}', 'config': 'conf-2', 'timeout': 50000}
env__tftp_boot_test_skip = False
env__net_pxe_readable_file = {'fn': 'default', 'addr': 0x42000000, 'size': ${MENU.length}, 'pattern': 'Linux'}
env__net_pxe_bootable_file = {'fn': 'default', 'addr': 0x43200000, 'size': ${MENU.length}, 'pattern': '${JUMPED}',
    'timeout': 50000, 'valid_label': '1', 'invalid_label': '2', 'local_label': '3', 'empty_label': '4',
    'exp_str_invalid': 'Skipping install for failure retrieving',
    'exp_str_local': 'missing environment variable: localcmd', 'exp_str_empty': 'No kernel given, skipping boot',
    'check_pattern': 'ERROR:'}
env__pxe_boot_test_skip = False
env__memtest = {'start_addr': 0x48000000, 'size': 0x1000, 'pattern': 0, 'iteration': 16}
env__sleep_margin = 60
env__reset_test = {'bootmode': 'mmc'}
env__saveenv_test = {'bootmode': 'mmc'}
env__mmc_dev_configs = ({'fixture_id': 'card', 'is_emmc': False, 'devid': 0, 'partid': None},)
env__mmc_rd_configs = (
    {'fixture_id': 'first', 'is_emmc': False, 'devid': 0, 'partid': None, 'sector': 0, 'count': 1,
        'crc32': '${crc(card.subarray(0, 512))}'},
    {'fixture_id': 'large', 'is_emmc': False, 'devid': 0, 'partid': None, 'sector': 0x10, 'count': 0x800,
        'crc32': '${crc(card.subarray(0x2000, 0x2000 + 0x100000))}'},)
env__gpio_dev_config = {'gpio_str_count': 2, 'gpio_str_1': 'PA0', 'gpio_str_2': 'PN31', 'gpio_op_pin': 'PB4',
    'gpio_ip_pin_set': 'PB6', 'gpio_ip_pin_clear': 'PB5', 'gpio_clear_value': 'value is 0',
    'gpio_set_value': 'value is 1', 'gpio_pin_list': ['PC1', 'PC2']}
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
