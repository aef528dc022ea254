/** An event of a job as one line of plain text. */

import type { JobEvent } from '../../agent/boot/jobs/job.js'

/** @returns null for progress */
export function eventLine(event: JobEvent): string | null {
  switch (event.type) {
    case 'progress':
      return null
    case 'state':
      return event.error ? `${event.state}: ${event.error.message}` : event.state
    case 'finding':
      return `${event.severity}: ${event.message}`
    case 'log':
      return event.message
  }
}
