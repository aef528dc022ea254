import t from 'tap'
import type { FdtNode } from '../../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeString } from '../../../../../agent/image/fdt/fdt-query.js'
import { earlyconArgument, hasEarlycon, stdoutPath } from '../../../../../agent/kexec/checks/earlycon.js'
import { encodeStrings, node, type TreeParts, tree } from '../trees.js'

interface UartParts {
  readonly compatible?: readonly string[]
  readonly shift?: number
  readonly ranges?: readonly number[] | null
  readonly alias?: string
  readonly reg?: readonly number[]
}

/** A UART on a bus, like in the A80, at 0x7000000 as seen by the CPU. */
function withUart(parts: UartParts = {}, more: TreeParts = {}) {
  const { compatible = ['snps,dw-apb-uart'], ranges = [0, 0, 0, 0x2000_0000], reg = [0x700_0000, 0x400] } = parts
  const uart = node('serial@7000000', {
    compatible: encodeStrings(compatible),
    reg: encodeCells(reg),
    ...(parts.shift === undefined ? {} : { 'reg-shift': encodeCells([parts.shift]) }),
  })
  const bus: FdtNode = node(
    'soc',
    {
      '#address-cells': encodeCells([1]),
      '#size-cells': encodeCells([1]),
      ...(ranges === null ? {} : { ranges: encodeCells(ranges) }),
    },
    uart,
  )
  const aliases = node('aliases', { serial0: encodeString(parts.alias ?? '/soc/serial@7000000') })
  return tree({ children: [bus, aliases], ...more })
}

const value = (parts: UartParts, cmdline = 'console=tty0 console=ttyS0,115200') =>
  earlyconArgument(withUart(parts), cmdline, true)

t.test('nothing is added unless requested', async t => {
  for (const option of [undefined, false, ''] as const)
    t.equal(earlyconArgument(withUart(), 'console=ttyS0', option), null)
})

t.test('a value is used as given', async t => {
  t.equal(earlyconArgument(null, '', 'pl011,0x9000000'), 'earlycon=pl011,0x9000000')
})

t.test('a command line with an earlycon keeps it', async t => {
  for (const cmdline of ['earlycon', 'a earlycon=x b']) {
    t.equal(hasEarlycon(cmdline), true)
    t.equal(earlyconArgument(withUart(), cmdline, 'pl011,0x9000000'), null)
  }
  t.equal(hasEarlycon('noearlycon earlycons'), false)
})

t.test('with stdout-path, earlycon needs no value', async t => {
  for (const name of ['stdout-path', 'linux,stdout-path']) {
    const fdt = withUart({}, {})
    fdt.root.children.push(node('chosen', { [name]: encodeString('serial0:115200n8') }))
    t.equal(stdoutPath(fdt), 'serial0')
    t.equal(earlyconArgument(fdt, '', true), 'earlycon')
  }
})

t.test('a stdout-path without a node is ignored', async t => {
  const fdt = withUart()
  fdt.root.children.push(node('chosen', { 'stdout-path': encodeString('/nowhere') }))
  t.equal(stdoutPath(fdt), null)
  t.equal(earlyconArgument(fdt, 'console=ttyS0', true), 'earlycon=uart8250,mmio32,0x7000000')
  t.equal(stdoutPath(tree({ chosen: {} })), null)
  t.equal(stdoutPath(tree({})), null)
})

t.test('driver and address come from the UART of the console', async t => {
  t.equal(value({}), 'earlycon=uart8250,mmio32,0x7000000')
  t.equal(value({ compatible: ['ns16550a'] }), 'earlycon=uart8250,mmio,0x7000000')
  t.equal(value({ compatible: ['ns16550'], shift: 2 }), 'earlycon=uart8250,mmio32,0x7000000')
  t.equal(value({ compatible: ['arm,pl011', 'arm,primecell'] }, 'console=ttyAMA0'), 'earlycon=pl011,0x7000000')
  t.equal(value({ ranges: [] }), 'earlycon=uart8250,mmio32,0x7000000', 'a bus with an identity mapping')
  t.equal(value({ ranges: [0x700_0000, 0, 0x4000_0000, 0x1000] }), 'earlycon=uart8250,mmio32,0x40000000')
})

t.test('if anything is missing, nothing is added', async t => {
  t.equal(earlyconArgument(null, 'console=ttyS0', true), null)
  t.equal(value({}, ''), null, 'no console')
  t.equal(value({}, 'console=tty0'), null, 'a screen')
  t.equal(value({}, 'console=ttyS3'), null, 'no such alias')
  t.equal(value({ alias: 'soc' }), null, 'an alias without a path')
  t.equal(value({ alias: '/soc/serial@1' }), null, 'an alias without a node')
  t.equal(value({ alias: '/' }), null, 'an alias of the root')
  t.equal(value({ compatible: ['acme,uart'] }), null, 'a UART without an earlycon')
  t.equal(value({ ranges: null }), null, 'a bus without a mapping to the CPU')
  t.equal(value({ ranges: [0, 0, 0x4000_0000, 0x1000] }), null, 'an address outside the ranges of the bus')
  t.equal(value({ reg: [] }), null, 'a UART without an address')
  t.equal(earlyconArgument(tree({}), 'console=ttyS0', true), null, 'no aliases')
})
