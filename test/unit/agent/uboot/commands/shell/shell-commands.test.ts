import t, { type Test } from 'tap'
import type { BlockDevice, Storage } from '../../../../../../agent/uboot/hardware/storage.js'
import { atPrompt, type TestConsole } from '../../console-fixture.js'
import { plainEnvironment } from '../../machine.js'

/** What a line prints, with \n as line end. */
async function prints({ terminal }: TestConsole, line: string): Promise<string> {
  const shown = await terminal.exchange(`${line}\r`)
  return shown.slice(line.length + 2, -3).replaceAll('\r\n', '\n')
}

async function table(t: Test, bench: TestConsole, rows: readonly (readonly [line: string, printed: string])[]) {
  for (const [line, printed] of rows) t.equal(await prints(bench, line), printed, line)
}

t.test('setexpr calculates on 32 bits, in hexadecimal', async t => {
  const bench = await atPrompt(t)
  bench.machine.memory.write(0x4200_0000, Buffer.from('xyy=hello\0'))
  for (const [expression, value] of [
    ['10 + 10', '20'],
    ['0x10 * 3', '30'],
    ['ffffffff * ffffffff', '1'],
    ['10 - 20', 'fffffff0'],
    ['ff \\& f', 'f'],
    ['f0 \\| f', 'ff'],
    ['f0 ^ ff', 'f'],
    ['10 / 3', '5'],
    ['10 % 3', '1'],
    ['abc', 'abc'],
    ['zz + 1', '1'],
    ['*42000000', '3d797978'],
  ] as const) {
    t.equal(await prints(bench, `setexpr v ${expression}; printenv v`), `v=${value}\n`, expression)
  }
  await table(t, bench, [
    ['setexpr.b v *42000000; printenv v', 'v=78\n'],
    ['setexpr.w v *42000000; printenv v', 'v=7978\n'],
    ['setexpr.s v *42000000; printenv v', 'v=xyy=hello\n'],
    ['setexpr.s v abc + "def"; printenv v', 'v=abcdef\n'],
    ['setexpr.s v abc - def', 'invalid op\n'],
    ['setexpr.q v 1', 'Invalid data width specifier\n'],
    ['setexpr v 1 q 1; echo $?', 'invalid op\n1\n'],
    ['setexpr v 1 / 0', 'division by zero\n'],
    ['setexpr v 1 % 0', 'division by zero\n'],
    ['setexpr v *10', 'data abort\n'],
    ['setexpr.s v *10', 'data abort\n'],
    ['setexpr "a=b" 1; echo $?', '## Error: illegal character \'=\' in variable name "a=b"\n1\n'],
  ])
  for (const line of ['setexpr', 'setexpr v 1 +', 'setexpr v 1 ++ 1', 'setexpr v sub a']) {
    t.match(await prints(bench, line), /^setexpr - set environment variable as .*first matching substring\n$/s, line)
  }
})

t.test('setexpr replaces what an expression matches', async t => {
  const bench = await atPrompt(t, { variables: { t: 'hello world' } })
  await table(t, bench, [
    ['setexpr v sub o 0 foo; printenv v', 'v=f0o\n'],
    ['setexpr v gsub o 0 foo; printenv v', 'v=f00\n'],
    ['setexpr t sub world there; printenv t', 't=hello there\n'],
    ['setexpr v sub "([a-z]+)-([0-9]+)" "\\\\2_\\\\1" "abc-123"; printenv v', 'v=\\123_\\abc\n'],
    ['setexpr v sub zzz y "abc"; echo $?; printenv v', '0\nv=abc\n'],
    ['setexpr v gsub "x*" - abc; printenv v', 'v=-a-b-c\n'],
    ['setexpr nosuch sub a b; echo $?', '## Error: variable "nosuch" not defined\n1\n'],
    ['setexpr v sub "(a" b c', 'Error compiling regex: No closing bracket\n'],
    [`setexpr v gsub a ${'b'.repeat(900)} ${'a'.repeat(30)}`, '## error: substitution buffer overflow\n'],
    [`setexpr v sub '(.*)' '${'\\\\0'.repeat(300)}' ${'a'.repeat(300)}`, '## error: substitution buffer overflow\n'],
    [`setexpr v sub '(.*)(.*)x' y ${'a'.repeat(800)}`, 'Error compiling regex: RE is too complex\n'],
  ])
})

t.test('setexpr formats', async t => {
  const bench = await atPrompt(t)
  for (const [format, values, text] of [
    ['%08x-%d', '1f 1f', '0000001f-31'],
    ['0x%04x', '257', '0x0257'],
    ['%%%o', '8', '%10'],
    ['hello\\040world', '', 'hello world'],
    ['oh%bno', '\\\\137', 'oh_no'],
    ['hello%bworld', '"\\c"', 'hello'],
    ['0x%08x-%s-%d-%s', 'eff hello 0x63 world', '0x00000eff-hello-99-world'],
    ['%d_%x', '100', '256_0'],
    ['%0127d', '7b', `${'0'.repeat(124)}123`],
    ['%u', 'ffffffffffffffff', '18446744073709551615'],
    ['%d', '8000000000000000', '-9223372036854775808'],
    ['%x', '-2', 'fffffffffffffffe'],
    ['%+d% i%-5dx%#X', '5 6 7 ab', '+5 67    x0XAB'],
    ['%.3d%5.1s%c', '9 xyz qr', '009    xq'],
    ['a\\tb\\qc', '', 'a\tb\\qc'],
  ] as const) {
    t.equal(await prints(bench, `setexpr v fmt "${format}" ${values}; printenv v`), `v=${text}\n`, format)
  }
  await table(t, bench, [
    ['setexpr v fmt %a 0xff; echo $?', '%a: invalid format\n1\n'],
    ['setexpr v fmt "hello%"', '%: invalid format\n'],
    ['setexpr v fmt %0128d 456', 'result too long\n'],
  ])
})

t.test('itest compares numbers, memory and texts', async t => {
  const bench = await atPrompt(t, { variables: { foo: 'bar' } })
  bench.machine.memory.write(0x4000_0000, Buffer.from([0xd0, 0xff, 0xff, 0xff]))
  for (const [line, status] of [
    ['itest 10 == 0x10', 0],
    ['itest 10 -eq 10', 0],
    ['itest 1 < 2', 0],
    ['itest 2 <= 1', 1],
    ['itest a -gt 9', 0],
    ['itest 1 >= 1', 0],
    ['itest 1 <> 1', 1],
    ['itest ffffffff -gt 0', 1],
    ['itest.b *40000000 == d0', 0],
    ['itest.w 1ffff == ffff', 0],
    ['itest.s abc == abc', 0],
    ['itest.s abc > abd', 1],
    ['itest.s b > a', 0],
    ["itest.s '${foo}' == bar", 0],
    ["itest.s '${gone}' == bar", 1],
  ] as const) {
    t.equal(await prints(bench, `${line}; echo $?`), `${status}\n`, line)
  }
  await table(t, bench, [
    ['itest.z 1 == 1', 'Invalid data width specifier\n'],
    ['itest 1 = 1', "Unknown operator '='\n"],
    [
      'itest 1 ==',
      'itest - return true/false on integer compare\n\nUsage:\nitest [.b, .w, .l, .s] [*]value1 <op> [*]value2\n',
    ],
  ])
})

const card: BlockDevice = {
  kind: 'mmc',
  number: 0,
  node: '/dev/mmcblk0',
  vendor: '',
  product: '',
  size: 0,
  removable: true,
  partitions: [],
}

t.test('test takes its words from left to right', async t => {
  const plain = await atPrompt(t)
  const storage: Storage = {
    ...plain.machine.storage,
    devices: async kind => (kind === 'mmc' ? [card] : []),
    size: async (_device, partition, path) => (path === '/there' && partition < 2 ? 1 : null),
    list: async (_device, _partition, path) => (path === '/folder' ? [] : null),
  }
  const bench = await atPrompt(t, { storage })
  for (const [words, status] of [
    ['', 1],
    ['a', 0],
    ['""', 1],
    ['a = a', 0],
    ['a != a', 1],
    ['a < b', 0],
    ['a > b', 1],
    ['abc =~ "b."', 0],
    ['0x10 -eq 16', 0],
    ['10 -eq 0xa', 0],
    ['010 -eq 8', 0],
    ['-1 -lt 0', 0],
    ['1 -ne 1', 1],
    ['1 -le 1', 0],
    ['1 -gt 1', 1],
    ['1 -ge 1', 0],
    ['-z ""', 0],
    ['-n ""', 1],
    ['! -n a', 1],
    ['! ! -n a', 0],
    ['a = b -o a = a', 0],
    ['a = a -a a = b', 1],
    ['a b', 0],
    ['! -z', 0],
    ['-e mmc 0:1 /there', 0],
    ['-e mmc 0 /there', 0],
    ['-e mmc 0:1 /gone', 1],
    ['-e mmc 0:1 /folder', 0],
  ] as const) {
    t.equal(await prints(bench, `test ${words}; echo $?`), `${status}\n`, words)
  }
  await table(t, bench, [
    ['test -e usb 0:1 /foo; echo $?', "** Bad device specification usb 0 **\nCouldn't find partition usb 0:1\n1\n"],
    ['test a =~ "("; echo $?', 'Error compiling regex: No closing bracket\n1\n'],
    ['[ a = a ]; echo $?', '0\n'],
    ['test -n $gone; echo $?', '1\n'],
    ['[ -n $gone ]; echo $?', '1\n'],
    ['test -z $gone; echo $?', '0\n'],
    ['[ a = a; echo $?', '[: missing terminating ]\n1\n'],
  ])
})

t.test('sleep takes decimal seconds and fractions', async t => {
  const bench = await atPrompt(t)
  await table(t, bench, [
    ['sleep 0; echo $?', '0\n'],
    ['sleep 0.001; echo $?', '0\n'],
    ['sleep x; echo $?', '0\n'],
    [
      'sleep',
      'sleep - delay execution for some time\n\nUsage:\nsleep N\n    - delay execution for N seconds (N is _decimal_ and can be\n      fractional)\n',
    ],
  ])
  bench.terminal.type('sleep 4294967295\r')
  await bench.terminal.shows('\n')
  t.equal(await bench.terminal.exchange('\x03'), '=> ')
})

t.test('help lists all commands, or explains some', async t => {
  const bench = await atPrompt(t)
  t.match(
    await prints(bench, 'help'),
    /^\? {9}- alias for 'help'\n\[ {9}- alias for 'test'\nask {7}- .*version {3}- print monitor, compiler and linker version\n$/s,
  )
  await table(t, bench, [
    ['?  md', 'md - memory display\n\nUsage:\nmd [.b, .w, .l] address [# of objects]\n'],
    ['help nosuch', "Unknown command 'nosuch' - try 'help' without arguments for list of all known commands\n\n"],
    ['help true', 'true - do nothing, successfully\n\nUsage:\ntrue - No additional help available.\n'],
    [
      'run',
      "run - run commands in an environment variable\n\nUsage:\nrun var [...]\n    - run the commands in the environment variable(s) 'var'\n",
    ],
  ])
  await prints(bench, 'setenv nested true')
  t.equal(await bench.terminal.exchange('run nes\t', 'ed '), 'run nested ')
})

t.test('version tells what this is, and what it runs on', async t => {
  const bench = await atPrompt(t, { env: plainEnvironment() })
  t.match(await prints(bench, 'version'), /^U-Boot 2026\.10-fauxboot \(.*\)\n\nNode\.js [\d.]+\nV8 .*\n$/)
  Object.assign(bench.machine.board, { identity: 'Allwinner Technology' })
  t.match(await prints(bench, 'version'), /\) Allwinner Technology\n/)
})
