import t, { type Test } from 'tap'
import type { BoardFacts } from '../../../../../../agent/uboot/board/board-facts.js'
import { bdinfoCommands } from '../../../../../../agent/uboot/commands/board/bdinfo.js'
import { dtbOf } from '../../../image/fdt/dtb.js'
import { DRAM } from '../../machine.js'
import { bench } from '../../run-command.js'

const TREE = `/ {
  chosen { stdout-path = "/serial@9000000:115200n8"; };
  serial@9000000 { };
};`

const boardOf = (controlFdt: Uint8Array | null): BoardFacts => ({
  version: 'U-Boot',
  identity: '',
  cpu: null,
  model: null,
  dram: DRAM,
  baudrate: 115_200,
  environment: {},
  controlFdt,
})

function setUp(t: Test, tree: Uint8Array | null) {
  const it = bench(t, bdinfoCommands, { board: boardOf(tree) })
  const devices = async () => [{ name: 'virtio-net#33', mac: '52:54:00:12:34:56', active: true }]
  return {
    ...it,
    withNetwork: bench(t, bdinfoCommands, { board: boardOf(tree), network: { ...it.machine.network, devices } }),
  }
}

t.test('bdinfo tells of memory, network and console', async t => {
  const { type } = setUp(t, dtbOf(TREE)).withNetwork
  t.equal(
    await type('bdinfo'),
    `boot_params = 0x00000000
DRAM bank   = 0x00000000
-> start    = 0x40000000
-> size     = 0x40000000
flashstart  = 0x00000000
flashsize   = 0x00000000
flashoffset = 0x00000000
baudrate    = 115200 bps
relocaddr   = 0x7f6e3000
reloc off   = 0x7f6e3000
Build       = 32-bit
current eth = virtio-net#33
ethaddr     = (not set)
IP addr     = <NULL>
fdt_blob    = 0x7e5a2e70
lmb_dump_all:
 memory.count = 0x1
 memory[0]	[0x40000000-0x7fffffff], 0x40000000 bytes, flags: none
 reserved.count = 0x2
 reserved[0]	[0x7d578000-0x7d580fff], 0x9000 bytes, flags: no-notify, no-overwrite
 reserved[1]	[0x7d581fe0-0x7fffffff], 0x2a7e020 bytes, flags: no-overwrite
devicetree  = board
serial addr = 0x09000000
 width      = 0x00000004
 shift      = 0x00000002
 offset     = 0x00000000
 clock      = 0x00000000
arch_number = 0x00000000
TLB addr    = 0x7fff0000
irq_sp      = 0x7e581ff0
sp start    = 0x7e581fe0
Early malloc usage: 1030 / 2000
`,
  )
})

t.test('bdinfo says what the variables say', async t => {
  const { type, machine } = setUp(t, null)
  machine.env.set('fdtcontroladdr', '7e5a0000')
  machine.env.set('ipaddr', '10.0.2.15')
  const text = await type('bdinfo')
  t.match(text, /\nBuild {7}= 32-bit\nIP addr {5}= 10\.0\.2\.15\nfdt_blob {4}= 0x7e5a0000\n/)
  t.match(text, /\nserial addr = 0x00000000\n/)
})

t.test('coninfo lists the console where it is used', async t => {
  const { type, machine } = setUp(t, dtbOf(TREE))
  t.equal(
    await type('coninfo'),
    `List of available devices
|-- serial@9000000 (IO)
|-- serial (IO)
|   |-- stdin
|   |-- stdout
|   |-- stderr
|-- nulldev (IO)
`,
  )
  machine.env.set('stderr', 'nulldev')
  t.notMatch(await type('coninfo'), /stderr/)
  t.match(await setUp(t, null).type('coninfo'), /devices\n\|-- serial \(IO\)\n/)
  t.match(await setUp(t, dtbOf('/ { };')).type('coninfo'), /devices\n\|-- serial \(IO\)\n/)
})
