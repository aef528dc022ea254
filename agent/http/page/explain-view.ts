/** Explain: a pasted log of kexec-tools becomes a diagnosis and a picture. It needs no board. */

import { type ExplainedRun, explainLog } from '../../../lava/explain/explain.js'
import { explainPicture } from '../../../lava/explain/explain-picture.js'
import { renderExplainText } from '../../../lava/explain/explain-text.js'
import { type Child, fill, h } from './parts/dom.js'
import { findingList } from './parts/findings.js'
import { memoryPicture } from './parts/memory-picture.js'
import type { View } from './parts/view.js'

/** Milliseconds after the last key before the log is read. */
const PAUSE_MS = 250

/** @param log is explained at once */
export function createExplainView(log = ''): View {
  const result = h('div', { 'aria-live': 'polite' })
  const input = h('textarea', {
    id: 'log',
    rows: 12,
    spellcheck: 'false',
    placeholder:
      'kexec -d -l zImage --initrd=initrd.gz --dtb=board.dtb\nkernel: 0xb6a3c008 kernel_size: 0x5c7200\nMEMORY RANGES\n…',
    oninput: () => later(),
  })
  const show = (): void => fill(result, ...explained(input.value))
  let timer: ReturnType<typeof setTimeout> | undefined
  const later = (): void => {
    clearTimeout(timer)
    timer = setTimeout(show, PAUSE_MS)
  }
  input.value = log
  show()
  return {
    title: 'Explain',
    element: h(
      'div',
      {},
      h('label', { for: 'log' }, 'Output of kexec --debug -l'),
      h(
        'p',
        { class: 'hint' },
        'A console log or a mail will do: quoted, cut by kernel messages, with several runs in it. It stays in this browser.',
      ),
      input,
      result,
    ),
    enter: () => undefined,
  }
}

function explained(log: string): Child[] {
  if (log.trim() === '') return []
  const { runs } = explainLog(log)
  if (runs.length > 0) return runs.map((run, index) => runElement(run, index + 1, runs.length))
  return [
    h(
      'p',
      { class: 'problem' },
      'No run of kexec-tools found: it prints “MEMORY RANGES” and “Kernel: address=” with the option --debug.',
    ),
  ]
}

function runElement(run: ExplainedRun, number: number, count: number): HTMLElement {
  const picture = explainPicture(run)
  return h(
    'section',
    {},
    h('h3', {}, count === 1 ? 'Diagnosis' : `Run ${number} of ${count}`),
    run.command !== null && h('p', {}, h('code', {}, run.command)),
    findingList(run.findings, 'This log shows nothing that is wrong.'),
    picture !== null && [h('h3', {}, 'Memory'), memoryPicture(picture)],
    h(
      'details',
      {},
      h('summary', {}, 'As text'),
      h(
        'pre',
        { tabindex: 0, 'aria-label': 'The explanation as text' },
        renderExplainText({ runs: [run] }, { color: false }),
      ),
    ),
  )
}
