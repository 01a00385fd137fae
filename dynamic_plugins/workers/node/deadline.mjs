/** A bound on how long something of a plugin's is waited for. It may go on after that; nobody listens any more. */

/** So long is waited for what a plugin does before its first answer: its init, the start of a service. */
export const START_MS = 15_000
export const LATE_START = `it takes more than ${START_MS / 1000} s`

/**
 * Return what *work* gives, or raise an Error with the text *late* once it has taken too long.
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T> | T} work
 * @param {string} late
 * @returns {Promise<T>}
 */
export async function within(milliseconds, work, late) {
  let timer
  const deadline = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(late)), milliseconds) })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}
