import fc from 'fast-check'
import t from 'tap'
import { FauxbootError } from '../../../../agent/errors.js'
import { artifactOf, parsePushTarget, parseReportName, roleOf } from '../../../../agent/tftp/push-names.js'
import { refusal } from '../boot/fixture.js'

t.test('a file that is pushed has the name of its job and the role that jobs over HTTP have for it', async t => {
  for (const role of ['kernel', 'ramdisk', 'dtb', 'modules', 'overlay0', 'overlay9', 'overlay10', 'overlay63']) {
    t.same(parsePushTarget(`nightly-4.2_x/${role}`), { job: 'nightly-4.2_x', role })
  }
  t.same(parsePushTarget('/a/kernel'), { job: 'a', role: 'kernel' }, 'some clients begin with a slash')
})

t.test('a description and what is read of a job have names of their own', async t => {
  for (const description of ['job.json', 'job.yaml', 'boot.scr']) {
    t.same(parsePushTarget(`a/${description}`), { job: 'a', description })
  }
  for (const report of ['status.json', 'log', 'plan.json', 'plan.svg']) {
    t.same(parseReportName(`a/${report}`), { job: 'a', report })
  }
})

const BAD = [
  ...['', '/', 'kernel', 'a/', '/kernel', '//kernel', 'a//kernel', 'a/b/kernel', 'a/vmlinuz', 'a/Kernel', 'a/kernel/'],
  ...['../kernel', '..', 'a/..', '.a/kernel', 'a/../kernel', 'a\\kernel', 'C:/kernel', 'a b/kernel', 'ä/kernel'],
  ...['a/kernel\n', 'a\u0000/kernel', '\u001b[2J/kernel', 'a/overlay', 'a/overlay64', 'a/overlay01', 'a/overlay-1'],
  ...[`${'a'.repeat(65)}/kernel`, 'a/status.json', 'a/log'],
]

t.test('no other name can be written, and the refusal says which can', async t => {
  for (const name of BAD) {
    const error = await refusal(() => parsePushTarget(name))
    t.equal(error.code, 'PUSH_NAME', JSON.stringify(name))
    t.match(error.message, /FILE one of kernel, ramdisk, dtb, overlay0 to overlay63, modules, job.json, job.yaml/)
  }
})

t.test('no other name can be read, and the refusal says which can', async t => {
  for (const name of ['a/kernel', 'log', '../log', 'a/b/log', 'a/plan.json\n']) {
    const error = await refusal(() => parseReportName(name))
    t.equal(error.code, 'PUSH_UNKNOWN', JSON.stringify(name))
    t.match(error.message, 'FILE one of status.json, log, plan.json, plan.svg')
  }
})

t.test('whatever a client sends as a name, the refusal is short and printable', async t => {
  const name = fc.string({ unit: 'binary', maxLength: 600 })
  fc.assert(
    fc.property(name, text => {
      for (const parse of [parsePushTarget, parseReportName]) {
        try {
          parse(text)
        } catch (thrown) {
          if (!(thrown instanceof FauxbootError)) throw thrown
          if (!/^[\x20-\x7e]{1,260}$/.test(thrown.message)) throw new Error(`not fit to be shown: ${thrown.message}`)
        }
      }
    }),
  )
  t.pass('nothing else was thrown')
})

t.test('an artifact tells its role under its own name only', async t => {
  t.equal(roleOf('a', artifactOf('a', 'overlay3')), 'overlay3')
  t.equal(roleOf('a', artifactOf('a.kernel', 'kernel')), null)
  t.equal(roleOf('a', 'a.zip'), null)
  t.equal(roleOf('a', 'a'), null)
  t.equal(roleOf('a', 'b.kernel'), null)
})
