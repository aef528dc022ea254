/**
 * Nodes of KernelCI's API, as far as a pull lab reads them. A change replaces the whole node, so the document
 * is kept as it came: fields that are unknown here must go back.
 */

/** Fields that the API keeps itself and does not take back (kernelci-api, as its own pull labs leave them out). */
const READ_ONLY = [
  ...['id', '_id', 'created', 'updated', 'user', 'user_groups', 'owner', 'submitter', 'treeid'],
  ...['processed_by_kcidb_bridge', 'retry_counter', 'timeout'],
]

export type Fields = Readonly<Record<string, unknown>>

/** A node: a job or one of its ancestors. */
export interface KernelciNode {
  readonly id: string
  readonly kind: string
  /** `running`, `available`, `closing`, `done` */
  readonly state: string
  /** `pass`, `fail`, `skip`, `incomplete`; null before the result */
  readonly result: string | null
  readonly parent: string | null
  /** `data.job_id`: who has claimed it */
  readonly claim: string | null
  readonly runtime: string | null
  readonly platform: string | null
  /** URL of the job definition */
  readonly definition: string | null
  readonly document: Fields
}

/** Something that happened to a node. */
export interface NodeEvent {
  /** as the API wrote it: the next poll begins here */
  readonly timestamp: string
  /** null for an event of something that is no node */
  readonly node: KernelciNode | null
}

/** An object's fields; no fields of anything else. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** An id becomes part of a URL and of a file's name. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/** @returns null for anything but a node */
export function readNode(value: unknown): KernelciNode | null {
  const document = fieldsOf(value)
  const id = textOf(document.id) ?? textOf(document._id)
  const state = textOf(document.state)
  if (id === null || !ID.test(id) || state === null) return null
  const data = fieldsOf(document.data)
  return {
    id,
    kind: textOf(document.kind) ?? '',
    state,
    result: textOf(document.result),
    parent: textOf(document.parent),
    claim: textOf(data.job_id),
    runtime: textOf(data.runtime),
    platform: textOf(data.platform),
    definition: textOf(fieldsOf(document.artifacts).job_definition),
    document,
  }
}

/** @returns null for anything but a list of events; entries without a timestamp are dropped */
export function readEvents(value: unknown): NodeEvent[] | null {
  if (!Array.isArray(value)) return null
  return value.flatMap(entry => {
    const { timestamp, node } = fieldsOf(entry)
    return typeof timestamp === 'string' && timestamp.length <= 64 ? [{ timestamp, node: readNode(node) }] : []
  })
}

/** Changes to a node; data and artifacts are merged with the present ones. */
export interface NodeChanges {
  readonly state?: string
  readonly result?: string
  readonly data?: Fields
  readonly artifacts?: Readonly<Record<string, string>>
}

/** The document to send for a changed node. */
export function changedDocument({ document }: KernelciNode, { data, artifacts, ...changes }: NodeChanges): Fields {
  const writable = Object.entries(document).filter(([name]) => !READ_ONLY.includes(name))
  return {
    ...Object.fromEntries(writable),
    ...changes,
    ...(data && { data: { ...fieldsOf(document.data), ...data } }),
    ...(artifacts && { artifacts: { ...fieldsOf(document.artifacts), ...artifacts } }),
  }
}

/** A test of a job, as a node below it. */
export function childDocument({ document }: KernelciNode, name: string, result: string, message: string): Fields {
  const { platform, runtime, arch, kernel_revision, config_full, compiler, defconfig } = fieldsOf(document.data)
  const data = { platform, runtime, arch, kernel_revision, config_full, compiler, defconfig }
  const path = Array.isArray(document.path) ? document.path : []
  return {
    kind: 'test',
    name,
    path: [...path, name],
    group: document.group,
    state: 'done',
    result,
    data: { ...data, ...(message !== '' && { error_msg: message }) },
  }
}
