/** As the user nobody, makes every call of the addon with arguments that a kernel would accept, and sends the results. */
import fc from 'fast-check'
import { loadAddon } from '../../../native/addon.js'
import * as native from '../../../native/index.js'
import { answer, dropPrivileges, endingOf } from './child.js'

/** The errors of the addon for arguments of any type and number. It must not crash. */
async function hostileCalls(): Promise<string[]> {
  const addon = loadAddon()
  const functions = [addon.load, addon.linkDown, addon.map, addon.watchdogTimeout, addon.notify] as ((
    ...args: unknown[]
  ) => unknown)[]
  const names = new Set<string>()
  const likely = fc.oneof(
    fc.anything({ withTypedArray: true, withSparseArray: true, withBigInt: true }),
    fc.double(),
    fc.nat(),
    fc.string(),
    fc.array(fc.tuple(fc.uint8Array(), fc.double(), fc.double()), { maxLength: 20 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...functions), fc.array(likely, { maxLength: 5 }), async (call, args) => {
      const ending = await endingOf(() => call(...args))
      names.add(ending.name)
    }),
    { numRuns: 1000 },
  )
  return [...names].sort()
}

/** A load whose buffer is detached while the kernel may be reading it. */
function loadAndDetach(): Promise<void> {
  const buffer = new Uint8Array(0x1000)
  const done = native.load(0x42000000, [{ buffer, mem: 0x42000000, memsz: 0x1000 }], 0)
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] })
  return done
}

const segments = [{ buffer: new Uint8Array(0x1000), mem: 0x42000000, memsz: 0x2000, kind: 'kernel' }]
// Load the addon, and import everything, before dropping privileges.
await native.sync()
dropPrivileges()
const answers = {
  load: await endingOf(() => native.load(0x42000000, segments, 0)),
  unload: await endingOf(() => native.unload()),
  jump: await endingOf(() => native.jump()),
  restart: await endingOf(() => native.restart()),
  powerOff: await endingOf(() => native.powerOff()),
  linkDown: await endingOf(() => native.linkDown('lo')),
  detached: await endingOf(loadAndDetach),
  hostile: await hostileCalls(),
}
export type UnprivilegedAnswers = typeof answers

answer(answers)
