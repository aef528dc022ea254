import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Fdt, parseFdt, writeFdt } from '../../../../../agent/image/fdt/fdt.js'
import { applyOverlay } from '../../../../../agent/image/fdt/fdt-overlay.js'
import {
  encodeCells,
  encodeString,
  findNode,
  propCells,
  propString,
  setProperty,
} from '../../../../../agent/image/fdt/fdt-query.js'
import { needs, peer } from '../../../../peer.js'
import { assertOnlyFaults } from '../only-faults.js'
import { dtbOf, dtboOf, fdtOf, sourceOf } from './dtb.js'

const BASE = `/ {
  #address-cells = <1>;
  #size-cells = <1>;
  intc: interrupt-controller@1000 { reg = <0x1000 0x100>; interrupt-controller; #interrupt-cells = <1>; };
  soc {
    #address-cells = <1>;
    #size-cells = <1>;
    uart0: serial@2000 { reg = <0x2000 0x100>; interrupt-parent = <&intc>; status = "disabled"; };
    gpio: gpio@3000 { reg = <0x3000 0x100>; gpio-controller; #gpio-cells = <2>; };
  };
};`

const OVERLAY = `
&uart0 {
  status = "okay";
  pinctrl-0 = <&pins &gpio 1 2>;
  device: bluetooth { uart = <&uart0>; pins = <&pins>; self = <&device>; };
};
&{/soc} { pins: pins { groups = <1 2>; }; };
&{/} { regulator: regulator { supply = <&regulator>; }; };
`

/** The result of fdtoverlay, as source. */
function fdtoverlay(t: Test, base: Uint8Array, overlays: readonly Uint8Array[]): string {
  const directory = t.testdir()
  writeFileSync(join(directory, 'base'), base)
  for (const [i, overlay] of overlays.entries()) writeFileSync(join(directory, `${i}`), overlay)
  peer('fdtoverlay', ['-i', 'base', '-o', 'out', ...overlays.map((_, i) => `${i}`)], undefined, directory)
  return sourceOf(peer('cat', ['out'], undefined, directory))
}

const applied = (base: string, overlay: string): Fdt => applyOverlay(fdtOf(base), parseFdt(dtboOf(overlay)))
const at = (fdt: Fdt, path: string) => {
  const node = findNode(fdt, path)
  if (node === null) throw new Error(`no ${path}`)
  return node
}

t.test('the result is the same as that of fdtoverlay', needs('fdtoverlay'), async t => {
  const base = dtbOf(BASE)
  const overlay = dtboOf(OVERLAY)
  const ours = writeFdt(applyOverlay(parseFdt(base), parseFdt(overlay)))
  t.equal(sourceOf(ours), fdtoverlay(t, base, [overlay]))
})

t.test('an overlay may refer to labels of the one before it', needs('fdtoverlay'), async t => {
  const base = dtbOf(BASE)
  const overlays = [dtboOf(OVERLAY), dtboOf('&device { gpios = <&gpio 3 4>; supply = <&regulator>; };')]
  const ours = overlays.reduce((fdt, overlay) => applyOverlay(fdt, parseFdt(overlay)), parseFdt(base))
  t.equal(sourceOf(writeFdt(ours)), fdtoverlay(t, base, overlays))
})

t.test('neither tree is changed', async t => {
  const base = fdtOf(BASE)
  const overlay = parseFdt(dtboOf(OVERLAY))
  const before = [writeFdt(base), writeFdt(overlay)]
  applyOverlay(base, overlay)
  t.same([writeFdt(base), writeFdt(overlay)], before)
})

t.test('a phandle of the base stays if the overlay labels the same node', async t => {
  const fdt = applied(BASE, '&{/soc} { again: gpio@3000 { extra = <&again>; }; };')
  const gpio = at(fdt, '/soc/gpio@3000')
  t.strictSame(propCells(gpio, 'phandle'), propCells(at(fdtOf(BASE), '/soc/gpio@3000'), 'phandle'))
  t.strictSame(propCells(gpio, 'extra'), propCells(gpio, 'phandle'))
})

t.test('a node without a phandle gets the one of the overlay', async t => {
  const fdt = applied(BASE, '&{/} { bus: soc { }; user { bus = <&bus>; }; };')
  t.ok(propCells(at(fdt, '/soc'), 'phandle'))
  t.strictSame(propCells(at(fdt, '/user'), 'bus'), propCells(at(fdt, '/soc'), 'phandle'))
})

t.test('a fragment may target a node that an earlier fragment added', async t => {
  const fdt = applied(
    '/ { };',
    `/ {
      fragment@0 { target-path = "/"; __overlay__ { new: new { }; }; };
      fragment@1 { target = <&new>; __overlay__ { inner: inner { }; }; };
    };`,
  )
  t.ok(findNode(fdt, '/new/inner'))
  t.equal(propString(at(fdt, '/__symbols__'), 'inner'), '/new/inner')
})

t.test('a label on the target itself becomes a label of the target', async t => {
  const fdt = applied('/ { soc { }; };', '/ { fragment@0 { target-path = "/"; top: __overlay__ { }; }; };')
  t.equal(propString(at(fdt, '/__symbols__'), 'top'), '/')
})

t.test('a label outside all fragments is left out', async t => {
  const overlay = parseFdt(dtboOf('&{/} { a { }; };'))
  overlay.root.children.push({
    name: '__symbols__',
    properties: new Map([['lost', encodeString('/elsewhere')]]),
    children: [],
  })
  t.equal(at(applyOverlay(fdtOf('/ { };'), overlay), '/__symbols__').properties.size, 0)
})

t.test('target-path may start with an alias', async t => {
  const base = '/ { aliases { bus = "/soc"; }; soc { }; };'
  const fdt = applied(base, '/ { fragment@0 { target-path = "bus"; __overlay__ { a = <1>; }; }; };')
  t.strictSame(propCells(at(fdt, '/soc'), 'a'), [1])
})

t.test('the older name of phandles is recognised', async t => {
  const base = fdtOf('/ { a { }; };')
  setProperty(at(base, '/a'), 'linux,phandle', encodeCells([7]))
  const overlay = parseFdt(dtboOf('/ { fragment@0 { target = <7>; __overlay__ { n: n { n = <&n>; }; }; }; };'))
  t.strictSame(propCells(at(applyOverlay(base, overlay), '/a/n'), 'n'), [8])
})

t.test('an overlay that cannot be applied is refused with the reason', async t => {
  const refused = (base: string | Fdt, overlay: string | Fdt, where: string, reason: RegExp) =>
    t.throws(
      () =>
        applyOverlay(
          typeof base === 'string' ? fdtOf(base) : base,
          typeof overlay === 'string' ? parseFdt(dtboOf(overlay)) : overlay,
          'wifi.dtbo',
        ),
      { code: /^FDT_OVERLAY/, details: { what: 'wifi.dtbo', where }, message: reason },
    )
  refused('/ { };', fdtOf(BASE), '/', /no fragment/)
  refused('/ { };', '&{/nowhere} { };', '/fragment@0', /no such target/)
  refused('/ { };', '/ { fragment@0 { target = <99>; __overlay__ { }; }; };', '/fragment@0', /no such target/)
  refused('/ { };', '/ { fragment@0 { __overlay__ { }; }; };', '/fragment@0', /neither target nor target-path/)
  refused('/ { soc: soc { }; };', '&bus { };', '/__fixups__ bus', /no such label/)
  const unlabelled = fdtOf('/ { soc: soc { }; };')
  unlabelled.root.children = unlabelled.root.children.filter(child => child.name !== '__symbols__')
  refused(unlabelled, '&soc { };', '/__fixups__', /dtc -@/)
})

t.test('fixups of missing nodes and properties are refused', async t => {
  const base = fdtOf(BASE)
  const broken = (fixup: string) => {
    const overlay = parseFdt(dtboOf('&uart0 { a = <&gpio>; };'))
    setProperty(at(overlay, '/__fixups__'), 'gpio', encodeString(fixup))
    return () => applyOverlay(base, overlay)
  }
  const where = (place: string, reason: RegExp) => ({ code: 'FDT_OVERLAY', details: { where: place, reason } })
  t.throws(broken('/fragment@0'), where('/__fixups__ gpio', /PATH:PROPERTY:OFFSET/))
  t.throws(broken('/fragment@0:target:x'), where('/__fixups__ gpio', /PATH:PROPERTY:OFFSET/))
  t.throws(broken('/nowhere:target:0'), where('/nowhere', /property target/))
  t.throws(broken('/fragment@0/__overlay__:b:0'), where('/fragment@0/__overlay__', /property b/))
  t.throws(
    broken('/fragment@0/__overlay__:a:1'),
    where('/fragment@0/__overlay__ a', /byte 1 lies outside the 4 bytes of the property/),
  )
})

t.test('a label whose node has no phandle is refused', async t => {
  const base = fdtOf('/ { soc: soc { }; };')
  at(base, '/soc').properties.delete('phandle')
  t.throws(() => applyOverlay(base, parseFdt(dtboOf('&soc { };'))), {
    code: 'FDT_OVERLAY',
    details: { where: '/__fixups__ soc' },
  })
})

t.test('phandles that would exceed the maximum are refused', async t => {
  const base = fdtOf('/ { a { }; };')
  setProperty(at(base, '/a'), 'phandle', encodeCells([0xffff_fffe]))
  const overlay = parseFdt(dtboOf('&{/} { n: n { }; };'))
  t.throws(() => applyOverlay(base, overlay), { code: 'FDT_OVERLAY', details: { where: '/fragment@0/__overlay__/n' } })
  setProperty(overlay.root, 'phandle', encodeCells([0]))
  t.throws(() => applyOverlay(base, overlay), { code: 'FDT_OVERLAY', details: { where: '/' } })
})

t.test('overlays cannot make a tree larger than one that is read', async t => {
  const base = fdtOf(BASE)
  const overlayOf = (count: number, bytes: number) => {
    const overlay = parseFdt(dtboOf('&{/} { n { }; };'))
    const { properties } = at(overlay, '/fragment@0/__overlay__/n')
    const value = new Uint8Array(bytes)
    for (let i = 0; i < count; i++) properties.set(`p${i}`, value)
    return overlay
  }
  t.throws(() => applyOverlay(base, overlayOf(65_536, 0)), {
    code: 'FDT_OVERLAY',
    details: { where: '/', reason: /at most 65536 nodes and properties/ },
  })
  t.throws(() => applyOverlay(base, overlayOf(5, 2 ** 20)), {
    code: 'FDT_OVERLAY',
    details: { where: '/', reason: /at most 4194304 bytes/ },
  })
})

// A search through all children for each of them would take a minute on a board.
t.test('an overlay into a node with 30,000 children is applied, the references to each of them too', async t => {
  const names = Array.from({ length: 30_000 }, (_, i) => `n@${i}`)
  const children = (properties: readonly (readonly [string, Uint8Array])[]) =>
    names.map(name => ({ name, properties: new Map(properties), children: [] }))
  const base = fdtOf('/ { a: a { }; };')
  at(base, '/a').children.push(...children([]))
  const overlay = parseFdt(dtboOf('&a { self: self { r = <&self>; }; };'))
  at(overlay, '/fragment@0/__overlay__').children.push(...children([['r', encodeCells([1])]]))
  at(overlay, '/__local_fixups__/fragment@0/__overlay__').children.push(...children([['r', encodeCells([0])]]))
  const merged = applyOverlay(base, overlay)
  t.equal(at(merged, '/a').children.length, names.length + 1)
  t.same(propCells(at(merged, '/a/n@29999'), 'r'), propCells(at(merged, '/a/self'), 'phandle'))
})

t.test('damaged input causes only errors of the table', async t => {
  const base = fdtOf(BASE)
  const apply = (bytes: Uint8Array) => writeFdt(applyOverlay(base, parseFdt(bytes)))
  t.doesNotThrow(() => assertOnlyFaults([dtboOf(OVERLAY)], apply, 2000))
})
