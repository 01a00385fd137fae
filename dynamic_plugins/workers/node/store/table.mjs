/** Records by their id, as a database keeps them: what is put in and what is given out are copies. */

import { randomUUID } from 'node:crypto'

/**
 * @typedef {{id: string} & Record<string, any>} Stored
 */

/** One kind of record. */
export class Table {
  /**
   * @param {string} [kind] names these records in the journal; those of a table without a name are gone with the worker
   * @param {import('./journal.mjs').Journal} [journal]
   */
  constructor(kind, journal) {
    this._kind = kind
    this._journal = journal
    /** @type {Map<string, Stored>} */
    this._records = journal?.records(kind) ?? new Map()
  }

  /**
   * Keep a record, in place of one with the same id.
   * @param {Record<string, any>} record one without an id gets one
   * @returns {string} its id
   */
  put(record) {
    const id = record.id ?? randomUUID()
    const kept = copyOf({ ...record, id })
    this._records.set(id, kept)
    this._journal?.put(this._kind, kept)
    return id
  }

  /**
   * Change the given fields of a record, or keep it as a new one.
   * @param {string} id
   * @param {Record<string, any>} changes
   */
  merge(id, changes) {
    this.put({ ...this._records.get(id), ...changes, id })
  }

  /** Return a record, or null. @param {string} id */
  get(id) {
    const record = this._records.get(id)
    return record === undefined ? null : copyOf(record)
  }

  /** Return the records that there are of these, in the order asked for. @param {string[]} ids */
  pick(ids) {
    return ids.map((id) => this.get(id)).filter((record) => record !== null)
  }

  /** Whether there is a record with this id. @param {string} id */
  has(id) {
    return this._records.has(id)
  }

  /**
   * Return the records that *fits* is true of, oldest first; all of them without it.
   * @param {(record: Stored) => boolean} [fits] must not change the record
   */
  where(fits = () => true) {
    return [...this._records.values()].filter(fits).map(copyOf)
  }

  /** Return the first record that *fits* is true of, or null. @param {(record: Stored) => boolean} fits */
  first(fits) {
    for (const record of this._records.values()) if (fits(record)) return copyOf(record)
    return null
  }

  /** Remove a record; true where there was one. @param {string} id */
  remove(id) {
    const wasThere = this._records.delete(id)
    if (wasThere) this._journal?.remove(this._kind, id)
    return wasThere
  }

  /** Remove the records that *fits* is true of. @param {(record: Stored) => boolean} fits */
  removeWhere(fits) {
    for (const [id, record] of this._records) if (fits(record)) this.remove(id)
  }

  /**
   * Remove the oldest of the records that *fits* is true of, beyond *limit*.
   * @param {number} limit
   * @param {(record: Stored) => boolean} [fits]
   */
  keepNewest(limit, fits = () => true) {
    const those = [...this._records.values()].filter(fits)
    for (const { id } of those.slice(0, Math.max(0, those.length - limit))) this.remove(id)
  }
}

/**
 * Return a test for records that have these values; a field that is not given fits everything.
 * @param {Record<string, any>} wanted
 * @returns {(record: Stored) => boolean}
 */
export function having(wanted) {
  const fields = Object.entries(wanted).filter(([, value]) => value !== undefined && value !== null)
  return (record) => fields.every(([name, value]) => record[name] === value)
}

/** A record may hold what cannot be copied, such as a function: then its fields are shared. */
function copyOf(record) {
  try {
    return structuredClone(record)
  } catch {
    return { ...record }
  }
}
