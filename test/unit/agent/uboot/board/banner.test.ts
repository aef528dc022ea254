import t from 'tap'
import { bannerText, versionLine } from '../../../../../agent/uboot/board/banner.js'
import type { BoardFacts } from '../../../../../agent/uboot/board/board-facts.js'
import { CPU_NAMES } from '../../../../../agent/uboot/board/cpu-names.js'
import { plainEnvironment } from '../machine.js'

const GIB = 2 ** 30
const CUBIEBOARD4: BoardFacts = {
  version: 'U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000)',
  identity: 'Allwinner Technology',
  cpu: CPU_NAMES['allwinner,sun9i-a80'] ?? null,
  model: 'Cubietech Cubieboard4',
  dram: [{ start: 0x2000_0000, end: 0x2000_0000 + 2 * GIB }],
  baudrate: 115_200,
  environment: {},
  controlFdt: null,
}
const CONSOLE = plainEnvironment({ stdin: 'serial', stdout: 'serial,vidconsole', stderr: 'serial' })

t.test('the version has its build as U-Boot writes one, in universal time', async t => {
  t.equal(
    versionLine('2026.10-fauxboot', new Date('2026-01-05T08:04:01Z')),
    'U-Boot 2026.10-fauxboot (Jan 05 2026 - 08:04:01 +0000)',
  )
})

t.test('a board comes up with all that is known of it', async t => {
  const devices = [
    { name: 'ethernet@830000', mac: '02:00:00:00:00:01', active: true },
    { name: 'usb_ether', mac: '02:00:00:00:00:02', active: false },
  ]
  t.equal(
    bannerText(CUBIEBOARD4, devices, CONSOLE, 'Loading Environment from MMC... OK'),
    `

U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000) Allwinner Technology

CPU:   Allwinner A80 (SUN9I)
Model: Cubietech Cubieboard4
DRAM:  2 GiB
Loading Environment from MMC... OK
In:    serial
Out:   serial,vidconsole
Err:   serial
Net:   eth0: ethernet@830000, eth1: usb_ether
`,
  )
})

t.test('what is not known of a board has no line, and banks of DRAM are added up', async t => {
  const dram = [
    { start: 0x4000_0000, end: 0x6000_0000 },
    { start: 0x8000_0000, end: 0xa000_0000 },
  ]
  const board = { ...CUBIEBOARD4, identity: '', cpu: null, model: null, dram }
  t.equal(
    bannerText(board, [], plainEnvironment(), 'Loading Environment from nowhere... OK'),
    `

U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000)

DRAM:  1 GiB
Loading Environment from nowhere... OK
In:    serial
Out:   serial
Err:   serial
Net:   No ethernet found.
`,
  )
})
