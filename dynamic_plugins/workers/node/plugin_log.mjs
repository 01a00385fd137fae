/**
 * What a plugin writes to elizaOS' log as an error while one of its actions is called.
 *
 * Many handlers report a failure to nobody else: they log it and return false, or nothing.
 */

import { currentCall } from './host_model.mjs'
import { describeError } from './plain.mjs'

const MAX_KEPT = 3
const MAX_LENGTH = 300

/**
 * Have *loggers* add what is logged as an error to the call that is being made (`logged`), and log it as before. What is
 * no logger, and a logger that cannot be changed, is left alone.
 * @param {...(object | undefined)} loggers
 */
export function keepErrors(...loggers) {
  for (const logger of new Set(loggers)) {
    const write = logger?.error
    if (typeof write !== 'function') continue
    try {
      logger.error = function error(...parts) {
        keep(parts)
        return write.apply(this ?? logger, parts)
      }
    } catch { /* a frozen one */ }
  }
}

function keep(parts) {
  const logged = currentCall.getStore()?.logged
  if (logged === undefined) return
  try {
    const text = lineOf(parts).slice(0, MAX_LENGTH)
    if (text === '' || logged.includes(text)) return
    logged.push(text)
    if (logged.length > MAX_KEPT) logged.shift()
  } catch { /* what cannot be read is logged all the same */ }
}

/** Return one line of what a logger was given: texts first, then the errors that they are about. */
function lineOf(parts) {
  const texts = parts.filter((part) => typeof part === 'string' && part.trim() !== '').map((text) => text.trim())
  const errors = parts.flatMap(errorsIn).filter((error) => !texts.some((text) => text.includes(error)))
  return [...texts, ...new Set(errors)].join(' ').replace(/\s+/g, ' ')
}

/** An error is logged by itself, or as a field of a record of facts. */
function errorsIn(part) {
  if (part instanceof Error) return [describeError(part)]
  if (part === null || typeof part !== 'object') return []
  return [part.error, part.err].filter(Boolean).map(describeError)
}
