/** Boot: files in, the plan and its picture at once, and then the job on its way. */

import type { BoardView } from '../../../boot/board/board.js'
import { formatSize } from '../../../kexec/layout/ranges.js'
import type { PlanJson } from '../../../kexec/render/plan-json.js'
import { messageOf } from '../api/api.js'
import { fill, h } from '../parts/dom.js'
import { planParts } from '../parts/plan-parts.js'
import type { App, View } from '../parts/view.js'
import { type BootFile, kindOf, withFile } from './boot-files.js'
import { type BoardForPlan, planFiles } from './boot-plan.js'
import { readBundle } from './bundle-file.js'
import { type FileListActions, fileList, removeButton } from './file-list.js'
import { checkMaySend, formOf, type Submission, send } from './upload.js'

const CANCELLED = new Error('The upload was cancelled.')

/** What is sent instead of single files. */
interface WholeJob {
  readonly name: string
  readonly submission: Submission
}

export function createBootView(app: App): View {
  return new BootView(app)
}

class BootView implements View {
  readonly title = 'Boot'
  readonly element: HTMLElement
  readonly #app: App
  #files: readonly BootFile[] = []
  #whole: WholeJob | null = null
  #plan: PlanJson | null = null
  #board: BoardForPlan | null = null
  #upload: AbortController | null = null
  /** the latest plan wins, whichever is ready first */
  #planning = 0
  readonly #problem = h('p', { class: 'problem', role: 'alert', hidden: true })
  readonly #list = h('div')
  readonly #result = h('div', { 'aria-live': 'polite' })
  readonly #picker = h('input', {
    id: 'files',
    type: 'file',
    multiple: true,
    class: 'unseen',
    onchange: () => this.#picked(),
  })
  readonly #cmdline = h('input', {
    id: 'cmdline',
    type: 'text',
    spellcheck: 'false',
    oninput: () => void this.#replan(),
  })
  readonly #name = h('input', { id: 'name', type: 'text', maxlength: 200 })
  readonly #earlycon = this.#checkbox('earlycon')
  readonly #force = this.#checkbox('force')
  readonly #queue = this.#checkbox('queue')
  readonly #fields = h('fieldset', {})
  readonly #boot = h('button', { type: 'button', class: 'primary', onclick: () => void this.#send(false) }, 'Boot')
  readonly #dryRun = h('button', { type: 'button', onclick: () => void this.#send(true) }, 'Plan on the board')
  readonly #cancel = h(
    'button',
    { type: 'button', hidden: true, onclick: () => this.#upload?.abort(CANCELLED) },
    'Cancel',
  )
  readonly #progress = h('progress', { 'aria-label': 'Upload', hidden: true })
  readonly #sent = h('p', { class: 'hint', role: 'status' })

  readonly #listActions: FileListActions = {
    setRole: (file, role) => this.#setFiles(withFile(this.#without(file), { ...file, role })),
    remove: file => this.#setFiles(this.#without(file)),
  }

  constructor(app: App) {
    this.#app = app
    this.#fields.append(
      h('legend', { class: 'unseen' }, 'The job'),
      h('label', { for: 'cmdline' }, 'Command line of the kernel'),
      this.#cmdline,
      h('label', { for: 'name' }, 'Name of the job, for people'),
      this.#name,
      this.#option(this.#earlycon, 'Add earlycon, so that the target speaks before its console driver'),
      this.#option(this.#queue, 'Wait for the board when another job has it'),
      this.#option(this.#force, 'Boot even if the target cannot survive'),
    )
    this.element = h(
      'div',
      { ondragover: (event: DragEvent) => event.preventDefault(), ondrop: (event: DragEvent) => this.#dropped(event) },
      h(
        'div',
        { class: 'drop' },
        this.#picker,
        h('label', { for: 'files', class: 'button' }, 'Choose files'),
        h(
          'p',
          { class: 'hint' },
          'or drop them here: kernel, ramdisk, device tree, overlays, modules; or one ZIP, or a job of LAVA (.yaml) or KernelCI (.json).',
        ),
      ),
      this.#problem,
      this.#list,
      this.#fields,
      h('div', { class: 'actions' }, this.#boot, this.#dryRun, this.#cancel),
      this.#progress,
      this.#sent,
      this.#result,
    )
    this.#show()
  }

  enter(): void {
    void this.#readBoard()
  }

  #checkbox(id: string): HTMLInputElement {
    return h('input', { id, type: 'checkbox', onchange: () => void this.#replan() })
  }

  #option(box: HTMLInputElement, text: string): HTMLElement {
    return h('label', { for: box.id, class: 'option' }, box, ' ', text)
  }

  /** What the planner needs of the board; a board that is away is asked again at the next visit. */
  async #readBoard(): Promise<void> {
    try {
      const { api } = this.#app
      const [board, dtb] = await Promise.all([api.get<BoardView>('/v1/board'), api.fetch('/v1/board/dtb')])
      const bytes = new Uint8Array(await dtb.arrayBuffer())
      this.#board = {
        ram: board.memory.ram,
        runningDtb: bytes.length === 0 ? undefined : bytes,
        findings: board.findings,
      }
      const { serialLine } = board
      if (serialLine !== null && this.#cmdline.value === '' && this.#whole === null)
        this.#cmdline.value = `console=${serialLine.tty}${serialLine.baud === null ? '' : `,${serialLine.baud}n8`}`
      await this.#replan()
    } catch (thrown) {
      this.#complain(thrown)
    }
  }

  #picked(): void {
    const files = [...(this.#picker.files ?? [])]
    this.#picker.value = ''
    void this.#add(files)
  }

  #dropped(event: DragEvent): void {
    event.preventDefault()
    void this.#add([...(event.dataTransfer?.files ?? [])])
  }

  async #add(files: readonly File[]): Promise<void> {
    this.#problem.hidden = true
    for (const file of files) {
      try {
        await this.#addFile(file.name, new Uint8Array(await file.arrayBuffer()))
      } catch (thrown) {
        this.#complain(thrown, file.name)
      }
    }
    this.#show()
    await this.#replan()
  }

  async #addFile(name: string, bytes: Uint8Array): Promise<void> {
    const kind = kindOf(name, bytes)
    if (kind === null)
      throw new Error('neither its content nor its name tells what it is; rename it, to zImage for example')
    if (kind === 'bundle') {
      const { files, cmdline } = readBundle(bytes)
      this.#files = files
      this.#cmdline.value = cmdline
      this.#whole = { name, submission: { body: new Blob([new Uint8Array(bytes)]), type: 'application/zip' } }
    } else if (kind === 'lava' || kind === 'json') {
      this.#files = []
      const type = kind === 'lava' ? 'application/yaml' : 'application/json'
      this.#whole = { name, submission: { body: new TextDecoder().decode(bytes), type } }
    } else {
      if (this.#whole !== null) this.#files = []
      this.#whole = null
      this.#files = withFile(this.#files, { name, role: kind, bytes })
    }
  }

  #show(): void {
    const whole = this.#whole
    // A whole job brings its own fields.
    this.#fields.disabled = whole !== null
    const ready = whole !== null || this.#files.some(({ role }) => role === 'kernel')
    this.#boot.disabled = !ready || this.#upload !== null || (!(this.#plan?.survivable ?? true) && !this.#force.checked)
    this.#dryRun.disabled = !ready || this.#upload !== null
    this.#cancel.hidden = this.#upload === null
    this.#progress.hidden = this.#upload === null
    fill(
      this.#list,
      whole !== null &&
        h(
          'p',
          {},
          h('b', {}, whole.name),
          ' ',
          removeButton(whole.name, () => this.#clear()),
        ),
      this.#files.length > 0 && fileList(this.#files, whole === null ? this.#listActions : null),
    )
  }

  #clear(): void {
    this.#whole = null
    this.#setFiles([])
  }

  #without(file: BootFile): readonly BootFile[] {
    return this.#files.filter(other => other !== file)
  }

  #setFiles(files: readonly BootFile[]): void {
    this.#files = files
    this.#show()
    void this.#replan()
  }

  async #replan(): Promise<void> {
    this.#planning++
    const turn = this.#planning
    const isLatest = (): boolean => turn === this.#planning
    this.#plan = null
    try {
      if (this.#files.length === 0) {
        const fetches =
          this.#whole !== null &&
          h(
            'p',
            { class: 'note' },
            'The board fetches the files of this job: “Plan on the board” shows their plan without a boot.',
          )
        fill(this.#result, fetches)
      } else if (this.#board !== null) {
        const options = { cmdline: this.#cmdline.value, earlycon: this.#earlycon.checked, force: this.#force.checked }
        const { plan, remarks } = await planFiles(this.#files, options, this.#board)
        if (!isLatest()) return
        this.#plan = plan
        fill(
          this.#result,
          remarks.map(text => h('p', { class: 'note' }, text)),
          plan !== null && planParts(plan),
        )
      }
    } catch (thrown) {
      if (isLatest()) fill(this.#result, h('p', { class: 'problem' }, messageOf(thrown)))
    }
    this.#show()
  }

  async #send(dryRun: boolean): Promise<void> {
    this.#problem.hidden = true
    const upload = new AbortController()
    this.#upload = upload
    this.#show()
    try {
      const job = await this.#submit(dryRun, upload.signal)
      location.hash = `#/jobs/${job.id}`
    } catch (thrown) {
      this.#complain(thrown)
    }
    this.#upload = null
    this.#sent.textContent = ''
    this.#show()
  }

  async #submit(dryRun: boolean, signal: AbortSignal) {
    const { api } = this.#app
    await checkMaySend(api)
    const { owner } = await api.get<BoardView>('/v1/board')
    if (owner !== null && !this.#queue.checked && !dryRun)
      throw new Error(`Job ${owner} has the board. Cancel it under Jobs, or let this job wait.`)
    this.#sent.textContent = 'Packing the files.'
    const fields = {
      name: this.#name.value,
      cmdline: this.#cmdline.value,
      options: {
        ...(this.#earlycon.checked ? { earlycon: true as const } : {}),
        force: this.#force.checked,
        queue: this.#queue.checked,
      },
    }
    const submission = this.#whole?.submission ?? (await formOf(fields, this.#files))
    signal.throwIfAborted()
    return send(api, submission, {
      dryRun,
      signal,
      progress: (sent, all) => {
        this.#progress.max = all
        this.#progress.value = sent
        this.#sent.textContent = `${formatSize(sent)} of ${formatSize(all)} sent.`
      },
    })
  }

  #complain(thrown: unknown, file?: string): void {
    this.#problem.hidden = false
    this.#problem.textContent = file === undefined ? messageOf(thrown) : `${file}: ${messageOf(thrown)}`
  }
}
