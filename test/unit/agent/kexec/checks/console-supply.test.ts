import t from 'tap'
import { encodeCells, encodeString } from '../../../../../agent/image/fdt/fdt-query.js'
import { consoleSupply } from '../../../../../agent/kexec/checks/console-supply.js'
import { encodeStrings, node, type TreeParts, tree } from '../trees.js'

interface Parts {
  readonly pins?: readonly string[]
  readonly supply?: string
  readonly group?: number
}

/** The UART of an A80 and its pins. */
function board({ pins = ['PH12', 'PH13'], supply = 'vcc-ph-supply', group = 7 }: Parts = {}): TreeParts {
  const uartPins = node('uart0-ph-pins', { pins: encodeStrings(pins), phandle: encodeCells([7]) })
  return {
    chosen: { 'stdout-path': encodeString('serial0:115200n8') },
    children: [
      node('aliases', { serial0: encodeString('/soc/serial@7000000') }),
      node(
        'soc',
        {},
        node(
          'pinctrl@6000800',
          { [supply]: encodeCells([9]) },
          node('gmac-pins', { phandle: encodeCells([6]) }),
          uartPins,
        ),
        node('serial@7000000', { 'pinctrl-0': encodeCells([group]) }),
      ),
    ],
  }
}

t.test("the console's pins have a supply, whether the command line or the tree names the console", async t => {
  t.equal(consoleSupply(tree(board()), 'console=tty0 console=ttyS0,115200'), 'vcc-ph-supply')
  t.equal(consoleSupply(tree(board()), 'quiet'), 'vcc-ph-supply')
})

t.test('there is no supply for other banks, other consoles, and pins that are not found', async t => {
  for (const [title, parts, cmdline] of [
    ['the supply of another bank', { supply: 'vcc-pa-supply' }, ''],
    ['a console without a node', {}, 'console=ttyS3,115200'],
    ['pins of another form', { pins: ['gpio12'] }, ''],
    ['pins that are missing', { group: 99 }, ''],
  ] as const) {
    t.equal(consoleSupply(tree(board(parts)), cmdline), null, title)
  }
  t.equal(consoleSupply(tree({}), ''), null, 'a tree without a console')
})
