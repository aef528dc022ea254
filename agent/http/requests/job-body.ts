/** The forms in which a job may be sent: one parser for each media type, all of them of `agent/boot`. */

import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Boot } from '../../boot/boot.js'
import type { JobRequest } from '../../boot/jobs/job.js'
import { fault } from '../../errors.js'
import type { HttpConfig } from '../http-config.js'
import { withBody } from './request-body.js'

const JSON_TYPE = 'application/json'
/** RFC 9512 registers the first; the others were in use before. */
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml']
const FORM_TYPE = 'multipart/form-data'
const BUNDLE_TYPE = 'application/zip'

/** Media types that `POST /v1/jobs` reads. */
export const JOB_MEDIA_TYPES = [JSON_TYPE, ...YAML_TYPES, FORM_TYPE, BUNDLE_TYPE]

/** Make `request.body` a `JobRequest`, whatever the job was sent as. */
export function addJobParsers(app: FastifyInstance, { artifacts }: Boot, config: HttpConfig): void {
  /** Refuse files that cannot fit before the first byte. What is not a file has at most as many bytes as a description. */
  const checkLength = ({ headers }: IncomingMessage): Promise<void> =>
    artifacts.checkRoom('the job with its files', Number(headers['content-length'] ?? 0) - config.jobBodyLimit)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'string' }, async (_request: FastifyRequest, text: string) =>
    readJson(text, config),
  )
  app.addContentTypeParser(YAML_TYPES, { parseAs: 'string' }, async (_request: FastifyRequest, text: string) => {
    const { parseJobLava } = await import('../../boot/requests/lava.js')
    return parseJobLava(text, config.lab)
  })
  app.addContentTypeParser(FORM_TYPE, async ({ raw }: FastifyRequest) => {
    const { receiveForm } = await import('../../boot/requests/form.js')
    const contentType = raw.headers['content-type'] ?? FORM_TYPE
    return withBody(raw, async chunks => {
      await checkLength(raw)
      return receiveForm(chunks, contentType, artifacts, config.jobBodyLimit)
    })
  })
  app.addContentTypeParser(BUNDLE_TYPE, async ({ raw }: FastifyRequest) => {
    const { receiveBundle } = await import('../../boot/requests/bundle.js')
    return withBody(raw, async chunks => {
      await checkLength(raw)
      return receiveBundle(chunks, artifacts)
    })
  })
}

async function readJson(text: string, config: HttpConfig): Promise<JobRequest> {
  const value = parseJson(text)
  // A pull-lab job has its files in `artifacts`; a job of our own never has this field.
  if (typeof value === 'object' && value !== null && 'artifacts' in value) {
    const { parseJobKernelci } = await import('../../boot/requests/kernelci.js')
    return parseJobKernelci(value, config.lab)
  }
  const { parseJobJson } = await import('../../boot/requests/json.js')
  return parseJobJson(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault('JOB_INVALID', { where: 'the body', reason: `is not JSON: ${reason}` }, thrown)
  }
}
