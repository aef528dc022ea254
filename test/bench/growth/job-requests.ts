/** The two requests of a job that a measurement makes. */

import type { JobState } from '../../../agent/boot/jobs/job.js'

/** Submit a job. @returns its id */
export async function submit(agent: string, job: object): Promise<string> {
  const response = await fetch(`${agent}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(job),
  })
  const answer = (await response.json()) as { readonly id?: string }
  if (answer.id === undefined) throw new Error(`the agent refused the job: ${JSON.stringify(answer)}`)
  return answer.id
}

/** The events of a job, up to its end. */
export async function* jobEvents(agent: string, id: string): AsyncGenerator<{ readonly state?: JobState }> {
  const response = await fetch(`${agent}/v1/jobs/${id}/events`)
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data:')) yield JSON.parse(line.slice('data:'.length))
  }
}
