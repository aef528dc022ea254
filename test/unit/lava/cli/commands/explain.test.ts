import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fauxboot } from '../../capture.js'

/** A run on the A80, as a mail quotes it. */
const MAIL = `On Monday somebody wrote:
> kernel: 0xb6535008 kernel_size: 0x853200
> MEMORY RANGES
> 0000000020000000-000000009fffffff (0)
> zImage header: 0x016f2818 0x00000000 0x00853200
> zImage size 0x853200, file size 0x853200
> zImage requires 0x00864200 bytes
>   offset 0x0000bae4 tag 0x5a534c4b size 8
> Decompressed kernel sizes:
>  text+data 0x0158b3a0 bss 0x000632f0 total 0x015ee690
> Resulting kernel space: 0x01def5a0
> Kernel: address=0x20008000 size=0x01def5a0
> Initrd: address=0x21df8000 size=0x0090b6fa
> DT    : address=0x22704000 size=0x00005c09
and then nothing happened.
`

t.test('a log is explained as text, from a file and from standard input', async t => {
  const file = join(t.testdir({ mail: MAIL }), 'mail')
  const { code, stdout, stderr } = await fauxboot(['explain', file])
  t.same({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, /0x208000/)
  t.notMatch(stdout, '\u001b')
  t.equal((await fauxboot(['explain', '-'], { stdin: MAIL })).stdout, stdout)
  t.match((await fauxboot(['explain', file], { isTTY: true })).stdout, '\u001b[')
  t.equal((await fauxboot(['explain', file, '--no-color'], { isTTY: true })).stdout, stdout)
})

t.test('a log is explained as JSON', async t => {
  const { code, stdout } = await fauxboot(['explain', '-', '--json'], { stdin: MAIL + MAIL })
  t.equal(code, 0)
  const { runs }: { runs: unknown[] } = JSON.parse(stdout)
  t.equal(runs.length, 2)
  t.match(runs[0], {
    kexecTools: { reproduced: true },
  })
})

t.test('a text without a run of kexec-tools is an error that says what was looked for', async t => {
  const dir = t.testdir({ prose: 'Dear list, it does not work.', empty: '' })
  for (const [name, reason] of [
    ['prose', 'no run of kexec-tools found; '],
    ['empty', 'is empty'],
  ] as const) {
    const file = join(dir, name)
    const { code, stdout, stderr } = await fauxboot(['explain', file])
    t.same({ code, stdout }, { code: 1, stdout: '' })
    t.ok(stderr.startsWith(`fauxboot: ${file}: ${reason}`), stderr)
  }
  t.match(await fauxboot(['explain', '-'], { stdin: 'x' }), {
    code: 1,
    stderr: /standard input: no run of kexec-tools/,
  })
  const missing = join(dir, 'missing')
  t.match(await fauxboot(['explain', missing]), { code: 1, stderr: `fauxboot: ${missing}: no such file\n` })
  t.match(await fauxboot(['explain', dir]), { code: 1, stderr: `fauxboot: ${dir}: is a directory\n` })
})

t.test('the picture of a log goes to a file or to standard output', async t => {
  const file = join(t.testdir({}), 'memory.svg')
  const { code, stdout } = await fauxboot(['explain', '-', '--svg', file], { stdin: MAIL })
  t.equal(code, 0)
  t.match(stdout, /Diagnosis/)
  const svg = readFileSync(file, 'utf8')
  t.match(svg, />TEXT_OFFSET 0x208000: dies</)
  t.match(svg, /TEXT_OFFSET 0x208000: the decompressor overwrites the ramdisk, 0x21df8000-0x/)
  t.equal((await fauxboot(['explain', '-', '--svg', '-'], { stdin: MAIL })).stdout, svg)
  t.match(await fauxboot(['explain', '-', '--svg', '/nowhere/x.svg'], { stdin: MAIL }), {
    code: 1,
    stderr: 'fauxboot: /nowhere/x.svg: there is no folder /nowhere\n',
  })
  const bare = 'zImage requires 0x00864200 bytes\n'
  t.match(await fauxboot(['explain', '-', '--svg', file], { stdin: bare }), { code: 1, stderr: /shows no address/ })
})

t.test('the page that explains logs is written with the log in it, or without one', async t => {
  const directory = t.testdir({})
  const [empty, full] = [join(directory, 'empty.html'), join(directory, 'full.html')]
  const built = existsSync('dist/explain.html')
  if (!built) {
    t.match(await fauxboot(['explain', '--html', empty]), { code: 1, stderr: /explain\.html: no such file/ })
    return
  }
  t.equal((await fauxboot(['explain', '--html', empty])).code, 0)
  t.equal(readFileSync(empty, 'utf8'), readFileSync('dist/explain.html', 'utf8'))
  const strange = `${MAIL}</script><script>alert(1)</script> $& $1`
  t.equal((await fauxboot(['explain', '-', '--html', full], { stdin: strange })).code, 0)
  const [, given = ''] =
    /<script id="given" type="application\/json">(.*)<\/script>/.exec(readFileSync(full, 'utf8')) ?? []
  t.equal(JSON.parse(given), strange)
  t.notOk(given.includes('<'))
})

t.test('without a log there is nothing to explain', async t => {
  t.match(await fauxboot(['explain']), { code: 1, stderr: /missing the log/ })
})
