/**
 * A file that what is stored outlives the worker in: one line for each change, `{"kind", "id", "record"}`, and without a
 * record where it was removed. A worker may be killed at any moment: a line that was cut off is passed over.
 */

import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs'

// Lines that later ones have made idle are dropped at the next start once there are more of them than of others.
const IDLE_LINES = 200
const PRIVATE = 0o600

/** The changes of all records, by kind. */
export class Journal {
  /**
   * @param {string | null} file null for a store that is gone with the worker
   * @param {(level: string, text: string) => void} [log]
   */
  constructor(file, log = () => {}) {
    this._file = file
    this._log = log
    this._descriptor = null
    /** @type {Map<string, Map<string, object>>} */
    this._found = new Map()
    if (file !== null) this._read()
  }

  /** Return the records of one kind, by id, as the last worker left them. @param {string} kind */
  records(kind) {
    if (!this._found.has(kind)) this._found.set(kind, new Map())
    return this._found.get(kind)
  }

  /** Keep a record. @param {string} kind @param {{id: string}} record */
  put(kind, record) {
    this._append({ kind, id: record.id, record })
  }

  /** Forget a record. @param {string} kind @param {string} id */
  remove(kind, id) {
    this._append({ kind, id })
  }

  _append(change) {
    if (this._file === null) return
    const line = asLine(change)
    if (line !== null) writeSync(this._open(), line)
  }

  /** Another process may have put a shorter file in place of the one that is open. */
  _open() {
    if (this._descriptor !== null) {
      if (fstatSync(this._descriptor).ino === statSync(this._file, { throwIfNoEntry: false })?.ino) return this._descriptor
      closeSync(this._descriptor)
    }
    this._descriptor = openSync(this._file, 'a', PRIVATE)
    return this._descriptor
  }

  _read() {
    const text = statSync(this._file, { throwIfNoEntry: false }) ? readFileSync(this._file, 'utf8') : ''
    const lines = text.split('\n').filter((line) => line !== '')
    const unread = lines.filter((line) => !this._apply(line)).length
    if (unread > 0) this._log('warning', `${unread} of ${lines.length} lines of what it has stored cannot be read`)
    const kept = [...this._found.values()].reduce((sum, records) => sum + records.size, 0)
    if (unread > 0 || lines.length > 2 * kept + IDLE_LINES) this._rewrite()
  }

  /** Take over what one line says; false where it says nothing. */
  _apply(line) {
    try {
      const { kind, id, record } = JSON.parse(line)
      if (record === undefined) this.records(kind).delete(id)
      else this.records(kind).set(id, record)
      return true
    } catch {
      return false
    }
  }

  _rewrite() {
    const lines = [...this._found].flatMap(([kind, records]) => [...records.values()].map((record) => [kind, record]))
    const shorter = `${this._file}.new`
    writeFileSync(shorter, lines.map(([kind, record]) => asLine({ kind, id: record.id, record })).join(''), { mode: PRIVATE })
    renameSync(shorter, this._file)
  }
}

/** Return null for what has no form as JSON: it lives in memory alone. */
function asLine(change) {
  try {
    return `${JSON.stringify(change, (_name, value) => plainValue(value))}\n`
  } catch {
    return null
  }
}

function plainValue(value) {
  if (typeof value === 'bigint') return Number(value)
  // Embeddings often are typed arrays.
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value) : value
}
