/** What the lab's tools read: kexec logs, settings of the pull lab, its jobs. */

import { readFileSync } from 'node:fs'
import { explainLog } from '../../../lava/explain/explain.js'
import { renderExplainText } from '../../../lava/explain/explain-text.js'
import { parsePullJob } from '../../../lava/kernelci/job-definition.js'
import { parseLavaJob } from '../../../lava/kernelci/lava-job.js'
import { parsePullConfig } from '../../../lava/kernelci/pull-config.js'
import { VECTORS } from '../../unit/agent/kexec/vectors.js'
import { printRun } from '../../unit/lava/explain/kexec-tools-log-printer.js'
import { type FuzzTargets, textOf, textSeeds } from '../target.js'

export const LAB_TARGETS: FuzzTargets = {
  'kexec-log': {
    seeds: textSeeds(...VECTORS.planner.slice(0, 3).map(vector => printRun(vector))),
    words: [
      'kernel: ',
      'segment[0].mem   = 0x40008000\n',
      '> ',
      '[    0.000000] ',
      '0x',
      '\n',
      '\r',
      '\t',
      'MEMORY RANGES\n',
    ],
    run: input => renderExplainText(explainLog(textOf(input)), { color: false }),
  },
  'pull-config': {
    seeds: [readFileSync('lava/kernelci/lab.yaml')],
    words: ['[', '{', '- ', ': ', '\n', '  ', '&a ', '*a ', '"', 'boards:', 'api:', 'tests:'],
    run: input => parsePullConfig(textOf(input), 'lab.yaml'),
  },
  'pull-job': {
    seeds: [readFileSync('test/unit/agent/boot/requests/pull-labs-a80.json')],
    words: ['{', '[', ']', '}', '"tests":', '"id":', '"type":', 'null', '-1', '\\u0000'],
    run: input => parsePullJob(textOf(input), {}),
  },
  'pull-lava-job': {
    seeds: [readFileSync('test/unit/agent/boot/requests/lava-a80.yaml')],
    words: [
      '[',
      '{',
      '- ',
      ': ',
      '\n',
      '  ',
      '&a ',
      '*a ',
      'notify:',
      'callback:',
      'url: http://',
      'timeouts:',
      'job:',
    ],
    run: input => parseLavaJob(textOf(input)),
  },
}
