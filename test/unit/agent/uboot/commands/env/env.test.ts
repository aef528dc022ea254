import t, { type Test } from 'tap'
import { fault } from '../../../../../../agent/errors.js'
import { envCommands } from '../../../../../../agent/uboot/commands/env/env.js'
import type { EnvironmentStore } from '../../../../../../agent/uboot/env/environment.js'
import { UBootEnvironment } from '../../../../../../agent/uboot/env/uboot-environment.js'
import type { Command } from '../../../../../../agent/uboot/machine/machine.js'
import { bench } from '../../run-command.js'

const DEFAULTS = { arch: 'arm', baudrate: '115200', bootdelay: '2', stdin: 'serial' }

function setUp(
  t: Test,
  { store = null, capacity = 0x4_0000 - 4 }: { store?: EnvironmentStore | null; capacity?: number } = {},
  answers: (string | null)[] = [],
  more: readonly Command[] = [],
) {
  const env = new UBootEnvironment({ defaults: DEFAULTS, store, capacity })
  return bench(t, [...envCommands, ...more], { env }, answers)
}

t.test('printenv prints all, some, and what is missing', async t => {
  const { type } = setUp(t)
  await type('setenv .hidden x')
  await type('setenv path C:\\x')
  t.equal(
    await type('printenv'),
    'arch=arm\nbaudrate=115200\nbootdelay=2\npath=C:\\\\x\nstdin=serial\n\nEnvironment size: 62/262140 bytes\n',
  )
  t.match(await type('printenv -a'), /^\.hidden=x\narch=arm\n/)
  t.equal(
    await type('printenv bootdelay nosuchvar .hidden path'),
    '1: bootdelay=2\n## Error: "nosuchvar" not defined\n.hidden=x\npath=C:\\x\n',
  )
  t.match(await type('printenv -e'), /^1: Error: Cannot initialize UEFI/)
})

t.test('setenv sets, joins, deletes and refuses', async t => {
  const { type, machine } = setUp(t)
  await type('setenv multi a b c')
  t.equal(machine.env.get('multi'), 'a b c')
  await type('setenv multi')
  t.equal(machine.env.get('multi'), undefined)
  await type('setenv empty ""')
  t.equal(machine.env.get('empty'), '')
  t.equal(await type('setenv a=b c'), `1: ## Error: illegal character '=' in variable name "a=b"\n`)
  t.equal(await type('setenv'), 'usage of setenv\n')
  t.equal(await type('setenv -q x'), 'usage of setenv\n')
  t.match(await type('setenv -e x'), /^1: Error: Cannot initialize UEFI/)
  t.equal(await type('setenv ethaddr 52:54:00:12:34:56'), '')
  t.equal(
    await type('setenv ethaddr 00:11:22:33:44:55'),
    `1: ## Error: Can't overwrite "ethaddr"\n## Error inserting "ethaddr" variable, errno=1\n`,
  )
  t.equal(await type('setenv -f ethaddr 00:11:22:33:44:55'), '')
})

t.test('env has the same as subcommands, by any unique start of their names', async t => {
  const { type } = setUp(t)
  t.equal(await type('env set e1 v1'), '')
  t.equal(await type('env print e1'), 'e1=v1\n')
  t.equal(await type('env prin e1'), 'e1=v1\n')
  t.equal(await type('env exists e1'), '')
  t.equal(await type('env delete e1'), '')
  t.equal(await type('env exists e1'), '1: ')
  t.equal(await type('env delete e1'), '1: ')
  t.equal(await type('env delete -x e1'), 'usage of env\n')
  t.equal(await type('env exists'), 'usage of env\n')
  t.equal(await type('env'), 'usage of env\n')
  t.equal(await type('env e x'), 'usage of env\n')
  t.equal(await type('env nosuchsub'), 'usage of env\n')
  t.equal(await type('env run e1'), 'usage of env\n')
})

t.test('env run is run', async t => {
  const run: Command = {
    name: 'run',
    maxArgs: 64,
    summary: '',
    usage: '',
    run(machine, { args }) {
      machine.out.write(`${args.join(' ')}\n`)
      return 0
    },
  }
  const { type } = setUp(t, {}, [], [run])
  t.equal(await type('env run a b'), 'run a b\n')
})

t.test('grepenv looks in names and values', async t => {
  const { type } = setUp(t)
  t.equal(await type('grepenv arm'), 'arch=arm\n')
  t.equal(await type('grepenv -n bo se'), 'bootdelay=2\n')
  t.equal(await type('grepenv -v ser 2'), 'baudrate=115200\nbootdelay=2\nstdin=serial\n')
  t.equal(await type('grepenv -e -n ^b.*e$ '), 'baudrate=115200\n')
  t.match(await type('grepenv -e (a'), /^1: Error compiling regex: /)
  t.equal(await type('grepenv nothing'), '1: ')
  t.equal(await type('grepenv'), 'usage of grepenv\n')
  t.equal(await type('grepenv -x a'), 'usage of grepenv\n')
})

t.test('editenv starts with the value, and ^C leaves it', async t => {
  const { type, machine } = setUp(t, {}, ['X', null, ''])
  t.equal(await type('editenv bootdelay'), 'edit: 2')
  t.equal(machine.env.get('bootdelay'), 'X')
  t.equal(await type('editenv bootdelay'), '1: edit: X')
  t.equal(await type('editenv bootdelay'), 'edit: X')
  t.equal(machine.env.get('bootdelay'), undefined)
  t.equal(await type('editenv'), 'usage of editenv\n')
})

t.test('askenv asks with its own words or with given ones, up to a size', async t => {
  const { type, machine } = setUp(t, {}, ['abc', 'abcdef', null])
  t.equal(await type('askenv x'), "Please enter 'x': ")
  t.equal(machine.env.get('x'), 'abc')
  t.equal(await type('askenv x Your name? 4'), 'Your name? ')
  t.equal(machine.env.get('x'), 'abcd')
  t.equal(await type('askenv x'), "Please enter 'x': ")
  t.equal(machine.env.get('x'), undefined)
  t.equal(await type('askenv x 0'), '1: ')
  t.equal(await type('askenv'), 'usage of askenv\n')
})

t.test('env indirect copies a value', async t => {
  const { type, machine } = setUp(t)
  t.equal(await type('env indirect to arch'), '')
  t.equal(machine.env.get('to'), 'arm')
  t.equal(await type('env indirect to nosuch else'), '')
  t.equal(machine.env.get('to'), 'else')
  t.equal(
    await type('env indirect to nosuch'),
    '1: ## env indirect: Environment variable for <from> (nosuch) does not exist.\n',
  )
  t.match(
    await type('env indirect ipaddr arch'),
    /## env indirect: Setting environment variable <to> \(ipaddr\) failed\.\n$/,
  )
  t.equal(await type('env indirect to'), 'usage of env\n')
})

/** A store that keeps what is saved. */
function memoryStore(failing = false): EnvironmentStore {
  let kept: ReadonlyMap<string, string> | null = null
  const fail = () => {
    if (failing) throw fault('UBOOT_ENVIRONMENT', { what: 'uboot.env', reason: 'no card' })
  }
  return {
    name: 'FAT',
    async save(variables) {
      fail()
      kept = new Map(variables)
    },
    async load() {
      fail()
      return kept
    },
  }
}

t.test('saveenv saves, and env load takes it back', async t => {
  const { type, machine } = setUp(t, { store: memoryStore() })
  t.equal(
    await type('env load'),
    '1: Loading Environment from FAT... *** Warning - bad CRC, using default environment\n\n',
  )
  await type('setenv saved 1')
  t.equal(await type('saveenv'), 'Saving Environment to FAT... OK\n')
  await type('setenv saved 2')
  t.equal(await type('env info -d -p'), 'Default environment is used\nEnvironment can be persisted\n')
  t.equal(await type('env info'), 'env_valid = valid\nenv_ready = true\nenv_use_default = true\n')
  t.equal(await type('env load'), 'Loading Environment from FAT... OK\n')
  t.equal(machine.env.get('saved'), '1')
  t.equal(await type('env info -d'), '1: Environment was loaded from persistent storage\n')
  t.equal(await type('env info -d -q'), '1: ')
  t.equal(await type('env info -x'), 'usage of env\n')
  t.equal(await type('env select FAT'), 'Select Environment on FAT: OK\n')
  t.equal(await type('env select MMC'), '1: Select Environment on MMC: driver not found\n')
  t.equal(await type('env select'), 'usage of env\n')
})

t.test('saving fails in words', async t => {
  const nowhere = setUp(t)
  t.equal(await nowhere.type('saveenv'), '1: Saving Environment to nowhere... not possible\n')
  t.equal(await nowhere.type('env info -p'), '1: Environment cannot be persisted\n')
  t.match(await nowhere.type('env load'), /^1: Loading Environment from nowhere\.\.\. \*\*\* Warning/)
  const failing = setUp(t, { store: memoryStore(true) })
  t.equal(
    await failing.type('saveenv'),
    '1: Saving Environment to FAT... uboot.env: no card; check its size, and the fw_env.config that places it\nFailed (1)\n',
  )
  t.equal(
    await failing.type('env load'),
    '1: Loading Environment from FAT... uboot.env: no card; check its size, and the fw_env.config that places it\n',
  )
  const small = setUp(t, { store: memoryStore(), capacity: 20 })
  t.equal(
    await small.type('env save'),
    '1: Saving Environment to FAT... Env export buffer too small: 20, but need 51\n' +
      '## Error: Cannot export environment: errno = 12\nFailed (1)\n',
  )
})

t.test('a fault of a store that is not in the table is not hidden', async t => {
  const broken = async (): Promise<never> => {
    throw new TypeError('broken')
  }
  const { type } = setUp(t, { store: { name: 'FAT', save: broken, load: broken } })
  await t.rejects(type('saveenv'), { message: 'broken' })
  await t.rejects(type('env load'), { message: 'broken' })
})

t.test('env default resets all or some', async t => {
  const { type, machine } = setUp(t)
  await type('setenv foo bar')
  await type('setenv bootdelay 9')
  t.equal(await type('env default foo'), "WARNING: 'foo' not in imported env, deleting it!\n")
  t.equal(await type('env default bootdelay'), '')
  t.equal(machine.env.get('bootdelay'), '2')
  await type('setenv foo bar')
  t.equal(await type('env default -k foo'), '')
  t.equal(await type('env default -k -a'), '## Resetting to default environment\n')
  t.equal(machine.env.get('foo'), 'bar')
  t.equal(await type('env default -a'), '## Resetting to default environment\n')
  t.equal(machine.env.get('foo'), undefined)
  for (const line of ['env default', 'env default -a foo', 'env default -x'])
    t.equal(await type(line), 'usage of env\n', line)
})

t.test('env flags and env callbacks list what is built in and what is in force', async t => {
  const { type } = setUp(t)
  await type('setenv ethaddr 52:54:00:12:34:56')
  const flags = await type('env flags')
  t.match(
    flags,
    /^Available variable type flags \(position 0\):\n\tFlag\tVariable Type Name\n\t----\t------------------\n\ts {3}-\tstring\n/,
  )
  t.ok(flags.includes('\teth\\d*addr           MAC address          write-once          \n'))
  t.ok(
    flags.endsWith(
      '\t-------------        -------------        ---------------     \n\tethaddr              MAC address          write-once          \n',
    ),
  )
  const callbacks = await type('env callbacks')
  t.match(callbacks, /^Available callbacks:\n\tCallback Name\n\t-------------\n\tbaudrate\n/)
  t.ok(
    callbacks.endsWith(
      '\tbaudrate             baudrate            \n\tethaddr              ethaddr             \n\tstdin                console             \n',
    ),
  )
})

t.test('TAB completes names of subcommands and variables', t => {
  const { machine } = setUp(t)
  const complete = (...words: string[]) => envCommands.find(({ name }) => name === words[0])?.complete?.(machine, words)
  t.strictSame(complete('printenv', 'b'), ['baudrate', 'bootdelay'])
  t.strictSame(complete('printenv', 'arch', ''), [])
  t.strictSame(complete('env', 'de'), ['default', 'delete'])
  t.strictSame(complete('env', 'print', 'a'), ['arch'])
  t.end()
})
