/**
 * The API's data as JSON Schema: for the documentation, the checks of queries and the tests, which hold every answer
 * against its schema. `agent/bundle/bundle.ts` replaces this file by the schemas themselves, so that the board needs no typebox.
 */

import { type TSchema, Type } from 'typebox'
import { type ArtifactReference, JOB_STATES } from '../../boot/jobs/job.js'

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const wordOf = (words: readonly string[], description?: string) => Type.String({ enum: [...words], description })

type Compression = NonNullable<ArtifactReference['compression']>
/** A record, so that the compiler misses none. */
const COMPRESSIONS: Readonly<Record<Compression, true>> = {
  gzip: true,
  xz: true,
  lzma: true,
  zstd: true,
  bzip2: true,
  lz4: true,
  none: true,
}

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'lower-case hex' })
const Bytes = Type.Integer({ minimum: 0, description: 'bytes' })
const Time = Type.String({ format: 'date-time' })

export const ErrorAnswer = Type.Object(
  {
    code: Type.String({ description: 'a row of the table of errors' }),
    message: Type.String(),
    statusCode: Type.Integer(),
    details: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
  },
  { description: 'every error looks like this' },
)

/** Without control characters, C0 or C1. */
const line = (maxLength: number, description?: string) =>
  Type.String({ maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$', description })

const Url = Type.String({
  maxLength: 8192,
  pattern: '^[Hh][Tt][Tt][Pp][Ss]?:[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  description: 'an http or https URL',
})
const ArtifactName = Type.String({
  pattern: '^(?!.*\\.partial$)[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$',
  description: 'name of an artifact on the board',
})

const strict = { additionalProperties: false } as const
const FILE_FACTS = {
  sha256: Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f]{64}$', description: 'hex' })),
  size: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'bytes' })),
  compression: Type.Optional(
    wordOf(Object.keys(COMPRESSIONS), 'removed before use; without it, the magic of a kernel or device tree decides'),
  ),
}

/** Where a file of a job comes from. */
const Source = Type.Union([
  Url,
  Type.Object({ url: Url, ...FILE_FACTS }, strict),
  Type.Object({ artifact: ArtifactName, ...FILE_FACTS }, strict),
])

const Options = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'end as planned: nothing is loaded' })),
    earlycon: Type.Optional(
      Type.Union([Type.Boolean(), line(256)], {
        description: "add earlycon: true, or its value; without it, the board's setting `earlycon` decides",
      }),
    ),
    force: Type.Optional(Type.Boolean({ default: false, description: 'load a plan that is not survivable' })),
    queue: Type.Optional(Type.Boolean({ default: false, description: 'wait for the board' })),
    watchdog: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3600,
        description: "seconds that the target has to take over the watchdog; 0: none; default: the board's setting",
      }),
    ),
  },
  strict,
)

/** The same set of jobs as `parseJobJson` accepts, but for URLs, of which only the scheme is checked here. */
export const Job = Type.Object(
  {
    name: Type.Optional(line(200)),
    kernel: Source,
    ramdisk: Type.Optional(Source),
    dtb: Type.Optional(Source),
    overlays: Type.Optional(Type.Array(Source, { maxItems: 64 })),
    modules: Type.Optional(Source),
    cmdline: line(8192),
    options: Type.Optional(Options),
  },
  {
    ...strict,
    description: "fauxboot's own form; a KernelCI pull-lab job is recognised by its field `artifacts`",
  },
)

export const JobForm = Type.Object(
  {
    job: Type.String({ description: 'the job as JSON; references to the files of the form may be left out' }),
    kernel: Type.Optional(Type.String({ format: 'binary' })),
    ramdisk: Type.Optional(Type.String({ format: 'binary' })),
    dtb: Type.Optional(Type.String({ format: 'binary' })),
    overlay: Type.Optional(Type.Array(Type.String({ format: 'binary' }))),
    modules: Type.Optional(Type.String({ format: 'binary' })),
  },
  { description: 'the job and its files, in any order' },
)

export const LavaJob = Type.String({ description: 'a LAVA v2 job definition: deploy to tftp or http, boot u-boot' })
export const JobBundle = Type.String({
  format: 'binary',
  description: 'members job.json, kernel, ramdisk, dtb, overlays/*, modules',
})
export const AnyBytes = Type.String({ format: 'binary' })

const JobState = wordOf(JOB_STATES)

export const JobAnswer = Type.Object({
  id: Type.String(),
  name: nullable(Type.String()),
  origin: wordOf(['http', 'tftp', 'console']),
  state: JobState,
  created: Time,
  updated: Time,
  request: Type.Object({}, { additionalProperties: true, description: 'the job in its one form' }),
  artifacts: Type.Array(
    Type.Object({
      role: Type.String(),
      source: Type.String(),
      received: Bytes,
      size: nullable(Bytes),
      sha256: nullable(Sha256),
    }),
  ),
  error: nullable(ErrorAnswer),
  durations: Type.Record(Type.String(), Type.Number(), { description: 'milliseconds spent in each state' }),
  lastWords: nullable(
    Type.Object({
      lines: Type.Integer({ description: "messages of the target's kernel at the end of the log" }),
      panic: nullable(Type.String({ description: 'why that kernel panicked' })),
    }),
  ),
})
export const JobList = Type.Object({ jobs: Type.Array(JobAnswer) })

const Finding = Type.Object({
  check: Type.String(),
  severity: wordOf(['info', 'warning', 'fatal']),
  message: Type.String(),
  remedy: Type.String(),
})

export const Plan = Type.Object(
  { survivable: Type.Boolean(), findings: Type.Array(Finding) },
  { additionalProperties: true, description: 'addresses are lower-case hex strings, sizes numbers' },
)

export const Artifact = Type.Object({
  name: Type.String(),
  size: nullable(Bytes),
  received: Bytes,
  complete: Type.Boolean(),
  sha256: nullable(Sha256),
  usedBy: nullable(Type.String({ description: 'id of a job' })),
})
export const ArtifactList = Type.Object({ artifacts: Type.Array(Artifact) })

export const Board = Type.Object({
  model: nullable(Type.String()),
  compatible: Type.Array(Type.String()),
  machine: Type.String(),
  kernel: Type.String(),
  memory: Type.Object({
    total: Bytes,
    available: Bytes,
    ram: Type.Array(Type.Object({ first: Type.String(), last: Type.String() })),
  }),
  cpus: Type.Object({ possible: Type.Integer({ description: 'CPUs that may ever come online' }) }),
  artifacts: Type.Object({ count: Type.Integer(), stored: Bytes, limit: Bytes }),
  links: Type.Array(
    Type.Object({
      name: Type.String(),
      up: Type.Boolean(),
      mac: nullable(Type.String()),
      addresses: Type.Array(Type.String()),
      kept: Type.Boolean({ description: 'stays up over the jump' }),
    }),
  ),
  watchdogs: Type.Array(
    Type.Object({
      name: Type.String(),
      identity: nullable(Type.String()),
      state: nullable(wordOf(['active', 'inactive'])),
      timeout: nullable(Type.Number({ description: 'seconds' })),
      maxTimeout: nullable(Type.Number({ description: 'seconds' })),
      stopsOnReboot: nullable(Type.Boolean({ description: 'stopped at the jump; null: its driver decides' })),
      nowayout: nullable(Type.Boolean()),
    }),
  ),
  serialLine: nullable(
    Type.Object({
      tty: Type.String(),
      baud: nullable(Type.Integer({ description: 'bits per second' })),
      damage: nullable(
        Type.Object(
          {
            overrun: Type.Integer(),
            frame: Type.Integer(),
            parity: Type.Integer(),
            break: Type.Integer(),
          },
          { description: 'damaged input since the driver was loaded; null: not counted' },
        ),
      ),
    }),
  ),
  start: nullable(
    Type.Object(
      {
        systemd: nullable(Type.Number()),
        process: Type.Number({ description: "the agent's process" }),
        agent: Type.Number({ description: "the agent's own code" }),
        countdown: nullable(Type.Number({ description: 'on the console; null without one' })),
        ready: nullable(Type.Number({ description: 'the agent answers' })),
      },
      { description: 'when the start came to each point, seconds since the kernel started' },
    ),
  ),
  kexec: Type.Object({ loaded: nullable(Type.Boolean()) }),
  owner: nullable(Type.String({ description: 'id of the job that owns the board' })),
  queued: Type.Array(Type.String()),
  findings: Type.Array(Finding),
})

const SlotName = wordOf(['a', 'b'], 'slot of the SD card')
export const FirstStage = Type.Object({
  slot: nullable(SlotName),
  trial: Type.Boolean({
    description: 'it is being tried: unless it is confirmed, the board starts from the other slot next time',
  }),
})
export const WrittenUpdate = Type.Object({ slot: SlotName, size: Bytes, sha256: Sha256 })

export const Health = Type.Object({
  status: Type.Literal('ok'),
  version: Type.String(),
  uptime: Type.Number({ description: 'seconds' }),
})

export const Text = Type.String()

export const JobParams = Type.Object({ id: Type.String() })
export const ArtifactParams = Type.Object({ name: Type.String() })

export const JobQuery = Type.Object(
  { dryRun: Type.Optional(wordOf(['true', 'false'], 'plan and check, but load nothing, whatever the job says')) },
  { additionalProperties: false },
)
export const PlanQuery = Type.Object(
  { format: Type.Optional(wordOf(['json', 'svg', 'text'])) },
  { additionalProperties: false },
)
export const EventsQuery = Type.Object(
  { after: Type.Optional(Type.Integer({ minimum: 0, description: 'sequence number of the last event seen' })) },
  { additionalProperties: false },
)
export const UploadQuery = Type.Object(
  { sha256: Type.Optional(Type.String({ description: 'required digest of the whole artifact, hex' })) },
  { additionalProperties: false },
)
export const ImageQuery = Type.Object(
  { sha256: Type.Optional(Type.String({ description: 'required digest of the image, hex' })) },
  { additionalProperties: false },
)
