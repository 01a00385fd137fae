/**
 * Keeps two processes out of one folder. Node has no lock that the system would release, and process ids mean nothing
 * between two fences: a thread touches a file every second, and one that has not been touched for long is left over.
 */

import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const BEAT_MS = 1000
const LEFT_OVER_MS = 5000
const POLL_MS = 100

// In a thread of its own, since a database's start keeps the main one busy for seconds.
const HEARTBEAT = `
const { utimesSync } = require('node:fs')
const { workerData: { file, beat } } = require('node:worker_threads')
setInterval(() => {
  try { utimesSync(file, new Date(), new Date()) } catch {}
}, beat)
`

const held = new Set()

/**
 * Hold the lock *file* until this process ends. Waits for one that a killed process has left.
 * @param {string} file
 * @returns {Promise<boolean>} false where another process holds it
 */
export async function holdLock(file) {
  if (held.has(file)) return true
  const token = randomUUID()
  const until = Date.now() + LEFT_OVER_MS + BEAT_MS
  while (!(await take(file, token))) {
    if (Date.now() > until) return false
    await pause(POLL_MS)
  }
  held.add(file)
  new Worker(HEARTBEAT, { eval: true, workerData: { file, beat: BEAT_MS } }).unref()
  process.on('exit', () => release(file, token))
  return true
}

async function take(file, token) {
  try {
    if (isLeftOver(file)) rmSync(file, { force: true })
    writeFileSync(file, token, { flag: 'wx' })
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  // Another process that found the same left-over file may have removed ours in its place.
  await pause(POLL_MS)
  return isOurs(file, token)
}

function isLeftOver(file) {
  const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity }
  return Date.now() - mtimeMs > LEFT_OVER_MS
}

function release(file, token) {
  if (isOurs(file, token)) rmSync(file, { force: true })
}

function isOurs(file, token) {
  try {
    return readFileSync(file, 'utf8') === token
  } catch {
    return false
  }
}
