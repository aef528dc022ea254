import t, { type Test } from 'tap'
import { fdtCommands } from '../../../../../../agent/uboot/commands/image/fdt.js'
import { setWorkingTree } from '../../../../../../agent/uboot/fdt/working-tree.js'
import { dtbOf, dtboOf, sourceOf } from '../../../image/fdt/dtb.js'
import { testMachine } from '../../machine.js'
import { runner } from '../../typed-command.js'

const SOURCE = `/ {
  #address-cells = <2>; #size-cells = <2>; compatible = "linux,dummy-virt";
  memory@40000000 { reg = <0 0x40000000 0 0x40000000>; device_type = "memory"; };
  cpus { #address-cells = <1>; cpu-map { }; cpu@0 { reg = <0>; }; };
  aliases { ethernet0 = "/ethernet@1"; ethernet1 = "/ethernet@2"; ethernet2 = "/ethernet@3"; other = "/cpus"; };
  ethernet@1 { mac-address = [00 00 00 00 00 00]; };
  ethernet@2 { };
  ethernet@3 { };
  chosen { stdout-path = "/pl011@9000000"; kaslr-seed = <0x4044777a 0x9fbd9ab7>; };
};`

const ADDRESS = 0x4300_0000
const NOT_FOUND = 'libfdt fdt_path_offset() returned FDT_ERR_NOTFOUND\n'
const USAGE = 'usage of fdt\n'

/** A machine with a tree at 43000000 that is the working one, and a function that runs lines and gives what they print. */
function machineWith(t: Test, bytes = dtbOf(SOURCE, ['-p', '4096'])) {
  const machine = testMachine(t)
  const run = runner(machine, fdtCommands)
  machine.memory.write(ADDRESS, bytes)
  setWorkingTree(machine, ADDRESS, { quiet: true })
  const out = async (...lines: string[]) => {
    const texts: string[] = []
    for (const line of lines) texts.push((await run(line)).out)
    return texts.join('')
  }
  const rc = async (line: string) => (await run(line)).rc
  const got = async (line: string) => `${await out(line)}${machine.env.get('v')}`
  return { machine, out, rc, got }
}

t.test('without a working tree there is nothing to do', async t => {
  const { machine, out, rc } = machineWith(t)
  machine.state.workingFdt = null
  const words =
    'No FDT memory address configured. Please configure\nthe FDT address via "fdt addr <address>" command.\n'
  t.equal(await out('fdt print'), `${words}Aborting!\n`)
  t.equal(await out('fdt'), USAGE)
  t.equal(await out('fdt addr'), '')
  t.equal(await rc('fdt addr'), 1)
})

t.test('an address becomes that of the working tree when there is one', async t => {
  const { machine, out, rc } = machineWith(t)
  t.equal(await out('fdt addr 43000000'), 'Working FDT set to 43000000\n')
  t.equal(await out('fdt addr'), 'Working fdt: 43000000\n')
  t.equal(await out('fdt addr 45000000'), 'libfdt fdt_check_header(): FDT_ERR_BADMAGIC\n')
  t.equal(machine.state.workingFdt, ADDRESS)
  t.equal(await out('fdt addr -q 45000000', 'fdt addr -q 43000000'), '')
  t.equal(await rc('fdt addr -q 45000000'), 1)
  t.equal(await out('fdt addr -x'), USAGE)
  t.equal(await out('fdt addr -c'), '')
  t.equal(await out('fdt addr -c 43000000', 'fdt addr -c'), 'Control fdt: 43000000\n')
  t.equal(await out('fdt addr 0'), 'data abort\n')
})

t.test('versions that libfdt does not read are reported', async t => {
  const { machine, out } = machineWith(t)
  const versions = (version: number, compatible: number) => {
    const bytes = Buffer.from(dtbOf(SOURCE))
    bytes.writeUInt32BE(version, 20)
    bytes.writeUInt32BE(compatible, 24)
    machine.memory.write(0x4400_0000, bytes)
  }
  versions(1, 1)
  t.equal(await out('fdt addr 44000000'), 'libfdt fdt_check_header(): FDT_ERR_BADVERSION - too old, fdt 1 < 2\n')
  versions(99, 98)
  t.equal(await out('fdt addr 44000000'), 'libfdt fdt_check_header(): FDT_ERR_BADVERSION - too new, fdt 98 > 17\n')
})

t.test('a new length extends the tree, or the reason against it is printed', async t => {
  const { out } = machineWith(t, dtbOf(SOURCE))
  const said = 'Working FDT set to 43000000\n'
  t.match(await out('fdt addr 43000000 10'), /^Working.*\nNew length 16 < existing length \d+, ignoring\n$/)
  t.equal(await out('fdt set /chosen x 1'), 'libfdt fdt_setprop(): FDT_ERR_NOSPACE\n')
  t.equal(await out('fdt addr 43000000 100000', 'fdt set /chosen x 1', 'fdt print /chosen x'), `${said}x = "1"\n`)
  t.match(await out('fdt header'), /totalsize:\t\t0x100000 \(1048576\)\n/)
  t.equal(await out('fdt addr -q 43000000 10'), '')
  t.equal(await out('fdt addr -q 43000000 ffffffff'), 'data abort\n')
})

t.test('moving copies the tree and makes the copy the working one', async t => {
  const { machine, out } = machineWith(t)
  t.equal(await out('fdt move 43000000 48000000'), 'Working FDT set to 48000000\n')
  t.equal(machine.state.workingFdt, 0x4800_0000)
  t.equal(machine.env.get('fdtaddr'), '48000000')
  t.match(await out('fdt move 43000000 48000000 A'), /^New length 0xA < existing length 0x[0-9A-F]+, aborting.\n$/)
  t.equal(await out('fdt move 43000000'), USAGE)
  t.equal(await out('fdt move 45000000 48000000'), 'libfdt fdt_check_header(): FDT_ERR_BADMAGIC\n')
  t.equal(machine.state.workingFdt, null)
})

t.test('values are shown as strings, cells, or bytes', async t => {
  const { machine, out } = machineWith(t)
  t.equal(
    await out('fdt print /chosen'),
    'chosen {\n\tstdout-path = "/pl011@9000000";\n\tkaslr-seed = <0x4044777a 0x9fbd9ab7>;\n};\n',
  )
  t.equal(await out('fdt print /chosen stdout-path'), 'stdout-path = "/pl011@9000000"\n')
  t.equal(
    await out('fdt list /cpus'),
    'cpus {\n\t#address-cells = <0x00000001>;\n\tcpu-map {\n\t};\n\tcpu@0 {\n\t};\n};\n',
  )
  t.match(await out('fdt list'), /^\/ \{\n\t#address-cells/)
  t.match(await out('fdt p /'), /\n\tcpus \{\n\t\t#address-cells = <0x00000001>;\n\t\tcpu-map \{\n\t\t\};\n/)
  t.equal(await out('fdt print /nosuch'), NOT_FOUND)
  t.equal(await out('fdt print /chosen nosuch'), 'libfdt fdt_getprop(): FDT_ERR_NOTFOUND\n')
  machine.env.set('fdt_max_dump', '4')
  t.match(await out('fdt print /chosen kaslr-seed'), /^kaslr-seed = \* 0x43000[0-9a-f]{3} \[0x00000008\]\n$/)
})

t.test('a tree too deep for U-Boot ends in its words', async t => {
  const { out } = machineWith(t, dtbOf(`/ { ${'n {'.repeat(40)} ${'};'.repeat(40)} };`))
  t.match(await out('fdt print'), /\t{31}n \{\nNested too deep, aborting.\n$/)
})

t.test('a damaged tree that starts with the end of a node prints that end', async t => {
  const bytes = dtbOf('/ { };')
  const structure = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(8)
  bytes[structure + 3] = 2 // FDT_END_NODE in place of FDT_BEGIN_NODE
  const { out } = machineWith(t, bytes)
  t.equal(await out('fdt print'), '};\n')
})

t.test('what was struck out of a tree is shown', async t => {
  const bytes = Buffer.from(dtbOf('/ { p; };', []))
  bytes.fill(Buffer.from('00000004', 'hex'), bytes.indexOf(Buffer.from('000000030000000000000000', 'hex')), 0x4c)
  const { out } = machineWith(t, bytes)
  t.equal(await out('fdt print'), `/ {\n${'\t/* NOP */\n'.repeat(3)}};\n`)
})

t.test('values go into variables', async t => {
  const { got, out, rc } = machineWith(t)
  t.equal(await got('fdt get value v /chosen stdout-path'), '/pl011@9000000')
  t.equal(await got('fdt get value v /memory@40000000 reg'), '00000000400000000000000040000000')
  t.equal(await got('fdt get value v /memory@40000000 reg 1'), '0x40000000')
  t.equal(await got('fdt get value v / #address-cells'), '0x00000002')
  t.equal(await got('fdt get size v /chosen stdout-path'), 'f')
  t.equal(await got('fdt get size v /cpus'), '2')
  t.equal(await got('fdt get name v / 0'), 'memory@40000000')
  t.match(await got('fdt get addr v /chosen stdout-path'), /^43000[0-9a-f]{3}$/)
  t.equal(await got('fdt header get v totalsize').then(text => Number.parseInt(text, 16) > 4096), true)
  t.equal(await rc('fdt header get v nosuch'), 1)
  t.equal(await out('fdt get name v / 99'), 'libfdt node not found\n')
  t.equal(await out('fdt get value v /nosuch foo'), NOT_FOUND)
  t.equal(await out('fdt get value v /chosen foo'), 'libfdt fdt_getprop(): FDT_ERR_NOTFOUND\n')
  t.equal(await rc('fdt get value v /memory@40000000 reg 9'), 1)
  for (const line of ['fdt get value v /', 'fdt get value', 'fdt get x v /chosen stdout-path'])
    t.equal(await out(line), USAGE)
  await out('fdt set / odd [01 02 03]', 'fdt set / empty', 'fdt set / list a b')
  t.equal(await out('fdt get value v / odd'), 'error: unprintable value\n')
  t.equal(await got('fdt get value v / list 1'), 'b')
  t.equal(await got('fdt get value v / empty'), 'undefined', 'deleted')
})

t.test('a variable that refuses says so', async t => {
  const { machine, out } = machineWith(t)
  Object.assign(machine.env, { set: () => ['## Error: refused'] })
  t.equal(await out('fdt get size v /cpus'), '## Error: refused\n')
})

t.test('values are typed as cells, bytes, strings, or none', async t => {
  const { out } = machineWith(t)
  const set = (value: string) => out(`fdt set /chosen x ${value}`, 'fdt print /chosen x')
  t.equal(await set('<0x1 0x2 3>'), 'x = <0x00000001 0x00000002 0x00000003>\n')
  t.equal(await set('<? 010 ?>'), 'x = <0x00000001 0x00000008 0x00000003>\n')
  t.equal(await set('< ? ? ? ? >'), 'x = <0x00000001 0x00000008 0x00000003 0x00000000>\n')
  t.equal(await set('[00 11 22]'), 'x = [00 11 22]\n')
  t.equal(await set('"a" "b"'), 'x = "a", "b"\n')
  t.equal(await set(''), '/chosen x\n')
  t.equal(await out('fdt set /chosen x <zz>'), 'Sorry, I could not convert "zz>"\n')
  t.equal(await out('fdt set /chosen x <1'), "Unexpected character ''\n")
  t.equal(await out('fdt set /chosen x [1 x]'), "Unexpected character 'x'\n")
  t.equal(await out(`fdt set /chosen x ${'y'.repeat(1024)}`), "prop (1025) doesn't fit in scratchpad!\n")
  t.equal(await out('fdt set /nosuch a b'), NOT_FOUND)
  t.equal(await out('fdt set /chosen'), USAGE)
})

t.test('a value too long to be changed can only be emptied', async t => {
  const { out } = machineWith(t, dtbOf(`/ { long = [${'00'.repeat(1025)}]; };`, ['-p', '4096']))
  t.equal(await out('fdt set / long x'), "prop (1025) doesn't fit in scratchpad!\n")
  t.equal(await out('fdt set / long', 'fdt print / long'), '/ long\n')
})

t.test('nodes and properties come and go', async t => {
  const { out } = machineWith(t)
  t.equal(
    await out('fdt mknode / newnode', 'fdt set /newnode p q', 'fdt print /newnode'),
    'newnode {\n\tp = "q";\n};\n',
  )
  t.equal(await out('fdt mknode / newnode'), 'libfdt fdt_add_subnode(): FDT_ERR_EXISTS\n')
  t.equal(await out('fdt mknode /nosuch x'), NOT_FOUND)
  t.equal(await out('fdt rm /newnode p', 'fdt print /newnode'), 'newnode {\n};\n')
  t.equal(await out('fdt rm /newnode p'), 'libfdt fdt_delprop(): FDT_ERR_NOTFOUND\n')
  t.equal(await out('fdt rm /newnode', 'fdt print /newnode'), NOT_FOUND)
  for (const line of ['fdt mknode /', 'fdt rm', 'fdt nosuch', 'fdt systemsetup']) t.equal(await out(line), USAGE)
})

t.test('the header shows how the blocks grow', async t => {
  const { out } = machineWith(t, dtbOf('/ { };', ['-p', '4096']))
  const header = (total: string, strings: number, stringsSize: string, size: string, count = 0) =>
    [
      'magic:\t\t\t0xd00dfeed',
      `totalsize:\t\t${total}`,
      'off_dt_struct:\t\t0x38',
      `off_dt_strings:\t\t0x${strings.toString(16)}`,
      'off_mem_rsvmap:\t\t0x28',
      'version:\t\t17',
      'last_comp_version:\t16',
      'boot_cpuid_phys:\t0x3',
      `size_dt_strings:\t${stringsSize}`,
      `size_dt_struct:\t\t${size}`,
      `number mem_rsv:\t\t0x${count}`,
      '',
      '',
    ].join('\n')
  t.equal(await out('fdt bootcpu 3', 'fdt header'), header('0x1048 (4168)', 0x48, '0x0', '0x10'))
  t.equal(await out('fdt set / ab x', 'fdt header'), header('0x1048 (4168)', 0x58, '0x3', '0x20'))
  t.equal(await out('fdt resize', 'fdt header'), header('0x1000 (4096)', 0x58, '0x3', '0x20'))
  t.equal(await out('fdt resize 1000', 'fdt header'), header('0x2000 (8192)', 0x58, '0x3', '0x20'))
  t.equal(await out('fdt resize f0000000'), 'data abort\n')
  t.equal(await out('fdt bootcpu'), USAGE)
})

t.test('/chosen names the ramdisk, and its memory is reserved', async t => {
  const { machine, out } = machineWith(t)
  const title = `index\t\t   start\t\t    size\n${'-'.repeat(48)}\n`
  t.equal(await out('fdt chosen'), '')
  machine.env.set('bootargs', 'console=ttyS0')
  t.equal(
    await out('fdt chosen 46000000 100000', 'fdt chosen 46000000 100000', 'fdt print /chosen'),
    `chosen {
\tlinux,initrd-end = <0x00000000 0x460fffff>;
\tlinux,initrd-start = <0x00000000 0x46000000>;
\tbootargs = "console=ttyS0";
\tu-boot,version = "2026.10-fauxboot";
\tstdout-path = "/pl011@9000000";
\tkaslr-seed = <0x4044777a 0x9fbd9ab7>;
};
`,
  )
  t.equal(await out('fdt rsvmem print'), `${title}    0\t0000000046000000\t00000000000fffff\n`)
  t.equal(
    await out('fdt rsvmem add 100000000 1000', 'fdt rsvmem delete 0', 'fdt rsvmem print'),
    `${title}    0\t0000000100000000\t0000000000001000\n`,
  )
  t.equal(await out('fdt rsvmem delete 1'), 'libfdt fdt_del_mem_rsv(): FDT_ERR_NOTFOUND\n')
  for (const line of ['fdt rsvmem', 'fdt rsvmem add 1', 'fdt chosen 1']) t.equal(await out(line), USAGE)
})

t.test('memory is one range, as wide as the root says', async t => {
  const { out } = machineWith(t)
  t.equal(
    await out('fdt memory 40000000 20000000', 'fdt print /memory@40000000'),
    'memory@40000000 {\n\treg = <0x00000000 0x40000000 0x00000000 0x20000000>;\n\tdevice_type = "memory";\n};\n',
  )
  t.equal(await out('fdt memory 40000000'), USAGE)
  const narrow = machineWith(t, dtbOf('/ { #address-cells = <1>; };', ['-p', '4096']))
  t.equal(
    await narrow.out('fdt memory 0 0', 'fdt memory 40000000 20000000', 'fdt print /memory'),
    'memory {\n\treg = <0x40000000 0x20000000>;\n\tdevice_type = "memory";\n};\n',
  )
})

t.test('board setup gives interfaces the addresses of the environment', async t => {
  const { machine, out } = machineWith(t)
  machine.env.set('ethaddr', '02:00:00:00:00:01')
  machine.env.set('eth1addr', 'nonsense')
  machine.env.set('eth2addr', '02:00:00:00:00:03')
  t.equal(
    await out('fdt boardsetup', 'fdt print ethernet0', 'fdt print ethernet1', 'fdt print ethernet2'),
    'ethernet@1 {\n\tlocal-mac-address = [02 00 00 00 00 01];\n\tmac-address = [02 00 00 00 00 01];\n};\n' +
      'ethernet@2 {\n};\nethernet@3 {\n\tlocal-mac-address = [02 00 00 00 00 03];\n};\n',
  )
  const bare = machineWith(t, dtbOf('/ { };'))
  t.equal(await bare.out('fdt boardsetup'), '')
})

t.test('overlays are applied with fixups and symbols', async t => {
  const base = dtbOf('/ { uart: uart@1 { status = "disabled"; }; };', ['-@', '-p', '4096'])
  const { machine, out } = machineWith(t, base)
  machine.memory.write(0x4400_0000, dtboOf('&uart { status = "okay"; extra: extra { }; };'))
  t.equal(await out('fdt apply 44000000'), '')
  t.match(await out('fdt print /uart'), /status = "okay";\n\tphandle = <0x00000001>;\n\textra \{/)
  t.match(await out('fdt print /__symbols__'), /extra = "\/uart@1\/extra"/)
  t.match(sourceOf(machine.memory.read(ADDRESS, 8192)), /okay/)
  machine.memory.write(0x4400_0000, dtboOf('&nosuch { status = "okay"; };'))
  t.match(
    await out('fdt apply 44000000'),
    /^failed on fdt_overlay_apply\(\): FDT_ERR_NOTFOUND\ndevice tree overlay .*label/,
  )
  t.equal(await out('fdt apply'), USAGE)
  t.equal(await out('fdt apply 45000000'), 'libfdt fdt_check_header(): FDT_ERR_BADMAGIC\n')
})

t.test('an overlay that cannot be applied leaves the tree as it was', async t => {
  const { machine, out } = machineWith(t, dtbOf('/ { uart: uart@1 { }; };', []))
  const words = "base fdt does did not have a /__symbols__ node\nmake sure you've compiled with -@\n"
  t.equal(await out('fdt apply 43000000'), `failed on fdt_overlay_apply(): FDT_ERR_BADOVERLAY\n${words}`)
  machine.memory.write(0x4400_0000, dtboOf('&{/uart@1} { status = "okay"; };'))
  t.equal(await out('fdt apply 44000000'), `failed on fdt_overlay_apply(): FDT_ERR_NOSPACE\n${words}`)
  t.equal(await out('fdt print /uart'), 'uart@1 {\n};\n')
})

t.test('signatures of a FIT are reported as not checked', async t => {
  const { machine, out, rc } = machineWith(t)
  t.equal(await out('fdt checksign'), 'Could not find configuration node: FDT_ERR_NOTFOUND\n')
  t.equal(await out('fdt checksign 45000000'), 'libfdt fdt_check_header(): FDT_ERR_BADMAGIC\n')
  const fit = '/ { configurations { default = "conf-1"; conf-1 { signature-1 { }; other { }; }; }; };'
  machine.memory.write(ADDRESS, dtbOf(fit, []))
  t.equal(await out('fdt checksign'), 'signature-1 of conf-1: not checked\n')
  t.equal(await rc('fdt checksign'), 0)
})

t.test('a tree too large to be worked on is refused', async t => {
  const bytes = Buffer.from(dtbOf(SOURCE))
  bytes.writeUInt32BE(0x3000_0000, 4)
  bytes.writeUInt32BE(0x2f00_0000, 36)
  const { out } = machineWith(t, bytes)
  t.equal(await out('fdt print'), 'libfdt fdt_check_header(): FDT_ERR_TRUNCATED\n')
})

/** A tree of one node with this many properties, whose name is the whole of a strings block without an end. */
function treeOfOneName(properties: number, name: number): Buffer {
  const structure = [1, 0, ...Array.from({ length: properties }, () => [3, 0, 0]).flat(), 2, 9]
  const [at, strings] = [56, 56 + 4 * structure.length]
  const bytes = Buffer.alloc(strings + name, 'n')
  const header = [0xd00d_feed, bytes.length, at, strings, 40, 17, 16, 0, name, 4 * structure.length, 0, 0, 0, 0]
  for (const [i, word] of [...header, ...structure].entries()) bytes.writeUInt32BE(word, 4 * i)
  return bytes
}

t.test('names of a tree are read up to 255 characters, however long they go on', async t => {
  // Read in full, 20,000 times a megabyte keep the board from anything else for minutes.
  const { out } = machineWith(t, treeOfOneName(20_000, 2 ** 20))
  const lines = (await out('fdt print')).split('\n')
  t.equal(lines.length, 20_003)
  t.equal(lines[1], `\t${'n'.repeat(255)};`)
})

t.test('a tree of more than 131,072 tokens is not worked on', async t => {
  const { out } = machineWith(t, treeOfOneName(131_072, 4))
  t.equal(await out('fdt print'), 'libfdt fdt_next_tag(): FDT_ERR_BADSTRUCTURE\n')
})

t.test('a value of more than a megabyte, such as a kernel in a FIT, is shown as its place', async t => {
  const { out } = machineWith(t, dtbOf(`/ { data = [${'fe '.repeat(2 ** 20 + 1)}]; };`, []))
  t.match(await out('fdt print'), /^\/ \{\n\tdata = \* 0x43000[0-9a-f]{3} \[0x00100001\];\n\};\n$/)
})
