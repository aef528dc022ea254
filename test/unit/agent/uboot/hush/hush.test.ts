import fc from 'fast-check'
import t, { type Test } from 'tap'
import { HushParser } from '../../../../../agent/uboot/hush/parser.js'
import { atPrompt } from '../console-fixture.js'

type Exchange = readonly [typed: string, shown: string]

/** Type lines one after the other at one prompt; \n stands for what goes out as \r\n. */
async function converse(t: Test, exchanges: readonly Exchange[], variables: Readonly<Record<string, string>> = {}) {
  const { terminal } = await atPrompt(t, { variables })
  for (const [typed, shown] of exchanges) {
    const end = shown.endsWith('> ') ? '> ' : '=> '
    const expected = `${typed}\n${shown}${shown.endsWith('> ') ? '' : '=> '}`
    t.equal(await terminal.exchange(`${typed}\r`, end), expected.replaceAll('\n', '\r\n'), typed)
  }
}

t.test('words and quotes', async t => {
  await converse(
    t,
    [
      ['echo a   b    c', 'a b c\n'],
      ['echo "a   b    c"', 'a   b    c\n'],
      ["echo 'a   b'", 'a   b\n'],
      ["echo 'AB''CD'", 'ABCD\n'],
      ['echo -n hi', 'hi'],
      ['echo', '\n'],
      ['echo hello;echo world;', 'hello\nworld\n'],
      ['echo \\$foo', '$foo\n'],
      ['echo \\"hi\\"', '"hi"\n'],
      ['echo "a\\"b"', 'a\\"b\n'],
      ["echo 'a\\nb'", 'anb\n'],
      ['echo "a\\nb"', 'a\\nb\n'],
      ['echo a\\\\nb', 'a\\nb\n'],
      ['echo "a\\\\b"', 'a\\\\b\n'],
      ['echo "a;b" a\\;b', 'a;b a;b\n'],
      ['echo a#b', 'a#b\n'],
      ['echo a # comment', 'a\n'],
      ['# comment only', ''],
      ['echo ""x', 'x\n'],
      ["''", "Unknown command '' - try 'help'\n"],
      ['   ', ''],
      [';;', ''],
    ],
    { foo: 'bar' },
  )
})

t.test('variables', async t => {
  await converse(
    t,
    [
      ['echo $foo ${foo} "$foo" \'$foo\' "${foo}baz" $foobaz', 'bar bar bar $foo barbaz\n'],
      ['echo $sp', 'a b c\n'],
      ['echo "$sp"', 'a  b  c\n'],
      ['echo $late', 'x y\n'],
      ['echo ${foo:-def} ${nosuch:-def} ${nosuch:=dd} $nosuch', 'bar def dd dd\n'],
      ['echo ${foo:+p}${other:+q} ${foo:x}${gone:x}.', 'q bar.\n'],
      ['x=5; echo $x', '5\n'],
      ['foo=local; echo $foo', 'bar\n'],
      ['y=$sp; echo "$y"', 'a  b  c\n'],
      ['z=1 echo $z', '1\n'],
      ['HUSH_VERSION=2', 'HUSH_VERSION: readonly variable\n'],
      ['showvar', 'HUSH_VERSION=0.01\nnosuch=dd\nx=5\nfoo=local\ny=a  b  c\nz=1\n'],
      ['showvar x gone; echo $?', 'x=5\n## Error: "gone" not defined\n1\n'],
      ['$gone', ''],
      ['$command', 'two words\n'],
      ['echo $it', 'syntax error\n'],
      ['echo $open', 'a b\n\n'],
      ['echo $_ $1 $ $(x) "$"', '$_ $1 $ $(x) $\n'],
      ['false', ''],
      ['echo $?', '1\n'],
      ['echo $?', '0\n'],
      ['false; echo ${?}. ${?:-d}.', '. d.\n'],
      ['nosuch; echo $?', "Unknown command 'nosuch' - try 'help'\n1\n"],
    ],
    { foo: 'bar', sp: 'a  b  c', late: 'x\ny', command: 'echo two words', it: "it's", open: 'a "b' },
  )
})

t.test('sequences, with the habit that a failed && skips up to the next ;', async t => {
  await converse(t, [
    ['false && echo yes', ''],
    ['false || echo no', 'no\n'],
    ['true && echo yes || echo no', 'yes\n'],
    ['false && echo yes || echo no', ''],
    ['true || echo a; echo b', 'b\n'],
    ['&& echo', '\n'],
    ['false && ; echo b', 'b\n'],
    ['echo a | echo b', 'syntax error\n'],
    ['echo a & echo b', 'syntax error\n'],
    ['echo a > b', 'a > b\n'],
    ['(echo sub)', "Unknown command '(echo' - try 'help'\n"],
    ['{ echo grp; }', "Unknown command '{' - try 'help'\nUnknown command '}' - try 'help'\n"],
    ['! true; echo $?', "Unknown command '!' - try 'help'\n1\n"],
  ])
})

t.test('compounds', async t => {
  await converse(t, [
    ['if true; then echo T; else echo F; fi', 'T\n'],
    ['if false; then echo T; else echo F; fi', 'F\n'],
    ['if test a = b; then echo T; elif test b = b; then echo E; else echo F; fi', 'E\n'],
    ['if false; then echo T; fi; echo $?', '1\n'],
    ['if true; then echo T; fi && echo more', 'T\nmore\n'],
    ['for i in a b c; do echo $i; done', 'a\nb\nc\n'],
    ['for i in 1 2; do for j in x y; do echo $i$j; done; done', '1x\n1y\n2x\n2y\n'],
    ['list="1 2  3"; for i in "$list"; do echo n$i; done', 'n1\nn2\nn3\n'],
    ['for i in; do echo x; done', ''],
    ['for in a; do echo x; done', ''],
    ['i=0; while test $i -lt 3; do echo $i; setexpr i $i + 1; done', '0\n1\n2\n'],
    ['until true; do echo x; done', ''],
    ['while ; do echo x; done; echo end', 'end\n'],
    ['fi', 'syntax error\n'],
    ['done', 'syntax error\n'],
    ['if true; then echo a; fi b', 'syntax error\n'],
    ['if true; then echo a; fi b; echo c', 'syntax error\n'],
    ['for for in a; do true; done', 'syntax error\n'],
    ['for i j in a; do true; done', 'syntax error\n'],
    ['for i; do true; done', 'syntax error\n'],
  ])
})

t.test("labgrid's marks around a command, and what it ended with, are lines of their own", async t => {
  const marked = (command: string): string => `echo 'ABCD''EFGHIJ'; ${command}; echo "$?"; echo 'ABCD''EFGHIJ';`
  await converse(t, [
    ["echo 'ABCD''EFGHIJ'", 'ABCDEFGHIJ\n'],
    [marked('echo two; echo lines'), 'ABCDEFGHIJ\ntwo\nlines\n0\nABCDEFGHIJ\n'],
    [marked('false'), 'ABCDEFGHIJ\n1\nABCDEFGHIJ\n'],
    [marked("setenv bootargs 'console=ttyS0,115200 ro'"), 'ABCDEFGHIJ\n0\nABCDEFGHIJ\n'],
    [marked('nosuch'), "ABCDEFGHIJ\nUnknown command 'nosuch' - try 'help'\n1\nABCDEFGHIJ\n"],
    [marked('setenv size ${gone}'), 'ABCDEFGHIJ\n0\nABCDEFGHIJ\n'],
  ])
})

t.test('a list that is not finished goes on in the next line', async t => {
  await converse(t, [
    ['if true', '> '],
    ['then echo yes', '> '],
    ['', '> '],
    ['fi', 'yes\n'],
    ['echo "two', '> '],
    ['lines"', 'two\nlines\n'],
    ["echo 'two", '> '],
    ["lines'", 'two\nlines\n'],
    ['echo ${gone', '> '],
    ['}end', 'end\n'],
    ['echo a\\', '> '],
    ['b', 'a\nb\n'],
  ])
})

t.test('^C leaves an unfinished list', async t => {
  const { terminal } = await atPrompt(t)
  t.equal(await terminal.exchange('if true\r', '> '), 'if true\r\n> ')
  t.equal(await terminal.exchange('ab\x03'), 'ab<INTERRUPT>\r\n=> ')
  t.equal(await terminal.exchange('echo a\r'), 'echo a\r\na\r\n=> ')
})

t.test('an empty line runs the last command once more, if that may be repeated', async t => {
  await converse(t, [
    ['', ''],
    ['md 0', 'begins\n'],
    ['', 'goes on\n'],
    ['echo once', 'once\n'],
    ['', 'once\n'],
    ['nosuch', "Unknown command 'nosuch' - try 'help'\n"],
    ['', "Unknown command 'nosuch' - try 'help'\n"],
    ['setenv a b', ''],
    ['', ''],
    ['fi', 'syntax error\n'],
    ['', ''],
    ['echo a\\', '> '],
    ['b', 'a\nb\n'],
    ['', 'a b\n'],
    [`echo "${'x'.repeat(600)}`, '> '],
    ['y'.repeat(600), '> '],
    ['"', `${'x'.repeat(600)}\n${'y'.repeat(600)}\n\n`],
    ['', ''],
  ])
})

t.test('commands go by any unique prefix up to the first dot', async t => {
  const { terminal } = await atPrompt(t, { variables: { a: '1' } })
  t.equal(await terminal.exchange('pri a\r'), 'pri a\r\na=1\r\n=> ')
  t.equal(await terminal.exchange('e\r'), "e\r\nUnknown command 'e' - try 'help'\r\n=> ")
  t.equal(await terminal.exchange('md.z\r'), 'md.z\r\nbegins\r\n=> ')
  t.equal(
    await terminal.exchange('md 1 2 3\r'),
    'md 1 2 3\r\nmd - memory display\r\n\r\nUsage:\r\nmd [.b, .w, .l] address [# of objects]\r\n=> ',
  )
})

t.test('run stops at what fails, and exit ends the innermost script', async t => {
  await converse(
    t,
    [
      ['run nested', 'bar\ndone\n'],
      ['run nosuch; echo $?', '## Error: "nosuch" not defined\n1\n'],
      ['run bad nested', 'a\n'],
      ['run outer; echo $?', 'entry\ninner\nleft\n0\n'],
      ['run inner; echo $?', 'inner\n3\n'],
      ['exit', 'exit not allowed from main input shell.\n'],
      ['exit 3; echo not', 'exit not allowed from main input shell.\n'],
      ['echo $?', '3\n'],
      ['run crlf', 'syntax error\n'],
      ['run half', 'syntax error\n'],
      ['run brace', 'syntax error\n'],
      ['run quote', 'a\nb\n\n'],
      ['run empty; echo $?', '0\n'],
    ],
    {
      nested: 'echo ${foo}; echo done',
      foo: 'bar',
      bad: 'echo a; false',
      outer: 'echo entry; run inner\necho left',
      inner: 'echo inner; exit 3; echo not',
      crlf: 'if true\r\nthen\r\necho a\r\nfi\r\n',
      half: 'echo a; if true; then echo b',
      brace: 'echo ${a',
      quote: 'echo "a\nb',
      empty: ' ',
    },
  )
})

t.test('a script runs line by line, up to a syntax error', async t => {
  const { shell, terminal } = await atPrompt(t)
  const signal = new AbortController().signal
  const script = async (text: string): Promise<unknown[]> => {
    const status = await shell.run(text, signal, 'script')
    // Output goes out after everything that needs no other turn of the event loop.
    await new Promise(setImmediate)
    return [await terminal.shows(''), status]
  }
  t.same(await script('echo a\nif true\nthen echo b\nfi\nfalse'), ['a\r\nb\r\n', 1])
  t.same(await script('echo a\nfi\necho b'), ['a\r\nsyntax error\r\n', 0])
  t.same(await script('fi\necho b'), ['syntax error\r\n', 1])
  t.same(await script('echo a\nif true'), ['a\r\nsyntax error\r\n', 0])
  t.same(await script('echo a; exit 7; echo b\necho c'), ['a\r\n', 7])
  const crlf = 'if true\r\nthen\r\necho a\r\nfi\r\nfor i in 1 2; do\r\necho $i\r\ndone\r\n'
  t.same(await script(crlf), ['a\r\n1\r\n2\r\n', 0], 'with the line ends of DOS')
  t.same(await shell.run('', signal), 0)
})

t.test('no text makes the parser fail in another way than its own, however it is cut', async () => {
  const piece = fc.constantFrom(
    'if ',
    'then ',
    'else ',
    'fi',
    'for ',
    'i ',
    'in ',
    'do ',
    'done',
    'while ',
    ';',
    '\n',
    '&&',
    '||',
    '&',
    '"',
    "'",
    '\\',
    '$',
    '${',
    '}',
    '#',
    ' ',
    'x=1',
    '\xff',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.constantFrom('line', 'text', 'words'),
      fc.nat(40),
      (pieces, mode, cut) => {
        const whole = new HushParser(mode)
        const states = [whole.parse(`${pieces.join('')}\n`).state, whole.end()]
        const parts = new HushParser('text')
        parts.parse(`${pieces.slice(0, cut).join('')}\n`)
        states.push(parts.parse(`${pieces.slice(cut).join('')}\n`).state)
        return states.every(state => ['complete', 'more', 'error'].includes(state))
      },
    ),
    { numRuns: 300 },
  )
})

t.test('compounds nested too deep, and lists without end, are syntax errors', async t => {
  t.equal(new HushParser('line').parse('if true; then '.repeat(200)).state, 'error')
  for (const piece of ['x', '\t', ';', '"', "'", '#\n', '${', 'a;']) {
    t.equal(new HushParser('text').parse(`echo ${piece.repeat(2 ** 16)}\n`).state, 'error', piece)
    const parser = new HushParser('text')
    for (let size = 0; size < 2 ** 16; size += 1024 * piece.length) parser.parse(piece.repeat(1024))
    t.equal(parser.parse(`${piece}\n`).state, 'error', `${piece} in parts`)
  }
  t.equal(new HushParser('line').parse(`echo a\n${'x'.repeat(2 ** 17)}`).state, 'complete', 'only the list counts')
})
